"""Logs that are no JSON, read into JSON lines: the frame of such a reader, and Keycloak's server log.

A reader gives each line it takes as something: a line of JSON, `PASSED` for what is no event and no damage either, or
`Damaged`. Members it does not know are kept; nothing is dropped without its line and reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

import msgspec

PASSED = b"#"
"""Stands for a line that is no event and no damage either: what the `preamble` of such a provider matches."""

EXCERPT = 1 << 20
"""How much is kept of what was rejected: all of most, so that it can be read again."""

_FIELD = re.compile(r"(?:^|, )([A-Za-z_][\w.\-]*)=")
_EVENT = re.compile(r"\b(?:type|operationType)=[\"']?[A-Z][A-Z0-9_]*[\"']?, realm(?:Id|Name)=")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d))?")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Damaged(msgspec.Struct, frozen=True, kw_only=True):
    """A line, or a record of several, that can not be read: why, and itself as it is kept to be read again."""

    reason: str
    text: str


Shaped = tuple[int, bytes | Damaged | None]
"""What a reader gives for the record that begins on the numbered line; None is a line too long to be read."""


class TextReader(Protocol):
    """Makes JSON lines of one log's lines; it holds what may go on in the next line until it is whole."""

    def read(self, number: int, line: bytes | None) -> Iterator[Shaped]:
        """What *line* completes; None is a line too long to be read."""
        ...

    def end(self) -> Iterator[Shaped]:
        """What is still held when no line follows."""
        ...


class KeycloakReader:
    """Keycloak's server log: the lines of its `jboss-logging` event listener, plain, or as JSON or syslog carry them.

    Values may be quoted or not. Where they are not, text that people chose can look like members: those that Keycloak
    writes before any such text are taken where they come first. A time without zone is taken as UTC.
    """

    def read(self, number: int, line: bytes | None) -> Iterator[Shaped]:
        """An event's line as JSON in the shape of the admin REST API; other lines of a server log are passed."""
        text = b"" if line is None else line.strip()
        if line is None:
            yield number, None
        elif not text:
            return
        elif text[:1] in (b"{", b"["):
            yield number, self._json(text)
        else:
            yield number, self._plain(text.decode("utf-8", "replace"), None) or PASSED

    def end(self) -> Iterator[Shaped]:
        """Nothing: each event is a line."""
        yield from ()

    def _json(self, line: bytes) -> bytes:
        """An event of the REST API as it is; one within the message of a JSON log made like it."""
        if not any(name in line for name in (b'"message"', b'"log"', b'"MESSAGE"', b'"msg"')):
            return line
        try:
            value = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return line
        if not isinstance(value, dict) or "operationType" in value or isinstance(value.get("type"), str):
            return line
        context = value.get("mdc")
        if isinstance(context, dict) and "event.class" in context:  # a listener's, which writes no message of its own
            own = {name.removeprefix("event."): v for name, v in context.items() if name.startswith("event.")}
            return msgspec.json.encode(own)
        message = next((value[k] for k in ("message", "log", "MESSAGE", "msg") if isinstance(value.get(k), str)), None)
        if message is None:
            return line
        stamp = next((value[k] for k in ("timestamp", "@timestamp", "time", "ts") if value.get(k)), None)
        return self._plain(message, stamp) or PASSED

    def _plain(self, text: str, stamp: object) -> bytes | None:
        found = _EVENT.search(text)
        if found is None:
            return _json_event(text)
        members = dict[str, str | None]()
        for name, value in fields(text[found.start() :]):
            members.setdefault(name, value)
        time = _TIME.search(text[: found.start()])
        return msgspec.json.encode(_keycloak_event(members, stamp if time is None or stamp else time[0]))


def _json_event(text: str) -> bytes | None:
    """The event in JSON that a listener of others writes into a line of the log, after words of its own."""
    begin = text.find("{")
    if begin < 0 or '"realmId"' not in text:
        return None
    try:
        value = msgspec.json.decode(text[begin:].strip().encode("utf-8", "replace"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("type") or value.get("operationType"), str):
        return None
    time = _TIME.search(text[:begin])
    return msgspec.json.encode({"time": None if time is None else time[0], **value})


def fields(text: str) -> Iterator[tuple[str, str | None]]:
    """The `name=value` members of *text*, parted by `, `; a value may stand in single or double quotes.

    The word null, unquoted or quoted, is None.
    """
    at = 0
    while (found := _FIELD.match(text, at)) is not None:
        begin = found.end()
        quote = text[begin : begin + 1]
        if quote in ('"', "'") and (end := _closing(text, begin + 1, quote)) is not None:
            value = _ESCAPED.sub(r"\1", text[begin + 1 : end])
            at = end + 1
        else:
            after = _FIELD.search(text, begin)
            at = len(text) if after is None else after.start()
            value = text[begin:at]
        yield found[1], None if value == "null" else value


def _closing(text: str, begin: int, quote: str) -> int | None:
    """Where the quoted text ends: at a quote that no backslash is before, and that a member or the end follows."""
    at = begin
    while (at := text.find(quote, at)) >= 0:
        slashes = at - len(text[begin:at].rstrip("\\")) - begin
        rest = text[at + 1 : at + 200]
        if slashes % 2 == 0 and (not rest.strip() or _FIELD.match(rest) or rest.startswith(",")):
            return at
        at += 1
    return None


_OWN = ("type", "realmId", "realmName", "clientId", "userId", "sessionId", "ipAddress", "error")
_ADMIN = ("operationType", "resourceType", "resourcePath", "error", "representation")


def _keycloak_event(members: dict[str, str | None], stamp: object) -> dict[str, object]:
    """*members* of a line in the shape of the admin REST API's events."""
    own = _ADMIN if "operationType" in members else _OWN
    event: dict[str, object] = {"time": stamp, **{name: members[name] for name in own if name in members}}
    details = {name: value for name, value in members.items() if name not in own}
    if own is _ADMIN:
        event["authDetails"] = {
            name: details.pop(name, None) for name in ("realmId", "realmName", "clientId", "userId", "ipAddress")
        }
    event["details"] = details
    # An error is written where it happened, before any text that a person chose; later ones are such text.
    names = list(members)
    before = "resourcePath" if own is _ADMIN else "ipAddress"
    if "error" in names and before in names and names.index("error") != names.index(before) + 1:
        event["error"] = None
    return event
