"""Checkpoints and their signed notes, against the published formats."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from watchword.core.errors import Corrupt, Invalid
from watchword.ledger.checkpoint import Checkpoint, SigningKey, VerifierKey, sign, verify
from watchword.ledger.merkle import empty_root
from watchword.ledger.note import key_id

KEY = SigningKey.generate("example.test/ledger")
CHECKPOINT = Checkpoint(origin="example.test/ledger", size=7, root=bytes(range(32)))
NOTE = sign(CHECKPOINT, KEY)

# golang.org/x/mod/sumdb/note: the key, text and signature of its package example.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="


def test_key_of_another_implementation() -> None:
    """The key id and signature that Go's note package prints in its documentation check here."""
    key = VerifierKey.parse(GO_VKEY)
    assert str(key) == GO_VKEY
    assert key.key_id.hex() == "c74f20a3"
    signature = base64.b64decode(GO_SIGNATURE)
    assert signature[:4] == key.key_id
    assert key.check(signature[4:], GO_TEXT.encode())
    with pytest.raises(Corrupt, match="not a checkpoint"):
        verify(f"{GO_TEXT}\n\u2014 PeterNeumann {GO_SIGNATURE}\n", key)


def test_note_is_laid_out_as_specified() -> None:
    """Three lines, a blank one, and an em-dash line with the key id and 64 signature bytes over the text."""
    text, signature_line = NOTE.split("\n\n")
    assert text == f"example.test/ledger\n7\n{base64.b64encode(bytes(range(32))).decode()}"
    dash, name, blob = signature_line.rstrip("\n").split(" ")
    assert (dash, name) == ("\u2014", "example.test/ledger")
    identifier, signature = base64.b64decode(blob)[:4], base64.b64decode(blob)[4:]
    raw = base64.b64decode(KEY.vkey.split("+", 2)[2])
    assert raw[:1] == b"\x01"
    assert identifier == hashlib.sha256(b"example.test/ledger\n" + raw).digest()[:4] == key_id(name, raw)
    Ed25519PublicKey.from_public_bytes(raw[1:]).verify(signature, f"{text}\n".encode())


def test_empty_tree_is_the_published_line() -> None:
    """The checkpoint of an empty tree carries the root every implementation prints."""
    text = Checkpoint(origin="example.test/ledger", size=0, root=empty_root()).text()
    assert text == "example.test/ledger\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"


def test_verify_returns_what_was_signed() -> None:
    """A note verifies under its key, also when written as a vkey, and beside signatures of others."""
    assert verify(NOTE, VerifierKey.parse(KEY.vkey)) == CHECKPOINT
    other = base64.b64encode(b"abcd" + bytes(64)).decode()
    assert verify(f"{NOTE}\u2014 witness.example.test {other}\n", KEY.verifier) == CHECKPOINT


@pytest.mark.parametrize("at", range(len(NOTE.encode())))
def test_every_changed_byte_is_found(at: int) -> None:
    """A note with any one byte changed is Corrupt."""
    raw = bytearray(NOTE.encode())
    raw[at] ^= 1
    with pytest.raises(Corrupt):
        verify(raw.decode(errors="replace"), KEY.verifier)


@pytest.mark.parametrize(
    "text",
    [
        "example.test/ledger\n07\n{root}\n",
        "example.test/ledger\n-7\n{root}\n",
        "example.test/ledger\n7\n{root}\nextension\n",
        "example.test/ledger\n7\n",
        "example.test/ledger\n7\nAAAA\n",
        "example.test/ledger\n7\n!\n",
        "other.test/ledger\n7\n{root}\n",
    ],
)
def test_signed_but_no_checkpoint_of_ours(text: str) -> None:
    """A good signature over anything but this ledger's checkpoint in its only spelling proves nothing."""
    text = text.format(root=base64.b64encode(bytes(32)).decode())
    signature = base64.b64encode(KEY.verifier.key_id + KEY.sign(text.encode())).decode()
    with pytest.raises(Corrupt):
        verify(f"{text}\n\u2014 example.test/ledger {signature}\n", KEY.verifier)


@pytest.mark.parametrize(
    "note", ["", "\n\n", NOTE.rstrip("\n"), NOTE.split("\u2014")[0], NOTE + "\n", NOTE + "- a b\n", NOTE + "\u2014 a\n"]
)
def test_malformed_notes_are_corrupt(note: str) -> None:
    """What is no signed note is Corrupt, not an error of ours."""
    with pytest.raises(Corrupt):
        verify(note, KEY.verifier)


def test_another_key_of_the_same_name_proves_nothing() -> None:
    """A note signed by a stranger under our name is not accepted."""
    stranger = SigningKey.generate("example.test/ledger")
    with pytest.raises(Corrupt, match="no signature"):
        verify(sign(CHECKPOINT, stranger), KEY.verifier)


def test_key_signs_for_its_own_ledger_only() -> None:
    """A key does not sign under another name."""
    with pytest.raises(Invalid, match="can not sign"):
        sign(Checkpoint(origin="other.test", size=0, root=empty_root()), KEY)


def test_key_file_round_trip(tmp_path: Path) -> None:
    """A saved key loads, its file is for its owner alone, and it is never overwritten."""
    path = tmp_path / "signing.key"
    KEY.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert SigningKey.load(path).vkey == KEY.vkey
    with pytest.raises(Invalid, match="exists"):
        KEY.save(path)


def test_key_file_open_to_others_is_refused(tmp_path: Path) -> None:
    """A key that others can read is not used, and the message says what to run."""
    path = tmp_path / "signing.key"
    KEY.save(path)
    path.chmod(0o640)
    with pytest.raises(Invalid, match=f"chmod 600 {path}"):
        SigningKey.load(path)


@pytest.mark.parametrize("content", ["", "PRIVATE+KEY+a+00+AA==", "nonsense", "PRIVATE+KEY+a b+00000000+AQ=="])
def test_other_files_are_no_key(tmp_path: Path, content: str) -> None:
    """A file with something else in it is refused by name."""
    path = tmp_path / "signing.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(Invalid, match=r"signing\.key"):
        SigningKey.load(path)


def test_missing_key_file_says_the_way_on(tmp_path: Path) -> None:
    """A key file that is not there is said to be not there."""
    with pytest.raises(Invalid, match="watchword init"):
        SigningKey.load(tmp_path / "none.key")


@pytest.mark.parametrize(
    "vkey", ["", "a+b+c", GO_VKEY[:-4], GO_VKEY.replace("c74f20a3", "c74f20a4"), "a+00000000+Ag=="]
)
def test_malformed_vkeys_are_refused(vkey: str) -> None:
    """A vkey cut short, of another kind or with a wrong id is refused."""
    with pytest.raises(Invalid):
        VerifierKey.parse(vkey)


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\n"])
def test_names_that_break_the_format_are_refused(origin: str) -> None:
    """A ledger's name has no blanks and no plus."""
    with pytest.raises(Invalid):
        SigningKey.generate(origin)
