"""Plainly invented people, one account and one procedure: the values that stories of the core are told with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from watchword.core.account import AccountClass, Status
from watchword.core.action import Action, AlertLevel
from watchword.core.change import Change, ContactKind, IssuePass, ResetFactors, ResetPassword, SetContact, Unlock
from watchword.core.ids import AccountId, CaseId, OriginId, PersonId
from watchword.core.quorum import Rule, Seat
from watchword.core.request import NotBefore
from watchword.core.requirement import After, Method, Requirement, Verify
from watchword.core.standing import Account, AccountObserved, Observation

NOON = datetime(2030, 5, 6, 12, tzinfo=UTC)
DAY = timedelta(days=1)

CASE = CaseId("c-one")
ACCOUNT = AccountId("a-sue")
CALLER = OriginId("o-caller")

SUE = PersonId("p-sue-subject")
ANN = PersonId("p-ann-agent")
VIC = PersonId("p-vic-verifier")
MAX = PersonId("p-max-manager")
IDA = PersonId("p-ida-duty")
REX = PersonId("p-rex-releaser")
EXE = PersonId("p-exe-executor")
RUE = PersonId("p-rue-reviewer")
CYD = PersonId("p-cyd-custodian")
COY = PersonId("p-coy-custodian")

PASSKEY = Method(
    name="passkey", weight=4, enforced=True, remote=True, phishable=False, defeats=(("endpoint_control@target",),)
)
TOTP = Method(
    name="totp",
    weight=2,
    enforced=True,
    remote=True,
    phishable=True,
    defeats=(("phish@target",), ("endpoint_control@target",)),
)
MAIL_CODE = Method(
    name="mail_code", weight=2, enforced=True, remote=True, phishable=True, defeats=(("mailbox@target",),)
)
CALLBACK = Method(
    name="callback", weight=2, enforced=True, remote=True, phishable=True, voice=True, defeats=(("sim_swap@target",),)
)
IN_PERSON = Method(
    name="in_person", weight=4, enforced=False, remote=False, phishable=False, defeats=(("forged_document", "nerve"),)
)
KNOWN_VOICE = Method(
    name="known_voice",
    weight=2,
    enforced=False,
    remote=True,
    phishable=True,
    voice=True,
    defeats=(("voice_clone@target",),),
)
METHODS = (PASSKEY, TOTP, MAIL_CODE, CALLBACK, IN_PERSON, KNOWN_VOICE)

TWO_WAYS = Verify(tier="V1", min_weight=4, min_methods=2)
STRONGEST = Verify(tier="V4", min_weight=8, min_methods=2, any_of=(("passkey",), ("in_person",)))

BEGINNING = NotBefore(size=7, root="00" * 32)

MANAGER = Rule(name="A1", seats=(Seat(roles=("manager_of_record",)),))
MANAGER_AND_DUTY = Rule(
    name="A2", seats=(Seat(roles=("manager_of_record",)), Seat(roles=("iam_duty", "security_duty")))
)
CUSTODIAN = Rule(name="break_glass", seats=(Seat(roles=("custodian",)),))

PLAIN = Requirement(
    cell="standard.password_reset",
    policy="5f" * 32,
    account_class=AccountClass.STANDARD,
    action=Action.PASSWORD_RESET,
    verify=(TWO_WAYS,),
    approve=None,
    hold_s=0,
    hold_waived_by=(),
    approval_s=86_400,
    grant_s=900,
    separate=(("verify", "approve"), ("approve", "release")),
    alert=AlertLevel.LOG,
    after=After(probation_s=7 * 86_400),
    methods=METHODS,
    capability_costs=(("endpoint_control@target", 50), ("phish@target", 5), ("sim_swap@target", 10)),
    strongest=STRONGEST,
)

CHANGES: dict[Action, tuple[Change, ...]] = {
    Action.UNLOCK: (Unlock(account=ACCOUNT),),
    Action.PASSWORD_RESET: (ResetPassword(account=ACCOUNT),),
    Action.FACTOR_RESET: (ResetFactors(account=ACCOUNT, factors=("f-1",)),),
    Action.TOTAL_LOSS: (ResetFactors(account=ACCOUNT), ResetPassword(account=ACCOUNT)),
    Action.RECOVERY_INFO_CHANGE: (SetContact(account=ACCOUNT, contact=ContactKind.PHONE),),
    Action.BYPASS_CODE: (IssuePass(account=ACCOUNT),),
}


def procedure(action: Action = Action.UNLOCK, *, review_s: int = 0, **raised: Any) -> Requirement:
    """The plain procedure for *action*, with any field set to something else."""
    after = msgspec.structs.replace(PLAIN.after, review_s=review_s)
    return msgspec.structs.replace(PLAIN, **({"cell": f"standard.{action}", "action": action, "after": after} | raised))


UNLOCK = procedure()
RESET = procedure(Action.PASSWORD_RESET)
WITH_MANAGER = procedure(approve=MANAGER)
CONTACT = procedure(Action.RECOVERY_INFO_CHANGE)
GLASS = procedure(approve=CUSTODIAN, cell="break_glass.unlock")


def facts(account_class: AccountClass | None = AccountClass.STANDARD, **told: Any) -> AccountObserved:
    """What the directory said of the account, with any field set to something else."""
    plain = AccountObserved(
        account=ACCOUNT,
        account_class=account_class,
        status=Status.ACTIVE,
        shared=False,
        unit="north",
        manager=MAX,
    )
    return msgspec.structs.replace(plain, **told)


def standing(*observed: tuple[datetime, AccountObserved]) -> Account:
    """An account seen as *observed*; by default one standard account, known for a year."""
    seen = observed or ((NOON - 365 * DAY, facts()),)
    return Account(
        id=ACCOUNT, directory="sandbox", observations=tuple(Observation(at=at, facts=told) for at, told in seen)
    )
