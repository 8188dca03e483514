"""`watchword`: the commands, in the order somebody meets them."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import structlog
from cyclopts import App, Parameter

from watchword import __version__
from watchword.cli import case, ledger, policy, watch
from watchword.cli.terminal import CONFIG, Config, Json, faults, out, print_json, settings_of

app = App(
    name="watchword",
    version=__version__,
    help="Identity recovery, governed like privileged access.",
    version_flags=["--version"],
)
app.command(case.app)
app.command(policy.app)
app.command(ledger.app)
app.command(watch.app)


@app.command
def demo(
    *,
    check: Annotated[bool, Parameter(negative=(), help="Play the story, assert its outcomes, and exit.")] = False,
    directory: Annotated[str, Parameter(help="sandbox, or samba where it is installed (as root).")] = "sandbox",
    port: int = 8787,
) -> None:
    """Play the story of a sample organisation through the real API, then keep the console up until Ctrl-C."""
    from watchword.cli.demo.play import play

    play(check=check, directory=directory, port=port)


@app.command
def init(
    home: Path = Path(),
    *,
    origin: str,
    administrator: str,
    url: str = "sqlite:///ledger.db",
    port: int = 8787,
    password_file: Path | None = None,
) -> None:
    """Write a commented watchword.toml and keys in HOME, and found the ledger: parts, first administrator, policy.

    Without --password-file the administrator's password is asked for.
    """
    from watchword import app as compose

    password = password_file.read_text().strip() if password_file else case.ask_password()
    config = compose.init(home, origin=origin, url=url, port=port)
    _, digest = compose.found(
        settings_of(config), administrator=administrator, password=password, at=compose.wall_clock()
    )
    out.print(f"Founded [bold]{origin}[/] in {config.parent}: policy {digest[:19]}… is active.")
    out.print("Keep copies of keys/ apart from the database. Next: [bold]watchword serve[/].")


@app.command
def serve(*, config: Config = CONFIG, executor: bool = True) -> None:
    """Run the console, the API and the runner. With --no-executor, `watchword execute` does the changes."""
    from watchword.app import App as Running
    from watchword.cli.serving import serving

    _log_as_json()
    stop = _until_signalled()
    with Running(settings_of(config), executes=executor) as running, serving(running) as url:
        out.print(f"Watchword is at [bold]{url}[/]; Ctrl-C ends it.")
        running.run(running.runner_of(desk=True, executor=executor), stop)


@app.command
def execute(*, config: Config = CONFIG, once: bool = False) -> None:
    """Run the executor alone: no inbound port, the only holder of directory credentials. --once does what is due."""
    from watchword.app import App as Running

    _log_as_json()
    stop = _until_signalled()
    with Running(settings_of(config)) as running:
        runner = running.runner_of(desk=False, executor=True)
        if once:
            out.print(f"{runner.drain(running.clock())} effect(s) done.")
            return
        running.run(runner, stop)


@app.command
def doctor(*, config: Config = CONFIG, json: Json = False) -> None:
    """Say what is configured, what answers, and what to do (exit code 1 when something is wrong)."""
    from watchword.app import App as Running
    from watchword.core.errors import WatchwordError

    lines: list[tuple[str, str, str]] = []
    with Running(settings_of(config)) as running:
        lines.append(("ledger", "ok", f"{running.ledger.origin}: {running.ledger.size} entries, verified"))
        active = running.registry.posture().digest
        told = "the active policy" if active == running.policy.digest else "NOT the active policy: activate it"
        lines.append(("policy", "ok" if active == running.policy.digest else "wrong", f"on disk is {told}"))
        for name, directory in running.directories.items():
            try:
                lines.extend((f"directory {name}", "ok", line) for line in directory.check())
            except WatchwordError as fault:
                lines.append((f"directory {name}", "wrong", str(fault)))
    if json:
        print_json([{"part": part, "state": state, "told": told} for part, state, told in lines])
    else:
        for part, state, told in lines:
            out.print(f"[{'green' if state == 'ok' else 'bold red'}]{state:5}[/] {part}: {told}")
    if any(state != "ok" for _, state, _ in lines):
        raise SystemExit(1)


def _until_signalled() -> threading.Event:
    stop = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: stop.set())
    return stop


def _log_as_json() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def main() -> None:
    """Run one command; every fault of ours becomes words and an exit code here and nowhere else."""
    with faults():
        app()
