"""Contact points as they may be shown: enough to recognise one's own, too little to use another's."""

from __future__ import annotations

from watchword.core.account import Contact

_DOTS = "•••"
_ONE = frozenset("17")
# ITU-T E.164 assigned country codes of two digits; every other begins with three, or is 1 or 7.
_TWO = frozenset(
    map(str, (20, 27, *range(30, 35), 36, 39, 40, 41, *range(43, 50), *range(51, 59), *range(60, 67), 81, 82, 84, 86))
) | frozenset(map(str, (*range(90, 96), 98)))


def mask(contact: Contact) -> str:
    """`m•••@e•••.test` for a mail address, `+49 ••• •• 89` for a phone number, dots alone where neither can be read."""
    value = contact.value.strip()
    match contact.kind:
        case "mail":
            return _mail(value)
        case "phone":
            return _phone(value)
        case _:
            return _DOTS


def _mail(value: str) -> str:
    local, at, domain = value.rpartition("@")
    name, dot, top = domain.rpartition(".")
    if not at or not local or not dot or not name or not top:
        return _DOTS
    # The first character of a name of one or two is most of it.
    return f"{_first(local)}{_DOTS}@{_first(name)}{_DOTS}.{top}"


def _first(part: str) -> str:
    return part[0] if len(part) > 2 else ""


def _phone(value: str) -> str:
    digits = "".join(c for c in value if c.isdigit() and c.isascii())
    if not value.startswith("+") or len(digits) < 7:
        return _DOTS
    country = digits[:1] if digits[0] in _ONE else digits[:2] if digits[:2] in _TWO else digits[:3]
    return f"+{country} {_DOTS} •• {digits[-2:]}"
