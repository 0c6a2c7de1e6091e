"""A mail server for the tests, with a certificate of a test's own authority."""

import asyncio
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from socket import socket
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session

_PATIENCE_SECONDS = 10
USER, PASSWORD = "till", "mail-server-secret"


@dataclass
class Mailbox:
    """What has been delivered at `port`."""

    port: int
    messages: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: object, session: Session, envelope: Envelope) -> str:
        assert session.authenticated
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 OK"

    def wait_for(self, count: int) -> list[EmailMessage]:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while len(self.messages) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.messages) == count
        return self.messages


def _sign_in(_server: object, _session: object, _envelope: object, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login.decode(), data.password.decode()) == (USER, PASSWORD), handled=False)


@contextmanager
def mail_server(certificate: trustme.LeafCert, *, is_implicit_tls: bool = False) -> Iterator[Mailbox]:
    """Takes only what is sent by TLS and after signing in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    tls: dict[str, Any] = {"tls_context": context, "require_starttls": True, "auth_required": True}
    if is_implicit_tls:
        tls = {"ssl_context": context, "auth_require_tls": False}
    mailbox = Mailbox(_free_port())
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=mailbox.port,
        server_hostname="localhost",
        ready_timeout=_PATIENCE_SECONDS,
        authenticator=_sign_in,
        **tls,
    )
    controller.start()
    try:
        yield mailbox
    finally:
        asyncio.run_coroutine_threadsafe(_hang_up(), controller.loop).result(_PATIENCE_SECONDS)
        controller.stop()


async def _hang_up() -> None:
    """Waits until every client has gone: a server that is stopped before leaves its sockets open."""
    while len(asyncio.all_tasks()) > 1:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)


def _free_port() -> int:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def trust_only(authority: trustme.CA, folder: Path) -> str:
    """The file of an authority, for SSL_CERT_FILE."""
    path = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)
