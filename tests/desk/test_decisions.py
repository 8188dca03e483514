"""Stories of approval, refusal, holding, release and the ways a case ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.desk.office import Office, refused
from watchword.core.action import Action
from watchword.core.case import Asked, Holding
from watchword.core.change import ResetFactors, ResetPassword
from watchword.core.errors import Conflict, Invalid
from watchword.core.ids import CaseId
from watchword.core.person import Kind, Role, RoleGrant


def asked(office: Office, login: str = "mara.lind", *methods: str) -> CaseId:
    """A factor reset that waits for its approvals."""
    case = office.open(login, Action.FACTOR_RESET, factors=("security_key",))
    for method in methods or ("passkey", "mail_code"):
        office.prove(case, method)
    office.ask(case)
    assert office.state(case) == "awaiting approval"
    return case


def test_executive_factor_reset(office: Office) -> None:
    """Two approvals from two seats, an hour of waiting that nobody shortens, one change, and a review that is owed."""
    case = asked(office, "eve.exec", "in_person", "totp")
    office.approve(case, "boss.one")
    assert office.state(case) == "awaiting approval"
    office.approve(case, "sam.security")
    held = office.case(case)
    assert isinstance(held, Holding)
    office.run()
    assert office.app.outbox is not None
    assert "If you did not ask for this" in office.app.outbox.sent("eve.exec@example.test")[-1].text
    office.pass_by(minutes=59)
    assert refused(lambda: office.release(case)) == ("hold",)
    office.pass_by(minutes=1)
    assert office.state(case) == "releasable"
    office.release(case)
    office.run()
    removed = ResetFactors(account=held.account, factors=("security_key",))
    assert (office.state(case), office.version("eve.exec", removed)) == ("delivered", 1)
    assert office.directory.read(office.native("eve.exec")).factors == ("authenticator_app",)

    review = office.app.desk.decisions.review
    assert office.case(case).review_due is not None
    for hand in ("ada.agent", "sam.security", "rae.release"):
        assert refused(lambda h=hand: review(office[h], case, sound=True, account_given="fine", at=office.at))  # type: ignore[misc]
    with pytest.raises(Invalid, match="sentence"):
        review(office["rex.review"], case, sound=True, account_given=" ", at=office.at)
    review(office["rex.review"], case, sound=True, account_given="The call was heard again.", at=office.at)
    assert office.case(case).reviewer == office["rex.review"]


def test_passkey_waives_the_hold(office: Office) -> None:
    """An executive who proved with a passkey does not wait."""
    case = asked(office, "eve.exec", "passkey", "mail_code")
    office.approve(case, "boss.one", "ivy.iam")
    assert office.state(case) == "releasable"


def test_approver_has_a_seat_and_took_no_other_step(office: Office) -> None:
    """Neither a bystander, nor who opened, nor the subject, nor a vendor can approve; nobody votes twice."""
    case = asked(office, "eve.exec", "in_person", "totp")
    for login in ("noah.berg", "ada.agent", "eve.exec", "rae.release"):
        assert refused(lambda who=login: office.approve(case, who))  # type: ignore[misc]
    vendor = office.app.people.register(
        office["root.admin"], login="vic.vendor", name="Vic", kind=Kind.VENDOR, unit="desk", at=office.at
    )
    office.app.people.grant(office["root.admin"], vendor, RoleGrant(role=Role.SECURITY_DUTY), office.at)
    assert "vendor-never-approves" in refused(lambda: office.approve(case, "vic.vendor"))
    office.approve(case, "sam.security")
    assert refused(lambda: office.approve(case, "sam.security")) == ("voted",)
    assert office.state(case) == "awaiting approval"


def test_two_roles_are_still_one_person(office: Office) -> None:
    """The manager who is also on duty fills one seat, not both."""
    office.app.people.grant(office["root.admin"], office["boss.one"], RoleGrant(role=Role.IAM_DUTY), office.at)
    case = asked(office, "eve.exec", "in_person", "totp")
    office.approve(case, "boss.one")
    assert office.state(case) == "awaiting approval"
    office.approve(case, "sam.security")
    assert office.state(case) == "holding"


def test_one_no_ends_it(office: Office) -> None:
    """An approver who says no ends the case, whoever said yes before."""
    case = asked(office, "eve.exec", "in_person", "totp")
    office.approve(case, "sam.security")
    with pytest.raises(Invalid, match="reason is missing"):
        office.app.desk.decisions.refuse(office["boss.one"], case, " \n", office.at)
    assert office.state(case) == "awaiting approval"
    office.app.desk.decisions.refuse(office["boss.one"], case, "she is next to me", office.at)
    assert office.state(case) == "declined"
    assert refused(lambda: office.release(case)) == ("wrong_state", "declined")


def test_approval_of_other_bytes(office: Office) -> None:
    """Whoever looked at something else than the case asks now is told to look again."""
    case = asked(office)
    with pytest.raises(Conflict, match="looked at"):
        office.app.desk.decisions.approve(office["boss.one"], case, "0" * 64, "s", office.at)


def test_approval_ends(office: Office) -> None:
    """An approval that is four hours old releases nothing, and a late yes is refused."""
    case = asked(office)
    late = asked(office, "noah.berg")
    office.approve(case, "boss.one")
    office.wait(hours=4, seconds=1)
    assert refused(lambda: office.release(case)) == ("expired",)
    assert refused(lambda: office.approve(late, "boss.one")) == ("expired",)


def test_approver_does_not_release(office: Office) -> None:
    """Who approved can not let the executor act, also when they hold that role."""
    office.app.people.grant(office["root.admin"], office["boss.one"], RoleGrant(role=Role.EXECUTOR), office.at)
    case = asked(office)
    office.approve(case, "boss.one")
    assert "sod-approver-releases" in refused(lambda: office.release(case, who="boss.one"))


def test_release_of_more_than_was_approved(office: Office) -> None:
    """Whoever believes that more was approved is refused, and the case can still be released as it is."""
    case = asked(office)
    office.approve(case, "boss.one")
    now = office.case(case)
    wider = (*now.changes, ResetPassword(account=now.account))
    every = (ResetFactors(account=now.account), *now.changes[1:])
    for believed in (wider, every, ()):
        assert refused(lambda b=believed: office.release(case, changes=b)) == ("wider_than_approved",)  # type: ignore[misc]
    office.release(case, changes=now.changes)


def test_escalation_only_adds(office: Office) -> None:
    """A case that is escalated begins to be verified again, needs more, and loses its votes."""
    case = asked(office)
    before = office.case(case).requirement
    office.app.desk.decisions.escalate(office["ada.agent"], case, office.at)
    after = office.case(case)
    assert office.state(case) == "verifying"
    assert after.requirement.hold_s > before.hold_s
    assert after.requirement.approve is not None
    assert before.approve is not None
    assert len(after.requirement.approve.seats) > len(before.approve.seats)
    assert after.votes == ()
    assert refused(lambda: office.app.desk.decisions.escalate(office["ada.agent"], case, office.at)) == ("highest",)


def test_withdrawn(office: Office) -> None:
    """The person whose account it is may call a case off; then nothing of it can be released."""
    case = office.open()
    office.app.desk.decisions.withdraw(office["mara.lind"], case, "not me", office.at)
    assert office.state(case) == "withdrawn"
    assert refused(lambda: office.prove(case, "passkey"))
    assert refused(lambda: office.app.desk.decisions.withdraw(office["noah.berg"], office.open(), "x", office.at))


def test_expired(office: Office) -> None:
    """A case that nothing happened to in two days is over."""
    case = office.open()
    office.pass_by(days=2, seconds=-1)
    assert office.state(case) == "verifying"
    office.pass_by(seconds=1)
    assert office.state(case) == "expired"


def test_case_with_its_work_undone_is_not_closed(office: Office) -> None:
    """A case can be closed when its credential is with the person, and not before it was released."""
    case = office.open()
    close = office.app.desk.decisions.close
    assert refused(lambda: close(office["ada.agent"], case, office.at)) == ("wrong_state", "verifying")


def test_what_was_said_is_not_in_the_leaf(office: Office) -> None:
    """A caller's words, names and numbers stand in payloads; no entry holds any of them."""
    case = office.released()
    office.run()
    told = (b"mara", b"lind", b"says so", b"INC-1", b"+4930", b"@example.test")
    for appended in office.app.ledger.entries():
        assert not [word for word in told if word in appended.raw.lower()]
    now = office.case(case)
    assert isinstance(now, Asked)
    assert b"mara" not in msgspec.json.encode(now).lower()


def test_a_role_with_an_end_ends_within_ten_years(office: Office) -> None:
    """Somebody who means for ever leaves the end out."""
    last = RoleGrant(role=Role.AUDITOR, until=datetime(9999, 12, 31, tzinfo=UTC))
    with pytest.raises(Invalid, match="within ten years"):
        office.app.people.grant(office["root.admin"], office["boss.one"], last, office.at)
    nine = RoleGrant(role=Role.AUDITOR, until=office.at + timedelta(days=3287))
    office.app.people.grant(office["root.admin"], office["boss.one"], nine, office.at)
