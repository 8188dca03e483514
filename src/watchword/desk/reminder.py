"""Asks again for what cases and people are owed, where its row is gone or says what no runner left it saying.

Effect rows are hints in a table: whoever writes to the database can delete one, settle it or put it off for ever, and a
restore can lose it. What is owed is read from the entries, for people those of the last day, so nothing of that holds
it up for longer than `EVERY`. Asking again causes nothing by itself: whoever claims the row finds in the evidence what
is left to do. That somebody was told of an enrolment is in no entry: a row of that which says so is taken at its word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

import msgspec
import structlog

from watchword.core.case import Holding
from watchword.core.ids import CaseId
from watchword.desk.asks import Kind, Owed, effects_owed
from watchword.desk.credential_words import TOLD, asked
from watchword.desk.recording import case_stream, event_of, recorded
from watchword.desk.steps import Steps
from watchword.ledger.store import EffectRow, EffectState

EVERY = timedelta(minutes=5)
"""How often the cases that are not over are looked at, after the first time."""

FARTHEST = timedelta(minutes=15)
"""Longer than a runner leases a row or puts it off, clocks that differ included; nobody of ours says more."""

PROVEN = frozenset({Kind.HOLD, Kind.EXPIRE, Kind.REVIEW, Kind.CARE, Kind.CHANGE, Kind.CONFIRM, Kind.VALIDATE})
"""Kinds whose being done is an entry: a row of theirs that is settled while the case still owes it is wrong."""

AT_A_TIME = 500
"""Rows that are asked for in one statement: each has several values, and a server takes 65,535."""

log = structlog.get_logger("watchword.effects")


class Reminder:
    """Looks at what is owed of *kinds*: on start, and every few minutes."""

    def __init__(self, steps: Steps, kinds: tuple[str, ...]) -> None:
        self.steps = steps
        self.kinds = kinds
        self._looked: datetime | None = None

    def remind(self, at: datetime) -> int:
        """Ask again for what is owed, unless that was looked at lately; returns for how much."""
        if self._looked is not None and at - self._looked < EVERY:
            return 0
        self.steps.cases.follow(self.steps.ledger)
        again = sum(self._remind(case, at) for case in self.steps.cases.may_owe(at))
        if Kind.CREDENTIAL in self.kinds:
            self.steps.names.follow(self.steps.ledger)
            again += self._again(self._untold(at), lambda: self._untold(at), at, PROVEN)
        self._looked = at
        return again

    def _remind(self, case: CaseId, at: datetime) -> int:
        now = self.steps.load(case).case
        # That a hold was told is an entry: until there is one, its notice did not go out, whatever its row says.
        proven = PROVEN | {Kind.NOTICE} if isinstance(now, Holding) and not now.told else PROVEN
        return self._again(self._owed(case, at), lambda: self._owed(case, at), at, proven)

    def _again(
        self,
        owed: dict[str, EffectRow],
        anew: Callable[[], dict[str, EffectRow]],
        at: datetime,
        proven: frozenset[str],
    ) -> int:
        """Ask again for those of *owed* that are gone, and put right those that are wrong and are owed *anew*."""
        there: dict[str, EffectRow] = {}
        made: list[str] = []
        for some in batched(owed, AT_A_TIME):
            there |= {row.id: row for row in self.steps.ledger.effects_named(some)}
            made += self.steps.ledger.ask_again(tuple(owed[name] for name in some if name not in there))
        wrong = {name for name, row in there.items() if _is_wrong(row, owed[name], at, proven)}
        # A runner may have done it since it was read: what is still owed after the row said so is owed in truth.
        still = anew() if wrong else {}
        righted = tuple(row for name, row in still.items() if name in wrong)
        self.steps.ledger.put_right(righted)
        for name in (*made, *(row.id for row in righted)):
            log.warning("effect.asked_again", effect=name)
        return len(made) + len(righted)

    def _owed(self, case: CaseId, at: datetime) -> dict[str, EffectRow]:
        """The rows a case owes, by id, with the index of the entry that asked for each."""
        entries = self.steps.ledger.read(case_stream(case))

        def row(owed: Owed) -> EffectRow:
            return msgspec.structs.replace(owed.row, asked_by=entries[owed.entry].seq)

        owed = effects_owed(tuple(recorded(entry) for entry in entries), at, self.steps.sends)
        return {o.row.id: row(o) for o in owed if o.row.kind in self.kinds}

    def _untold(self, at: datetime) -> dict[str, EffectRow]:
        """The rows by which people are told of what they are known by, by id, with who asked for each."""
        found: dict[str, EffectRow] = {}
        for one in self.steps.names.bound(at):
            event = event_of(one)
            assert isinstance(event, TOLD)
            known = self.steps.registry.person(event.person, before=one.seq)
            for row in asked(known, event, one.entry.version, one.entry.at):
                found[row.id] = msgspec.structs.replace(row, asked_by=one.seq)
        return found


def batched(names: Iterable[str], most: int) -> Iterator[tuple[str, ...]]:
    """*names* in parts of at *most* so many."""
    rest = iter(names)
    while part := tuple(islice(rest, most)):
        yield part


def _is_wrong(row: EffectRow, owed: EffectRow, at: datetime, proven: frozenset[str]) -> bool:
    """Whether *row* can not come to be done though it is *owed*; of *proven* kinds an entry would say that it was."""
    if (row.stream, row.kind) != (owed.stream, owed.kind):
        return True
    match row.state:
        case EffectState.DUE:
            return row.due_at > max(owed.due_at, at + FARTHEST)
        case EffectState.CLAIMED:
            return row.lease_until is None or row.lease_until > at + FARTHEST
        case _:
            return row.kind in proven
