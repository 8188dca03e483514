"""Prompts that a provider makes appear: sent once for a challenge, and asked after until the person has answered."""

from __future__ import annotations

from datetime import datetime

import structlog

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.case import TERMINAL
from watchword.core.errors import Refused, Unavailable
from watchword.core.ids import CaseId
from watchword.core.progress import Challenge
from watchword.desk.steps import Steps
from watchword.desk.verification import PROMPT, Verification
from watchword.ledger.entry import Disclosure, Retention
from watchword.methods.port import SendsPrompts

log = structlog.get_logger("watchword.prompts")


class Pushes:
    """What the runner does for the methods whose prompt a provider sends."""

    def __init__(self, steps: Steps, verification: Verification) -> None:
        self.steps = steps
        self.verification = verification

    def send(self, case: CaseId, challenge: str, at: datetime) -> bool:
        """Have the prompt of *challenge* appear, once; False where its method has none, or it waits no longer.

        A crash between the provider's yes and our entry may prompt twice; the first of the two then counts for nothing.
        """
        running = self._running(case, challenge, at)
        if running is None:
            return False
        loaded = self.steps.load(case)
        port, ask = self.verification.ask_of(loaded.case, challenge, at)
        if not isinstance(port, SendsPrompts):
            return False
        if running.sent:
            return True
        told = (Disclosure(name=PROMPT, value=port.prompt(ask), retention=Retention.SHORT),)
        command = do.NotePrompt(challenge=challenge)
        self.steps.system_step(case, lambda _: command, at, disclosures={past.PromptSent: told})
        return True

    def look(self, case: CaseId, challenge: str, at: datetime) -> bool:
        """Ask the provider what the person answered, and record it; whether there is nothing left to look for.

        Whatever is no answer (nothing yet, silence, a throttle) is asked again until the challenge is over.
        """
        if self._running(case, challenge, at) is None:
            return True
        try:
            self.verification.answer(case, challenge, "", at, attesting=None)
        except (Refused, Unavailable) as fault:
            log.info("prompt.looked", case=case, fault=fault.fault, why=fault.what)
        return self._running(case, challenge, at) is None

    def _running(self, case: CaseId, challenge: str, at: datetime) -> Challenge | None:
        loaded = self.steps.load(case).case
        if isinstance(loaded, TERMINAL):
            return None
        found = next((c for c in loaded.challenges if c.id == challenge), None)
        return found if found is not None and not found.ended and at < found.expires else None
