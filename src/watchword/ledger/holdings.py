"""The rows of payloads and data keys: read together, since neither is worth anything alone, and erased together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, select

from watchword.ledger import tables as t
from watchword.ledger.entry import Retention
from watchword.ledger.store import Clash, Holding, KeyRow, PayloadRow

MOST = 100
"""Keys of one holding: an entry that names them all stays well below the most an entry may take."""

_WITH_KEY = select(
    t.payload,
    t.data_key.c.stream.label("key_stream"),
    t.data_key.c.retention.label("key_retention"),
    t.data_key.c.wrapped,
    t.data_key.c.wrapped_by,
    t.data_key.c.made_at,
).join_from(t.payload, t.data_key, t.payload.c.key == t.data_key.c.id)


def by_commitment(commitments: tuple[str, ...]) -> Select[Any]:
    """Those of *commitments* that are there together with their key."""
    return _WITH_KEY.where(t.payload.c.commitment.in_(commitments))


def by_key(keys: tuple[str, ...]) -> Select[Any]:
    """The payloads under *keys*."""
    return _WITH_KEY.where(t.payload.c.key.in_(keys)).order_by(t.payload.c.commitment)


def payload_with_key(row: Row[Any]) -> tuple[PayloadRow, KeyRow]:
    """A row of either query."""
    return payload_row(row), KeyRow(
        id=row.key,
        stream=row.key_stream,
        retention=Retention(row.key_retention),
        wrapped=bytes(row.wrapped),
        wrapped_by=row.wrapped_by,
        made_at=row.made_at,
    )


def payload_row(row: Row[Any]) -> PayloadRow:
    """A row of the payload table."""
    return PayloadRow(
        commitment=row.commitment,
        stream=row.stream,
        name=row.name,
        retention=Retention(row.retention),
        key=row.key,
        sealed=bytes(row.sealed),
    )


def key_row(row: Row[Any]) -> KeyRow:
    """A row of the key table."""
    return KeyRow(
        id=row.id,
        stream=row.stream,
        retention=Retention(row.retention),
        wrapped=bytes(row.wrapped),
        wrapped_by=row.wrapped_by,
        made_at=row.made_at,
    )


def held(stream: str | None) -> Select[Any]:
    """Every data key of *stream*, or of all, with the number of payloads under it."""
    key = t.data_key.c
    counted = func.count(t.payload.c.commitment).label("payloads")
    query = (
        select(key.id, key.stream, key.retention, counted)
        .outerjoin_from(t.data_key, t.payload, t.payload.c.key == key.id)
        .group_by(key.id, key.stream, key.retention)
        .order_by(key.stream, key.retention, key.id)
    )
    return query if stream is None else query.where(key.stream == stream)


def holdings(rows: Iterable[Row[Any]]) -> tuple[Holding, ...]:
    """The rows of `held` by stream and class; more than `MOST` keys make several holdings."""
    found: dict[tuple[str, Retention], list[Row[Any]]] = {}
    for row in rows:
        found.setdefault((row.stream, Retention(row.retention)), []).append(row)
    return tuple(
        Holding(
            stream=stream,
            retention=retention,
            keys=tuple(row.id for row in under[start : start + MOST]),
            payloads=sum(row.payloads for row in under[start : start + MOST]),
        )
        for (stream, retention), under in found.items()
        for start in range(0, len(under), MOST)
    )


def erase(connection: Connection, erasures: Iterable[Holding]) -> Clash | None:
    """Delete exactly *erasures*; the answer names the keys of the first that is kept otherwise than it says."""
    for one in erasures:
        payload, key = t.payload.c, t.data_key.c
        gone = connection.execute(
            delete(t.payload).where(
                payload.key.in_(one.keys), payload.stream == one.stream, payload.retention == one.retention
            )
        )
        keys = connection.execute(
            delete(t.data_key).where(key.id.in_(one.keys), key.stream == one.stream, key.retention == one.retention)
        )
        if (gone.rowcount, keys.rowcount) != (one.payloads, len(one.keys)):
            return Clash(changed=frozenset(one.keys))
    return None
