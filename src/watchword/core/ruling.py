"""The answer "may this person take this step on this case", with reasons."""

from __future__ import annotations

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.errors import Refused
from watchword.core.ids import CaseId, PersonId

NO_RULE = "no rule permits it"
"""The first reason of a refusal that no `forbid` gave; the roles that would be permitted follow it."""

UNSIGNED_LOAN = "a seat lent to them counts here once its lender has signed for it"
"""What is said besides, to whoever could sit in somebody's place if that were signed."""


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """*reasons* are the ids of the policy rules that decided; *errors* any diagnostics, each of which is a refusal."""

    person: PersonId
    step: Step
    allowed: bool
    reasons: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    def demand(self) -> None:
        """Raise `Refused` unless allowed without a single diagnostics error."""
        if self.allowed and not self.errors:
            return
        why = self.errors or self.reasons or (NO_RULE,)
        apart = "" if why[0] == NO_RULE else " and who has taken no other step on this case"
        raise Refused(
            f"This person may not {self.step.replace('_', ' ')} here: {', '.join(why)}.",
            f"Ask somebody whose role allows it{apart}; `watchword policy explain` names the rule.",
            reasons=why,
        )


class CaseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `people.cedar` may know of a case when it rules on one person's step.

    *separate* are the pairs of steps the case's procedure keeps apart; *relations* are those of the person being ruled
    on to the account (manager_of_record, owner_of_record, second_owner, sponsor); *recovered* says whether an account
    of that person was recovered within the last seven days. A case that is being opened has no id yet.
    *subject_roles* are the roles that the subject holds or was lent, in whatever unit. Where a policy
    is activated, *proposer* is who proposed it, and *unsettled* says that the role or the way in of the person being
    ruled on was changed lately.
    """

    case: CaseId | None
    unit: str
    account_class: AccountClass
    action: Action
    subject: PersonId | None
    opener: PersonId | None = None
    verifiers: tuple[PersonId, ...] = ()
    provers: tuple[PersonId, ...] = ()
    approvers: tuple[PersonId, ...] = ()
    releaser: PersonId | None = None
    executor: PersonId | None = None
    separate: tuple[tuple[str, str], ...] = ()
    subject_roles: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    recovered: bool = False
    proposer: PersonId | None = None
    unsettled: bool = False
