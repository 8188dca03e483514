"""Puts the guards in place: what makes the owner's database refuse, and the rights of a desk."""

from __future__ import annotations

import psycopg
from psycopg import sql
from sqlalchemy import Connection

from watchword.ledger.guards import (
    FUNCTIONS,
    RIGHTS,
    ROLE,
    Trigger,
    body_of,
    driver_of,
    has_role,
    has_table,
    schema_of,
    wrong_triggers,
)

_MAKE_ROLE = f"""
DO $$ BEGIN
    IF to_regrole('{ROLE}') IS NULL THEN
        CREATE ROLE {ROLE} NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;  -- another ledger of this server was quicker
    WHEN insufficient_privilege THEN NULL;                -- `look` says that it is missing
END $$
"""


def harden(connection: Connection) -> None:
    """Put in place what is missing or changed, as the owner of the tables; nothing on SQLite. Safe to repeat.

    Triggers that are right are not touched, so a desk that runs is not held up. Without the right to make roles the
    role has to be there, or stays missing.
    """
    if connection.dialect.name != "postgresql":
        return
    driver = driver_of(connection)
    schema = schema_of(driver)
    for name, body in FUNCTIONS.items():
        if body_of(driver, schema, name) != body:
            make = sql.SQL("CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS {}")
            driver.execute(make.format(sql.Identifier(schema, name), sql.Literal(body)))
    for trigger, fault in wrong_triggers(driver):
        if fault is not None and has_table(driver, trigger.table):
            _place(driver, schema, trigger)
    driver.execute(_MAKE_ROLE.encode())
    if has_role(driver):
        _grant(driver, schema)


def _place(driver: psycopg.Connection, schema: str, trigger: Trigger) -> None:
    table, name = sql.Identifier(schema, trigger.table), sql.Identifier(trigger.name)
    driver.execute(sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(name, table))
    driver.execute(
        sql.SQL("CREATE TRIGGER {} BEFORE {} ON {} FOR EACH {} EXECUTE FUNCTION {}()").format(
            name,
            sql.SQL(" OR ").join(map(sql.SQL, trigger.operations)),
            table,
            sql.SQL("ROW" if trigger.each_row else "STATEMENT"),
            sql.Identifier(schema, trigger.function),
        )
    )
    # ALWAYS: session_replication_role = replica passes every other trigger over.
    driver.execute(sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(table, name))


def _grant(driver: psycopg.Connection, schema: str) -> None:
    role = sql.Identifier(ROLE)
    usage = driver.execute("SELECT has_schema_privilege(%s, %s, 'USAGE')", (ROLE, schema)).fetchone()
    if usage != (True,):
        driver.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), role))
    for name, rights in RIGHTS.items():
        if not has_table(driver, name):
            continue
        table = sql.Identifier(schema, name)
        granted = sql.SQL(", ").join(map(sql.SQL, rights))
        driver.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(table, role))
        driver.execute(sql.SQL("GRANT {} ON {} TO {}").format(granted, table, role))
