"""Mail over SMTP, by the standard library's client."""

from __future__ import annotations

import contextlib
import hashlib
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any, ClassVar, Literal

import msgspec

from watchword.core.errors import Invalid, Unavailable
from watchword.core.host import is_loopback
from watchword.notices.port import Channel, Notice, demand_sendable

_RETRY = "It is tried again; `watchword doctor` says what the mail server answers."


class SmtpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail goes out.

    *tls*: `starttls` (port 587), `implicit` (port 465), or `none`, which is taken for a loopback *host* alone: codes do
    not travel in the clear. Certificates are always verified, against *ca_file* (PEM) or the system's authorities.
    """

    host: str
    port: int
    sender: str
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    ca_file: str | None = None
    username: str | None = None
    password: str | None = None
    timeout_s: float = 10.0

    def __repr__(self) -> str:
        """Without the password."""
        return f"SmtpSettings(host={self.host!r}, port={self.port}, tls={self.tls!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("host", self.host), ("port", self.port), ("tls", self.tls)]


class SmtpMail:
    """One connection per notice; safe to use from several threads."""

    channel: ClassVar[Channel] = "mail"
    simulated: ClassVar[bool] = False

    def __init__(self, settings: SmtpSettings) -> None:
        """Raise `Invalid` when *settings* would send in the clear, or name a file of authorities nobody can read."""
        if settings.tls == "none" and not is_loopback(settings.host):
            raise Invalid(
                f"Mail to {settings.host} would travel in the clear, codes included.",
                "Set smtp.tls to starttls or implicit; none is for a server on this machine.",
                where="smtp.tls",
            )
        self._address = parseaddr(settings.sender)[1]
        if not settings.sender.isprintable() or not self._address.isascii() or self._address.count("@") != 1:
            raise Invalid("The sender is not one plain address.", "Set smtp.sender.", where="smtp.sender")
        try:
            self._tls = ssl.create_default_context(cafile=settings.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise Invalid(
                f"The certificate authorities in {settings.ca_file} can not be read: {error}.",
                "Name a readable PEM file.",
                where="smtp.ca_file",
            ) from error
        self._settings = settings

    def send(self, notice: Notice) -> str:
        """See `Notifier.send`; the id is the Message-ID, so that a mail sent twice can be recognised."""
        recipient = demand_sendable(notice, self.channel)
        message = self._message(notice, recipient)
        try:
            smtp = self._connect()
            try:
                smtp.send_message(message, self._address, [recipient])
            finally:
                # Whatever becomes of the farewell, the server has answered for the mail already.
                with contextlib.suppress(smtplib.SMTPException, OSError):
                    smtp.quit()
        except smtplib.SMTPRecipientsRefused as error:
            code = error.recipients[recipient][0]
            raise _refused("The mail server refused the recipient", code, permanent=code >= 500) from error
        except smtplib.SMTPDataError as error:
            code = error.smtp_code
            raise _refused("The mail server refused the mail", code, permanent=code >= 500) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Unavailable(
                f"{self._settings.host} does not offer what smtp.tls and smtp.username ask for; nothing was sent.",
                "Have STARTTLS and authentication switched on there, or set smtp.tls to what it offers.",
            ) from error
        except smtplib.SMTPResponseException as error:
            # Sender, greeting or password refused: our set-up is wrong, not this notice, which waits until it is right.
            raise _refused("The mail server refused us", error.smtp_code, permanent=False) from error
        except ssl.SSLError as error:
            raise Unavailable(
                f"{self._settings.host} did not prove who it is: {error.reason or 'TLS failed'}.",
                "Name the authority that issued its certificate in smtp.ca_file.",
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(
                f"{self._settings.host}:{self._settings.port} does not answer ({type(error).__name__}).", _RETRY
            ) from error
        return str(message["Message-ID"])

    def _connect(self) -> smtplib.SMTP:
        s = self._settings
        if s.tls == "implicit":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(s.host, s.port, timeout=s.timeout_s, context=self._tls)
        else:
            smtp = smtplib.SMTP(s.host, s.port, timeout=s.timeout_s)
        try:
            if s.tls == "starttls":
                smtp.starttls(context=self._tls)
            if s.username is not None:
                smtp.login(s.username, s.password or "")
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _message(self, notice: Notice, recipient: str) -> EmailMessage:
        """Everything follows from the notice, so that a second attempt has the same bytes."""
        message = EmailMessage(policy=SMTP)
        message["From"] = self._settings.sender
        message["To"] = recipient
        message["Subject"] = notice.subject
        message["Date"] = format_datetime(notice.at)
        domain = self._address.rpartition("@")[2]
        message["Message-ID"] = f"<{hashlib.sha256(notice.id.encode()).hexdigest()[:40]}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no out-of-office answers
        message.set_content(notice.text)
        return message


def _refused(what: str, code: int, *, permanent: bool) -> Invalid | Unavailable:
    """The server's own words are left out: they repeat the address."""
    if permanent:
        return Invalid(
            f"{what} for good (SMTP {code}).",
            "Use another method for this person, and have the address of record checked.",
            where="notice",
        )
    return Unavailable(f"{what} (SMTP {code}).", _RETRY)
