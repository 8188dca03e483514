"""People on the console, in a real browser: who is listed, what is offered, a passkey made, the threat banner."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.api.organisation import BEGINNING, PASSWORD, Organisation
from tests.api.test_story import enrol
from tests.cli.desk import free_port
from tests.web.looks import fits
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.core.person import Delegation, Kind, Role, RoleGrant
from watchword.core.spoken import spoken
from watchword.desk.people import fingerprint
from watchword.policy.procedures import DEFAULT


@pytest.fixture
def place(founded: Path, tmp_path: Path) -> Iterator[Organisation]:
    """An organisation at its own public address, with people in sales and in finance, and its policy in a folder."""
    home, port = tmp_path / "home", free_port()
    shutil.copytree(founded, home)
    shutil.copytree(DEFAULT, home / "policy")  # type: ignore[arg-type]  # a folder on disk, as installed
    config = home / "watchword.toml"
    config.write_text('policy = "policy"\n' + config.read_text().replace("8787", str(port)))
    made = Organisation(home, port=port)
    with made.open:
        people, root = made.app.people, made.app.names.person("root")
        for login, name, unit in (("petra", "Petra Holloway", "sales"), ("finn", "Finn Asare", "finance")):
            people.register(root, login=login, name=name, kind=Kind.EMPLOYEE, unit=unit, at=BEGINNING)
        yield made


@pytest.fixture
def page(browser: Browser, place: Organisation) -> Iterator[Page]:
    """A tab at the console; anything the page complains about fails the test."""
    context = browser.new_context(base_url=place.url)
    tab = context.new_page()
    tab.set_default_timeout(15_000)
    complaints: list[str] = []
    tab.on("pageerror", lambda e: complaints.append(str(e)))
    tab.on("console", lambda m: complaints.append(m.text) if "Security Policy" in m.text else None)
    yield tab
    context.close()
    assert not complaints


def _sign_in(page: Page, login: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Cases")).to_be_visible()


def _delegate(place: Organisation, login: str) -> None:
    app = place.app
    delegation = Delegation(unit="sales", until=BEGINNING + timedelta(days=30))
    app.people.delegate(app.names.person("root"), app.names.person(login), delegation, BEGINNING)


def test_an_administrator_lets_somebody_in(page: Page) -> None:
    """Register, give a role with its end, set a password, take the role: each is seen on the page."""
    _sign_in(page, "root")
    page.get_by_role("link", name="People").click()
    page.get_by_text("Register somebody").click()
    page.get_by_label("Login").fill("ann lee")
    page.get_by_label("Name").fill("Ann Lee")
    page.get_by_label("Unit").fill("sales")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ann Lee")
    page.get_by_text("Give a role").click()
    page.get_by_label("Role").select_option("verifier")
    page.get_by_label("In which unit").fill("sales")
    page.get_by_label("Until").first.fill("2026-12-24")
    page.get_by_role("button", name="Give the role").click()
    role = page.locator(".held li", has_text="Verifier")
    expect(role).to_contain_text("in sales, until 24 Dec 2026 00:00 UTC")
    page.get_by_text("Set the password").click()
    page.get_by_label("New password").fill("a long enough password")
    page.get_by_label("Once more").fill("another one entirely")
    page.get_by_role("button", name="Set it").click()
    expect(page.locator(".what")).to_contain_text("not the same")
    expect(page.get_by_label("New password")).to_be_visible()  # unfolded still, and empty
    expect(page.get_by_label("New password")).to_have_value("")
    page.locator(".held li", has_text="Verifier").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("No role.")).to_be_visible()


def test_somebody_is_found_by_what_their_line_says(page: Page) -> None:
    """The list is cut by words of a name, a login, a unit or a role, and says when nobody has all of them."""
    _sign_in(page, "root")
    for asked, found in (
        ("lindqvist", "Mara Lindqvist"),
        ("ILSE agent", "Ilse Okonjo"),
        ("ekstrom", "Paula Ekström"),
    ):
        page.goto("/people")
        page.get_by_label("Find somebody").fill(asked)
        page.get_by_role("button", name="Find").click()
        expect(page.locator(".found-by b")).to_have_text(asked)
        expect(page.locator(".people-list tbody a")).to_have_text([found])
    page.goto("/people?q=no+such+person")
    expect(page.locator(".empty")).to_have_text("Nobody of them has all of that.")


def test_a_passkey_is_made_in_the_browser_and_revoked(page: Page, place: Organisation) -> None:
    """A real authenticator's registration is enrolled; the same one is not taken twice; why it ended is asked."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    _sign_in(page, "root")
    page.goto("/people/mara")
    page.get_by_role("button", name="Make a passkey").click()
    passkey = page.locator(".held li", has_text="Passkey")
    expect(passkey).to_contain_text("enrolled 0 s ago")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("holds a passkey of theirs already")
    page.locator(".held li", has_text="Passkey").get_by_text("Revoke", exact=True).click()
    page.get_by_label("Why").locator("visible=true").fill("phone in the river")
    page.get_by_role("button", name="Revoke it").locator("visible=true").click()
    expect(page.locator(".held li.over", has_text="Passkey")).to_contain_text("revoked 0 s ago")
    mara = place.app.registry.person(place.app.names.person("mara"))
    assert mara.credentials_of("passkey") == ()
    assert "river" not in page.content()


def test_a_key_is_confirmed_by_somebody_else_in_the_browser(page: Page, place: Organisation) -> None:
    """Who enrolled a key is not offered to confirm it; another administrator reads its words and presses the button."""
    people, root = place.app.people, place.app.names.person("root")
    other = people.register(root, login="olaf", name="Olaf Admin", kind=Kind.EMPLOYEE, unit="", at=BEGINNING)
    people.grant(root, other, RoleGrant(role=Role.ADMINISTRATOR), BEGINNING)
    people.set_password(root, other, PASSWORD, BEGINNING)
    enrol(place, place.app.names.person("mara"), SoftAuthenticator(place.url))
    _sign_in(page, "root")
    page.goto("/people/mara")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mara Lindqvist")
    expect(page.get_by_role("button", name="It is theirs")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    _sign_in(page, "olaf")
    page.goto("/people/mara")
    held = page.locator(".held li", has_text="Not confirmed for approvals")
    (key,) = place.app.registry.person(place.app.names.person("mara")).credentials_of("passkey")
    confirm = held.locator("summary", has_text="Confirm it for approvals")
    expect(confirm).not_to_have_class("danger")
    confirm.click()
    expect(held.locator(".lede")).to_contain_text(spoken(fingerprint(key)))
    fits(page, "people-confirm")
    held.get_by_role("button", name="It is theirs").click()
    expect(page.get_by_text("Not confirmed for approvals")).to_have_count(0)
    expect(page.locator(".held li", has_text="Passkey")).to_contain_text("confirmed for approvals by olaf")
    (key,) = place.app.registry.person(place.app.names.person("mara")).credentials_of("passkey")
    assert key.confirmed_by == other


def test_a_delegate_is_offered_what_is_theirs(page: Page, place: Organisation) -> None:
    """The list is their unit; governing roles, delegation and the pages of others are not offered."""
    _delegate(place, "ilse")
    _sign_in(page, "ilse")
    page.get_by_role("link", name="People").click()
    expect(page.locator(".people-list tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Petra Holloway").click()
    page.get_by_text("Give a role").click()
    roles = page.get_by_label("Role").locator("option").all_inner_texts()
    assert "agent" in roles
    assert not {"administrator", "policy author", "custodian", "CISO delegate"} & set(roles)
    expect(page.get_by_text("Delegate a unit")).to_be_hidden()
    for login in ("finn", "nemo"):
        page.goto(f"/people/{login}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is here")
    root, petra = (place.app.names.person(login) for login in ("root", "petra"))
    place.app.people.grant(root, petra, RoleGrant(role=Role.CUSTODIAN), BEGINNING)
    page.goto("/people/petra")
    expect(page.get_by_text("Custodian")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(1)  # signing out


def test_nobody_changes_themself_and_a_stranger_sees_nothing(page: Page, place: Organisation) -> None:
    """An administrator's own page offers nothing; somebody without the right has no link and no page."""
    _sign_in(page, "root")
    page.goto("/people/root")
    expect(page.locator(".notice")).to_contain_text("This is you")
    expect(page.locator(".others")).to_be_hidden()
    expect(page.get_by_role("button", name="Make a passkey")).to_be_hidden()
    page.get_by_role("button", name="Sign out").click()
    _sign_in(page, "nobody")
    expect(page.get_by_role("link", name="People")).to_be_hidden()
    page.goto("/people")
    expect(page.get_by_role("heading", level=1)).to_have_text("Policy said no")


def test_a_role_that_is_not_there_is_said(place: Organisation) -> None:
    """What a form never offers is refused in words: an unknown role, step, kind or day."""
    root = place.sign_in("root")
    for path, fields in (
        ("/people/petra/grant", {"role": "king"}),
        ("/people/petra/grant", {"role": "agent", "until": "soon"}),
        ("/people/petra/delegate", {"unit": "sales", "until": ""}),
        ("/people/petra/delegate", {"unit": "sales", "until": "2028-01-01"}),
        ("/people", {"login": "x", "name": "X", "kind": "ghost"}),
    ):
        answer = root.form(path, **fields)
        assert answer.status_code == 422, (path, fields)
        assert "The way on" in answer.text
    assert root.form("/people/petra/crown").status_code == 404
    assert root.form("/people/nemo/grant", role="agent").status_code == 404


def test_the_elevated_threat_is_on_every_page_of_staff(page: Page, place: Organisation) -> None:
    """Who is on duty turns it on; staff see it until it ends, the door and the locked-out person's page do not."""
    _sign_in(page, "noor")
    page.get_by_role("link", name="Threat").click()
    expect(page.locator(".next")).to_contain_text("The switch is off")
    does = page.locator(".does li")
    expect(does.filter(has_text="one tier higher")).to_have_count(1)
    expect(does.filter(has_text="waits at least 4 h")).to_have_count(1)
    expect(does.filter(has_text="Nobody does this alone, without the desk")).to_contain_text("factor reset")
    page.get_by_label("For how long").select_option("1 d")
    page.get_by_label("Why").fill("calls in the name of the CFO")
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator(".next")).to_contain_text("raised by Noor Haraldsen")
    expect(page.get_by_label("For how long").locator("option")).to_have_text(["1 d", "3 d", "7 d"])
    opened = place.sign_in("ilse").post(
        "/api/cases", {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}
    )
    paths = ("/cases", "/cases/new", "/board", "/threat", "/nowhere", f"/cases/{opened.json()['case']}")
    for path in paths:
        page.goto(path)
        expect(page.locator(".threat")).to_contain_text(re.compile("Elevated threat.*ends in 23 h|ends in 1 d"))
    assert "CFO" not in page.content()
    page.goto("/cases")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.locator(".threat")).to_have_count(0)
    page.goto(opened.json()["page"])
    expect(page.locator(".threat")).to_have_count(0)
    place.passes(days=1)
    _sign_in(page, "ilse")
    expect(page.locator(".threat")).to_have_count(0)
    page.goto("/threat")
    expect(page.locator(".next")).to_contain_text("It last was on")
    expect(page.get_by_role("button", name="Turn it on")).to_have_count(0)
