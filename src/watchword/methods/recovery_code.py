"""Saved recovery codes: a set the person keeps on paper or in a safe place, one of which proves once.

A code has 120 random bits. What is kept of it is a salted SHA-256: a slow hash is for secrets that people choose, and
nobody searches 2**120 values however fast each is tried (SP 800-63B-4 §3.1.2 asks for a password hashing scheme below
112 bits). The whole set ends with its first use, so that whoever has found one paper has one try.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from watchword.core.errors import Refused
from watchword.core.person import Credential
from watchword.languages.catalogue import words
from watchword.methods.port import Ask, Begun, Message, Proof, demand_same_method, not_enrolled, wrong_answer

CODES = 10
LENGTH = 24
"""Characters of a code, five bits each."""

SALT, DIGEST = 16, 32
"""Bytes."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is taken for a digit, and what is typed for one is read as it was meant."""

_MEANT = str.maketrans("OoIiLl", "001111", " -\u00a0\u2009\u202f\u2010\u2011\u2013")


class RecoveryCode:
    """One of the person's saved codes, typed on their own page; `Credential.counter` says that the set was used."""

    name: ClassVar[str] = "recovery_code"
    enforced: ClassVar[bool] = True
    voice: ClassVar[bool] = False
    enrolment: ClassVar[str | None] = "recovery_code"
    contact: ClassVar[Literal["mail", "phone"] | None] = None
    life: ClassVar[timedelta] = timedelta(minutes=15)

    def enrol(self) -> tuple[bytes, tuple[str, ...]]:
        """A new set: what the vault keeps of it (a salt, then a digest for each code), and the codes, for once."""
        salt = secrets.token_bytes(SALT)
        codes = tuple("".join(secrets.choice(_ALPHABET) for _ in range(LENGTH)) for _ in range(CODES))
        kept = salt + b"".join(_digest(salt, code) for code in codes)
        return kept, tuple("-".join(code[i : i + 4] for i in range(0, LENGTH, 4)) for code in codes)

    def begin(self, ask: Ask) -> Begun:
        """See `MethodPort.begin`."""
        credential, _ = _enrolled(ask)
        if credential.counter is not None:
            raise not_enrolled("set of recovery codes")
        return Begun(
            expires=ask.at + self.life,
            show_caller=words(ask.language)(f"ask.{self.name}"),
            show_agent="The person types a recovery code they saved. Do not ask for it.",
        )

    def message(self, ask: Ask) -> Message | None:
        """See `MethodPort.message`: nothing is sent."""
        del ask
        return None

    def check(self, ask: Ask, answer: str, at: datetime) -> Proof:
        """See `MethodPort.check`; case, spaces and hyphens do not matter. `Proof.counter` is the code's place."""
        credential, kept = _enrolled(ask)
        ask.demand_open(self.life, at)
        if credential.counter is not None:
            raise Refused(
                "A code of this set was already used, and the others ended with it.",
                "Use another method the procedure names; have new codes made afterwards.",
                ("replayed",),
            )
        code = _plain(answer)
        place = _place(kept, code)
        return Proof(method=self.name, detail={"credential": credential.id, "place": place}, counter=place, raw=code)

    def recheck(self, ask: Ask, proof: Proof) -> None:
        """See `MethodPort.recheck`: the code, which is spent, must still be of the set that is kept."""
        demand_same_method(proof, self.name)
        credential, kept = _enrolled(ask)
        if proof.detail.get("credential") != credential.id or _place(kept, _plain(proof.raw or "")) != proof.counter:
            raise wrong_answer()


def _enrolled(ask: Ask) -> tuple[Credential, bytes]:
    kept = ask.secret
    if ask.credential is None or ask.credential.method != "recovery_code" or not kept:
        raise not_enrolled("set of recovery codes")
    if len(kept) <= SALT or (len(kept) - SALT) % DIGEST:
        raise not_enrolled("set of recovery codes")
    return ask.credential, kept


def _plain(answer: str) -> str:
    return answer[: 4 * LENGTH].translate(_MEANT).upper()


def _digest(salt: bytes, code: str) -> bytes:
    return hashlib.sha256(salt + code.encode("utf-8", "replace")).digest()


def _place(kept: bytes, code: str) -> int:
    """The place of *code* in its set, from 1; every digest is compared, so that time does not tell which matched."""
    given = _digest(kept[:SALT], code)
    matches = [
        number
        for number, start in enumerate(range(SALT, len(kept), DIGEST), 1)
        if hmac.compare_digest(kept[start : start + DIGEST], given)
    ]
    if not matches:
        raise wrong_answer()
    return matches[0]
