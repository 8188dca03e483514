"""Who is signed in: sessions kept on the server, found by the hash of a random token that only the browser holds.

Sessions live by a clock of their own, never by the desk's: what a story does to time signs nobody out.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from watchword.app import Clock, wall_clock
from watchword.core.ids import PersonId
from watchword.desk.origins import plain
from watchword.reception.problems import NotSignedIn, TooMany

ABSOLUTE = timedelta(hours=12)
"""How long a session lasts whatever happens in it."""

IDLE = timedelta(hours=1)
"""How long a session lasts when nothing happens in it."""

FAILURES, WITHIN = 10, timedelta(minutes=1)
"""How many failed sign-ins one address may make within a time."""


MOST_ADDRESSES = 10_000
"""From how many remembered addresses on those that have rested are forgotten."""


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is signed in. *session* names the sign-in (SHA-256 of its token): it is an approval's proof."""

    person: PersonId
    session: str


class _Session(msgspec.Struct, frozen=True, kw_only=True):
    person: PersonId
    credential: str
    begun: datetime
    seen: datetime


class Sessions:
    """Every session of this process. A restart signs everybody out.

    *sign_in_of* names the credential somebody can sign in with now: with it every session begun under another one ends.
    """

    def __init__(self, sign_in_of: Callable[[PersonId], str], clock: Clock = wall_clock) -> None:
        self._clock = clock
        self._sign_in_of = sign_in_of
        self._lock = threading.Lock()
        self._known: dict[str, _Session] = {}

    def begin(self, person: PersonId) -> str:
        """Sign *person* in; returns the token, which is new every time, whatever the browser sent along."""
        token = secrets.token_urlsafe(32)
        now, credential = self._clock(), self._sign_in_of(person)
        with self._lock:
            self._known = {k: s for k, s in self._known.items() if _alive(s, now)}
            self._known[_name(token)] = _Session(person=person, credential=credential, begun=now, seen=now)
        return token

    def actor(self, token: str | None) -> Actor:
        """Whom *token* stands for; raise `NotSignedIn` for none, an unknown one, and one that is over."""
        name, now = _name(token or ""), self._clock()
        with self._lock:
            found = self._known.get(name)
            if found is None or not _alive(found, now):
                self._known.pop(name, None)
                raise NotSignedIn
            self._known[name] = msgspec.structs.replace(found, seen=now)
        if self._sign_in_of(found.person) != found.credential:
            self.end(token)
            raise NotSignedIn
        return Actor(person=found.person, session=name)

    def whose(self, token: str | None) -> PersonId | None:
        """Who is signed in with *token*, if anybody; to ask that keeps no session going."""
        now = self._clock()
        with self._lock:
            found = self._known.get(_name(token or ""))
        return found.person if found is not None and _alive(found, now) else None

    def end(self, token: str | None) -> None:
        """Sign out; a token nobody knows is signed out already."""
        with self._lock:
            self._known.pop(_name(token or ""), None)


class Throttle:
    """Slows down whoever tries: counts failed sign-ins, or requests, of an address, never of an account."""

    def __init__(self, clock: Clock = wall_clock, *, most: int = FAILURES, within: timedelta = WITHIN) -> None:
        self._clock = clock
        self._most = most
        self._within = within
        self._lock = threading.Lock()
        self._failed: dict[str, deque[datetime]] = {}

    def take(self, address: str) -> bool:
        """Count one try of *address* before it costs anything, or raise `TooMany` while it has to wait.

        Return whether it was the last that it has for now.

        Of an IPv6 address its network counts (`core.origin.plain`): whoever has one has as many as they like.
        """
        now, place = self._clock(), plain("address", address)
        since = now - self._within
        with self._lock:
            recent = deque((t for t in self._failed.get(place, ()) if t > since), maxlen=self._most)
            if len(recent) >= self._most:
                raise TooMany
            if len(self._failed) >= MOST_ADDRESSES:
                self._failed = {a: times for a, times in self._failed.items() if times and times[-1] > since}
            recent.append(now)
            self._failed[place] = recent
            return len(recent) == self._most

    def forgive(self, address: str) -> None:
        """Count a try no longer, which was right."""
        with self._lock:
            if recent := self._failed.get(plain("address", address)):
                recent.pop()


def _alive(session: _Session, now: datetime) -> bool:
    return now - session.begun < ABSOLUTE and now - session.seen < IDLE


def _name(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
