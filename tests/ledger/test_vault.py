"""Payload encryption under a key file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from watchword.core.errors import Corrupt, Invalid
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.payload import open_payload, seal_payload
from watchword.ledger.vault import KeyFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "payload.keys"


@pytest.fixture
def keys(path: Path) -> KeyFile:
    return KeyFile.create(path)


def test_seal_opens_in_its_place_only(keys: KeyFile) -> None:
    """A sealed value opens under the same name, class and place, and under no other."""
    sealed = keys.seal("phone", b"+15550100", Retention.SHORT, b"here")
    assert keys.open("phone", sealed, Retention.SHORT, b"here") == b"+15550100"
    wrong = [
        ("mail", sealed, Retention.SHORT, b"here"),
        ("phone", sealed, Retention.CORE, b"here"),
        ("phone", sealed, Retention.SHORT, b"there"),
        ("phone", sealed[:-1], Retention.SHORT, b"here"),
        ("phone", b"", Retention.SHORT, b"here"),
        ("phone", bytes([sealed[0] ^ 1]) + sealed[1:], Retention.SHORT, b"here"),
    ]
    for name, value, retention, aad in wrong:
        with pytest.raises(Corrupt):
            keys.open(name, value, retention, aad)


def test_equal_values_look_different(keys: KeyFile) -> None:
    """Sealing twice gives two values."""
    assert keys.seal("a", b"b", Retention.CORE, b"") != keys.seal("a", b"b", Retention.CORE, b"")


def test_loaded_keys_are_the_created_ones(keys: KeyFile, path: Path) -> None:
    """What was sealed before a restart opens after it, and subkeys stay the same."""
    sealed = keys.seal("phone", b"+15550100", Retention.LEGAL_HOLD, b"")
    loaded = KeyFile.load(path)
    assert loaded.open("phone", sealed, Retention.LEGAL_HOLD, b"") == b"+15550100"
    assert loaded.derive("challenge") == keys.derive("challenge")


def test_subkeys_differ_by_purpose(keys: KeyFile) -> None:
    """Each purpose has a 32-byte key of its own."""
    assert len(keys.derive("challenge")) == 32
    assert keys.derive("challenge") != keys.derive("origin")


def test_file_is_for_its_owner(keys: KeyFile, path: Path) -> None:
    """The file is made 0600, is never replaced, and is refused when others can read it."""
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Invalid, match="exists"):
        KeyFile.create(path)
    path.chmod(0o644)
    with pytest.raises(Invalid, match="chmod 600"):
        KeyFile.load(path)


def test_damaged_file_is_refused(keys: KeyFile, path: Path) -> None:
    """A file without every key, or with none, is named as the fault."""
    content = msgspec.json.decode(path.read_bytes())
    del content["payload"]["core"]
    for damaged in (msgspec.json.encode(content), b"{}", b"\xff"):
        path.write_bytes(damaged)
        with pytest.raises(Invalid, match=r"payload\.keys"):
            KeyFile.load(path)


def test_payload_moved_to_another_stream_does_not_open(keys: KeyFile) -> None:
    """A sealed row is worth something only in the stream it was sealed for."""
    disclosure = Disclosure(name="phone", value="+15550100", retention=Retention.IDENTITY)
    row = seal_payload(disclosure, stream="case/1", keys=keys, origin="example.test")
    assert open_payload(row, keys=keys, origin="example.test") == disclosure
    with pytest.raises(Corrupt):
        open_payload(msgspec.structs.replace(row, stream="case/2"), keys=keys, origin="example.test")
    with pytest.raises(Corrupt):
        open_payload(row, keys=keys, origin="other.test")
