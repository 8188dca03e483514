"""Accounts: an identity in one directory, its class, status and facts with their age, and what stuck to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from watchword.core.visible import visible

FACT_WINDOW = timedelta(days=30)
"""What changed within this window is worth nothing, and what was stricter within it still holds (invariant 7)."""


class AccountClass(StrEnum):
    """The rows of the policy matrix, from least to most strictly held within people, then the others."""

    STANDARD = "standard"
    CONTRACTOR = "contractor"
    EXTERNAL = "external"
    EXECUTIVE = "executive"
    FINANCE = "finance"
    PRIVILEGED = "privileged"
    IDENTITY_CONTROL = "identity_control"
    SERVICE = "service"
    AI_AGENT = "ai_agent"
    BREAK_GLASS = "break_glass"

    @property
    def rank(self) -> int:
        """Order of strictness: a higher rank is held more strictly."""
        return list(AccountClass).index(self)


PEOPLE = tuple(list(AccountClass)[: list(AccountClass).index(AccountClass.IDENTITY_CONTROL) + 1])
"""The classes with a person behind the account, from least to most strictly held."""


def covers(held: AccountClass, asked: AccountClass) -> bool:
    """Whether what *held* asks for is enough for *asked*; classes without a person stand each alone."""
    return held is asked or (held in PEOPLE and asked in PEOPLE and held.rank >= asked.rank)


def strictest(classes: Iterable[AccountClass | None]) -> AccountClass | None:
    """The strictest of *classes*; one of people outweighs any without a person, or a second group would soften it."""
    given = [c for c in classes if c is not None]
    return max((c for c in given if c in PEOPLE), key=lambda c: c.rank, default=max(given, key=_rank, default=None))


def _rank(one: AccountClass) -> int:
    return one.rank


class Status(StrEnum):
    """Whether the person behind an account is there."""

    ACTIVE = "active"
    ON_LEAVE = "on_leave"
    LEAVER = "leaver"


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """One contact point of record: *kind* `mail` or `phone`, *value* as the directory has it, when it last changed."""

    kind: str
    value: str
    changed_at: datetime | None


class DirectoryAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What a directory says of an account, read just now: native names, never put in a leaf.

    *keys* are all names its log may use (native id, DN, SID, login), lower case. *account_class* is None when no group
    gives one. *manager*, *owner*, *second_owner* and *sponsor* are native ids in the same directory. *protected* says
    why the directory itself keeps this account from us (for example AdminSDHolder), else None. *language* is the tag
    (RFC 5646) of the language its person prefers, where the directory has one.
    """

    directory: str
    native_id: str
    login: str
    display_name: str
    keys: tuple[str, ...]
    account_class: AccountClass | None
    status: Status = Status.ACTIVE
    shared: bool = False
    locked: bool = False
    enabled: bool = True
    unit: str | None = None
    manager: str | None = None
    owner: str | None = None
    second_owner: str | None = None
    sponsor: str | None = None
    contacts: tuple[Contact, ...] = ()
    factors: tuple[str, ...] = ()
    suspended_factors: tuple[str, ...] = ()
    protected: str | None = None
    language: str | None = None

    @property
    def called(self) -> str:
        """What its directory calls it, with nothing hidden: people may write that themselves."""
        return visible(self.display_name)
