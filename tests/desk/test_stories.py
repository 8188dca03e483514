"""The shipped scenarios, played: an attacker with exactly what each one gives meets the desk, step by step.

The attacker answers a method rightly where what they have defeats it, and wrongly where it does not; a duped or corrupt
agent attests whatever they are told and tries every step of the case alone. Who is not in the attacker's hands acts as
they should, and so never says yes to this.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.desk.office import LONG_AGO, Office, refused
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.change import ContactKind
from watchword.core.errors import Refused
from watchword.core.ids import CaseId
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
        self.attested, self.approvals = steps.attested, steps.approval
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
        if office.state(case) == "awaiting approval":
            self.try_approvals(case)
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

    def try_approvals(self, case: CaseId) -> None:
        """Have those say yes who are in the attacker's hands; then let the agents try for the others."""
        office = self.office
        if self.has.fells(self.approvals, "manager_of_record"):
            self.took(office.approve, case, "boss.one")
        for agent in ("ada.agent", "ben.agent"):
            self.took(office.approve, case, agent)

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
