"""The key file, the data keys it wraps, and what is sealed under them."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec
import pytest

from tests.ledger.conftest import NOON, ORIGIN
from watchword.core.errors import Corrupt, Invalid
from watchword.ledger.contract import KeyProviderContract
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.keyring import Keyring
from watchword.ledger.payload import open_payload, seal_payload
from watchword.ledger.provider import context_of
from watchword.ledger.vault import KeyFile

PHONE = Disclosure(name="phone", value="+15550100", retention=Retention.IDENTITY)


class TestKeyFile(KeyProviderContract):
    """The file is a key provider."""

    @pytest.fixture
    def provider(self, tmp_path: Path) -> KeyFile:
        """A new file."""
        return KeyFile.create(tmp_path / "own.keys")

    @pytest.fixture
    def other(self, tmp_path: Path) -> KeyFile:
        """Another new file."""
        return KeyFile.create(tmp_path / "other.keys")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "payload.keys"


@pytest.fixture
def keys(path: Path) -> KeyFile:
    return KeyFile.create(path)


@pytest.fixture
def keyring(keys: KeyFile) -> Keyring:
    return Keyring(keys, ORIGIN)


def test_loaded_keys_are_the_created_ones(keys: KeyFile, path: Path) -> None:
    """What was wrapped before a restart unwraps after it, and subkeys stay the same."""
    wrapped = keys.wrap(bytes(32), b"here")
    loaded = KeyFile.load(path)
    assert loaded.unwrap(wrapped, b"here") == bytes(32)
    assert loaded.derive("challenge") == keys.derive("challenge")


def test_subkeys_differ_by_purpose(keys: KeyFile) -> None:
    """Each purpose has a 32-byte key of its own."""
    assert len(keys.derive("challenge")) == 32
    assert keys.derive("challenge") != keys.derive("origin")


def test_file_is_for_its_owner(keys: KeyFile, path: Path) -> None:
    """The file is made 0600, is never replaced, and is refused when others can read it."""
    assert keys.name.startswith("file-")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Invalid, match="exists"):
        KeyFile.create(path)
    path.chmod(0o644)
    with pytest.raises(Invalid, match="chmod 600"):
        KeyFile.load(path)


def test_damaged_file_is_refused(keys: KeyFile, path: Path) -> None:
    """A file without every key, or with none, is named as the fault."""
    content = msgspec.json.decode(path.read_bytes())
    short = content | {"wrapping": content["wrapping"][:8]}
    later = content | {"version": 3}
    for damaged in (*map(msgspec.json.encode, (short, later, {"version": 2})), b"{}", b"\xff"):
        path.write_bytes(damaged)
        with pytest.raises(Invalid, match=r"payload\.keys"):
            KeyFile.load(path)
    assert keys.derive("x")


def test_file_of_the_old_format_is_told(path: Path) -> None:
    """A key file from before data keys is refused with the way on."""
    path.touch(0o600)
    path.write_bytes(msgspec.json.encode({"version": 1, "root": "", "payload": {}}))
    with pytest.raises(Invalid, match="before data keys") as refused:
        KeyFile.load(path)
    assert "watchword init" in refused.value.remedy


def test_every_drawn_key_is_another(keyring: Keyring) -> None:
    """Two keys for one stream and class have two ids, and neither opens what the other sealed."""
    one, two = (keyring.draw("case/1", Retention.IDENTITY, NOON) for _ in range(2))
    assert one.row.id != two.row.id
    row = seal_payload(PHONE, key=one, origin=ORIGIN)
    with pytest.raises(Corrupt):
        open_payload(msgspec.structs.replace(row, key=two.row.id), key=two, origin=ORIGIN)


def test_a_wrapped_key_serves_in_its_place_only(keys: KeyFile, keyring: Keyring) -> None:
    """Moved to another stream, class, id or ledger, or changed, a wrapped key is refused."""
    row = keyring.draw("case/1", Retention.SHORT, NOON).row
    assert Keyring(keys, ORIGIN).open(row).row == row
    moved = (
        {"stream": "case/2"},
        {"retention": Retention.CORE},
        {"id": "0" * 32},
        {"wrapped": row.wrapped[:-1] + bytes([row.wrapped[-1] ^ 1])},
    )
    for change in moved:
        with pytest.raises(Corrupt):
            Keyring(keys, ORIGIN).open(msgspec.structs.replace(row, **change))
    with pytest.raises(Corrupt):
        Keyring(keys, "other.test").open(row)


def test_a_cached_key_does_not_hide_a_changed_row(keyring: Keyring) -> None:
    """What is at hand serves for exactly the row it came from."""
    row = keyring.draw("case/1", Retention.SHORT, NOON).row
    keyring.open(row)
    with pytest.raises(Corrupt):
        keyring.open(msgspec.structs.replace(row, stream="case/2"))


def test_the_file_of_another_ledger_is_told(keyring: Keyring, tmp_path: Path) -> None:
    """A key file that wrapped nothing here names both keys."""
    row = keyring.draw("case/1", Retention.SHORT, NOON).row
    with pytest.raises(Invalid, match=row.wrapped_by):
        Keyring(KeyFile.create(tmp_path / "other.keys"), ORIGIN).open(row)


def test_memory_is_bounded(keys: KeyFile) -> None:
    """Only the latest keys are at hand; the others are unwrapped again."""
    keyring = Keyring(keys, ORIGIN, bound=2)
    drawn = [keyring.draw(f"case/{number}", Retention.SHORT, NOON) for number in range(4)]
    keyring.keep(drawn)
    at_hand = [number for number in range(4) if keyring.current(f"case/{number}", Retention.SHORT)]
    assert at_hand == [2, 3]
    assert all(keyring.open(key.row).row == key.row for key in drawn)


def test_context_tells_everything_apart() -> None:
    """No two places share a context, whatever stands in their names."""
    places = itertools.product(("a", 'a","b'), ("k", "l"), ("case/1", "case/2"), Retention)
    contexts = [context_of(*place) for place in places]
    assert len(set(contexts)) == len(contexts)


def test_seal_opens_in_its_place_only(keyring: Keyring) -> None:
    """A sealed row opens as it is, and with any part changed it does not."""
    key = keyring.draw("case/1", Retention.IDENTITY, NOON)
    row = seal_payload(PHONE, key=key, origin=ORIGIN)
    assert open_payload(row, key=key, origin=ORIGIN) == PHONE
    wrong: tuple[dict[str, object], ...] = (
        {"name": "mail"},
        {"retention": Retention.CORE},
        {"stream": "case/2"},
        {"key": "0" * 32},
        {"commitment": "0" * 64},
        {"sealed": row.sealed[:-1]},
        {"sealed": b""},
    )
    for change in wrong:
        with pytest.raises(Corrupt):
            open_payload(msgspec.structs.replace(row, **change), key=key, origin=ORIGIN)
    with pytest.raises(Corrupt):
        open_payload(row, key=key, origin="other.test")


def test_equal_values_look_different(keyring: Keyring) -> None:
    """Sealing twice gives two values under two commitments."""
    key = keyring.draw("case/1", Retention.IDENTITY, NOON)
    one, two = (seal_payload(PHONE, key=key, origin=ORIGIN) for _ in range(2))
    assert (one.sealed != two.sealed, one.commitment != two.commitment) == (True, True)
