"""Who could be reached, and through whom: the ledger's accounts and people as the analysis of attacks takes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from watchword.core.account import Status
from watchword.core.errors import Invalid
from watchword.core.ids import AccountId
from watchword.desk.registry import Registry
from watchword.directories.port import Directory
from watchword.policy.roster import Roster, RosterAccount

_ACCOUNTS = "account/"


def known_to(registry: Registry, at: datetime) -> Roster:
    """Every account the ledger has seen in a class, and every person with their roles, as of *at*.

    An account counts in the strictest class of its last 30 days. One that no case or link ever named is not there:
    what is not recorded can not be looked at.
    """
    registry.names.follow(registry.ledger)
    people = tuple(registry.person(person) for person in registry.names.people())
    accounts = (_account(registry, AccountId(stream.removeprefix(_ACCOUNTS)), at) for stream in _streams(registry))
    return Roster(accounts=tuple(a for a in accounts if a is not None), people=people, at=at)


def spoken(registry: Registry, roster: Roster) -> dict[str, str]:
    """What people and accounts of *roster* go by: logins, and of an account nobody holds its name in its directory."""
    logins: dict[str, str] = {person.id: registry.names.said(person.id)[0] for person in roster.people}
    for account in roster.accounts:
        native = registry.names.native(account.id)
        holder = logins.get(account.person or "")
        logins[account.id] = f"the account of {holder}" if holder else native[1] if native else account.id
    return logins


def account_called(registry: Registry, directories: Mapping[str, Directory], query: str) -> AccountId:
    """The account *query* names: its pseudonym, or what some directory knows it by; `Invalid` for none or several."""
    if f"{_ACCOUNTS}{query}" in _streams(registry):
        return AccountId(query)
    found = {
        account
        for name, directory in directories.items()
        for seen in directory.find(query)
        if (account := registry.names.account(name, seen.native_id)) is not None
    }
    if len(found) != 1:
        what = "No account the ledger knows is" if not found else "Several accounts are"
        raise Invalid(f"{what} called {query!r}.", "Name it by its login, or by its pseudonym.", "account")
    return found.pop()


def _streams(registry: Registry) -> tuple[str, ...]:
    return registry.ledger.streams(_ACCOUNTS)


def _account(registry: Registry, account: AccountId, at: datetime) -> RosterAccount | None:
    standing = registry.account(account)
    holder = registry.names.owner(account)
    held = registry.strictest_class(standing, holder, at) if standing.observations else None
    if held is None:
        return None
    facts = standing.facts
    return RosterAccount(
        id=account,
        account_class=held,
        unit=facts.unit,
        person=holder,
        manager=facts.manager,
        sponsor=facts.sponsor,
        owner=facts.owner,
        second_owner=facts.second_owner,
        shared=facts.shared,
        leaver=facts.status is Status.LEAVER,
    )
