"""The desk whole: every use case by its room, over one ledger, one policy and the directories."""

from __future__ import annotations

from collections.abc import Mapping

from watchword.desk.decisions import Decisions
from watchword.desk.hand_over import HandOver
from watchword.desk.intake import Intake
from watchword.desk.new_contact import NewContact
from watchword.desk.steps import Steps
from watchword.desk.verification import Verification
from watchword.methods.port import MethodPort


class Desk:
    """`intake` → `verification` → `decisions` → (the executor) → `hand_over`; `steps` is what they share.

    `new_contact` is what the person enters before they are verified, where a contact point is to change.
    """

    def __init__(self, steps: Steps, methods: Mapping[str, MethodPort]) -> None:
        self.steps = steps
        self.intake = Intake(steps)
        self.verification = Verification(steps, methods)
        self.decisions = Decisions(steps)
        self.new_contact = NewContact(steps)
        self.hand_over = HandOver(steps, self.verification, self.new_contact)
