"""What an attacker tries with something that was right once: an assertion, an address, a key, a seat."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from joserfc.jwk import ECKey

from tests.desk.office import Office, refused
from tests.desk.test_decisions import asked
from watchword.core.action import Action
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId


def signed(office: Office, case: CaseId) -> tuple[str, str]:
    """A passkey's challenge of a case, and the assertion the person made for it."""
    challenge = office.begin(case, "passkey")
    return challenge, office.right(case, challenge)


def test_an_assertion_is_good_for_one_challenge(office: Office) -> None:
    """What a passkey signed proves nothing a second time: not there, begun again, in another case or at the end."""
    case = office.open()
    challenge, assertion = signed(office, case)
    assert office.answer(case, challenge, assertion) == "proved"
    assert refused(lambda: office.answer(case, challenge, assertion)) == ("replayed",)
    again = office.begin(case, "passkey")
    assert refused(lambda: office.answer(case, again, assertion)) == ("wrong_answer",)
    other = office.open("mara.lind", Action.UNLOCK, ticket="INC-2")
    elsewhere = office.begin(other, "passkey")
    assert refused(lambda: office.answer(other, elsewhere, assertion)) == ("wrong_answer",)
    office.ask(case)
    office.release(case)
    office.browse(case)
    office.run()
    last, _ = office.app.desk.hand_over.reprove(case, "passkey", office.held[case], office.at)
    assert refused(lambda: office.answer(case, last, assertion)) == ("wrong_answer",)
    assert refused(lambda: office.app.desk.hand_over.take(case, office.held[case], office.at)) == ("not_reproved",)


def jwk() -> str:
    """The public half of a key that some browser made."""
    return msgspec.json.encode(ECKey.generate_key("P-256").as_dict(private=False)).decode()


def test_the_address_of_a_page_opened_again_elsewhere(office: Office) -> None:
    """Whoever comes by the address later binds nothing: before it is released, while it is, and once it is over."""
    hand_over = office.app.desk.hand_over
    early = office.open("noah.berg")
    with pytest.raises(Refused):
        hand_over.open(early, jwk(), office.at)
    case = office.released()
    with pytest.raises(Refused):
        hand_over.open(case, jwk(), office.at)  # the person's browser was first
    office.run()
    with pytest.raises(Refused):
        hand_over.open(case, jwk(), office.at)
    office.take(case)
    office.run()
    with pytest.raises(Refused):
        hand_over.open(case, jwk(), office.at)
    with pytest.raises(Refused):
        hand_over.reprove(case, "passkey", office.held[case], office.at)
    with pytest.raises(Refused):
        hand_over.take(case, office.held[case], office.at)
    assert office.types(case).count("hand_over.opened") == 1


def test_the_address_of_one_case_is_not_that_of_another(office: Office) -> None:
    """A wrong token, one of another case and a case that never was are one answer."""
    hand_over = office.app.desk.hand_over
    case, other = office.open(), office.open("noah.berg")
    said = set()
    for name, token in (
        (case, hand_over.page_token(other)),
        (case, hand_over.page_token(case)[:-1] + "~"),
        (case, ""),
        (CaseId("c-neverwas"), hand_over.page_token(case)),
    ):
        with pytest.raises(Invalid) as caught:
            hand_over.demand_page(name, token)
        said.add((caught.value.what, caught.value.remedy, caught.value.where))
    assert len(said) == 1


def test_a_manager_where_the_rung_has_no_seat_for_one(office: Office) -> None:
    """Where the managers are left out of a rung, being the person's manager is no seat, and no role makes it one."""
    office.adopt(r"^(  A1: .*)\[\[manager_of_record\]\]", r"\1[[iam_duty]]")
    case = asked(office)
    assert refused(lambda: office.approve(case, "boss.one"))
    assert refused(lambda: office.release(case)) == ("wrong_state", "awaiting_approval")
    office.approve(case, "ivy.iam")
    assert office.state(case) == "releasable"


def test_a_report_has_no_say_over_their_manager(office: Office) -> None:
    """Who reports to the person whose account it is has no seat by that: the relation counts one way."""
    case = office.open("boss.one", Action.FACTOR_RESET, factors=("authenticator_app",))
    for method in ("passkey", "in_person", "mail_code"):
        office.prove(case, method)
        with suppress(Refused):
            office.ask(case)
            break
    assert office.state(case) == "awaiting approval"
    for login in ("mara.lind", "noah.berg"):
        assert refused(lambda who=login: office.approve(case, who))  # type: ignore[misc]
    assert office.state(case) == "awaiting approval"
