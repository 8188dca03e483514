"""`watchword watch signals`: which signals there are, and whether their cases hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from watchword.cli.findings import COLOURS
from watchword.cli.terminal import Json, out, print_json
from watchword.watch.printable import printable
from watchword.watch.signals import SHIPPED, read_signals
from watchword.watch.signals.cases import Failed
from watchword.watch.signals.cases import check as check_cases


def signals(
    *,
    folder: Annotated[tuple[Path, ...], Parameter(help="A folder of signals of your own; may be repeated.")] = (),
    check: Annotated[
        bool, Parameter(negative=(), help="Run the cases of each, and exit 1 when one does not hold.")
    ] = False,
    json: Json = False,
) -> None:
    """List the signals, or run the cases beside them."""
    found = read_signals(SHIPPED, *folder)
    if check:
        cases = 0
        broken: list[Failed] = []
        for signal in found:
            ran, failed = check_cases(signal)
            cases += ran
            broken.extend(failed)
        for one in broken:
            got = ", ".join(f"{hit.event} {hit.target}" for hit in one.found) or "no hit"
            out.print(
                f"[red]does not hold[/] {one.signal}: {escape(printable(one.why))}: found {escape(printable(got))}"
            )
        out.print(f"{cases} cases of {len(found)} signals, {len(broken)} of them do not hold.")
        if broken:
            raise SystemExit(1)
        return
    if json:
        for signal in found:
            print_json(signal)
        return
    table = Table("signal", "severity", "ATT&CK", "reads", "title", box=None, pad_edge=False)
    for signal in found:
        severity = f"[{COLOURS[signal.severity]}]{signal.severity}[/]"
        needs = ", ".join(signal.needs)
        title = f"{signal.title} (silent {signal.silent})" if signal.silent else signal.title
        table.add_row(signal.name, severity, " ".join(signal.attack), needs, escape(printable(title)))
    out.print(table)
