"""Random people take random steps on the real desk; a model that knows no rule of ours checks what the directory did.

The model keeps who did what, and when. `licensed` is an independent reading of the procedures: a person standing beside
the desk, with the matrix on paper.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.desk.office import STAFF, Office
from watchword.core.action import Action
from watchword.core.change import (
    Change,
    ContactKind,
    ReissueSecret,
    ResetFactors,
    ResetPassword,
    RevokeSessions,
    SetContact,
    Suspend,
)
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import AccountId, CaseId

NAMELESS = AccountId("")
TOUCHED: tuple[Change, ...] = (
    ResetPassword(account=NAMELESS),
    ResetFactors(account=NAMELESS),
    ReissueSecret(account=NAMELESS),
    SetContact(account=NAMELESS, contact=ContactKind.PHONE),
)
PROTECTIVE: tuple[Change, ...] = (Suspend(account=NAMELESS), RevokeSessions(account=NAMELESS))
WISHES: dict[tuple[str, Action], Change] = {
    ("mara.lind", Action.PASSWORD_RESET): TOUCHED[0],
    ("mara.lind", Action.FACTOR_RESET): TOUCHED[1],
    ("eve.exec", Action.FACTOR_RESET): TOUCHED[1],
    ("svc.backup", Action.SECRET_REISSUE): TOUCHED[2],
    ("mara.lind", Action.RECOVERY_INFO_CHANGE): TOUCHED[3],
}
LOGINS = ("mara.lind", "eve.exec", "svc.backup", "noah.berg")
AGENTS = st.sampled_from(("ada.agent", "ben.agent"))
SEATS = st.sampled_from(("boss.one", "sam.security", "ivy.iam", "paul.platform"))
PEOPLE = st.sampled_from((*STAFF, "boss.one", "mara.lind", "eve.exec", "olga.owner"))
METHODS = st.sampled_from(("passkey", "totp", "mail_code", "call_code", "in_person", "owner_passkey"))
WEIGHTS = {"passkey": 4, "totp": 2, "mail_code": 1, "call_code": 2, "in_person": 4, "owner_passkey": 3}


class Kept(msgspec.Struct):
    """What somebody who stands beside the desk has seen of one case."""

    login: str
    action: Action
    opener: str
    verifiers: set[str] = msgspec.field(default_factory=set)
    proved: list[tuple[str, datetime]] = msgspec.field(default_factory=list)
    entered: str | None = None
    asked: datetime | None = None
    approved: dict[str, datetime] = msgspec.field(default_factory=dict)
    releaser: str | None = None
    released: datetime | None = None
    done: bool = False

    def licensed(self, at: datetime) -> bool:
        """Whether the matrix, read by hand, lets this be done now."""
        if self.asked is None or self.released is None or self.releaser is None:
            return False
        fresh = {m for m, when in self.proved if timedelta(0) <= self.asked - when <= timedelta(minutes=15)}
        weight = sum(WEIGHTS[m] for m in fresh)
        hands = {self.opener, *self.verifiers}
        alone = self.releaser not in self.approved and not hands & set(self.approved) and self.login not in hands
        if not (alone and self.login not in (*self.approved, self.releaser) and self.released <= at):
            return False
        match self.login, self.action:
            case "mara.lind", Action.PASSWORD_RESET:
                return bool(fresh & {"passkey", "totp"})
            case "mara.lind", Action.RECOVERY_INFO_CHANGE:
                proven = "passkey" in fresh or (weight >= 5 and len(fresh) >= 2 and "in_person" in fresh)
                return self.entered is not None and proven and self.released - self.asked >= timedelta(hours=24)
            case "mara.lind", _:
                return weight >= 4 and len(fresh) >= 2 and "boss.one" in self.approved
            case "svc.backup", _:
                return "owner_passkey" in fresh and "paul.platform" in self.approved
            case _:
                seats = "boss.one" in self.approved and bool({"sam.security", "ivy.iam"} & set(self.approved))
                apart = self.opener not in self.verifiers and self.releaser not in hands
                waited = self.released - max(self.approved.values(), default=at) >= timedelta(hours=1)
                held = waited or "passkey" in fresh
                strong = bool(fresh & {"passkey", "in_person"}) and weight >= 5 and len(fresh) >= 2
                return strong and seats and apart and held


class Desk(RuleBasedStateMachine):
    """The real desk, sandbox and executor; every step may be refused, and none may do what is not licensed."""

    founded: ClassVar[Office]
    cases: Bundle[CaseId] = Bundle("cases")
    reached: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="watchword-desk-"))
        self.office = self.founded.copy(self.home)
        self.kept: dict[CaseId, Kept] = {}
        self.versions: Counter[tuple[str, str]] = Counter()

    def _try(self, step: Callable[[], object]) -> bool:
        """Take a step as people do: whatever comes of it, only these three answers may."""
        try:
            step()
        except (Refused, Invalid, Conflict):
            return False
        return True

    @initialize(target=cases)
    def morning(self) -> MultipleResults[CaseId]:
        """Each of the requests came in already, at one agent's desk."""
        opened = {self.office.open(login, action, **details_of(action)): (login, action) for login, action in WISHES}
        self.kept = {
            case: Kept(login=login, action=action, opener="ada.agent") for case, (login, action) in opened.items()
        }
        return multiple(*opened)

    @rule(target=cases, what=st.sampled_from(sorted(WISHES)), agent=st.one_of(AGENTS, PEOPLE))
    def open(self, what: tuple[str, Action], agent: str) -> MultipleResults[CaseId]:
        """Somebody takes a request in."""
        login, action = what
        opened: list[CaseId] = []
        self._try(lambda: opened.append(self.office.open(login, action, agent=agent, **details_of(action))))
        for case in opened:
            self.kept[case] = Kept(login=login, action=action, opener=agent)
        return multiple(*opened)

    @rule(case=cases, last=st.integers(10, 99), mine=st.booleans())
    def enter(self, case: CaseId, last: int, *, mine: bool) -> None:
        """Somebody who has the page's address enters a new phone number, in the browser that did before or another."""
        value = f"+4930555001{last}"
        first = self.kept[case].entered is None
        if self._try(lambda: self.office.enter(case, value, browser=None if mine else "another")):
            assert mine or first
            self.kept[case].entered = value
            self.kept[case].proved.clear()

    @rule(case=cases, agent=st.one_of(AGENTS, PEOPLE), methods=st.lists(METHODS, max_size=2, unique=True))
    def verify(self, case: CaseId, agent: str, methods: list[str]) -> None:
        """Somebody at the desk has the person prove themself in some ways, and says that it is complete."""
        kept = self.kept[case]
        for way in methods:
            who = "olga.owner" if way == "owner_passkey" else ""
            if self._try(lambda w=way, o=who: self.office.prove(case, w, agent=agent, who=o)):  # type: ignore[misc]
                kept.proved.append((way, self.office.at))
                kept.verifiers.add(agent)
        if self._try(lambda: self.office.ask(case, agent=agent)):
            kept.asked = self.office.at

    @rule(case=cases, who=st.lists(st.one_of(SEATS, PEOPLE), max_size=3))
    def approve(self, case: CaseId, who: list[str]) -> None:
        """Some say yes."""
        for login in who:
            self._approve(case, login)

    @rule(
        case=cases,
        agent=AGENTS,
        well=st.booleans(),
        methods=st.lists(METHODS, max_size=2, unique=True),
        seats=st.lists(SEATS, max_size=3),
        waiting=st.sampled_from((0, 0, 30, 90)),
        releaser=st.sampled_from(("rae.release", "rae.release", "ada.agent", "boss.one")),
    )
    def carry(
        self, case: CaseId, agent: str, *, well: bool, methods: list[str], seats: list[str], waiting: int, releaser: str
    ) -> None:
        """A case goes all its way, as the matrix asks or with something left out."""
        owner = self.kept[case].login == "svc.backup"
        waits = self.kept[case].action is Action.RECOVERY_INFO_CHANGE
        if well and waits:
            self.enter(case, 42, mine=True)
        self.verify(case, agent, ["owner_passkey" if owner else "passkey", "mail_code"] if well else methods)
        self.approve(case, ["boss.one", "sam.security", "paul.platform"] if well else seats)
        self.office.wait(minutes=24 * 60 if well and waits else waiting)
        self.release(case, "rae.release" if well else releaser)
        self._work()

    def _approve(self, case: CaseId, who: str) -> None:
        if self.office.state(case) == "awaiting approval" and self._try(lambda: self.office.approve(case, who)):
            self.kept[case].approved[who] = self.office.at

    @rule(case=cases, who=PEOPLE)
    def refuse(self, case: CaseId, who: str) -> None:
        """Somebody says no."""
        self._try(lambda: self.office.app.desk.decisions.refuse(self.office[who], case, "no", self.office.at))

    @rule(case=cases, who=st.one_of(st.just("rae.release"), PEOPLE))
    def release(self, case: CaseId, who: str) -> None:
        """Somebody lets the executor act, and the person opens their page."""
        kept = self.kept[case]
        if self._try(lambda: self.office.release(case, who=who)):
            kept.releaser, kept.released = who, self.office.at
        self._try(lambda: self.office.browse(case))

    @rule(minutes=st.sampled_from((1, 20, 60, 300)), outage=st.sampled_from((None, None, "during")))
    def run(self, minutes: int, outage: str | None) -> None:
        """The executor does what is due, then time passes and it does what became due."""
        self.office.directory.outage = outage  # type: ignore[assignment]  # one of its words
        self._work()
        self.office.wait(minutes=minutes)
        self._work()
        self.office.directory.outage = None
        self._work()

    @rule(case=cases, who=PEOPLE)
    def stop(self, case: CaseId, who: str) -> None:
        """Somebody calls it off."""
        self._try(lambda: self.office.app.desk.decisions.withdraw(self.office[who], case, "no", self.office.at))

    @rule(
        case=cases,
        who=st.sampled_from(("sam.security", "ada.agent", "noah.berg")),
        really=st.sampled_from((0, 0, 0, 1)),
    )
    def contain(self, case: CaseId, who: str, really: int) -> None:
        """Somebody calls it a fraud, which seldom happens."""
        if not really:
            return
        self._try(lambda: self.office.app.desk.decisions.contain(self.office[who], case, "a fraud", self.office.at))

    @rule(case=cases)
    def take(self, case: CaseId) -> None:
        """The person comes for their credential."""
        owner = self.kept[case].login == "svc.backup"
        self._try(
            lambda: self.office.take(case, "owner_passkey" if owner else "passkey", who="olga.owner" if owner else "")
        )

    @rule(lost=st.booleans())
    def restart(self, lost: bool) -> None:
        """The process ends and another begins; sometimes every effect row is gone in between."""
        if lost:
            self.office.tamper("DELETE FROM effect")
        else:
            self.office.restart()

    def _work(self) -> None:
        """Let the executor work, and hold what the directory did against what people did."""
        at = self.office.at
        self.office.run()
        now = self._versions()
        for (login, aspect), more in (now - self.versions).items():
            may = [
                k
                for k in self.kept.values()
                if k.login == login and not k.done and k.licensed(at) and name(WISHES[k.login, k.action]) == aspect
            ]
            assert more <= len(may), f"{login}: {aspect} changed {more} time(s), {len(may)} case(s) let it"
            if aspect == name(TOUCHED[3]):
                phones = {c.value for c in self.office.directory.read(self.office.native(login)).contacts}
                may = [k for k in may if k.entered in phones]
                assert len(may) >= more, f"{login}: a number was set that nobody entered and proved"
            for kept in may[:more]:
                kept.done = True
                self.reached[f"{login} {kept.action}"] += 1
        self.versions = now

    def _versions(self) -> Counter[tuple[str, str]]:
        return Counter(
            {(login, name(change)): self.office.version(login, change) for login in LOGINS for change in TOUCHED}
        )

    @invariant()
    def nothing_changes_unseen(self) -> None:
        """Between two runs of the executor the directory does not change."""
        assert self._versions() == self.versions

    def teardown(self) -> None:
        """Whatever happened, the ledger is sound."""
        try:
            assert self.office.fsck().size > 0
        finally:
            self.office.close()
            shutil.rmtree(self.home)


def details_of(action: Action) -> dict[str, Any]:
    """What a wish names beside its action."""
    if action is Action.FACTOR_RESET:
        return {"factors": ("security_key",)}
    return {"contact": ContactKind.PHONE} if action is Action.RECOVERY_INFO_CHANGE else {}


def name(change: Change) -> str:
    """What a change touches."""
    return type(change).__name__


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_nothing_happens_that_people_did_not_agree_to(founded: Office) -> None:
    """Whatever people try, an account changes once for each case whose people, proofs and waiting the matrix takes."""
    Desk.founded = founded
    bounded = settings(
        max_examples=25,
        stateful_step_count=14,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Desk, settings=bounded)
    assert len(Desk.reached) >= 1, Desk.reached
