"""What is told to other systems of an event: a verdict with the event it is on, and how grave it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from importlib.metadata import version

import msgspec

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.verdicts import FINDINGS, REASONS, VerdictRow

PRODUCT = "Watchword"
VERSION = version("watchword")


class Severity(IntEnum):
    """How grave, in OCSF's order: its `severity_id`."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @property
    def word(self) -> str:
        """As other systems spell it."""
        return self.name.capitalize()


TITLES: Mapping[Verdict, str] = {
    Verdict.VERIFIED: "Governed identity change",
    Verdict.OUT_OF_POLICY: "Identity change out of policy",
    Verdict.UNVERIFIED: "Identity change without evidence",
    Verdict.SUSPICIOUS: "Suspicious identity change without evidence",
    Verdict.SELF_SERVICE: "Identity change by its owner",
    Verdict.TICKETED: "Identity change that only a ticket speaks for",
    Verdict.DOWNTIME: "Identity change declared as made while the desk was down",
    Verdict.IGNORED: "Identity event",
}
"""What each verdict is called elsewhere."""

FEED = "The log went silent"
"""What a verdict on a source is called."""

TECHNIQUES: Mapping[Canonical, tuple[str, str]] = {
    Canonical.PASSWORD_RESET: ("T1098", "Account Manipulation"),
    Canonical.PASSWORD_EXPIRE: ("T1098", "Account Manipulation"),
    Canonical.ACCOUNT_UNLOCK: ("T1098", "Account Manipulation"),
    Canonical.ACCOUNT_ENABLE: ("T1098", "Account Manipulation"),
    Canonical.RECOVERY_INFO_CHANGE: ("T1098", "Account Manipulation"),
    Canonical.FACTOR_RESET: ("T1556.006", "Modify Authentication Process: Multi-Factor Authentication"),
    Canonical.FACTOR_RESET_ALL: ("T1556.006", "Modify Authentication Process: Multi-Factor Authentication"),
    Canonical.BYPASS_GRANT: ("T1556.006", "Modify Authentication Process: Multi-Factor Authentication"),
    Canonical.TOKEN_REISSUE: ("T1098.001", "Account Manipulation: Additional Cloud Credentials"),
    Canonical.PRIVILEGE_GRANT: ("T1098.003", "Account Manipulation: Additional Cloud Roles"),
}
"""What an attacker who did this would have done, in ATT&CK 18.1: technique and its name."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of one verdict, ready to be told.

    *tag* is new for every revision, so that a message that arrives twice is known again. *is_open* is whether somebody
    must look at it; a revision that no longer is one closes what an earlier one opened. *why* is for people.
    """

    row: VerdictRow
    tag: str
    title: str
    severity: Severity
    is_open: bool
    why: str
    technique: tuple[str, str] | None

    @classmethod
    def of(cls, row: VerdictRow) -> Alert:
        """The alert that *row* is."""
        is_feed = row.action is None
        is_open = row.verdict in FINDINGS
        return cls(
            row=row,
            tag=f"{row.id}/{row.revision}",
            title=FEED if is_feed else f"{TITLES[row.verdict]}: {row.action}",
            severity=_severity(row),
            is_open=is_open,
            why="; ".join(REASONS.get(code, code) for code in row.reasons),
            technique=TECHNIQUES.get(row.action) if row.action is not None and is_open else None,
        )

    @property
    def millis(self) -> int:
        """When it happened, in milliseconds since 1970."""
        return millis(self.row.at)


def millis(at: datetime) -> int:
    """Milliseconds since 1970."""
    return int(at.timestamp() * 1000)


def iso(at: datetime) -> str:
    """RFC 3339 in UTC, to the microsecond."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _severity(row: VerdictRow) -> Severity:
    is_privileged = "privileged_target" in row.reasons
    match row.verdict:
        case Verdict.SUSPICIOUS:
            return Severity.CRITICAL if is_privileged else Severity.HIGH
        case Verdict.UNVERIFIED:
            return Severity.HIGH
        case Verdict.OUT_OF_POLICY:
            return Severity.HIGH if is_privileged else Severity.MEDIUM
        case Verdict.DOWNTIME:
            return Severity.MEDIUM
        case Verdict.TICKETED:
            return Severity.LOW
        case _:
            return Severity.INFORMATIONAL
