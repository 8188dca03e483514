"""What policy may know of a case when it rules on one person's step."""

from __future__ import annotations

from datetime import datetime

from watchword.core.case import Case, Released, beneath, took, verifiers
from watchword.core.ids import PersonId
from watchword.core.ruling import CaseFacts
from watchword.core.standing import Account

PORTAL = "portal"
"""The channel of a case that a person opened alone; and what the part of Watchword that walks it is to that case."""

ALONE = "portal_alone"
"""What that part is besides where the procedure asks for nobody else: no approval, no hold, nobody who tells a code."""


def facts_of(case: Case, account: Account, person: PersonId, at: datetime, *, recovered: bool) -> CaseFacts:
    """What policy may know of *case* when it rules on *person*."""
    return CaseFacts(
        case=case.id,
        unit=case.unit,
        account_class=case.account_class,
        action=case.action,
        subject=case.subject,
        opener=case.opener,
        verifiers=verifiers(case),
        provers=took(case, "prove"),
        approvers=took(case, "approve"),
        releaser=under.releaser if isinstance(under := beneath(case), Released) else None,
        executor=next(iter(took(case, "execute")), None),
        separate=case.requirement.separate,
        relations=account.relations(person, at),
        recovered=recovered,
    )


def portal_relations(case: Case, person: PersonId, portal: PersonId | None) -> tuple[str, ...]:
    """What *portal*, Watchword's own part for self-service, is to a case it opened itself; nothing to any other."""
    if portal is None or person != portal or case.opener != portal or case.context.channel != PORTAL:
        return ()
    asked = case.requirement
    if asked.approve is not None or asked.hold_s or asked.deliver != "page" or case.broke_glass is not None:
        return (PORTAL,)
    return (PORTAL, ALONE)
