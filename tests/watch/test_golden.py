"""A morning's log, its evidence, and the verdicts as a table that is reviewed as a diff."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from watchword.core.evidence import EvidenceRow
from watchword.watch.engine import Engine
from watchword.watch.verdicts import Report

from .conftest import NOON

GOLDEN = Path(__file__).parent / "golden"


def _table(report: Report) -> str:
    lines = [
        f"{row.at:%H:%M:%S} {row.verdict:13} {row.action or '':22} {row.target:8} by {row.actor:12} x{row.folded} "
        f"{row.case or '-':6} {','.join(row.reasons)} {list(row.leaves)}"
        for row in report.verdicts
    ]
    lines += [f"type unknown: {count.native} ({count.lines})" for count in report.unknown_types]
    lines += [f"line {line.line}: {line.reason}" for line in report.rejected]
    lines += [f"no event: {unseen.case} {unseen.change} of {unseen.native_id}" for unseen in report.unseen]
    return "\n".join(lines) + "\n"


def test_the_golden_log_has_the_golden_verdicts(
    tmp_path: Path, evidence: Callable[..., EvidenceRow], write_evidence: Callable[..., Path]
) -> None:
    """Every verdict, unknown type, rejected line and unseen change of the sample is as the reviewed text has it."""

    def case(number: int, account: str, minute: float, **fields: object) -> EvidenceRow:
        at = NOON + timedelta(minutes=minute)
        leaves = {"opened_leaf": number * 10, "ticket_leaf": number * 10 + 1, "verify_leaves": (number * 10 + 2,)}
        leaves |= {"approve_leaves": (number * 10 + 3,), "release_leaf": number * 10 + 4}
        leaves |= {"started_leaf": number * 10 + 5, "outcome_leaf": number * 10 + 6}
        window = {"started": at, "ended": at + timedelta(seconds=2), "expires": at + timedelta(minutes=30)}
        return evidence(account, case=f"c-{number}", **leaves, **window, **fields)

    table = write_evidence(
        tmp_path / "evidence.parquet",
        [
            case(1, "00uana", 0, transaction="tx-ana"),
            case(2, "00uben", 10, effects=("mfa.factor_reset", "mfa.factor_reset_all"), transaction="tx-ben"),
            case(3, "00ucem", 20, effects=("account.unlock",)),
            case(4, "00uana", 60),
        ],
    )
    report = Engine().classify("okta", (GOLDEN / "okta.jsonl",), table)
    assert _table(report) == (GOLDEN / "okta_verdicts.txt").read_text(encoding="utf-8")
