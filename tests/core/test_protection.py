"""Protective actions: they only take away, after one check, within a budget; holds begin anew after one."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from tests.core.sample import ACCOUNT, ANN, CASE, DAY, IDA, MANAGER, METHODS, NOON, procedure, standing
from tests.core.story import (
    Story,
    asked,
    given,
    hold_over,
    hold_told,
    opened,
    proved,
    released,
    step,
    verified,
    wait,
    withdrawn,
)
from watchword.core import command as do
from watchword.core import event as past
from watchword.core.case import AwaitingApproval, Holding, Releasable, Verifying
from watchword.core.change import Change, RevokeSessions, Suspend, SuspendFactors, Unlock
from watchword.core.errors import Invalid, Refused
from watchword.core.gates import Event
from watchword.core.ids import AccountId, CaseId
from watchword.core.protection import demand_waited, protect, restart_hold
from watchword.core.standing import Account, AccountShielded, Shield

LOCK = Suspend(account=ACCOUNT)
END = RevokeSessions(account=ACCOUNT)
STOP = SuspendFactors(account=ACCOUNT, factors=("totp",))
OTHER = CaseId("c-other")
HELD = procedure(hold_s=3600)
ASKING = procedure(approve=MANAGER)


def taken(story: Story, *changes: Change, on_duty: bool = False, account: Account | None = None) -> tuple[Event, ...]:
    """What comes of taking access away in *story*."""
    assert story.case is not None
    command = do.Protect(by=ANN, changes=changes, on_duty=on_duty)
    return protect(story.case, account or story.account, command, story.at)


def refused(story: Story, *changes: Change, on_duty: bool = False, account: Account | None = None) -> tuple[str, ...]:
    """Why access is not taken away."""
    with pytest.raises(Refused) as caught:
        taken(story, *changes or (LOCK,), on_duty=on_duty, account=account)
    return caught.value.reasons


def shielded(*times: datetime, cut: tuple[str, ...] = ()) -> Account:
    """The account after protective actions at *times*."""
    shields = tuple(Shield(at=at, case=OTHER, cut=cut) for at in times)
    return msgspec.structs.replace(standing(), shields=shields)


@pytest.mark.parametrize("changes", [(LOCK,), (END,), (STOP,), (LOCK, END), (STOP, LOCK, END)])
def test_one_proof_takes_away_what_is_asked_and_no_more(changes: tuple[Change, ...]) -> None:
    """The case holds the very changes; the account's budget is spent; its kinds of contact are cut in one order."""
    took = taken(given(opened(), proved("totp")), *changes)
    assert took == (
        past.ProtectionTaken(case=CASE, by=ANN, changes=changes),
        past.ProtectionSpent(case=CASE, by=ANN),
        AccountShielded(
            account=ACCOUNT, case=CASE, by=ANN, cut=tuple(sorted({k for change in changes for k in change.cuts}))
        ),
    )


@pytest.mark.parametrize(
    "changes", [(), (LOCK, LOCK), (END, END), (Unlock(account=ACCOUNT),), (LOCK, Unlock(account=ACCOUNT))]
)
def test_nothing_that_gives_access_passes_for_protection(changes: tuple[Change, ...]) -> None:
    """Nothing at all, the same twice, or an unlocking among them is the caller's mistake."""
    with pytest.raises(Invalid, match="takes nothing away") as caught:
        taken(given(opened(), proved("totp")), *changes)
    assert caught.value.where == "changes"


def test_a_case_protects_its_own_account() -> None:
    """One change among them that names another account is enough to refuse all."""
    elsewhere = RevokeSessions(account=AccountId("a-else"))
    with pytest.raises(Invalid, match="another account"):
        taken(given(opened(), proved("totp")), LOCK, elsewhere)


def test_nobody_is_locked_out_on_a_strangers_word() -> None:
    """Without a proof it is refused; security on duty needs none."""
    story = given(opened())
    assert refused(story) == ("unchecked",)
    assert taken(story, LOCK, on_duty=True)


def test_a_proof_that_is_worth_nothing_is_no_check() -> None:
    """A method of weight 0 shows nobody who it is, and a proof grown old does not either."""
    light = tuple(msgspec.structs.replace(m, weight=0) if m.name == "totp" else m for m in METHODS)
    assert refused(given(opened(procedure(methods=light)), proved("totp"))) == ("unchecked",)
    assert refused(given(opened(), proved("totp"), wait(minutes=16))) == ("unchecked",)


def test_protection_is_for_what_gave_nothing_yet() -> None:
    """Every open state takes it; what was released or withdrawn does not, and nobody on duty changes that."""
    for steps in ((verified(),), (verified(), asked()), (verified(HELD), asked()), (verified(ASKING), asked())):
        assert taken(given(*steps), LOCK)
    assert "wrong_state" in refused(given(verified(), asked(), released()), on_duty=True)
    assert "wrong_state" in refused(given(opened(), withdrawn()), on_duty=True)


def test_three_a_day_is_the_most() -> None:
    """The third is taken, a fourth is not, on duty or not; one a day old to the second leaves the budget."""
    story = given(opened(), proved("totp"))
    hour = timedelta(hours=1)
    assert taken(story, LOCK, account=shielded(NOON - hour, NOON))
    full = shielded(NOON - DAY + timedelta(seconds=1), NOON - hour, NOON)
    assert refused(story, account=full) == ("protection_budget",)
    assert refused(story, on_duty=True, account=full) == ("protection_budget",)
    assert taken(story, LOCK, account=shielded(NOON - DAY, NOON - hour, NOON))


def test_a_hold_that_begins_anew_runs_its_whole_time() -> None:
    """Half an hour before its end it is given the whole hour again."""
    story = given(verified(HELD), asked(), wait(minutes=30))
    (again,) = restart_hold(story.now(Holding), do.RestartHold(because=OTHER), story.at)
    assert again == past.HoldRestarted(case=CASE, because=OTHER, until=story.at + timedelta(hours=1))


def test_whoever_was_told_of_nothing_does_not_wait_yet() -> None:
    """Before a notice went out that is what is said, and not an hour that nobody could have counted from."""
    story = given(verified(HELD), asked())
    refusal = story.when(hold_over()).refused("untold")
    assert "not begun" in refusal.what
    given(hold_told(), start=story).when(hold_over()).refused("hold")


def test_only_what_waits_begins_to_wait_anew() -> None:
    """A case that is still verified, or has nothing left to wait for, is not put back."""
    for kind, story in (
        (Verifying, given(verified(HELD))),
        (Releasable, given(verified(), asked())),
        (AwaitingApproval, given(verified(ASKING), asked())),
    ):
        assert type(story.case) is kind
        with pytest.raises(Refused) as caught:
            restart_hold(story.case, do.RestartHold(because=OTHER), story.at)
        assert "wrong_state" in caught.value.reasons


def waited(account: Account, *told: str, minutes: int = 60) -> None:
    """Ask whether the waiting did its work, *minutes* after it began, for somebody *told* over these kinds."""
    held = given(verified(HELD), asked())
    case = msgspec.structs.replace(held.now(Holding), told=told)
    demand_waited(case, account, held.at + timedelta(minutes=minutes))


def test_the_waiting_ends_to_the_minute() -> None:
    """After an hour it is over; before, it is refused."""
    waited(standing(), "mail")
    with pytest.raises(Refused) as caught:
        waited(standing(), "mail", minutes=59)
    assert caught.value.reasons == ("hold",)


@pytest.mark.parametrize(
    ("cut", "told", "reached"),
    [
        ((), (), False),
        ((), ("mail",), True),
        (("mail",), (), False),
        (("mail",), ("mail",), False),
        (("mail",), ("mail", "phone"), True),
        (("mail",), ("phone",), True),
        (("mail", "phone"), ("mail", "phone"), False),
    ],
)
def test_waiting_is_worth_what_the_notice_reaches(cut: tuple[str, ...], told: tuple[str, ...], reached: bool) -> None:
    """At least one kind that was told over still reaches the person."""
    account = shielded(NOON, cut=cut)
    if reached:
        waited(account, *told)
        return
    with pytest.raises(Refused) as caught:
        waited(account, *told)
    assert "untold" in caught.value.reasons


def test_taking_access_away_ends_the_case() -> None:
    """Through the case's own decision too: whoever is on duty takes it, and nothing of the case goes on."""
    story = given(opened(), step(do.Protect(by=IDA, changes=(LOCK, END), on_duty=True)))
    story.when(proved("totp")).refused("wrong_state")
