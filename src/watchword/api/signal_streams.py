"""Shared Signals: a receiver sets up its own stream (SSF 1.0, 8.1), known by the token of its output."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from litestar import Controller, Request, Response, delete, get, patch, post, put
from litestar.params import FromQuery, RawBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT, HTTP_429_TOO_MANY_REQUESTS

from watchword.app import App
from watchword.core.errors import Invalid
from watchword.reception.given import Now, TheApp
from watchword.reception.problems import Malformed, NotSignedIn, NotThere
from watchword.watch.outputs.managed import (
    VERIFY_EVERY,
    Asked,
    NoStream,
    SignalsStream,
    Stream,
    StreamStatus,
    shown,
)

TheRequest = Request[Any, Any, Any]

_T = TypeVar("_T")


class StatusWish(msgspec.Struct, frozen=True, kw_only=True):
    """The state that a receiver wants its stream to be in, and why."""

    stream_id: str
    status: StreamStatus
    reason: str | None = None


class SubjectWish(msgspec.Struct, frozen=True, kw_only=True):
    """A subject that a stream is to hear of, or no longer."""

    stream_id: str
    subject: dict[str, str]
    verified: bool | None = None


class VerificationWish(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver's wish to see that its stream works; *state* comes back in the event."""

    stream_id: str
    state: str | None = None


class StreamController(Controller):
    """The stream of whoever the token is of; nobody learns of another's."""

    path = "/api/signals"
    tags = ("signals",)
    opt = {"exclude_from_csrf": True}  # noqa: RUF012  (Litestar's own declaration)

    @get("/streams", sync_to_thread=True)
    def read(
        self, app: TheApp, request: TheRequest, stream_id: FromQuery[str | None] = None
    ) -> dict[str, object] | list[dict[str, object]]:
        """Read the stream of an id, or list the one there may be."""
        name, output = _output(app, request)
        with _said():
            if stream_id is None:
                stream = output.stream
                return [] if stream is None else [_shown(app, name, output, stream)]
            return _shown(app, name, output, output.read(stream_id))

    @post("/streams", sync_to_thread=True)
    def create(self, app: TheApp, request: TheRequest, body: RawBody) -> dict[str, object]:
        """Set the stream up."""
        name, output = _output(app, request)
        with _said():
            return _shown(app, name, output, output.create(_read(body, Asked)))

    @patch("/streams", sync_to_thread=True)
    def update(self, app: TheApp, request: TheRequest, body: RawBody) -> dict[str, object]:
        """Change what is said of the stream, and leave the rest."""
        name, output = _output(app, request)
        with _said():
            return _shown(app, name, output, output.update(_named(_read(body, Asked))))

    @put("/streams", sync_to_thread=True)
    def replace(self, app: TheApp, request: TheRequest, body: RawBody) -> dict[str, object]:
        """Have the stream be as it is said."""
        name, output = _output(app, request)
        with _said():
            return _shown(app, name, output, output.replace(_named(_read(body, Asked))))

    @delete("/streams", sync_to_thread=True, status_code=HTTP_204_NO_CONTENT)
    def remove(self, app: TheApp, request: TheRequest, stream_id: FromQuery[str | None] = None) -> None:
        """Take the stream down."""
        _, output = _output(app, request)
        with _said():
            if stream_id is None:
                raise Invalid("Which stream is not said.", "Give stream_id.", where="stream_id")
            output.delete(stream_id)

    @get("/status", sync_to_thread=True)
    def status(self, app: TheApp, request: TheRequest, stream_id: FromQuery[str | None] = None) -> dict[str, object]:
        """Say whether the stream is enabled, paused or disabled."""
        _, output = _output(app, request)
        with _said():
            return _status(output.read(stream_id))

    @post("/status", sync_to_thread=True, status_code=HTTP_200_OK)
    def set_status(self, app: TheApp, request: TheRequest, body: RawBody) -> dict[str, object]:
        """Enable, pause or disable the stream."""
        _, output = _output(app, request)
        with _said():
            wish = _read(body, StatusWish)
            return _status(output.set_status(wish.stream_id, wish.status, wish.reason))

    @post("/add-subject", sync_to_thread=True, status_code=HTTP_200_OK)
    def add_subject(self, app: TheApp, request: TheRequest, body: RawBody) -> None:
        """Have the stream hear of a subject again."""
        _, output = _output(app, request)
        with _said():
            wish = _read(body, SubjectWish)
            output.tell_of(wish.stream_id, wish.subject, told=True)

    @post("/remove-subject", sync_to_thread=True, status_code=HTTP_204_NO_CONTENT)
    def remove_subject(self, app: TheApp, request: TheRequest, body: RawBody) -> None:
        """Have the stream hear of a subject no longer."""
        _, output = _output(app, request)
        with _said():
            wish = _read(body, SubjectWish)
            output.tell_of(wish.stream_id, wish.subject, told=False)

    @post("/verification", sync_to_thread=True, status_code=HTTP_204_NO_CONTENT)
    def verify(self, app: TheApp, request: TheRequest, at: Now, body: RawBody) -> Response[None]:
        """Send an event that says the stream works."""
        _, output = _output(app, request)
        with _said():
            wish = _read(body, VerificationWish)
            if output.verify(wish.state, wish.stream_id, at):
                return Response(None, status_code=HTTP_204_NO_CONTENT)
        wait = str(int(VERIFY_EVERY.total_seconds()))
        return Response(None, status_code=HTTP_429_TOO_MANY_REQUESTS, headers={"Retry-After": wait})


def _output(app: App, request: TheRequest) -> tuple[str, SignalsStream]:
    """The output that the bearer's token is of; every token is compared, whichever it is."""
    given = request.headers.get("authorization", "").encode()
    found: tuple[str, SignalsStream] | None = None
    for name, (output, token) in app.telling.managed.items():
        if token and hmac.compare_digest(given, f"Bearer {token}".encode()):
            found = name, output
    if found is None:
        raise NotSignedIn
    return found


@contextmanager
def _said() -> Iterator[None]:
    """Faults as the framework has them: 404 for a stream that is not there, 400 for what is wrong."""
    try:
        yield
    except NoStream as error:
        raise NotThere from error
    except Invalid as error:
        raise Malformed((str(error),)) from error


def _read(body: bytes, kind: type[_T]) -> _T:
    """What a receiver says; members we have no use for are left (SSF 1.0 lets it send what it read)."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.MsgspecError as error:
        raise Invalid(f"This can not be read: {error}.", "Ask as SSF 1.0 says.", where="body") from error


def _named(asked: Asked) -> Asked:
    if asked.stream_id is None:
        raise Invalid("Which stream is not said.", "Give stream_id.", where="stream_id")
    return asked


def _shown(app: App, name: str, output: SignalsStream, stream: Stream) -> dict[str, object]:
    url = app.settings.console.public_url.rstrip("/")
    return shown(stream, output.signer, f"{url}/api/signals/{name}/poll")


def _status(stream: Stream) -> dict[str, object]:
    said: dict[str, object] = {"stream_id": stream.id, "status": stream.status}
    return said | ({"reason": stream.reason} if stream.reason else {})
