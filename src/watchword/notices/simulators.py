"""A mailbox, a telephone and a text service that keep what they would have sent, for demos, and say that they do."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import msgspec

from watchword.core.errors import Invalid, Unavailable
from watchword.notices.port import Channel, Notice, demand_sendable
from watchword.notices.sms import demand_text

_SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, channel TEXT NOT NULL, recipient TEXT NOT NULL,
    subject TEXT NOT NULL, text TEXT NOT NULL, at TEXT
)
"""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that would have reached *recipient* (an address or an E.164 number).

    Calls have neither subject nor time, texts no subject.
    """

    id: str
    channel: Channel
    recipient: str
    subject: str
    text: str
    at: datetime | None


class Outbox:
    """Where the simulators keep what they took: in memory, or in a SQLite file that another process may read.

    Holds codes in the clear, which is what a demo is for; never point it at real people.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Raise `Invalid` when *path* can not be opened as an outbox."""
        self._lock = threading.Lock()
        with contextlib.ExitStack() as on_failure:
            try:
                self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
                on_failure.callback(self._db.close)
                self._db.execute(_SCHEMA)
            except sqlite3.Error as error:
                raise Invalid(f"{path} can not be used as an outbox: {error}.", "Name a new file.", "outbox") from error
            on_failure.pop_all()

    def keep(self, sent: Sent) -> None:
        """Keep *sent*; the same id again changes nothing. Raise `Unavailable` while another process holds the file."""
        row = (sent.id, sent.channel, sent.recipient, sent.subject, sent.text, sent.at and sent.at.isoformat())
        insert = "INSERT OR IGNORE INTO outbox (id, channel, recipient, subject, text, at) VALUES (?, ?, ?, ?, ?, ?)"
        try:
            with self._lock:
                self._db.execute(insert, row)
        except sqlite3.OperationalError as error:
            raise Unavailable(f"The outbox can not be written: {error}.", "Free its file or its disk.") from error

    def sent(self, recipient: str | None = None) -> tuple[Sent, ...]:
        """Everything kept, oldest first, or what went to *recipient* alone."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id, channel, recipient, subject, text, at FROM outbox WHERE ? IS NULL OR recipient = ? "
                "ORDER BY seq",
                (recipient, recipient),
            ).fetchall()
        names = ("id", "channel", "recipient", "subject", "text", "at")
        return tuple(msgspec.convert(dict(zip(names, row, strict=True)), Sent, strict=False) for row in rows)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()


class SimulatedMailbox:
    """Mail that stays in an `Outbox`; *away* makes it a server that does not answer."""

    channel: ClassVar[Channel] = "mail"
    simulated: ClassVar[bool] = True

    def __init__(self, outbox: Outbox, *, away: bool = False) -> None:
        self.outbox = outbox
        self.away = away

    def send(self, notice: Notice) -> str:
        """See `Notifier.send`."""
        recipient = demand_sendable(notice, self.channel)
        if self.away:
            raise Unavailable("The simulated mail server does not answer.", "Let it answer again.")
        id_ = _id("mail", notice.id)
        self.outbox.keep(
            Sent(
                id=id_,
                channel="mail",
                recipient=recipient,
                subject=notice.subject,
                text=notice.text,
                at=notice.at,
            )
        )
        return id_


class SimulatedTelephony:
    """A telephone that keeps what it would have said; *away* makes it a provider that does not answer."""

    simulated: ClassVar[bool] = True

    def __init__(self, outbox: Outbox, *, away: bool = False) -> None:
        self.outbox = outbox
        self.away = away

    def call(self, to: str, say: str, id: str, language: str) -> str:  # noqa: A002
        """See `Telephony.call`; what is kept is text, in whatever language."""
        del language
        if self.away:
            raise Unavailable("The simulated telephone provider does not answer.", "Let it answer again.")
        id_ = _id("call", id)
        self.outbox.keep(Sent(id=id_, channel="call", recipient=to, subject="", text=say, at=None))
        return id_


class SimulatedTexts:
    """Text messages that stay in an `Outbox`; *away* makes it a provider that does not answer."""

    channel: ClassVar[Channel] = "sms"
    simulated: ClassVar[bool] = True

    def __init__(self, outbox: Outbox, *, away: bool = False) -> None:
        self.outbox = outbox
        self.away = away

    def send(self, notice: Notice) -> str:
        """See `Notifier.send`."""
        number = demand_text(notice)
        if self.away:
            raise Unavailable("The simulated text service does not answer.", "Let it answer again.")
        id_ = _id("sms", notice.id)
        self.outbox.keep(Sent(id=id_, channel="sms", recipient=number, subject="", text=notice.text, at=notice.at))
        return id_


def _id(channel: str, notice: str) -> str:
    return f"simulated-{channel}-{hashlib.sha256(notice.encode()).hexdigest()[:20]}"
