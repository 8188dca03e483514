"""`watchword watch observe`: what happens to identities today, from logs and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from cyclopts import Parameter
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from watchword.cli.observe_files import write_files
from watchword.cli.observe_words import SAID, by_name, coverage, flags_said, noted, said_at
from watchword.cli.terminal import CONFIG, Json, err, out, print_json
from watchword.core.errors import Invalid
from watchword.feeds import FolderSource, Source, TailSource
from watchword.settings import Settings, load
from watchword.watch.accounts import Account, read_accounts, read_groups
from watchword.watch.engine import Context
from watchword.watch.observe import DAYS, Observation, observe
from watchword.watch.printable import printable
from watchword.watch.providers import Feed, provider_named
from watchword.watch.tenants import demand_tenants_told
from watchword.watch.tickets import Ticket, read_tickets
from watchword.watching import enforced_of, unpacking_of

SHOWN = 5
"""Rows of each list in the terminal; the files have all."""


def command(
    *,
    log: Annotated[
        tuple[str, ...], Parameter(help="A log: PROVIDER[@DIRECTORY]=PATH, a file or a folder. May be repeated.")
    ] = (),
    since: Annotated[
        str | None, Parameter(help="From when on: a day as 2026-03-31, or 30d. 90 days if not said.")
    ] = None,
    tickets: Annotated[Path | None, Parameter(help="CSV export of a ticket system.")] = None,
    zone: Annotated[str, Parameter(help="The zone of the tickets' times that name none.")] = "UTC",
    accounts: Annotated[
        Path | None, Parameter(help="CSV of accounts: keys, class, person, unit, vendor, status …")
    ] = None,
    groups: Annotated[Path | None, Parameter(help="Which groups give which class, as TOML or CSV.")] = None,
    preview: Annotated[bool, Parameter(negative=(), help="Only say which account gets which class, and why.")] = False,
    evidence: Annotated[Path | None, Parameter(help="The desk's evidence table, where there is a desk.")] = None,
    files: Annotated[Path | None, Parameter(name="--out", help="Folder for report.html, report.json and CSV.")] = None,
    rejects: Annotated[Path | None, Parameter(help="Where lines that are no events are kept.")] = None,
    config: Annotated[
        Path | None, Parameter(name=["--config", "-c"], help="The settings file, for its sources and enforced cells.")
    ] = None,
    json: Json = False,
) -> None:
    """Say how every identity-support event of the last 90 days stands: governed, ticketed, or neither.

    Reads logs and writes nothing but the report; no right in any directory is needed.
    """
    known = _accounts(accounts, groups)
    if preview:
        _preview(known, json=json)
        return
    settings = _settings(config, needed=not log)
    feeds = tuple(_feed(one) for one in log) or _configured(settings)
    if settings is not None:
        feeds = tuple(msgspec.structs.replace(feed, unpacking=unpacking_of(settings.watch)) for feed in feeds)
    now = datetime.now(UTC)
    context = Context(
        known=known, tickets=tickets_in(tickets, zone), enforced=enforced_of(settings.watch) if settings else ()
    )
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("read", total=None)
        try:
            seen = observe(
                feeds,
                since=_since(since, now),
                evidence=evidence,
                context=context,
                rejects=rejects,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        except OSError as error:
            raise Invalid(f"It can not be used: {error.strerror}.", "Check the path.", str(error.filename)) from error
    written = () if files is None else write_files(files, seen, now=now)
    if json:
        print_json(seen)
        return
    _show(seen)
    for file in written:
        out.print(f"wrote {escape(printable(str(file)))}")


def tickets_in(file: Path | None, zone: str) -> tuple[Ticket, ...] | None:
    """The tickets of an export, whose times are of *zone* where they name none; what is no ticket is told."""
    if file is None:
        return None
    told, refused = read_tickets(file, _zone(zone))
    for one in refused[:SHOWN]:
        err.print(f"[yellow]no ticket[/] {escape(printable(one.file))} line {one.line}: {escape(one.reason)}")
    if len(refused) > SHOWN:
        err.print(f"[yellow]… and {len(refused) - SHOWN} more lines that are no tickets[/]")
    return told


def _feed(text: str) -> Feed:
    """The feed that `PROVIDER[@DIRECTORY]=PATH` names; a folder is every file in it."""
    name, equals, path = text.partition("=")
    provider, _, directory = name.partition("@")
    if not equals or not path or not provider:
        raise Invalid(
            f"{text!r} does not say whose log it is.",
            "Write it as okta=system-log.jsonl or samba@corp=FOLDER.",
            "--log",
        )
    file = Path(path)
    files: tuple[Path, ...] = (file,)
    if file.is_dir():
        files = tuple(sorted(each for each in file.iterdir() if _is_log(each)))
        if not files:
            raise Invalid("There is no file in this folder.", "Name the folder that has the logs.", where=path)
    return Feed(provider=provider_named(provider), directory=directory or None, files=files)


def _settings(config: Path | None, *, needed: bool) -> Settings | None:
    """The settings, where they are named, or where no log is and they lie here."""
    if config is None and not (needed and CONFIG.is_file()):
        return None
    return load(config or CONFIG)


def _configured(settings: Settings | None) -> tuple[Feed, ...]:
    """What every source of the settings has on this machine: its files, or what came of it so far."""
    sources = settings.watch.feeds if settings else {}
    if settings is None or not sources:
        raise Invalid("No log was named.", "Name one with --log, such as --log okta=system-log.jsonl.", where="--log")
    only = settings.directories[0].name if len(settings.directories) == 1 else None
    feeds = []
    for name, source in sources.items():
        files = _files_of(settings, name, source)
        if files:
            provider = provider_named(source.log_of)
            demand_tenants_told(provider, source.tenants)
            feeds.append(
                Feed(provider=provider, directory=source.directory or only, files=files, tenants=source.tenants)
            )
        else:
            err.print(f"[yellow]nothing is here[/] of the source {name}: {escape(_whence(settings, name, source))}")
    if not feeds:
        raise Invalid(
            "No source of the settings has anything on this machine.",
            "Let `watchword watch follow --once` ask them first, or name a log with --log.",
            where="watch.sources",
        )
    return tuple(feeds)


def _files_of(settings: Settings, name: str, source: Source) -> tuple[Path, ...]:
    """The log itself where it is a file here, and else the spool: what was asked for, or was sent, is kept there."""
    if isinstance(source, TailSource) and (log := settings.path(source.path)).is_file():
        return (log,)
    if isinstance(source, FolderSource) and (folder := settings.path(source.path)).is_dir():
        held = tuple(sorted(file for file in folder.glob(source.pattern) if _is_log(file)))
        if held:
            return held
    spool = settings.path(settings.watch.spools) / name
    return tuple(file for file in sorted(spool.glob("[0-9]*.jsonl")) if file.stat().st_size)


def _whence(settings: Settings, name: str, source: Source) -> str:
    """Where it was looked for."""
    own = str(settings.path(source.path)) if isinstance(source, TailSource | FolderSource) else ""
    return " and ".join(filter(None, (own, str(settings.path(settings.watch.spools) / name))))


def _is_log(file: Path) -> bool:
    return file.is_file() and not file.name.startswith(".")


def _accounts(accounts: Path | None, groups: Path | None) -> tuple[Account, ...]:
    if accounts is None:
        if groups is not None:
            raise Invalid("Groups give classes to accounts.", "Give --accounts with a column groups.", where="--groups")
        return ()
    return read_accounts(accounts, read_groups(groups) if groups is not None else ())


def _since(text: str | None, now: datetime) -> datetime:
    if text is None:
        return now - DAYS
    try:
        if text.endswith("d") and text[:-1].isdecimal():
            return now - timedelta(days=int(text[:-1]))
        day = datetime.fromisoformat(text)
        return day if day.tzinfo else day.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"{text!r} is no day.", "Write it as 2026-03-31, or as 30d.", where="--since") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"No zone is called {name!r}.", "Write it as Europe/Berlin.", where="--zone") from None


def _preview(known: tuple[Account, ...], *, json: bool) -> None:
    if not known:
        raise Invalid("No accounts were given.", "Name them with --accounts.", where="--preview")
    if json:
        for account in known:
            print_json(account)
        return
    table = Table("account", "person", "class", "why", "status", box=None, pad_edge=False)
    for account in known:
        status = ", ".join(filter(None, (account.status, "shared" if account.shared else "")))
        table.add_row(*map(_text, (account.keys[0], account.person, account.account_class or "–", account.why, status)))
    out.print(table)
    none = sum(account.account_class is None for account in known)
    out.print(f"\n{len(known)} accounts, {none} of them without a class.")


def _show(seen: Observation) -> None:
    total = seen.total
    if seen.since is None or seen.until is None:
        out.print("No support event was found.")
    else:
        out.print(
            f"[bold]{total.events:,} support events[/] from {said_at(seen.since)} to {said_at(seen.until)} (UTC): "
            f"[red]{total.ungoverned:,} ungoverned[/], [yellow]{total.ticketed:,} ticketed[/], "
            f"[green]{total.governed:,} governed[/]; {coverage(total)} covered."
        )
    for note in noted(seen):
        out.print(f"[yellow]note[/] {_text(note)}")
    for by in ("directory", "action", "class", "unit", "vendor"):
        groups = [group for group in by_name(seen, by).groups if group.ungoverned][:SHOWN]
        if groups:
            listed = ", ".join(f"{_text(group.label)} {group.ungoverned:,}" for group in groups)
            out.print(f"[bold]ungoverned by {by}[/]: {listed}")
    if seen.flagged:
        out.print("\n[bold]Shared accounts and leavers that act[/]")
        for actor in seen.flagged[:SHOWN]:
            out.print(f"  {_text(actor.who)}: {actor.events:,} events; {flags_said(actor)}")
    if seen.native:
        out.print("\n[bold]Who still resets natively[/]")
        for actor in seen.native[:SHOWN]:
            out.print(f"  {_text(actor.who)}: {actor.ungoverned:,} ungoverned, {actor.ticketed:,} ticketed")
    if seen.first:
        out.print("\n[bold]Look at these first[/]")
        for place, lead in enumerate(seen.first, 1):
            when = said_at(lead.at) if lead.at else "no time"
            out.print(
                f" {place:2}. [red]{SAID[lead.verdict]}[/] {when} {_text(lead.who)} → {_text(lead.whom)}: "
                f"{lead.action}\n     {_text('; '.join(lead.why))}"
            )


def _text(value: str) -> str:
    return escape(printable(value))
