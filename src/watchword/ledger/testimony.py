"""What outsiders said of checkpoints, as the database keeps it: cosignatures of witnesses, tokens of time authorities.

None of it is trusted because it is here; whoever reads it checks it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import msgspec
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from watchword.ledger import tables as t

_LATEST = 100


class Stamped(msgspec.Struct, frozen=True, kw_only=True):
    """A time-stamp token, raw as *authority* gave it (RFC 3161), over the checkpoint *note* at *size*."""

    size: int
    note: str
    authority: str
    token: bytes


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The signature *line* kept as of *witness* over the checkpoint *note* at *size*, whatever it is."""

    size: int
    note: str
    witness: str
    line: str


class Testimony:
    """Rows of the ledger's database, in transactions of their own. Safe to use from many threads."""

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[Connection]],
        write: Callable[[], AbstractContextManager[Connection]],
    ) -> None:
        self._begin = begin
        self._write = write

    def keep_cosignatures(self, size: int, lines: Mapping[str, str]) -> None:
        """Keep each witness's signature line over the checkpoint at *size*; a line that is there stays."""
        values = [{"size": size, "witness": witness, "line": line} for witness, line in lines.items()]
        with self._write() as connection:
            connection.execute(_insert(connection)(t.cosignature).values(values).on_conflict_do_nothing())

    def cosigned(self, above: int = 0) -> tuple[str, ...]:
        """Return the checkpoints of more than *above* entries that have cosignatures, with them below, latest first.

        The last hundred are enough: whoever looks for a quorum finds it there, or has one made.
        """
        notes: dict[int, str] = {}
        for kept in self.lines(above):
            notes[kept.size] = notes.get(kept.size, kept.note) + kept.line
        return tuple(notes.values())

    def lines(self, above: int = 0) -> tuple[Line, ...]:
        """Return what `cosigned` is made of, line by line."""
        kept, told = t.cosignature.c, t.checkpoint.c
        sizes = select(kept.size).where(kept.size > above).distinct().order_by(kept.size.desc()).limit(_LATEST)
        query = (
            select(told.size, told.note, kept.witness, kept.line)
            .join(t.cosignature, kept.size == told.size)
            .where(told.size.in_(sizes))
            .order_by(told.size.desc(), kept.witness)
        )
        with self._begin() as connection:
            return tuple(
                Line(size=row.size, note=f"{row.note}", witness=row.witness, line=f"{row.line}")
                for row in connection.execute(query)
            )

    def witnessed(self, witness: str) -> int:
        """Return the largest size that *witness* cosigned; 0 when it cosigned none."""
        query = select(func.coalesce(func.max(t.cosignature.c.size), 0)).where(t.cosignature.c.witness == witness)
        with self._begin() as connection:
            return int(connection.execute(query).scalar_one())

    def keep_token(self, size: int, authority: str, token: bytes) -> None:
        """Keep a time-stamp *token* over the checkpoint at *size*; one that is there stays."""
        row = {"size": size, "authority": authority, "token": token}
        with self._write() as connection:
            connection.execute(_insert(connection)(t.timestamp).values(row).on_conflict_do_nothing())

    def stamped(self, above: int = 0) -> tuple[Stamped, ...]:
        """Return every token over a checkpoint of more than *above* entries, the earliest first."""
        query = (
            select(t.timestamp, t.checkpoint.c.note)
            .join(t.checkpoint, t.checkpoint.c.size == t.timestamp.c.size)
            .where(t.timestamp.c.size > above)
            .order_by(t.timestamp.c.size, t.timestamp.c.authority)
        )
        with self._begin() as connection:
            return tuple(
                Stamped(size=row.size, note=row.note, authority=row.authority, token=bytes(row.token))
                for row in connection.execute(query)
            )

    def last_stamped(self, authority: str) -> Stamped | None:
        """Return the token of *authority* over the largest checkpoint; None when there is none."""
        query = (
            select(t.timestamp, t.checkpoint.c.note)
            .join(t.checkpoint, t.checkpoint.c.size == t.timestamp.c.size)
            .where(t.timestamp.c.authority == authority)
            .order_by(t.timestamp.c.size.desc())
            .limit(1)
        )
        with self._begin() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return Stamped(size=row.size, note=row.note, authority=row.authority, token=bytes(row.token))


def _insert(connection: Connection) -> Callable[..., sqlite.Insert | postgresql.Insert]:
    return sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
