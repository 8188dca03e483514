"""The new contact point of a case: entered on the person's own page, bound to that browser, masked for everybody else.

The rule that makes a proof speak for the value: what was proven before an entry is void (`core.contact`), and every
method that software checks is answered by the browser that entered the value, or not at all; somebody else's word is
no such answer. A requirement asks for at least one (`core.requirement`), so whoever opens the page first and types a
number of their own still needs the person's factor there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime

import msgspec

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import Contact
from watchword.core.case import Case
from watchword.core.change import SetContact, contact_of
from watchword.core.contact import plausible
from watchword.core.errors import Corrupt, Refused
from watchword.core.ids import CaseId
from watchword.desk.recording import case_stream
from watchword.desk.steps import Loaded, Steps
from watchword.ledger.append import Appended
from watchword.ledger.entry import Disclosure, Retention
from watchword.notices.masking import mask

CONTACT = "contact"
"""Name of the disclosure that holds a new contact point: JSON of [salt, value]."""

PREVIOUS = "previous_contact"
"""Name of the disclosure, beside the start of a change, that holds the contact points it replaces: JSON, `Contact`s."""

_REQUESTS = frozenset({"approval.asked", "break_glass.invoked"})


class NewContact:
    """What the person enters, and who may see it."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def enter(self, case: CaseId, value: str, browser: str, at: datetime) -> str:
        """Take the new contact point from the person's page, in place of what this browser entered before.

        Returns what that browser shows from now on (a cookie of its own); the first one to enter something counts, and
        any other is refused. `Invalid` for what is neither a mail address nor a phone number, as the case asks.
        """
        asked = self._asked(self.steps.load(case).case)
        kept = plausible(asked.contact, value)
        salt = secrets.token_hex(16)
        commitment = contact_commitment(salt, kept)
        text = msgspec.json.encode((salt, kept)).decode()
        told = (Disclosure(name=CONTACT, value=text, retention=Retention.IDENTITY),)

        def build(loaded: Loaded) -> do.Command:
            if loaded.case.entered:
                self.demand_browser(loaded.case, browser)
            return do.EnterContact(commitment=commitment)

        self.steps.system_step(case, build, at, disclosures={past.ContactEntered: told})
        return self._held(case)

    def demand_browser(self, case: Case, browser: str) -> None:
        """Refuse every browser but the one that entered the new contact point of *case*."""
        if not self.is_held(case, browser):
            raise Refused(
                "The new contact point was entered in another browser, or in none yet.",
                "Go on in the browser you began with; tell the desk at once if somebody else entered one.",
                ("other_browser",),
            )

    def is_held(self, case: Case, browser: str) -> bool:
        """Whether *browser* is the one that entered the new contact point of *case*."""
        return case.entered > 0 and hmac.compare_digest(self._held(case.id).encode(), browser.encode())

    def whole(self, case: Case, browser: str) -> str | None:
        """The value as it was entered, for the browser that entered it; None for any other, and once it was erased."""
        return self._value(case) if self.is_held(case, browser) else None

    def masked(self, case: Case) -> str:
        """The value as the desk may see it: dots and what one recognises one's own by; empty where there is none."""
        contact, value = contact_of(case.changes), self._value(case)
        return mask(Contact(kind=contact.contact, value=value, changed_at=None)) if contact and value else ""

    def approved(self, case: CaseId, change: SetContact) -> str:
        """The value that *change* commits to, for the executor: of the last entry before the request.

        `Refused` when it was erased, `Corrupt` when it is not the one that was approved.
        """
        entries = self._entries(case, before_request=True)
        value = self._opened(entries[-1], change) if entries else None
        if value is None:
            raise Refused("The new contact point was erased.", "Open a new case.", ("erased",))
        return value

    def replaced(self, case: CaseId) -> tuple[Contact, ...]:
        """The contact points that the changes of *case* took the place of, as they were; none once they were erased."""
        kept: list[Contact] = []
        for entry in self.steps.ledger.read(case_stream(case)):
            if entry.entry.type == "change.started":
                told = self.steps.ledger.disclosures(entry).get(PREVIOUS)
                kept.extend(msgspec.json.decode(told.encode(), type=tuple[Contact, ...]) if told else ())
        return tuple({(c.kind, c.value): c for c in kept}.values())

    def _value(self, case: Case) -> str | None:
        """What *case*, which may be older than the ledger, holds the commitment of."""
        contact = contact_of(case.changes)
        if contact is None:
            return None
        entries = reversed(self._entries(case.id))
        mine = next((e for e in entries if e.entry.data["commitment"] == contact.commitment), None)
        return self._opened(mine, contact) if mine is not None else None

    def _entries(self, case: CaseId, *, before_request: bool = False) -> tuple[Appended, ...]:
        stream = self.steps.ledger.read(case_stream(case))
        asked = [n for n, entry in enumerate(stream) if entry.entry.type in _REQUESTS] if before_request else []
        until = asked[-1] if asked else len(stream)
        return tuple(entry for entry in stream[:until] if entry.entry.type == "contact.entered")

    def _opened(self, entry: Appended, change: SetContact) -> str | None:
        told = self.steps.ledger.disclosures(entry)
        if CONTACT not in told:
            return None
        salt, value = msgspec.json.decode(told[CONTACT].encode(), type=tuple[str, str])
        if not hmac.compare_digest(contact_commitment(salt, value), change.commitment):
            raise Corrupt("The new contact point is not the one that was committed to.", "Stop, and run fsck.")
        return value

    def _asked(self, case: Case) -> SetContact:
        contact = contact_of(case.changes)
        if contact is None:
            raise Refused("This case changes no contact point.", "Ask the desk.", ("no_contact_change",))
        return contact

    def _held(self, case: CaseId) -> str:
        return self.steps.ledger.keyed("contact-browser", case)


def previous(contacts: tuple[Contact, ...], change: SetContact) -> tuple[Disclosure, ...]:
    """What is kept of the *contacts* of an account that *change* replaces, so that they are told of it as well."""
    old = tuple(c for c in contacts if c.kind == change.contact)
    text = msgspec.json.encode(old).decode()
    return (Disclosure(name=PREVIOUS, value=text, retention=Retention.IDENTITY),) if old else ()


def contact_commitment(salt: str, value: str) -> str:
    """The salted digest of a new contact point that an approver signs; the value itself is a payload."""
    return hashlib.sha256(msgspec.json.encode((salt, value))).hexdigest()
