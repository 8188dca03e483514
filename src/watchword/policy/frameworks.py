"""What published frameworks say of each cell: data-driven rules over what satisfies it, to print beside attack cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from pydantic import BeforeValidator, Field, StrictInt, StrictStr

from watchword.core.account import PEOPLE, AccountClass
from watchword.core.action import Action
from watchword.core.requirement import Context, Requirement
from watchword.policy.bundle import Policy
from watchword.policy.document import Document, Mistake, read, refuse
from watchword.policy.loading import each, typed
from watchword.policy.procedures import DEFAULT, source
from watchword.policy.sufficient import sufficient
from watchword.policy.table import Table
from watchword.policy.tables import Cell, given

Kind = Literal[
    "bound_authenticator",
    "multi_factor",
    "saved_code",
    "issued_code",
    "recovery_contact",
    "repeated_proofing",
    "onsite_attended",
    "knowledge",
]


class FrameworkRule(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a framework asks of some cells.

    Each smallest sufficient set of methods must hold all kinds of one list in *any_of* and none of *forbid*; at least
    *notify* channels are told. *product* says why it holds whatever the table says, *caveat* what no table can show.
    """

    id: str
    framework: str
    section: str
    says: str
    classes: tuple[AccountClass, ...]
    actions: tuple[Action, ...]
    any_of: tuple[tuple[str, ...], ...]
    forbid: tuple[str, ...]
    notify: int
    product: str
    caveat: str


class Frameworks(msgspec.Struct, frozen=True, kw_only=True):
    """All rules, and the kinds of each method."""

    rules: tuple[FrameworkRule, ...]
    kinds: dict[str, tuple[str, ...]]


class Compliance(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one answered cell meets one rule, and *why* (not)."""

    rule: str
    account_class: AccountClass
    action: Action
    met: bool
    why: str


def _classes(value: object) -> object:
    return {"people": PEOPLE, "any": tuple(AccountClass)}.get(value, value) if isinstance(value, str) else given(value)


def _actions(value: object) -> object:
    return tuple(Action) if value == "any" else given(value)


Kinds = Annotated[tuple[Kind, ...], BeforeValidator(given)]
Words = Annotated[StrictStr, Field(min_length=1)]


class RuleRow(Table):
    """One rule as a person wrote it; it asks for something, or says why the product holds it."""

    id: Words
    framework: Words
    section: Words
    says: Words
    classes: Annotated[tuple[AccountClass, ...], BeforeValidator(_classes)]
    actions: Annotated[tuple[Action, ...], BeforeValidator(_actions)]
    any_of: tuple[Kinds, ...] = ()
    forbid: tuple[Kind, ...] = ()
    notify: Annotated[StrictInt, Field(ge=0)] = 0
    product: StrictStr = ""
    caveat: StrictStr = ""


class FrameworksFile(Table):
    """`frameworks.yaml`: rules, and what each method is in the frameworks' words."""

    kinds: dict[str, Kinds]
    rules: tuple[RuleRow, ...] = ()


def load_frameworks(extra: Path | None = None) -> Frameworks:
    """Return the shipped rules, with the kinds and rules of *extra*; raise `Invalid` with every mistake."""
    shipped = read((DEFAULT / "frameworks.yaml").read_text(encoding="utf-8"), "frameworks.yaml")
    documents = [shipped]
    if extra is not None:
        text = source(extra, extra.name)
        documents.append(read(text.text, text.file))
    files: list[FrameworksFile] = []
    mistakes: list[Mistake] = []
    taken: set[str] = set()
    for document in documents:
        file, wrong = typed(document, FrameworksFile)
        mistakes += (*document.mistakes, *wrong, *_wrong(document, taken))
        files += [file] if file else []
    refuse(tuple(mistakes), kind="framework rules", remedy="Correct the file, and run the command again.")
    kinds: dict[str, tuple[str, ...]] = {name: k for file in files for name, k in file.kinds.items()}
    return Frameworks(rules=tuple(_rule(row) for file in files for row in file.rules), kinds=kinds)


def compliance(policy: Policy, frameworks: Frameworks) -> tuple[Compliance, ...]:
    """Hold every answered cell of *policy* against every rule that speaks of it; a denied cell is none to comply."""
    found: list[Compliance] = []
    for rule in frameworks.rules:
        for account_class in rule.classes:
            for action in rule.actions:
                if isinstance(policy.procedures.cell(account_class, action), Cell):
                    asked = policy.procedures.require(account_class, action, Context())
                    found.append(_held(rule, asked, frameworks.kinds))
    return tuple(found)


def _held(rule: FrameworkRule, asked: Requirement, kinds: dict[str, tuple[str, ...]]) -> Compliance:
    lacks = "" if rule.product else next(_lacks(rule, asked, kinds), "")
    return Compliance(
        rule=rule.id,
        account_class=asked.account_class,
        action=asked.action,
        met=not lacks,
        why=lacks or rule.product or rule.says,
    )


def _lacks(rule: FrameworkRule, asked: Requirement, kinds: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield what keeps *asked* from meeting *rule*."""
    if asked.after.notify < rule.notify:
        yield f"{asked.after.notify} of {rule.notify} channels are told"
    for way in sufficient(asked):
        held = {kind for method in way for kind in kinds.get(method, ())}
        named = " + ".join(way)
        if rule.any_of and not any(held.issuperset(wanted) for wanted in rule.any_of):
            yield f"{named} is enough here"
        if held.intersection(rule.forbid):
            yield f"{named} is enough here, and is {', '.join(sorted(held.intersection(rule.forbid)))}"


def _rule(row: RuleRow) -> FrameworkRule:
    return FrameworkRule(
        id=row.id,
        framework=row.framework,
        section=row.section,
        says=row.says,
        classes=row.classes,
        actions=row.actions,
        any_of=row.any_of,
        forbid=row.forbid,
        notify=row.notify,
        product=row.product,
        caveat=row.caveat,
    )


def _wrong(document: Document, taken: set[str]) -> Iterator[Mistake]:
    """Yield ids written twice and rules that ask for nothing; *taken* grows by the ids seen."""
    for path, name in each(document.value, ("rules", "*", "id")):
        if isinstance(name, str):
            if name in taken:
                yield document.mistake(path, f"{name} is the id of another rule", "choose another id")
            taken.add(name)
    for path, row in each(document.value, ("rules", "*")):
        if isinstance(row, dict) and not any(row.get(k) for k in ("any_of", "forbid", "notify", "product")):
            yield document.mistake(
                path, "this rule asks for nothing", "give it any_of, forbid, notify, or product with the reason"
            )
