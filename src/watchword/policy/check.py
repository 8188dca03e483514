"""`watchword policy check`: what a policy that loads still gets wrong, with file, line and remedy.

Loading holds the form: every cell written, every name known. This holds the sense: nothing looser for a stricter
class, nothing nobody could satisfy, no wait that never happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.errors import Invalid, Refused
from watchword.core.requirement import Context, Requirement
from watchword.policy.attack import prove
from watchword.policy.bundle import Policy
from watchword.policy.contexts import told_apart, words_of
from watchword.policy.document import Document, Mistake
from watchword.policy.loading import inspect
from watchword.policy.noticed import unnoticed
from watchword.policy.people import People
from watchword.policy.procedures import Procedures, source
from watchword.policy.separation import separation
from watchword.policy.strictness import ALERTS, lacks
from watchword.policy.sufficient import satisfiable, sufficient
from watchword.policy.tables import Cell, ProceduresFile

WORST = Context(
    channel="chat", location="abroad", device="unknown", risk="high", situation="outage", elevated_threat=True
)
"""Everything that raises, at once."""

PLAINEST = Context(location="office", device="managed")
"""What raises nothing."""

NAMED = 3
"""How many findings a refusal names; `watchword policy check` names them all."""


def check(folder: Path) -> tuple[Mistake, ...]:
    """Return every mistake of the policy in *folder*, in the order of its files; raise `Invalid` for a missing file."""
    procedures, methods = (source(folder / f, f) for f in ("procedures.yaml", "methods.yaml"))
    cedar, schema = (source(folder / f, f) for f in ("people.cedar", "people.cedarschema"))
    found: list[Mistake] = []
    table: Procedures | None = None
    try:
        loaded, mistakes = inspect(procedures, methods)
        found.extend(mistakes)
        if loaded is not None:
            table = Procedures(loaded, "sha256:unchecked")
            found.extend(findings(table))
    except Invalid as error:
        found.append(_whole(error))
    try:
        people = People.load(cedar.text, schema.text, file=cedar.file, schema_file=schema.file)
        if table is not None:
            found.extend(separation(table, people, file=cedar.file))
            policy = Policy(table, people, table.digest, (), ())
            found.extend(unnoticed(policy, prove(policy)))
    except Invalid as error:
        found.append(_whole(error))
    return tuple(found)


def findings(procedures: Procedures) -> tuple[Mistake, ...]:
    """Return what a table that loads still gets wrong."""
    table, document = procedures.table, procedures.loaded.document
    return tuple(
        sorted(
            (
                *_tolerances(table, document),
                *_tiers(table, document),
                *_approvals(table, document),
                *_freeze(table, document),
                *_contexts(procedures),
                *_weaker(procedures),
                *_unsatisfiable(procedures),
                *_idle_holds(procedures),
            ),
            key=lambda m: m.line,
        )
    )


KEPT = 8
_sound: list[tuple[tuple[str, str], ...]] = []
"""The texts in which nothing was found, the last few: two authors, a start and an activation ask about the same."""


def demand_sound(policy: Policy) -> None:
    """Raise `Refused`, naming the first findings, where *policy* loads and still gets something wrong."""
    if policy.texts in _sound:
        return
    found = _faults(policy)
    if not found:
        if policy.texts:
            del _sound[: 1 - KEPT]
            _sound.append(policy.texts)
        return
    more = f" (and {len(found) - NAMED} more)" if len(found) > NAMED else ""
    told = "; ".join(f"{m.path}: {m.what}" for m in found[:NAMED])
    raise Refused(
        f"The policy on disk is not sound: {told}{more}.",
        f"Correct what `watchword policy check {policy.files[0].parent}` names, then activate it.",
        ("unsound_policy", *(f"{m.file}:{m.line}" for m in found[:NAMED])),
    )


def _faults(policy: Policy) -> tuple[Mistake, ...]:
    """Everything wrong with a policy that loaded."""
    people = separation(policy.procedures, policy.people, file=policy.files[2].name)
    return (*findings(policy.procedures), *people)


def strength(requirement: Requirement) -> tuple[tuple[int, ...], int, bool, int, bool, int]:
    """Return how much a cell asks for before anything happens, part by part.

    The parts are its easiest proof, seats, whether they sign, its hold, whether its evidence is cosigned, and the level
    it recovers at.
    """
    easiest = min((w.min_weight, w.min_methods, w.provers, -w.tolerate_cost) for w in requirement.verify)
    seats = len(requirement.approve.seats) if requirement.approve else 0
    signed = bool(requirement.approve and requirement.approve.signed)
    aal = min(w.aal for w in requirement.verify)
    return easiest, seats, signed, requirement.hold_s, requirement.cosigned, aal


def weaker(one: Requirement, other: Requirement) -> bool:
    """Whether *one* asks for less than *other* in some part and for more in none, or alerts fewer people.

    An alert comes after the fact, so a louder one makes up for nothing.
    """
    ours, theirs = strength(one), strength(other)
    proof, seats, signed, hold, cosigned, aal = ours
    least = (
        min(proof, theirs[0]),
        min(seats, theirs[1]),
        min(signed, theirs[2]),
        min(hold, theirs[3]),
        min(cosigned, theirs[4]),
        min(aal, theirs[5]),
    )
    return (ours == least and ours != theirs) or ALERTS.index(one.alert) < ALERTS.index(other.alert)


def _tolerances(table: ProceduresFile, document: Document) -> Iterator[Mistake]:
    for account_class, row in table.classes.items():
        if row.tolerate and account_class is not AccountClass.STANDARD:
            yield document.mistake(
                ("classes", account_class, "tolerate"),
                "only the standard class may pass over what two methods share",
                "remove `tolerate`",
            )


def _tiers(table: ProceduresFile, document: Document) -> Iterator[Mistake]:
    for name, row in table.tiers.items():
        if row.raise_to is None:
            continue
        up = table.tiers[row.raise_to]
        if (up.weight, up.methods, up.provers) < (row.weight, row.methods, row.provers) or up.methods < row.methods:
            yield document.mistake(
                ("tiers", name, "raise_to"),
                f"{row.raise_to} asks for less than {name}",
                "raise to a tier of at least the same weight, methods and provers",
            )


def _approvals(table: ProceduresFile, document: Document) -> Iterator[Mistake]:
    for account_class, row in table.classes.items():
        seats = [len(table.approvals[a].seats) if a in table.approvals else 0 for a in row.approvals]
        if seats != sorted(seats):
            yield document.mistake(
                ("classes", account_class, "approvals"),
                "a higher rung of this ladder has fewer seats",
                "order the approvals from none to the most",
            )


def _freeze(table: ProceduresFile, document: Document) -> Iterator[Mistake]:
    if table.freeze.strongest_only <= table.freeze.close_remote:
        yield document.mistake(
            ("freeze", "strongest_only"),
            "failures would leave only the strongest way before they close the remote ones",
            "make it larger than `close_remote`",
        )


def _contexts(procedures: Procedures) -> Iterator[Mistake]:
    """Hold every cell in every context: one answer, never less than the plain cell, and no seat that nobody fills."""
    table, document = procedures.table, procedures.loaded.document
    for i, row in enumerate(table.context):
        if any(row.when == earlier.when for earlier in table.context[:i]):
            remedy = "make them one row, with the higher step of each kind"
            yield document.mistake(("context", i, "when"), "an earlier row is for the same contexts", remedy)
    told: set[tuple[AccountClass, Action]] = set()
    for context, repeated in product(told_apart(table), _repeats(procedures)):
        for account_class, action, _ in procedures.answered():
            plain = procedures.require(account_class, action, PLAINEST)
            raised = procedures.require(account_class, action, context, completed_recoveries_7d=repeated)
            less = (*lacks(raised, plain), *_unseated(raised))
            if not less or (account_class, action) in told:
                continue
            told.add((account_class, action))
            yield document.mistake(
                ("procedures", account_class, action),
                f"raised by {words_of(context)} it asks for less: {', '.join(less)}",
                "check the ladders of its tiers and of its class's approvals",
            )


def _unseated(requirement: Requirement) -> tuple[str, ...]:
    """Where approval is asked, somebody has to give it: an approval of nobody is no answer."""
    if requirement.approve is None or (requirement.approve.seats and all(s.roles for s in requirement.approve.seats)):
        return ()
    return ("an approval of nobody",)


def _repeats(procedures: Procedures) -> range:
    """How many recoveries an account may have had lately and still be recovered: 0, and 1 where policy lets it."""
    return range(min(2, procedures.repeat.refuse_from - 1))


def _weaker(procedures: Procedures) -> Iterator[Mistake]:
    """Tell of cells that ask for less than the same cell of a less strict class does, in some context; each once."""
    people = [c for c in AccountClass if procedures.table.classes[c].proved_by == "subject"]
    told: set[tuple[AccountClass, Action]] = set()
    for context in (Context(), *told_apart(procedures.table)):
        for action in Action:
            cells = [
                (c, procedures.require(c, action, context))
                for c in people
                if isinstance(procedures.cell(c, action), Cell)
            ]
            for i, (strict, theirs) in enumerate(cells):
                looser = next((c for c, ours in cells[:i] if weaker(theirs, ours)), None)
                if looser is None or (strict, action) in told:
                    continue
                told.add((strict, action))
                where = "" if context == Context() else f" in some contexts ({words_of(context)})"
                yield procedures.loaded.document.mistake(
                    ("procedures", strict, action),
                    f"{strict} asks for less here than {looser}, which is less strict a class{where}",
                    "raise the cell in one part at least",
                )


def _unsatisfiable(procedures: Procedures) -> Iterator[Mistake]:
    for account_class, action, cell in procedures.answered():
        path = ("procedures", account_class, action)
        plain = procedures.require(account_class, action, Context())
        for i, way in enumerate(plain.verify):
            if not satisfiable(msgspec.structs.replace(plain, verify=(way,))):
                yield procedures.loaded.document.mistake(
                    (*path, "verify", i),
                    f"no set of the shipped methods satisfies {cell.verify[i]} for this class",
                    "lower its weight, or ship a method that carries it",
                )
        most = _repeats(procedures)[-1]
        raised = procedures.require(account_class, action, WORST, completed_recoveries_7d=most)
        if not satisfiable(raised) or not satisfiable(raised, freeze=2):
            yield procedures.loaded.document.mistake(
                path,
                "raised as far as a context can raise it, or frozen, nobody could satisfy this cell",
                "check the ladder of its tiers and the class's strongest way",
            )


def _idle_holds(procedures: Procedures) -> Iterator[Mistake]:
    for account_class, action, cell in procedures.answered():
        ways = sufficient(procedures.require(account_class, action, Context())) if cell.hold and cell.waived_by else ()
        if ways and all(set(way) & set(cell.waived_by) for way in ways):
            yield procedures.loaded.document.mistake(
                ("procedures", account_class, action, "waived_by"),
                f"every way to satisfy this cell waives its hold of {timedelta(seconds=cell.hold)}",
                "let the hold be 0, or waive it by fewer methods",
            )


def _whole(error: Invalid) -> Mistake:
    file, _, line = error.where.rpartition(":")
    at = int(line) if file and line.isdecimal() else 1
    return Mistake(file=file or error.where, line=at, path="", what=error.what, remedy=error.remedy)
