"""What PostgreSQL itself refuses: triggers that keep evidence as it is, a role with no more rights than a desk needs.

Hygiene, not proof. It stops a slip, an injected statement and a stolen login of the desk; whoever owns the tables or is
a superuser takes it away and rewrites rows at once. What shows that is a checkpoint kept elsewhere, or a witness.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import msgspec
import psycopg
from sqlalchemy import Connection

ROLE = "watchword_desk"
"""The group role whose members may run a desk. One for all ledgers of a server: roles are the server's."""

RIGHTS: Mapping[str, tuple[str, ...]] = {
    "entry": ("SELECT", "INSERT"),
    "data_key": ("SELECT", "INSERT", "DELETE"),
    "payload": ("SELECT", "INSERT", "DELETE"),
    "effect": ("SELECT", "INSERT", "UPDATE"),
    "head": ("SELECT", "UPDATE"),
    "checkpoint": ("SELECT", "INSERT"),
    "cosignature": ("SELECT", "INSERT"),
    "timestamp": ("SELECT", "INSERT"),
    "ledger_version": ("SELECT",),
}
"""All that a running desk does with each table, in the order in which an append comes by them."""

_KEPT: Mapping[str, tuple[str, ...]] = {
    "entry": ("UPDATE", "DELETE"),
    "data_key": ("UPDATE",),  # erasure deletes these two
    "payload": ("UPDATE",),
    "effect": ("DELETE",),
    "head": ("DELETE",),
    "checkpoint": ("UPDATE", "DELETE"),
    "cosignature": ("UPDATE", "DELETE"),
    "timestamp": ("UPDATE", "DELETE"),
}
"""What no row of a table ever meets; none of them is ever truncated."""

# The names in pg_trigger.h: TRIGGER_TYPE_ROW, _BEFORE, _DELETE, _UPDATE, _TRUNCATE.
_ROW, _BEFORE = 1, 2
_OPERATION = {"DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}

# With errcode 42501 the refusal is told like any other right that a login lacks.
_REFUSES = """
BEGIN
    RAISE EXCEPTION 'no % on %: what the ledger wrote stays', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
"""
_GROWS = """
BEGIN
    IF NEW.size OPERATOR(pg_catalog.<) OLD.size THEN
        RAISE EXCEPTION 'the head goes from % to % entries: a ledger only grows', OLD.size, NEW.size
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
"""
FUNCTIONS: Mapping[str, str] = {"ledger_refuses": _REFUSES, "ledger_grows": _GROWS}


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """One trigger as it has to be: fired before any of *operations* on *table*, for each row or once."""

    table: str
    name: str
    operations: tuple[str, ...]
    each_row: bool
    function: str = "ledger_refuses"

    @property
    def kind(self) -> int:
        """The same, as `pg_trigger.tgtype` has it."""
        return _BEFORE | (_ROW if self.each_row else 0) | sum(_OPERATION[one] for one in self.operations)


TRIGGERS: tuple[Trigger, ...] = (
    *(Trigger(table=t, name="ledger_keeps_rows", operations=kept, each_row=True) for t, kept in _KEPT.items()),
    *(Trigger(table=t, name="ledger_keeps_table", operations=("TRUNCATE",), each_row=False) for t in _KEPT),
    Trigger(table="head", name="ledger_grows", operations=("UPDATE",), each_row=True, function="ledger_grows"),
)

_MIGRATE = "as the owner of the tables, run `watchword ledger migrate`"
_SETUP = "give the desk a login of its own that is a member of {role} and owns nothing"


def look(connection: Connection) -> Iterator[tuple[str, bool, str]]:
    """Yield of the login, the triggers and the rights whether it is well, and what was found or has to be done.

    The database is asked, and believed: its owner can have it answer anything.
    """
    if connection.dialect.name != "postgresql":
        yield "rights", True, "SQLite has no logins, rights or guards of its own: who can write the file can change it"
        return
    driver = driver_of(connection)
    login, above = login_of(driver)
    if above:
        yield "login", False, f"{login} {', '.join(above)}: {_SETUP.format(role=ROLE)}"
    else:
        yield "login", True, f"{login} owns nothing"
    wrong = [f"{one.name} on {one.table} {fault}" for one, fault in wrong_triggers(driver) if fault is not None]
    if wrong:
        yield "triggers", False, f"{'; '.join(wrong)}: {_MIGRATE}"
    else:
        yield "triggers", True, f"all {len(TRIGGERS)} are there and enabled ALWAYS"
    if not has_role(driver):
        told = f"there is no role {ROLE}: have an administrator `CREATE ROLE {ROLE} NOLOGIN`; then, {_MIGRATE}"
        yield "rights", False, told
        return
    subjects = (ROLE,) if above else (ROLE, login)  # who stands above the guards has every right anyway
    wrong = [told for subject in subjects for told in wrong_rights(driver, subject)]
    if wrong:
        yield "rights", False, f"{'; '.join(wrong)}: {_MIGRATE}; grant a login nothing but {ROLE}"
    else:
        yield "rights", True, f"{' and '.join(subjects)}: exactly what a desk needs"


_TRIGGERS_THERE = """
SELECT c.relname, t.tgname, t.tgtype, p.proname, p.pronamespace = c.relnamespace,
       t.tgqual IS NULL AND t.tgattr = ''::int2vector, t.tgenabled::text
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND NOT t.tgisinternal
"""


def wrong_triggers(driver: psycopg.Connection) -> Iterator[tuple[Trigger, str | None]]:
    """Yield every trigger that has to be there, with what is wrong with it; None where it is as it has to be."""
    schema = schema_of(driver)
    bodies = {name: body_of(driver, schema, name) for name in FUNCTIONS}
    rows = driver.execute(_TRIGGERS_THERE, (schema,)).fetchall()
    there = {(table, name): found for table, name, *found in rows}
    for trigger in TRIGGERS:
        *shape, enabled = there.get((trigger.table, trigger.name)) or (None,)
        fault: str | None = None
        if not shape:
            fault = "is missing"
        elif shape != [trigger.kind, trigger.function, True, True]:  # of the same schema; no WHEN, no list of columns
            fault = "is another one"
        elif bodies[trigger.function] != FUNCTIONS[trigger.function]:
            fault = f"runs another {trigger.function}"
        elif enabled != "A":
            fault = "is not enabled ALWAYS"
        yield trigger, fault


_LOGIN = """
SELECT session_user::text, r.rolsuper, r.rolcreaterole,
       ARRAY(SELECT DISTINCT c.relname::text FROM pg_class c WHERE c.oid = ANY(%(tables)s::text[]::regclass[])
             AND pg_has_role(session_user, c.relowner, 'MEMBER') ORDER BY 1),
       pg_has_role(session_user, n.nspowner, 'MEMBER'), pg_has_role(session_user, d.datdba, 'MEMBER'),
       ARRAY(SELECT p.rolname::text FROM pg_roles p WHERE p.rolname = ANY(%(mighty)s)
             AND pg_has_role(session_user, p.oid, 'MEMBER') ORDER BY 1)
FROM pg_roles r, pg_namespace n, pg_database d
WHERE r.rolname = session_user AND n.nspname = %(schema)s AND d.datname = current_database()
"""
_MIGHTY = ["pg_execute_server_program", "pg_write_server_files"]
"""Roles from which it is one step to superuser, say PostgreSQL's own documents."""


def login_of(driver: psycopg.Connection) -> tuple[str, tuple[str, ...]]:
    """Return the login of this session, and everything by which it stands above the guards."""
    tables = [name for name in RIGHTS if has_table(driver, name)]
    schema = schema_of(driver)
    found = driver.execute(_LOGIN, {"tables": tables, "mighty": _MIGHTY, "schema": schema}).fetchone()
    assert found is not None
    login, is_super, makes_roles, owned, owns_schema, owns_database, mighty = found
    if is_super:
        return login, ("is a superuser",)
    above = (
        (owned, f"owns {', '.join(owned)}"),
        (owns_schema, f"owns the schema {schema}"),
        (owns_database, "owns the database"),
        (makes_roles, "may make roles"),
        (mighty, f"is a member of {', '.join(mighty)}"),
    )
    return login, tuple(told for is_so, told in above if is_so)


_RIGHTS_THERE = """
SELECT t.name, p.what,
       has_table_privilege(%(subject)s, t.name::regclass, p.what),
       CASE WHEN p.what IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
            THEN has_any_column_privilege(%(subject)s, t.name::regclass, p.what)
            ELSE has_table_privilege(%(subject)s, t.name::regclass, p.what) END
FROM unnest(%(tables)s::text[]) AS t (name), unnest(%(rights)s::text[]) AS p (what)
"""
_EVERY = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]


def wrong_rights(driver: psycopg.Connection, subject: str) -> Iterator[str]:
    """Yield each right that the role *subject* lacks or has too much, whoever it was granted through."""
    schema = schema_of(driver)
    usage, create = driver.execute(
        "SELECT has_schema_privilege(%s, %s, 'USAGE'), has_schema_privilege(%s, %s, 'CREATE')",
        (subject, schema, subject, schema),
    ).fetchone() or (False, False)
    if not usage:
        yield f"{subject} lacks USAGE on the schema {schema}"
    if create:
        yield f"{subject} has CREATE on the schema {schema}, which it must not"
    there = [name for name in RIGHTS if has_table(driver, name)]
    asked = {"subject": subject, "tables": there, "rights": _EVERY}
    for name, right, whole, partly in driver.execute(_RIGHTS_THERE, asked).fetchall():
        needed = right in RIGHTS[name]
        if needed and not whole:
            yield f"{subject} lacks {right} on {name}"
        elif partly and not needed:
            yield f"{subject} has {right} on {name}, which it must not"


def has_role(driver: psycopg.Connection) -> bool:
    """Whether the server has the role of a desk."""
    return driver.execute("SELECT to_regrole(%s) IS NOT NULL", (ROLE,)).fetchone() == (True,)


def has_table(driver: psycopg.Connection, name: str) -> bool:
    """Whether this session sees the table *name*."""
    return driver.execute("SELECT to_regclass(%s) IS NOT NULL", (name,)).fetchone() == (True,)


def schema_of(driver: psycopg.Connection) -> str:
    """The schema in which the ledger's tables are."""
    query = (
        "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.oid = to_regclass('entry')"
    )
    found = driver.execute(query).fetchone()
    assert found is not None
    return str(found[0])


def body_of(driver: psycopg.Connection, schema: str, name: str) -> str | None:
    """The text of the function *name* without arguments, None where there is none or it is not plain PL/pgSQL."""
    query = (
        "SELECT p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " JOIN pg_language l ON l.oid = p.prolang"
        " WHERE n.nspname = %s AND p.proname = %s AND p.pronargs = 0 AND l.lanname = 'plpgsql' AND p.proconfig IS NULL"
    )
    found = driver.execute(query, (schema, name)).fetchone()
    return None if found is None else str(found[0])


def driver_of(connection: Connection) -> psycopg.Connection:
    """The driver's own connection, which takes SQL composed by its rules."""
    return cast("psycopg.Connection", connection.connection.driver_connection)
