"""`watchword demo`: sets the stage, plays the story, and keeps the console up."""

from __future__ import annotations

import shutil
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

import structlog
from rich.markup import escape

from watchword.app import App
from watchword.cli.demo.directories import Place, place
from watchword.cli.demo.stage import Stage
from watchword.cli.demo.story import STAFF, Failed, Story
from watchword.cli.serving import serving
from watchword.cli.terminal import err, out
from watchword.core.errors import Invalid
from watchword.ledger.fsck import fsck


def play(*, check: bool, directory: str, port: int) -> None:
    """Play it. With *check* the outcomes are asserted and everything is taken down again."""
    if directory not in ("sandbox", "samba"):
        raise Invalid(f"The demo can not play on {directory!r}.", "Use sandbox or samba.", where="--directory")
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    home = Path(tempfile.mkdtemp(prefix="watchword-demo-"))
    with ExitStack() as ends:
        ends.callback(shutil.rmtree, home, ignore_errors=True)
        where = ends.enter_context(place(directory, home))
        stage = _set(home, where, port=0 if check else port)
        ends.callback(stage.close)
        url = ends.enter_context(serving(stage.app, port=0 if check else port))
        stop = threading.Event()
        runner = threading.Thread(target=_run, args=(stage.app, stop), name="runner", daemon=True)
        runner.start()
        ends.callback(runner.join, 10)
        ends.callback(stop.set)
        story = Story(stage, url, out)
        try:
            story.play()
        except Failed as failed:
            err.print(f"\n[bold red]The story broke:[/] {escape(str(failed))}")
            raise SystemExit(1) from failed
        _prove(stage, home)
        out.print(f"\n[bold green]{story.held} outcomes held.[/]")
        if not check:
            _stay(stage, url)


def _set(home: Path, where: Place, *, port: int) -> Stage:
    out.print("[bold]Watchword[/]: setting the stage (a ledger, keys, 40 people, 7 other accounts) …")
    stage = Stage(home, where, port=port or 8787)
    stage.populate()
    stage.know()
    stage.enrol_passkey("mara.lind")
    for login in ("tom.ashby", "ben.carver", "amy.frost"):
        stage.enrol_totp(login)
    stage.let_sign_in(*STAFF)
    where.ready()
    out.print(f"  policy {stage.policy[:19]}… is active; {stage.app.ledger.size} entries so far.")
    if stage.app.simulated:
        out.print("  [yellow]sandbox[/]: the directory is simulated; no real account is touched.")
    return stage


def _run(app: App, stop: threading.Event) -> None:
    app.run(app.runner_of(desk=True, executor=True), stop, pause_s=0.1)


def _prove(stage: Stage, home: Path) -> None:
    """Check a copy of the ledger, as an auditor would, while the desk goes on."""
    copy = home / "copy.db"
    stage.app.ledger.copy_to(copy)
    report = fsck(f"sqlite:///{copy}", stage.app.signing_key.vkey, stage.app.keys)
    for one in report.checks:
        out.print(f"    [green]{one.number}[/] {escape(one.what)}: {escape(one.proved)}", soft_wrap=True)
    out.print(f"    [green]✔ fsck: sound[/], {report.size} entries")


def _stay(stage: Stage, url: str) -> None:
    out.print(f"\nThe console is at [bold]{url}[/]")
    out.print(f"  sign in as ines.desk, zoe.soc, ada.review …; password for all: [bold]{stage.password}[/]")
    out.print("  Ctrl-C ends it and removes everything.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        out.print("\nGone.")
