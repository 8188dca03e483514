"""`methods.yaml` as typed tables: what an attacker may have, what falls to it, and what that leads to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, StrictStr, model_validator

from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.policy.values import Falls, Freshness, RecoveryKind, Table, mistake, priced


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

    What is of *single_use* can not be given again at the hand-over. `never: reason` stands in place of *defeats* where
    no way is known; *throttle* says how guessing is slowed.
    """

    weight: Annotated[StrictInt, Field(ge=0, le=4)]
    enforced: StrictBool
    remote: StrictBool
    phishable: StrictBool
    voice: StrictBool = False
    single_use: StrictBool = False
    proves: Literal["subject", "owner", "custodians"]
    defeats: Falls = ()
    never: Annotated[StrictStr, Field(min_length=1)] | None = None
    throttle: StrictStr | None = None
    fresh: Freshness = 0
    kinds: tuple[RecoveryKind, ...] = ()

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
    is what makes all channels moot at once. *spoken* is what the agent's word to whoever takes a credential over falls
    to, in cells that deliver it so; where nothing is written, being told the code is taken to be free.
    """

    attested: Falls
    spoken: Falls = ()
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

    capabilities: dict[str, Annotated[CapabilityRow, BeforeValidator(priced)]]
    methods: dict[str, MethodRow]
    steps: StepsRow
    gains: tuple[GainRow, ...]
    effects: tuple[EffectRow, ...]
    around: dict[str, AroundRow]
    source: SourceRow
