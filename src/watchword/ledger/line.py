"""The way to one outsider over HTTP, who may be slow, silent or hostile: an answer is bounded in bytes and in time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future

import httpx2

from watchword.core.errors import Unavailable

_LONGEST = 65_536
_REMEDY = "It is asked again; check its URL if it stays."


class Line:
    """To whoever answers at *url*. Used from one thread at a time."""

    def __init__(self, url: str, *, within_s: float) -> None:
        self._url = url
        self._within_s = within_s
        # Straight there: what a proxy of the environment answers, or another address, is not who was meant.
        plain = {"Accept-Encoding": "identity"}  # what is packed small can be large
        self._http = httpx2.Client(timeout=within_s, trust_env=False, follow_redirects=False, headers=plain)
        self._asked: Future[tuple[int, bytes]] | None = None

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Return status and content of the answer to *body*; `Unavailable` when there is none, whole, in time.

        The timeouts of HTTP begin anew with every byte, so that one byte now and then would hold whoever waits for
        days. The question is a thread's; while it waits still, nothing more is asked.
        """
        if self._asked is not None and not self._asked.done():
            raise Unavailable("it has not ended its answer to an earlier question", _REMEDY)
        answer = self._asked = Future()
        asking = (answer, body, dict(headers or {}))
        threading.Thread(target=self._ask, args=asking, name="outsider", daemon=True).start()
        try:
            return answer.result(self._within_s)
        except TimeoutError as error:
            raise Unavailable(f"no whole answer came within {self._within_s:g} seconds", _REMEDY) from error

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _ask(self, answer: Future[tuple[int, bytes]], body: bytes, headers: dict[str, str]) -> None:
        try:
            answer.set_result(self._exchange(body, headers))
        except Unavailable as error:
            answer.set_exception(error)
        except BaseException as error:
            answer.set_exception(error)
            raise

    def _exchange(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        try:
            with self._http.stream("POST", self._url, content=body, headers=headers) as answer:
                read = bytearray()
                for part in answer.iter_raw():
                    read += part
                    if len(read) > _LONGEST:
                        raise Unavailable("its answer has no end", _REMEDY)
                return answer.status_code, bytes(read)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Unavailable(str(error) or type(error).__name__, _REMEDY) from error
