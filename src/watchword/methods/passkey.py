"""A passkey: WebAuthn with user verification, its challenge bound to the case, its assertion kept to be checked again.

Serves under three names: `passkey` (the person's own), `owner_passkey` (the owner of record of a service account) and
`custodian_passkey` (a custodian at the break-glass ceremony). Enrolments are the same for all three.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import ClassVar, Literal

import msgspec
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
)
from webauthn.helpers.cose import COSECRV, COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import DecodedEC2PublicKey
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from watchword.core.approval import SignedProof
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import PersonId
from watchword.core.passkey import METHOD, Assertion, ClientData, PasskeyMaterial, RelyingParty, material_of
from watchword.core.person import Credential
from watchword.methods.port import (
    Ask,
    Begun,
    Message,
    Proof,
    SignedAnswer,
    demand_same_method,
    not_enrolled,
    wrong_answer,
)

_LONGEST = 16_384
"""Characters of an answer; a browser's assertion has about 1,000, a registration with attestation about 5,000."""

# What the WebAuthn library lets out when the CBOR, base64 or key inside a registration is hostile.
_MALFORMED = (WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)


class _Made(msgspec.Struct, frozen=True):
    client_data: str = msgspec.field(name="clientDataJSON")


class _Registration(msgspec.Struct, frozen=True):
    response: _Made


class Passkey:
    """A signature over this challenge of this case, made with user verification on one of our own pages.

    The challenge is the SHA-256 of the ask's statement and no secret: it is unpredictable because the ledger's
    challenge id is, and an auditor recomputes it from the ledger alone.
    """

    enforced: ClassVar[bool] = True
    voice: ClassVar[bool] = False
    enrolment: ClassVar[str | None] = METHOD
    contact: ClassVar[Literal["mail", "phone"] | None] = None
    life: ClassVar[timedelta] = timedelta(minutes=5)

    def __init__(
        self, party: RelyingParty, name: Literal["passkey", "owner_passkey", "custodian_passkey"] = "passkey"
    ) -> None:
        if not party.id or not party.origins:
            raise Invalid(
                "A relying party needs a domain and at least one origin.",
                "Set both to the console's public address, for example recovery.example.test and "
                "https://recovery.example.test.",
                where="passkey",
            )
        self.name: str = name
        self._party = party

    def begin(self, ask: Ask) -> Begun:
        """See `MethodPort.begin`; *show_caller* is a `PublicKeyCredentialRequestOptions` as JSON."""
        _, material = self._enrolled(ask)
        return Begun(
            expires=ask.at + self.life,
            show_caller=self._options(_challenge_of(ask, self.name), (material,)),
            show_agent="The person proves themself with their passkey on the recovery page.",
        )

    def unnamed(self, ask: Ask) -> str:
        """Request options as JSON that name no passkey: the browser offers those it keeps for this domain.

        They say nothing about whether the person has one, so *ask* needs no enrolment.
        """
        return self._options(_challenge_of(ask, self.name), ())

    def message(self, ask: Ask) -> Message | None:
        """See `MethodPort.message`: nothing is sent."""
        del ask
        return None

    def check(self, ask: Ask, answer: str, at: datetime) -> Proof:
        """See `MethodPort.check`; *answer* is the browser's `PublicKeyCredential` as JSON."""
        credential, material = self._enrolled(ask)
        ask.demand_open(self.life, at)
        assertion = _parse(answer)
        count, backed_up = self._verify(_challenge_of(ask, self.name), material, assertion)
        _demand_counts_on(count, credential, material)
        return Proof(
            method=self.name,
            detail={
                "credential": credential.id,
                "user_verified": True,
                "backup_eligible": material.backup_eligible,
                "backed_up": backed_up,
            },
            counter=count,
            raw=msgspec.json.encode(assertion).decode(),
        )

    def recheck(self, ask: Ask, proof: Proof) -> None:
        """See `MethodPort.recheck`: the stored assertion is verified again, all but its counter."""
        demand_same_method(proof, self.name)
        credential, material = self._enrolled(ask)
        if proof.detail.get("credential") != credential.id:
            raise wrong_answer()
        self._verify(_challenge_of(ask, self.name), material, _parse(proof.raw or ""))

    def sign_options(self, challenge: bytes, credentials: tuple[Credential, ...]) -> str:
        """See `SignerPort.sign_options`."""
        return self._options(challenge, tuple(self._own(credentials).values()))

    def signed(self, challenge: bytes, credentials: tuple[Credential, ...], answer: str) -> SignedAnswer:
        """See `SignerPort.signed`."""
        assertion = _parse(answer)
        for credential_id, material in self._own(credentials).items():
            if not hmac.compare_digest(assertion.id.encode(), material.credential_id.encode()):
                continue
            credential = next(c for c in credentials if c.id == credential_id)
            count, _ = self._verify(challenge, material, assertion)
            _demand_counts_on(count, credential, material)
            proof = SignedProof(
                credential=assertion.id,
                client_data=assertion.response.client_data,
                authenticator_data=assertion.response.authenticator_data,
                signature=assertion.response.signature,
            )
            return SignedAnswer(credential=credential.id, counter=count, proof=proof)
        raise wrong_answer()

    def _own(self, credentials: tuple[Credential, ...]) -> dict[str, PasskeyMaterial]:
        """The passkeys among *credentials* that are made for this domain, by the id of their enrolment."""
        held = {c.id: m for c in credentials if c.method == METHOD and (m := material_of(c)) is not None}
        own = {name: material for name, material in held.items() if material.rp_id == self._party.id}
        if not own:
            raise not_enrolled("passkey")
        return own

    def _options(self, challenge: bytes, allowed: tuple[PasskeyMaterial, ...]) -> str:
        options = generate_authentication_options(
            rp_id=self._party.id,
            challenge=challenge,
            timeout=int(self.life.total_seconds() * 1000),
            allow_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(m.credential_id)) for m in allowed],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json(options)

    def enrolment_options(
        self, *, challenge: str, person: PersonId, login: str, exclude: tuple[Credential, ...] = ()
    ) -> str:
        """`PublicKeyCredentialCreationOptions` as JSON, for ES256 and user verification only.

        *challenge* is a random id from the ledger, *login* what the person sees in their passkey list, *exclude* what
        is enrolled already.
        """
        known = (_material(c) for c in exclude if c.method == METHOD)
        options = generate_registration_options(
            rp_id=self._party.id,
            rp_name=self._party.name,
            user_id=person.encode(),
            user_name=login,
            challenge=_enrolment_challenge(challenge, person),
            timeout=int(self.life.total_seconds() * 1000),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(m.credential_id)) for m in known],
            supported_pub_key_algs=[COSEAlgorithmIdentifier.ECDSA_SHA_256],
        )
        return options_to_json(options)

    def enrol(self, *, challenge: str, person: PersonId, answer: str) -> str:
        """`Credential.public` for the browser's registration *answer*; raise `Refused` when it does not hold."""
        if len(answer) > _LONGEST:
            raise _not_made()
        try:
            made = verify_registration_response(
                credential=answer,
                expected_challenge=_enrolment_challenge(challenge, person),
                expected_rp_id=self._party.id,
                expected_origin=list(self._party.origins),
                require_user_verification=True,
                supported_pub_key_algs=[COSEAlgorithmIdentifier.ECDSA_SHA_256],
            )
            key = decode_credential_public_key(made.credential_public_key)
            if not isinstance(key, DecodedEC2PublicKey) or key.crv != COSECRV.P256 or _is_framed(answer):
                raise _not_made()
            decoded_public_key_to_cryptography(key)  # ValueError when the point is not on the curve
        except (*_MALFORMED, msgspec.MsgspecError) as error:
            raise _not_made() from error
        return msgspec.json.encode(
            PasskeyMaterial(
                credential_id=bytes_to_base64url(made.credential_id),
                public_key=bytes_to_base64url(made.credential_public_key),
                sign_count=made.sign_count,
                aaguid=made.aaguid,
                backup_eligible=made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
                rp_id=self._party.id,
            )
        ).decode()

    def _verify(self, challenge: bytes, material: PasskeyMaterial, assertion: Assertion) -> tuple[int, bool]:
        """WebAuthn Level 3 §7.2 but for the counter; returns the sign count and whether the passkey is backed up."""
        # 1. The credential is the enrolled one: the library verifies whatever key it is given.
        if not hmac.compare_digest(assertion.id.encode(), material.credential_id.encode()):
            raise wrong_answer()
        # 2. Made on one of our own pages, and not inside somebody else's frame, which the library does not look at.
        client = _client_data(assertion)
        if client.origin not in self._party.origins or client.cross_origin or client.top_origin is not None:
            raise Refused(
                "The passkey was used on a page that is not ours.",
                "Treat this as phishing: tell the person to close that page, and open the recovery page from its "
                "known address.",
                ("origin",),
            )
        # 3. Type, challenge, relying party, presence and signature. The counter is judged by the caller.
        try:
            verified = verify_authentication_response(
                credential=_credential_of(assertion),
                expected_challenge=challenge,
                expected_rp_id=self._party.id,
                expected_origin=list(self._party.origins),
                credential_public_key=base64url_to_bytes(material.public_key),
                credential_current_sign_count=0,
            )
        except _MALFORMED as error:
            raise wrong_answer() from error
        # 4. Somebody, not only something: a PIN or a biometric was given.
        if not verified.user_verified:
            raise Refused(
                "The passkey did not check who used it.",
                "Set a PIN or a biometric on the authenticator and try again.",
                ("user_verification",),
            )
        # 5. Backup eligibility never changes in the life of a credential.
        if (verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE) is not material.backup_eligible:
            raise wrong_answer()
        return verified.new_sign_count, verified.credential_backed_up

    def _enrolled(self, ask: Ask) -> tuple[Credential, PasskeyMaterial]:
        if ask.credential is None or ask.credential.method != METHOD:
            raise not_enrolled("passkey")
        material = _material(ask.credential)
        if material.rp_id != self._party.id:
            raise not_enrolled("passkey")
        return ask.credential, material


def _challenge_of(ask: Ask, name: str) -> bytes:
    return hashlib.sha256(ask.statement(name)).digest()


def _demand_counts_on(count: int, credential: Credential, material: PasskeyMaterial) -> None:
    """WebAuthn §6.1.1: synced passkeys keep the counter at 0; one that ever counted has to go on counting."""
    last = max(material.sign_count, credential.counter or 0)
    if (count or last) and count <= last:
        raise Refused(
            "The passkey's counter went back: this is an old answer or a copied key.",
            "Use another method, revoke this passkey and have a new one enrolled.",
            ("replayed", "final"),
        )


def _material(credential: Credential) -> PasskeyMaterial:
    material = material_of(credential)
    if material is None:
        raise not_enrolled("passkey")
    return material


def _parse(answer: str) -> Assertion:
    """Shape and size first, so that the library never meets a type it does not expect."""
    if len(answer) > _LONGEST:
        raise wrong_answer()
    try:
        return msgspec.json.decode(answer, type=Assertion)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise wrong_answer() from error


def _credential_of(assertion: Assertion) -> AuthenticationCredential:
    """What the library makes of the same fields, which need not be parsed again."""
    response = assertion.response
    return AuthenticationCredential(
        id=assertion.id,
        raw_id=base64url_to_bytes(assertion.raw_id),
        response=AuthenticatorAssertionResponse(
            client_data_json=base64url_to_bytes(response.client_data),
            authenticator_data=base64url_to_bytes(response.authenticator_data),
            signature=base64url_to_bytes(response.signature),
        ),
    )


def _client_data(assertion: Assertion) -> ClientData:
    try:
        return msgspec.json.decode(base64url_to_bytes(assertion.response.client_data), type=ClientData)
    except _MALFORMED as error:
        raise wrong_answer() from error


def _enrolment_challenge(challenge: str, person: PersonId) -> bytes:
    return hashlib.sha256(msgspec.json.encode(("passkey.enrol", challenge, person))).digest()


def _is_framed(answer: str) -> bool:
    """Whether a registration was made inside somebody else's frame, which the library does not look at."""
    said = msgspec.json.decode(answer.encode(), type=_Registration).response.client_data
    client = msgspec.json.decode(base64url_to_bytes(said), type=ClientData)
    return client.cross_origin or client.top_origin is not None


def _not_made() -> Refused:
    return Refused(
        "This passkey can not be enrolled: the answer does not hold, or it is no ES256 key with user verification.",
        "Begin the enrolment again on the recovery page, with an authenticator that has a PIN or a biometric.",
        ("wrong_answer",),
    )
