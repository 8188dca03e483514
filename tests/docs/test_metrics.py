"""The operator's page of metrics: its table has what is exported and nothing else, its rules ask for what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.desk import Desk, make
from tests.docs.markdown import ROOT
from watchword.app import App
from watchword.settings import load

_OURS = re.compile(r"\bwatchword_[a-z_]+\b")
_LATER = {"watchword_effects_total", "watchword_http_requests_total", "watchword_http_request_seconds"}
"""Told once there was one; the tests of the command line see them."""

PAGE = (
    (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("### Metrics\n")[2].partition("\n### ")[0]
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What a desk with a watch and an output exports: the labels of each metric."""
    home: Path = tmp_path_factory.mktemp("measured") / "desk"
    make(home)
    with (home / "watchword.toml").open("a") as config:
        config.write('\n[watch.outputs.kept]\nkind = "lines"\npath = "kept.jsonl"\n[metrics]\n')
    (home / "audit.jsonl").write_text("no event\n")
    with App(load(Desk(home).config)) as app, app.delivering():
        app.tick()
        app.watch()
        assert app.metrics is not None
        text = app.metrics.text().decode()
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels.setdefault(name, set()).update(*(one.labels for one in family.samples))
    return {name: found - {"le"} for name, found in labels.items() if name.startswith("watchword_")}


def test_the_table_has_what_is_exported(exported: dict[str, set[str]]) -> None:
    """Each metric is a row, each row a metric, with its labels."""
    rows = [line.split("|")[1:3] for line in PAGE.splitlines() if line.startswith("| `watchword_")]
    written = {name: set(re.findall(r"`(\w+)`", labels)) for names, labels in rows for name in _OURS.findall(names)}

    assert written.keys() - _LATER == exported.keys() - _LATER
    for name, labels in exported.items():
        assert labels <= written[name], name


def test_the_rules_ask_for_what_is_exported(exported: dict[str, set[str]]) -> None:
    """Six rules, each with words, of metrics and labels there are."""
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    rules = [rule for block in blocks for group in block.get("groups", ()) for rule in group["rules"]]

    assert len(rules) == 6
    for rule in rules:
        (*asked,) = set(_OURS.findall(rule["expr"]))
        assert asked
        assert set(asked) <= exported.keys(), rule["alert"]
        labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        labels |= set(re.findall(r"[{,]\s*(\w+)\s*[=!]", rule["expr"]))
        assert labels <= set().union(*(exported[name] for name in asked)), rule["alert"]
