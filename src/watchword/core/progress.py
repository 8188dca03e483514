"""How far a method and a change got: what a case keeps of each."""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core import event as past
from watchword.core.ids import LeafHash, PersonId


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """One method on its way; *misses* counts wrong answers, *ended* says it was *proved* or failed.

    *sent*: a provider made its prompt appear, which it does once. *browser* is the mark of the one in which the desk
    began it, where no answer of the person's comes from; at a hand-over, of the one it has to be answered in.
    """

    id: str
    method: str
    purpose: past.Purpose
    by: PersonId
    prover: PersonId | None
    credential: str | None
    contact_changed_at: datetime | None
    begun: datetime
    expires: datetime
    misses: int = 0
    ended: bool = False
    proved: bool = False
    sent: bool = False
    browser: str | None = None


def challenge_of(event: past.ChallengeBegun, at: datetime) -> Challenge:
    """A method as it was begun at *at*."""
    return Challenge(
        id=event.challenge,
        method=event.method,
        purpose=event.purpose,
        by=event.by,
        prover=event.prover,
        credential=event.credential,
        contact_changed_at=event.contact_changed_at,
        begun=at,
        expires=event.expires,
        browser=event.browser,
    )


def mark(
    challenges: tuple[Challenge, ...],
    challenge: str,
    *,
    missed: bool = False,
    ended: bool = False,
    proved: bool = False,
    sent: bool = False,
) -> tuple[Challenge, ...]:
    """The same *challenges*, the one called *challenge* with what became of it."""
    replace = msgspec.structs.replace
    return tuple(
        replace(c, misses=c.misses + missed, ended=c.ended or ended, proved=c.proved or proved, sent=c.sent or sent)
        if c.id == challenge
        else c
        for c in challenges
    )


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far one change got. *outcome* None: asked, and nobody knows yet; *ended* when it was known.

    *silent*: its executor stopped waiting for the directory; until then it may still be at work.
    """

    number: int
    before: str
    executor: PersonId
    started: LeafHash
    begun: datetime
    silent: bool = False
    outcome: past.Outcome | None = None
    ended: datetime | None = None
