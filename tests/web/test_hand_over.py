"""The hand-over page opens, in a real browser, what joserfc sealed: two implementations that never met."""

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

CREDENTIAL = "Röhre-Tisch-49-Ébène"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8"}


class Desk(ThreadingHTTPServer):
    """Serves the page and keeps the four promises it relies on: a key, a method, an answer, an envelope once."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.jwk: dict[str, str | list[str]] | None = None
        self.calls: list[str] = []
        self.header: dict[str, Any] = {"alg": "ECDH-ES", "enc": "A256GCM"}

    @property
    def address(self) -> str:
        """Where it listens; loopback counts as a secure context."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def envelope(self) -> str:
        """The credential, sealed to the key the browser sent."""
        assert self.jwk is not None
        return jwe.encrypt_compact(
            self.header, CREDENTIAL, ECKey.import_key(self.jwk), algorithms=["ECDH-ES", "ECDH-ES+A256KW", "A256GCM"]
        )


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Desk

    def do_GET(self) -> None:
        """The page and its static files."""
        if self.path.startswith("/static/"):
            file = STATIC / self.path.removeprefix("/static/")
            self._answer(file.read_bytes(), TYPES[file.suffix])
        else:
            self._answer(render(_page()).encode(), TYPES[".html"])

    def do_PUT(self) -> None:
        """Take the key, once."""
        body = self._body()
        if self.server.jwk not in (None, body):
            self._problem(409, "Another browser has opened this page already.")
            return
        self.server.jwk = body
        self._answer(b"{}", "application/json")

    def do_POST(self) -> None:
        """Begin, answer or fetch."""
        body = self._body()
        if self.path == "/answer" and body != {"answer": "123456"}:
            self._problem(403, "The answer does not prove this person.")
        elif self.path == "/envelope":
            self._answer(self.server.envelope().encode(), "application/jose")
        else:
            self._answer(b"{}", "application/json")

    def _body(self) -> Any:
        assert self.headers["x-csrftoken"] == "t0ken"
        self.server.calls.append(self.path)
        return json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"null")

    def _problem(self, status: int, detail: str) -> None:
        self._answer(json.dumps({"detail": detail}).encode(), "application/problem+json", status)

    def _answer(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-security-policy", CSP)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep the test's output quiet."""


def _page() -> view.HandOverPage:
    return view.HandOverPage(
        chrome=view.Chrome(at=datetime(2026, 11, 21, 14, tzinfo=UTC), csrf="t0ken"),
        case="c-q4mz7ka2vtn5rj8p3xwd",
        what="password",
        key_url="/key",
        begin_url="/begin",
        answer_url="/answer",
        envelope_url="/envelope",
        methods=(view.Option(value="totp", label="Authenticator code"),),
    )


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


def _prove(tab: Page, code: str) -> None:
    tab.get_by_role("button", name="Begin").click()
    tab.get_by_label("Code").fill(code)
    tab.get_by_role("button", name="Continue").click()


def test_the_browser_opens_what_joserfc_sealed(tab: Page, desk: Desk) -> None:
    """The credential appears in the clear only in the browser whose key it was sealed to, and can be copied."""
    tab.goto(desk.address)
    _prove(tab, "123456")
    expect(tab.locator("#credential")).to_have_text(CREDENTIAL)
    tab.get_by_role("button", name="Copy").click()
    expect(tab.get_by_role("button", name="Copied")).to_be_visible()
    assert tab.evaluate("navigator.clipboard.readText()") == CREDENTIAL


def test_apu_and_apv_enter_the_key(tab: Page, desk: Desk) -> None:
    """Party information in the header is part of the derivation, as RFC 7518 §4.6.2 asks."""
    desk.header |= {"apu": "QWxpY2U", "apv": "Qm9i"}
    tab.goto(desk.address)
    _prove(tab, "123456")
    expect(tab.locator("#credential")).to_have_text(CREDENTIAL)


def test_a_reload_keeps_the_key_and_nothing_exports_it(tab: Page, desk: Desk) -> None:
    """A reload sends the same public key, and the private one can not leave the browser."""
    tab.goto(desk.address)
    expect(tab.get_by_role("button", name="Begin")).to_be_visible()
    first = desk.jwk
    tab.reload()
    expect(tab.get_by_role("button", name="Begin")).to_be_visible()
    assert desk.calls == ["/key", "/key"]
    assert first is not None
    assert desk.jwk == first
    assert set(first) == {"kty", "crv", "x", "y"}
    why = tab.evaluate(
        """async () => {
          const { keyFor } = await import("/static/hand-over.js");
          const pair = await keyFor("c-q4mz7ka2vtn5rj8p3xwd");
          return crypto.subtle.exportKey("jwk", pair.privateKey).then(() => "exported", (e) => e.name);
        }"""
    )
    assert why == "InvalidAccessError"


def test_a_second_browser_is_told_so(tab: Page, desk: Desk) -> None:
    """When another browser holds the key, the page says what the desk said and goes no further."""
    desk.jwk = {"kty": "EC"}
    tab.goto(desk.address)
    expect(tab.get_by_role("alert")).to_have_text("Another browser has opened this page already.")
    expect(tab.get_by_role("button", name="Begin")).to_be_hidden()


def test_a_wrong_answer_shows_no_credential(tab: Page, desk: Desk) -> None:
    """A refused answer is said in the desk's words, asks for no envelope, and can be tried again."""
    tab.goto(desk.address)
    _prove(tab, "000000")
    expect(tab.get_by_role("alert")).to_have_text("The answer does not prove this person.")
    assert "/envelope" not in desk.calls
    tab.get_by_label("Code").fill("123456")
    tab.get_by_role("button", name="Continue").click()
    expect(tab.locator("#credential")).to_have_text(CREDENTIAL)


def test_the_credential_is_gone_after_a_minute(tab: Page, desk: Desk) -> None:
    """After sixty seconds the credential is neither shown nor in the page any more, and the key is forgotten."""
    tab.clock.install()
    tab.goto(desk.address)
    _prove(tab, "123456")
    expect(tab.locator("#credential")).to_have_text(CREDENTIAL)
    tab.clock.run_for(61_000)
    expect(tab.locator("#credential")).to_have_text("")
    expect(tab.locator("#opened")).to_be_hidden()
    assert CREDENTIAL not in tab.content()
    kept = tab.evaluate(
        """async () => {
          const { keyFor } = await import("/static/hand-over.js");
          const { x } = await crypto.subtle.exportKey("jwk", (await keyFor("c-q4mz7ka2vtn5rj8p3xwd")).publicKey);
          return x;
        }"""
    )
    assert desk.jwk is not None
    assert kept != desk.jwk["x"]


@pytest.mark.parametrize("header", [{"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}])
def test_an_envelope_of_another_kind_is_not_opened(tab: Page, desk: Desk, header: dict[str, Any]) -> None:
    """Only ECDH-ES with A256GCM is opened, whatever the header says."""
    desk.header = header
    tab.goto(desk.address)
    _prove(tab, "123456")
    expect(tab.get_by_role("alert")).to_have_text("This is not an envelope made for this page.")
    expect(tab.locator("#credential")).to_be_hidden()


def test_the_concat_kdf_is_that_of_rfc_7518(tab: Page, desk: Desk) -> None:
    """RFC 7518 Appendix C, whose Z, header and derived key are printed there, comes out the same."""
    tab.goto(desk.address)
    derived = tab.evaluate(
        """async () => {
          const { concatKdf } = await import("/static/hand-over.js");
          const z = [158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163,
                     218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196];
          const text = new TextEncoder();
          const [apu, apv] = [text.encode("Alice"), text.encode("Bob")];
          return [...await concatKdf(new Uint8Array(z), "A128GCM", apu, apv, 128)].slice(0, 16);
        }"""
    )
    assert derived == [86, 170, 141, 234, 248, 35, 109, 32, 92, 34, 40, 205, 113, 167, 16, 26]
