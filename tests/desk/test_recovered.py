"""Whose own account was recovered lately undoes no protection: whoever signs in as them may be who got it."""

from __future__ import annotations

import pytest

from tests.desk.office import Office, refused
from tests.desk.test_downtime import CUSTODIANS, declared, down
from tests.desk.test_objections import lets, says
from tests.desk.test_threat import lower, raised
from watchword.core.ids import AccountId
from watchword.core.person import Role, RoleGrant

__all__ = ["down"]

NOAH, RECOVERED = "noah.berg", ("recovered",)


def recover(office: Office) -> None:
    """Have Noah, who is on duty now, got back in by the desk."""
    case = office.released(NOAH)
    office.run()
    office.take(case)


@pytest.fixture
def duty(office: Office) -> Office:
    """An office where Noah, who has an account, came on duty after it was recovered."""
    recover(office)
    office.app.people.grant(office["root.admin"], office[NOAH], RoleGrant(role=Role.SECURITY_DUTY), office.at)
    return office


def frozen(office: Office) -> AccountId:
    """The account of Mara, frozen to its strongest way."""
    case = office.open(ticket="INC-5")
    for method in ("totp", "totp", "totp", "in_person", "in_person"):
        office.fail(case, method)
    return office.case(case).account


def test_a_freeze(duty: Office) -> None:
    """They do not agree to its end; a week later they may."""
    account, agree = frozen(duty), duty.app.desk.decisions.release_freeze
    assert agree(duty["ivy.iam"], account, duty.at) is False
    assert refused(lambda: agree(duty[NOAH], account, duty.at)) == RECOVERED
    duty.wait(days=7)
    assert agree(duty[NOAH], account, duty.at) is True


def test_a_vote_that_was_given_before(office: Office) -> None:
    """The vote of somebody who was recovered after it is none of the two."""
    office.app.people.grant(office["root.admin"], office[NOAH], RoleGrant(role=Role.SECURITY_DUTY), office.at)
    account, agree = frozen(office), office.app.desk.decisions.release_freeze
    assert agree(office[NOAH], account, office.at) is False
    case = office.open(NOAH, ticket="INC-6")
    office.prove(case, "passkey")
    office.ask(case)
    office.approve(case, "boss.one")
    office.release(case)
    office.browse(case)
    office.run()
    assert agree(office["ivy.iam"], account, office.at) is False
    assert agree(office["sam.security"], account, office.at) is True


def test_a_pause(duty: Office) -> None:
    """They let no case go on that somebody objected to."""
    case = duty.open(ticket="INC-5")
    says(duty, case)
    assert refused(lambda: lets(duty, case, NOAH)) == RECOVERED
    lets(duty, case)
    assert duty.state(case) == "verifying"


def test_elevated_threat(duty: Office) -> None:
    """They turn it on, and not off."""
    raised(duty)
    assert refused(lambda: lower(duty, NOAH)) == RECOVERED
    assert lower(duty, "sam.security") is False
    assert lower(duty, "ivy.iam") is True


def test_downtime(down: Office) -> None:
    """They explain nothing away that a log shows, neither as the first custodian nor as the second."""
    recover(down)
    down.app.people.grant(down["root.admin"], down[NOAH], RoleGrant(role=Role.DOWNTIME_CUSTODIAN), down.at)
    assert refused(lambda: declared(down, by=NOAH)) == RECOVERED
    made, confirm = declared(down), down.app.downtimes.confirm
    assert refused(lambda: confirm(down[NOAH], made, down.at)) == RECOVERED
    confirm(down[CUSTODIANS[1]], made, down.at)
