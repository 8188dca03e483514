"""How long payloads are kept, and how they go: by time, for one case, never under a legal hold.

An erasure is one append: `evidence.erased` entries, and in the same transaction the wrapped keys and payloads they tell
of. A crash leaves both or neither. Every decision stands on the `ledger` stream at a version the append expects, so
that a hold set meanwhile is decided on too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from watchword.core.account import AccountClass, Status
from watchword.core.action import Action, Step
from watchword.core.case import TERMINAL, Case, Contained, Delivered, Failed, participants, progress_of
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import AccountId, CaseId, PersonId
from watchword.core.person import Kind
from watchword.core.ruling import CaseFacts
from watchword.desk.downtime import declared
from watchword.desk.recording import DOWNTIME_STREAM, account_stream, case_stream, draft, event_of, person_stream
from watchword.desk.steps import RACES, Steps
from watchword.ledger.append import Append
from watchword.ledger.archive import Archive, Filed
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.erasure import (
    EvidenceArchived,
    EvidenceErased,
    Hold,
    HoldLiftAsked,
    HoldLifted,
    HoldSet,
    LedgerEvent,
    Reason,
    evolve_holds,
)
from watchword.ledger.restoration import LEDGER_STREAM
from watchword.ledger.store import Holding

CHUNK = 50
"""Holdings erased with one append: each is an entry, and what is archived with them is one file."""

ERASABLE = (Retention.SHORT, Retention.IDENTITY, Retention.CORE)
"""The classes that end; what is kept under `legal_hold` never does."""


class Periods(msgspec.Struct, frozen=True, kw_only=True):
    """How long each class is kept after its time begins to count."""

    short: timedelta = timedelta(days=90)
    identity: timedelta = timedelta(days=365)
    core: timedelta = timedelta(days=7 * 365 + 2)

    def of(self, retention: Retention) -> timedelta | None:
        """The period of a class; None for what has no end."""
        match retention:
            case Retention.SHORT:
                return self.short
            case Retention.IDENTITY:
                return self.identity
            case Retention.CORE:
                return self.core
            case Retention.LEGAL_HOLD:
                return None


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to go, decided while the `ledger` stream was at *version*."""

    version: int
    holdings: tuple[Holding, ...]


class EvidenceKeeper:
    """Erases and holds. Ruled by policy like a step of a case; *archive* is written first where there is one.

    *others* says of streams that are not the desk's when their time begins to count, given the cases under a hold.
    """

    def __init__(
        self,
        steps: Steps,
        periods: Periods,
        archive: Archive | None,
        *,
        chunk: int = CHUNK,
        others: Callable[[Collection[CaseId]], Iterable[tuple[str, datetime]]] = lambda _: (),
    ) -> None:
        self.steps = steps
        self._others = others
        self.periods = periods
        self.archive = archive
        self.chunk = chunk

    # --- erasing -----------------------------------------------------------------------------------------------------

    def erase_case(
        self, actor: PersonId, case: CaseId, retention: Retention, why: Reason, at: datetime, *, dry_run: bool = False
    ) -> tuple[Holding, ...]:
        """Erase one class of a case that is at its end, and return what went; nothing where nothing is kept.

        Raise `Refused` while the case runs, owes a review or is under a legal hold; `Unavailable` where the archive
        can not be written, and then nothing is erased.
        """
        if retention not in ERASABLE:
            raise Invalid("What is kept for a legal hold is not erased.", "Name another class.", where="class")
        if why is Reason.TIME_OVER:
            raise Invalid("Whose time is over is erased without naming a case.", "Give another reason.", where="why")
        self.steps.demand_anywhere(actor, Step.ERASE_EVIDENCE, at)

        def plan() -> _Plan:
            version, holds = self._holds()
            loaded = self.steps.load(case)
            self.steps.rule_on(actor, Step.ERASE_EVIDENCE, loaded, at).demand()
            if not _over(loaded.case):
                raise Refused(
                    "This case is not at its end, or owes a review.", "Let it end, or withdraw it.", ("running",)
                )
            if case in holds:
                raise Refused("This case is under a legal hold.", "Two people can lift it.", ("legal_hold",))
            kept = self.steps.ledger.holdings(case_stream(case))
            return _Plan(version=version, holdings=tuple(one for one in kept if one.retention is retention))

        return self._erase(actor, plan, why, at, dry_run=dry_run)

    def erase_expired(self, actor: PersonId, at: datetime, *, dry_run: bool = False) -> tuple[Holding, ...]:
        """Erase everything whose time is over at *at*, and return what went."""
        anywhere = CaseFacts(
            case=None, unit="", account_class=AccountClass.IDENTITY_CONTROL, action=Action.UNLOCK, subject=None
        )

        def plan() -> _Plan:
            self.steps.rule(actor, Step.ERASE_EVIDENCE, anywhere, at).demand()
            version, holds = self._holds()
            return _Plan(version=version, holdings=self._expired(holds, at))

        return self._erase(actor, plan, Reason.TIME_OVER, at, dry_run=dry_run)

    def over(self, at: datetime) -> tuple[Holding, ...]:
        """Everything whose time is over at *at* and that is still there; for operators, ruled by nobody."""
        return self._expired(self._holds()[1], at)

    def _expired(self, holds: dict[CaseId, Hold], at: datetime) -> tuple[Holding, ...]:
        ended = dict(self._ended(holds))

        def over(one: Holding) -> bool:
            began, period = ended.get(one.stream), self.periods.of(one.retention)
            return began is not None and period is not None and began + period <= at

        return tuple(filter(over, self.steps.ledger.holdings()))

    def _ended(self, holds: dict[CaseId, Hold]) -> Iterator[tuple[str, datetime]]:
        """Every stream whose time counts, with the moment it began: its last entry.

        That is a case at its end, an account that its directory called a leaver, a person without role, credential or
        account in use, and what was declared of downtime once all of it was reviewed. A hold on a case keeps its
        account and its people as well.
        """
        self.steps.cases.follow(self.steps.ledger)
        kept: set[str] = set()
        for row in self.steps.cases.rows():
            if _over(row.case) and row.case.id not in holds:
                yield case_stream(row.case.id), row.changed_at
            else:
                kept |= {account_stream(row.case.account), *(person_stream(one) for one in participants(row.case))}
        ledger = self.steps.ledger
        for stream in (*ledger.streams("account/"), *ledger.streams("person/")):
            if stream not in kept and not self._in_use(stream):
                yield stream, ledger.read(stream)[-1].entry.at
        owed = (one.confirmed is not None and one.reviewed is None for one in declared(ledger).values())
        if (said := ledger.read(DOWNTIME_STREAM)) and not any(owed):
            yield DOWNTIME_STREAM, said[-1].entry.at
        yield from self._others(holds)

    def _in_use(self, stream: str) -> bool:
        kind, _, name = stream.partition("/")
        registry = self.steps.registry
        if kind == "account":
            seen = registry.account(AccountId(name)).observations
            return not seen or seen[-1].facts.status is not Status.LEAVER
        person = registry.person(PersonId(name))
        return (
            person.kind is Kind.SYSTEM
            or bool(person.grants or person.credentials or person.delegations)
            or any(self._in_use(account_stream(account)) for account in person.accounts)
        )

    def _erase(
        self, actor: PersonId, plan: Callable[[], _Plan], why: Reason, at: datetime, *, dry_run: bool
    ) -> tuple[Holding, ...]:
        planned = plan()
        version, pending = planned.version, planned.holdings
        if dry_run:
            return pending
        done: list[Holding] = []
        lost = 0
        while pending:
            chunk = pending[: self.chunk]
            try:
                version = self._write(actor, chunk, version, why, at)
            except Conflict:
                lost += 1
                if lost == RACES:
                    raise
                planned = plan()
                version, pending = planned.version, planned.holdings
                continue
            done.extend(chunk)
            pending = pending[self.chunk :]
        return tuple(done)

    def _write(self, actor: PersonId, chunk: tuple[Holding, ...], version: int, why: Reason, at: datetime) -> int:
        """Archive and erase *chunk*; return the version of the `ledger` stream then."""
        filed = self._archived(chunk, at)
        events: list[LedgerEvent] = []
        if filed is not None and self.archive is not None:
            events.append(EvidenceArchived(sha256=filed.sha256, size=filed.size, recipient=self.archive.recipient))
        events.extend(
            EvidenceErased(
                stream=one.stream,
                retention=one.retention,
                keys=one.keys,
                payloads=one.payloads,
                why=why,
                by=actor,
                policy=self.steps.policy.digest,
                archive=filed.sha256 if filed else None,
            )
            for one in chunk
        )
        drafts = tuple(draft(event, actor, at) for event in events)
        append = Append(stream=LEDGER_STREAM, expected_version=version, drafts=drafts)
        try:
            appended = self.steps.ledger.append((append,), erase=chunk)
        except Conflict:
            if filed is not None and self.archive is not None:
                self.archive.discard(filed)
            raise
        return appended[-1].entry.version

    def _archived(self, chunk: tuple[Holding, ...], at: datetime) -> Filed | None:
        """Write what *chunk* holds to the archive: each disclosure, which anybody can hold against its commitment."""
        if self.archive is None:
            return None
        content = {
            "format": "watchword archive 1",
            "origin": self.steps.ledger.origin,
            "at": at,
            "payloads": [
                {"stream": one.stream, "class": one.retention, "commitment": commitment, "disclosure": disclosure}
                for one in chunk
                for commitment, disclosure in self.steps.ledger.disclosed(one)
            ],
        }
        return self.archive.write(msgspec.json.encode(content))

    # --- holding -----------------------------------------------------------------------------------------------------

    def hold(self, actor: PersonId, case: CaseId, words: str, at: datetime) -> None:
        """Keep a case from any erasure until two people lift this; the words are kept as long as the ledger."""
        if not words.strip():
            raise Invalid("A hold says what it is for.", "Name the matter.", where="why")

        def build(hold: Hold | None) -> LedgerEvent:
            if hold is not None:
                raise Refused("This case is under a legal hold already.", "Nothing is left to do.", ("held",))
            return HoldSet(case=case, by=actor)

        told = (Disclosure(name="why", value=words.strip(), retention=Retention.LEGAL_HOLD),)
        self._holding(actor, case, Step.HOLD_EVIDENCE, build, at, told)

    def lift(self, actor: PersonId, case: CaseId, at: datetime) -> bool:
        """Agree that a hold ends; True when this was the second person and it did."""

        def build(hold: Hold | None) -> LedgerEvent:
            if hold is None:
                raise Refused("This case is under no legal hold.", "Nothing is left to do.", ("not_held",))
            if actor in hold.lifting:
                raise Refused("It takes two people to lift a hold.", "Ask somebody else.", ("same_person",))
            return HoldLifted(case=case, by=actor) if hold.lifting else HoldLiftAsked(case=case, by=actor)

        return isinstance(self._holding(actor, case, Step.LIFT_HOLD, build, at, ()), HoldLifted)

    def _holding(
        self,
        actor: PersonId,
        case: CaseId,
        step: Step,
        build: Callable[[Hold | None], LedgerEvent],
        at: datetime,
        told: tuple[Disclosure, ...],
    ) -> LedgerEvent:
        self.steps.demand_anywhere(actor, step, at)
        for attempt in range(RACES):
            version, holds = self._holds()
            self.steps.rule_on(actor, step, self.steps.load(case), at).demand()
            event = build(holds.get(case))
            drafts = (draft(event, actor, at, told),)
            try:
                self.steps.ledger.append((Append(stream=LEDGER_STREAM, expected_version=version, drafts=drafts),))
            except Conflict:
                if attempt == RACES - 1:
                    raise
                continue
            return event
        raise AssertionError

    def _holds(self) -> tuple[int, dict[CaseId, Hold]]:
        """The version the `ledger` stream is at, and the holds that stand then."""
        holds: dict[CaseId, Hold] = {}
        version = -1
        for appended in self.steps.ledger.read(LEDGER_STREAM):
            event = event_of(appended)
            assert isinstance(event, LedgerEvent)
            holds = evolve_holds(holds, event, appended.entry.at)
            version = appended.entry.version
        return version, holds


ENDED = (*TERMINAL, Delivered, Failed)
"""The states after which only a look back follows; closing one that was delivered or failed is a formality."""


def _over(case: Case) -> bool:
    """Whether a case's time counts: it ended, the directory was heard on every change, and no review is owed."""
    waits = isinstance(case, Contained) and len(case.progress) < len(case.taken_back)
    unknown = any(change.outcome is None for change in progress_of(case))
    owed = case.review_due is not None and case.reviewer is None
    return isinstance(case, ENDED) and not (waits or unknown or owed)
