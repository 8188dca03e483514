"""Edits of a policy that make one cell stricter, and the policy they would make; nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.policy.bundle import Policy
from watchword.policy.document import Path
from watchword.policy.loading import NONE
from watchword.policy.procedures import Procedures
from watchword.policy.tables import Cell, ProceduresFile

HOLDS = (3600, 4 * 3600, 24 * 3600, 72 * 3600)
"""Waits a person would write, in seconds."""

GLASS_ACTIONS = ("break_glass", "actions")

Value = tuple[str, ...] | str | int


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """One change of procedures.yaml: at *path*, on the *line* (from 1) of the policy as it is, *old* becomes *new*.

    The path of a cell's part is `procedures`, class, action, part; that of a rung is `approvals`, rung, `signed`; that
    of the emergency procedure is `break_glass`, part.
    """

    path: tuple[str, ...]
    line: int
    old: Value
    new: Value

    def __str__(self) -> str:
        told = f"{_written(self.path[-1], self.old)} -> {_written(self.path[-1], self.new)}"
        return f"procedures.yaml:{self.line}: {'.'.join(self.path)}: {told}"


def moves(policy: Policy, account_class: AccountClass, action: Action) -> Iterator[Edit]:
    """Yield every smallest way to make a cell stricter: a tier or approval one rung up, a longer hold, signatures.

    Where the cell may be had by breaking the glass, that may ask for signatures or one custodian more, or no longer be
    for this action. A denied cell has none. What an edit makes may be unsound; `check.findings` says so.
    """
    cell = policy.procedures.cell(account_class, action)
    if not isinstance(cell, Cell):
        return
    table = policy.procedures.table
    at = ("procedures", str(account_class), str(action))
    for ways in _raised(table, cell):
        yield _edit(policy, (*at, "verify"), cell.verify, ways)
    ladder = table.classes[account_class].approvals
    rung = ladder.index(cell.approve)
    if rung + 1 < len(ladder):
        yield _edit(policy, (*at, "approve"), cell.approve, ladder[rung + 1])
    longer = next((h for h in HOLDS if h > cell.hold), None)
    if longer is not None:
        yield _edit(policy, (*at, "hold"), cell.hold, longer)
    if cell.approve != NONE and not table.approvals[cell.approve].signed:
        yield _edit(policy, ("approvals", cell.approve, "signed"), 0, 1)
    glass = table.break_glass
    if account_class in glass.classes and action in glass.actions:
        if not glass.signed:
            yield _edit(policy, ("break_glass", "signed"), 0, 1)
        yield _edit(policy, ("break_glass", "custodians"), glass.custodians, glass.custodians + 1)
        if others := tuple(a for a in glass.actions if a != action):
            yield _edit(policy, GLASS_ACTIONS, glass.actions, others)


def joined(edits: Iterable[Edit], edit: Edit) -> tuple[Edit, ...]:
    """Return *edits* and *edit*; two of one path are one, from the older value to the newer."""
    known = {e.path: e for e in edits}
    earlier = known.get(edit.path)
    known[edit.path] = msgspec.structs.replace(edit, old=earlier.old) if earlier else edit
    return tuple(known[path] for path in sorted(known))


def losses(policy: Policy, edits: Iterable[Edit]) -> tuple[str, ...]:
    """Return what people can no longer do after *edits* of *policy*, in words: what the glass is not broken for."""
    glass = policy.procedures.table.break_glass
    kept = next((e.new for e in edits if e.path == GLASS_ACTIONS), glass.actions)
    assert isinstance(kept, tuple)
    whose = ", ".join(c.replace("_", " ") for c in glass.classes)
    left = " or ".join(a.replace("_", " ") for a in kept)
    return tuple(
        f"in an emergency nobody breaks the glass for {a.replace('_', ' ')} of {whose}: only for {left}"
        for a in glass.actions
        if a not in kept
    )


def drafted(policy: Policy, edits: Iterable[Edit]) -> Policy:
    """Return what *policy* would be after *edits*. Its digest stays, and it has no texts: its edits tell it apart."""
    table = policy.procedures.table
    for edit in edits:
        table = _applied(table, edit)
    loaded = msgspec.structs.replace(policy.procedures.loaded, procedures=table)
    return Policy(Procedures(loaded, policy.digest), policy.people, policy.digest, policy.files, ())


def _raised(table: ProceduresFile, cell: Cell) -> Iterator[tuple[str, ...]]:
    """Yield the alternatives of a cell with one of them a rung up, or without one of several."""
    for i, tier in enumerate(cell.verify):
        others = (*cell.verify[:i], *cell.verify[i + 1 :])
        if others:
            yield others
        up = table.tiers[tier].raise_to
        if up is not None and up not in others:
            yield (*cell.verify[:i], up, *cell.verify[i + 1 :])


def _applied(table: ProceduresFile, edit: Edit) -> ProceduresFile:
    if edit.path[0] == "break_glass":
        value = bool(edit.new) if edit.path[1] == "signed" else edit.new
        return table.model_copy(update={"break_glass": table.break_glass.model_copy(update={edit.path[1]: value})})
    if edit.path[0] == "approvals":
        rung = edit.path[1]
        row = table.approvals[rung].model_copy(update={"signed": bool(edit.new)})
        return table.model_copy(update={"approvals": {**table.approvals, rung: row}})
    account_class, action = AccountClass(edit.path[1]), Action(edit.path[2])
    row_ = table.procedures[account_class]
    cell = row_[action].model_copy(update={edit.path[3]: edit.new})
    changed = {**table.procedures, account_class: {**row_, action: cell}}
    return table.model_copy(update={"procedures": changed})


def _edit(policy: Policy, path: tuple[str, ...], old: Value, new: Value) -> Edit:
    lines = policy.procedures.loaded.document.lines
    known: Path = path
    while known not in lines and known:
        known = known[:-1]
    return Edit(path=path, line=lines.get(known, 1), old=old, new=new)


def _written(part: str, value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    if part == "signed":
        return "true" if value else "false"
    return (f"{int(value) // 3600}h" if value else "0") if part == "hold" else str(value)
