"""Two texts in, typed tables out, or every mistake in them at once with its file, line, path and remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec
from pydantic import ValidationError

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.mistakes import MISSING, Told, mistakes_in
from watchword.policy.document import Document, Mistake, Path, Value, read, refuse
from watchword.policy.methods_tables import MethodsFile
from watchword.policy.tables import ProceduresFile
from watchword.policy.values import Table

T = TypeVar("T", bound=Table)

NONE = "none"
"""The name every ladder of approvals has for no approval."""

REFERENCES: tuple[tuple[Path, str], ...] = (
    (("tiers", "*", "raise_to"), "tiers"),
    (("tiers", "*", "any_of", "*", "*"), "methods"),
    (("tiers", "*", "forbid", "*"), "methods"),
    (("approvals", "*", "separate"), "separate"),
    (("no_approval", "separate"), "separate"),
    (("classes", "*", "strongest"), "tiers"),
    (("classes", "*", "approvals", "*"), "approvals"),
    (("context", "*", "waived_by", "*"), "methods"),
    (("procedures", "*", "*", "verify", "*"), "tiers"),
    (("procedures", "*", "*", "approve"), "approvals"),
    (("procedures", "*", "*", "waived_by", "*"), "methods"),
    (("procedures", "*", "*", "after"), "after"),
)
"""Where procedures.yaml names something, and the table that has to know it."""


NAMED_BY_METHODS: tuple[tuple[Path, str], ...] = (
    (("methods", "*", "defeats", "*", "*"), "capabilities"),
    (("steps", "*", "*", "*"), "capabilities"),
    (("steps", "notices", "*", "*", "*"), "capabilities"),
    (("gains", "*", "with", "*"), "capabilities"),
    (("gains", "*", "gives", "*"), "capabilities"),
    (("effects", "*", "with", "*"), "capabilities"),
    (("around", "*", "falls_to", "*", "*"), "capabilities"),
    (("around", "*", "methods", "*"), "methods"),
    (("source", "*", "*", "*"), "capabilities"),
)
"""Where methods.yaml names something of its own."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A text and the name of the file it stands in."""

    file: str
    text: str


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """Both files as tables, with the *document* of the procedures, which knows their lines."""

    procedures: ProceduresFile
    methods: MethodsFile
    document: Document


def load(procedures: Source, methods: Source) -> Loaded:
    """Read both files; raise one `Invalid` that lists every mistake."""
    loaded, mistakes = inspect(procedures, methods)
    refuse(mistakes)
    assert loaded is not None
    return loaded


def inspect(procedures: Source, methods: Source) -> tuple[Loaded | None, tuple[Mistake, ...]]:
    """Read both files; return the tables, or None and every mistake. Raise `Invalid` for what is no YAML at all."""
    document, methods_document = read(procedures.text, procedures.file), read(methods.text, methods.file)
    known_methods = _keys(methods_document.value, "methods")
    table, wrong = typed(document, ProceduresFile)
    methods_table, methods_wrong = typed(methods_document, MethodsFile)
    mistakes = (
        *methods_document.mistakes,
        *methods_wrong,
        *_capabilities(methods_document),
        *document.mistakes,
        *wrong,
        *_complete(document),
        *_references(document, known_methods),
        *_ladders(document),
    )
    if mistakes or table is None or methods_table is None:
        return None, mistakes
    return (
        Loaded(procedures=table, methods=methods_table, document=document),
        mistakes,
    )


def typed(document: Document, model: type[T]) -> tuple[T | None, tuple[Mistake, ...]]:
    """Return *document* as a table, or None and every mistake of its form."""
    try:
        return model.model_validate(document.value), ()
    except ValidationError as error:
        return None, tuple(_told(document, mistake) for mistake in mistakes_in(error, model, document.value))


def _told(document: Document, mistake: Told) -> Mistake:
    remedy = mistake.remedy
    if mistake.what == MISSING and mistake.path[-1:] == ("approve",):
        remedy = "write `approve: none` where no approval is meant"
    return document.mistake(mistake.path, mistake.what, remedy)


def _complete(document: Document) -> Iterator[Mistake]:
    if not isinstance(document.value, dict):
        return
    for account_class in AccountClass:
        for table in ("classes", "procedures"):
            if account_class not in _keys(document.value, table):
                yield document.mistake((table, account_class), "this class is missing", "write its row")
        written = _keys(document.value, "procedures", account_class)
        if not written:
            continue
        for action in Action:
            if action not in written:
                yield document.mistake(
                    ("procedures", account_class, action),
                    "this cell is missing",
                    "answer it, or write `deny` with a reason",
                )


def _references(document: Document, methods: tuple[str, ...]) -> Iterator[Mistake]:
    known = {
        "methods": methods,
        "tiers": _keys(document.value, "tiers"),
        "approvals": (NONE, *_keys(document.value, "approvals")),
        "separate": _keys(document.value, "separate"),
        "after": _keys(document.value, "after"),
    }
    for pattern, table in REFERENCES:
        for path, name in each(document.value, pattern):
            if isinstance(name, str) and name not in known[table]:
                remedy = f"use one of {', '.join(known[table])}"
                yield document.mistake(path, f"{name!r} is not among the {table}", remedy)
    for account_class in _keys(document.value, "classes"):
        for tier in _keys(document.value, "classes", account_class, "tolerate"):
            if tier not in known["tiers"]:
                path = ("classes", account_class, "tolerate", tier)
                yield document.mistake(path, f"{tier!r} is not among the tiers", "name a tier of this file")


def _ladders(document: Document) -> Iterator[Mistake]:
    """Tell of ladders that never end, and of approvals that stand on no ladder of their class."""
    rungs = {path[1]: up for path, up in each(document.value, ("tiers", "*", "raise_to"))}
    for tier, first in rungs.items():
        seen, rung = {tier}, first
        while isinstance(rung, str) and rung in rungs and rung not in seen:
            seen.add(rung)
            rung = rungs[rung]
        if rung in seen:
            yield document.mistake(("tiers", tier, "raise_to"), "this ladder leads back to itself", "let it end")
    for path, approval in each(document.value, ("procedures", "*", "*", "approve")):
        ladder = [name for _, name in each(document.value, ("classes", path[1], "approvals", "*"))]
        if ladder and isinstance(approval, str) and approval and approval not in ladder:
            yield document.mistake(
                path,
                f"{approval!r} is not on the ladder of its class",
                f"use one of {', '.join(map(str, ladder))}, or add it to `classes.{path[1]}.approvals`",
            )


def _capabilities(document: Document) -> Iterator[Mistake]:
    known = {"capabilities": _keys(document.value, "capabilities"), "methods": _keys(document.value, "methods")}
    for pattern, table in NAMED_BY_METHODS:
        for path, name in each(document.value, pattern):
            if not isinstance(name, str) or name in known[table]:
                continue
            if table == "methods":
                yield document.mistake(
                    path, f"{name!r} is not among the methods", f"use one of {', '.join(known[table])}"
                )
            else:
                yield document.mistake(path, f"{name!r} is no capability", "give it a cost under `capabilities`")


def each(value: Value, pattern: Path, path: Path = ()) -> Iterator[tuple[Path, Value]]:
    """Yield every value at *pattern*, where `*` stands for any key or index; what is not there is passed over."""
    if not pattern:
        yield path, value
        return
    step, rest = pattern[0], pattern[1:]
    if isinstance(value, dict):
        for key, inner in value.items():
            if step in {"*", key}:
                yield from each(inner, rest, (*path, key))
    elif isinstance(value, list) and step == "*":
        for i, inner in enumerate(value):
            yield from each(inner, rest, (*path, i))


def _keys(value: Value, *path: str) -> tuple[str, ...]:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return tuple(value) if isinstance(value, dict) else ()
