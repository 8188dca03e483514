"""One page of the latest verdicts, and what all of them are in numbers, without a row in memory that is not shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa

from watchword.core.identity_event import Verdict
from watchword.watch.verdicts import VerdictRow, latest_of, rows_of

DAYS = 30
"""So many days up to the newest event are counted one by one."""

Said = Callable[[str, str], str]
"""What else the target of a log (directory, target) is called by: one may look for that too."""


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """The *rows* of one page, of *found* that were asked for; *counts* and *days* are of every event.

    *silent* are rows about feeds that have not spoken since, *newest* is the last event. *unmatched* says that each
    unverified event is so for want of any evidence, *revised* how many verdicts replaced an earlier one.
    """

    counts: Mapping[Verdict, int]
    days: tuple[tuple[date, Mapping[Verdict, int]], ...]
    rows: tuple[VerdictRow, ...]
    found: int
    silent: tuple[VerdictRow, ...]
    newest: datetime | None
    unmatched: bool
    revised: int


NOTHING = Board(counts={}, days=(), rows=(), found=0, silent=(), newest=None, unmatched=False, revised=0)


def board_of(
    directory: Path, order: Sequence[Verdict], *, verdict: str = "", query: str = "", said: Said, first: int, many: int
) -> Board:
    """*many* of the events in *directory* from the *first* (0) on, by *order* of their verdicts and newest first.

    Of *verdict* alone where it is not empty, and of those alone that have every word of *query* in what a row shows.
    `Corrupt` as `latest_verdicts`.
    """
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        if not latest_of(con, directory):
            return NOTHING
        counts = {
            Verdict(v): many for v, many in con.execute(f"SELECT verdict, count(*) {_EVENTS} GROUP BY 1").fetchall()
        }
        newest, blind, unverified, revised = con.execute(
            "SELECT max(\"at\"), count(*) FILTER (WHERE list_contains(reasons, 'no_evidence')), "
            "count(*) FILTER (WHERE verdict = 'unverified' AND NOT list_contains(reasons, 'no_evidence')), "
            f"count(*) FILTER (WHERE revision > 1) {_EVENTS}"
        ).fetchone() or (None, 0, 0, 0)
        wanted, parameters = _wanted(con, verdict, query.split(), said)
        found = con.execute(f"SELECT count(*) {_EVENTS} {wanted}", parameters).fetchone() or (0,)
        ranks = [str(each) for each in order]
        page = rows_of(
            con,
            f"SELECT * {_EVENTS} {wanted} "
            'ORDER BY list_position($ranks, verdict), "at" DESC, id LIMIT $many OFFSET $first',
            {**parameters, "ranks": ranks, "many": many, "first": first},
        )
        return Board(
            counts=counts,
            days=_days(con),
            rows=tuple(sorted(page, key=lambda row: (ranks.index(row.verdict), -row.at.timestamp(), row.id))),
            found=found[0],
            silent=rows_of(
                con,
                f'SELECT * FROM latest WHERE "action" IS NULL AND "at" >= coalesce((SELECT max("at") {_EVENTS}), "at")',
            ),
            newest=newest.replace(tzinfo=UTC) if newest else None,
            unmatched=blind > 0 and unverified == 0,
            revised=revised,
        )


_EVENTS = 'FROM latest WHERE "action" IS NOT NULL'
_SHOWN = (
    "concat_ws(' ', target, target_login, actor, actor_login, "
    '"action", native_action, provider, directory, "case", ticket, address)'
)

# Both sides by the same rule, as `web.letters` does. Over capital letters, since ς and ı have σ and i in common with
# theirs alone; without marks and joiners, since whoever looks for a name may have no key for them.
_FOLDED = (
    "CREATE TEMP MACRO folded(words) AS replace(lower(upper(strip_accents(nfc_normalize("
    "translate(words, '\u200c\u200d', ''))))), 'ß', 'ss')"
)


def _wanted(
    con: duckdb.DuckDBPyConnection, verdict: str, words: Sequence[str], said: Said
) -> tuple[str, dict[str, object]]:
    """The condition of what is asked for, and its parameters."""
    conditions, parameters = list[str](), dict[str, object]()
    if verdict:
        conditions.append("AND verdict = $verdict")
        parameters["verdict"] = verdict
    if words:
        con.execute(_FOLDED)
        pairs = con.execute(f"SELECT DISTINCT directory, target {_EVENTS}").fetchall()
        called = pa.table({
            "d": pa.array([d for d, _ in pairs], pa.string()),
            "t": pa.array([t for _, t in pairs], pa.string()),
            "said": pa.array([said(d, t) for d, t in pairs], pa.string()),
        })  # fmt: skip
        con.register("called", called)
    for number, word in enumerate(words):
        conditions.append(
            f"AND (contains(folded({_SHOWN}), folded($word{number})) OR (directory, target) IN "
            f"(SELECT (d, t) FROM called WHERE contains(folded(said), folded($word{number}))))"
        )
        parameters[f"word{number}"] = word
    return " ".join(conditions), parameters


def _days(con: duckdb.DuckDBPyConnection) -> tuple[tuple[date, Mapping[Verdict, int]], ...]:
    """How many events of each verdict there were on each of the last days, ascending; days without any are left out."""
    days = dict[date, dict[Verdict, int]]()
    counted = con.execute(
        f'SELECT CAST("at" AS DATE), verdict, count(*) {_EVENTS} '
        f'AND CAST("at" AS DATE) > (SELECT CAST(max("at") AS DATE) {_EVENTS}) - {DAYS} GROUP BY ALL ORDER BY 1'
    )
    for day, verdict, many in counted.fetchall():
        days.setdefault(day, {})[Verdict(verdict)] = many
    return tuple(days.items())
