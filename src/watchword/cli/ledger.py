"""`watchword ledger`: what the evidence is, and whether it holds together."""

from __future__ import annotations

from cyclopts import App
from rich.progress import Progress
from rich.table import Table

from watchword.cli.terminal import CONFIG, Config, Json, out, print_json, settings_of
from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.fsck import fsck
from watchword.ledger.leader import Ledger
from watchword.ledger.vault import KeyFile

app = App(name="ledger", help="The evidence: status and proof.")


@app.command
def status(*, config: Config = CONFIG, json: Json = False) -> None:
    """Show the ledger's name, size and signed checkpoint, after verifying every entry."""
    settings = settings_of(config)
    key = SigningKey.load(settings.path(settings.ledger.signing_key))
    ledger = Ledger.open(settings.database, key.verifier, None, settings.ledger.origin, sign=False)
    try:
        note, checkpoint = ledger.checkpoint
    finally:
        ledger.close()
    if json:
        print_json(
            {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex(), "checkpoint": note}
        )
        return
    out.print(f"[bold]{checkpoint.origin}[/]: {checkpoint.size} entries, every one verified")
    out.print(note.rstrip())


@app.command(name="fsck")
def check(*, config: Config = CONFIG, json: Json = False) -> None:
    """Recompute everything and name the first bad entry, if there is one (exit code 1)."""
    settings = settings_of(config)
    key = SigningKey.load(settings.path(settings.ledger.signing_key))
    keys = KeyFile.load(settings.path(settings.ledger.key_file))
    with Progress(console=out, transient=True, disable=json) as progress:
        task = progress.add_task("entries", total=None)
        report = fsck(
            settings.database,
            key.vkey,
            keys,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    if json:
        print_json({"size": report.size, "root": report.root.hex(), "checks": report.checks})
        return
    table = Table("", "what must hold", "what was proved", box=None, pad_edge=False)
    for one in report.checks:
        table.add_row(f"[green]{one.number}[/]", one.what, one.proved)
    out.print(table)
    out.print(f"[bold green]sound[/]: {report.size} entries, root {report.root.hex()[:16]}…")
