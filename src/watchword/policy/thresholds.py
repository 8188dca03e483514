"""What an analysis is held against: how dear an attack on a cell has to be, and what alone may open none."""

from __future__ import annotations

import re

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.errors import Invalid
from watchword.policy.attack import Analysis, Attack, CellAttacks

TAKES_OVER = (Action.FACTOR_RESET, Action.TOTAL_LOSS, Action.RECOVERY_INFO_CHANGE, Action.BYPASS_CODE)
"""The actions that hand an account over."""

ASSISTS = (Action.UNLOCK, Action.PASSWORD_RESET)
"""The actions that help somebody who still has another authenticator."""

ISSUES = (Action.PASSWORD_RESET, Action.SECRET_REISSUE)
"""Those of a standard account that end in a new credential."""

GUARDED = (AccountClass.EXECUTIVE, AccountClass.FINANCE, AccountClass.PRIVILEGED, AccountClass.IDENTITY_CONTROL)
"""Executive and up, as far as a person stands behind the account."""

ONE_CODE = ("phish_relay", "otp_seed_sync")
"""What a one-time password alone falls to, and a passkey does not."""

_SPELT = re.compile(r"(?P<classes>[a-z_,]+)(?:/(?P<actions>[a-z_,]+))?=(?P<cost>[0-9]{1,3})?(?P<single>!?)")


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for an outsider's attacks on every answered cell of *classes* x *actions*.

    Each costs *cost* or more. With *single* none needs one capability only; *never* names capabilities that may not be
    enough by themselves, whatever they cost.
    """

    classes: tuple[AccountClass, ...]
    actions: tuple[Action, ...]
    cost: int = 0
    single: bool = False
    never: tuple[str, ...] = ()


class Miss(msgspec.Struct, frozen=True, kw_only=True):
    """A cell that falls short of a threshold: the *attacks* that do, cheapest first, and *why* the first does."""

    account_class: AccountClass
    action: Action
    attacks: tuple[Attack, ...]
    threshold: Threshold
    why: str


SHIPPED = (
    Threshold(
        classes=(*GUARDED, AccountClass.SERVICE, AccountClass.AI_AGENT, AccountClass.BREAK_GLASS),
        actions=TAKES_OVER,
        single=True,
    ),
    Threshold(classes=(AccountClass.PRIVILEGED, AccountClass.IDENTITY_CONTROL), actions=TAKES_OVER, cost=6),
    Threshold(classes=(AccountClass.STANDARD,), actions=TAKES_OVER, cost=4),
    # 2 is what a one-time password falls to (a relay), 3 what a passkey falls to (a stolen or controlled device).
    # Unlocking a standard account hands nothing over; what does is never bought by a relayed code or a copied seed.
    Threshold(classes=(AccountClass.STANDARD,), actions=(Action.UNLOCK,), cost=2),
    Threshold(classes=(AccountClass.STANDARD,), actions=ISSUES, cost=3, never=ONE_CODE),
    Threshold(
        classes=(AccountClass.CONTRACTOR, AccountClass.EXTERNAL, *GUARDED), actions=ASSISTS, cost=3, never=ONE_CODE
    ),
)
"""What the shipped policy is held against."""


def misses(analysis: Analysis, thresholds: tuple[Threshold, ...] = SHIPPED) -> tuple[Miss, ...]:
    """Return every cell of *analysis* that falls short, once a threshold, in the order of the thresholds.

    A denied cell counts as well where something else leads to the same: what an attacker reaches is what counts.
    """
    return tuple(
        miss
        for threshold in thresholds
        for cell in analysis.cells
        if cell.account_class in threshold.classes and cell.action in threshold.actions
        if (miss := _miss(cell, threshold)) is not None
    )


def threshold_of(text: str) -> Threshold:
    """Return the threshold spelt `CLASS[,CLASS][/ACTION[,ACTION]]=[COST][!]`; `!` forbids single-capability attacks.

    Without actions it is about those that hand an account over. Raise `Invalid` for anything else.
    """
    match = _SPELT.fullmatch(text)
    if match is None or not (match["cost"] or match["single"]):
        raise Invalid(
            f"{text!r} is no threshold.", "Write CLASS=COST, CLASS=COST!, or CLASS/ACTION=COST.", "fail-under"
        )
    try:
        classes = tuple(AccountClass(name) for name in match["classes"].split(","))
        actions = tuple(Action(name) for name in match["actions"].split(",")) if match["actions"] else TAKES_OVER
    except ValueError as error:
        known = ", ".join((*AccountClass, *Action))
        raise Invalid(f"{error}.", f"Use classes and actions of: {known}.", "fail-under") from error
    return Threshold(classes=classes, actions=actions, cost=int(match["cost"] or 0), single=bool(match["single"]))


def _miss(cell: CellAttacks, threshold: Threshold) -> Miss | None:
    short = tuple(a for a in cell.attacks if _short(a, threshold))
    if not short:
        return None
    return Miss(
        account_class=cell.account_class,
        action=cell.action,
        attacks=short,
        threshold=threshold,
        why=_short(short[0], threshold),
    )


def _short(attack: Attack, threshold: Threshold) -> str:
    named = " + ".join(map(str, attack.needs))
    if attack.cost < threshold.cost:
        return f"{named} costs {attack.cost}, and {threshold.cost} is asked for"
    if len(attack.needs) > 1:
        return ""
    if threshold.single:
        return f"{named} alone is enough"
    return f"{named} alone is enough" if attack.needs and attack.needs[0].capability in threshold.never else ""
