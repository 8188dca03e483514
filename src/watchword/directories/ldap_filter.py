"""Search filters that can not be injected into: they never exist as text."""

from __future__ import annotations

import re
from typing import Any, Self

from ldap3.protocol import rfc4511 as asn1

_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")


class Filter:
    """One LDAP search filter (RFC 4511 §4.5.1.7), built by its class methods as the structure that is sent.

    A value is bytes in that structure, so no character of it has a meaning. (ldap3's filters in text are no
    alternative: 2.10 sends the escapes of RFC 4515 as they stand, so a value that needs one is never found.)
    """

    __slots__ = ("asn1",)

    def __init__(self, kind: str, content: Any) -> None:
        self.asn1 = asn1.Filter()
        self.asn1[kind] = content

    @classmethod
    def present(cls, attribute: str) -> Self:
        """Match entries that have *attribute*; `objectClass` is on every one."""
        return cls("present", asn1.Present(_checked(attribute)))

    @classmethod
    def equals(cls, attribute: str, value: str | bytes) -> Self:
        """Match entries with this *value*, whatever is in it; upper and lower case are the attribute's own matter."""
        return cls("equalityMatch", _assertion(asn1.EqualityMatch(), attribute, value))

    @classmethod
    def at_least(cls, attribute: str, value: str) -> Self:
        """Match entries whose value is *value* or comes after it."""
        return cls("greaterOrEqual", _assertion(asn1.GreaterOrEqual(), attribute, value))

    @classmethod
    def all_of(cls, *filters: Filter) -> Self:
        """Match entries that every one of *filters* matches."""
        return cls("and", _set(asn1.And(), filters))

    @classmethod
    def any_of(cls, *filters: Filter) -> Self:
        """Match entries that one of *filters* matches."""
        return cls("or", _set(asn1.Or(), filters))

    def __repr__(self) -> str:
        return f"Filter({self.asn1.prettyPrint()})"


def _checked(attribute: str) -> str:
    if not _ATTRIBUTE.match(attribute):
        raise ValueError(f"{attribute!r} is no attribute name")
    return attribute


def _assertion(match: Any, attribute: str, value: str | bytes) -> Any:
    raw = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    match["attributeDesc"] = asn1.AttributeDescription(_checked(attribute))
    match["assertionValue"] = asn1.AssertionValue(raw)
    return match


def _set(of: Any, filters: tuple[Filter, ...]) -> Any:
    for position, one in enumerate(filters):
        of[position] = one.asn1
    return of
