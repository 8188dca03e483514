"""After-care on the person's own page: that it was them, said from where they proved themself."""

from __future__ import annotations

from datetime import datetime

from watchword.core import command as do
from watchword.core.aftercare import confirm_due, may_confirm
from watchword.core.case import Case
from watchword.core.ids import CaseId
from watchword.desk.hand_over import HandOver
from watchword.desk.new_contact import NewContact
from watchword.desk.steps import Loaded, Steps


class Aftercare:
    """Who confirms, and until when."""

    def __init__(self, steps: Steps, hand_over: HandOver, new_contact: NewContact) -> None:
        self.steps = steps
        self.hand_over = hand_over
        self.new_contact = new_contact

    def confirm(self, case: CaseId, browser: str, at: datetime, *, mark: str | None = None) -> None:
        """Take the person's word from their page: from the *browser* the case is bound to, or one of that *mark*."""

        def build(loaded: Loaded) -> do.Command:
            return do.ConfirmCare(bound=self._bound(loaded.case, browser), browser=mark)

        self.steps.system_step(case, build, at)

    def due(self, case: Case, browser: str, mark: str | None) -> datetime | None:
        """Until when whoever shows this may confirm; None for everybody else, and where nothing is asked."""
        return confirm_due(case) if may_confirm(case, bound=self._bound(case, browser), browser=mark) else None

    def _bound(self, case: Case, browser: str) -> bool:
        return self.hand_over.is_held(case, browser) or self.new_contact.is_held(case, browser)
