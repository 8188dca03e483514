"""The pictures of docs/attack-model.md are what the product draws today, and so are the figures in its tables."""

from __future__ import annotations

import os
from datetime import date
from functools import cache

import pytest

from tests.docs.markdown import ROOT
from tools.attack_path import path_svg
from watchword.core.account import PEOPLE, AccountClass
from watchword.core.action import Action
from watchword.policy import Policy
from watchword.policy.attack import Analysis, Attack, CellAttacks, Need, prove
from watchword.policy.frameworks import compliance, load_frameworks
from watchword.policy.judgement import judge
from watchword.policy.scenarios import load_scenarios
from watchword.policy.thresholds import TAKES_OVER
from watchword.reception.heatmap import said, svg

DAY = date(2026, 11, 26)
TITLES = {
    "default": "The default policy",
    "written-fallback": "A written fallback",
    "aal2-letter": "The letter of AAL2",
}
PAGE = ROOT / "docs" / "attack-model.md"
SHOWN = (AccountClass.STANDARD, Action.FACTOR_RESET)
"""The cell whose cheapest path is drawn for each of the three."""


@cache
def policy(name: str) -> Policy:
    """One of the three policies."""
    return Policy.default() if name == "default" else Policy.load(ROOT / "docs" / "policies" / name)


@cache
def analysis(name: str) -> Analysis:
    """Its analysis."""
    return prove(policy(name))


def drawn(file: str, text: str) -> None:
    """Compare *text* with a picture of the documents, or write it where `UPDATE_GOLDEN` is set."""
    path = ROOT / "docs" / "images" / file
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"{file} changed: look at it, then run with UPDATE_GOLDEN=1"


@pytest.mark.parametrize("name", TITLES)
def test_the_heat_map_is_the_one_drawn_today(name: str) -> None:
    """Each policy's heat-map in the documents is what its analysis gives."""
    drawn(f"attack-{name}.svg", svg(analysis(name), on=DAY, title=TITLES[name]))


@pytest.mark.parametrize("name", TITLES)
def test_the_path_is_the_one_drawn_today(name: str) -> None:
    """Each policy's cheapest way to a standard account's factors is drawn as the analysis has it."""
    cell = next(c for c in analysis(name).cells if (c.account_class, c.action) == SHOWN)
    attack = min(cell.attacks, key=lambda a: (a.cost, len(a.steps)))
    costs = {c: row.cost for c, row in policy(name).procedures.loaded.methods.capabilities.items()}

    drawn(
        f"attack-{name}-path.svg",
        path_svg(attack, costs, title=f"{TITLES[name]}: a standard account's factors"),
    )


def tabled(name: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Compare a table of the page with *rows*, or write it where `UPDATE_GOLDEN` is set."""
    lines = (head, ("---",) * len(head), *rows)
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    page = PAGE.read_text(encoding="utf-8")
    before, begin, rest = page.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    assert begin, f"the page has no place for the table of {name}"
    assert end, f"the table of {name} does not end"
    if os.environ.get("UPDATE_GOLDEN"):
        page = f"{before}{begin}{text}{end}{after}"
        PAGE.write_text(page, encoding="utf-8")
    assert f"{begin}{text}{end}" in page, f"the table of {name} changed: read it, then run with UPDATE_GOLDEN=1"


def test_the_table_of_costs_is_right() -> None:
    """The page says what the cheapest attack on each class's factors costs under each policy."""
    rows: list[tuple[str, ...]] = []
    for account_class in AccountClass:
        cells = [
            c for n in TITLES for c in analysis(n).cells if (c.account_class, c.action) == (account_class, SHOWN[1])
        ]
        rows.append((said(account_class), *(_cost(c) for c in cells)))

    tabled("costs", ("factor reset", *TITLES.values()), rows)


def test_the_table_of_rules_is_right() -> None:
    """The page says of each framework rule how many cells of each policy meet it."""
    frameworks = load_frameworks()
    rows: list[tuple[str, ...]] = []
    for rule in frameworks.rules:
        counts = []
        for name in TITLES:
            held = [c.met for c in compliance(policy(name), frameworks) if c.rule == rule.id]
            counts.append(f"{sum(held)} of {len(held)}")
        rows.append((f"{rule.framework}, {rule.section}", *counts))

    tabled("rules", ("rule", *TITLES.values()), rows)


def test_the_table_of_scenarios_is_right() -> None:
    """The page says of each scenario whether the default policy stops it, and where."""
    rows: list[tuple[str, ...]] = []
    for scenario in load_scenarios(policy("default")):
        found = judge(policy("default"), analysis("default"), scenario)
        rows.append((found.id, found.title, found.at if found.stopped else "**no**", found.why))

    tabled("scenarios", ("id", "scenario", "stopped at", "why"), rows)


def test_the_samples_fall_to_what_they_are_said_to() -> None:
    """Public knowledge alone opens every class of the fallback, a relayed code alone every class of the letter."""
    for name, capability in (("written-fallback", "osint"), ("aal2-letter", "phish_relay")):
        for cell in analysis(name).cells:
            if cell.account_class in PEOPLE and cell.action in TAKES_OVER:
                assert Need(capability=capability, subject="target") in {n for a in cell.attacks for n in alone(a)}, (
                    cell
                )


def alone(attack: Attack) -> tuple[Need, ...]:
    """The one need of an attack that has one."""
    return attack.needs if len(attack.needs) == 1 else ()


def _cost(cell: CellAttacks) -> str:
    cost = "none found" if cell.cheapest is None else str(cell.cheapest)
    single = f" ({cell.single} with one capability alone)" if cell.single else ""
    return f"denied, and {cost} another way{single}" if cell.denied else f"{cost}{single}"
