"""`watchword`: the commands, in the order somebody meets them."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import structlog
from cyclopts import App, Parameter
from rich.markup import escape

from watchword import __version__
from watchword.cli.ending import until_signalled
from watchword.cli.password import PasswordFile, new_password
from watchword.cli.terminal import CONFIG, Config, Json, faults, out, print_json
from watchword.core.errors import Invalid
from watchword.settings import load

if TYPE_CHECKING:
    from watchword.app import App as Running

COLLECT = (20_000, 20, 50)
"""How rarely a desk looks for what refers to itself: nearly nothing of a case does, and looking took a tenth of it."""

app = App(
    name="watchword",
    version=__version__,
    help="Identity recovery, governed like privileged access.",
    version_flags=["--version"],
)
PARTS = {
    "case": "Recovery cases, step by step.",
    "approvals": "The page on which approvers sign.",
    "people": "People, their roles, delegations, accounts and credentials.",
    "policy": "What each recovery needs, and who may do what.",
    "ledger": "The evidence: status, proof, copy, export, erasure, hold.",
    "evidence": "Evidence bundles: export, verify.",
    "watch": "Verdicts on the directories' own logs.",
}
for part, told in PARTS.items():
    # By its name: a command imports what it needs, and none what the others do, which took seconds of every start.
    app.command(f"watchword.cli.{part}:app", name=part, help=told)


@app.command
def demo(
    *,
    check: Annotated[bool, Parameter(negative=(), help="Play the story, assert its outcomes, and exit.")] = False,
    directory: Annotated[str, Parameter(help="sandbox, or samba where it is installed (as root).")] = "sandbox",
    port: int = 8787,
    evidence: Annotated[Path | None, Parameter(help="Keep the executive's evidence bundle in this file.")] = None,
) -> None:
    """Play the story of a sample organisation through the real API, then keep the console up until Ctrl-C."""
    from watchword.cli.demo.play import play, setting

    if evidence is not None and evidence.exists():
        raise Invalid(f"{evidence} is there already.", "Name a new file.", where="--evidence")
    play(setting(directory), check=check, port=port, evidence=evidence)


@app.command
def init(
    home: Path = Path(),
    /,
    *,
    origin: Annotated[str, Parameter(help="The ledger's name, for ever, such as desk.example.test.")],
    administrator: Annotated[str, Parameter(help="The first administrator's login.")],
    url: Annotated[str, Parameter(help="sqlite:///FILE, or postgresql://USER@HOST/DATABASE.")] = "sqlite:///ledger.db",
    port: Annotated[int, Parameter(help="Where the console listens.")] = 8787,
    password_file: PasswordFile = None,
) -> None:
    """Write a commented watchword.toml and keys in HOME, and found the ledger: parts, first administrator, policy.

    Without --password-file the administrator's password is asked for.
    """
    from watchword.cli.founding import found_at

    digest = found_at(
        home, origin=origin, administrator=administrator, password=new_password(password_file), url=url, port=port
    )
    out.print(f"Founded [bold]{escape(origin)}[/] in {escape(str(home))}: policy {digest[:19]}… is active.")
    out.print("Print downtime.html, fill it in and seal it: it is what to do on the day Watchword is down.")
    out.print("Keep copies of keys/ apart from the database. Next: [bold]watchword serve[/].")


@app.command
def serve(*, config: Config = CONFIG, executor: bool = True) -> None:
    """Run the console, the API and the runner. With --no-executor, `watchword execute` does the changes."""
    from watchword.app import App as Running
    from watchword.cli.serving import serving

    _log_as_json()
    stop = until_signalled()
    with Running(load(config), executes=executor) as running, serving(running) as url, running.delivering():
        _tell_drift(running)
        out.print(f"Watchword is at [bold]{escape(url)}[/]; Ctrl-C ends it.")
        sys.stdout.flush()
        gc.collect()
        gc.freeze()  # what was read at the start stays: walked through again and again, it took a fifth of a case
        before = gc.get_threshold()
        gc.set_threshold(*COLLECT)
        try:
            running.run(running.runner_of(desk=True, executor=executor), stop)
        finally:
            gc.set_threshold(*before)
            gc.unfreeze()  # or what was never let go of is complained of at the very end


@app.command
def execute(*, config: Config = CONFIG, once: bool = False, json: Json = False) -> None:
    """Run the executor alone: the only holder of directory credentials; no inbound port, or one for metrics.

    --once does what is due, and ends.
    """
    from watchword.app import App as Running
    from watchword.cli.listening import measured

    _log_as_json()
    stop = until_signalled()
    with Running(load(config)) as running:
        _tell_drift(running)
        runner = running.runner_of(desk=False, executor=True)
        if not once:
            part = running.settings.metrics
            with measured(running.metrics, part.execute if part else None):
                running.run(runner, stop, watches=False)
            return
        done = runner.drain(running.clock())
    if json:
        print_json({"effects": done})
    else:
        out.print(f"{done} effect(s) done.")


@app.command
def doctor(*, config: Config = CONFIG, json: Json = False) -> None:
    """Say what is configured, what answers, and what to do (exit code 1 when something is wrong)."""
    from watchword.cli.doctor import examine

    findings = tuple(examine(load(config)))
    if json:
        print_json(findings)
    else:
        colours = {"ok": "green", "warn": "yellow", "held": "yellow", "wrong": "bold red"}
        for one in findings:
            out.print(f"[{colours[one.state]}]{one.state:5}[/] {escape(one.part)}: {escape(one.told)}")
    if any(one.state == "wrong" for one in findings):
        raise SystemExit(1)


def _tell_drift(running: Running) -> None:
    """Say at the start that the policy is not the active one: everything waits, and nobody would see why."""
    from watchword.reception.policy import drift_of

    standing = running.activation.standing(running.clock())
    if told := drift_of(standing):
        structlog.get_logger("watchword.cli").warning(
            "policy.drift", told=told, active=standing.active, running=standing.running
        )


def _log_as_json() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def main(words: Sequence[str] | None = None) -> None:
    """Run the command in *words*, those of the process by default; every fault becomes words and an exit code here."""
    # What is printed on standard output is the answer, with --json one value: what happens beside it goes elsewhere.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    with faults():
        app(words, print_error=False, exit_on_error=False)
