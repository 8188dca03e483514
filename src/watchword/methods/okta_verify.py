"""Okta Verify over the Factors API: a push with a number challenge, and the transaction that says what was picked."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.methods.outside import demand_private, exchange
from watchword.methods.provider_push import LIFE, Outcome, Sent

ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
"""An id of Okta's, which becomes part of an address: nothing else may."""

_NUMBER = re.compile(r"[0-9]{1,3}\Z")

_OUTCOMES: dict[str, Outcome] = {"WAITING": "waiting", "SUCCESS": "approved", "REJECTED": "denied", "FAILED": "denied"}
"""What a transaction says; every other word of it (`TIMEOUT`, `EXPIRED`, one that is new) proves nothing."""

_SET_UP = "Check url and token of `[okta_verify]` in watchword.toml, and what the token may do."


class Factor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose factor at Okta: the ids of the *user* and of their `push` *factor*."""

    user: str
    factor: str


class _Challenge(msgspec.Struct):
    correct: int | str = msgspec.field(name="correctAnswer")


class _Embedded(msgspec.Struct):
    challenge: _Challenge | None = None


class _Link(msgspec.Struct):
    href: str


class _Links(msgspec.Struct):
    poll: _Link | None = None


class _Answer(msgspec.Struct):
    result: str = msgspec.field(name="factorResult")
    links: _Links = msgspec.field(name="_links", default_factory=_Links)
    embedded: _Embedded = msgspec.field(name="_embedded", default_factory=_Embedded)


class OktaVerify:
    """One Okta organisation at *url*, spoken to with an API *token*; each exchange within *within_s* seconds."""

    def __init__(self, url: str, token: str, *, within_s: float = 10.0) -> None:
        """Raise `Invalid` for an address that would carry the token in the clear, or is no origin."""
        demand_private(url, "okta_verify.url")
        parts = urlsplit(url)
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise Invalid(f"{url!r} has a path.", "Write it as https://example.okta.com.", where="okta_verify.url")
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise Invalid("The token of Okta is none.", "Put it alone into its file.", where="okta_verify.token_file")
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._within_s = within_s
        self._headers = {
            "Authorization": f"SSWS {token}",
            "Content-Type": "application/json",
            "User-Agent": "Watchword",  # a push factor is refused without one
        }

    def send(self, target: bytes) -> Sent:
        """See `PromptSender.send`; a prompt without a number to pick, which is approved in one's sleep, is refused."""
        at = self._factor(target)
        url = f"{at}/verify?tokenLifetimeSeconds={int(LIFE.total_seconds())}"
        try:
            status, body = self._exchange("POST", url, b'{"useNumberMatchingChallenge":true}')
        except Unavailable as silence:
            # It may have gone out. Somebody who is prompted twice for one challenge learns to say yes.
            raise Refused(
                f"Nobody knows whether the prompt was sent. {silence.what}", "Begin the method again.", ("not_sent",)
            ) from silence
        if status == 429 or status >= 500:
            raise Unavailable(f"Okta did not take the prompt ({status}).", "It is tried again.")
        said = _read(body) if status in {200, 201} else None
        if said is None:
            raise Refused(f"Okta did not send the prompt ({status}).", _SET_UP, ("not_sent",))
        answer = said.embedded.challenge.correct if said.embedded.challenge else ""
        transaction = self._transaction(at, said)
        if said.result != "WAITING" or transaction is None or not _NUMBER.match(str(answer)):
            raise Refused(
                "Okta sent a prompt without a number to pick, which proves nobody.",
                "Have number challenges turned on for Okta Verify, and use another method meanwhile.",
                ("not_sent",),
            )
        return Sent(transaction=transaction, number=str(answer))

    def outcome(self, target: bytes, transaction: str) -> Outcome:
        """See `PromptSender.outcome`."""
        if not ID.match(transaction):
            return "over"
        status, body = self._exchange("GET", f"{self._factor(target)}/transactions/{transaction}", None)
        if status in {404, 410}:
            return "over"
        said = _read(body) if status == 200 else None
        if said is None:
            raise Unavailable(f"Okta does not say what became of the prompt ({status}).", _SET_UP)
        return _OUTCOMES.get(said.result, "over")

    def _transaction(self, at: str, said: _Answer) -> str | None:
        """The id out of the poll link; the link itself is not followed, as the token would go wherever it leads."""
        head, _, transaction = (said.links.poll.href if said.links.poll else "").rpartition("/")
        whose = urlsplit(at).path
        right = urlsplit(head).path == f"{whose}/transactions" and bool(ID.match(transaction))
        return transaction if right else None

    def _factor(self, target: bytes) -> str:
        try:
            factor = demand_factor(msgspec.json.decode(target, type=Factor))
        except (msgspec.MsgspecError, UnicodeError, Invalid) as error:
            raise Refused("The enrolment of Okta Verify is damaged.", "Enrol it again.", ("not_enrolled",)) from error
        return f"{self._base}/api/v1/users/{factor.user}/factors/{factor.factor}"

    def _exchange(self, verb: str, url: str, body: bytes | None) -> tuple[int, bytes]:
        return exchange(verb, url, within_s=self._within_s, body=body, headers=self._headers)


def demand_factor(factor: Factor) -> Factor:
    """*factor* as it is; raise `Invalid` unless both of its ids are ids."""
    for where in ("user", "factor"):
        if not ID.match(getattr(factor, where)):
            raise Invalid(
                f"That is no id of a {where} at Okta.",
                "Copy it from the address of the user, or from the list of their factors.",
                where=where,
            )
    return factor


def _read(body: bytes) -> _Answer | None:
    try:
        return msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
