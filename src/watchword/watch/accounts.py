"""Accounts as a company lists them: the names a log has for each, its class, and who is behind it."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from watchword.core.account import AccountClass, Status, strictest
from watchword.core.errors import Invalid
from watchword.mistakes import unread
from watchword.watch.printable import meant

_COLUMNS = {
    "keys": ("keys", "target_keys", "names"),
    "class": ("class", "account_class"),
    "groups": ("groups", "group", "memberof", "member_of"),
    "person": ("person", "owner", "employee", "display_name", "name"),
    "unit": ("unit", "department", "business_unit"),
    "vendor": ("vendor", "company", "employer"),
    "status": ("status", "state"),
    "shared": ("shared", "is_shared"),
    "since": ("since", "status_since", "left", "leave_date"),
}
"""What each column may be called, its own name first; a file may have more, which are not read."""

_STATUSES = {
    "": None,
    "active": Status.ACTIVE,
    "leave": Status.ON_LEAVE,
    "on_leave": Status.ON_LEAVE,
    "on leave": Status.ON_LEAVE,
    "leaver": Status.LEAVER,
    "left": Status.LEAVER,
    "terminated": Status.LEAVER,
}
_YES, _NO = frozenset({"yes", "y", "true", "1"}), frozenset({"", "no", "n", "false", "0"})


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account: *keys* are the names a log may have for it, lower case; *where* is the line that says so.

    *why* says what gave the class. *since* is from when the *status* holds (None: always).
    """

    where: str
    keys: tuple[str, ...]
    account_class: AccountClass | None = None
    why: str = ""
    person: str = ""
    unit: str = ""
    vendor: str = ""
    status: Status | None = None
    shared: bool = False
    since: datetime | None = None


class AccountName(msgspec.Struct, frozen=True, kw_only=True, rename={"account_class": "class"}):
    """One name of an account, as a row of the table `account` of a correlation."""

    account: str
    name: str
    account_class: AccountClass | None
    person: str
    unit: str
    vendor: str
    status: Status | None
    shared: bool
    since: datetime | None


class GroupClass(msgspec.Struct, frozen=True, kw_only=True):
    """Groups whose name, or the first part of whose DN, fits *pattern* (`*` and `?`, any case) give this class."""

    pattern: str
    account_class: AccountClass

    def fits(self, group: str) -> bool:
        """Whether *group* is one of them."""
        whole, pattern = group.strip().lower(), self.pattern.lower()
        first = whole.partition(",")[0].partition("=")[2] if whole.startswith(("cn=", "ou=")) else whole
        return fnmatchcase(whole, pattern) or fnmatchcase(first, pattern)


def names_of(account: Account) -> tuple[AccountName, ...]:
    """A row for each name of *account*."""
    return tuple(
        AccountName(
            account=account.where,
            name=key,
            account_class=account.account_class,
            person=account.person,
            unit=account.unit,
            vendor=account.vendor,
            status=account.status,
            shared=account.shared,
            since=account.since,
        )
        for key in account.keys
    )


def read_accounts(file: Path, groups: tuple[GroupClass, ...] = ()) -> tuple[Account, ...]:
    """The accounts of a CSV file in UTF-8, one a line.

    Columns: `keys` (or `target_keys`; names separated by `|`), `class`, `groups` (separated by `|`), `person`, `unit`,
    `vendor`, `status` (active, leave, leaver), `shared` (yes, no), `since` (day the status began). A line needs a key,
    and the file a column `class` or `groups`. *groups* give a class where the column gives none, the strictest if
    several. `Invalid` names the line of what can not be read.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            columns = _columns(reader.fieldnames or (), file)
            return tuple(_accounts(reader, columns, file, groups))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise unread("The accounts file", error, "Give CSV in UTF-8, with the columns keys and class.", file) from error


def read_groups(file: Path) -> tuple[GroupClass, ...]:
    """Which groups give which class: TOML `"pattern" = "class"` under `[groups]`, or CSV `pattern,class`."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix.lower() == ".toml":
            given = tomllib.loads(text).get("groups", {})
            pairs = list(given.items()) if isinstance(given, dict) else []
        else:
            pairs = [(row.get("pattern"), row.get("class")) for row in csv.DictReader(text.splitlines())]
    except (OSError, UnicodeDecodeError, csv.Error, tomllib.TOMLDecodeError) as error:
        raise unread("The groups file", error, "Give TOML with a table groups, or CSV.", file) from error
    found = [
        GroupClass(pattern=str(pattern).strip(), account_class=_class(str(name or ""), f"{file}: {pattern}"))
        for pattern, name in pairs
        if str(pattern or "").strip()
    ]
    if not found:
        raise Invalid(
            "No group is named.",
            'Write `[groups]` and lines such as `"*Admins*" = "privileged"`, or CSV with pattern,class.',
            where=str(file),
        )
    return tuple(found)


def _columns(names: Iterable[str], file: Path) -> dict[str, str]:
    """Which column of the file is which of ours."""
    simple = {name.strip().lower().replace(" ", "_"): name for name in reversed(list(names))}
    found = {ours: simple[name] for ours, known in _COLUMNS.items() for name in reversed(known) if name in simple}
    if "keys" not in found or not {"class", "groups"} & set(found):
        raise Invalid(
            "The columns target_keys and class are not both there.",
            "Write a first line `target_keys,class`.",
            where=str(file),
        )
    return found


def _accounts(
    reader: csv.DictReader[str], columns: dict[str, str], file: Path, groups: tuple[GroupClass, ...]
) -> Iterator[Account]:
    for row in reader:
        where = f"{file}:{reader.line_num}"

        def cell(name: str, row: dict[str, str] = row) -> str:
            return meant((row.get(columns.get(name, "")) or "").strip())

        keys = tuple(dict.fromkeys(key.strip().lower() for key in cell("keys").split("|") if key.strip()))
        if not keys:
            continue
        account_class, why = _class_of(cell("class"), cell("groups"), groups, where)
        yield Account(
            where=where,
            keys=keys,
            account_class=account_class,
            why=why,
            person=cell("person"),
            unit=cell("unit"),
            vendor=cell("vendor"),
            status=_status(cell("status"), where),
            shared=_is_yes(cell("shared"), where),
            since=_day(cell("since"), where),
        )


def _class_of(said: str, member: str, groups: tuple[GroupClass, ...], where: str) -> tuple[AccountClass | None, str]:
    if said:
        return _class(said, where), "the column class says so"
    fits = [
        (group.strip(), each) for group in member.split("|") if group.strip() for each in groups if each.fits(group)
    ]
    given = strictest(each.account_class for _, each in fits)
    if given is None:
        return None, "no group gives a class" if groups else "no class is said"
    group, each = next((group, each) for group, each in fits if each.account_class is given)
    others = len({e.account_class for _, e in fits}) - 1
    return given, f"group {group} fits {each.pattern}" + (f", the strictest of {others + 1}" if others else "")


def _class(name: str, where: str) -> AccountClass:
    try:
        return AccountClass(name.strip().lower().replace(" ", "_").replace("-", "_"))
    except ValueError:
        raise Invalid(
            f"No account class is called {name!r}.", f"Use one of: {', '.join(AccountClass)}.", where=where
        ) from None


def _status(text: str, where: str) -> Status | None:
    try:
        return _STATUSES[text.lower()]
    except KeyError:
        raise Invalid(f"No status is called {text!r}.", "Use active, leave or leaver.", where=where) from None


def _is_yes(text: str, where: str) -> bool:
    if text.lower() not in _YES | _NO:
        raise Invalid(f"{text!r} is neither yes nor no.", "Write yes or no.", where=where)
    return text.lower() in _YES


def _day(text: str, where: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text[:10]), datetime.min.time(), UTC)
    except ValueError:
        raise Invalid(f"{text!r} is no day.", "Write it as 2026-03-31.", where=where) from None
