"""`watchword demo`: sets the stage, plays the story, and keeps the console up."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

import structlog
from rich.markup import escape

from watchword.app import App
from watchword.cli.demo.cast import Failed
from watchword.cli.demo.directories import PLACES, Place, place
from watchword.cli.demo.stage import Stage
from watchword.cli.demo.story import STAFF, Story
from watchword.cli.serving import serving
from watchword.cli.terminal import err, out
from watchword.core.errors import Invalid, WatchwordError
from watchword.ledger.fsck import fsck

Setting = Callable[[Path], AbstractContextManager[Place]]
"""Makes the place of the play, in a folder that is its own."""


def setting(directory: str) -> Setting:
    """The place called *directory*; raise `Invalid` when the story can not be played there."""
    if directory not in PLACES:
        raise Invalid(
            f"The demo can not play on {directory!r}.", f"Use one of: {', '.join(PLACES)}.", where="--directory"
        )
    return partial(place, directory)


def play(where: Setting, *, check: bool, port: int, evidence: Path | None = None) -> None:
    """Play it, and exit with 1 where an outcome is not what it must be. With *check* nothing stays up.

    *evidence* is where a copy of the executive's evidence bundle is kept.
    """
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was made is removed
    home = Path(tempfile.mkdtemp(prefix="watchword-demo-"))
    with ExitStack() as ends:
        ends.callback(shutil.rmtree, home, ignore_errors=True)
        stage = _set(home, ends.enter_context(where(home)), port=0 if check else port)
        ends.callback(stage.close)
        url = ends.enter_context(serving(stage.app, port=0 if check else port))
        stop = threading.Event()
        runner = threading.Thread(target=_run, args=(stage.app, stop), name="runner", daemon=True)
        runner.start()
        ends.callback(runner.join, 10)
        ends.callback(stop.set)
        try:
            story = Story(stage, url, out)
            story.play()
        except (Failed, WatchwordError) as failed:
            err.print(f"\n[bold red]The story broke:[/] {escape(str(failed))}")
            raise SystemExit(1) from failed
        _prove(stage, home)
        if evidence is not None:
            shutil.copyfile(story.bundle, evidence)
            out.print(f"  the executive's evidence is kept in {escape(str(evidence))}")
        out.print(f"\n[bold green]{story.held} outcomes held.[/]")
        if not check:
            _stay(stage, url)


def _set(home: Path, where: Place, *, port: int) -> Stage:
    out.print("[bold]Watchword[/]: setting the stage (a ledger, keys, 40 people, 7 other accounts) …")
    stage = Stage(home, where, port=port or 8787)
    stage.populate()
    stage.know()
    for login in ("mara.lind", "oskar.brandt", "paul.mint", "vera.quill", "yuri.iam", "ben.carver", "amy.frost"):
        stage.enrol_passkey(login)
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
        out.print(f"    [green]{one.number}[/] {escape(one.what)}: {escape(one.proved)}")
    out.print(f"    [green]✔ fsck: sound[/], {report.size} entries")


def _stay(stage: Stage, url: str) -> None:
    out.print(f"\nThe console is at [bold]{url}[/]")
    out.print(f"  sign in as ines.desk, zoe.soc, ada.review …; password for all: [bold]{stage.password}[/]")
    out.print("  a person's own page opens in a private window: a browser that is signed in here is refused it")
    out.print("  Ctrl-C ends it and removes everything.")
    sys.stdout.flush()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        out.print("\nGone.")
