"""The columns that say how long a proof counts, how old a contact point has to be, and at which level to recover."""

from __future__ import annotations

from typing import get_args

import pytest

from tests.policy.sample import CALM, METHODS, PROCEDURES
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.errors import Invalid
from watchword.core.requirement import RECOVERS
from watchword.policy import Policy, Procedures
from watchword.policy.check import findings
from watchword.policy.explain import words
from watchword.policy.frameworks import load_frameworks
from watchword.policy.strictness import join, lacks
from watchword.policy.sufficient import sufficient
from watchword.policy.values import RecoveryKind

UNLOCK = "    unlock:               {verify: [V1, V2],  approve: none, hold: 0,   alert: L0, after: told}"


def table(cell: str = UNLOCK, times: str = "fresh: 15m, contact_age: 30d", methods: str = METHODS) -> Procedures:
    """The shipped policy with another first unlock, other times, or other methods."""
    assert UNLOCK in PROCEDURES
    text = PROCEDURES.replace(UNLOCK, cell, 1).replace("fresh: 15m, contact_age: 30d", times)
    return Procedures.load(text, methods, digest="sha256:table")


def test_the_cells_column_stands_for_the_tables() -> None:
    """Fifteen minutes and thirty days unless the table or the cell says otherwise; a raise keeps them."""
    for procedures, fresh, age in (
        (table(), 900, 30),
        (table(times="fresh: 60m, contact_age: 90d"), 3600, 90),
        (table(times="fresh: 60m", cell=UNLOCK.replace("hold", "fresh: 5m, contact_age: 7d, hold")), 300, 7),
    ):
        asked = procedures.require(AccountClass.STANDARD, Action.UNLOCK, CALM)
        assert (asked.fresh_s, asked.contact_age_s) == (fresh, age * 86_400)


@pytest.mark.parametrize(
    "cell",
    [
        UNLOCK.replace("hold", "fresh: 4m, hold"),
        UNLOCK.replace("hold", "fresh: 61m, hold"),
        UNLOCK.replace("hold", "fresh: 0, hold"),
        UNLOCK.replace("hold", "contact_age: 6d, hold"),
        UNLOCK.replace("hold", "aal: 1, hold"),
        UNLOCK.replace("hold", "aal: 4, hold"),
    ],
)
def test_what_is_out_of_range_is_told_with_its_line(cell: str) -> None:
    """No proof of less than five minutes or more than an hour, no contact point of less than a week, no other level."""
    with pytest.raises(Invalid, match=r"procedures\.yaml:\d+"):
        table(cell)


def test_a_level_rules_out_what_does_not_recover_at_it() -> None:
    """At AAL2 a one-time password alone is not enough, and the cell says so; the shipped table is unchanged by it."""
    plain = table().require(AccountClass.STANDARD, Action.UNLOCK, CALM)
    asked = table(UNLOCK.replace("hold", "aal: 2, hold")).require(AccountClass.STANDARD, Action.UNLOCK, CALM)
    assert ("totp",) in sufficient(plain)
    assert ("totp",) not in sufficient(asked)
    assert ("passkey",) in sufficient(asked)
    assert "Recovers as SP 800-63B-4 does at AAL2." in words(asked)
    assert not [line for line in words(plain) if "AAL" in line or "counts" in line]


def test_a_level_nobody_could_recover_at_is_a_finding() -> None:
    """A service account's owner proves two factors; where no method did, the policy is not sound."""
    methods = METHODS.replace("kinds: [bound_authenticator, multi_factor],", "").replace(
        "kinds: [repeated_proofing, onsite_attended],", ""
    )
    found = findings(table(UNLOCK.replace("hold", "aal: 3, hold"), methods=methods))
    assert any("no set of the shipped methods satisfies" in mistake.what for mistake in found)


def test_the_stricter_of_two_is_what_both_ask() -> None:
    """Joined, a case has the shorter freshness, the older contact points and the higher level."""
    one = table(UNLOCK.replace("hold", "fresh: 5m, aal: 2, hold"))
    other = table(UNLOCK.replace("hold", "contact_age: 90d, aal: 3, hold"))
    ours, theirs = (p.require(AccountClass.STANDARD, Action.UNLOCK, CALM) for p in (one, other))
    joined = join(ours, theirs)
    assert (joined.fresh_s, joined.contact_age_s, joined.verify[0].aal) == (300, 90 * 86_400, 3)
    assert not lacks(joined, join(theirs, ours))
    assert "freshness" in lacks(theirs, joined)


def test_methods_and_frameworks_call_a_method_the_same() -> None:
    """What a procedure enforces at a level is what the frameworks' rules print of the same method."""
    kinds = load_frameworks().kinds
    for name, row in Policy.default().procedures.loaded.methods.methods.items():
        assert set(row.kinds) == set(kinds.get(name, ())), name


def test_levels_are_written_in_known_kinds() -> None:
    """A kind misspelt in the rule would recover nobody."""
    assert {k for ways in RECOVERS.values() for way in ways for k in way} == set(get_args(RecoveryKind))
