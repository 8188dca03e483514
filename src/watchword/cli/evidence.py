"""`watchword evidence`: one case as a bundle that anybody can check, and the check."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.markup import escape
from rich.table import Table

from watchword.cli.case import Asking, path_of
from watchword.cli.terminal import Json, out, print_json
from watchword.core.errors import Corrupt, Invalid
from watchword.ledger.bundle import check
from watchword.ledger.verifier import WHOLE, Check

app = App(name="evidence")


@app.command
def export(
    case: str,
    /,
    *,
    asking: Asking,
    to: Annotated[Path | None, Parameter(help="The file to write; evidence-CASE.zip here otherwise.")] = None,
    closed: Annotated[bool, Parameter(negative=(), help="Disclose no personal data in it.")] = False,
) -> None:
    """Write the evidence of CASE as one zip: entries, proofs, approvals, policy, and how to check them without us."""
    file = to or Path(f"evidence-{case}.zip")
    if file.exists():
        raise Invalid(f"{file} is there already.", "Name a new file with --to.", where="--to")
    with asking.session() as client:
        data = client.fetch(f"{path_of(case)}/evidence{'?closed=true' if closed else ''}")
    checks = check(data)
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(data)
    except OSError as error:
        raise Invalid(f"{file} can not be written: {error.strerror}.", "Name a place that is yours.", "--to") from error
    if asking.json:
        print_json({"file": str(file), "bytes": len(data), "checks": _rows(checks)})
        return
    _show(checks)
    out.print(f"{escape(str(file))}: {len(data)} bytes. Its VERIFY.md says how to check it without Watchword.")


@app.command
def verify(
    file: Path,
    /,
    *,
    key: Annotated[str | None, Parameter(help="The ledger's verifier key, known from elsewhere.")] = None,
    json: Json = False,
) -> None:
    """Check the bundle FILE, offline, and say what each check proved; exit code 1 when one does not hold.

    Without --key the bundle's own keys are believed: compare them with the published ones.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(WHOLE + 1)
    except OSError as error:
        raise Invalid(f"{file} can not be read: {error.strerror}.", "Name the bundle.", where="FILE") from error
    try:
        checks = check(data, key)
    except Corrupt as fault:
        if json:
            print_json({"proved": False, "what": fault.what, "remedy": fault.remedy})
        raise
    if json:
        print_json({"proved": True, "checks": _rows(checks)})
        return
    _show(checks)
    out.print("[bold green]proved[/]")


def _rows(checks: tuple[Check, ...]) -> list[dict[str, object]]:
    return [msgspec.to_builtins(one._asdict()) for one in checks]


def _show(checks: tuple[Check, ...]) -> None:
    table = Table("", "what must hold", "what was proved", box=None, pad_edge=False)
    for one in checks:
        table.add_row(f"[green]{one.number}[/]", escape(one.what), escape(one.proved))
    out.print(table, soft_wrap=False)
