"""Findings in a ledger: grouped, made once, worked on, kept quiet, and taken back when evidence comes late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from watchword.core.errors import Conflict, Invalid, Refused, Unavailable
from watchword.core.finding import Severity, Status
from watchword.core.identity_event import Canonical, Verdict
from watchword.core.ids import AccountId, PersonId
from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.fsck import fsck
from watchword.ledger.leader import Ledger
from watchword.ledger.vault import KeyFile
from watchword.watch.campaigns import campaigns, items_of
from watchword.watch.findings import Findings
from watchword.watch.risk import Weighed, risks
from watchword.watch.signals import Hit
from watchword.watch.verdicts import VerdictRow
from watchword.watch.whose import Whose

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
SOC, OTHER = PersonId("p-soc"), PersonId("p-other")
NOBODY: frozenset[PersonId] = frozenset()
ORIGIN = "example.test/findings"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger of its own, which fsck finds sound at the end."""
    signing = SigningKey.generate(ORIGIN)
    keys = KeyFile.create(tmp_path / "payload.keys")
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    opened = Ledger.open(url, signing, keys, ORIGIN)
    yield opened
    opened.close()
    fsck(url, signing.vkey, keys)


def row(
    id_: str, *, actor: str = "agent-1", target: str = "ana", after: float = 0, verdict: Verdict = Verdict.UNVERIFIED,
    reasons: tuple[str, ...] = ("no_case",), actor_class: str | None = None, about_feed: bool = False,
    revision: int = 1,
) -> VerdictRow:  # fmt: skip
    return VerdictRow(
        id=id_, provider="okta", directory="corp", action=None if about_feed else Canonical.PASSWORD_RESET,
        native_action="x", actor=actor, target=target, at=NOON + timedelta(minutes=after), outcome="SUCCESS",
        address=None, socket=None, correlation=None, folded=1, actor_class=actor_class, verdict=verdict,
        reasons=reasons, case=None, ticket=None, leaves=(), revision=revision,
    )  # fmt: skip


def hit(
    signal: str, event: str | None, *, actor: str = "agent-1", target: str = "ana", after: float = 0,
    severity: Severity = "high", caller: str | None = None, vendor: str | None = None,
) -> Hit:  # fmt: skip
    return Hit(
        signal=signal, title="A title", severity=severity, event=event, target=target, actor=actor,
        at=NOON + timedelta(minutes=after), caller=caller, vendor=vendor, says="said",
    )  # fmt: skip


class Linked:
    """Accounts that a desk knows, by directory and native id."""

    def __init__(self, accounts: dict[tuple[str, str], AccountId]) -> None:
        self._accounts = accounts

    def account(self, directory: str, native_id: str) -> AccountId | None:
        """See `Desk`."""
        return self._accounts.get((directory, native_id.lower()))

    def native(self, account: AccountId) -> tuple[str, str] | None:
        """See `Desk`."""
        return next((place for place, one in self._accounts.items() if one == account), None)


def test_a_bad_day_is_ten_lines() -> None:
    """Three hundred events of a vendor, a caller, an agent and a crowd of agents are four campaigns, gravest first."""
    rows = [
        *(row(f"v{n}", actor=f"support-{n}", target=f"t{n}", actor_class="vendor", after=n) for n in range(100)),
        *(row(f"a{n}", actor="agent-1", target=f"u{n}", after=n) for n in range(100)),
        *(row(f"l{n}", actor=f"lone-{n}", target=f"w{n}", after=n / 2) for n in range(100)),
    ]
    hits = [hit("one_caller", f"a{n}", caller="o-1", target=f"u{n}", after=n) for n in range(50)]

    found = campaigns(items_of(rows, hits))

    assert [(c.by, c.name, len(c.items)) for c in found] == [
        ("caller", "o-1", 100),
        ("hour", "2026-03-02T12", 100),
        ("vendor", "okta", 100),
        ("actor", "agent-1", 50),
    ]


def test_few_lone_ones_stay_their_own() -> None:
    """Three agents with one event each are three findings; the same agent days later is another campaign."""
    rows = [row(f"l{n}", actor=f"lone-{n}", after=n) for n in range(3)]

    assert len(campaigns(items_of(rows, []))) == 3
    assert len(campaigns(items_of([row("a"), row("b", after=60 * 25)], []))) == 2
    assert len(campaigns(items_of([row("a"), row("b", after=60 * 23)], []))) == 1


def test_taken_twice_changes_nothing(ledger: Ledger) -> None:
    """The same rows and hits a second time, or after a restart, raise and join nothing."""
    rows, hits = (row("e1"), row("e2", after=5)), (hit("repeated_recovery", "e2", after=5),)
    findings = Findings(ledger)

    (made,) = findings.take(rows, hits, NOON)
    size = ledger.size

    assert findings.take(rows, hits, LATER) == ()
    assert Findings(ledger).take(rows, hits, LATER) == ()
    assert ledger.size == size
    shown = findings.one(made)
    assert (shown.name, shown.live, shown.finding.severity) == ("agent-1", 2, "high")
    assert shown.finding.rules == ("repeated_recovery", "verdict.unverified")
    assert [item.event for item in shown.items] == ["e1", "e2", "e2"]


def test_new_events_join(ledger: Ledger) -> None:
    """More of the same agent joins the open finding; what comes days later, or after it was dismissed, is a new one."""
    findings = Findings(ledger)
    (made,) = findings.take((row("e1"),), (), NOON)

    assert findings.take((row("e2", after=60),), (), NOON) == (made,)
    assert findings.take((row("e3", after=60 * 24 * 9),), (), NOON) != (made,)
    findings.dismiss(made, SOC, NOON, reason="expected", words="migration", about=NOBODY)
    (again,) = findings.take((row("e4", after=61),), (), LATER)
    assert again != made
    assert len(findings.all()) == 3
    assert findings.one(made).finding.status is Status.DISMISSED


def test_a_hit_joins_the_finding_of_its_event(ledger: Ledger) -> None:
    """A signal that fires on an event of a finding joins it, whatever it would be grouped by itself."""
    findings = Findings(ledger)
    (made,) = findings.take((row("e1"),), (), NOON)

    assert findings.take((), (hit("odd", "e1", actor="somebody", caller="o-7"),), NOON) == (made,)


def test_lone_ones_become_an_hour(ledger: Ledger) -> None:
    """One after the other, as a running watch sees them: the fourth lone agent of an hour begins the hour's finding."""
    findings = Findings(ledger)
    for n in range(8):
        findings.take((row(f"l{n}", actor=f"lone-{n}", target=f"t{n}", after=n),), (), NOON)

    assert sorted(s.finding.by for s in findings.all()) == ["actor", "actor", "actor", "hour"]
    assert next(s for s in findings.all() if s.finding.by == "hour").live == 5


def test_an_hour_is_any_sixty_minutes(ledger: Ledger) -> None:
    """Four lone agents around midnight are one campaign, at once or one after the other; what is later is not of it."""
    around = [row(f"l{n}", actor=f"lone-{n}", target=f"t{n}", after=11 * 60 + 50 + n * 6) for n in range(4)]
    apart = [row(f"m{n}", actor=f"lone-{n}", target=f"t{n}", after=n * 25) for n in range(4)]

    assert [(c.by, c.name, len(c.items)) for c in campaigns(items_of(around, []))] == [("hour", "2026-03-02T23", 4)]
    assert len(campaigns(items_of(apart, []))) == 4
    findings = Findings(ledger)
    for one in around:
        findings.take((one,), (), NOON)
    (hour,) = (s for s in findings.all() if s.finding.by == "hour")
    assert hour.live == 1
    findings.take((row("l5", actor="lone-5", target="t5", after=12 * 60 + 40),), (), NOON)
    findings.take((row("l6", actor="lone-6", target="t6", after=13 * 60 + 30),), (), NOON)
    assert findings.one(hour.finding.id).live == 2


def test_late_evidence_takes_events_out(ledger: Ledger) -> None:
    """A verdict revised to verified leaves its finding, with the hits that no longer fire, and may close it."""
    findings = Findings(ledger)
    (made,) = findings.take((row("e1"), row("e2", after=1)), (hit("privileged_target", "e1"),), NOON)
    verified = row("e1", verdict=Verdict.VERIFIED, reasons=("whole_chain",), revision=2)

    findings.take((verified,), (), LATER)
    assert [item.event for item in findings.one(made).items] == ["e2"]
    findings.take((row("e2", after=1, verdict=Verdict.OUT_OF_POLICY, reasons=("expired",)),), (), LATER)
    assert [item.rule for item in findings.one(made).items] == ["verdict.out_of_policy"]
    findings.take((row("e2", after=1, verdict=Verdict.VERIFIED),), (), LATER)
    assert findings.one(made).finding.status is Status.CLOSED
    assert findings.risks(LATER) == ()

    (again,) = findings.take((row("e1"),), (), LATER)
    assert again != made


def test_signals_that_look_later_take_events_out(ledger: Ledger) -> None:
    """A verdict is revised before its signals look again: their hits leave the finding when they no longer fire."""
    findings = Findings(ledger)
    hurried = hit("evidence_chain_broken", "e1", severity="critical")
    (made,) = findings.take((row("e1"),), (hurried,), NOON)
    verified = row("e1", verdict=Verdict.VERIFIED, reasons=("whole_chain",), revision=2)

    findings.take((verified,), (hurried,), LATER)
    assert [item.rule for item in findings.one(made).items] == ["evidence_chain_broken"]
    findings.take((), (), LATER)
    assert findings.one(made).finding.status is Status.CLOSED
    assert findings.risks(LATER) == ()


@pytest.mark.parametrize(("revision", "days"), [(1, 0.5), (2, 14)])
def test_what_signals_forget_stays(ledger: Ledger, revision: int, days: float) -> None:
    """A hit stays that fires no longer since what was before it is forgotten, or statistics moved; by a start too."""
    fires = hit("agent_off_shift", "e1")
    verified = row("e1", verdict=Verdict.VERIFIED, reasons=("whole_chain",), revision=revision)
    findings = Findings(ledger)
    (made,) = findings.take((verified,), (fires,), NOON)

    for taken in (findings, Findings(ledger)):
        taken.take((), (), NOON + timedelta(days=days))
        taken.take((verified,), (), NOON + timedelta(days=days))
        assert [item.rule for item in taken.one(made).items] == ["agent_off_shift"]


def test_a_start_raises_nothing_that_was_answered(ledger: Ledger) -> None:
    """All verdicts are taken again after a start: what was revised since is not raised once more, and hits go."""
    fires = hit("evidence_chain_broken", "e1")
    rows = (row("e1"), row("e1", verdict=Verdict.VERIFIED, reasons=("whole_chain",), revision=2))
    findings = Findings(ledger)
    (made,) = findings.take(rows[:1], (fires,), NOON)
    findings.take(rows[1:], (fires,), LATER)
    Findings(ledger).take(rows, (), LATER)
    assert Findings(ledger).one(made).finding.status is Status.CLOSED
    size = ledger.size
    assert Findings(ledger).take(rows, (), LATER) == ()
    assert ledger.size == size


def test_a_signal_that_still_fires_stays(ledger: Ledger) -> None:
    """An event that evidence speaks for, and a signal still fires on, keeps that hit."""
    findings = Findings(ledger)
    fires = hit("first_sign_in_elsewhere", "e1")
    (made,) = findings.take((row("e1"),), (fires,), NOON)

    findings.take((row("e1", verdict=Verdict.VERIFIED, reasons=("whole_chain",), revision=2),), (fires,), LATER)

    assert [item.rule for item in findings.one(made).items] == ["first_sign_in_elsewhere"]


def test_work_on_a_finding(ledger: Ledger) -> None:
    """Triaged, owned, noted, confirmed and closed, all of it in the ledger and read back by another process."""
    findings = Findings(ledger)
    (made,) = findings.take((row("e1"),), (), NOON)
    findings.triage(made, SOC, NOON)
    findings.own(made, SOC, NOON, owner=OTHER, about=NOBODY)
    findings.note(made, OTHER, NOON, words=" called back ")
    findings.confirm(made, OTHER, NOON)
    findings.close(made, OTHER, NOON, about=NOBODY)

    shown = Findings(ledger).one(made)
    assert (shown.finding.status, shown.finding.owner) == (Status.CLOSED, OTHER)
    assert [words for _, _, words in shown.notes] == ["called back"]
    with pytest.raises(Conflict):
        findings.triage(made, SOC, NOON)
    with pytest.raises(Invalid):
        findings.note(made, SOC, NOON, words="  ")
    with pytest.raises(Invalid):
        findings.one("f-none")


def test_whoever_it_is_about_does_not_dismiss_it(ledger: Ledger) -> None:
    """The agent whom a finding names can not make it go away, and nothing is written when they try."""
    findings = Findings(ledger)
    (made,) = findings.take((row("e1"),), (), NOON)
    size = ledger.size

    with pytest.raises(Refused):
        findings.dismiss(made, SOC, NOON, reason="test", words="mine", about=frozenset({SOC}))
    with pytest.raises(Invalid):
        findings.dismiss(made, SOC, NOON, reason="test", words="", about=NOBODY)
    assert ledger.size == size


def test_what_joined_since_somebody_looked_is_not_dismissed_with_the_rest(ledger: Ledger) -> None:
    """Whoever says that it was nothing says so of what they saw; a note or an owner in between is no matter."""
    findings = Findings(ledger)
    (made,) = findings.take((row("e1"),), (), NOON)
    seen = findings.note(made, OTHER, NOON, words="asked").joined
    findings.take((row("e2", target="bo", after=1),), (), NOON)

    with pytest.raises(Conflict, match="More of it came"):
        findings.dismiss(made, SOC, NOON, reason="expected", words="a drill", about=NOBODY, seen=seen)
    assert Findings(ledger).one(made).joined == findings.one(made).joined > seen
    findings.confirm(made, SOC, NOON)
    with pytest.raises(Conflict, match="More of it came"):
        findings.close(made, SOC, NOON, about=NOBODY, seen=seen)
    seen = findings.one(made).joined
    findings.note(made, OTHER, NOON, words="asked again")
    findings.dismiss(made, SOC, NOON, reason="expected", words="a drill", about=NOBODY, seen=seen)
    assert findings.close(made, SOC, NOON, about=NOBODY, seen=seen).finding.status is Status.CLOSED


def test_what_is_suppressed_is_counted(ledger: Ledger) -> None:
    """A rule kept quiet about an agent raises nothing of theirs, counts each thing once, and ends when it says."""
    findings = Findings(ledger)
    quiet = findings.suppress(
        SOC, NOON, rule="verdict.unverified", party="actor", name="agent-1", until=LATER, why="sync account"
    )  # fmt: skip
    for _ in range(2):
        assert findings.take((row("e1"),), (), NOON) == ()
    assert findings.take((row("e2", actor="agent-2", after=1),), (), NOON) != ()

    (shown,) = findings.suppressions()
    assert (shown.name, shown.why, len(shown.suppression.kept)) == ("actor agent-1", "sync account", 1)
    (told,) = findings.take((row("e1"),), (), LATER)
    assert findings.one(told).finding.rules == ("suppression.set", "suppression.ended")
    assert findings.take((row("e1"),), (), LATER) == ()
    assert findings.take((row("e3", after=2),), (), LATER) != ()
    with pytest.raises(Conflict):
        findings.lift(quiet, SOC, LATER)


def test_a_lifted_suppression_is_over(ledger: Ledger) -> None:
    """Lifted before its time it keeps nothing more quiet; without a reason or a name it is never set."""
    findings = Findings(ledger)
    quiet = findings.suppress(SOC, NOON, rule="*", party="target", name="ana", until=LATER, why="drill")
    findings.lift(quiet, SOC, NOON)

    assert findings.take((row("e1"),), (), NOON)
    for wrong in ({"why": " "}, {"name": " "}, {"until": NOON}, {"party": "anybody"}):
        whole = {"rule": "*", "party": "target", "name": "ana", "until": LATER, "why": "drill", **wrong}
        with pytest.raises(Invalid):
            findings.suppress(SOC, NOON, **whole)  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        findings.lift("s-none", SOC, NOON)


def rules(findings: Findings, prefix: str = "suppression.") -> list[str]:
    """What is told of suppressions."""
    return sorted(rule for one in findings.all() for rule in one.finding.rules if rule.startswith(prefix))


@pytest.mark.parametrize(("rule", "party", "name"), [("*", "actor", "agent-1"), ("night", "anybody", "")])
def test_a_wide_suppression_needs_a_second_person(
    ledger: Ledger, rule: str, party: Literal["actor", "anybody"], name: str
) -> None:
    """A whole rule, or all there is of somebody, is kept quiet once somebody else allowed it, and each step is told."""
    findings = Findings(ledger)
    quiet = findings.suppress(SOC, NOON, rule=rule, party=party, name=name, until=LATER, why="a migration")
    assert findings.take((), (hit("night", "e1"),), NOON)
    with pytest.raises(Refused, match="set it yourself"):
        findings.allow(quiet, SOC, NOON)
    assert rules(findings) == ["suppression.asked"]
    findings.allow(quiet, OTHER, NOON)
    assert findings.take((), (hit("night", "e1"), hit("night", "e2", target="ben")), NOON) == ()
    assert rules(findings) == ["suppression.allowed", "suppression.asked"]
    assert {one.finding.severity for one in findings.all() if "suppression.allowed" in one.finding.rules} == {"medium"}
    with pytest.raises(Conflict):
        findings.allow(quiet, OTHER, NOON)
    assert Findings(ledger).suppressions()[0].suppression.allowed == OTHER


def test_what_was_kept_quiet_is_found_again_when_it_is_lifted(ledger: Ledger) -> None:
    """It comes back with the lift, once, in another process too; what evidence speaks for since does not."""
    findings = Findings(ledger)
    quiet = findings.suppress(
        SOC, NOON, rule="verdict.unverified", party="actor", name="agent-1", until=LATER, why="a migration"
    )
    assert findings.take((row("e1"), row("e2", target="ben")), (), NOON) == ()
    findings.take((row("e2", target="ben", verdict=Verdict.VERIFIED, reasons=("whole_chain",), revision=2),), (), NOON)
    findings.lift(quiet, OTHER, NOON + timedelta(hours=1))

    (found,) = (one for one in findings.all() if "verdict.unverified" in one.finding.rules)
    assert [(item.event, item.target) for item in found.items if item.event] == [("e1", "ana")]
    assert rules(findings) == ["suppression.lifted", "suppression.set"]
    assert findings.take((row("e1"),), (), NOON + timedelta(hours=1)) == ()
    assert [one.finding.id for one in Findings(ledger).all()] == [one.finding.id for one in findings.all()]


def test_a_lift_that_was_not_told_is_told_the_next_time(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the ledger is lost between the step and what follows from it, the next look makes up for it."""
    findings = Findings(ledger)
    quiet = findings.suppress(
        SOC, NOON, rule="verdict.unverified", party="actor", name="agent-1", until=LATER, why="a migration"
    )
    findings.take((row("e1"),), (), NOON)

    def away(*_: object) -> None:
        raise Unavailable("The database is away.", "Wait.")

    with monkeypatch.context() as patched:
        patched.setattr(findings, "_settle", away)
        findings.lift(quiet, SOC, NOON)
    assert rules(findings, "verdict.") == []
    again = Findings(ledger)
    assert again.take((), (), NOON) != ()
    assert rules(again, "verdict.") == ["verdict.unverified"]
    assert again.take((), (), NOON) == ()


def test_its_end_is_told_by_itself(ledger: Ledger) -> None:
    """Without anything else that is new, a suppression whose time is over is told, once; one nobody allowed is not."""
    findings = Findings(ledger)
    findings.suppress(SOC, NOON, rule="one", party="actor", name="agent-1", until=LATER, why="a migration")
    findings.suppress(SOC, NOON, rule="*", party="actor", name="agent-1", until=LATER, why="a migration")
    for at in (NOON, LATER - timedelta(seconds=1)):
        findings.settle(at)
    assert rules(findings) == ["suppression.asked", "suppression.set"]
    findings.settle(LATER)
    findings.settle(LATER + timedelta(seconds=1))
    assert rules(findings) == ["suppression.asked", "suppression.ended", "suppression.set"]
    assert len(findings.all()) == 1


def test_nothing_keeps_quiet_what_becomes_of_suppressions(ledger: Ledger) -> None:
    """Not by name, and not with all else that is kept quiet about whoever sets them."""
    findings = Findings(ledger)
    wide = findings.suppress(OTHER, NOON, rule="*", party="actor", name=SOC, until=LATER, why="a migration")
    findings.allow(wide, PersonId("p-third"), NOON)
    findings.suppress(SOC, NOON, rule="one", party="actor", name="agent-1", until=LATER, why="a migration")
    assert rules(findings) == ["suppression.allowed", "suppression.asked", "suppression.set"]
    with pytest.raises(Invalid, match="not kept quiet"):
        findings.suppress(SOC, NOON, rule="suppression.set", party="actor", name=SOC, until=LATER, why="a migration")


def test_two_processes_raise_it_once(ledger: Ledger) -> None:
    """Of two that have not read each other's entries, the second finds what the first one raised."""
    one, two = Findings(ledger), Findings(ledger)
    one.all()
    two.all()

    made = one.take((row("e1"),), (), NOON)

    assert two.take((row("e1"),), (), NOON) == ()
    assert [s.finding.id for s in two.all()] == list(made)


def test_no_name_stands_in_an_entry(ledger: Ledger) -> None:
    """What a log calls people is a payload: no entry's bytes hold it."""
    findings = Findings(ledger)
    findings.take((row("event-77", actor="agent.name", target="ana.target"),), (), NOON)
    findings.suppress(SOC, NOON, rule="*", party="actor", name="other.name", until=LATER, why="words of mine")

    for entry in ledger.entries():
        for word in (b"agent.name", b"ana.target", b"event-77", b"other.name", b"words of mine"):
            assert word not in entry.raw


def test_a_feed_that_is_silent_is_a_finding(ledger: Ledger) -> None:
    """A row about a feed is grouped by its directory."""
    findings = Findings(ledger)
    findings.take((row("feed/1", verdict=Verdict.SUSPICIOUS, reasons=("log_missing",), about_feed=True),), (), NOON)

    (shown,) = findings.all(Status.NEW)
    assert (shown.finding.by, shown.name) == ("feed", "corp")


def test_many_events_fit(ledger: Ledger) -> None:
    """A thousand events of one agent are one finding, in entries that each stay within their bytes."""
    findings = Findings(ledger)
    rows = tuple(row(f"event-{n}", target=f"target-{n}" * 20, after=n / 10) for n in range(1000))

    (made,) = findings.take(rows, (), NOON)

    assert findings.one(made).live == 1000


def test_risk_adds_up_and_fades() -> None:
    """Several events add up below 100; a week halves one; confirmed counts double, dismissed not at all."""

    def of(*events: tuple[Severity, float, Status]) -> float:
        found = risks(
            (
                Weighed(
                    kind="account", name="ana", about=f"e{n}", severity=s, at=NOON - timedelta(days=age), status=status
                )
                for n, (s, age, status) in enumerate(events)
            ),
            NOON,
        )
        return found[0].score if found else 0.0

    new = Status.NEW
    assert of(("high", 0, new)) == 35.0
    assert of(("high", 7, new)) == 17.5
    assert of(("high", 0, new), ("high", 0, new)) == pytest.approx(57.75, abs=0.06)
    assert of(("high", 0, Status.CONFIRMED)) == 70.0
    assert of(("critical", 0, Status.CONFIRMED)) == 95.0
    assert of(("high", 0, Status.DISMISSED)) == 0.0
    many: list[tuple[Severity, float, Status]] = [("high", 0.0, new)] * 30
    assert 99 < of(*many) <= 100.0


def test_risk_counts_an_event_once(ledger: Ledger) -> None:
    """What several rules found of one event weighs as the gravest; the desk and a log may name one account."""
    findings = Findings(ledger)
    of_desk = msgspec.structs.replace(hit("approved_in_seconds", None, target="a-1", severity="medium"), account="a-1")
    findings.take((row("e1"),), (hit("change_without_case", "e1"), of_desk), NOON)

    apart = {r.name: (r.score, r.events) for r in findings.risks(NOON) if r.kind == "account"}
    assert apart == {"ana": (35.0, 1), "a-1": (15.0, 1)}

    known = Findings(ledger, Whose(Linked({("corp", "ana"): AccountId("a-1")}), ("corp",)))
    (one,) = (r for r in known.risks(NOON) if r.kind == "account")
    assert (one.name, one.events) == ("a-1", 2)
    assert one.score == pytest.approx(100 * (1 - 0.65 * 0.85), abs=0.06)


def test_risk_is_of_accounts_agents_and_vendors(ledger: Ledger) -> None:
    """Each event counts for its account, for who did it, and for the vendor; dismissed it counts for nobody."""
    findings = Findings(ledger)
    (made,) = findings.take((row("e1", actor="support", actor_class="vendor"),), (), NOON)

    assert {(r.kind, r.name) for r in findings.risks(NOON)} == {
        ("account", "ana"),
        ("agent", "support"),
        ("vendor", "okta"),
    }
    findings.dismiss(made, SOC, NOON, reason="false_positive", words="drill", about=NOBODY)
    assert findings.risks(NOON) == ()


def test_struct_is_plain() -> None:
    """What is shown is JSON without more ado."""
    assert msgspec.json.encode(campaigns(items_of([row("e1")], [])))
