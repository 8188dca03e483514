"""The elevated-threat switch: one person turns it on, two turn it off, and meanwhile everything needs more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.desk.office import Office, refused
from watchword.core.action import Action
from watchword.core.case import Holding
from watchword.core.errors import Invalid, Refused
from watchword.desk.posture import SELF_SERVICE_OFF, demand_self_service


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
    """A reset proved without a passkey waits its four hours; the switch going off shortens nothing of it."""
    raised(office)
    case = office.open()
    office.prove(case, "totp")
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
