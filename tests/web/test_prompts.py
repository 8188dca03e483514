"""Prompts in a real browser: enrolled at an address, answered on a page of its own, signed with a key it keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.api.organisation import Organisation
from tests.notices.push_service import PushService, push_service
from tests.web.looks import fits
from tests.web.test_people import _sign_in, page, place
from watchword.core.action import Action
from watchword.core.ids import CaseId
from watchword.core.requirement import Context
from watchword.desk.intake import Wish
from watchword.desk.waking import Waking
from watchword.notices.web_push import WebPush

__all__ = ["page", "place"]


@pytest.fixture
def phone(browser: Browser, place: Organisation) -> Iterator[Page]:
    """Mara's own phone; anything its pages complain about fails the test."""
    context = browser.new_context(base_url=place.url, viewport={"width": 390, "height": 844})
    tab = context.new_page()
    tab.set_default_timeout(15_000)
    complaints: list[str] = []
    tab.on("pageerror", lambda e: complaints.append(str(e)))
    tab.on("console", lambda m: complaints.append(m.text) if "Security Policy" in m.text else None)
    yield tab
    context.close()
    assert not complaints


def _enrolled(page: Page, phone: Page) -> None:
    """Have an administrator offer an address, and open it on the phone."""
    _sign_in(page, "root")
    page.goto("/people/mara")
    page.get_by_role("button", name="Make an address").click()
    expect(page.locator("#prompt-address")).to_contain_text("/prompts#")
    phone.goto(page.locator("#prompt-address").inner_text())
    phone.get_by_label("The six digits you were told").fill(page.locator("#prompt-code").inner_text())
    fits(phone, "prompts-enrol")
    phone.get_by_role("button", name="Enrol this browser").click()
    expect(phone.get_by_text("Nothing is asked of you.")).to_be_visible()


def _begun(place: Organisation) -> tuple[CaseId, str]:
    """A case of Mara's with a prompt under way; returns what the agent's screen says."""
    app, agent = place.app, place.app.names.person("ilse")
    wish = Wish(action=Action.UNLOCK)
    case = app.desk.intake.open(
        agent,
        directory="sandbox",
        query="m.lindqvist",
        wish=wish,
        context=Context(),
        origin=None,
        reason="locked out",
        at=place.at,
    )
    _, begun = app.desk.verification.begin(app.names.person("dario"), case, "push_number", place.at)
    return case, begun.show_agent or ""


def test_the_phone_types_the_number_and_proves(page: Page, phone: Page, place: Organisation) -> None:
    """The administrator makes an address, the phone enrols, the agent tells the number, the phone signs it."""
    _enrolled(page, phone)
    page.reload()
    expect(page.locator(".held li", has_text="Browser for prompts")).to_contain_text("enrolled 0 s ago")
    phone.reload()  # the key is kept
    case, said = _begun(place)
    expect(phone.get_by_role("heading", name="Are you talking to the desk right now?")).to_be_visible()
    expect(phone.locator("#what")).to_have_text("Unlock")
    found = re.search(r"number: (\d\d)", said)
    assert found
    # The mark is drawn with numbers of its own, and a case's name may have some.
    assert found[1] not in re.sub(r"<svg.*?</svg>|\bc-[a-z2-7]+", "", phone.content(), flags=re.DOTALL)
    fits(phone, "prompts-asked")
    places = [phone.get_by_role("button", name=one).bounding_box() for one in ("Continue", "This was not me")]
    assert len({place["y"] for place in places if place}) == 1  # side by side
    phone.get_by_label("The number the desk tells you").fill(found[1])
    phone.get_by_role("button", name="Continue").click()
    expect(phone.get_by_text("That was right.")).to_be_visible()
    assert [e.method for e in place.app.desk.steps.load(case).case.evidence] == ["push_number"]


def test_the_phone_says_that_it_was_not_me(page: Page, phone: Page, place: Organisation) -> None:
    """One press ends the method, sticks to the account, and thanks them."""
    _enrolled(page, phone)
    case, _ = _begun(place)
    phone.get_by_role("button", name="This was not me").click()
    expect(phone.get_by_text("The desk knows that it was not you.")).to_be_visible()
    now = place.app.desk.steps.load(case)
    assert now.case.challenges[-1].ended
    assert len(now.account.failures) == 1


@pytest.fixture
def waked(place: Organisation) -> Iterator[PushService]:
    """A push service that the organisation trusts."""
    app = place.app
    with push_service() as service:
        app.waking = Waking(app.prompts, WebPush(b"s" * 32, "mailto:it-security@example.test", (service.host,)))
        app.steps.sends = app.steps.sends | {"push_number"}
        app.runner.waking = app.waking
        yield service


_STANDS_IN = """(where) => {
  const made = { toJSON: () => ({ endpoint: where.endpoint, keys: { p256dh: where.p256dh, auth: where.auth } }) };
  PushManager.prototype.subscribe = async function (options) {
    if (!options.userVisibleOnly || new Uint8Array(options.applicationServerKey).length !== 65) throw new Error("key");
    sessionStorage.setItem("subscribed", "yes");
    return made;
  };
  PushManager.prototype.getSubscription = async () => (sessionStorage.getItem("subscribed") ? made : null);
}"""
"""In the place of the browser's own push service, which lies outside: the test's."""


def test_the_phone_is_woken(page: Page, phone: Page, place: Organisation, waked: PushService) -> None:
    """The page offers it once enrolled, the runner pushes one sentence, and the worker shows just that."""
    phone.context.grant_permissions(["notifications"], origin=place.url)
    where = waked.subscription
    told = {"endpoint": where.endpoint, "p256dh": where.p256dh, "auth": where.auth}
    phone.add_init_script(f"({_STANDS_IN})({json.dumps(told)})")
    _enrolled(page, phone)
    fits(phone, "prompts-wake")
    phone.get_by_role("button", name="Wake this browser when the desk asks me").click()
    expect(phone.get_by_text("You are told here when the desk asks you")).to_be_visible()
    fits(phone, "prompts-woken")
    phone.goto("/prompts?lang=de")
    expect(phone.get_by_text("Sie erfahren hier, wenn der Service-Desk Sie fragt")).to_be_visible()
    phone.goto("/prompts")
    expect(phone.get_by_text("You are told here when the desk asks you")).to_be_visible()
    _begun(place)
    place.app.runner.drain(place.at)
    assert waked.shown() == ("Somebody is asking you something. Open your prompts.",)
    assert waked.sender()["aud"] == f"http://{waked.host}"

    session = phone.context.new_cdp_session(phone)
    workers: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda said: workers.extend(r["registrationId"] for r in said["registrations"]),
    )
    session.send("ServiceWorker.enable")
    expect(phone.get_by_role("heading", name="Are you talking to the desk right now?")).to_be_visible()
    push = {"origin": place.url, "registrationId": workers[-1], "data": waked.shown()[0]}
    session.send("ServiceWorker.deliverPushMessage", push)
    phone.wait_for_function(
        """async () => {
          const registration = await navigator.serviceWorker.getRegistration("/prompts/");
          const shown = await registration.getNotifications();
          return shown.length === 1 && shown[0].title === "Watchword"
            && shown[0].body === "Somebody is asking you something. Open your prompts.";
        }"""
    )


def test_a_phone_that_may_not_be_woken(page: Page, phone: Page, place: Organisation, waked: PushService) -> None:
    """Who says no, or whose browser reaches no push service, is told to keep the page open, and is asked there."""
    _enrolled(page, phone)
    phone.get_by_role("button", name="Wake this browser when the desk asks me").click()
    expect(phone.get_by_text("This browser may not be woken.")).to_be_visible()
    _begun(place)
    expect(phone.get_by_role("heading", name="Are you talking to the desk right now?")).to_be_visible()
    place.app.runner.drain(place.at)
    assert waked.pushes == []


def test_an_address_opens_once(page: Page, phone: Page, place: Organisation) -> None:
    """Whoever opens it after the person is told so, and enrols nothing; a browser without one is told what to do."""
    phone.goto("/prompts")
    expect(phone.get_by_text("This browser is not enrolled for prompts.")).to_be_visible()
    _enrolled(page, phone)
    thief = phone.context.browser.new_context(base_url=place.url).new_page()  # type: ignore[union-attr]
    thief.goto(page.locator("#prompt-address").inner_text())
    thief.get_by_label("The six digits you were told").fill("123456")
    thief.get_by_role("button", name="Enrol this browser").click()
    expect(thief.get_by_role("alert")).to_contain_text("This page is closed")
    expect(thief.get_by_role("button", name="Enrol this browser")).to_be_hidden()
    thief.context.close()
