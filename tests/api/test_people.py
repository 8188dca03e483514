"""Administration of people over the API: who sees whom, what is given and taken, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.organisation import BEGINNING, PASSWORD, Organisation, Staff
from watchword.cli.demo.authenticator import SoftAuthenticator

SOON = "2026-12-24T00:00:00Z"
PAST = "2026-11-20T00:00:00Z"
FAR = "2028-01-01T00:00:00Z"


@pytest.fixture
def root(organisation: Organisation) -> Staff:
    """The administrator, with two people in sales and one in finance."""
    root = organisation.sign_in("root")
    for login, unit, kind in (("petra", "sales", "employee"), ("sela", "sales", "employee"), ("vito", "", "vendor")):
        assert root.post("/api/people", {"login": login, "name": login.title(), "unit": unit, "kind": kind}).status_code
    root.post("/api/people", {"login": "finn", "name": "Finn Asare", "unit": "finance"})
    return root


@pytest.fixture
def delegate(organisation: Organisation, root: Staff) -> Staff:
    """Ilse, who administers the people of sales until Christmas."""
    assert root.post("/api/people/ilse/delegations", {"unit": "sales", "until": SOON}).status_code == 201
    return organisation.sign_in("ilse")


def _said(answer: Any, status: int, *words: str) -> bool:
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    told = f"{problem['detail']} {problem['remedy']} {problem.get('where')} {problem.get('reasons')}"
    return answer.status_code == status and not [w for w in words if w not in told]


def _delete(staff: Staff, path: str) -> Any:
    return staff.client.delete(path, headers={"x-csrftoken": staff.token})


# --- who sees whom ----------------------------------------------------------------------------------------------------


def test_an_administrator_sees_everybody(root: Staff) -> None:
    """Each person with roles, credentials and accounts; nothing that proves anything is among it."""
    people = {p["login"]: p for p in root.get("/api/people").json()}
    mara, ilse = people["mara"], people["ilse"]
    assert [r["role"] for r in ilse["roles"]] == ["agent"]
    assert [c["method"] for c in mara["credentials"]] == ["password"]
    assert [(a["directory"], a["account_class"]) for a in mara["accounts"]] == [("sandbox", "standard")]
    assert {"watchword-runner", "watchword-executor", "petra", "finn"} <= set(people)
    told = root.get("/api/people").text
    assert not [word for word in ("argon2", "secret", "m.lindqvist@example.test", "+4420794604417") if word in told]
    assert root.get("/api/people/mara").json() == mara


def test_a_delegate_sees_their_unit_and_learns_of_nobody_else(delegate: Staff) -> None:
    """Somebody of another unit and somebody who never was are answered in the same words."""
    assert [p["login"] for p in delegate.get("/api/people").json()] == ["petra", "sela"]
    assert delegate.get("/api/people/petra").status_code == 200
    hidden, missing = delegate.get("/api/people/finn"), delegate.get("/api/people/fynn")
    assert hidden.status_code == missing.status_code == 422
    assert hidden.text.replace("finn", "fynn") == missing.text


def test_a_delegation_shows_nothing_once_it_is_over(organisation: Any, root: Staff, delegate: Staff) -> None:
    """Its end date ends it, and so does an administrator before that."""
    over = {"unit": "sales"}
    assert _said(delegate.post("/api/people/ilse/delegations/end", over), 422, "Nobody")
    assert root.post("/api/people/ilse/delegations/end", over).status_code == 201
    assert _said(delegate.get("/api/people"), 403, "no rule permits it")
    assert _said(root.post("/api/people/ilse/delegations/end", over), 422, "does not administer", "unit")
    root.post("/api/people/ilse/delegations", {"unit": "sales", "until": SOON})
    assert delegate.get("/api/people").status_code == 200
    organisation.passes(days=40)
    assert delegate.get("/api/people").status_code == 403


def test_somebody_without_the_right_can_not_try_out_logins(organisation: Any) -> None:
    """For who may administer nobody, a login that is known and one that is not are refused alike."""
    ilse = organisation.sign_in("ilse")
    known, unknown = (ilse.post(f"/api/people/{login}/roles", {"role": "agent"}) for login in ("mara", "nemo"))
    assert known.status_code == unknown.status_code == 403
    assert known.text == unknown.text


# --- roles and delegations --------------------------------------------------------------------------------------------


def test_a_role_is_given_with_its_end_and_taken(root: Staff) -> None:
    """What was given is shown with unit and end; what was taken is gone."""
    given = root.post("/api/people/petra/roles", {"role": "agent", "unit": "sales", "until": SOON})
    assert given.status_code == 201
    shown = {"role": "agent", "unit": "sales", "until": SOON, "in_force": True}
    assert root.get("/api/people/petra").json()["roles"] == [shown]
    assert _delete(root, "/api/people/petra/roles/agent").status_code == 204
    assert root.get("/api/people/petra").json()["roles"] == []
    assert _said(_delete(root, "/api/people/petra/roles/agent"), 422, "does not hold", "role")


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("nemo/roles", {"role": "agent"}, 422, ("Nobody", "login")),
        ("petra/roles", {"role": "king"}, 400, ("role",)),
        ("petra/roles", {"role": "agent", "until": PAST}, 422, ("future", "until")),
        ("petra/roles", {"role": "agent", "until": "2026-12-24T00:00:00"}, 400, ("until",)),
        ("petra/delegations", {"unit": "sales", "until": PAST}, 422, ("within a year", "until")),
        ("petra/delegations", {"unit": "sales", "until": FAR}, 422, ("within a year", "until")),
        ("petra/delegations", {"unit": "", "until": SOON}, 422, ("one unit", "unit")),
        ("vito/delegations", {"unit": "sales", "until": SOON}, 403, ("employee", "vendor_delegate")),
        ("root/roles", {"role": "reviewer"}, 403, ("subject-never-acts",)),
        ("petra/accounts", {"directory": "nowhere", "account": "x"}, 422, ("no directory",)),
        ("petra/credentials", {"method": "voice"}, 400, ("method",)),
        ("watchword-executor/credentials", {"method": "totp"}, 403, ("system",)),
    ],
)
def test_what_is_wrong_is_said(root: Staff, path: str, body: dict[str, str], status: int, words: Any) -> None:
    """Each mistake names itself and the way on, and enters nothing."""
    before = root.get("/api/ledger").json()["size"]
    assert _said(root.post(f"/api/people/{path}", body), status, *words)
    assert root.get("/api/ledger").json()["size"] == before


def test_an_unknown_role_is_not_taken(root: Staff) -> None:
    """A role that does not exist is a malformed request, not a mistake of ours."""
    assert _said(_delete(root, "/api/people/petra/roles/king"), 400)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("petra/roles", {"role": "administrator", "unit": "sales"}),
        ("petra/roles", {"role": "policy_author", "unit": "sales"}),
        ("petra/roles", {"role": "agent"}),
        ("petra/roles", {"role": "agent", "unit": "finance"}),
        ("petra/delegations", {"unit": "sales", "until": SOON}),
    ],
)
def test_a_delegate_gives_nothing_that_governs_or_reaches_further(
    delegate: Staff, path: str, body: dict[str, str]
) -> None:
    """A governing role, one that holds everywhere or elsewhere, and delegation itself are an administrator's."""
    assert delegate.post("/api/people/petra/roles", {"role": "verifier", "unit": "sales"}).status_code == 201
    assert _said(delegate.post(f"/api/people/{path}", body), 403, "no rule permits it")


# --- credentials ------------------------------------------------------------------------------------------------------


@pytest.fixture
def key(organisation: Any) -> SoftAuthenticator:
    """An authenticator at a browser of the console's public address."""
    return SoftAuthenticator(organisation.app.settings.console.public_url)


def test_a_passkey_is_made_and_counts(root: Staff, key: SoftAuthenticator) -> None:
    """Offer, registration, and a credential that is listed and excluded from the next offer."""
    offer = root.post("/api/people/mara/passkeys").json()
    made = root.post(f"/api/people/mara/passkeys/{offer['challenge']}", {"answer": key.create(offer["options"])})
    assert made.status_code == 201, made.text
    shown = root.get("/api/people/mara").json()["credentials"][-1]
    assert (shown["credential"], shown["method"]) == (made.json()["credential"], "passkey")
    assert shown["revoked_at"] is None
    assert '"excludeCredentials": [{' in root.post("/api/people/mara/passkeys").json()["options"]


def test_a_passkey_is_one_persons_and_does_not_come_back(root: Staff, key: SoftAuthenticator) -> None:
    """The same answer again, the same key for somebody else, and a revoked key are conflicts."""
    offer = root.post("/api/people/mara/passkeys").json()
    path, answer = f"/api/people/mara/passkeys/{offer['challenge']}", {"answer": key.create(offer["options"])}
    credential = root.post(path, answer).json()["credential"]
    assert _said(root.post(path, answer), 409, "enrolled already")
    other = root.post("/api/people/tomas/passkeys").json()
    again = {"answer": key.create(other["options"])}
    assert _said(root.post(f"/api/people/tomas/passkeys/{other['challenge']}", again), 409, "enrolled already")
    root.post(f"/api/people/mara/credentials/{credential}/revocation", {"why": "lost"})
    assert _said(root.post(path, answer), 409, "enrolled already")


def test_an_offer_is_for_one_person_by_one_person_for_five_minutes(
    organisation: Any, root: Staff, key: SoftAuthenticator
) -> None:
    """A challenge of somebody else, for somebody else, invented, or late is none."""
    offer = root.post("/api/people/mara/passkeys").json()
    answer = {"answer": key.create(offer["options"])}
    root.post("/api/people/wen/roles", {"role": "administrator"})
    wen = organisation.sign_in("wen")
    assert _said(wen.post(f"/api/people/mara/passkeys/{offer['challenge']}", answer), 422, "challenge")
    assert _said(root.post(f"/api/people/tomas/passkeys/{offer['challenge']}", answer), 422, "challenge")
    for invented in ("x", "a.b.c", f"{offer['challenge']}x", "e-1.99999999999999999999.x"):
        assert _said(root.post(f"/api/people/mara/passkeys/{invented}", answer), 422, "challenge")
    assert datetime.fromisoformat(offer["expires"]) == BEGINNING + timedelta(minutes=5)
    organisation.passes(minutes=5)
    assert _said(root.post(f"/api/people/mara/passkeys/{offer['challenge']}", answer), 422, "time is over")


@pytest.mark.parametrize(
    "fault", [{"user_verified": False}, {"origin": "https://elsewhere.example.test"}], ids=["no PIN", "other page"]
)
def test_a_registration_that_does_not_hold_is_refused(root: Staff, key: SoftAuthenticator, fault: Any) -> None:
    """Without user verification, or made on another page, it is no passkey; nor is what is no registration at all."""
    offer = root.post("/api/people/mara/passkeys").json()
    path = f"/api/people/mara/passkeys/{offer['challenge']}"
    assert _said(root.post(path, {"answer": key.create(offer["options"], **fault)}), 403, "wrong_answer")
    assert _said(root.post(path, {"answer": "{}"}), 403, "wrong_answer")
    assert len(root.get("/api/people/mara").json()["credentials"]) == 1


def test_a_credential_is_revoked_for_a_reason_that_stays_sealed(organisation: Any, root: Staff) -> None:
    """It is shown as revoked, is not revoked twice, and the words are in no entry."""
    assert root.post("/api/people/mara/credentials", {"method": "totp"}).json()["uri"].startswith("otpauth://totp/")
    credential = root.get("/api/people/mara").json()["credentials"][-1]["credential"]
    path = f"/api/people/mara/credentials/{credential}/revocation"
    assert _said(root.post(path, {"why": "  "}), 422, "reason", "why")
    assert root.post(path, {"why": "left on the 7:42 to Bergen"}).status_code == 201
    assert root.get("/api/people/mara").json()["credentials"][-1]["revoked_at"] == "2026-11-21T09:00:00Z"
    assert _said(root.post(path, {"why": "again"}), 422, "revoked already", "credential")
    ledger = organisation.app.ledger
    newest = ledger.read(f"person/{organisation.app.names.person('mara')}")[-1]
    assert ledger.disclosures(newest) == {"why": "left on the 7:42 to Bergen"}
    assert "Bergen" not in str(newest.entry)


def test_a_revoked_password_lets_nobody_in(organisation: Any, root: Staff) -> None:
    """The newest password revoked, the one before it does not come back."""
    root.post("/api/people/mara/credentials", {"method": "password", "password": "the one that replaced it"})
    old, new = root.get("/api/people/mara").json()["credentials"]
    assert (old["replaced_at"], new["replaced_at"]) == ("2026-11-21T09:00:00Z", None)
    root.post(f"/api/people/mara/credentials/{new['credential']}/revocation", {"why": "written on a wall"})
    for password in (PASSWORD, "the one that replaced it"):
        sent = organisation.client().post("/api/session", json={"login": "mara", "password": password})
        assert sent.status_code == 401


def test_a_delegate_enrols_and_revokes_in_their_unit_alone(delegate: Staff, root: Staff) -> None:
    """The credentials of somebody elsewhere, or of somebody who governs, are not theirs."""
    assert delegate.post("/api/people/petra/passkeys").status_code == 201
    assert delegate.post("/api/people/finn/passkeys").status_code == 422
    root.post("/api/people/petra/roles", {"role": "custodian"})
    made = delegate.post("/api/people/petra/credentials", {"method": "totp"})
    assert _said(made, 403, "no rule permits it")


# --- the whole desk ---------------------------------------------------------------------------------------------------


def test_the_threat_is_elevated_for_everybody_to_see(organisation: Any) -> None:
    """Who is on duty turns the switch on and lets it last; everybody signed in reads it; it ends by itself."""
    noor, ilse = organisation.sign_in("noor"), organisation.sign_in("ilse")
    assert ilse.get("/api/threat").json() == {"elevated": False, "until": None, "by": None, "lower_votes": []}
    until = BEGINNING + timedelta(hours=12)
    asked = {"until": until.isoformat(), "why": "calls in the name of the CFO"}
    assert noor.post("/api/threat", asked).status_code == 201
    on = ilse.get("/api/threat").json()
    assert on == {"elevated": True, "until": "2026-11-21T21:00:00Z", "by": "noor", "lower_votes": []}
    assert "CFO" not in ilse.get("/api/threat").text
    organisation.passes(hours=12)
    assert ilse.get("/api/threat").json()["elevated"] is False


def test_an_end_in_another_zone_is_told_in_utc(organisation: Any, root: Staff) -> None:
    """Whatever zone an end was given in, everybody reads it in UTC, which is what pages say that it is."""
    noor = organisation.sign_in("noor")
    elsewhere = "2026-11-21T23:00:00+02:00"
    assert noor.post("/api/threat", {"until": elsewhere, "why": "calls in the name of the CFO"}).status_code == 201
    assert noor.get("/api/threat").json()["until"] == "2026-11-21T21:00:00Z"
    assert "Until 21 Nov 2026 21:00 UTC" in noor.get("/threat").text
    root.post("/api/people/petra/roles", {"role": "agent", "unit": "sales", "until": elsewhere})
    root.post("/api/people/petra/delegations", {"unit": "sales", "until": elsewhere})
    shown = root.get("/api/people/petra").json()
    assert [one["until"] for one in (*shown["roles"], *shown["delegations"])] == ["2026-11-21T21:00:00Z"] * 2
    assert root.get("/people/petra").text.count("until 21 Nov 2026 21:00 UTC") == 2
    never = {"until": "9999-12-31T23:00:00-02:00", "why": "calls in the name of the CFO"}
    assert _said(noor.post("/api/threat", never), 422, "no time", "until")


@pytest.mark.parametrize(
    ("until", "why", "status", "words"),
    [
        (timedelta(days=7, seconds=1), "a campaign", 422, ("a week at most", "until")),
        (timedelta(0), "a campaign", 422, ("a week at most", "until")),
        (timedelta(hours=1), "", 422, ("reason", "why")),
        (timedelta(hours=1), "it is over", 403, ("lowers",)),
    ],
)
def test_the_switch_is_neither_left_on_nor_turned_down(
    organisation: Any, until: timedelta, why: str, status: int, words: Any
) -> None:
    """A week at most, with a reason, and never for a shorter time than it is on already."""
    noor = organisation.sign_in("noor")
    if status == 403:
        noor.post("/api/threat", {"until": (BEGINNING + timedelta(days=1)).isoformat(), "why": "a campaign"})
    asked = {"until": (BEGINNING + until).astimezone(UTC).isoformat(), "why": why}
    assert _said(noor.post("/api/threat", asked), status, *words)


def test_every_route_of_people_describes_itself(root: Staff) -> None:
    """The OpenAPI document has a sentence for each."""
    paths = root.get("/api/schema/openapi.json").json()["paths"]
    told = [
        operation.get("description")
        for path, methods in paths.items()
        for operation in methods.values()
        if path.startswith(("/api/people", "/api/threat", "/api/policy"))
    ]
    assert len(told) == 33
    assert all(told)
