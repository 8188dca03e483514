"""Every context there is, without asking each: those that raise the same are one, and one of them stands for all.

A requirement depends on its context by the highest tier, approval and alert of the raises that apply, and by their
holds (`Procedures.require`). Of 1,944 contexts the shipped table tells some dozens apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from watchword.core.requirement import Context
from watchword.policy.procedures import applies
from watchword.policy.tables import VOCABULARY, ProceduresFile, RaiseRow

Effect = tuple[int, int, int, frozenset[tuple[int, tuple[str, ...]]]]
"""What raises come to: steps of tier, approval and alert, and the holds with what waives each."""


def every_context() -> Iterator[Context]:
    """Yield the whole vocabulary, the plainest first; about 2,000."""
    fields = tuple(VOCABULARY)
    for values in product(*VOCABULARY.values()):
        for elevated in (False, True):
            yield Context(**dict(zip(fields, values, strict=True)), elevated_threat=elevated)


def effect_of(table: ProceduresFile, context: Context) -> Effect:
    """What *context* raises a requirement by."""
    rows = [row for row in table.context if applies(row, context)]
    holds = frozenset((row.hold, row.waived_by) for row in rows if row.hold)
    return _highest(rows, "tier"), _highest(rows, "approval"), _highest(rows, "alert"), holds


def told_apart(table: ProceduresFile) -> tuple[Context, ...]:
    """One context for each thing contexts can come to, the plainest first; no two of them raise alike."""
    found: dict[Effect, Context] = {}
    for context in every_context():
        found.setdefault(effect_of(table, context), context)
    return tuple(found.values())


def words_of(context: Context) -> str:
    """A context in words, only what is not the plainest: `by chat, risk high`."""
    plainest = {field: words[0] for field, words in VOCABULARY.items()}
    said = [f"{field} {getattr(context, field)}" for field, word in plainest.items() if getattr(context, field) != word]
    return ", ".join((*said, *(("elevated threat",) if context.elevated_threat else ()))) or "the plainest context"


def _highest(rows: list[RaiseRow], part: str) -> int:
    return max((int(getattr(row, part)) for row in rows), default=0)
