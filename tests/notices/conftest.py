"""A real SMTP server in a thread, with and without TLS, and a certificate authority for it."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.notices.receiver import Receiver, receiving

PASSWORD = "correct-horse"


class Mailroom:
    """The far end: keeps what arrives; *answers* overrides its reply at `RCPT` or `DATA`."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.answers: dict[str, str] = {}

    async def handle_RCPT(  # the hook's name is aiosmtpd's
        self, server: object, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Take or refuse one recipient."""
        if reply := self.answers.get("RCPT"):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: object, session: Session, envelope: Envelope) -> str:
        """Take or refuse one mail."""
        if reply := self.answers.get("DATA"):
            return reply
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        assert envelope.rcpt_tos == [message["To"]]
        self.received.append(message)
        return "250 OK"

    def texts(self) -> tuple[str, ...]:
        """What arrived, as a person reads it."""
        return tuple(m.get_content().replace("\r\n", "\n").rstrip() for m in self.received)


class Authority:
    """A certificate for 127.0.0.1, and the authority that issued it, as files."""

    def __init__(self, folder: Path) -> None:
        now = datetime.now(UTC)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example test authority")])
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
            .sign(key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(pem)
        (folder / "server.pem").write_bytes(pem + secret)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(folder / "server.pem")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One authority for all tests."""
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def mailroom() -> Mailroom:
    """An empty mailroom."""
    return Mailroom()


@pytest.fixture
def plain_port(mailroom: Mailroom) -> Iterator[int]:
    """The port of a server without TLS."""
    yield from _serve(Controller(mailroom, hostname="127.0.0.1", port=closed_port()))


@pytest.fixture
def starttls_port(mailroom: Mailroom, authority: Authority) -> Iterator[int]:
    """The port of a server that insists on STARTTLS and a password."""

    def authenticate(server: object, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
        return AuthResult(success=good, handled=False)

    yield from _serve(
        Controller(
            mailroom,
            hostname="127.0.0.1",
            port=closed_port(),
            tls_context=authority.server,
            require_starttls=True,
            authenticator=authenticate,
            auth_required=True,
        )
    )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The far end of a text service."""
    with receiving() as answering:
        yield answering


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _serve(controller: Controller) -> Iterator[int]:
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
