"""The pictures of docs/attack-model.md are what the product draws today, and so are the figures in its tables."""

from __future__ import annotations

import os
from datetime import date
from functools import cache

import pytest

from tests.docs.markdown import ROOT
from watchword.cli.attack_path import path_svg
from watchword.cli.heatmap import svg
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.policy import Policy
from watchword.policy.attack import Analysis, prove
from watchword.policy.frameworks import compliance, load_frameworks
from watchword.policy.judgement import judge
from watchword.policy.scenarios import load_scenarios

DAY = date(2026, 11, 26)
TITLES = {
    "default": "The default policy",
    "written-fallback": "A written fallback",
    "aal2-letter": "The letter of AAL2",
}
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
    costs = {c: row.cost for c, row in policy(name).procedures.loaded.methods.capabilities.items()}

    drawn(
        f"attack-{name}-path.svg",
        path_svg(cell.attacks[0], costs, title=f"{TITLES[name]}: a standard account's factors"),
    )


def test_the_table_of_rules_is_right() -> None:
    """The page says of each framework rule how many cells of each policy meet it."""
    frameworks = load_frameworks()
    page = (ROOT / "docs" / "attack-model.md").read_text(encoding="utf-8")
    lines = []
    for rule in frameworks.rules:
        counts = []
        for name in TITLES:
            held = [c.met for c in compliance(policy(name), frameworks) if c.rule == rule.id]
            counts.append(f"{sum(held)} of {len(held)}")
        lines.append(f"| {rule.framework}, {rule.section} | {' | '.join(counts)} |")

    assert [line for line in lines if line not in page] == []


def test_the_table_of_scenarios_is_right() -> None:
    """The page says of each scenario whether the default policy stops it, and where."""
    page = (ROOT / "docs" / "attack-model.md").read_text(encoding="utf-8")
    lines = []
    for scenario in load_scenarios(policy("default")):
        found = judge(policy("default"), analysis("default"), scenario)
        lines.append(f"| {found.id} | {found.title} | {found.at if found.stopped else 'not stopped'} | {found.why} |")

    assert [line for line in lines if line not in page] == []
