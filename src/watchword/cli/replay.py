"""`watchword policy replay`: the cases of the last days against a draft, before anybody proposes it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators
from rich.markup import escape
from rich.table import Table

from watchword.cli.terminal import CONFIG, Config, Json, out, print_json
from watchword.desk.replay import Replay, Sums
from watchword.policy.bundle import Policy
from watchword.policy.check import findings
from watchword.policy.minutes import minutes
from watchword.settings import load

SHOWN = 20
"""Refused cases that are named one by one; `--json` names them all."""


def replay(
    draft: Annotated[Path, Parameter(help="The folder of the draft policy.")],
    /,
    *,
    days: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=3660))] = 90,
    config: Config = CONFIG,
    json: Json = False,
) -> None:
    """Play the cases of the last days against a draft: more or fewer verifications, approvals, minutes, refusals.

    Minutes are sums over a table of assumptions, which is printed with them. Nothing is written. On a SQLite ledger
    `watchword serve` must not run meanwhile.
    """
    from watchword.app import App as Running
    from watchword.desk.replay import replay as replayed

    policy = Policy.load(draft)
    with Running(load(config), executes=False) as running:
        told = replayed(running.registry, policy, running.clock() - timedelta(days=days))
    if json:
        print_json({"replay": told, "minutes": tuple(minutes().values())})
        return
    _show(told, days)
    if faults := len(findings(policy.procedures)):
        out.print(f"[yellow]The draft is not sound[/]: `watchword policy check {escape(str(draft))}` names {faults}.")


def _show(told: Replay, days: int) -> None:
    out.print(f"[bold]{told.total.cases} cases[/] of the last {days} days against {told.draft[:19]}…")
    if not told.cases:
        return
    heads = ("class", "action", "cases", "refused", "stopped", "verifications", "approvals", "work", "hold")
    table = Table(*heads, box=None, pad_edge=False)
    for group in told.groups:
        table.add_row(group.account_class, group.action, *_cells(group.sums))
    table.add_row("[bold]all[/]", "", *_cells(told.total))
    out.print(table, soft_wrap=False)
    refused = [one for one in told.cases if one.draft is None]
    for one in refused[:SHOWN]:
        out.print(f"  [red]refused[/] {one.case} {one.account_class}.{one.action}: {escape(one.refused)}")
    if len(refused) > SHOWN:
        out.print(f"  and {len(refused) - SHOWN} more: --json names them")
    for why in sorted({why for one in told.cases for why in one.stopped}):
        count = sum(1 for one in told.cases if why in one.stopped)
        out.print(f"  [yellow]stopped[/] {count} of them at {escape(why)}")
    rows = ", ".join(f"{row.step.replace('_', ' ')} {row.minutes}" for row in minutes().values())
    out.print(f"Minutes are assumptions, not measured: {rows}.")


def _cells(sums: Sums) -> tuple[str, ...]:
    return (
        str(sums.cases),
        str(sums.refused or "-"),
        str(sums.stopped or "-"),
        _more(sums.verifications),
        _more(sums.approvals),
        f"{_more(sums.work_minutes)} min",
        f"{_more(sums.hold_minutes)} min",
    )


def _more(difference: int) -> str:
    return f"{difference:+d}" if difference else "±0"
