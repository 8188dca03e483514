"""The edge: every route without a session, problem details, tokens, headers, sessions and throttling."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import argon2
import pytest

from tests.api.organisation import PASSWORD, Organisation, Staff, served
from watchword.console import create_console
from watchword.core.errors import Conflict, Corrupt, Invalid, Refused, Unavailable, WatchwordError
from watchword.core.ids import CaseId
from watchword.core.person import Kind, Role, RoleGrant
from watchword.desk import people as desk_people
from watchword.directories.sandbox import Seed
from watchword.reception.problems import FAULTS, NotSignedIn, problem_of
from watchword.reception.sessions import FAILURES, Sessions, Throttle

JOINED = (
    "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",
    "\u0dc1\u0dca\u200d\u0dbb\u0dd3\u0db8\u0dcf",
    "\u0d30\u0d2e\u0d47\u0d36\u0d28\u0d4d\u200d",
)
"""Names that are spelt with joiners: in Persian, Sinhala and Malayalam."""

GOLDEN = Path(__file__).parent / "golden" / "sweep.txt"
BODIES: dict[str, Any] = {
    "SignIn": {"login": "nobody", "password": "wrong wrong wrong"},
    "OpenCase": {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"},
    "LinkTicket": {"ticket": "INC-1"},
    "BeginMethod": {"method": "totp"},
    "Answer": {"answer": "000000"},
    "Decide": {"digest": "0" * 64, "approve": True},
    "Release": {},
    "Why": {"why": "because"},
    "Said": {"said": "not me"},
    "Heard": {"word": "babab"},
    "SpokenCode": {"code": "123456"},
    "Review": {"sound": True, "words": "looked at it"},
    "Protect": {"why": "their phone was stolen"},
    "Declare": {
        "directory": "sandbox",
        "account": "m.lindqvist",
        "action": "password_reset",
        "performer": "it.admin",
        "since": "2026-11-21T07:00:00Z",
        "until": "2026-11-21T07:30:00Z",
        "why": "it was down",
    },
    "Recover": {"account": "m.lindqvist", "lost": "unlock"},
    "ChooseWay": {"method": "totp"},
    "WayAnswer": {"method": "totp", "answer": "000000"},
    "EnterContact": {"value": "+493055500199"},
    "VouchAnswer": {"answer": "no"},
    "NameContact": {"contact": "tomas"},
    "Supervised": {"site": "Hall 3"},
    "OpenHandOver": {"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
    "RegisterPerson": {"login": "new", "name": "New", "unit": ""},
    "GrantRole": {"role": "agent"},
    "LinkAccount": {"directory": "sandbox", "account": "m.lindqvist"},
    "EnrolCredential": {"method": "totp"},
    "Delegate": {"unit": "sales", "until": "2026-12-24T00:00:00Z"},
    "EndDelegation": {"unit": "sales"},
    "RevokeCredential": {"why": "lost"},
    "EnrolWorkload": {"directory": "sandbox", "account": "m.lindqvist", "issuer": "https://x.test", "subject": "s"},
    "EnrolFactor": {"user": "00u1", "factor": "opf1"},
    "EnrolIdentity": {"given_name": "Mara", "family_name": "Lindqvist", "birthdate": "1990-05-17"},
    "AskedWords": {"words": "Who is with you?"},
    "Act": {"act": "ask", "words": "Who is with you?"},
    "SshKey": {"key": "ssh-ed25519 AAAA"},
    "Spoken": {"spoken": "000000"},
    "OwnPasskey": {"spoken": "000000", "answer": "{}"},
    "AppCode": {"spoken": "000000", "challenge": "x", "code": "000000"},
    "ConfirmCredential": {"fingerprint": "00"},
    "LendSigned": {"statement": "{}", "assertion": "{}"},
    "Lend": {"to": "mara", "seat": "iam_duty", "until": "2026-12-01T00:00:00Z"},
    "TakeBack": {"to": "mara", "seat": "iam_duty"},
    "PasskeyMade": {"answer": "{}"},
    "EnrolBrowser": {"offer": "e30.aa", "spoken": "123456", "x": "AA", "y": "AA"},
    "SignedGreeting": {"greeting": "1.aa", "signature": "AA"},
    "Wakeable": {"greeting": "1.aa", "signature": "AA", "endpoint": "https://x.test", "p256dh": "AA", "auth": "AA"},
    "EnrolDevice": {"user": "DU000000000000000000", "device": "DP000000000000000000"},
    "SignedNumber": {"answer": "{}"},
    "ProposePolicy": {},
    "ActivatePolicy": {"digest": "sha256:00"},
    "RaiseThreat": {"until": "2026-11-22T00:00:00Z", "why": "a campaign"},
    "EraseEvidence": {"case": "c-aaaaaaaaaaaaaaaaaaaa", "retention": "short", "why": "mistake"},
    "Dismiss": {"reason": "test", "words": "looked at it"},
    "Own": {"owner": "noor"},
    "Note": {"words": "looked at it"},
    "Suppress": {"rule": "agent_off_shift", "until": "30d", "why": "night shift"},
    "HoldCase": {"case": "c-aaaaaaaaaaaaaaaaaaaa", "why": "a matter"},
}
"""A well-formed body of each kind, so that a route answers about the person and not about the shape."""


def routes(schema: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Method, path and a well-formed body of each operation."""
    found = []
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = content.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1].rsplit("_", 1)[-1]
            found.append((method.upper(), path, BODIES[name] if name else None))
    # Signing out comes last: every other route is asked under the same session.
    return sorted(found, key=lambda r: (r[0] == "DELETE", r[1], r[0]))


def names_in(staff: Staff, case: str) -> dict[str, str]:
    """What stands for each part of a path: *case* and its account are there, most others are not."""
    account = staff.get(f"/api/cases/{case}").json()["account"]
    names = {"case": case, "token": "wrong", "challenge": "h-none", "account": account, "login": "mara"}
    names |= {"role": "agent", "credential": "k-none", "person": "p-none", "provider": "none", "downtime": "d-none"}
    names |= {"question": "q-none", "name": "none", "feed": "none", "page": "k-none"}
    names |= {"finding": "f-none", "suppression": "s-none"}
    names["tile"] = "entries/000.p/1"
    return names


def test_every_route_for_nobody_for_a_stranger_and_for_somebody_without_a_role(organisation: Any) -> None:
    """The table of what each route answers to no session, a bad one, and one with no role is reviewed as text."""
    ilse = organisation.sign_in("ilse")
    case = ilse.post("/api/cases", BODIES["OpenCase"]).json()["case"]
    names = names_in(ilse, case)
    lows = organisation.sign_in("nobody").client
    lines = [f"{'method':7}{'route':62}{'none':>6}{'bad':>6}{'low':>6}"]
    for method, route, body in routes(ilse.get("/api/schema/openapi.json").json()):
        path = re.sub(r"\{(\w+)\}", lambda m: names[m[1]], route)
        row = []
        for who in ("none", "bad", "low"):
            client = lows if who == "low" else organisation.client()
            client.get("/sign-in")
            if who == "bad":
                client.cookies.set("watchword_session", "not-a-session")
            headers = {"x-csrftoken": client.cookies["csrftoken"]}
            answer = client.request(method, path, json=body, headers=headers, follow_redirects=False)
            assert answer.status_code < 500, (method, path, answer.text)
            row.append(answer.status_code)
        lines.append(f"{method:7}{route:62}{row[0]:6}{row[1]:6}{row[2]:6}")
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text("\n".join(lines) + "\n")
    assert lines == GOLDEN.read_text().splitlines()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused("No.", "Ask.", ("separate",)), 403),
        (Invalid("Wrong.", "Correct it.", where="login"), 422),
        (Conflict("Late.", "Read."), 409),
        (Unavailable("Silent.", "Wait."), 503),
        (Corrupt("Bad.", "Stop.", 7), 500),
    ],
)
def test_each_fault_has_its_status_and_says_the_way_on(error: WatchwordError, status: int) -> None:
    """What happened is the detail, the way on the remedy, and reasons and places are kept apart."""
    problem = problem_of(error)
    assert (problem.status, problem.detail, problem.remedy) == (status, error.what, error.remedy)
    assert problem.type == f"urn:watchword:problem:{error.fault}"
    assert problem.reasons == (("separate",) if isinstance(error, Refused) else ())
    assert problem.where == (("login",) if isinstance(error, Invalid) else ())


def test_every_fault_there_is_has_a_status() -> None:
    """No fault can reach the edge without a status and a title."""

    def below(kind: type[WatchwordError]) -> set[str]:
        return {k.fault for k in kind.__subclasses__()} | {f for k in kind.__subclasses__() for f in below(k)}

    assert below(WatchwordError) <= set(FAULTS)


def test_problems_are_problem_details(organisation: Any) -> None:
    """A refused or malformed request is `application/problem+json` with the members of RFC 9457 and our own."""
    ilse = organisation.sign_in("ilse")
    unknown = ilse.post("/api/cases", BODIES["OpenCase"] | {"account": "no such account"})
    assert unknown.status_code == 422
    assert unknown.headers["content-type"] == "application/problem+json"
    assert set(unknown.json()) == {"type", "title", "status", "detail", "remedy", "where"}
    malformed = ilse.post("/api/cases", {"directory": "sandbox", "surprise": 1})
    assert malformed.status_code == 400
    assert malformed.json()["type"] == "urn:watchword:problem:malformed"
    assert malformed.json()["where"]


def test_what_one_may_not_see_is_answered_like_what_is_not_there(organisation: Any) -> None:
    """A case of somebody else and a case that never was give the same bytes."""
    case = organisation.sign_in("ilse").post("/api/cases", BODIES["OpenCase"]).json()["case"]
    nobody = organisation.sign_in("nobody")
    hidden, missing = nobody.get(f"/api/cases/{case}"), nobody.get("/api/cases/c-aaaaaaaaaaaaaaaaaaaa")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.content == missing.content
    assert nobody.get("/api/cases").json() == []


def test_a_step_without_its_token_is_not_trusted(organisation: Any) -> None:
    """Neither a form nor JSON changes anything without the token of this browser."""
    ilse = organisation.sign_in("ilse")
    for sent in (
        ilse.client.post("/api/cases", json=BODIES["OpenCase"]),
        ilse.client.post("/cases", data=BODIES["OpenCase"]),
        ilse.client.post("/cases", data=BODIES["OpenCase"] | {"_csrf_token": "0" * 128}),
        organisation.client().post("/session", data={"login": "ilse", "password": "correct horse battery"}),
    ):
        assert sent.status_code == 403
        assert "token" in sent.text
    assert ilse.get("/api/cases").json() == []


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_a_page_of_a_neighbour_takes_no_step(organisation: Any, site: str) -> None:
    """A site beside ours may set our token's cookie, and its forms send the session along: its word is not taken.

    Whoever has a page on another host of the domain gets a token of their own here and plants it.
    """
    ilse, stranger = organisation.sign_in("ilse"), organisation.client()
    stranger.get("/sign-in")
    planted = stranger.cookies["csrftoken"]
    ilse.client.cookies.delete("csrftoken")
    ilse.client.cookies.set("csrftoken", planted)
    form = {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock", "_csrf_token": planted}
    body = {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}
    from_there = {"sec-fetch-site": site}
    for sent in (
        ilse.client.post("/cases", data=form, headers=from_there),
        ilse.client.post("/api/cases", json=body, headers=from_there | {"x-csrftoken": planted}),
        ilse.client.post("/session/end", data={"_csrf_token": planted}, headers=from_there),
        stranger.post(
            "/session", data={"login": "ilse", "password": PASSWORD, "_csrf_token": planted}, headers=from_there
        ),
        stranger.post("/api/recover", json={"account": "m.lindqvist", "lost": "unlock"}, headers=from_there),
    ):
        assert sent.status_code == 403, sent.url
    told = ilse.client.post("/api/cases", json=body, headers=from_there | {"x-csrftoken": planted}).json()
    assert "another site sent it" in told["detail"]  # a token that is there and right is not what was wrong
    assert ilse.get("/api/cases").json() == []
    assert ilse.client.get("/cases", headers=from_there).status_code == 200  # a link from elsewhere is followed
    again = ilse.client.post("/api/cases", json=body, headers={"sec-fetch-site": "same-origin", "x-csrftoken": planted})
    assert again.status_code == 201


@pytest.mark.parametrize(
    "path", ["/sign-in", "/api/session", "/static/watchword.css", "/nowhere", "/healthz", "/cases"]
)
def test_every_answer_carries_the_headers(organisation: Any, path: str) -> None:
    """Pages, problems, redirects and static files are all sealed alike."""
    answer = organisation.client().get(path, follow_redirects=False)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"]


def test_the_session_cookie_is_for_this_browser_alone(organisation: Any) -> None:
    """It is unreadable for scripts, sent to this site only, and new at every sign-in whatever was sent along."""
    client = organisation.client()
    client.cookies.set("watchword_session", "planted-by-somebody-else")
    answer = client.post("/api/session", json={"login": "ilse", "password": "correct horse battery"})
    cookie = answer.headers["set-cookie"].lower()
    assert "planted" not in cookie
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_signing_out_ends_the_session_on_the_server(organisation: Any) -> None:
    """The token is worth nothing afterwards, wherever it is kept."""
    ilse = organisation.sign_in("ilse")
    kept = ilse.client.cookies["watchword_session"]
    assert ilse.client.delete("/api/session", headers={"x-csrftoken": ilse.token}).status_code == 204
    again = organisation.client()
    again.cookies.set("watchword_session", kept)
    assert again.get("/api/session").status_code == 401


def test_an_idle_and_an_old_session_end(organisation: Any) -> None:
    """An hour of nothing, or twelve hours of anything, and one has to sign in again; the desk's clock has no say."""
    ilse = organisation.sign_in("ilse")
    organisation.passes(days=30)
    assert ilse.get("/api/session").status_code == 200
    for _ in range(12):
        organisation.wall += timedelta(minutes=59)
        assert ilse.get("/api/session").status_code == 200
    organisation.wall += timedelta(minutes=59)
    assert ilse.get("/api/session").status_code == 401
    idle = organisation.sign_in("ilse")
    organisation.wall += timedelta(minutes=60)
    assert idle.get("/api/session").status_code == 401


def test_guessing_is_slowed_down_by_address(organisation: Any) -> None:
    """Ten failures in a minute close the door for that address, in words that say nothing about who exists."""
    client = organisation.client()
    said = set()
    for login in ("ilse", "does-not-exist") * 5:
        answer = client.post("/api/session", json={"login": login, "password": "wrong wrong wrong"})
        assert answer.status_code == 401
        said.add(answer.text)
    assert len(said) == 1
    right = {"login": "ilse", "password": "correct horse battery"}
    assert client.post("/api/session", json=right).status_code == 429
    organisation.wall += timedelta(minutes=1)
    organisation.at += timedelta(minutes=1)
    assert client.post("/api/session", json=right).status_code == 201


def test_guessing_is_known_to_the_next_process(organisation: Organisation) -> None:
    """What one process closed is closed at another, and after a restart; one entry says so, and names no address."""
    app, client = organisation.app, organisation.client()
    before = app.ledger.size
    for _ in range(FAILURES):
        assert client.post("/api/session", json={"login": "ilse", "password": "wrong"}).status_code == 401
    assert app.ledger.size == before + 1
    other = create_console(app, throttle=Throttle(clock=lambda: organisation.wall))  # which remembers nothing
    url = organisation.open.enter_context(served(other))
    right = {"login": "ilse", "password": PASSWORD}
    met = client.post(f"{url}/api/session", json=right)
    assert (met.status_code, met.json()["remedy"]) == (429, "Try again after 09:01:00 UTC.")
    organisation.at += timedelta(minutes=1)
    assert client.post(f"{url}/api/session", json=right).status_code == 201
    (entry,) = [a.entry for a in app.ledger.entries(before)]
    assert (entry.type, entry.data["failures"]) == ("origin.guessed", FAILURES)
    assert "127.0.0.1" not in str(entry.data)


def test_a_wrong_password_costs_the_same_whoever_it_is_for(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who exists is not told by how long a refusal takes: a login that nobody has, or no password, is hashed for."""
    as_shipped = argon2.PasswordHasher()
    monkeypatch.setattr(desk_people, "_hasher", as_shipped)
    monkeypatch.setattr(desk_people, "_NOBODY", as_shipped.hash("nobody has this password"))
    people, root = organisation.app.people, organisation.app.names.person("root")
    people.set_password(root, organisation.app.names.person("ilse"), "another password of hers", organisation.at)
    people.register(root, login="unset", name="Ursula Unset", kind=Kind.EMPLOYEE, unit="", at=organisation.at)

    def costs(login: str) -> float:
        taken = []
        for _ in range(5):
            before = time.process_time()
            with pytest.raises(Refused):
                people.sign_in(login, "wrong wrong wrong")
            taken.append(time.process_time() - before)
        return min(taken)

    known, nobody, unset = (costs(login) for login in ("ilse", "does-not-exist", "unset"))
    assert known / 3 < nobody < known * 3
    assert known / 3 < unset < known * 3


def test_a_page_of_nobodys_case_is_answered_like_a_wrong_address(organisation: Organisation) -> None:
    """A caller's address with a wrong token, and one for a case that never was, are one answer, in words and status."""
    agent = organisation.sign_in("ilse")
    wish = {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}
    case = agent.post("/api/cases", wish).json()["case"]
    client, token = organisation.client(), organisation.app.desk.hand_over.page_token(CaseId(case))
    said = set()
    for name, shown in ((case, "x" * len(token)), ("c-neverwas0000000000", token), ("c-neverwas0000000000", "x")):
        for answer in (client.get(f"/c/{name}/{shown}"), client.get(f"/api/caller/{name}/{shown}")):
            said.add((answer.status_code, re.sub(r'"_csrf_token" value="[^"]*"', "", answer.text)))
    assert {status for status, _ in said} == {404}
    assert len(said) == 2  # a page and a problem document


def test_a_token_nobody_gave_out_is_nobody() -> None:
    """Neither an absent nor an invented token finds a session."""
    sessions = Sessions(lambda _: "")
    for token in (None, "", "x" * 43):
        with pytest.raises(NotSignedIn):
            sessions.actor(token)


def test_a_session_ends_with_its_password(organisation: Organisation) -> None:
    """Whoever stole a session is signed out as soon as the password behind it is revoked or replaced."""
    wen, root, app = organisation.sign_in("wen"), organisation.sign_in("root"), organisation.app
    person = app.names.person("wen")
    assert wen.get("/api/session").status_code == 200
    held = app.people.sign_in_of(person)
    revoked = root.post(f"/api/people/wen/credentials/{held}/revocation", {"why": "stolen"})
    assert revoked.status_code < 300
    assert wen.get("/api/session").status_code == 401
    assert root.post("/api/people/wen/credentials", {"method": "password", "password": PASSWORD}).status_code < 300
    assert wen.get("/api/session").status_code == 401
    again = organisation.sign_in("wen")
    app.people.set_password(app.names.person("root"), person, "brand new pass 99", organisation.at)
    assert again.get("/api/cases").status_code == 401
    assert root.get("/api/session").status_code == 200


@pytest.mark.parametrize("path", ["/api/session", "/api/recover", "/api/approver"])
def test_a_deeply_nested_body_is_malformed(organisation: Organisation, path: str) -> None:
    """Brackets without end are a mistake of whoever sends them: told so, and no trace is written for it."""
    answer = organisation.client().post(path, content=b"[" * 2000, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 403, 404}, answer.text


def test_nobody_is_signed_in_by_a_form_of_another_site(organisation: Organisation) -> None:
    """JSON that a browser sends as text, as a page of somebody else's can have it do, signs nobody in."""
    body = b'{"login": "wen", "password": "%b"}' % PASSWORD.encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = organisation.client().post(
            "/api/session", content=body, headers={"content-type": kind, "origin": "https://evil.example.test"}
        )
        assert answer.status_code == 400
        assert "set-cookie" not in answer.headers or "session" not in answer.headers["set-cookie"]


def test_the_approvers_page_has_its_own_headers_at_each_address(organisation: Organisation) -> None:
    """The policy of the approver's page goes with the page, not only with what it loads."""
    client = organisation.client()
    page, script = client.get("/approve/"), client.get("/approve/approve.js")
    assert page.status_code == script.status_code == 200
    assert page.headers["content-security-policy"] == script.headers["content-security-policy"]
    bare = client.get("/approve")
    assert (bare.status_code, bare.headers["location"]) == (302, "/approve/")


def test_guesses_side_by_side_are_counted_before_they_are_looked_at(organisation: Organisation) -> None:
    """Of forty at once ten are tried; the network they come from then waits, whatever addresses it takes."""
    said = {"login": "root", "password": "wrong wrong wrong"}

    def guess(number: int) -> int:
        headers = {"x-forwarded-for": f"2001:db8:1:2::{number + 1:x}"}
        return int(organisation.client().post("/api/session", json=said, headers=headers).status_code)

    with ThreadPoolExecutor(max_workers=40) as pool:
        codes = Counter(pool.map(guess, range(40)))
    assert codes == {401: FAILURES, 429: 30}


def test_a_name_hides_nothing(organisation: Organisation) -> None:
    """People write their own name in many a directory: one that turns what follows round is shown as what it is."""
    mail = "n.wren@example.test"
    organisation.sandbox.seed((Seed(login="n\u202e.wren", display_name="Nell\u202e\u200b Wren", mail=mail),))
    app, root = organisation.app, organisation.app.names.person("root")
    nell = app.people.register(root, login="nell", name="Nell Wren", kind=Kind.EMPLOYEE, unit="", at=organisation.at)
    app.people.link(root, nell, "sandbox", app.desk.intake.find("sandbox", mail).native_id, organisation.at)
    agent = organisation.sign_in("ilse")
    asked = {"directory": "sandbox", "account": mail, "action": "password_reset", "reason": "I forgot it."}
    case = agent.post("/api/cases", asked).json()["case"]
    page = agent.get(f"/cases/{case}").text
    assert "Nell\\u202e\\u200b Wren" in page
    assert "n\\u202e.wren" in page
    assert not {"\u202e", "\u200b"} & set(page)


@pytest.mark.parametrize("name", JOINED)
def test_a_name_is_spelt_as_its_owner_spells_it(organisation: Organisation, name: str) -> None:
    """Joiners are part of it, from the form to the case, its caller, the page, a supervisor's site and the mail."""
    app, at, mail = organisation.app, organisation.at, "n.wren@example.test"
    organisation.sandbox.seed((Seed(login="n.wren", display_name=name, mail=mail),))
    root, known = organisation.sign_in("root"), app.names.person
    root.post("/api/people", {"login": "nell", "name": name, "unit": ""}).raise_for_status()
    app.enrolment.totp(known("root"), known("nell"), at)
    root.post("/api/people/nell/accounts", {"directory": "sandbox", "account": mail}).raise_for_status()
    root.post("/api/people/tomas/supervises", {"site": f"{name} 3"}).raise_for_status()
    assert name in root.get("/people/nell").text
    agent = organisation.sign_in("ilse")
    asked = {"directory": "sandbox", "account": mail, "action": "password_reset", "reason": "I forgot it."}
    case = agent.post("/api/cases", asked | {"caller": name}).json()["case"]
    page = agent.get(f"/cases/{case}").text
    assert page.count(name) > 1
    assert "\\u200" not in page
    begun = agent.post(f"/api/cases/{case}/methods", {"method": "in_person"}).json()["challenge"]
    said = agent.post(f"/api/cases/{case}/methods/{begun}", {"answer": f"passport, {name}"})
    assert said.status_code == 200, said.text
    organisation.works()
    assert app.outbox is not None
    assert any(name in sent.text for sent in app.outbox.sent(mail))


def test_who_works_for_one_unit_learns_of_no_others_accounts(organisation: Organisation) -> None:
    """Neither by taking a request in, nor by looking what one would need, nor by a name that several have."""
    app, root, at = organisation.app, organisation.app.names.person("root"), organisation.at
    organisation.sandbox.seed(
        tuple(
            Seed(login=f"kim.{n}", display_name="Kim Vale", unit=unit)
            for n, unit in enumerate(("north", "south", "south"))
        )
    )
    vera = app.people.register(root, login="vera", name="Vera Pohl", kind=Kind.VENDOR, unit="north", at=at)
    app.people.grant(root, vera, RoleGrant(role=Role.AGENT, unit="north"), at)
    app.people.set_password(root, vera, PASSWORD, at)
    agent, size = organisation.sign_in("vera"), app.ledger.size
    told = set()
    for account in ("m.lindqvist", "kim.1", "nobody.here"):
        asked = {"directory": "sandbox", "account": account, "action": "password_reset", "reason": "I forgot it."}
        said = agent.post("/api/cases", asked)
        page = agent.get(f"/cases/needs?account={account}&action=password_reset").text
        told.add((said.status_code, said.json()["detail"].replace(account, ""), page.replace(account, "")))
    assert len(told) == 1
    assert app.ledger.size == size
    asked = {"directory": "sandbox", "account": "Kim Vale", "action": "password_reset", "reason": "I forgot it."}
    assert "nobody_linked" in agent.post("/api/cases", asked).json()["reasons"]  # theirs, and the only one of that name
