"""Failures stick to the account, whoever asks, and to where the caller calls from; they never lock anybody out."""

from __future__ import annotations

from tests.desk.office import Office, refused
from watchword.core.action import Action


def test_failures_stick_across_agents_and_cases(office: Office) -> None:
    """Three failures at three desks close what can be talked out of somebody; a passkey still counts."""
    for number, agent in enumerate(("ada.agent", "ben.agent", "ada.agent")):
        case = office.open(agent=agent, ticket=f"INC-{number}")
        office.fail(case, agent=agent)
        office.wait(hours=1)
    last = office.open(agent="ben.agent", ticket="INC-9")
    assert refused(lambda: office.begin(last, "totp", agent="ben.agent")) == ("frozen",)
    assert refused(lambda: office.begin(last, "mail_code", agent="ben.agent")) == ("frozen",)
    office.prove(last, "passkey", agent="ben.agent")
    office.ask(last, agent="ben.agent")
    assert office.state(last) == "releasable"


def test_fewer_failures_age(office: Office) -> None:
    """A day after two failures the third one is a first."""
    case = office.open()
    office.fail(case)
    office.fail(case)
    office.wait(hours=25)
    office.fail(case)
    office.begin(case, "totp")


def test_guesses_do_not_begin_anew(office: Office) -> None:
    """Beginning another challenge after two wrong answers does not give three new guesses."""
    case = office.open()
    for wrong in (2, 1):
        challenge = office.begin(case, "totp")
        for _ in range(wrong):
            refused(lambda c=challenge: office.answer(case, c, "000000"))  # type: ignore[misc]  # bound now
    assert "method.failed" in office.types(case)


def test_fifth_failure_leaves_the_strongest_until_two_agree(office: Office) -> None:
    """Five failures leave only the class's strongest way, and only two different people on duty end that."""
    case = office.open()
    for method in ("totp", "totp", "totp", "in_person", "in_person"):
        office.fail(case, method)
    office.prove(case, "passkey")
    assert "unverified" in refused(lambda: office.ask(case))
    office.prove(case, "in_person")
    office.ask(case)
    assert office.state(case) == "releasable"

    office.wait(days=3)
    other = office.open(ticket="INC-2")
    assert refused(lambda: office.begin(other, "totp")) == ("frozen",)
    account, agree = office.case(other).account, office.app.desk.decisions.release_freeze
    assert refused(lambda: agree(office["ada.agent"], account, office.at))
    assert agree(office["sam.security"], account, office.at) is False
    assert refused(lambda: agree(office["sam.security"], account, office.at)) == ("same_person",)
    assert agree(office["ivy.iam"], account, office.at) is True
    office.prove(other, "totp")
    office.prove(other, "call_code")
    office.ask(other)


def test_origin_waits_before_its_target_does(office: Office) -> None:
    """A number from which three challenges failed waits, each time longer; others reach the same account."""
    case = office.open(origin="+49 30 99")
    for _ in range(2):
        office.fail(case)
    other = office.open("noah.berg", origin="+49 30 99", ticket="INC-2")
    office.fail(other)
    assert refused(lambda: office.open("noah.berg", origin="+49 30 99")) == ("origin_throttled",)
    assert refused(lambda: office.begin(case, "passkey")) == ("origin_throttled",)
    office.open("noah.berg", origin="+49 30 11", ticket="INC-3")
    office.wait(seconds=61)
    office.open("noah.berg", origin="+49 30 99", ticket="INC-4")


def test_origin_that_tries_many_accounts_is_closed(office: Office) -> None:
    """A number that failed on three accounts within a day reaches nobody for the rest of it."""
    for login in ("mara.lind", "noah.berg", "olga.owner"):
        office.fail(office.open(login, origin="+49 30 99"))
        office.wait(hours=2)
    assert refused(lambda: office.open("boss.one", origin="+49 30 99")) == ("origin_targets",)


def test_failures_at_hand_overs_hold_up_nobody_else(office: Office) -> None:
    """Whoever fails at the hand-over of their own cases, over and over, is no agent whose next caller has to wait."""
    for login in ("noah.berg", "eve.exec", "olga.owner", "boss.one"):
        case = office.released(login)
        office.run()
        for _ in range(3):
            challenge, _ = office.app.desk.hand_over.reprove(case, "passkey", office.held[case], office.at)
            for _ in range(3):
                refused(lambda c=case, h=challenge: office.answer(c, h, "{}"))  # type: ignore[misc]
    case = office.released()
    office.run()
    assert office.take(case)


def test_failure_of_another_case_closes_a_running_challenge(office: Office) -> None:
    """A code that was begun before the account froze is still answered, but no longer carries the case."""
    slow, fast = office.open(action=Action.UNLOCK), office.open(ticket="INC-2")
    challenge = office.begin(slow, "totp")
    for _ in range(3):
        office.fail(fast)
    office.answer(slow, challenge, office.totp("mara.lind"))
    assert "unverified" in refused(lambda: office.ask(slow))


def test_guesses_in_many_cases_are_not_free(office: Office) -> None:
    """Wrong answers left in two open cases close every other one to guesses, whatever was begun there before."""
    cases = [office.open(agent="ada.agent", ticket=f"INC-{n}") for n in range(5)]
    begun = [office.begin(case, "totp") for case in cases]
    for case, challenge in zip(cases[:2], begun, strict=False):
        for _ in range(2):
            assert refused(lambda case=case, c=challenge: office.answer(case, c, "000000")) == ("wrong_answer",)  # type: ignore[misc]  # bound now
    for case, challenge in zip(cases[2:], begun[2:], strict=True):
        for answer in ("000000", office.totp("mara.lind")):
            told = refused(lambda case=case, c=challenge, a=answer: office.answer(case, c, a))  # type: ignore[misc]
            assert told == ("left_open",)
    assert [c.misses for case in cases for c in office.case(case).challenges] == [2, 2, 0, 0, 0]
    office.prove(cases[2], "passkey")
    office.answer(cases[1], begun[1], office.totp("mara.lind"))  # its own last try
    office.wait(seconds=60)
    office.answer(cases[3], begun[3], office.totp("mara.lind"))
