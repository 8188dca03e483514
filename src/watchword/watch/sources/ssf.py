"""Shared Signals: security event tokens (RFC 8417) that are pushed to us (RFC 8935) or that we ask for (RFC 8936)."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from watchword.core.errors import Invalid, Unavailable
from watchword.watch.sources.hooks import Code, demand_secret
from watchword.watch.sources.port import Page
from watchword.watch.sources.spool import Spool
from watchword.watch.sources.web import Web, demand_base

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
"""What a transmitter may sign with, when it is not said: nothing symmetric, and never `none`."""

MEMORY = timedelta(days=30)
"""How long a token is known again, and how old one may be that is taken."""

SKEW = timedelta(minutes=5)

_LONGEST = 262_144
_KEYS_AGE_S = 3600.0
_SOONEST = timedelta(minutes=1)
"""Between two looks for a key that is not known: whoever sends nonsense must not make us ask."""


class Rejected(Exception):
    """A SET that is not taken: *code* and *description* go back to the transmitter."""

    def __init__(self, code: Code, description: str) -> None:
        super().__init__(description)
        self.code, self.description = code, description


class Keys:
    """A transmitter's public keys (JWKS) from *fetch*, again when they are old or one is not known."""

    def __init__(self, fetch: Callable[[], bytes]) -> None:
        self._fetch = fetch
        self._keys: KeySet | None = None
        self._at: datetime | None = None

    def read(self, at: datetime, *, kid: str | None) -> KeySet:
        """The keys; `Unavailable` when there never were any."""
        age = None if self._at is None else at - self._at
        known = self._keys is not None and (kid is None or any(key.kid == kid for key in self._keys.keys))
        if age is None or age > timedelta(seconds=_KEYS_AGE_S) or (not known and age > _SOONEST):
            self._at = at
            try:
                self._keys = KeySet.import_key_set(msgspec.json.decode(self._fetch()))
            except (msgspec.MsgspecError, JoseError, ValueError, KeyError, TypeError) as error:
                if self._keys is None:
                    raise Unavailable("The transmitter's keys are none.", "Check jwks.") from error
            except (Unavailable, OSError) as error:
                if self._keys is None:
                    raise Unavailable("The transmitter's keys can not be read.", "Check jwks.") from error
        if self._keys is None:
            raise Unavailable("The transmitter's keys are not known.", "Check jwks.")
        return self._keys


class Receiver:
    """Takes the SETs of one transmitter, *issuer*, for *audience*, into *spool*.

    A SET that came before is acknowledged and not spooled again, so that a transmitter may repeat what it got no
    answer for.
    """

    def __init__(
        self, spool: Spool, issuer: str, audience: str, keys: Keys, *, algorithms: tuple[str, ...] = ALGORITHMS
    ) -> None:
        if not algorithms or not set(algorithms) <= set(ALGORITHMS):
            raise Invalid("These are no algorithms a SET may be signed with.", f"Use of {ALGORITHMS}.", "algorithms")
        self._spool, self._issuer, self._audience = spool, issuer, audience
        self._keys, self._algorithms = keys, algorithms

    def take(self, token: bytes, at: datetime) -> str:
        """Verify *token*, spool its event, and return its `jti`. `Rejected` with the code for the transmitter."""
        line, jti = self.line(token, at)
        self._spool.append((line,), at, key=self.key(jti))
        return jti

    def key(self, jti: str) -> str:
        """What a SET is known again by."""
        return f"set/{self._issuer}/{jti}"

    def line(self, token: bytes, at: datetime) -> tuple[bytes, str]:
        """The claims of *token* with the token itself, as a line for the spool; and its `jti`."""
        claims = self._verified(token, at)
        jti, events = claims.get("jti"), claims.get("events")
        if not isinstance(jti, str) or not 0 < len(jti) <= 1000:
            raise Rejected("invalid_request", "jti is missing")
        if not isinstance(events, dict) or not events or not all(isinstance(e, dict) for e in events.values()):
            raise Rejected("invalid_request", "events is no object of events")
        return msgspec.json.encode({**claims, "set": token.decode("ascii")}), jti

    def _verified(self, token: bytes, at: datetime) -> dict[str, object]:
        if len(token) > _LONGEST:
            raise Rejected("invalid_request", "the SET is too long")
        try:
            found = jws.extract_compact(token.strip())
            header = found.headers()
        except (JoseError, ValueError, UnicodeDecodeError) as error:
            raise Rejected("invalid_request", "the body is no SET") from error
        if header.get("alg") not in self._algorithms:
            raise Rejected("invalid_key", f"alg is none of {', '.join(self._algorithms)}")
        if str(header.get("typ", "")).lower().removeprefix("application/") != "secevent+jwt":
            raise Rejected("invalid_request", "typ is not secevent+jwt")
        kid = header.get("kid")
        try:
            keys = self._keys.read(at, kid=kid if isinstance(kid, str) else None)
            payload = jws.deserialize_compact(token.strip(), keys, algorithms=list(self._algorithms)).payload
        except (JoseError, ValueError, KeyError) as error:
            raise Rejected("invalid_key", "the signature does not hold") from error
        try:
            claims = msgspec.json.decode(payload, type=dict[str, object])
        except msgspec.MsgspecError as error:
            raise Rejected("invalid_request", "the claims are no JSON object") from error
        self._demand_ours(claims, at)
        return claims

    def _demand_ours(self, claims: Mapping[str, object], at: datetime) -> None:
        if claims.get("iss") != self._issuer:
            raise Rejected("invalid_issuer", "iss is not the issuer of this stream")
        audience = claims.get("aud")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise Rejected("invalid_audience", "aud does not name this receiver")
        for name in ("sub", "exp"):  # SSF 1.0 §4.1: so that no SET is ever taken for a token that lets somebody in
            if name in claims:
                raise Rejected("invalid_request", f"{name} must not be in a SET")
        issued = claims.get("iat")
        try:
            when = datetime.fromtimestamp(msgspec.convert(issued, float), UTC)
        except (ValueError, OverflowError, OSError):  # what msgspec raises is a ValueError too
            raise Rejected("invalid_request", "iat is no time") from None
        if when > at + SKEW:
            raise Rejected("invalid_request", "iat is in the future")
        if when < at - MEMORY:
            raise Rejected("invalid_request", "iat is too long ago")


class PushReceiver:
    """The endpoint of a push stream: its *secret* is the value of the header `Authorization`, where one was agreed."""

    def __init__(self, receiver: Receiver, secret: str | None) -> None:
        self._receiver = receiver
        self._secret = None if secret is None else demand_secret(secret, "secret_file")

    def take(self, body: bytes, headers: Mapping[str, str], at: datetime) -> int:
        """Take one SET; `Rejected` as RFC 8935 §2.3 wants it told."""
        given = headers.get("authorization", "").encode("latin-1", "replace")
        if self._secret is not None and not hmac.compare_digest(given, self._secret):
            raise Rejected("authentication_failed", "Authorization is not what was agreed")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/secevent+jwt":
            raise Rejected("invalid_request", "Content-Type is not application/secevent+jwt")
        self._receiver.take(body, at)
        return 1


class _Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What the next request has to acknowledge, and what it has to say of those that were not taken."""

    ack: tuple[str, ...] = ()
    errors: dict[str, dict[str, str]] = {}


class _Polled(msgspec.Struct):
    sets: dict[str, str] = {}
    more: bool = msgspec.field(name="moreAvailable", default=False)


class PollReceiver:
    """Asks the endpoint *url* of a poll stream; what is durable is acknowledged with the next request."""

    def __init__(self, web: Web, url: str, receiver: Receiver, token: str | None, *, most: int = 100) -> None:
        self._web, self._url, self._receiver, self._most = web, demand_base(url, "url"), receiver, most
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if token is not None and (not token.isprintable() or not token.isascii()):
            raise Invalid("The token is none.", "Put it alone into its file.", where="token_file")

    def poll(self, checkpoint: str | None, at: datetime) -> Iterator[Page]:
        """See `Poller.poll`."""
        mark = msgspec.json.decode(checkpoint, type=_Mark) if checkpoint else _Mark()
        is_more = True
        while is_more or mark.ack or mark.errors:
            # What was read is acknowledged at once, and not at the next time of asking.
            answer = self._web.ask(
                "POST",
                self._url,
                headers=self._headers,
                json_body={
                    "ack": list(mark.ack),
                    "setErrs": mark.errors,
                    "maxEvents": self._most,
                    "returnImmediately": True,
                },
            )
            try:
                polled = msgspec.json.decode(answer.body, type=_Polled)
            except msgspec.MsgspecError as error:
                raise Unavailable("The answer is not that of RFC 8936.", "Check url.") from error
            lines: list[bytes] = []
            ack: list[str] = []
            errors: dict[str, dict[str, str]] = {}
            for name, token in polled.sets.items():
                try:
                    line, jti = self._receiver.line(token.encode(), at)
                except Rejected as rejected:
                    errors[name] = {"err": rejected.code, "description": rejected.description}
                    continue
                if jti != name:
                    errors[name] = {"err": "invalid_request", "description": "jti is not the name of the SET"}
                    continue
                lines.append(line)
                ack.append(jti)
            mark = _Mark(ack=tuple(ack), errors=errors)
            yield Page(lines=tuple(lines), checkpoint=msgspec.json.encode(mark).decode())
            is_more = polled.more
