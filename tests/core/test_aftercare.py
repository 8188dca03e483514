"""After-care: the person confirms what was done from where they proved themself, or access is taken away in time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.core.sample import ANN, EXE, VIC, procedure
from tests.core.story import (
    Story,
    Tell,
    asked,
    begun,
    closed,
    executed,
    given,
    opened,
    proved,
    released,
    step,
    ticketed,
    validated,
    verified,
    wait,
)
from tests.core.test_objection import lifted, objected
from watchword.core import command as do
from watchword.core.aftercare import confirm_due, may_confirm
from watchword.core.case import Case, Closed, Contained, Delivered, Protected
from watchword.core.change import RevokeSessions, Suspend
from watchword.core.confirmation import CareConfirmed, CareMissed
from watchword.core.objection import stops_care
from watchword.core.requirement import After
from watchword.core.standing import AccountShielded

MOMENT = timedelta(microseconds=1)
CARED = procedure(after=After(confirm_s=3600))


def done(rule: object = CARED) -> Story:
    """An unlock that was done, an hour before nobody has confirmed it."""
    return given(verified(rule), asked(), released(), executed(), validated())  # type: ignore[arg-type]


def confirmed(*, bound: bool = False, browser: str | None = None) -> Tell:
    """The person says that it was them."""
    return step(do.ConfirmCare(bound=bound, browser=browser))


def missed() -> Tell:
    """Nobody is said to have confirmed."""
    return step(do.MissCare(by=EXE))


def from_browser(method: str, browser: str) -> Tell:
    """A method, proven in the browser of that mark."""
    return lambda story: given(
        begun(method), step(do.Prove(challenge=method, by=VIC, counter=None, browser=browser)), start=story
    )


def test_what_is_confirmed_stays() -> None:
    """In time and once: a second word adds nothing, and nothing is missed any more."""
    story = done().when(confirmed(bound=True)).then(Delivered, CareConfirmed)
    story.when(confirmed(bound=True)).then(Delivered)
    assert given(confirmed(bound=True), start=story).events == ()
    assert given(wait(hours=2), missed(), start=story).events == ()


def test_what_nobody_confirms_is_taken_away_when_the_time_is_over() -> None:
    """Not a moment before it; the account is suspended and its sessions end, and its mailbox is cut off by that."""
    story = done()
    refusal = story.when(wait(hours=1), wait(microseconds=-1), missed()).refused("too_early")
    assert "still has time" in refusal.what
    after = story.when(wait(hours=1), missed()).then(Protected, CareMissed, AccountShielded)
    case, account = after.now(Protected), after.case
    assert case.unconfirmed
    assert account is not None
    assert case.taken_back == (Suspend(account=account.account), RevokeSessions(account=account.account))
    assert case.earlier
    assert not case.progress
    shielded = after.events[1]
    assert isinstance(shielded, AccountShielded)
    assert (shielded.by, shielded.cut) == (EXE, ("mail",))


def test_a_closed_case_is_cared_for_as_well() -> None:
    """Closing it does not end the time to confirm, neither for a yes nor for nobody's word."""
    story = given(closed(), start=done())
    story.when(confirmed(bound=True)).then(Closed, CareConfirmed)
    story.when(wait(hours=1), missed()).then(Protected, CareMissed, AccountShielded)


def test_where_nothing_is_asked_nothing_is_due() -> None:
    """A procedure without after-care takes no word and misses none."""
    plain = done(procedure())
    assert plain.case is not None
    assert confirm_due(plain.case) is None
    assert given(confirmed(bound=True), start=plain).events == ()
    assert given(wait(days=9), missed(), start=plain).events == ()


def test_nothing_is_due_before_it_was_delivered() -> None:
    """The time begins with the delivery, and before it neither word is taken."""
    before = given(verified(CARED), asked(), released(), executed())
    assert before.case is not None
    assert confirm_due(before.case) is None
    before.when(confirmed(bound=True)).refused("wrong_state")
    before.when(missed()).refused("wrong_state")
    after = done()
    assert confirm_due(after.now(Delivered)) == after.at + timedelta(hours=1)


def test_a_browser_that_proved_nothing_confirms_nothing() -> None:
    """The one that is bound to the case may, and one that an enforced proof came from; no other, and none unknown."""
    proofs = (from_browser("totp", "hers"), from_browser("in_person", "the desk's"), proved("mail_code"))
    story = given(opened(CARED), ticketed(), *proofs, asked(), released(), executed(), validated())
    story.when(confirmed(browser="hers")).then(Delivered, CareConfirmed)
    for other in ("the desk's", "another", None):
        story.when(confirmed(browser=other)).refused("other_browser")
    case = story.now(Delivered)
    assert may_confirm(case, bound=True, browser=None)
    assert not may_confirm(case, bound=False, browser=None)


@pytest.mark.parametrize(("after", "kind"), [((), Delivered), ((closed(),), Closed)])
def test_nobody_confirms_after_a_not_me(after: tuple[Tell, ...], kind: type[Case]) -> None:
    """Whoever took the credential over holds the browser; until somebody on duty looked, access ends in time."""
    story = given(*after, objected(VIC, "person"), start=done())
    assert stops_care(story.now(kind))
    refusal = story.when(confirmed(bound=True)).refused("care_stopped")
    assert f"{done().at + timedelta(hours=1):%Y-%m-%d %H:%M}" in refusal.remedy
    story.when(confirmed(browser="another")).refused("other_browser")
    story.when(wait(hours=1), missed()).then(Protected, CareMissed, AccountShielded)
    story.when(lifted(VIC)).refused("same_person")
    looked = given(lifted(), start=story)
    assert looked.now(kind).objections == ()
    looked.when(lifted()).refused("wrong_state")
    looked.when(confirmed(bound=True)).then(kind, CareConfirmed)
    looked.when(wait(hours=1), missed()).then(Protected, CareMissed, AccountShielded)
    looked.when(objected(VIC, "person"), confirmed(bound=True)).refused("care_stopped")


def test_what_asks_for_no_word_and_what_has_it_waits_for_nobody() -> None:
    """A not me there is heard, and let be by nobody: it stays for the second one."""
    for story in (done(procedure()), given(confirmed(bound=True), start=done())):
        heard = given(objected(VIC, "person"), start=story)
        assert not stops_care(heard.now(Delivered))
        heard.when(lifted()).refused("wrong_state")
        assert given(confirmed(bound=True), start=heard).events == ()
    assert not stops_care(done().now(Delivered))
    before = given(verified(CARED), asked(), released(), objected(VIC, "person"))
    assert before.case is not None
    assert not stops_care(before.case)


def test_what_never_was_handed_over_waits_for_no_word() -> None:
    """Closed after a failure there is nothing to confirm, so nobody lets it go on; a not me stays for the second."""
    failed = given(verified(CARED), asked(), released(), executed(), validated(sound=False))
    heard = given(objected(VIC, "person"), closed(), start=failed)
    assert confirm_due(heard.now(Closed)) is None
    assert not stops_care(heard.now(Closed))
    heard.when(lifted()).refused("wrong_state")
    heard.when(objected(ANN, "desk")).then(Contained)


@pytest.mark.parametrize("when", [-MOMENT, timedelta(0)])
def test_a_word_counts_until_access_is_taken_away(when: timedelta) -> None:
    """Somebody who is late, and quicker than the clock's own entry, is heard."""
    late = given(wait(hours=1), wait(microseconds=when / MOMENT), start=done())
    late.when(confirmed(bound=True)).then(Delivered, CareConfirmed)
