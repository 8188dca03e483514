"""The caller's page opens, in a real browser, what joserfc sealed: two implementations that never met."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey
from playwright.sync_api import Page, expect

from watchword.web import view
from watchword.web.render import CSP, STATIC, render

CASE = "c-q4mz7ka2vtn5rj8p3xwd"
CREDENTIAL = "Röhre-Tisch-49-Ébène"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8"}


class Desk(ThreadingHTTPServer):
    """Serves the page and answers as the API does, with a hand-over that is due."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.jwk: dict[str, str | list[str]] | None = None
        self.is_asked = self.is_reproved = self.is_taken = self.is_code_asked = False
        self.header: dict[str, Any] = {"alg": "ECDH-ES", "enc": "A256GCM"}

    @property
    def address(self) -> str:
        """Where it listens; loopback counts as a secure context."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def shown(self) -> dict[str, Any]:
        """What waits, as `GET /api/caller/…` says it."""
        asked = {
            "challenge": "h-1",
            "method": "totp",
            "title": "Authenticator code",
            "purpose": "hand_over",
            "expires": "2026-11-21T14:05:00Z",
            "tries_left": 3,
            "kind": "code",
            "say": "Type the six digits.",
            "options": None,
        }
        hand_over = {
            "step": "over" if self.is_taken else "ready" if self.jwk else "key",
            "what": "password",
            "jwk": json.dumps(self.jwk) if self.jwk else None,
            "reproved": self.is_reproved,
            "code": self.is_code_asked,
            "methods": [["totp", "Authenticator code"]],
        }
        waiting = [asked] if self.is_asked and not self.is_reproved else []
        return {"case": CASE, "action": "Password reset", "ended": False, "waiting": waiting, "hand_over": hand_over}

    def envelope(self) -> str:
        """The credential, sealed to the key the browser sent."""
        assert self.jwk is not None
        allowed = ["ECDH-ES", "ECDH-ES+A256KW", "A256GCM"]
        return jwe.encrypt_compact(self.header, CREDENTIAL, ECKey.import_key(self.jwk), algorithms=allowed)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Desk

    def do_GET(self) -> None:
        """The page, its static files, and what waits."""
        if self.path.startswith("/static/"):
            file = STATIC / self.path.removeprefix("/static/")
            self._answer(file.read_bytes(), TYPES[file.suffix])
        elif self.path == "/api":
            self._say(self.server.shown())
        else:
            self._answer(render(_page()).encode(), TYPES[".html"])

    def do_POST(self) -> None:
        """Take the key, begin, answer, or hand over."""
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"null")
        desk = self.server
        match self.path.removeprefix("/api"):
            case "/hand-over":
                desk.jwk = body["jwk"]
            case "/hand-over/methods":
                desk.is_asked = True
            case "/answers/h-1" if body == {"answer": "123456"}:
                desk.is_reproved = True
            case "/hand-over/code" if body == {"code": "271 828"}:
                desk.is_code_asked = False
            case "/hand-over/take" if desk.is_reproved and not desk.is_code_asked:
                desk.is_taken = True
                self._say({"envelopes": [desk.envelope()]})
                return
            case _:
                self._say({"detail": "The answer does not prove this person.", "remedy": "Try again."}, 403)
                return
        self._say(desk.shown())

    def _say(self, words: dict[str, Any], status: int = 200) -> None:
        self._answer(json.dumps(words).encode(), "application/json", status)

    def _answer(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-security-policy", CSP)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep the test's output quiet."""


def _page() -> view.CallerPage:
    chrome = view.Chrome(at=datetime(2026, 11, 21, 14, tzinfo=UTC), csrf="")
    return view.CallerPage(chrome=chrome, case=CASE, action="Password reset", what="password", api="/api")


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk on a free port."""
    server = Desk()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _make_key(tab: Page, desk: Desk) -> None:
    tab.goto(desk.address)
    tab.get_by_role("button", name="Make the key").click()
    expect(tab.get_by_role("button", name="Begin")).to_be_visible()


def _prove(tab: Page, code: str) -> None:
    tab.get_by_role("button", name="Begin").click()
    tab.get_by_label("Code").fill(code)
    tab.get_by_role("button", name="Continue").click()


def _take(tab: Page, desk: Desk) -> None:
    _make_key(tab, desk)
    _prove(tab, "123456")
    tab.get_by_role("button", name="Show it now").click()


def test_the_browser_opens_what_joserfc_sealed(tab: Page, desk: Desk) -> None:
    """The credential appears in the clear only in the browser whose key it was sealed to, and can be copied."""
    _take(tab, desk)
    expect(tab.locator("#credential")).to_have_text(CREDENTIAL)
    tab.get_by_role("button", name="Copy").click()
    expect(tab.get_by_role("button", name="Copied")).to_be_visible()
    assert tab.evaluate("navigator.clipboard.readText()") == CREDENTIAL


def test_apu_and_apv_enter_the_key(tab: Page, desk: Desk) -> None:
    """Party information in the header is part of the derivation, as RFC 7518 §4.6.2 asks."""
    desk.header |= {"apu": "QWxpY2U", "apv": "Qm9i"}
    _take(tab, desk)
    expect(tab.locator("#credential")).to_have_text(CREDENTIAL)


def test_a_reload_keeps_the_key_and_nothing_exports_it(tab: Page, desk: Desk) -> None:
    """After a reload the page goes on with the same key, whose private half can not leave the browser."""
    _make_key(tab, desk)
    tab.reload()
    expect(tab.get_by_role("button", name="Begin")).to_be_visible()
    assert desk.jwk is not None
    assert set(desk.jwk) == {"kty", "crv", "x", "y"}
    why = tab.evaluate(
        """async (name) => {
          const { keptKey } = await import("/static/envelope.js");
          const pair = await keptKey(name);
          return crypto.subtle.exportKey("jwk", pair.privateKey).then(() => "exported", (e) => e.name);
        }""",
        CASE,
    )
    assert why == "InvalidAccessError"


def test_a_second_browser_is_told_so(tab: Page, desk: Desk) -> None:
    """When another browser holds the key, the page says so and offers nothing."""
    desk.jwk = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}
    tab.goto(desk.address)
    expect(tab.get_by_role("alert")).to_contain_text("Another browser has opened this hand-over.")
    expect(tab.get_by_role("button", name="Begin")).to_be_hidden()
    expect(tab.locator("#quiet")).to_be_hidden()  # there is nothing to wait for here


def test_a_code_that_the_desk_says_comes_before_the_credential(tab: Page, desk: Desk) -> None:
    """Where one is asked, nothing is offered to be shown until it was typed."""
    desk.is_code_asked = True
    _make_key(tab, desk)
    _prove(tab, "123456")
    expect(tab.get_by_label("Six digits that the desk tells you")).to_be_visible()
    expect(tab.get_by_role("button", name="Show it now")).to_be_hidden()
    tab.get_by_label("Six digits that the desk tells you").fill("271 828")
    tab.locator("#spoken button").click()
    tab.get_by_role("button", name="Show it now").click()
    expect(tab.locator("#credential")).to_have_text(CREDENTIAL)


def test_a_wrong_answer_shows_no_credential(tab: Page, desk: Desk) -> None:
    """A refused answer is said in the desk's words, offers no credential, and can be tried again."""
    _make_key(tab, desk)
    _prove(tab, "000000")
    expect(tab.get_by_role("alert")).to_have_text("The answer does not prove this person. Try again.")
    expect(tab.get_by_role("button", name="Show it now")).to_be_hidden()
    tab.get_by_label("Code").fill("123456")
    tab.get_by_role("button", name="Continue").click()
    expect(tab.get_by_role("button", name="Show it now")).to_be_visible()
    assert not desk.is_taken


def test_the_credential_is_gone_after_a_minute(tab: Page, desk: Desk) -> None:
    """After sixty seconds the credential is neither shown nor in the page any more, and the key is forgotten."""
    tab.clock.install()
    _take(tab, desk)
    expect(tab.locator("#credential")).to_have_text(CREDENTIAL)
    tab.clock.run_for(61_000)
    expect(tab.locator("#credential")).to_have_text("")
    expect(tab.locator("#opened")).to_be_hidden()
    assert CREDENTIAL not in tab.content()
    kept = tab.evaluate("async (n) => Boolean(await (await import('/static/envelope.js')).keptKey(n))", CASE)
    assert kept is False


def test_an_envelope_of_another_kind_is_not_opened(tab: Page, desk: Desk) -> None:
    """Only ECDH-ES with A256GCM is opened, whatever the header says."""
    desk.header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}
    _take(tab, desk)
    expect(tab.get_by_role("alert")).to_have_text("This is not an envelope made for this page.")
    expect(tab.locator("#credential")).to_be_hidden()


def test_the_concat_kdf_is_that_of_rfc_7518(tab: Page, desk: Desk) -> None:
    """RFC 7518 Appendix C, whose Z, header and derived key are printed there, comes out the same."""
    tab.goto(desk.address)
    derived = tab.evaluate(
        """async () => {
          const { concatKdf } = await import("/static/envelope.js");
          const z = [158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163,
                     218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196];
          const text = new TextEncoder();
          const [apu, apv] = [text.encode("Alice"), text.encode("Bob")];
          return [...await concatKdf(new Uint8Array(z), "A128GCM", apu, apv, 128)].slice(0, 16);
        }"""
    )
    assert derived == [86, 170, 141, 234, 248, 35, 109, 32, 92, 34, 40, 205, 113, 167, 16, 26]
