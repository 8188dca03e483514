"""Campaigns: the same caller number, network address or browser for two people raises the cases of both."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from watchword.core import command as do
from watchword.core.case import AwaitingApproval, Case, Holding, Releasable, Verifying
from watchword.core.errors import Refused
from watchword.core.ids import CaseId, OriginId
from watchword.core.origin import Source
from watchword.core.requirement import Requirement
from watchword.desk.origins import plain
from watchword.desk.steps import Loaded, Steps

log = structlog.get_logger("watchword.campaign")

RAISABLE: tuple[type[Case], ...] = (Verifying, AwaitingApproval, Holding, Releasable)
"""States in which more can still be asked of a case."""


class Campaigns:
    """Notes where callers come from, and raises what came from one place for several people."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def see(self, case: CaseId, kind: Source, value: str, at: datetime) -> None:
        """Note that the caller's page was opened from *value*, kept as a keyed pseudonym; once for each case."""
        origin = OriginId("o-" + self.steps.ledger.keyed(f"origin {kind}", plain(kind, value)))
        if origin in self.steps.load(case).case.sources:
            return

        def build(loaded: Loaded) -> do.Command:
            shared = bool(self.steps.registry.origin(origin).others(loaded.case.account, self._since(at)))
            return do.SeeCaller(origin=origin, kind=kind, shared=shared)

        self.steps.system_step(case, build, at)

    def raise_all(self, case: CaseId, at: datetime) -> None:
        """Raise *case*, and every case of another account that came from where it does; safe to repeat."""
        first = self.steps.load(case).case
        related = [
            other
            for place in first.sources
            for other in self.steps.registry.origin(place).others(first.account, self._since(first.opened_at))
        ]
        if not related:
            raise Refused("Nobody else came from where this case did.", "Nothing needs to be done.", ("no_campaign",))
        for one in dict.fromkeys((case, *related)):
            self._raise(one, case, at)

    def _raise(self, case: CaseId, because: CaseId, at: datetime) -> None:
        now = self.steps.load(case).case
        if type(now) not in RAISABLE or now.broke_glass is not None or self._raised(now) == now.requirement:
            return
        try:
            self.steps.system_step(
                case, lambda loaded: do.Escalate(by=self.steps.runner, requirement=self._raised(loaded.case)), at
            )
        except Refused as refused:  # it came to its end meanwhile
            log.info("case.not_raised", case=case, because=because, why=refused.what)
            return
        log.warning("case.raised", case=case, because=because)

    def _raised(self, case: Case) -> Requirement:
        """The requirement of *case* as it would be, had it come in with what is known now."""
        procedures = self.steps.policy.procedures
        more = procedures.require(case.account_class, case.action, case.context, shared_origin=True)
        return procedures.raise_from(case.requirement, more)

    def _since(self, at: datetime) -> datetime:
        return at - timedelta(seconds=self.steps.campaign_s)
