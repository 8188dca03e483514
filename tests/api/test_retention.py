"""Erased payloads at the edge: pages and lists show what is gone as erased, and answer as before."""

from __future__ import annotations

from typing import Any

from watchword.core.ids import CaseId
from watchword.desk.recording import account_stream, draft
from watchword.ledger.append import Append
from watchword.ledger.erasure import EvidenceErased, Reason
from watchword.ledger.restoration import LEDGER_STREAM

RESET = {"directory": "sandbox", "account": "m.lindqvist", "action": "password_reset", "reason": "I forgot it."}


def erase_stream(organisation: Any, stream: str) -> None:
    """Erase everything of *stream*, as time does in the end."""
    ledger, root = organisation.app.ledger, organisation.app.names.person("root")
    holdings = ledger.holdings(stream)
    events = [
        EvidenceErased(
            stream=one.stream,
            retention=one.retention,
            keys=one.keys,
            payloads=one.payloads,
            why=Reason.TIME_OVER,
            by=root,
            policy=organisation.app.policy.digest,
        )
        for one in holdings
    ]
    drafts = tuple(draft(event, root, organisation.at) for event in events)
    version = len(ledger.read(LEDGER_STREAM)) - 1
    ledger.append((Append(stream=LEDGER_STREAM, expected_version=version, drafts=drafts),), erase=holdings)
    organisation.app.follow()


def test_pages_show_what_was_erased_as_erased(organisation: Any) -> None:
    """Case page, list, API and the caller's page stand with every payload of the case, its account and people gone."""
    ilse, root = organisation.sign_in("ilse"), organisation.sign_in("root")
    case = ilse.post("/api/cases", RESET).json()["case"]
    page = ilse.get(f"/api/cases/{case}").json()["page"].split("8787")[1]
    assert ilse.post(f"/api/cases/{case}/ticket", {"ticket": "INC-77"}).status_code == 200
    assert "INC-77" in ilse.client.get(f"/cases/{case}").text
    assert ilse.post(f"/api/cases/{case}/withdraw", {"why": "found it"}).status_code == 200
    body = {"case": case, "retention": "core", "why": "person_asked"}
    (gone,) = root.post("/api/ledger/erasures", body).json()
    assert (gone["stream"], gone["payloads"]) == (f"case/{case}", 1)

    whole = ilse.get(f"/api/cases/{case}").json()
    assert (whole["ticket"], whole["erased"], whole["held_since"]) == (None, ["core"], None)
    shown = ilse.client.get(f"/cases/{case}")
    assert shown.status_code == 200
    assert "INC-77" not in shown.text
    assert "erased" in shown.text

    account = organisation.app.desk.steps.load(CaseId(case)).case.account
    for stream in (f"case/{case}", account_stream(account), f"person/{organisation.app.names.person('mara')}"):
        erase_stream(organisation, stream)
    shown = [ilse.client.get(address) for address in (f"/cases/{case}", "/cases", "/board")]
    for answer in (*shown, organisation.client().get(page)):
        assert answer.status_code == 200, (answer.url, answer.text)
        assert "m.lindqvist" not in answer.text
    assert ilse.get(f"/api/cases/{case}").json()["native_id"] is None
    assert [row["case"] for row in ilse.get("/api/cases").json()] == [case]
    again = ilse.post("/api/cases", RESET)
    assert again.json()["reasons"] == ["nobody_linked"]  # what an erased name stood for has to be said again


def test_a_hold_is_shown(organisation: Any) -> None:
    """The case's page and the API say since when."""
    ilse, root = organisation.sign_in("ilse"), organisation.sign_in("root")
    case = ilse.post("/api/cases", RESET).json()["case"]
    assert root.post("/api/ledger/holds", {"case": case, "why": "Matter 7"}).json() == {"held": True}
    organisation.works()
    assert "Legal hold" in ilse.client.get(f"/cases/{case}").text
    assert ilse.get(f"/api/cases/{case}").json()["held_since"] == "2026-11-21T09:00:00Z"
    assert root.post("/api/ledger/holds", {"case": case, "lift": True}).json() == {"held": True}


def test_half_a_wish_is_invalid(organisation: Any) -> None:
    """A case needs class and reason; without one, neither is taken."""
    root = organisation.sign_in("root")
    for body in ({"case": "c-1"}, {"retention": "core"}, {"why": "mistake"}, {"case": "c-1", "retention": "core"}):
        assert root.post("/api/ledger/erasures", body).status_code == 422
    assert (
        root.post("/api/ledger/erasures", {"retention": "legal_hold", "case": "c-1", "why": "mistake"}).status_code
        == 422
    )
    assert root.post("/api/ledger/erasures", {"dry_run": True}).json() == []
