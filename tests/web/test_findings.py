"""Findings on the console: what the pages show, who works on them from their forms, and that log text stays text."""

from __future__ import annotations

import html
import os
import re
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, expect

from tests.api.organisation import BEGINNING, PASSWORD, Organisation
from tests.api.test_retention import erase_stream
from tests.api.test_story import RESET
from watchword.core.identity_event import Canonical, Verdict
from watchword.core.ids import CaseId
from watchword.core.person import Role, RoleGrant
from watchword.feeds import OutputPart
from watchword.watch.campaigns import Party
from watchword.watch.outputs.delivery import Delivery, Unconnected
from watchword.watch.signals import SHIPPED, Hit, read_signals
from watchword.watch.verdicts import FINDINGS, VerdictRow, append_verdicts
from watchword.watching import hits_of
from watchword.web.findings_page import finding_page, findings_page
from watchword.web.findings_view import FindingPage, FindingsPage, SuppressionsPage
from watchword.web.guidance import VERDICTS, in_words
from watchword.web.suppressions_page import suppressions_page

ROW = VerdictRow(
    id="e-1",
    provider="okta",
    directory="sandbox",
    action=Canonical.PASSWORD_RESET,
    native_action="user.account.reset_password",
    actor="it.admin",
    target="t.adeyemi",
    at=BEGINNING,
    outcome="SUCCESS",
    address=None,
    socket=None,
    correlation=None,
    folded=1,
    verdict=Verdict.UNVERIFIED,
    reasons=("no_case",),
    case=None,
    ticket=None,
    leaves=(),
)
HOSTILE = '"><script>alert(1)</script>\x1b[31m\u202egpj.exe'


def row(id_: str, **fields: object) -> VerdictRow:
    return msgspec.structs.replace(ROW, id=id_, **fields)


def raised(place: Organisation, *rows: VerdictRow) -> tuple[str, ...]:
    return place.app.findings.take(rows, (), BEGINNING)


def listed(place: Organisation, login: str = "noor", status: str = "open") -> FindingsPage:
    return findings_page(place.app, place.app.names.person(login), "", BEGINNING, status)


def one(place: Organisation, finding: str, login: str = "noor") -> FindingPage:
    return finding_page(place.app, place.app.findings.one(finding), place.app.names.person(login), "", BEGINNING)


def steps(page: FindingPage) -> list[str]:
    forms = (*((page.next,) if page.next else ()), *page.others)
    return [form.action.rsplit("/", 1)[1] for form in forms]


def test_gravest_first_with_what_they_share(organisation: Organisation) -> None:
    """A high finding stands above a medium one with more events; counts, times and who is a risk are said."""
    later = BEGINNING + timedelta(minutes=7)
    grave = row("e-3", actor="okta.support", reasons=("no_case", "privileged_target"))
    raised(organisation, row("e-1"), row("e-2", at=later), grave)
    page = listed(organisation)
    assert [(r.severity, r.by, r.name, r.events) for r in page.rows] == [
        ("high", "One agent", "okta.support", "1 event"),
        ("medium", "One agent", "it.admin", "2 events"),
    ]
    assert (page.rows[1].since, page.rows[1].until) == (BEGINNING, later)
    assert (page.rows[1].rules, page.rows[1].state, page.rows[1].owner) == (("Unverified",), "New", "nobody yet")
    assert [(lst.title, lst.rows[0].name) for lst in page.risks] == [
        ("Accounts", "t.adeyemi"),
        ("Agents", "okta.support"),
    ]
    assert page.chrome.findings == 2
    assert page.quiet == ""


def test_a_finding_is_found_by_whom_it_names_and_what_found_it(organisation: Organisation) -> None:
    """Every word, of agent, account, rule in words or by name; the cuts count what was found."""
    app, noor = organisation.app, organisation.app.names.person("noor")
    raised(organisation, row("e-1"), row("e-2", actor="okta.support", target="m.lindqvist"))
    for query, found in (
        ("SUPPORT", ["okta.support"]),
        ("lindqvist unverified", ["okta.support"]),
        ("verdict.unverified it.admin", ["it.admin"]),
        ("adeyemi lindqvist", []),
    ):
        page = findings_page(app, noor, "", BEGINNING, "new", f" {query} ")
        assert [r.name for r in page.rows] == found, query
        assert (page.query, page.status) == (query, "new")
        assert page.tabs[0].count == len(found)
    assert page.tabs[2].link == "/findings?status=triaged&q=adeyemi+lindqvist"
    told = organisation.sign_in("noor").get("/findings?q=%22%3E%3Cb%3E&status=new").text
    assert "&#34;&gt;&lt;b&gt;" in told
    assert '<input type="hidden" name="status" value="new">' in told


def test_a_long_list_of_findings_has_pages(organisation: Organisation) -> None:
    """Each stands on one of them."""
    app, noor = organisation.app, organisation.app.names.person("noor")
    raised(organisation, *(row(f"e-{n}", at=BEGINNING + timedelta(hours=2 * n), actor=f"a{n}") for n in range(201)))
    first = listed(organisation)
    assert first.pages is not None
    assert (first.pages.found, first.pages.on) == (201, "/findings?page=2")
    second = findings_page(app, noor, "", BEGINNING, "open", "", 2)
    assert len({r.link for r in (*first.rows, *second.rows)}) == 201


def test_an_account_is_one_whatever_it_is_called(organisation: Organisation) -> None:
    """What a log says of an account and what the desk's evidence says of it are one risk, in its owner's name."""
    case = organisation.sign_in("ilse").post("/api/cases", RESET).json()["case"]
    names = organisation.app.names
    account = organisation.app.steps.load(CaseId(case)).case.account
    native = names.native(account)
    assert native is not None
    found = Hit(
        signal="approved_in_seconds", title="Approved within seconds", severity="medium", event=None, target=account,
        account=account, actor=names.person("wen"), at=BEGINNING, says="said",
    )  # fmt: skip
    owner = names.owner(account)
    assert owner is not None
    name = names.said(owner)[1]
    (shadow, wen) = organisation.app.findings.take((row("e-1", target=native[1]),), (found,), BEGINNING)

    accounts = listed(organisation).risks[0]
    assert [(r.name, r.note) for r in accounts.rows] == [(name, "2 events, last 21 Nov")]
    for made in (shadow, wen):
        (item,) = one(organisation, made).items
        assert item.target == f"{name} ({native[1]})"
    told = organisation.sign_in("noor").get("/api/risks").json()
    assert [(r["name"], r["said"]) for r in told if r["kind"] == "account"] == [(account, name)]


def test_a_rule_is_told_by_its_title_with_what_to_do(organisation: Organisation) -> None:
    """Titles in the list and beside each event; the name, the first thing to do and what else it may be on the page."""
    signal = next(s for s in read_signals(SHIPPED) if s.name == "change_without_case")
    found = Hit(
        signal=signal.name, title=signal.title, severity="high", event="e-1", target="t.adeyemi", actor="it.admin",
        at=BEGINNING, says="password.reset without a case: no_case, privileged_target",
    )  # fmt: skip
    (made,) = organisation.app.findings.take((row("e-1"),), (found,), BEGINNING)

    assert listed(organisation).rows[0].rules == (signal.title, "Unverified")
    page = one(organisation, made)
    first, second = page.guides
    assert (first.title, first.name, first.attack) == (signal.title, "change_without_case", signal.attack)
    assert (first.response, first.nothing) == (signal.response, signal.false_positives)
    assert (second.name, second.response) == ("verdict.unverified", VERDICTS[Verdict.UNVERIFIED])
    assert {i.rule: i.why for i in page.items} == {
        signal.title: "password reset without a case: no case speaks for it, the account is privileged",
        "Unverified": "password reset: no case speaks for it",
    }
    whom = next(form for form in page.others if form.action.endswith("/suppress"))
    assert [o.label for o in whom.fields[0].options] == [signal.title, "Unverified", "Every rule"]


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("3 accounts within 01:00:00, and no case", "3 accounts within 1 h, and no case"),
        ("2 recoveries within 1 day, 12:00:00", "2 recoveries within 1 d 12 h"),
        ("expired: privileged_target, x.no_case", "expired: the account is privileged, x.no_case"),
        ("svc-password.reset, no_case@example.test", "svc-password.reset, no_case@example.test"),
        ("within reach of mfa.factor_reset", "within reach of MFA factor reset"),
    ],
)  # fmt: skip
def test_codes_of_a_line_of_evidence_are_words(why: str, words: str) -> None:
    """Codes and clock times become words; what a log wrote beside them stays as it was."""
    assert in_words(why) == words


def test_every_verdict_of_a_finding_says_what_to_do() -> None:
    """No verdict that somebody has to look at stands there without a first step."""
    assert set(VERDICTS) == FINDINGS


def test_cut_by_status_and_what_was_kept_quiet(organisation: Organisation) -> None:
    """A tab shows the findings of its status; what suppressions kept out is counted beneath."""
    app, noor = organisation.app, organisation.app.names.person("noor")
    (made,) = raised(organisation, row("e-1"))
    party: Party = "actor"
    until = BEGINNING + timedelta(days=3)
    app.findings.suppress(
        noor, BEGINNING, rule="verdict.unverified", party=party, name="sync", until=until, why="a sync account"
    )
    assert raised(organisation, row("e-2", actor="sync")) == ()
    app.findings.dismiss(made, noor, BEGINNING, reason="expected", words="migration", about=frozenset())

    (told,) = listed(organisation).rows
    assert (told.name, told.rules) == ("Noor Haraldsen", ("Suppression set",))
    (shown,) = listed(organisation, status="dismissed").rows
    assert shown.state == "Dismissed: expected"
    page = listed(organisation, status="nonsense")
    counts = [(tab.label, tab.count) for tab in page.tabs if tab.count or tab.current]
    assert counts == [("Open", 1), ("New", 1), ("Dismissed", 1), ("All", 2)]
    assert len(listed(organisation, status="all").rows) == 2
    assert page.quiet == "1 event kept quiet so far; 1 of 1 suppressions still hold."
    assert page.chrome.findings == 1


def test_what_is_erased_of_a_finding_is_said(organisation: Organisation) -> None:
    """Once its time is over neither list nor page has a name, and both say why; its life goes on."""
    (made,) = raised(organisation, row("e-1"))
    assert not organisation.sign_in("noor").get(f"/api/findings/{made}").json()["erased"]
    erase_stream(organisation, f"finding/{made}")
    (shown,) = listed(organisation).rows
    page = one(organisation, made)
    assert (shown.name, page.name, page.items) == ("erased", "erased", ())
    assert [fact.value for fact in page.facts if fact.label == "Erased"] == ["what it is about"]
    assert steps(page)[0] == "triage"
    assert organisation.sign_in("noor").get(f"/api/findings/{made}").json()["erased"]


def test_an_item_says_which_case_speaks_of_it(organisation: Organisation) -> None:
    """A verdict that names a case links to it; one that names none does not."""
    rows = (
        row("e-1", verdict=Verdict.OUT_OF_POLICY, case="c-7f3a", reasons=("other_actor",)),
        row("e-2", at=BEGINNING + timedelta(minutes=1)),
    )
    folder = organisation.home / "verdicts"
    folder.mkdir(exist_ok=True)
    append_verdicts(folder, rows)
    (made,) = raised(organisation, *rows)
    page = one(organisation, made)
    assert [(i.rule, i.case_link) for i in page.items] == [
        ("Out of policy", "/cases/c-7f3a"),
        ("Unverified", None),
    ]
    assert (page.items[0].actor, page.items[0].target) == ("it.admin", "t.adeyemi")
    assert [i.open_link for i in page.items] == [None, "/cases/new?account=t.adeyemi"]
    assert "Open a case for it" in organisation.sign_in("ilse").get(f"/findings/{made}").text
    assert "Open a case for it" not in organisation.sign_in("noor").get(f"/findings/{made}").text


def test_a_hit_of_what_the_desk_did_links_its_case(organisation: Organisation) -> None:
    """No log has the event, so that no verdict could name the case: the signal does."""
    hit = Hit(
        signal="repudiated",
        title="Somebody says: not me",
        severity="high",
        event=None,
        target="t.adeyemi",
        actor="",
        at=BEGINNING,
        case="c-7f3a",
        says="the recovery was disowned",
    )
    (made,) = organisation.app.findings.take((), (hit,), BEGINNING)
    (item,) = one(organisation, made).items
    assert (item.case, item.case_link) == ("c-7f3a", "/cases/c-7f3a")
    (listing,) = listed(organisation).rows
    assert (listing.by, listing.name, listing.about) == ("One account", "t.adeyemi", "")


def test_a_finding_of_one_agent_says_whom_it_is_about(organisation: Organisation) -> None:
    """One account by its name, several by their number."""
    raised(organisation, row("e-1"))
    assert [r.about for r in listed(organisation).rows] == ["t.adeyemi"]
    raised(organisation, row("e-2", target="m.lindqvist"))
    assert [r.about for r in listed(organisation).rows] == ["2 accounts"]


def test_whom_the_desk_does_not_know_is_called_by_their_login(organisation: Organisation) -> None:
    """An id of the log says nothing to a reader; beside the address that came with it, it is what to look for."""
    rows = [row("e-1", actor="00u9", actor_login="kim@example.test", target="00u7", target_login="gil@example.test")]
    (made,) = raised(organisation, *rows)
    (listing,) = listed(organisation).rows
    assert (listing.name, listing.about) == ("kim@example.test (00u9)", "gil@example.test")
    (item,) = one(organisation, made).items
    assert (item.actor, item.target) == ("kim@example.test (00u9)", "gil@example.test (00u7)")
    found = findings_page(
        organisation.app, organisation.app.names.person("noor"), "", BEGINNING, "open", "gil@example.test"
    )
    assert [r.link for r in found.rows] == [listing.link]


def test_late_evidence_takes_an_item_out(organisation: Organisation) -> None:
    """An event that was verified later is no longer on the page, and the one beside it is."""
    (made,) = raised(organisation, row("e-1"), row("e-2", at=BEGINNING + timedelta(minutes=1)))
    raised(organisation, row("e-2", verdict=Verdict.VERIFIED, at=BEGINNING + timedelta(minutes=1)))
    page = one(organisation, made)
    assert ([i.at for i in page.items], page.sub) == ([BEGINNING], "1 event")


def test_worked_on_from_its_forms(organisation: Organisation) -> None:
    """Taken over, noted, triaged, confirmed and closed by form; each answer leads back to the finding."""
    (made,) = raised(organisation, row("e-1"))
    at, noor = f"/findings/{made}", organisation.sign_in("noor")
    assert "1<span" in noor.get("/cases").text
    assert steps(one(organisation, made)) == ["triage", "confirm", "dismiss", "suppress", "take-over", "own", "note"]
    for step, said in (("take-over", {}), ("note", {"words": "asked\nthe lead"}), ("triage", {})):
        answer = noor.form(f"{at}/{step}", **said)
        assert (answer.status_code, answer.headers["location"]) == (303, at), answer.text
    text = noor.get(at).text
    assert "asked\nthe lead" in text
    assert noor.form(f"{at}/triage").status_code == 409
    assert noor.form(f"{at}/own", owner="wen").status_code == 303
    assert one(organisation, made).facts[0].value == one(organisation, made, "wen").chrome.person
    assert noor.form(f"{at}/confirm").status_code == 303
    assert steps(one(organisation, made)) == ["close", "dismiss", "suppress", "take-over", "own", "note"]
    assert noor.form(f"{at}/close").status_code == 303
    assert steps(one(organisation, made)) == ["suppress", "note"]
    assert "Closed" in noor.get(f"{at}").text
    assert "No finding here" in noor.get("/findings").text


def test_dismissed_with_a_reason_and_words(organisation: Organisation) -> None:
    """A code that there is, and words; anything else is refused as a page that says the way on."""
    (made,) = raised(organisation, row("e-1"))
    at, noor = f"/findings/{made}/dismiss", organisation.sign_in("noor")
    for said in ({"reason": "bored", "words": "x"}, {"words": "x"}, {"reason": "expected", "words": " "}):
        answer = noor.form(at, **said)
        assert answer.status_code == 422
        assert "<!doctype html>" in answer.text
    assert noor.form(at, reason="risk_accepted", words="until the move").status_code == 303
    assert one(organisation, made).state == "Dismissed: risk accepted"


def test_what_came_since_the_page_is_not_dismissed_by_it(organisation: Organisation) -> None:
    """The page that comes back says so, has what came, and is good for all of it; what was typed is kept."""
    (made,) = raised(organisation, row("e-1"))
    at, noor = f"/findings/{made}/dismiss", organisation.sign_in("noor")
    seen = re.findall(r'name="seen" value="(\d+)"', noor.get(f"/findings/{made}").text)
    raised(organisation, row("e-2", at=BEGINNING + timedelta(minutes=1)))
    answer = noor.form(at, reason="expected", words="a drill of ours", seen=seen[0])
    assert answer.status_code == 409
    assert "More of it came since you looked" in answer.text
    assert "a drill of ours" in answer.text
    (now, *_) = re.findall(r'name="seen" value="(\d+)"', answer.text)
    assert int(now) > int(seen[0])
    assert noor.form(at, reason="expected", words="a drill of ours", seen=now).status_code == 303
    assert one(organisation, made).state == "Dismissed: expected"


def test_readers_read_and_strangers_see_nothing(organisation: Organisation) -> None:
    """Who may see the board may read but is offered no form and refused its steps; without a role nothing is there."""
    (made,) = raised(organisation, row("e-1"))
    nobody, ilse = organisation.sign_in("nobody"), organisation.sign_in("ilse")
    assert nobody.get("/findings").status_code == nobody.get(f"/findings/{made}").status_code == 404
    assert 'href="/findings"' not in nobody.get("/cases").text
    assert ilse.get(f"/findings/{made}").status_code == 200
    assert steps(one(organisation, made, "ilse")) == []
    for step in ("triage", "confirm", "dismiss", "close", "suppress", "take-over", "own", "note"):
        assert ilse.form(f"/findings/{made}/{step}", reason="expected", words="x", owner="ilse").status_code == 403
    noor = organisation.sign_in("noor")
    assert noor.get("/findings/f-none").status_code == noor.form("/findings/f-none/triage").status_code == 404
    assert noor.form(f"/findings/{made}/burn").status_code == 404
    assert noor.client.post(f"/findings/{made}/triage", data={}).status_code == 403
    assert one(organisation, made).state == "New"


def test_kept_quiet_from_a_finding_and_from_the_page(organisation: Organisation) -> None:
    """For a rule and somebody of the finding; listed with what it kept, and ended before its time."""
    (made,) = raised(organisation, row("e-1"))
    noor, at = organisation.sign_in("noor"), "/findings/suppressions"
    (form,) = [f for f in one(organisation, made).others if f.action.endswith("/suppress")]
    assert [[o.value for o in field.options] for field in form.fields[:2]] == [
        ["verdict.unverified", "*"],
        ["actor:it.admin", "target:t.adeyemi"],  # a verdict is kept quiet about somebody alone
    ]
    said = {"rule": "verdict.unverified", "whom": "actor:it.admin", "until": "3d", "why": "moving <b>mail</b>"}
    answer = noor.form(f"/findings/{made}/suppress", **said)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/findings/{made}")
    assert [f.value for f in one(organisation, made).facts if f.label == "Kept quiet"] == ["1 suppression"]
    assert raised(organisation, row("e-2")) == ()

    general = {"rule": "agent_off_shift", "party": "anybody", "name": "", "until": "8w", "why": "holidays"}
    answer = noor.form(at, **general)
    assert (answer.status_code, answer.headers["location"]) == (303, at), answer.text
    assert "moving &lt;b&gt;mail&lt;/b&gt;" in noor.get(at).text
    page = quiet(organisation)
    assert {(r.rule, r.about, r.kept, r.state) for r in page.rows} == {
        ("Unverified", "One agent: it.admin", "1 event", "Holds"),
        ("An agent acts outside their usual hours", "Anybody", "0 events", "Waits for a second person"),
    }
    assert [r.allow for r in page.rows] == [None, None]  # not for whoever set it
    wen = organisation.sign_in("wen")
    (allow,) = (r.allow for r in quiet(organisation, "wen").rows if r.allow)
    assert "Allow it" in wen.get(at).text
    assert noor.form(allow.action).status_code == 403
    assert wen.form(allow.action).status_code == 303
    assert [r.state for r in quiet(organisation).rows] == ["Holds", "Holds"]
    assert page.form is not None
    assert {"verdict.unverified", "agent_off_shift", "*"} <= {o.value for o in page.form.fields[0].options}
    lift = next(r.lift for r in page.rows if r.rule == "Unverified")
    assert lift is not None
    assert noor.form(lift.action).status_code == 303
    assert noor.form(lift.action).status_code == 409
    states = [r.state for r in quiet(organisation).rows]
    assert states[0] == "Holds"
    assert states[1].startswith("Lifted by ")
    assert raised(organisation, row("e-3")) == (made,)


def quiet(place: Organisation, login: str = "noor") -> SuppressionsPage:
    return suppressions_page(place.app, place.app.names.person(login), "", place.at)


def test_who_may_keep_something_quiet(organisation: Organisation) -> None:
    """As over the API: whoever works on findings, with a reason and an end, never all of it or about themselves."""
    (made,) = raised(organisation, row("e-1"))
    noor, ilse, at = organisation.sign_in("noor"), organisation.sign_in("ilse"), "/findings/suppressions"
    said = {"rule": "*", "party": "actor", "name": "it.admin", "until": "3d", "why": "a drill"}
    assert organisation.sign_in("nobody").get(at).status_code == 404
    assert "<textarea" not in ilse.get(at).text
    assert ilse.form(at, **said).status_code == 403
    assert noor.client.post(at, data=said).status_code == 403
    wrong: tuple[dict[str, str], ...] = (
        {"why": " "},
        {"until": "soon"},
        {"until": "400d"},
        {"party": "anybody"},
        {"party": "moon"},
        {"name": ""},
    )
    assert {noor.form(at, **{**said, **each}).status_code for each in wrong} == {422}
    me = str(organisation.app.names.person("noor"))
    assert noor.form(at, **{**said, "name": me}).status_code == 403
    assert noor.post("/api/suppressions", {**said, "name": me}).status_code == 403
    (about_me,) = raised(organisation, row("e-5", actor=me))
    whom = {"rule": "*", "whom": "target:t.adeyemi", "until": "3d", "why": "x"}
    assert noor.form(f"/findings/{about_me}/suppress", **whom).status_code == 403
    assert organisation.app.findings.suppressions() == ()
    assert noor.form(f"/findings/{made}/suppress", **whom).status_code == 303


@pytest.mark.parametrize("called", ["by the desk", "native id", "M.Lindqvist", "m.lindqvist@example.test"])
def test_an_account_is_its_owners_whatever_it_is_called(organisation: Organisation, called: str) -> None:
    """Whoever owns an account keeps nothing quiet about it and ends no finding on it, where no directory is named."""
    app = organisation.app
    names, mara = app.names, app.names.person("mara")
    app.people.grant(names.person("root"), mara, RoleGrant(role=Role.SECURITY_DUTY), BEGINNING)
    case = organisation.sign_in("ilse").post("/api/cases", RESET).json()["case"]
    account = app.steps.load(CaseId(case)).case.account
    native = names.native(account)
    assert native is not None
    name = {"by the desk": account, "native id": native[1]}.get(called, called)
    found = Hit(
        signal="approved_in_seconds", title="Approved within seconds", severity="medium", event=None, target=name,
        actor=names.person("wen"), at=BEGINNING, says="said",
    )  # fmt: skip
    (made,) = app.findings.take((), (found,), BEGINNING)

    staff = organisation.sign_in("mara")
    quiet = {"rule": "*", "party": "target", "name": name, "until": "3d", "why": "a drill"}
    assert staff.post("/api/suppressions", quiet).status_code == 403
    assert staff.post(f"/api/findings/{made}/dismiss", {"reason": "expected", "words": "x"}).status_code == 403
    assert staff.get(f"/api/findings/{made}").json()["mine_to_leave"]
    noor = organisation.sign_in("noor")
    assert noor.post(f"/api/findings/{made}/dismiss", {"reason": "expected", "words": "x"}).status_code == 200


def test_an_output_in_trouble_is_told_above_the_list(organisation: Organisation) -> None:
    """What was found and does not leave the house is said where findings are looked at, with when it is tried again."""
    settings = organisation.app.settings
    watch = settings.watch.model_copy(update={"outputs": {"siem": OutputPart(kind="lines", path=Path("alerts.jsonl"))}})
    organisation.app.settings = settings.model_copy(update={"watch": watch})
    assert listed(organisation).notices == ()
    places = organisation.home / "verdicts", organisation.home / "outputs"
    Delivery("siem", Unconnected(), *places).fail(BEGINNING, "A fault of the test.")
    (notice,) = listed(organisation).notices
    assert (notice.title, notice.tone) == ("The output siem has a fault", "bad")
    assert notice.text.startswith("A fault of the test. It is tried again at ")
    assert "The output siem has a fault" in organisation.sign_in("noor").get("/findings").text


def test_findings_that_are_behind_are_told_above_the_list(organisation: Organisation) -> None:
    """What can not become a finding is said where findings are looked at, with when it is tried again."""
    hits = hits_of(organisation.app.settings)
    hits.parent.mkdir(exist_ok=True)
    hits.write_bytes(b"{ half")
    organisation.app.keeping.step(BEGINNING)
    (notice,) = listed(organisation).notices
    assert (notice.title, notice.tone) == (
        f"Findings are behind what the watch says since {BEGINNING:%Y-%m-%d %H:%M} UTC",
        "bad",
    )
    assert "Delete it" in notice.text
    assert "It is tried again at" in notice.text
    hits.unlink()
    organisation.app.keeping.step(BEGINNING + timedelta(minutes=1))
    assert listed(organisation).notices == ()


def test_whoever_it_is_about_is_offered_no_end(organisation: Organisation) -> None:
    """A finding about somebody's own doing is for somebody else to end, and their forms say so as their posts do."""
    noor = organisation.app.names.person("noor")
    (made,) = raised(organisation, row("e-1", actor=str(noor)))
    page = one(organisation, made)
    assert steps(page) == ["triage", "confirm", "own", "note"]
    assert [n.title for n in page.notices] == ["This finding is about you, or your account"]
    signed_in = organisation.sign_in("noor")
    assert signed_in.form(f"/findings/{made}/take-over").status_code == 403
    assert signed_in.form(f"/findings/{made}/dismiss", reason="expected", words="x").status_code == 403
    assert page.name == page.chrome.person


@pytest.mark.parametrize("where", ["list", "finding"])
def test_log_text_stays_text(organisation: Organisation, where: str) -> None:
    """Markup, terminal escapes and bidirectional marks of a log or a note are shown, and do nothing."""
    found = Hit(
        signal=f"sigma.{HOSTILE}",
        title=HOSTILE,
        severity="high",
        event="e-1",
        target=HOSTILE,
        actor=HOSTILE,
        at=BEGINNING,
        unit=HOSTILE,
        says=HOSTILE,
        origin="sigma",
    )
    (made,) = organisation.app.findings.take((row("e-1", actor=HOSTILE, target=HOSTILE),), (found,), BEGINNING)
    noor = organisation.sign_in("noor")
    assert noor.form(f"/findings/{made}/note", words=f"looked\n{HOSTILE}").status_code == 303
    text = html.unescape(raw := noor.get("/findings" if where == "list" else f"/findings/{made}").text)
    assert "<script>alert" not in raw
    assert "\x1b" not in text
    assert "\u202e" not in text
    shown = text.count(HOSTILE.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e"))
    assert shown == (4 if where == "list" else 12), "name, whom, rule, who, why, unit, risk and note"


def test_a_browser_dismisses_one_on_a_desk_and_on_a_phone(browser: Browser, organisation: Organisation) -> None:
    """From the entry with its number to the dismissal, with nothing wider than the screen and no complaint."""
    raised(
        organisation,
        *(row(f"e-{n}", at=BEGINNING + timedelta(minutes=n), target=f"user{n}@example.test") for n in range(4)),
        row("e-8", actor="okta.support.with.a.very.long.name@vendor.example.test", reasons=("privileged_target",)),
        row("e-9", actor=HOSTILE),
    )
    context = browser.new_context(base_url=organisation.url)
    page = context.new_page()
    page.set_default_timeout(15_000)
    complaints: list[str] = []
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.on("console", lambda m: complaints.append(m.text) if "Security Policy" in m.text else None)

    def fits(name: str) -> None:
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_load_state("load")
            page.wait_for_function("width => innerWidth === width", arg=width)  # a busy machine lays out again later
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} at {width}"
            if folder := os.environ.get("WATCHWORD_PICTURES"):
                page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 900})

    page.goto("/sign-in")
    page.get_by_label("Login").fill("noor")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Findings 3 new").click()
    expect(page.get_by_role("heading", name="Findings", exact=True)).to_be_visible()
    fits("findings")
    page.get_by_role("link", name="One agent: it.admin").click()
    expect(page.locator(".found .c-shared")).to_have_count(4)
    page.get_by_text("Write a note", exact=True).click()
    page.get_by_label("What you found").fill("called back over the number of record")
    page.get_by_role("button", name="Keep the note").click()
    expect(page.locator(".wrote")).to_have_text("called back over the number of record")
    page.locator("summary", has_text="Dismiss it").click()
    fits("finding")
    page.locator("summary", has_text="Keep it quiet for a time").click()
    page.get_by_label("About whom").select_option(index=0)
    page.get_by_label("Why").fill("a campaign of our own, until it is over")
    fits("finding-quiet")
    page.get_by_role("button", name="Keep it quiet").click()
    page.get_by_role("link", name="1 suppression").click()
    expect(page.locator(".quiet-list .c-shared")).to_have_count(1)
    page.get_by_label("What").select_option("one_caller_several_targets")
    page.get_by_label("Name").fill("o-7")
    page.get_by_label("About whom").select_option("caller")
    page.get_by_label("Why").fill("the bank's own call centre")
    page.get_by_label("Until").fill("8w")
    page.get_by_role("button", name="Keep it quiet").click()
    expect(page.locator(".quiet-list .c-shared")).to_have_count(2)
    page.get_by_role("button", name="End it now").first.click()
    expect(page.locator(".quiet-list .state", has_text="Lifted by")).to_have_count(1)
    fits("suppressions")
    page.goto("/findings")
    page.get_by_role("link", name="One agent: it.admin").click()
    page.locator("summary", has_text="Dismiss it").click()
    page.get_by_label("Reason").select_option("test")
    page.get_by_label("What you looked at").fill("our own exercise")
    page.get_by_role("button", name="Dismiss it").click()
    expect(page.locator(".next b")).to_have_text("Dismissed: test")
    # The suppressions are a finding too: of three one is dismissed, and this one came.
    expect(page.get_by_role("link", name="Findings 3 new")).to_be_visible()
    context.close()
    assert not complaints
