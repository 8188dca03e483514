"""Time-stamps of an authority made with OpenSSL, in the shapes that authorities have."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger.conftest import ORIGIN, Place
from tests.ledger.time_authority import TimeAuthority
from watchword.core.errors import Corrupt, Invalid, Unavailable
from watchword.ledger.leader import Append, Draft
from watchword.ledger.timestamp import Authority, Stamper, verify_token

NOTE = b"example.test/ledger\n7\n\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TimeAuthority:
    """A root and a signer."""
    return TimeAuthority(tmp_path_factory.mktemp("tsa") / "plain")


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"deep": True, "chain": True},
        {"chain": True},
        {"named": True},
        {"digits": 3},
        {"deep": True, "chain": True, "named": True, "digits": 6},
    ],
    ids=str,
)
def test_tokens_of_every_shape_are_read(tmp_path: Path, shape: dict[str, bool]) -> None:
    """Whatever certificates it carries in whatever order, and OpenSSL agrees."""
    made = TimeAuthority(tmp_path / "tsa", **shape)
    token = made.stamp(NOTE)
    at = verify_token(token, NOTE, made.root)
    assert timedelta(0) <= datetime.now(UTC) - at < timedelta(minutes=5)
    with pytest.raises(Corrupt):
        verify_token(token, NOTE + b"x", made.root)
    (tmp_path / "token").write_bytes(token)
    (tmp_path / "note").write_bytes(NOTE)
    openssl = ("openssl", "ts", "-verify", "-in", "token", "-data", "note", "-CAfile", str(made.root))
    assert subprocess.run(openssl, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_every_question_is_answered(authority: TimeAuthority, tmp_path: Path) -> None:
    """Other digests, and no nonce; with one, the strict parser and OpenSSL both hold it against the question."""
    for asked in (("-sha512",), ("-sha256", "-no_nonce")):
        verify_token(authority.stamp(NOTE, *asked), NOTE, authority.root)
    chained = TimeAuthority(tmp_path / "chained", deep=True, chain=True)
    for made in (authority, chained):
        with made.serving() as url:
            Authority(name="tsa", url=url, roots=made.root).stamp(NOTE)
        with pytest.raises(Corrupt, match=r"(?i)nonce"):
            verify_token(made.stamp(NOTE), NOTE, made.root, nonce=7)


def test_another_root_does_not_vouch(authority: TimeAuthority, tmp_path: Path) -> None:
    """The signer's certificate comes with the token; that alone makes it trusted by nobody."""
    stranger = TimeAuthority(tmp_path / "stranger")
    chained = TimeAuthority(tmp_path / "chained", deep=True, chain=True)
    for made in (stranger, chained):
        with pytest.raises(Corrupt, match="does not hold"):
            verify_token(made.stamp(NOTE), NOTE, authority.root)


def test_every_byte_of_a_token_counts(authority: TimeAuthority) -> None:
    """A flipped byte is found, or it is one that nothing depends on: then the time it says is the same."""
    token = authority.stamp(NOTE)
    said = verify_token(token, NOTE, authority.root)
    found = 0
    for place in range(0, len(token), 7):
        changed = bytearray(token)
        changed[place] ^= 0x01
        try:
            assert verify_token(bytes(changed), NOTE, authority.root) == said
        except Corrupt:
            found += 1
    assert found > len(token) // 7 * 0.8


@pytest.mark.parametrize("status", [0, 1, 2, 5, 99])
def test_the_words_around_a_token_say_nothing(authority: TimeAuthority, status: int) -> None:
    """The response is not signed, only the token in it: whoever carries it can write no other time or nonce there."""
    token = authority.stamp(NOTE)
    said = verify_token(token, NOTE, authority.root)
    lies = "no matter\nTime stamp: Jan  1 00:00:00 2020 GMT\nNonce: 0x07\n"
    forged = worded(token, status, lies)
    if status > 1:
        with pytest.raises(Corrupt):
            verify_token(forged, NOTE, authority.root)
        return
    assert verify_token(forged, NOTE, authority.root) == said
    with pytest.raises(Corrupt, match=r"(?i)nonce"):
        verify_token(forged, NOTE, authority.root, nonce=7)


def worded(response: bytes, status: int, words: str) -> bytes:
    """Return *response* with another status and *words* beside it (RFC 3161 §2.4.2), its token untouched."""
    inner = response[2 + (response[1] & 0x7F if response[1] & 0x80 else 0) :]
    token = inner[2 + inner[1] :]
    text = _der(0x30, _der(0x0C, words.encode()))
    return _der(0x30, _der(0x30, _der(0x02, bytes((status,))) + text) + token)


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    long = size.to_bytes((size.bit_length() + 7) // 8, "big") if size > 127 else b""
    return bytes((tag, 0x80 | len(long) if long else size)) + long + content


@given(response=st.binary(max_size=400))
@settings(max_examples=30)
def test_any_bytes_are_a_token_or_corrupt(authority: TimeAuthority, response: bytes) -> None:
    """Nothing but `Corrupt` comes out."""
    with pytest.raises(Corrupt):
        verify_token(response, NOTE, authority.root)


def test_roots_that_are_none(authority: TimeAuthority, tmp_path: Path) -> None:
    """A missing file, or one without certificates, is said with its name."""
    (tmp_path / "empty.pem").write_text("nothing")
    token = authority.stamp(NOTE)
    for roots in (tmp_path / "none.pem", tmp_path / "empty.pem"):
        with pytest.raises(Invalid) as told:
            verify_token(token, NOTE, roots)
        assert roots.name in told.value.what


def test_checkpoints_are_stamped_again_and_again(authority: TimeAuthority, place: Place) -> None:
    """The latest checkpoint is stamped when its time has come, and not twice; one that is away is asked again."""
    ledger = place.open()
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def write(number: int) -> None:
        draft = Draft(type="test.noted", at=noon, actor="p-test", data={})
        ledger.append((Append(stream="case/c", expected_version=number - 1, drafts=(draft,)),))

    write(0)
    with authority.serving() as url:
        there = Authority(name="tsa", url=url, roots=authority.root)
        stamper = Stamper(ledger, (there,), timedelta(hours=1))
        stamper.step(noon)
        stamper.step(noon + timedelta(hours=2))
        write(1)
        stamper.step(noon + timedelta(minutes=30))
        assert [each.size for each in ledger.testimony.stamped()] == [1]
        stamper.step(noon + timedelta(hours=2))
        stamped = ledger.testimony.stamped()
        assert [each.size for each in stamped] == [1, 2]
        assert ORIGIN in stamped[0].note
        assert all(datetime.now(UTC) - stamper.check(each) < timedelta(minutes=5) for each in stamped)
    write(2)
    stamper.step(noon + timedelta(hours=4))
    assert len(ledger.testimony.stamped()) == 2
    with pytest.raises(Corrupt, match="configured"):
        Stamper(ledger, (), timedelta(hours=1)).check(stamped[0])


def test_what_answers_is_no_authority(authority: TimeAuthority, tmp_path: Path) -> None:
    """Nobody there, and an authority that others trust, give no token."""
    nobody = Authority(name="tsa", url="http://127.0.0.1:9/", roots=authority.root, timeout_s=1)
    with pytest.raises(Unavailable, match="gave no token"):
        nobody.stamp(NOTE)
    other = TimeAuthority(tmp_path / "other")
    with other.serving() as url, pytest.raises(Unavailable, match="does not hold"):
        Authority(name="tsa", url=url, roots=authority.root).stamp(NOTE)
