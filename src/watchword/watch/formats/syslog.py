"""RFC 5424: one message with structured data, its text the verdict in words.

The structured data is named under the enterprise number that RFC 5612 keeps for examples, until there is one of ours.
"""

from __future__ import annotations

import os
import socket

from watchword.watch.formats.alert import Alert, iso
from watchword.watch.printable import printable

ENTERPRISE = 32473

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
        "target": row.target,
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
    data = " ".join(f'{name}="{_value(value)}"' for name, value in fields.items() if value)
    text = printable(f"{alert.title}. {alert.why}.")
    # The byte order mark says that the text is UTF-8 (RFC 5424, 6.4).
    return f"{_head(alert)} [watchword@{ENTERPRISE} {data}] \ufeff{text}".encode()


def around(alert: Alert, content: bytes) -> bytes:
    """*content* of another format as the text of a message, as collectors of CEF want it."""
    return f"{_head(alert)} - ".encode() + content


def _head(alert: Alert) -> str:
    row = alert.row
    priority = _FACILITY * 8 + _LEVELS[int(alert.severity)]
    host = _name(socket.gethostname(), 255)
    return f"<{priority}>1 {iso(row.at)} {host} watchword {os.getpid()} {row.verdict.value}"


def _value(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _name(text: str, longest: int) -> str:
    return "".join(c for c in text if "!" <= c <= "~")[:longest] or "-"
