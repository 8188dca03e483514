"""What an executor of ours did a moment ago, whose evidence may still be on its way.

A log can tell of a change before the desk's table does: the change comes first, its receipt after it. To say of each
such event that nothing speaks for it, and to take that back a moment later, would be an alarm about each change.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import duckdb
import msgspec

from watchword.watch.verdicts import VerdictRow

SETTLES = timedelta(seconds=2)
"""How long an event of an executor's waits for its evidence, at most, before it is told that none speaks for it."""

_EARLY = """
SELECT id
FROM verdict
WHERE verdict IN ('unverified', 'out_of_policy', 'suspicious') AND "at" > $since AND "at" <= $until AND id IN (
    SELECT id
    FROM (SELECT id, unnest(actor_keys) AS name FROM event WHERE owes)
    SEMI JOIN (SELECT name FROM principal UNION SELECT unnest(principal_keys) FROM evidence) USING (name)
)
"""


class _Wait(msgspec.Struct, frozen=True):
    since: datetime
    event: datetime
    is_over: bool = False


class Settling:
    """The events that wait, each for a time of its own: a clock that jumps, or more of them, makes none wait longer."""

    def __init__(self) -> None:
        self._waits: dict[str, _Wait] = {}

    def leave(self, con: duckdb.DuckDBPyConnection, at: datetime) -> frozenset[str]:
        """Take out of the table `verdict` what *at* is too early to be told, and return the ids of those events."""
        near = {"since": at - SETTLES, "until": at + SETTLES}
        early = [id_ for (id_,) in con.execute(_EARLY, near).fetchall() if self._is_early(id_, at)]
        if early:
            con.execute("DELETE FROM verdict WHERE list_contains($early, id)", {"early": early})
        return frozenset(early)

    def due(self, at: datetime) -> frozenset[str]:
        """The events that have waited long enough: they are to be judged again, with all that bears on them."""
        return frozenset(
            id_
            for id_, one in self._waits.items()
            if not one.is_over and (at - one.event >= SETTLES or not self._is_early(id_, at))
        )

    def keep(self, early: frozenset[str], judged: Iterable[VerdictRow], due: frozenset[str], at: datetime) -> None:
        """Take note that of what was *judged* the events in *early* wait, once the rest of it is written.

        Those that were *due* wait no more, also where their record is part of another event by now.
        """
        for id_ in due & self._waits.keys():
            self._waits[id_] = msgspec.structs.replace(self._waits[id_], is_over=True)
        for row in judged:
            if row.id in early:
                self._waits.setdefault(row.id, _Wait(at, row.at))
            elif (known := self._waits.get(row.id)) is not None:
                self._waits[row.id] = msgspec.structs.replace(known, is_over=True)
        # Remembered until its time alone tells that it is early no more.
        self._waits = {id_: one for id_, one in self._waits.items() if timedelta() <= at - one.since < 3 * SETTLES}

    def _is_early(self, event: str, at: datetime) -> bool:
        known = self._waits.get(event)
        return known is None or (not known.is_over and timedelta() <= at - known.since < SETTLES)
