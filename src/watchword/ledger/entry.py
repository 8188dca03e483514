"""The exact bytes of evidence: one entry, its leaf hash, and the salted commitments that keep personal data out of it.

Bytes are made once with RFC 8785 (JCS), restricted to strings, booleans, null, arrays, objects and integers that every
JSON reader keeps exact; from then on the stored bytes are hashed and checked, never made again.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, TypeAlias

import msgspec
import rfc8785

from watchword.core.errors import Corrupt, Invalid
from watchword.core.ids import LeafHash

JSON: TypeAlias = "bool | int | str | Sequence[JSON] | Mapping[str, JSON] | None"
"""What *data* may hold; floats are left out on purpose, as are integers of 2**53 and more."""

MAX_BYTES = 8192
"""Larger artefacts stay outside the log, by digest."""

MAX_INT = 2**53 - 1
"""JSON keeps integers exact up to here."""

_MAX_DEPTH = 16
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SALT_BYTES = 16
_REMEDY_INPUT = "Change the value, or keep it outside the ledger and put its digest here."
_REMEDY_BYTES = "Stop, keep the database as it is, and run `watchword ledger fsck` on a copy."


class Retention(StrEnum):
    """How long the payload behind a commitment is kept."""

    SHORT = "short"
    IDENTITY = "identity"
    CORE = "core"
    LEGAL_HOLD = "legal_hold"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One fact. *version* counts from 0 without gaps in its *stream*; *at* is UTC to the millisecond.

    *refs* are leaf hashes of earlier entries, *sd* the commitments (hex SHA-256) of its payloads. Names in *data* are
    pseudonyms: no personal datum stands in an entry.
    """

    stream: str
    version: int
    type: str
    at: datetime
    actor: str
    data: Mapping[str, JSON]
    refs: tuple[LeafHash, ...] = ()
    sd: tuple[str, ...] = ()


class Disclosure(msgspec.Struct, frozen=True, kw_only=True):
    """A datum that an entry only commits to; *retention* says how long its value is kept."""

    name: str
    value: str
    retention: Retention


class _Wire(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    v: Literal[1]
    stream: str
    version: int
    type: str
    at: str
    actor: str
    data: dict[str, Any]
    refs: tuple[str, ...]
    sd: tuple[str, ...]


_decoder = msgspec.json.Decoder(_Wire)
_sorted = msgspec.json.Encoder(order="sorted")


def encode(entry: Entry) -> bytes:
    """Return the canonical bytes of *entry* (RFC 8785, at most 8192).

    Raise `Invalid`, naming the field, for a float, an integer of 2**53 or more, a string that is not NFC, a control
    character in a name, a time that is not UTC to the millisecond, or too many bytes.
    """
    for field, name in (("stream", entry.stream), ("type", entry.type), ("actor", entry.actor)):
        check_name(name, field)
    if isinstance(entry.version, bool) or not 0 <= entry.version <= MAX_INT:
        raise Invalid(
            f"version {entry.version} is not a count from 0.", "Number the stream's entries from 0.", "version"
        )
    for field, digests in (("refs", entry.refs), ("sd", entry.sd)):
        for digest in digests:
            if not _HEX_DIGEST.fullmatch(digest):
                raise Invalid(f"{digest!r} is not a SHA-256 in lower-case hex.", "Give 64 hex characters.", field)
    _check(entry.data, "data", 0)
    raw = _canonical(
        {
            "v": 1,
            "stream": entry.stream,
            "version": entry.version,
            "type": entry.type,
            "at": format_time(entry.at),
            "actor": entry.actor,
            "data": entry.data,
            "refs": entry.refs,
            "sd": entry.sd,
        }
    )
    if len(raw) > MAX_BYTES:
        raise Invalid(f"The entry takes {len(raw)} bytes; {MAX_BYTES} are allowed.", _REMEDY_INPUT, "data")
    return raw


def decode(raw: bytes) -> Entry:
    """Return the entry whose canonical bytes *raw* are; raise `Corrupt` for anything else, whatever it is."""
    entry = parse(raw)
    try:
        canonical = encode(entry)
    except Invalid as error:
        raise Corrupt(f"The entry holds what no entry may hold: {error.what}", _REMEDY_BYTES) from error
    if canonical != raw:
        raise Corrupt("The entry's bytes are not in canonical form.", _REMEDY_BYTES)
    return entry


def parse(raw: bytes) -> Entry:
    """Like `decode`, for bytes whose leaf hash was checked: whether they are canonical is not asked again."""
    try:
        wire = _decoder.decode(raw)
        at = parse_time(wire.at)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Corrupt(f"The entry can not be read: {error}.", _REMEDY_BYTES) from error
    return Entry(
        stream=wire.stream,
        version=wire.version,
        type=wire.type,
        at=at,
        actor=wire.actor,
        data=wire.data,
        refs=tuple(LeafHash(ref) for ref in wire.refs),
        sd=wire.sd,
    )


def disclose(disclosure: Disclosure, salt: bytes) -> bytes:
    """Return the RFC 9901 disclosure: base64url of the JSON array `[salt, name, value]`, without padding."""
    if len(salt) != _SALT_BYTES:
        raise Invalid(
            f"A salt has {_SALT_BYTES} bytes, not {len(salt)}.", "Draw it from the system's generator.", "salt"
        )
    _check_text(disclosure.name, "disclosures.name")
    _check_text(disclosure.value, "disclosures.value")
    return _base64url(msgspec.json.encode((_base64url(salt).decode(), disclosure.name, disclosure.value)))


def commitment_of(disclosed: bytes) -> str:
    """Return the hex SHA-256 of an RFC 9901 disclosure."""
    return hashlib.sha256(disclosed).hexdigest()


def open_disclosure(disclosed: bytes, retention: Retention) -> Disclosure:
    """Return the name and value inside an RFC 9901 disclosure; raise `Corrupt` when it is none."""
    try:
        padded = disclosed + b"=" * (-len(disclosed) % 4)
        _, name, value = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=tuple[str, str, str])
    except (ValueError, msgspec.DecodeError) as error:
        raise Corrupt(f"A payload is not a disclosure: {error}.", _REMEDY_BYTES) from error
    return Disclosure(name=name, value=value, retention=retention)


def format_time(at: datetime) -> str:
    """Return *at* as `2026-01-01T00:00:00.000Z`; raise `Invalid` unless it is UTC to the millisecond."""
    if at.tzinfo is not UTC and at.utcoffset() != timedelta(0):
        raise Invalid(f"{at.isoformat()} is not in UTC.", "Pass an aware datetime in UTC.", "at")
    if at.microsecond % 1000:
        raise Invalid(f"{at.isoformat()} is finer than a millisecond.", "Cut it to milliseconds.", "at")
    return f"{at.isoformat(timespec='milliseconds')[:23]}Z"


def check_name(name: str, field: str) -> None:
    """Raise `Invalid` unless *name* is a non-empty NFC string without control characters."""
    if name.isascii() and name.isprintable() and name:
        return
    if not name or _CONTROL.search(name):
        raise Invalid(f"{name!r} is empty or holds a control character.", "Use printable text.", field)
    _check_text(name, field)


def _canonical(wire: dict[str, Any]) -> bytes:
    """Return the RFC 8785 form of checked values."""
    try:
        raw = _sorted.encode(wire)
        # With ASCII alone, sorted JSON without blanks is the RFC 8785 form, at a thirtieth of the cost: keys sort the
        # same by code point as by UTF-16 unit, escapes are spelled alike, and an integer can be written one way only.
        if raw.isascii():
            return raw
        return rfc8785.dumps(wire)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Invalid(f"The entry has no canonical form: {error}.", _REMEDY_INPUT, "data") from error


def parse_time(text: str) -> datetime:
    """Return the time that `format_time` wrote as *text*; raise `ValueError` for what is none."""
    if len(text) != len("2026-01-01T00:00:00.000Z") or not text.endswith("Z"):
        raise ValueError(f"{text!r} is not a UTC time to the millisecond")
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)


_Where = tuple["_Where | str", str]  # told from the outside in, and put into words only for an error


def _check(value: object, where: _Where | str, depth: int) -> None:
    """Raise `Invalid` unless *value* can be kept exactly; what most entries consist of is passed by its type alone."""
    if type(value) is dict or isinstance(value, dict):
        _demand_flat(depth, where)
        for name, inner in value.items():
            if not isinstance(name, str):
                raise Invalid(f"The name {name!r} is not a string.", "Use strings for names.", _spelled(where))
            if not (name.isascii() and name.isprintable() and name):
                check_name(name, _spelled(where))
            if not (inner is None or type(inner) is bool or (type(inner) is str and inner.isascii())):
                _check(inner, (where, f".{name}"), depth + 1)
    elif isinstance(value, list | tuple):
        _demand_flat(depth, where)
        for position, inner in enumerate(value):
            if not (type(inner) is str and inner.isascii()):
                _check(inner, (where, f"[{position}]"), depth + 1)
    elif isinstance(value, str):
        _check_text(value, _spelled(where))
    elif isinstance(value, int):
        if abs(value) > MAX_INT:
            raise Invalid(f"{value} is too large for JSON to keep exact.", "Write it as a string.", _spelled(where))
    elif value is not None:
        raise Invalid(
            f"A {type(value).__name__} has no exact form in an entry.",
            "Use a string, an integer, a boolean, null, an array or an object.",
            _spelled(where),
        )


def _demand_flat(depth: int, where: _Where | str) -> None:
    if depth >= _MAX_DEPTH:
        raise Invalid(f"Values nest deeper than {_MAX_DEPTH}.", "Flatten them.", _spelled(where))


def _spelled(where: _Where | str) -> str:
    return where if isinstance(where, str) else f"{_spelled(where[0])}{where[1]}"


def _check_text(text: str, where: str) -> None:
    if text.isascii():
        return
    if _SURROGATE.search(text):
        raise Invalid(f"{text!r} holds half a character.", "Decode the text rightly where it is entered.", where)
    if not unicodedata.is_normalized("NFC", text):
        raise Invalid(f"{text!r} is not in Unicode normal form C.", "Normalise it where it is entered.", where)


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
