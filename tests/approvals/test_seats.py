"""Who sits in the seats of an approval: nobody, the wrong people, people told apart, and people in others' place."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.desk.forger import SESSION, enrol, plant_yes, proof_by
from tests.desk.office import Office, refused
from tests.desk.test_decisions import asked
from tests.desk.test_executor import reasons
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.core.action import Action, Step
from watchword.core.errors import Conflict, Invalid
from watchword.core.person import Kind, Role, RoleGrant
from watchword.core.spoken import spoken
from watchword.desk.browsers import mark
from watchword.directories.sandbox import Seed
from watchword.policy.procedures import DEFAULT, Procedures
from watchword.web.case_page import case_page
from watchword.web.seats import open_seats


def hired(
    office: Office, login: str, *roles: Role, unit: str = "desk", name: str = "", only: str | None = None
) -> None:
    """Somebody new, whose roles hold in *only* that unit (None: everywhere)."""
    people, admin = office.app.people, office["root.admin"]
    person = people.register(admin, login=login, name=name or login, kind=Kind.EMPLOYEE, unit=unit, at=office.at)
    for role in roles:
        people.grant(admin, person, RoleGrant(role=role, unit=only), office.at)


def test_zero_approvals_can_not_be_configured() -> None:
    """A rung without seats, and a cell that counts to zero, are refused before anything runs under them."""
    shipped = (DEFAULT / "procedures.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("A1:  {separate: approver_apart, seats: [[manager_of_record]]}", "A1:  {separate: approver_apart, seats: []}"),
        (
            "A1:  {separate: approver_apart, seats: [[manager_of_record]]}",
            "A1:  {separate: approver_apart, seats: [[]]}",
        ),
        ("approve: A1,", "approve: 0,"),
        ("A1:  {separate: approver_apart,", "A1:  {separate: approver_apart, outside: true,"),
        (
            "A3:  {separate: everyone_apart, seats: [[iam_duty, security_duty], [iam_duty, security_duty],",
            "A3:  {separate: everyone_apart, distinct: [roles], seats: [[iam_duty], [iam_duty]], x: [",
        ),
    ):
        assert old in shipped
        with pytest.raises(Invalid):
            Procedures.load(shipped.replace(old, new, 1))


def test_seat_that_nobody_can_fill_is_named(office: Office) -> None:
    """Where everybody of a role is gone, the page says of that seat that nobody can take it, and counts the others."""
    case = asked(office, "eve.exec", "passkey", "mail_code")
    loaded = office.app.desk.steps.load(case)
    assert [fact.note for fact in open_seats(office.app, loaded, office.at)] == [
        "one person could take it",
        "two could take it",
    ]
    for login, role in (("sam.security", Role.SECURITY_DUTY), ("ivy.iam", Role.IAM_DUTY)):
        office.app.people.revoke(office["root.admin"], office[login], role, office.at)
    manager, duty = open_seats(office.app, loaded, office.at)
    assert (manager.tone, duty.tone) == ("warn", "bad")
    assert "nobody can take it" in duty.note
    page = case_page(office.app, loaded, office["ada.agent"], "", office.at)
    card = next(s.card for s in page.stages if s.name == "approve")
    assert card is not None
    assert duty in card.seats


def test_directory_group_gives_no_seat(office: Office) -> None:
    """Roles come from entries of people alone: an account in the groups of administrators gives its person no seat."""
    groups = ("All Staff", "Administrators", "Identity Control")
    office.directory.seed((Seed(login="nora.nested", display_name="Nora Nested", groups=groups, unit="sales"),))
    office.link("nora.nested")
    case = asked(office, "eve.exec", "passkey", "mail_code")
    assert refused(lambda: office.approve(case, "nora.nested"))
    assert office.case(case).votes == ()


def test_name_that_is_equal_in_two_units(office: Office) -> None:
    """Of two people of one name, the one whose role is of the case's unit approves, and the other has no seat."""
    hired(office, "kim.sales", Role.IAM_DUTY, unit="sales", name="Kim Lee", only="sales")
    hired(office, "kim.plant", Role.IAM_DUTY, unit="plant", name="Kim Lee", only="plant")
    case = asked(office, "eve.exec", "passkey", "mail_code")
    assert office.case(case).unit == "sales"
    assert refused(lambda: office.approve(case, "kim.plant"))
    office.approve(case, "kim.sales")
    assert [v.person for v in office.case(case).votes] == [office["kim.sales"]]


def test_people_of_different_units(office: Office) -> None:
    """Where a rung asks for two units, a second yes from the same unit fills no seat, and one from another does."""
    office.adopt(r"^(  A2: +\{)", r"\1distinct: [units], ")
    hired(office, "una.other", Role.SECURITY_DUTY, unit="other")
    case = asked(office, "eve.exec", "passkey", "mail_code")
    office.approve(case, "boss.one", "sam.security")
    assert office.state(case) == "awaiting approval"
    facts = open_seats(office.app, office.app.desk.steps.load(case), office.at)
    assert [fact.value for fact in facts] == ["people of different units"]
    office.approve(case, "una.other")
    assert office.state(case) == "releasable"


def test_planted_unit_fills_no_second_seat(office: Office) -> None:
    """An entry that says of an approver that they are of another unit than theirs is acted on by no executor."""
    office.adopt(r"^(  A2: +\{)", r"\1distinct: [units], ")
    case = asked(office, "eve.exec", "passkey", "mail_code")
    office.approve(case, "boss.one")
    plant_yes(office, case, SESSION, "sam.security", role="security_duty", unit="other")
    assert office.state(case) == "releasable"
    office.release(case)
    office.run()
    assert reasons(office, case) == ("clearance:unit",)


def test_another_role_in_each_seat(office: Office) -> None:
    """Where each seat has to be another role, two of one role do not fill two seats."""
    office.adopt(r"^(  A3: +\{)", r"\1distinct: [roles], ")
    hired(office, "ida.iam", Role.IAM_DUTY)
    case = asked(office, "piet.priv", "passkey", "in_person")
    office.approve(case, "boss.one", "ivy.iam", "ida.iam")
    assert office.state(case) == "awaiting approval"
    office.approve(case, "sam.security")
    assert office.state(case) == "releasable"


def test_approval_in_the_browser_that_was_verified(office: Office) -> None:
    """The browser in which the person was verified approves nothing for them; another one does."""
    case = office.open("mara.lind", Action.FACTOR_RESET, factors=("security_key",))
    seen = mark(office.app.ledger, "the value of a cookie")
    for method in ("passkey", "mail_code"):
        challenge = office.begin(case, method)
        right = office.right(case, challenge)
        office.app.desk.hand_over.answer(case, challenge, right, "", office.at, mark=seen)
    office.ask(case)
    approve = office.app.desk.decisions.approve

    def yes(browser: str | None) -> None:
        approve(office["boss.one"], case, office.digest(case), "s", office.at, browser=browser)

    assert refused(lambda: yes(seen)) == ("same_device",)
    yes(mark(office.app.ledger, "another one"))
    assert office.state(case) == "releasable"


def test_every_approval_is_told(office: Office) -> None:
    """The person and the approver each get the words of what was approved and the case, and no link."""
    case = asked(office)
    digest = office.digest(case)
    office.approve(case, "boss.one")
    office.run()
    assert office.app.outbox is not None
    for address in ("mara.lind@example.test", "boss.one@example.test"):
        text = office.app.outbox.sent(address)[-1].text
        assert spoken(digest) in text
        assert case[2:10] in text
        assert "http" not in text


# --- in somebody's place ---------------------------------------------------------------------------------------------


def lend(office: Office, by: str, to: str, seat: str, **span: float) -> None:
    """Lend a seat for some time."""
    office.app.lending.lend(office[by], to, seat, office.at + timedelta(**(span or {"days": 7})), office.at)


def test_seat_that_was_lent(office: Office) -> None:
    """Whoever sits in a manager's place approves until the end date, for the executor as well; and the two are one."""
    lend(office, "boss.one", "noah.berg", "manager_of_record")
    case = asked(office)
    office.approve(case, "noah.berg")
    office.release(case)
    office.run()
    assert office.state(case) == "delivered"
    executive = asked(office, "eve.exec", "passkey", "mail_code")
    office.approve(executive, "noah.berg")
    assert refused(lambda: office.approve(executive, "boss.one")) == ("voted",)
    office.wait(days=7)
    late = asked(office, "olga.owner")
    assert refused(lambda: office.approve(late, "noah.berg"))


def test_the_lender_is_told_what_was_approved_in_their_place(office: Office) -> None:
    """Whoever lent a seat, or somebody who was signed in as them, is told at the lender's own address each time."""
    lend(office, "boss.one", "noah.berg", "manager_of_record")
    case = asked(office)
    office.approve(case, "noah.berg")
    office.run()
    assert office.app.outbox is not None
    told = office.app.outbox.sent("boss.one@example.test")[-1]
    assert told.subject.startswith("Approved in your place")
    for word in ("noah.berg", spoken(office.digest(case)), case[2:10]):
        assert word in told.text
    assert "http" not in told.text


def test_the_lender_does_not_release_what_was_approved_in_their_place(office: Office) -> None:
    """One voice said yes, whoever lent the seat to it: another person has to release."""
    office.app.people.grant(office["root.admin"], office["boss.one"], RoleGrant(role=Role.EXECUTOR), office.at)
    lend(office, "boss.one", "noah.berg", "manager_of_record")
    case = asked(office)
    office.approve(case, "noah.berg")
    assert refused(lambda: office.release(case, who="boss.one")) == ("sod-approver-releases",)
    office.release(case)


def test_seat_taken_back(office: Office) -> None:
    """A seat that was taken back is sat in no more, and what was approved there is not acted on."""
    lend(office, "boss.one", "noah.berg", "manager_of_record")
    case = asked(office)
    office.approve(case, "noah.berg")
    office.release(case)
    office.app.lending.take_back(office["boss.one"], "noah.berg", "manager_of_record", office.at)
    office.run()
    assert reasons(office, case) == ("clearance:roles",)
    with pytest.raises(Invalid):
        office.app.lending.take_back(office["boss.one"], "noah.berg", "manager_of_record", office.at)


def test_to_whom_no_seat_is_lent(office: Office) -> None:
    """Not to a vendor, an AI, oneself, or somebody recovered lately; not what one does not hold; not for longer."""
    people, admin = office.app.people, office["root.admin"]
    for login, kind in (("vic.vendor", Kind.VENDOR), ("an.ai", Kind.AI)):
        people.register(admin, login=login, name=login, kind=kind, unit="desk", at=office.at)
        assert refused(lambda who=login: lend(office, "ivy.iam", who, "iam_duty")) == ("vendor_delegate",)  # type: ignore[misc]
    assert refused(lambda: lend(office, "ivy.iam", "nobody.here", "iam_duty")) == ("vendor_delegate",)
    assert refused(lambda: lend(office, "ivy.iam", "ivy.iam", "iam_duty")) == ("same_person",)
    assert refused(lambda: lend(office, "ivy.iam", "noah.berg", "security_duty")) == ("no_seat",)
    for seat in ("custodian", "ciso_delegate", "agent", "nothing"):
        with pytest.raises(Invalid):
            lend(office, "cleo.custodian", "noah.berg", seat)
    for days in (0, -1, 31):
        with pytest.raises(Invalid):
            lend(office, "ivy.iam", "noah.berg", "iam_duty", days=days)
    lend(office, "ivy.iam", "mara.lind", "iam_duty")
    with pytest.raises(Conflict):
        lend(office, "ivy.iam", "mara.lind", "iam_duty")
    recovered = office.released("noah.berg")
    office.run()
    assert office.state(recovered) in ("checked", "delivered")
    assert refused(lambda: lend(office, "ivy.iam", "noah.berg", "iam_duty")) == ("recovered",)


def test_lent_seat_of_the_subject_the_verifier_and_the_recovered(office: Office) -> None:
    """In a lender's own recovery, in one they verified, and lately recovered themself, nobody sits in their place."""
    lend(office, "ivy.iam", "noah.berg", "iam_duty")
    lend(office, "boss.one", "noah.berg", "manager_of_record")
    steps = office.app.desk.steps
    case = asked(office, "eve.exec", "passkey", "mail_code")
    assert steps.may(office["noah.berg"], Step.APPROVE, steps.load(case), office.at)
    office.app.people.grant(office["root.admin"], office["ivy.iam"], RoleGrant(role=Role.VERIFIER), office.at)
    hers = office.open("eve.exec", Action.FACTOR_RESET, factors=("security_key",))
    for method in ("passkey", "mail_code"):
        office.prove(hers, method, agent="ivy.iam")
    office.ask(hers, agent="ivy.iam")
    assert "iam_duty" not in office.app.desk.decisions.seats(office["noah.berg"], steps.load(hers), office.at)
    boss = office.released("boss.one")
    office.run()
    assert office.state(boss) in ("checked", "delivered")
    again = asked(office, "mara.lind")
    assert refused(lambda: office.approve(again, "noah.berg"))


def test_lent_seat_is_not_lent_on(office: Office) -> None:
    """What one has of somebody else can not be lent, and the verifier of a case sits in nobody's place in it."""
    lend(office, "ivy.iam", "noah.berg", "iam_duty")
    assert refused(lambda: lend(office, "noah.berg", "mara.lind", "iam_duty")) == ("no_seat",)
    lend(office, "ivy.iam", "ben.agent", "iam_duty")
    case = asked(office, "eve.exec", "passkey", "mail_code")
    assert refused(lambda: office.approve(case, "ben.agent"))


def test_planted_yes_in_a_place_nobody_lent(strict: Office) -> None:
    """An entry that says somebody sits in another's place is acted on only where that was lent before."""
    case = asked(strict)
    enrol(strict, "noah.berg", SoftAuthenticator(strict.origin))
    plant_yes(strict, case, proof_by(strict, case, "noah.berg"), "noah.berg")
    strict.release(case)
    strict.run()
    assert reasons(strict, case) == ("clearance:roles",)
