"""Whether a policy stops the attacker of a scenario, and at which step.

Whether is read from the analysis: an attack all of whose needs the attacker has goes through. Where is found by walking
the procedure with what they have, for words only: proof, approval, hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.requirement import Context, Method, Requirement
from watchword.policy.approval_tables import SEATS
from watchword.policy.attack import Analysis, Attack, CellAttacks, Need
from watchword.policy.bundle import Policy
from watchword.policy.recoveries import CREDENTIAL
from watchword.policy.scenarios import ANYBODY, USUAL, Scenario
from watchword.policy.sufficient import sufficient
from watchword.policy.tables import Cell
from watchword.policy.values import Falls

At = Literal["denied", "verify", "approve", "hold", "hand_over", "separation", "notify", "after", "through"]

ORDER: tuple[At, ...] = ("denied", "verify", "approve", "hold", "hand_over", "separation", "notify", "after", "through")
"""How far an attacker comes; the later the worse."""


class CellVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """How far a scenario comes in one cell: *at* is what stops it, or `through` with the *attack* that gets there."""

    account_class: AccountClass
    action: Action
    stopped: bool
    at: At
    why: str
    attack: Attack | None = None


class ScenarioVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario against a policy: the worst of its *cells*, where it comes furthest."""

    id: str
    title: str
    stopped: bool
    at: At
    why: str
    cells: tuple[CellVerdict, ...]


class Holdings:
    """What the attacker of a scenario has, asked need by need."""

    def __init__(self, has: Iterable[Need]) -> None:
        self._about: dict[str, list[str]] = {}
        for need in has:
            self._about.setdefault(need.capability, []).append(need.subject)

    def covers(self, capability: str, subject: str) -> bool:
        """Whether they have *capability* about *subject*; unsaid, theirs is about whoever is no approver."""
        return any(_about(whom, subject) for whom in self._about.get(capability, ()))

    def fells(self, falls: Iterable[tuple[str, ...]], subject: str) -> bool:
        """Whether they hold all of some set of *falls* about *subject*."""
        return any(all(self.covers(c, subject) for c in ways) for ways in falls)


def judge(policy: Policy, analysis: Analysis, scenario: Scenario) -> ScenarioVerdict:
    """Return whether *policy*, analysed as *analysis*, stops an attacker with exactly what *scenario* gives them."""
    reached = {(c.account_class, c.action): c for c in analysis.cells}
    has = Holdings(scenario.has)
    cells = tuple(
        _judged(policy, scenario, has, reached[account_class, action])
        for account_class in scenario.classes
        for action in scenario.actions
        if (account_class, action) in reached
    )
    worst = max(cells, key=lambda c: (not c.stopped, ORDER.index(c.at)))
    where = f"{worst.account_class} {worst.action}: " if len(cells) > 1 else ""
    return ScenarioVerdict(
        id=scenario.id,
        title=scenario.title,
        stopped=worst.stopped,
        at=worst.at,
        why=f"{where}{worst.why}",
        cells=cells,
    )


def _judged(policy: Policy, scenario: Scenario, has: Holdings, cell: CellAttacks) -> CellVerdict:
    if scenario.judged_by is not None:
        stopped, at, why = _after(policy, scenario, has, cell)
        return CellVerdict(account_class=cell.account_class, action=cell.action, stopped=stopped, at=at, why=why)
    for attack in (*cell.attacks, *cell.infrastructure):
        if all(has.covers(n.capability, n.subject) for n in attack.needs):
            around = ", around the desk" if attack.infrastructure else ""
            named = " + ".join(map(str, attack.needs)) or "nothing"
            return CellVerdict(
                account_class=cell.account_class,
                action=cell.action,
                stopped=False,
                at="through",
                why=f"{named} is enough{around}",
                attack=attack,
            )
    at, why = _walked(policy, has, cell)
    return CellVerdict(account_class=cell.account_class, action=cell.action, stopped=True, at=at, why=why)


def _walked(policy: Policy, has: Holdings, cell: CellAttacks) -> tuple[At, str]:
    """How far the procedure itself lets them come."""
    row = policy.procedures.cell(cell.account_class, cell.action)
    if not isinstance(row, Cell):
        return "denied", f"the desk refuses: {row.deny}"
    asked = policy.procedures.require(cell.account_class, cell.action, Context())
    steps = policy.procedures.loaded.methods.steps
    lacking = _unproven(asked, has, steps.attested)
    if lacking:
        return "verify", lacking
    seats = asked.approve.seats if asked.approve else ()
    falls = steps.signed_approval if asked.approve and asked.approve.signed else steps.approval
    holding = [s for s in seats if not any(has.fells(falls, role) for role in s.roles)]
    if holding:
        return "approve", f"the proof falls, and {_either(holding[0].roles)} still has to approve"
    if asked.hold_s:
        return "hold", f"proof and approval fall, and the person is told {asked.hold_s // 60} minutes ahead"
    if asked.deliver == "spoken" and cell.action in CREDENTIAL and not has.fells(steps.spoken, "agent"):
        return "hand_over", "proof and approval fall, and the agent still has to tell them the code"
    return "separation", "each step falls by itself, and no one person may take them all"


def _unproven(asked: Requirement, has: Holdings, attested: Falls) -> str:
    """What still holds of the nearest way to prove; empty where one falls altogether."""
    methods = {m.name: m for m in asked.methods}
    ways = [(w, [n for n in w if not _falls(methods[n], has, attested)]) for w in sufficient(asked)]
    if not ways:
        return "nobody can prove what is asked for"
    way, holds = min(ways, key=lambda w: (len(w[1]), sum(methods[n].weight for n in w[1]), len(w[0])))
    return f"of {' + '.join(way)}, {_and(holds)} still {'holds' if len(holds) == 1 else 'hold'}" if holds else ""


def _falls(method: Method, has: Holdings, attested: Falls) -> bool:
    return has.fells(method.defeats, "target") or (not method.enforced and has.fells(attested, "agent"))


def _after(policy: Policy, scenario: Scenario, has: Holdings, cell: CellAttacks) -> tuple[bool, At, str]:
    """What the after-care of a cell does about somebody who is already in."""
    row = policy.procedures.cell(cell.account_class, cell.action)
    if not isinstance(row, Cell):
        return True, "denied", f"the desk refuses: {row.deny}"
    after = policy.procedures.require(cell.account_class, cell.action, Context()).after
    if scenario.judged_by == "revoke_sessions":
        if after.revoke_sessions:
            return True, "after", "every session is ended where the directory can"
        return False, "after", "no session is ended"
    if scenario.judged_by == "probation":
        # Watchword holds neither payroll nor mail: what it records there tells whoever asks, and stops nobody.
        if after.probation_s:
            days = after.probation_s // 86_400
            return (
                False,
                "after",
                f"the account is recorded as on probation for {days} days, which stops nothing by itself",
            )
        return False, "after", "nothing follows"
    notices = policy.procedures.loaded.methods.steps.notices
    held = [name for name, falls in notices.items() if has.fells(falls, "target")]
    told = min(after.notify, len(notices))
    if told > len(held):
        return True, "notify", f"{told} channels are told, and the attacker holds {_and(held) if held else 'none'}"
    return False, "notify", f"{_and(held)} is all that is told, and the attacker holds it" if told else "nobody is told"


def _about(whom: str, subject: str) -> bool:
    if whom == ANYBODY:
        return True
    if whom == USUAL:
        return not any(_is(seat, subject) for seat in SEATS)
    return _is(whom, subject)


def _is(role: str, subject: str) -> bool:
    """Whether *subject* is *role*, or one of several who hold it."""
    return subject == role or (subject.startswith(f"{role}_") and subject[len(role) + 1 :].isdecimal())


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(names)


def _and(names: list[str]) -> str:
    return " and ".join(names)
