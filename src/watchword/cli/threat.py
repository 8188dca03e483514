"""`watchword policy threat`: the switch under which every new case needs more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.markup import escape

from watchword.cli.case import Asking
from watchword.cli.terminal import out, print_json
from watchword.reception.ends import end_of

app = App(name="threat", help="The elevated-threat switch: every case opened while it is on needs more.")


@app.command
def show(*, asking: Asking) -> None:
    """Say whether the switch is on, until when, and who turned it on."""
    with asking.session() as client:
        _tell(asking, client.call("GET", "/api/threat"))


@app.command(name="raise")
def raise_(
    *,
    asking: Asking,
    until: Annotated[str, Parameter(help="12h, 3d, a day or a time (UTC); a week at most.")],
    why: Annotated[str, Parameter(help="Kept sealed beside the entry.")],
) -> None:
    """Turn the switch on, or let it last longer. It ends by itself, or when two people turn it off."""
    with asking.session() as client:
        body = {"until": end_of(until, datetime.now(UTC)).isoformat(), "why": why}
        _tell(asking, client.call("POST", "/api/threat", body))


@app.command
def lower(*, asking: Asking, why: Annotated[str, Parameter(help="Kept sealed beside the entry.")]) -> None:
    """Agree that the switch is turned off before its time; a second person on duty has to as well."""
    with asking.session() as client:
        _tell(asking, client.call("POST", "/api/threat/lower", {"why": why}))


def _tell(asking: Asking, threat: dict[str, Any]) -> None:
    if asking.json:
        print_json(threat)
    elif threat["elevated"]:
        out.print(f"[bold yellow]elevated[/] until {escape(threat['until'])}, raised by {escape(threat['by'])}")
        for who in threat["lower_votes"]:
            out.print(f"  {escape(who)} wants it off; a second person has to as well")
    else:
        out.print("[green]not elevated[/]" + (f"; it last was until {threat['until']}" if threat["until"] else ""))
