"""Samba AD audit log."""

from __future__ import annotations

import json
import re
from contextlib import suppress

from watchword.watch.providers.domain import of_entry
from watchword.watch.providers.provider import Json, Provider
from watchword.watch.providers.samba_text import KINDS, of_text

_CHANGE = "statusCode BIGINT, remoteAddress VARCHAR, userSid VARCHAR, transactionId VARCHAR"
_VALUES = 'STRUCT(actions STRUCT("action" VARCHAR, "values" STRUCT("value" VARCHAR, base64 BOOLEAN)[])[])'

_SIGN_IN = "status VARCHAR, remoteAddress VARCHAR"
_NAMED = "becameAccount VARCHAR, mappedAccount VARCHAR, clientAccount VARCHAR"


def _text(line: bytes) -> tuple[Json, ...] | None:
    """The record of a line that has it behind a head, as syslog and containers write it, or as people read it."""
    head, brace, rest = line.partition(b"{")
    if head and brace:
        with suppress(ValueError, RecursionError):
            record = json.loads(brace + rest.decode("utf-8", "replace").encode(), strict=False)
            return (record,) if isinstance(record, dict) and isinstance(record.get("type"), str) else None
    return None if (read := of_text(line.decode("utf-8", "replace"))) is None else (read,)


SAMBA = Provider(
    name="samba",
    type_key="type",
    columns=(
        ("timestamp", "VARCHAR"),
        ("type", "VARCHAR"),
        (
            "dsdbChange",
            f"STRUCT({_CHANGE}, operation VARCHAR, dn VARCHAR, attributes MAP(VARCHAR, {_VALUES}))",
        ),
        ("passwordChange", f"STRUCT({_CHANGE}, eventId BIGINT, dn VARCHAR)"),
        ("groupChange", f'STRUCT({_CHANGE}, eventId BIGINT, "action" VARCHAR, "group" VARCHAR, "user" VARCHAR)'),
        (
            "Authentication",
            f"STRUCT({_SIGN_IN}, authDescription VARCHAR, becameSid VARCHAR, {_NAMED})",
        ),
        (
            "Authorization",
            f"STRUCT({_SIGN_IN}, authType VARCHAR, sid VARCHAR, account VARCHAR, sessionId VARCHAR)",
        ),
        (
            "KDC Authorization",
            f"STRUCT({_SIGN_IN}, authType VARCHAR, sid VARCHAR, account VARCHAR)",
        ),
    ),
    # Samba heads each record with "[2026/11/21 04:44:23.043021,  5] ../../lib/audit_logging/audit_logging.c:97(…)".
    # A transaction, and what another controller changed, have no account.
    preamble=re.compile(
        rb"\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?!.*"
        + KINDS.encode()
        + rb")[^{]*$|\s*$|\s*(?:DSDB Transaction \[\w+\] at \[|Replicated Update at \[)"
    ),
    text=_text,
    tenant=("dsdbChange.dn", "passwordChange.dn", "groupChange.user"),
    tenant_in=of_entry,
)
"""Samba AD audit: `dsdb_json_audit:5`, `dsdb_password_json_audit:5`, `dsdb_group_json_audit:5`, `auth_json_audit:5`.

A change made on the controller's own database file, not over the network, writes no line: the watch can not see it.
"""
