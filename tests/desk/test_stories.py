"""The shipped scenarios, played: an attacker with exactly what each one gives meets the desk, step by step.

The attacker answers a method rightly where what they have defeats it, and wrongly where it does not; a duped or corrupt
agent attests whatever they are told and tries every step of the case alone. Who is not in the attacker's hands acts as
they should, and so never says yes to this.

A scenario that abuses a later step is played a second time, from a case whose person was verified honestly: there the
refusal is that step's own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.desk.office import LONG_AGO, Office, refused
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.change import ContactKind, IssuePass, ResetPassword
from watchword.core.errors import Conflict, Refused
from watchword.core.ids import CaseId
from watchword.core.person import Kind, Role, RoleGrant
from watchword.core.requirement import Method
from watchword.directories.sandbox import Seed
from watchword.policy.bundle import Policy
from watchword.policy.judgement import Holdings
from watchword.policy.scenarios import Scenario, load_scenarios

TARGETS = {
    AccountClass.STANDARD: "mara.lind",
    AccountClass.EXECUTIVE: "eve.exec",
    AccountClass.PRIVILEGED: "piet.priv",
    AccountClass.FINANCE: "fina.nance",
    AccountClass.EXTERNAL: "exa.ternal",
}
GROUPS = {"fina.nance": "Finance", "exa.ternal": "External Users"}
ACTIONS = (Action.PASSWORD_RESET, Action.FACTOR_RESET, Action.TOTAL_LOSS, Action.RECOVERY_INFO_CHANGE)
WISHES: dict[Action, dict[str, Any]] = {
    Action.RECOVERY_INFO_CHANGE: {"contact": ContactKind.PHONE},
    Action.FACTOR_RESET: {"factors": ("authenticator_app",)},
}
WRONG = {"in_person": "none, front desk", "video": "not seen, somebody else"}
"""What an honest agent says of a stranger; everything else is guessed at."""

ABUSED = ("intake", "policy", "verify", "approve", "separation", "execute")
"""The steps that are taken at the desk."""

NOT_AT_THE_DESK = {"S08"}
"""Rights of an outsourced desk in the directory itself: no case is opened, and the watch has to find it."""

POLICY = Policy.default()
STORIES = tuple(s for s in load_scenarios(POLICY) if s.step in ABUSED and s.id not in NOT_AT_THE_DESK)
PLAYS = tuple(
    pytest.param(story, account_class, action, id=f"{story.id}-{account_class}-{action}")
    for story in STORIES
    for account_class in story.classes
    for action in story.actions
    if account_class in TARGETS and action in ACTIONS
)


class Attacker:
    """Plays one scenario against one account of an office."""

    def __init__(self, office: Office, story: Scenario, login: str) -> None:
        self.office = office
        self.login = login
        self.has = Holdings(story.has)
        steps = POLICY.procedures.loaded.methods.steps
        self.attested = steps.attested
        self.refusals: list[str] = []

    def falls(self, method: Method) -> bool:
        """Whether what they have defeats *method*."""
        if self.has.fells(method.defeats, "target"):
            return True
        return not method.enforced and self.has.fells(self.attested, "agent")

    def play(self, action: Action) -> CaseId:
        """Go as far as it goes; returns the case."""
        office = self.office
        case = office.open(self.login, action, agent="ada.agent", **WISHES.get(action, {}))
        if action is Action.RECOVERY_INFO_CHANGE:
            office.enter(case)
        there = (m for m in office.case(case).requirement.methods if m.name in office.app.methods)
        methods = sorted(there, key=lambda m: not self.falls(m))
        for method in methods:
            self.try_method(case, method)
            if self.took(office.ask, case):
                break
        assert office.state(case) != "awaiting approval"  # what is abused after that is played in LATER
        office.pass_by(hours=1)
        if self.took(office.release, case):
            office.browse(case)
        elif self.has.fells(self.attested, "agent"):
            for agent in ("ada.agent", "ben.agent"):
                self.took(office.release, case, who=agent)
        office.run()
        return case

    def try_method(self, case: CaseId, method: Method) -> None:
        """Answer *method* rightly where it falls, and as somebody who guesses where it does not."""
        office = self.office
        with suppress(Refused):  # closed, or not enrolled
            challenge = office.begin(case, method.name)
            agent = None if method.enforced else "ben.agent"
            if self.falls(method):
                office.answer(case, challenge, office.right(case, challenge), agent=agent)
                return
            wrong = WRONG.get(method.name, "000000")
            for _ in range(3 if method.enforced else 1):
                self.took(office.answer, case, challenge, wrong, agent=agent)
        if method.enforced:  # an agent says that it was right: nobody but the person answers what software checks
            claimed = [c.id for c in office.case(case).challenges if c.method == method.name]
            for challenge in claimed[-1:]:
                assert refused(lambda c=challenge: office.answer(case, c, "yes, it was", agent="ben.agent"))  # type: ignore[misc]

    def took(self, step: Callable[..., object], *given: object, **named: object) -> bool:
        """Take *step* with what is *given*; whether it was not refused."""
        try:
            step(*given, **named)
        except Refused as refusal:
            self.refusals += refusal.reasons
            return False
        return True


def target(office: Office, account_class: AccountClass) -> str:
    """Somebody of *account_class* in the office, with passkey and app enrolled."""
    login = TARGETS[account_class]
    if login in GROUPS:
        office.directory.seed(
            (
                Seed(
                    login=login,
                    display_name=login,
                    groups=(GROUPS[login],),
                    unit="sales",
                    mail=f"{login}@example.test",
                    phone="+4930123450",
                    contacts_changed_at=LONG_AGO,
                    factors=("authenticator_app", "security_key"),
                    manager="boss.one",
                    password="the old secret of it",
                ),
            )
        )
        office.link(login)
        office._enrol(office["root.admin"], login)  # as everybody else was
    return login


@pytest.mark.parametrize(("story", "account_class", "action"), PLAYS)
def test_story(office: Office, story: Scenario, account_class: AccountClass, action: Action) -> None:
    """What the scenario gives is not enough: some step is refused and the directory hears of nothing."""
    attacker = Attacker(office, story, target(office, account_class))
    case = attacker.play(action)
    assert "change.started" not in office.types(case)
    assert attacker.refusals


def verified(office: Office, login: str, action: Action, *, alone: bool = False) -> CaseId:
    """A case of somebody who was really there, as far as verification goes; by one agent *alone* where that may be."""
    case = office.open(login, action, agent="ada.agent", **WISHES.get(action, {}))
    apart = ("open", "verify") in office.case(case).requirement.separate
    agent = "ada.agent" if alone and not apart else "ben.agent"
    if action is Action.RECOVERY_INFO_CHANGE:
        office.enter(case)
    for method in ("passkey", "in_person", "call_code"):
        office.prove(case, method, agent=agent)
        with suppress(Refused):
            office.ask(case, agent=agent)
            return case
    raise AssertionError(f"{login} could not be verified")


def employ(office: Office, *logins: str) -> None:
    """Have agents hold a seat and the right to release as well, so that only what they did keeps them from it."""
    for login in logins:
        for role in (Role.IAM_DUTY, Role.EXECUTOR):
            office.app.people.grant(office["root.admin"], office[login], RoleGrant(role=role), office.at)


def nobody_says_yes_for_another(office: Office, case: CaseId, action: Action) -> None:
    """A yes in a chat, of a namesake or of a voice is an agent's word: no agent has the manager's seat."""
    people, root = office.app.people, office["root.admin"]
    people.register(root, login="boss.one.x", name="boss.one", kind=Kind.VENDOR, unit="sales", at=office.at)
    assert "vendor-never-approves" in refused(lambda: office.approve(case, "boss.one.x"))
    employ(office, "ada.agent", "ben.agent")
    assert refused(lambda: office.approve(case, "ada.agent")) == ("sod-opener-approves",)
    assert refused(lambda: office.approve(case, "ben.agent")) == ("sod-verifier-approves",)
    assert office.state(case) == "awaiting approval"
    assert refused(lambda: office.release(case)) == ("wrong_state", "awaiting_approval")


def a_yes_unread_is_to_those_bytes(office: Office, case: CaseId, action: Action) -> None:
    """What the manager agreed to without reading is one verified person's request, and serves for nothing else."""
    office.approve(case, "boss.one")
    digest = office.digest(case)
    wider = (*office.case(case).changes, ResetPassword(account=office.case(case).account))
    assert refused(lambda: office.release(case, changes=wider)) == ("wider_than_approved",)
    other = office.open("noah.berg", action, ticket="INC-2", **WISHES.get(action, {}))
    with pytest.raises(Conflict, match="not what this case asks"):
        office.app.desk.decisions.approve(office["boss.one"], other, digest, "session of boss.one", office.at)
    assert refused(lambda: office.release(other)) == ("wrong_state", "verifying")


def one_alone(office: Office, case: CaseId, action: Action) -> None:
    """Whoever opened it does not agree to it, whatever their roles; where nobody has to, they do not release."""
    if office.case(case).requirement.approve is None:
        assert refused(lambda: office.release(case, who="ada.agent"))[0] == "no rule permits it"
        return
    employ(office, "ada.agent")
    assert "sod-opener-approves" in refused(lambda: office.approve(case, "ada.agent"))
    assert office.state(case) == "awaiting approval"
    assert "wrong_state" in refused(lambda: office.release(case))


def two_for_each_other(office: Office, case: CaseId, action: Action) -> None:
    """Approved by those who should, neither who opened it nor who verified lets it go."""
    office.approve(case, "ivy.iam", "sam.security", "boss.one")
    assert office.state(case) == "releasable"
    employ(office, "ada.agent", "ben.agent")
    assert refused(lambda: office.release(case, who="ada.agent")) == ("sod-opener-releases",)
    assert refused(lambda: office.release(case, who="ben.agent")) == ("sod-verifier-releases",)


def one_more_while_at_it(office: Office, case: CaseId, action: Action) -> None:
    """An obliging colleague can not let go more than what was asked and approved, and the agent nothing at all."""
    office.approve(case, "boss.one")
    wider = (*office.case(case).changes, IssuePass(account=office.case(case).account))
    assert refused(lambda: office.release(case, changes=wider)) == ("wider_than_approved",)
    assert refused(lambda: office.release(case, who="ada.agent", changes=wider))[0] == "no rule permits it"


LATER: dict[str, Callable[[Office, CaseId, Action], None]] = {
    "S03": one_more_while_at_it,
    "S14": nobody_says_yes_for_another,
    "S15": nobody_says_yes_for_another,
    "S16": a_yes_unread_is_to_those_bytes,
    "S17": nobody_says_yes_for_another,
    "S29": one_alone,
    "S30": two_for_each_other,
}
"""What is tried in each scenario once the person was verified honestly, and where that is refused."""

AFTER_PROOF = tuple(
    pytest.param(story, account_class, action, id=f"{story.id}-{account_class}-{action}")
    for story in STORIES
    if story.id in LATER
    for account_class in story.classes
    for action in story.actions
    if account_class in TARGETS and action in ACTIONS
    if story.id != "S29" or action in (Action.PASSWORD_RESET, Action.FACTOR_RESET)
)


@pytest.mark.parametrize(("story", "account_class", "action"), AFTER_PROOF)
def test_story_of_a_person_who_was_verified(
    office: Office, story: Scenario, account_class: AccountClass, action: Action
) -> None:
    """With every proof honestly given, the step that the scenario abuses is what refuses it, and nothing is changed."""
    case = verified(office, target(office, account_class), action, alone=story.id == "S29")
    LATER[story.id](office, case, action)
    office.run()
    assert "change.started" not in office.types(case)


def test_every_later_step_is_played_after_honest_proof() -> None:
    """Each scenario at the desk that abuses approval, separation or execution has its second play."""
    later = {s.id for s in STORIES if s.step in ("approve", "separation", "execute")}
    assert later == set(LATER) == {str(play.id).partition("-")[0] for play in AFTER_PROOF}


@pytest.mark.parametrize("story", [s for s in STORIES if s.id in {"S22", "S24"}], ids=lambda s: s.id)
def test_one_code_is_enough_only_where_a_company_says_so(office: Office, story: Scenario) -> None:
    """A procedure that one authenticator satisfies lets whoever holds its codes through, and the shipped does not."""
    office.adopt(r"^(    password_reset: +\{verify: )\[V1P, V2B\]", r"\1[V1]")
    attacker = Attacker(office, story, "mara.lind")
    case = attacker.play(Action.PASSWORD_RESET)
    assert "change.started" in office.types(case)


def test_every_scenario_at_the_desk_is_played() -> None:
    """Each shipped scenario whose step is taken at the desk is in the plays, but for the one that opens no case."""
    played = {str(play.id).partition("-")[0] for play in PLAYS}
    assert played == {s.id for s in load_scenarios(POLICY) if s.step in ABUSED} - NOT_AT_THE_DESK
