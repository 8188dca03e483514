"""A real OpenID provider on loopback, small: it publishes its keys, signs tokens, and can misbehave on request."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

CLIENT, CLIENT_SECRET = "watchword", "a secret of thirty-two bytes or so"
MARA = {"given_name": "Mára Elisabeth", "family_name": "Lindqvist", "birthdate": "1990-05-17"}
DOCUMENT = {
    "type": "document",
    "check_details": [{"check_method": "vri"}, {"check_method": "bvr"}],
    "document_details": {"type": "idcard", "document_number": "T22000129"},
}
CREDENTIAL = {"type": "electronic_record", "check_details": [{"check_method": "vcrypt"}, {"check_method": "bvr"}]}

EC, OTHER_EC = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
RSA = RSAKey.generate_key(2048)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that it is too small is what it is for
    SMALL_RSA = RSAKey.generate_key(1024)


class Provider(ThreadingHTTPServer):
    """Listens on a free port; *keys* is what it publishes, *trouble* how it misbehaves, *asked* which paths were."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys: dict[str, ECKey | RSAKey] = {"ec-1": EC, "rsa-1": RSA}
        self.trouble = ""
        self.asked: list[str] = []
        self.now = datetime.now(UTC)
        self.person: dict[str, Any] = dict(MARA)
        self.verification: dict[str, Any] = {"trust_framework": "eidas", "evidence": [DOCUMENT]}
        self.token: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}

    @property
    def issuer(self) -> str:
        """Its name and address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def published(self) -> dict[str, Any]:
        """Its JWK set."""
        return {"keys": [key.as_dict(private=False) | {"kid": kid, "use": "sig"} for kid, key in self.keys.items()]}

    def claims(self, audience: str, subject: str, at: datetime, **other: Any) -> dict[str, Any]:
        """What a token of five minutes says."""
        said = {
            "iss": self.issuer,
            "sub": subject,
            "aud": audience,
            "iat": int(at.timestamp()),
            "nbf": int(at.timestamp()),
            "exp": int((at + timedelta(minutes=5)).timestamp()),
        }
        return {k: v for k, v in (said | other).items() if v is not None}

    def authorized(self, asked: dict[str, str]) -> str:
        """The code for what was asked: somebody has shown a document and their face, and agreed."""
        code = f"code-{len(self.codes)}-{secrets.token_urlsafe(8)}"
        self.codes[code] = asked
        return code

    def redeemed(self, form: dict[str, str], authorization: str) -> tuple[dict[str, Any], int]:
        """The ID token for a code, once, to the client that holds the verifier."""
        sent = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if [unquote_plus(part) for part in sent.split(":")] != [CLIENT, CLIENT_SECRET]:  # RFC 6749 §2.3.1
            return {"error": "invalid_client"}, 401
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return {"error": "invalid_grant"}, 400
        verified = {
            "verification": {"time": self.now.isoformat()} | self.verification,
            "claims": self.person,
        }
        said = {"nonce": asked["nonce"], "verified_claims": verified} | self.token
        return {"id_token": self.sign(self.claims(CLIENT, "248289761001", self.now, **said))}, 200

    def sign(self, claims: dict[str, Any], by: str = "ec-1", **header: Any) -> str:
        """A token with *claims*, by the key called *by*."""
        key = self.keys[by]
        said = {"alg": "ES256" if isinstance(key, ECKey) else "RS256", "kid": by, "typ": "JWT"} | header
        return jws.serialize_compact(said, json.dumps(claims).encode(), key)


def by_hand(header: dict[str, Any], claims: dict[str, Any], key: OctKey | None = None) -> str:
    """A token no library would make: without a signature, or with a symmetric one."""
    if key is not None:
        return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=["HS256"])
    from tests.methods.test_push_number import base64url

    return ".".join((base64url(json.dumps(header).encode()), base64url(json.dumps(claims).encode()), ""))


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        """Discovery, and the keys."""
        provider = self.server
        provider.asked.append(self.path)
        if self.path == "/.well-known/openid-configuration":
            issuer = "https://elsewhere.example.test" if provider.trouble == "another name" else provider.issuer
            uri = "http://keys.example.test/jwks" if provider.trouble == "plain keys" else f"{provider.issuer}/jwks"
            ends = {"authorization_endpoint": f"{issuer}/authorize", "token_endpoint": f"{issuer}/token"}
            self._say({"issuer": issuer, "jwks_uri": uri} | ends)
            return
        if self.path.startswith("/authorize?"):
            asked = dict(parse_qsl(urlsplit(self.path).query))
            back = urlencode({"code": provider.authorized(asked), "state": asked["state"]})
            if provider.trouble == "cancelled":
                back = urlencode({"error": "access_denied", "state": asked["state"]})
            self.send_response(302)
            self.send_header("location", f"{asked['redirect_uri']}?{back}")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        match provider.trouble:
            case "big":
                self._say({"keys": ["x" * 100_000]})
            case "many":
                self._say({"keys": [EC.as_dict(private=False) | {"kid": str(i)} for i in range(60)]})
            case "slow":
                self.send_response(200)
                self.send_header("content-length", "100000")
                self.end_headers()
                for _ in range(40):  # a byte now and then keeps every timeout of HTTP from running out
                    time.sleep(0.25)
                    try:
                        self.wfile.write(b" ")
                        self.wfile.flush()
                    except OSError:
                        return
            case "redirect":
                self.send_response(302)
                self.send_header("location", f"{provider.issuer}/other-jwks")
                self.send_header("content-length", "0")
                self.end_headers()
            case "nonsense":
                self._say(["no", "set"])
            case "gone":
                self._say({}, 500)
            case _:
                self._say(provider.published())

    def do_POST(self) -> None:
        """Redeem a code."""
        form = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
        if self.server.trouble == "no tokens":
            self._say({}, 500)
            return
        self._say(*self.server.redeemed(form, self.headers.get("authorization", "")))

    def _say(self, words: Any, status: int = 200) -> None:
        body = json.dumps(words).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep the test's output quiet."""


@contextmanager
def provider() -> Iterator[Provider]:
    """One provider, until it is left."""
    made = Provider()
    made.daemon_threads = True
    made.block_on_close = False
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        thread.join()
        made.server_close()
