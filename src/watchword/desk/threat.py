"""Elevated threat, for the cases that were open before it was declared: they are raised as if they had come in since.

What was proven stays proven for as long as it is fresh, what is missing is shown as ever, approvals are asked again.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
import structlog

from watchword.core import command as do
from watchword.core.case import OPEN, Case, Released
from watchword.core.errors import Refused
from watchword.core.ids import CaseId
from watchword.core.requirement import Requirement
from watchword.desk.steps import Steps

log = structlog.get_logger("watchword.threat")


def raise_running(steps: Steps, at: datetime) -> None:
    """Raise every case that nothing of was released yet, while the switch is on; safe to repeat."""
    steps.cases.follow(steps.ledger)
    for row in steps.cases.running():
        try:
            _raise(steps, row.id, at)
        except Refused as refused:  # it came to its end meanwhile, or policy denies it now: its release is refused
            log.info("case.not_raised", case=row.id, why=refused.what)


def demand_raised(steps: Steps, case: CaseId, at: datetime) -> None:
    """Raise a case that the switch missed, and refuse its release with what that means.

    One that was released before and never begun can not be raised any more: its grant is not renewed under less.
    """
    now = steps.load(case).case
    if (
        type(now) is Released
        and not now.progress
        and now.broke_glass is None
        and _raised(steps, now) != now.requirement
    ):
        raise Refused(
            "Elevated threat was declared after this case was released, so its release is not renewed.",
            "Withdraw it and open another case, which asks for what the threat does from the start.",
            ("elevated_threat",),
        )
    if _raise(steps, case, at):
        raise Refused(
            "Elevated threat was declared after this case was opened, so it asks for more now.",
            "Prove what it lacks, which its page shows; what was proven lately stays, and approvers are asked again.",
            ("elevated_threat",),
        )


def _raise(steps: Steps, case: CaseId, at: datetime) -> bool:
    """Raise one case to what it would need had it come in now; True where that is more than it asks for."""
    if not steps.registry.posture().elevated(at):
        return False
    now = steps.load(case).case
    # Broken glass is a procedure of its own, with nothing to prove that could be raised.
    if type(now) not in OPEN or now.broke_glass is not None or _raised(steps, now) == now.requirement:
        return False
    runner = steps.runner
    steps.system_step(case, lambda one: do.Escalate(by=runner, requirement=_raised(steps, one.case)), at)
    log.warning("case.raised", case=case, because="elevated threat")
    return True


def _raised(steps: Steps, case: Case) -> Requirement:
    procedures = steps.policy.procedures
    context = msgspec.structs.replace(case.context, elevated_threat=True)
    return procedures.raise_from(case.requirement, procedures.require(case.account_class, case.action, context))
