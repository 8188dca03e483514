"""The DNS domain that a computer or an entry of a directory is of, which is whose its log is."""

from __future__ import annotations

import re
from itertools import takewhile

_ESCAPED = re.compile(r"\\.", re.DOTALL)
_COMPONENT = re.compile(r"\s*dc=([\w-]+)", re.IGNORECASE)
_PARTITION = re.compile(r"^(?:domain|forest)dnszones\.")
"""The partitions of Active Directory that hold a domain's DNS are of that domain."""


def of_machine(name: str) -> str | None:
    """The domain of the machine *name*, in lower case; None where it is a name alone or an address."""
    if not name.lstrip("0123456789."):
        return None
    return name.lower().partition(".")[2].rstrip(".") or None


def of_entry(dn: str) -> str | None:
    """The domain that the `DC` parts at the end of *dn* are, in lower case (RFC 2247); None where it ends otherwise."""
    parts = map(_COMPONENT.fullmatch, reversed(_ESCAPED.sub("_", dn).rstrip().split(",")))
    labels = [part[1] for part in takewhile(bool, parts) if part]
    return _PARTITION.sub("", ".".join(reversed(labels)).lower()) or None
