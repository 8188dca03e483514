"""The evidence table: the one thing the watch reads of the desk.

A follower writes it as Parquet; the watch joins the directories' logs against it. One row per change of a case that
was released (or tried): the case, who it was for, what it may look like in a log, by which principal, when, and the
leaf indices of the entries that make the chain.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core.ids import AccountId, CaseId


class EvidenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One change and its chain of entries; times are UTC, `*_leaf` are leaf indices, None where the link is missing.

    *target_keys* and *principal_keys* are every name the directory's log may use for them (native id, DN, SID, login,
    address), lower case. *started* is when `change.started` was appended, *ended* the outcome; a change with no
    outcome yet has None. *expires* is when the approval or release stops covering a change.
    """

    case: CaseId
    ticket: str | None
    account: AccountId
    directory: str
    native_id: str
    target_keys: tuple[str, ...]
    account_class: str
    action: str
    change: str
    effects: tuple[str, ...]
    principal: str
    principal_keys: tuple[str, ...]
    socket: str | None
    transaction: str | None
    started: datetime | None
    ended: datetime | None
    expires: datetime
    outcome: str | None
    receipt: str | None
    opened_leaf: int
    ticket_leaf: int | None
    verify_leaves: tuple[int, ...]
    approve_leaves: tuple[int, ...]
    approve_needed: bool
    release_leaf: int | None
    started_leaf: int | None
    outcome_leaf: int | None


SCHEMA: tuple[tuple[str, str], ...] = (
    ("case", "VARCHAR"),
    ("ticket", "VARCHAR"),
    ("account", "VARCHAR"),
    ("directory", "VARCHAR"),
    ("native_id", "VARCHAR"),
    ("target_keys", "VARCHAR[]"),
    ("account_class", "VARCHAR"),
    ("action", "VARCHAR"),
    ("change", "VARCHAR"),
    ("effects", "VARCHAR[]"),
    ("principal", "VARCHAR"),
    ("principal_keys", "VARCHAR[]"),
    ("socket", "VARCHAR"),
    ("transaction", "VARCHAR"),
    ("started", "TIMESTAMPTZ"),
    ("ended", "TIMESTAMPTZ"),
    ("expires", "TIMESTAMPTZ"),
    ("outcome", "VARCHAR"),
    ("receipt", "VARCHAR"),
    ("opened_leaf", "BIGINT"),
    ("ticket_leaf", "BIGINT"),
    ("verify_leaves", "BIGINT[]"),
    ("approve_leaves", "BIGINT[]"),
    ("approve_needed", "BOOLEAN"),
    ("release_leaf", "BIGINT"),
    ("started_leaf", "BIGINT"),
    ("outcome_leaf", "BIGINT"),
)
"""Column name and DuckDB type, in order: the one schema of the evidence table, equal to `EvidenceRow`'s fields."""


class DeclaredRow(msgspec.Struct, frozen=True, kw_only=True):
    """Work done while Watchword was down, as two custodians declared it; keys are lower case.

    It speaks for events that *performers* caused on *target_keys* between *since* and *until*, if all of what they did
    is among *effects*. *leaves* are the leaf indices of its entries.
    """

    downtime: str
    directory: str
    target_keys: tuple[str, ...]
    performers: tuple[str, ...]
    effects: tuple[str, ...]
    since: datetime
    until: datetime
    reviewed: bool
    leaves: tuple[int, ...]


DECLARED = "declared"
"""Key of the file's metadata: what was declared as done while Watchword was down, as JSON `[DeclaredRow, …]`."""

GAPS = "gaps"
"""Key of the file's metadata: times of which the ledger lost its own record, as JSON `[[from, until], …]`."""
