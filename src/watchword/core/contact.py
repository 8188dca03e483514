"""A new contact point: the person enters it on their own page, and nothing proven before that speaks for it."""

from __future__ import annotations

import re

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.case import Case, Verifying
from watchword.core.change import ContactKind, contact_of
from watchword.core.errors import Invalid, Refused
from watchword.core.gates import Event, in_state

MOST = 10
"""How often it may be entered in one case: whoever has the page's address may not fill the ledger."""

LONGEST = 254
"""Characters of a mail address (RFC 5321 §4.5.3.1.3, less the angle brackets)."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP = r"[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
_MAIL = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_TOP}")
# ITU-T E.164 §6: fifteen digits at most, and no country code begins with 0.
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_SEPARATORS = str.maketrans("", "", " -.()/\u00a0\u2009\u202f")


def plausible(kind: ContactKind, value: str) -> str:
    """*value* as it is kept: a mail address, or a phone number in E.164 without separators; `Invalid` for neither.

    Whether it is the person's own is not known by looking at it.
    """
    value = value.strip()
    number = value.translate(_SEPARATORS)
    if len(value) > LONGEST:
        raise Invalid("That is too long.", f"Enter at most {LONGEST} characters.", where="value")
    if not (value if kind is ContactKind.MAIL else number).isprintable():
        raise Invalid("That holds characters that can not be seen.", "Type it instead of pasting it.", where="value")
    if kind is ContactKind.MAIL:
        if not _MAIL.fullmatch(value):
            raise Invalid("That is no mail address.", "Enter it whole, such as name@example.org.", where="value")
        return value
    if not _PHONE.fullmatch(number) or "(0)" in value:  # +49 (0)30 … is not dialled as it is written
        raise Invalid(
            "That is no whole phone number.",
            "Begin with + and the country code, such as +49 30 5550199.",
            where="value",
        )
    return number


def is_missing(case: Case) -> bool:
    """Whether *case* changes a contact point that nobody entered yet."""
    contact = contact_of(case.changes)
    return contact is not None and not contact.commitment


def demand_entered(case: Case) -> None:
    """Refuse while the new contact point is not there: neither a proof nor a request could speak for it."""
    if is_missing(case):
        raise Refused(
            "The new contact point was not entered yet.",
            "Give the person the address of their own page and have them enter it there.",
            ("contact_not_entered",),
        )


def enter(case: Case, command: do.EnterContact) -> tuple[Event, ...]:
    """Take what the person entered, in place of what they entered before."""
    in_state(case, command, Verifying)
    if contact_of(case.changes) is None:
        raise Refused("This case changes no contact point.", "Open a case that does.", ("no_contact_change",))
    if not command.commitment:
        raise Invalid("What was entered is missing.", "Enter it again.", where="commitment")
    if case.entered >= MOST:
        raise Refused("The new contact point was entered too often in this case.", "Open another case.", ("too_many",))
    return (past.ContactEntered(case=case.id, commitment=command.commitment),)
