"""`watchword watch findings`: what somebody has to look at, and what was done about it; through the console's API."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

from cyclopts import App, Parameter
from rich.markup import escape
from rich.table import Table

from watchword.cli.case import Asking
from watchword.cli.terminal import out, print_json
from watchword.core.errors import Invalid
from watchword.core.finding import Dismissal, Status
from watchword.watch.campaigns import Party
from watchword.watch.printable import printable

app = App(name="findings", help="What the watch found, and what became of it.")

COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}


@app.command(name="list")
def list_(
    *,
    asking: Asking,
    status: Annotated[Status | None, Parameter(help="Only those; without it, all that are not closed.")] = None,
) -> None:
    """List the findings, gravest first."""
    with asking.session() as client:
        rows = client.call("GET", f"/api/findings?status={status}" if status else "/api/findings")
    if status is None:
        rows = [row for row in rows if row["status"] not in {Status.CLOSED, Status.DISMISSED}]
    if asking.json:
        print_json(rows)
        return
    table = Table("finding", "severity", "status", "events", "who", "what", "owner", box=None, pad_edge=False)
    for row in rows:
        colour = COLOURS[row["severity"]]
        table.add_row(
            row["finding"], f"[{colour}]{row['severity']}[/]", row["status"], str(row["events"]),
            _text(f"{row['by']} {_named(row)}"), _text(", ".join(row["rules"])), _text(row["owner"] or ""),
        )  # fmt: skip
    out.print(table if rows else "Nothing to look at.")


@app.command
def show(finding: str, /, *, asking: Asking) -> None:
    """Show one finding with its events and notes."""
    with asking.session() as client:
        _tell(asking, client.call("GET", _path(finding)))


@app.command
def triage(finding: str, /, *, asking: Asking) -> None:
    """Take a first look: it is yours now, unless it was somebody's."""
    _step(asking, finding, "triage")


@app.command
def confirm(finding: str, /, *, asking: Asking) -> None:
    """Say that it is what it looks like."""
    _step(asking, finding, "confirm")


Seen = Annotated[
    int | None, Parameter(help="Its `joined`, as `show` told it: refused where more joined the finding since.")
]


@app.command
def dismiss(
    finding: str,
    /,
    *,
    asking: Asking,
    reason: Dismissal,
    words: Annotated[str, Parameter(help="What was looked at.")],
    seen: Seen = None,
) -> None:
    """Say that it is not, and why; whoever it is about can not."""
    _step(asking, finding, "dismiss", {"reason": reason, "words": words, "seen": seen})


@app.command
def close(finding: str, /, *, asking: Asking, seen: Seen = None) -> None:
    """Say that nothing is left to do."""
    _step(asking, finding, "close", {"seen": seen})


@app.command
def note(finding: str, /, *, asking: Asking, words: Annotated[str, Parameter(help="Kept sealed beside it.")]) -> None:
    """Write something down beside a finding."""
    _step(asking, finding, "note", {"words": words})


@app.command
def own(finding: str, /, *, asking: Asking, owner: Annotated[str, Parameter(help="Their login.")]) -> None:
    """Give a finding to somebody."""
    _step(asking, finding, "own", {"owner": owner})


@app.command
def suppress(
    rule: Annotated[str, Parameter(help="A signal, verdict.VERDICT, or * for every rule.")],
    /,
    *,
    asking: Asking,
    why: Annotated[str, Parameter(help="Kept sealed beside it.")],
    until: Annotated[str, Parameter(help="How long (12h, 30d, 8w), a day, or a time; at most a year.")],
    party: Annotated[Party | Literal["anybody"], Parameter(help="Whom it says nothing about.")] = "anybody",
    name: Annotated[str, Parameter(help="What the finding calls them.")] = "",
) -> None:
    """Keep a RULE quiet about somebody for a time; what it would have said is counted.

    About anybody, or with * for the rule, it holds once somebody else allowed it (`allow`).
    """
    body = {"rule": rule, "party": party, "name": name, "until": until, "why": why}
    with asking.session() as client:
        _tell_suppressions(asking, [client.call("POST", "/api/suppressions", body)])


@app.command
def suppressions(*, asking: Asking) -> None:
    """List what is kept quiet, and how much it was so far."""
    with asking.session() as client:
        _tell_suppressions(asking, client.call("GET", "/api/suppressions"))


@app.command
def allow(suppression: str, /, *, asking: Asking) -> None:
    """Agree to a suppression of a whole rule, or of all there is of somebody, that somebody else set."""
    with asking.session() as client:
        client.call("POST", f"/api/suppressions/{quote(suppression, safe='')}/allow")
        _tell_suppressions(asking, client.call("GET", "/api/suppressions"))


@app.command
def lift(suppression: str, /, *, asking: Asking) -> None:
    """End a suppression before its time; what it kept quiet is found again."""
    with asking.session() as client:
        client.call("POST", f"/api/suppressions/{quote(suppression, safe='')}/lift")
        _tell_suppressions(asking, client.call("GET", "/api/suppressions"))


@app.command
def risk(*, asking: Asking) -> None:
    """List the risk of accounts, agents and vendors now, highest first."""
    with asking.session() as client:
        rows = client.call("GET", "/api/risks")
    if asking.json:
        print_json(rows)
        return
    table = Table("risk", "kind", "name", "events", "latest (UTC)", box=None, pad_edge=False)
    for row in rows[:50]:
        table.add_row(f"{row['score']:.1f}", row["kind"], _text(row["said"]), str(row["events"]), row["latest"][:16])
    out.print(table if rows else "Nobody is a risk.")


def _path(finding: str) -> str:
    if not finding or not finding.isprintable() or set(finding) <= {"."}:
        raise Invalid(f"{finding!r} is no finding.", "`watchword watch findings list` shows them.", where="FINDING")
    return f"/api/findings/{quote(finding, safe='')}"


def _step(asking: Asking, finding: str, step: str, body: dict[str, Any] | None = None) -> None:
    with asking.session() as client:
        _tell(asking, client.call("POST", f"{_path(finding)}/{step}", body))


def _tell(asking: Asking, row: dict[str, Any]) -> None:
    if asking.json:
        print_json(row)
        return
    colour = COLOURS[row["severity"]]
    why = f" ({row['dismissal']})" if row["dismissal"] else ""
    out.print(f"[bold]{escape(row['finding'])}[/] [{colour}]{row['severity']}[/] {row['status']}{why}")
    out.print(
        f"  {_text(row['by'])} {_text(_named(row))}: {row['events']} event(s), owner {_text(row['owner'] or 'nobody')}"
    )
    for item in row["items"]:
        who = f"{item['actor']} → {item['target']}"
        out.print(f"  {item['at'][:19]} {_text(who)} {_text(item['rule'])}: {_text(item['why'])}")
    out.print(f"  [dim]joined {row['joined']}: with `--seen` it is dismissed or closed as you see it here[/]")
    for one in row["notes"]:
        out.print(f"  [dim]{one['at'][:16]} {_text(one['by'])}:[/] {_text(one['words'])}")


def _tell_suppressions(asking: Asking, rows: list[dict[str, Any]]) -> None:
    if asking.json:
        print_json(rows)
        return
    table = Table("suppression", "rule", "about", "until (UTC)", "kept quiet", "state", "why", box=None, pad_edge=False)
    for row in rows:
        over = "lifted" if row["lifted_by"] else "ended"
        state = "holds" if row["holds"] else "waits for a second person" if row["waits"] else over
        table.add_row(
            row["suppression"], _text(row["rule"]), _text(row["about"] or "(erased)"), row["until"][:16],
            str(row["kept"]), state, _text(row["why"] or "(erased)"),
        )  # fmt: skip
    out.print(table if rows else "Nothing is kept quiet.")


def _named(row: dict[str, Any]) -> str:
    """What the events of a finding share; that its time was over, where it is gone."""
    return "(erased)" if row["erased"] else str(row["name"])


def _text(value: str) -> str:
    return escape(printable(value))
