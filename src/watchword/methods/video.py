"""A live video call with something the person has to do at that moment, which the agent says they saw.

It is attested, and can be faked: face swaps and injected pictures pass for people. So it weighs less than a document
seen at the desk, and never stands alone.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from watchword.core.errors import Invalid, Refused
from watchword.core.visible import legible
from watchword.methods.port import Ask, Begun, Message, Proof, demand_same_method, wrong_answer

WORDS = (
    *("amber", "basin", "cedar", "delta", "ember", "fjord", "garnet", "harbour", "island", "juniper", "kettle"),
    *("lantern", "meadow", "nutmeg", "orchard", "pebble", "quartz", "ribbon", "saddle", "timber", "umbrella"),
    *("velvet", "walnut", "yonder", "zephyr", "anchor", "bramble", "copper", "dragon", "engine", "falcon", "glacier"),
)
"""Thirty-two words that sound unlike each other."""

GESTURES = (
    "turn their head slowly to the left until one ear is hidden",
    "turn their head slowly to the right until one ear is hidden",
    "pass a flat hand slowly over their face, from the forehead to the chin",
    "hold three fingers in front of one cheek and move them to the other",
    "pull gently at one ear lobe",
    "press a finger to the tip of their nose until it bends",
    "lean in until their face fills the picture, then back again",
    "look up at the ceiling and back into the camera",
)
"""What a swapped face does badly: profiles, something passing before it, skin that moves."""

SEEN, NOT_SEEN = "seen", "not seen"
_LONGEST = 200


class Video:
    """Attested: the agent reads out two gestures and three words drawn for this challenge, and writes what happened.

    *answer* is `seen, <the three words as they were said>` or `not seen, <why>`. What is drawn follows from the
    challenge, which nobody knew before, so that nothing recorded can fit it; whoever checks later draws it again.
    """

    name: ClassVar[str] = "video"
    enforced: ClassVar[bool] = False
    voice: ClassVar[bool] = False
    enrolment: ClassVar[str | None] = None
    contact: ClassVar[Literal["mail", "phone"] | None] = None
    life: ClassVar[timedelta] = timedelta(minutes=10)

    def begin(self, ask: Ask) -> Begun:
        """See `MethodPort.begin`; only the agent sees what was drawn."""
        words, gestures = drawn(ask)
        return Begun(
            expires=ask.at + self.life,
            show_caller="Stay in the video call and do what the agent asks for, at once.",
            show_agent=(
                f"Call back yourself, and keep their face in view. Have them {gestures[0]}, then {gestures[1]}, "
                f"then say: {' '.join(words)}. Compare the face with the picture on record. Write {SEEN}, a comma and "
                f"the words as you heard them; or {NOT_SEEN}, a comma and what was wrong."
            ),
        )

    def message(self, ask: Ask) -> Message | None:
        """See `MethodPort.message`: nothing is sent."""
        del ask
        return None

    def check(self, ask: Ask, answer: str, at: datetime) -> Proof:
        """See `MethodPort.check`; other words than were drawn are wrong, `Invalid` is what is no statement."""
        ask.demand_open(self.life, at)
        was_seen, said = _read(answer)
        if not was_seen:
            raise Refused(
                "The person did not do what was asked for.",
                "Use another method the procedure names; end the call if it looked like a fake, and tell security.",
                ("wrong_answer", "final"),
            )
        if not _same(said, drawn(ask)[0]):
            raise wrong_answer()
        return Proof(method=self.name, detail={"words": len(said), "attested": True}, raw=f"{SEEN}, {' '.join(said)}")

    def recheck(self, ask: Ask, proof: Proof) -> None:
        """See `MethodPort.recheck`: the words of the statement must be those drawn for this challenge."""
        demand_same_method(proof, self.name)
        try:
            was_seen, said = _read(proof.raw or "")
        except Invalid as error:
            raise wrong_answer() from error
        if not was_seen or not _same(said, drawn(ask)[0]):
            raise wrong_answer()


def drawn(ask: Ask) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Three words and two gestures for this challenge of this case; none comes twice."""
    digest = hashlib.sha256(ask.statement("video")).digest()
    return _draw(WORDS, 3, digest[:16]), _draw(GESTURES, 2, digest[16:])


def _draw(among: tuple[str, ...], count: int, chance: bytes) -> tuple[str, ...]:
    left, number, found = list(among), int.from_bytes(chance), []
    for _ in range(count):
        number, place = divmod(number, len(left))
        found.append(left.pop(place))
    return tuple(found)


def _same(said: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return said == words


def _read(answer: str) -> tuple[bool, tuple[str, ...]]:
    """Whether it was seen, and the words; raise `Invalid` with how to write a statement."""
    head, comma, rest = answer.partition(",")
    state, said = " ".join(head.lower().split()), tuple(rest.lower().replace(",", " ").split())
    if state not in {SEEN, NOT_SEEN} or not comma or not said or len(answer) > _LONGEST or not legible(rest):
        raise Invalid(
            "This does not say what was seen.",
            f"Write {SEEN}, a comma and the words as you heard them; or {NOT_SEEN}, a comma and what was wrong.",
            where="answer",
        )
    return state == SEEN, said
