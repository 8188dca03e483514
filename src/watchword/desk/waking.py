"""Browsers for prompts that are woken though their page is closed: where each is, and when it is done.

What is pushed says to open the prompts and nothing else. A push proves nothing and none is needed: the page asks by
itself, so whoever can not be woken keeps it open.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from watchword.core.case import TERMINAL
from watchword.core.errors import Conflict, Refused
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import BrowserSubscribed
from watchword.desk.prompts import Held, Prompts
from watchword.desk.recording import draft, event_of, person_stream
from watchword.desk.steps import RACES
from watchword.languages.catalogue import words
from watchword.ledger.append import Append, Appended
from watchword.ledger.entry import Disclosure, Retention
from watchword.notices.port import Subscription, Waker

METHOD = "push_number"
"""The method whose prompts are answered in an enrolled browser."""

SUBSCRIPTION = "subscription"
"""Name of the disclosure that holds where a browser is woken."""

MOST, WITHIN = 5, timedelta(days=1)
"""How often one browser may say anew where it is woken."""


class Waking:
    """Keeps where browsers are woken, and has them woken by *waker*."""

    def __init__(self, prompts: Prompts, waker: Waker) -> None:
        self.prompts = prompts
        self.steps = prompts.steps
        self.waker = waker

    def subscribe(self, held: Held, greeting: str, signature: str, where: Subscription, at: datetime) -> None:
        """Wake this browser at *where* from now on, as it signed; what holds already is not written again."""
        self.prompts.demand(held, greeting, to_subscribe(greeting, where), signature, at)
        self.waker.demand(where)
        told = msgspec.json.encode(where).decode()
        event = BrowserSubscribed(person=held.person, credential=held.credential)
        made = draft(event, held.person, at, (Disclosure(name=SUBSCRIPTION, value=told, retention=Retention.IDENTITY),))
        for attempt in range(RACES):
            version = self.steps.ledger.version(person_stream(held.person))
            before = self._subscriptions(held.person, held.credential)
            if before and self._where(before[-1]) == where:
                return
            if sum(at - one.entry.at < WITHIN for one in before) >= MOST:
                raise Refused(
                    "This browser said too often where it is woken.", "Keep the page open today.", ("woken_often",)
                )
            try:
                self.steps.ledger.append(
                    (Append(stream=person_stream(held.person), expected_version=version, drafts=(made,)),)
                )
            except Conflict:
                if attempt == RACES - 1:
                    raise
                continue
            return

    def wake(self, case: CaseId, challenge: str, language: str, at: datetime) -> bool:
        """Wake the browser a running challenge waits for; whether the challenge is one that browsers answer."""
        loaded = self.steps.load(case).case
        running = next((c for c in loaded.challenges if c.id == challenge), None)
        if running is None or running.method != METHOD:
            return False
        if isinstance(loaded, TERMINAL) or running.ended or at >= running.expires:
            return True
        if running.prover is None or running.credential is None:
            return True
        before = self._subscriptions(running.prover, running.credential)
        where = self._where(before[-1]) if before else None
        if where is not None:
            self.waker.wake(where, words(language)("prompts.push"), at, running.expires)
        return True

    def _subscriptions(self, person: PersonId, credential: str) -> tuple[Appended, ...]:
        stream = self.steps.ledger.read(person_stream(person))
        return tuple(
            one
            for one in stream
            if one.entry.type == "browser.subscribed"
            and isinstance(event := event_of(one), BrowserSubscribed)
            and event.credential == credential
        )

    def _where(self, appended: Appended) -> Subscription | None:
        """None where it was erased."""
        kept = self.steps.ledger.disclosures(appended).get(SUBSCRIPTION)
        return msgspec.json.decode(kept, type=Subscription) if kept else None


def to_subscribe(greeting: str, where: Subscription) -> bytes:
    """The bytes a browser signs to say where it is woken."""
    said = f"{greeting}\n{where.endpoint}\n{where.p256dh}\n{where.auth}"
    return b"watchword prompt subscription\n" + said.encode("utf-8", "replace")
