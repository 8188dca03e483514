"""`watchword policy prove`, `diff` and `fix`: which attacker gets in, what a change does about it, and which would."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter, validators
from rich.markup import escape
from rich.table import Table

from watchword.cli import heatmap_page
from watchword.cli.beside import frameworks_listing, listed, scenarios_listing
from watchword.cli.heatmap_table import table
from watchword.cli.terminal import Json, out, print_json
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.errors import Invalid, Unavailable
from watchword.core.ids import AccountId
from watchword.policy.attack import BOUND, AccountAttacks, Analysis, Attack, CellAttacks, prove_account
from watchword.policy.attack import prove as proved
from watchword.policy.bundle import Policy
from watchword.policy.fix import Fix, fixes
from watchword.policy.frameworks import compliance, load_frameworks
from watchword.policy.judgement import judge
from watchword.policy.minutes import minutes
from watchword.policy.roster import Roster, parse
from watchword.policy.scenarios import load_scenarios
from watchword.policy.thresholds import SHIPPED, Miss, Threshold, misses, threshold_of
from watchword.reception import heatmap
from watchword.reception.heatmap import said
from watchword.settings import load

SHIPPED_WORD = "shipped"
NAMED = 20
"""Accounts and cells that are named one by one on the terminal; `--json` has them all."""

Folder = Annotated[Path | None, Parameter(help="A policy folder; the one that ships with Watchword otherwise.")]
FailUnder = Annotated[
    tuple[str, ...],
    Parameter(
        name="--fail-under",
        negative=(),
        help="A threshold: CLASS[,CLASS][/ACTION[,ACTION]]=COST, with ! to allow no attack by one capability alone; "
        "`shipped` stands for those the shipped policy is held to. May be given again.",
    ),
]
RosterFile = Annotated[
    Path | None,
    Parameter(name="--roster", help="JSON with the accounts and the people to look at, as the documents describe it."),
]
Known = Annotated[
    Path | None,
    Parameter(
        name=["--config", "-c"], help="The settings of a Watchword: look at its own accounts, people and policy."
    ),
]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One cell before and after: cost of the cheapest attack (None: none was found) and attacks by one capability."""

    account_class: AccountClass
    action: Action
    before: int | None
    after: int | None
    single_before: int
    single_after: int
    attack: Attack | None

    @property
    def worse(self) -> bool:
        """Whether an attacker has it easier now."""
        return (_cost(self.after), -self.single_after) < (_cost(self.before), -self.single_before)


class _Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at: a policy, the people around it where they are given, one account, and what ids go by."""

    policy: Policy
    people: Roster | None
    account: AccountId | None = None
    names: dict[str, str] = {}

    def said(self, text: str) -> str:
        """*text* with ids as people know them, ready to print."""
        for one, name in self.names.items():
            text = text.replace(one, name)
        return escape(text)


def prove(
    folder: Folder = None,
    /,
    *,
    account: Annotated[str | None, Parameter(help="One account of the roster, action by action.")] = None,
    account_class: Annotated[
        AccountClass | None, Parameter(name="--class", help="With --path: only this class.")
    ] = None,
    action: Annotated[Action | None, Parameter(help="With --path: only this action.")] = None,
    path: Annotated[bool, Parameter(name="--path", negative=(), help="Print the cheapest path step by step.")] = False,
    roster: RosterFile = None,
    config: Known = None,
    scenarios: Annotated[Path | None, Parameter(help="Scenarios of your own, beside those that ship.")] = None,
    svg: Annotated[Path | None, Parameter(help="Write the heat-map as a picture to this file.")] = None,
    html: Annotated[Path | None, Parameter(help="Write the heat-map, frameworks and scenarios as a page.")] = None,
    fail_under: FailUnder = (),
    bound: Annotated[
        int,
        Parameter(
            validator=validators.Number(gte=1, lte=12),
            help="Follow attacks up to this cost wherever they lead; dearer takes longer.",
        ),
    ] = BOUND,
    json: Json = False,
) -> None:
    """Compute the cheapest attack on every account class and action, or on one account, and show the map.

    What a published standard says of each cell, and which of the known scenarios the policy stops, stand beside it.
    Exit code 1 when something falls short of --fail-under; infrastructure (the directory's administrators, vendors'
    standing rights, Watchword's own servers) is shown in a column of its own and never counts there.
    """
    thresholds = tuple(t for text in fail_under for t in _thresholds(text))
    looked = _subject(folder, roster, config, account)
    policy, people = looked.policy, looked.people
    if account is not None:
        if thresholds:
            raise Invalid("Thresholds are about classes, not one account.", "Leave out one of the two.", "fail-under")
        _one(looked, bound=bound, as_json=json, path=path)
        return
    analysis = proved(policy, people, bound=bound)
    held = compliance(policy, frameworks := load_frameworks())
    # A roster need not hold every class that a scenario is about: those are about the policy.
    whole = analysis if people is None else proved(policy, bound=bound)
    verdicts = tuple(judge(policy, whole, one) for one in load_scenarios(policy, scenarios))
    short = misses(analysis, thresholds)
    today = datetime.now(UTC).date()
    listings = (frameworks_listing(frameworks, held), scenarios_listing(verdicts))
    if svg is not None:
        _write(svg, heatmap.svg(analysis, on=today))
    if html is not None:
        _write(html, heatmap_page.html(analysis, on=today, listings=listings))
    if json:
        print_json({"analysis": analysis, "compliance": held, "scenarios": verdicts, "misses": short})
    elif path:
        _paths(looked, analysis, account_class, action)
    else:
        out.print(table(analysis))
        _noted(looked, analysis)
        for listing in listings:
            out.print(listed(listing))
        _accounts(looked, analysis)
    if not json:
        _short(short)
        if thresholds and not short:
            out.print(f"[green]holds[/]: no cell falls short of {len(thresholds)} thresholds")
    if short:
        raise SystemExit(1)


def diff(
    old: Annotated[Path, Parameter(help="The folder of the policy before.")],
    new: Annotated[Path, Parameter(help="The folder of the policy after.")],
    /,
    *,
    roster: RosterFile = None,
    json: Json = False,
) -> None:
    """Say what a change of policy makes cheaper and dearer for an attacker (exit code 1 when anything got cheaper)."""
    people = _roster(roster)
    before, after = (proved(Policy.load(folder), people) for folder in (old, new))
    changes = tuple(_changes(before, after))
    if json:
        print_json({"old": before.policy, "new": after.policy, "changes": changes})
    else:
        for title, some in (
            ("cheaper for an attacker", [c for c in changes if c.worse]),
            ("dearer for an attacker", [c for c in changes if not c.worse]),
        ):
            out.print(_changed(title, some) if some else f"Nothing got {title}.")
    if any(c.worse for c in changes):
        raise SystemExit(1)


def fix(
    folder: Folder = None,
    /,
    *,
    fail_under: FailUnder = (SHIPPED_WORD,),
    most: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=20), help="Proposals to find.")] = 3,
    json: Json = False,
) -> None:
    """Propose the smallest edits of a policy that meet the thresholds, cheapest for people first; writes nothing.

    Exit code 1 when the policy falls short and nothing that was tried meets them.
    """
    policy = Policy.load(folder) if folder else Policy.default()
    thresholds = tuple(t for text in fail_under for t in _thresholds(text))
    short = misses(proved(policy), thresholds)
    with out.status("Trying edits: each is analysed whole"):
        found = fixes(policy, thresholds, most=most) if short else ()
    if json:
        print_json({"misses": short, "fixes": found, "minutes": tuple(minutes().values())})
    else:
        _fixes(short, found)
    if short and not found:
        raise SystemExit(1)


def _short(short: tuple[Miss, ...]) -> None:
    """Each cell that falls short of a threshold, and why."""
    for miss in short:
        out.print(f"[red]falls short[/] {said(miss.account_class)}, {said(miss.action)}: {escape(miss.why)}")


def _fixes(short: tuple[Miss, ...], found: tuple[Fix, ...]) -> None:
    if not short:
        out.print("[green]holds[/]: there is nothing to propose")
        return
    _short(short)
    for number, one in enumerate(found, 1):
        cost = one.effort
        costs = f"{cost.work_minutes:+} min of work, {cost.approvals:+} approvals, {cost.hold_minutes:+} min of waiting"
        out.print(f"[bold]{number}.[/] {costs}")
        for loss in one.losses:
            out.print(f"   [yellow]lost[/]: {escape(loss)}")
        for edit in one.edits:
            out.print(f"   {escape(str(edit))}")
    if not found:
        out.print("Nothing that was tried meets them: raise several cells by hand and look again.")
    else:
        out.print("Minutes are assumptions, one case each; nothing was written.", style="dim")


def _subject(folder: Path | None, roster: Path | None, config: Path | None, account: str | None) -> _Looked:
    """The policy and the people to look at; people of a Watchword's own ledger where its settings are given."""
    if config is None:
        policy = Policy.load(folder) if folder else Policy.default()
        return _Looked(policy=policy, people=_roster(roster), account=AccountId(account) if account else None)
    if roster is not None:
        raise Invalid("A roster and the people of a ledger are two things.", "Give --roster or --config.", "roster")
    from watchword.app import App as Running
    from watchword.desk.exposure import account_called, known_to, spoken

    with Running(load(config), executes=False) as running:
        people = known_to(running.registry, running.clock())
        return _Looked(
            policy=Policy.load(folder) if folder else running.policy,
            people=people,
            account=account_called(running.registry, running.directories, account) if account else None,
            names=spoken(running.registry, people),
        )


def _roster(file: Path | None) -> Roster | None:
    if file is None:
        return None
    try:
        return parse(file.read_bytes().decode("utf-8"), str(file))
    except OSError as error:
        raise Invalid(f"The file can not be read: {error.strerror}.", "Check the path.", str(file)) from error
    except UnicodeDecodeError as error:
        raise Invalid(f"Byte {error.start} is no UTF-8.", "Save the file as UTF-8.", str(file)) from error


def _thresholds(text: str) -> tuple[Threshold, ...]:
    return SHIPPED if text == SHIPPED_WORD else (threshold_of(text),)


def _one(looked: _Looked, *, bound: int, as_json: bool, path: bool) -> None:
    if looked.people is None or looked.account is None:
        raise Invalid(
            "An account is looked at among the people around it.", "Give --roster FILE, or --config.", "account"
        )
    analysis = prove_account(looked.policy, looked.people, looked.account, bound=bound)
    rows = analysis.accounts
    if as_json:
        print_json({"analysis": analysis})
        return
    if path:
        for row in rows:
            _path(looked, f"{row.account}, {said(row.action)}", row)
        _noted(looked, analysis)
        return
    table = Table("action", "cheapest", "alone", "needs", "infrastructure", box=None, pad_edge=False)
    for row in rows:
        first, around = next(iter(row.attacks), None), next(iter(row.infrastructure), None)
        table.add_row(
            said(row.action) + (" (denied)" if row.denied else ""),
            "-" if row.cheapest is None else str(row.cheapest),
            str(row.single or "-"),
            looked.said(_needs(first)),
            looked.said(_needs(around)),
        )
    out.print(f"[bold]{looked.said(looked.account)}[/], {said(rows[0].account_class)}")
    out.print(table)
    _noted(looked, analysis)


def _noted(looked: _Looked, analysis: Analysis) -> None:
    """What was not followed, what was taken for granted, and what nobody can do."""
    for note in analysis.notes:
        out.print(looked.said(note), style="dim")


def _path(looked: _Looked, title: str, row: CellAttacks | AccountAttacks) -> None:
    """One path, the cheapest an outsider has; else the cheapest through infrastructure."""
    attack = next(iter((*row.attacks, *row.infrastructure)), None)
    if attack is None:
        out.print(f"[bold]{looked.said(title)}[/]: no attack was found")
        return
    around = ", through infrastructure" if attack.infrastructure else ""
    out.print(f"[bold]{looked.said(title)}[/]: cost {attack.cost}{around}: {looked.said(_needs(attack))}")
    for number, step in enumerate(attack.steps, 1):
        needs = f" with {' + '.join(map(str, step.needs))}" if step.needs else ""
        out.print(f"  {number}. {looked.said(step.what + needs)}")


def _paths(looked: _Looked, analysis: Analysis, account_class: AccountClass | None, action: Action | None) -> None:
    """The path of every cell, or of those of one class or action."""
    cells = (c for c in analysis.cells if account_class in {None, c.account_class} and action in {None, c.action})
    for cell in cells:
        _path(looked, f"{said(cell.account_class)}, {said(cell.action)}", cell)
    _noted(looked, analysis)


def _accounts(looked: _Looked, analysis: Analysis) -> None:
    """The accounts of a roster that are cheapest to take over."""
    rows = [row for row in analysis.accounts if row.cheapest is not None]
    if not rows:
        return
    rows.sort(key=lambda row: (_cost(row.cheapest), -row.account_class.rank, row.account, row.action))
    table = Table("account", "class", "action", "cheapest", "needs", box=None, pad_edge=False)
    for row in rows[:NAMED]:
        needs = looked.said(_needs(row.attacks[0]))
        name = looked.said(row.account)
        table.add_row(name, said(row.account_class), said(row.action), str(row.cheapest), needs)
    out.print(f"[bold]Cheapest of {len({row.account for row in analysis.accounts}):,} accounts[/]")
    out.print(table)


def _changes(before: Analysis, after: Analysis) -> Iterator[Change]:
    known = {(c.account_class, c.action): c for c in before.cells}
    for cell in after.cells:
        was = known.get((cell.account_class, cell.action))
        if was is None or (was.cheapest, was.single) == (cell.cheapest, cell.single):
            continue
        yield Change(
            account_class=cell.account_class,
            action=cell.action,
            before=was.cheapest,
            after=cell.cheapest,
            single_before=was.single,
            single_after=cell.single,
            attack=next(iter(cell.attacks), None),
        )


def _changed(title: str, changes: list[Change]) -> Table:
    table = Table("class", "action", "before", "after", "alone before", "alone after", "cheapest now", pad_edge=False)
    table.title, table.title_justify = f"{len(changes)} {title}", "left"
    for one in changes:
        before, after = ("none" if cost is None else str(cost) for cost in (one.before, one.after))
        alone = (str(one.single_before), str(one.single_after))
        table.add_row(said(one.account_class), said(one.action), before, after, *alone, escape(_needs(one.attack)))
    return table


def _needs(attack: Attack | None) -> str:
    return "-" if attack is None else " + ".join(map(str, attack.needs)) or "nothing"


def _cost(cost: int | None) -> int:
    return 1_000 if cost is None else cost


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Unavailable(
            f"{file} can not be written: {error.strerror}.", "Name a file in a folder that is there."
        ) from error
    out.print(f"Written: {escape(str(file))}")
