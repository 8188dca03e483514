"""Seats that are lent, downtime that is declared, and the kiosk lane, in a real browser: what each person sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.api.organisation import BEGINNING, PASSWORD, Organisation
from tests.api.test_story import Recovery
from tests.web.looks import fits
from tests.web.test_people import _sign_in, place
from watchword.core.ids import CaseId
from watchword.core.person import Kind, Role, RoleGrant
from watchword.desk.vouching import name_supervisor

__all__ = ["place"]

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}
SignedIn = Callable[[str], Page]


@pytest.fixture
def signed_in(browser: Browser, place: Organisation) -> Iterator[SignedIn]:
    """A browser for each person, with an authenticator; anything a page complains about fails the test."""
    contexts, complaints = [], []

    def sign_in(login: str) -> Page:
        context = browser.new_context(base_url=place.url)
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(15_000)
        tab.on("pageerror", lambda e: complaints.append(str(e)))
        tab.on("console", lambda m: complaints.append(m.text) if "Security Policy" in m.text else None)
        devtools = context.new_cdp_session(tab)
        devtools.send("WebAuthn.enable")
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        if login:
            _sign_in(tab, login)
        return tab

    yield sign_in
    for context in contexts:
        context.close()
    assert not complaints


def with_passkey(signed_in: SignedIn, login: str) -> Page:
    """The browser of *login*, for whom an administrator enrolled its passkey there."""
    page = signed_in("root")
    page.goto(f"/people/{login}")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.locator(".held li", has_text="Passkey")).to_contain_text("enrolled 0 s ago")
    page.get_by_role("button", name="Sign out").click()
    _sign_in(page, login)
    return page


def lend(page: Page, until: str) -> None:
    """Lend Petra the seat of IAM duty."""
    page.get_by_text("Lend a seat").click()
    page.get_by_label("Which seat").select_option("iam_duty")
    page.get_by_label("To whom").fill("petra")
    page.get_by_label("Until").fill(until)
    page.get_by_role("button", name="Lend it").click()


def test_a_seat_is_signed_for_by_its_lender(signed_in: SignedIn, place: Organisation) -> None:
    """Whoever has a passkey signs for what they lent, on the page on which approvals are signed."""
    wen = with_passkey(signed_in, "wen")
    wen.goto("/seats")
    lend(wen, "2026-12-01")
    expect(wen.get_by_role("link", name="Sign it")).to_have_count(0)  # with a key that nobody confirmed
    place.confirm_key("wen")
    wen.reload()
    loan = wen.locator(".held li", has_text="IAM duty")
    expect(loan).to_contain_text("not signed: it counts where approvals need no signature")
    fits(wen, "seats-unsigned")
    loan.get_by_role("link", name="Sign it with your passkey").click()
    wen.get_by_role("button", name="Lend exactly this").click()
    expect(wen.locator("h1")).to_have_text("Done")
    wen.get_by_role("link", name="Back to your seats").click()
    expect(loan).to_contain_text("until 1 Dec 2026 00:00 UTC, signed")
    expect(loan.get_by_role("link")).to_have_count(0)
    fits(wen, "seats-signed")
    assert wen.goto("/seats/sign?to=petra&seat=sponsor").status == 404  # type: ignore[union-attr]


def test_a_seat_is_lent_seen_by_both_and_taken_back(signed_in: SignedIn, place: Organisation) -> None:
    """Whoever is away lends a seat with its end; the other sees it, and a month is the most."""
    wen = signed_in("wen")
    wen.get_by_role("link", name="Seats").click()
    expect(wen.get_by_text("You sit in your seats yourself.")).to_be_visible()
    fits(wen, "seats-none")
    lend(wen, "2027-12-01")
    expect(wen.get_by_role("alert")).to_be_visible()
    expect(wen.get_by_label("To whom")).to_have_value("petra")
    fits(wen, "seats-refused")
    wen.goto("/seats")
    lend(wen, "2026-12-01")
    expect(wen.locator(".held li", has_text="IAM duty")).to_contain_text(
        "Petra Holloway sits there for you until 1 Dec"
    )
    fits(wen, "seats-lent")
    people = place.app.people
    people.set_password(place.app.names.person("root"), place.app.names.person("petra"), PASSWORD, BEGINNING)
    petra = signed_in("petra")
    petra.goto("/seats")
    expect(petra.locator(".held li")).to_contain_text("in the place of Wen Castellanos until 1 Dec 2026")
    fits(petra, "seats-borrowed")
    wen.get_by_role("button", name="Take it back").click()
    expect(wen.get_by_text("You sit in your seats yourself.")).to_be_visible()
    petra.reload()
    expect(petra.get_by_text("You sit in nobody's place.")).to_be_visible()


def test_downtime_is_declared_confirmed_and_reviewed(signed_in: SignedIn, place: Organisation) -> None:
    """Each of the three sees what is theirs to do and nobody else's button, and what state it is in."""
    people, root = place.app.people, place.app.names.person("root")
    for login in ("dana", "doru"):
        person = people.register(root, login=login, name=login.title(), kind=Kind.EMPLOYEE, unit="", at=BEGINNING)
        people.grant(root, person, RoleGrant(role=Role.DOWNTIME_CUSTODIAN), BEGINNING)
        people.set_password(root, person, PASSWORD, BEGINNING)
    dana = signed_in("dana")
    dana.get_by_role("link", name="Downtime").click()
    expect(dana.get_by_text("Nothing was declared.")).to_be_visible()
    for label, value in (
        ("Account", "m.lindqvist"),
        ("Done with the account", "it.admin"),
        ("From (UTC)", "this morning"),
        ("Until (UTC)", "2026-11-21 07:30"),
        ("Why, and for whom", "the power was out, and she stood at the desk"),
    ):
        dana.get_by_label(label, exact=True).fill(value)
    dana.get_by_label("What was done").select_option("password_reset")
    fits(dana, "downtime-form")
    dana.get_by_role("button", name="Declare it").click()
    expect(dana.get_by_role("alert")).to_contain_text("The way on")
    expect(dana.get_by_label("Why, and for whom")).to_have_value("the power was out, and she stood at the desk")
    dana.get_by_label("From (UTC)", exact=True).fill("2026-11-21 07:00")
    dana.get_by_role("button", name="Declare it").click()
    expect(dana.locator(".declared")).to_contain_text("Waits for a second custodian")
    expect(dana.locator(".declared")).to_contain_text("Password reset of Mara Lindqvist")
    expect(dana.get_by_role("button", name="Confirm")).to_have_count(0)
    fits(dana, "downtime-declared")
    doru = signed_in("doru")
    doru.goto("/downtime")
    doru.get_by_role("button", name="Confirm").click()
    expect(doru.locator(".declared")).to_contain_text("Owes a review")
    rafael = signed_in("rafael")
    rafael.goto("/downtime")
    expect(rafael.get_by_role("button", name="Declare it")).to_have_count(0)
    fits(rafael, "downtime-review")
    rafael.get_by_label("What you looked at").fill("the envelope, the visitors' book")
    rafael.get_by_role("button", name="Record the review").click()
    expect(rafael.locator(".declared")).to_contain_text("Reviewed: sound")
    expect(rafael.get_by_role("button", name="Record the review")).to_have_count(0)
    fits(rafael, "downtime-reviewed")


def test_at_a_kiosk_a_supervisor_signs_beside_the_person(signed_in: SignedIn, place: Organisation) -> None:
    """The agent names who stands there, they sign at the kiosk, and the person's page asks for no word of a call."""
    root, app = place.app.names.person("root"), place.app
    name_supervisor(app.people, root, app.names.person("tomas"), "Hall 3", place.at)
    tomas = with_passkey(signed_in, "tomas")
    agent = signed_in("ilse")
    agent.goto("/cases/new")
    fits(agent, "kiosk-intake")
    agent.get_by_label("Account", exact=True).fill("m.lindqvist")
    agent.get_by_label("Total loss").check()
    agent.get_by_label("Lane").select_option("kiosk")
    agent.get_by_role("button", name="Open the case").click()
    expect(agent.locator(".case-head")).to_contain_text("Mara Lindqvist")
    expect(agent.get_by_text("In the kiosk lane: nothing is asked over a call.")).to_be_visible()
    call = agent.locator(".tile", has_text="Automated call")
    expect(call).to_contain_text("Not asked in the kiosk lane.")
    fits(agent, "kiosk-case")
    tile = agent.locator(".tile", has_text="Supervisor at the kiosk")
    tile.get_by_label("Supervisor").fill("tomas")
    tile.get_by_role("button", name="Begin").click()
    expect(agent.locator(".tile.open", has_text="Supervisor at the kiosk")).to_be_visible()
    fits(agent, "kiosk-begun")
    tomas.goto("/vouch")
    expect(tomas.get_by_role("heading", name="Is it Mara Lindqvist?")).to_be_visible()
    fits(tomas, "kiosk-vouch")
    case = CaseId(agent.url.rsplit("/", 1)[-1])
    person = signed_in("")
    person.goto(f"/c/{case}/{app.desk.hand_over.page_token(case)}")
    expect(person.locator("#check")).to_be_hidden()
    fits(person, "kiosk-person")
    tomas.get_by_role("button", name="Yes, sign with my passkey").click()
    expect(tomas.get_by_text("Nobody asks you to vouch")).to_be_visible()
    agent.reload()
    expect(agent.locator(".tile.proved", has_text="Supervisor at the kiosk")).to_be_visible()
    fits(agent, "kiosk-proved")
    assert place.at - BEGINNING < timedelta(days=1)


@pytest.mark.parametrize("lane", ["text", "kiosk"])
def test_once_all_is_proved_a_call_is_still_not_asked_in_a_lane_without_calls(
    signed_in: SignedIn, place: Organisation, lane: str
) -> None:
    """While the ticket is missing the methods still stand there; what can never be used says so and is not offered."""
    recovery = Recovery(place, lane=lane)
    recovery.step(recovery.agent, "methods", {"method": "totp"})
    assert recovery.proves().status_code == 200
    person = recovery.step(recovery.agent, "methods", {"method": "in_person"}).json()["challenge"]
    recovery.step(recovery.agent, f"methods/{person}", {"answer": "passport, front desk Hamburg"})
    agent = signed_in("ilse")
    agent.goto(f"/cases/{recovery.case}")
    expect(agent.locator(".tile.proved")).to_have_count(2)
    expect(agent.get_by_text("The ticket has to be linked.").first).to_be_visible()
    call = agent.locator(".tile", has_text="Automated call")
    expect(call).to_contain_text(f"Not asked in the {lane} lane.")
    expect(call.get_by_role("button")).to_have_count(0)
    nobody = agent.locator(".tile", has_text="Passkey").first
    expect(nobody.get_by_role("button")).to_have_count(0)
    ways = {one["method"]: one for one in recovery.read()["ways"]}
    assert ways["call_code"]["state"] == "absent"
    fits(agent, f"{lane}-proved")
