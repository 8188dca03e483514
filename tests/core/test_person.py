"""People: what they may do is what their entries say, for as long as they say it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce

import msgspec
import pytest

from tests.core.sample import ACCOUNT, ANN, CASE, DAY, IDA, MAX, NOON
from watchword.core.errors import Invalid
from watchword.core.ids import CaseId, PersonId
from watchword.core.own_page import (
    APPROVER_KEY,
    PAGE_LIFE,
    PAGE_LIVES,
    PAGE_TRIES,
    OwnPage,
    PageMade,
    PageMissed,
    PageTakenBack,
    PageTurnedAway,
)
from watchword.core.person import (
    RECOVERED,
    AccountLinked,
    BrowserSubscribed,
    Credential,
    CredentialConfirmed,
    CredentialEnrolled,
    CredentialRevoked,
    CredentialUsed,
    Delegation,
    DelegationEnded,
    DelegationGranted,
    ExecutorGrant,
    ExecutorGranted,
    Kind,
    LentSeat,
    Person,
    PersonEvent,
    PersonRegistered,
    Prompted,
    Role,
    RoleGrant,
    RoleGranted,
    RoleRevoked,
    SeatLent,
    SeatReturned,
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


def test_a_role_until_the_last_day_there_is() -> None:
    """It controls now and as long as times can say."""
    last = datetime(9999, 12, 31, tzinfo=UTC)
    ann = person(RoleGranted(person=ANN, grant=RoleGrant(role=Role.AGENT, until=last)))
    assert ann.controls_at(NOON)
    assert ann.controls_at(last)


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


MOMENT = timedelta(microseconds=1)


def known(*events: PersonEvent, since: timedelta = timedelta(days=365)) -> Person:
    """Ann, who became known so long before noon."""
    return msgspec.structs.replace(person(*events), since=NOON - since)


def enrolled(
    name: str = "k-1", *, ago: timedelta = timedelta(0), method: str = "passkey", by: str = "p-admin"
) -> CredentialEnrolled:
    """A credential that somebody enrolled so long before noon."""
    made = Credential(id=name, method=method, enrolled_at=NOON - ago, public=f"public of {name}", enrolled_by=by)
    return CredentialEnrolled(person=ANN, credential=made)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ACCOUNT_OWNER, Role.AUDITOR}))
def test_whoever_has_a_say_in_who_gets_in_controls_identities(role: Role) -> None:
    """In whatever unit, until thirty days after it ended; a role without an end date never does by itself."""
    ends = person(granted(role, unit="north", until=DAY))
    assert ends.controls_at(NOON)
    assert ends.controls_at(NOON + 31 * DAY - MOMENT)
    assert not ends.controls_at(NOON + 31 * DAY)
    assert person(granted(role)).controls_at(NOON + 999 * DAY)


def test_owners_of_accounts_and_auditors_control_nothing() -> None:
    """They answer for an account, or look; and nobody does without any role."""
    assert not person(granted(Role.ACCOUNT_OWNER), granted(Role.AUDITOR)).controls_at(NOON)
    assert not person().controls_at(NOON)


def test_whoever_administers_a_unit_controls_identities() -> None:
    """Until thirty days after their delegation ended."""
    ann = person(DelegationGranted(person=ANN, delegation=Delegation(unit="north", until=NOON + DAY)))
    assert ann.controls_at(NOON + 31 * DAY - MOMENT)
    assert not ann.controls_at(NOON + 31 * DAY)


def test_a_lent_seat_ends_with_its_date_or_when_it_is_taken_back() -> None:
    """That one seat of that one person: another one of theirs, and the same one of somebody else, are still lent."""
    duty = LentSeat(by=IDA, seat="iam_duty", until=NOON + DAY)
    others = (msgspec.structs.replace(duty, seat="security_duty"), msgspec.structs.replace(duty, by=MAX))
    ann = person(*(SeatLent(person=ANN, lent=one) for one in (duty, *others)))
    assert ann.lent_at(NOON + DAY - MOMENT) == (duty, *others)
    assert ann.lent_at(NOON + DAY) == ()
    back = evolve_person(ann, SeatReturned(person=ANN, by=IDA, seat="iam_duty"))
    assert back.lent_at(NOON) == others


def test_a_loan_takes_the_place_of_the_same_one() -> None:
    """Signed later, it is one still; until another date it is another, and the one that ended is still known."""
    duty = LentSeat(by=IDA, seat="iam_duty", until=NOON + DAY)
    signed = msgspec.structs.replace(duty, statement="{}", proof="{}")
    longer = msgspec.structs.replace(duty, until=NOON + 2 * DAY)
    ann = person(*(SeatLent(person=ANN, lent=one) for one in (duty, signed, longer)))
    assert ann.lent == (signed, longer)


def test_what_is_enrolled_on_the_first_day_replaced_nothing() -> None:
    """Up to a day after they became known it counts at once; what comes later counts when it is thirty days old."""
    begun, later = timedelta(days=20), timedelta(days=20) - DAY
    ann = known(enrolled("first", ago=later), enrolled("second", ago=later - MOMENT), since=begun)
    first, second = ann.credentials_of("passkey")
    assert ann.began_with(first)
    assert not ann.is_young(first, NOON)
    assert not ann.began_with(second)
    assert ann.is_young(second, NOON)
    old_enough = second.enrolled_at + 30 * DAY
    assert ann.is_young(second, old_enough - MOMENT)
    assert not ann.is_young(second, old_enough)
    assert person().began_with(second)  # nobody knows since when: what they have is what they began with


def test_a_recovered_approver_waits_for_a_week() -> None:
    """The time is the one that is documented."""
    assert timedelta(days=7) == RECOVERED


def test_a_confirmation_is_of_one_key() -> None:
    """Somebody said of that one that it is theirs; the other still waits for it."""
    ann = person(enrolled("k-1"), enrolled("k-2"), CredentialConfirmed(person=ANN, credential="k-1", by=IDA))
    assert [c.confirmed_by for c in ann.credentials_of("passkey")] == [IDA, None]


def test_a_key_is_not_taken_for_one_made_alone() -> None:
    """Only a page of their own says so."""
    (key,) = person(enrolled("k-1")).credentials
    assert not key.made_alone


def test_what_was_revoked_is_remembered_by_its_public_part() -> None:
    """So that it comes back as nobody's; what had no public part, and what others hold, is not among it."""
    bare = CredentialEnrolled(person=ANN, credential=Credential(id="t-1", method="totp", enrolled_at=NOON))
    ann = person(enrolled("k-1"), enrolled("k-2"), bare)
    for name in ("k-1", "t-1"):
        ann = evolve_person(ann, CredentialRevoked(person=ANN, credential=name))
    assert ann.retired == ("public of k-1",)
    assert [c.id for c in ann.credentials] == ["k-2"]


def _page(name: str = "k-9", *, expires: timedelta = DAY) -> PageMade:
    page = OwnPage(id=name, purpose="own-enrolment", by=IDA, expires=NOON + expires)
    return PageMade(person=ANN, page=page)


def test_a_page_of_their_own_lasts_a_day() -> None:
    """The last instant before its end counts; what is over is let go of as the next one is made, and no sooner."""
    assert (timedelta(hours=24), 3, {APPROVER_KEY: timedelta(hours=1)}) == (PAGE_LIFE, PAGE_TRIES, PAGE_LIVES)
    ann = person(_page())
    assert [p.id for p in ann.pages_at(NOON + DAY - timedelta(microseconds=1))] == ["k-9"]
    assert ann.pages_at(NOON + DAY) == ()
    assert [p.id for p in person(_page(), _page("k-8", expires=2 * DAY)).pages] == ["k-8"]
    later = _page("k-8", expires=2 * DAY - timedelta(microseconds=1))
    assert [p.id for p in person(_page(), later).pages] == ["k-9", "k-8"]


def test_a_page_ends_with_its_third_wrong_code() -> None:
    """Each wrong one is counted for the page it was given at."""
    ann = person(_page(), _page("k-8"), *[PageMissed(person=ANN, page="k-9")] * 2)
    assert [(p.id, p.missed) for p in ann.pages] == [("k-9", 2), ("k-8", 0)]
    ann = evolve_person(ann, PageMissed(person=ANN, page="k-9"))
    assert [(p.id, p.is_closed) for p in ann.pages_known(NOON)] == [("k-9", True), ("k-8", False)]
    assert [p.id for p in ann.pages_at(NOON)] == ["k-8"]
    assert ann.pages_known(NOON + DAY) == ()


def test_a_page_ends_with_what_it_made_or_as_it_is_taken_back() -> None:
    """The other pages stay, whatever else is enrolled."""
    ann = person(_page(), _page("k-8"), _page("k-7"), enrolled("k-9"), enrolled("k-1"))
    assert [p.id for p in ann.pages] == ["k-8", "k-7"]
    assert [p.id for p in evolve_person(ann, PageTakenBack(person=ANN, page="k-8")).pages] == ["k-7"]


def test_whose_browser_a_page_was_asked_for_in_is_kept() -> None:
    """Once for each of them, with the page it was, until it is used or over."""
    ann = person(_page(), _page("k-8"), *[PageTurnedAway(person=ANN, page="k-9", by=who) for who in (IDA, MAX, IDA)])
    assert [p.turned_away for p in ann.pages] == [(IDA, MAX), ()]


@pytest.mark.parametrize(
    ("by", "signed_in", "browser", "desk"),
    [
        (IDA, None, None, None),
        (IDA, None, "b-other", None),
        (IDA, None, "b-maker", IDA),
        (IDA, ANN, "b-maker", IDA),
        (IDA, ANN, "b-other", None),
        (IDA, MAX, "b-other", MAX),
        (IDA, MAX, None, MAX),
        (IDA, MAX, "b-maker", MAX),
        (ANN, None, "b-maker", None),
        (ANN, ANN, "b-maker", None),
        (ANN, IDA, "b-maker", IDA),
    ],
)
def test_a_page_of_their_own_is_not_opened_at_the_desk(
    by: PersonId, signed_in: PersonId | None, browser: str | None, desk: PersonId | None
) -> None:
    """Not beside somebody else's session, nor where its address was made; one's own browser is one's own."""
    page = msgspec.structs.replace(_page().page, by=by, browser="b-maker")
    assert page.desk_of(ANN, signed_in, browser) == desk
    unmarked = msgspec.structs.replace(page, browser=None)
    assert unmarked.desk_of(ANN, signed_in, None) == (None if signed_in == ANN else signed_in)


def test_the_latest_prompts_are_remembered() -> None:
    """Ten of them, in their order; none where nobody was prompted, and a browser that may be woken changes nothing."""
    assert person().prompted == ()
    ann = person(*(Prompted(person=ANN, case=CASE, at=NOON + n * DAY) for n in range(12)))
    assert ann.prompted == tuple(NOON + n * DAY for n in range(2, 12))
    assert evolve_person(ann, BrowserSubscribed(person=ANN, credential="k-1")) == ann


def test_the_newest_sign_in_counts_alone_until_it_is_revoked() -> None:
    """Another credential of theirs that is revoked leaves it, and none comes back in the place of a revoked one."""
    ann = known(enrolled("s-1", method="password", ago=DAY), enrolled("s-2", method="password"), enrolled("k-1"))
    assert ann.sign_in == "s-2"
    assert evolve_person(ann, CredentialRevoked(person=ANN, credential="k-1")).sign_in == "s-2"
    assert evolve_person(ann, CredentialRevoked(person=ANN, credential="s-2")).sign_in == ""
    assert person(enrolled("k-1")).sign_in is None


def test_a_sign_in_that_somebody_else_replaced_is_known_to_them() -> None:
    """For thirty days to the moment; one's own change is none, and neither is what one began with."""
    first = enrolled("s-1", method="password", ago=timedelta(days=90))
    began = evolve_person(msgspec.structs.replace(person(), since=NOON - timedelta(days=90)), first)
    assert began.replaced_at is None
    assert not began.was_replaced(NOON)
    own = evolve_person(began, enrolled("s-2", method="password", by=ANN))
    assert own.replaced_at is None
    replaced = evolve_person(began, enrolled("s-2", method="password"))
    assert replaced.was_replaced(NOON)
    assert replaced.was_replaced(NOON + 30 * DAY - MOMENT)
    assert not replaced.was_replaced(NOON + 30 * DAY)
    again = evolve_person(replaced, enrolled("s-3", method="password", by=ANN))
    assert again.replaced_at == NOON  # whoever chose the one before could sign in and choose this one


def test_a_first_sign_in_that_comes_late_is_a_replacement() -> None:
    """Given by somebody else to a person known for long, or after the one before was revoked: who gave it knows it."""
    assert evolve_person(known(), enrolled("s-1", method="password")).was_replaced(NOON)
    fresh = known(since=timedelta(hours=1))
    two = (enrolled("s-1", method="password", ago=timedelta(hours=1)), CredentialRevoked(person=ANN, credential="s-1"))
    for event in (*two, enrolled("s-2", method="password")):
        fresh = evolve_person(fresh, event)
    assert fresh.was_replaced(NOON)
