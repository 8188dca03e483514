"""Whose account a log is about: by the directory's own id, as the desk knows it, and by the list of accounts.

A name that two accounts of the list have is neither's: what is found under it stays apart.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

import structlog

from watchword.core.errors import Invalid
from watchword.core.ids import AccountId
from watchword.watch.accounts import Account, read_accounts
from watchword.watch.evidence_diff import signature

log = structlog.get_logger("watchword.watch.whose")


def bare(name: str) -> str:
    r"""The login in a *name* that says its domain too, `DOMAIN\login`, in lower case; else the name."""
    return name.lower().rpartition("\\")[2]


def goes_by(name: str, keys: Collection[str]) -> bool:
    r"""Whether *name*, as a log writes it, is one of an account's *keys* (lower case), or its login within its domain.

    That is `DOMAIN\login` or `login@domain`, where a DN or a principal name among the keys is of that domain.
    """
    name = name.lower()
    if name in keys:
        return True
    before, slash, login = name.rpartition("\\")
    if not slash:
        login, _, before = name.rpartition("@")
    if not before or login not in keys:
        return False
    domains = {".".join(_PART.findall(key)) for key in keys} | {key.rpartition("@")[2] for key in keys if "@" in key}
    return before in domains | {domain.partition(".")[0] for domain in domains}


_PART = re.compile(r"(?:^|,)dc=([^,]+)")


class Desk(Protocol):
    """What the desk knows of accounts; see `desk.followers.Names`."""

    def account(self, directory: str, native_id: str, /) -> AccountId | None:
        """The account that a directory has under an id of its own."""

    def native(self, account: AccountId, /) -> tuple[str, str] | None:
        """Directory and id of an account."""


class Whose:
    """Knows the accounts of *desk* in its *directories*, and those of the CSV *file* (`accounts.read_accounts`).

    The file is read when something is asked, and again when it changed; one that can not be read leaves what was known.
    """

    def __init__(self, desk: Desk | None = None, directories: tuple[str, ...] = (), file: Path | None = None) -> None:
        self._desk, self._directories, self._file = desk, directories, file
        self._lock = threading.Lock()
        self._seen: tuple[tuple[str, int, int], ...] = ()
        self._lines: dict[str, tuple[Account, ...]] = {}

    def desk_account(self, directory: str | None, name: str) -> AccountId | None:
        """The desk's account of that id, or of that native id in *directory* (None: in any); None where it has none."""
        if self._desk is None:
            return None
        if self._desk.native(AccountId(name)) is not None:
            return AccountId(name)
        places = self._directories if directory is None else (directory,)
        found = {account for one in places if (account := self._desk.account(one, name)) is not None}
        return found.pop() if len(found) == 1 else None

    def account(self, directory: str | None, name: str) -> str | None:
        """What stands for the account that a log of *directory* calls *name*, whatever else it is called.

        The desk's own id of it, else the first name that the list has for it; None where nobody knows, or where two
        are called so.
        """
        if (known := self.desk_account(directory, name)) is not None:
            return known
        line = self.line(name)
        if line is None:
            return None
        found = {account for key in line.keys if (account := self.desk_account(directory, key)) is not None}
        return found.pop() if len(found) == 1 else self._own(line)[0]

    def names(self, directory: str | None, name: str) -> frozenset[str]:
        """Every name of that account that no other has, and *name*, in lower case."""
        line, account = self.line(name), self.account(directory, name)
        own = self._own(line) if line else ()
        native = self._desk.native(AccountId(account)) if account and self._desk is not None else None
        return frozenset(one.lower() for one in (name, *own, account, native and native[1]) if one)

    def line(self, name: str) -> Account | None:
        """The one account of the list that a log or the desk calls *name*; None where none or several are."""
        lines = self._known()
        native = self._desk.native(AccountId(name)) if self._desk is not None else None
        found = lines.get(name.lower(), ()) or (lines.get(native[1].lower(), ()) if native else ())
        return found[0] if len(found) == 1 else None

    def _own(self, line: Account) -> tuple[str, ...]:
        """The names that *line* shares with no other."""
        lines = self._known()
        return tuple(key for key in line.keys if lines.get(key) == (line,)) or line.keys

    def _known(self) -> dict[str, tuple[Account, ...]]:
        if self._file is None:
            return self._lines
        with self._lock:
            if (seen := signature(self._file)) != self._seen:
                self._seen = seen
                try:
                    self._lines = _by_name(read_accounts(self._file) if seen else ())
                except Invalid as fault:  # the watch tells of it as a finding
                    log.warning("accounts.unusable", why=str(fault))
            return self._lines


def _by_name(accounts: tuple[Account, ...]) -> dict[str, tuple[Account, ...]]:
    found: dict[str, tuple[Account, ...]] = {}
    for account in accounts:
        for key in account.keys:
            found[key] = (*found.get(key, ()), account)
    return found
