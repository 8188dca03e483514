"""Entries checked in bulk, from their bytes alone: what a check of a database and one of a folder have in common.

An entry that is plain (ASCII, nothing escaped, few levels deep) is read and held against its canonical form in C, for
many at once; any other one by `entry.decode`, which stays the definition of what an entry may be.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from itertools import chain
from operator import attrgetter
from typing import Annotated, Literal, TypeAlias

import msgspec

from watchword.core.errors import Corrupt
from watchword.ledger import merkle
from watchword.ledger.entry import MAX_BYTES, MAX_INT, decode, format_time, parse_time
from watchword.ledger.verified import REMEDY, SKEW

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many of how many are done."""

Filed: TypeAlias = tuple[Sequence[str], Sequence[int], Sequence[str]]
"""Streams, versions and types of some entries, as somebody else wrote them down."""

_Int = Annotated[int, msgspec.Meta(ge=-MAX_INT, le=MAX_INT)]
_Name = Annotated[str, msgspec.Meta(min_length=1)]
_Scalar: TypeAlias = bool | _Int | str | None
_Shallow: TypeAlias = _Scalar | list[_Scalar] | dict[str, _Scalar]
_Value: TypeAlias = _Scalar | list[_Shallow] | dict[str, _Shallow]

_TIMES = re.compile(r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z)*")
_TIME = len("2026-01-01T00:00:00.000Z")
_DAY = len("2026-01-01")
_DIGESTS = re.compile(r"[0-9a-f]*")
_DIGEST = 64


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One numbered check: *what* must hold, and what was *proved* of it."""

    number: int
    what: str
    proved: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger that holds together: its *size*, its *root* (32 bytes), and every check made."""

    size: int
    root: bytes
    checks: tuple[Check, ...]


def report(size: int, root: bytes, proved: Sequence[tuple[str, str]]) -> Report:
    """Return what was *proved*, numbered from 1."""
    checks = tuple(Check(number=number, what=what, proved=that) for number, (what, that) in enumerate(proved, 1))
    return Report(size=size, root=root, checks=checks)


def silent(_done: int, _total: int) -> None:
    """Report to nobody."""


class _Plain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """An entry as it is written, in the order it is written in; *at* is text."""

    actor: _Name
    at: str
    data: dict[str, _Value]
    refs: tuple[str, ...]
    sd: tuple[str, ...]
    stream: _Name
    type: _Name
    v: Literal[1]
    version: Annotated[int, msgspec.Meta(ge=0, le=MAX_INT)]


_read = msgspec.json.Decoder(_Plain).decode
_write = msgspec.json.Encoder(order="sorted").encode
_stream, _version, _type = attrgetter("stream"), attrgetter("version"), attrgetter("type")
_at, _refs, _sd = attrgetter("at"), attrgetter("refs"), attrgetter("sd")


class Audit:
    """Entries from the first on, in order. What was added holds together; nothing is kept of what did not."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []
        self.nodes = merkle.Nodes(self.leaves)
        self.carriers: dict[str, tuple[str, int]] = {}
        """The stream and index of the entry that carries each commitment."""
        self.references = 0
        self.last_at: datetime | None = None
        self._latest = ""
        self._versions: dict[str, int] = {}
        self._places: dict[bytes, int] = {}

    @property
    def size(self) -> int:
        """How many entries were added."""
        return len(self.leaves)

    @property
    def streams(self) -> int:
        """How many streams they belong to."""
        return len(self._versions)

    def has(self, stream: str) -> bool:
        """Say whether *stream* has an entry."""
        return stream in self._versions

    def proved(self) -> tuple[tuple[str, str], ...]:
        """Return what holds of the entries, each with a measure of it."""
        return (
            ("every entry is in canonical form and hashes to its leaf", f"{self.size} entries"),
            ("indices are dense from 0, and so are versions in each stream", f"{self.streams} streams"),
            ("no entry is more than 2 s older than one before it", f"the latest is of {self.last_at}"),
            ("references point to earlier entries", f"{self.references} references"),
        )

    def add(self, raws: Sequence[bytes], leaves: Sequence[bytes], filed: Filed | None = None) -> None:
        """Put the entries *raws* after the others; raise `Corrupt`, naming the first that does not fit.

        *leaves* are the hashes they are said to have, *filed* their streams, versions and types elsewhere.
        """
        try:
            self._add(raws, leaves, filed)
        except Corrupt:
            # Something is wrong with one of them: one at a time, the first one says what.
            if len(raws) == 1:
                raise
            for at in range(len(raws)):
                part = slice(at, at + 1)
                alone = None if filed is None else (filed[0][part], filed[1][part], filed[2][part])
                self._add(raws[part], leaves[part], alone)
            raise

    def _add(self, raws: Sequence[bytes], leaves: Sequence[bytes], filed: Filed | None) -> None:
        start = self.size
        # 1. the bytes hash to their leaf
        found = _hashed(raws, start)
        if found != list(leaves):
            raise Corrupt(f"Entry {start} does not hash to its leaf.", REMEDY, start)
        # 2. they are an entry in canonical form
        try:
            plains = _decode_all(raws)
        except Corrupt as error:
            raise Corrupt(f"Entry {start}: {error.what}", error.remedy, start) from error
        # 3. they say what they are filed under
        streams, versions = list(map(_stream, plains)), list(map(_version, plains))
        if filed is not None and (streams, versions, list(map(_type, plains))) != tuple(map(list, filed)):
            raise Corrupt(f"Entry {start} is filed under another stream, version or type.", REMEDY, start)
        # 4. versions go on from the stream's last, times from the latest
        numbered = self._numbered(streams, versions, start)
        latest = self._timed(list(map(_at, plains)), start)
        # 5. references point to earlier entries, and no commitment is carried twice
        places = dict(zip(found, range(start, start + len(found)), strict=True))
        references = self._referred(plains, places, start)
        carriers = self._carried(plains, start)
        self._latest, self.last_at = latest, parse_time(latest)
        self._versions.update(numbered)
        self._places.update(places)
        self.carriers.update(carriers)
        self.references += references
        self.leaves.extend(found)

    def _numbered(self, streams: Sequence[str], versions: Sequence[int], start: int) -> dict[str, int]:
        numbered: dict[str, int] = {}
        for stream, version in zip(streams, versions, strict=True):
            last = numbered[stream] if stream in numbered else self._versions.get(stream, -1)
            if version != last + 1:
                raise Corrupt(f"Entry {start} breaks the numbering of its stream.", REMEDY, start)
            numbered[stream] = version
        return numbered

    def _timed(self, times: Sequence[str], start: int) -> str:
        """Return the latest of all times; in their one spelling they sort as they read."""
        if times[0] >= self._latest and list(times) == sorted(times):
            return times[-1]
        latest = self._latest or times[0]
        for at in times:
            if at < latest and parse_time(at) < parse_time(latest) - SKEW:
                raise Corrupt(f"Entry {start} is older than one before it, by more than 2 s.", REMEDY, start)
            latest = max(latest, at)
        return latest

    def _referred(self, plains: Sequence[_Plain], places: dict[bytes, int], start: int) -> int:
        if not any(map(_refs, plains)):
            return 0
        count = 0
        for seq, plain in enumerate(plains, start):
            for ref in plain.refs:
                leaf = bytes.fromhex(ref)
                place = self._places[leaf] if leaf in self._places else places.get(leaf, seq)
                if place >= seq:
                    raise Corrupt(f"Entry {start} refers to {ref}, which is no earlier entry.", REMEDY, start)
                count += 1
        return count

    def _carried(self, plains: Sequence[_Plain], start: int) -> dict[str, tuple[str, int]]:
        carried: dict[str, tuple[str, int]] = {}
        for seq, plain in enumerate(plains, start) if any(map(_sd, plains)) else ():
            for commitment in plain.sd:
                if commitment in self.carriers or commitment in carried:
                    raise Corrupt(f"Entry {start} repeats the commitment {commitment}.", REMEDY, start)
                carried[commitment] = (plain.stream, seq)
        return carried


def _hashed(raws: Sequence[bytes], start: int) -> list[bytes]:
    """Return the leaf hash of each of *raws*, as `merkle.hash_leaf` does."""
    sha256 = hashlib.sha256
    try:
        return [sha256(b"\x00" + raw).digest() for raw in raws]
    except TypeError as error:
        raise Corrupt(f"Entry {start} is not stored as bytes: {error}.", REMEDY, start) from error


def _decode_all(raws: Sequence[bytes]) -> list[_Plain]:
    """Return what each of *raws* says; raise `Corrupt` exactly when `entry.decode` would for one of them."""
    try:
        plains = list(map(_read, raws))
        if _are_canonical(raws, plains):
            return plains
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    return [_plain(raw) for raw in raws]


def _are_canonical(raws: Sequence[bytes], plains: Sequence[_Plain]) -> bool:
    """Say whether *raws* are surely the canonical bytes of *plains*, which the types above hold to most of the rules.

    With ASCII alone and nothing escaped, text is in normal form, and sorted JSON without blanks is its RFC 8785 form.
    JSON itself keeps control characters out, but for DEL; an empty name is refused, wherever its three bytes stand.
    """
    together = b"\n".join(raws)
    if not together.isascii() or any(odd in together for odd in (b"\\", b"\x7f", b'"":')):
        return False
    times = list(map(_at, plains))
    digests = [*chain.from_iterable(map(_refs, plains)), *chain.from_iterable(map(_sd, plains))]
    return (
        max(map(len, raws)) <= MAX_BYTES
        and list(map(_write, plains)) == list(raws)
        and set(map(len, times)) == {_TIME}
        and _TIMES.fullmatch("".join(times)) is not None
        and all(map(_is_day, {at[:_DAY] for at in times}))
        and set(map(len, digests)) <= {_DIGEST}
        and _DIGESTS.fullmatch("".join(digests)) is not None
    )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _plain(raw: bytes) -> _Plain:
    entry = decode(raw)
    return _Plain(
        actor=entry.actor,
        at=format_time(entry.at),
        data={},  # nobody asks for it: it was checked, and is in the bytes
        refs=entry.refs,
        sd=entry.sd,
        stream=entry.stream,
        type=entry.type,
        v=1,
        version=entry.version,
    )
