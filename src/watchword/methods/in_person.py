"""The person stands before somebody of ours, who says what they were shown."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from watchword.core.errors import Invalid, Refused
from watchword.core.visible import legible
from watchword.methods.port import Ask, Begun, Message, Proof, demand_same_method, wrong_answer

DOCUMENTS = ("passport", "national id", "driving licence", "residence permit", "company badge")
"""Kinds of document with a picture; `none` says that nothing was shown, which is an answer too."""

_NUMBER = re.compile(r"\d(?:[\s.\-/]?\d){4,}")
_LONGEST = 200


class InPerson:
    """Attested: *answer* is `<document>, <place>`, such as `passport, front desk Hamburg`.

    Software checks none of it, so it satisfies no procedure alone. The statement is kept as a payload; a leaf has only
    the kind of document.
    """

    name: ClassVar[str] = "in_person"
    enforced: ClassVar[bool] = False
    voice: ClassVar[bool] = False
    enrolment: ClassVar[str | None] = None
    contact: ClassVar[Literal["mail", "phone"] | None] = None
    life: ClassVar[timedelta] = timedelta(minutes=15)

    def begin(self, ask: Ask) -> Begun:
        """See `MethodPort.begin`: somebody who stands there can always be looked at."""
        return Begun(
            expires=ask.at + self.life,
            show_caller="Show a document with your picture.",
            show_agent=(
                "Compare the picture and the name with the account, then write the kind of document and the place: "
                f"one of {', '.join(DOCUMENTS)}, or none; then a comma and where you are. No numbers from the document."
            ),
        )

    def message(self, ask: Ask) -> Message | None:
        """See `MethodPort.message`: nothing is sent."""
        del ask
        return None

    def check(self, ask: Ask, answer: str, at: datetime) -> Proof:
        """See `MethodPort.check`; `Refused` when nothing was shown, `Invalid` when *answer* is no statement."""
        ask.demand_open(self.life, at)
        document, place = _read(answer)
        if document == "none":
            raise Refused(
                "The person showed no document.",
                "Use another method the procedure names, or ask them to come back with one.",
                ("wrong_answer", "final"),
            )
        return Proof(method=self.name, detail={"document": document, "attested": True}, raw=f"{document}, {place}")

    def recheck(self, ask: Ask, proof: Proof) -> None:
        """See `MethodPort.recheck`: the stored words must still say what the leaf says."""
        del ask
        demand_same_method(proof, self.name)
        try:
            document, _ = _read(proof.raw or "")
        except Invalid as error:
            raise wrong_answer() from error
        if document not in DOCUMENTS or document != proof.detail.get("document"):
            raise wrong_answer()


def _read(answer: str) -> tuple[str, str]:
    """The document and the place of a statement; raise `Invalid` with how to write one."""
    head, _, place = (part.strip() for part in answer.partition(","))
    document = " ".join(head.lower().replace("_", " ").split())
    if document not in (*DOCUMENTS, "none") or not place or len(answer) > _LONGEST or not legible(place):
        raise Invalid(
            "This does not say what was shown and where.",
            f"Write one of {', '.join(DOCUMENTS)}, or none; then a comma and the place.",
            where="answer",
        )
    if _NUMBER.search(place):
        raise Invalid(
            "The statement holds a long number.",
            "Leave document numbers out: the kind of document and the place are enough.",
            where="answer",
        )
    return document, place
