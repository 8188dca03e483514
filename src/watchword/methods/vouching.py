"""Somebody else's word for the person: their manager's, a named colleague's or a supervisor's, signed with a passkey.

The software checks who says it and about which case; whether it is so, the voucher has to know.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Literal

from msgspec.structs import replace

from watchword.core.errors import Refused
from watchword.core.passkey import RelyingParty
from watchword.methods.passkey import Passkey
from watchword.methods.port import NO, Ask, Begun, Proof


class Vouching(Passkey):
    """A passkey's signature over this challenge of this case, by the manager, the contact or the supervisor on site."""

    life: ClassVar[timedelta] = timedelta(minutes=30)

    def __init__(self, party: RelyingParty, name: Literal["manager_of_record", "recovery_contact", "kiosk"]) -> None:
        super().__init__(party)
        self.name = name

    def begin(self, ask: Ask) -> Begun:
        """See `MethodPort.begin`; *show_caller* is for the voucher's own page."""
        begun = super().begin(ask)
        return replace(begun, show_agent="They sign in to the console themselves, and say yes or no there.")

    def check(self, ask: Ask, answer: str, at: datetime) -> Proof:
        """See `MethodPort.check`; `no` is an answer, and final."""
        if answer.strip().lower() == NO:
            ask.demand_open(self.life, at)
            raise Refused(
                "They do not vouch for this person.",
                "Use another method the procedure names, and ask yourself who is calling.",
                ("wrong_answer", "final"),
            )
        return super().check(ask, answer, at)
