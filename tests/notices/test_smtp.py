"""Mail through a real SMTP server: the contract, TLS, what a server may answer, and what is in the mail."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.notices.conftest import PASSWORD, Authority, Mailroom, closed_port
from watchword.core.account import Contact
from watchword.core.errors import Invalid, Unavailable
from watchword.notices.contract import NotifierContract
from watchword.notices.port import Notice, Notifier
from watchword.notices.smtp import SmtpMail, SmtpSettings

NOTICE = Notice(
    id="case/7/notice/1",
    kind="code",
    to=Contact(kind="mail", value="mara.vogt@example.test", changed_at=None),
    subject="Your recovery code",
    text="4711 0815\n",
    at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
)


def settings(port: int) -> SmtpSettings:
    """A server on this machine, without TLS."""
    return SmtpSettings(host="127.0.0.1", port=port, sender="Recovery <desk@example.test>", tls="none", timeout_s=2)


class TestSmtp(NotifierContract):
    """Mail over SMTP."""

    @pytest.fixture(autouse=True)
    def _server(self, mailroom: Mailroom, plain_port: int) -> None:
        """The server."""
        self.mailroom, self.port = mailroom, plain_port

    def notifier(self) -> Notifier:
        """A server that answers."""
        return SmtpMail(settings(self.port))

    def away(self) -> Notifier:
        """A port where nobody listens."""
        return SmtpMail(settings(closed_port()))

    def arrived(self) -> tuple[str, ...]:
        """What the server took."""
        return self.mailroom.texts()


def test_mail(mailroom: Mailroom, plain_port: int) -> None:
    """A mail has sender, recipient, subject and date, asks for no automatic answers, and its id is the one returned."""
    sent = SmtpMail(settings(plain_port)).send(NOTICE)
    (mail,) = mailroom.received
    assert mail["From"] == "Recovery <desk@example.test>"
    assert mail["To"] == "mara.vogt@example.test"
    assert mail["Subject"] == "Your recovery code"
    assert mail["Date"] == "Mon, 02 Mar 2026 09:00:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == sent
    assert sent.endswith("@example.test>")
    assert "case" not in sent


def test_sender_with_a_name_beyond_ascii(mailroom: Mailroom, plain_port: int) -> None:
    """A sender's name in any script needs nothing special from the server."""
    SmtpMail(replace(settings(plain_port), sender="Zoë am Schalter <desk@example.test>")).send(NOTICE)
    assert mailroom.received[0]["From"] == "Zoë am Schalter <desk@example.test>"


def test_repeat_has_the_same_bytes(mailroom: Mailroom, plain_port: int) -> None:
    """A mail sent twice after silence is the same mail, so that a mailbox may show it once."""
    for _ in range(2):
        SmtpMail(settings(plain_port)).send(NOTICE)
    one, two = mailroom.received
    for mail in (one, two):
        del mail["X-Peer"]
    assert one.as_bytes() == two.as_bytes()


def test_starttls_and_login(mailroom: Mailroom, starttls_port: int, authority: Authority) -> None:
    """The certificate is verified, the password goes through TLS alone, and the mail arrives."""
    secure = replace(
        settings(starttls_port),
        tls="starttls",
        ca_file=str(authority.ca_file),
        username="desk",
        password=PASSWORD,
    )
    SmtpMail(secure).send(NOTICE)
    assert mailroom.texts() == ("4711 0815",)
    with pytest.raises(Unavailable, match="SMTP 535"):
        SmtpMail(replace(secure, password="wrong")).send(NOTICE)
    assert "correct-horse" not in repr(secure)


def test_unknown_authority(mailroom: Mailroom, starttls_port: int) -> None:
    """A certificate nobody vouches for gets no mail, and the error says which setting to look at."""
    with pytest.raises(Unavailable, match=r"smtp\.ca_file"):
        SmtpMail(replace(settings(starttls_port), tls="starttls")).send(NOTICE)
    assert mailroom.received == []


def test_no_starttls_offered(mailroom: Mailroom, plain_port: int) -> None:
    """A server without STARTTLS, or somebody in between who takes the offer out, gets nothing in the clear."""
    with pytest.raises(Unavailable, match="nothing was sent"):
        SmtpMail(replace(settings(plain_port), tls="starttls")).send(NOTICE)
    assert mailroom.received == []


def test_implicit_tls_to_a_plain_server(plain_port: int) -> None:
    """A server that speaks no TLS where TLS is expected is `Unavailable`."""
    with pytest.raises(Unavailable):
        SmtpMail(replace(settings(plain_port), tls="implicit", timeout_s=0.5)).send(NOTICE)


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
@pytest.mark.parametrize(
    ("reply", "fault"), [("550 mara.vogt@example.test unknown", Invalid), ("451 try later", Unavailable)]
)
def test_server_refuses(
    mailroom: Mailroom, plain_port: int, stage: str, reply: str, fault: type[Invalid | Unavailable]
) -> None:
    """A refusal for good is `Invalid`, one for the moment `Unavailable`; the server's words stay out of the error."""
    mailroom.answers[stage] = reply
    with pytest.raises(fault, match=f"SMTP {reply[:3]}") as caught:
        SmtpMail(settings(plain_port)).send(NOTICE)
    assert "mara" not in str(caught.value)
    assert caught.value.remedy


def test_server_hangs_up_and_keeps_silent() -> None:
    """A server that takes the connection and says nothing is `Unavailable` when the time is up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        quiet = replace(settings(server.getsockname()[1]), timeout_s=0.2)
        with pytest.raises(Unavailable, match="does not answer"):
            SmtpMail(quiet).send(NOTICE)


@pytest.mark.parametrize("host", ["mail.example.test", "192.0.2.7", "0.0.0.0"])
def test_nothing_in_the_clear(host: str) -> None:
    """Mail without TLS leaves this machine for nowhere."""
    with pytest.raises(Invalid, match="in the clear"):
        SmtpMail(replace(settings(25), host=host))
    SmtpMail(replace(settings(25), host="localhost"))


def test_bad_settings(tmp_path: Path) -> None:
    """A sender that is no address and a file that is no authority are found when the channel is built."""
    for make in bad_settings(tmp_path):
        with pytest.raises(Invalid, match=r"smtp\."):
            SmtpMail(make())


def bad_settings(folder: Path) -> tuple[Callable[[], SmtpSettings], ...]:
    """Settings that can not work."""
    (folder / "no.pem").write_text("no certificate")
    return (
        lambda: replace(settings(25), sender="desk"),
        lambda: replace(settings(25), sender="desk@example.test\nBcc: all@example.test"),
        lambda: replace(settings(25), ca_file=str(folder / "missing.pem")),
        lambda: replace(settings(25), ca_file=str(folder / "no.pem")),
    )
