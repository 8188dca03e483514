"""Sample pages, and a real Chromium to see them in: skipped with the reason where there is none, required in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.api.organisation import Organisation, found
from watchword.web import view
from watchword.web.board_view import Bar, BoardPage, Day, EventRow, Slice
from watchword.web.downtime_view import DeclaredRow, DowntimePage
from watchword.web.findings_view import (
    FindingPage,
    FindingRow,
    FindingsPage,
    ItemRow,
    NoteRow,
    RiskList,
    RiskRow,
    SuppressionRow,
    SuppressionsPage,
)
from watchword.web.guidance import Guide
from watchword.web.paging import Pages
from watchword.web.render import Page as AnyPage

AT = datetime(2026, 11, 21, 14, 22, 40, tzinfo=UTC)
PAGES = Pages(first=201, last=400, found=612, back="/board", on="/board?page=3")
STATES: tuple[Literal["open", "proved", "free", "unusable", "failed"], ...] = (
    "open",
    "proved",
    "free",
    "unusable",
    "failed",
)
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One headless Chromium for the tests of a file: Playwright runs once at a time in a process."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("No Chromium found, and CI has to prove the pages in one: install `chromium`.")
        pytest.skip("No Chromium found: install `chromium` to prove the pages in a browser.")
    expect.set_options(timeout=15_000)  # a busy machine takes its time, and no page is better for it
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A fresh tab with storage of its own; anything the page complains about on its console fails the test."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(10_000)
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
    page.on("pageerror", lambda e: complaints.append(str(e)))
    yield page
    context.close()
    assert not complaints


def _chrome(**fields: Any) -> view.Chrome:
    known: dict[str, Any] = {"at": AT, "csrf": "t0ken", "sandbox": "The directory corp.example.test"}
    return view.Chrome(**(known | fields))


def step_of(name: str, title: str) -> view.Form:
    """A form of a person's page; one with a title asks why."""
    fields = (view.Field(name="why", label="Why"),) if title else ()
    return view.Form(action=f"/people/m.lindqvist/{name}", button="Do it", title=title, weight="danger", fields=fields)


@pytest.fixture(scope="session")
def pages() -> dict[str, AnyPage]:
    """One page of each kind, with something in every place, about plainly invented people."""
    staff = _chrome(
        person="Ilse Okonjo",
        roles=("agent",),
        here="cases",
        origin="watchword.example.test/desk",
        size=1812,
        threat_until=AT + timedelta(hours=9),
        people=True,
        duty=True,
        opens=True,
    )
    why = view.Field(name="why", label="Why", kind="area", hint="Kept sealed.")
    step = view.Form(
        action="/cases/c-1/release", button="Release", title="Release", lede="Let it happen.", fields=(why,)
    )
    quiet = view.Form(action="/cases/c-1/withdraw", button="Withdraw", title="Withdraw", weight="danger", fields=(why,))
    fact = view.Fact(label="Mail", value="changed 3 days ago", note="worth nothing yet", tone="bad", link="/x")
    notice = view.Notice(
        title="Somebody tried this today",
        text="At another desk.",
        link="/x",
        link_text="See it",
        facts=(fact,),
        lines=("two more",),
        way_on="Run `watchword` there.",
        address="/cases/c-1",
        script=("“It is not you.”",),
    )
    entry = view.Entry(index=1786, hash="ab" * 32, at=AT, what="Case opened", by="Ilse Okonjo", tone="warn")
    challenge = view.Challenge(until=AT + timedelta(minutes=4), tries_left=2, show="lusab babad", address="/a/7KQ2")
    tiles = tuple(
        view.Tile(
            method=state,
            title="Authenticator code",
            strength=2,
            enforced=True,
            state=state,
            source="Enrolled 14 months ago",
            unusable="Changed 3 days ago." if state in ("unusable", "failed") else "",
            script=("“Do not read the code to me.”",),
            challenge=challenge if state == "open" else None,
            begin=view.Form(action="/cases/c-1/begin", button="Begin") if state == "free" else None,
        )
        for state in STATES
    )
    card = view.ApproverCard(
        lines=(fact,), request='{"v":1}', digest="cd" * 32, words="lusab babad", until=AT, approve=step, refuse=quiet
    )
    stages = (
        view.Stage(name="intake", title="Intake", state="done", owner="Ilse Okonjo", clock=AT, entries=(entry,)),
        view.Stage(name="verify", title="Verify", state="now", until=AT, missing=("weight 2 of 5",), tiles=tiles),
        view.Stage(
            name="approve",
            title="Approve",
            state="ahead",
            asked="Two people.",
            why=("it is late",),
            script=("“Wait.”",),
            card=card,
        ),
        view.Stage(name="hold", title="Hold", state="skipped"),
        view.Stage(name="execute", title="Execute", state="stopped", forms=(step,)),
    )
    row = view.CaseRow(
        case="c-1",
        link="/cases/c-1",
        action="Factor reset",
        name="Mara Lindqvist",
        login="m.lindqvist",
        account_class="executive",
        state="Verifying",
        tone="plain",
        stage=2,
        waits_for="weight 2 of 5",
        opened=AT - timedelta(hours=5),
        opener="Ilse Okonjo",
        mine=True,
        frozen=True,
    )
    event = EventRow(
        at=AT,
        what="Password reset",
        native="dsdb 4724",
        provider="samba",
        target="j.ferreira",
        actor="Administrator",
        verdict="unverified",
        verdict_title="Unverified",
        reasons=("no evidence names this account",),
        open_link="/cases/new",
    )
    options = (view.Option(value="unlock", label="Unlock", hint="locked out"), view.Option(value="b", label="B"))
    intake = view.Form(
        action="/cases",
        button="Open the case",
        fields=(
            view.Field(name="account", label="Account"),
            view.Field(name="action", label="What", kind="cards", value="unlock", options=options, hint="One."),
            view.Field(name="channel", label="How", kind="select", value="b", options=options),
            view.Field(name="event", label="", kind="hidden", value="e-1"),
        ),
    )
    password = view.Field(name="password", label="Password", kind="password", autocomplete="current-password")
    everything: tuple[AnyPage, ...] = (
        view.CasePage(
            chrome=staff,
            case="c-1",
            version=14,
            action="Factor reset",
            name="Mara Lindqvist",
            login="m.lindqvist",
            account_class="executive",
            state="Verifying",
            tone="plain",
            next_step="One more method.",
            stages=stages,
            rail=(
                view.Panel(
                    title="Call",
                    first=True,
                    printed=False,
                    facts=(view.Fact(label="Address", value="/c/x", copy=True),),
                ),
                view.Panel(title="Account", facts=(fact,), lines=("V3 to verify",)),
            ),
            notices=(notice,),
            others=(quiet,),
        ),
        view.CasesPage(
            chrome=staff,
            tabs=(view.Tab(label="Open", link="/cases", count=1, current=True),),
            rows=(row,),
            notices=(notice,),
            query="lindqvist",
            again="/cases?tab=open&seen=1812",
            pages=PAGES,
            mine=1,
        ),
        view.IntakePage(
            chrome=staff,
            form=intake,
            needs=view.Needs(facts=(fact,), why=("late",), notice=notice, factors=("security_key",)),
            preview="/cases/needs",
        ),
        BoardPage(
            chrome=staff,
            title="Today",
            slices=(
                Slice(verdict="unverified", title="unverified", count=1, link="?verdict=unverified", current=True),
                Slice(verdict="verified", title="verified", count=2000, link="?verdict=verified"),
            ),
            rows=(event,),
            notices=(notice,),
            read_to=AT,
            pages=PAGES,
            query="cleo",
            found=612,
            days=(Day(title="21 Nov: 1 unverified", bars=(Bar(verdict="unverified", x=0, y=0, wide=9, high=72),)),),
        ),
        FindingsPage(
            chrome=msgspec.structs.replace(staff, findings=2),
            sub="Gravest first.",
            tabs=(view.Tab(label="Open", link="/findings", count=1, current=True),),
            rows=(
                FindingRow(
                    link="/findings/f-1",
                    severity="high",
                    by="One agent",
                    name="it.admin",
                    about="Cleo Hart",
                    rules=("Unverified",),
                    more_rules=2,
                    events="4 events",
                    since=AT - timedelta(hours=3),
                    until=AT,
                    state="New",
                    tone="warn",
                    owner="nobody's yet",
                ),
            ),
            pages=PAGES,
            query="cleo",
            quiet="2 events kept quiet so far.",
            risks=(
                RiskList(
                    title="Agents",
                    rows=(RiskRow(name="it.admin", link="/findings?q=it.admin", score=35.0, note="4 events"),),
                ),
            ),
            notices=(view.Notice(title="The output siem has a fault", text="A fault of ours.", tone="bad"),),
        ),
        SuppressionsPage(
            chrome=staff,
            sub="What the watch says nothing of.",
            form=view.Form(
                action="/findings/suppressions",
                button="Keep it quiet",
                title="Keep a rule quiet",
                fields=(view.Field(name="why", label="Why", kind="area"),),
            ),
            rows=(
                SuppressionRow(
                    rule="Unverified",
                    about="One agent: it.admin",
                    why="a migration",
                    by="Noor",
                    since=AT - timedelta(days=1),
                    until=AT + timedelta(days=1),
                    kept="2 events",
                    state="Holds",
                    tone="warn",
                    lift=view.Form(action="/findings/suppressions/s-1/lift", button="End it now", weight="quiet"),
                ),
            ),
            left_out=3,
        ),
        FindingPage(
            chrome=staff,
            finding="f-1",
            severity="high",
            by="One agent",
            name="it.admin",
            sub="1 event",
            state="New",
            tone="warn",
            told="Nobody has looked at it yet.",
            facts=(fact,),
            guides=(
                Guide(
                    title="A change nobody has a case for",
                    name="change_without_case",
                    response="Run `watchword ledger fsck`, and ask.",
                    nothing="A feed that runs ahead.",
                    attack=("T1098",),
                ),
            ),
            items=(
                ItemRow(
                    at=AT,
                    severity="high",
                    rule="Unverified",
                    actor="it.admin",
                    target="m.lindqvist",
                    where="samba",
                    why="no case speaks for it",
                    case="c-1",
                    case_link="/cases/c-1",
                ),
                ItemRow(at=AT, severity="low", rule="Off shift", actor="", target="", where="", why=""),
            ),
            left_out=1,
            notes=(NoteRow(at=AT, by="Noor", words="asked the lead"),),
            notices=(notice,),
            next=step,
            others=(quiet,),
        ),
        view.PeoplePage(
            chrome=staff,
            sub="1 whom you may administer",
            rows=(
                view.PersonRow(
                    link="/people/m.lindqvist",
                    name="Mara Lindqvist",
                    login="m.lindqvist",
                    unit="sales",
                    about="employee",
                    roles=("agent in sales", "administers north"),
                    credentials=("passkey",),
                ),
            ),
            register=msgspec.structs.replace(intake, title="Add somebody"),
            query="mara",
        ),
        view.PersonPage(
            chrome=staff,
            name="Mara Lindqvist",
            login="m.lindqvist",
            facts=("employee", "sales"),
            holdings=(
                view.Holdings(
                    title="Roles",
                    held=(
                        view.Held(title="Agent", note="in sales", form=step_of("revoke", "")),
                        view.Held(title="Passkey", mono="k-7f3a", form=step_of("revoke-credential", "Revoke")),
                        view.Held(title="Verifier", note="ended 3 Nov 2026", over=True),
                    ),
                    empty="No role.",
                ),
                view.Holdings(title="Accounts", held=(), empty="No account is linked."),
            ),
            forms=(
                view.Form(
                    action="/people/m.lindqvist/delegate",
                    button="Delegate it",
                    title="Delegate a unit",
                    fields=(view.Field(name="until", label="Until", kind="date", hint="A year at most."),),
                ),
            ),
            enrols="/api/people/m.lindqvist",
            notices=(notice,),
        ),
        view.ThreatPage(
            chrome=staff,
            does=("The alarm is one level louder.",),
            state="The switch is on",
            tone="bad",
            told="Until tomorrow.",
            form=step,
        ),
        DowntimePage(
            chrome=staff,
            rows=(
                DeclaredRow(
                    what="Password reset of m.lindqvist",
                    when="2026-11-21 10:00 to 10:20 UTC",
                    performer="it.admin",
                    by="Wen",
                    state="Owes a review",
                    tone="warn",
                    forms=(step,),
                ),
            ),
        ),
        view.PolicyPage(
            chrome=staff,
            state="Not the active one",
            tone="warn",
            told="It was edited.",
            facts=(view.Fact(label="Active", value="sha256:00", note="chosen when the ledger was founded"),),
            proposed=(view.Fact(label="Proposed by", value="Paula", note="signed with their passkey"),),
            words="lusab babad gutih tugad",
            until=AT + timedelta(hours=3),
            form=step,
        ),
        view.SignInPage(
            chrome=_chrome(),
            form=view.Form(action="/session", button="Sign in", fields=(password,)),
            problem="Try again in 20 seconds.",
        ),
        view.PromptsPage(chrome=_chrome()),
        view.CallerPage(
            chrome=_chrome(), case="c-1", action="Password reset", what="password", api="/api/caller/c-1/t"
        ),
        view.VouchPage(
            chrome=staff,
            asked=(
                view.Vouched(
                    title="Is it Mara Lindqvist?",
                    lede="You spoke with them.",
                    facts=(fact,),
                    until=AT + timedelta(minutes=9),
                    api="/api/vouches/c-1/h-1",
                    options='{"challenge":"AA","allowCredentials":[]}',
                ),
            ),
        ),
        view.RecoverPage(chrome=_chrome(), api="/api/recover/c-1/t", proving=True, ways=(("totp", "A code"),)),
        view.CodesPage(chrome=_chrome(), api="/api/codes/t"),
        view.EnrolPage(chrome=_chrome(), api="/api/enrol/t", name="Mara Lindqvist"),
        view.GoPage(chrome=_chrome(), chosen="de", problem="There is no recovery of this number."),
        view.ProblemPage(
            chrome=staff,
            status=403,
            title="Policy said no",
            what="The same person verified.",
            remedy="Ask somebody else.",
            reasons=("separate.verify.approve",),
        ),
    )
    return {type(page).__name__: page for page in everything}


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder every organisation is copied from: founding one costs a second of password hashing."""
    home = tmp_path_factory.mktemp("founded") / "home"
    found(home)
    return home


@pytest.fixture
def organisation(founded: Path, tmp_path: Path) -> Iterator[Organisation]:
    """A fresh organisation."""
    home = tmp_path / "home"
    shutil.copytree(founded, home)
    made = Organisation(home)
    with made.open:
        yield made
