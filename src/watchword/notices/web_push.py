"""Web Push: what a browser shows though its page is closed (RFC 8030), sealed to it (RFC 8291), signed (RFC 8292).

The push service sees that somebody is woken and when, and can not read what for. It is named by the browser, so only
services of the settings are ever asked: an address of the browser's choice would be a way into the network we stand in.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import http_ece
import httpx2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from watchword.core.errors import Invalid, Unavailable
from watchword.notices.port import Subscription

WITHIN_S = 10.0
"""How long a push service may take to answer, in seconds."""

_LONGEST = 2048
_SIGNED_FOR = timedelta(hours=1)
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3)."""


class WebPush:
    """Wakes browsers at *services*, which are hosts; `*.` before one stands for anything below it.

    *secret* (32 bytes) makes our key, *contact* is whom a service may write to.
    """

    def __init__(self, secret: bytes, contact: str, services: tuple[str, ...]) -> None:
        if len(secret) < 32:
            raise Invalid("The key for pushes is too short.", "Derive 32 bytes from the key file.", where="web_push")
        private = ec.derive_private_key(int.from_bytes(secret) % (_ORDER - 1) + 1, ec.SECP256R1())
        self._signing = ECKey.import_key(private)
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self._key = _written(point)
        self._contact = contact
        self._services = services
        self._http = httpx2.Client(timeout=WITHIN_S, trust_env=False, follow_redirects=False)

    @property
    def key(self) -> str:
        """See `Waker.key`."""
        return self._key

    def demand(self, subscription: Subscription) -> None:
        """See `Waker.demand`."""
        self._origin(subscription)
        _keys(subscription)

    def wake(self, subscription: Subscription, text: str, at: datetime, until: datetime) -> None:
        """See `Waker.wake`."""
        origin = self._origin(subscription)
        receiver, secret = _keys(subscription)
        body = http_ece.encrypt(
            text.encode(), private_key=ec.generate_private_key(ec.SECP256R1()), dh=receiver, auth_secret=secret
        )
        claims = {"aud": origin, "exp": int((at + _SIGNED_FOR).timestamp()), "sub": self._contact}
        token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, self._signing, algorithms=["ES256"])
        headers = {
            "Authorization": f"vapid t={token}, k={self._key}",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(max(0, int((until - at).total_seconds()))),
            "Urgency": "high",
            "Topic": "prompts",  # a later one takes the place of what was not delivered yet
        }
        try:
            answer = self._http.post(subscription.endpoint, content=body, headers=headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Unavailable(
                f"The push service does not answer: {type(error).__name__}.", "It is tried again."
            ) from error
        if answer.is_success:
            return
        if answer.status_code in {408, 429} or answer.status_code >= 500:
            raise Unavailable(f"The push service answers {answer.status_code}.", "It is tried again.")
        raise Invalid(
            f"The push service refuses: {answer.status_code}.", "The person opens their prompts again.", "web_push"
        )

    def _origin(self, subscription: Subscription) -> str:
        """Scheme and host of the endpoint, which is one of ours; `Invalid` otherwise."""
        try:
            parts = urlsplit(subscription.endpoint)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise _untrusted() from error
        named = host if port is None else f"{host}:{port}"
        trusted = any(
            named.endswith(service[1:]) if service.startswith("*.") else named == service for service in self._services
        )
        private = parts.scheme == "https" or (parts.scheme == "http" and host in {"localhost", "127.0.0.1"})
        plain = len(subscription.endpoint) <= _LONGEST and subscription.endpoint.isascii() and "@" not in parts.netloc
        if not (trusted and private and plain):
            raise _untrusted()
        return f"{parts.scheme}://{named}"


def _untrusted() -> Invalid:
    return Invalid(
        "This browser is woken by a service that is not trusted here.",
        "Have it named in `web_push.services`, or keep the page open.",
        where="endpoint",
    )


def _keys(subscription: Subscription) -> tuple[bytes, bytes]:
    """The browser's public point and its secret; `Invalid` where they are none."""
    try:
        point, secret = _read(subscription.p256dh), _read(subscription.auth)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except (ValueError, binascii.Error):
        point, secret = b"", b""
    if len(point) != 65 or len(secret) != 16:
        raise Invalid("These are no keys of a subscription.", "Have the browser subscribe again.", where="keys")
    return point, secret


def _read(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _written(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
