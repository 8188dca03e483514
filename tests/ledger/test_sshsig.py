"""Approvals as SSH signatures: stock OpenSSH reads what is written here, and only what it should."""

from __future__ import annotations

import base64
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.openssh import openssl_accepts, ssh_accepts, with_tools
from watchword.cli.demo.authenticator import SoftAuthenticator, b64
from watchword.core.approval import SignedProof
from watchword.core.errors import Corrupt, Invalid, Refused
from watchword.core.passkey import PasskeyMaterial, RelyingParty
from watchword.ledger.approval import CHECKS, point_of, verify
from watchword.ledger.sshsig import allowed_signer, namespace_of, parse, signed_data

LOG = "desk.example.test/ledger"
NAMESPACE = namespace_of(LOG)
ORIGIN = "https://desk.example.test"
PARTY = RelyingParty(id="desk.example.test", name="Desk", origins=(ORIGIN,))
REQUEST = '{"account":"a-sue","decision":"approve","v":1}'
WHO = "p-k3m7q2x5w8z4n6p9r2t5"
ENROLLED = datetime(2026, 1, 1, 8, 30, 15, 250_000, tzinfo=UTC)
REVOKED = datetime(2026, 6, 1, tzinfo=UTC)


def material_for(own: SoftAuthenticator, **other: Any) -> PasskeyMaterial:
    """What an enrolment of *own* holds."""
    fields = {
        "credential_id": b64(own.credential_id),
        "public_key": b64(own.public_key()),
        "sign_count": 0,
        "aaguid": "00000000-0000-0000-0000-000000000000",
        "backup_eligible": False,
        "rp_id": PARTY.id,
    }
    return msgspec.convert(fields | other, PasskeyMaterial)


def proof_by(own: SoftAuthenticator, request: str = REQUEST, log: str = LOG, **fault: Any) -> SignedProof:
    """What *own* makes of *request*."""
    challenge = b64(signed_data(namespace_of(log), request.encode()))
    answer = json.loads(own.get(json.dumps({"challenge": challenge, "rpId": PARTY.id}), **fault))
    return SignedProof(
        credential=answer["id"],
        client_data=answer["response"]["clientDataJSON"],
        authenticator_data=answer["response"]["authenticatorData"],
        signature=answer["response"]["signature"],
    )


OWN = SoftAuthenticator(ORIGIN)
PROOF = proof_by(OWN)
SIGNED = verify(PROOF, REQUEST, log=LOG, material=material_for(OWN), party=PARTY).signature
ARMOUR = SIGNED.armour()


def signers(**window: datetime) -> str:
    """The file an auditor is given."""
    return allowed_signer(WHO, SIGNED.key, NAMESPACE, **({"valid_after": ENROLLED} | window))


# --- stock tools -----------------------------------------------------------------------------------------------------


@with_tools
@pytest.mark.parametrize("extensions", [b"", b"\xa1\x63abc\x01"])
def test_openssh_and_openssl_accept_an_approval(tmp_path: Path, extensions: bytes) -> None:
    """Both tools take a signature made in software, with extension data behind the counter or without."""
    proof = proof_by(OWN, extensions=extensions)
    made = verify(proof, REQUEST, log=LOG, material=material_for(OWN), party=PARTY)
    assert ssh_accepts(
        tmp_path,
        signers=signers(),
        principal=WHO,
        namespace=NAMESPACE,
        armour=made.signature.armour(),
        message=REQUEST.encode(),
    )
    assert openssl_accepts(tmp_path, made.signature, proof)
    assert made.checks == CHECKS


@with_tools
def test_openssh_refuses_everything_else(tmp_path: Path) -> None:
    """Another request, namespace or person, and a key outside the times of its line, are refused."""

    def accepted(**other: Any) -> bool:
        asked = {"signers": signers(), "principal": WHO, "namespace": NAMESPACE, "message": REQUEST.encode()}
        return ssh_accepts(tmp_path, **(asked | {"armour": ARMOUR} | other))

    assert accepted()
    assert not accepted(message=REQUEST.replace("a-sue", "a-eve").encode())
    assert not accepted(message=REQUEST.encode() + b"\n")
    assert not accepted(namespace=namespace_of("other.example.test"))
    assert not accepted(namespace="file")
    assert not accepted(principal="p-somebody")
    ended = signers(valid_before=REVOKED)
    assert accepted(signers=ended, at="20260531235959Z")
    assert not accepted(signers=ended, at="20260601000001Z")
    assert accepted(signers=ended, at="20260101083015Z")
    assert not accepted(signers=ended, at="20260101083014Z")
    everything = signers().replace(NAMESPACE, namespace_of("other.example.test"))
    assert not accepted(signers=everything)


@with_tools
def test_openssh_reads_the_key(tmp_path: Path) -> None:
    """The public key of the line is a security key to `ssh-keygen`, which prints its fingerprint."""
    (tmp_path / "key.pub").write_text(f"{SIGNED.key}\n")
    done = subprocess.run(["ssh-keygen", "-l", "-f", "key.pub"], cwd=tmp_path, capture_output=True, check=True)
    assert b"ECDSA-SK" in done.stdout


# --- there and back --------------------------------------------------------------------------------------------------


def test_an_armoured_signature_is_read_back_whole() -> None:
    """What comes out of the armour is what was verified, byte for byte, so either form serves for a check."""
    assert parse(ARMOUR) == SIGNED
    assert parse(ARMOUR).armour() == ARMOUR
    assert base64.urlsafe_b64decode(PROOF.authenticator_data + "==") == SIGNED.authenticator_data


def test_what_is_signed_is_separated_by_domain() -> None:
    """The blob is OpenSSH's own: magic, namespace, hash and digest, each with its length before it."""
    blob = signed_data("n", b"m")
    assert blob.startswith(b"SSHSIG\0\0\0\x01n\0\0\0\0\0\0\0\x06sha512\0\0\0\x40")
    assert len({signed_data(n, m) for n in ("n", "nn") for m in (b"", b"m", b"n")}) == 6


@given(st.text(max_size=300))
def test_noise_is_corrupt(noise: str) -> None:
    """Whatever the text, it is answered with the one error that says stop."""
    with pytest.raises(Corrupt):
        parse(noise)


@given(st.binary(max_size=200))
def test_noise_in_armour_is_corrupt(noise: bytes) -> None:
    """Nothing but the two errors comes out of any bytes in the right armour."""
    body = base64.b64encode(b"SSHSIG" + noise).decode()
    with pytest.raises((Corrupt, Invalid)):
        parse(f"-----BEGIN SSH SIGNATURE-----\n{body}\n-----END SSH SIGNATURE-----\n")


BODY = base64.b64decode("".join(ARMOUR.split("\n")[1:-2]))


@given(where=st.integers(0, len(BODY) - 1), other=st.binary(max_size=5), cut=st.integers(0, 5))
def test_damage_is_found_or_reads_as_something_else(where: int, other: bytes, cut: int) -> None:
    """Bytes put in, taken out or changed anywhere are malformed, or read as another signature."""
    damaged = BODY[:where] + other + BODY[where + cut :]
    text = base64.b64encode(damaged).decode()
    try:
        read = parse(f"-----BEGIN SSH SIGNATURE-----\n{text}\n-----END SSH SIGNATURE-----\n")
    except (Corrupt, Invalid):
        return
    assert damaged == BODY or read != SIGNED


@with_tools
def test_other_signatures_of_ssh_are_not_ours(tmp_path: Path) -> None:
    """A plain SSH signature, by `ssh-keygen` itself, is well made and still no approval."""
    keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "id"]
    subprocess.run(keygen, cwd=tmp_path, check=True)
    sign = ["ssh-keygen", "-Y", "sign", "-f", "id", "-n", NAMESPACE]
    done = subprocess.run(sign, cwd=tmp_path, input=REQUEST.encode(), capture_output=True, check=True)
    with pytest.raises(Invalid, match="security key"):
        parse(done.stdout.decode())


@pytest.mark.parametrize("name", ["a b", "*", "a,b", 'a"b', "!a", "", "a?", "a\nb"])
def test_a_name_that_openssh_reads_as_a_pattern_is_refused(name: str) -> None:
    """No line is written that lets in more than one name."""
    with pytest.raises(Invalid):
        allowed_signer(name, SIGNED.key, NAMESPACE, valid_after=ENROLLED)
    with pytest.raises(Invalid):
        allowed_signer(WHO, SIGNED.key, f"reset-approval@{name}" if name else "", valid_after=ENROLLED)


# --- what OpenSSH does not check --------------------------------------------------------------------------------------


FAULTS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"kind": "webauthn.create"}, "type"),
    ({"challenge": b64(bytes(32))}, "challenge"),
    ({"challenge": ""}, "challenge"),
    ({"challenge": b64(signed_data(namespace_of("other"), REQUEST.encode()))}, "challenge"),
    ({"challenge": b64(signed_data(NAMESPACE, REQUEST.encode())) + "="}, "challenge"),
    ({"origin": "https://desk.example.test.evil.test"}, "origin"),
    ({"origin": "http://desk.example.test"}, "origin"),
    ({"origin": "https://desk.example.test/"}, "origin"),
    ({"cross_origin": True}, "origin"),
    ({"more": {"topOrigin": "https://evil.test"}}, "origin"),
    ({"more": {"topOrigin": ORIGIN}}, "origin"),
    ({"rp_id": "example.test"}, "relying_party"),
    ({"user_present": False}, "presence"),
    ({"user_verified": False}, "user_verification"),
    ({"user_present": False, "user_verified": False}, "presence"),
    ({"flags": 0x08}, "backup"),
    ({"flags": 0x10}, "backup"),
    ({"flags": 0x40}, "openssh"),
    ({"flags": 0x80}, "openssh"),
    ({"first": {"hint": 1}}, "openssh"),
    ({"first": {"challenge": b64(bytes(121))}}, "openssh"),
)
"""What an assertion can depart in, and the check that finds it."""


def refused(proof: SignedProof, request: str = REQUEST, log: str = LOG, **other: Any) -> str:
    """The check that *proof* fails."""
    with pytest.raises(Refused) as caught:
        verify(proof, request, log=log, material=material_for(OWN, **other), party=PARTY)
    (reason,) = caught.value.reasons
    assert caught.value.remedy
    return reason.removeprefix("approval:")


@pytest.mark.parametrize(("fault", "check"), FAULTS)
def test_each_fault_is_found_by_its_own_check(fault: dict[str, Any], check: str) -> None:
    """Everything that `ssh-keygen` lets pass is refused here, and says why."""
    assert refused(proof_by(OWN, **fault)) == check


def test_a_member_written_twice_deceives_nobody() -> None:
    """Client data that mean one thing to the first reader of a member and another to the last are refused."""
    honest = base64.urlsafe_b64decode(PROOF.client_data + "==")
    evil = b64(signed_data(NAMESPACE, b"other"))
    twice = honest[:-1] + f',"challenge":"{evil}"}}'.encode()
    assert refused(msgspec.structs.replace(PROOF, client_data=b64(twice))) == "challenge"
    hidden = f'{{"challenge":"{evil}",'.encode() + honest[1:]
    assert refused(msgspec.structs.replace(PROOF, client_data=b64(hidden))) == "signature"


@given(st.integers(0, len(REQUEST) - 1), st.characters(exclude_categories=["Cs"]))
def test_no_altered_character_of_the_request_passes(where: int, other: str) -> None:
    """One byte more, less or different is another request."""
    altered = REQUEST[:where] + other + REQUEST[where + 1 :]
    if altered != REQUEST:
        assert refused(PROOF, altered) == "challenge"


def test_a_signature_for_another_ledger_or_key_does_not_hold() -> None:
    """Neither the name of the ledger nor the enrolment can be exchanged."""
    assert refused(PROOF, log="other.example.test") == "challenge"
    assert refused(PROOF, credential_id=b64(bytes(32))) == "credential"
    assert refused(PROOF, public_key=b64(SoftAuthenticator(ORIGIN).public_key())) == "signature"
    assert refused(PROOF, rp_id="other.example.test") == "relying_party"
    assert refused(PROOF, backup_eligible=True) == "backup"


@given(
    part=st.sampled_from(["client_data", "authenticator_data", "signature", "credential"]), noise=st.text(max_size=60)
)
def test_noise_in_any_part_is_refused(part: str, noise: str) -> None:
    """No text in place of a part raises anything but a refusal."""
    assert refused(msgspec.structs.replace(PROOF, **{part: noise}))


@given(st.binary(max_size=90))
def test_a_key_that_is_no_p256_key_is_refused(key: bytes) -> None:
    """Malformed CBOR, other curves and other algorithms verify nothing."""
    with pytest.raises(Refused):
        point_of(material_for(OWN, public_key=b64(key)))


def test_a_point_off_the_curve_is_refused() -> None:
    """A key of the right length that is no point of the curve verifies nothing, and breaks nothing."""
    off = OWN.public_key()[:-1] + bytes([OWN.public_key()[-1] ^ 1])
    assert refused(PROOF, public_key=b64(off)) == "signature"


@pytest.mark.parametrize(
    "der",
    [
        b"0",
        b"0\x06\x02\x01\x00\x02\x01\x00",
        b"0\x80\x02\x01\x01\x02\x01\x01\x00\x00",
        b"0\x06\x02\x01\xff\x02\x01\xff",
        pytest.param(SIGNED.der + b"\x00", id="one byte more"),
        pytest.param(SIGNED.der[:-1], id="one byte less"),
    ],
)
def test_der_that_is_not_der_is_refused(der: bytes) -> None:
    """Signatures in another spelling, cut short, or of numbers that no signature has, are refused."""
    assert refused(msgspec.structs.replace(PROOF, signature=b64(der))) == "signature"


@pytest.mark.parametrize("length", [1, 31, 32, 33, 36])
def test_authenticator_data_that_are_cut_short_are_refused(length: int) -> None:
    """Where flags or counter are missing, nothing is read past the end."""
    whole = base64.urlsafe_b64decode(PROOF.authenticator_data + "==")
    assert refused(msgspec.structs.replace(PROOF, authenticator_data=b64(whole[:length]))) == "relying_party"


def test_padding_and_other_spellings_of_base64_are_refused() -> None:
    """One assertion has one spelling, or one approval would have many."""
    assert refused(msgspec.structs.replace(PROOF, signature=PROOF.signature + "=")) == "credential"
    assert refused(msgspec.structs.replace(PROOF, client_data=PROOF.client_data + "\n")) == "credential"
