"""Telling people of what they are known by: which entries ask for that, and in which words it is told.

Who binds an authenticator to somebody tells them, by a way that has nothing to do with it (SP 800-63B-4 §4.1.2.1).
"""

from __future__ import annotations

from datetime import datetime

from watchword.core.account import FACT_WINDOW
from watchword.core.person import (
    AccountLinked,
    Credential,
    CredentialEnrolled,
    CredentialRevoked,
    Person,
    PersonEvent,
)
from watchword.desk.asks import Kind
from watchword.desk.recording import person_stream
from watchword.languages.catalogue import Words
from watchword.ledger.store import EffectRow

TOLD = (AccountLinked, CredentialEnrolled, CredentialRevoked)
"""The events that somebody is told of."""


def asked(known: Person, event: PersonEvent, version: int, at: datetime) -> tuple[EffectRow, ...]:
    """The row that *event* asks for, entry *version* of the stream of somebody who was *known* so before.

    Somebody without an account can not be told; they are once one is linked, of what they had by then.
    """
    match event:
        case CredentialEnrolled() | CredentialRevoked() if known.accounts:
            pass
        case AccountLinked(account=account) if known.credentials and account not in known.accounts:
            pass
        case _:
            return ()
    stream = person_stream(known.id)
    return (EffectRow(id=f"{stream}/{Kind.CREDENTIAL}/{version}", stream=stream, kind=Kind.CREDENTIAL, due_at=at),)


def to_owner(
    event: AccountLinked | CredentialEnrolled | CredentialRevoked,
    before: Person,
    *,
    name: str,
    by: str,
    at: datetime,
    say: Words,
) -> tuple[str, str] | None:
    """Subject and text of what *event* did *at* that time to somebody called *name*, who was *before* so; by whom."""
    when = say.moment(at)
    match event:
        case CredentialEnrolled(credential=made):
            told = say(
                "credential.alone" if made.made_alone else "credential.added", way=_way(made, say), when=when, by=by
            )
            young = before.is_young(_enrolled(made, at), at)
            counts = say("credential.later", when=say.moment(at + FACT_WINDOW)) if young else say("credential.now")
            return say("credential.added_subject"), f"{told} {counts} {say('credential.object')}"
        case CredentialRevoked(credential=gone):
            held = next((c for c in before.credentials if c.id == gone), None)
            if held is None:
                return None
            told = say("credential.removed", way=_way(held, say), when=when, by=by)
            return say("credential.removed_subject"), f"{told} {say('credential.object')}"
        case AccountLinked():
            ways = ", ".join(dict.fromkeys(_way(c, say) for c in before.credentials))
            told = say("credential.linked", name=name, when=when, by=by, ways=ways)
            return say("credential.linked_subject"), f"{told} {say('credential.object')}"


def _enrolled(made: Credential, at: datetime) -> Credential:
    return Credential(id=made.id, method=made.method, enrolled_at=at)


def _way(one: Credential, say: Words) -> str:
    key = f"enrolled.{one.method}"
    return say(key) if key in say else say("enrolled.other")
