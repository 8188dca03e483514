"""What each kind of change does to the sandbox's tables, and which events its log shows for it."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import assert_never

from watchword.core.change import (
    Change,
    ContactKind,
    GrantOverride,
    IssuePass,
    ReissueSecret,
    ResetFactors,
    ResetPassword,
    RevokeSessions,
    SetContact,
    Suspend,
    SuspendFactors,
    Unlock,
)
from watchword.core.errors import Invalid, Refused
from watchword.directories import sandbox_audit as audit
from watchword.directories.port import kind_of
from watchword.directories.sandbox_store import seal

SHORTEST_PASSWORD = 12


def perform(
    connection: sqlite3.Connection,
    row: sqlite3.Row,
    change: Change,
    *,
    at: datetime,
    secret: str | None,
    value: str | None,
) -> tuple[str, ...]:
    """Do the change to the account in *row* and return the events that the log shows for it.

    `Invalid` when it needs a *secret*, a *value* or a factor that is not there; `Refused` when a password is too short.
    """
    if change.yields_credential and secret is None:
        raise Invalid(f"{kind_of(change)} needs a new credential.", "Make one in the executor.", "secret")
    new = secret or ""
    native_id = row["native_id"]
    match change:
        case ResetPassword(must_change=must_change):
            set_password(connection, native_id, new, must_change=must_change)
            expired = (audit.PASSWORD_EXPIRED,) if must_change else ()
            unlocked = (audit.UNLOCKED,) if row["locked"] else ()
            return (audit.PASSWORD_RESET, *expired, *unlocked)
        case Unlock():
            connection.execute("UPDATE account SET locked = 0, wrong = 0 WHERE native_id = ?", (native_id,))
            return (audit.UNLOCKED,)
        case ResetFactors(factors=factors):
            return _remove_factors(connection, native_id, factors)
        case SetContact(contact=kind):
            if not value:
                raise Invalid("No new value was given.", "Pass the value that was committed to.", "value")
            contact = (native_id, kind.value, value, audit.stamp(at))
            connection.execute("INSERT OR REPLACE INTO contact VALUES (?, ?, ?, ?)", contact)
            return (audit.MAIL_CHANGED if kind is ContactKind.MAIL else audit.PROFILE_CHANGED,)
        case IssuePass(lifetime_s=lifetime):
            _keep(connection, native_id, "pass", seal(new), at + timedelta(seconds=lifetime))
            return (audit.PASS_ISSUED,)
        case ReissueSecret(overlap_s=overlap):
            if row["secret"] is not None:
                _keep(connection, native_id, "overlap", row["secret"], at + timedelta(seconds=overlap))
            set_password(connection, native_id, new, must_change=False)
            return (audit.SECRET_ISSUED,)
        case GrantOverride(role=role, lifetime_s=lifetime):
            until = audit.stamp(at + timedelta(seconds=lifetime))
            connection.execute("INSERT INTO role VALUES (?, ?, ?)", (native_id, role, until))
            return (audit.ROLE_GRANTED,)
        case RevokeSessions():
            connection.execute("DELETE FROM session WHERE account = ?", (native_id,))
            return (audit.SESSIONS_ENDED,)
        case Suspend():
            connection.execute("UPDATE account SET enabled = 0 WHERE native_id = ?", (native_id,))
            return (audit.SUSPENDED,)
        case SuspendFactors(factors=factors):
            held = _named(connection, native_id, factors)
            connection.executemany("INSERT OR IGNORE INTO suspended VALUES (?, ?)", [(native_id, one) for one in held])
            return (audit.FACTOR_SUSPENDED,) * len(held)
        case _:
            assert_never(change)


def set_password(connection: sqlite3.Connection, native_id: str, password: str, *, must_change: bool) -> None:
    """Set a password, which also unlocks; `Refused` when it is too short."""
    if len(password) < SHORTEST_PASSWORD:
        raise Refused(
            f"The sandbox refuses the password: it is shorter than {SHORTEST_PASSWORD} characters.",
            "Make a longer one.",
        )
    connection.execute(
        "UPDATE account SET secret = ?, must_change = ?, locked = 0, wrong = 0 WHERE native_id = ?",
        (seal(password), must_change, native_id),
    )


def _remove_factors(connection: sqlite3.Connection, native_id: str, factors: tuple[str, ...]) -> tuple[str, ...]:
    removed = _named(connection, native_id, factors)
    gone = [(native_id, factor) for factor in removed]
    connection.executemany("DELETE FROM factor WHERE account = ? AND name = ?", gone)
    connection.executemany("DELETE FROM suspended WHERE account = ? AND name = ?", gone)
    each = (audit.FACTOR_REMOVED,) * len(removed)
    return each if factors else (audit.ALL_FACTORS_REMOVED, *each)


def _named(connection: sqlite3.Connection, native_id: str, factors: tuple[str, ...]) -> tuple[str, ...]:
    """*factors*, or all there are; `Invalid` for one that is not there."""
    rows = connection.execute("SELECT name FROM factor WHERE account = ?", (native_id,)).fetchall()
    present = {row["name"] for row in rows}
    if missing := sorted(set(factors) - present):
        raise Invalid(
            f"The account has no factor {', '.join(missing)}.", "Read the account again for what it has.", "factors"
        )
    return factors or tuple(sorted(present))


def _keep(connection: sqlite3.Connection, native_id: str, kind: str, sealed: str, until: datetime) -> None:
    row = (native_id, kind, sealed, audit.stamp(until))
    connection.execute("INSERT INTO extra_secret VALUES (?, ?, ?, ?)", row)


def aspect_of(change: Change) -> str:
    """Return the name of what *change* touches, whose changes are counted."""
    return f"{kind_of(change)}:{change.contact.value}" if isinstance(change, SetContact) else kind_of(change)


def version_of(connection: sqlite3.Connection, native_id: str, change: Change) -> str:
    """Return `aspect=count`: how often what *change* touches has changed."""
    aspect = aspect_of(change)
    row = connection.execute(
        "SELECT version FROM version WHERE account = ? AND aspect = ?", (native_id, aspect)
    ).fetchone()
    return f"{aspect}={0 if row is None else row['version']}"


def count(connection: sqlite3.Connection, native_id: str, change: Change, at: datetime) -> str:
    """Count one more change and return the new `version_of` it."""
    connection.execute(
        "INSERT INTO version VALUES (?, ?, 1, ?)"
        " ON CONFLICT (account, aspect) DO UPDATE SET version = version + 1, at = excluded.at",
        (native_id, aspect_of(change), audit.stamp(at)),
    )
    return version_of(connection, native_id, change)
