"""E-mail, by an SMTP server whose certificate is verified."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from typing import NamedTuple

_PATIENCE_SECONDS = 15
# A link must not be broken in two: no line is long enough to be.
_POLICY = SMTP.clone(max_line_length=998)


class MailServer(NamedTuple):
    host: str
    port: int
    is_implicit_tls: bool
    """TLS from the first byte; otherwise by STARTTLS, and nothing is sent without."""
    user: str
    password: str


def write(subject: str, text: str, *, sender: str, to: str) -> EmailMessage:
    message = EmailMessage(_POLICY)
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2])
    message.set_content(text)
    return message


def send(message: EmailMessage, server: MailServer) -> None:
    """Raises OSError, which smtplib's and ssl's errors are, when the server does not take it or is not who it says."""
    with _signed_in(server) as smtp:
        smtp.send_message(message)


def check(server: MailServer) -> None:
    """Signs in and sends nothing. Raises OSError like `send`."""
    with _signed_in(server) as smtp:
        smtp.noop()


@contextmanager
def _signed_in(server: MailServer) -> Iterator[smtplib.SMTP]:
    trusted = ssl.create_default_context()
    if server.is_implicit_tls:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=_PATIENCE_SECONDS, context=trusted)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=_PATIENCE_SECONDS)
    with smtp:
        if not server.is_implicit_tls:
            smtp.starttls(context=trusted)
        if server.user:
            smtp.login(server.user, server.password)
        yield smtp
