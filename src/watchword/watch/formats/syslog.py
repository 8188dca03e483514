"""RFC 5424: one message with structured data, its text the verdict or the finding in words.

The structured data is named under the enterprise number that RFC 5612 keeps for examples, until there is one of ours.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from watchword.watch.formats.alert import Alert, iso
from watchword.watch.formats.finding_alert import AnyAlert, FindingAlert
from watchword.watch.printable import printable

ENTERPRISE = 32473

MOST_NAMED = 10
"""Actors and targets of one message: relays cut what is long."""

_FACILITY = 13  # log audit
_LEVELS = {1: 6, 2: 5, 3: 4, 4: 3, 5: 2}


def message(alert: Alert) -> bytes:
    """The message, without framing."""
    row = alert.row
    fields = {
        "id": alert.tag,
        "verdict": row.verdict.value,
        "action": row.action or "feed",
        "actor": row.actor,
        "actor_login": row.actor_login,
        "target": row.target,
        "target_login": row.target_login,
        "directory": row.directory,
        "provider": row.provider,
        "native": row.native_action,
        "address": row.address,
        "reasons": ",".join(row.reasons),
        "case": row.case,
        "ticket": row.ticket,
        "leaves": ",".join(map(str, row.leaves)),
        "revision": str(row.revision),
    }
    return _message(alert, fields)


def of_finding(alert: FindingAlert) -> bytes:
    """The message that a finding is, without framing."""
    fields = {
        "id": alert.tag,
        "finding": alert.finding,
        "status": alert.status.value,
        "severity": alert.severity.word,
        "by": alert.by,
        "name": alert.name,
        "rules": ",".join(alert.rules),
        "events": str(alert.events),
        "since": iso(alert.since),
        "until": iso(alert.until),
        "actor": ",".join(alert.actors[:MOST_NAMED]),
        "target": ",".join(target for _, target in alert.targets[:MOST_NAMED]),
        "directory": ",".join(alert.directories),
        "case": ",".join(alert.cases),
        "ticket": ",".join(alert.tickets),
        "dismissal": alert.dismissal,
    }
    return _message(alert, fields)


def around(alert: AnyAlert, content: bytes) -> bytes:
    """*content* of another format as the text of a message, as collectors of CEF want it."""
    return f"{_head(alert)} - ".encode() + content


def _message(alert: AnyAlert, fields: Mapping[str, str | None]) -> bytes:
    data = " ".join(f'{name}="{_value(value)}"' for name, value in fields.items() if value)
    text = printable(f"{alert.title}. {alert.why}.")
    # The byte order mark says that the text is UTF-8 (RFC 5424, 6.4).
    return f"{_head(alert)} [watchword@{ENTERPRISE} {data}] \ufeff{text}".encode()


def _head(alert: AnyAlert) -> str:
    at, kind = (alert.at, "finding") if isinstance(alert, FindingAlert) else (alert.row.at, alert.row.verdict.value)
    priority = _FACILITY * 8 + _LEVELS[int(alert.severity)]
    host = _name(socket.gethostname(), 255)
    return f"<{priority}>1 {iso(at)} {host} watchword {os.getpid()} {kind}"


def _value(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _name(text: str, longest: int) -> str:
    return "".join(c for c in text if "!" <= c <= "~")[:longest] or "-"
