"""An account that was found taken over is changed by no case that was open on it, whoever works that one."""

from __future__ import annotations

import pytest

from tests.desk.office import Office, refused
from tests.desk.test_objections import says
from watchword.core.action import Action
from watchword.core.ids import CaseId
from watchword.core.person import Kind, Role, RoleGrant
from watchword.core.standing import RecoveryContained, RecoveryDisowned
from watchword.desk.recording import account_stream, draft
from watchword.ledger.append import Append
from watchword.web.case_page import case_page

ELSEWHERE = ("uma.agent", "vera.agent")
"""Agents who have nothing to do with any case that is found fraudulent."""


@pytest.fixture
def elsewhere(office: Office) -> Office:
    """The office, with two more agents."""
    people, root = office.app.people, office["root.admin"]
    for login in ELSEWHERE:
        person = people.register(root, login=login, name=login, kind=Kind.EMPLOYEE, unit="desk", at=office.at)
        people.grant(root, person, RoleGrant(role=Role.AGENT), office.at)
    return office


def found_out(office: Office, case: CaseId, how: str) -> None:
    """Two say that it was not them, or security finds that out."""
    if how == "disowned":
        says(office, case, "ada.agent")
        says(office, case, "boss.one")
    else:
        office.app.desk.decisions.contain(office["sam.security"], case, "fraud", office.at)


def holding(office: Office) -> CaseId:
    """A change of mara's telephone by the other agents that waits for its hold."""
    uma, vera = ELSEWHERE
    case = office.open("mara.lind", Action.RECOVERY_INFO_CHANGE, agent=uma, ticket="INC-2", contact="phone")
    office.enter(case)
    office.prove(case, "passkey", agent=vera)
    office.ask(case, agent=vera)
    return case


def waiting(office: Office) -> CaseId:
    """The same where her word stands against somebody's objection."""
    case = holding(office)
    says(office, case, "ben.agent")
    return case


def released(office: Office) -> CaseId:
    """A reset by the other agents that the executor may do at once."""
    uma, vera = ELSEWHERE
    case = office.open("mara.lind", agent=uma, ticket="INC-2")
    office.prove(case, "passkey", agent=vera)
    office.ask(case, agent=vera)
    office.release(case)
    office.browse(case)
    return case


def done(office: Office) -> CaseId:
    """The same, done, and not handed over."""
    case = released(office)
    office.run()
    assert office.state(case) == "checked"
    return case


@pytest.mark.parametrize("how", ["disowned", "contained"])
@pytest.mark.parametrize("begin", [holding, waiting, released, done], ids=lambda b: b.__name__)
def test_no_other_case_of_the_account_goes_on(elsewhere: Office, begin: object, how: str) -> None:
    """Whatever it waited for, it is stopped in the very append that tells of the first, and nothing more is done."""
    office = elsewhere
    assert callable(begin)
    other, another = begin(office), office.open("noah.berg", agent="uma.agent", ticket="INC-3")
    phone = office.directory.read(office.native("mara.lind")).contacts
    resets = office.version("mara.lind")
    case = office.open()
    found_out(office, case, how)
    (contained,) = (e for e in office.app.ledger.read(f"case/{case}") if e.entry.type == "case.contained")
    (frozen,) = (e for e in office.app.ledger.read(f"case/{other}") if e.entry.type == "case.frozen")
    assert frozen.entry.data["because"] == case
    assert frozen.entry.at == contained.entry.at
    assert abs(frozen.seq - contained.seq) <= 4  # what is told of accounts stands between
    assert office.state(another) == "verifying"
    office.run()
    for _ in range(3):
        office.pass_by(hours=12)
    assert refused(lambda: office.release(other)) == ("wrong_state", "frozen")
    office.run()
    assert office.directory.read(office.native("mara.lind")).contacts == phone
    assert office.version("mara.lind") == resets


def told(office: Office, case: CaseId) -> str:
    """What the page of a case says it waits for."""
    loaded = office.app.desk.steps.load(case)
    return case_page(office.app, loaded, office["uma.agent"], "token", office.at).next_step


def test_the_agent_is_told_why_and_how_it_goes_on(elsewhere: Office) -> None:
    """The page of a case that was stopped, or stands on closed proofs, names the reason and the way on."""
    office = elsewhere
    other = holding(office)
    found_out(office, office.open(), "contained")
    assert "found fraudulent" in told(office, other)
    assert "Open a new case" in told(office, other)
    case = office.open("noah.berg", Action.FACTOR_RESET, agent="uma.agent", factors=("authenticator_app",))
    for method in ("totp", "call_code"):
        office.prove(case, method, agent="vera.agent")
    office.ask(case, agent="vera.agent")
    assert "frozen" not in told(office, case)
    for number in range(3):
        office.fail(office.open("noah.berg", ticket=f"INC-{number + 5}"))
    assert "frozen since" in told(office, case)
    assert "passkey" in told(office, case)


@pytest.mark.parametrize("how", ["disowned", "contained"])
def test_the_person_is_not_locked_out(elsewhere: Office, how: str) -> None:
    """A case that is opened after that goes all the way by the strongest proof."""
    office = elsewhere
    holding(office)
    found_out(office, office.open(), how)
    office.run()
    office.wait(seconds=1)
    case = office.open(agent="uma.agent", ticket="INC-4")
    office.prove(case, "passkey", agent="vera.agent")
    office.prove(case, "in_person", agent="vera.agent")
    office.ask(case, agent="vera.agent")
    office.release(case)
    office.browse(case)
    office.run()
    assert office.state(case) == "checked"


@pytest.mark.parametrize("event", [RecoveryDisowned, RecoveryContained])
def test_the_executor_looks_for_itself(elsewhere: Office, event: type[RecoveryDisowned | RecoveryContained]) -> None:
    """A case that was stopped by nobody is refused by the account's own entries before the directory is asked."""
    office = elsewhere
    case = released(office)
    account = office.case(case).account
    told = event(account=account, case=CaseId("c-elsewhere"))
    version = office.app.ledger.read(account_stream(account))[-1].entry.version
    drafts = (draft(told, office["sam.security"], office.at),)
    office.app.ledger.append((Append(stream=account_stream(account), expected_version=version, drafts=drafts),))
    office.run()
    assert (office.state(case), office.version("mara.lind")) == ("failed", 0)
    (refusal,) = (e for e in office.app.ledger.read(f"case/{case}") if e.entry.type == "execution.refused")
    assert refusal.entry.data["reasons"] == ["clearance:stopped_meanwhile"]


def test_the_executor_does_nothing_on_proofs_that_were_closed(elsewhere: Office) -> None:
    """Released on two codes, an account that is frozen before the change is made is not changed."""
    office = elsewhere
    uma, vera = ELSEWHERE
    case = office.open("mara.lind", Action.FACTOR_RESET, agent=uma, ticket="INC-2", factors=("authenticator_app",))
    for method in ("totp", "call_code"):
        office.prove(case, method, agent=vera)
    office.ask(case, agent=vera)
    office.approve(case, "boss.one")
    account = office.case(case).account
    for number in range(3):
        office.fail(office.open(ticket=f"INC-{number + 5}"))
    assert office.app.registry.account(account).freeze(office.at, office.app.steps.thresholds) == 1
    assert refused(lambda: office.release(case)) == ("frozen",)
    office.app.desk.decisions.release_freeze(office["sam.security"], account, office.at)
    office.app.desk.decisions.release_freeze(office["ivy.iam"], account, office.at)
    office.release(case)
    for number in range(3):
        office.fail(office.open(ticket=f"INC-{number + 15}"), agent="uma.agent")
    office.run()
    assert office.state(case) == "failed"
    assert office.directory.read(office.native("mara.lind")).factors == ("authenticator_app", "security_key")
