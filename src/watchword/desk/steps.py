"""One step on a case: read it, have it ruled and decided, append what it made with the effects that asks for.

Whoever loses a race reads again and decides again. A step calls no directory to change anything and sends nothing:
effects are rows, asked for in the same append as the evidence that justifies them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import AccountClass, strictest
from watchword.core.action import Action, Step
from watchword.core.case import Case, beneath
from watchword.core.decision import FREEZABLE, decide
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.execution import PROVISIONAL
from watchword.core.facts import PORTAL, facts_of, portal_relations
from watchword.core.fold import evolve
from watchword.core.gates import Event
from watchword.core.ids import CaseId, PersonId
from watchword.core.origin import Throttle
from watchword.core.passkey import RelyingParty
from watchword.core.person import Person
from watchword.core.request import NotBefore
from watchword.core.ruling import UNSIGNED_LOAN, CaseFacts, Ruling
from watchword.core.standing import Account
from watchword.desk.asks import effects_asked
from watchword.desk.followers import CaseList, Names
from watchword.desk.lent import Counting, counting
from watchword.desk.origins import plain
from watchword.desk.recording import account_stream, case_stream, draft, stream_of
from watchword.desk.registry import Registry
from watchword.directories.port import Directory
from watchword.ledger.append import Append, Draft, Late
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.leader import Ledger
from watchword.ledger.store import Settle
from watchword.policy.bundle import Policy

RACES = 8
"""How often a lost race is decided again before the caller hears of it."""

UNDER_DRIFT = frozenset({Step.ACTIVATE_POLICY, Step.READ, Step.CONTAIN, Step.WITHDRAW, Step.REFUSE, Step.OBJECT})
"""What may be done while the policy on disk is not the active one: look, activate it, and take away."""

Told: TypeAlias = Mapping[type[Any], tuple[Disclosure, ...]]
"""What is disclosed beside events of a type."""

Expect: TypeAlias = Callable[[], Mapping[str, int]]
"""Versions that streams beside the case's own must be at; asked before each attempt reads anything, and may refuse."""

NOTHING_EXPECTED: Mapping[str, int] = MappingProxyType({})

NOTHING_TOLD: Told = MappingProxyType({})


def nothing_expected() -> Mapping[str, int]:
    """Only the case's own streams are held to the versions they were read at."""
    return {}


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A case as the ledger holds it now, with the version its stream is at."""

    case: Case
    account: Account
    version: int
    account_version: int


class Halted(msgspec.Struct, frozen=True, kw_only=True):
    """Another case of an account, as it is *loaded*, and the *events* that stop it."""

    loaded: Loaded
    events: tuple[Event, ...]


class Steps:
    """What every use case stands on. Safe to use from many threads; the time is always passed in."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        policy: Policy,
        directories: Mapping[str, Directory],
        registry: Registry,
        runner: PersonId,
        executor: PersonId,
        sends: Collection[str] = (),
        portal: PersonId | None = None,
        country: str = "",
        shared_numbers: Collection[str] = (),
        party: RelyingParty | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.ledger = ledger
        self.policy = policy
        self.directories = directories
        self.registry = registry
        self.names: Names = registry.names
        self.cases = CaseList()
        self.runner = runner
        self.executor = executor
        self.portal = portal  # who opens what people recover alone; nobody, where that is switched off
        self.party = party  # whose pages approvals and loans are signed on
        self._clock = clock
        self.country = country  # what a number without one is of
        self.shared_numbers = frozenset(plain("number", one, country) for one in shared_numbers)
        self.sends = frozenset(sends)  # the methods whose challenge sends something
        self.thresholds = registry.thresholds
        self.campaign_s = policy.procedures.table.campaign.window
        origin = policy.procedures.origin
        self.throttle = Throttle(
            window_s=origin.window_s,
            failures=origin.failures,
            wait_s=origin.wait_s,
            longest_wait_s=origin.longest_wait_s,
            targets=origin.targets,
        )

    def directory(self, name: str) -> Directory:
        """The directory of that name."""
        if name not in self.directories:
            raise Invalid(
                f"There is no directory {name!r}.", f"Use one of: {', '.join(self.directories)}.", where="directory"
            )
        return self.directories[name]

    def not_before(self) -> NotBefore:
        """Where the ledger stands, for a request that is made now."""
        _, checkpoint = self.ledger.checkpoint
        return NotBefore(size=checkpoint.size, root=checkpoint.root.hex())

    def now(self, at: datetime) -> datetime:
        """The time it is by now, after whatever took its time since *at*; never an earlier one."""
        return at if self._clock is None else max(at, self._clock())

    def load(self, case: CaseId) -> Loaded:
        """A case folded from its verified entries; `Invalid` when there is none."""
        with self.registry.folds.moment():
            folded, version = self.registry.case(case)
            account, stood = self.registry.standing(folded.account)
        return Loaded(case=folded, account=account, version=version, account_version=stood)

    def rule(self, actor: PersonId, step: Step, facts: CaseFacts, at: datetime) -> Ruling:
        """Policy's answer to one person, one step, one case; refused while the policy on disk is not the active one."""
        if step not in UNDER_DRIFT:
            self.demand_active_policy()
        return self.policy.people.rule(self.registry.person(actor), step, facts, at)

    def rule_on(self, actor: PersonId, step: Step, loaded: Loaded, at: datetime) -> Ruling:
        """Policy's answer on a case that exists."""
        person = self.registry.person(actor)
        recovered = self.registry.recently_recovered(person, at)
        facts = facts_of(loaded.case, loaded.account, actor, at, recovered=recovered)
        if step is Step.PROTECT:
            facts = self._as_held_now(facts, loaded, at)
        if own := portal_relations(loaded.case, actor, self.portal):
            facts = msgspec.structs.replace(facts, relations=(*facts.relations, *own))
        if step not in UNDER_DRIFT:
            self.demand_active_policy()
        sits = step in (Step.APPROVE, Step.REFUSE, Step.READ)
        lent = self.lent(person, loaded, at, to_approve=step is Step.APPROVE).seats if sits else ()
        ruling = self.policy.people.rule(person, step, facts, at, lent)
        if (
            step is Step.APPROVE
            and not ruling.allowed
            and self.lent(person, loaded, at, to_approve=False).seats != lent
        ):
            return msgspec.structs.replace(ruling, reasons=(*ruling.reasons, UNSIGNED_LOAN))
        return ruling

    def _as_held_now(self, facts: CaseFacts, loaded: Loaded, at: datetime) -> CaseFacts:
        """Who it is whose access is taken away: as strict as when the case was opened, or as they have become since."""
        case = loaded.case
        now = self.registry.strictest_class(loaded.account, case.subject, at)
        held = strictest((case.account_class, now)) or case.account_class
        roles = self._held_by(case.subject, at) if case.subject is not None else ()
        return msgspec.structs.replace(facts, account_class=held, subject_roles=roles)

    def _held_by(self, subject: PersonId, at: datetime) -> tuple[str, ...]:
        """What *subject* holds in whatever unit, and the seats they were lent."""
        person = self.registry.person(subject)
        held = {grant.role.value for grant in person.grants if grant.until is None or at < grant.until}
        return tuple(sorted(held | {one.seat for one in person.lent_at(at)}))

    def lent(self, person: Person, loaded: Loaded, at: datetime, *, to_approve: bool = True) -> Counting:
        """The seats of others that *person* may take in this case, *to_approve* or to look and say no."""
        rule = self.policy.people.rule
        return counting(
            self.registry, rule, person, loaded.case, loaded.account, at, party=self.party, to_approve=to_approve
        )

    def may(self, actor: PersonId, step: Step, loaded: Loaded, at: datetime) -> bool:
        """Whether to offer a step; the step itself is ruled again."""
        try:
            ruling = self.rule_on(actor, step, loaded, at)
        except Refused:
            return False
        return ruling.allowed and not ruling.errors

    def demand_anywhere(self, actor: PersonId, step: Step, at: datetime) -> None:
        """Raise `Refused` unless *actor* may take *step* on the mildest case of some unit; asked before any look-up.

        So nobody without a role learns from us which accounts there are. The case itself is ruled on as well.
        """
        person = self.registry.person(actor)
        units = dict.fromkeys((person.unit, *(g.unit for g in person.grants if g.unit is not None)))
        rulings = [self._mildest(person, step, unit, at) for unit in units]
        if not any(r.allowed and not r.errors for r in rulings):
            rulings[0].demand()

    def opens_in(self, actor: PersonId, unit: str, at: datetime) -> bool:
        """Whether *actor* may take in the mildest request of *unit*."""
        ruling = self._mildest(self.registry.person(actor), Step.OPEN, unit, at)
        return ruling.allowed and not ruling.errors

    def _mildest(self, person: Person, step: Step, unit: str, at: datetime) -> Ruling:
        facts = CaseFacts(
            case=None,
            unit=unit,
            account_class=AccountClass.STANDARD,
            action=Action.UNLOCK,
            subject=None,
            relations=self.relations_to_new(person.id),
        )
        return self.policy.people.rule(person, step, facts, at)

    def demand_unrecovered(self, actor: PersonId, at: datetime, instead: str) -> None:
        """Refuse somebody one of whose own accounts was recovered within seven days: whoever it is may be another one.

        Asked of whoever undoes a protection or stands for what no procedure asks for; policy asks it of approvers.
        """
        if self.registry.recently_recovered(self.registry.person(actor), at):
            raise Refused("An account of yours was recovered in the last seven days.", instead, ("recovered",))

    def relations_to_new(self, actor: PersonId) -> tuple[str, ...]:
        """What *actor* is to a case they are about to open, beside what they are to the account."""
        return (PORTAL,) if self.portal is not None and actor == self.portal else ()

    def demand_active_policy(self) -> None:
        """Raise `Refused` when the policy on disk is not the one the ledger says is active."""
        active = self.registry.posture().digest
        if active != self.policy.digest:
            raise Refused(
                "The policy on disk is not the one that was activated.",
                "Have one policy author run `watchword policy propose` and another `watchword policy activate`, then "
                "start this again; or put the file back with `watchword policy restore`.",
                ("policy_drift",),
            )

    def step(
        self,
        case: CaseId,
        actor: PersonId,
        step: Step,
        build: Callable[[Loaded], do.Command],
        at: datetime,
        *,
        disclosures: Told | None = None,
        expect: Expect = nothing_expected,
    ) -> Case:
        """Take one step as *actor*; policy rules on it. Returns the case as it is then, with a provisional leaf."""

        def ruled(loaded: Loaded, at: datetime) -> Ruling:
            return self.rule_on(actor, step, loaded, at)

        return self._race(case, actor, ruled, build, at, disclosures or {}, expect=expect)

    def system_step(
        self,
        case: CaseId,
        build: Callable[[Loaded], do.Command],
        at: datetime,
        *,
        disclosures: Told | None = None,
        settle: tuple[Settle, ...] = (),
        expect: Expect = nothing_expected,
    ) -> Case:
        """Bookkeeping that no person asks for: time passing, an answer arriving, an outcome being recorded."""
        return self._race(
            case, self.runner, lambda *_: self._bookkeeping, build, at, disclosures or {}, expect=expect, settle=settle
        )

    @property
    def _bookkeeping(self) -> Ruling:
        return Ruling(person=self.runner, step=Step.READ, allowed=True, reasons=("bookkeeping",))

    def _race(
        self,
        case: CaseId,
        actor: PersonId,
        ruled: Callable[[Loaded, datetime], Ruling],
        build: Callable[[Loaded], do.Command],
        at: datetime,
        disclosures: Told,
        *,
        expect: Expect,
        settle: tuple[Settle, ...] = (),
    ) -> Case:
        """Read, rule, decide, append; again when somebody else got there first.

        So it is, at the time by then, where others wrote while something was waited for that took long.
        """
        for attempt in range(RACES):
            expected = expect()
            with self.registry.folds.moment():
                loaded = self.load(case)
                ruling = ruled(loaded, at)
                ruling.demand()
                events = decide(loaded.case, loaded.account, build(loaded), ruling, None, at, self.thresholds)
                halted = self._halted(loaded.case, events, at)
            try:
                return self.append(
                    loaded,
                    events,
                    actor,
                    at,
                    disclosures=disclosures,
                    settle=settle,
                    expected=expected,
                    halted=halted,
                )
            except Conflict:
                if attempt == RACES - 1:
                    raise
            except Late:
                if attempt == RACES - 1 or (now := self.now(at)) == at:
                    raise
                at = now
        raise AssertionError

    def _halted(self, case: Case, events: tuple[Event, ...], at: datetime) -> tuple[Halted, ...]:
        """The other cases of the account that still lead somewhere, where *events* find *case* fraudulent.

        One that this misses, because it is opened meanwhile, is refused by the account's own stream all the same.
        """
        if not any(isinstance(event, past.CaseContained) for event in events):
            return ()
        self.cases.follow(self.ledger)
        halted: list[Halted] = []
        for row in self.cases.running():
            if row.id == case.id or row.account != case.account:
                continue
            other = self.load(row.id)
            if type(beneath(other.case)) in FREEZABLE:
                stop = do.Freeze(because=case.id)
                ruling = self._bookkeeping
                decided = decide(other.case, other.account, stop, ruling, None, at, self.thresholds)
                halted.append(Halted(loaded=other, events=decided))
        return tuple(halted)

    def append(
        self,
        loaded: Loaded | None,
        events: tuple[Event, ...],
        actor: PersonId,
        at: datetime,
        *,
        disclosures: Told,
        settle: tuple[Settle, ...] = (),
        expected: Mapping[str, int] = NOTHING_EXPECTED,
        halted: tuple[Halted, ...] = (),
    ) -> Case:
        """Append events over their streams, with the effects the case's new state asks for; all of *halted* as well."""
        drafts: dict[str, list[Draft]] = {}
        after = loaded.case if loaded else None
        for event in events:
            drafts.setdefault(stream_of(event), []).append(draft(event, actor, at, disclosures.get(type(event), ())))
            if isinstance(event, past.CaseEvent):
                after = evolve(after, past.Recorded(event=event, at=at, leaf=PROVISIONAL))
        if after is None or not events:
            assert loaded is not None
            return loaded.case
        for other in halted:
            for event in other.events:
                drafts.setdefault(stream_of(event), []).append(draft(event, self.runner, at))
        versions = {case_stream(other.loaded.case.id): other.loaded.version for other in halted} | dict(expected)
        appends = tuple(
            Append(
                stream=stream, expected_version=versions.get(stream, self._version(stream, loaded)), drafts=tuple(rows)
            )
            for stream, rows in drafts.items()
        )
        version = loaded.version if loaded else -1
        rows = effects_asked(loaded.case if loaded else None, events, version, at, self.sends)
        self.ledger.append(appends, rows, settle)
        return after

    def _version(self, stream: str, loaded: Loaded | None) -> int:
        if loaded is not None and stream == case_stream(loaded.case.id):
            return loaded.version
        if loaded is not None and stream == account_stream(loaded.case.account):
            return loaded.account_version  # what was decided on, so that a failure recorded meanwhile is decided on too
        if loaded is not None:
            return self.ledger.version(stream)  # one that others made old loses the race, and is decided again
        return self.registry.folds.version(stream)


def words(name: str, value: str) -> tuple[Disclosure, ...]:
    """What somebody wrote, kept a year."""
    return (Disclosure(name=name, value=value, retention=Retention.IDENTITY),)
