"""“Not me” at a running desk: the executor stands still, notices say how to object, and two voices take it back."""

from __future__ import annotations

import threading

import pytest

from tests.desk.office import Office, refused
from watchword.core.action import Action
from watchword.core.change import RevokeSessions, Suspend
from watchword.core.errors import Invalid
from watchword.core.ids import AccountId, CaseId
from watchword.core.requirement import Context
from watchword.languages.catalogue import words

SUSPEND = Suspend(account=AccountId(""))
SESSIONS = RevokeSessions(account=AccountId(""))


def says(office: Office, case: CaseId, who: str = "ada.agent") -> None:
    """*who* says that the person did not ask for it."""
    office.app.desk.objections.object(office[who], case, "she called from the canteen: not me", office.at)


def lets(office: Office, case: CaseId, who: str = "ivy.iam") -> None:
    """*who* lets it go on."""
    office.app.desk.objections.lift(office[who], case, "called her back: she had forgotten", office.at)


def test_the_executor_stands_still_and_goes_on_when_it_may(office: Office) -> None:
    """A released change is not made while somebody's objection stands; it is made once somebody else looked at it."""
    case = office.released()
    says(office, case)
    office.run()
    assert (office.state(case), office.version("mara.lind")) == ("paused", 0)
    lets(office, case)
    office.run()
    assert (office.state(case), office.version("mara.lind")) == ("checked", 1)
    assert office.take(case)


def test_a_lost_row_asks_again_only_once_it_may_go_on(office: Office) -> None:
    """Nothing is owed while a case stands still, even to a runner that has to ask for everything anew."""
    case = office.released()
    says(office, case)
    office.tamper("DELETE FROM effect")
    office.tampered = False
    office.run()
    assert office.version("mara.lind") == 0
    lets(office, case)
    office.run()
    assert office.version("mara.lind") == 1


@pytest.mark.parametrize("first", ["release", "object"])
def test_a_release_and_an_objection_at_once(office: Office, first: str) -> None:
    """Whichever the ledger takes first, the case stands still at the end and nothing was changed."""
    case = office.open()
    office.prove(case, "passkey")
    office.ask(case)
    barrier = threading.Barrier(2)
    lost: list[tuple[str, ...]] = []

    def release() -> None:
        barrier.wait()
        try:
            office.release(case)
        except Exception as fault:  # noqa: BLE001  (whatever it is, it is looked at below)
            lost.append(getattr(fault, "reasons", (repr(fault),)))

    def stop() -> None:
        barrier.wait()
        says(office, case)

    threads = [threading.Thread(target=run) for run in ((release, stop) if first == "release" else (stop, release))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    office.run()
    assert office.state(case) == "paused"
    assert office.version("mara.lind") == 0
    assert not lost or lost == [("wrong_state", "paused")]
    assert refused(lambda: office.release(case)) == ("wrong_state", "paused")


def test_two_voices_take_back_what_was_given_and_freeze_the_account(office: Office) -> None:
    """After the second the account is suspended, signed out and frozen, and other cases of those agents stop."""
    case, other = office.released(), office.open("noah.berg")
    office.run()
    assert office.version("mara.lind") == 1
    says(office, case)
    assert office.version("mara.lind", SUSPEND) == 0
    says(office, case, "ben.agent")
    office.run()
    assert office.state(case) == "contained"
    assert (office.version("mara.lind", SUSPEND), office.state(other)) == (1, "frozen")
    account = office.app.registry.account(office.case(case).account)
    assert account.freeze(office.at, office.app.desk.steps.thresholds) == 2


def test_two_voices_before_anything_was_given_lock_nobody_out(office: Office) -> None:
    """The case ends, the person is told that nothing was changed, and no other case of the agents is stopped."""
    case, other = office.open(), office.open("noah.berg")
    says(office, case)
    says(office, case, "boss.one")
    office.run()
    assert office.state(case) == "contained"
    assert (office.version("mara.lind", SUSPEND), office.state(other)) == (0, "verifying")
    assert office.app.outbox is not None
    text = office.app.outbox.sent("mara.lind@example.test")[-1].text
    assert text.startswith(words("en")("notice.ended", deed=words("en")("deed.password_reset")))


def test_the_person_signed_in_is_heard(office: Office) -> None:
    """Whose account it is says it themself, without a role, and together with one at the desk that is two voices."""
    case = office.open()
    says(office, case, "mara.lind")
    assert office.state(case) == "paused"
    assert "subject-never-acts" in refused(lambda: lets(office, case, "mara.lind"))
    says(office, case, "ben.agent")
    assert office.state(case) == "contained"


@pytest.mark.parametrize("who", ["ada.agent", "ben.agent", "rae.release", "rex.review", "noah.berg"])
def test_only_somebody_on_duty_lets_it_go_on(office: Office, who: str) -> None:
    """Agents, executors, reviewers and passers-by can not, whoever opened or verified it."""
    case = office.open()
    says(office, case)
    assert refused(lambda: lets(office, case, who))
    assert office.state(case) == "paused"


def test_somebody_on_duty_who_objected_does_not_let_it_go_on(office: Office) -> None:
    """Whoever stopped it is not the one to look at it."""
    case = office.open()
    says(office, case, "ivy.iam")
    assert refused(lambda: lets(office, case)) == ("same_person",)
    lets(office, case, "sam.security")
    assert office.state(case) == "verifying"


def test_what_was_said_is_needed_and_kept_sealed(office: Office) -> None:
    """An empty sentence is refused; what was said is a payload and stands in no entry."""
    case = office.open()
    with pytest.raises(Invalid):
        office.app.desk.objections.object(office["ada.agent"], case, "  ", office.at)
    says(office, case)
    entry = office.app.ledger.read(f"case/{case}")[-1]
    assert entry.entry.type == "case.objected"
    assert "canteen" not in str(entry.entry.data)
    assert "canteen" in office.app.ledger.disclosures(entry)["said"]


def test_every_notice_says_how_to_object_and_holds_no_link(office: Office) -> None:
    """The notice of a hold and of a pause name the case and the number one knows, in every contact's channel."""
    case = office.open(action=Action.RECOVERY_INFO_CHANGE, context=Context(channel="walk_in"), contact="phone")
    office.enter(case)
    office.prove(case, "passkey")
    office.ask(case)
    office.run()
    assert office.state(case) == "holding"
    says(office, case)
    office.run()
    assert office.app.outbox is not None
    told = [sent.text for sent in office.app.outbox.sent("mara.lind@example.test")][-2:]
    for text in told:
        assert words("en")("notice.object", case=case[2:10]) in text
        assert "://" not in text
    assert "will be done after" in told[0]
    assert "stands still" in told[1]
    office.pass_by(hours=30)
    assert office.state(case) == "paused"


@pytest.mark.parametrize("login", ["mara.lind", "piet.priv"])
def test_one_agent_takes_nothing_back_by_saying_it_at_the_desk_and_on_the_page(office: Office, login: str) -> None:
    """Who opened the case knows the page's address: both together pause it, and nobody is kept out of their account."""
    case = office.open(login, Action.UNLOCK)
    says(office, case)
    objections = office.app.desk.objections
    assert refused(lambda: objections.object_on_page(case, "", office.at)) == ("said_already",)
    account = office.app.registry.account(office.case(case).account)
    assert (office.state(case), account.freeze(office.at, office.app.steps.thresholds)) == ("paused", 0)
    says(office, case, "boss.one")
    assert office.state(case) == "contained"


def test_a_second_voice_at_the_desk_is_spent_from_the_budget(office: Office) -> None:
    """Who took away as often as they may within a day is not the second voice; a first one they may always be."""
    most = office.app.steps.policy.procedures.protective.budget
    for number in range(most):
        login = ("mara.lind", "noah.berg", "eve.exec", "olga.owner")[number % 4]
        case = office.open(login, Action.UNLOCK, ticket=f"INC-{number}", agent="ben.agent")
        says(office, case, "ada.agent")
        says(office, case, "ben.agent")
    case = office.open("boss.one", Action.UNLOCK, ticket="INC-99", agent="ada.agent")
    says(office, case, "ada.agent")
    assert refused(lambda: says(office, case, "ben.agent")) == ("protection_budget",)
    assert office.state(case) == "paused"
    says(office, case, "sam.security")
    assert office.state(case) == "contained"


def test_the_page_says_it_once_for_whoever_has_the_address(office: Office) -> None:
    """The address alone stops a case and takes nothing back; from the browser that made the key it does."""
    objections = office.app.desk.objections
    case = office.released()
    objections.object_on_page(case, "", office.at)
    assert office.state(case) == "paused"
    assert refused(lambda: objections.object_on_page(case, "another", office.at)) == ("said_already",)
    objections.object_on_page(case, office.held[case], office.at)
    assert office.state(case) == "contained"
