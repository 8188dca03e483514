"""What is printed beside the heat-map: what frameworks say of the cells, and what becomes of each scenario."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from watchword.cli.heatmap_page import Listing
from watchword.policy.frameworks import Compliance, Frameworks
from watchword.policy.judgement import ScenarioVerdict
from watchword.reception.heatmap import said

NAMED = 3
"""Cells named where a rule is not met; the rest are counted."""


def frameworks_listing(frameworks: Frameworks, found: tuple[Compliance, ...]) -> Listing:
    """Return one row a rule: where it stands, what it says, how many cells meet it, and which do not."""
    rows = []
    for rule in frameworks.rules:
        held = tuple(c for c in found if c.rule == rule.id)
        if held:
            met = f"{sum(c.met for c in held)} of {len(held)}"
            rows.append((f"{rule.framework}, {rule.section}", rule.says, met, _short(held) or rule.caveat))
    return Listing(
        title="What frameworks say",
        says="Beside the cost and never in its place: a policy can meet a rule and fall to one capability.",
        columns=("rule", "says", "cells that meet it", "where not, or what no table shows"),
        rows=tuple(rows),
    )


def scenarios_listing(verdicts: tuple[ScenarioVerdict, ...]) -> Listing:
    """Return one row a scenario: whether it is stopped, at which step, and why."""
    stopped = sum(v.stopped for v in verdicts)
    return Listing(
        title="Scenarios",
        says=f"{stopped} of {len(verdicts)} are stopped by this policy.",
        columns=("id", "scenario", "stopped", "why"),
        rows=tuple((v.id, v.title, f"at {v.at}" if v.stopped else "no", v.why) for v in verdicts),
    )


def listed(listing: Listing) -> Table:
    """Return a listing for the terminal."""
    drawn = Table(title=listing.title, title_justify="left", caption=listing.says, caption_justify="left")
    for column in listing.columns:
        drawn.add_column(column)
    for row in listing.rows:
        # Text, never markup: a scenario of a user's own may hold brackets.
        drawn.add_row(*(Text(words) for words in row))
    return drawn


def _short(held: tuple[Compliance, ...]) -> str:
    short = [c for c in held if not c.met]
    named = [f"{said(c.account_class)} {said(c.action)}: {c.why}" for c in short[:NAMED]]
    more = [f"and {len(short) - NAMED} more"] if len(short) > NAMED else []
    return "; ".join((*named, *more))
