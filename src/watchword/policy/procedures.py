"""What each recovery needs: `procedures.yaml` and `methods.yaml`, typed, whole, and turned into a `Requirement`.

The matrix is finite, so it is held whole: every account class and action is answered, or denied with a reason. How
a request came in, a repeated recovery, a newer policy and a stricter class may raise a requirement; nothing lowers it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import reduce
from importlib import resources
from pathlib import Path

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.errors import Invalid, Refused
from watchword.core.requirement import After, Context, Requirement, Verify
from watchword.policy import rows, strictness
from watchword.policy.loading import Loaded, Source, load
from watchword.policy.tables import VOCABULARY, Cell, Deny, RaiseRow

SHARED_ORIGIN = "the same number, address or device asked for another account lately"
"""Why a campaign raises a case."""

DEFAULT = resources.files("watchword.policy") / "default"


class Procedures:
    """The decision table of one policy, and its settings; *digest* stands in every requirement it gives."""

    def __init__(self, loaded: Loaded, digest: str) -> None:
        self.loaded = loaded
        self.digest = digest
        self.table = loaded.procedures
        self.break_glass = rows.break_glass(self.table)
        self.protective = rows.protective(self.table)
        self.freeze = rows.freeze(self.table)
        self.origin = rows.origin(self.table)
        self.repeat = rows.repeat(self.table)
        self._plain = {(c, a): self._requirement(c, a, cell) for c, a, cell in self.answered()}

    @classmethod
    def load(
        cls, procedures: Path | str, methods: Path | str | None = None, *, digest: str | None = None
    ) -> Procedures:
        """Read a file (`Path`) or a text (`str`); raise `Invalid` with every mistake, its line and its remedy."""
        ours = source(procedures, "procedures.yaml")
        theirs = source(methods or (DEFAULT / "methods.yaml").read_text(encoding="utf-8"), "methods.yaml")
        return cls(load(ours, theirs), digest or digest_of((ours, theirs)))

    def answered(self) -> Iterator[tuple[AccountClass, Action, Cell]]:
        """Every cell that is answered, in the order of the matrix."""
        for account_class in AccountClass:
            for action in Action:
                cell = self.cell(account_class, action)
                if isinstance(cell, Cell):
                    yield account_class, action, cell

    def cell(self, account_class: AccountClass, action: Action) -> Cell | Deny:
        """Return one cell as it is written."""
        return self.table.procedures[account_class][action]

    def separated(self, approval: str) -> tuple[tuple[str, str], ...]:
        """Return the pairs of steps that an approval of this name keeps apart, in the order of a case."""
        return rows.separated(self.table, approval)

    def lifetime(self, account_class: AccountClass, action: Action) -> int | None:
        """Seconds the change itself may grant something (pass, override, overlap of an old secret); None: no limit."""
        cell = self.cell(account_class, action)
        return cell.lifetime if isinstance(cell, Cell) else None

    def require(
        self,
        account_class: AccountClass,
        action: Action,
        context: Context,
        *,
        completed_recoveries_7d: int = 0,
        shared_origin: bool = False,
    ) -> Requirement:
        """Return what a case needs. Raise `Refused` for a denied cell and for a recovery repeated too often.

        *completed_recoveries_7d* counts the target's completed recoveries within `repeat.window`, this one not among
        them; *shared_origin* says that where the caller comes from asked for another account lately. Raise `Invalid`
        for a context in words the policy does not know.
        """
        cell = self.cell(account_class, action)
        name = f"{account_class}.{action}"
        if isinstance(cell, Deny):
            raise Refused(f"Policy denies {name}: {cell.deny}.", f"Instead: {cell.instead}.", (f"{name}: {cell.deny}",))
        if completed_recoveries_7d + 1 >= self.repeat.refuse_from:
            days = self.repeat.window_s // 86_400
            raise Refused(
                f"This account was recovered {completed_recoveries_7d} times within {days} days.",
                "Treat it as taken over: have security look at it before it is recovered again.",
                (f"repeat: recovery {completed_recoveries_7d + 1} within {days} days",),
            )
        _known(context)
        raises = tuple(r for r in self.table.context if applies(r, context))
        again = completed_recoveries_7d > 0
        if not raises and not again and not shared_origin:
            return self._plain[account_class, action]
        return self._raised(self._plain[account_class, action], cell, raises, repeated=again, shared=shared_origin)

    def plain(self, account_class: AccountClass, action: Action) -> Requirement | None:
        """Return what a cell asks for when nothing about the request raises it; None for a denied one."""
        return self._plain.get((account_class, action))

    def raise_from(self, requirement: Requirement, other: Requirement) -> Requirement:
        """Return *requirement* raised to whatever *other* asks for beyond it: a newer policy, or a stricter class.

        Never lower in any part. Raise `Invalid` when the two are for different actions.
        """
        joined = strictness.join(requirement, other)
        if joined == requirement or other.raised:
            return joined
        whence = other.cell if other.policy == requirement.policy else f"{other.cell} of policy {other.policy}"
        return msgspec.structs.replace(joined, raised=(*joined.raised, f"raised to {whence}"))

    def _requirement(self, account_class: AccountClass, action: Action, cell: Cell) -> Requirement:
        methods = rows.methods_of(self.table, self.loaded.methods, account_class)
        return Requirement(
            cell=f"{account_class}.{action}",
            policy=self.digest,
            account_class=account_class,
            action=action,
            verify=tuple(rows.way(self.table, account_class, tier, cell.aal) for tier in cell.verify),
            approve=rows.rule(self.table, cell.approve, account_class),
            hold_s=cell.hold,
            hold_waived_by=cell.waived_by,
            approval_s=self.table.times.approval,
            grant_s=self.table.times.grant,
            separate=rows.separated(self.table, cell.approve),
            alert=cell.alert,
            after=rows.after(self.table, cell.after),
            methods=methods,
            capability_costs=rows.costs_of(self.loaded.methods, methods),
            strongest=rows.way(self.table, account_class, self.table.classes[account_class].strongest, cell.aal),
            cosigned=cell.cosigned,
            fresh_s=cell.fresh or self.table.times.fresh,
            contact_age_s=cell.contact_age or self.table.times.contact_age,
            deliver=cell.deliver,
        )

    def _raised(
        self, plain: Requirement, cell: Cell, raises: tuple[RaiseRow, ...], *, repeated: bool, shared: bool
    ) -> Requirement:
        """Of several raises the highest of each kind counts; a repeated recovery and a campaign come on top of them."""
        campaign = self.table.campaign
        tiers = max((r.tier for r in raises), default=0)
        tiers += (self.repeat.tiers if repeated else 0) + (campaign.tier if shared else 0)
        ladder = self.table.classes[plain.account_class].approvals
        start = ladder.index(cell.approve)
        rungs = ladder[start : start + 1 + max((r.approval for r in raises), default=0)]
        holds = ((r.hold, r.waived_by) for r in raises)
        hold, waivers = reduce(strictness.join_holds, holds, (plain.hold_s, plain.hold_waived_by))
        alert = strictness.ALERTS.index(plain.alert) + max((r.alert for r in raises), default=0)
        alert += campaign.alert if shared else 0
        review = After(review_s=self.repeat.review_s if repeated else 0)
        raised = msgspec.structs.replace(
            plain,
            verify=self._up(plain.account_class, cell, tiers),
            approve=reduce(strictness.join_rules, (rows.rule(self.table, a, plain.account_class) for a in rungs)),
            hold_s=hold,
            hold_waived_by=waivers,
            separate=tuple(dict.fromkeys(p for a in rungs for p in rows.separated(self.table, a))),
            alert=strictness.ALERTS[min(alert, len(strictness.ALERTS) - 1)],
            after=strictness.join_after(plain.after, review),
        )
        if raised == plain:
            return plain
        again = (f"it is a second recovery within {self.repeat.window_s // 86_400} days",) if repeated else ()
        also = (SHARED_ORIGIN,) if shared else ()
        return msgspec.structs.replace(raised, raised=(*(r.why for r in raises), *again, *also))

    def _up(self, account_class: AccountClass, cell: Cell, steps: int) -> tuple[Verify, ...]:
        """Return the alternatives *steps* rungs up; a raised one keeps what every rung below it asked for."""

        def rung(tier: str) -> Verify:
            return rows.way(self.table, account_class, tier, cell.aal)

        ways = [reduce(strictness.join_way, map(rung, self._climb(tier, steps))) for tier in cell.verify]
        return strictness.weakest(tuple(ways))

    def _climb(self, tier: str, steps: int) -> Iterator[str]:
        """Yield *tier* and up to *steps* rungs above it."""
        yield tier
        while steps and (up := self.table.tiers[tier].raise_to):
            tier, steps = up, steps - 1
            yield tier


def source(given: Path | str, file: str) -> Source:
    """Return the text of a file, or a text under the name *file*; raise `Invalid` for what can not be read."""
    if isinstance(given, str):
        return Source(file=file, text=given)
    try:
        return Source(file=str(given), text=given.read_bytes().decode("utf-8"))
    except OSError as error:
        raise Invalid(f"The file can not be read: {error.strerror}.", "Check the path.", str(given)) from error
    except UnicodeDecodeError as error:
        raise Invalid(f"Byte {error.start} is no UTF-8.", "Save the file as UTF-8.", str(given)) from error


def digest_of(sources: tuple[Source, ...]) -> str:
    """Return `sha256:…` over the exact bytes of *sources* in order, each with its length before it."""
    total = hashlib.sha256()
    for each in sources:
        data = each.text.encode()
        total.update(len(data).to_bytes(8, "big") + data)
    return f"sha256:{total.hexdigest()}"


def _known(context: Context) -> None:
    for field, words in VOCABULARY.items():
        if (value := getattr(context, field)) not in words:
            raise Invalid(f"{value!r} is no {field} the policy knows.", f"Use one of: {', '.join(words)}.", field)


def applies(row: RaiseRow, context: Context) -> bool:
    """Whether the facts of *context* bring this raise about."""
    if row.when.elevated_threat and not context.elevated_threat:
        return False
    return all(getattr(context, f) in values for f in VOCABULARY if (values := getattr(row.when, f)))
