"""Shared Signals by poll (RFC 8936): security events wait in a folder until the receiver says that it has them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from watchword.core.errors import Invalid, Unavailable
from watchword.watch.formats.finding_alert import AnyAlert
from watchword.watch.formats.security_events import SecurityEvent, Signer

ROOM = 10_000
"""Tokens that may wait; while there is no room the delivery waits, and nothing is dropped."""

MOST = 100
"""Tokens of one answer at most."""


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver asks (RFC 8936, 2.2). *returnImmediately* is always heeded: we never keep it waiting."""

    maxEvents: Annotated[int, msgspec.Meta(ge=0)] = MOST  # noqa: N815
    returnImmediately: bool = False  # noqa: N815
    ack: tuple[str, ...] = ()
    setErrs: dict[str, dict[str, str]] = {}  # noqa: N815


class Polled(msgspec.Struct, frozen=True, kw_only=True):
    """What it is answered: tokens by their `jti`, and whether there are more."""

    sets: dict[str, str]
    moreAvailable: bool  # noqa: N815


class SignalsPoll:
    """An output that keeps its tokens in *folder*, and the answers to whoever polls for them."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        self._folder, self._signer = folder, signer
        self.refused: dict[str, str] = {}
        """Tokens that the receiver would not take since the start, and its words for why."""

    @property
    def where(self) -> str:
        """See `Output.where`."""
        return f"whoever polls as {self._signer.audience}"

    def send(self, alerts: Sequence[AnyAlert]) -> None:
        """See `Output.send`."""
        self.keep(event for alert in alerts for event in self._signer.events(alert))

    def keep(self, events: Iterable[SecurityEvent]) -> None:
        """Have *events* wait, but those that do already; `Unavailable` where there is no room."""
        self._folder.mkdir(parents=True, exist_ok=True)
        waiting = self._waiting()
        tokens = {event.jti: self._signer.sign(event) for event in events if event.jti not in waiting}
        if waiting and len(waiting) + len(tokens) > ROOM:
            raise Unavailable(
                f"{len(waiting)} security events wait to be polled.", "Have the receiver poll, or take the output out."
            )
        place = self._next(waiting)
        for number, (jti, token) in enumerate(tokens.items(), start=place):
            self._write(self._folder / f"{number:012d}_{jti}.set", token)

    def verify(self, state: str | None, stream: str | None = None) -> None:
        """Have the next poll find a token that says the *stream* works; it is called by its audience otherwise."""
        self._folder.mkdir(parents=True, exist_ok=True)
        jti, token = self._signer.verification(stream or self._signer.audience, state)
        self._write(self._folder / f"{self._next(self._waiting()):012d}_{jti}.set", token)

    def answer(self, body: bytes) -> bytes:
        """Answer a poll; what it acknowledges, or will never take, waits no longer. `Invalid` for what is no poll."""
        try:
            poll = msgspec.json.decode(body or b"{}", type=Poll)
        except msgspec.MsgspecError as error:
            raise Invalid(f"This is no poll: {error}.", "Ask as RFC 8936 says.", where="body") from error
        self.refused |= {jti: said.get("err", "") for jti, said in poll.setErrs.items()}
        waiting = self._waiting()
        for jti in {*poll.ack, *poll.setErrs} & waiting.keys():
            waiting.pop(jti).unlink()
        given = [*waiting.items()][: min(poll.maxEvents, MOST)]
        sets = {jti: file.read_text(encoding="ascii") for jti, file in given}
        return msgspec.json.encode(Polled(sets=sets, moreAvailable=len(waiting) > len(given)))

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting()

    def clear(self) -> None:
        """Let go of all that waits."""
        for file in self._waiting().values():
            file.unlink()

    def close(self) -> None:
        """See `Output.close`."""

    def _waiting(self) -> dict[str, Path]:
        """The files of the tokens that wait, oldest first, by their ids."""
        return {file.stem.split("_")[1]: file for file in sorted(self._folder.glob("*.set"))}

    @staticmethod
    def _next(waiting: dict[str, Path]) -> int:
        """The place behind all that wait."""
        return max((int(file.name.split("_")[0]) for file in waiting.values()), default=-1) + 1

    def _write(self, file: Path, token: str) -> None:
        partial = file.with_suffix(".partial")
        with partial.open("w", encoding="ascii") as out:
            out.write(token)
            out.flush()
            os.fsync(out.fileno())
        partial.rename(file)
