"""A new contact point is entered by the person, before anything is proven, and only then approved and done."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.core.sample import ACCOUNT, CASE, CONTACT, MANAGER, VIC, procedure
from tests.core.story import (
    Story,
    answered,
    approved,
    asked,
    begun,
    declined,
    entered,
    escalated,
    given,
    glass_broken,
    leaf,
    missed,
    opened,
    proved,
    released,
    started,
    ticketed,
    verified,
    wait,
)
from watchword.core import event as past
from watchword.core.action import Action
from watchword.core.case import AwaitingApproval, Executing, Releasable, Released, Verifying, verifiers
from watchword.core.change import ContactKind, RevokeSessions, SetContact
from watchword.core.clearance import clear
from watchword.core.contact import MOST, plausible
from watchword.core.errors import Corrupt, Invalid, Refused
from watchword.core.fold import evolve
from watchword.core.request import parse

NEW = "c0" * 32
OTHER = "0c" * 32
HELD = procedure(Action.RECOVERY_INFO_CHANGE, approve=MANAGER)
NUMBER = "+493055500199"


def phone(commitment: str = "") -> SetContact:
    """The change of the sample case."""
    return SetContact(account=ACCOUNT, contact=ContactKind.PHONE, commitment=commitment)


# --- entering ----------------------------------------------------------------------------------------------------


def test_what_is_entered_is_what_is_asked() -> None:
    """The request's bytes hold the commitment of what the person entered, and the executor does that."""
    story = given(verified(HELD), asked(), approved(), released())
    assert parse(story.now(Released).request).changes == (phone(NEW),)
    assert clear(story.history, story.at).changes == (phone(NEW),)
    story.when(started()).then(Executing)


def test_nobody_gives_it_when_the_case_is_opened() -> None:
    """A commitment in the request of an agent is refused, whatever value it is of."""
    given().when(opened(CONTACT, changes=(phone(NEW),))).fails(Invalid, "not given when a case is opened")


def test_nothing_is_proven_before_it_is_there() -> None:
    """A method begun before the person entered it would speak for nothing."""
    refused = given(opened(CONTACT), ticketed()).when(begun("totp")).refused("contact_not_entered")
    assert "own page" in refused.remedy


def test_neither_approval_nor_the_glass_goes_before_it() -> None:
    """What nobody entered can not be asked for, verified or not."""
    story = given(opened(CONTACT), ticketed())
    story.when(asked()).refused("contact_not_entered")
    story.when(glass_broken(HELD)).refused("contact_not_entered")
    given(entered(), start=story).when(glass_broken(HELD)).then(AwaitingApproval)


def test_after_the_glass_the_bytes_hold_it_too() -> None:
    """Break-glass skips verification, and nothing of what is asked for."""
    story = given(opened(CONTACT), ticketed(), entered(), glass_broken(HELD))
    assert parse(story.now(AwaitingApproval).request).changes == (phone(NEW),)


def test_entering_again_makes_what_was_proven_void() -> None:
    """The proofs were of another number: they have to be given again, and then the last number is asked."""
    story = given(verified(CONTACT), entered(OTHER))
    assert (story.now(Verifying).evidence, story.now(Verifying).changes) == ((), (phone(OTHER),))
    story.when(asked()).refused("unverified")
    again = given(proved("totp", "t2"), proved("mail_code", "m2"), asked(), start=story)
    assert parse(again.now(Releasable).request).changes == (phone(OTHER),)
    assert set(parse(again.now(Releasable).request).evidence) == {e.leaf for e in again.now(Releasable).evidence}


def test_void_proofs_still_went_through_hands() -> None:
    """Whoever verified for the value before is still held apart from approval, and wrong answers still count."""
    story = given(verified(CONTACT), entered(OTHER))
    assert verifiers(story.now(Verifying)) == (VIC,)
    guessed = given(opened(CONTACT), entered(), begun("totp"), missed("totp"), missed("totp"), entered(OTHER))
    guessed.when(begun("totp", "again"), missed("again")).then(Verifying, past.MethodFailed, *_STUCK)


_STUCK = tuple(
    type(e)
    for e in given(opened(CONTACT), entered(), begun("totp"), *(missed("totp"),) * 3).events
    if not isinstance(e, past.MethodFailed)
)


def test_a_challenge_begun_before_proves_what_is_there_now() -> None:
    """The answer comes after the entry, so it speaks for it."""
    story = given(opened(CONTACT), entered(), begun("totp"), entered(OTHER), answered("totp"))
    assert [e.method for e in story.now(Verifying).evidence] == ["totp"]


def test_it_is_entered_while_verifying_and_at_no_other_time() -> None:
    """Once it was asked for it stands, in every state that follows; an escalation opens it again."""
    awaiting = given(verified(HELD), asked())
    for story in (
        awaiting,
        given(verified(CONTACT), asked()),
        given(verified(CONTACT), asked(), released()),
        given(verified(CONTACT), asked(), released(), started()),
        given(declined(), start=awaiting),
    ):
        story.when(entered(OTHER)).refused("wrong_state")
    stricter = procedure(Action.RECOVERY_INFO_CHANGE, approve=MANAGER, hold_s=60)
    given(escalated(stricter), entered(OTHER), start=awaiting).when(asked()).refused("unverified")


def test_a_case_of_another_kind_takes_none() -> None:
    """A password reset has nothing to enter, and a nameless entry is none."""
    given(opened()).when(entered()).refused("no_contact_change")
    given(opened(CONTACT)).when(entered("")).fails(Invalid, "missing")


def test_it_is_not_entered_for_ever() -> None:
    """Whoever has the page's address can not fill the ledger."""
    full = given(opened(CONTACT), *(entered(f"{n:064x}") for n in range(MOST)))
    full.when(entered(OTHER)).refused("too_many")


def test_it_stands_beside_other_changes() -> None:
    """After-care in the same case keeps what it is."""
    both = (phone(), RevokeSessions(account=ACCOUNT))
    story = given(opened(CONTACT, changes=both), ticketed(), entered())
    assert story.now(Verifying).changes == (phone(NEW), RevokeSessions(account=ACCOUNT))


# --- what can not have been decided ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "story",
    [
        given(opened()),
        given(verified(CONTACT), asked()),
        given(verified(CONTACT), asked(), released()),
        given(verified(), asked(), released()),
    ],
)
def test_an_entry_planted_elsewhere_is_corrupt(story: Story) -> None:
    """Behind the request, or in a case that changes no contact point, nobody can have entered one."""
    planted = past.Recorded(event=past.ContactEntered(case=CASE, commitment=OTHER), at=story.at, leaf=leaf(999))
    with pytest.raises(Corrupt):
        evolve(story.case, planted)


def test_a_history_with_another_entry_does_not_clear() -> None:
    """The executor finds an entry that was exchanged, moved behind the proofs, or left out."""
    story = given(verified(CONTACT), asked(), released())
    rows = story.history
    (at,) = (i for i, r in enumerate(rows) if isinstance(r.event, past.ContactEntered))
    swapped = msgspec.structs.replace(rows[at], event=past.ContactEntered(case=CASE, commitment=OTHER))
    behind = next(i for i, r in enumerate(rows) if isinstance(r.event, past.ApprovalAsked))
    for history, check in (
        ((*rows[:at], swapped, *rows[at + 1 :]), "same_case"),
        ((*rows[:at], *rows[at + 1 : behind], rows[at], *rows[behind:]), "evidence"),
        ((*rows[:at], *rows[at + 1 :]), "same_case"),
    ):
        with pytest.raises(Refused) as caught:
            clear(history, story.at)
        assert caught.value.reasons == (f"clearance:{check}",)


def test_a_request_for_nothing_entered_does_not_clear() -> None:
    """Even where everything agrees, nobody's contact point is nothing to be done."""

    def forge(row: past.Recorded) -> past.Recorded | None:
        event = row.event
        if isinstance(event, past.ContactEntered):
            return None
        if isinstance(event, past.ApprovalAsked | past.CaseReleased):
            empty = msgspec.structs.replace(parse(event.request), changes=(phone(),)).encode()
            return msgspec.structs.replace(row, event=msgspec.structs.replace(event, request=empty))
        return row

    story = given(verified(CONTACT), asked(), released())
    with pytest.raises(Refused) as caught:
        clear(tuple(r for r in map(forge, story.history) if r), story.at)
    assert caught.value.reasons == ("clearance:entered",)


def test_a_proof_ages_from_its_own_time() -> None:
    """Entering late does not make anything fresher."""
    story = given(opened(CONTACT), ticketed(), entered(), proved("totp"), wait(minutes=16), proved("mail_code"))
    story.when(asked()).refused("unverified")
    assert story.at - story.now(Verifying).evidence[0].at == timedelta(minutes=16)


# --- what may be entered -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        (ContactKind.PHONE, "+493055500199", NUMBER),
        (ContactKind.PHONE, "  +49 (30) 555-00.199 ", NUMBER),
        (ContactKind.PHONE, "+1/202\u00a0555\u202f0143", "+12025550143"),
        (ContactKind.PHONE, "+1234567", "+1234567"),
        (ContactKind.PHONE, "+123456789012345", "+123456789012345"),
        (ContactKind.MAIL, " mara.lind@example.test\n", "mara.lind@example.test"),
        (ContactKind.MAIL, "o'neil+desk@mail.xn--bcher-kva.example", "o'neil+desk@mail.xn--bcher-kva.example"),
        (ContactKind.MAIL, f"{'l' * 64}@example.test", f"{'l' * 64}@example.test"),
    ],
)
def test_a_plausible_one_is_kept_in_one_form(kind: ContactKind, typed: str, kept: str) -> None:
    """Numbers without the separators people type, addresses as they are."""
    assert plausible(kind, typed) == kept


@pytest.mark.parametrize(
    ("kind", "typed", "why"),
    [
        (ContactKind.PHONE, "", "no whole phone number"),
        (ContactKind.PHONE, "030 55500199", "no whole phone number"),
        (ContactKind.PHONE, "0049 30 55500199", "no whole phone number"),
        (ContactKind.PHONE, "+49 (0)30 55500199", "no whole phone number"),
        (ContactKind.PHONE, "+0 30 55500199", "no whole phone number"),
        (ContactKind.PHONE, "+123456", "no whole phone number"),
        (ContactKind.PHONE, "+1234567890123456", "no whole phone number"),
        (ContactKind.PHONE, "+49305550019९", "no whole phone number"),
        (ContactKind.PHONE, "+49 30 55500199 ext 4", "no whole phone number"),
        (ContactKind.PHONE, "mara.lind@example.test", "no whole phone number"),
        (ContactKind.MAIL, "+493055500199", "no mail address"),
        (ContactKind.MAIL, "mara.lind", "no mail address"),
        (ContactKind.MAIL, "mara.lind@localhost", "no mail address"),
        (ContactKind.MAIL, "mara..lind@example.test", "no mail address"),
        (ContactKind.MAIL, ".mara@example.test", "no mail address"),
        (ContactKind.MAIL, "mara@-example.test", "no mail address"),
        (ContactKind.MAIL, "mara@example.test, eve@example.test", "no mail address"),
        (ContactKind.MAIL, "Mara <mara@example.test>", "no mail address"),
        (ContactKind.MAIL, "mara@exämple.test", "no mail address"),
        (ContactKind.MAIL, f"{'l' * 65}@example.test", "no mail address"),
        (ContactKind.MAIL, "mara@example.test\r\nBcc: eve@example.test", "can not be seen"),
        (ContactKind.MAIL, "mara\u200b@example.test", "can not be seen"),
        (ContactKind.PHONE, "+4930555\x0000199", "can not be seen"),
        (ContactKind.PHONE, "+49 30 555\u202e00199", "can not be seen"),
        (ContactKind.PHONE, "+" + "1" * 254, "too long"),
        (ContactKind.MAIL, f"m@{'a.' * 130}test", "too long"),
    ],
)
def test_anything_else_is_told(kind: ContactKind, typed: str, why: str) -> None:
    """What is wrong is said, with how it is done."""
    with pytest.raises(Invalid, match=why) as caught:
        plausible(kind, typed)
    assert caught.value.where == "value"
    assert caught.value.remedy


def test_an_address_has_254_characters_at_most_and_is_entered_ten_times() -> None:
    """The bounds are those that are documented, and the longest address that mail itself allows is taken."""
    longest = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 56}.test"
    assert (len(longest), MOST) == (254, 10)
    assert plausible(ContactKind.MAIL, longest) == longest
    with pytest.raises(Invalid, match="too long"):
        plausible(ContactKind.MAIL, longest.replace("d.test", "dd.test"))
