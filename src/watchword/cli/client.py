"""The API, as somebody signed in; and as nobody in particular."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx2

from watchword.core.errors import Conflict, Corrupt, Invalid, Refused, Unavailable, WatchwordError
from watchword.settings import Settings

START = "Start it with `watchword serve`."


def address(host: str, port: int) -> str:
    """The URL of *host* and *port*."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Client:
    """A person at the API, signed in or not."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    @classmethod
    def anonymous(cls, url: str) -> Client:
        """Nobody in particular, such as a person at their own page."""
        # The console is the next process or the next host: no proxy of the environment has to see a password.
        return cls(httpx2.Client(base_url=url, timeout=30, trust_env=False))

    @classmethod
    def sign_in(cls, url: str, login: str, password: str) -> Client:
        """Open a session; `Refused` when login or password is wrong."""
        client = cls.anonymous(url)
        try:
            client.call("POST", "/api/session", {"login": login, "password": password})
        except WatchwordError:
            client.close()
            raise
        return client

    def call(self, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request; problem details come back as the error they were."""
        answer = self._answer(verb, path, body)
        return answer.json() if answer.content else None

    def fetch(self, path: str) -> bytes:
        """The bytes at *path*, which are no JSON."""
        return self._answer("GET", path, None).content

    def _answer(self, verb: str, path: str, body: dict[str, Any] | None) -> httpx2.Response:
        try:
            if verb != "GET" and "csrftoken" not in self._http.cookies:
                self._http.get("/healthz")  # any answer to a GET brings the token that writes have to carry
            answer = self._http.request(verb, path, json=body, headers=self._headers())
        except httpx2.TransportError as error:
            raise Unavailable(f"The console does not answer: {error}.", START) from error
        if answer.is_success:
            return answer
        raise fault_of(answer)

    def _headers(self) -> dict[str, str]:
        # By hand: behind a TLS proxy the console's cookies are for https alone, and this is the way round that proxy.
        cookies = {cookie.name: cookie.value or "" for cookie in self._http.cookies.jar}
        sent = {"X-CSRFToken": cookies.get("csrftoken", "")}
        return sent | ({"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {})

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()


def fault_of(answer: httpx2.Response) -> WatchwordError:
    """The error behind problem details; what is no fault of the core becomes the nearest one."""
    try:
        told = answer.json()
    except ValueError:
        told = {}
    what = str(told.get("detail") or told.get("title") or f"HTTP {answer.status_code}")
    remedy = str(told.get("remedy") or "Look at the console's log.")
    match str(told.get("type", "")).rpartition(":")[2]:
        case "refused":
            return Refused(what, remedy, tuple(told.get("reasons", ())))
        case "not_signed_in" | "too_many" | "forged" as reason:
            return Refused(what, remedy, (reason,))
        case "conflict":
            return Conflict(what, remedy)
        case "unavailable" | "broken":
            return Unavailable(what, remedy)
        case "corrupt":
            return Corrupt(what, remedy)
        case _:
            return Invalid(what, remedy, ", ".join(told.get("where", ())))


def running(settings: Settings) -> int | None:
    """How many entries the console of *settings* covers; None when nothing listens at its address.

    Raise `Unavailable` when something else answers there: it must not be sent a password.
    """
    url = address(settings.console.host, settings.console.port)
    try:
        answer = httpx2.get(f"{url}/healthz", timeout=5, trust_env=False)
    except httpx2.ConnectError:
        return None
    except httpx2.TransportError as error:
        raise Unavailable(f"{url} does not answer: {error}.", START) from error
    with suppress(ValueError, KeyError, TypeError):
        return int(answer.json()["entries"])
    raise Unavailable(f"What answers at {url} is not Watchword.", "Stop it, or set another port under [console].")


@contextmanager
def signed_in(settings: Settings, login: str, password: str) -> Iterator[Client]:
    """A client of the running console, or of one started for as long, which leaves changes to the executor."""
    if running(settings) is not None:
        yield from _session(address(settings.console.host, settings.console.port), login, password)
        return
    from watchword.app import App
    from watchword.cli.serving import serving

    with App(settings, executes=False) as app, serving(app, port=0) as url:
        yield from _session(url, login, password)
        app.tick()


def _session(url: str, login: str, password: str) -> Iterator[Client]:
    client = Client.sign_in(url, login, password)
    try:
        yield client
    finally:
        client.close()
