"""Passkeys: the contract, every attack on an assertion we know, enrolment, and the second look at a stored proof."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace

from watchword.cli.demo.authenticator import BE, SoftAuthenticator, b64
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import AccountId, CaseId, PersonId
from watchword.core.passkey import PasskeyMaterial, RelyingParty
from watchword.core.person import Credential
from watchword.methods.contract import AT, SOON, MethodContract
from watchword.methods.passkey import Passkey
from watchword.methods.port import Ask, MethodPort

ORIGIN = "https://recovery.example.test"
PARTY = RelyingParty(id="recovery.example.test", name="Recovery", origins=(ORIGIN,))
PERSON = PersonId("p-5d8e")
METHOD = Passkey(PARTY)
WRONG: tuple[object, ...] = (None, 1, [], {}, "", "é")


def enrol(authenticator: SoftAuthenticator, method: Passkey = METHOD) -> Credential:
    """An enrolment of *authenticator*, as the ledger has it."""
    options = method.enrolment_options(challenge="ch-enrol", person=PERSON, login="mara.vogt")
    public = method.enrol(challenge="ch-enrol", person=PERSON, answer=authenticator.create(options))
    return Credential(id="k-1", method="passkey", enrolled_at=AT, public=public)


def ask_for(credential: Credential) -> Ask:
    """A challenge to whoever holds *credential*."""
    return Ask(
        challenge="ch-0123456789abcdefghij",
        case=CaseId("c-k3m7q2x5w8z4n6p9r2t5"),
        account=AccountId("a-7f3k"),
        purpose="verify",
        at=AT,
        credential=credential,
    )


def options(ask: Ask, method: MethodPort = METHOD) -> str:
    """What the browser is asked."""
    shown = method.begin(ask).show_caller
    assert shown is not None
    return shown


@pytest.fixture
def own() -> SoftAuthenticator:
    """The person's authenticator."""
    return SoftAuthenticator(ORIGIN)


@pytest.fixture
def ask(own: SoftAuthenticator) -> Ask:
    """A challenge to that person."""
    return ask_for(enrol(own))


class TestPasskey(MethodContract):
    """A passkey whose counter counts."""

    name = "passkey"
    counts = True

    @pytest.fixture(autouse=True)
    def _people(self) -> None:
        """The person's authenticator and somebody else's."""
        self.own = SoftAuthenticator(ORIGIN, counts=self.counts, backup=not self.counts)
        self.other = SoftAuthenticator(ORIGIN)
        self.credential = enrol(self.own)

    def method(self) -> MethodPort:
        """The method."""
        return METHOD

    def ask(self) -> Ask:
        """Somebody with a passkey."""
        return ask_for(self.credential)

    def right(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """Signed by the person's own."""
        return self.own.get(options(ask, method))

    def wrong(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """Signed by another."""
        return self.other.get(options(ask, method))


class TestSyncedPasskey(TestPasskey):
    """A passkey that is backed up and never counts."""

    counts = False


class TestOwnerPasskey(TestPasskey):
    """The same method under the name it has for an owner of record."""

    name = "owner_passkey"

    def method(self) -> MethodPort:
        """The method."""
        return Passkey(PARTY, "owner_passkey")


class TestCustodianPasskey(TestPasskey):
    """The same method under the name it has at the break-glass ceremony."""

    name = "custodian_passkey"

    def method(self) -> MethodPort:
        """The method."""
        return Passkey(PARTY, "custodian_passkey")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"user_verified": False}, "user_verification"),
        ({"user_present": False}, "wrong_answer"),
        ({"origin": "https://recovery.example.test.evil.test"}, "origin"),
        ({"origin": "http://recovery.example.test"}, "origin"),
        ({"cross_origin": True}, "origin"),
        ({"rp_id": "example.test"}, "wrong_answer"),
        ({"challenge": b64(bytes(32))}, "wrong_answer"),
        ({"challenge": ""}, "wrong_answer"),
        ({"kind": "webauthn.create"}, "wrong_answer"),
        ({"flags": BE}, "wrong_answer"),
    ],
)
def test_faults(own: SoftAuthenticator, ask: Ask, fault: dict[str, Any], reason: str) -> None:
    """Each departure from an honest assertion is refused, and for its own reason."""
    with pytest.raises(Refused) as caught:
        METHOD.check(ask, own.get(options(ask), **fault), SOON)
    assert caught.value.reasons == (reason,)


def test_frame_in_a_frame(own: SoftAuthenticator, ask: Ask) -> None:
    """A page of ours inside somebody else's is refused by its top origin, even signed and not marked cross-origin."""
    framed = own.get(options(ask), more={"topOrigin": "https://evil.test"})
    with pytest.raises(Refused) as caught:
        METHOD.check(ask, framed, SOON)
    assert caught.value.reasons == ("origin",)


@pytest.mark.parametrize("count", [0, 4, 5])
def test_counter_going_back(own: SoftAuthenticator, ask: Ask, count: int) -> None:
    """A counter that stands still, goes back or vanishes is an old answer or a copied key."""
    assert ask.credential is not None
    ask = replace(ask, credential=replace(ask.credential, counter=5))
    with pytest.raises(Refused) as caught:
        METHOD.check(ask, own.get(options(ask), count=count), SOON)
    assert caught.value.reasons == ("replayed", "final")
    assert METHOD.check(ask, own.get(options(ask), count=6), SOON).counter == 6


def test_other_credential_id_over_own_signature(own: SoftAuthenticator, ask: Ask) -> None:
    """The id in the answer has to be the enrolled one, though the signature alone would verify."""
    data = json.loads(own.get(options(ask)))
    data["id"] = data["rawId"] = b64(bytes(32))
    with pytest.raises(Refused):
        METHOD.check(ask, json.dumps(data), SOON)


def test_one_name_does_not_stand_for_another(own: SoftAuthenticator, ask: Ask) -> None:
    """An assertion for the person's own method is not one for the custodians' ceremony."""
    answer = own.get(options(ask))
    with pytest.raises(Refused):
        Passkey(PARTY, "custodian_passkey").check(ask, answer, SOON)


def test_wrong_shapes(own: SoftAuthenticator, ask: Ask) -> None:
    """Whatever is missing from an assertion or has another type is refused as a wrong answer."""
    whole = json.loads(own.get(options(ask)))
    for field in ("id", "rawId", "type", "response"):
        for value in WRONG:
            with pytest.raises(Refused):
                METHOD.check(ask, json.dumps(whole | {field: value}), SOON)
    for field in ("clientDataJSON", "authenticatorData", "signature"):
        for value in (*WRONG, "A", b64(b"{}"), b64(b"[" * 5_000), b64(b"\xff" * 40)):
            response = whole["response"] | {field: value}
            with pytest.raises(Refused):
                METHOD.check(ask, json.dumps(whole | {"response": response}), SOON)


def test_recheck_needs_no_clock_and_no_counter(own: SoftAuthenticator, ask: Ask) -> None:
    """Years later, with the counter far ahead and the challenge long spent, the stored assertion still verifies."""
    proof = METHOD.check(ask, own.get(options(ask)), SOON)
    assert ask.credential is not None
    used = replace(ask.credential, counter=10_000)
    later = replace(ask, credential=used, spent=True, attempts=3, at=AT + timedelta(days=3_000))
    METHOD.recheck(later, proof)


def test_recheck_of_something_else(own: SoftAuthenticator, ask: Ask) -> None:
    """A stored assertion moved to another case, account, purpose, challenge or credential does not hold."""
    proof = METHOD.check(ask, own.get(options(ask)), SOON)
    stranger = enrol(SoftAuthenticator(ORIGIN))
    assert ask.credential is not None
    for moved in (
        replace(ask, case=CaseId("c-other")),
        replace(ask, account=AccountId("a-other")),
        replace(ask, purpose="hand_over"),
        replace(ask, challenge="ch-other"),
        replace(ask, credential=stranger),
        replace(ask, credential=replace(ask.credential, id="k-2")),
        replace(ask, credential=None),
    ):
        with pytest.raises(Refused):
            METHOD.recheck(moved, proof)


def test_recheck_of_tampered_raw(own: SoftAuthenticator, ask: Ask) -> None:
    """Every single changed character of a stored assertion that changes its bytes makes it fail."""
    proof = METHOD.check(ask, own.get(options(ask)), SOON)
    whole = json.loads(proof.raw or "")
    for field, text in whole["response"].items():
        value = bytearray(base64.urlsafe_b64decode(text + "=="))
        for place in range(0, len(value), 7):
            value[place] ^= 1
            with pytest.raises(Refused):
                METHOD.recheck(
                    ask,
                    replace(
                        proof, raw=json.dumps(whole | {"response": whole["response"] | {field: b64(bytes(value))}})
                    ),
                )
            value[place] ^= 1
    for raw in (None, "", "{}"):
        with pytest.raises(Refused):
            METHOD.recheck(ask, replace(proof, raw=raw))


def test_raw_verifies_without_the_library(own: SoftAuthenticator, ask: Ask) -> None:
    """A stored assertion verifies with nothing but ECDSA, SHA-256 and the ledger's own fields."""
    proof = METHOD.check(ask, own.get(options(ask)), SOON)
    response = {k: base64.urlsafe_b64decode(v + "==") for k, v in json.loads(proof.raw or "")["response"].items()}
    client = response["clientDataJSON"]
    signed = response["authenticatorData"] + hashlib.sha256(client).digest()
    assert isinstance(own._key, ec.EllipticCurvePrivateKey)
    own._key.public_key().verify(response["signature"], signed, ec.ECDSA(hashes.SHA256()))
    statement = json.dumps(["passkey", ask.challenge, ask.case, ask.account, "verify"], separators=(",", ":"))
    assert json.loads(client)["challenge"] == b64(hashlib.sha256(statement.encode()).digest())


def test_request_asks_for_user_verification_and_one_credential(own: SoftAuthenticator, ask: Ask) -> None:
    """The browser is asked for this credential, with user verification, for our domain, and for a 32-byte challenge."""
    asked = json.loads(options(ask))
    assert asked["userVerification"] == "required"
    assert asked["rpId"] == PARTY.id
    assert [c["id"] for c in asked["allowCredentials"]] == [b64(own.credential_id)]
    assert len(base64.urlsafe_b64decode(asked["challenge"] + "==")) == 32


def test_enrolment_asks_for_es256_alone(own: SoftAuthenticator) -> None:
    """Enrolment asks for ES256, user verification and no second passkey on one authenticator."""
    asked = json.loads(
        METHOD.enrolment_options(challenge="ch-enrol", person=PERSON, login="mara.vogt", exclude=(enrol(own),))
    )
    assert [p["alg"] for p in asked["pubKeyCredParams"]] == [-7]
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert [c["id"] for c in asked["excludeCredentials"]] == [b64(own.credential_id)]


@pytest.mark.parametrize("backup", [False, True])
def test_enrolment_material(backup: bool) -> None:
    """What is enrolled says which domain it is for and whether it can be copied."""
    authenticator = SoftAuthenticator(ORIGIN, backup=backup)
    material = msgspec.json.decode(enrol(authenticator).public, type=PasskeyMaterial)
    assert material.credential_id == b64(authenticator.credential_id)
    assert material.rp_id == PARTY.id
    assert material.backup_eligible is backup


@pytest.mark.parametrize("fault", [{"user_verified": False}, {"origin": "https://evil.test"}, {"cross_origin": True}])
def test_enrolment_faults(own: SoftAuthenticator, fault: dict[str, Any]) -> None:
    """A passkey made without user verification, on another page or in a frame of one is not enrolled."""
    asked = METHOD.enrolment_options(challenge="ch-enrol", person=PERSON, login="mara.vogt")
    with pytest.raises(Refused, match="Begin the enrolment again"):
        METHOD.enrol(challenge="ch-enrol", person=PERSON, answer=own.create(asked, **fault))


def test_enrolment_of_somebody_else(own: SoftAuthenticator) -> None:
    """A registration made for one person or challenge enrols nobody else."""
    made = own.create(METHOD.enrolment_options(challenge="ch-enrol", person=PERSON, login="mara.vogt"))
    for challenge, person in (("ch-enrol", PersonId("p-other")), ("ch-other", PERSON)):
        with pytest.raises(Refused):
            METHOD.enrol(challenge=challenge, person=person, answer=made)


@pytest.mark.parametrize("step", range(24))
def test_hostile_registration(own: SoftAuthenticator, step: int) -> None:
    """A registration cut off or changed anywhere in its attestation is refused, never another kind of error."""
    asked = METHOD.enrolment_options(challenge="ch-enrol", person=PERSON, login="mara.vogt")
    whole = json.loads(own.create(asked))
    attestation = base64.urlsafe_b64decode(whole["response"]["attestationObject"] + "==")
    for place in range(step, len(attestation), 24):
        for value in (
            attestation[:place],
            attestation[:place] + bytes([attestation[place] ^ 0xFF]) + attestation[place + 1 :],
        ):
            broken = json.dumps(whole | {"response": whole["response"] | {"attestationObject": b64(value)}})
            try:
                METHOD.enrol(challenge="ch-enrol", person=PERSON, answer=broken)
            except Refused:
                continue
            # Counter, AAGUID and credential id are the authenticator's own word: "none" attestation signs nothing.
            start = attestation.index(hashlib.sha256(PARTY.id.encode()).digest()) + 33
            assert start <= place < len(attestation) - 77


@pytest.mark.parametrize("answer", ["", "{}", "[]", "1", "[" * 10_000, "x" * 20_000, '{"id": 1}'])
def test_no_registration(answer: str) -> None:
    """Something that is no registration is refused like one that does not hold."""
    with pytest.raises(Refused):
        METHOD.enrol(challenge="ch-enrol", person=PERSON, answer=answer)


def test_moved_console(own: SoftAuthenticator, ask: Ask) -> None:
    """A passkey made for another domain can not be asked for; the person has to enrol again."""
    moved = Passkey(RelyingParty(id="new.example.test", name="Recovery", origins=("https://new.example.test",)))
    with pytest.raises(Refused) as caught:
        moved.begin(ask)
    assert caught.value.reasons == ("not_enrolled",)


def test_broken_enrolment(ask: Ask) -> None:
    """Public material that can not be read counts as no enrolment."""
    assert ask.credential is not None
    for public in ("", "{}", "null", '{"credential_id": 1}'):
        with pytest.raises(Refused):
            METHOD.begin(replace(ask, credential=replace(ask.credential, public=public)))


def test_no_party() -> None:
    """A relying party without an origin would accept nothing, and says so when it is built."""
    with pytest.raises(Invalid):
        Passkey(RelyingParty(id="recovery.example.test", name="Recovery", origins=()))
