"""What an account's stream says of it: its strictest recent facts, what failed on it, who may free it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.sample import ACCOUNT, ANN, CASE, DAY, IDA, MAX, NOON, REX, RUE, facts, standing
from watchword.core.account import PEOPLE, AccountClass, strictest
from watchword.core.action import Action, Step
from watchword.core.errors import Corrupt, Refused
from watchword.core.ids import CaseId, PersonId
from watchword.core.ruling import Ruling
from watchword.core.standing import (
    LONGEST_UNDER_WAY,
    Account,
    AccountEvent,
    AccountObserved,
    AccountRegistered,
    AccountShielded,
    FailureRecorded,
    FreezeReleased,
    FreezeReleaseVoted,
    RecoveryBegun,
    RecoveryCompleted,
    RecoveryContained,
    RecoveryDisowned,
    RecoverySettled,
    Thresholds,
    evolve_account,
    release_freeze,
)

RULES = Thresholds()
FAILURE = FailureRecorded(account=ACCOUNT, case=CASE, method="totp")
MAY = Ruling(person=IDA, step=Step.RELEASE_FREEZE, allowed=True)


def failed(*ages: timedelta, account: Account | None = None) -> Account:
    """An account with a failure each of *ages* before noon, in the order given."""
    account = account or standing()
    for age in ages:
        account = evolve_account(account, FAILURE, NOON - age, RULES)
    return account


def test_an_account_begins_with_its_registration_once() -> None:
    """A stream that begins otherwise, or registers twice, was not written by us."""
    registered = AccountRegistered(account=ACCOUNT, directory="sandbox")
    account = evolve_account(None, registered, NOON, RULES)
    assert (account.id, account.directory) == (ACCOUNT, "sandbox")
    with pytest.raises(Corrupt):
        evolve_account(None, FAILURE, NOON, RULES)
    with pytest.raises(Corrupt):
        evolve_account(account, registered, NOON, RULES)


def test_an_account_nobody_read_has_no_facts() -> None:
    """A missing fact is a refusal, never a default."""
    with pytest.raises(Refused) as caught:
        _ = Account(id=ACCOUNT, directory="sandbox").facts
    assert caught.value.reasons == ("missing_fact",)


def test_a_class_lowered_yesterday_still_holds() -> None:
    """For thirty days the strictest class of the window counts, then the one that is."""
    lowered = standing((NOON - 99 * DAY, facts(AccountClass.PRIVILEGED)), (NOON - DAY, facts(AccountClass.STANDARD)))
    assert lowered.strictest_class(NOON) is AccountClass.PRIVILEGED
    assert lowered.strictest_class(NOON + 29 * DAY) is AccountClass.PRIVILEGED
    assert lowered.strictest_class(NOON + 29 * DAY + timedelta(seconds=1)) is AccountClass.STANDARD


def test_a_class_raised_today_holds_at_once() -> None:
    """Stricter needs no waiting."""
    raised = standing((NOON - 99 * DAY, facts()), (NOON, facts(AccountClass.EXECUTIVE)))
    assert raised.strictest_class(NOON) is AccountClass.EXECUTIVE


def test_an_account_in_no_class_now_has_none() -> None:
    """What it was in last week does not answer for it."""
    lost = standing((NOON - 9 * DAY, facts()), (NOON - DAY, facts(None)))
    assert lost.strictest_class(NOON) is None


classes = st.lists(st.tuples(st.integers(0, 90), st.sampled_from(AccountClass)), min_size=1, max_size=5)


@given(classes)
def test_the_strictest_class_is_that_of_every_instant_of_the_window(seen: list[tuple[int, AccountClass]]) -> None:
    """It equals the strictest over each hour of the last thirty days, found by looking at each."""
    minute = timedelta(minutes=1)  # no observation falls on the hour
    history = sorted((NOON - days * DAY - minute, c) for days, c in seen)
    account = standing(*((when, facts(c)) for when, c in history))
    hours = [NOON - timedelta(hours=h) for h in range(30 * 24 + 1)]
    in_force = {c for hour in hours for c in [c for when, c in history if when <= hour][-1:]}
    in_force |= {c for when, c in history if when >= hours[-1]}
    assert account.strictest_class(NOON) is max(in_force & set(PEOPLE) or in_force, key=lambda c: c.rank)


def test_a_software_group_never_softens_a_persons_account() -> None:
    """Held as a person's beside any class without one, now or within the window; the rest are ranked as they stand."""
    for software in (AccountClass.SERVICE, AccountClass.AI_AGENT, AccountClass.BREAK_GLASS):
        for person in PEOPLE:
            assert strictest((software, person, None)) is strictest((person, software)) is person
        moved = standing((NOON - 99 * DAY, facts(AccountClass.PRIVILEGED)), (NOON - DAY, facts(software)))
        assert moved.strictest_class(NOON) is AccountClass.PRIVILEGED
    assert strictest((AccountClass.STANDARD, AccountClass.FINANCE)) is AccountClass.FINANCE
    assert strictest((AccountClass.SERVICE, AccountClass.AI_AGENT)) is AccountClass.AI_AGENT
    assert strictest((None,)) is None


def test_a_manager_of_yesterday_does_not_count_yet() -> None:
    """Neither the new manager, for thirty days, nor the old one any more."""
    account = standing((NOON - 99 * DAY, facts(manager=MAX)), (NOON - DAY, facts(manager=REX)))
    assert account.relations(MAX, NOON) == account.relations(REX, NOON) == ()
    assert account.relations(REX, NOON + 30 * DAY) == ("manager_of_record",)


def test_every_relation_of_record_is_told() -> None:
    """Manager, owner, second owner and sponsor each count; a stranger is nothing to the account."""
    account = standing((NOON - DAY, facts(manager=MAX, owner=MAX, second_owner=IDA, sponsor=IDA)))
    assert account.relations(MAX, NOON) == ("manager_of_record", "owner_of_record")
    assert account.relations(IDA, NOON) == ("second_owner", "sponsor")
    assert account.relations(RUE, NOON) == ()


@pytest.mark.parametrize(("count", "level"), [(0, 0), (2, 0), (3, 1), (4, 1), (5, 2), (9, 2)])
def test_failures_of_a_day_freeze(count: int, level: int) -> None:
    """Three close the remote methods, five leave only the strongest way."""
    assert failed(*(timedelta(minutes=m) for m in range(count, 0, -1))).freeze(NOON, RULES) == level


def test_the_first_freeze_thaws_and_the_second_does_not() -> None:
    """Three failures are forgotten after a day; five stay until two people agree."""
    hour = timedelta(hours=1)
    assert failed(*[hour] * 3).freeze(NOON + 23 * hour, RULES) == 0
    assert failed(*[hour] * 5).freeze(NOON + 99 * DAY, RULES) == 2


def test_failures_of_different_days_do_not_add_up() -> None:
    """Only those within the window count together."""
    assert failed(4 * DAY, 3 * DAY, 2 * DAY, DAY, timedelta(0)).freeze(NOON, RULES) == 0


def vote(account: Account, person: PersonId) -> tuple[Account, tuple[AccountEvent, ...]]:
    """*person* agrees to release the freeze."""
    events = release_freeze(account, person, MAY, NOON, RULES)
    for event in events:
        account = evolve_account(account, event, NOON, RULES)
    return account, events


def test_two_people_release_a_freeze() -> None:
    """The first vote changes nothing but the record; the second one frees the account and forgets the failures."""
    account, events = vote(failed(*[timedelta(0)] * 5), IDA)
    assert (events, account.freeze(NOON, RULES)) == ((FreezeReleaseVoted(account=ACCOUNT, person=IDA),), 2)
    account, events = vote(account, REX)
    assert events[-1] == FreezeReleased(account=ACCOUNT)
    assert (account.freeze(NOON, RULES), account.failures, account.release_votes) == (0, (), ())


def test_one_person_does_not_release_a_freeze() -> None:
    """Agreeing twice is refused, and so is agreeing where nothing is frozen or without the right to."""
    account, _ = vote(failed(*[timedelta(0)] * 5), IDA)
    with pytest.raises(Refused) as caught:
        vote(account, IDA)
    assert caught.value.reasons == ("same_person",)
    with pytest.raises(Refused):
        vote(standing(), IDA)
    with pytest.raises(Refused):
        release_freeze(account, ANN, msgspec.structs.replace(MAY, allowed=False), NOON, RULES)


def test_an_agreement_does_not_outlive_the_next_failure() -> None:
    """Whoever agreed did not know of it, so two people have to agree again."""
    account, _ = vote(failed(*[timedelta(0)] * 5), IDA)
    assert failed(timedelta(0), account=account).release_votes == ()


def test_recoveries_and_probation_end_with_time() -> None:
    """A recovery counts within its span, and its probation lasts as long as it was given."""
    done = RecoveryCompleted(account=ACCOUNT, case=CASE, action=Action.UNLOCK, probation_s=3600)
    account = evolve_account(standing(), done, NOON, RULES)
    week = 7 * DAY
    assert account.recoveries_within(week, NOON + week - timedelta(seconds=1)) == 1
    assert account.recoveries_within(week, NOON + week) == 0
    assert account.on_probation(NOON + timedelta(minutes=59))
    assert not account.on_probation(NOON + timedelta(hours=1))


def test_observations_are_kept_in_order() -> None:
    """The latest facts are those that were seen last."""
    seen: AccountObserved = facts(AccountClass.FINANCE)
    account = evolve_account(standing(), seen, NOON, RULES)
    assert account.facts == seen


def shielded(account: Account, *, at: datetime = NOON, cut: tuple[str, ...] = ("mail",)) -> Account:
    """A protective action on *account* that cut these kinds of contact point."""
    event = AccountShielded(account=ACCOUNT, case=CASE, by=ANN, cut=cut)
    return evolve_account(account, event, at, RULES)


def test_what_protection_cut_stays_cut_until_a_recovery_gives_access_back() -> None:
    """Kinds add up over several actions; a recovery after them opens all, one before them none."""
    recovered = RecoveryCompleted(account=ACCOUNT, case=CASE, action=Action.UNLOCK, probation_s=0)
    account = shielded(shielded(standing()), at=NOON + DAY, cut=("phone",))
    assert account.cut == {"mail", "phone"}
    assert standing().cut == frozenset()
    assert evolve_account(account, recovered, NOON + 2 * DAY, RULES).cut == frozenset()
    early = evolve_account(standing(), recovered, NOON - DAY, RULES)
    assert shielded(early).cut == {"mail"}
    assert evolve_account(shielded(standing()), recovered, NOON, RULES).cut == frozenset()


def test_protective_actions_are_counted_within_a_span() -> None:
    """The span has an end: what is exactly as old no longer counts."""
    account = shielded(shielded(standing(), at=NOON - DAY))
    assert account.shields_within(DAY, NOON) == 1
    assert account.shields_within(DAY + timedelta(seconds=1), NOON) == 2


def test_a_recovery_under_way_is_known_for_a_day_or_until_it_is_settled() -> None:
    """Its own end settles it, another case's does not, and nothing is under way for ever."""
    begun = evolve_account(standing(), RecoveryBegun(account=ACCOUNT, case=CASE), NOON, RULES)
    assert begun.under_way(NOON) == CASE
    assert begun.under_way(NOON + LONGEST_UNDER_WAY - timedelta(seconds=1)) == CASE
    assert begun.under_way(NOON + LONGEST_UNDER_WAY) is None
    other = evolve_account(begun, RecoverySettled(account=ACCOUNT, case=CaseId("c-two")), NOON, RULES)
    assert other.under_way(NOON) == CASE
    assert evolve_account(begun, RecoverySettled(account=ACCOUNT, case=CASE), NOON, RULES).under_way(NOON) is None
    assert timedelta(days=1) == LONGEST_UNDER_WAY


def test_probation_and_recoveries_end_to_the_second() -> None:
    """A probation of an hour is over after an hour, a recovery of a week ago is none of the week."""
    done = RecoveryCompleted(account=ACCOUNT, case=CASE, action=Action.UNLOCK, probation_s=3600)
    account = evolve_account(standing(), done, NOON, RULES)
    assert account.on_probation(NOON + timedelta(seconds=3599))
    assert not account.on_probation(NOON + timedelta(seconds=3600))
    assert account.recoveries_within(7 * DAY, NOON + 7 * DAY - timedelta(seconds=1)) == 1
    assert account.recoveries_within(7 * DAY, NOON + 7 * DAY) == 0


def test_thresholds_that_are_not_said_are_the_shipped_policys() -> None:
    """A day, three failures and five."""
    assert Thresholds() == Thresholds(window_s=86_400, remote=3, strongest=5)


def test_a_disowned_recovery_seals_the_account_until_two_people_agree() -> None:
    """However few failures there were; whoever agreed to an earlier release did not know of it."""
    agreed = evolve_account(failed(timedelta(0)), FreezeReleaseVoted(account=ACCOUNT, person=IDA), NOON, RULES)
    sealed = evolve_account(agreed, RecoveryDisowned(account=ACCOUNT, case=CASE), NOON, RULES)
    assert sealed.freeze(NOON + 365 * DAY, RULES) == 2
    assert sealed.release_votes == ()
    assert standing().freeze(NOON, RULES) == 0


def test_nobody_stands_to_an_account_that_was_never_read() -> None:
    """Without facts there is no window of facts, and a missing fact gives nobody a relation."""
    unread = Account(id=ACCOUNT, directory="sandbox")
    assert unread.window(NOON) == ()
    assert unread.relations(MAX, NOON) == ()


def test_what_was_not_the_persons_own_stops_what_was_open_beside_it() -> None:
    """Every other case opened up to that moment, each reason once; not the case itself, and none opened later."""
    disowned = RecoveryDisowned(account=ACCOUNT, case=CaseId("c-other"))
    contained = RecoveryContained(account=ACCOUNT, case=CaseId("c-third"))
    account = standing()
    for event in (disowned, contained, disowned):
        account = evolve_account(account, event, NOON, RULES)
    before, after = NOON, NOON + timedelta(microseconds=1)
    assert account.stopped(CASE, before) == ("disowned", "contained")
    assert account.stopped(CASE, after) == ()
    assert account.stopped(CaseId("c-other"), before) == ("contained",)
    assert account.stopped(CaseId("c-third"), before) == ("disowned",)
    assert standing().stopped(CASE, before) == ()
