"""A one-time code by text message to the number of record."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

from watchword.methods.code import DerivedCode, short
from watchword.methods.port import Ask, Message


class SmsCode(DerivedCode):
    """Ten minutes to type eight digits that came as a text message.

    Whoever has the number has the automated call as well, so the two are never independent; and a text can be read out
    to somebody, which is why it weighs less.
    """

    name: ClassVar[str] = "sms_code"
    channel: ClassVar[Literal["mail", "call", "sms"]] = "sms"
    contact: ClassVar[Literal["mail", "phone"]] = "phone"
    voice: ClassVar[bool] = False
    life: ClassVar[timedelta] = timedelta(minutes=10)
    where: ClassVar[str] = "the phone number of record, as a text message"

    def _words(self, code: str, ask: Ask) -> Message:
        """One message that fits a few parts, the code first, where a locked screen shows it."""
        minutes = int(self.life.total_seconds() // 60)
        reason = {"verify": "recover your account", "hand_over": "take over your recovered account"}[ask.purpose]
        text = (
            f"{code[:4]} {code[4:]} is your code to {reason}. Type it yourself on the recovery page, within {minutes} "
            f"minutes; nobody will ask you to tell it. Case {short(ask.case)}. If this was not you, do nothing with "
            "it and call the help desk on the number you know."
        )
        return Message(subject=f"Text message (case {short(ask.case)})", text=text)
