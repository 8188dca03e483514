"""The DNS domain that a computer or an entry of a directory is of, which is whose its log is."""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"\\.", re.DOTALL)
_COMPONENTS = re.compile(r"(?:(?:^|,)\s*dc=[\w-]+)+\s*$", re.IGNORECASE)
_COMPONENT = re.compile(r"(?:^|,)\s*dc=", re.IGNORECASE)
_PARTITION = re.compile(r"^(?:domain|forest)dnszones\.")
"""The partitions of Active Directory that hold a domain's DNS are of that domain."""


def of_machine(name: str) -> str | None:
    """The domain of the machine *name*, in lower case; None where it is a name alone or an address."""
    if not name.lstrip("0123456789."):
        return None
    return name.lower().partition(".")[2].rstrip(".") or None


def of_entry(dn: str) -> str | None:
    """The domain that the `DC` parts at the end of *dn* are, in lower case (RFC 2247); None where it ends otherwise."""
    if (found := _COMPONENTS.search(_ESCAPED.sub("_", dn))) is None:
        return None
    return _PARTITION.sub("", _COMPONENT.sub(".", found[0]).strip().lower().lstrip(".")) or None
