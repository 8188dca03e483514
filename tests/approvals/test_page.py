"""The approver's page in Chromium: on an origin of its own, over the exact bytes, and nothing tampered with."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import httpx2
from playwright.sync_api import Browser, Page, Route, expect

from tests.approvals.conftest import with_authenticator
from tests.desk.office import SECOND, Office
from tests.desk.test_approvals import approvals_of, stock_tools_accept
from tests.desk.test_decisions import asked
from tests.ledger.openssh import with_tools
from watchword.core.ids import CaseId
from watchword.desk.people import fingerprint
from watchword.reception.approver import approver_address, loan_address, page_address
from watchword.reception.spoken import spoken

pytestmark = [with_tools]


def page_of(browser: Browser, **authenticator: bool) -> Page:
    """A tab of a browser of its own, with an authenticator."""
    context = browser.new_context()
    with_authenticator(context, **authenticator)
    page = context.new_page()
    page.set_default_timeout(10_000)
    return page


def make(page: Page, code: str) -> None:
    """Make a key on the page that is open, with the *code* that was said."""
    page.get_by_label("The code you were told").fill(code)
    page.click("#make")


def enrol(office: Office, page: Page, login: str, *, confirmed: bool = True) -> None:
    """Have *login* make a key on the approver's page, which the first administrator offered and the second confirms."""
    link = office.app.approver_keys.offer(office["root.admin"], office[login], office.at)
    page.goto(page_address(office.app, link.token))
    make(page, link.code)
    expect(page.locator("h1")).to_have_text("Your key is made")
    made = office.app.registry.person(office[login]).credentials_of("passkey")[-1]
    expect(page.locator(".words b")).to_have_text(spoken(fingerprint(made)))
    if confirmed:
        office.app.people.confirm_credential(office[SECOND], office[login], made.id, fingerprint(made), office.at)


def opened(office: Office, page: Page, case: CaseId, login: str = "boss.one") -> None:
    """Open the page for *login* with a pass of theirs."""
    page.goto(approver_address(office.app, office[login], case, None, office.at))


def test_approval_is_signed_on_a_page_of_another_origin(apart: Office, browser: Browser, tmp_path: Path) -> None:
    """A key made there signs there; the executor acts on it, and stock `ssh-keygen` accepts what is stored."""
    page = page_of(browser)
    enrol(apart, page, "boss.one")
    case = asked(apart)
    opened(apart, page, case)
    expect(page.locator("h1")).to_have_text("boss.one, will you approve this?")
    expect(page.locator(".words b")).to_have_text(spoken(apart.digest(case)))
    assert "#" not in page.url
    said = page.inner_text("main")
    for word in ("Remove", "mara.lind, Mara Lind", "standard", "by phone", "passkey", "ben.agent", "Counts until"):
        assert word in said
    page.click("#approve")
    expect(page.locator("h1")).to_have_text("Done")
    expect(page.get_by_role("link", name="Back to what waits")).to_have_attribute(
        "href", re.compile(r"/cases\?tab=mine$")
    )
    ((entry, given),) = approvals_of(apart, case)
    revoke_the_old_key(apart, "boss.one", entry.seq)
    stock_tools_accept(apart, tmp_path, entry, given)
    apart.release(case)
    apart.run()
    assert apart.state(case) == "delivered"


def revoke_the_old_key(office: Office, login: str, before: int) -> None:
    """Leave *login* the key of the page alone, so that there is one to find."""
    assert before
    for held in office.app.registry.person(office[login]).credentials_of("passkey")[:-1]:
        office.app.people.revoke_credential(office["root.admin"], office[login], held.id, "old", office.at)


def test_question_and_refusal(apart: Office, browser: Browser) -> None:
    """A question and its answer become entries and move nothing; a refusal ends the case, for its reason."""
    page = page_of(browser)
    case = asked(apart)
    opened(apart, page, case)
    until = apart.case(case).not_after  # type: ignore[attr-defined]
    page.get_by_label("A question to the desk").fill("Who is standing next to her?")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("Not answered yet.")).to_be_visible()
    (question,) = apart.case(case).questions
    apart.app.desk.decisions.answer_question(apart["ben.agent"], case, question.id, "Nobody: I asked.", apart.at)
    opened(apart, page, case)
    expect(page.get_by_text("ben.agent: Nobody: I asked.")).to_be_visible()
    assert apart.state(case) == "awaiting approval"
    assert apart.case(case).not_after == until  # type: ignore[attr-defined]
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_label("Why you refuse")).to_be_focused()  # a thumb that slips ends no case
    assert apart.state(case) == "awaiting approval"
    page.get_by_label("Why you refuse").fill("I do not believe it")
    page.get_by_role("button", name="Refuse").click()
    expect(page.locator("h1")).to_have_text("Done")
    assert apart.types(case)[-3:] == ["question.asked", "question.answered", "approval.refused"]
    refusal = apart.app.ledger.read(f"case/{case}")[-1]
    assert apart.app.ledger.disclosures(refusal) == {"why": "I do not believe it"}


def tampered(page: Page, change: object) -> None:
    """Have somebody between the page and the desk change what is answered."""

    def answer(route: Route) -> None:
        got = route.fetch()
        body = got.json()
        change(body)  # type: ignore[operator]
        route.fulfill(response=got, body=json.dumps(body))

    page.route("**/api/approver", answer)


def test_page_refuses_what_does_not_hold(apart: Office, browser: Browser) -> None:
    """An entry, a change, another account or another ledger in the place of what is signed: the page offers no yes."""

    def other_entry(body: dict[str, object]) -> None:
        body["entries"][0]["text"] = body["entries"][0]["text"].replace("INC", "ink")  # type: ignore[index]
        body["entries"][-1]["text"] += " "  # type: ignore[index]

    def other_account(body: dict[str, object]) -> None:
        body["account"]["id"] = "a-another"  # type: ignore[index]

    def unknown_change(body: dict[str, object]) -> None:
        body["request"] = str(body["request"]).replace('"kind":"reset_factors"', '"kind":"reset_everything"')

    def written_twice(body: dict[str, object]) -> None:
        body["request"] = str(body["request"]).replace('"uses":1', '"uses":9,"uses":1')

    def other_ledger(body: dict[str, object]) -> None:
        body["namespace"] = "reset-approval@other.example.test"

    case = asked(apart)
    for change in (other_entry, other_account, unknown_change, written_twice, other_ledger):
        page = page_of(browser)
        tampered(page, change)
        opened(apart, page, case)
        expect(page.locator("h1"), change.__name__).to_have_text("Do not sign this")
        assert page.locator("#approve").count() == 0
        page.context.close()


def test_challenge_of_another_request_is_not_signed(apart: Office, browser: Browser) -> None:
    """Options that ask the passkey for anything but the bytes on the page are not passed on to it."""
    page = page_of(browser)
    enrol(apart, page, "boss.one")
    case = asked(apart)

    def other_challenge(body: dict[str, object]) -> None:
        body["options"] = re.sub(r'"challenge": ?"[^"]+"', '"challenge": "AAAA"', str(body["options"]))

    tampered(page, other_challenge)
    opened(apart, page, case)
    page.click("#approve")
    expect(page.locator(".problem")).to_contain_text("the desk asks for another signature")
    assert not apart.case(case).votes


def test_page_in_a_frame(apart: Office, browser: Browser) -> None:
    """Nobody can put the page into another one: the browser shows nothing of it, with the files' own headers."""
    page = page_of(browser)
    case = asked(apart)
    address = approver_address(apart.app, apart["boss.one"], case, None, apart.at)
    page.route(
        "http://evil.localhost/**", lambda r: r.fulfill(content_type="text/html", body=f"<iframe src='{address}'>")
    )
    calls: list[str] = []
    page.on("request", lambda r: calls.append(r.url) if "/api/" in r.url else None)
    page.goto("http://evil.localhost/")
    page.wait_for_timeout(500)
    framed = page.frames[-1]
    assert framed != page.main_frame
    assert "Watchword" not in framed.evaluate("document.documentElement.textContent")
    assert not calls


def test_framed_page_without_its_headers_still_stops(apart: Office, browser: Browser) -> None:
    """On a host that forgets the headers, the script itself sees the frame, and asks the desk for nothing."""
    page = page_of(browser)
    case = asked(apart)
    address = approver_address(apart.app, apart["boss.one"], case, None, apart.at)
    site = apart.settings.approvals_origin

    def bare(route: Route) -> None:
        got = route.fetch(url=route.request.url.replace("approve.localhost", "127.0.0.1"))
        kept = {k: v for k, v in got.headers.items() if k not in ("content-security-policy", "x-frame-options")}
        route.fulfill(status=got.status, headers=kept, body=got.body())

    calls: list[str] = []
    page.on("request", lambda r: calls.append(r.url) if "/api/" in r.url else None)
    page.route(f"{site}/**", bare)
    page.route(
        "http://evil.localhost/**", lambda r: r.fulfill(content_type="text/html", body=f"<iframe src='{address}'>")
    )
    page.goto("http://evil.localhost/")
    expect(page.frame_locator("iframe").locator("h1")).to_have_text("Not in a frame")
    assert not calls


def test_pass_is_good_for_minutes_and_for_one_case(apart: Office) -> None:
    """No pass, one that is over, a forged one and one of another kind open nothing; cookies are not looked at."""
    case = asked(apart)
    address = approver_address(apart.app, apart["boss.one"], case, None, apart.at)
    good = address.partition("#")[2]
    said, _, seal = good.partition(".")
    offer = apart.app.approver_keys.offer(apart["root.admin"], apart["boss.one"], apart.at).token
    url = f"{apart.settings.console.public_url}/api/approver"

    def status(text: str, body: dict[str, str] | None = None) -> int:
        headers = {"authorization": f"Bearer {text}"}
        if body is None:
            return httpx2.get(url, headers=headers, trust_env=False).status_code
        return httpx2.post(url, headers=headers, json=body, trust_env=False).status_code

    assert status(good) == 200
    other = "x" if seal[-1] != "x" else "y"
    assert [status(t) for t in ("none", "x.y", f"{said}.{seal[:-1]}{other}", f"{said[:-4]}AAAA.{seal}")] == [401] * 4
    refusal = {"act": "refuse", "digest": apart.digest(case), "words": "no"}
    assert status(offer, refusal) == 401
    assert status(good, {"act": "approve", "digest": apart.digest(case)}) == 422
    apart.wait(minutes=10)
    assert status(good) == 401
    assert status(good, refusal) == 401
    assert apart.state(case) == "awaiting approval"


def test_only_the_page_of_the_settings_may_ask(apart: Office) -> None:
    """The console lets that one origin read two answers, and no other origin and no other address."""
    console, site = apart.settings.console.public_url, apart.settings.approvals_origin

    def allowed(path: str, origin: str, verb: str = "OPTIONS") -> str | None:
        answer = httpx2.request(verb, f"{console}{path}", headers={"origin": origin}, trust_env=False)
        assert "access-control-allow-credentials" not in answer.headers
        return answer.headers.get("access-control-allow-origin")

    assert allowed("/api/approver", site) == allowed("/api/approver", site, "GET") == site
    for path, origin in (
        ("/api/approver", "http://evil.localhost"),
        ("/api/approver", "null"),
        ("/api/cases", site),
        ("/api/session", site),
    ):
        assert allowed(path, origin, "GET") is None


def test_offer_is_taken_once(apart: Office, browser: Browser) -> None:
    """The address at which somebody makes their key makes one, and is no good afterwards or an hour later."""
    link = apart.app.approver_keys.offer(apart["root.admin"], apart["boss.one"], apart.at)
    page = page_of(browser)
    page.goto(page_address(apart.app, link.token))
    assert "#" not in page.url
    make(page, link.code)
    expect(page.locator("h1")).to_have_text("Your key is made")
    page.goto("about:blank")
    page.goto(page_address(apart.app, link.token))
    expect(page.locator("h1")).to_have_text("This page can not go on")
    late = apart.app.approver_keys.offer(apart["root.admin"], apart["boss.one"], apart.at)
    apart.wait(hours=1)
    page.goto("about:blank")
    page.goto(page_address(apart.app, late.token))
    expect(page.locator("h1")).to_have_text("This page can not go on")


def test_offer_without_its_code(apart: Office, browser: Browser) -> None:
    """Whoever has the address and not the code makes no key; the right code after a slip does, three slips close it."""
    page, boss = page_of(browser), apart["boss.one"]
    before = len(apart.app.registry.person(boss).credentials)
    for wrong, closed in ((1, False), (3, True)):
        link = apart.app.approver_keys.offer(apart["root.admin"], boss, apart.at)
        page.goto("about:blank")
        page.goto(page_address(apart.app, link.token))
        page.click("#make")
        expect(page.get_by_label("The code you were told")).to_be_focused()  # no code, and nothing is sent
        for _ in range(wrong):
            make(page, f"{(int(link.code) + 1) % 10**6:06d}")
            expect(page.locator(".problem")).to_contain_text("not the code of this page")
            expect(page.locator("#make")).to_be_enabled()
            expect(page.get_by_label("The code you were told")).to_have_attribute("aria-invalid", "true")
        make(page, f"{link.code[:3]} {link.code[3:]}")
        if closed:
            expect(page.locator(".problem")).to_contain_text("This page is closed")
            expect(page.locator("#make")).to_have_count(0)
        else:
            expect(page.locator("h1")).to_have_text("Your key is made")
    assert len(apart.app.registry.person(boss).credentials) == before + 1


# --- a seat that is lent ---------------------------------------------------------------------------------------------


def test_seat_is_lent_on_the_page(apart: Office, browser: Browser) -> None:
    """The lender reads in the bytes what they lend and until when, and signs it; it then stands, signed."""
    page = page_of(browser)
    enrol(apart, page, "boss.one")
    until = apart.at + timedelta(days=7)
    page.goto(loan_address(apart.app, apart["boss.one"], "noah.berg", "manager_of_record", until, apart.at))
    expect(page.locator("h1")).to_have_text("boss.one, will you lend this seat?")
    said = page.inner_text("main")
    for word in ("as manager of record in your place", "noah.berg", f"{until:%Y-%m-%d %H:%M:%S} UTC", "desk's word"):
        assert word in said
    page.click("#lend")
    expect(page.locator("h1")).to_have_text("Done")
    expect(page.get_by_role("link", name="Back to your seats")).to_have_attribute("href", re.compile(r"/seats$"))
    (lent,) = apart.app.registry.person(apart["noah.berg"]).lent_at(apart.at)
    assert apart.app.lending.recheck(lent, apart["noah.berg"])


def test_page_lends_nothing_that_does_not_hold(apart: Office, browser: Browser) -> None:
    """A seat it does not know, somebody else, a second spelling, another ledger or end: nothing is signed."""

    def other_seat(body: dict[str, object]) -> None:
        body["statement"] = str(body["statement"]).replace('"seat":"manager_of_record"', '"seat":"custodian"')

    def somebody_else(body: dict[str, object]) -> None:
        body["to"]["id"] = "p-another"  # type: ignore[index]

    def written_twice(body: dict[str, object]) -> None:
        body["statement"] = str(body["statement"]).replace('"v":1', '"v":2,"v":1')

    def other_ledger(body: dict[str, object]) -> None:
        body["namespace"] = "reset-approval@example.test/office"

    page = page_of(browser)
    enrol(apart, page, "boss.one")

    def address() -> str:
        until = apart.at + timedelta(days=7)
        return loan_address(apart.app, apart["boss.one"], "noah.berg", "manager_of_record", until, apart.at)

    for change in (other_seat, somebody_else, written_twice, other_ledger):
        bare = page_of(browser)
        tampered(bare, change)
        bare.goto(address())
        expect(bare.locator("h1"), change.__name__).to_have_text("Do not sign this")
        assert bare.locator("#lend").count() == 0
        bare.context.close()

    def other_end(body: dict[str, object]) -> None:
        body["statement"] = re.sub(r'"until":"2026-11', '"until":"2026-12', str(body["statement"]))

    tampered(page, other_end)
    page.goto(address())
    page.click("#lend")
    expect(page.locator(".problem")).to_contain_text("the desk asks for another signature")
    assert apart.app.registry.person(apart["noah.berg"]).lent_at(apart.at) == ()
