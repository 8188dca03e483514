"""A new contact point on the real desk: typed on the person's page, proven there, seen by nobody else."""

from __future__ import annotations

import pytest

from tests.desk.office import Office, refused
from tests.desk.test_kiosk import supervisor
from tests.desk.test_lanes import opened
from tests.desk.test_vouching import named, say, vouch
from watchword.core.action import Action
from watchword.core.case import Asked
from watchword.core.change import ContactKind, SetContact
from watchword.core.contact import MOST
from watchword.core.errors import Corrupt, Invalid
from watchword.core.ids import CaseId
from watchword.core.request import parse
from watchword.reception import wording

PHONE = "+493055500199"
THEIRS = "+447700900123"


@pytest.fixture
def case(office: Office) -> CaseId:
    """A change of Mara's phone, with its ticket; nothing was entered yet."""
    return office.open(action=Action.RECOVERY_INFO_CHANGE, contact=ContactKind.PHONE)


def contacts(office: Office) -> dict[str, str]:
    """What the directory has of Mara."""
    return {c.kind: c.value for c in office.directory.read(office.native("mara.lind")).contacts}


def carried(office: Office, case: CaseId) -> None:
    """From a verified case to its end: asked, waited, released, done."""
    office.ask(case)
    office.run()
    office.pass_by(hours=24)
    office.release(case)
    office.run()


def test_what_the_person_entered_is_what_is_done(office: Office, case: CaseId) -> None:
    """The number is set as it was entered last; the approved bytes hold its commitment and no number."""
    old = contacts(office)
    office.enter(case, "+49 30 555 00-199")
    office.prove(case, "passkey")
    office.ask(case)
    now = office.case(case)
    assert isinstance(now, Asked)
    (change, *_) = parse(now.request).changes
    assert isinstance(change, SetContact)
    assert len(change.commitment) == 64
    assert PHONE.removeprefix("+") not in now.request
    office.run()
    assert office.app.outbox is not None
    told = [sent.text for kind in ("mail", "phone") for sent in office.app.outbox.sent(old[kind])]
    assert any("will be done after" in text for text in told), told
    office.pass_by(hours=24)
    office.release(case)
    office.run()
    assert (office.state(case), contacts(office)) == ("delivered", old | {"phone": PHONE})
    assert office.types(case)[:4] == ["case.opened", "ticket.linked", "contact.entered", "challenge.begun"]


@pytest.mark.parametrize(
    ("kind", "new"), [(ContactKind.PHONE, PHONE), (ContactKind.MAIL, "mara@elsewhere.example.test")]
)
def test_what_was_replaced_is_told_that_it_is_done(office: Office, kind: ContactKind, new: str) -> None:
    """The old number, or address, hears of the change once it is done, though no directory knows it any more."""
    old = contacts(office)[kind]
    case = office.open(action=Action.RECOVERY_INFO_CHANGE, contact=kind)
    office.enter(case, new)
    office.prove(case, "passkey")
    carried(office, case)
    assert office.state(case) == "delivered"
    assert office.app.outbox is not None
    for to in (old, new):
        assert any("was done" in sent.text for sent in office.app.outbox.sent(to)), to
    assert old not in office.app.ledger.checkpoint[0] + "".join(
        str(e.entry.data) for e in office.app.ledger.read(f"case/{case}")
    )


def test_a_notice_of_what_is_taken_back_reaches_the_replaced_address(office: Office) -> None:
    """A change found to be a fraud is told to the number it replaced as well."""
    old = contacts(office)["phone"]
    case = office.open(action=Action.RECOVERY_INFO_CHANGE, contact=ContactKind.PHONE)
    office.enter(case)
    office.prove(case, "passkey")
    carried(office, case)
    office.app.desk.decisions.contain(office["sam.security"], case, "not hers", office.at)
    office.run()
    assert office.app.outbox is not None
    assert len(office.app.outbox.sent(old)) > len(office.app.outbox.sent(PHONE))
    assert "fraudulent" in office.app.outbox.sent(old)[-1].text


def test_the_last_one_entered_is_set(office: Office, case: CaseId) -> None:
    """Corrected after a proof, the case asks for the proof again and then sets the correction."""
    office.enter(case, THEIRS)
    office.prove(case, "passkey")
    office.enter(case, PHONE)
    assert "unverified" in refused(lambda: office.ask(case))
    office.prove(case, "passkey")
    carried(office, case)
    assert contacts(office)["phone"] == PHONE


def test_mail_is_entered_in_the_same_way(office: Office) -> None:
    """The other kind of contact point."""
    case = office.open(action=Action.RECOVERY_INFO_CHANGE, contact=ContactKind.MAIL)
    office.enter(case, "mara@elsewhere.example.test")
    office.prove(case, "passkey")
    carried(office, case)
    assert contacts(office)["mail"] == "mara@elsewhere.example.test"


def test_nothing_begins_before_it_was_entered(office: Office, case: CaseId) -> None:
    """No code goes out and no request is fixed for a number that is not there."""
    assert refused(lambda: office.begin(case, "passkey")) == ("contact_not_entered",)
    assert refused(lambda: office.ask(case)) == ("contact_not_entered",)
    assert office.types(case) == ["case.opened", "ticket.linked"]


def test_another_browser_has_no_part_in_it(office: Office, case: CaseId) -> None:
    """Whoever has the address and nothing else can neither replace the number, nor prove for it, nor read it."""
    office.enter(case)
    mine = office.held[case]
    for browser in ("", "guessed", mine[:-1]):
        assert refused(lambda b=browser: office.enter(case, THEIRS, browser=b)) == ("other_browser",)  # type: ignore[misc]
        assert office.app.desk.new_contact.whole(office.case(case), browser) is None
    challenge = office.begin(case, "totp")
    office.held[case] = ""
    assert refused(lambda: office.answer(case, challenge, office.totp("mara.lind"))) == ("other_browser",)
    assert not office.case(case).evidence
    assert office.case(case).challenges[0].misses == 0
    office.held[case] = mine
    assert office.answer(case, challenge, office.totp("mara.lind")) == "proved"


def test_an_agent_who_enters_first_needs_the_persons_factor_in_their_browser(office: Office, case: CaseId) -> None:
    """The person's own browser, which came second, proves nothing for the agent's number; a document alone neither."""
    office.enter(case, THEIRS)
    office.held[case] = ""  # the person's browser
    assert refused(lambda: office.enter(case, PHONE)) == ("other_browser",)
    assert refused(lambda: office.prove(case, "passkey")) == ("other_browser",)
    office.prove(case, "in_person")
    assert "unverified" in refused(lambda: office.ask(case))


def test_the_cookie_of_another_case_is_worth_nothing(office: Office, case: CaseId) -> None:
    """What a browser shows is for one case."""
    office.enter(case)
    other = office.open(action=Action.RECOVERY_INFO_CHANGE, contact=ContactKind.PHONE, ticket="INC-2")
    office.enter(other)
    assert refused(lambda: office.enter(other, THEIRS, browser=office.held[case])) == ("other_browser",)


def test_after_asking_it_stands(office: Office, case: CaseId) -> None:
    """Nobody exchanges what is being waited for, the person included."""
    office.enter(case)
    office.prove(case, "passkey")
    office.ask(case)
    assert "wrong_state" in refused(lambda: office.enter(case, THEIRS))


def test_another_action_takes_none(office: Office) -> None:
    """A password reset has no place for it, and the browser that tried is bound to nothing."""
    reset = office.open()
    assert refused(lambda: office.enter(reset)) == ("no_contact_change",)
    assert reset not in office.held


@pytest.mark.parametrize("typed", ["", "030 55500199", "mara@example.test", "+" + "1" * 400, "+4930\x0055500199"])
def test_what_is_no_number_is_told_and_binds_nobody(office: Office, case: CaseId, typed: str) -> None:
    """A mistake is no entry: the next browser may still be the first."""
    with pytest.raises(Invalid):
        office.enter(case, typed)
    assert "contact.entered" not in office.types(case)
    office.enter(case)


def test_it_is_entered_ten_times_at_most(office: Office, case: CaseId) -> None:
    """The ledger is not filled from a page without a session."""
    for _ in range(MOST):
        office.enter(case)
    assert refused(lambda: office.enter(case)) == ("too_many",)


def test_the_desk_sees_it_masked(office: Office, case: CaseId) -> None:
    """The browser that entered it reads it whole, everybody else the country and two digits."""
    new_contact = office.app.desk.new_contact
    assert new_contact.masked(office.case(case)) == ""
    before = office.case(office.open(action=Action.RECOVERY_INFO_CHANGE, contact=ContactKind.PHONE, ticket="INC-2"))
    office.enter(case)
    now = office.case(case)
    assert new_contact.whole(now, office.held[case]) == PHONE
    assert new_contact.masked(now) == "+49 ••• •• 99"
    words = wording.changes(now.changes, new_contact.masked(now))
    assert "+49 ••• •• 99" in words
    assert PHONE not in words
    assert new_contact.masked(before) == ""
    stored = repr([e.entry for e in office.app.ledger.entries()])
    assert PHONE.removeprefix("+") not in stored


def test_a_page_read_before_an_entry_is_not_called_corrupt(office: Office, case: CaseId) -> None:
    """A case that somebody loaded a moment ago shows the number of that moment."""
    office.enter(case, THEIRS)
    earlier = office.case(case)
    office.enter(case, PHONE)
    assert office.app.desk.new_contact.masked(earlier) == "+44 ••• •• 23"
    assert office.app.desk.new_contact.masked(office.case(case)) == "+49 ••• •• 99"


def test_an_erased_one_is_shown_to_nobody_and_not_done(office: Office, case: CaseId) -> None:
    """Where the payload is gone the page says nothing of it, and the executor refuses."""
    office.enter(case)
    office.prove(case, "passkey")
    office.ask(case)
    office.run()
    office.pass_by(hours=24)
    office.release(case)
    office.tamper("DELETE FROM payload WHERE name = 'contact' AND stream = :stream", stream=f"case/{case}")
    now = office.case(case)
    assert office.app.desk.new_contact.masked(now) == ""
    assert office.app.desk.new_contact.whole(now, office.held[case]) is None
    office.run()
    assert (office.state(case), office.types(case)[-1]) == ("failed", "execution.refused")


def test_the_payload_of_another_entry_stops_the_world(office: Office, case: CaseId) -> None:
    """A sealed value put in another entry's place does not open."""
    office.enter(case, THEIRS)
    office.enter(case, PHONE)
    office.tamper(
        "UPDATE payload SET sealed = (SELECT sealed FROM payload WHERE stream = :stream AND name = 'contact'"
        " ORDER BY rowid LIMIT 1) WHERE stream = :stream AND name = 'contact'",
        stream=f"case/{case}",
    )
    with pytest.raises(Corrupt):
        office.app.desk.new_contact.masked(office.case(case))


def test_an_escalated_case_takes_another_entry_and_other_proofs(office: Office, case: CaseId) -> None:
    """Back in verification the person may correct it, and has to prove for the correction."""
    office.enter(case, THEIRS)
    office.prove(case, "passkey")
    office.ask(case)
    office.app.desk.decisions.escalate(office["ben.agent"], case, office.at)
    office.enter(case, PHONE)
    assert "unverified" in refused(lambda: office.ask(case))


@pytest.mark.parametrize("method", ["recovery_contact", "kiosk"])
def test_the_word_of_others_speaks_for_no_number(office: Office, method: str) -> None:
    """Whoever came first to the page typed their own number; the person is there, and somebody who knows them says so.

    All of that is true of the person and says nothing of the number: what is missing is an answer from that browser.
    """
    named(office, "noah.berg")
    supervisor(office, "noah.berg")
    office.wait(days=31)
    case = opened(office, "mara.lind", "kiosk", action=Action.RECOVERY_INFO_CHANGE, contact=ContactKind.PHONE)
    first = office.enter(case, THEIRS)
    office.held[case] = ""
    office.prove(case, "in_person")
    if method == "kiosk":
        say(office, case, office.begin(case, "kiosk", custodian="noah.berg"), "noah.berg")
    else:
        vouch(office, case, "recovery_contact", "noah.berg")
    lacks = office.app.desk.verification.missing(office.case(case), office.at)
    assert lacks[-1].missing == ("one method answered on the page where the new contact point was entered",)
    assert "unverified" in refused(lambda: office.ask(case))
    challenge = office.begin(case, "totp")
    assert refused(lambda: office.answer(case, challenge, office.totp("mara.lind"))) == ("other_browser",)
    office.held[case] = first
    office.answer(case, challenge, office.totp("mara.lind"))
    office.ask(case)
