"""Following a log: lines as they come, verdicts revised when evidence comes late, and a log that goes away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from watchword.core.errors import Corrupt, Invalid, Unavailable
from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Verdict
from watchword.core.ids import CaseId
from watchword.watch.engine import Engine
from watchword.watch.follow import Follow, Followed
from watchword.watch.providers import provider_named
from watchword.watch.signals import SHIPPED, read_signals
from watchword.watch.sources.spool import Spool
from watchword.watch.sources.tail import Tail
from watchword.watch.verdicts import append_verdicts, latest_verdicts, read_verdicts, verdict_files

from .conftest import NOON, Okta


class Feed:
    """A log that is written to, the evidence beside it, and what follows them."""

    def __init__(self, folder: Path, write_evidence: Callable[..., Path]) -> None:
        self.folder = folder
        self.log, self.table, self.verdicts = folder / "log.jsonl", folder / "evidence.parquet", folder / "verdicts"
        self.log.touch()
        self._write_evidence = write_evidence
        self.follow = self.begin()

    def begin(self, quiet: timedelta | None = None, **options: Any) -> Follow:
        """Follow the log, from where it was left off."""
        tail = Followed(
            name="log",
            provider=provider_named("okta"),
            spool=Spool(self.folder / "spool"),
            source=Tail(self.log),
            quiet=quiet,
        )
        return Follow((tail,), self.folder / "state", self.verdicts, self.table, clock=lambda: NOON, **options)

    def write(self, *lines: object, end: str = "\n") -> None:
        """Append to the log: events as dicts, or text as it is."""
        with self.log.open("a") as out:
            for line in lines:
                out.write((json.dumps(line) if isinstance(line, dict) else str(line)) + end)

    def evidence(self, *rows: EvidenceRow) -> None:
        """Replace the evidence table, as the desk does: whole, by renaming."""
        partial = self._write_evidence(self.table.with_suffix(".partial"), rows)
        partial.rename(self.table)

    def step(self, after: float = 0) -> list[tuple[str, Verdict, int]]:
        """Target, verdict and revision of what one step says, so many seconds after noon."""
        rows = self.follow.step(NOON + timedelta(seconds=after))
        return [(row.target, row.verdict, row.revision) for row in rows]


@pytest.fixture
def feed(tmp_path: Path, write_evidence: Callable[..., Path]) -> Iterator[Feed]:
    """An empty log, followed."""
    feed = Feed(tmp_path, write_evidence)
    yield feed
    feed.follow.close()


def test_new_lines_are_judged_once(feed: Feed, okta: Okta) -> None:
    """A step gives the verdicts of the lines since the last, and a quiet log gives nothing."""
    feed.write(okta())
    assert feed.step() == [("00uana", Verdict.UNVERIFIED, 1)]
    assert feed.step() == []
    feed.write(okta(target="00uben"))
    assert feed.step() == [("00uben", Verdict.UNVERIFIED, 1)]


def test_late_evidence_revises(feed: Feed, okta: Okta, evidence: Callable[..., EvidenceRow]) -> None:
    """An unverified event becomes verified when its evidence is written, as a second revision; the first one stays."""
    feed.write(okta())
    assert feed.step() == [("00uana", Verdict.UNVERIFIED, 1)]
    feed.evidence(evidence())
    assert feed.step() == [("00uana", Verdict.VERIFIED, 2)]
    assert feed.step() == []
    kept = [row for file in sorted(feed.verdicts.glob("*.parquet")) for row in pq.read_table(file).to_pylist()]
    assert [(row["revision"], row["verdict"]) for row in kept] == [(1, "unverified"), (2, "verified")]


def test_a_change_whose_evidence_is_on_its_way_is_no_alarm(
    feed: Feed, okta: Okta, evidence: Callable[..., EvidenceRow]
) -> None:
    """What an executor did a moment ago waits two seconds for its evidence; what others did is told at once."""
    other = evidence("00uben", case="c-0002", started=NOON - timedelta(hours=2), ended=NOON - timedelta(hours=2))
    feed.evidence(other)
    feed.write(okta(), okta(target="00ucleo", after=1), okta(target="00udora", actor="00uhelen"))
    assert feed.step(1) == [("00udora", Verdict.UNVERIFIED, 1)]
    feed.evidence(other, evidence())
    assert feed.step(2) == [("00uana", Verdict.VERIFIED, 1)]
    assert feed.step(4) == [("00ucleo", Verdict.UNVERIFIED, 1)]
    assert feed.step(9) == []


def test_who_acts_without_a_pause_waits_no_longer(feed: Feed, okta: Okta, evidence: Callable[..., EvidenceRow]) -> None:
    """Each event waits for a time of its own: an executor that acts every second keeps none of its doings untold."""
    feed.evidence(evidence("00uben", started=NOON - timedelta(hours=2), ended=NOON - timedelta(hours=2)))
    told: dict[str, int] = {}
    for second in range(8):
        feed.write(okta(target=f"00u{second}", after=second))
        told |= {target: second for target, _, _ in feed.step(second)}
    assert told == {f"00u{second}": second + 2 for second in range(6)}


@pytest.mark.parametrize(("ahead", "told"), [(1.5, 2), (60, 0)])
def test_a_clock_that_runs_ahead_hides_nothing(
    feed: Feed, okta: Okta, evidence: Callable[..., EvidenceRow], ahead: float, told: int
) -> None:
    """An executor's event from shortly after now waits as long as another; one from long after is told at once."""
    feed.evidence(evidence("00uben"))
    feed.write(okta(after=ahead))
    seen = {second for second in range(4) if feed.step(second)}
    assert seen == {told}


def test_a_clock_that_goes_back_keeps_nothing_waiting(
    feed: Feed, okta: Okta, evidence: Callable[..., EvidenceRow]
) -> None:
    """What waits is told by the next step, where the clock says that it began to wait later than now."""
    feed.evidence(evidence("00uben", started=NOON - timedelta(hours=2), ended=NOON - timedelta(hours=2)))
    feed.write(okta())
    assert feed.step() == []
    assert feed.step(-3600) == [("00uana", Verdict.UNVERIFIED, 1)]


def test_half_a_line_waits_for_its_other_half(feed: Feed, okta: Okta) -> None:
    """A line still being written is not judged, not rejected, and not lost."""
    text = json.dumps(okta())
    feed.write(text[:200], end="")
    assert feed.step() == []
    feed.write(text[200:])
    assert feed.step() == [("00uana", Verdict.UNVERIFIED, 1)]
    assert feed.follow.tally.rejected == 0


def test_a_damaged_line_is_named_by_its_number(feed: Feed, okta: Okta) -> None:
    """Line numbers go on from step to step."""
    feed.write(okta())
    feed.step()
    feed.write("oops", okta(target="00uben"))
    feed.step()
    assert [(line.line, line.reason) for line in feed.follow.rejected] == [(2, "not JSON")]
    assert b"oops" in (feed.folder / "state" / "rejected" / "step00000002.jsonl").read_bytes()


def test_records_of_one_click_may_come_in_two_steps(feed: Feed, okta: Okta) -> None:
    """A click whose records come apart is one event, told again as it grows."""
    for n in range(2):
        feed.write(okta("user.mfa.factor.deactivate", after=n / 10, transaction={"id": "t"}))
        assert feed.step() == [("00uana", Verdict.UNVERIFIED, n + 1)]
    assert [row.folded for row in latest_verdicts(feed.verdicts)] == [2]


def test_a_repeat_is_seen_across_steps(feed: Feed, okta: Okta) -> None:
    """What was read before is remembered: the second reset is suspicious."""
    feed.write(okta())
    feed.step()
    feed.write(okta(after=60))
    assert feed.step() == [("00uana", Verdict.SUSPICIOUS, 1)]


def test_events_older_than_kept_are_forgotten(feed: Feed, okta: Okta, evidence: Callable[..., EvidenceRow]) -> None:
    """Memory is bounded: what is older than *kept* is judged as it comes, and no longer revised."""
    feed.write(okta())
    feed.follow.close()
    with feed.begin(kept=timedelta(hours=1)) as follow:
        late = NOON + timedelta(hours=2)
        assert [row.verdict for row in follow.step(late)] == [Verdict.UNVERIFIED]
        feed.evidence(evidence())
        assert follow.step(late) == ()


def test_what_was_said_is_forgotten_with_the_window(feed: Feed, okta: Okta) -> None:
    """Hours of events leave no more behind than the window has, and what comes again is not said again, ever."""
    feed.follow.close()
    events = [okta(target=f"00u{hour:02d}", after=hour * 3600) for hour in range(10)]
    sizes: list[int] = []
    for day in range(2):  # a restart between
        with feed.begin(kept=timedelta(hours=2)) as follow:
            for hour in range(day * 5, day * 5 + 5):
                at = NOON + timedelta(hours=hour)
                feed.write(events[hour])
                assert [(row.target, row.revision) for row in follow.step(at)] == [(f"00u{hour:02d}", 1)]
                feed.write(*events[max(hour - 1, 0) : hour + 1])
                assert follow.step(at) == ()
                sizes.append(len(_told(follow)))
            feed.write(*events[: day * 5 + 2])  # long after they were forgotten
            assert follow.step(at) == ()
            feed.write(*events[: day * 5 + 2])
            assert follow.step(at + timedelta(hours=1)) == ()
    assert sizes == [1, 2, *[3] * 8]
    kept = [row for file in verdict_files(feed.verdicts) for row in read_verdicts(file)]
    assert [(row.target, row.revision) for row in kept] == [(f"00u{hour:02d}", 1) for hour in range(10)]


def _told(follow: Follow) -> list[tuple[str]]:
    return follow._con.execute("SELECT id FROM kept.told").fetchall()


def test_a_change_that_was_seen_is_not_missing_once_it_is_forgotten(
    feed: Feed, okta: Okta, evidence: Callable[..., EvidenceRow]
) -> None:
    """Evidence is kept for longer than events: what was verified is not told as done and never seen a month later."""
    feed.follow.close()
    signals = tuple(signal for signal in read_signals(SHIPPED) if signal.name == "case_without_change")
    with feed.begin(kept=timedelta(hours=1), signals=signals) as follow:
        feed.write(okta(), okta(target="00uben", after=600))
        feed.evidence(evidence(), evidence("00ulost", case=CaseId("c-lost")))
        assert [(row.target, row.verdict) for row in follow.step(NOON)] == [
            ("00uana", Verdict.VERIFIED),
            ("00uben", Verdict.UNVERIFIED),
            ("00ulost", Verdict.SUSPICIOUS),
        ]
        assert [hit.target for hit in follow.hits] == ["00ulost"]
        for hour in (1, 2, 3):
            at = NOON + timedelta(hours=hour, minutes=1)
            feed.write(okta(target=f"00u{hour}", after=hour * 3600))
            assert [row.target for row in follow.step(at)] == [f"00u{hour}"]
            assert follow.hits == ()


def test_a_restart_writes_nothing_twice(feed: Feed, okta: Okta) -> None:
    """A new follower goes on where the last one was, and has nothing new to say of what is judged."""
    feed.write(okta())
    feed.step()
    feed.follow.close()
    feed.write(okta(target="00uben"))
    with feed.begin() as again:
        assert [row.target for row in again.step(NOON)] == ["00uben"]


def test_a_lost_memory_is_made_anew(feed: Feed, okta: Okta) -> None:
    """Without its state the watch reads the spools from their beginning, and writes nothing twice."""
    feed.write(okta())
    feed.step()
    feed.follow.close()
    (feed.folder / "state" / "window.duckdb").unlink()
    with feed.begin() as again:
        assert again.step(NOON) == ()
        feed.write(okta(after=60))
        assert [(row.verdict, row.revision) for row in again.step(NOON)] == [(Verdict.SUSPICIOUS, 1)]


def test_two_never_follow_together(feed: Feed) -> None:
    """A second follower of the same state is told that there is one."""
    with pytest.raises(Unavailable, match="Another process follows"):
        feed.begin()


def test_a_renamed_log_is_read_to_its_end(feed: Feed, okta: Okta) -> None:
    """Lines written before a rotation, and those of its successor, are all judged."""
    feed.write(okta())
    feed.step()
    feed.write(okta(target="00uben"))
    feed.log.rename(feed.log.with_suffix(".1"))
    feed.write(okta(target="00ucem"))
    assert feed.step() == [("00uben", Verdict.UNVERIFIED, 1), ("00ucem", Verdict.UNVERIFIED, 1)]


def test_a_log_that_vanishes_is_a_finding(feed: Feed, okta: Okta) -> None:
    """Its going is told once; when it is back, it is read."""
    feed.step()
    feed.log.unlink()
    (row,) = feed.follow.step(NOON)
    assert (row.verdict, row.reasons, row.action, row.target) == (
        Verdict.SUSPICIOUS,
        ("log_missing",),
        None,
        str(feed.log),
    )
    assert feed.step() == []
    feed.write(okta())
    assert feed.step() == [("00uana", Verdict.UNVERIFIED, 1)]


def test_a_log_cut_short_is_a_finding(feed: Feed, okta: Okta) -> None:
    """A log that became shorter is a finding, and is read anew."""
    feed.write(okta(), okta(target="00uben"))
    feed.step()
    feed.log.write_text("")
    feed.write(okta(target="00ucem"))
    rows = feed.follow.step(NOON)
    assert {row.reasons[0] for row in rows} == {"log_truncated", "no_evidence"}
    assert {row.target for row in rows} == {str(feed.log), "00ucem"}


def test_silence_is_told_with_its_end(feed: Feed, okta: Okta) -> None:
    """A feed that says nothing for longer than it may is a finding, *blind since*, and its end revises that."""
    feed.follow.close()
    with feed.begin(quiet=timedelta(minutes=10)) as follow:
        feed.write(okta())
        follow.step(NOON)
        (row,) = follow.step(NOON + timedelta(minutes=11))
        assert (row.reasons, row.detail, row.at) == (("feed_silent",), "blind since 2026-03-02 12:00:00 UTC", NOON)
        assert follow.tick.blind == ("log",)
        assert follow.step(NOON + timedelta(minutes=12)) == ()
    with feed.begin(quiet=timedelta(minutes=10)) as again:
        assert again.step(NOON + timedelta(minutes=13)) == ()  # told before, by the process before
        feed.write(okta(target="00uben"))
        rows = again.step(NOON + timedelta(minutes=20))
        assert {(row.revision, row.reasons[-1]) for row in rows if row.action is None} == {(2, "feed_back")}


def test_evidence_that_can_not_be_read_uses_nothing_up(
    feed: Feed, okta: Okta, evidence: Callable[..., EvidenceRow]
) -> None:
    """A broken evidence file stops the step before the log is read; whole again, nothing was lost."""
    feed.write(okta())
    feed.table.write_bytes(b"half a file")
    with pytest.raises(Invalid, match="no evidence table"):
        feed.step()
    feed.evidence(evidence())
    assert feed.step() == [("00uana", Verdict.VERIFIED, 1)]


def test_a_rerun_appends_only_what_changed(
    tmp_path: Path,
    okta: Okta,
    evidence: Callable[..., EvidenceRow],
    write_log: Callable[..., Path],
    write_evidence: Callable[..., Path],
) -> None:
    """Classifying the same log again appends nothing; with new evidence it appends the one revision."""
    log, folder = write_log(tmp_path / "log", [okta(), okta(target="00uben")]), tmp_path / "verdicts"
    first = Engine().classify("okta", (log,), write_evidence(tmp_path / "none", []))
    assert [row.revision for row in append_verdicts(folder, first.verdicts)] == [1, 1]
    assert append_verdicts(folder, first.verdicts) == ()
    second = Engine().classify("okta", (log,), write_evidence(tmp_path / "some", [evidence()]))
    changed = append_verdicts(folder, second.verdicts)
    assert {(row.target, row.revision) for row in changed} == {("00uana", 2), ("00uben", 2)}
    assert {row.target: row.verdict for row in latest_verdicts(folder)} == {
        "00uana": Verdict.VERIFIED,
        "00uben": Verdict.UNVERIFIED,
    }
    assert latest_verdicts(folder) == tuple(sorted(changed, key=lambda row: (row.at, row.id)))


def test_a_broken_verdict_file_is_corrupt(tmp_path: Path) -> None:
    """A verdict file that can not be read stops the world, and names the folder."""
    (tmp_path / "verdicts-1.parquet").write_bytes(b"no")
    with pytest.raises(Corrupt, match="Restore"):
        latest_verdicts(tmp_path)


def test_verdicts_that_could_not_be_written_are_written_next(feed: Feed, okta: Okta) -> None:
    """Where the verdicts can not be kept for now, as on a full disk, the next step keeps them first, once."""
    feed.write(okta())
    feed.verdicts.rmdir()
    feed.verdicts.write_text("in the way")
    with pytest.raises(OSError, match="verdicts"):
        feed.step()
    feed.verdicts.unlink()
    feed.verdicts.mkdir()
    feed.write(okta(target="00uben"))
    assert feed.step() == [("00uben", Verdict.UNVERIFIED, 1)]
    assert [row.target for row in latest_verdicts(feed.verdicts)] == ["00uana", "00uben"]


def test_what_waited_when_a_disk_was_full_is_told_all_the_same(
    feed: Feed, okta: Okta, evidence: Callable[..., EvidenceRow]
) -> None:
    """An event that waits for its evidence is not forgotten where the verdict on another one can not be kept."""
    feed.evidence(evidence(target_keys=("00ucem",), native_id="00ucem"))
    feed.step()
    feed.write(okta(target="00uana"), okta(target="00uben", actor="00ueve"))
    feed.verdicts.rmdir()
    feed.verdicts.write_text("in the way")
    with pytest.raises(OSError, match="verdicts"):
        feed.step()
    feed.verdicts.unlink()
    feed.verdicts.mkdir()
    told = [row for after in (1, 2, 3, 4) for row in feed.step(after)]
    assert told == [("00uana", Verdict.OUT_OF_POLICY, 1)]


def test_a_change_no_log_shows_is_kept_where_a_disk_was_full(
    feed: Feed, okta: Okta, evidence: Callable[..., EvidenceRow]
) -> None:
    """What is found when all that is remembered is looked over is written by the next step too."""
    feed.evidence(evidence())
    feed.write(okta("user.session.start", after=-60), okta("user.session.start", after=60))
    feed.verdicts.rmdir()
    feed.verdicts.write_text("in the way")
    with pytest.raises(OSError, match="verdicts"):
        feed.step()
    feed.verdicts.unlink()
    feed.verdicts.mkdir()
    feed.write(okta(target="00uben", actor="00ueve"))
    feed.step(1)
    assert {row.reasons for row in latest_verdicts(feed.verdicts)} == {("unseen",), ("no_case",)}
