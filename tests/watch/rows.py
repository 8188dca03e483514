"""Verdict rows for the tests of what is told to others, plain ones and hostile ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from watchword.core.finding import Status
from watchword.core.identity_event import Canonical, Verdict
from watchword.core.ids import PersonId
from watchword.watch.campaigns import Item
from watchword.watch.formats.alert import Severity
from watchword.watch.formats.finding_alert import FindingAlert
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
        (
            "id", "directory", "native_action", "actor", "target", "outcome", "address", "correlation", "case",
            "ticket", "country", "detail", "actor_class", "actor_login", "target_login",
        ),
        HOSTILE,
    )  # fmt: skip
    return row(**{**taken, "leaves": (3, 4)}, **fields)


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
    row(actor_login="agent.one@example.test", target_login="ana@example.test"),
)
"""One of each kind."""


ITEMS = (
    Item(
        rule="verdict.unverified", event="u-0001", about="u-0001", severity="medium", at=NOON, target="00uana",
        actor="00uagent", directory="corp", why="password.reset: no case speaks for it", ticket="INC001", leaves=(3, 4),
        target_login="ana@example.test",
    ),
    Item(
        rule="several_targets", event=None, about="x", severity="high", at=NOON, target="00uben", actor="00uagent",
        caller="o-7", why="2 accounts for one caller",
    ),
)  # fmt: skip
"""A verdict and a hit of a signal."""


def finding(**fields: Any) -> FindingAlert:
    """One caller with two accounts, unless told otherwise."""
    whole: dict[str, Any] = {
        "finding": "f-key-1",
        "tag": "f-key-1/1",
        "at": NOON,
        "title": "Identity change without evidence; One caller, several targets",
        "why": "2 events of one caller: no case speaks for it",
        "severity": Severity.HIGH,
        "status": Status.NEW,
        "is_first": True,
        "by": "caller",
        "name": "o-7",
        "rules": ("verdict.unverified", "several_targets"),
        "rule_titles": ("Identity change without evidence", "One caller, several targets"),
        "attack": ("T1098", "T1556.006"),
        "events": 2,
        "raised_at": NOON,
        "since": NOON,
        "until": NOON,
        "owner": None,
        "dismissal": None,
        "items": ITEMS,
        "left_out": 0,
    }
    return FindingAlert(**{**whole, **fields})


def _hostile_finding() -> FindingAlert:
    item = Item(
        rule=HOSTILE, event=HOSTILE, about=HOSTILE, severity="high", at=NOON, target=HOSTILE, actor=HOSTILE,
        directory=HOSTILE, caller=HOSTILE, vendor=HOSTILE, unit=HOSTILE, why=HOSTILE, case=HOSTILE, ticket=HOSTILE,
    )  # fmt: skip
    named = {"title": HOSTILE, "why": HOSTILE, "name": HOSTILE, "rules": (HOSTILE,), "rule_titles": (HOSTILE,)}
    return finding(**named, items=(item,), attack=())


FINDINGS = (
    finding(),
    _hostile_finding(),
    finding(status=Status.TRIAGED, tag="f-key-1/2", is_first=False, owner=PersonId("p-soc")),
    finding(status=Status.CONFIRMED, tag="f-key-1/3", is_first=False, owner=PersonId("p-soc")),
    finding(status=Status.DISMISSED, tag="f-key-1/4", is_first=False, dismissal="false_positive"),
    finding(status=Status.CLOSED, tag="f-key-1/5", is_first=False),
    finding(status=Status.CLOSED, tag="f-key-1/6", is_first=False, events=0, items=()),
    finding(by="feed", rules=("verdict.suspicious",), rule_titles=("The log went silent",), attack=()),
    finding(name=None, items=(), why="2 events of one caller; what they were is erased"),
)
"""One of each kind of finding."""
