"""A tier that asks for the workload beside its owner: as the documents write it, and what it is worth."""

from __future__ import annotations

import re
from pathlib import Path

from tests.policy.sample import METHODS, PROCEDURES
from watchword.policy.check import findings
from watchword.policy.procedures import Procedures

DOCUMENT = Path(__file__).parents[2] / "docs" / "further-proof.md"


def test_the_tier_of_the_documents_is_sound() -> None:
    """The row as written there stands in the table, and a policy that asks for it in a cell has no findings."""
    row = re.search(r"^VNW: .*$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert row
    marked = re.sub(r"^(  VN: .*)$", rf"\1\n  {row[0]}", PROCEDURES, flags=re.MULTILINE)
    cell = "privileged_override:  {verify: [VN], "
    assert marked.count(cell) == 1
    table = marked.replace(cell, cell.replace("VN", "VNW"))
    assert [str(f) for f in findings(Procedures.load(table, METHODS))] == []


def test_a_workload_alone_opens_nothing() -> None:
    """By the shipped policy every tier of a service account and an AI agent asks for the owner's passkey."""
    table = Procedures.load(PROCEDURES, METHODS).table
    owned = [row for row in table.classes.values() if row.proved_by == "owner"]
    assert owned
    for row in owned:
        assert ("owner_passkey",) in tuple(map(tuple, table.tiers[row.strongest].any_of))
