"""What is printed beside the heat-map says which cells meet a rule, and what becomes of a scenario."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from watchword.cli.beside import frameworks_listing, listed, scenarios_listing
from watchword.policy import Policy
from watchword.policy.frameworks import compliance, load_frameworks
from watchword.policy.judgement import ScenarioVerdict


def test_a_rule_that_is_not_met_names_its_cells() -> None:
    """The rule of ASVS on lost factors is met by all cells but one, which is named with what is enough there."""
    frameworks = load_frameworks()
    listing = frameworks_listing(frameworks, compliance(Policy.default(), frameworks))
    rows = {rule: (met, where) for rule, _, met, where in listing.rows}

    assert rows["OWASP ASVS 5.0, 6.4.4"] == ("13 of 14", "standard factor reset: totp + call_code is enough here")
    assert rows["PCI DSS 4.0.1, 8.3.3"][0] == "35 of 35"


def test_a_scenario_of_ones_own_is_text() -> None:
    """Brackets in a title are printed as they stand, and the count says how many scenarios are stopped."""
    verdicts = (
        ScenarioVerdict(id="A", title="[bold]x", stopped=True, at="verify", why="y", cells=()),
        ScenarioVerdict(id="B", title="z", stopped=False, at="through", why="w", cells=()),
    )
    console = Console(file=StringIO(), width=100)
    console.print(listed(scenarios_listing(verdicts)))
    printed = console.file.getvalue()  # type: ignore[attr-defined]

    assert "[bold]x" in printed
    assert "at verify" in printed
    assert "1 of 2 are stopped" in printed
