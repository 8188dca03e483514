"""Verdict rows for the tests of what is told to others, plain ones and hostile ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.verdicts import VerdictRow

NOON = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)

HOSTILE = (
    "a|b=c]d\"e\\f\nCEF:0|forged\r\n<34>1 - - - - - forged \x1b[2J\u202e\u2028\x00 =cmd|' /C calc'!A0 "
    "<script>alert(1)</script> '; DROP TABLE verdict; --"
)
"""What somebody may call an account: each format's own separators, line ends, terminal escapes, markup, formulas."""


def row(**fields: Any) -> VerdictRow:
    """A reset without evidence, unless told otherwise."""
    whole: dict[str, Any] = {
        "id": "u-0001",
        "provider": "okta",
        "directory": "corp",
        "action": Canonical.PASSWORD_RESET,
        "native_action": "user.account.reset_password",
        "actor": "00uagent",
        "target": "00uana",
        "at": NOON,
        "outcome": "SUCCESS",
        "address": "198.51.100.7",
        "socket": None,
        "correlation": "t-0001",
        "folded": 1,
        "verdict": Verdict.UNVERIFIED,
        "reasons": ("no_case",),
        "case": None,
        "ticket": None,
        "leaves": (),
    }
    return VerdictRow(**{**whole, **fields})


def hostile(**fields: Any) -> VerdictRow:
    """The same with hostile text wherever a log, a ticket or a person supplies it."""
    taken = dict.fromkeys(
        ("id", "directory", "native_action", "actor", "target", "outcome", "address", "correlation", "case", "ticket"),
        HOSTILE,
    )
    return row(**{**taken, "country": HOSTILE, "detail": HOSTILE, "actor_class": HOSTILE, "leaves": (3, 4)}, **fields)


FEED = row(action=None, native_action="", actor="", verdict=Verdict.SUSPICIOUS, reasons=("log_missing",), address=None)
"""A verdict about the log itself."""

SAMPLES = (
    row(),
    hostile(),
    FEED,
    row(verdict=Verdict.VERIFIED, reasons=("whole_chain",), case="c-1", ticket="INC001", leaves=(1, 2), revision=2),
    row(verdict=Verdict.SUSPICIOUS, reasons=("no_case", "privileged_target"), country="DE", asn=64500),
    row(verdict=Verdict.IGNORED, reasons=("attempt_failed",), action=Canonical.FACTOR_RESET, outcome="FAILURE"),
    row(verdict=Verdict.OUT_OF_POLICY, reasons=("expired",), ticket="INC002", address="2001:db8::7", country="Germany"),
    row(verdict=Verdict.DOWNTIME, reasons=("declared", "review_owed"), actor_class="automation"),
)
"""One of each kind."""
