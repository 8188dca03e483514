"""A method begun, missed or proved: what each decision writes down, and what closes a method before it is begun."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.core.sample import ACCOUNT, CALLER, CASE, DAY, METHODS, NOON, RESET, SUE, VIC, procedure, standing
from tests.core.story import (
    Story,
    Tell,
    answered,
    asked,
    begun,
    frozen,
    given,
    missed,
    opened,
    page_opened,
    proved,
    released,
    step,
    verified,
    wait,
    withdrawn,
)
from watchword.core import command as do
from watchword.core import event as past
from watchword.core.case import Case, Verifying
from watchword.core.confirmation import DeskBrowserRefused
from watchword.core.errors import Conflict, Refused
from watchword.core.gates import Event
from watchword.core.ids import OriginId, PersonId
from watchword.core.origin import OriginFailed, of_agent
from watchword.core.person import CredentialUsed, Prompted
from watchword.core.proving import (
    abandoned,
    began_in,
    begin,
    demand_few_left,
    desk_of,
    guessed_at,
    miss,
    prove,
    turn_away,
)
from watchword.core.requirement import Method
from watchword.core.standing import Account, FailureRecorded, Thresholds

START = do.Begin(
    challenge="ch-1",
    method="totp",
    purpose="verify",
    by=VIC,
    prover=SUE,
    credential="cr-1",
    contact_changed_at=None,
    expires=NOON + timedelta(minutes=10),
)
BEGUN = past.ChallengeBegun(
    case=CASE,
    challenge="ch-1",
    method="totp",
    purpose="verify",
    by=VIC,
    prover=SUE,
    credential="cr-1",
    contact_changed_at=None,
    expires=NOON + timedelta(minutes=10),
)
OPENED = given(opened())


def started(story: Story = OPENED, *, account: Account | None = None, **other: object) -> tuple[Event, ...]:
    """What comes of beginning Sue's TOTP in *story*, with any field of the command set to something *other*."""
    assert story.case is not None
    command = msgspec.structs.replace(START, **other)
    return begin(story.case, account or story.account, command, story.at, Thresholds())


def test_the_browser_that_answers_is_kept_with_the_challenge() -> None:
    """Where a method is bound to one it stands in the entry and in the case; else nothing does."""
    for browser in (None, "a browser's mark"):
        assert started(browser=browser) == (msgspec.structs.replace(BEGUN, browser=browser),)
        after = given(step(msgspec.structs.replace(START, browser=browser)), start=OPENED)
        assert after.case is not None
        assert [c.browser for c in after.case.challenges] == [browser]


def refused(story: Story = OPENED, *, account: Account | None = None, **other: object) -> tuple[str, ...]:
    """Why it can not be begun."""
    with pytest.raises(Refused) as caught:
        started(story, account=account, **other)
    return caught.value.reasons


def with_methods(**changed: dict[str, object]) -> tuple[Method, ...]:
    """The sample's methods, some with fields set to something else."""
    return tuple(msgspec.structs.replace(m, **changed.get(m.name, {})) for m in METHODS)


def handing_over(*steps: Tell, methods: tuple[Method, ...] = METHODS, page: bool = True) -> Story:
    """A released reset whose subject opened the page of the hand-over, proved by *steps*, or in the plain two ways."""
    story = given(verified(procedure(RESET.action, methods=methods)), *steps, asked(), released())
    return given(page_opened(), start=story) if page else story


def test_a_method_is_begun_as_it_was_asked() -> None:
    """Every word of the command is in the event, and nothing else is written where nobody is prompted."""
    assert started() == (BEGUN,)


def test_who_is_prompted_has_it_counted() -> None:
    """A method that prompts writes the prompt down for the person; where nobody knows the person, none can be."""
    assert started(prompted=()) == (BEGUN, Prompted(person=SUE, case=CASE, at=NOON))
    assert started(prompted=(), prover=None) == (msgspec.structs.replace(BEGUN, prover=None),)


def test_nobody_is_prompted_more_than_three_times_an_hour() -> None:
    """Whoever began the prompts, and for whichever case: the fourth waits until the first is an hour old."""
    twice = (NOON - timedelta(minutes=59), NOON - timedelta(minutes=1))
    assert len(started(prompted=twice)) == 2
    assert refused(prompted=(*twice, NOON)) == ("prompted_often",)
    assert len(started(prompted=(NOON - timedelta(hours=1), *twice))) == 2


def test_a_challenge_has_one_beginning() -> None:
    """Another method under the same id is not begun, nor the same one."""
    story = given(opened(), begun("totp", "ch-1"))
    for method in ("totp", "passkey"):
        with pytest.raises(Conflict, match="begun already"):
            started(story, method=method)
    assert started(story, challenge="ch-2")


def test_an_unknown_method_is_answered_with_the_known_ones() -> None:
    """The way on names what counts."""
    with pytest.raises(Refused) as caught:
        started(method="horoscope")
    assert caught.value.reasons == ("unknown_method",)
    assert "passkey, totp" in caught.value.remedy


def test_thirty_methods_may_be_begun_for_each_purpose() -> None:
    """The thirtieth is begun, one more is not; what was begun to verify leaves the hand-over its own thirty."""
    full = handing_over()
    assert full.case is not None
    one = full.case.challenges[0]
    many = tuple(msgspec.structs.replace(one, id=f"v-{n}") for n in range(30))
    verifying = given(opened())
    assert verifying.case is not None
    nearly = msgspec.structs.replace(verifying, case=msgspec.structs.replace(verifying.case, challenges=many[:29]))
    assert started(nearly)
    over = msgspec.structs.replace(verifying, case=msgspec.structs.replace(verifying.case, challenges=many))
    assert refused(over) == ("too_many",)
    late = msgspec.structs.replace(full, case=msgspec.structs.replace(full.case, challenges=many))
    assert started(late, purpose="hand_over")


def test_the_hand_over_asks_again_for_what_was_proved() -> None:
    """TOTP and a code by mail were proved: either will do, and a passkey nobody proved in this case will not."""
    story = handing_over()
    assert started(story, purpose="hand_over", method="totp")
    assert started(story, purpose="hand_over", method="mail_code")
    with pytest.raises(Refused) as caught:
        started(story, purpose="hand_over", method="passkey")
    assert caught.value.reasons == ("not_proved_before",)
    assert "mail_code, totp" in caught.value.remedy


def test_the_hand_over_takes_nobodys_word() -> None:
    """An attested method opens nothing, proved before or not."""
    story = handing_over(proved("in_person"))
    assert refused(story, purpose="hand_over", method="in_person") == ("attested_only",)
    assert refused(handing_over(), purpose="hand_over", method="in_person") == ("attested_only",)


def test_a_code_that_is_spent_does_not_open_the_hand_over() -> None:
    """Who proved by a code of one use and by TOTP gives TOTP again; who has only such codes gives another method."""
    some = with_methods(mail_code={"single_use": True})
    assert refused(handing_over(methods=some), purpose="hand_over", method="mail_code") == ("not_proved_before",)
    assert started(handing_over(methods=some), purpose="hand_over", method="totp")
    every = with_methods(mail_code={"single_use": True}, totp={"single_use": True})
    spent = handing_over(methods=every)
    assert refused(spent, purpose="hand_over", method="totp") == ("single_use",)
    assert started(spent, purpose="hand_over", method="passkey")
    assert started(given(opened(procedure(methods=every))), method="totp")


def test_the_hand_over_needs_a_key_to_seal_to() -> None:
    """Before the page was opened there is none; before the release there is no hand-over at all."""
    assert refused(handing_over(page=False), purpose="hand_over") == ("no_hand_over_key",)
    assert "wrong_state" in refused(purpose="hand_over")
    assert "wrong_state" in refused(handing_over(), purpose="verify")


def test_nothing_is_asked_over_a_call_in_the_text_lane() -> None:
    """A call-back is closed there and open elsewhere; what needs no voice is open in both."""
    assert OPENED.case is not None
    texting = msgspec.structs.replace(OPENED, case=msgspec.structs.replace(OPENED.case, lane="text"))
    assert refused(texting, method="callback") == ("text_lane",)
    assert started(texting, method="totp")
    assert started(method="callback")


def test_failures_close_the_remote_methods_that_can_be_talked_out_of_somebody() -> None:
    """From the third failure of a day, and neither before nor for a passkey."""
    twice = msgspec.structs.replace(standing(), failures=(NOON, NOON))
    thrice = msgspec.structs.replace(standing(), failures=(NOON, NOON, NOON))
    assert started(account=twice)
    assert refused(account=thrice) == ("frozen",)
    assert started(account=thrice, method="passkey")


def test_a_contact_point_proves_something_after_thirty_days() -> None:
    """On the day, with the day it counts from among the words before that."""
    changed = NOON - 30 * DAY
    assert started(contact_changed_at=changed) == (msgspec.structs.replace(BEGUN, contact_changed_at=changed),)
    with pytest.raises(Refused) as caught:
        started(contact_changed_at=changed + timedelta(seconds=1))
    assert caught.value.reasons == ("young_contact",)
    assert "2030-05-06" in caught.value.what


def wrong(story: Story, challenge: str = "totp", *, final: bool = False) -> tuple[Event, ...]:
    """What comes of a wrong answer."""
    assert story.case is not None
    return miss(story.case, story.account, do.Miss(challenge=challenge, by=VIC, final=final))


def test_the_third_wrong_answer_fails_account_caller_and_agent() -> None:
    """Two are only counted; the third is a failure for all it came from, and so is a first one that is final."""
    story = given(opened(), begun("totp"))
    counted = (past.ChallengeMissed(case=CASE, challenge="totp"),)
    failed = (
        past.MethodFailed(case=CASE, challenge="totp", method="totp", by=VIC),
        FailureRecorded(account=ACCOUNT, case=CASE, method="totp"),
        OriginFailed(origin=CALLER, case=CASE, account=ACCOUNT),
        OriginFailed(origin=of_agent(VIC), case=CASE, account=ACCOUNT),
    )
    assert wrong(story) == counted
    assert wrong(given(missed("totp"), start=story)) == counted
    assert wrong(given(missed("totp"), missed("totp"), start=story)) == failed
    assert wrong(story, final=True) == failed


def test_wrong_answers_count_over_the_challenges_that_run() -> None:
    """One to each of two challenges and a third to either fail; those of one that ended are not counted again."""
    two = given(opened(), begun("totp"), begun("mail_code"), missed("totp"), missed("mail_code"))
    assert isinstance(wrong(two, "mail_code")[0], past.MethodFailed)
    done = given(opened(), begun("totp"), missed("totp"), missed("totp"), answered("totp"), begun("mail_code"))
    assert isinstance(wrong(done, "mail_code")[0], past.ChallengeMissed)


@pytest.mark.parametrize(
    ("counter", "credential", "prover", "used"),
    [
        (7, "cr-1", SUE, True),
        (0, "cr-1", SUE, True),
        (None, "cr-1", SUE, False),
        (7, None, SUE, False),
        (7, "cr-1", None, False),
    ],
)
def test_a_counter_is_used_up_where_there_is_one(
    counter: int | None, credential: str | None, prover: PersonId | None, *, used: bool
) -> None:
    """Counter, credential and person have to be known, or there is nothing to use up."""
    assert OPENED.case is not None
    command = msgspec.structs.replace(START, credential=credential, prover=prover)
    story = OPENED.take(command)
    assert story.case is not None
    answer = do.Prove(challenge="ch-1", by=VIC, counter=counter, browser="b-1")
    got = prove(story.case, answer, NOON)
    assert got[0] == past.MethodProved(
        case=CASE,
        challenge="ch-1",
        method="totp",
        purpose="verify",
        by=VIC,
        prover=command.prover,
        credential=credential,
        counter=counter,
        contact_changed_at=None,
        browser="b-1",
    )
    assert got[1:] == ((CredentialUsed(person=SUE, credential="cr-1", counter=counter or 0),) if used else ())


def test_an_answer_counts_until_its_challenge_is_over() -> None:
    """At the very end still, after it no more."""
    story = OPENED.take(START)
    assert story.case is not None
    answer = do.Prove(challenge="ch-1", by=VIC, counter=None)
    assert prove(story.case, answer, START.expires)
    with pytest.raises(Refused) as caught:
        prove(story.case, answer, START.expires + timedelta(seconds=1))
    assert caught.value.reasons == ("expired",)


def test_what_ends_with_guesses_left_over_is_one_failure() -> None:
    """For the challenge they were made at and all it came from; without any, or once they were made good, for none."""
    assert OPENED.case is not None
    guessed = given(opened(), begun("totp"), begun("mail_code"), missed("mail_code"))
    assert guessed.case is not None
    seen = msgspec.structs.replace(guessed.case, pages=(OriginId("o-page"),))
    left = abandoned(seen, guessed.account)
    assert left[0] == FailureRecorded(account=ACCOUNT, case=CASE, method="mail_code")
    assert {e.origin for e in left[1:] if isinstance(e, OriginFailed)} >= {CALLER, of_agent(VIC)}
    assert abandoned(OPENED.case, OPENED.account) == ()
    good = given(opened(), begun("totp"), missed("totp"), answered("totp"))
    assert good.case is not None
    assert abandoned(good.case, good.account) == ()


@pytest.mark.parametrize("end", [asked(), withdrawn(), frozen()], ids=["asked", "withdrawn", "frozen"])
def test_what_a_case_left_behind_is_answered_no_more(end: Tell) -> None:
    """Wrong answers are counted when a case moves on, once: neither a wrong nor a right one is taken after that."""
    story = given(verified(), begun("passkey"), begun("callback"), missed("passkey"), end)
    for answer in (missed("passkey"), missed("callback", final=True), answered("callback")):
        story.when(answer).refused("wrong_state")
    assert len(story.account.failures) <= 1


def test_nobody_stands_at_a_kiosk_but_in_its_lane() -> None:
    """What a supervisor signs on site proves nothing in a case of a call or of a chat; other methods do there."""
    on_site = Method(name="kiosk", weight=4, enforced=True, remote=False, phishable=False, defeats=(("nerve",),))
    story = given(opened(procedure(methods=(*METHODS, on_site))))
    assert story.case is not None
    for lane in ("voice", "text"):
        there = msgspec.structs.replace(story, case=msgspec.structs.replace(story.case, lane=lane))
        assert refused(there, method="kiosk") == ("no_kiosk",)
        assert started(there, method="totp")
    at_the_kiosk = msgspec.structs.replace(story, case=msgspec.structs.replace(story.case, lane="kiosk"))
    assert started(at_the_kiosk, method="kiosk")
    assert started(at_the_kiosk, method="totp")


def test_a_prompt_is_sent_once() -> None:
    """A second one that appears could be answered by whoever began it; nothing is sent for what is over."""
    sent = step(do.NotePrompt(challenge="totp"))
    story = given(opened(), begun("totp")).when(sent).then(Verifying, past.PromptSent)
    story.when(sent).refused("used")
    given(opened(), proved("totp")).when(sent).refused("used")
    given(opened()).when(sent).refused("foreign_challenge")


# --- guesses that are left in other cases ----------------------------------------------------------------------------


def case_of(story: Story) -> Case:
    """The case as *story* leaves it."""
    assert story.case is not None
    return story.case


SLIPPED = given(opened(), begun("totp"), missed("totp"))
"""A case with one wrong answer that nobody is charged with yet."""


def test_a_case_with_a_wrong_answer_is_guessed_at() -> None:
    """While its challenge runs and the case still verifies; a challenge that ended was charged for, or was proved."""
    assert guessed_at(case_of(SLIPPED))
    assert not guessed_at(case_of(OPENED))
    assert not guessed_at(case_of(given(opened(), begun("totp"))))
    assert not guessed_at(case_of(given(opened(), begun("totp"), missed("totp", final=True))))
    assert not guessed_at(case_of(given(answered("totp"), start=SLIPPED)))
    assert not guessed_at(case_of(given(frozen(), start=SLIPPED)))  # a freeze charges for what stood
    assert guessed_at(case_of(given(step(do.Object(by=VIC, channel="desk", bound=True)), start=SLIPPED)))
    assert not guessed_at(case_of(given(withdrawn(), start=SLIPPED)))


def test_guesses_count_since_the_latest_charge() -> None:
    """What was begun at or before that moment was counted with it."""
    (challenge,) = case_of(SLIPPED).challenges
    assert guessed_at(case_of(SLIPPED), challenge.begun - timedelta(seconds=1))
    assert not guessed_at(case_of(SLIPPED), challenge.begun)
    assert not guessed_at(case_of(SLIPPED), challenge.begun + timedelta(seconds=1))
    both = given(wait(minutes=1), begun("mail_code"), missed("mail_code"), start=SLIPPED)
    assert guessed_at(case_of(both), challenge.begun)


@pytest.mark.parametrize(("method", "others", "open_"), [("totp", 1, True), ("totp", 2, False), ("totp", 3, False)])
def test_two_other_cases_with_guesses_close_a_third(method: str, others: int, open_: bool) -> None:
    """Each of many cases would be two guesses for nothing."""
    left = (case_of(SLIPPED),) * others
    if open_:
        demand_few_left(case_of(OPENED), method, left)
        return
    with pytest.raises(Refused, match=f"in {others} other") as caught:
        demand_few_left(case_of(OPENED), method, left)
    assert caught.value.reasons == ("left_open",)


@pytest.mark.parametrize("method", ["passkey", "in_person", "unheard_of"])
def test_what_nobody_is_talked_out_of_stays_open(method: str) -> None:
    """So that cases others leave behind lock nobody out."""
    demand_few_left(case_of(OPENED), method, (case_of(SLIPPED),) * 5)


# --- the desk's own browser ------------------------------------------------------------------------------------------


def in_browser(mark: str | None, *, lane: past.Lane = "voice") -> Story:
    """A case whose method the desk began in a browser of that mark."""
    story = given(opened(), begun("totp"))
    case = case_of(story)
    challenges = tuple(msgspec.structs.replace(c, browser=mark) for c in case.challenges)
    return msgspec.structs.replace(story, case=msgspec.structs.replace(case, challenges=challenges, lane=lane))


@pytest.mark.parametrize(
    ("began", "answers", "lane", "counts"),
    [
        ("theirs", "theirs", "voice", False),
        ("theirs", "theirs", "text", False),
        ("theirs", "theirs", "kiosk", True),
        ("theirs", "another", "voice", True),
        ("theirs", None, "voice", True),
        (None, "theirs", "voice", True),
        (None, None, "voice", True),
    ],
)
def test_what_is_typed_where_the_desk_began_it_proves_nothing(
    began: str | None, answers: str | None, lane: past.Lane, counts: bool
) -> None:
    """The agent may have typed it; at a kiosk everybody has one browser."""
    story, answer = (
        in_browser(began, lane=lane),
        step(do.Prove(challenge="totp", by=VIC, counter=None, browser=answers)),
    )
    assert desk_of(case_of(story), answers) == (None if counts else VIC)
    assert began_in(case_of(story), answers) == (VIC if began and began == answers else None)
    if counts:
        story.when(answer).then(Verifying, past.MethodProved)
    else:
        story.when(answer).refused("desk_browser")


def test_whose_browser_was_turned_away_is_noted_once() -> None:
    """For each of them, and no more once the case is over."""
    given(opened()).when(step(do.TurnAway(person=VIC))).then(Verifying, DeskBrowserRefused)
    story = given(step(do.TurnAway(person=VIC)), start=given(opened()))
    assert case_of(story).turned_away == (VIC,)
    assert turn_away(case_of(story), do.TurnAway(person=VIC)) == ()
    assert turn_away(case_of(story), do.TurnAway(person=SUE)) == (DeskBrowserRefused(case=CASE, person=SUE),)
    over = given(step(do.Withdraw(by=VIC)), start=given(opened()))
    assert turn_away(case_of(over), do.TurnAway(person=SUE)) == ()
