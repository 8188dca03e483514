"""The library of scenarios: how recovery has been abused, what the attacker had, and whether this policy stops it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from pydantic import BeforeValidator, Field, StrictStr

from watchword.core.account import PEOPLE, AccountClass
from watchword.core.action import Action
from watchword.policy.approval_tables import SEATS
from watchword.policy.attack import Need
from watchword.policy.bundle import Policy
from watchword.policy.document import Document, Mistake, Value, read, refuse
from watchword.policy.loading import Source, each, typed
from watchword.policy.procedures import DEFAULT, source
from watchword.policy.values import Table, given, mistake

Abused = Literal[
    "intake", "verify", "approve", "separation", "execute", "notify", "after", "self_service", "source", "policy"
]
Care = Literal["notify", "revoke_sessions", "probation"]

ANYBODY = "anybody"
USUAL = ""
WHOM = ("target", "agent", "owner", "custodian", ANYBODY, *SEATS)
"""Whom a capability can be said to be about; without a name it is about whoever is no approver."""

_TECHNIQUE = re.compile(r"T[0-9]{4}(\.[0-9]{3})?")
_ID = re.compile(r"[A-Z][A-Z0-9_-]{0,23}")


class Technique(msgspec.Struct, frozen=True, kw_only=True):
    """A technique of MITRE ATT&CK by its *id*, and the *alias* a later version has for it (None where it kept it)."""

    id: str
    alias: str | None = None


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One way recovery is abused.

    The attacker has exactly *has*; a need with an empty subject is about whoever is no approver. *step* says where to
    look; *judged_by* names the after-care that counts where the recovery itself is over or genuine.
    """

    id: str
    title: str
    story: str
    has: tuple[Need, ...]
    classes: tuple[AccountClass, ...]
    actions: tuple[Action, ...]
    step: Abused
    judged_by: Care | None
    attack: tuple[Technique, ...]
    source: str


def _held(value: object) -> object:
    name, whom = next(iter(value.items())) if isinstance(value, dict) and len(value) == 1 else (value, USUAL)
    if not isinstance(name, str) or not name:
        raise mistake("this is no capability", "write its name, or `{name: whom it is about}`")
    if whom not in (USUAL, *WHOM):
        raise mistake(f"{whom!r} is nobody the analysis knows", f"name one of {', '.join(WHOM)}")
    return name, whom


def _classes(value: object) -> object:
    return PEOPLE if value == "any" else given(value)


def _actions(value: object) -> object:
    return tuple(Action) if value == "any" else given(value)


def _technique(value: object) -> object:
    if isinstance(value, str) and _TECHNIQUE.fullmatch(value):
        return value
    raise mistake(f"{value!r} is no id of ATT&CK", "write T and four digits, and a dot and three for a sub-technique")


def _id(value: object) -> object:
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    raise mistake(f"{value!r} is no id", "write capitals, digits, - and _, beginning with a letter, 24 at most")


Held = Annotated[tuple[StrictStr, StrictStr], BeforeValidator(_held)]
TechniqueId = Annotated[StrictStr, BeforeValidator(_technique)]
Words = Annotated[StrictStr, Field(min_length=1, max_length=600)]


class ScenarioRow(Table):
    """One scenario as a person wrote it."""

    id: Annotated[StrictStr, BeforeValidator(_id)]
    title: Words
    story: Words
    has: Annotated[tuple[Held, ...], BeforeValidator(given)]
    classes: Annotated[tuple[AccountClass, ...], BeforeValidator(_classes)]
    actions: Annotated[tuple[Action, ...], BeforeValidator(_actions)]
    step: Abused
    judged_by: Care | None = None
    attack: Annotated[tuple[TechniqueId, ...], BeforeValidator(given)]
    source: Words


class ScenariosFile(Table):
    """`scenarios.yaml`: scenarios, and what a later version of ATT&CK calls their techniques."""

    attack_version: StrictStr = "18.1"
    aliases: dict[TechniqueId, TechniqueId] = Field(default_factory=dict)
    scenarios: Annotated[tuple[ScenarioRow, ...], BeforeValidator(given)]


def load_scenarios(policy: Policy, extra: Path | None = None) -> tuple[Scenario, ...]:
    """Return the shipped scenarios and those of *extra*; raise `Invalid` with every mistake, its line and remedy.

    Capabilities are those of *policy*. An id stands once over both files.
    """
    known = policy.procedures.loaded.methods.capabilities
    shipped = Source(file="scenarios.yaml", text=(DEFAULT / "scenarios.yaml").read_text(encoding="utf-8"))
    texts = (shipped,) if extra is None else (shipped, source(extra, extra.name))
    documents = tuple(read(text.text, text.file) for text in texts)
    files: list[ScenariosFile] = []
    mistakes: list[Mistake] = []
    taken: set[str] = set()
    for document in documents:
        file, wrong = typed(document, ScenariosFile)
        mistakes += (*document.mistakes, *wrong, *_unknown(document, known), *_repeated(document, taken))
        taken |= {name for _, name in each(document.value, ("scenarios", "*", "id")) if isinstance(name, str)}
        files += [file] if file else []
    refuse(tuple(mistakes), kind="scenarios", remedy="Correct the file, and run the command again.")
    aliases = {old: new for file in files for old, new in file.aliases.items()}
    return tuple(_scenario(row, aliases) for file in files for row in file.scenarios)


def _scenario(row: ScenarioRow, aliases: dict[str, str]) -> Scenario:
    return Scenario(
        id=row.id,
        title=row.title,
        story=row.story,
        has=tuple(Need(capability=name, subject=whom) for name, whom in row.has),
        classes=row.classes,
        actions=row.actions,
        step=row.step,
        judged_by=row.judged_by,
        attack=tuple(Technique(id=t, alias=aliases.get(t)) for t in row.attack),
        source=row.source,
    )


def _unknown(document: Document, known: Collection[str]) -> Iterator[Mistake]:
    for path, held in each(document.value, ("scenarios", "*", "has", "*")):
        for name in _names(held):
            if name not in known:
                yield document.mistake(path, f"{name!r} is no capability", "use one of `capabilities` in methods.yaml")


def _names(held: Value) -> tuple[str, ...]:
    return tuple(held) if isinstance(held, dict) else (held,) if isinstance(held, str) and held else ()


def _repeated(document: Document, taken: Collection[str]) -> Iterator[Mistake]:
    written = [(path, name) for path, name in each(document.value, ("scenarios", "*", "id")) if isinstance(name, str)]
    counted = Counter(name for _, name in written)
    for path, name in written:
        if name in taken:
            yield document.mistake(path, f"{name} is an id of a shipped scenario", "choose another id")
        elif counted[name] > 1:
            yield document.mistake(path, f"{name} is the id of {counted[name]} scenarios", "choose another id")
