"""Stories of vouching: the manager of record and a named colleague; what their word is worth, and whose is not."""

from __future__ import annotations

import pytest

from tests.desk.office import Office, refused
from watchword.core.action import Action
from watchword.core.errors import Invalid
from watchword.core.ids import CaseId
from watchword.core.person import Kind, Role, RoleGrant
from watchword.desk.vouching import name_contact

MARA, BOSS, NOAH = "mara.lind", "boss.one", "noah.berg"


def vouch(office: Office, case: CaseId, method: str, who: str, *, key: str = "") -> str:
    """Have the desk ask *who* (signing with the passkey of *key*) to vouch, and them say yes."""
    challenge = office.begin(case, method)
    return say(office, case, challenge, who, key=key)


def say(office: Office, case: CaseId, challenge: str, who: str, *, key: str = "", mark: str | None = None) -> str:
    """Have *who* answer a challenge in the portal."""
    port, ask = office.app.desk.verification.ask_of(office.case(case), challenge, office.at)
    answer = office.keys.passkeys[key or who].get(port.begin(ask).show_caller or "")
    return office.app.desk.verification.vouch(office[who], case, challenge, answer, office.at, mark=mark)


def named(office: Office, contact: str = NOAH) -> None:
    """Have an administrator enter whom Mara named."""
    name_contact(office.app.people, office["root.admin"], office[MARA], office[contact], office.at)


@pytest.fixture
def trusting(office: Office) -> Office:
    """The office in which Mara named Noah on the day she became known."""
    named(office)
    return office


def test_a_manager_vouches(office: Office) -> None:
    """The manager is asked on their page and signs, and with the person's passkey that carries a total loss."""
    office.admit_all()
    case = office.open(MARA, Action.TOTAL_LOSS)
    challenge = office.begin(case, "manager_of_record")
    (asked,) = office.app.desk.verification.vouches(office[BOSS], office.at)
    assert (asked.case, asked.challenge, asked.subject) == (case, challenge, office[MARA])
    assert office.app.desk.verification.vouches(office[NOAH], office.at) == ()
    assert say(office, case, challenge, BOSS) == "proved"
    assert office.app.desk.verification.vouches(office[BOSS], office.at) == ()
    office.prove(case, "passkey")
    office.ask(case)
    assert office.state(case) == "awaiting approval"


def test_whoever_vouched_does_not_approve(office: Office) -> None:
    """The manager who vouched has no second voice: somebody else approves, or nobody does."""
    office.admit_all()
    case = office.open(MARA, Action.TOTAL_LOSS)
    vouch(office, case, "manager_of_record", BOSS)
    office.prove(case, "passkey")
    office.ask(case)
    assert "prover-never-judges" in refused(lambda: office.approve(case, BOSS))


def test_a_colleague_vouches(trusting: Office) -> None:
    """Whom somebody named vouches for them, and the executor checks the signature once more."""
    case = trusting.open(MARA, Action.TOTAL_LOSS)
    trusting.prove(case, "in_person")
    assert vouch(trusting, case, "recovery_contact", NOAH) == "proved"
    trusting.ask(case)
    trusting.approve(case, BOSS)
    trusting.run()  # the hold is counted from its notice
    trusting.pass_by(hours=1, minutes=1)
    trusting.release(case)
    trusting.browse(case)
    trusting.run()
    assert "case.validated" in trusting.types(case)
    browser = trusting.held[case]
    assert refused(lambda: trusting.app.desk.hand_over.reprove(case, "recovery_contact", browser, trusting.at)) == (
        "single_use",
    )
    assert trusting.take(case, "passkey")


def test_a_no_counts(office: Office) -> None:
    """A manager who says no ends the method at once, and it sticks to the account."""
    case = office.open(MARA, Action.UNLOCK)
    challenge = office.begin(case, "manager_of_record")
    verification = office.app.desk.verification
    assert refused(lambda: verification.vouch(office[BOSS], case, challenge, "no", office.at)) == (
        "wrong_answer",
        "final",
    )
    assert office.types(case)[-1] == "method.failed"
    assert len(office.app.registry.account(office.case(case).account).failures) == 1
    assert refused(lambda: say(office, case, challenge, BOSS)) == ("replayed",)


def test_only_in_the_portal_and_only_them(office: Office) -> None:
    """The answer counts from whoever is asked, signed in: not on the caller's page, from another, or by another key."""
    case = office.open(MARA, Action.UNLOCK)
    challenge = office.begin(case, "manager_of_record")
    port, ask = office.app.desk.verification.ask_of(office.case(case), challenge, office.at)
    right = office.keys.passkeys[BOSS].get(port.begin(ask).show_caller or "")

    assert refused(lambda: office.answer(case, challenge, right)) == ("wrong_hands",)
    verification = office.app.desk.verification
    assert refused(lambda: verification.vouch(office[NOAH], case, challenge, right, office.at)) == ("foreign",)
    assert refused(lambda: say(office, case, challenge, BOSS, key=NOAH)) == ("wrong_answer",)
    other = office.open(NOAH, Action.UNLOCK, ticket="INC-2")
    elsewhere = office.begin(other, "manager_of_record")
    assert refused(lambda: verification.vouch(office[BOSS], other, elsewhere, right, office.at)) == ("wrong_answer",)
    own = office.begin(case, "totp")
    assert refused(lambda: verification.vouch(office[BOSS], case, own, office.totp(MARA), office.at)) == ("foreign",)


def test_a_manager_since_yesterday(office: Office) -> None:
    """Who became the manager of record within thirty days vouches for nobody yet, nor does whom they replaced."""
    office.open(MARA, Action.UNLOCK)  # the record is seen as it was
    office.wait(days=2)
    office.tamper_directory(f"UPDATE account SET manager = '{NOAH}' WHERE login = '{MARA}'")
    case = office.open(MARA, Action.UNLOCK, ticket="INC-2")
    assert refused(lambda: office.begin(case, "manager_of_record")) == ("young_manager",)
    office.wait(days=31)
    later = office.open(MARA, Action.UNLOCK, ticket="INC-3")
    assert vouch(office, later, "manager_of_record", NOAH) == "proved"


def test_a_contact_named_yesterday(office: Office) -> None:
    """A contact named after the first day counts in thirty days; until then the one named before does."""
    office.wait(days=2)
    named(office)
    case = office.open(MARA, Action.UNLOCK)
    assert refused(lambda: office.begin(case, "recovery_contact")) == ("young_contact",)
    office.wait(days=30)
    later = office.open(MARA, Action.UNLOCK, ticket="INC-2")
    assert vouch(office, later, "recovery_contact", NOAH) == "proved"
    named(office, "eve.exec")
    again = office.open(MARA, Action.UNLOCK, ticket="INC-3")
    assert vouch(office, again, "recovery_contact", NOAH) == "proved"


def test_a_contact_of_a_vendor(office: Office) -> None:
    """Somebody of a vendor can not be named."""
    people, admin = office.app.people, office["root.admin"]
    people.register(admin, login="vera.vendor", name="Vera", kind=Kind.VENDOR, unit="desk", at=office.at)
    assert refused(lambda: named(office, "vera.vendor")) == ("vendor_voucher",)


def test_who_can_not_be_named(office: Office) -> None:
    """Nobody names themself, nobody enters themself, and nobody enters a contact who may not enrol."""
    with pytest.raises(Invalid, match="themself"):
        named(office, MARA)
    assert refused(lambda: named(office, "root.admin")) == ("same_person",)
    assert refused(lambda: name_contact(office.app.people, office["ada.agent"], office[MARA], office[NOAH], office.at))


def test_a_voucher_with_a_hand_in_the_case(trusting: Office) -> None:
    """Whoever took the request in or verified something of it vouches for nobody in it, also when they did so since."""
    admin, people = trusting["root.admin"], trusting.app.people
    people.grant(admin, trusting[NOAH], RoleGrant(role=Role.AGENT), trusting.at)
    opened = trusting.open(MARA, Action.UNLOCK, agent=NOAH)
    assert refused(lambda: trusting.begin(opened, "recovery_contact")) == ("same_person",)

    case = trusting.open(MARA, Action.UNLOCK, ticket="INC-2")
    challenge = trusting.begin(case, "recovery_contact")
    trusting.prove(case, "in_person", agent=NOAH)
    assert refused(lambda: say(trusting, case, challenge, NOAH)) == ("same_person",)


def test_a_voucher_who_was_recovered(trusting: Office) -> None:
    """Whose own account was recovered within seven days vouches for nobody."""
    case = trusting.released(NOAH)
    trusting.run()
    trusting.take(case)
    asked = trusting.open(MARA, Action.UNLOCK, ticket="INC-2")
    assert refused(lambda: trusting.begin(asked, "recovery_contact")) == ("recovered",)


def test_nobody_to_ask(office: Office) -> None:
    """Without a manager whom the desk knows, or a contact, the method says so and ends nothing."""
    top = office.open(BOSS, Action.UNLOCK)
    assert refused(lambda: office.begin(top, "manager_of_record")) == ("no_manager_of_record",)
    assert refused(lambda: office.begin(top, "recovery_contact")) == ("no_recovery_contact",)
