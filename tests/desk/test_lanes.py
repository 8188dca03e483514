"""Lanes of equal strength: whoever can not use a call, or has somebody call for them, needs what everybody needs."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.desk.office import MONDAY, Office, refused
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.case import Case
from watchword.core.errors import Invalid, Refused
from watchword.core.event import Lane
from watchword.core.ids import CaseId, LeafHash, PersonId
from watchword.core.requirement import Context, Evidence, Satisfied, assess
from watchword.desk.intake import Wish
from watchword.policy.bundle import Policy

CUSTODIANS = ("p-one", "p-two")


def opened(office: Office, login: str = "mara.lind", lane: Lane = "voice", caller: str = "", **how: object) -> CaseId:
    """A case as the desk opens it."""
    asked = {"action": Action.PASSWORD_RESET} | how
    case = office.app.desk.intake.open(
        office["ada.agent"],
        directory="sandbox",
        query=login,
        wish=msgspec.convert(asked, type=Wish),
        context=Context(),
        origin=None,
        reason="says so",
        at=office.at,
        lane=lane,
        caller=caller,
    )
    office.app.desk.intake.link_ticket(office["ada.agent"], case, "INC-2", office.at)
    return case


@pytest.mark.parametrize("login", ["mara.lind", "eve.exec", "piet.priv"])
def test_the_text_lane_asks_for_the_same_requirement(office: Office, login: str) -> None:
    """Opened in either lane, a case of the same account and action is held to the same requirement, to the letter."""
    cases: list[Case] = [office.case(opened(office, login, lane)) for lane in ("voice", "text")]
    assert cases[0].requirement == cases[1].requirement
    assert [case.lane for case in cases] == ["voice", "text"]


def test_no_call_is_begun_in_the_text_lane(office: Office) -> None:
    """An automated call is refused, for the reason that it is this lane; the person's app is not."""
    case = opened(office, lane="text", action=Action.UNLOCK)
    assert refused(lambda: office.begin(case, "call_code")) == ("text_lane",)
    office.prove(case, "totp")
    office.prove(opened(office, action=Action.UNLOCK), "call_code")


def _cells() -> list[tuple[AccountClass, Action]]:
    return [(c, a) for c, a, _ in Policy.default().procedures.answered()]


@pytest.mark.parametrize(("account_class", "action"), _cells())
def test_every_cell_can_be_satisfied_without_a_voice(account_class: AccountClass, action: Action) -> None:
    """Whatever raises it, no cell of the shipped policy needs a method that speaks."""
    procedures = Policy.default().procedures
    for context in (Context(), Context(channel="chat", location="abroad", risk="high", situation="outage")):
        try:
            asked = procedures.require(account_class, action, context)
        except Refused:
            continue
        evidence = tuple(
            Evidence(
                method=m.name,
                prover=PersonId(prover),
                agent=PersonId("p-agent"),
                at=MONDAY,
                challenge=f"{m.name} {prover}",
                leaf=LeafHash(f"{n:062x}{i:02x}"),
            )
            for n, m in enumerate(asked.methods)
            if not m.voice
            for i, prover in enumerate(CUSTODIANS)
        )
        assert isinstance(assess(asked, evidence, MONDAY + timedelta(minutes=1)), Satisfied), context


def test_the_hand_over_of_the_text_lane_offers_no_call(office: Office) -> None:
    """What is proven again is no call either."""
    case = opened(office, lane="text")
    office.prove(case, "passkey")
    office.ask(case)
    office.release(case)
    office.browse(case)
    reprove = office.app.desk.hand_over.reprove
    assert refused(lambda: reprove(case, "call_code", office.held[case], office.at))
    office.run()
    assert office.take(case)


def test_an_assistant_is_recorded_and_the_executive_proves(office: Office) -> None:
    """Who calls is a payload of the opening; their own credentials prove nothing, the executive's do."""
    case = opened(office, "eve.exec", caller="Noah Berg, her assistant")
    assert office.case(case).assisted
    first = office.app.ledger.read(f"case/{case}")[0]
    assert "Noah" not in str(first.entry.data)
    assert office.app.ledger.disclosures(first)["caller"] == "Noah Berg, her assistant"
    challenge = office.begin(case, "passkey")
    assert refused(lambda: office.answer(case, challenge, office.right(case, challenge, "noah.berg")))
    assert not office.case(case).evidence
    office.prove(case, "passkey")
    office.ask(case)
    assert office.state(case) == "releasable"


def test_a_caller_without_a_name_is_the_person(office: Office) -> None:
    """Nothing, or blanks, names nobody; what can not be printed, or is endless, is refused with its place."""
    assert not office.case(opened(office, caller="  ")).assisted
    for name in ("x" * 201, "a\u0000b"):
        with pytest.raises(Invalid) as caught:
            opened(office, caller=name)
        assert caught.value.where == "caller"
