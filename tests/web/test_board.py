"""The board over real verdicts: order, counts, notices and the way into a case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.api.organisation import BEGINNING, Organisation
from watchword.core.identity_event import Canonical, Verdict
from watchword.core.person import Kind
from watchword.directories.sandbox import Seed
from watchword.watch.board import DAYS
from watchword.watch.verdicts import VerdictRow, append_verdicts
from watchword.web.board_page import HIGH, board_page
from watchword.web.paging import SHOWN

ROW = VerdictRow(
    id="e-1",
    provider="okta",
    directory="sandbox",
    action=Canonical.PASSWORD_RESET,
    native_action="user.account.reset_password",
    actor="administrator",
    target="m.lindqvist",
    at=BEGINNING,
    outcome="success",
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


@pytest.fixture
def board(organisation: Organisation) -> Any:
    """What the board shows to somebody on security duty once these verdicts are there."""

    def shown(*rows: dict[str, Any], verdict: str = "", query: str = "", page: int = 1) -> Any:
        app = organisation.app
        made = tuple(msgspec.structs.replace(ROW, id=f"e-{n}", **row) for n, row in enumerate(rows))
        folder = organisation.home / "verdicts"
        folder.mkdir(exist_ok=True)
        append_verdicts(folder, made)
        return board_page(app, app.names.person("noor"), "", BEGINNING, verdict, query, page)

    return shown


def test_what_nobody_can_account_for_comes_first(board: Any) -> None:
    """Suspicious, then unverified, then the rest; within each the newest first."""
    page = board(
        {"verdict": Verdict.VERIFIED, "case": "c-1", "leaves": (4, 7), "reasons": ("whole_chain",)},
        {"at": BEGINNING - timedelta(minutes=5)},
        {"target": "t.adeyemi"},
        {"verdict": Verdict.SUSPICIOUS, "reasons": ("no_case", "privileged_target")},
    )
    assert [r.verdict for r in page.rows] == ["suspicious", "unverified", "unverified", "verified"]
    assert [r.target for r in page.rows][1] == "t.adeyemi"
    assert [(s.verdict, s.count) for s in page.slices] == [("suspicious", 1), ("unverified", 2), ("verified", 1)]
    assert page.rows[0].reasons == ("no case speaks for it", "the account is privileged")
    assert page.rows[0].open_link == "/cases/new?account=m.lindqvist"
    assert (page.rows[3].case_link, page.rows[3].open_link) == ("/cases/c-1", None)


def test_one_verdict_can_be_chosen(board: Any) -> None:
    """A slice narrows the list, and its link leads back to all of them."""
    page = board({}, {"verdict": Verdict.VERIFIED, "reasons": ("whole_chain",)}, verdict="verified")
    assert [r.verdict for r in page.rows] == ["verified"]
    assert [s.link for s in page.slices if s.current] == ["/board"]


def test_blindness_and_revisions_stand_above_everything(board: Any) -> None:
    """A feed that fell silent and verdicts taken back are said first."""
    board({"action": None, "reasons": ("log_missing",)}, {})
    page = board({"action": None, "reasons": ("log_missing",)}, {"reasons": ("other_actor",)})
    assert [n.title for n in page.notices] == ["Blind since 21 Nov 09:00 UTC", "1 verdict was revised"]
    assert len(page.rows) == 1
    assert page.rows[0].revised


def test_a_board_without_evidence_says_so(board: Any) -> None:
    """When nothing was given to match against, that is the notice, and no event is blamed for it."""
    page = board({"reasons": ("no_evidence",)}, {"reasons": ("no_evidence",)})
    assert [n.title for n in page.notices] == ["No evidence was given"]


def test_what_is_looked_for_is_found_by_what_a_row_shows(board: Any, organisation: Organisation) -> None:
    """Every word, in any case, of target, agent, event, provider or case, or of the name of whoever has the account."""
    native = organisation.app.desk.intake.find("sandbox", "t.adeyemi").native_id
    rows = (
        {"target": native, "actor": "It.Shadow"},
        {"verdict": Verdict.VERIFIED, "case": "c-abc", "reasons": ("whole_chain",)},
        {"native_action": "user.mfa.factor.deactivate", "action": Canonical.FACTOR_RESET},
        {"target": "00ugil", "target_login": "gil.ortega@example.test", "actor_login": "kim@example.test"},
    )
    assert [(r.target, r.actor, r.known) for r in board(*rows).rows if r.target.startswith("gil")] == [
        ("gil.ortega@example.test", "kim@example.test", False)
    ]
    for query, found in (
        ("tomas ADEYEMI", [0]),
        ("it.shadow reset_password", [0]),
        ("c-abc", [1]),
        ("okta lindqvist", [2, 1]),
        ("factor.deactivate", [2]),
        ("00ugil", [3]),
        ("gil.ortega kim@", [3]),
        ("nobody %", []),
    ):
        page = board(*rows, query=f" {query} ")
        assert [r.native for r in page.rows] == [rows[n].get("native_action", ROW.native_action) for n in found], query
        assert (page.found, page.query) == (len(found), query)
        assert sum(s.count for s in page.slices) == 4
    page = board(*rows, query="lindqvist", verdict="verified")
    assert [r.case for r in page.rows] == ["c-abc"]
    assert [s.link for s in page.slices] == [
        "/board?verdict=suspicious&q=lindqvist",
        "/board?verdict=unverified&q=lindqvist",
        "/board?q=lindqvist",
    ]


def test_a_name_is_found_in_other_letters_too(organisation: Organisation, board: Any) -> None:
    """Small and capital letters, ß and ss, i with or without a dot, accents or none: in the log and in our names."""
    organisation.sandbox.seed((Seed(login="u4711", display_name="İrem Straße", mail="u4711@example.test"),))
    app, root = organisation.app, organisation.app.names.person("root")
    person = app.people.register(root, login="u4711", name="İrem Straße", kind=Kind.EMPLOYEE, unit="", at=BEGINNING)
    account = app.desk.intake.find("sandbox", "u4711").native_id
    app.people.link(root, person, "sandbox", account, BEGINNING)
    names = ("p.straße", "p.strasse", "İrem.Işık", "Οδυσσεας", "jose\u0301", "p.muller")
    rows = tuple({"actor": name, "at": BEGINNING - timedelta(minutes=n)} for n, name in enumerate(names))
    rows += ({"actor": "known", "target": account, "at": BEGINNING - timedelta(days=1)},)
    for asked, found in (
        ("straße", ["p.straße", "p.strasse", "known"]),
        ("STRASSE", ["p.straße", "p.strasse", "known"]),
        ("irem", ["İrem.Işık", "known"]),
        ("İREM", ["İrem.Işık", "known"]),
        ("İrem.Işık", ["İrem.Işık"]),
        ("ΟΔΥΣΣΕΑΣ", ["Οδυσσεας"]),
        ("JOSÉ", ["jose\u0301"]),
        ("jose", ["jose\u0301"]),
        ("ISIK", ["İrem.Işık"]),
        ("müller", ["p.muller"]),
    ):
        assert [r.actor for r in board(*rows, query=asked).rows] == found, asked


def test_a_long_board_has_pages_and_nothing_is_out_of_reach(board: Any) -> None:
    """Each event stands on one page, in one order; a page that there is not is the first."""
    many = tuple({"at": BEGINNING - timedelta(minutes=n), "actor": f"a{n}"} for n in range(2 * SHOWN + 1))
    first = board(*many)
    assert (first.pages.first, first.pages.last, first.pages.found) == (1, SHOWN, 2 * SHOWN + 1)
    assert (first.pages.back, first.pages.on) == ("", "/board?page=2")
    second, third = board(*many, page=2), board(*many, page=3, verdict="unverified")
    assert (second.pages.back, second.pages.on) == ("/board", "/board?page=3")
    assert (third.pages.back, third.pages.on) == ("/board?verdict=unverified&page=2", "")
    assert [r.actor for p in (first, second, third) for r in p.rows] == [f"a{n}" for n in range(2 * SHOWN + 1)]
    for wrong in (0, -1, 4, 10**9):
        assert board(*many, page=wrong).rows == first.rows
    assert board({}, verdict="verified").pages is None


def test_the_last_days_are_a_picture(board: Any) -> None:
    """A column a day with what nobody can account for at its foot; ignored events and a single day make none."""
    ignored = {"verdict": Verdict.IGNORED, "reasons": ("not_support",)}
    assert board({}, ignored | {"at": BEGINNING - timedelta(days=2)}).days == ()
    good = {"verdict": Verdict.VERIFIED, "reasons": ("whole_chain",)}
    before = {"at": BEGINNING - timedelta(days=1)}
    page = board({}, good, ignored, *(good | before for _ in range(4)), {"at": BEGINNING - timedelta(days=40)})
    assert len(page.days) == DAYS
    assert [d.title for d in page.days[-2:]] == ["20 Nov: 4 verified", "21 Nov: 1 unverified, 1 verified"]
    assert page.days[0].title == "23 Oct: none"
    (tall,) = page.days[-2].bars
    assert (tall.y, tall.high) == (0, HIGH)
    foot, above = page.days[-1].bars
    assert [foot.verdict, above.verdict] == ["unverified", "verified"]
    assert (foot.y + foot.high, above.y + above.high) == (HIGH, foot.y)
