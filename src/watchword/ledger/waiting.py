"""How much work waits: effects that are due and not done, counted by the database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, case, func, select

from watchword.ledger import tables as t
from watchword.ledger.store import MOST_WAITING, EffectState, Waiting


def count_waiting(connection: Connection, at: datetime, late: datetime) -> tuple[Waiting, ...]:
    """Count by kind what is due at *at*, overdue what was due before *late*; of many the first `MOST_WAITING`."""
    effect = t.effect.c
    first = (
        select(effect.kind, effect.due_at)
        .where(and_(effect.state.in_((EffectState.DUE, EffectState.CLAIMED)), effect.due_at <= at))
        .order_by(effect.state, effect.due_at)  # as the index has them
        .limit(MOST_WAITING)
        .subquery()
    )
    overdue = func.sum(case((first.c.due_at < late, 1), else_=0))
    counted = select(first.c.kind, func.count(), overdue).group_by(first.c.kind).order_by(first.c.kind)
    return tuple(
        Waiting(kind=kind, due=int(due), overdue=int(late_ones)) for kind, due, late_ones in connection.execute(counted)
    )
