"""The way to a service that is asked for its log: bounded in bytes and time, and told apart by what to do next."""

from __future__ import annotations

import email.utils
import json
import re
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Self
from urllib.parse import urlsplit

import httpx2
import msgspec

from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.host import is_loopback

LONGEST = 64 * 1024 * 1024
"""Bytes of one answer."""

_LONGEST_WAIT = 3600.0
_NEXT = re.compile(r'<([^<>]+)>\s*;[^,<]*\brel="?next"?')


class Wait(Unavailable):
    """The service asks for patience: *seconds* until it may be asked again."""

    def __init__(self, host: str, seconds: float) -> None:
        super().__init__(f"{host} asks to wait {seconds:.0f} seconds.", "It is asked again after that.")
        self.seconds = seconds


class Gone(Refused):
    """What was asked for, such as a place to go on from, is not there any more."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, with status 2xx."""

    body: bytes
    headers: Mapping[str, str]

    @property
    def next(self) -> str | None:
        """The address of the next page (RFC 8288), where there is one."""
        return found.group(1) if (found := _NEXT.search(self.headers.get("link", ""))) else None


class Web:
    """Speaks with the services of one source; *ca_file* is trusted beside nothing else where it is given."""

    def __init__(self, clock: Callable[[], datetime], *, within_s: float = 30.0, ca_file: str | None = None) -> None:
        self.clock = clock
        verify = ssl.create_default_context(cafile=ca_file) if ca_file else True
        # No proxy of the environment and no redirect: what answers elsewhere is not who was meant.
        self._client = httpx2.Client(timeout=within_s, trust_env=False, follow_redirects=False, verify=verify)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def ask(
        self,
        verb: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json_body: object = None,
    ) -> Answer:
        """One answer, whole.

        `Wait` for 429 and 503 that say for how long, `Unavailable` for silence and other faults of the service, `Gone`
        for 400, 404 and 410, `Refused` for every other status but 2xx.
        """
        host = urlsplit(url).hostname or url
        sent = {"Accept": "application/json", **(headers or {})}
        content = None
        if json_body is not None:
            content, sent["Content-Type"] = json.dumps(json_body).encode(), "application/json"
        try:
            with self._client.stream(verb, url, headers=sent, data=form, content=content) as answer:
                read = bytearray()
                for piece in answer.iter_bytes():
                    read += piece
                    if len(read) > LONGEST:
                        raise Unavailable(f"{host} gave more than {LONGEST} bytes.", "Ask for less at a time.")
                found = {name.lower(): value for name, value in answer.headers.items()}
                return _judged(host, answer.status_code, found, bytes(read), self.clock())
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Unavailable(f"{host} did not answer: {type(error).__name__}.", "It is asked again.") from error


def _judged(host: str, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Answer:
    if 200 <= status < 300:
        return Answer(body=body, headers=headers)
    said = re.sub(r"\s+", " ", body[:300].decode("utf-8", "replace")).strip()
    if status in {429, 503} and (seconds := pause(headers, now)) is not None:
        raise Wait(host, seconds)
    if status == 429 or status >= 500:
        raise Unavailable(f"{host} answered {status}: {said}", "It is asked again.")
    if status in {400, 404, 410}:
        raise Gone(f"{host} answered {status}: {said}", "Check the address and what may be read.")
    raise Refused(f"{host} answered {status}: {said}", "Check the credentials and what they may read.")


def pause(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that *headers* (lower-case names) ask to wait; None when they do not say.

    `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), or Okta's `X-Rate-Limit-Reset` in seconds since 1970.
    """
    after, reset = headers.get("retry-after", "").strip(), headers.get("x-rate-limit-reset", "").strip()
    if after.isascii() and after.isdigit():
        seconds = float(after)
    elif after:
        try:
            at = email.utils.parsedate_to_datetime(after)
        except ValueError:
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    elif reset.isascii() and reset.isdigit():
        seconds = float(reset) - now.timestamp()
    else:
        return None
    return min(max(seconds, 1.0), _LONGEST_WAIT)


def objects(body: bytes, member: str | None = None) -> tuple[dict[str, object], ...]:
    """The JSON objects of a list, or of the list that *member* of an object holds; `Unavailable` for anything else."""
    try:
        value = msgspec.json.decode(body)
        found = value.get(member, []) if member is not None else value
        return tuple(msgspec.convert(found, list[dict[str, object]]))
    except (msgspec.MsgspecError, AttributeError, ValueError) as error:
        raise Unavailable("The answer is not what the service documents.", "It is asked again.") from error


def member_of(body: bytes, name: str) -> str | None:
    """The text that an object has under *name*; None for none."""
    try:
        value = msgspec.json.decode(body)
    except msgspec.MsgspecError as error:
        raise Unavailable("The answer is no JSON.", "It is asked again.") from error
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) and found else None


def line_of(event: object) -> bytes:
    """*event* as a line for a spool."""
    return msgspec.json.encode(event)


def demand_same_place(url: str, base: str) -> str:
    """*url*, which a service gave us to go on at; `Refused` when it would carry our credentials elsewhere."""
    there, here = urlsplit(url), urlsplit(base)
    if (there.scheme, there.netloc) != (here.scheme, here.netloc):
        raise Refused(f"{here.hostname} leads to {there.hostname} for more.", "Report this: it is not followed.")
    return url


def demand_base(url: str, where: str) -> str:
    """*url* without a slash at its end; `Invalid` unless it is https, or http on this machine."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise Invalid(f"{url!r} is not https.", "Only https is spoken with a service that is elsewhere.", where)
    return url.rstrip("/")
