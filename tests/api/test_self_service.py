"""Self-service: what a person recovers alone, what the desk takes over, and that no answer says who exists."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pyotp
import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from tests.api.organisation import PASSWORD, Organisation
from tests.api.test_story import enrol
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.core.errors import Refused
from watchword.core.identity_event import Canonical, Verdict
from watchword.core.ids import CaseId
from watchword.core.person import Kind
from watchword.desk.browsers import Visitor
from watchword.directories.sandbox import Seed, SignIn
from watchword.reception.afterwards import SHARE

ORIGIN = "http://localhost:8787"
NOTHING = {"proved": [], "more": False, "ways": [], "case": "", "page": ""}
CLASSED = {"executive": "Executives", "privileged": "Administrators"}


class Alone:
    """Somebody at home with a browser, who opens the page for *account*."""

    def __init__(
        self, place: Organisation, account: str, lost: str = "password", browser: httpx2.Client | None = None
    ) -> None:
        self.place = place
        self.browser = browser or place.client()
        self.browser.get("/recover")
        self.answer = self.browser.post("/api/recover", json={"account": account, "lost": lost})
        assert self.answer.status_code == 202, self.answer.text
        self.page = self.answer.json()["page"].removeprefix("/recover")
        self.case = CaseId(self.page.split("/")[1])
        settle(place)

    def stands(self) -> Any:
        """What the page knows."""
        return self.browser.get(f"/api/recover{self.page}").json()

    def chooses(self, method: str) -> Any:
        """Choose a way; what the page then asks."""
        asked = self.browser.post(f"/api/recover{self.page}/ways", json={"method": method})
        assert asked.status_code == 202, asked.text
        settle(self.place)
        return asked.json()

    def says(self, method: str, answer: str) -> Any:
        """Answer; how it then stands."""
        said = self.browser.post(f"/api/recover{self.page}/answers", json={"method": method, "answer": answer})
        assert (said.status_code, said.json()) == (202, NOTHING)
        settle(self.place)
        return self.stands()

    def types(self) -> list[str]:
        """What happened in the case, if there is one."""
        return [a.entry.type for a in self.place.app.ledger.read(f"case/{self.case}")]


def settle(place: Organisation) -> None:
    """Wait for what is done after the answers."""
    place.afterwards.settle()


@pytest.fixture
def place(founded: Path, tmp_path: Path) -> Iterator[Organisation]:
    """An organisation with the page on."""
    home = tmp_path / "home"
    shutil.copytree(founded, home)
    config = home / "watchword.toml"
    config.write_text(config.read_text().replace('rp_id = "localhost"', 'rp_id = "localhost"\nself_service = true'))
    made = Organisation(home)
    with made.open:
        yield made


@pytest.fixture
def app_of_mara(place: Organisation) -> pyotp.TOTP:
    """Mara's authenticator app."""
    answer = place.sign_in("root").post("/api/people/mara/credentials", {"method": "totp"})
    app = pyotp.parse_uri(answer.json()["uri"])
    assert isinstance(app, pyotp.TOTP)
    return app


@pytest.fixture
def key(place: Organisation) -> SoftAuthenticator:
    """Mara's passkey."""
    made = SoftAuthenticator(ORIGIN)
    enrol(place, place.app.names.person("mara"), made)
    return made


def known_as(place: Organisation, login: str, group: str) -> SoftAuthenticator:
    """Somebody with an account in *group*, with a passkey."""
    place.sandbox.seed(
        (Seed(login=login, display_name=login.title(), groups=("All Staff", group), mail=f"{login}@example.test"),)
    )
    app, root, at = place.app, place.app.names.person("root"), place.at
    person = app.people.register(root, login=f"p-{login}", name=login.title(), kind=Kind.EMPLOYEE, unit="", at=at)
    seen = app.desk.intake.find("sandbox", login)
    app.people.link(root, person, "sandbox", seen.native_id, at)
    made = SoftAuthenticator(ORIGIN)
    enrol(place, person, made)
    return made


def test_a_person_recovers_alone(place: Organisation, app_of_mara: pyotp.TOTP, key: SoftAuthenticator) -> None:
    """On an unknown device two ways are asked; then it is released, sealed to the browser, told and closed."""
    alone = Alone(place, "M.Lindqvist@example.test")
    assert alone.says("totp", "000000")["proved"] == []
    asked = alone.chooses("passkey")
    told = alone.says("passkey", key.get(asked["options"]))
    assert (told["proved"], told["more"], told["page"]) == (["Passkey"], True, "")
    assert (told["case"], told["ways"]) == (alone.case, ["mail_code"])
    alone.chooses("totp")
    told = alone.says("totp", app_of_mara.at(place.at))
    assert (told["more"], told["page"]) == (True, "")  # the app falls with the passkey's device
    assert told["ways"] == ["mail_code"]
    alone.chooses("mail_code")
    place.works()
    told = alone.says("mail_code", place.code("mail"))
    assert told["page"].startswith(f"/c/{alone.case}/")
    case = place.app.steps.load(alone.case).case
    portal = place.app.steps.portal
    assert {case.opener, *(e.agent for e in case.evidence)} == {portal}
    assert case.context.channel == "portal"

    page, own = told["page"].removeprefix("/c"), ECKey.generate_key("P-256")
    public = {k: v for k, v in own.as_dict(private=False).items() if k in {"kty", "crv", "x", "y"}}
    assert alone.browser.get(told["page"]).status_code == 200
    opened = alone.browser.post(f"/api/caller{page}/hand-over", json={"jwk": public})
    assert opened.json()["hand_over"]["step"] == "working"
    place.works()
    place.passes(minutes=2)
    alone.browser.post(f"/api/caller{page}/hand-over/methods", json={"method": "passkey"})
    (waiting,) = alone.browser.get(f"/api/caller{page}").json()["waiting"]
    proof = {"answer": key.get(waiting["options"])}
    assert alone.browser.post(f"/api/caller{page}/answers/{waiting['challenge']}", json=proof).status_code == 200
    (sealed,) = alone.browser.post(f"/api/caller{page}/hand-over/take").json()["envelopes"]
    plain = jwe.decrypt_compact(sealed, own).plaintext
    assert plain is not None
    assert place.sandbox.sign_in("m.lindqvist", plain.decode()) is SignIn.MUST_CHANGE
    alone.browser.get(f"/api/caller{page}")
    assert {"case.opened", "ticket.linked", "method.proved", "case.released", "case.validated", "case.closed"} <= set(
        alone.types()
    )
    assert place.app.outbox is not None
    assert any("a password reset was done" in m.text for m in place.app.outbox.sent())
    place.passes(minutes=5)
    place.app.watch()
    rows = {(row.verdict, row.action, row.case) for row in place.app.board() if row.action is not None}
    assert (Verdict.VERIFIED, Canonical.PASSWORD_RESET, alone.case) in rows, rows
    assert not {verdict for verdict, *_ in rows} & {Verdict.UNVERIFIED, Verdict.SUSPICIOUS}, rows


def test_a_browser_that_proved_long_ago_is_known(
    place: Organisation, app_of_mara: pyotp.TOTP, key: SoftAuthenticator
) -> None:
    """Thirty days after a recovery that came to its end, a passkey alone is enough there, and only there."""
    first = Alone(place, "m.lindqvist", "unlock")
    first.says("passkey", key.get(first.chooses("passkey")["options"]))
    first.chooses("totp")
    assert first.says("totp", app_of_mara.at(place.at))["page"]
    place.works()
    place.passes(minutes=2)
    assert place.app.steps.load(first.case).case.__class__.__name__ in {"Delivered", "Closed"}
    place.passes(days=31)
    again = Alone(place, "m.lindqvist", browser=first.browser)
    assert place.app.steps.load(again.case).case.context.device == "known"
    assert again.says("passkey", key.get(again.chooses("passkey")["options"]))["page"]
    other = Alone(place, "m.lindqvist")
    assert place.app.steps.load(other.case).case.context.device == "unknown"


@pytest.mark.parametrize("known", [True, False])
def test_who_has_only_an_app_recovers_alone_where_they_are_known(
    place: Organisation, app_of_mara: pyotp.TOTP, *, known: bool
) -> None:
    """An app and a call are two ways: enough on a browser that is known, and the desk's to go on from on any other."""
    first = Alone(place, "m.lindqvist", "unlock")
    first.chooses("totp")
    first.says("totp", app_of_mara.at(place.at))
    first.chooses("call_code")
    place.works()
    assert first.says("call_code", place.code("call"))["page"]
    place.works()
    place.passes(days=31)
    again = Alone(place, "m.lindqvist", browser=first.browser if known else None)
    again.chooses("totp")
    told = again.says("totp", app_of_mara.at(place.at))
    assert (told["proved"], told["more"], told["page"]) == (["Authenticator code"], True, "")
    assert told["ways"] == ["passkey", "call_code"] if known else ["passkey"]
    again.chooses("call_code")
    place.works()
    told = again.says("call_code", place.code("call"))
    assert bool(told["page"]) is known
    if not known:
        ilse = place.sign_in("ilse")
        missing = ilse.get(f"/api/cases/{again.case}").json()["missing"]
        assert any(one["words"].endswith("one of passkey or in person") for one in missing)


def played(place: Organisation, account: str) -> list[tuple[int, str, str]]:
    """Everything the page answers to somebody who proves nothing, with what is random blanked, and what it costs."""
    browser, found = place.client(), []
    place.at += timedelta(minutes=11)

    def blank(text: str, headers: Any) -> str:
        text = re.sub(r"/[a-z2-7]{20}\b", "/TOKEN", re.sub(r"\b[ch]-[a-z2-7]{20}", "ID", text))
        text = re.sub(r'\\"challenge\\": \\"[^"]*\\"', "CHALLENGE", text)
        return text + str(sorted(k for k in headers if k != "date"))

    def keep(answer: Any) -> Any:
        found.append((answer.status_code, blank(answer.text, answer.headers), str(answer.request.method)))
        settle(place)
        return answer

    keep(browser.get("/recover"))
    begun = keep(browser.post("/api/recover", json={"account": account, "lost": "password"})).json()["page"]
    page = begun.removeprefix("/recover")
    html = keep(browser.get(begun)).text
    assert account not in html
    keep(browser.get(f"/api/recover{page}"))
    for method in ("passkey", "totp", "mail_code", "recovery_code"):
        keep(browser.post(f"/api/recover{page}/ways", json={"method": method}))
        for answer in ("000000", "{}", "000001", "000002"):
            keep(browser.post(f"/api/recover{page}/answers", json={"method": method, "answer": answer}))
            keep(browser.get(f"/api/recover{page}"))
    return found


def test_no_answer_tells_who_exists(place: Organisation, app_of_mara: pyotp.TOTP, key: SoftAuthenticator) -> None:
    """Known, enrolled with nothing, left and never heard of: every status, header and word is the same."""
    del app_of_mara, key
    real = [played(place, name) for name in ("m.lindqvist", "t.adeyemi", "no.such.person")]
    assert place.app.steps.cases.follow(place.app.ledger)
    assert len(place.app.steps.cases.rows()) == 1
    csrf = re.compile(r"[0-9a-f]{64,}|t0ken")
    blanked = [[(s, csrf.sub("CSRF", t), m) for s, t, m in one] for one in real]
    assert blanked[0] == blanked[1] == blanked[2]


def test_no_answer_costs_more_for_who_exists(
    place: Organisation, key: SoftAuthenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before an answer is given the ledger is read as often, and nothing is appended or asked of a directory."""
    del key
    counts: dict[str, int] = {}
    ledger, sandbox = place.app.ledger, place.sandbox

    def counted(owner: Any, name: str) -> None:
        plain = getattr(owner, name)

        def counting(*given: Any, **named: Any) -> Any:
            counts[name] = counts.get(name, 0) + 1
            return plain(*given, **named)

        monkeypatch.setattr(owner, name, counting)

    service, at = place.app.self_service, place.at
    here = service.new()
    service.open(here, "m.lindqvist", "password", Visitor(), at)
    service.begin(here, "passkey", ledger.pseudonym("h"), Visitor(), at)
    assert service.is_open(here)
    for name in ("read", "append"):
        counted(ledger, name)
    counted(sandbox, "find")
    seen = []
    for case in (here, service.new()):
        counts.clear()
        service.demand_page(case, service.token(case))
        service.ask(case, "passkey", at)
        service.standing(case, at)
        seen.append(dict(counts))
    assert seen[0] == seen[1] == {"read": 2}


def test_answers_come_before_anything_is_looked_at(place: Organisation, key: SoftAuthenticator) -> None:
    """While the one worker is held, every request is answered all the same; what it asks for happens afterwards."""
    person = Alone(place, "m.lindqvist")
    before, held = place.app.ledger.size, threading.Event()
    place.afterwards.do(lambda: held.wait(10))
    browser = person.browser
    assert browser.post("/api/recover", json={"account": "t.adeyemi", "lost": "password"}).status_code == 202
    asked = browser.post(f"/api/recover{person.page}/ways", json={"method": "passkey"}).json()
    answer = {"method": "passkey", "answer": key.get(asked["options"])}
    assert browser.post(f"/api/recover{person.page}/answers", json=answer).status_code == 202
    assert place.app.ledger.size == before
    held.set()
    settle(place)
    assert person.stands()["proved"] == ["Passkey"]


@pytest.mark.parametrize("account_class", CLASSED)
def test_what_needs_more_is_left_to_the_desk(place: Organisation, account_class: str) -> None:
    """An executive needs more than the passkey here, a privileged account an approval: the desk goes on from there."""
    key = known_as(place, "r.osei", CLASSED[account_class])
    person = Alone(place, "r.osei")
    told = person.says("passkey", key.get(person.chooses("passkey")["options"]))
    assert (told["proved"], told["page"], told["case"]) == (["Passkey"], "", person.case)
    assert told["more"] is (account_class == "executive")
    assert "ticket.linked" not in person.types()
    ilse = place.sign_in("ilse")
    assert ilse.get(f"/api/cases/{person.case}").json()["state"] == "verifying"
    assert "from the portal" in ilse.get("/cases").text
    assert ilse.post(f"/api/cases/{person.case}/ticket", {"ticket": "INC-7"}).status_code == 200
    assert ilse.post(f"/api/cases/{person.case}/methods", {"method": "in_person"}).status_code == 201


def test_the_portal_releases_nothing_that_asks_for_somebody(place: Organisation) -> None:
    """A privileged case is verified as far as it goes; the portal's own release of it has no rule that permits it."""
    key = known_as(place, "r.osei", CLASSED["privileged"])
    person = Alone(place, "r.osei")
    person.says("passkey", key.get(person.chooses("passkey")["options"]))
    portal = place.app.steps.portal
    assert portal is not None
    with pytest.raises(Refused) as refused:
        place.app.desk.decisions.release(portal, person.case, place.at)
    assert refused.value.reasons == ("system-only-keeps-books",)


def test_an_executive_proves_a_passkey_and_one_more(place: Organisation) -> None:
    """Where no approval is asked the executive goes on alone, by a passkey and a way on no device of theirs."""
    key = known_as(place, "r.osei", CLASSED["executive"])
    person = Alone(place, "r.osei")
    person.chooses("mail_code")
    place.works()
    assert person.says("mail_code", place.code("mail"))["page"] == ""
    assert person.says("passkey", key.get(person.chooses("passkey")["options"]))["page"]


def test_elevated_threat_leaves_it_to_the_desk(
    place: Organisation, app_of_mara: pyotp.TOTP, key: SoftAuthenticator
) -> None:
    """While the switch is on there is a hold, so nothing is released by a person alone."""
    raised = {"until": (place.at + timedelta(hours=6)).isoformat(), "why": "a campaign"}
    assert place.sign_in("noor").post("/api/threat", raised).status_code in {200, 201}
    person = Alone(place, "m.lindqvist")
    person.chooses("totp")
    person.says("totp", app_of_mara.at(place.at))
    told = person.says("passkey", key.get(person.chooses("passkey")["options"]))
    assert (told["page"], told["more"]) == ("", False)
    assert len(told["proved"]) == 2


def test_it_adds_two_failures_a_day_and_closes_nothing(place: Organisation, app_of_mara: pyotp.TOTP) -> None:
    """Whoever guesses from afar spends two cases a day of an account, one failure each: the desk's ways stay open."""
    del app_of_mara
    for _ in range(4):
        place.at += timedelta(minutes=11)
        person = Alone(place, "m.lindqvist")
        for method in ("totp", "recovery_code", "mail_code"):
            person.chooses(method)
            for _ in range(3):
                person.says(method, "000000")
    rows = place.app.steps.cases
    rows.follow(place.app.ledger)
    assert len(rows.rows()) == 2
    account = place.app.registry.account(rows.rows()[0].case.account)
    assert len(account.failures) == 2
    assert account.freeze(place.at, place.app.steps.thresholds) == 0


def test_wrong_answers_left_behind_close_nothing_days_later(place: Organisation, app_of_mara: pyotp.TOTP) -> None:
    """Two cases a day of wrong answers, and those of two days before expiring: remote methods stay open."""
    account = place.app.names.account("sandbox", place.app.desk.intake.find("sandbox", "m.lindqvist").native_id)
    assert account is not None
    for day in range(4):
        for _ in range(2):
            alone = Alone(place, "m.lindqvist")
            alone.chooses("totp")
            for _ in range(1 if day < 2 else 3):
                alone.says("totp", "000000")
            place.at += timedelta(minutes=1)
        for _ in range(2):
            stands = place.app.registry.account(account)
            assert stands.freeze(place.at, place.app.steps.thresholds) == 0, day
            place.passes(hours=12, minutes=2)


def test_nobody_learns_who_exists_from_how_the_ledger_grows(place: Organisation, app_of_mara: pyotp.TOTP) -> None:
    """While people recover alone, checkpoint and tiles are refused to a stranger and given to who may read evidence."""
    Alone(place, "m.lindqvist")
    for path in ("/ledger/checkpoint", "/ledger/tile/0/000.p/7"):
        assert place.client().get(path).status_code == 401, path
    assert place.sign_in("rafael").client.get("/ledger/checkpoint").status_code == 200


def test_a_frozen_account_is_left_its_strongest_way(
    place: Organisation, app_of_mara: pyotp.TOTP, key: SoftAuthenticator
) -> None:
    """After five failures at the desk the passkey still proves, and the rest is the desk's."""
    for _ in range(5):
        ilse = place.sign_in("ilse")
        opened = ilse.post("/api/cases", {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}).json()
        ilse.post(f"/api/cases/{opened['case']}/methods", {"method": "totp"})
        page = opened["page"].split("8787/c")[1]
        guesser = place.listener(opened["case"])
        shown = guesser.get(f"/api/caller{page}").json()["waiting"]
        for _ in range(3 if shown else 0):
            guesser.post(f"/api/caller{page}/answers/{shown[0]['challenge']}", json={"answer": "000000"})
        place.at += timedelta(minutes=16)
    person = Alone(place, "m.lindqvist")
    person.chooses("totp")
    assert person.says("totp", app_of_mara.at(place.at))["proved"] == []
    told = person.says("passkey", key.get(person.chooses("passkey")["options"]))
    assert (told["proved"], told["page"]) == (["Passkey"], "")


def test_one_address_is_slowed_before_anything_is_looked_at(place: Organisation) -> None:
    """After thirty requests in ten minutes the page says to wait, to whoever asks about whomever."""
    browser = place.client()
    answers = [browser.post("/api/recover", json={"account": f"x{n}", "lost": "unlock"}).status_code for n in range(32)]
    assert answers == [202] * 30 + [429] * 2
    place.at += timedelta(minutes=11)
    assert browser.post("/api/recover", json={"account": "x", "lost": "unlock"}).status_code == 202


def test_one_network_fills_no_more_than_its_share_and_is_told(place: Organisation) -> None:
    """While the worker is held, one /64 waits with twenty and is then told to come again; others still get in."""
    held = threading.Event()
    place.afterwards.do(lambda: held.wait(20))
    browser = place.client()

    def asks(name: str, address: str) -> httpx2.Response:
        return browser.post(
            "/api/recover", json={"account": name, "lost": "password"}, headers={"x-forwarded-for": address}
        )

    try:
        codes = [asks(f"x{n}", f"2001:db8:1:2::{n + 1:x}").status_code for n in range(SHARE)]
        assert set(codes) == {202}
        for name in ("m.lindqvist", "nobody.at.all"):
            late = asks(name, "2001:db8:1:2:9::1")
            assert (late.status_code, late.headers["retry-after"]) == (503, "10")
        assert asks("m.lindqvist", "2001:db8:1:3::1").status_code == 202
    finally:
        held.set()
    settle(place)


def test_a_full_queue_is_said_alike_for_every_name(place: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can not wait any more is answered with 503 and when to come again, not taken and dropped."""
    monkeypatch.setattr("watchword.reception.afterwards.MOST", 0)
    told = [
        place.client().post("/api/recover", json={"account": name, "lost": "password"})
        for name in ("m.lindqvist", "nobody.at.all")
    ]
    assert [(one.status_code, one.headers["retry-after"]) for one in told] == [(503, "10")] * 2
    assert told[0].json() == told[1].json()


def test_it_is_off_unless_switched_on(organisation: Organisation) -> None:
    """Without the setting there is no page, no part of Watchword that walks it, and no case."""
    browser = organisation.client()
    assert browser.get("/recover").status_code == 404
    assert browser.post("/api/recover", json={"account": "m.lindqvist", "lost": "password"}).status_code == 404
    assert organisation.app.steps.portal is None


def test_a_page_needs_its_own_token(place: Organisation) -> None:
    """The name of a case alone shows nothing, and asks nothing of anybody."""
    person = Alone(place, "m.lindqvist")
    wrong = f"/{person.case}/{'a' * 20}"
    assert person.browser.get(f"/recover{wrong}").status_code == 404
    assert person.browser.get(f"/api/recover{wrong}").status_code == 404
    assert person.browser.post(f"/api/recover{wrong}/ways", json={"method": "totp"}).status_code == 404


def test_the_portal_is_one_part_and_nobody_signs_in_as_it(place: Organisation) -> None:
    """It is registered once, however often the desk starts; it may not open a case as an agent does."""
    app = place.app
    portal = app.steps.portal
    assert portal is not None
    assert app.registry.person(portal).kind is Kind.SYSTEM
    assert app.registry.person(portal).grants == ()
    signed = place.client().post("/api/session", json={"login": "watchword-portal", "password": PASSWORD})
    assert signed.status_code == 401
    ilse = place.sign_in("ilse")
    asked = {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock", "channel": "portal"}
    case = ilse.post("/api/cases", asked).json()["case"]
    with pytest.raises(Refused) as refused:
        app.desk.verification.begin(portal, CaseId(case), "in_person", place.at)
    assert refused.value.reasons == ("system-only-keeps-books",)


def test_a_session_is_no_proof_here(place: Organisation, key: SoftAuthenticator) -> None:
    """A browser that is signed in as the person is asked for the same as any other, and for factors nobody is (S25)."""
    mara = place.sign_in("mara")
    factors = mara.client.post("/api/recover", json={"account": "m.lindqvist", "lost": "factors"})
    assert factors.status_code == 400
    assert (
        mara.post(
            "/api/cases", {"directory": "sandbox", "account": "m.lindqvist", "action": "factor_reset"}
        ).status_code
        == 403
    )
    alone = Alone(place, "m.lindqvist", browser=mara.client)
    assert alone.stands() == NOTHING
    alone.chooses("passkey")
    assert alone.says("passkey", "I am signed in") == NOTHING
    place.passes(days=1)
    assert "change.started" not in alone.types()
    assert not [a for a in place.app.ledger.read(f"case/{alone.case}") if a.entry.type == "method.proved"]


def test_forty_requests_in_a_night_wear_nobody_down(place: Organisation, key: SoftAuthenticator) -> None:
    """Who asks for a reset again and again has the person sent two messages of a kind, and nothing more (S23)."""
    assert place.app.outbox is not None
    for _ in range(40):
        place.at += timedelta(minutes=12)
        place.wall = place.at
        alone = Alone(place, "m.lindqvist", browser=place.client())
        for method in ("mail_code", "sms_code", "call_code"):
            alone.chooses(method)
        place.works()
        assert alone.stands() == NOTHING
    sent = [m.channel for m in place.app.outbox.sent() if "code" in m.text]
    assert max(sent.count(channel) for channel in ("mail", "sms", "call")) <= 2
    assert not [one for one in place.app.steps.cases.rows() if "change.started" in alone.types()]


def test_whoever_has_the_mailbox_guesses_no_app(place: Organisation, app_of_mara: pyotp.TOTP) -> None:
    """A right code from the mailbox buys no new guesses at the app, in case after case: two a day, as without it."""
    wrong = proved = 0
    for _ in range(8):
        place.at += timedelta(minutes=11)
        place.wall = place.at
        thief = Alone(place, "m.lindqvist", "unlock", browser=place.client())
        thief.chooses("mail_code")
        place.works()
        if "challenge.begun" in thief.types():
            proved += bool(thief.says("mail_code", place.code("mail"))["proved"])
        thief.chooses("totp")
        for _ in range(2):
            thief.says("totp", "000000")
        wrong += thief.types().count("challenge.missed")
    assert (proved, wrong) == (2, 4)


def test_nobody_of_the_desk_walks_it_for_somebody(place: Organisation, app_of_mara: pyotp.TOTP) -> None:
    """Where a colleague is signed in the page answers as ever, and nothing comes of it but a line in the case."""
    agent = place.sign_in("ilse")
    theirs = Alone(place, "m.lindqvist", browser=agent.client)
    assert not place.app.ledger.read(f"case/{theirs.case}")
    alone = Alone(place, "m.lindqvist")
    alone.chooses("totp")
    alone.browser = agent.client
    assert alone.says("totp", app_of_mara.at(place.at)) == NOTHING
    assert (alone.types().count("desk_browser.refused"), alone.types().count("method.proved")) == (1, 0)


def test_it_goes_on_after_it_stopped_half_way(place: Organisation, key: SoftAuthenticator) -> None:
    """Where the ticket was written and nothing after it, as before a crash, the next right answer goes on."""
    alone = Alone(place, "m.lindqvist")
    alone.says("passkey", key.get(alone.chooses("passkey")["options"]))
    portal = place.app.steps.portal
    assert portal is not None
    place.app.desk.intake.link_ticket(portal, alone.case, f"self-service {alone.case}", place.at)
    alone.chooses("mail_code")
    place.works()
    assert alone.says("mail_code", place.code("mail"))["page"].startswith(f"/c/{alone.case}/")
