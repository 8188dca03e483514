"""`procedures.yaml` as typed tables, exactly as a person wrote it, and what all files of a policy have in common."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    Tag,
)

from watchword.core.account import AccountClass
from watchword.core.action import Action, AlertLevel
from watchword.core.requirement import Delivery
from watchword.policy.approval_tables import ApprovalRow, NoApprovalRow
from watchword.policy.values import (
    ContactAge,
    Duration,
    Freshness,
    Steps,
    Table,
    approval_named,
    some,
)

Channel = Literal["phone", "walk_in", "chat", "mail", "portal", "vendor_desk"]
Location = Literal["office", "home", "known", "new", "abroad", "unknown"]
Device = Literal["managed", "known", "unknown"]
Risk = Literal["low", "medium", "high"]
Situation = Literal["normal", "after_hours", "outage"]

VOCABULARY: dict[str, tuple[str, ...]] = {
    "channel": get_args(Channel),
    "location": get_args(Location),
    "device": get_args(Device),
    "risk": get_args(Risk),
    "situation": get_args(Situation),
}
"""The values each field of `core.requirement.Context` may take."""


Separated = Literal["open", "verify", "approve", "release", "execute", "review"]


class TierRow(Table):
    """One rung of verification; *raise_to* is the next one up, absent at the top."""

    means: StrictStr
    methods: Annotated[StrictInt, Field(ge=1)]
    weight: Annotated[StrictInt, Field(ge=1)]
    any_of: tuple[Annotated[tuple[StrictStr, ...], Field(min_length=1)], ...] = ()
    forbid: tuple[StrictStr, ...] = ()
    provers: Annotated[StrictInt, Field(ge=1)] = 1
    raise_to: StrictStr | None = None


class SeparationRow(Table):
    """Steps two different people must take: all of *pairwise*, and each of *pairs*."""

    pairwise: tuple[Separated, ...] = ()
    pairs: tuple[tuple[Separated, Separated], ...] = ()


class AfterRow(Table):
    """After-care, as `core.requirement.After` has it."""

    notify: Annotated[StrictInt, Field(ge=0)] = 0
    revoke_sessions: StrictBool = False
    probation: Duration = 0
    review: Duration = 0
    confirm: Duration = 0


class ClassRow(Table):
    """What holds for every cell of a class: whose proof counts, its strongest way, its ladder of approvals."""

    proved_by: Literal["subject", "owner", "custodians"]
    strongest: StrictStr
    approvals: Annotated[tuple[StrictStr, ...], Field(min_length=1)]
    tolerate: dict[str, Annotated[StrictInt, Field(ge=3, le=5)]] = Field(default_factory=dict)


class When(Table):
    """The facts of a request that bring a raise about: every field given must have one of the values listed."""

    channel: tuple[Channel, ...] = ()
    location: tuple[Location, ...] = ()
    device: tuple[Device, ...] = ()
    risk: tuple[Risk, ...] = ()
    situation: tuple[Situation, ...] = ()
    elevated_threat: Literal[True] | None = None


class RaiseRow(Table):
    """Rungs to go up, and a least hold. There is no way to write a step down."""

    why: StrictStr
    when: Annotated[When, BeforeValidator(some)]
    tier: Steps = 0
    approval: Steps = 0
    alert: Steps = 0
    hold: Duration = 0
    waived_by: tuple[StrictStr, ...] = ()


class RepeatRow(Table):
    """What a second completed recovery of one target within *window* is raised by, and which one is refused."""

    window: Duration
    tier: Annotated[StrictInt, Field(ge=1)]
    review: Annotated[Duration, Field(gt=0)]
    refuse_from: Annotated[StrictInt, Field(ge=2, le=3)]


class CampaignRow(Table):
    """What a case is raised by when its caller's number, address or device asked for another account in *window*."""

    window: Annotated[Duration, Field(gt=0)] = 86_400
    tier: Steps = 1
    alert: Steps = 1


class BreakGlassRow(Table):
    """The one predefined procedure that may go first and be looked at after."""

    classes: Annotated[tuple[AccountClass, ...], Field(min_length=1)]
    actions: Annotated[tuple[Action, ...], Field(min_length=1)]
    custodians: Annotated[StrictInt, Field(ge=2)]
    signed: StrictBool = False
    justification: Literal[True]
    expires: Annotated[Duration, Field(gt=0, le=4 * 3600)]
    review: Annotated[Duration, Field(gt=0, le=24 * 3600)]


class ProtectiveRow(Table):
    """What the desk may always take away, with one check: one person so often a day, an AI agent so often."""

    methods: Literal[1]
    approve: Literal["none"]
    hold: Annotated[Duration, Field(le=0)]
    budget: Annotated[StrictInt, Field(ge=1)] = 20
    ai_budget: Annotated[StrictInt, Field(ge=0)] = 5


class TimesRow(Table):
    """How long an approval counts, an executor's grant, and a proof; how old a contact point has to be."""

    approval: Annotated[Duration, Field(gt=0)]
    grant: Annotated[Duration, Field(gt=0, le=15 * 60)]
    fresh: Freshness = 900
    contact_age: ContactAge = 30 * 86_400


class FreezeRow(Table):
    """Failures of one target within *window*: what closes its remote ways, what leaves only the strongest."""

    window: Annotated[Duration, Field(gt=0)]
    close_remote: Annotated[StrictInt, Field(ge=1)]
    strongest_only: Annotated[StrictInt, Field(ge=2)]


class OriginRow(Table):
    """How one origin is slowed before any target suffers from it."""

    window: Annotated[Duration, Field(gt=0)]
    failures: Annotated[StrictInt, Field(ge=1)]
    wait: Annotated[Duration, Field(gt=0)]
    longest_wait: Annotated[Duration, Field(gt=0)]
    targets: Annotated[StrictInt, Field(ge=1)]


class Cell(Table):
    """One answered cell of the matrix. *lifetime* bounds what the change itself grants.

    With *cosigned* its evidence is cosigned by a quorum of witnesses before anything is changed. *aal*: as SP 800-63B-4
    recovers at that level. *fresh* and *contact_age* stand for those of `times`. *deliver* says how a credential is
    handed over: `page`, or `spoken`, with a short code that the desk says to whoever is there.
    """

    verify: Annotated[tuple[StrictStr, ...], Field(min_length=1)]
    approve: Annotated[StrictStr, BeforeValidator(approval_named)]
    hold: Duration
    waived_by: tuple[StrictStr, ...] = ()
    alert: AlertLevel
    after: StrictStr
    lifetime: Annotated[Duration, Field(gt=0)] | None = None
    cosigned: StrictBool = False
    aal: Literal[0, 2, 3] = 0
    fresh: Freshness | None = None
    contact_age: ContactAge | None = None
    deliver: Delivery = "page"


class Deny(Table):
    """One cell that says no, why, and what to do instead."""

    deny: Annotated[StrictStr, Field(min_length=1)]
    instead: Annotated[StrictStr, Field(min_length=1)]


def _kind(value: object) -> str:
    return "(deny)" if isinstance(value, Deny) or (isinstance(value, dict) and "deny" in value) else "(cell)"


Answer = Annotated[Annotated[Cell, Tag("(cell)")] | Annotated[Deny, Tag("(deny)")], Discriminator(_kind)]


class ProceduresFile(Table):
    """`procedures.yaml`: the ladders, what raises a requirement, and the matrix."""

    tiers: dict[str, TierRow]
    no_approval: NoApprovalRow
    approvals: dict[str, ApprovalRow]
    separate: dict[str, SeparationRow]
    after: dict[str, AfterRow]
    classes: dict[AccountClass, ClassRow]
    context: tuple[RaiseRow, ...]
    repeat: RepeatRow
    campaign: CampaignRow = CampaignRow()
    break_glass: BreakGlassRow
    protective: ProtectiveRow
    times: TimesRow
    freeze: FreezeRow
    origin: OriginRow
    procedures: dict[AccountClass, dict[Action, Answer]]
