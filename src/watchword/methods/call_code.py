"""An automated call to the number of record that speaks a one-time code."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

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
        minutes = int(self.life.total_seconds() // 60)
        spoken = f"{_spell(code[:4])}. {_spell(code[4:])}."
        reason = {
            "verify": "Somebody asked the help desk to recover your account. The code proves that it is you.",
            "hand_over": "Your recovered account is ready. The code proves that it is you who takes it over.",
        }[ask.purpose]
        text = (
            f"This is an automated call about your account. {reason} Your code is: {spoken} Again: {spoken} "
            f"Type it yourself on the recovery page within {minutes} minutes, and tell it to nobody, the help desk "
            f"included. The case is {_spell(short(ask.case).removeprefix('c-'))}. "
            "If this was not you, do nothing with the code, call the help desk on the number you know, name the case "
            "and say that somebody tried to recover your account."
        )
        return Message(subject=f"Automated call (case {short(ask.case)})", text=text)


def _spell(characters: str) -> str:
    """Characters one by one, as speech synthesis needs them."""
    return ", ".join(characters)
