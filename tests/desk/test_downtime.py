"""The day Watchword was down: what two custodians declare speaks for the log's events, and owes a review."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.desk.office import Office, refused
from watchword.core.action import Action
from watchword.core.change import ResetPassword
from watchword.core.errors import Conflict, Invalid
from watchword.core.identity_event import Verdict
from watchword.core.ids import AccountId
from watchword.core.person import Kind, Role, RoleGrant
from watchword.settings import load
from watchword.watch.engine import Engine
from watchword.web.frame import overdue_of

CUSTODIANS = ("dot.sealed", "dan.sealed")


@pytest.fixture
def down(office: Office) -> Office:
    """An office with custodians of the sealed procedure, an hour after an administrator used the native tool."""
    people, root = office.app.people, office["root.admin"]
    for login in CUSTODIANS:
        person = people.register(root, login=login, name=login, kind=Kind.EMPLOYEE, unit="desk", at=office.at)
        people.grant(root, person, RoleGrant(role=Role.DOWNTIME_CUSTODIAN), office.at)
    office.wait(minutes=10)
    office.directory.by_hand(
        "it.admin", office.native("mara.lind"), ResetPassword(account=AccountId("")), secret="typed in by herself"
    )
    office.wait(hours=1)
    return office


def declared(office: Office, by: str = CUSTODIANS[0], **other: Any) -> str:
    """What one custodian says was done."""
    said: dict[str, Any] = {
        "directory": "sandbox",
        "query": "mara.lind",
        "action": Action.PASSWORD_RESET,
        "performer": "it.admin",
        "since": office.at - timedelta(minutes=80),
        "until": office.at - timedelta(minutes=40),
        "why": "Watchword was down, the person stood at the desk",
    }
    return office.app.downtimes.declare(office[by], at=office.at, **{**said, **other})


def verdicts(office: Office, directory: str = "sandbox") -> list[tuple[Verdict, tuple[str, ...]]]:
    """What the watch makes of the directory's own log, with the evidence as it is now."""
    office.app.follow()
    log = office.home / "audit.jsonl"
    report = Engine().classify("okta", (log,), office.app.evidence.path, directory=directory)
    return [(row.verdict, row.reasons) for row in report.verdicts]


def test_declared_and_confirmed_it_is_downtime_and_owes_a_review(down: Office) -> None:
    """Before the second custodian it is a finding; then downtime that owes a review; then one that was reviewed."""
    ((before, _),) = verdicts(down)
    assert before in {Verdict.UNVERIFIED, Verdict.SUSPICIOUS}
    made = declared(down)
    assert verdicts(down)[0][0] is before
    down.app.downtimes.confirm(down[CUSTODIANS[1]], made, down.at)
    assert verdicts(down) == [(Verdict.DOWNTIME, ("declared", "review_owed"))]
    review = down.app.downtimes.review
    review(down["rex.review"], made, down.at, sound=True, account_given="saw the envelope and the visitor's book")
    assert verdicts(down) == [(Verdict.DOWNTIME, ("declared", "review_done"))]


@pytest.mark.parametrize(
    "other",
    [
        {"action": Action.UNLOCK},
        {"query": "noah.berg"},
        {"performer": "it.other"},
        {
            "since": datetime.fromisoformat("2026-11-23T09:30:00+00:00"),
            "until": datetime.fromisoformat("2026-11-23T09:50:00+00:00"),
        },
    ],
)
def test_it_speaks_for_nothing_else(down: Office, other: dict[str, Any]) -> None:
    """Another action, account, administrator or time leaves the event a finding."""
    made = declared(down, **other)
    down.app.downtimes.confirm(down[CUSTODIANS[1]], made, down.at)
    ((verdict, _),) = verdicts(down)
    assert verdict in {Verdict.UNVERIFIED, Verdict.SUSPICIOUS}


def test_it_speaks_for_its_own_directory_alone(down: Office) -> None:
    """The same names in the log of another directory are other people: their reset stays a finding."""
    down.app.downtimes.confirm(down[CUSTODIANS[1]], declared(down), down.at)
    ((verdict, _),) = verdicts(down, "another")
    assert verdict in {Verdict.UNVERIFIED, Verdict.SUSPICIOUS}
    assert verdicts(down)[0][0] is Verdict.DOWNTIME


def test_nobody_declares_alone_or_for_themself(down: Office) -> None:
    """The declarer does not confirm, neither of the two reviews, and an agent has no such step."""
    made = declared(down)
    downtimes = down.app.downtimes
    assert refused(lambda: downtimes.confirm(down[CUSTODIANS[0]], made, down.at)) == ("same_person",)
    assert refused(lambda: downtimes.confirm(down["ada.agent"], made, down.at))[0] == "no rule permits it"
    assert refused(lambda: declared(down, by="cleo.custodian"))[0] == "no rule permits it"
    people, root = down.app.people, down["root.admin"]
    people.grant(root, down["mara.lind"], RoleGrant(role=Role.DOWNTIME_CUSTODIAN), down.at)
    assert "subject-never-acts" in refused(lambda: downtimes.confirm(down["mara.lind"], made, down.at))
    assert refused(lambda: _review(down, "rex.review", made)) == ("unconfirmed",)
    downtimes.confirm(down[CUSTODIANS[1]], made, down.at)
    for login in CUSTODIANS:
        people.grant(root, down[login], RoleGrant(role=Role.REVIEWER), down.at)
        assert refused(lambda who=login: _review(down, who, made)) == ("same_person",)  # type: ignore[misc]
    with pytest.raises(Conflict):
        downtimes.confirm(down[CUSTODIANS[1]], made, down.at)


def test_the_envelope_has_custodians_of_its_own(down: Office) -> None:
    """Whoever breaks the glass opens no envelope, nor the other way round, for as long as they hold the one role."""
    people, root = down.app.people, down["root.admin"]
    pairs = (("cleo.custodian", Role.DOWNTIME_CUSTODIAN), (CUSTODIANS[0], Role.CUSTODIAN))
    for login, role in pairs:
        assert refused(lambda who=login, r=role: people.grant(root, down[who], RoleGrant(role=r), down.at)) == (  # type: ignore[misc]
            "custodian_of_both",
        )
    people.revoke(root, down["cleo.custodian"], Role.CUSTODIAN, down.at)
    people.grant(root, down["cleo.custodian"], RoleGrant(role=Role.DOWNTIME_CUSTODIAN), down.at)


def test_a_declaration_ends_with_the_seat_it_was_made_from(down: Office) -> None:
    """Whoever declared it is no custodian any more: nobody confirms it, and its events stay findings."""
    ((before, _),) = verdicts(down)
    made = declared(down)
    down.app.people.revoke(down["root.admin"], down[CUSTODIANS[0]], Role.DOWNTIME_CUSTODIAN, down.at)
    assert refused(lambda: down.app.downtimes.confirm(down[CUSTODIANS[1]], made, down.at)) == ("declarer_gone",)
    assert verdicts(down)[0][0] is before


def _review(office: Office, who: str, made: str) -> None:
    office.app.downtimes.review(office[who], made, office.at, sound=True, account_given="looked")


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("until", {"until": datetime.fromisoformat("2026-11-23T08:00:00+00:00")}),
        ("until", {"until": datetime.fromisoformat("2026-11-24T08:00:00+00:00")}),
        ("since", {"since": datetime.fromisoformat("2026-11-20T09:00:00+00:00")}),
        ("performer", {"performer": "  "}),
        ("why", {"why": ""}),
        ("account", {"query": "nobody.known"}),
    ],
)
def test_what_can_not_have_been_is_told(down: Office, field: str, other: dict[str, Any]) -> None:
    """Times that contradict each other, that have not come, or that are too long, and what is missing, by its name."""
    with pytest.raises(Invalid) as caught:
        declared(down, **other)
    assert caught.value.where == field


def test_what_is_declared_too_late_stays_a_finding(down: Office) -> None:
    """After fourteen days nothing can be declared any more."""
    since, until = down.at - timedelta(hours=2), down.at - timedelta(hours=1)
    down.wait(days=14)
    with pytest.raises(Invalid, match="fourteen days"):
        declared(down, since=since, until=until)


def test_overdue_review_is_on_every_page(down: Office) -> None:
    """A day after it was confirmed, whoever looks at any page reads that a review is overdue."""
    made = declared(down)
    down.app.downtimes.confirm(down[CUSTODIANS[1]], made, down.at)
    assert overdue_of(down.app, down.at) == ("", "")
    down.wait(hours=24)
    words, link = overdue_of(down.app, down.at)
    assert "owes a review that is overdue" in words
    assert link == "/downtime"
    case = down.open("piet.priv", Action.UNLOCK)
    down.app.desk.decisions.break_glass(down["cleo.custodian"], case, "core network down", down.at)
    down.pass_by(hours=24)
    words, link = overdue_of(down.app, down.at)
    assert words.startswith("One review is overdue")
    assert words.endswith("Work done while Watchword was down owes a review that is overdue.")
    assert link == f"/cases/{case}"


@pytest.mark.parametrize("review", [None, True, False])
def test_security_is_paged_of_what_was_not_looked_at_or_was_wrong(down: Office, review: bool | None) -> None:
    """A day after it was confirmed, once, by the declaration's code; at once, where whoever looked found it wrong."""
    config = down.home / "watchword.toml"
    config.write_text(config.read_text().replace("[security]", '[security]\nmail = "soc@example.test"'))
    down.settings = load(config)
    down.restart()
    made = declared(down)
    down.app.downtimes.confirm(down[CUSTODIANS[1]], made, down.at)
    assert [one.declared.downtime for one in down.app.downtimes.owing()] == [made]
    if review is not None:
        down.app.downtimes.review(down["rex.review"], made, down.at, sound=review, account_given="looked")
    for _ in range(3):
        down.pass_by(hours=12)
    assert down.app.outbox is not None
    told = [m.subject.partition(" (")[0] for m in down.app.outbox.sent("soc@example.test")]
    later = {
        None: ["The review of work outside Watchword is overdue"],
        True: [],
        False: ["The review of work outside Watchword found it not sound"],
    }
    assert told == ["Work outside Watchword was declared", *later[review]]
    assert bool(down.app.downtimes.owing()) is (review is None)


def test_evidence_survives_a_restart(down: Office, tmp_path: Path) -> None:
    """What was declared is folded from the ledger alone: another process writes the same table."""
    made = declared(down)
    down.app.downtimes.confirm(down[CUSTODIANS[1]], made, down.at)
    first = verdicts(down)
    down.app.evidence.path.unlink()
    down.restart()
    assert verdicts(down) == first
