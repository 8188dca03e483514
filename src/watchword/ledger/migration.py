"""Which version the tables are of, and how they come to the one that this code needs."""

from __future__ import annotations

from pathlib import Path

import psycopg
from sqlalchemy import Connection, exc, func, inspect, select, text

from watchword.core.errors import Invalid

REVISION = "0004"
_LOCK = 0x5741544348  # "WATCH": one migration at a time on a shared PostgreSQL


def upgrade(connection: Connection) -> None:
    """Bring the tables to `REVISION`; safe to repeat and to race. Where they are there, no right but to read is needed.

    Raise `Invalid` where this login may not do it, or where a later version of this code already was here.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    at = _revision(connection)
    if at == REVISION:
        return
    if at is not None and at > REVISION:
        raise Invalid(
            f"The tables of this ledger are of version {at}; this version works with {REVISION}.",
            "Use the version that brought them there, or a later one.",
            "ledger.url",
        )
    try:
        _run(connection)
    except (exc.ProgrammingError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, exc.ProgrammingError) else error
        if not isinstance(cause, psycopg.errors.InsufficientPrivilege | psycopg.errors.InvalidSchemaName):
            raise
        there = f"are of version {at}" if at else "are not there, or not to be seen"
        raise Invalid(
            f"The tables of this ledger {there}; this version needs {REVISION}, and this login may not make them so.",
            "As the owner of the tables, run `watchword ledger migrate --url postgresql://OWNER@HOST/DATABASE` first.",
            "ledger.url",
        ) from error


def demand_current(connection: Connection) -> None:
    """Raise `Invalid` for tables of another version, which a reader does not change."""
    at = _revision(connection)
    if at not in {REVISION, None}:  # without any there is no ledger: whoever reads says so
        raise Invalid(
            f"The tables of this ledger are of version {at}; this version reads {REVISION}.",
            "Read it with the version that wrote it, or bring it here with `watchword ledger migrate`.",
            "ledger.url",
        )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("ledger_version"):
        return None
    return connection.execute(text("SELECT version_num FROM ledger_version")).scalar()


def _run(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
