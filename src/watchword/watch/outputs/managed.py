"""A stream of security events that its receiver sets up over the network (Shared Signals Framework 1.0, 8.1).

One output is one receiver, known by its token, and has one stream at most. What the receiver set up is kept in a file
beside the output's position. While there is no stream, or it is paused, alerts wait; a stream that is disabled loses
them, as its receiver asked.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import httpx2
import msgspec

from watchword.core.errors import Conflict, Corrupt, Invalid, Unavailable
from watchword.watch.formats.finding_alert import AnyAlert
from watchword.watch.formats.security_events import SUPPORTED, SecurityEvent, Signer
from watchword.watch.outputs.http import HttpOutput, SignalsPush, pushed
from watchword.watch.outputs.polling import SignalsPoll

Method = Literal["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"]
PUSH: Method = "urn:ietf:rfc:8935"
POLL: Method = "urn:ietf:rfc:8936"

LEFT_OUT = 10_000
"""Subjects that a receiver may have taken out at most."""

VERIFY_EVERY = timedelta(seconds=30)
"""Between two verifications, at least."""

_LONGEST = 1000

StreamStatus = Literal["enabled", "paused", "disabled"]
Subject = Mapping[str, str]


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """How a receiver wants to have its events: by poll, or pushed to an address of its own."""

    method: Method = POLL
    endpoint_url: str | None = None
    authorization_header: str | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver says of its stream; None where it says nothing."""

    stream_id: str | None = None
    delivery: Wish | None = None
    events_requested: tuple[str, ...] | None = None
    description: str | None = None


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """The stream as it was set up. *left_out* are the subjects it is not told of, each as sorted pairs."""

    id: str
    delivery: Wish
    events_requested: tuple[str, ...] | None = None
    description: str | None = None
    status: StreamStatus = "enabled"
    reason: str | None = None
    left_out: tuple[tuple[tuple[str, str], ...], ...] = ()

    @property
    def delivered(self) -> tuple[str, ...]:
        """The events it gets: those it asked for, or all where it did not say."""
        asked = self.events_requested
        return tuple(one for one in SUPPORTED if asked is None or one in asked)

    def takes(self, event: SecurityEvent) -> bool:
        """Whether *event* is for it."""
        return not event.events.keys().isdisjoint(self.delivered) and _pairs(event.subject) not in self.left_out

    def __repr__(self) -> str:
        """Without what the receiver is authorised by."""
        return f"Stream(id={self.id!r}, method={self.delivery.method!r}, status={self.status!r})"


class SignalsStream:
    """An output whose receiver says where its events go. Safe to use from several threads.

    *folder* keeps the stream and the events that wait to be polled. Events are pushed to addresses of *origin* only, as
    the settings name it, so that a receiver can not have us call whom it likes; without one they are polled.
    """

    def __init__(self, folder: Path, signer: Signer, *, origin: str | None = None, ca_file: str | None = None) -> None:
        self.signer, self._folder, self._origin, self._ca_file = signer, folder, origin, ca_file
        self._poll = SignalsPoll(folder, signer)
        self._lock = threading.RLock()
        self._push: tuple[str, HttpOutput] | None = None
        self._verified: datetime | None = None

    # --- what is sent ------------------------------------------------------------------------------------------------

    @property
    def where(self) -> str:
        """See `Output.where`."""
        return f"the stream of {self.signer.audience}"

    def send(self, alerts: Sequence[AnyAlert]) -> None:
        """See `Output.send`."""
        with self._lock:
            stream = self.stream
            if stream is None:
                raise Unavailable("The receiver has not set up its stream yet.", "Have it do so; alerts wait.")
            if stream.status == "paused":
                raise Unavailable("The receiver has paused its stream.", "It goes on when the receiver enables it.")
            if stream.status == "disabled":
                return
            events = (one for alert in alerts for one in self.signer.events(alert) if stream.takes(one))
            if stream.delivery.method == POLL:
                self._poll.keep(events)
                return
            output = self._pushing(stream.delivery)
        output.ask(self._pushed(stream.delivery, self.signer.sign(event)) for event in events)

    def answer(self, body: bytes) -> bytes:
        """Answer a poll, see `SignalsPoll.answer`; `Invalid` where there is no stream that is polled."""
        with self._lock:
            stream = self._demand(None)
            if stream.delivery.method != POLL:
                raise Invalid("This stream is not polled.", "Ask for RFC 8936 as its delivery.", where="delivery")
            return self._poll.answer(body)

    def verify(self, state: str | None, stream_id: str | None, at: datetime) -> bool:
        """Send an event that says the stream works; False where one was asked for a moment ago."""
        with self._lock:
            stream = self._demand(stream_id)
            if self._verified is not None and timedelta() <= at - self._verified < VERIFY_EVERY:
                return False
            self._verified = at
            if stream.delivery.method == POLL:
                self._poll.verify(state, stream.id)
                return True
            output = self._pushing(stream.delivery)
        _, token = self.signer.verification(stream.id, state)
        output.ask([self._pushed(stream.delivery, token)])
        return True

    def close(self) -> None:
        """See `Output.close`."""
        with self._lock:
            if self._push is not None:
                self._push[1].close()
                self._push = None

    # --- what its receiver says of it --------------------------------------------------------------------------------

    @property
    def stream(self) -> Stream | None:
        """The stream, where there is one."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Stream)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise Corrupt(
                f"{self._file} does not say what the stream is: {error}.",
                "Delete it, and have the receiver set its stream up again.",
            ) from error

    def create(self, asked: Asked) -> Stream:
        """Set the stream up; `Conflict` where there is one."""
        with self._lock:
            if self.stream is not None:
                raise Conflict("There is a stream already.", "Change it, or delete it first.")
            made = Stream(id=str(uuid.uuid4()), delivery=self._checked(asked.delivery or Wish()))
            return self._write(_changed(made, asked))

    def update(self, asked: Asked) -> Stream:
        """Change what *asked* says of the stream, and leave the rest."""
        with self._lock:
            stream = _changed(self._demand(asked.stream_id), asked)
            if asked.delivery is not None:
                stream = self._delivered(stream, asked.delivery)
            return self._write(stream)

    def replace(self, asked: Asked) -> Stream:
        """Have the stream be as *asked* says, and nothing else."""
        with self._lock:
            before = self._demand(asked.stream_id)
            bare = msgspec.structs.replace(before, events_requested=None, description=None)
            return self._write(_changed(self._delivered(bare, asked.delivery or Wish()), asked))

    def delete(self, stream_id: str) -> None:
        """Take the stream down; what waits to be polled goes with it."""
        with self._lock:
            self._demand(stream_id)
            self._poll.clear()
            self._file.unlink()

    def read(self, stream_id: str | None) -> Stream:
        """The stream; `Invalid` where there is none of that id."""
        return self._demand(stream_id)

    def set_status(self, stream_id: str | None, status: StreamStatus, reason: str | None) -> Stream:
        """Enable, pause or disable the stream."""
        with self._lock:
            stream = self._demand(stream_id)
            if status == "disabled":
                self._poll.clear()
            return self._write(msgspec.structs.replace(stream, status=status, reason=_short(reason, "reason")))

    def tell_of(self, stream_id: str | None, subject: Subject, *, told: bool) -> None:
        """Have the stream hear of *subject*, or no longer; it hears of everybody who was not taken out."""
        with self._lock:
            stream, pairs = self._demand(stream_id), _pairs(subject)
            left = tuple(one for one in stream.left_out if one != pairs)
            if not told:
                left = (*left, pairs)
            if len(left) > LEFT_OUT:
                raise Invalid("Too many subjects are taken out.", "Ask for a stream of fewer.", where="subject")
            self._write(msgspec.structs.replace(stream, left_out=left))

    # --- parts -------------------------------------------------------------------------------------------------------

    @property
    def _file(self) -> Path:
        return self._folder / "stream.json"

    def _demand(self, stream_id: str | None) -> Stream:
        stream = self.stream
        if stream is None or stream_id not in {None, stream.id}:
            raise NoStream
        return stream

    def _delivered(self, stream: Stream, wish: Wish) -> Stream:
        """*stream* as *wish* has it; `Conflict` for a push while events wait to be polled, which would strand them."""
        delivery = self._checked(wish)
        if delivery.method == PUSH and not self._poll.is_empty:
            raise Conflict("Events wait to be polled.", "Poll and acknowledge them first.")
        return msgspec.structs.replace(stream, delivery=delivery)

    def _checked(self, delivery: Wish) -> Wish:
        if delivery.method == POLL:
            return Wish()
        where = "delivery.endpoint_url"
        if delivery.endpoint_url is None or len(delivery.endpoint_url) > _LONGEST:
            raise Invalid("A push has an address to go to.", "Give endpoint_url.", where=where)
        if self._origin is None or _origin(delivery.endpoint_url) != _origin(self._origin):
            raise Invalid(
                "Events are not pushed to this address.",
                "Poll for them, or have the origin named as url of the output.",
                where=where,
            )
        header = delivery.authorization_header
        if header is not None and (len(header) > _LONGEST or not header.isascii() or not header.isprintable()):
            raise Invalid("This is no header.", "Use printable ASCII.", where="delivery.authorization_header")
        return delivery

    def _pushing(self, delivery: Wish) -> HttpOutput:
        url = str(delivery.endpoint_url)
        if self._push is None or self._push[0] != url:
            self.close()
            self._push = url, HttpOutput(SignalsPush(url=url, signer=self.signer), ca_file=self._ca_file)
        return self._push[1]

    @staticmethod
    def _pushed(delivery: Wish, token: str) -> httpx2.Request:
        return pushed(str(delivery.endpoint_url), token, delivery.authorization_header)

    def _write(self, stream: Stream) -> Stream:
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._folder / "stream.partial"
        # It has what the receiver is authorised by.
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(msgspec.json.encode(stream))
            out.flush()
            os.fsync(out.fileno())
        partial.replace(self._file)
        return stream


class NoStream(Invalid):
    """There is no stream of that id."""

    def __init__(self) -> None:
        super().__init__("There is no such stream.", "Set one up, or correct its id.", where="stream_id")


def _changed(stream: Stream, asked: Asked) -> Stream:
    changed: dict[str, object] = {}
    if asked.events_requested is not None:
        changed["events_requested"] = asked.events_requested[:100]
    if asked.description is not None:
        changed["description"] = _short(asked.description, "description")
    return msgspec.structs.replace(stream, **changed)


def _short(text: str | None, where: str) -> str | None:
    if text is not None and len(text) > _LONGEST:
        raise Invalid("This is too long.", f"Use at most {_LONGEST} characters.", where=where)
    return text


def _pairs(subject: Subject) -> tuple[tuple[str, str], ...]:
    if sum(len(name) + len(value) for name, value in subject.items()) > _LONGEST:
        raise Invalid("This is no subject of ours.", "Use iss_sub or opaque.", where="subject")
    return tuple(sorted(subject.items()))


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        read = httpx2.URL(url)
    except httpx2.InvalidURL:
        return "", "", None
    return read.scheme, read.host, read.port


def shown(stream: Stream, signer: Signer, poll_url: str) -> dict[str, object]:
    """The stream as its receiver reads it (SSF 1.0, 8.1.1)."""
    push = stream.delivery.method == PUSH
    return {
        "stream_id": stream.id,
        "iss": signer.issuer,
        "aud": signer.audience,
        "delivery": {
            "method": stream.delivery.method,
            "endpoint_url": stream.delivery.endpoint_url if push else poll_url,
        },
        "events_supported": list(SUPPORTED),
        "events_requested": list(stream.events_requested if stream.events_requested is not None else SUPPORTED),
        "events_delivered": list(stream.delivered),
        "min_verification_interval": int(VERIFY_EVERY.total_seconds()),
        **({"description": stream.description} if stream.description else {}),
    }
