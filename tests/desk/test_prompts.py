"""Prompts: who may enrol a browser, what it learns, what its answers do, and that nobody is worn down."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec
import pytest

from tests.desk.office import Office
from tests.methods.test_push_number import PromptBrowser
from watchword.core.action import Action
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId
from watchword.core.own_page import PAGE_TRIES
from watchword.core.person import Role, RoleGrant
from watchword.core.prompt import WITHIN
from watchword.desk.prompts import Held, to_greet
from watchword.methods.push_number import to_sign


class Phone:
    """Somebody's own browser, which keeps what it was told when it was enrolled."""

    def __init__(self, office: Office, login: str, *, offered_by: str = "root.admin") -> None:
        self.office = office
        self.browser = PromptBrowser()
        self.link = office.app.prompts.link(office[offered_by], office[login], office.at)
        x, y = self.browser.x, self.browser.y
        self.held = office.app.prompts.enrol(self.link.token, self.link.code, x, y, office.at)

    def waiting(self) -> tuple[tuple[str, bytes], ...]:
        """The prompts it shows, each with what an answer is signed over."""
        prompts, at = self.office.app.prompts, self.office.at
        greeting = prompts.greeting(at)
        found = prompts.waiting(self.held, greeting, self.browser.sign(to_greet(greeting)), at)
        return tuple((one.challenge, one.statement) for one in found)

    def types(self, number: str) -> None:
        """Answer the prompt that waits."""
        ((challenge, statement),) = self.waiting()
        signature = self.browser.sign(to_sign(statement, number))
        answer = msgspec.json.encode({"number": number, "signature": signature}).decode()
        self.office.app.prompts.answer(self.held, challenge, answer, self.office.at)


def said(office: Office, case: CaseId, challenge: str) -> str:
    """The number on the agent's screen."""
    port, ask = office.app.desk.verification.ask_of(office.case(case), challenge, office.at)
    found = re.search(r"number: (\d\d)\.", port.begin(ask).show_agent or "")
    assert found
    return found[1]


def test_the_number_the_desk_tells_is_typed_and_proves(office: Office) -> None:
    """An enrolled browser shows the prompt, signs the number that the agent tells, and the method is proved."""
    phone = Phone(office, "mara.lind")
    case = office.open(action=Action.TOTAL_LOSS)
    assert phone.waiting() == ()
    challenge = office.begin(case, "push_number")
    phone.types(said(office, case, challenge))
    assert [e.method for e in office.case(case).evidence] == ["push_number"]
    assert phone.waiting() == ()
    assert "person.prompted" in [e.entry.type for e in office.app.ledger.read(f"person/{office['mara.lind']}")]


def test_a_wrong_number_and_not_me_stick_to_the_account(office: Office) -> None:
    """Both end the method in no at once, which is a failure of the account, whoever began it."""
    phone = Phone(office, "mara.lind")
    case = office.open(action=Action.TOTAL_LOSS)
    for number in ("00", "no"):
        office.begin(case, "push_number")
        with pytest.raises(Refused) as caught:
            phone.types(number)
        assert "final" in caught.value.reasons
    assert office.types(case).count("method.failed") == 2
    assert len(office.app.registry.account(office.case(case).account).failures) == 2


def test_not_me_stands_the_case_still(office: Office) -> None:
    """Said where they are prompted it is one voice; a second one, heard at the desk, ends the case."""
    phone = Phone(office, "mara.lind")
    case = office.open(action=Action.TOTAL_LOSS)
    office.prove(case, "in_person")
    office.begin(case, "push_number")
    with pytest.raises(Refused):
        phone.types("no")
    assert (office.state(case), office.case(case).objections[0].channel) == ("paused", "prompt")
    with pytest.raises(Refused):
        office.prove(case, "totp")
    office.app.desk.objections.object(office["ada.agent"], case, "she calls as well", office.at)
    assert office.state(case) == "contained"


def test_nobody_is_prompted_four_times_an_hour(office: Office) -> None:
    """Across cases and agents the fourth prompt is refused, and begins nothing, until the first is an hour old."""
    Phone(office, "mara.lind")
    one, two = office.open(action=Action.TOTAL_LOSS), office.open(action=Action.UNLOCK)
    for case, agent in ((one, "ben.agent"), (two, "ben.agent"), (one, "ben.agent")):
        office.begin(case, "push_number", agent=agent)
        office.wait(minutes=5)
    for case in (one, two):
        with pytest.raises(Refused) as caught:
            office.begin(case, "push_number")
        assert caught.value.reasons == ("prompted_often",)
    assert office.types(two).count("challenge.begun") == 1
    office.wait(seconds=(WITHIN - timedelta(minutes=15)).total_seconds())
    office.begin(two, "push_number")


def test_a_browser_sees_and_answers_its_own_prompts_only(office: Office) -> None:
    """Somebody else's browser, one that was revoked, and one that signs with another key learn and do nothing."""
    phone, other = Phone(office, "mara.lind"), Phone(office, "olga.owner")
    case = office.open(action=Action.TOTAL_LOSS)
    challenge = office.begin(case, "push_number")
    assert other.waiting() == ()
    answer = msgspec.json.encode({"number": "no", "signature": ""}).decode()
    with pytest.raises(Refused) as caught:
        office.app.prompts.answer(other.held, challenge, answer, office.at)
    assert caught.value.reasons == ("expired",)
    thief = Phone.__new__(Phone)
    thief.office, thief.browser, thief.held = office, PromptBrowser(), phone.held
    with pytest.raises(Refused):
        thief.waiting()
    for held in (
        Held(person=phone.held.person, credential="k-1"),
        Held(person=type(phone.held.person)("p-1"), credential=phone.held.credential),
    ):
        thief.held, thief.browser = held, phone.browser
        with pytest.raises(Refused) as caught:
            thief.waiting()
        assert caught.value.reasons == ("not_enrolled_browser",)
    office.app.people.revoke_credential(
        office["root.admin"], office["mara.lind"], phone.held.credential, "lost", office.at
    )
    with pytest.raises(Refused):
        phone.waiting()


def test_a_greeting_is_ours_and_fresh(office: Office) -> None:
    """What a browser signs to be told what waits is a greeting of ours of the last minute, and nothing else."""
    phone, prompts = Phone(office, "mara.lind"), office.app.prompts
    old = prompts.greeting(office.at)
    office.wait(seconds=61)
    now = prompts.greeting(office.at)
    later = prompts.greeting(office.at + timedelta(hours=1))
    for greeting in (old, later, "", ".", now + "x", f"9{now}", "é." + now.partition(".")[2]):
        with pytest.raises(Refused):
            prompts.waiting(phone.held, greeting, phone.browser.sign(to_greet(greeting)), office.at)
    assert prompts.waiting(phone.held, now, phone.browser.sign(to_greet(now)), office.at) == ()


def test_a_page_enrols_one_browser_once_and_in_time(office: Office) -> None:
    """An address that was used, is over or was made up enrols nothing; nor does one of another kind of page."""
    phone, second = Phone(office, "mara.lind"), PromptBrowser()
    prompts, root, mara = office.app.prompts, office["root.admin"], office["mara.lind"]

    def opens(token: str, code: str, at: datetime = office.at) -> Held:
        return prompts.enrol(token, code, second.x, second.y, at)

    with pytest.raises(Invalid, match="used already"):
        opens(phone.link.token, phone.link.code)
    office.app.people.revoke_credential(root, mara, phone.held.credential, "lost", office.at)
    with pytest.raises(Invalid, match="used already"):
        opens(phone.link.token, phone.link.code)
    fresh, other = prompts.link(root, mara, office.at), office.app.own_enrolment.link(root, mara, office.at)
    for token in ("", ".", "e30.", fresh.token + "a", "A" + fresh.token, "é.é", other.token):
        with pytest.raises(Invalid):
            opens(token, fresh.code)
    with pytest.raises(Invalid):
        prompts.enrol(fresh.token, fresh.code, "AA", "AA", office.at)
    with pytest.raises(Invalid):
        opens(fresh.token, fresh.code, fresh.expires)
    assert opens(fresh.token, fresh.code, fresh.expires - timedelta(seconds=1)).person == mara


def test_whoever_has_the_address_alone_enrols_no_browser(office: Office) -> None:
    """The third wrong code closes the page, which the right one then does not open; giving it out is an entry."""
    prompts, root, mara = office.app.prompts, office["root.admin"], office["mara.lind"]
    link, thief = prompts.link(root, mara, office.at), PromptBrowser()
    wrong = f"{(int(link.code) + 1) % 1_000_000:06}"
    for _ in range(PAGE_TRIES):
        with pytest.raises(Refused) as caught:
            prompts.enrol(link.token, wrong, thief.x, thief.y, office.at)
        assert caught.value.reasons == ("wrong_page_code",)
    with pytest.raises(Invalid):
        prompts.enrol(link.token, link.code, thief.x, thief.y, office.at)
    assert not office.app.registry.person(mara).credentials_of("prompt_key")
    types = [e.entry.type for e in office.app.ledger.read(f"person/{mara}")]
    assert types[-4:] == ["page.made", *["page.missed"] * PAGE_TRIES]


def test_who_may_not_enrol_makes_no_page(office: Office) -> None:
    """An agent makes none, and a page is worth nothing once whoever made it may not enrol any more."""
    app, root, deputy = office.app, office["root.admin"], office["ada.agent"]
    with pytest.raises(Refused):
        app.prompts.link(deputy, office["mara.lind"], office.at)
    app.people.grant(root, deputy, RoleGrant(role=Role.ADMINISTRATOR), office.at)
    link = app.prompts.link(deputy, office["mara.lind"], office.at)
    app.people.revoke(root, deputy, Role.ADMINISTRATOR, office.at)
    browser = PromptBrowser()
    with pytest.raises(Refused):
        app.prompts.enrol(link.token, link.code, browser.x, browser.y, office.at)


def test_a_browser_enrolled_lately_proves_nothing_yet(office: Office) -> None:
    """One that was added to somebody known for longer waits thirty days like any other change."""
    office.wait(days=40)
    Phone(office, "mara.lind")
    case = office.open(action=Action.TOTAL_LOSS)
    with pytest.raises(Refused) as caught:
        office.begin(case, "push_number")
    assert caught.value.reasons == ("young_contact",)


def test_the_stored_answer_is_checked_again(office: Office) -> None:
    """The executor checks the signature once more before it acts: an unlock that stands on a prompt goes through."""
    phone = Phone(office, "mara.lind")
    case = office.open(action=Action.UNLOCK)
    challenge = office.begin(case, "push_number")
    phone.types(said(office, case, challenge))
    office.prove(case, "call_code")
    office.ask(case)
    office.release(case)
    office.run()
    assert "case.validated" in office.types(case)


def test_a_prompt_does_not_speak_for_a_new_contact_point(office: Office) -> None:
    """It is answered in another browser than the one that entered it, so it is not even begun."""
    Phone(office, "mara.lind")
    case = office.open(action=Action.RECOVERY_INFO_CHANGE, contact="phone")
    office.enter(case)
    with pytest.raises(Refused) as caught:
        office.begin(case, "push_number")
    assert caught.value.reasons == ("other_browser",)
    assert "person.prompted" not in [e.entry.type for e in office.app.ledger.read(f"person/{office['mara.lind']}")]
