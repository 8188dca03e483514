"""Entries checked in bulk: the quick way comes to what the definition says, and the first bad one is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.conftest import NOON
from watchword.core.errors import Corrupt, Invalid
from watchword.core.ids import LeafHash
from watchword.ledger.audit import Audit
from watchword.ledger.entry import Entry, decode, encode
from watchword.ledger.merkle import hash_leaf, root_of

HEX = "0123456789abcdef" * 4


def entry(
    version: int = 0,
    *,
    after: float = 0,
    refs: tuple[str, ...] = (),
    sd: tuple[str, ...] = (),
    stream: str = "case/1",
    data: dict[str, Any] | None = None,
) -> bytes:
    """Return the bytes of an entry made *after* seconds past noon."""
    return encode(
        Entry(
            stream=stream,
            version=version,
            type="case.noted",
            at=NOON + timedelta(seconds=after),
            actor="p-aaaaaaaaaaaaaaaaaaaa",
            data={} if data is None else data,
            refs=tuple(LeafHash(ref) for ref in refs),
            sd=sd,
        )
    )


def audited(*raws: bytes, chunk: int = 200) -> Audit:
    """Return what an audit makes of *raws*, given some at a time."""
    audit = Audit()
    for at in range(0, len(raws), chunk):
        part = raws[at : at + chunk]
        audit.add(part, [hash_leaf(raw) for raw in part])
    return audit


def refused(*raws: bytes, chunk: int = 200) -> Corrupt:
    with pytest.raises(Corrupt) as found:
        audited(*raws, chunk=chunk)
    return found.value


GOOD = entry(data={"a": 1, "b": [True, None, {"c": "d"}], "say": 'he said "no" \\ left'})
SPOILED = (
    GOOD.replace(b'{"a":1,', b'{"a": 1,'),
    GOOD.replace(b'{"a":1,', b'{"a":1.0,'),
    GOOD.replace(b'{"a":1,', b'{"a":1.5,'),
    GOOD.replace(b'{"a":1,', b'{"a":-0,'),
    GOOD.replace(b'{"a":1,', b'{"a":9007199254740992,'),
    GOOD.replace(b'{"a":1,', b'{"a":%d,' % 10**40),
    GOOD.replace(b'{"a":1,', b'{"a":1,"a":1,'),
    GOOD.replace(b'{"a":1,', b'{"":1,'),
    GOOD.replace(b'{"a":1,', b'{"a":{"":1},'),
    GOOD.replace(b'{"a":1,', b'{"a\\n":1,'),
    GOOD.replace(b'{"a":1,', b'{"a\x7f":1,'),
    GOOD.replace(b'{"a":1,', b'{"\\u0061":1,'),
    GOOD.replace(b"no", b"\\u006eo"),
    GOOD.replace(b"no", b"n\x00o"),
    GOOD.replace(b"no", b"n\xffo"),
    GOOD.replace(b"no", "e\u0301".encode()),
    GOOD.replace(b'"v":1', b'"v":2'),
    GOOD.replace(b'"v":1', b'"v":true'),
    GOOD.replace(b'"v":1', b'"v":1.0'),
    GOOD.replace(b'"v":1', b'"v":1,"w":1'),
    GOOD.replace(b'"version":0', b'"version":-1'),
    GOOD.replace(b'"version":0', b'"version":00'),
    GOOD.replace(b'"stream":"case/1"', b'"stream":""'),
    GOOD.replace(b"case.noted", b"case\x7fnoted"),
    GOOD.replace(b"case.noted", b"case\\tnoted"),
    GOOD.replace(b"2026-01-01T12:00:00.000Z", b"2026-02-30T12:00:00.000Z"),
    GOOD.replace(b"2026-01-01T12:00:00.000Z", b"2026-01-01T24:00:00.000Z"),
    GOOD.replace(b"2026-01-01T12:00:00.000Z", b"2026-01-01T12:60:00.000Z"),
    GOOD.replace(b"2026-01-01T12:00:00.000Z", b"2026-01-01T12:00:60.000Z"),
    GOOD.replace(b"2026-01-01T12:00:00.000Z", b"2026-01-01T12:00:00.000z"),
    GOOD.replace(b"2026-01-01T12:00:00.000Z", b"2026-01-01 12:00:00.000Z"),
    GOOD.replace(b"2026-01-01T12:00:00.000Z", b"2026-W01-4T12:00:00.000Z"),
    GOOD.replace(b"2026-01-01T12:00:00.000Z", b"2026-01-01T12:00:00.00ZZ"),
    GOOD.replace(b'"refs":[]', b'"refs":["%s"]' % HEX.upper().encode()),
    GOOD.replace(b'"sd":[]', b'"sd":["%s"]' % HEX[1:].encode()),
    GOOD.replace(b'"sd":[]', b'"sd":["%s0"]' % HEX.encode()),
    GOOD.replace(b'"data":', b'"data":[],"data":'),
    GOOD + b"\n",
    b"\n" + GOOD,
    GOOD + b"\n" + GOOD,
    GOOD[:-1],
    b"[]",
    b"",
    b"\xff",
    GOOD.replace(b'"a":1', b'"a":' + b"[" * 40 + b"]" * 40),
    GOOD.replace(b'"a":1', b'"a":' + b"[" * 40_000 + b"]" * 40_000),
    GOOD.replace(b'"a":1', b'"a":"' + b"x" * 9000 + b'"'),
)


@pytest.mark.parametrize("number", range(len(SPOILED)))
def test_what_the_definition_refuses_is_refused_in_bulk(number: int) -> None:
    """Each way to write an entry wrongly is found between good ones, and named; `decode` refuses it as well."""
    spoiled = SPOILED[number]
    assert spoiled != GOOD
    with pytest.raises(Corrupt):
        decode(spoiled)
    raws = [GOOD, entry(1), entry(2), spoiled, entry(3)]
    assert refused(*raws).seq == 3


def test_two_halves_are_no_two_entries() -> None:
    """Two rows whose bytes make two entries only together are two bad rows."""
    both = entry() + b"\n" + entry(1)
    cut = len(both) // 3
    assert refused(both[:cut], both[cut:]).seq == 0
    inside = entry().replace(b'"data":{}', b'"data":\n{}').split(b"\n")
    assert refused(*inside).seq == 0


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), values, max_size=4))
def test_what_can_be_written_is_taken_in_bulk(data: dict[str, Any]) -> None:
    """Any data that makes an entry passes; its bytes are those of an RFC 8785 library."""
    try:
        raw = entry(data=data)
    except Invalid:
        return
    audit = audited(raw, entry(1))
    assert audit.nodes.root(2) == root_of([hash_leaf(raw), hash_leaf(entry(1))])
    assert b'"data":%s,"refs"' % rfc8785.dumps(data) in raw


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_changed_byte_is_judged_alike(at: int, byte: int) -> None:
    """Bulk and definition agree on every entry with one byte changed, in a chunk and alone."""
    raw = GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]
    try:
        decoded = decode(raw)
    except Corrupt:
        assert refused(entry(0, stream="other"), raw).seq == 1
        return
    if decoded.version == 0 and decoded.stream != "other":
        assert audited(entry(0, stream="other", after=-(10**9)), raw).size == 2


def test_every_ascii_character_is_escaped_as_rfc_8785_says() -> None:
    """Text with every ASCII character in it has the bytes an RFC 8785 library gives it."""
    text = "".join(map(chr, range(128)))
    raw = entry(data={"t": text})
    assert rfc8785.dumps(text) in raw
    assert audited(raw).size == 1


@pytest.mark.parametrize("chunk", [1, 2, 200])
def test_the_first_that_does_not_fit_is_named(chunk: int) -> None:
    """Numbering, time, references and commitments are held across chunks, and the first fault is told."""
    first, second = entry(), entry(1)
    leaf = hash_leaf(first).hex()
    faults = (
        (entry(3), "numbering"),
        (entry(1), "numbering"),
        (entry(1, stream="case/2"), "numbering"),
        (entry(2, after=-2.001), "older"),
        (entry(2, refs=(HEX,)), "no earlier entry"),
        (entry(2, sd=(HEX, HEX)), "repeats the commitment"),
    )
    for bad, why in faults:
        fault = refused(first, second, bad, entry(9), chunk=chunk)
        assert (fault.seq, why in fault.what) == (2, True), fault.what
    good = audited(first, second, entry(2, after=-2, refs=(leaf, hash_leaf(second).hex()), sd=(HEX,)), chunk=chunk)
    assert (good.size, good.references, good.streams, good.commitments) == (3, 2, 1, 1)
    assert (good.carried_by((HEX, leaf)), good.carrier(HEX), good.carrier(leaf)) == (("case/1", None), 2, None)
    assert good.last_at == NOON
    repeated = refused(entry(sd=(HEX,)), entry(1, sd=(HEX,)), chunk=chunk)
    assert repeated.seq == 1


def test_nothing_is_kept_of_what_did_not_fit() -> None:
    """After a refusal, what stood before it still stands, and the right entry still fits."""
    audit = audited(entry())
    for bad in (entry(5), entry(1, refs=(HEX,)), b"no entry"):
        with pytest.raises(Corrupt):
            audit.add([bad], [hash_leaf(bad)])
        assert audit.size == 1
    audit.add([entry(1)], [hash_leaf(entry(1))])
    assert audit.size == 2


def test_bytes_that_are_no_bytes_and_another_leaf_are_told() -> None:
    """A database may hold text where bytes should be; a leaf hash may be another's."""
    for raws, leaves in (([entry().decode()], [b""]), ([None], [b""]), ([entry()], [bytes(32)]), ([entry()], ["x"])):
        with pytest.raises(Corrupt) as found:
            Audit().add(raws, leaves)  # type: ignore[arg-type]  # that is the point
        assert found.value.seq == 0
