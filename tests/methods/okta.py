"""An Okta organisation on loopback, small: it takes pushes with a number challenge, and can misbehave on request."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "00the-token-of-the-tests"
USER, FACTOR = "00uMaraLind", "opfMaraLind"
_PATH = re.compile(r"/api/v1/users/(\w+)/factors/(\w+)/(verify|transactions/(\w+))(\?tokenLifetimeSeconds=\d+)?\Z")


class Okta(ThreadingHTTPServer):
    """Listens on a free port. *prompts* are the transactions it sent, by id, and what became of each.

    *trouble* is how it misbehaves: `plain` sends no number, `silent` answers nothing, a number is a status.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.prompts: dict[str, str] = {}
        self.numbers: dict[str, int] = {}
        self.trouble = ""
        self.poll = ""
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def picks(self, number: int, transaction: str | None = None) -> None:
        """The person picks *number* in the prompt that came last, or in *transaction*."""
        name = transaction or next(reversed(self.prompts))
        self.prompts[name] = "SUCCESS" if self.numbers[name] == number else "REJECTED"

    def denies(self) -> None:
        """The person says that it was not them."""
        self.prompts[next(reversed(self.prompts))] = "REJECTED"


class _Handler(BaseHTTPRequestHandler):
    server: Okta

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def do_POST(self) -> None:
        """Send a prompt."""
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        whose = self._found()
        if whose is None or not self._behaves():
            return
        if whose[3] != "verify" or json.loads(sent) != {"useNumberMatchingChallenge": True}:
            self._say(400, {"errorCode": "E0000003"})
            return
        name = f"v2transaction{len(self.server.prompts)}"
        self.server.prompts[name], self.server.numbers[name] = "WAITING", 17 + len(self.server.prompts)
        body = self._transaction(name)
        if self.server.trouble == "plain":
            del body["_embedded"]
        self._say(201, body)

    def do_GET(self) -> None:
        """Say what became of one."""
        whose = self._found()
        if whose is None or not self._behaves():
            return
        if whose[4] not in self.server.prompts:
            self._say(404, {"errorCode": "E0000007"})
            return
        self._say(200, self._transaction(whose[4]))

    def _transaction(self, name: str) -> dict[str, Any]:
        result = self.server.prompts[name]
        body: dict[str, Any] = {"factorResult": result}
        if result == "WAITING":
            base = self.server.poll or f"{self.server.url}/api/v1/users/{USER}/factors/{FACTOR}/transactions"
            body["_links"] = {"poll": {"href": f"{base}/{name}", "hints": {"allow": ["GET"]}}}
            body["_embedded"] = {"challenge": {"correctAnswer": self.server.numbers[name]}}
        return body

    def _found(self) -> re.Match[str] | None:
        self.server.asked.append(self.path)
        found = _PATH.match(self.path)
        if self.headers.get("Authorization") != f"SSWS {TOKEN}" or not self.headers.get("User-Agent"):
            self._say(401, {"errorCode": "E0000011"})
        elif found is None or (found[1], found[2]) != (USER, FACTOR):
            self._say(404, {"errorCode": "E0000007"})
        else:
            return found
        return None

    def _behaves(self) -> bool:
        if self.server.trouble == "silent":
            self.close_connection = True
            return False
        if self.server.trouble.isdigit():
            self._say(int(self.server.trouble), {"errorCode": "E0000000"})
            return False
        return True

    def _say(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@contextmanager
def okta() -> Iterator[Okta]:
    """An organisation that runs for as long as this lasts."""
    server = Okta()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
