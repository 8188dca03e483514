"""Accounts: how strictly a class is held, and which procedure is enough for which."""

from __future__ import annotations

from datetime import timedelta

import pytest

from watchword.core.account import FACT_WINDOW, PEOPLE, AccountClass, DirectoryAccount, Status, covers, strictest

OTHERS = (AccountClass.SERVICE, AccountClass.AI_AGENT, AccountClass.BREAK_GLASS)


def test_what_changed_lately_is_what_changed_within_thirty_days() -> None:
    """The window is the one that is documented."""
    assert timedelta(days=30) == FACT_WINDOW


def test_classes_of_people_are_those_up_to_identity_control() -> None:
    """Every other class stands for no person, and is held more strictly than any that does."""
    assert (*PEOPLE, *OTHERS) == tuple(AccountClass)
    assert PEOPLE[-1] is AccountClass.IDENTITY_CONTROL
    assert [c.rank for c in AccountClass] == list(range(len(AccountClass)))


def test_a_stricter_class_of_people_covers_a_softer_one() -> None:
    """What a privileged account asks for is enough for a standard one, and not the other way round."""
    for held in PEOPLE:
        for asked in PEOPLE:
            assert covers(held, asked) is (held.rank >= asked.rank)


@pytest.mark.parametrize("other", OTHERS)
def test_a_class_without_a_person_stands_alone(other: AccountClass) -> None:
    """It covers itself, no class of people and no other, and is covered by none."""
    assert covers(other, other)
    assert not any(covers(other, asked) or covers(asked, other) for asked in AccountClass if asked is not other)


def test_the_strictest_class_is_one_of_people_where_there_is_one() -> None:
    """A second group that makes an account a service softens nothing; among others the strictest one counts."""
    assert strictest((AccountClass.EXTERNAL, None, AccountClass.FINANCE, AccountClass.SERVICE)) is AccountClass.FINANCE
    assert strictest((AccountClass.STANDARD, AccountClass.BREAK_GLASS)) is AccountClass.STANDARD
    assert strictest((AccountClass.SERVICE, AccountClass.BREAK_GLASS, None)) is AccountClass.BREAK_GLASS
    assert strictest((None, None)) is None
    assert strictest(()) is None


def test_an_account_of_which_nothing_is_said_is_a_plain_one() -> None:
    """A directory that says no more of it means an active, enabled account of one person that is not locked."""
    said = DirectoryAccount(
        directory="sandbox", native_id="u-1", login="una", display_name="Una", keys=(), account_class=None
    )
    assert (said.status, said.shared, said.locked, said.enabled) == (Status.ACTIVE, False, False, True)
