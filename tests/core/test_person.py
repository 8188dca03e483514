"""People: what they may do is what their entries say, for as long as they say it."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce

import pytest

from tests.core.sample import ACCOUNT, ANN, CASE, DAY, NOON
from watchword.core.errors import Invalid
from watchword.core.ids import CaseId
from watchword.core.person import (
    AccountLinked,
    Credential,
    CredentialEnrolled,
    CredentialRevoked,
    CredentialUsed,
    Delegation,
    DelegationEnded,
    DelegationGranted,
    ExecutorGrant,
    ExecutorGranted,
    Kind,
    Person,
    PersonEvent,
    PersonRegistered,
    Role,
    RoleGrant,
    RoleGranted,
    RoleRevoked,
    evolve_person,
)

REGISTERED = PersonRegistered(person=ANN, kind=Kind.EMPLOYEE, unit="north")


def person(*events: PersonEvent) -> Person:
    """Ann, after *events*."""
    return reduce(evolve_person, events, evolve_person(None, REGISTERED))


def granted(role: Role, *, unit: str | None = None, until: timedelta | None = None) -> RoleGranted:
    """A role, in a unit, until so long after noon."""
    ends = None if until is None else NOON + until
    return RoleGranted(person=ANN, grant=RoleGrant(role=role, unit=unit, until=ends))


def test_a_person_is_registered_first() -> None:
    """Nothing can be granted to somebody nobody knows."""
    with pytest.raises(Invalid):
        evolve_person(None, granted(Role.AGENT))


def test_a_person_begins_with_no_role() -> None:
    """Being registered gives nothing."""
    assert person().roles_at(NOON) == frozenset()


def test_a_role_of_a_unit_counts_in_that_unit_alone() -> None:
    """A role held everywhere counts in every unit, one of the north not in the south nor everywhere."""
    ann = person(granted(Role.AGENT), granted(Role.VERIFIER, unit="north"))
    assert ann.roles_at(NOON, "north") == {Role.AGENT, Role.VERIFIER}
    assert ann.roles_at(NOON, "south") == {Role.AGENT}
    assert ann.roles_at(NOON) == {Role.AGENT}


def test_a_role_ends_with_its_date() -> None:
    """The last instant before counts, the date itself does not."""
    ann = person(granted(Role.AGENT, until=DAY))
    assert ann.roles_at(NOON + DAY - timedelta(microseconds=1)) == {Role.AGENT}
    assert ann.roles_at(NOON + DAY) == frozenset()


def test_a_revoked_role_ends_in_every_unit() -> None:
    """Revoking names the role, not one of its grants."""
    ann = person(granted(Role.AGENT), granted(Role.AGENT, unit="north"), granted(Role.AUDITOR))
    assert evolve_person(ann, RoleRevoked(person=ANN, role=Role.AGENT)).roles_at(NOON, "north") == {Role.AUDITOR}


def test_a_delegation_always_ends() -> None:
    """The right to administer one unit lasts until its date."""
    ann = person(DelegationGranted(person=ANN, delegation=Delegation(unit="north", until=NOON + DAY)))
    assert ann.delegated_at(NOON) == {"north"}
    assert ann.delegated_at(NOON + DAY) == frozenset()


def test_an_executors_grant_is_for_one_case_and_a_while() -> None:
    """Neither another case nor a later hour is covered."""
    ann = person(ExecutorGranted(person=ANN, grant=ExecutorGrant(case=CASE, until=NOON + DAY)))
    assert ann.may_execute(CASE, NOON)
    assert not ann.may_execute(CASE, NOON + DAY)
    assert not ann.may_execute(CaseId("c-other"), NOON)


def test_accounts_are_linked_once() -> None:
    """Linking again changes nothing."""
    linked = AccountLinked(person=ANN, account=ACCOUNT)
    assert person(linked, linked).accounts == (ACCOUNT,)


def test_credentials_count_until_they_are_revoked() -> None:
    """Those of a method are listed; a revoked one is not."""
    totp = Credential(id="t-1", method="totp", enrolled_at=NOON)
    key = Credential(id="k-1", method="passkey", enrolled_at=NOON)
    ann = person(*(CredentialEnrolled(person=ANN, credential=c) for c in (totp, key)))
    assert ann.credentials_of("totp") == (totp,)
    gone = evolve_person(ann, CredentialRevoked(person=ANN, credential="t-1"))
    assert gone.credentials_of("totp") == ()
    assert gone.credentials_of("passkey") == (key,)


def test_a_delegation_ends_for_its_unit_alone() -> None:
    """What is delegated of another unit stays."""
    both = (DelegationGranted(person=ANN, delegation=Delegation(unit=u, until=NOON + DAY)) for u in ("north", "south"))
    ann = evolve_person(person(*both), DelegationEnded(person=ANN, unit="north"))
    assert ann.delegated_at(NOON) == {"south"}


def test_a_credential_remembers_the_last_answer_it_gave() -> None:
    """The counter of the credential that was used moves on, and no other's."""
    both = (Credential(id=i, method="totp", enrolled_at=NOON) for i in ("t-1", "t-2"))
    ann = person(*(CredentialEnrolled(person=ANN, credential=c) for c in both))
    used = evolve_person(ann, CredentialUsed(person=ANN, credential="t-1", counter=41))
    assert [c.counter for c in used.credentials_of("totp")] == [41, None]


def test_registering_again_corrects_kind_and_unit() -> None:
    """What was granted stays; who somebody is, is what was said last."""
    ann = person(granted(Role.AGENT), PersonRegistered(person=ANN, kind=Kind.VENDOR, unit="south"))
    assert (ann.kind, ann.unit) == (Kind.VENDOR, "south")
    assert ann.roles_at(NOON) == {Role.AGENT}
