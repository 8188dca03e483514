"""Declaring what was done while Watchword was down, by API and from forms; and the switch that two people turn off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.organisation import BEGINNING, PASSWORD, Organisation
from watchword.core.person import Kind, Role, RoleGrant
from watchword.desk.tallies import Tallies
from watchword.metering.desk import ask_desk
from watchword.metering.metrics import Metrics

SAID = {
    "directory": "sandbox",
    "account": "m.lindqvist",
    "action": "password_reset",
    "performer": "it.admin",
    "since": "2026-11-21T07:00:00Z",
    "until": "2026-11-21T07:30:00Z",
    "why": "power was out",
}


@pytest.fixture
def place(organisation: Organisation) -> Organisation:
    """An organisation with two custodians of the sealed procedure."""
    people, root = organisation.app.people, organisation.app.names.person("root")
    for login in ("dana", "doru"):
        person = people.register(root, login=login, name=login.title(), kind=Kind.EMPLOYEE, unit="", at=BEGINNING)
        people.grant(root, person, RoleGrant(role=Role.DOWNTIME_CUSTODIAN), BEGINNING)
        people.set_password(root, person, PASSWORD, BEGINNING)
    return organisation


def reviews(place: Organisation) -> tuple[float, float]:
    """How many reviews the metrics say are owed, and how many of them overdue."""
    metrics, app = Metrics(), place.app
    ask_desk(
        metrics,
        app.clock,
        ledger=app.ledger,
        followers=(),
        cases=app.steps.cases,
        tallies=Tallies(),
        registry=app.registry,
        findings=app.findings,
    )
    told = {sample.name: sample.value for family in metrics.collect() for sample in family.samples}
    return told["watchword_reviews_owed"], told["watchword_reviews_overdue"]


def test_two_custodians_and_a_reviewer_over_the_api(place: Organisation) -> None:
    """Each step says what is next, and whoever took one is refused the other."""
    dana, doru, rafael = (place.sign_in(login) for login in ("dana", "doru", "rafael"))
    made = dana.post("/api/downtime", SAID)
    assert made.status_code == 201, made.text
    address = f"/api/downtime/{made.json()['downtime']}"
    assert dana.post(f"{address}/confirm").status_code == 403
    assert doru.post(f"{address}/confirm").json()["confirmed_by"] == "doru"
    owed = {"case": None, "downtime": made.json()["downtime"], "break_glass": False, "due": "2026-11-22T09:00:00Z"}
    assert rafael.get("/api/debts").json() == [owed | {"overdue": False}]
    assert place.sign_in("ilse").get("/api/debts").json() == []
    assert reviews(place) == (1, 0)
    place.at += timedelta(hours=24)
    assert rafael.get("/api/debts").json() == [owed | {"overdue": True}]
    assert reviews(place) == (1, 1)
    assert (
        rafael.post(f"{address}/review", {"sound": True, "words": "saw the envelope"}).json()["reviewed_by"] == "rafael"
    )
    assert (rafael.get("/api/debts").json(), reviews(place)) == ([], (0, 0))
    (row,) = rafael.get("/api/downtime").json()
    assert (row["performer"], row["sound"], row["overdue"]) == ("it.admin", True, False)


def test_strangers_see_no_declaration(place: Organisation) -> None:
    """Without the role or a reviewer's, the list is refused and the page is not there."""
    nobody = place.sign_in("nobody")
    assert nobody.get("/api/downtime").status_code == 403
    assert nobody.get("/downtime").status_code == 404
    assert nobody.post("/api/downtime", SAID).status_code == 403


def test_from_the_consoles_forms(place: Organisation) -> None:
    """Declared, confirmed and reviewed from the page, which says each time what is owed."""
    dana, doru, rafael = (place.sign_in(login) for login in ("dana", "doru", "rafael"))
    said = SAID | {"since": "2026-11-21 07:00", "until": "2026-11-21 07:30"}
    elsewhere = SAID | {"since": "2026-11-21T08:15:00+01:00", "until": "2026-11-21T08:20:00+01:00"}
    assert doru.post("/api/downtime", elsewhere).status_code == 201
    assert "2026-11-21 07:15 to 2026-11-21 07:20 UTC" in doru.get("/downtime").text
    assert dana.form("/downtime", **said).status_code == 303
    made = place.app.downtimes.all()[0].declared.downtime
    assert "Waits for a second custodian" in dana.get("/downtime").text
    assert doru.form(f"/downtime/{made}/confirm").status_code == 303
    assert "Owes a review" in rafael.get("/downtime").text
    assert rafael.form(f"/downtime/{made}/review", words="saw it", sound="yes").status_code == 303
    assert "Reviewed: sound" in doru.get("/downtime").text
    assert dana.form("/downtime", **(said | {"until": "noon"})).status_code == 422


def test_the_switch_is_turned_off_by_two(organisation: Organisation) -> None:
    """The first vote is shown to the second, who ends it; a page of the console says so in between."""
    noor, wen = organisation.sign_in("noor"), organisation.sign_in("wen")
    noor.post("/api/threat", {"until": "2026-11-21T21:00:00Z", "why": "two calls"})
    voted: Any = noor.post("/api/threat/lower", {"why": "a drill"}).json()
    assert (voted["elevated"], voted["lower_votes"]) == (True, ["noor"])
    assert "Noor Haraldsen wants it off" in wen.get("/threat").text
    assert wen.form("/threat/lower", why="a drill").status_code == 303
    assert wen.get("/api/threat").json()["elevated"] is False


def test_debts_are_listed_for_whoever_may_read_them(organisation: Organisation) -> None:
    """Nothing is owed at first; a stranger is told of none."""
    assert organisation.sign_in("rafael").get("/api/debts").json() == []
    assert organisation.sign_in("nobody").get("/api/debts").json() == []


def test_a_review_that_is_refused_keeps_its_words(place: Organisation) -> None:
    """Whoever it was done to does not review it: that is said above the page, and what they wrote stands there."""
    people, names = place.app.people, place.app.names
    people.grant(names.person("root"), names.person("mara"), RoleGrant(role=Role.REVIEWER), BEGINNING)
    dana, doru, mara, rafael = (place.sign_in(login) for login in ("dana", "doru", "mara", "rafael"))
    address = f"/downtime/{dana.post('/api/downtime', SAID).json()['downtime']}"
    doru.form(f"{address}/confirm")
    words = "I looked at the envelope & the visitors' book"
    no = mara.form(f"{address}/review", words=words, sound="no")
    assert no.status_code == 403
    assert "I looked at the envelope &amp; the visitors&#39; book</textarea>" in no.text
    assert '<option value="no" selected>' in no.text
    assert 'role="alert"' in no.text
    unsaid = rafael.form(f"{address}/review", words="  ", sound="no")
    assert unsaid.status_code == 422
    assert f'action="{address}/review"' in unsaid.text
    assert "It waits for its review." in dana.form(f"{address}/confirm").text
    assert dana.form(f"{address}/dance").status_code == 404


def test_a_switch_that_stays_on_says_why_on_its_page(place: Organisation) -> None:
    """Turning it off without a reason, or a second time by the same person, is refused on the page of the switch."""
    noor = place.sign_in("noor")
    assert noor.form("/threat", until="1d", why="calls about the CFO").status_code == 303
    unsaid = noor.form("/threat/lower", why=" ")
    assert unsaid.status_code == 422
    assert 'action="/threat/lower"' in unsaid.text
    assert noor.form("/threat/lower", why="it was a drill").status_code == 303
    again = noor.form("/threat/lower", why="it was a drill")
    assert again.status_code == 403
    assert "A second person has to as well." in again.text
    assert "The switch is on" in again.text
