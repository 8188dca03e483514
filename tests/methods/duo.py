"""Duo's Auth API on loopback, small: it checks each signature, sends Verified Duo Pushes, and misbehaves on request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

INTEGRATION, SECRET = "DI0WATCHWORD0TESTS00", "the-secret-key-of-the-tests"
USER, DEVICE = "DUMARALIND0000000000", "DPMARASPHONE00000000"


class Duo(ThreadingHTTPServer):
    """Listens on a free port. *pushes* are what it sent, by transaction: result and status of each.

    *trouble* is how it misbehaves: `plain` knows no codes, `bypass` lets the person through unasked, `silent` answers
    nothing, `slow` waits when asked what became of a push, a number is a status; `auth:` before one is for that one.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pushes: dict[str, tuple[str, str]] = {}
        self.codes: dict[str, str] = {}
        self.trouble = ""
        self.asked: list[str] = []
        self.gone = threading.Event()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def types(self, code: str) -> None:
        """The person types *code* in the push that came last."""
        name = next(reversed(self.pushes))
        self.ends("allow", "allow") if self.codes[name] == code else self.ends("deny", "deny")

    def ends(self, result: str, status: str) -> None:
        """The push that came last ends so."""
        self.pushes[next(reversed(self.pushes))] = (result, status)


class _Handler(BaseHTTPRequestHandler):
    server: Duo

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def do_POST(self) -> None:
        """Say how somebody can be asked, or ask them."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self._signed("", body) or not self._behaves():
            return
        said: dict[str, str] = json.loads(body)
        if said.get("user_id") != USER:
            self._say(400, {"stat": "FAIL", "code": 40002})
        elif self.path == "/auth/v2/preauth":
            self._say(200, {"stat": "OK", "response": self._preauth(said)})
        elif said.get("txid") not in self.server.codes or said.get("async") != "1" or said.get("device") != DEVICE:
            self._say(400, {"stat": "FAIL", "code": 40002})
        else:
            self.server.pushes[said["txid"]] = ("waiting", "pushed")
            self._say(200, {"stat": "OK", "response": {"txid": said["txid"]}})

    def do_GET(self) -> None:
        """Say what became of a push."""
        query = urlsplit(self.path).query
        if not self._signed(query, b"") or not self._behaves():
            return
        if self.server.trouble == "slow":
            self.server.gone.wait(5)
        found = self.server.pushes.get(parse_qs(query).get("txid", [""])[0])
        if found is None:
            self._say(400, {"stat": "FAIL", "code": 40002})
            return
        self._say(200, {"stat": "OK", "response": {"result": found[0], "status": found[1], "status_msg": "…"}})

    def _preauth(self, said: dict[str, str]) -> dict[str, Any]:
        if self.server.trouble == "bypass":
            return {"result": "allow", "status_msg": "Account is active"}
        phone = {"device": DEVICE, "type": "phone", "capabilities": ["auto", "push", "sms"]}
        token = {"device": "DHTOKEN0000000000000", "type": "token"}
        found: dict[str, Any] = {"result": "auth", "status_msg": "Account is active", "devices": [token, phone]}
        if said.get("client_supports_verified_push") == "1" and self.server.trouble != "plain":
            name, code = f"66ec11f2-0000-4087-ab4b-{len(self.server.codes):012}", f"{17 + len(self.server.codes):06}"
            self.server.codes[name] = code
            found |= {"txid": name, "verification_code": code, "expiration": 60}
        return found

    def _signed(self, query: str, body: bytes) -> bool:
        """Whether the request is signed as Duo's signatures of the fifth version are; says no by itself."""
        self.server.asked.append(self.path)
        digests = (hashlib.sha512(each).hexdigest() for each in (body, b""))
        path = urlsplit(self.path).path
        said = "\n".join((self.headers["Date"] or "", self.command, "127.0.0.1", path, query, *digests))
        right = f"{INTEGRATION}:{hmac.new(SECRET.encode(), said.encode(), 'sha512').hexdigest()}"
        if self.headers.get("Authorization") == f"Basic {base64.b64encode(right.encode()).decode()}":
            return True
        self._say(401, {"stat": "FAIL", "code": 40103})
        return False

    def _behaves(self) -> bool:
        which, _, rest = self.server.trouble.rpartition(":")
        if which and not self.path.endswith(f"/{which}"):
            return True
        if rest == "silent":
            self.close_connection = True
            return False
        if rest.isdigit():
            self._say(int(rest), {"stat": "FAIL", "code": int(rest) * 100})
            return False
        return True

    def _say(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
        except OSError:  # whoever asked is gone
            self.close_connection = True


@contextmanager
def duo() -> Iterator[Duo]:
    """A Duo that runs for as long as this lasts."""
    server = Duo()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.gone.set()
        server.shutdown()
        server.server_close()
        thread.join()
