"""The console in a real browser, over a real desk: what an agent, an approver and a locked-out person see and do."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.api.organisation import PASSWORD, Organisation
from watchword.core.ids import CaseId
from watchword.directories.sandbox import SignIn
from watchword.reception import countersign
from watchword.web.lists import cases_page
from watchword.web.paging import SHOWN


@pytest.fixture
def people(browser: Browser, organisation: Organisation) -> Iterator[People]:
    """Browsers of their own for whoever takes part, with the runner at work meanwhile."""
    everybody = People(browser, organisation)
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.2):
            organisation.works()

    worker = threading.Thread(target=run)
    worker.start()
    yield everybody
    everybody.close()
    stop.set()
    worker.join()
    assert not everybody.complaints


class People:
    """Tabs by login, and what their consoles complained about."""

    def __init__(self, browser: Browser, organisation: Organisation) -> None:
        self.browser, self.organisation = browser, organisation
        self.complaints: list[str] = []
        self.contexts: list[BrowserContext] = []

    def tab(self) -> Page:
        """A browser nobody has signed in with."""
        context = self.browser.new_context(base_url=self.organisation.url)
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda e: self.complaints.append(str(e)))
        page.on("console", lambda m: self.complaints.append(m.text) if "Security Policy" in m.text else None)
        return page

    def signed_in(self, login: str) -> Page:
        """Somebody signed in, at the case list."""
        page = self.tab()
        page.goto("/")
        page.get_by_label("Login").fill(login)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Cases")).to_be_visible()
        return page

    def close(self) -> None:
        """Close every browser."""
        for context in self.contexts:
            context.close()


def _hears(caller: Page, organisation: Organisation, case: str) -> None:
    """The agent says the first word, and the caller taps it."""
    caller.get_by_role("button", name=countersign.pair(organisation.app, CaseId(case))[0], exact=True).click()
    expect(caller.locator("#check")).to_be_hidden()


def _enrolled(organisation: Organisation) -> pyotp.TOTP:
    answer = organisation.sign_in("root").post("/api/people/mara/credentials", {"method": "totp"})
    app = pyotp.parse_uri(answer.json()["uri"])
    assert isinstance(app, pyotp.TOTP)
    return app


def _called(organisation: Organisation) -> str:
    """What the automated call says, once it went out."""
    assert organisation.app.outbox is not None
    for _ in range(75):
        if any(sent.channel == "call" for sent in organisation.app.outbox.sent()):
            return organisation.code("call")
        time.sleep(0.2)
    raise AssertionError("nobody was called")


def test_a_new_phone_is_typed_by_the_person_alone(people: People) -> None:
    """The agent's form has no place for it; the person types, corrects and proves it; the agent sees it masked."""
    organisation = people.organisation
    app = _enrolled(organisation)
    agent = people.signed_in("ilse")
    agent.get_by_role("link", name="New case").click()
    agent.get_by_role("textbox", name="Account").fill("m.lindqvist")
    agent.get_by_label("Recovery info").check()
    agent.get_by_label("Which contact point").select_option("phone")
    expect(agent.locator("[name=contact_value]")).to_have_count(0)
    agent.get_by_label("Ticket").fill("INC-20419")
    agent.get_by_role("button", name="Open the case").click()
    expect(agent.locator(".next")).to_contain_text("Waits for the person to enter the new contact point")
    expect(agent.get_by_role("button", name="Begin")).to_have_count(0)
    case = agent.url.rsplit("/", 1)[1]
    address = organisation.sign_in("ilse").get(f"/api/cases/{case}").json()["page"].split(":8787")[1]

    caller = people.tab()
    caller.goto(address)
    _hears(caller, organisation, case)
    field = caller.get_by_role("textbox", name="Your new phone number")
    assert [field.get_attribute(name) for name in ("type", "inputmode", "autocomplete")] == ["tel", "tel", "tel"]
    field.fill("030 55500199")
    caller.get_by_role("button", name="Use this number").click()
    expect(caller.get_by_role("alert")).to_contain_text("Begin with + and the country code")
    expect(field).to_be_focused()
    field.fill("+49 30 555 00100")
    caller.get_by_role("button", name="Use this number").click()
    expect(caller.locator("#whole")).to_have_text("+493055500100")
    expect(caller.get_by_role("alert")).to_be_hidden()
    expect(caller.locator("#quiet")).to_contain_text("Stay on this page")

    agent.locator(".tile", has_text="Authenticator code").get_by_role("button", name="Begin").click()
    other = people.tab()
    other.goto(address)
    _hears(other, organisation, case)
    expect(other.get_by_role("alert")).to_contain_text("entered in another browser")
    expect(other.get_by_label("Code")).to_be_hidden()
    assert "00100" not in other.content()

    caller.get_by_role("button", name="Change it").click()
    caller.get_by_role("button", name="Do not change it").click()
    caller.reload()
    expect(caller.locator("#whole")).to_have_text("+493055500100")
    caller.get_by_label("Code").fill(app.at(organisation.at))
    caller.get_by_role("button", name="Continue").click()
    expect(agent.locator(".tile.proved", has_text="Authenticator code")).to_be_visible()
    caller.get_by_role("button", name="Change it").click()
    expect(field).to_have_value("+493055500100")
    field.fill("+49 30 555 00199")
    caller.get_by_role("button", name="Use this number").click()
    expect(caller.locator("#whole")).to_have_text("+493055500199")

    again = agent.locator(".tile.free", has_text="Authenticator code").get_by_role("button", name="Begin")
    organisation.at += timedelta(minutes=1)
    again.click()
    caller.get_by_label("Code").fill(app.at(organisation.at))
    caller.get_by_role("button", name="Continue").click()
    expect(agent.locator(".tile.proved", has_text="Authenticator code")).to_be_visible()
    agent.locator(".tile", has_text="In person").get_by_role("button", name="Begin").click()
    agent.get_by_label("What was shown, and where").fill("passport, front desk Hamburg")
    agent.get_by_role("button", name="I saw this").click()
    expect(agent.locator(".next b")).to_have_text("Holding")
    expect(agent.locator("main")).to_contain_text("Replace the phone number of record with +49 ••• •• 99")
    assert "55500199" not in agent.content()
    expect(caller.locator("#quiet")).to_contain_text("You have done all there is to do here")
    expect(caller.locator("#whole")).to_have_text("+493055500199")
    expect(caller.get_by_role("button", name="Change it")).to_be_hidden()


def test_a_reset_from_the_call_to_the_new_password(people: People) -> None:
    """Agent, executor and caller each do their part in a browser; the caller alone reads the password, and it works."""
    organisation = people.organisation
    app = _enrolled(organisation)
    agent = people.signed_in("ilse")
    agent.get_by_role("link", name="New case").click()
    agent.get_by_role("textbox", name="Account").fill("m.lindqvist")
    agent.get_by_label("Password reset").check()
    expect(agent.locator("#needs")).to_contain_text("Mara Lindqvist")
    expect(agent.locator("#needs")).to_contain_text("V2B: two independent methods of weight 4")
    agent.get_by_label("Ticket").fill("INC-20418")
    agent.get_by_role("button", name="Open the case").click()
    expect(agent.get_by_role("heading", level=1)).to_have_text("Password reset for Mara Lindqvist")
    agent.locator(".tile", has_text="Authenticator code").get_by_role("button", name="Begin").click()
    address = agent.locator(".address b").inner_text()

    caller = people.tab()
    caller.goto(address.replace("http://localhost:8787", ""))
    _hears(caller, organisation, _case(agent))
    caller.get_by_label("Code").fill("000000")
    caller.get_by_role("button", name="Continue").click()
    expect(caller.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
    expect(caller.get_by_label("Code")).to_be_focused()
    caller.get_by_label("Code").fill(app.at(organisation.at))
    caller.get_by_role("button", name="Continue").click()
    expect(caller.locator("#quiet")).to_contain_text("That was right. Stay on this page")
    caller.route("**/api/caller/**", lambda route: route.abort())
    expect(caller.get_by_role("alert")).to_have_text("The desk did not answer. Wait a moment.")
    caller.unroute("**/api/caller/**")
    expect(caller.get_by_role("alert")).to_be_hidden()
    expect(agent.locator(".tile.proved", has_text="Authenticator code")).to_be_visible()
    agent.locator(".tile", has_text="Automated call").get_by_role("button", name="Begin").click()
    expect(caller.get_by_label("Code")).to_be_visible()
    caller.get_by_label("Code").fill(_called(organisation))
    caller.get_by_role("button", name="Continue").click()

    expect(agent.locator(".next b")).to_have_text("Releasable")
    executor = people.signed_in("hanne")
    executor.get_by_role("link", name=re.compile("Password reset")).click()
    executor.get_by_role("button", name="Release").click()
    expect(executor.locator(".next")).to_contain_text("open their own page")

    caller.get_by_role("button", name="Make the key").click()
    organisation.at += timedelta(minutes=2)
    caller.get_by_role("button", name="Begin").click()
    caller.get_by_label("Code").fill(app.at(organisation.at))
    caller.get_by_role("button", name="Continue").click()
    caller.get_by_role("button", name="Show it now").click()
    expect(caller.locator("#credential")).not_to_be_empty()
    password = caller.locator("#credential").inner_text()
    assert organisation.sandbox.sign_in("m.lindqvist", password) is SignIn.MUST_CHANGE

    expect(agent.locator(".next b")).to_have_text("Delivered")
    agent.get_by_role("button", name="Close the case").click()
    expect(agent.locator(".next b")).to_have_text("Closed")
    assert password not in agent.content()
    expect(agent.locator("#execute .entries")).to_contain_text("Set a new password, to be changed at sign-in: done")
    caller.reload()
    expect(caller.locator("#quiet")).to_contain_text("It is done: what you asked for was changed.")
    done = agent.locator(".stage.done h2")
    assert [h.split("\n")[0].split(" done")[0] for h in done.all_inner_texts()][:2] == ["Intake", "Verify"]
    assert agent.locator(".entries li").count() == len(organisation.app.ledger.read(f"case/{_case(agent)}"))


def _case(page: Page) -> str:
    return page.locator(".crumb .mono").inner_text()


def test_an_approver_sees_exactly_what_they_approve(people: People) -> None:
    """The card shows the change in words, the bytes and their digest; saying yes takes the seat."""
    organisation = people.organisation
    app = _enrolled(organisation)
    agent = organisation.sign_in("ilse")
    wish = {"directory": "sandbox", "account": "m.lindqvist", "action": "bypass_code"}
    opened = agent.post("/api/cases", wish).json()
    case = opened["case"]
    agent.post(f"/api/cases/{case}/ticket", {"ticket": "INC-7"})
    code = agent.post(f"/api/cases/{case}/methods", {"method": "totp"}).json()["challenge"]
    token = opened["page"].rsplit("/", 1)[-1]
    organisation.listener(case).post(
        f"/api/caller/{case}/{token}/answers/{code}", json={"answer": app.at(organisation.at)}
    )
    page = people.signed_in("ilse")
    page.goto(f"/cases/{case}")
    page.locator(".tile", has_text="In person").get_by_role("button", name="Begin").click()
    page.get_by_label("What was shown, and where").fill("passport, front desk Hamburg")
    page.get_by_role("button", name="I saw this").click()
    expect(page.locator(".next b")).to_have_text("Awaiting approval")
    expect(page.get_by_role("button", name="Approve exactly this")).to_be_hidden()

    manager = people.signed_in("tomas")
    expect(manager.locator(".yours")).to_have_text("yours to take")
    manager.goto(f"/cases/{case}")
    card = manager.locator(".approver")
    expect(card).to_contain_text("Issue a temporary pass for 1 h")
    request = agent.get(f"/api/cases/{case}").json()["request"]
    expect(card.locator(".words b")).to_have_text(request["spoken"])
    card.get_by_text("The bytes that are approved").click()
    expect(card.locator(".bytes")).to_have_text(request["text"])
    manager.get_by_role("button", name="Approve exactly this").click()
    expect(manager.locator(".next b")).to_have_text("Releasable")


def test_no_comes_with_its_reason_and_the_way_on(people: People) -> None:
    """A refused step stands on the case's own page with why and where to go; reloading asks for the case."""
    agent = people.organisation.sign_in("ilse")
    wish = {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}
    case = agent.post("/api/cases", wish).json()["case"]
    page = people.signed_in("ilse")
    page.goto(f"/cases/{case}")
    page.locator(".tile", has_text="In person").get_by_role("button", name="Begin").click()
    page.get_by_label("What was shown, and where").fill("none, front desk")
    page.get_by_role("button", name="I saw this").click()
    trouble = page.get_by_role("alert")
    expect(trouble.get_by_role("heading")).to_have_text("Policy said no")
    expect(trouble.locator(".what")).to_contain_text("no document")
    expect(trouble.locator(".way-on")).to_contain_text("The way on")
    expect(trouble).not_to_contain_text("wrong_answer")  # a code is for programs
    expect(page.locator(".crumb .mono")).to_have_text(case)
    expect(page).to_have_url(re.compile(f"/cases/{case}$"))  # which the page's script sees to
    page.reload()
    expect(page.locator(".crumb .mono")).to_have_text(case)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_what_is_typed_survives_a_refusal(people: People) -> None:
    """A case that can not be opened and a step that is refused leave every word in its field, unfolded and marked."""
    page = people.signed_in("ilse")
    page.get_by_role("link", name="New case").click()
    expect(page.get_by_role("textbox", name="Account")).to_be_focused()
    page.get_by_role("textbox", name="Account").fill("m.lindqist")
    page.get_by_label("Recovery info").check()
    page.get_by_label("Which contact point").select_option("phone")
    page.get_by_label("In the caller's words").fill("lost it on the train")
    page.get_by_role("button", name="Open the case").click()
    expect(page.get_by_role("alert")).to_contain_text("Check the spelling")
    expect(page).to_have_url(re.compile("/cases/new$"))
    expect(page.get_by_label("Recovery info")).to_be_checked()
    expect(page.get_by_label("Which contact point")).to_have_value("phone")
    expect(page.get_by_label("In the caller's words")).to_have_value("lost it on the train")
    page.get_by_role("textbox", name="Account").fill("m.lindqvist")
    page.get_by_label("Ticket").fill("INC-" + "1" * 100)
    page.get_by_role("button", name="Open the case").click()
    expect(page).to_have_url(re.compile("/cases/c-[a-z0-9]+$"))  # opened it is, so it is not asked for again
    expect(page.get_by_role("link", name="Go to this step")).to_have_attribute("href", "#intake")
    for _ in range(2):
        expect(page.get_by_role("alert")).to_contain_text("Paste the number")
        expect(page.get_by_label("Ticket")).to_have_value("INC-" + "1" * 100)
        page.get_by_role("button", name="Link the ticket").click()
    page.get_by_label("Ticket").fill("INC-1")
    page.get_by_role("button", name="Link the ticket").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert len(people.organisation.app.steps.cases.rows()) == 1


def test_a_case_that_moves_on_takes_nothing_from_whoever_works_on_it(people: People) -> None:
    """The page draws itself anew meanwhile: words, the caret and what is unfolded stay, and the news is said aloud."""
    agent = people.organisation.sign_in("ilse")
    wish = {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}
    case = agent.post("/api/cases", wish).json()["case"]
    page = people.signed_in("ilse")
    page.goto(f"/cases/{case}")
    page.locator(".tile summary").first.click()
    page.locator(".others summary", has_text="Withdraw").click()
    why = page.locator(".others details[open] textarea")
    why.fill("they will come to the front desk")
    why.press("ArrowLeft")
    agent.post(f"/api/cases/{case}/ticket", {"ticket": "INC-8"})
    expect(page.locator(".rail .fact", has_text="Number")).to_contain_text("INC-8")
    expect(why).to_have_value("they will come to the front desk")
    expect(why).to_be_focused()
    assert why.evaluate("field => field.selectionStart") == len("they will come to the front desk") - 1
    expect(page.locator(".tile details[open]")).to_have_count(1)
    expect(page.get_by_role("status").locator("visible=true").first).to_contain_text("Verifying: Still missing")
    expect(page).to_have_title(re.compile("^Verifying: Unlock for Mara Lindqvist"))


def test_a_page_that_gets_no_answer_says_so(people: People) -> None:
    """Without the server, or without a session, what stands there may be old: the page says it, and takes it back."""
    agent = people.organisation.sign_in("ilse")
    wish = {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}
    case = agent.post("/api/cases", wish).json()["case"]
    page = people.signed_in("ilse")
    page.goto(f"/cases/{case}")
    page.route("**/cases/*?version=*", lambda route: route.abort())
    expect(page.get_by_role("alert")).to_contain_text("Watchword does not answer just now")
    page.unroute("**/cases/*?version=*")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.context.clear_cookies(name="watchword_session")
    expect(page.get_by_role("alert")).to_contain_text("Your session is over")


def test_a_case_is_found_and_its_neighbours_are_told(people: People) -> None:
    """By name, id or ticket; the form and the case tell of others about the same person, and the list of new ones."""
    organisation = people.organisation
    agent = organisation.sign_in("ilse")
    wish = {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}
    page = people.signed_in("ilse")
    expect(page.locator(".empty")).to_be_visible()
    first, second = (agent.post("/api/cases", wish).json()["case"] for _ in range(2))
    expect(page.locator(".cases-list tbody tr")).to_have_count(2, timeout=25_000)
    agent.post(f"/api/cases/{first}/ticket", {"ticket": "INC-4711"})
    for asked, rows in (("lindqvist unlock", 2), (first, 1), ("inc-4711", 1), ("INC-47", 0), ("nobody", 0)):
        page.get_by_label("Find a case").fill(asked)
        page.get_by_role("button", name="Find").click()
        expect(page.locator(".found-by b")).to_have_text(asked)
        expect(page.locator(".cases-list tbody tr")).to_have_count(rows)
    page.goto("/cases/new?account=m.lindqvist&action=unlock")
    expect(page.locator("#needs .notice")).to_contain_text("Two cases about this person already")
    page.locator("#needs .notice a").first.click()
    expect(page.locator(".notice")).to_contain_text("One other case about this person")
    expect(page.locator(".notice a")).to_have_attribute("href", re.compile(f"/cases/({first}|{second})"))


def test_the_board_and_what_is_not_there(people: People) -> None:
    """An empty board says so, so does an address that leads nowhere; a stranger is sent to the door."""
    page = people.signed_in("noor")
    page.get_by_role("link", name="Reconciliation").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Reconciliation")
    expect(page.locator(".empty")).to_have_text("No identity event here.")
    page.goto("/cases/c-aaaaaaaaaaaaaaaaaaaa")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is here")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/board")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_wrong_password_is_said_at_the_door(people: People) -> None:
    """The door says that something is wrong, and not what; the login stands there again, in that tab and no further."""
    page = people.tab()
    page.goto("/sign-in")
    page.get_by_label("Login").fill("ilse")
    page.get_by_label("Password").fill("not her password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Login or password is wrong. Try again, or ask an administrator.")
    expect(page.get_by_label("Login")).to_have_value("ilse")
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("Password")).to_have_value("")
    assert "ilse" not in page.url
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/cases")
    page.wait_for_load_state()
    assert page.evaluate("sessionStorage.getItem('login')") is None


def test_a_freeze_is_seen_and_two_people_release_it(people: People) -> None:
    """After three failures the remote methods say why they are closed, until two people on duty agree."""
    organisation = people.organisation
    _enrolled(organisation)
    agent = organisation.sign_in("ilse")
    wish = {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}
    for _ in range(3):
        opened = agent.post("/api/cases", wish).json()
        case, token = opened["case"], opened["page"].rsplit("/", 1)[-1]
        begun = agent.post(f"/api/cases/{case}/methods", {"method": "totp"}).json()["challenge"]
        for _ in range(3):
            organisation.listener(case).post(f"/api/caller/{case}/{token}/answers/{begun}", json={"answer": "000000"})
    for login, frozen in (("noor", "remote methods are closed"), ("wen", "none")):
        page = people.signed_in(login)
        page.goto(f"/cases/{case}")
        expect(page.locator(".tile", has_text="Automated call")).to_contain_text("Closed: too many verifications")
        expect(page.locator(".notice.bad .way-on")).to_contain_text("two people on duty")
        page.get_by_text("Release the freeze").click()
        page.get_by_role("button", name="Agree").click()
        expect(page.locator(".fact", has_text="Freeze").locator("dd")).to_have_text(frozen)


def test_what_waits_is_told_to_whoever_may_take_it(organisation: Organisation) -> None:
    """A case that stands still after “not me” is for those on duty, one that is done for who closes it."""
    agent = organisation.sign_in("ilse")
    wish = {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}
    case = agent.post("/api/cases", wish).json()["case"]
    agent.post(f"/api/cases/{case}/object", {"said": "it was not me"})
    app, at = organisation.app, organisation.at
    for login, many in (("noor", 1), ("wen", 1), ("ilse", 0), ("rafael", 0)):
        page = cases_page(app, app.names.person(login), "", at, "mine")
        assert (len(page.rows), page.mine) == (many, many), login
    (row,) = cases_page(app, app.names.person("ilse"), "", at, "").rows
    assert row.waits_for == "somebody on duty, after a “not me”"


def test_a_long_list_has_pages(people: People, organisation: Organisation) -> None:
    """Every case can be reached: the list goes on on a next page, which looks again by itself as the first does."""
    agent = organisation.sign_in("ilse")
    wish = {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}
    cases = [agent.post("/api/cases", wish).json()["case"] for _ in range(SHOWN + 2)]
    page = people.signed_in("ilse")
    page.goto("/cases?tab=all")
    expect(page.locator(".pages")).to_contain_text(f"1 to {SHOWN} of {SHOWN + 2}")
    links = "list => [...list.querySelectorAll('a')].map(a => a.pathname.slice(7))"
    first = page.locator(".cases-list").evaluate(links)
    page.get_by_role("link", name="Further down the list").click()
    expect(page.locator(".cases-list tbody tr")).to_have_count(2)
    assert {*first, *page.locator(".cases-list").evaluate(links)} == {*cases}
    assert "page=2" in (page.locator("#list").get_attribute("hx-get") or "")
    page.get_by_role("link", name="Earlier in the list").click()
    expect(page.locator(".cases-list tbody tr")).to_have_count(SHOWN)


def test_who_may_not_open_cases_is_not_offered_to(people: People) -> None:
    """The link and the empty list offer a new case to agents alone; duty has the policy's page, for its map."""
    agent, duty = people.signed_in("ilse"), people.signed_in("noor")
    expect(agent.get_by_role("link", name="New case")).to_be_visible()
    expect(agent.locator(".empty")).to_contain_text("Open one")
    expect(duty.get_by_role("link", name="New case")).to_have_count(0)
    expect(duty.locator(".empty")).not_to_contain_text("Open one")
    expect(duty.get_by_role("link", name="Policy")).to_be_visible()


def test_what_a_case_needs_is_read_before_it_is_opened(people: People) -> None:
    """On a phone it stands above the button, at a desk beside the form; and the button opens the case from there."""
    page = people.signed_in("ilse")
    page.goto("/cases/new?account=m.lindqvist&action=unlock")
    needs, button = page.locator("#needs"), page.get_by_role("button", name="Open the case")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        where, below = needs.bounding_box(), button.bounding_box()
        assert where
        assert below
        assert where["y"] + where["height"] <= below["y"]
    expect(needs).to_contain_text("passkey")
    button.click()
    expect(page).to_have_url(re.compile("/cases/c-[a-z0-9]+$"))


def test_back_where_one_came_from_and_on_by_a_number(people: People) -> None:
    """Signing in leads to the page that asked for it; the number that stands there opens the caller's page at /go."""
    agent = people.organisation.sign_in("ilse")
    wish = {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}
    case = agent.post("/api/cases", wish).json()["case"]
    page = people.tab()
    page.goto(f"/cases/{case}")
    page.get_by_label("Login").fill("dario")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(f"/cases/{case}$"))
    number = people.organisation.app.desk.short_address.number(CaseId(case), people.organisation.at)
    expect(page.locator(".rail.call")).to_contain_text(number)
    caller = people.tab()
    caller.goto("/go")
    caller.get_by_label("The number").fill("1234")
    caller.get_by_role("button", name="Continue").click()
    expect(caller.get_by_role("alert")).to_contain_text("There is no recovery of this number.")
    caller.get_by_label("The number").fill(number)
    caller.get_by_role("button", name="Continue").click()
    expect(caller).to_have_url(re.compile(f"/c/{case}/"))
