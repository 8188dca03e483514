"""What policy may know of a case when it rules on one person's step."""

from __future__ import annotations

from datetime import datetime

from watchword.core.case import Case, Released, beneath, progress_of, verifiers
from watchword.core.ids import PersonId
from watchword.core.ruling import CaseFacts
from watchword.core.standing import Account


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
        provers=tuple(dict.fromkeys(e.prover for e in case.evidence if e.prover)),
        approvers=tuple(v.person for v in case.votes),
        releaser=under.releaser if isinstance(under := beneath(case), Released) else None,
        executor=next((p.executor for p in progress_of(case)), None),
        separate=case.requirement.separate,
        relations=account.relations(person, at),
        recovered=recovered,
    )
