"""What an executor of ours did a moment ago, whose evidence may still be on its way.

A log can tell of a change before the desk's table does: the change comes first, its receipt after it. To say of each
such event that nothing speaks for it, and to take that back a moment later, would be an alarm about each change.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb

SETTLES = timedelta(seconds=2)
"""How old an event of an executor's is before it is told that no evidence speaks for it."""

_LEAVE = """
DELETE FROM verdict
WHERE verdict IN ('unverified', 'out_of_policy', 'suspicious') AND "at" > $since AND "at" <= $until AND id IN (
    SELECT id
    FROM (SELECT id, unnest(actor_keys) AS name FROM event WHERE owes)
    SEMI JOIN (SELECT name FROM principal UNION SELECT unnest(principal_keys) FROM evidence) USING (name)
)
RETURNING id
"""


def leave_unsettled(con: duckdb.DuckDBPyConnection, at: datetime) -> frozenset[str]:
    """Take out of the table `verdict` what *at* is too early to be told, and return the ids of those events.

    An event from after *at* is told at once: a clock that runs ahead hides nothing.
    """
    return frozenset(id_ for (id_,) in con.execute(_LEAVE, {"since": at - SETTLES, "until": at}).fetchall())
