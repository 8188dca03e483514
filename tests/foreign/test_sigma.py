"""The same Sigma rules through our import and through pySigma's SQLite backend find the same events."""

from __future__ import annotations

import json
import random
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sigma.backends.sqlite.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

from watchword.watch.providers import provider_named
from watchword.watch.sigma import hits_in, read_rules

SELECTIONS = {
    "one type": "sel: {eventType: user.mfa.factor.reset_all}",
    "either type, whatever its case": "sel: {eventType: [USER.MFA.FACTOR.RESET_ALL, user.account.lock]}",
    "nested": "sel: {actor.alternateId: root@example.test}",
    "nested deeper": "sel: {client.geo.country: Norway}",
    "begins": "sel: {eventType|startswith: user.mfa}",
    "ends": "sel: {actor.alternateId|endswith: '@example.test'}",
    "contains": 'sel: {actor.displayName|contains: "o\'"}',
    "contains all": "sel: {eventType|contains|all: [mfa, reset]}",
    "wildcards": "sel: {eventType: 'user.*.lock'}",
    "one character": "sel: {actor.displayName: 'A?a'}",
    "an underscore is itself": "sel: {actor.displayName|contains: a_b}",
    "a percent sign is itself": "sel: {actor.displayName|contains: '100%'}",
    "a backslash": "sel: {actor.displayName|contains: 'CORP\\bo'}",
    "an expression": "sel: {eventType|re: '^user\\.(mfa|account)\\..*_all$'}",
    "a number": "sel: {severityNumber: 5}",
    "more than": "sel: {severityNumber|gt: 5}",
    "at most": "sel: {severityNumber|lte: 5}",
    "absent": "sel: {client.geo.country: null}",
    "there at all": "sel: {client.geo.country|exists: true}",
    "cased": "sel: {actor.displayName|cased: Ana}",
    "a network": "sel: {client.ipAddress|cidr: 198.51.100.0/24}",
    "a wider network": "sel: {client.ipAddress|cidr: 198.51.0.0/16}",
    "two fields the same": "sel: {actor.alternateId|fieldref: target.alternateId}",
    "the other name of one": "sel: {'flat.name': here}",
}
CONDITIONS = {
    "two and": ("a: {eventType|contains: mfa}\n  b: {actor.displayName|contains: a}", "a and b"),
    "one but not another": ("a: {eventType|startswith: user}\n  b: {client.geo.country: Norway}", "a and not b"),
    "not absent, not there": ("a: {eventType|startswith: user}\n  b: {client.geo.country|contains: o}", "a and not b"),
    "one of several": ("sel_a: {severityNumber: 1}\n  sel_b: {severityNumber: 9}", "1 of sel_*"),
    "all of them": ("sel_a: {severityNumber|gte: 5}\n  sel_b: {eventType|contains: user}", "all of them"),
    "neither": ("a: {severityNumber: 1}\n  b: {eventType|contains: mfa}", "not (a or b)"),
}
POOL: dict[str, list[Any]] = {
    "eventType": [
        "user.mfa.factor.reset_all",
        "user.account.lock",
        "User.Account.Lock",
        "user.session.start",
        "system.user.x_all",
    ],
    "severityNumber": [1, 5, 9, 5.0, "5", None],
    "actor": [
        {"alternateId": "root@example.test", "displayName": "Ana"},
        {"alternateId": "ROOT@example.test", "displayName": "ana"},
        {"alternateId": "bo@other.example", "displayName": "Bo O'Neil a_b"},
        {"alternateId": "bo@example.test", "displayName": "CORP\\bo"},
        {"displayName": "100% axb"},
        None,
        {},
    ],
    "target": [{"alternateId": "root@example.test"}, {"alternateId": "bo@other.example"}, None],
    "client": [
        {"ipAddress": "198.51.100.7", "geo": {"country": "Norway"}},
        {"ipAddress": "198.51.7.9", "geo": {"country": None}},
        {"ipAddress": "203.0.113.300", "geo": {}},
        {"ipAddress": "null"},
        {"geo": {"country": "norway"}},
        None,
    ],
    "flat.name": ["here", "there", None],
}


def rule(detection: str, condition: str = "sel") -> str:
    return (
        "title: A rule\nlogsource: {product: okta, service: okta}\nlevel: high\n"
        f"detection:\n  {detection}\n  condition: {condition}\n"
    )


RULES = {
    **{name: rule(selection) for name, selection in SELECTIONS.items()},
    **{name: rule(*both) for name, both in CONDITIONS.items()},
}


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hundred events, drawn from what rules trip over."""
    chance = random.Random(20260302)
    file = tmp_path_factory.mktemp("sigma") / "okta.jsonl"
    with file.open("w") as out:
        for number in range(600):
            event = {name: chance.choice(values) for name, values in POOL.items() if chance.random() < 0.9}
            out.write(json.dumps({"uuid": f"u-{number}", "published": "2026-03-02T12:00:00Z", **event}) + "\n")
    return file


@pytest.fixture(scope="module")
def foreign(events: Path) -> Iterator[sqlite3.Connection]:
    """The events in SQLite, flattened as that backend expects them."""
    rows = [dict(_flat(json.loads(line))) for line in events.read_text().splitlines()]
    names = sorted({name for row in rows for name in row})
    con = sqlite3.connect(":memory:")
    con.create_function("REGEXP", 2, lambda regex, text: text is not None and re.search(regex, str(text)) is not None)
    # A column of SQLite has a type of its own where it holds numbers, or the text "5" is more than any of them.
    columns = ", ".join(f'"{name}" {"NUMERIC" if name == "severityNumber" else "COLLATE NOCASE"}' for name in names)
    con.execute(f"CREATE TABLE logs ({columns})")
    for row in rows:
        con.execute(f"INSERT INTO logs VALUES ({', '.join('?' * len(names))})", [row.get(name) for name in names])
    yield con
    con.close()


def _flat(value: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _flat(inner, f"{before}{name}.")
        else:
            yield before + name, inner


@pytest.mark.parametrize("name", RULES)
def test_equal_hits(name: str, events: Path, foreign: sqlite3.Connection, tmp_path: Path) -> None:
    """Each rule finds the same events both ways, and no rule finds none or all."""
    file = tmp_path / "rule.yml"
    file.write_text(RULES[name])
    (query,) = sqliteBackend(collate_nocase=False).convert(SigmaCollection.from_yaml(RULES[name]))  # type: ignore[no-untyped-call]
    theirs = {row[0] for row in foreign.execute(query.replace("SELECT *", "SELECT uuid"))}

    read = read_rules(file)
    ours = {hit.event for hit in hits_in(events, provider_named("okta"), read.rules)}

    assert not read.left_out
    assert ours == theirs
    assert 0 < len(ours) < 600
