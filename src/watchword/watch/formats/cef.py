r"""ArcSight's Common Event Format, version 0: for collectors that know nothing newer.

The header escapes `\` and `|`, the extension `\` and `=`, and neither has a line end (CEF Implementation Standard,
version 26).
"""

from __future__ import annotations

from watchword.watch.formats.alert import PRODUCT, VERSION, Alert
from watchword.watch.printable import printable

_SEVERITIES = {1: 1, 2: 3, 3: 5, 4: 8, 5: 10}


def line(alert: Alert) -> bytes:
    """One event."""
    row = alert.row
    head = "|".join(
        _head(part)
        for part in (
            "CEF:0",
            PRODUCT,
            "watch",
            VERSION,
            f"{row.verdict}:{row.action or 'feed'}",
            alert.title,
            str(_SEVERITIES[int(alert.severity)]),
        )
    )
    fields = {
        "rt": str(alert.millis),
        "externalId": alert.tag,
        "cat": row.verdict.value,
        "act": row.action or "feed",
        "outcome": row.outcome,
        "suser": row.actor,
        "duser": row.target,
        "src": row.address if row.address and _is_ipv4(row.address) else None,
        "c6a2": row.address if row.address and ":" in row.address else None,
        "c6a2Label": "Source IPv6 Address" if row.address and ":" in row.address else None,
        "msg": alert.why,
        "cs1": row.case,
        "cs1Label": "case" if row.case else None,
        "cs2": row.ticket,
        "cs2Label": "ticket" if row.ticket else None,
        "cs3": ",".join(row.reasons),
        "cs3Label": "reasons",
        "cs4": row.directory,
        "cs4Label": "directory",
        "cs5": row.native_action,
        "cs5Label": "native action",
        "cs6": ",".join(map(str, row.leaves)) or None,
        "cs6Label": "leaves" if row.leaves else None,
        "cn1": str(row.revision),
        "cn1Label": "revision",
    }
    extension = " ".join(f"{key}={_value(value)}" for key, value in fields.items() if value)
    return f"{head}|{extension}".encode()


def _head(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace("=", "\\=")


def _is_ipv4(address: str) -> bool:
    parts = address.split(".")
    return len(parts) == 4 and all(p.isascii() and p.isdigit() and int(p) < 256 for p in parts)
