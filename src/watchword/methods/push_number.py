"""A prompt in a browser the person enrolled earlier: they type the number the desk shows, and their browser signs it.

The key can not leave that browser. A number has to be typed, and not picked out of three, so that whoever answers
prompts without having asked for one has a chance of 1 in 90, once: a wrong number ends the method.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import ClassVar, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from webauthn import base64url_to_bytes

from watchword.core.errors import Invalid, Refused
from watchword.core.person import Credential
from watchword.core.prompt import METHOD, PromptMaterial, material_of
from watchword.languages.catalogue import words
from watchword.methods.port import Ask, Begun, Message, Proof, demand_same_method, not_enrolled, wrong_answer

NOT_ME = "no"
"""What is signed in the place of a number by somebody who did not ask for anything."""

_LONGEST = 1024
_HALF = 32
"""Bytes of each half of a P-256 signature as WebCrypto makes it: r, then s."""


class Signed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A browser's answer: the *number* that was typed, or `no`, and its *signature* (base64url, r then s)."""

    number: str
    signature: str


class PushNumber:
    """Two digits, HMAC-SHA256 under *key* of the ask's statement, shown to the desk and typed by the person."""

    name: ClassVar[str] = "push_number"
    enforced: ClassVar[bool] = True
    voice: ClassVar[bool] = False
    enrolment: ClassVar[str | None] = METHOD
    contact: ClassVar[Literal["mail", "phone"] | None] = None
    life: ClassVar[timedelta] = timedelta(minutes=5)

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise Invalid("The key for numbers is too short.", "Derive 32 bytes from the key file.", where="prompts")
        self._key = key

    def begin(self, ask: Ask) -> Begun:
        """See `MethodPort.begin`; at the hand-over, where no agent takes part, the caller's page shows the number."""
        _enrolled(ask)
        number = self._number(ask)
        say = words(ask.language)
        if ask.purpose == "hand_over":
            return Begun(expires=ask.at + self.life, show_caller=say(f"ask.{self.name}_here", number=number))
        return Begun(
            expires=ask.at + self.life,
            show_caller=say(f"ask.{self.name}"),
            show_agent=f"Tell the person this number: {number}. They type it in the browser they enrolled for prompts.",
        )

    def message(self, ask: Ask) -> Message | None:
        """See `MethodPort.message`: nothing is sent, the enrolled browser asks by itself."""
        del ask
        return None

    def check(self, ask: Ask, answer: str, at: datetime) -> Proof:
        """See `MethodPort.check`; *answer* is a `Signed` as JSON. A wrong number that the browser signed is final."""
        credential, key = _enrolled(ask)
        ask.demand_open(self.life, at)
        signed = _parse(answer)
        _demand_signed(key, to_sign(ask.statement(self.name), signed.number), signed.signature)
        if signed.number == NOT_ME:
            raise Refused(
                "The person says that they did not ask for this.",
                "Stop, and tell security: somebody else is asking in their name.",
                ("wrong_answer", "final", "not_me"),
            )
        if not self._is_right(ask, signed.number):
            raise Refused(
                "That was another number.",
                "Use another method; a number that does not match means that the person is not the one who calls.",
                ("wrong_answer", "final"),
            )
        detail: dict[str, str | int | bool] = {"credential": credential.id, "number_typed": True}
        return Proof(method=self.name, detail=detail, raw=msgspec.json.encode(signed).decode())

    def recheck(self, ask: Ask, proof: Proof) -> None:
        """See `MethodPort.recheck`: the stored signature is verified again, over this ask and its number."""
        demand_same_method(proof, self.name)
        credential, key = _enrolled(ask)
        signed = _parse(proof.raw or "")
        if proof.detail.get("credential") != credential.id or not self._is_right(ask, signed.number):
            raise wrong_answer()
        _demand_signed(key, to_sign(ask.statement(self.name), signed.number), signed.signature)

    def _is_right(self, ask: Ask, number: str) -> bool:
        return hmac.compare_digest(number.encode("utf-8", "replace"), self._number(ask).encode("ascii"))

    def _number(self, ask: Ask) -> str:
        digest = hmac.digest(self._key, ask.statement(self.name), hashlib.sha256)
        return str(10 + int.from_bytes(digest) % 90)


def to_sign(statement: bytes, number: str) -> bytes:
    """The bytes a browser signs; the first line keeps them apart from all else it may ever sign."""
    return b"watchword prompt answer\n" + statement + b"\n" + number.encode("utf-8", "replace")


def demand_key(x: str, y: str) -> None:
    """Raise `Invalid` unless *x* and *y* (base64url) are a point on P-256."""
    try:
        _key_of(PromptMaterial(x=x, y=y, offer=""))
    except ValueError as error:
        raise Invalid("That is no public key on P-256.", "Open the enrolment page again.", where="key") from error


def demand_signature(credential: Credential, message: bytes, signature: str) -> None:
    """Raise `Refused` unless the browser that *credential* stands for signed *message*."""
    material = material_of(credential)
    if material is None or credential.method != METHOD:
        raise not_enrolled("browser for prompts")
    _demand_signed(_key_of(material), message, signature)


def _demand_signed(key: ec.EllipticCurvePublicKey, message: bytes, signature: str) -> None:
    try:
        raw = base64url_to_bytes(signature)
        if len(raw) != 2 * _HALF:
            raise wrong_answer()
        halves = (int.from_bytes(raw[:_HALF]), int.from_bytes(raw[_HALF:]))
        key.verify(encode_dss_signature(*halves), message, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError) as error:
        raise wrong_answer() from error


def _key_of(material: PromptMaterial) -> ec.EllipticCurvePublicKey:
    x, y = (int.from_bytes(base64url_to_bytes(half)) for half in (material.x, material.y))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _enrolled(ask: Ask) -> tuple[Credential, ec.EllipticCurvePublicKey]:
    material = material_of(ask.credential) if ask.credential and ask.credential.method == METHOD else None
    if ask.credential is None or material is None:
        raise not_enrolled("browser for prompts")
    return ask.credential, _key_of(material)


def _parse(answer: str) -> Signed:
    if len(answer) > _LONGEST:
        raise wrong_answer()
    try:
        return msgspec.json.decode(answer, type=Signed)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise wrong_answer() from error
