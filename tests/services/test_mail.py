"""E-mail goes only to the server that is meant, and only encrypted."""

import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path
from socket import create_server
from threading import Thread

import pytest
import trustme

from services import mail
from services.mail import MailServer
from tests.mailbox import PASSWORD, USER, Mailbox, mail_server, trust_only

LINK = "https://till.example.com/a-path-that-is-rather-long/reset-password/" + "x" * 43


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    """The only one that is trusted."""
    authority = trustme.CA()
    monkeypatch.setenv("SSL_CERT_FILE", trust_only(authority, tmp_path))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    return authority


@pytest.fixture(params=[False, True], ids=["STARTTLS", "implicit TLS"])
def is_implicit_tls(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def mailbox(authority: trustme.CA, is_implicit_tls: bool) -> Iterator[Mailbox]:
    with mail_server(authority.issue_cert("localhost"), is_implicit_tls=is_implicit_tls) as mailbox:
        yield mailbox


def send(mailbox: Mailbox, is_implicit_tls: bool, password: str = PASSWORD, host: str = "localhost") -> None:
    message = mail.write("A subject", f"Words.\n\n{LINK}\n", sender="Tillbook <till@example.com>", to="tim@example.com")
    mail.send(message, MailServer(host, mailbox.port, is_implicit_tls, USER, password))


def test_a_message_arrives_as_it_was_written(mailbox: Mailbox, is_implicit_tls: bool) -> None:
    send(mailbox, is_implicit_tls)
    [message] = mailbox.wait_for(1)
    assert (message["From"], message["To"], message["Subject"]) == (
        "Tillbook <till@example.com>",
        "tim@example.com",
        "A subject",
    )
    assert message["Message-ID"].endswith("@example.com>")
    assert message["Date"]
    assert LINK in str(message.get_payload()).splitlines()


def test_nothing_goes_to_a_server_of_another_authority(authority: trustme.CA, is_implicit_tls: bool) -> None:
    with mail_server(trustme.CA().issue_cert("localhost"), is_implicit_tls=is_implicit_tls) as foreign:
        with pytest.raises(ssl.SSLCertVerificationError):
            send(foreign, is_implicit_tls)
        assert foreign.messages == []


def test_nothing_goes_to_a_server_of_another_name(authority: trustme.CA, is_implicit_tls: bool) -> None:
    with mail_server(authority.issue_cert("other.example.com"), is_implicit_tls=is_implicit_tls) as other:
        with pytest.raises(ssl.SSLCertVerificationError):
            send(other, is_implicit_tls)
        assert other.messages == []


def test_nothing_is_sent_in_the_clear() -> None:
    """A server, or somebody in between, who says that there is no TLS gets neither password nor message."""
    heard = []

    def speak() -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rwb", buffering=0) as lines:
            lines.write(b"220 localhost\r\n")
            while line := lines.readline():
                heard.append(line)
                lines.write(b"221 Bye\r\n" if line.lower().startswith(b"quit") else b"250 localhost\r\n")

    with create_server(("127.0.0.1", 0)) as listening:
        server = Thread(target=speak)
        server.start()
        with pytest.raises(smtplib.SMTPNotSupportedError):
            send(Mailbox(listening.getsockname()[1]), is_implicit_tls=False)
        server.join()
    assert [line.split()[0].lower() for line in heard] == [b"ehlo", b"quit"]


def test_a_wrong_password_of_the_server_is_an_error(mailbox: Mailbox, is_implicit_tls: bool) -> None:
    with pytest.raises(smtplib.SMTPAuthenticationError):
        send(mailbox, is_implicit_tls, password="wrong")
    assert mailbox.messages == []


@pytest.mark.parametrize("address", ["tim@example.com\r\nBcc: x@example.com", "tim@example.com\nx"])
def test_an_address_cannot_add_a_header(address: str) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        mail.write("A subject", "Words", sender="till@example.com", to=address)
