"""Who could be reached, and through whom: the ledger's accounts and people as the analysis of attacks takes them."""

from __future__ import annotations

from datetime import datetime

from watchword.core.account import Status
from watchword.core.ids import AccountId
from watchword.desk.registry import Registry
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
