"""What lets somebody sign on the approver's page without a session of the console: one case or one loan, for minutes.

The page has an origin of its own and no cookie, so nothing is sent along that somebody else could make a browser send.
A pass is sealed and stored nowhere; it stands in the part of an address that browsers keep to themselves.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from watchword.core.errors import Refused
from watchword.core.ids import CaseId, PersonId
from watchword.ledger.leader import Ledger

LIFE = timedelta(minutes=10)
"""How long a pass lasts."""

_LONGEST = 2_000


class Pass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="for", tag="case"):
    """*person* may decide on *case* until *until*; *browser* is the mark of the browser it was given to."""

    person: PersonId
    case: CaseId
    until: datetime
    browser: str | None = None


class LoanPass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="for", tag="loan"):
    """*person* may lend by a signature what *statement* says (`core.loan`), until *until*."""

    person: PersonId
    statement: str
    until: datetime


class Passes:
    """Gives passes and reads them; anybody's word but its own is refused in the same words."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def give(self, one: Pass | LoanPass) -> str:
        """The text that stands for *one*."""
        said = base64.urlsafe_b64encode(msgspec.json.encode(one)).rstrip(b"=").decode()
        return f"{said}.{self._seal(said)}"

    def read(self, text: str, at: datetime) -> Pass | LoanPass:
        """The pass *text* stands for; `Refused` for one that is over, and whatever is none."""
        said, _, seal = text.partition(".")
        one: Pass | LoanPass | None = None
        # Nothing is read that was not written here.
        if len(text) <= _LONGEST and hmac.compare_digest(self._seal(said).encode(), seal.encode()):
            with suppress(msgspec.MsgspecError, binascii.Error, ValueError):
                data = base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))
                one = msgspec.json.decode(data, type=Pass | LoanPass)
        if one is None or at >= one.until:
            raise Refused(
                "This address is no longer good, or never was.",
                "Open the page again from the console, or ask for a new address.",
                ("pass",),
            )
        return one

    def _seal(self, said: str) -> str:
        return self._ledger.keyed("approver-page", said)
