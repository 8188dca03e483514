"""Verdicts are revised, never rewritten: a late log and late evidence append what is true now, and say what changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from watchword.core.action import Action
from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Verdict
from watchword.watch.cells import Enforced
from watchword.watch.engine import Context, Engine
from watchword.watch.follow import Follow
from watchword.watch.providers import OKTA, SAMBA, Feed
from watchword.watch.unseen import unseen_rows
from watchword.watch.verdicts import VerdictRow, append_verdicts, latest_verdicts

from .conftest import LONG_OVER, NOON, Okta

Make = Callable[..., EvidenceRow]
Write = Callable[..., Path]
Following = Callable[..., Follow]
DAYS = timedelta(days=3)


def test_evidence_after_three_days_revises_the_verdict(
    okta: Okta, evidence: Make, write_log: Write, write_evidence: Write, following: Following, tmp_path: Path
) -> None:
    """A case whose ticket is linked three days later was out of policy until then; both verdicts stay on file."""
    log, table, folder = tmp_path / "log.jsonl", tmp_path / "evidence.parquet", tmp_path / "verdicts"
    write_log(log, [okta()])
    write_evidence(table, [evidence(ticket=None, ticket_leaf=None)])
    with following("okta", log, table) as follow:
        (first,) = follow.step(NOON + timedelta(seconds=5))
        write_evidence(table, [evidence(ticket_leaf=40)])
        silence, second = follow.step(NOON + DAYS)
        assert follow.step(NOON + DAYS) == ()
    assert (first.verdict, first.reasons, first.changed) == (Verdict.OUT_OF_POLICY, ("missing:ticket",), ())
    assert (second.verdict, second.revision) == (Verdict.VERIFIED, 2)
    assert second.changed == (
        "verdict: out_of_policy -> verified",
        "reasons: missing:ticket -> whole_chain",
        "ticket: none -> INC001",
        "leaves",
    )
    assert silence.reasons == ("feed_silent",)
    on_file = [row for row in pq.read_table(folder).to_pylist() if row["id"] == first.id]
    assert sorted((row["revision"], row["verdict"]) for row in on_file) == [(1, "out_of_policy"), (2, "verified")]
    assert second in latest_verdicts(folder)


def test_a_late_log_revises_what_an_earlier_event_claimed(
    okta: Okta, evidence: Make, write_log: Write, write_evidence: Write, following: Following, tmp_path: Path
) -> None:
    """The executor's own record comes last; until then the case explained somebody else's change."""
    log, table = tmp_path / "log.jsonl", tmp_path / "evidence.parquet"
    rogue, done = okta(actor="00uadmin", after=-30), okta()
    write_log(log, [rogue])
    write_evidence(table, [evidence()])
    with following("okta", log, table) as follow:
        (early,) = follow.step(NOON)
        with log.open("ab") as out:
            out.write(msgspec.json.encode(done) + b"\n")
        rows = {row.id: row for row in follow.step(NOON + DAYS)}
    assert (early.verdict, early.case) == (Verdict.OUT_OF_POLICY, "c-0001")
    assert rows[done["uuid"]].verdict is Verdict.VERIFIED
    assert rows[early.id].changed[:1] == ("verdict: out_of_policy -> unverified",)
    assert "case: c-0001 -> none" in rows[early.id].changed


def test_verdicts_of_an_earlier_version_are_revised_too(okta: Okta, write_log: Write, tmp_path: Path) -> None:
    """A file written before verdicts said what changed is read, and its rows are revised like any other."""
    log = write_log(tmp_path / "log.jsonl", [okta()])
    (row,) = Engine().classify("okta", (log,)).verdicts
    folder = tmp_path / "verdicts"
    append_verdicts(folder, [row])
    (file,) = folder.glob("*.parquet")
    pq.write_table(pq.read_table(file).drop_columns(["changed"]), file)
    assert append_verdicts(folder, [row]) == ()
    (revised,) = append_verdicts(folder, [msgspec.structs.replace(row, reasons=("no_case",))])
    assert (revised.revision, revised.changed) == (2, ("reasons: no_evidence -> no_case",))


def _judged(
    lines: list[dict[str, object]], table: Path, tmp_path: Path, write_log: Write, told: tuple[VerdictRow, ...] = ()
) -> tuple[VerdictRow, ...]:
    feed = Feed(provider=OKTA, files=(write_log(tmp_path / "log.jsonl", lines),))
    with Engine().judging((feed,), table, Context()) as (con, _):
        return unseen_rows(con, told)


def test_a_change_no_log_shows_is_a_finding_until_the_log_comes(
    okta: Okta, evidence: Make, write_log: Write, write_evidence: Write, tmp_path: Path
) -> None:
    """A case said done without an event is a row of its own, and is revised when the event arrives late."""
    table = write_evidence(tmp_path / "evidence.parquet", [evidence()])
    around = [okta("user.session.start", after=-60), okta("user.session.start", after=60)]
    (missing,) = _judged(around, table, tmp_path, write_log)
    assert (missing.verdict, missing.reasons, missing.case) == (Verdict.SUSPICIOUS, ("unseen",), "c-0001")
    assert (missing.target, missing.action, missing.leaves) == ("00uana", "password.reset", (3, 8, 9, 10))
    (late,) = _judged([*around, okta()], table, tmp_path, write_log, (missing,))
    assert (late.id, late.verdict, late.reasons) == (missing.id, Verdict.IGNORED, ("seen_late",))


def test_two_changes_of_a_case_that_no_log_shows_are_two(
    okta: Okta, evidence: Make, write_log: Write, write_evidence: Write, tmp_path: Path
) -> None:
    """Of one kind each: neither stands for the other, and each has its leaves."""
    rows = [evidence(started_leaf=leaf, outcome_leaf=leaf + 1) for leaf in (9, 12)]
    table = write_evidence(tmp_path / "evidence.parquet", rows)
    around = [okta("user.session.start", after=-60), okta("user.session.start", after=60)]
    found = _judged(around, table, tmp_path, write_log)
    assert sorted((row.id, row.leaves) for row in found) == [
        ("unseen/c-0001/reset_password", (3, 8, 9, 10)),
        ("unseen/c-0001/reset_password/2", (3, 8, 12, 13)),
    ]


def test_followed_too_a_change_no_log_shows_is_told_and_taken_back(
    okta: Okta, evidence: Make, write_log: Write, write_evidence: Write, following: Following, tmp_path: Path
) -> None:
    """The same while the log is followed, within seconds; and after a start in between."""
    log, table = tmp_path / "log.jsonl", tmp_path / "evidence.parquet"
    write_log(log, [okta("user.session.start", after=-60), okta("user.session.start", after=60)])
    write_evidence(table, [evidence()])
    with following("okta", log, table) as follow:
        assert [(row.verdict, row.reasons) for row in follow.step(NOON)] == [(Verdict.SUSPICIOUS, ("unseen",))]
    with log.open("ab") as out:
        out.write(msgspec.json.encode(okta()) + b"\n")
    with following("okta", log, table) as follow:
        rows = {row.reasons: row for row in follow.step(NOON + timedelta(minutes=1))}
    assert rows["seen_late",].revision == 2
    assert rows["whole_chain",].verdict is Verdict.VERIFIED


def test_each_feed_has_the_lag_of_its_own(
    okta: Okta, evidence: Make, write_log: Write, write_evidence: Write, tmp_path: Path
) -> None:
    """Of two directories the one known to write late is given the time, unless one lag is asked for all."""
    logs = [write_log(tmp_path / name, [okta(after=600)]) for name in ("quick", "slow")]
    table = write_evidence(tmp_path / "e.parquet", [evidence(directory=log.name, case=f"c-{log.name}") for log in logs])
    quick, slow = (Feed(provider=OKTA, directory=log.name, files=(log,)) for log in logs)
    slow = msgspec.structs.replace(slow, lag=timedelta(minutes=15))
    rows = {row.directory: row.reasons for row in Engine().judge((quick, slow), table).verdicts}
    assert rows == {"quick": ("outside_window",), "slow": ("whole_chain",)}
    rows = {row.directory: row.reasons for row in Engine().judge((quick, slow), table, lag=timedelta(0)).verdicts}
    assert rows == {"quick": ("outside_window",), "slow": ("outside_window",)}


def test_the_log_of_another_provider_is_told(okta: Okta, write_log: Write, tmp_path: Path) -> None:
    """Files whose lines their provider does not know are named with their share; their own log is not."""
    own = write_log(tmp_path / "own.jsonl", [okta(), okta("user.session.start"), okta("no.such.type")])
    samples = Path(__file__).parent / "samples" / "samba_self_change.jsonl"
    as_okta = Engine().judge((Feed(provider=OKTA, files=(own, samples)),))
    assert [Path(share.file).name for share in as_okta.strange_files] == [samples.name]
    (strange,) = as_okta.strange_files
    assert strange.rejected + strange.unknown == strange.lines > 0
    (as_samba,) = Engine().judge((Feed(provider=SAMBA, files=(own,)),)).strange_files
    assert as_samba.lines == 3
    assert Engine().judge((Feed(provider=SAMBA, files=(samples,)),)).strange_files == ()


def test_evidence_in_two_files_counts_once(
    okta: Okta, evidence: Make, write_log: Write, write_evidence: Write, tmp_path: Path
) -> None:
    """A case that stands in two files of the folder speaks for one change, and for that one verdict."""
    folder = tmp_path / "evidence"
    folder.mkdir()
    for name in ("monday", "tuesday"):
        write_evidence(folder / f"{name}.parquet", [evidence()])
    log = write_log(tmp_path / "log.jsonl", [okta(), okta(after=1)])
    verdicts = [row.verdict for row in Engine().classify("okta", (log,), folder).verdicts]
    assert sorted(verdicts) == [Verdict.OUT_OF_POLICY, Verdict.VERIFIED]


def test_followed_too_tickets_and_accounts_are_read_again_when_they_change(
    okta: Okta, write_log: Write, write_evidence: Write, following: Following, tmp_path: Path
) -> None:
    """A ticket that is exported later speaks for the event; an agent who turns out to have left takes that back."""
    log, tickets, accounts = tmp_path / "log.jsonl", tmp_path / "tickets.csv", tmp_path / "accounts.csv"
    write_log(log, [okta(actor="00uhelen")])
    table = write_evidence(tmp_path / "evidence.parquet", [])
    with following("okta", log, table, accounts=accounts, tickets=tickets) as follow:
        (first,) = follow.step(NOON)
        tickets.write_text("ticket,target,text,opened\nINC7,00uana,Password reset,2026-03-02 11:50\n")
        (second,) = follow.step(NOON + timedelta(minutes=1))
        accounts.write_text("keys,class,status\n00uhelen|00uhelen@example.test,identity_control,leaver\n")
        (third,) = follow.step(NOON + timedelta(minutes=2))
        assert follow.step(NOON + timedelta(minutes=3)) == ()
    assert (first.verdict, second.verdict, second.ticket) == (Verdict.UNVERIFIED, Verdict.TICKETED, "INC7")
    assert third.verdict is Verdict.SUSPICIOUS
    assert "leaver_actor" in third.reasons


def test_followed_too_a_ticket_is_not_enough_where_a_case_is_owed(
    okta: Okta, write_log: Write, write_evidence: Write, following: Following, tmp_path: Path
) -> None:
    """In an enforced cell the same ticket is named, and speaks for nothing."""
    log, tickets = write_log(tmp_path / "log.jsonl", [okta(actor="00uhelen")]), tmp_path / "tickets.csv"
    tickets.write_text("ticket,target,text,opened\nINC7,00uana,Password reset,2026-03-02 11:50\n")
    cell = Enforced(action=Action.PASSWORD_RESET, since=NOON - DAYS)
    table = write_evidence(tmp_path / "evidence.parquet", [])
    with following("okta", log, table, tickets=tickets, enforced=(cell,)) as follow:
        (row,) = follow.step(NOON)
    assert "ticket_not_enough" in row.reasons
    assert row.is_finding


def test_exports_that_can_not_be_used_blind_nobody(
    okta: Okta, write_log: Write, write_evidence: Write, following: Following, tmp_path: Path
) -> None:
    """Tickets and accounts that are none speak for nothing and are told once; events have verdicts all the same."""
    log, tickets, accounts = tmp_path / "log.jsonl", tmp_path / "tickets.csv", tmp_path / "accounts.csv"
    write_log(log, [okta(actor="00uhelen")])
    tickets.write_text("colour\nred\n")
    accounts.write_text("colour\nred\n")
    table = write_evidence(tmp_path / "evidence.parquet", [])
    with following("okta", log, table, accounts=accounts, tickets=tickets) as follow:
        rows = follow.step(NOON)
        assert {(row.target, row.reasons[0]) for row in rows if row.action is None} == {
            ("tickets", "feed_failing"),
            ("accounts", "feed_failing"),
        }
        assert [row.is_finding for row in rows if row.action is not None] == [True]
        assert follow.step(NOON + timedelta(seconds=1)) == ()


def test_the_end_of_sessions_is_seen_though_it_owes_no_evidence(
    okta: Okta, evidence: Make, write_evidence: Write, write_log: Write, tmp_path: Path
) -> None:
    """A case ends sessions too: its log shows that, and only where it does not is the change missing."""
    change = evidence(action="password_reset", change="revoke_sessions", effects=("session.revoke",))
    table = write_evidence(tmp_path / "evidence.parquet", [change])
    around = [okta("user.session.start", after=-60), okta("user.session.start", after=60)]
    assert [row.reasons for row in _judged(around, table, tmp_path, write_log)] == [("unseen",)]
    assert _judged([*around, okta("user.session.clear")], table, tmp_path, write_log) == ()
    other = okta("user.session.clear", target="00uben")
    assert [row.reasons for row in _judged([*around, other], table, tmp_path, write_log)] == [("unseen",)]


@pytest.mark.parametrize("odd", ["zzzz", "2026-03-02Tzzzz", "9999-12-31T23:59:59Z", "1601-01-01T00:00:00Z", "", None])
def test_one_odd_time_does_not_hide_a_change_no_log_shows(
    okta: Okta, evidence: Make, write_evidence: Write, write_log: Write, tmp_path: Path, odd: str | None
) -> None:
    """How far a log reaches is told by the times in it that can be, whatever else one line says."""
    table = write_evidence(tmp_path / "evidence.parquet", [evidence()])
    around = [okta("user.session.start", after=-60), okta("user.session.start", after=60)]
    lines = [*around, okta("user.session.start") | {"published": odd}]
    assert [row.reasons for row in _judged(lines, table, tmp_path, write_log)] == [("unseen",)]


@pytest.mark.parametrize("odd", ["2099-01-01T00:00:00Z", "zzzz", "1601-01-01T00:00:00Z", "0"])
def test_one_odd_time_makes_no_log_reach_further(
    okta: Okta, evidence: Make, write_evidence: Write, write_log: Write, tmp_path: Path, odd: str
) -> None:
    """A log that is late by minutes says nothing of the case of now, though one of its lines is from the future."""
    table = write_evidence(tmp_path / "evidence.parquet", [evidence(), evidence("00uben", **LONG_OVER, case="c-0002")])
    early = [okta("user.session.start", after=-3600), okta("user.session.start", after=-600)]
    lines = [*early, okta("user.session.start") | {"published": odd}]
    assert _judged(lines, table, tmp_path, write_log) == ()


def test_followed_too_an_odd_time_is_forgotten(
    okta: Okta, evidence: Make, write_log: Write, write_evidence: Write, following: Following, tmp_path: Path
) -> None:
    """What the watch forgot reaches back no more: an old line says nothing of the weeks before the log began."""
    old, log, table = timedelta(days=400), tmp_path / "log.jsonl", tmp_path / "evidence.parquet"
    write_log(log, [okta("user.session.start", at=NOON - old), okta("user.session.start", after=-60)])
    write_evidence(table, [evidence(**LONG_OVER)])
    with following("okta", log, table) as follow:
        assert follow.step(NOON) == ()
        kept = follow._con.execute("SELECT count(*) FROM kept.seen").fetchone()
    assert kept == (1,)
