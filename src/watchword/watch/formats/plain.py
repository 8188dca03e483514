"""One JSON object a line, columns as `VerdictRow` or `FindingAlert`: for whoever reads it with a tool of their own."""

from __future__ import annotations

import msgspec

from watchword.watch.formats.alert import Alert
from watchword.watch.formats.finding_alert import FindingAlert


def line(alert: Alert) -> bytes:
    """The row, with its reasons in words."""
    return encode({**msgspec.structs.asdict(alert.row), "severity": alert.severity.word, "why": alert.why})


def of_finding(alert: FindingAlert) -> bytes:
    """The finding with its items; *kind* tells it from a verdict."""
    return encode({"kind": "finding", **msgspec.structs.asdict(alert), "severity": alert.severity.word})


def encode(value: object) -> bytes:
    """JSON on one line; characters that a terminal may obey are escapes in it."""
    # msgspec leaves what is no ASCII control as it is: U+2028, U+0085 and bidirectional overrides would split or turn
    # the line of a tool that is not careful.
    text = msgspec.json.encode(value).decode()
    if text.isascii() and text.isprintable():
        return text.encode()
    return "".join(c if c.isprintable() else _escape(c) for c in text).encode()


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
