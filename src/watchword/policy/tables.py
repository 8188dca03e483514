"""The files of a policy as typed tables: `methods.yaml` and `procedures.yaml`, exactly as a person wrote them."""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)

from watchword.core.account import AccountClass
from watchword.core.action import Action, AlertLevel, Step
from watchword.policy.approval_tables import ApprovalRow, NoApprovalRow
from watchword.policy.table import Table, mistake

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")

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


def _seconds(value: object) -> object:
    if value == 0 and not isinstance(value, bool):
        return 0
    if isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        return int(match[1]) * _UNITS[match[2]]
    raise mistake(f"{value!r} is no duration", "write 0, or a number with s, m, h or d, such as 30m")


def _upwards(value: object) -> object:
    if isinstance(value, int) and value < 0:
        raise mistake("this would lower a requirement", "a context may only raise: write 0 to 3")
    return value


def _approval_named(value: object) -> object:
    if isinstance(value, str) and value:
        return value
    counted = isinstance(value, dict) and value.get("n") == 0
    if value in (0, None, "") or value == [] or counted:
        raise mistake("an approval of nobody is not an answer", "write `approve: none` where none is meant")
    raise mistake("the approval is not named", "name one of `approvals:`, or write `approve: none`")


def given(value: object) -> object:
    """Refuse an empty list; a least length of pydantic would be told again for every item that is wrong by itself."""
    if value == []:
        raise mistake("nothing is named here", "name at least one")
    return value


def _some(value: object) -> object:
    if value:
        return value
    raise mistake("this would raise every request there is", "say when it applies, or raise the cells themselves")


Duration = Annotated[int, BeforeValidator(_seconds)]
Steps = Annotated[StrictInt, Field(ge=0, le=3), BeforeValidator(_upwards)]
Separated = Literal["open", "verify", "approve", "release", "execute", "review"]


def _priced(value: object) -> object:
    return {"cost": value} if isinstance(value, int) and not isinstance(value, bool) else value


def _breakable(value: object) -> object:
    if value:
        return value
    raise mistake("this falls to nothing, and nothing is unbreakable", "name what defeats it, at its dearest")


Falls = Annotated[
    tuple[Annotated[tuple[StrictStr, ...], Field(min_length=1)], ...], BeforeValidator(_breakable), Field(min_length=1)
]
"""Minimal sets of capabilities, any of which is enough."""


class CapabilityRow(Table):
    """What an attacker may have: its *cost* (1 cheap to 5 hard), and whom it is *about*.

    About the person whose step it is, about the agent at the desk, or about nobody: the organisation. An
    *infrastructure* capability is held in a system around the desk; attacks that need one stand in a column apart.
    """

    cost: Annotated[StrictInt, Field(ge=1, le=5)]
    infrastructure: StrictBool = False
    about: Literal["person", "agent", "nobody"] = "person"


class MethodRow(Table):
    """One way to verify a person; *proves* says whose word it is, *defeats* what it falls to.

    `never: reason` stands in place of *defeats* where no way is known; *throttle* says how guessing is slowed.
    """

    weight: Annotated[StrictInt, Field(ge=0, le=4)]
    enforced: StrictBool
    remote: StrictBool
    phishable: StrictBool
    voice: StrictBool = False
    proves: Literal["subject", "owner", "custodians"]
    defeats: Falls = ()
    never: Annotated[StrictStr, Field(min_length=1)] | None = None
    throttle: StrictStr | None = None

    @model_validator(mode="after")
    def _answered(self) -> MethodRow:
        if not self.defeats and self.never is None:
            raise mistake(
                "nothing is unbreakable, and this names nothing it falls to", "write `defeats`, or `never: reason`"
            )
        if self.defeats and self.never is not None:
            raise mistake("`defeats` and `never` contradict each other", "keep one of the two")
        return self


class StepsRow(Table):
    """What falls to what besides proof: an attested step, an approval by session or by signature, a custodian's word.

    *notices* has a row per channel that notices go to, with what lets an attacker keep them from the person; *unseen*
    is what makes all channels moot at once.
    """

    attested: Falls
    approval: Falls
    signed_approval: Falls
    custodian: Falls
    signed_custodian: Falls
    notices: Annotated[dict[str, Falls], Field(min_length=1)]
    unseen: Falls


class GainRow(Table):
    """What a successful action on somebody's account gives about that person; *unseen*: if nobody objects for long."""

    actions: Annotated[tuple[Action, ...], Field(min_length=1)]
    classes: tuple[AccountClass, ...] = ()
    with_: Annotated[tuple[StrictStr, ...], Field(alias="with")] = ()
    unseen: StrictBool = False
    gives: Annotated[tuple[StrictStr, ...], Field(min_length=1)]


class EffectRow(Table):
    """Actions that come to the same as others, for whoever has what *with_* names about the target (invariant 8)."""

    actions: Annotated[tuple[Action, ...], Field(min_length=1)]
    with_: Annotated[tuple[StrictStr, ...], Field(alias="with")] = ()
    same_as: Annotated[tuple[Action, ...], Field(min_length=1)]


class AroundRow(Table):
    """A way around the procedures of *classes* and *actions* (none named: all of them).

    It asks for proof by *methods* and for nothing else; or it falls to *falls_to*: of the target, or of each of
    *people* different people whom the rules let take *step*.
    """

    means: StrictStr
    classes: tuple[AccountClass, ...] = ()
    actions: tuple[Action, ...] = ()
    methods: tuple[StrictStr, ...] = ()
    falls_to: Falls = ()
    step: Step | None = None
    people: Annotated[StrictInt, Field(ge=1, le=3)] = 1

    @model_validator(mode="after")
    def _one_way(self) -> AroundRow:
        if bool(self.methods) == bool(self.falls_to):
            raise mistake("a way around asks for methods, or falls to something", "write `methods` or `falls_to`")
        if self.step is None and self.people != 1:
            raise mistake("the people of this way take no step", "name the `step` the rules let them take")
        return self


class SourceRow(Table):
    """What rewrites the record at its source: who stands in a *relation* to an account, and its *account_class*."""

    relation: Falls
    account_class: Falls


class MethodsFile(Table):
    """`methods.yaml`: what an attacker may have and what it costs, what falls to it, and what that leads to."""

    capabilities: dict[str, Annotated[CapabilityRow, BeforeValidator(_priced)]]
    methods: dict[str, MethodRow]
    steps: StepsRow
    gains: tuple[GainRow, ...]
    effects: tuple[EffectRow, ...]
    around: dict[str, AroundRow]
    source: SourceRow


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
    manager_attests: StrictBool = False
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
    when: Annotated[When, BeforeValidator(_some)]
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
    """What the desk may always take away, with one check."""

    methods: Literal[1]
    approve: Literal["none"]
    hold: Annotated[Duration, Field(le=0)]


class TimesRow(Table):
    """How long an approval counts, and an executor's grant for one case."""

    approval: Annotated[Duration, Field(gt=0)]
    grant: Annotated[Duration, Field(gt=0, le=15 * 60)]


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

    With *cosigned* its evidence is cosigned by a quorum of witnesses before anything is changed.
    """

    verify: Annotated[tuple[StrictStr, ...], Field(min_length=1)]
    approve: Annotated[StrictStr, BeforeValidator(_approval_named)]
    hold: Duration
    waived_by: tuple[StrictStr, ...] = ()
    alert: AlertLevel
    after: StrictStr
    lifetime: Annotated[Duration, Field(gt=0)] | None = None
    cosigned: StrictBool = False


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
    break_glass: BreakGlassRow
    protective: ProtectiveRow
    times: TimesRow
    freeze: FreezeRow
    origin: OriginRow
    procedures: dict[AccountClass, dict[Action, Answer]]
