"""`watchword watch accounts`: who is in a directory, in which groups, and which class those would give."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from watchword.cli.terminal import CONFIG, Config, Json, out, print_json
from watchword.core.account import Status, strictest
from watchword.core.errors import Invalid
from watchword.settings import Settings, load
from watchword.watch.accounts import GroupClass, read_groups
from watchword.watch.printable import inert, printable

if TYPE_CHECKING:
    from watchword.directories.port import Listed

EXAMPLES = 3
COLUMNS = ("keys", "person", "employee", "unit", "vendor", "class", "status", "groups")


def command(
    *,
    directory: Annotated[str, Parameter(help="The directory of the settings that is read.")],
    groups: Annotated[Path | None, Parameter(help="Which groups give which class, instead of the settings.")] = None,
    to: Annotated[Path | None, Parameter(help="A new CSV, for observe and watch.accounts.")] = None,
    config: Config = CONFIG,
    json: Json = False,
) -> None:
    """Read everybody and their groups from a directory, and show which group would give whom which class.

    Needs the right to read, and changes nothing. With --to the accounts are kept as CSV, once the list looks right.
    """
    from watchword.adapters import listed_in

    settings = load(config)
    known = listed_in(settings, directory, lambda: datetime.now(UTC))
    given = read_groups(groups) if groups is not None else _configured(settings, directory)
    preview = _preview(known, given)
    if json:
        for row in preview:
            print_json(row)
    else:
        _show(known, given, preview)
    if to is not None:
        _write(to, known, given, _statuses(settings, directory))
        if not json:
            out.print(f"wrote {escape(printable(str(to)))}")


def _configured(settings: Settings, name: str) -> tuple[GroupClass, ...]:
    """The groups of the settings, each by its whole DN."""
    part = next(one for one in settings.directories if one.name == name)
    classes = getattr(part, "classes", {})
    return tuple(GroupClass(pattern=_exactly(dn), account_class=given) for dn, given in classes.items())


def _statuses(settings: Settings, name: str) -> dict[str, Status]:
    """Which groups of the settings say that somebody has left, or is away; DNs in lower case."""
    part = next(one for one in settings.directories if one.name == name)
    return {dn.lower(): status for dn, status in getattr(part, "statuses", {}).items()}


def _exactly(dn: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in dn)


def _preview(known: tuple[Listed, ...], given: tuple[GroupClass, ...]) -> list[dict[str, object]]:
    """Each group with the class it gives, how many are in it, and some of them; those that give one first."""
    members: dict[str, list[str]] = {}
    for account in known:
        for group in account.groups:
            members.setdefault(group, []).append(account.login)
    rows: list[dict[str, object]] = [
        {
            "group": group,
            "class": strictest(each.account_class for each in given if each.fits(group)),
            "accounts": len(logins),
            "examples": logins[:EXAMPLES],
        }
        for group, logins in members.items()
    ]
    return sorted(rows, key=lambda row: (row["class"] is None, str(row["class"]), str(row["group"])))


def _show(known: tuple[Listed, ...], given: tuple[GroupClass, ...], preview: list[dict[str, object]]) -> None:
    table = Table("group", "class", "accounts", "such as", box=None, pad_edge=False)
    for row in preview:
        examples = row["examples"]
        such = ", ".join(examples) if isinstance(examples, list) else ""
        table.add_row(*map(_text, (str(row["group"]), str(row["class"] or "–"), str(row["accounts"]), such)))
    out.print(table)
    none = sum(_class_of(account, given) is None for account in known)
    out.print(f"\n{len(known)} accounts, {none} of them without a class.")


def _class_of(account: Listed, given: tuple[GroupClass, ...]) -> str | None:
    return strictest(each.account_class for group in account.groups for each in given if each.fits(group))


def _status_of(account: Listed, statuses: dict[str, Status]) -> str:
    """The gravest that the account's groups say; nothing where none of them says any."""
    said = [statuses[group.lower()] for group in account.groups if group.lower() in statuses]
    return max(said, key=list(Status).index).value if said else ""


def _write(file: Path, known: tuple[Listed, ...], given: tuple[GroupClass, ...], statuses: dict[str, Status]) -> None:
    rows = [
        (
            _joined(account.keys),
            account.person,
            account.employee,
            account.unit,
            account.vendor,
            _class_of(account, given) or "",
            _status_of(account, statuses),
            _joined(account.groups),
        )
        for account in known
    ]
    try:
        with file.open("x", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows((COLUMNS, *(map(inert, row) for row in rows)))
    except FileExistsError:
        raise Invalid("There is such a file already.", "Name another, or move it away.", where=str(file)) from None
    except OSError as error:
        raise Invalid(f"It can not be written: {error.strerror}.", "Check the path.", where=str(file)) from error


def _joined(names: tuple[str, ...]) -> str:
    """Names as one cell; one with the separator in it is left out, for it would be two others."""
    return "|".join(name for name in names if "|" not in name)


def _text(value: str) -> str:
    return escape(printable(value))
