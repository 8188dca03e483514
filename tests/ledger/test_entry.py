"""The exact bytes of an entry."""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from watchword.core.errors import Corrupt, Invalid
from watchword.core.ids import LeafHash
from watchword.ledger.entry import (
    MAX_BYTES,
    Disclosure,
    Entry,
    Retention,
    commitment_of,
    decode,
    disclose,
    encode,
    open_disclosure,
)
from watchword.ledger.merkle import hash_leaf

AT = datetime(2026, 1, 1, tzinfo=UTC)
ENTRY = Entry(stream="case/1", version=0, type="case.opened", at=AT, actor="p-1", data={})
CANONICAL = (
    b'{"actor":"p-1","at":"2026-01-01T00:00:00.000Z","data":{},"refs":[],"sd":[],'
    b'"stream":"case/1","type":"case.opened","v":1,"version":0}'
)

names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8).filter(
    partial(unicodedata.is_normalized, "NFC")
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(partial(unicodedata.is_normalized, "NFC"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
entries = st.builds(
    Entry,
    stream=names,
    version=st.integers(0, 2**53 - 1),
    type=names,
    at=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
    ),
    actor=names,
    data=st.dictionaries(names, values, max_size=4),
    refs=st.lists(digests.map(LeafHash), max_size=2).map(tuple),
    sd=st.lists(digests, max_size=2).map(tuple),
)


def entry(**changed: Any) -> Entry:
    return msgspec.structs.replace(ENTRY, **changed)


def test_bytes_are_written_down_once() -> None:
    """The bytes of a known entry, and their leaf hash, never change."""
    assert encode(ENTRY) == CANONICAL
    assert hash_leaf(CANONICAL).hex() == hashlib.sha256(b"\x00" + CANONICAL).hexdigest()


@given(entries)
def test_decode_undoes_encode(made: Entry) -> None:
    """Every entry comes back from its bytes as it was."""
    assert decode(encode(made)) == made


@given(entries)
@example(entry(data={"\U00010000": 1, "\uffff": 2, "a": '\u2028é\\"/\x7f\x00\n\b'}))
def test_bytes_are_rfc_8785(made: Entry) -> None:
    """The quick way to canonical bytes agrees with the library on every value that may stand in an entry."""
    assert encode(made) == rfc8785.dumps(json.loads(encode(made)))


@given(
    st.binary(max_size=80)
    | entries.map(encode).flatmap(
        lambda raw: st.integers(0, len(raw) - 1).map(lambda at: raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
    )
)
def test_decode_lets_only_corrupt_out(raw: bytes) -> None:
    """Whatever the bytes, decode gives their entry or raises Corrupt."""
    try:
        made = decode(raw)
    except Corrupt:
        return
    assert encode(made) == raw


@pytest.mark.parametrize(
    "raw",
    [
        CANONICAL.replace(b":", b": ", 1),
        CANONICAL.replace(b'"v":1', b'"v":2'),
        CANONICAL.replace(b'"v":1', b'"v":1.0'),
        CANONICAL.replace(b'"data":{}', b'"data":{"a":1,"a":1}'),
        CANONICAL.replace(b'"data":{}', b'"data":{"a":1.5}'),
        CANONICAL.replace(b'"data":{}', b'"data":{"b":1,"a":1}'),
        CANONICAL.replace(b'"data":{}', b'"data":{"a":9007199254740993}'),
        CANONICAL.replace(b'"data":{}', b'"data":' + b'{"a":' * 5000 + b"1" + b"}" * 5000),
        CANONICAL.replace(b'"version":0', b'"version":-1'),
        CANONICAL.replace(b"00.000Z", b"00Z"),
        CANONICAL.replace(b"2026-01-01", b"2026-13-01"),
        CANONICAL.replace(b'"actor":"p-1"', b'"actor":"p\\u002d1"'),
        CANONICAL.replace(b'"actor":"p-1"', b'"actor":""'),
        CANONICAL.replace(b'"sd":[]', b'"sd":["AA"]'),
        CANONICAL.replace(b"}", b',"z":1}'),
        CANONICAL + b"\n",
        b"",
        b"\xff",
    ],
)
def test_other_spellings_are_corrupt(raw: bytes) -> None:
    """There is one spelling of an entry; every other is refused, and nothing but Corrupt comes out."""
    with pytest.raises(Corrupt):
        decode(raw)


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        (entry(data={"a": 1.0}), "data.a"),
        (entry(data={"a": [1, {"b": 2**53}]}), "data.a[1].b"),
        (entry(data={"a": -(2**53)}), "data.a"),
        (entry(data={"a": "e\u0301"}), "data.a"),
        (entry(data={"e\u0301": 1}), "data"),
        (entry(data={"a\n": 1}), "data"),
        (entry(data={"": 1}), "data"),
        (entry(data={1: 1}), "data"),
        (entry(data={"a": b"bytes"}), "data.a"),
        (entry(data={"a": "\ud800"}), "data"),
        (entry(data={"a": "x" * MAX_BYTES}), "data"),
        (entry(stream="case/\x00"), "stream"),
        (entry(stream=""), "stream"),
        (entry(type="case\x85"), "type"),
        (entry(actor="p\t"), "actor"),
        (entry(version=-1), "version"),
        (entry(version=True), "version"),
        (entry(refs=(LeafHash("AB" * 32),)), "refs"),
        (entry(sd=("00",)), "sd"),
        (entry(at=AT.replace(tzinfo=None)), "at"),
        (entry(at=AT.astimezone(timezone(timedelta(hours=1)))), "at"),
        (entry(at=AT.replace(microsecond=1)), "at"),
    ],
)
def test_bad_values_are_named(bad: Entry, where: str) -> None:
    """What JSON would blur is refused before it is written, and the message says where it stands."""
    with pytest.raises(Invalid) as refusal:
        encode(bad)
    assert refusal.value.where.startswith(where)
    assert refusal.value.remedy


def test_deep_values_are_refused() -> None:
    """Nesting has an end, so that no reader is exhausted."""
    value: list[Any] = []
    for _ in range(20):
        value = [value]
    with pytest.raises(Invalid, match="nest"):
        encode(entry(data={"a": value}))


def test_published_disclosure() -> None:
    """The disclosure and digest printed in RFC 9901 §4.2 open and hash here as they do there."""
    disclosed = b"WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    digest = base64.urlsafe_b64encode(bytes.fromhex(commitment_of(disclosed))).rstrip(b"=")
    assert digest == b"X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
    assert open_disclosure(disclosed, Retention.CORE).value == "M\u00f6bius"


def test_disclosure_is_salt_name_and_value() -> None:
    """A disclosure is base64url of a compact JSON array, and the commitment its digest."""
    salt = bytes(range(16))
    disclosure = Disclosure(name="phone", value="+15550100", retention=Retention.SHORT)
    text = json.dumps(
        [base64.urlsafe_b64encode(salt).rstrip(b"=").decode(), "phone", "+15550100"], separators=(",", ":")
    )
    disclosed = base64.urlsafe_b64encode(text.encode()).rstrip(b"=")
    assert disclose(disclosure, salt) == disclosed
    assert commitment_of(disclosed) == hashlib.sha256(disclosed).hexdigest()
    assert open_disclosure(disclosed, Retention.SHORT) == disclosure


def test_salt_hides_equal_values() -> None:
    """Equal values under different salts have nothing in common; a salt of another length is refused."""
    disclosure = Disclosure(name="phone", value="+15550100", retention=Retention.SHORT)
    one, two = (commitment_of(disclose(disclosure, salt)) for salt in (bytes(16), bytes([1]) * 16))
    assert one != two
    with pytest.raises(Invalid, match="16 bytes"):
        disclose(disclosure, bytes(15))


@pytest.mark.parametrize("disclosed", [b"", b"!", b"bm90IGpzb24", base64.urlsafe_b64encode(b'["a","b"]')])
def test_other_bytes_are_no_disclosure(disclosed: bytes) -> None:
    """What is no salted pair is Corrupt."""
    with pytest.raises(Corrupt):
        open_disclosure(disclosed, Retention.SHORT)
