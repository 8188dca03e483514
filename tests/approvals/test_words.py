"""The approver's page as files, and the ways to it from the console: what is served, written and shown."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import httpx2
from playwright.sync_api import Browser, Page, expect

from tests.approvals.conftest import with_authenticator
from tests.approvals.test_page import make
from tests.desk.office import SECOND, Office
from tests.desk.test_decisions import asked
from watchword.cli.approvals import page
from watchword.core.action import Action
from watchword.core.person import Role, RoleGrant
from watchword.reception import countersign
from watchword.web.approve_page import digest_of, files_of


def signed_in(office: Office, browser: Browser, login: str, **view: int) -> Page:
    """A tab in which *login* is signed in to the console."""
    context = browser.new_context(viewport={"width": view.get("width", 1280), "height": 900})
    with_authenticator(context)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto(f"{office.origin}/sign-in")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(f"the password of {login}")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/cases")
    return page


def test_page_is_served_with_its_headers(apart: Office) -> None:
    """On its own origin there is the page, under a policy that lets nothing in; on the console there is not."""
    site = apart.settings.approvals_origin.replace("approve.localhost", "127.0.0.1")
    answer = httpx2.get(f"{site}/approve/", trust_env=False)
    policy = answer.headers["content-security-policy"]
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ):
        assert part in policy
    assert f"connect-src {apart.origin};" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert "set-cookie" not in answer.headers
    files = files_of(apart.settings)
    assert answer.content == files["index.html"]
    for name in ("approve.js", "approve.css"):
        assert httpx2.get(f"{site}/approve/{name}", trust_env=False).content == files[name]
    bare = httpx2.get(f"{site}/approve", trust_env=False)
    assert (bare.status_code, bare.headers["location"]) == (302, "/approve/")
    for path in ("/approve/other.js", "/approve/..%2f", "/api/approver", "/cases"):
        assert httpx2.get(f"{site}{path}", trust_env=False).status_code == 404
    assert httpx2.get(f"{apart.origin}/approve/", trust_env=False).status_code == 404


def test_page_is_written_for_another_host(apart: Office, tmp_path: Path) -> None:
    """The command writes the same bytes, the headers they need, and sums that `sha256sum` reads."""
    page(tmp_path / "site", config=apart.home / "watchword.toml")
    files = files_of(apart.settings)
    for name, data in files.items():
        assert (tmp_path / "site" / "approve" / name).read_bytes() == data
        assert (
            f"{hashlib.sha256(data).hexdigest()}  {name}\n"
            in (tmp_path / "site" / "approve" / "SHA256SUMS").read_text()
        )
    assert "frame-ancestors 'none'" in (tmp_path / "site" / "headers.txt").read_text()
    assert len(re.findall(r'integrity="sha384-[A-Za-z0-9+/]{64}"', files["index.html"].decode())) == 2
    assert digest_of(files) == digest_of(files_of(apart.settings))


def test_from_the_case_to_the_page_and_back(apart: Office, browser: Browser) -> None:
    """An approver signs in, goes from the case to the page, signs there; the case shows it, and who could still sit."""
    apart.app.people.grant(apart["root.admin"], apart["boss.one"], RoleGrant(role=Role.AUDITOR), apart.at)
    link = apart.app.approver_keys.offer(apart["root.admin"], apart["boss.one"], apart.at)
    page = signed_in(apart, browser, "boss.one")
    page.goto(f"{apart.settings.approvals_origin}/approve/#{link.token}")
    make(page, link.code)
    expect(page.locator("h1")).to_have_text("Your key is made")
    apart.confirm("boss.one")
    assert apart.app.names.has_person(SECOND)
    case = asked(apart)
    page.goto(f"{apart.origin}/cases/{case}")
    expect(page.get_by_text("one person could take it")).to_be_visible()
    page.get_by_role("link", name="Read and sign it on the approval page").click()
    expect(page.locator("h1")).to_have_text("boss.one, will you approve this?")
    page.click("#approve")
    expect(page.locator("h1")).to_have_text("Done")
    assert apart.state(case) == "releasable"


def test_browser_of_the_caller_approves_nothing(apart: Office, browser: Browser) -> None:
    """Who answers on the caller's page and then approves in the same browser is refused, and told why."""
    case = apart.open("mara.lind", Action.FACTOR_RESET, factors=("security_key",))
    apart.prove(case, "passkey")
    page = signed_in(apart, browser, "boss.one")
    (session,) = (c for c in page.context.cookies() if c.get("name") == "watchword_session")
    page.context.clear_cookies(name="watchword_session")  # with it the page would be refused at once
    token = apart.app.desk.hand_over.page_token(case)
    page.goto(f"{apart.origin}/c/{case}/{token}")
    challenge = apart.begin(case, "mail_code")
    answer = {"answer": apart.right(case, challenge)}
    first, _ = countersign.pair(apart.app, case)
    got = page.evaluate(
        """async ([url, word, path, body]) => {
          const headers = {"content-type": "application/json"};
          await fetch(`${url}/check`, {method: "POST", body: JSON.stringify({word}), headers});
          return (await fetch(url + path, {method: "POST", body: JSON.stringify(body), headers})).status;
        }""",
        [f"/api/caller/{case}/{token}", first, f"/answers/{challenge}", answer],
    )
    assert got == 200
    assert apart.state(case) == "awaiting approval"
    page.context.add_cookies([session])  # type: ignore[list-item]  # as Playwright gave it
    link = apart.app.approver_keys.offer(apart["root.admin"], apart["boss.one"], apart.at)
    page.goto(f"{apart.settings.approvals_origin}/approve/#{link.token}")
    make(page, link.code)
    expect(page.locator("h1")).to_have_text("Your key is made")
    apart.confirm("boss.one")
    page.goto(f"{apart.origin}/cases/{case}")
    page.get_by_role("link", name="Read and sign it on the approval page").click()
    page.click("#approve")
    expect(page.locator(".problem")).to_contain_text("verified in this very browser")
    assert apart.state(case) == "awaiting approval"


def test_offer_and_confirmation_in_the_console(apart: Office, browser: Browser) -> None:
    """One administrator offers a key on a person's page, another one confirms it there by its words."""
    apart.app.people.set_password(apart["root.admin"], apart[SECOND], f"the password of {SECOND}", apart.at)
    page = signed_in(apart, browser, SECOND)
    page.goto(f"{apart.origin}/people/ivy.iam")
    page.get_by_role("button", name="Offer a key").click()
    expect(page.locator("#key-code")).to_be_visible()
    address, code = page.locator("#key-address").inner_text(), page.locator("#key-code").inner_text()
    page.goto(f"{apart.origin}/people/ivy.iam")
    expect(page.get_by_role("button", name="Take it back Page on which they make a key for approvals")).to_be_visible()
    expect(page.get_by_text("made 0 s ago")).to_be_visible()
    page.goto(address)
    make(page, code)
    expect(page.locator("h1")).to_have_text("Your key is made")
    (made,) = apart.app.registry.person(apart["ivy.iam"]).credentials_of("passkey")
    assert made.enrolled_by == apart[SECOND]
    page.goto(f"{apart.origin}/people/ivy.iam")
    assert page.get_by_text("Confirm it for approvals").count() == 0
