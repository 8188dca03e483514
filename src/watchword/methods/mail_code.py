"""A one-time code to the mail address of record."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

from watchword.languages.catalogue import words
from watchword.methods.code import DerivedCode, short
from watchword.methods.port import Ask, Message


class MailCode(DerivedCode):
    """Fifteen minutes to type eight digits that came by mail. The mail holds no link, so that none is ever expected."""

    name: ClassVar[str] = "mail_code"
    channel: ClassVar[Literal["mail", "call", "sms"]] = "mail"
    contact: ClassVar[Literal["mail", "phone"]] = "mail"
    voice: ClassVar[bool] = False
    life: ClassVar[timedelta] = timedelta(minutes=15)
    where: ClassVar[str] = "the mail address of record"

    def _words(self, code: str, ask: Ask) -> Message:
        say, case = words(ask.language), short(ask.case)
        minutes = int(self.life.total_seconds() // 60)
        reason = say(f"{self.name}.{ask.purpose}")
        text = say(f"{self.name}.text", reason=reason, code=f"{code[:4]} {code[4:]}", case=case, minutes=minutes)
        return Message(subject=say(f"{self.name}.subject", case=case), text=text)
