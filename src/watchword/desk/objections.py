"""“Not me”: heard at the desk, said on the person's own page, or by the person signed in; and how a case goes on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import structlog

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.action import Step
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId, PersonId
from watchword.desk.hand_over import HandOver
from watchword.desk.new_contact import NewContact
from watchword.desk.protection import budget
from watchword.desk.steps import NOTHING_EXPECTED, Loaded, Steps, words

log = structlog.get_logger("watchword.objections")

LONGEST = 2000
"""Characters of what somebody says of it."""


class Objections:
    """The first signal stops a case, the second one of another person or channel takes back what it gave."""

    def __init__(self, steps: Steps, hand_over: HandOver, new_contact: NewContact) -> None:
        self.steps = steps
        self.hand_over = hand_over
        self.new_contact = new_contact

    def object(self, actor: PersonId, case: CaseId, said: str, at: datetime) -> None:
        """Record that the person, or *actor* for them, says this recovery is not theirs; *said* is kept sealed."""
        told = {past.Objected: words("said", _sentence(said, "said"))}

        def build(loaded: Loaded) -> do.Command:
            return do.Object(by=actor, channel="person" if actor == loaded.case.subject else "desk")

        def within() -> Mapping[str, int]:
            """A second signal takes away, so it is one of what somebody at the desk may take away within a day."""
            now = self.steps.load(case).case
            return budget(self.steps, actor, at) if now.objections and actor != now.subject else NOTHING_EXPECTED

        self.steps.step(case, actor, Step.OBJECT, build, at, disclosures=told, expect=within)

    def object_on_page(self, case: CaseId, browser: str, at: datetime) -> None:
        """Record an objection from the person's own page; it counts for more from the browser the case is bound to."""

        def build(loaded: Loaded) -> do.Command:
            bound = self.hand_over.is_held(loaded.case, browser) or self.new_contact.is_held(loaded.case, browser)
            return do.Object(by=self.steps.runner, channel="page", bound=bound)

        self.steps.system_step(case, build, at)

    def object_on_prompt(self, case: CaseId, at: datetime) -> None:
        """Record that the person says so where they are prompted, signed by the browser they enrolled."""
        said = do.Object(by=self.steps.runner, channel="prompt")
        try:
            self.steps.system_step(case, lambda _: said, at)
        except Refused as refused:  # it was said there before, or the case ended meanwhile
            log.info("prompt.not_objected", case=case, why=refused.what)

    def lift(self, actor: PersonId, case: CaseId, why: str, at: datetime) -> None:
        """Let a case go on that was objected to, as somebody who took no part; *why* is kept sealed."""
        told = {past.PauseLifted: words("why", _sentence(why, "why"))}

        def build(_: Loaded) -> do.Command:
            self.steps.demand_unrecovered(actor, at, "Have somebody else on duty look at it.")
            return do.LiftPause(by=actor)

        self.steps.step(case, actor, Step.LIFT_PAUSE, build, at, disclosures=told)


def _sentence(text: str, where: str) -> str:
    if not text.strip() or len(text) > LONGEST:
        raise Invalid("What was said, or looked at, is missing or too long.", "Write a sentence.", where=where)
    return text.strip()
