"""`watchword watch`: every identity event in a directory's log gets a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from watchword.cli.terminal import Json, err, out, print_json
from watchword.core.errors import Invalid
from watchword.core.identity_event import Verdict
from watchword.watch.engine import Engine
from watchword.watch.printable import printable
from watchword.watch.verdicts import Report, VerdictRow

app = App(name="watch", help="Verdicts on the directories' own logs.")

COLOURS = {
    Verdict.SUSPICIOUS: "bold red",
    Verdict.UNVERIFIED: "red",
    Verdict.OUT_OF_POLICY: "yellow",
    Verdict.VERIFIED: "green",
    Verdict.SELF_SERVICE: "cyan",
}

SHOWN = 200
"""Rows the table shows; JSON has all."""


@app.command
def classify(
    *files: Path,
    provider: Annotated[str, Parameter(help="Whose log it is, such as okta, entra or windows.")],
    evidence: Annotated[Path | None, Parameter(help="The desk's evidence table.")] = None,
    directory: Annotated[str | None, Parameter(help="Which directory's log it is: only its evidence counts.")] = None,
    accounts: Annotated[Path | None, Parameter(help="CSV of account classes: target_key,account_class.")] = None,
    rejects: Annotated[Path | None, Parameter(help="Where lines that are no events are kept.")] = None,
    json: Json = False,
) -> None:
    """Judge the identity events in log FILES of a provider; exit code 1 when there is a finding.

    Without --evidence nothing speaks for any event, and it says so.
    """
    if not files:
        raise Invalid("No log was named.", "Name one or more files.", where="FILES")
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("read", total=None)
        try:
            report = Engine().classify(
                provider,
                files,
                evidence,
                directory=directory,
                accounts=accounts,
                rejects=rejects,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        except OSError as error:
            raise Invalid(f"It can not be used: {error.strerror}.", "Check the path.", str(error.filename)) from error
    if json:
        for row in report.verdicts:
            print_json(row)
    else:
        _show(report)
    if report.findings:
        raise SystemExit(1)


def _show(report: Report) -> None:
    order = list(COLOURS)
    rows = [r for r in report.verdicts if r.verdict is not Verdict.IGNORED]
    rows.sort(key=lambda r: (order.index(r.verdict) if r.verdict in order else len(order), r.at))
    table = Table("verdict", "when (UTC)", "what", "who", "whom", "case", "why", box=None, pad_edge=False)
    for row in rows[:SHOWN]:
        table.add_row(*_cells(row))
    out.print(table, soft_wrap=False)
    if len(rows) > SHOWN:
        out.print(f"… and {len(rows) - SHOWN} more; --json prints all.")
    counts = ", ".join(f"{n} {v.value}" for v, n in report.counts.items() if n)
    out.print(f"\n{report.lines} lines: {counts or 'no identity event'}.")
    if not report.has_evidence:
        out.print("[yellow]No evidence was given (--evidence): nothing can be verified.[/]")
    if report.rejected_lines:
        first = report.rejected[0]
        out.print(
            f"[yellow]{report.rejected_lines} line(s) are no events[/], the first in {printable(first.file)} line "
            f"{first.line}: {printable(first.reason)}. --rejects keeps them all."
        )
    for unknown in report.unknown_types[:10]:
        out.print(f"[yellow]unknown type[/] {printable(unknown.native)}: {unknown.lines} line(s)")
    for change in report.unseen:
        out.print(f"[red]said done, but not in the log[/]: {change.change} of case {change.case} at {change.at:%H:%M}")


def _cells(row: VerdictRow) -> tuple[str, ...]:
    def text(value: str | None) -> str:
        return escape(printable(value or ""))

    colour = COLOURS.get(row.verdict, "dim")
    return (
        f"[{colour}]{row.verdict.value}[/]",
        f"{row.at:%Y-%m-%d %H:%M:%S}",
        text(row.action or row.native_action),
        text(row.actor),
        text(row.target),
        text(row.case),
        text(row.why),
    )
