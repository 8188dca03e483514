"""Bytes and texts that come from a disk or a network, and are anything: only `Corrupt` and `Invalid` come out."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from tests.ledger.conftest import NOON, ORIGIN, draft
from watchword.core import request as approved
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.approval import SignedProof, encode_proof, proof_of
from watchword.core.change import Unlock
from watchword.core.errors import Corrupt, Invalid
from watchword.core.ids import AccountId, CaseId, LeafHash
from watchword.core.passkey import material_of
from watchword.core.person import Credential
from watchword.core.requirement import Context
from watchword.ledger import proof as proven
from watchword.ledger.append import Append, prepare
from watchword.ledger.checkpoint import Checkpoint, SigningKey, VerifierKey, sign, verify
from watchword.ledger.cosignature import Quorum, WitnessKey
from watchword.ledger.entry import Disclosure, Retention, commitment_of, decode, disclose, encode, open_disclosure
from watchword.ledger.keyring import Keyring
from watchword.ledger.payload import open_payload
from watchword.ledger.store import KeyRow, PayloadRow
from watchword.ledger.vault import KeyFile

KEY = SigningKey.generate(ORIGIN)
NOTE = sign(Checkpoint(origin=ORIGIN, size=7, root=bytes(range(32))), KEY)
DEEP = "[" * 100_000
"""Deeper than any reader follows."""

with_surrogates = st.text(st.characters(exclude_categories=[]))
"""Halves of characters too."""


def damaged(good: bytes) -> st.SearchStrategy[bytes]:
    """Any bytes, and *good* with some of it changed, left out or put in."""
    cut = st.tuples(st.integers(0, len(good)), st.integers(0, 6), st.binary(max_size=6))
    return st.binary(max_size=120) | cut.map(lambda c: good[: c[0]] + c[2] + good[c[0] + c[1] :])


def damaged_text(good: str) -> st.SearchStrategy[str]:
    """Any text, and *good* with some of it changed, left out or put in."""
    cut = st.tuples(st.integers(0, len(good)), st.integers(0, 6), with_surrogates.map(lambda t: t[:6]))
    return with_surrogates | cut.map(lambda c: good[: c[0]] + c[2] + good[c[0] + c[1] :])


def judged(attempt: Callable[[], object]) -> object:
    """What *attempt* gives, None where it is refused in our own words."""
    try:
        return attempt()
    except (Corrupt, Invalid) as fault:
        return None if fault.remedy else pytest.fail(f"no way on: {fault}")


# --- entries, checkpoints, proofs


ENTRY = encode(
    prepare(
        (Append(stream="case/1", expected_version=-1, drafts=(draft("case.noted", deep=[{"a": [1, None, "é"]}]),)),),
        (),
        (),
        keyring=None,  # type: ignore[arg-type]  # nothing is sealed
    )
    .entries[0]
    .entry
)


@given(damaged(ENTRY))
@example(b'{"v":1,"data":{"a":' + DEEP.encode())
@example(b"\xff")
def test_an_entry(raw: bytes) -> None:
    """An entry is read only from its own canonical bytes."""
    made = judged(lambda: decode(raw))
    assert made is None or encode(made) == raw  # type: ignore[arg-type]  # an entry


@given(damaged_text(NOTE))
@example(NOTE.replace(ORIGIN, "\ud800"))
@example("\ud800" + NOTE)
@example(f"{ORIGIN}\n{'9' * 5000}\n\n\u2014 a YWJjZGVm\n")
def test_a_checkpoint(note: str) -> None:
    """Whatever a note says, only what the key signed is a checkpoint."""
    found = judged(lambda: verify(note, KEY.verifier))
    assert found is None or found == verify(NOTE, KEY.verifier)


WITNESS = WitnessKey("witness.example.test/w", Ed25519PrivateKey.generate().public_key())
PROOF = proven.Proof(index=3, path=(bytes(32), bytes(range(32))), note=NOTE, extra=b"more").text()


@given(damaged_text(NOTE + f"\u2014 {WITNESS.name} {base64.b64encode(WITNESS.key_id + bytes(72)).decode()}\n"))
def test_a_cosigned_checkpoint(note: str) -> None:
    """No noise is a cosignature."""
    assert not judged(lambda: Quorum((WITNESS,), 1).cosigners(note))


@given(damaged_text(PROOF), st.binary(max_size=40))
def test_evidence(told: str, entry: bytes) -> None:
    """A proof of inclusion is read and checked, or refused."""
    assert judged(lambda: proven.verify(proven.parse(told), entry, KEY.verifier)) is None


@given(damaged_text(KEY.vkey))
def test_a_verifier_key(vkey: str) -> None:
    """A verifier key is one in whole."""
    found = judged(lambda: VerifierKey.parse(vkey))
    assert found is None or str(found) == vkey.strip()


# --- key files and what is sealed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for key files."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def keys(folder: Path) -> KeyFile:
    """The good one."""
    return KeyFile.create(folder / "good.keys")


KEYS = msgspec.json.encode({"version": 2, "root": bytes(32), "wrapping": bytes(32)})
SIGNING = b"PRIVATE+KEY+" + ORIGIN.encode() + b"+00000000+AQAA"


@given(damaged(KEYS) | damaged(SIGNING))
@example(b'{"x":' + DEEP.encode())
@example(b'{"version":' + DEEP.encode())
@example(b'{"version":2,"x":' + DEEP.encode())
def test_a_key_file(folder: Path, raw: bytes) -> None:
    """A file that is no key file is refused, whatever is in it."""
    path = folder / "noise.keys"
    path.write_bytes(raw)
    path.chmod(0o600)
    judged(lambda: KeyFile.load(path))
    judged(lambda: SigningKey.load(path))


CASE = "case/1"
names = st.sampled_from([CASE, "case/2", "", "é\x00"]) | st.text()
"""Text as a database gives it, which is whole characters."""


@given(
    name=names,
    stream=names,
    retention=st.sampled_from(Retention),
    wrapped=st.binary(max_size=80),
    by=st.none() | names,
)
def test_a_row_of_a_data_key(
    keys: KeyFile,
    name: str,
    stream: str,
    retention: Retention,
    wrapped: bytes,
    by: str | None,
) -> None:
    """No made-up row opens as a data key."""
    row = KeyRow(
        id=name,
        stream=stream,
        retention=retention,
        wrapped=wrapped,
        wrapped_by=keys.name if by is None else by,
        made_at=NOON,
    )
    assert judged(lambda: Keyring(keys, ORIGIN).open(row)) is None


@given(row=st.data())
def test_a_sealed_payload(keys: KeyFile, row: st.DataObject) -> None:
    """A payload opens in its own row alone."""
    ring = Keyring(keys, ORIGIN)
    data_key = ring.draw(CASE, Retention.SHORT, NOON)
    made = PayloadRow(
        commitment=row.draw(names),
        stream=row.draw(names),
        name=row.draw(names),
        retention=row.draw(st.sampled_from(Retention)),
        key=row.draw(st.sampled_from([data_key.row.id, "other"])),
        sealed=row.draw(st.binary(max_size=80)),
    )
    assert judged(lambda: open_payload(made, key=data_key, origin=ORIGIN)) is None


DISCLOSED = disclose(Disclosure(name="phone", value="+15550100", retention=Retention.SHORT), bytes(16))


@given(damaged(DISCLOSED) | st.binary(max_size=60).map(base64.urlsafe_b64encode))
@example(base64.urlsafe_b64encode(DEEP.encode()))
@example(base64.urlsafe_b64encode(b'["a","b","\\ud800"]'))
def test_a_disclosure(raw: bytes) -> None:
    """What is no disclosure is refused; another one has another commitment."""
    found = judged(lambda: open_disclosure(raw, Retention.SHORT))
    assert found is None or raw == DISCLOSED or commitment_of(raw) != commitment_of(DISCLOSED)


# --- what was approved


REQUEST = approved.Request(
    log=ORIGIN,
    case=CaseId("c-a"),
    account=AccountId("a-a"),
    account_class=AccountClass.STANDARD,
    action=Action.UNLOCK,
    changes=(Unlock(account=AccountId("a-a")),),
    context=Context(),
    ticket=None,
    evidence=(LeafHash("00" * 32),),
    policy="sha256:00",
    nonce="00",
    checkpoint=approved.NotBefore(size=1, root="00" * 32),
    not_after=datetime(2026, 1, 1, 13, tzinfo=UTC),
).encode()


@given(damaged_text(REQUEST))
@example('{"changes":[{"kind":"unlock","x":' + DEEP)
@example('{"context":{"x":' + DEEP)
@example('{"v":' + "9" * 5000)
@example(REQUEST.replace("2026-01-01T13:00:00Z", "0001-01-01T00:00:00+23:59"))
@example(REQUEST.replace("2026-01-01T13:00:00Z", "9999-12-31T23:59:59-23:59"))
def test_an_approved_request(told: str) -> None:
    """A request is read only from its own canonical text."""
    found = judged(lambda: approved.parse(told))
    assert found is None or found.encode() == told  # type: ignore[attr-defined]  # a request


SIGNED = encode_proof(SignedProof(credential="aa", client_data="bb", authenticator_data="cc", signature="dd"))


@given(damaged_text(SIGNED))
@example('{"kind":"sshsig","x":' + DEEP)
@example('{"x":' + DEEP)
def test_a_proof_of_approval(told: str) -> None:
    """A proof is one of ours or none, and no noise is an enrolled passkey."""
    proof_of(told)
    assert material_of(Credential(id="k", method="passkey", enrolled_at=NOON, public=told)) is None
