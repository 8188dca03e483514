"""A one-time code to the mail address of record."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

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
        minutes = int(self.life.total_seconds() // 60)
        reason = {
            "verify": "Somebody asked the help desk to recover your account. This code proves that it is you.",
            "hand_over": "Your recovered account is ready. This code proves that it is you who takes it over.",
        }[ask.purpose]
        text = (
            f"{reason}\n\n"
            f"    {code[:4]} {code[4:]}\n\n"
            f"Case {short(ask.case)}. The code works once and for {minutes} minutes. Type it yourself on the recovery "
            "page that you\nalready have open. Nobody will ever ask you to tell it, the help desk included.\n\n"
            "If this was not you: do not use the code. Call the help desk on the number you know, name the case above\n"
            "and say that somebody tried to recover your account.\n"
        )
        return Message(subject=f"Your recovery code (case {short(ask.case)})", text=text)
