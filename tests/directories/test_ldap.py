"""What stands under Active Directory: filters, replication metadata, authorities."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.protocol import rfc4511
from ldap3.utils.asn1 import decoder, encode

from watchword.core.errors import Invalid, Unavailable
from watchword.directories.ldap_filter import Filter
from watchword.directories.ldap_session import Endpoint, connect
from watchword.directories.replication import stamps


@given(st.text() | st.binary())
def test_a_value_stays_a_value(value: str | bytes) -> None:
    """Whatever stands in a value, what is sent is one equality match with exactly its bytes."""
    sent = encode(Filter.equals("displayName", value).asn1)
    received, rest = decoder.decode(sent, asn1Spec=rfc4511.Filter())
    raw = value.encode() if isinstance(value, str) else value
    assert rest == b""
    assert received.getName() == "equalityMatch"
    assert bytes(received["equalityMatch"]["assertionValue"]) == raw
    assert bytes(received["equalityMatch"]["attributeDesc"]) == b"displayName"


def test_filters_nest() -> None:
    """Conjunction and disjunction hold their parts in order."""
    parts = (Filter.present("cn"), Filter.at_least("whenChanged", "2026"), Filter.equals("cn", "x"))
    nested = Filter.all_of(parts[0], Filter.any_of(*parts[1:]))
    sent = encode(nested.asn1)
    assert sent[0] == 0xA0  # RFC 4511 §4.5.1: and is [0], or is [1]
    assert bytes([0xA1]) in sent
    assert all(encode(part.asn1) in sent for part in parts)


@pytest.mark.parametrize("attribute", ["", "cn=*)(x", "1.2.3", "cn\n", "memberOf:1.2:"])
def test_an_attribute_is_a_name_and_nothing_else(attribute: str) -> None:
    """Text can not get in through the attribute either."""
    with pytest.raises(ValueError, match="attribute name"):
        Filter.equals(attribute, "x")


def vector(*entries: tuple[int, int, int]) -> bytes:
    """Build replication metadata as [MS-DRSR] 5.162 lays it out."""
    rows = (struct.pack("<IIq16sqq", attribute, version, at, b"\0" * 16, 7, 7) for attribute, version, at in entries)
    return struct.pack("<QQ", 1, len(entries)) + b"".join(rows)


def test_versions_and_times_come_out_of_replication_metadata() -> None:
    """The password's version and time are read, what no recovery touches is left out."""
    found = stamps(vector((0x9005A, 4, 13439709822), (0x90001, 9, 0)))
    assert set(found) == {"unicodePwd"}
    assert found["unicodePwd"].version == 4
    assert found["unicodePwd"].at == datetime(2026, 11, 21, 4, 43, 42, tzinfo=UTC)


@pytest.mark.parametrize("cut", [0, 8, 16, 40, 63])
def test_metadata_cut_short_is_not_guessed_at(cut: int) -> None:
    """A blob that ends early, or is of a version nobody knows, is an error and no version 0."""
    with pytest.raises(Unavailable):
        stamps(vector((0x9005A, 4, 0))[:cut])
    with pytest.raises(Unavailable):
        stamps(struct.pack("<QQ", 2, 0))


def test_a_missing_authority_file_stops_before_anything_is_sent(tmp_path: Path) -> None:
    """Without authorities nothing is believed and nothing is said."""
    (tmp_path / "password").write_text("secret")
    endpoint = Endpoint(
        host="127.0.0.1", ca_file=tmp_path / "ca.pem", bind_user="x", password_file=tmp_path / "password", port=1
    )
    with pytest.raises(Invalid, match="certificate authorities"), connect(endpoint, "corp"):
        pass
