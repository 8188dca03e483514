"""A batch for PostgreSQL in one statement: one wait for the server and its disk instead of five."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from watchword.ledger.bulk import (
    EFFECT,
    ENTRY,
    KEY,
    PAYLOAD,
    effect_values,
    entry_values,
    head_values,
    key_values,
    payload_values,
)
from watchword.ledger.store import Batch
from watchword.ledger.wire import Text, Value, bytea, int4, int8, run, texts

FEW = 8
"""Rows whose values are sent one by one, as what one client asks for; each number of them is a statement of its own."""


def at_once(driver: psycopg.Connection, batch: Batch, note: str) -> bool:
    """Write *batch* in one statement that commits by itself; False, with nothing written, when its place is not free.

    For a batch that erases and settles nothing; a key that is gone, or an effect that exists, makes it False as well.
    """
    rows = len(batch.entries) + len(batch.keys) + len(batch.payloads) + len(batch.effects)
    return _few(driver, batch, note) if rows <= FEW else _many(driver, batch, note)


def _few(driver: psycopg.Connection, batch: Batch, note: str) -> bool:
    """Write a small batch, each value a parameter: an array costs more to make, and to take apart, than it saves."""
    text = Text(driver.info.encoding)
    size, root, last_at, said = head_values(batch, note)
    values = [int8(size), bytea(root), text(last_at), text(said), int8(batch.old)]
    query = [_MOVE % tuple(f"${n}" for n in range(1, 6))]
    if reused := _reused(batch):
        query.append(_IF_KNOWN % (f"${len(values) + 1}", f"${len(values) + 2}"))
        values += (texts(reused, text), int8(len(reused)))
    if batch.effects:
        query.append(_IF_NEW % f"${len(values) + 1}")
        values.append(texts([effect.id for effect in batch.effects], text))
    query.append(_FILE)
    for number, (target, rows) in enumerate(_tables(batch, text)):
        if rows:
            places = []
            for row in rows:
                places.append(", ".join(f"${n}" for n in range(len(values) + 1, len(values) + len(row) + 1)))
                values += row
            made = ", ".join(f"({place})" for place in places)
            query.append(f", made{number} AS (INSERT INTO {target} SELECT v.* FROM moved, (VALUES {made}) AS v)")
    query.append(_SAY)
    return run(driver, "".join(query).encode(), values).ntuples == 1


def _tables(batch: Batch, text: Text) -> Iterator[tuple[str, list[tuple[Value, ...]]]]:
    yield (
        ENTRY,
        [
            (int8(seq), text(stream), int8(version), text(kind), bytea(raw), bytea(leaf))
            for seq, stream, version, kind, raw, leaf in entry_values(batch.old, batch.entries)
        ],
    )
    yield (
        KEY,
        [
            (text(name), text(stream), text(retention), bytea(wrapped), text(by), text(at))
            for name, stream, retention, wrapped, by, at in map(key_values, batch.keys)
        ],
    )
    yield (
        PAYLOAD,
        [
            (text(commitment), text(stream), text(name), text(retention), text(key), bytea(sealed))
            for commitment, stream, name, retention, key, sealed in map(payload_values, batch.payloads)
        ],
    )
    yield (
        EFFECT,
        [
            (text(name), text(stream), text(kind), text(due_at), text(state), int4(attempts), int8(asked_by))
            for name, stream, kind, due_at, state, attempts, asked_by in map(effect_values, batch.effects)
        ],
    )


def _reused(batch: Batch) -> list[str]:
    """The keys that have to be stored already."""
    return sorted({row.key for row in batch.payloads} - {key.id for key in batch.keys})


def _many(driver: psycopg.Connection, batch: Batch, note: str) -> bool:
    """Write a batch of any size: a column is one array, so that all sizes are one statement."""
    query = [_MOVE % (("%b",) * 5)]
    values: list[object] = [*head_values(batch, note), batch.old]
    if reused := _reused(batch):
        query.append(_IF_KNOWN % ("%b", "%b"))
        values += [reused, len(reused)]
    if batch.effects:
        query.append(_IF_NEW % "%b")
        values.append([effect.id for effect in batch.effects])
    query.append(_FILE)
    for text, rows in (
        (_WRITE, entry_values(batch.old, batch.entries)),
        (_KEEP_KEYS, [key_values(row) for row in batch.keys]),
        (_KEEP_PAYLOADS, [payload_values(row) for row in batch.payloads]),
        (_ASK, [effect_values(row) for row in batch.effects]),
    ):
        if rows:
            query.append(text)
            values += [list(column) for column in zip(*rows, strict=True)]
    query.append(_SAY)
    return driver.execute("".join(query).encode(), values, prepare=True, binary=True).fetchone() is not None


_MOVE = (
    "WITH moved AS (UPDATE head SET size = %s, root = %s, last_at = %s, note = %s"
    " WHERE size = %s AND coalesce((SELECT max(idx) FROM entry), -1) = size - 1"
)
_IF_KNOWN = " AND (SELECT count(*) FROM data_key WHERE id = ANY(%s)) = %s"
_IF_NEW = " AND NOT EXISTS (SELECT 1 FROM effect WHERE id = ANY(%s))"
_FILE = " RETURNING size, note), filed AS (INSERT INTO checkpoint (size, note) SELECT size, note FROM moved)"
_WRITE = (
    f", written AS (INSERT INTO {ENTRY} SELECT made.* FROM moved,"
    " unnest(%b::int8[], %b::text[], %b::int8[], %b::text[], %b::bytea[], %b::bytea[]) AS made)"
)
_KEEP_KEYS = (
    f", keyed AS (INSERT INTO {KEY} SELECT made.* FROM moved,"
    " unnest(%b::text[], %b::text[], %b::text[], %b::bytea[], %b::text[], %b::text[]) AS made)"
)
_KEEP_PAYLOADS = (
    f", kept AS (INSERT INTO {PAYLOAD} SELECT made.* FROM moved,"
    " unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bytea[]) AS made)"
)
_ASK = (
    f", asked AS (INSERT INTO {EFFECT} SELECT made.* FROM moved,"
    " unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::int4[], %b::int8[]) AS made)"
)
_SAY = " SELECT size FROM moved"
