"""What is found becomes findings whatever goes wrong: told, waited out and tried again, nothing lost, nothing twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unicodedata import normalize

import msgspec
import pytest

from watchword.core.ids import PersonId
from watchword.watch.keeping import Keeping, trouble_in
from watchword.watch.news import News, write_hits
from watchword.watch.signals import Hit
from watchword.watch.verdicts import VerdictRow, append_verdicts

from .rows import row
from .test_finding_outputs import NOON, Place, hit

APART, TOGETHER = (normalize(form, "Jürgen Prüf") for form in ("NFD", "NFC"))
"""One name, with its accents apart and in their letters."""

SECOND = timedelta(seconds=1)


class Kept:
    """A ledger, and what keeps what the watch says in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Place(folder)
        self.hits = folder / "watch" / "hits.json"
        self.file = folder / "watch" / "findings.json"
        self.hits.parent.mkdir()
        self.keeping = Keeping(self.place.findings, News(folder / "verdicts", self.hits), self.file)

    def say(self, *rows: VerdictRow) -> None:
        """Have the watch say something."""
        append_verdicts(self.folder / "verdicts", rows)

    @property
    def events(self) -> list[str]:
        """The event of each item of a finding."""
        return sorted(item.event or "" for one in self.place.findings.all() for item in one.items)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """One with nothing said; its database is given up on soon."""
    monkeypatch.setattr("watchword.ledger.engines._BUSY_MS", 100)
    made = Kept(tmp_path)
    yield made
    made.place.ledger.close()


def named(signal: str, event: str, actor: str = "00uagent") -> Hit:
    return msgspec.structs.replace(hit(signal, event), actor=actor, origin="sigma")


@pytest.mark.parametrize("party", ["actor", "target"])
def test_a_name_with_its_accents_apart_is_a_name(kept: Kept, party: str) -> None:
    """However somebody types their name, it ends nothing: it stands as the log has it, and is one in both forms."""
    kept.say(row(id="u-1", **{party: APART}), row(id="u-2", **{party: TOGETHER}))
    kept.keeping.step(NOON)

    assert kept.keeping.trouble is None
    assert kept.events == ["u-1", "u-2"]
    found = {getattr(item, party) for one in kept.place.findings.all() for item in one.items}
    assert found == {APART, TOGETHER}
    assert len(kept.place.findings.all()) == 1


def test_a_name_is_kept_quiet_in_both_forms(kept: Kept) -> None:
    """A suppression that is typed in one form covers what a log writes in the other."""
    until = NOON + timedelta(days=1)
    suppress = kept.place.findings.suppress
    suppress(PersonId("p-1"), NOON, rule="verdict.unverified", party="actor", name=APART, until=until, why=APART)
    kept.say(row(id="u-1", actor=TOGETHER), row(id="u-2", actor=APART))
    kept.keeping.step(NOON)

    assert ([event for event in kept.events if event], kept.keeping.trouble) == ([], None)
    (quiet,) = kept.place.findings.suppressions()
    assert len(quiet.suppression.kept) == 2


def test_rules_with_long_names_have_room(kept: Kept) -> None:
    """A Sigma rule without an id is called as its file: sixty long names are in one finding, over several entries."""
    names = [f"sigma.{normalize('NFD', 'ü')}{n:03d}{'x' * 200}" for n in range(60)]
    write_hits(kept.hits, tuple(named(name, f"u-{n}") for n, name in enumerate(names)))
    kept.keeping.step(NOON)

    assert kept.keeping.trouble is None
    (one,) = kept.place.findings.all()
    assert (len(one.items), len(one.finding.rules)) == (60, 60)


def test_what_the_ledger_refuses_keeps_nothing_else_out(kept: Kept) -> None:
    """Half a character of a file's name: it is held and told, the rest joins, and it joins once it can be written."""
    kept.hits.write_bytes(b"[]")
    news = News(kept.folder / "verdicts", kept.hits)
    keeping = Keeping(kept.place.findings, news, kept.file)
    news.rows = (row(id="u-1"), row(id="u-2", actor="a\udcff"), row(id="u-3", actor="other"))
    keeping.step(NOON)

    assert kept.events == ["u-1", "u-3"]
    told = trouble_in(kept.file)
    assert told is not None
    assert (told.refused, told.since, told.is_fault) == (1, NOON, True)
    assert "first u-2" in told.why
    news.rows = (row(id="u-4"),)
    keeping.step(NOON + SECOND)
    assert kept.events == ["u-1", "u-3", "u-4"]
    assert trouble_in(kept.file) == told
    news.rows = (row(id="u-2", actor="a", revision=2),)
    keeping.step(NOON + 2 * SECOND)
    assert kept.events == ["u-1", "u-2", "u-3", "u-4"]
    assert (keeping.trouble, trouble_in(kept.file)) == (None, None)


def test_a_database_that_is_away_is_waited_out(kept: Kept) -> None:
    """Tries come with growing pauses; once it is back each event is in a finding, once."""
    kept.say(row(id="u-1"))
    other = sqlite3.connect(kept.folder / "ledger.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    kept.keeping.step(NOON)
    first = kept.keeping.trouble
    assert first is not None
    assert (first.again, first.is_fault) == (NOON + SECOND, False)
    kept.keeping.step(NOON + SECOND / 2)
    assert kept.keeping.trouble == first  # not tried
    kept.keeping.step(NOON + SECOND)
    second = kept.keeping.trouble
    assert second is not None
    assert (second.since, second.again) == (NOON, NOON + 3 * SECOND)
    after_a_start = Keeping(kept.place.findings, News(kept.folder / "verdicts", kept.hits), kept.file)
    assert after_a_start.trouble is not None
    assert after_a_start.trouble.since == NOON
    kept.say(row(id="u-2"))
    other.execute("ROLLBACK")
    other.close()
    kept.keeping.step(NOON + 3 * SECOND)
    assert (trouble_in(kept.file), kept.events) == (None, ["u-1", "u-2"])
    kept.keeping.step(NOON + 4 * SECOND)
    assert kept.events == ["u-1", "u-2"]


def test_a_clock_that_was_set_back_waits_no_longer(kept: Kept) -> None:
    """What is to be tried at a time that lies an hour ahead now is tried."""
    kept.hits.write_bytes(b"{ half")
    kept.keeping.step(NOON)
    assert kept.keeping.trouble is not None
    kept.hits.unlink()
    kept.keeping.step(NOON - timedelta(hours=1))
    assert kept.keeping.trouble is None
