"""The simulated mailbox and telephone pass the contract of the real ones, and say what they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from watchword.core.account import Contact
from watchword.core.errors import Invalid, Unavailable
from watchword.notices.contract import NotifierContract
from watchword.notices.port import Notice, Notifier
from watchword.notices.simulators import Outbox, SimulatedMailbox, SimulatedTelephony
from watchword.notices.telephony import Calls

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Simulated(NotifierContract):
    """Both keep what they take in an outbox."""

    @pytest.fixture(autouse=True)
    def _outbox(self) -> Iterator[None]:
        """An empty outbox."""
        self.outbox = Outbox()
        yield
        self.outbox.close()

    def arrived(self) -> tuple[str, ...]:
        """What the outbox holds."""
        return tuple(sent.text for sent in self.outbox.sent())


class TestSimulatedMailbox(Simulated):
    """Mail."""

    def notifier(self) -> Notifier:
        """One that answers."""
        return SimulatedMailbox(self.outbox)

    def away(self) -> Notifier:
        """One that does not."""
        return SimulatedMailbox(self.outbox, away=True)


class TestSimulatedTelephony(Simulated):
    """Calls."""

    def notifier(self) -> Notifier:
        """One that answers."""
        return Calls(SimulatedTelephony(self.outbox))

    def away(self) -> Notifier:
        """One that does not."""
        return Calls(SimulatedTelephony(self.outbox, away=True))


def notice(id_: str, kind: str, value: str) -> Notice:
    """A notice to *value*."""
    to = Contact(kind=kind, value=value, changed_at=None)
    return Notice(id=id_, kind="code", to=to, subject="Your code", text=f"for {id_}", at=AT)


def test_outbox_survives_and_is_shared(tmp_path: Path) -> None:
    """What is kept in a file is there for another process, in order, once for each notice, by recipient."""
    writer = Outbox(tmp_path / "outbox.db")
    mail, calls = SimulatedMailbox(writer), Calls(SimulatedTelephony(writer))
    for _ in range(2):
        mail.send(notice("one", "mail", "mara.vogt@example.test"))
        calls.send(notice("two", "phone", "+49 30 555-0189"))
    reader = Outbox(tmp_path / "outbox.db")
    assert [(s.channel, s.recipient, s.text) for s in reader.sent()] == [
        ("mail", "mara.vogt@example.test", "for one"),
        ("call", "+49305550189", "for two"),
    ]
    (call,) = reader.sent("+49305550189")
    assert (call.subject, call.at) == ("", None)
    assert reader.sent("mara.vogt@example.test")[0].at == AT
    assert reader.sent("nobody@example.test") == ()
    for outbox in (writer, reader):
        outbox.close()


def test_no_outbox(tmp_path: Path) -> None:
    """A file that is no outbox is named, with the way on."""
    (tmp_path / "letter").write_text("Dear all, " * 200)
    with pytest.raises(Invalid, match=r"letter can not be used as an outbox.*Name a new file"):
        Outbox(tmp_path / "letter")
    with pytest.raises(Invalid, match="unable to open"):
        Outbox(tmp_path / "nowhere" / "outbox.db")


def test_outbox_held_by_another(tmp_path: Path) -> None:
    """While somebody else writes the file, sending is `Unavailable` and may be tried again."""
    outbox = Outbox(tmp_path / "outbox.db")
    mail, letter = SimulatedMailbox(outbox), notice("one", "mail", "mara.vogt@example.test")
    outbox._db.execute("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(tmp_path / "outbox.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable):
            mail.send(letter)
    assert mail.send(letter)
    outbox.close()


def test_says_that_it_is_simulated() -> None:
    """A simulator says so of itself and in every id it returns."""
    outbox = Outbox()
    mail, calls = SimulatedMailbox(outbox), Calls(SimulatedTelephony(outbox))
    assert mail.simulated
    assert calls.simulated
    assert mail.send(notice("one", "mail", "mara.vogt@example.test")).startswith("simulated-")
    assert calls.send(notice("one", "phone", "+49305550189")).startswith("simulated-")
    outbox.close()
