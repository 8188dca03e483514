"""Changes: what each gives birth to and cuts off, and what it is where nothing more is said."""

from __future__ import annotations

from typing import get_args

from tests.core.sample import ACCOUNT
from watchword.core.action import Action
from watchword.core.change import (
    ALLOWED,
    Change,
    ContactKind,
    GrantOverride,
    IssuePass,
    ReissueSecret,
    ResetPassword,
    SetContact,
    Suspend,
    Unlock,
    contact_of,
    with_contact,
)


def test_a_password_is_changed_again_at_the_next_sign_in() -> None:
    """Unless it is said otherwise, what the executor made is good for one sign-in."""
    assert ResetPassword(account=ACCOUNT).must_change


def test_what_is_lent_ends_by_itself() -> None:
    """A pass and a role end after an hour, an old secret after a day, where nothing else is said."""
    assert IssuePass(account=ACCOUNT).lifetime_s == 60 * 60
    assert GrantOverride(account=ACCOUNT, role="operator").lifetime_s == 60 * 60
    assert ReissueSecret(account=ACCOUNT).overlap_s == 24 * 60 * 60


def test_a_secret_is_born_by_three_kinds_of_change() -> None:
    """A password, a pass and a reissued secret have to be handed over; nothing else is."""
    born = [kind.__name__ for kind in get_args(Change) if kind.yields_credential]
    assert born == ["ResetPassword", "IssuePass", "ReissueSecret"]


def test_a_suspension_alone_cuts_the_mailbox_off() -> None:
    """The mailbox is behind the account; every other change leaves the person reachable."""
    assert {kind: kind.cuts for kind in get_args(Change) if kind.cuts} == {Suspend: ("mail",)}


def test_every_action_has_its_changes_and_each_shows_in_a_log() -> None:
    """No action is without a change, and no change without an event that the watch can look for."""
    assert set(ALLOWED) == set(Action)
    assert all(kinds for kinds in ALLOWED.values())
    assert all(kind.effects for kind in get_args(Change))


def test_what_was_entered_goes_into_the_contact_point_alone() -> None:
    """The other changes of a case stay as they are, and a case without a contact point has none."""
    phone = SetContact(account=ACCOUNT, contact=ContactKind.PHONE)
    entered = SetContact(account=ACCOUNT, contact=ContactKind.PHONE, commitment="c0")
    assert with_contact((Unlock(account=ACCOUNT), phone), "c0") == (Unlock(account=ACCOUNT), entered)
    assert contact_of((Unlock(account=ACCOUNT), phone)) == phone
    assert contact_of((Unlock(account=ACCOUNT),)) is None
