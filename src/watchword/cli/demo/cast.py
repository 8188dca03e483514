"""The people of the story: staff signed in at the API, and a person at their own browser. They hold no secret door."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pyotp
from joserfc import jwe
from joserfc.jwk import ECKey

from watchword.cli.client import Client
from watchword.cli.demo.authenticator import SoftAuthenticator

PATIENCE_S = 45.0
LOOK_AGAIN_S = 0.05

Seen = TypeVar("Seen")


class Failed(Exception):
    """The story did not come out as it must."""


def awaited(look: Callable[[], Seen | None], late: str) -> Seen:
    """What *look* sees at last, as a person looks at a page again; raise `Failed` with *late* when it never comes."""
    deadline = time.monotonic() + PATIENCE_S
    while (seen := look()) is None:
        if time.monotonic() > deadline:
            raise Failed(late)
        time.sleep(LOOK_AGAIN_S)
    return seen


class StoryClock:
    """The time of the story: the wall clock, and what was skipped."""

    def __init__(self, wall: Callable[[], datetime]) -> None:
        self._wall = wall
        self._skipped = timedelta(0)

    def __call__(self) -> datetime:
        """The time now."""
        return self._wall() + self._skipped

    def skip(self, span: timedelta) -> None:
        """Let time pass."""
        self._skipped += span


class Caller:
    """A person with their own page, phone and browser. Answers what the page asks; nobody reads anything out."""

    def __init__(self, client: Client, clock: StoryClock) -> None:
        self._client = client
        self._clock = clock
        self.seed: bytes | None = None
        self.key: SoftAuthenticator | None = None
        self.page = ""

    def follow(self, shown: dict[str, Any]) -> None:
        """Open the address the desk gave of a case as it is *shown* there, and tap the word that the desk says."""
        case, token = str(shown["page"]).rstrip("/").rsplit("/", 2)[-2:]
        self.page = f"/api/caller/{case}/{token}"
        if self._client.call("GET", self.page)["check"]:
            self._client.call("POST", f"{self.page}/check", {"word": shown["words"]["first"]})

    def waiting(self) -> list[dict[str, Any]]:
        """The challenges the page shows."""
        return list(self._client.call("GET", self.page)["waiting"])

    def answer(self, challenge: str, answer: str) -> None:
        """Type an answer."""
        self._client.call("POST", f"{self.page}/answers/{challenge}", {"answer": answer})

    def code(self) -> str:
        """What the authenticator app shows now."""
        assert self.seed is not None
        return pyotp.TOTP(base64.b32encode(self.seed).decode()).at(self._clock())

    def assertion(self, challenge: str) -> str:
        """Touch the security key for what the page asks."""
        assert self.key is not None
        shown = next(c for c in self.waiting() if c["challenge"] == challenge)
        return self.key.get(shown["options"])

    def take(self, method: str) -> str:
        """Open the hand-over: make a key, prove again with *method*, and open what was sealed to that key."""
        private = ECKey.generate_key("P-256")
        public = private.as_dict(private=False)
        jwk = {name: public[name] for name in ("kty", "crv", "x", "y")}
        self._client.call("POST", f"{self.page}/hand-over", {"jwk": jwk})
        awaited(self._ready, "the change was not made in time")
        shown = self._client.call("POST", f"{self.page}/hand-over/methods", {"method": method})
        challenge = next(w["challenge"] for w in shown["waiting"] if w["purpose"] == "hand_over")
        self.answer(challenge, self.assertion(challenge) if method == "passkey" else self.code())
        sealed = self._client.call("POST", f"{self.page}/hand-over/take", {})["envelopes"]
        opened = jwe.decrypt_compact(sealed[-1], private).plaintext
        assert opened is not None
        return opened.decode()

    def _ready(self) -> bool | None:
        return self._client.call("GET", self.page)["hand_over"]["step"] == "ready" or None


class Staff:
    """Somebody at the desk, signed in."""

    def __init__(self, client: Client, login: str, name: str, key: SoftAuthenticator | None = None) -> None:
        self._client = client
        self.login = login
        self.name = name
        self.key = key

    def open(self, account: str, action: str, *, directory: str, reason: str, **more: Any) -> str:
        """Take a request in."""
        body = {"directory": directory, "account": account, "action": action, "reason": reason, **more}
        return str(self._client.call("POST", "/api/cases", body)["case"])

    def do(self, case: str, step: str, **body: Any) -> Any:
        """Take one step on a case."""
        return self._client.call("POST", f"/api/cases/{case}/{step}", body)

    def attest(self, case: str, method: str, words: str) -> None:
        """Begin a method and say what was seen."""
        begun = self.do(case, "methods", method=method)
        self.do(case, f"methods/{begun['challenge']}", answer=words)

    def look(self, case: str) -> dict[str, Any]:
        """Read a case."""
        return dict(self._client.call("GET", f"/api/cases/{case}"))

    def approve(self, case: str) -> None:
        """Look at the request, and say yes to exactly it."""
        self.do(case, "approval", approve=True, digest=self.look(case)["request"]["digest"])

    def sign(self, case: str) -> None:
        """Look at the request, and say yes to exactly it with one's own passkey."""
        assert self.key is not None
        asked = self._client.call("GET", f"/api/cases/{case}/approval")
        assertion = self.key.get(asked["options"])
        self.do(case, "approval", approve=True, digest=asked["request"]["digest"], assertion=assertion)

    def evidence(self, case: str) -> bytes:
        """Take the case's evidence bundle along."""
        return self._client.fetch(f"/api/cases/{case}/evidence")

    def until_told(self, case: str) -> None:
        """Wait until the hold of a case has begun: somebody was told of it."""
        awaited(lambda: self.look(case)["hold_until"], "nobody was told of the hold")

    def until(self, case: str, *states: str) -> str:
        """Wait until a case is in one of *states*."""

        def arrived() -> str | None:
            state = str(self.look(case)["state"])
            return state if state in states else None

        return awaited(arrived, f"the case never was {' or '.join(states)}")
