"""Rows of the tables turned into the values the core decides with."""

from __future__ import annotations

from itertools import combinations

import msgspec

from watchword.core.account import AccountClass
from watchword.core.errors import Refused
from watchword.core.quorum import Rule, Seat
from watchword.core.requirement import After, Method, Requirement, Verify
from watchword.policy.approval_tables import BOUND
from watchword.policy.limits import BreakGlass, Freeze, Origin, Protective, Repeat
from watchword.policy.loading import NONE
from watchword.policy.methods_tables import MethodsFile
from watchword.policy.tables import ProceduresFile

STEPS = ("open", "verify", "approve", "release", "execute", "review")
"""The steps that may be kept apart, in the order a case takes them; a pair is always written in it."""


def methods_of(table: ProceduresFile, methods: MethodsFile, account_class: AccountClass) -> tuple[Method, ...]:
    """Return the methods whose proof counts for a class."""
    whose = table.classes[account_class].proved_by
    return tuple(
        Method(
            name=name,
            weight=row.weight,
            enforced=row.enforced,
            remote=row.remote,
            phishable=row.phishable,
            voice=row.voice,
            single_use=row.single_use,
            defeats=row.defeats,
            fresh_s=row.fresh,
            kinds=row.kinds,
        )
        for name, row in methods.methods.items()
        if row.proves == whose
    )


def costs_of(file: MethodsFile, methods: tuple[Method, ...]) -> tuple[tuple[str, int], ...]:
    """Return what each capability that defeats one of *methods* costs."""
    needed = {capability for m in methods for way in m.defeats for capability in way}
    return tuple((name, row.cost) for name, row in file.capabilities.items() if name in needed)


def way(table: ProceduresFile, account_class: AccountClass, tier: str, aal: int = 0) -> Verify:
    """Return what *tier* asks of an account of this class, in a cell that recovers at *aal*."""
    row = table.tiers[tier]
    return Verify(
        tier=tier,
        min_weight=row.weight,
        min_methods=row.methods,
        any_of=row.any_of,
        forbid=row.forbid,
        provers=row.provers,
        tolerate_cost=table.classes[account_class].tolerate.get(tier, 0),
        aal=aal,
    )


def rule(table: ProceduresFile, approval: str, account_class: AccountClass) -> Rule | None:
    """Return the rule of an approval for a class; None for `none`."""
    if approval == NONE:
        return None
    row = table.approvals[approval]
    return Rule(
        name=approval,
        seats=tuple(Seat(roles=seat) for seat in row.seats),
        signed=row.signed,
        device_bound=account_class in BOUND if row.device_bound is None else row.device_bound,
        outside=row.outside,
        distinct=row.distinct,
    )


def separated(table: ProceduresFile, approval: str) -> tuple[tuple[str, str], ...]:
    """Return the pairs of steps an approval keeps apart, each in the order of a case."""
    name = table.no_approval.separate if approval == NONE else table.approvals[approval].separate
    row = table.separate[name]
    pairs = {*combinations(sorted(row.pairwise, key=STEPS.index), 2)}
    pairs |= {(min(p, key=STEPS.index), max(p, key=STEPS.index)) for p in row.pairs}
    return tuple(sorted(pairs, key=lambda p: (STEPS.index(p[0]), STEPS.index(p[1]))))


def after(table: ProceduresFile, name: str) -> After:
    """Return a named after-care."""
    row = table.after[name]
    return After(
        notify=row.notify,
        revoke_sessions=row.revoke_sessions,
        probation_s=row.probation,
        review_s=row.review,
        confirm_s=row.confirm,
    )


def break_glass(table: ProceduresFile) -> BreakGlass:
    """Return the predefined emergency procedure."""
    row = table.break_glass
    return BreakGlass(
        classes=row.classes,
        actions=row.actions,
        custodians=row.custodians,
        signed=row.signed,
        justification=row.justification,
        expires_s=row.expires,
        review_s=row.review,
    )


def broken_glass(glass: BreakGlass, asked: Requirement) -> Requirement:
    """Return what a case that asked for *asked* needs once the glass is broken: custodians, and nothing to wait for.

    Signatures and cosignatures that were asked before are asked still. Raise `Refused` for a class and action it is not
    meant for.
    """
    if asked.account_class not in glass.classes or asked.action not in glass.actions:
        raise Refused("Break-glass is not for this class and action.", "Use the procedure.", ("not_predefined",))
    seats = tuple(Seat(roles=("custodian",)) for _ in range(glass.custodians - 1))
    signed = glass.signed or (asked.approve is not None and asked.approve.signed)
    separate = (("break_glass", "approve"), ("break_glass", "review"), ("approve", "review"))
    return msgspec.structs.replace(
        asked,
        cell=f"break_glass.{asked.action}",
        approve=Rule(name="break_glass", seats=seats, signed=signed, device_bound=True),
        hold_s=0,
        separate=(*separate, ("approve", "release"), ("release", "review"), ("break_glass", "release")),
        raised=("break_glass",),
    )


def protective(table: ProceduresFile) -> Protective:
    """Return what a protective change asks for."""
    row = table.protective
    return Protective(methods=row.methods, hold_s=row.hold, budget=row.budget, ai_budget=row.ai_budget)


def freeze(table: ProceduresFile) -> Freeze:
    """Return the thresholds of failure."""
    row = table.freeze
    return Freeze(window_s=row.window, close_remote=row.close_remote, strongest_only=row.strongest_only)


def origin(table: ProceduresFile) -> Origin:
    """Return how one origin is slowed."""
    row = table.origin
    return Origin(
        window_s=row.window,
        failures=row.failures,
        wait_s=row.wait,
        longest_wait_s=row.longest_wait,
        targets=row.targets,
    )


def repeat(table: ProceduresFile) -> Repeat:
    """Return what a repeated recovery brings about."""
    row = table.repeat
    return Repeat(window_s=row.window, tiers=row.tier, review_s=row.review, refuse_from=row.refuse_from)
