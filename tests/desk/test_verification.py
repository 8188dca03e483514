"""Stories of verification: each method, who may answer it, and what stops counting."""

from __future__ import annotations

import pytest

from tests.desk.office import Office, refused
from watchword.core.action import Action
from watchword.core.change import ContactKind, SetContact
from watchword.core.errors import Invalid
from watchword.core.ids import AccountId
from watchword.core.person import Role, RoleGrant
from watchword.directories.sandbox import Seed


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("totp", "call_code"),
        ("passkey", "mail_code"),
        ("in_person", "totp"),
        ("in_person", "mail_code"),
        ("passkey", "sms_code"),
    ],
)
def test_two_methods_make_a_factor_reset(office: Office, first: str, second: str) -> None:
    """Two independent methods, each really delivered and answered, satisfy what a factor reset asks of a person."""
    case = office.open(action=Action.FACTOR_RESET, factors=("security_key",))
    office.prove(case, first)
    assert "unverified" in refused(lambda: office.ask(case))
    office.prove(case, second)
    office.ask(case)
    assert office.state(case) == "awaiting approval"


def test_word_of_an_agent_alone_is_nothing(office: Office) -> None:
    """Somebody whose document an agent says they saw is not verified by that alone."""
    case = office.open(action=Action.UNLOCK)
    office.prove(case, "in_person")
    assert "unverified" in refused(lambda: office.ask(case))


def test_agent_never_types_a_code(office: Office) -> None:
    """An agent can neither answer for the person, nor the person attest themself."""
    case = office.open()
    totp = office.begin(case, "totp")
    assert refused(lambda: office.answer(case, totp, office.totp("mara.lind"), agent="ben.agent")) == ("wrong_hands",)
    shown = office.begin(case, "in_person")
    assert refused(lambda: office.answer(case, shown, "passport, here")) == ("wrong_hands",)
    assert refused(lambda: office.answer(case, shown, "passport, here", agent="ada.agent")) == ("wrong_hands",)


def test_code_counts_once_anywhere(office: Office) -> None:
    """A code of an authenticator app that proved one case proves nothing in another."""
    first, second = office.open(), office.open(ticket="INC-2")
    code = office.totp("mara.lind")
    office.answer(first, office.begin(first, "totp"), code)
    replayed = office.begin(second, "totp")
    assert "replayed" in refused(lambda: office.answer(second, replayed, code))


def test_answer_belongs_to_one_case(office: Office) -> None:
    """A challenge of one case can not be answered in another."""
    one, other = office.open(), office.open("noah.berg")
    challenge = office.begin(one, "totp")
    assert refused(lambda: office.answer(other, challenge, office.totp("mara.lind"))) == ("foreign",)


def test_proof_ages(office: Office) -> None:
    """What was proven more than fifteen minutes before approval is asked for has to be proven again."""
    case = office.open(action=Action.UNLOCK)
    office.prove(case, "totp")
    office.wait(minutes=15, seconds=1)
    assert "unverified" in refused(lambda: office.ask(case))
    office.prove(case, "totp")
    office.ask(case)


def test_nothing_is_asked_without_a_ticket(office: Office) -> None:
    """A verified person without a ticket goes no further, and a ticket number is one line of print."""
    case = office.open(ticket=None)
    office.prove(case, "passkey")
    assert refused(lambda: office.ask(case)) == ("no_ticket",)
    with pytest.raises(Invalid, match="no ticket number"):
        office.app.desk.intake.link_ticket(office["ada.agent"], case, "INC\n1", office.at)
    office.app.desk.intake.link_ticket(office["ben.agent"], case, "INC-1", office.at)
    office.ask(case)


def test_contact_point_of_yesterday_is_worth_nothing(office: Office) -> None:
    """A mail address that was changed yesterday receives no code that proves."""
    mail = SetContact(account=AccountId(""), contact=ContactKind.MAIL, commitment="")
    office.directory.by_hand("it.admin", office.native("mara.lind"), mail, value="other@example.test")
    office.wait(days=1)
    case = office.open()
    assert refused(lambda: office.begin(case, "mail_code")) == ("young_contact",)
    office.wait(days=30)
    office.begin(case, "mail_code")


def test_contact_point_is_that_of_the_beginning(office: Office) -> None:
    """A code goes to the address of record when its challenge was begun, whatever the directory says a second later."""
    case = office.open()
    challenge = office.begin(case, "mail_code")
    mail = SetContact(account=AccountId(""), contact=ContactKind.MAIL, commitment="")
    office.directory.by_hand("it.admin", office.native("mara.lind"), mail, value="other@example.test")
    office.run()
    assert office.app.outbox is not None
    codes = [s.recipient for s in office.app.outbox.sent() if "recovery code" in s.subject]
    assert codes == ["mara.lind@example.test"]
    office.answer(case, challenge, office.right(case, challenge))


def test_nobody_verifies_themself(office: Office) -> None:
    """A custodian who sits at the desk does not begin a challenge for their own key."""
    cleo = "cleo.custodian"
    office.app.people.grant(office["root.admin"], office[cleo], RoleGrant(role=Role.AGENT), office.at)
    case = office.open("sealed.one")
    assert refused(lambda: office.begin(case, "custodian_passkey", agent=cleo, custodian=cleo)) == ("same_person",)


def test_only_custodians_hold_sealed_keys(office: Office) -> None:
    """Whoever is named as a custodian has to be one, however good their passkey is."""
    case = office.open("sealed.one")
    assert refused(lambda: office.begin(case, "custodian_passkey", custodian="noah.berg")) == ("no_custodian",)


def test_new_owner_of_a_service_account_does_not_count(office: Office) -> None:
    """Whoever became owner of record yesterday can not prove for the account yet."""
    office.directory.seed(
        (Seed(login="svc.young", display_name="Young", groups=("Service Accounts",), owner="olga.owner"),)
    )
    office.open("svc.young", Action.SECRET_REISSUE)
    office.tamper_directory("UPDATE account SET owner = 'noah.berg' WHERE login = 'svc.young'")
    office.wait(days=1)
    case = office.open("svc.young", Action.SECRET_REISSUE)
    assert refused(lambda: office.begin(case, "owner_passkey")) == ("no_owner",)
    office.wait(days=31)
    office.prove(case, "owner_passkey", who="noah.berg")
    assert office.case(case).evidence[0].prover == office["noah.berg"]


def test_unknown_method_names_the_known(office: Office) -> None:
    """A method that does not exist is told with those that do."""
    case = office.open()
    with pytest.raises(Invalid, match="passkey"):
        office.begin(case, "palm_reading")


def test_video_counts_where_policy_lets_it(office: Office) -> None:
    """What an agent saw in a video call counts for nothing as policy ships; let in, it carries a case with another."""
    shipped = office.open("noah.berg", Action.TOTAL_LOSS)
    office.prove(shipped, "video")
    office.prove(shipped, "passkey")
    assert "unverified" in refused(lambda: office.ask(shipped))
    office.admit_all()
    case = office.open(action=Action.TOTAL_LOSS)
    office.prove(case, "video")
    assert "unverified" in refused(lambda: office.ask(case))
    office.prove(case, "passkey")
    office.ask(case)
    assert office.state(case) == "awaiting approval"
