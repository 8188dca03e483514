"""The elevated-threat switch: one person turns it on, two turn it off, and meanwhile everything needs more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.desk.office import Office, refused
from watchword.core import command as do
from watchword.core.action import Action
from watchword.core.case import Asked, Holding
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId
from watchword.core.requirement import Context
from watchword.desk import decisions
from watchword.desk.posture import SELF_SERVICE_OFF, ThreatRaised, demand_self_service
from watchword.desk.recording import draft
from watchword.ledger.append import Append


def raised(office: Office, hours: int = 12) -> None:
    """Turn the switch on."""
    until = office.at + timedelta(hours=hours)
    office.app.people.raise_threat(office["sam.security"], until, "two vishing calls", office.at)


def lower(office: Office, who: str) -> bool:
    """Agree that it is turned off."""
    return office.app.people.lower_threat(office[who], "it was a drill", office.at)


def test_one_turns_it_on_and_two_turn_it_off(office: Office) -> None:
    """The second distinct person ends it at once; the first alone, twice, and an agent do not."""
    raised(office)
    assert refused(lambda: lower(office, "ada.agent"))[0] == "no rule permits it"
    assert lower(office, "sam.security") is False
    assert office.app.registry.posture().elevated(office.at)
    assert refused(lambda: lower(office, "sam.security")) == ("same_person",)
    assert lower(office, "ivy.iam") is True
    assert not office.app.registry.posture().elevated(office.at)
    assert refused(lambda: lower(office, "ivy.iam")) == ("not_elevated",)


def test_a_vote_does_not_outlive_what_it_was_about(office: Office) -> None:
    """Raised again, the switch needs two new people: who agreed before did not know of this."""
    raised(office)
    lower(office, "sam.security")
    raised(office, hours=24)
    assert lower(office, "ivy.iam") is False
    assert office.app.registry.posture().elevated(office.at)


def test_a_reason_is_needed_for_both(office: Office) -> None:
    """Neither goes without words, which are kept sealed beside the entry."""
    raised(office)
    with pytest.raises(Invalid):
        office.app.people.lower_threat(office["sam.security"], "  ", office.at)
    lower(office, "sam.security")
    told = office.app.ledger.disclosures(office.app.ledger.read("policy")[-1])
    assert told == {"why": "it was a drill"}


@pytest.mark.parametrize("login", ["mara.lind", "eve.exec", "piet.priv"])
def test_every_tier_is_one_up_and_every_hold_four_hours(office: Office, login: str) -> None:
    """Whatever the class: more has to be proved than without, and nothing is done within four hours."""
    before = office.case(office.open(login)).requirement
    raised(office)
    after = office.case(office.open(login, ticket="INC-2")).requirement
    assert after.hold_s >= 4 * 3600 > before.hold_s
    assert min(w.min_weight for w in after.verify) > min(w.min_weight for w in before.verify)
    assert "elevated threat is declared" in after.raised


def test_hold_is_waited_out_under_threat(office: Office) -> None:
    """A reset waits its four hours, a passkey or not; the switch going off shortens nothing of it."""
    raised(office)
    case = office.open()
    office.prove(case, "passkey")
    office.prove(case, "in_person")
    office.ask(case)
    now = office.case(case)
    assert isinstance(now, Holding)
    assert now.until == office.at + timedelta(hours=4)
    office.run()
    lower(office, "sam.security")
    lower(office, "ivy.iam")
    office.pass_by(hours=3, minutes=59)
    assert office.state(case) == "holding"
    office.pass_by(minutes=1)
    assert office.state(case) == "releasable"


def test_nobody_resets_factors_alone_meanwhile(office: Office) -> None:
    """A person alone is refused whatever lets them in anew, and told where to go; unlocking oneself stays."""
    posture = office.app.registry.posture
    for action in Action:
        demand_self_service(posture(), action, office.at)
    raised(office)
    for action in SELF_SERVICE_OFF:
        with pytest.raises(Refused, match="elevated threat"):
            demand_self_service(posture(), action, office.at)
    demand_self_service(posture(), Action.UNLOCK, office.at)
    office.wait(hours=13)
    demand_self_service(posture(), Action.FACTOR_RESET, office.at)


def approvable(office: Office) -> CaseId:
    """A reset of factors that its manager has approved, and nobody has released."""
    case = office.open(action=Action.FACTOR_RESET, factors=("authenticator_app",))
    office.prove(case, "passkey")
    office.prove(case, "call_code")
    office.ask(case)
    office.approve(case, "boss.one")
    return case


def test_what_was_open_is_raised_with_what_it_has_proven(office: Office) -> None:
    """A case that only waited for its release asks for more from then on; its proofs stand, its votes are asked for."""
    case, untouched = approvable(office), office.released("noah.berg", ticket="INC-2")
    before = office.case(case).requirement
    raised(office)
    now = office.case(case)
    assert office.state(case) == "verifying"
    assert "elevated threat is declared" in now.requirement.raised
    assert now.requirement.hold_s >= 4 * 3600
    assert min(w.min_weight for w in now.requirement.verify) > min(w.min_weight for w in before.verify)
    assert [e.method for e in now.evidence] == ["passkey", "call_code"]
    assert now.votes == ()
    assert refused(lambda: office.release(case))[0] == "wrong_state"
    office.prove(case, "in_person")
    office.ask(case)
    office.approve(case, "boss.one")
    assert refused(lambda: office.release(case)) == ("untold",)
    office.run()
    assert refused(lambda: office.release(case)) == ("hold",)
    assert office.state(untouched) == "checked"  # it was released before


def test_a_case_the_switch_missed_is_raised_at_its_release(office: Office) -> None:
    """Whatever stood in the way of raising it, nothing is released under less: the one who tries is told why."""
    case = approvable(office)
    office.app.desk.objections.object(office["ada.agent"], case, "not me", office.at)
    raised(office)
    assert office.state(case) == "paused"
    office.app.desk.objections.lift(office["ivy.iam"], case, "called her back", office.at)
    assert office.state(case) == "releasable"
    assert refused(lambda: office.release(case)) == ("elevated_threat",)
    assert office.state(case) == "verifying"
    assert "elevated threat is declared" in office.case(case).requirement.raised


def test_the_executor_asks_what_was_declared_at_the_release(office: Office) -> None:
    """A release that was written under the threat for a case that was never raised is not acted on."""
    case = approvable(office)
    now = office.case(case)
    assert isinstance(now, Asked)
    raised_first = ThreatRaised(by=office["sam.security"], until=office.at + timedelta(hours=1))
    stream = office.app.ledger.read("policy")
    drafts = (draft(raised_first, office["sam.security"], office.at),)
    append = Append(stream="policy", expected_version=stream[-1].entry.version, drafts=drafts)
    release = do.Release(by=office["rae.release"], executor=office.app.desk.steps.executor, changes=now.changes)
    office.app.ledger.append((append,))
    office.app.desk.steps.system_step(case, lambda _: release, office.at)  # past the desk's own look
    office.run()
    assert office.state(case) == "failed"
    (refusal,) = (e for e in office.app.ledger.read(f"case/{case}") if e.entry.type == "execution.refused")
    assert refusal.entry.data["reasons"] == ["clearance:requirement"]


def test_a_release_is_not_renewed_under_less(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was released before and never begun does not go on under the threat as if none had been declared."""
    case = approvable(office)
    office.release(case)
    office.wait(minutes=16)
    raised(office)
    assert refused(lambda: office.release(case)) == ("elevated_threat",)
    monkeypatch.setattr(decisions, "demand_raised", lambda *_: None)  # a desk that does not ask
    office.release(case)
    office.run()
    (refusal,) = (e for e in office.app.ledger.read(f"case/{case}") if e.entry.type == "execution.refused")
    assert refusal.entry.data["reasons"] == ["clearance:requirement"]


def test_broken_glass_is_not_raised(office: Office) -> None:
    """The predefined procedure stays what two custodians agree to."""
    case = office.open("piet.priv", Action.UNLOCK, context=Context(situation="outage"))
    office.app.desk.decisions.break_glass(office["cleo.custodian"], case, "the plant stands still", office.at)
    raised(office)
    office.approve(case, "cato.custodian")
    office.release(case)
    office.run()
    assert office.state(case) == "delivered"
