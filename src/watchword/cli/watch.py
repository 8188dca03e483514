"""`watchword watch`: every identity event in a directory's log gets a verdict."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlencode

from cyclopts import App, Parameter
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from watchword.cli import accounts, findings, observe, signals
from watchword.cli.client import Client, signed_in
from watchword.cli.feeds import follow, sources
from watchword.cli.observe_words import tenants_said
from watchword.cli.password import PasswordFile, password_of
from watchword.cli.terminal import CONFIG, Config, Json, err, out, print_json
from watchword.core.errors import Invalid
from watchword.core.identity_event import Verdict
from watchword.settings import load
from watchword.watch.campaigns import campaigns, items_of
from watchword.watch.engine import Engine
from watchword.watch.printable import printable
from watchword.watch.providers import Feed, provider_named
from watchword.watch.sigma import Rule, read_rules
from watchword.watch.signals import SHIPPED, read_signals
from watchword.watch.tenants import ELSEWHERE, demand_tenants_told
from watchword.watch.unpacking import BOUNDED
from watchword.watch.verdicts import Report, VerdictRow, append_verdicts, read_verdicts, verdict_files
from watchword.watching import POSITIONS, VERDICTS, enforced_of, unpacking_of

if TYPE_CHECKING:
    from watchword.watch.spark import SparkEngine

app = App(name="watch")
app.command(observe.command, name="observe")
app.command(accounts.command, name="accounts")
app.command(findings.app)
app.command(signals.signals)
app.command(follow)
app.command(sources)

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
    tenant: Annotated[
        tuple[str, ...], Parameter(help="Whose events to judge, of the vendor's tenants; may be repeated.")
    ] = (),
    accounts: Annotated[Path | None, Parameter(help="CSV of accounts: keys, class, person, unit, status …")] = None,
    tickets: Annotated[Path | None, Parameter(help="CSV export of a ticket system.")] = None,
    zone: Annotated[str, Parameter(help="The zone of the tickets' times that name none.")] = "UTC",
    since: Annotated[datetime | None, Parameter(help="Only events from this time on (UTC).")] = None,
    config: Annotated[
        Path | None,
        Parameter(name=["--config", "-c"], help="The settings file, for its enforced cells, and how far to unpack."),
    ] = None,
    rejects: Annotated[Path | None, Parameter(help="Where lines that are no events are kept.")] = None,
    look: Annotated[
        bool, Parameter("--signals", negative=(), help="Look for signals as well, and group all there is.")
    ] = False,
    own: Annotated[tuple[Path, ...], Parameter("--own-signals", help="A folder of signals of your own.")] = (),
    activity: Annotated[
        Path | None, Parameter(help="The desk's folder of activity, for signals about the desk.")
    ] = None,
    sigma: Annotated[Path | None, Parameter(help="A folder of Sigma rules to run over the lines as well.")] = None,
    verdicts: Annotated[Path | None, Parameter(help="A folder of Parquet that new verdicts are added to.")] = None,
    engine: Annotated[
        Literal["duckdb", "spark"], Parameter(help="What it runs on: this machine, or Spark.")
    ] = "duckdb",
    master: Annotated[str, Parameter(help="Which Spark, as its own tools name it.")] = "local[2]",
    json: Json = False,
) -> None:
    """Judge the identity events in log FILES of a provider; exit code 1 when there is a finding.

    So it is when a file could not be read to its end, or is mostly nothing of this provider's; the others are judged
    all the same.

    Without --evidence and --tickets nothing speaks for any event, and it says so.
    """
    if not files:
        raise Invalid("No log was named.", "Name one or more files.", where="FILES")
    of = provider_named(provider)
    demand_tenants_told(of, tenant)
    part = None if config is None else load(config).watch
    unpacking = BOUNDED if part is None else unpacking_of(part)
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("read", total=None)
        try:
            report = _engine(engine, master).judge(
                (Feed(provider=of, directory=directory, files=files, unpacking=unpacking, tenants=tenant),),
                evidence,
                accounts=accounts,
                rejects=rejects,
                signals=read_signals(SHIPPED, *own) if look or own else (),
                activity=activity,
                sigma=_sigma(sigma),
                tickets=observe.tickets_in(tickets, zone),
                enforced=() if part is None else enforced_of(part),
                since=None if since is None else since.replace(tzinfo=since.tzinfo or UTC),
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        except OSError as error:
            raise Invalid(f"It can not be used: {error.strerror}.", "Check the path.", str(error.filename)) from error
    if verdicts is not None:
        append_verdicts(verdicts, report.verdicts)
    if json:
        for row in report.verdicts:
            print_json(row)
        for hit in report.hits:
            print_json(hit)
    else:
        _show(report)
        if look or own or sigma:
            _show_campaigns(report)
    _show_files(report)
    if report.findings or report.hits or report.broken_files or report.strange_files:
        raise SystemExit(1)


@app.command
def export(
    *,
    format: Annotated[str, Parameter(help="How: ocsf, ocsf-event, ecs, bulk, cef, syslog, hec or jsonl.")] = "ocsf",  # noqa: A002
    findings: Annotated[
        bool, Parameter(negative=(), help="Findings, and each step of their life, instead of verdicts; needs --as.")
    ] = False,
    alerts: Annotated[
        bool, Parameter(negative=(), help="Of verdicts only what somebody must look at, and what clears it.")
    ] = False,
    since: Annotated[
        datetime | None, Parameter(help="Only events, or what was told of findings, from this time on (UTC).")
    ] = None,
    to: Annotated[Path | None, Parameter(help="A file that must not be there yet, instead of the terminal.")] = None,
    login: Annotated[str | None, Parameter(name="--as", help="Your login.", env_var="WATCHWORD_LOGIN")] = None,
    password_file: PasswordFile = None,
    config: Config = CONFIG,
) -> None:
    """Print every verdict kept so far, or what became of findings, one message a line, in the format of another system.

    Verdicts are read from their files. Findings are in the ledger: whoever may see them asks for them, through the
    console where one runs.
    """
    settings = load(config)
    begun = None if since is None else since.replace(tzinfo=since.tzinfo or UTC)
    if not findings:
        _write(_verdict_lines(settings.path(Path(VERDICTS)), format, begun, is_short=alerts), to)
        return
    if alerts:
        raise Invalid("Every finding is an alert.", "Leave out --alerts, or --findings.", where="--alerts")
    if login is None:
        raise Invalid("Findings are in the ledger, and who reads them is missing.", "Add --as LOGIN.", where="--as")
    with signed_in(settings, login, password_of(password_file)) as client:
        _write(_finding_lines(client, format, begun), to)


def _verdict_lines(folder: Path, form: str, since: datetime | None, *, is_short: bool) -> Iterator[bytes]:
    from watchword.watch.formats import format_named
    from watchword.watch.formats.alert import Alert

    render = format_named(form)
    for file in verdict_files(folder):
        for row in read_verdicts(file):
            if (since is None or row.at >= since) and (not is_short or row.is_finding or row.revision > 1):
                yield render(Alert.of(row))


def _finding_lines(client: Client, form: str, since: datetime | None) -> Iterator[bytes]:
    asked = {"format": form} | ({} if since is None else {"since": since.isoformat()})
    told = {"after": 0, "left": 1}
    while told["left"]:
        told = client.call("GET", f"/api/findings/messages?{urlencode({**asked, 'after': told['after']})}")
        for message in told["messages"]:
            yield message.encode()


def _write(lines: Iterator[bytes], to: Path | None) -> None:
    """Write *lines* to a new file, which is not made before there is a first one, or to the terminal."""
    first = next(lines, None)
    try:
        with to.open("xb") if to else nullcontext(sys.stdout.buffer) as stream:
            for line in () if first is None else chain((first,), lines):
                stream.write(line + b"\n")
    except FileExistsError:
        raise Invalid("There is such a file already.", "Name another, or move it away.", where=str(to)) from None
    except BrokenPipeError:  # whoever reads it has enough
        raise
    except OSError as error:
        raise Invalid(f"It can not be written: {error.strerror}.", "Check the path.", where=str(to)) from error


@app.command
def outputs(*, config: Config = CONFIG, json: Json = False) -> None:
    """Say of each output how far it is, what waits, and what went wrong.

    Exit code 1 when something is held back, or an output has a fault that somebody has to see to.
    """
    from watchword.watch.outputs.delivery import Delivery, Unconnected

    settings = load(config)
    places = settings.path(Path(VERDICTS)), settings.path(Path(POSITIONS))
    parts = settings.watch.outputs
    states = [Delivery(name, Unconnected(), *places, everything=p.everything).state() for name, p in parts.items()]
    if json:
        print_json(states)
    elif not states:
        out.print("No output is configured: `[watch.outputs.NAME]` in watchword.toml.")
    else:
        table = Table("output", "to", "sent", "waiting", "held back", "trouble", box=None, pad_edge=False)
        for one in states:
            again = f" (again at {one.retry_at:%H:%M:%S} UTC)" if one.retry_at else ""
            trouble = escape(printable(f"{one.error}{again}" if one.error else ""))
            numbers = (str(one.sent), str(one.behind), str(len(one.held)))
            table.add_row(one.name, escape(parts[one.name].where), *numbers, trouble)
        out.print(table)
    if any(one.held or one.is_fault for one in states):
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
    if report.left_out:
        out.print(f"{report.left_out} event(s) are from before --since, and were left out.")
    for said in tenants_said(report.tenants):
        out.print(f"[yellow]tenants[/] {escape(printable(said))}")
    if rejected := report.rejected_lines - sum(one.lines for one in report.tenants if not one.ours):
        first = next((one for one in report.rejected if not one.reason.startswith(ELSEWHERE)), report.rejected[0])
        out.print(
            f"[yellow]{rejected} line(s) are no events[/], the first in {escape(printable(first.file))} "
            f"line {first.line}: {escape(printable(first.reason))}. --rejects keeps them all."
        )
    for unknown in report.unknown_types[:10]:
        out.print(f"[yellow]unknown type[/] {escape(printable(unknown.native))}: {unknown.lines} line(s)")
    for change in report.unseen:
        out.print(f"[red]said done, but not in the log[/]: {change.change} of case {change.case} at {change.at:%H:%M}")


def _engine(name: str, master: str) -> Engine | SparkEngine:
    if name == "duckdb":
        return Engine()
    from watchword.watch.spark import SparkEngine

    return SparkEngine(master=master)


def _sigma(folder: Path | None) -> tuple[Rule, ...]:
    if folder is None:
        return ()
    read = read_rules(folder)
    for left in read.left_out:
        err.print(f"[yellow]left out[/] {escape(printable(str(left.file)))}: {escape(printable(left.why))}")
    return read.rules


def _show_files(report: Report) -> None:
    """Which files were not read to their end, and which look like another provider's."""
    for share in report.broken_files:
        why = [one.reason for one in report.rejected if one.file == share.file]
        told = escape(printable(f"{share.file}: {why[-1] if share.rejected <= len(why) else 'see --rejects'}"))
        err.print(f"[red]not read to its end[/] {told}", soft_wrap=True)
    for share in report.strange_files:
        strange = escape(printable(share.why_strange(share.file)))
        err.print(f"[yellow]{strange}[/]: is it the log of another provider?", soft_wrap=True)


def _show_campaigns(report: Report) -> None:
    """What was found, grouped: one line a caller, vendor, agent or hour."""
    found = campaigns(items_of(report.verdicts, report.hits))
    table = Table("severity", "events", "who", "since (UTC)", "what", box=None, pad_edge=False, title="Campaigns")
    for one in found[:SHOWN]:
        colour = findings.COLOURS[one.severity]
        who, what = f"{one.by} {one.name}", ", ".join(one.rules)
        table.add_row(
            f"[{colour}]{one.severity}[/]", str(len({i.event or i.about for i in one.items})), escape(printable(who)),
            f"{one.since:%Y-%m-%d %H:%M}", escape(printable(what)),
        )  # fmt: skip
    out.print(table)
    if report.blind_signals:
        out.print(f"{len(report.blind_signals)} signals could not look: give --evidence and --activity of the desk.")


def _cells(row: VerdictRow) -> tuple[str, ...]:
    def text(value: str | None) -> str:
        return escape(printable(value or ""))

    colour = COLOURS.get(row.verdict, "dim")
    return (
        f"[{colour}]{row.verdict.value}[/]",
        f"{row.at:%Y-%m-%d %H:%M:%S}",
        text(row.action or row.native_action),
        text(row.actor_login or row.actor),
        text(row.target_login or row.target),
        text(row.case),
        text(row.why),
    )
