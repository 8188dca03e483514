"""Where somebody comes from in one form, however it was written: two spellings of it would be two origins."""

from __future__ import annotations

import unicodedata
from ipaddress import IPv6Address, ip_address, ip_network

from watchword.core.origin import Source

SITE = 64
"""Leading bits of an IPv6 address that say whose it is: below them each device takes new ones at will (RFC 8981)."""

_KEEPS_ZERO = ("39", "378", "379")
"""Country codes after which the 0 of a national number is dialled."""


def plain(kind: Source, value: str, country: str = "") -> str:
    """The one form of where somebody comes from, however it was written.

    A number is `+` and digits, where it says its country or *country* (a code, such as 49) does, else its digits; what
    has none is its words. Of an IPv6 address the first 64 bits count, and one that stands for an IPv4 address is that.
    """
    value = unicodedata.normalize("NFKC", value).strip()
    if kind == "number":
        return _number(value, country)
    return _address(value) if kind == "address" else value


def _number(written: str, country: str) -> str:
    kept = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in written)
    found = [c for c in kept if c.isdecimal()]
    if not found:
        return written.casefold()
    last = next((n for n, c in enumerate(kept) if c.isalpha() and any(d.isdecimal() for d in kept[:n])), len(kept))
    kept = kept[:last]  # an extension is behind the same number
    abroad = "011" if country == "1" else "00"
    digits = "".join(c for c in kept if c.isdecimal())
    if kept.lstrip(" (").startswith("+") or digits.startswith(abroad):
        if "(0)" in kept and not digits.removeprefix(abroad).startswith(_KEEPS_ZERO):
            digits = "".join(c for c in kept.replace("(0)", "", 1) if c.isdecimal())
        return f"+{digits.removeprefix(abroad)}"
    if not country:
        return digits
    if country == "1":
        return f"+{digits}" if len(digits) == 11 and digits.startswith("1") else f"+1{digits}"
    return f"+{country}{digits if country in _KEEPS_ZERO else digits.removeprefix('0')}"


def _address(written: str) -> str:
    try:
        host = ip_address(written.partition("%")[0])
    except ValueError:
        return written.casefold()
    if isinstance(host, IPv6Address):
        return str(host.ipv4_mapped or ip_network((host, SITE), strict=False))
    return str(host)
