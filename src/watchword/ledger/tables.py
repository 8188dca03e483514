"""The tables of the ledger. The migrations make them; a test holds the two equal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from watchword.ledger.entry import format_time, parse_time

# SQLite knows a row id, and so a dense primary key, only by the name INTEGER.
Index64 = BigInteger().with_variant(Integer, "sqlite")


class UtcText(TypeDecorator[datetime]):
    """A UTC time to the millisecond, as the text an entry has: sorts as it reads, on every database."""

    impl = String(24)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write a time as text."""
        return None if value is None else format_time(value.replace(microsecond=value.microsecond // 1000 * 1000))

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Read text as a time; raise `ValueError` for any other spelling of it."""
        if value is None:
            return None
        at = parse_time(value)
        if format_time(at) != value:
            raise ValueError(f"{value!r} is not as a time is written here")
        return at


metadata = MetaData()

entry = Table(
    "entry",
    metadata,
    Column("idx", Index64, primary_key=True, autoincrement=False),
    Column("stream", Text, nullable=False),
    Column("version", Index64, nullable=False),
    Column("type", Text, nullable=False),
    Column("bytes", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    UniqueConstraint("stream", "version", name="entry_stream_version"),
    CheckConstraint("idx >= 0", name="entry_idx"),
)

head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", Index64, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("last_at", UtcText),
    Column("note", Text, nullable=False),
    CheckConstraint("id = 1", name="head_one_row"),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", Index64, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)

effect = Table(
    "effect",
    metadata,
    Column("id", Text, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("due_at", UtcText, nullable=False),
    Column("state", String(16), nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", UtcText),
    Column("attempts", Integer, nullable=False),
    Column("asked_by", Index64),
    Index("effect_due", "state", "due_at"),
    Index("effect_stream", "stream"),
)

payload = Table(
    "payload",
    metadata,
    Column("commitment", String(64), primary_key=True),
    Column("stream", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("retention", String(16), nullable=False),
    Column("key", String(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("payload_key", "key"),
)

data_key = Table(
    "data_key",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("stream", Text, nullable=False),
    Column("retention", String(16), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("wrapped_by", Text, nullable=False),
    Column("made_at", UtcText, nullable=False),
    Index("data_key_stream", "stream"),
)

cosignature = Table(
    "cosignature",
    metadata,
    Column("size", Index64, primary_key=True, autoincrement=False),
    Column("witness", Text, primary_key=True),
    Column("line", Text, nullable=False),
)

timestamp = Table(
    "timestamp",
    metadata,
    Column("size", Index64, primary_key=True, autoincrement=False),
    Column("authority", Text, primary_key=True),
    Column("token", LargeBinary, nullable=False),
)
