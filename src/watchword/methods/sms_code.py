"""A one-time code by text message to the number of record."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

from watchword.languages.catalogue import words
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
        """One message of one part (160 characters of GSM 03.38), the code first, where a locked screen shows it."""
        say, case = words(ask.language), short(ask.case)
        minutes = int(self.life.total_seconds() // 60)
        text = say(f"{self.name}.{ask.purpose}", code=f"{code[:4]} {code[4:]}", minutes=minutes, case=case)
        return Message(subject=say(f"{self.name}.subject", case=case), text=text)
