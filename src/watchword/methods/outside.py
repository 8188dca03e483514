"""The way to a service outside over HTTP, which may be slow, silent or hostile: bounded in bytes and in time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from urllib.parse import urlsplit

import httpx2

from watchword.core.errors import Invalid, Unavailable
from watchword.core.host import is_loopback


class Slow(Unavailable):
    """Whoever was asked is there, and did not answer within the time given."""


LONGEST = 65_536
"""Bytes of an answer."""

_REMEDY = "Try again in a moment; use another method if it stays."


def demand_private(url: str, where: str) -> None:
    """Raise `Invalid` unless *url* is https, or goes no further than this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port
    except ValueError as error:
        raise Invalid(f"{url!r} is no address.", "Write it whole, such as https://id.example.org.", where) from error
    del port
    if parts.scheme == "https" and host and not parts.username:
        return
    if parts.scheme == "http" and is_loopback(host) and not parts.username:
        return
    raise Invalid(f"{url!r} is not https.", "Only https is spoken with a service that is elsewhere.", where)


def exchange(
    verb: str,
    url: str,
    *,
    within_s: float,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Status and content of one answer, whole and within *within_s* seconds; `Unavailable` otherwise, `Slow` for time.

    The timeouts of HTTP begin anew with every byte, so the whole of it waits in a thread of its own. No redirect is
    followed and no proxy of the environment is asked: what answers elsewhere is not who was meant.
    """
    answer: Future[tuple[int, bytes]] = Future()

    def ask() -> None:
        try:
            answer.set_result(_exchange(verb, url, within_s, body, dict(headers or {})))
        except Unavailable as error:
            answer.set_exception(error)
        except BaseException as error:
            answer.set_exception(error)
            raise

    threading.Thread(target=ask, name="outside", daemon=True).start()
    try:
        return answer.result(within_s)
    except TimeoutError as error:
        raise _slow(url, within_s) from error


def _exchange(verb: str, url: str, within_s: float, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    plain = {"Accept-Encoding": "identity", "Accept": "application/json"}  # what is packed small can be large
    try:
        with (
            httpx2.Client(timeout=within_s, trust_env=False, follow_redirects=False) as http,
            http.stream(verb, url, content=body, headers=plain | headers) as answer,
        ):
            read = bytearray()
            for piece in answer.iter_raw():
                read += piece
                if len(read) > LONGEST:
                    raise _silent(url, f"its answer is longer than {LONGEST} bytes")
            return answer.status_code, bytes(read)
    except (httpx2.ReadTimeout, httpx2.WriteTimeout) as error:
        raise _slow(url, within_s) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise _silent(url, type(error).__name__) from error


def _slow(url: str, within_s: float) -> Slow:
    return Slow(f"{urlsplit(url).hostname} did not answer: no whole answer came within {within_s:g} seconds.", _REMEDY)


def _silent(url: str, why: str) -> Unavailable:
    return Unavailable(f"{urlsplit(url).hostname} did not answer: {why}.", _REMEDY)
