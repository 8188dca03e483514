"""Entries checked in bulk, from their bytes alone: what a check of a database and one of a folder have in common.

An entry that is plain (ASCII, no control characters, few levels deep) is read and held against its canonical form in C,
for many at once; any other one by `entry.decode`, which stays the definition of what an entry may be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Annotated, Literal, TypeAlias

import msgspec

from watchword.core.errors import Corrupt
from watchword.ledger import merkle
from watchword.ledger.checkpoint import VerifierKey, verify
from watchword.ledger.entry import MAX_BYTES, MAX_INT, decode, format_time, parse_time
from watchword.ledger.store import Joined
from watchword.ledger.verified import REMEDY, SKEW

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many of how many are done."""

Filed: TypeAlias = tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...]]
"""Streams, versions and types of some entries, as somebody else wrote them down."""

_Int = Annotated[int, msgspec.Meta(ge=-MAX_INT, le=MAX_INT)]
_Name = Annotated[str, msgspec.Meta(min_length=1)]
_Scalar: TypeAlias = bool | _Int | str | None

# Types with a limit, each level twice in the next, where a type that names itself can not be had.
_V1: TypeAlias = _Scalar | list[_Scalar] | dict[_Name, _Scalar]
_V2: TypeAlias = _Scalar | list[_V1] | dict[_Name, _V1]
_V3: TypeAlias = _Scalar | list[_V2] | dict[_Name, _V2]
_V4: TypeAlias = _Scalar | list[_V3] | dict[_Name, _V3]
_V5: TypeAlias = _Scalar | list[_V4] | dict[_Name, _V4]
_V6: TypeAlias = _Scalar | list[_V5] | dict[_Name, _V5]
_Value: TypeAlias = _Scalar | list[_V6] | dict[_Name, _V6]


_TIME = "0000-00-00T00:00:00.000Z\n"
_HOUR = len("2026-01-01T00")
_MINUTES, _SECONDS = 14, 17  # where the tens of each stand
_FEED = b"\n"
_SLICE = 200  # entries at once: few enough to stay in the processor's cache while they are checked
_DIGEST = "0" * 64 + "\n"
_DIGITS = str.maketrans("123456789", "0" * 9)
_HEX_DIGITS = str.maketrans("123456789abcdef", "0" * 15)


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
    data: dict[_Name, _Value]
    refs: tuple[str, ...]
    sd: tuple[str, ...]
    stream: _Name
    type: _Name
    v: Literal[1]
    version: Annotated[int, msgspec.Meta(ge=0, le=MAX_INT)]


_read = msgspec.json.Decoder(_Plain).decode_lines
_write = msgspec.json.Encoder(order="deterministic").encode_lines
_stream, _version, _type = attrgetter("stream"), attrgetter("version"), attrgetter("type")
_at, _refs, _sd = attrgetter("at"), attrgetter("refs"), attrgetter("sd")


class Audit:
    """Entries from the first on, in order. What was added holds together; nothing is kept of what did not."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []
        self.nodes = merkle.Nodes(self.leaves)
        self._carriers: dict[str, str] = {}  # commitment -> stream of the entry that carries it
        self._carrying: list[int] = []  # the indices of those entries, in the same order
        self.references = 0
        self.last_at: datetime | None = None
        self._latest = ""
        self._versions: dict[str, int] = {}
        self._known: set[bytes] = set()

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

    @property
    def commitments(self) -> int:
        """How many commitments the entries carry."""
        return len(self._carriers)

    def carried_by(self, commitments: Sequence[str]) -> tuple[str | None, ...]:
        """Return the stream of the entry that carries each of *commitments*, None where none does."""
        return tuple(map(self._carriers.get, commitments))

    def carrier(self, commitment: str) -> int | None:
        """Return the index of the entry that carries *commitment*; looks through all of them."""
        return next((seq for seq, one in zip(self._carrying, self._carriers, strict=True) if one == commitment), None)

    def proved(self) -> tuple[tuple[str, str], ...]:
        """Return what holds of the entries, each with a measure of it."""
        return (
            ("every entry is in canonical form and hashes to its leaf", f"{self.size} entries"),
            ("indices are dense from 0, and so are versions in each stream", f"{self.streams} streams"),
            ("no entry is more than 2 s older than one before it", f"the latest is of {self.last_at}"),
            ("references point to earlier entries", f"{self.references} references"),
        )

    def extends(self, note: str, verifier: VerifierKey) -> tuple[str, str]:
        """Return that the entries go on from *note*, a checkpoint somebody kept; raise `Corrupt` when they do not."""
        kept = verify(note, verifier)
        if kept.size > self.size:
            raise Corrupt(
                f"The ledger went back: it has {self.size} entries, and a checkpoint you kept has {kept.size}.", REMEDY
            )
        if kept.root != self.nodes.root(kept.size):
            raise Corrupt(f"This is another history than the one you kept a checkpoint of, at {kept.size}.", REMEDY)
        return "the entries go on from the checkpoint that was kept elsewhere", f"its {kept.size} are the same"

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

    def add_joined(self, joined: Joined) -> bool:
        """Put the entries in *joined* after the others as far as they surely fit; say whether that was all of them.

        Where it was not, something is wrong, or of a form that has to be looked at alone: `add` says what.
        """
        raws = joined.raws.split(_FEED)
        filed = tuple(column + _FEED for column in (joined.streams, joined.versions, joined.types))
        # As many line feeds as values, and nothing behind the last: what fits from the front then fits whole.
        if len(raws) != joined.count or any(column.count(_FEED) != joined.count for column in filed):
            return False
        if len(joined.leaves) != 32 * joined.count:
            return False
        read = [0, 0, 0]
        for at in range(0, len(raws), _SLICE):
            some = raws[at : at + _SLICE]
            found = _hashed(some, self.size)
            if b"".join(found) != joined.leaves[32 * at : 32 * (at + len(some))]:
                return False
            try:
                plains = _decode_all(some)
                streams, versions = list(map(_stream, plains)), list(map(_version, plains))
                for column, values in enumerate((streams, map(str, versions), map(_type, plains))):
                    said = "\n".join((*values, "")).encode()
                    if not filed[column].startswith(said, read[column]):
                        return False
                    read[column] += len(said)
                self._take(plains, found, streams, versions)
            except Corrupt:
                return False
        return True

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
        streams, versions = tuple(map(_stream, plains)), tuple(map(_version, plains))
        if filed is not None and filed != (streams, versions, tuple(map(_type, plains))):
            raise Corrupt(f"Entry {start} is filed under another stream, version or type.", REMEDY, start)
        self._take(plains, found, streams, versions)

    def _take(
        self, plains: Sequence[_Plain], found: list[bytes], streams: Sequence[str], versions: Sequence[int]
    ) -> None:
        start = self.size
        # 4. versions go on from the stream's last, times from the latest
        numbered = self._numbered(streams, versions, start)
        latest = self._timed(list(map(_at, plains)), start)
        # 5. references point to earlier entries, and no commitment is carried twice
        references = self._referred(plains, found, start)
        carriers, carrying = self._carried(plains, start)
        self._latest, self.last_at = latest, parse_time(latest)
        self._versions.update(numbered)
        self._known.update(found)
        self._carriers.update(carriers)
        self._carrying.extend(carrying)
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

    def _referred(self, plains: Sequence[_Plain], found: Sequence[bytes], start: int) -> int:
        """Return how many references there are, each to an entry before these or, of *found*, before its own."""
        together = bytes.fromhex("".join(chain.from_iterable(map(_refs, plains))))
        leaves = [together[at : at + 32] for at in range(0, len(together), 32)]
        if not all(map(self._known.__contains__, leaves)):
            near: set[bytes] = set()
            for plain, leaf in zip(plains, found, strict=True):
                for ref in plain.refs:
                    if bytes.fromhex(ref) not in self._known and bytes.fromhex(ref) not in near:
                        raise Corrupt(f"Entry {start} refers to {ref}, which is no earlier entry.", REMEDY, start)
                near.add(leaf)
        return len(leaves)

    def _carried(self, plains: Sequence[_Plain], start: int) -> tuple[dict[str, str], list[int]]:
        """Return the stream of each commitment's entry, and their indices in the same order."""
        carriers = [(seq, plain) for seq, plain in enumerate(plains, start) if plain.sd]
        carried = {commitment: plain.stream for _, plain in carriers for commitment in plain.sd}
        carrying = [seq for seq, plain in carriers for _ in plain.sd]
        if len(carried) < len(carrying) or any(map(self._carriers.__contains__, carried)):
            seen: set[str] = set()
            for commitment in (commitment for _, plain in carriers for commitment in plain.sd):
                if commitment in self._carriers or commitment in seen:
                    raise Corrupt(f"Entry {start} repeats the commitment {commitment}.", REMEDY, start)
                seen.add(commitment)
        return carried, carrying


def _hashed(raws: Sequence[bytes], start: int) -> list[bytes]:
    """Return the leaf hash of each of *raws*, as `merkle.hash_leaf` does."""
    sha256 = hashlib.sha256
    try:
        return [sha256(b"\x00" + raw).digest() for raw in raws]
    except TypeError as error:
        raise Corrupt(f"Entry {start} is not stored as bytes: {error}.", REMEDY, start) from error


def _decode_all(raws: Sequence[bytes]) -> list[_Plain]:
    """Return what each of *raws* says; raise `Corrupt` exactly when `entry.decode` would for one of them."""
    lines = b"\n".join((*raws, b""))
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        plains = _read(lines)
        if _are_canonical(raws, lines, plains):
            return plains
    if len(raws) > 1:
        return [plain for raw in raws for plain in _decode_all([raw])]
    return [_defined(raws[0])]


def _are_canonical(raws: Sequence[bytes], lines: bytes, plains: Sequence[_Plain]) -> bool:
    """Say whether *raws*, one on each of *lines*, are surely the canonical bytes of *plains*.

    The types above hold most of the rules. With ASCII alone, text is in normal form, and sorted JSON without blanks is
    its RFC 8785 form. What is written has one line feed for each entry, at its end: if it equals *lines*, then each of
    *raws* is one entry whole.
    """
    return (
        lines.isascii()
        and _are_printable(lines)
        and len(plains) == len(raws)
        and max(map(len, raws)) <= MAX_BYTES
        and _write(plains) == lines
        and _are_times(list(map(_at, plains)))
        and _are_digests([*chain.from_iterable(map(_refs, plains)), *chain.from_iterable(map(_sd, plains))])
    )


def _are_printable(lines: bytes) -> bool:
    """Say whether no text in *lines* holds a control character: JSON has those escaped, all but DEL."""
    if b"\\" in lines:
        # A run of backslashes is read in pairs from its left, by JSON and by `replace`.
        lines = lines.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"\\" not in lines and b"\x7f" not in lines


def _are_times(times: Sequence[str]) -> bool:
    """Say whether each of *times* is a time in its one spelling; a leap second is none."""
    lines = "\n".join((*times, ""))
    if lines.translate(_DIGITS) != _TIME * len(times):
        return False
    try:
        first = times[0][:_HOUR]
        for hour in {first} if lines.count(first) == len(times) else {at[:_HOUR] for at in times}:
            datetime.fromisoformat(hour)
    except ValueError:
        return False
    wide = len(_TIME)
    return max(lines[_MINUTES::wide]) < "6" and max(lines[_SECONDS::wide]) < "6"


def _are_digests(digests: Sequence[str]) -> bool:
    """Say whether each of *digests* is 64 hex digits."""
    return "\n".join((*digests, "")).translate(_HEX_DIGITS) == _DIGEST * len(digests)


def _defined(raw: bytes) -> _Plain:
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
