"""`watchword policy`: what each recovery needs, whether the policy holds, and which one is active."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter, validators
from rich.markup import escape

from watchword.cli import threat
from watchword.cli.activation import activate, drifted, propose, restore
from watchword.cli.prove import diff, fix, prove
from watchword.cli.replay import replay
from watchword.cli.terminal import CONFIG, Config, Json, out, print_json
from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.requirement import Context
from watchword.policy.bundle import Policy
from watchword.policy.check import check as check_policy
from watchword.policy.contexts import every_context
from watchword.policy.explain import Explanation, explain
from watchword.settings import load

app = App(name="policy")
app.command(prove)
app.command(diff)
app.command(fix)
app.command(propose)
app.command(activate)
app.command(restore)
app.command(replay)
app.command(threat.app)

NORMAL = Context()
"""What is assumed where nothing is said, here as where a case is opened: nothing is known of the caller."""

Folder = Annotated[Path | None, Parameter(help="A policy folder; the one that ships with Watchword otherwise.")]


@app.command
def check(
    folder: Folder = None,
    /,
    *,
    config: Annotated[
        Path | None, Parameter(help="The settings of a Watchword: hold its policy against the active one as well.")
    ] = None,
    json: Json = False,
) -> None:
    """Check a whole policy and name every mistake with file, line and remedy (exit code 1 when there is one).

    With --config it is the policy of those settings, and one that is not the active one is a mistake too. On a SQLite
    ledger `watchword serve` must not run meanwhile.
    """
    settings = load(config) if config else None
    if folder is None and settings is not None and settings.policy is not None:
        folder = settings.path(settings.policy)
    with resources.as_file(resources.files("watchword.policy") / "default") as shipped:
        mistakes = check_policy(folder or shipped)
    if settings is not None:
        mistakes += drifted(settings, folder)
    if json:
        print_json(mistakes)
    else:
        for mistake in mistakes:
            out.print(escape(str(mistake)))
        if not mistakes:
            cells = len(AccountClass) * len(Action)
            contexts = sum(1 for _ in every_context())
            told = f"{cells} cells in {contexts:,} contexts, every one answered or denied, none weaker than it may be"
            out.print(f"[bold green]sound[/]: {told}; nobody takes two steps that are kept apart")
    if mistakes:
        raise SystemExit(1)


@app.command(name="explain")
def explain_(
    *,
    account_class: Annotated[AccountClass, Parameter(name="--class")],
    action: Action,
    person: Annotated[str | None, Parameter(help="A login; needs the ledger of --config.")] = None,
    step: Step | None = None,
    channel: str = NORMAL.channel,
    location: str = NORMAL.location,
    device: str = NORMAL.device,
    risk: str = NORMAL.risk,
    situation: str = NORMAL.situation,
    elevated_threat: bool = False,
    repeat: Annotated[
        int,
        Parameter(validator=validators.Number(gte=0), help="Recoveries of this account completed within seven days."),
    ] = 0,
    folder: Folder = None,
    config: Config = CONFIG,
    json: Json = False,
) -> None:
    """Say what a class and action need in this context, why, and with --person and --step who may take it."""
    context = Context(
        channel=channel,
        location=location,
        device=device,
        risk=risk,
        situation=situation,
        elevated_threat=elevated_threat,
    )
    policy = Policy.load(folder) if folder else Policy.default()
    if person is None:
        told = explain(policy, account_class, action, context, completed_recoveries_7d=repeat)
    else:
        from watchword.app import App as Running

        with Running(load(config), executes=False) as running:
            told = explain(
                running.policy,
                account_class,
                action,
                context,
                completed_recoveries_7d=repeat,
                person=running.registry.person(running.names.person(person)),
                step=step or Step.OPEN,
                at=running.clock(),
            )
    if json:
        print_json(told)
    else:
        _show(told)
    if told.refused or (told.ruling is not None and not told.ruling.allowed):
        raise SystemExit(3)


def _show(told: Explanation) -> None:
    out.print(f"[bold]{told.cell}[/] under {told.policy[:19]}…")
    for line in told.refused:
        out.print(f"  [red]refused[/]: {escape(line)}")
    for line in told.words:
        out.print(f"  {escape(line)}")
    for line in told.raised:
        out.print(f"  [yellow]raised[/]: {escape(line)}")
    if told.sufficient:
        ways = " or ".join(" + ".join(way) for way in told.sufficient)
        out.print(f"  enough: {escape(ways)}")
    if told.ruling is not None:
        verdict = "[green]may[/]" if told.ruling.allowed else "[red]may not[/]"
        out.print(f"  this person {verdict} {told.ruling.step}: {escape(', '.join(told.ruling.reasons))}")
