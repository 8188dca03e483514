"""Declaring what was done while Watchword was down: two custodians of the sealed procedure, and a review."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.downtime import (
    REVIEW,
    Downtime,
    DowntimeDeclared,
    DowntimeEvent,
    confirm,
    declare,
    evolve_downtime,
    review,
)
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import PersonId
from watchword.core.ruling import CaseFacts
from watchword.core.visible import legible
from watchword.desk.asks import Kind
from watchword.desk.intake import Intake
from watchword.desk.recording import DOWNTIME_STREAM, draft, event_of
from watchword.desk.steps import RACES, Steps, words
from watchword.ledger.append import Append
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.leader import Ledger
from watchword.ledger.store import EffectRow

DECLARED, LATE, UNSOUND = Kind.PAGE, "late", "unsound"
"""What security is paged of, as the ids of the rows name it."""

PERFORMER, WHY = "performer", "why"
"""Names of the disclosures of a declaration: who did it, as the directory's log calls them; and why."""


class Downtimes:
    """Every declaration there is, and the steps that make one."""

    def __init__(self, steps: Steps, intake: Intake) -> None:
        self.steps = steps
        self.intake = intake

    def declare(
        self,
        actor: PersonId,
        *,
        directory: str,
        query: str,
        action: Action,
        performer: str,
        since: datetime,
        until: datetime,
        why: str,
        at: datetime,
    ) -> str:
        """Declare what *performer* (their native name) did to an account; returns the declaration's id."""
        if not performer.strip() or not legible(performer):
            raise Invalid("Who did it is missing.", "Name them as the directory's log does.", where="performer")
        if not why.strip():
            raise Invalid("A reason is missing.", "Say what was down, and for whom it was done.", where="why")
        self.steps.demand_anywhere(actor, Step.DECLARE, at)
        seen = self.intake.find(directory, query)
        at = self.steps.now(at)  # a directory may take its time
        account = self.steps.registry.observe(seen, actor, at).id
        event = DowntimeDeclared(
            downtime=self.steps.ledger.pseudonym("d"),
            account=account,
            action=action,
            since=since,
            until=until,
            by=actor,
        )
        told = (Disclosure(name=PERFORMER, value=performer.strip(), retention=Retention.CORE), *words(WHY, why.strip()))

        def build(_: dict[str, Downtime]) -> tuple[DowntimeEvent, ...]:
            self._ruled(actor, Step.DECLARE, event, at)
            return declare(event, self.steps.names.owner(account), at)

        # Whoever can declare can explain away what the log shows: security hears of it before a second one confirms.
        self._append(actor, build, told, at, (_page(DECLARED, event.downtime, at),))
        return event.downtime

    def confirm(self, actor: PersonId, downtime: str, at: datetime) -> None:
        """Stand for a declaration as its second custodian."""

        def build(known: dict[str, Downtime]) -> tuple[DowntimeEvent, ...]:
            one = _known(known, downtime)
            self._ruled(actor, Step.DECLARE, one.declared, at)
            try:
                self._ruled(one.declared.by, Step.DECLARE, one.declared, at)
            except Refused as refused:
                raise Refused(
                    "Whoever declared it might not do so any more.",
                    "Look at why; then have it declared anew by a custodian who stands for it.",
                    ("declarer_gone",),
                ) from refused
            return confirm(one, actor, self.steps.names.owner(one.declared.account), at)

        self._append(actor, build, (), at, (_page(LATE, downtime, at + REVIEW),))

    def review(self, actor: PersonId, downtime: str, at: datetime, *, sound: bool, account_given: str) -> None:
        """Look at a declaration, as somebody who took no part in it."""
        if not account_given.strip():
            raise Invalid("A review says what was looked at.", "Write a sentence.", where="words")

        def build(known: dict[str, Downtime]) -> tuple[DowntimeEvent, ...]:
            one = _known(known, downtime)
            self._ruled(actor, Step.REVIEW, one.declared, at)
            return review(one, actor, self.steps.names.owner(one.declared.account), sound=sound)

        page = () if sound else (_page(UNSOUND, downtime, at),)
        self._append(actor, build, words("words", account_given.strip()), at, page)

    def all(self) -> tuple[Downtime, ...]:
        """Every declaration, the newest first."""
        return tuple(reversed(declared(self.steps.ledger).values()))

    def overdue(self, at: datetime) -> tuple[Downtime, ...]:
        """Those that nobody reviewed in time, the oldest due first."""
        return tuple(one for one in self.owing() if one.overdue(at))

    def owing(self) -> tuple[Downtime, ...]:
        """Those that owe a review, the oldest due first."""
        return owing(self.steps.ledger)

    def told(self, downtime: str) -> dict[str, str]:
        """What was disclosed beside a declaration and is not erased: its performer, and why."""
        for appended in self.steps.ledger.read(DOWNTIME_STREAM):
            if appended.entry.type == "downtime.declared" and appended.entry.data["downtime"] == downtime:
                return dict(self.steps.ledger.disclosures(appended))
        return {}

    def _ruled(self, actor: PersonId, step: Step, declared: DowntimeDeclared, at: datetime) -> None:
        standing = self.steps.registry.account(declared.account)
        facts = CaseFacts(
            case=None,
            unit=standing.facts.unit,
            account_class=standing.facts.account_class or AccountClass.IDENTITY_CONTROL,
            action=declared.action,
            subject=self.steps.names.owner(declared.account),
        )
        self.steps.rule(actor, step, facts, at).demand()
        if step is Step.DECLARE:
            self.steps.demand_unrecovered(actor, at, "Have another custodian of the sealed procedure stand for it.")

    def _append(
        self,
        actor: PersonId,
        build: Callable[[dict[str, Downtime]], tuple[DowntimeEvent, ...]],
        told: tuple[Disclosure, ...],
        at: datetime,
        effects: tuple[EffectRow, ...] = (),
    ) -> None:
        for attempt in range(RACES):
            entries = self.steps.ledger.read(DOWNTIME_STREAM)
            drafts = tuple(draft(event, actor, at, told) for event in build(declared(self.steps.ledger)))
            version = entries[-1].entry.version if entries else -1
            try:
                append = Append(stream=DOWNTIME_STREAM, expected_version=version, drafts=drafts)
                self.steps.ledger.append((append,), effects)
            except Conflict:
                if attempt == RACES - 1:
                    raise
                continue
            return


def _page(event: str, downtime: str, due: datetime) -> EffectRow:
    return EffectRow(id=f"{DOWNTIME_STREAM}/{event}/{downtime}", stream=DOWNTIME_STREAM, kind=Kind.PAGE, due_at=due)


def owing(ledger: Ledger) -> tuple[Downtime, ...]:
    """The declarations that owe a review, the oldest due first."""
    owed = [(one.confirmed.due, one) for one in declared(ledger).values() if one.confirmed and not one.reviewed]
    return tuple(one for _, one in sorted(owed, key=lambda pair: pair[0]))


def declared(ledger: Ledger) -> dict[str, Downtime]:
    """Every declaration of a ledger by its id, in the order they were made."""
    known: dict[str, Downtime] = {}
    for appended in ledger.read(DOWNTIME_STREAM):
        event = event_of(appended)
        assert isinstance(event, DowntimeEvent)
        known[event.downtime] = evolve_downtime(known.get(event.downtime), event)
    return known


def _known(known: dict[str, Downtime], downtime: str) -> Downtime:
    if downtime not in known:
        raise Invalid("There is no such declaration.", "List them with `watchword case declared`.", where="downtime")
    return known[downtime]
