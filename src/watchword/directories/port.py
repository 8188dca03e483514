"""What Watchword asks of a directory: to find and read accounts, do one change, and prove that it was done.

The rules every adapter keeps (and `contract.DirectoryContract` tests):

1. Only the errors of `core.errors` come out: `Invalid` for a name or value that is wrong, `Refused` when the directory
   or its protection says no, `Unavailable` when it does not answer.
2. Nothing is ever tried twice. After `Unavailable` from `apply` nobody knows whether the change was done: the caller
   asks `confirm`, with the version it took from `before`, and decides.
3. A search is exact. Text from a caller is a value, never a pattern or a piece of a query.
4. Secrets pass through `apply` and nowhere else: no receipt, error, log line or representation holds one.
5. Safe to call from several threads and processes.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol, get_args, runtime_checkable

import msgspec

from watchword.core.account import DirectoryAccount
from watchword.core.change import Change, Receipt

KINDS: frozenset[str] = frozenset(str(kind.__struct_config__.tag) for kind in get_args(Change))
"""The tags of every kind of change: what `capabilities` answers from."""


def kind_of(change: Change) -> str:
    """Return the tag of a change's kind, such as `reset_password`."""
    return str(change.__struct_config__.tag)


class Confirmation(StrEnum):
    """What a read-back says about a change."""

    DONE = "done"
    NOT_DONE = "not_done"
    UNKNOWN = "unknown"


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """The directory says that *attribute* (its own name) of the account changed, at its own time *at* (UTC)."""

    native_id: str
    attribute: str
    at: datetime


class Directory(Protocol):
    """One directory, reached as one principal with no more rights than a recovery needs."""

    @property
    def name(self) -> str:
        """Name of this directory in settings, receipts and evidence."""

    @property
    def simulated(self) -> bool:
        """True when no real account can be changed here; every page then says so."""

    @property
    def principal_keys(self) -> tuple[str, ...]:
        """Every name its log may use for the principal we act as, lower case; raises as every call does."""

    def find(self, query: str) -> tuple[DirectoryAccount, ...]:
        """Return every account whose login, mail, display name or native id is *query*, exactly but for case.

        Several answers are an ambiguous name and all of them are given; none is an empty tuple. No character of
        *query* has a meaning.
        """

    def read(self, native_id: str) -> DirectoryAccount:
        """Return the account as it is now; `Invalid` when there is none with this id."""

    def before(self, native_id: str, change: Change) -> str:
        """Return the directory's version of what *change* will touch: take it, keep it, and only then apply.

        Opaque, and free of personal data; `Invalid` when the account is gone.
        """

    def apply(
        self, native_id: str, change: Change, effect_id: str, secret: str | None = None, value: str | None = None
    ) -> Receipt:
        """Do the change once and return the directory's proof of it.

        *secret* is the new credential, made by the executor, for a change with `yields_credential`; *value* is the
        new contact value for `SetContact`. *effect_id* goes to directories that take an idempotency key; others
        ignore it. `Refused` when the directory says no, or the kind is not in `capabilities`: nothing was done.
        `Invalid` when the account is gone or what the change needs is missing: nothing was done. `Unavailable`:
        unknown, see rule 2.
        """

    def confirm(self, native_id: str, change: Change, before: str) -> Confirmation:
        """Say whether *change* was done since *before* was taken.

        `UNKNOWN` when somebody else changed the same thing too, so that neither answer would be honest.
        """

    def changes(self, since: datetime) -> tuple[Changed, ...]:
        """Return what the directory says changed in what recoveries touch, at or after *since*, oldest first."""

    def capabilities(self) -> frozenset[str]:
        """Return the kinds of change (`kind_of`) that this directory can do; no call to it is made."""

    def check(self) -> tuple[str, ...]:
        """Return lines for `doctor`: how it is reached, as whom, and what is missing; raises as every call does."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One account: the *keys* a log may have for it (lower case), its *groups* (DNs), and who is behind it."""

    login: str
    keys: tuple[str, ...]
    groups: tuple[str, ...]
    person: str = ""
    employee: str = ""
    unit: str = ""
    vendor: str = ""


@runtime_checkable
class Lists(Protocol):
    """A directory that can be read as a whole; that takes rights to read, and none to write."""

    def listed(self) -> tuple[Listed, ...]:
        """Every account, by login. `Refused` when groups are not shown, and the errors that every call has."""
