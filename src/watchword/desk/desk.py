"""The desk whole: every use case by its room, over one ledger, one policy and the directories."""

from __future__ import annotations

from collections.abc import Mapping

from watchword.core.passkey import RelyingParty
from watchword.desk.aftercare import Aftercare
from watchword.desk.approvals import Approvals
from watchword.desk.campaign import Campaigns
from watchword.desk.decisions import Decisions
from watchword.desk.hand_over import HandOver
from watchword.desk.intake import Intake
from watchword.desk.lending import Lending
from watchword.desk.new_contact import NewContact
from watchword.desk.objections import Objections
from watchword.desk.protection import Protection
from watchword.desk.short_address import ShortAddress
from watchword.desk.steps import Steps
from watchword.desk.their_page import TheirPage
from watchword.desk.verification import Verification
from watchword.desk.ways import Ways
from watchword.methods.port import MethodPort, SignerPort


class Desk:
    """`intake` → `verification` → `decisions` → (the executor) → `hand_over`; `steps` is what they share.

    `new_contact` is what the person enters before they are verified, where a contact point is to change.

    *signer* checks what approvers and lenders of seats sign, on the pages of *party*.
    """

    def __init__(
        self, steps: Steps, methods: Mapping[str, MethodPort], signer: SignerPort, party: RelyingParty
    ) -> None:
        self.steps = steps
        self.intake = Intake(steps)
        self.campaigns = Campaigns(steps)
        self.protection = Protection(steps)
        self.verification = Verification(steps, methods)
        self.ways = Ways(steps, methods)
        self.approvals = Approvals(steps, signer, party)
        self.decisions = Decisions(steps, self.approvals)
        self.lending = Lending(steps, signer, party)
        self.new_contact = NewContact(steps)
        self.hand_over = HandOver(steps, self.verification, self.new_contact)
        self.their_page = TheirPage(steps)
        self.short_address = ShortAddress(steps)
        self.objections = Objections(steps, self.hand_over, self.new_contact)
        self.aftercare = Aftercare(steps, self.hand_over, self.new_contact)
