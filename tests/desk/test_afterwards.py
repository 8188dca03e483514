"""What follows a case: containment of a fraud, break-glass and its debt, reviews."""

from __future__ import annotations

import pytest

from tests.desk.office import Office, refused
from watchword.core import command as do
from watchword.core.action import Action, Step
from watchword.core.case import Contained
from watchword.core.change import RevokeSessions, Suspend
from watchword.core.errors import Invalid
from watchword.core.ids import AccountId, CaseId
from watchword.core.person import Credential
from watchword.directories.sandbox import SignIn

SUSPEND, REVOKE = Suspend(account=AccountId("")), RevokeSessions(account=AccountId(""))


def contain(office: Office, case: CaseId) -> tuple[str, ...]:
    return office.app.desk.decisions.contain(office["sam.security"], case, "the caller was somebody else", office.at)


def test_containment(office: Office) -> None:
    """A fraudulent recovery is suspended and cut off, its agents' open cases stop, and what it enabled is listed."""
    case = office.released()
    office.run()
    password = office.take(case)
    of_the_same_agent = office.open("noah.berg")
    released = office.open("boss.one", agent="ben.agent")
    key = Credential(id="k-new", method="totp", enrolled_at=office.at)
    office.app.people.enrol(office["root.admin"], office["mara.lind"], key, "00" * 20, office.at)
    office.wait(hours=1)

    enabled = contain(office, case)
    assert any("credential.enrolled" in line for line in enabled)
    assert [office.state(c) for c in (case, of_the_same_agent, released)] == ["contained", "frozen", "frozen"]
    office.run()
    assert (office.version("mara.lind", SUSPEND), office.version("mara.lind", REVOKE)) == (1, 2)
    assert office.directory.sign_in("mara.lind", password) is SignIn.DISABLED
    assert office.app.outbox is not None
    assert "fraudulent" in office.app.outbox.sent("mara.lind@example.test")[-1].text
    assert refused(lambda: contain(office, case)) == ("wrong_state",)


def reset(office: Office) -> CaseId:
    """A reset of one of Mara's factors, from the first proof to its end; she proved herself in a browser she kept."""
    case = office.open(action=Action.FACTOR_RESET, factors=("authenticator_app",))
    for method in ("totp", "call_code"):
        challenge = office.begin(case, method)
        answer, mark = office.right(case, challenge), "the mark of her browser"
        office.app.desk.hand_over.answer(case, challenge, answer, "", office.at, mark=mark)
    office.ask(case)
    office.approve(case, "boss.one")
    office.release(case)
    office.run()
    assert office.state(case) == "delivered"
    return case


def test_what_nobody_confirms_is_taken_away(office: Office) -> None:
    """A day after it was done the account is suspended and signed out; the person and security are told of it."""
    case = reset(office)
    assert office.app.outbox is not None
    assert "within 24 hours" in office.app.outbox.sent("mara.lind@example.test")[-1].text
    office.app.desk.decisions.close(office["ada.agent"], case, office.at)
    office.pass_by(hours=23, minutes=59)
    assert office.state(case) == "closed"
    office.pass_by(minutes=1)
    assert office.state(case) == "protected"
    office.run()
    assert (office.version("mara.lind", SUSPEND), office.version("mara.lind", REVOKE)) == (1, 2)
    assert not office.directory.read(office.native("mara.lind")).enabled
    for contact in office.directory.read(office.native("mara.lind")).contacts:
        assert "in time" in office.app.outbox.sent(contact.value)[-1].text
    rows = tuple(f"case/{case}/page/{entry}/care.missed" for entry in range(99))
    assert [row.kind for row in office.app.ledger.effects_named(rows)] == ["page"]


def test_what_the_person_confirms_stays(office: Office) -> None:
    """From the browser they proved themself in, once; another browser, or none, is refused."""
    case = reset(office)
    confirm = office.app.desk.aftercare.confirm
    for mark in (None, "of another"):
        assert refused(lambda m=mark: confirm(case, "", office.at, mark=m)) == ("other_browser",)  # type: ignore[misc]
    confirm(case, "", office.at, mark="the mark of her browser")
    confirm(case, "", office.at, mark="the mark of her browser")
    assert office.types(case).count("care.confirmed") == 1
    office.pass_by(days=3)
    assert office.state(case) == "delivered"
    assert office.directory.read(office.native("mara.lind")).enabled


def test_a_lost_row_keeps_nobody_from_being_asked(office: Office) -> None:
    """Whoever deletes what waits for the confirmation wins nothing: the evidence says that it is owed."""
    case = reset(office)
    assert office.tamper("DELETE FROM effect WHERE kind = 'care'") == 1
    office.pass_by(hours=24)
    office.pass_by(minutes=10)
    assert office.state(case) == "protected"


def test_a_case_of_old_is_not_asked_for_now(office: Office) -> None:
    """What was delivered long before anybody was asked, as in a ledger that was upgraded, is left as it is."""
    case = reset(office)
    assert office.tamper("DELETE FROM effect WHERE kind = 'care'") == 1
    office.wait(days=4)
    office.run()
    assert office.state(case) == "delivered"


def test_other_agents_go_on(office: Office) -> None:
    """A case in which the fraud's agents had no hand is not stopped."""
    case = office.open()
    other = office.open("noah.berg", agent="ben.agent")
    contain(office, case)
    assert office.state(other) == "verifying"


def test_sealed_credential_of_a_frozen_case_stays(office: Office) -> None:
    """A case that is frozen after its change hands nothing over."""
    waiting = office.released("noah.berg")
    office.run()
    assert office.state(waiting) == "checked"
    contain(office, office.open())
    assert office.state(waiting) == "frozen"
    assert refused(lambda: office.take(waiting))


def test_containment_with_a_change_in_flight(office: Office) -> None:
    """What is taken back does not wait for the read-back of what was on its way, and both come to an end."""
    case = office.released()
    office.directory.outage = "after"
    office.run()
    assert office.types(case)[-1] == "change.ended"
    contain(office, case)
    office.directory.outage = None
    office.run()
    assert office.version("mara.lind", SUSPEND) == 1
    office.pass_by(minutes=1)
    now = office.case(case)
    assert isinstance(now, Contained)
    assert [p.outcome for p in (*now.earlier, *now.progress)] == ["done", "done", "done"]
    assert office.version("mara.lind") == 1


def test_containment_goes_on_past_a_refusal(office: Office) -> None:
    """An account that the directory keeps from us can not be suspended; the entry says so, and the way on is theirs."""
    case = office.released()
    office.run()
    office.tamper_directory("UPDATE account SET protected = 'kept apart since today' WHERE login = 'mara.lind'")
    contain(office, case)
    office.run()
    now = office.case(case)
    assert isinstance(now, Contained)
    assert [p.outcome for p in now.progress] == ["refused", "refused"]


def test_freezing_is_finished_after_a_crash(office: Office) -> None:
    """Whoever ends between the containment and the freezing of other cases finds it done by the runner."""
    case, other = office.open(), office.open("noah.berg")
    steps = office.app.desk.steps
    steps.step(case, office["sam.security"], Step.CONTAIN, lambda _: do.Contain(by=office["sam.security"]), office.at)
    assert office.state(other) == "verifying"
    office.restart()
    office.run()
    assert office.state(other) == "frozen"


def broken(office: Office, ticket: str = "INC-1") -> CaseId:
    """A privileged account's reset for which the glass was broken."""
    case = office.open("piet.priv", ticket=ticket)
    office.app.desk.decisions.break_glass(office["cleo.custodian"], case, "the domain is down", office.at)
    return case


def test_break_glass_owes_a_review(office: Office) -> None:
    """Two custodians recover a responder without verification; until that is reviewed the glass stays broken once."""
    case = broken(office)
    assert refused(lambda: office.approve(case, "cleo.custodian"))
    assert refused(lambda: office.approve(case, "sam.security")) == ("no_seat",)
    office.approve(case, "cato.custodian")
    office.release(case)
    office.browse(case)
    office.run()
    password = office.take(case, "totp")
    assert office.directory.sign_in("piet.priv", password) is SignIn.MUST_CHANGE

    second = office.open("piet.priv", ticket="INC-2")
    break_glass, review = office.app.desk.decisions.break_glass, office.app.desk.decisions.review
    assert refused(lambda: break_glass(office["cato.custodian"], second, "again", office.at)) == (
        "unreviewed_break_glass",
    )
    for hand in ("ada.agent", "cleo.custodian", "cato.custodian", "rae.release", "piet.priv"):
        assert refused(lambda h=hand: review(office[h], case, sound=True, account_given="ok", at=office.at))  # type: ignore[misc]
    office.pass_by(days=1)
    assert office.case(case).review_overdue
    review(office["rex.review"], case, sound=True, account_given="The outage was real.", at=office.at)
    break_glass(office["cato.custodian"], office.open("piet.priv", ticket="INC-3"), "again", office.at)


def test_break_glass_is_predefined(office: Office) -> None:
    """The glass is not there for a standard account, without words, for an agent, or without a ticket."""
    break_glass = office.app.desk.decisions.break_glass
    standard, privileged = office.open(), office.open("piet.priv", ticket=None)
    assert refused(lambda: break_glass(office["cleo.custodian"], standard, "down", office.at)) == ("not_predefined",)
    assert refused(lambda: break_glass(office["cleo.custodian"], privileged, "down", office.at)) == ("no_ticket",)
    assert refused(lambda: break_glass(office["ada.agent"], privileged, "down", office.at))
    with pytest.raises(Invalid, match="justification"):
        break_glass(office["cleo.custodian"], privileged, "  ", office.at)


def test_broken_glass_ends_in_four_hours(office: Office) -> None:
    """An approval under broken glass releases nothing after four hours, and its review is owed all the same."""
    case = broken(office)
    office.approve(case, "cato.custodian")
    office.wait(hours=4, seconds=1)
    assert refused(lambda: office.release(case)) == ("expired",)
    assert office.case(case).review_due is not None


def test_nothing_to_review(office: Office) -> None:
    """A case that owes no review takes none."""
    case = office.open()
    review = office.app.desk.decisions.review
    assert refused(lambda: review(office["rex.review"], case, sound=True, account_given="fine", at=office.at)) == (
        "no_review",
    )
