"""The board over real verdicts: order, counts, notices and the way into a case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.api.organisation import BEGINNING, Organisation
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.verdicts import VerdictRow, append_verdicts
from watchword.web.lists import board_page

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

    def shown(*rows: dict[str, Any], verdict: str = "") -> Any:
        app = organisation.app
        made = tuple(msgspec.structs.replace(ROW, id=f"e-{n}", **row) for n, row in enumerate(rows))
        folder = organisation.home / "verdicts"
        folder.mkdir(exist_ok=True)
        append_verdicts(folder, made)
        return board_page(app, app.names.person("noor"), "", BEGINNING, verdict)

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
