"""A push service on loopback, and a browser that is woken by it: it checks who sends, and opens what arrives."""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from watchword.notices.port import Subscription


class PushService(ThreadingHTTPServer):
    """Listens on a free port; *pushes* are the headers and bodies that arrived, *status* is what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 201
        self.pushes: list[tuple[dict[str, str], bytes]] = []
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = secrets.token_bytes(16)

    @property
    def host(self) -> str:
        """Its name and port."""
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def subscription(self) -> Subscription:
        """Where its browser is woken."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return Subscription(
            endpoint=f"http://{self.host}/push/maras-phone", p256dh=coded(point), auth=coded(self._auth)
        )

    def shown(self) -> tuple[str, ...]:
        """What the browser made of each push."""
        return tuple(
            http_ece.decrypt(body, private_key=self._key, auth_secret=self._auth).decode() for _, body in self.pushes
        )

    def sender(self) -> dict[str, Any]:
        """What the last push says of who sent it, once its signature held for the key it names."""
        scheme, _, said = self.pushes[-1][0]["authorization"].partition(" ")
        assert scheme == "vapid"
        token, key = (part.strip().partition("=")[2] for part in said.split(","))
        point = base64.urlsafe_b64decode(key + "=")
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims: dict[str, Any] = jwt.decode(token, ECKey.import_key(public), algorithms=["ES256"]).claims
        return claims | {"key": key}


class _Handler(BaseHTTPRequestHandler):
    server: PushService

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def do_POST(self) -> None:
        """Take a push."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        assert self.path == "/push/maras-phone"
        if self.server.status == 201:
            self.server.pushes.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def push_service() -> Iterator[PushService]:
    """A service that runs for as long as this lasts."""
    server = PushService()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def coded(content: bytes) -> str:
    """*content* in base64url, as browsers write it."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
