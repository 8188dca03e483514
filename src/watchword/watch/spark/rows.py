"""What tasks hand on: rows of DuckDB's tables as Arrow streams, in one column that Spark moves and never looks into."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

MOVED = "part int, kind string, split int, body binary"
"""Every frame's schema, as Spark writes it: which partition a body is for, what it holds, and of which split it is."""

SCHEMA = pa.schema([("part", pa.int32()), ("kind", pa.string()), ("split", pa.int32()), ("body", pa.binary())])

MOST = 50_000
"""Rows of one body."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a frame."""

    kind: str
    body: bytes
    part: int = 0
    split: int = 0


def batch(*bodies: Body) -> pa.RecordBatch:
    """*bodies* as Spark takes them from a task."""
    # From memory as Arrow has it: what is made of Python's lists has PyArrow load pandas first, in every worker.
    return pa.RecordBatch.from_arrays(
        [
            _numbers([one.part for one in bodies]),
            _texts(pa.string(), [one.kind.encode() for one in bodies]),
            _numbers([one.split for one in bodies]),
            _texts(pa.binary(), [one.body for one in bodies]),
        ],
        schema=SCHEMA,
    )


def _numbers(values: list[int]) -> pa.Array:
    return pa.Array.from_buffers(pa.int32(), len(values), [None, pa.py_buffer(array("i", values))])


def _texts(kind: pa.DataType, values: list[bytes]) -> pa.Array:
    ends = array("i", accumulate(map(len, values), initial=0))
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(values))])


def table(bodies: Iterable[Body]) -> pa.Table:
    """The same for what is made of one group."""
    return pa.Table.from_batches([batch(*bodies)])


def bodies_of(rows: pa.RecordBatch | pa.Table) -> Iterator[Body]:
    """The rows of a frame."""
    columns = [rows.column(name) for name in SCHEMA.names]
    for number in range(rows.num_rows):
        part, kind, split, body = (column[number].as_py() for column in columns)
        yield Body(part=part, kind=kind, split=split, body=body)


def arrow(con: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any] | None = None) -> pa.Table:
    """The rows of *query*."""
    con.complete()  # what was fetched one row of holds the connection
    return con.sql(query, params=values).to_arrow_table() if values else con.sql(query).to_arrow_table()


def packed(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[bytes]:
    """The rows of *query*, some at a time; nothing where there are none."""
    found = arrow(con, query)
    for begin in range(0, found.num_rows, MOST):
        yield pack(found.slice(begin, MOST))


def pack(rows: pa.Table) -> bytes:
    """*rows* as one Arrow stream."""
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, rows.schema) as writer:
        writer.write_table(rows)
    whole: bytes = out.getvalue().to_pybytes()
    return whole


def unpack(body: bytes) -> pa.Table:
    """What `pack` made."""
    return pa.ipc.open_stream(body).read_all()


def insert(con: duckdb.DuckDBPyConnection, target: str, bodies: Iterable[bytes], columns: str = "*") -> None:
    """Add what *bodies* hold to the table *target*, by the names of their *columns*."""
    con.complete()
    for body in bodies:
        con.register("moved_in", unpack(body))
        con.execute(f"INSERT INTO {target} BY NAME SELECT {columns} FROM moved_in")
        con.unregister("moved_in")


def create(con: duckdb.DuckDBPyConnection, target: str, bodies: Iterable[bytes]) -> bool:
    """Make a TEMP table *target* of what *bodies* hold; False, and none made, where they hold nothing."""
    tables = [unpack(body) for body in bodies]
    if not tables:
        return False
    con.complete()
    con.register("moved_in", pa.concat_tables(tables, promote_options="permissive"))
    con.execute(f"CREATE OR REPLACE TEMP TABLE {target} AS FROM moved_in")
    con.unregister("moved_in")
    return True


def parted(rows: pa.Table, kind: str) -> Iterator[Body]:
    """*rows*, in the order of their column `part`, a body a part without it."""
    parts, others = rows.column("part").to_pylist(), rows.drop_columns(["part"])
    begin = 0
    while begin < len(parts):
        end = begin
        while end < len(parts) and parts[end] == parts[begin]:
            end += 1
        yield Body(kind=kind, part=parts[begin], body=pack(others.slice(begin, end - begin)))
        begin = end


def whole(con: duckdb.DuckDBPyConnection, query: str) -> bytes:
    """All rows of *query* in one body, even if there are none."""
    return pack(arrow(con, query))
