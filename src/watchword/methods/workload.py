"""A workload proves itself with a token of its platform: a CI job's, or a SPIFFE-like JWT-SVID, made for this ask.

The token's audience is the ask, so that one made for another case, account or purpose, or for anybody else, is none.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Literal

import msgspec

from watchword.core.person import Credential
from watchword.core.workload import METHOD, WorkloadName, runs_as
from watchword.languages.catalogue import words
from watchword.methods.port import Ask, Begun, Message, Proof, demand_same_method, not_enrolled, wrong_answer
from watchword.methods.token import (
    Claims,
    Issuer,
    PublicJwk,
    demand_meant,
    issuer_of,
    read_token,
    thumbprint,
    verified,
)


class Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept to check again: the *token*, and the *key* of the issuer's that verified it."""

    token: str
    key: PublicJwk


class Workload:
    """The enrolled workload of a service account or AI agent, vouched for by one of *issuers*."""

    name: ClassVar[str] = METHOD
    enforced: ClassVar[bool] = True
    voice: ClassVar[bool] = False
    enrolment: ClassVar[str | None] = METHOD
    contact: ClassVar[Literal["mail", "phone"] | None] = None
    life: ClassVar[timedelta] = timedelta(minutes=10)

    def __init__(self, issuers: Mapping[str, Issuer]) -> None:
        self.issuers = dict(issuers)

    def begin(self, ask: Ask) -> Begun:
        """See `MethodPort.begin`; *show_caller* holds the audience the token has to be made for."""
        credential, _ = self._enrolled(ask)
        if runs_as(credential) != ask.account:
            raise not_enrolled("workload")
        return Begun(
            expires=ask.at + self.life,
            show_caller=words(ask.language)(f"ask.{self.name}", audience=audience(ask)),
            options=audience(ask),
            show_agent="The workload itself posts a token of its platform; nobody types anything.",
        )

    def message(self, ask: Ask) -> Message | None:
        """See `MethodPort.message`: nothing is sent."""
        del ask
        return None

    def check(self, ask: Ask, answer: str, at: datetime) -> Proof:
        """See `MethodPort.check`; *answer* is the token, a compact JWS.

        Raise `Unavailable`, which is no miss, when the issuer does not say which keys are its own.
        """
        credential, known = self._enrolled(ask)
        ask.demand_open(self.life, at)
        token = answer.strip()
        # Before anything is fetched: whoever knows the address must not choose whom we ask.
        if runs_as(credential) != ask.account or issuer_of(token) != known.issuer:
            raise wrong_answer()
        claims, key = read_token(token, self.issuers[known.issuer], Claims, audience(ask), ask.at, at)
        _demand_subject(claims, known)
        return Proof(
            method=self.name,
            detail={"credential": credential.id, "key": thumbprint(key)},
            raw=msgspec.json.encode(Kept(token=token, key=key)).decode(),
        )

    def recheck(self, ask: Ask, proof: Proof) -> None:
        """See `MethodPort.recheck`: the token is verified with the key that was kept, whatever the issuer says now."""
        demand_same_method(proof, self.name)
        credential, known = self._enrolled(ask)
        try:
            kept = msgspec.json.decode(proof.raw or "", type=Kept)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            raise wrong_answer() from error
        if proof.detail.get("credential") != credential.id or proof.detail.get("key") != thumbprint(kept.key):
            raise wrong_answer()
        if runs_as(credential) != ask.account:
            raise wrong_answer()
        claims = verified(kept.token, kept.key, self.issuers[known.issuer].settings.algorithms, Claims)
        demand_meant(claims, known.issuer, audience(ask), ask.at)
        _demand_subject(claims, known)

    def _enrolled(self, ask: Ask) -> tuple[Credential, WorkloadName]:
        """The enrolment, by an issuer that is still trusted."""
        if ask.credential is None or runs_as(ask.credential) is None or not ask.secret:
            raise not_enrolled("workload")
        try:
            known = msgspec.json.decode(ask.secret, type=WorkloadName)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise not_enrolled("workload") from error
        if known.issuer not in self.issuers:
            raise not_enrolled("workload")
        return ask.credential, known


def audience(ask: Ask) -> str:
    """The audience a token has to be made for; an auditor computes it from the ledger alone."""
    digest = hashlib.sha256(ask.statement(METHOD)).digest()
    return f"watchword:{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _demand_subject(claims: Claims, known: WorkloadName) -> None:
    if not hmac.compare_digest(claims.sub.encode(), known.subject.encode()):
        raise wrong_answer()
