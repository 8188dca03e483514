"""What the tests of every provider share: its catalogue, and odd values that a member may have."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from typing import Any

from watchword.core.identity_event import Canonical
from watchword.watch.providers import Provider

from .conftest import Classify

ODD: tuple[Any, ...] = (None, "null", "", 7, -1.5, True, [], {}, [[{}]], {"a": {"b": []}}, "x" * 5000, "';--", "\u202e")


def catalogue(provider: Provider) -> dict[str, dict[str, str]]:
    """The rows of the catalogue, by native type."""
    rows = csv.DictReader(provider.catalogue.read_text(encoding="utf-8").splitlines())
    return {row["native"]: row for row in rows}


def odd_events(whole: dict[str, Any], type_key: str) -> Iterator[dict[str, Any]]:
    """*whole* with each of its members in turn, and those within them, of every odd value; the type stays text."""
    yield from (whole | {type_key: said} for said in ("", "null") if isinstance(whole[type_key], str))
    for name, value in whole.items():
        if name == type_key:
            continue
        for odd in ODD:
            yield whole | {name: odd}
            if isinstance(value, dict):
                yield from (whole | {name: value | {inner: odd}} for inner in value)


def named(native: str, owner: bool) -> str:
    """A target that tells which line it is of."""
    return f"{native}-{owner}".replace("/", ":").replace(" ", "_")


def types_that_differ(
    provider: Provider, natives: list[str], make: Callable[[str, bool], dict[str, Any]], classify: Classify
) -> list[tuple[str, object, object]]:
    """Of *natives*, those that give another action than the catalogue says; *make* gives a line, by its owner or not.

    A line's target has to be `named` for both.
    """
    report = classify([make(n, o) for n in natives for o in (False, True)], None, provider=provider.name)
    assert report.unknown_types == ()
    assert report.rejected_lines == 0
    given = {row.target: row.action for row in report.verdicts}
    wrong: list[tuple[str, object, object]] = []
    for native in natives:
        row = catalogue(provider)[native]
        for owner in (False, True):
            says = ((owner and row["by_owner"]) or row["canonical"]) if not row["ignored"] else ""
            expected = Canonical(says) if says else None
            if (found := given.get(named(native, owner))) is not expected:
                wrong.append((named(native, owner), found, expected))
    return wrong
