"""One caller for two people is a campaign: both cases are raised, whatever it is that they have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest

from tests.desk.office import Office, refused
from watchword.core.action import Action
from watchword.core.errors import Invalid
from watchword.core.ids import CaseId
from watchword.core.origin import AGENTS
from watchword.policy.procedures import SHARED_ORIGIN
from watchword.settings import load

NUMBER = "+49 30 5550199"


def tiers(office: Office, case: CaseId) -> set[str]:
    """What a case asks to be proved now."""
    return {way.tier for way in office.case(case).requirement.verify}


def test_one_number_for_two_people_raises_the_cases_of_both(office: Office) -> None:
    """The second is opened a tier up, with the reason, and the first is raised in its turn, though it was proved."""
    first = office.open(origin=NUMBER)
    office.prove(first, "passkey")
    office.ask(first)
    assert office.state(first) == "releasable"
    second = office.open("noah.berg", origin=NUMBER, ticket="INC-2")
    assert (tiers(office, second), office.case(second).requirement.raised) == ({"V1P+V3", "V2B+V3"}, (SHARED_ORIGIN,))
    office.run()
    assert office.state(first) == "verifying"
    assert (tiers(office, first), office.case(first).requirement.raised) == ({"V1P+V3", "V2B+V3"}, (SHARED_ORIGIN,))


def test_one_number_for_one_person_or_a_day_later_raises_nothing(office: Office) -> None:
    """Who calls twice about their own account is no campaign, nor is a number that was another's the day before."""
    office.open(origin=NUMBER)
    again = office.open(origin=NUMBER, ticket="INC-2")
    office.wait(hours=24, seconds=1)
    other = office.open("noah.berg", origin=NUMBER, ticket="INC-3")
    office.run()
    assert tiers(office, again) == tiers(office, other) == {"V1P", "V2B"}


def test_a_number_that_an_office_calls_from_raises_nothing(office: Office) -> None:
    """The main number says nothing of who calls, however it is written; the next number is somebody's own."""
    config = office.home / "watchword.toml"
    config.write_text(config.read_text().replace("[console]\n", '[console]\nshared_numbers = ["0049 30 555 01-00"]\n'))
    office.settings = load(config)
    office.restart()
    first, second = (office.open(who, origin="+49 (30) 5550100") for who in ("mara.lind", "noah.berg"))
    office.run()
    assert tiers(office, first) == tiers(office, second) == {"V1P", "V2B"}
    third, fourth = (office.open(who, origin="+49 30 5550101") for who in ("mara.lind", "noah.berg"))
    office.run()
    assert tiers(office, third) == tiers(office, fourth) == {"V1P+V3", "V2B+V3"}


@pytest.mark.parametrize("number", ["reception", "+49", ""])
def test_a_shared_number_that_is_none_is_told(office: Office, number: str) -> None:
    """A name in its place would never match, and the calls of a whole office would go on raising each other."""
    config = office.home / "watchword.toml"
    config.write_text(config.read_text().replace("[console]\n", f'[console]\nshared_numbers = ["{number}"]\n'))
    with pytest.raises(Invalid, match="shared_numbers") as told:
        load(config)
    assert "+49 30 5550100" in str(told.value)


@pytest.mark.parametrize("kind", ["address", "device"])
def test_one_address_or_browser_for_two_pages_raises_both(office: Office, kind: Literal["address", "device"]) -> None:
    """The desk may have been given two numbers: what the callers' pages are opened with gives them away."""
    first, second = office.open(), office.open("noah.berg", ticket="INC-2")
    office.app.desk.campaigns.see(first, kind, "203.0.113.7", office.at)
    office.app.desk.campaigns.see(first, kind, "203.0.113.7", office.at)
    office.run()
    assert tiers(office, first) == {"V1P", "V2B"}
    office.app.desk.campaigns.see(second, kind, "203.0.113.7", office.at)
    office.run()
    assert tiers(office, first) == tiers(office, second) == {"V1P+V3", "V2B+V3"}
    assert office.types(first).count("caller.seen") == 1


def test_campaign_raises_once_and_survives_a_lost_row(office: Office) -> None:
    """However often it is looked at, and though the row was lost, each case is raised exactly once."""
    first, second = office.open(origin=NUMBER), office.open("noah.berg", origin=NUMBER, ticket="INC-2")
    office.tamper("DELETE FROM effect WHERE kind = 'campaign'")
    for _ in range(3):
        office.pass_by(minutes=1)
    assert office.types(first).count("case.escalated") == 1
    assert office.types(second).count("case.escalated") == 0


def test_campaign_touches_no_case_at_its_end(office: Office) -> None:
    """What was released or withdrawn is not raised; its approver's word stands and its grant runs out."""
    first = office.released(origin=NUMBER)
    office.open("noah.berg", origin=NUMBER, ticket="INC-2")
    office.run()
    assert "case.escalated" not in office.types(first)


def test_failures_stick_to_what_the_page_was_opened_with(office: Office) -> None:
    """Three failures from one browser make it wait, though the desk noted no number."""
    case = office.open()
    office.app.desk.campaigns.see(case, "device", "a browser", office.at)
    office.fail(case, "totp")
    office.fail(case, "totp")
    other = office.open("noah.berg", ticket="INC-2")
    office.app.desk.campaigns.see(other, "device", "a browser", office.at)
    office.fail(other, "totp")
    assert refused(lambda: office.begin(other, "passkey")) == ("origin_throttled",)
    office.begin(office.open("noah.berg", ticket="INC-3"), "passkey")


def test_agent_waits_after_ten_failures_and_a_colleague_does_not(office: Office) -> None:
    """An agent who tries accounts out is slowed before any further account suffers; a colleague goes on."""
    logins = ("mara.lind", "noah.berg", "olga.owner", "boss.one", "eve.exec")
    for number in range(AGENTS.failures):
        office.fail(office.open(logins[number // 2], ticket=f"INC-{number}"))
    case = office.open("piet.priv", ticket="INC-99")
    assert refused(lambda: office.begin(case, "passkey")) == ("origin_throttled",)
    office.wait(seconds=61)
    office.begin(case, "passkey")


def test_who_fails_on_purpose_locks_nobody_out(office: Office) -> None:
    """After every failure there can be, the person comes in with their passkey and gets their password, as before."""
    attacker = office.open(ticket="INC-1")
    for _ in range(6):
        office.wait(hours=2)
        challenge = office.begin(attacker, "in_person")
        refused(lambda c=challenge: office.answer(attacker, c, "none, front desk", agent="ben.agent"))  # type: ignore[misc]
    account = office.case(attacker).account
    assert office.app.registry.account(account).freeze(office.at, office.app.steps.thresholds) == 2
    case = office.open(ticket="INC-2", agent="ada.agent")
    office.prove(case, "passkey")
    office.prove(case, "in_person")
    office.ask(case)
    office.release(case)
    office.browse(case)
    office.run()
    assert office.take(case)


def test_clock_that_goes_back_opens_nothing(office: Office) -> None:
    """Failures of a minute ahead still count, and a proof of a minute ahead does not."""
    case = office.open()
    office.wait(minutes=1)
    for _ in range(3):
        office.fail(case)
    account = office.app.registry.account(office.case(case).account)
    early = office.at - timedelta(minutes=1)
    assert account.freeze(early, office.app.steps.thresholds) == 1
    office.prove(case, "passkey")
    assert office.app.desk.verification.missing(office.case(case), office.at) == ()
    assert office.app.desk.verification.missing(office.case(case), early) != ()


def test_freeze_is_released_by_two_who_hold_the_step(office: Office) -> None:
    """An agent may not, one person is not enough, and what they agreed to is an entry of the account."""
    case = office.open(action=Action.UNLOCK)
    for _ in range(5):
        office.fail(case, "in_person")
    account, agree = office.case(case).account, office.app.desk.decisions.release_freeze
    assert refused(lambda: agree(office["ben.agent"], account, office.at))[0] == "no rule permits it"
    assert agree(office["sam.security"], account, office.at) is False
    assert agree(office["ivy.iam"], account, office.at) is True
    types = [e.entry.type for e in office.app.ledger.read(f"account/{account}")]
    assert types[-3:] == ["freeze.release_voted", "freeze.release_voted", "freeze.released"]


def test_a_number_is_one_origin_however_it_was_typed(office: Office) -> None:
    """The second spelling, for another person, raises the case as the first one would have."""
    first = office.open("mara.lind", Action.UNLOCK, origin="+49 30 5550199")
    other = office.open("noah.berg", Action.UNLOCK, ticket="INC-2", origin="0049-30-5550199")
    assert office.case(first).origin == office.case(other).origin
    assert office.case(other).requirement.raised
