"""An automated call to the number of record that speaks a one-time code."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

from watchword.languages.catalogue import words
from watchword.methods.code import DerivedCode, short
from watchword.methods.port import Ask, Message


class CallCode(DerivedCode):
    """Ten minutes to type eight digits that a machine spoke. No agent is on that call, which is why it is enforced."""

    name: ClassVar[str] = "call_code"
    channel: ClassVar[Literal["mail", "call", "sms"]] = "call"
    contact: ClassVar[Literal["mail", "phone"]] = "phone"
    voice: ClassVar[bool] = True
    life: ClassVar[timedelta] = timedelta(minutes=10)
    where: ClassVar[str] = "the phone number of record"

    def _words(self, code: str, ask: Ask) -> Message:
        say, case = words(ask.language), short(ask.case)
        text = say(
            f"{self.name}.text",
            reason=say(f"{self.name}.{ask.purpose}"),
            code=f"{_spell(code[:4])}. {_spell(code[4:])}.",
            case=_spell(case.removeprefix("c-")),
            minutes=int(self.life.total_seconds() // 60),
        )
        return Message(subject=say(f"{self.name}.subject", case=case), text=text)


def _spell(characters: str) -> str:
    """Characters one by one, as speech synthesis needs them."""
    return ", ".join(characters)
