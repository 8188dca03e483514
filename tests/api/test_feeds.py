"""Services that call the watch, over HTTP: who is let in, what is durable, and what is judged of it; and the canary."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, KeySet

from tests.api.organisation import BEGINNING, Organisation
from watchword.core.account import AccountClass
from watchword.core.errors import Refused
from watchword.core.identity_event import Verdict
from watchword.directories.sandbox import Seed
from watchword.feeds import CanaryPart
from watchword.singing import Singing
from watchword.watching import Watching

SECRET = "a secret that two agreed on"
ISSUER, AUDIENCE = "https://idp.example.test", "https://desk.example.test"
KEY = ECKey.generate_key("P-256", {"kid": "k1"})
CONFIG = f"""
[watch.sources.okta-hook]
kind = "okta_hook"
secret_file = "hook.secret"
directory = "okta"
[watch.sources.pipeline]
kind = "webhook"
provider = "okta"
secret_file = "hook.secret"
header = "x-signature"
[watch.sources.signals]
kind = "ssf_push"
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
jwks = "idp.jwks"
[watch.canary]
directory = "sandbox"
account = "t.adeyemi"
"""


@pytest.fixture
def place(founded: Path, tmp_path: Path) -> Iterator[Organisation]:
    """An organisation whose watch is called, and has a canary."""
    home = tmp_path / "home"
    shutil.copytree(founded, home)
    config = home / "watchword.toml"
    config.write_text(config.read_text() + CONFIG)
    (home / "hook.secret").write_text(SECRET)
    (home / "hook.secret").chmod(0o600)
    (home / "idp.jwks").write_text(json.dumps(KeySet([KEY]).as_dict(private=False)))
    made = Organisation(home)
    with made.open:
        yield made


def event(name: str) -> dict[str, Any]:
    """A reset that nobody knows a case for."""
    return {
        "uuid": name,
        "published": BEGINNING.isoformat(),
        "eventType": "user.account.reset_password",
        "actor": {"id": "00uhelen", "type": "User", "alternateId": "helen@example.test"},
        "target": [{"id": "00uana", "type": "User", "alternateId": "ana@example.test"}],
        "outcome": {"result": "SUCCESS"},
    }


def test_an_event_hook_is_verified_delivers_and_is_judged(place: Organisation) -> None:
    """Okta's challenge comes back, its events are on disk before the answer, and the next step judges them."""
    client = place.client()
    asked = {"authorization": SECRET, "x-okta-verification-challenge": "c-1"}
    assert client.get("/api/feeds/okta-hook", headers=asked).json() == {"verification": "c-1"}
    assert client.get("/api/feeds/okta-hook", headers={**asked, "authorization": "guess"}).status_code == 401
    body = {"eventId": "e-1", "data": {"events": [event("u-1"), event("u-2")]}}
    answer = client.post("/api/feeds/okta-hook", json=body, headers={"authorization": SECRET})
    assert (answer.status_code, answer.json()) == (200, {"events": 2})
    assert (place.home / "spools" / "okta-hook" / "00000000.jsonl").read_bytes().count(b"\n") == 2
    rows = [row for row in place.app.watching.step() if row.action is not None]
    assert {(row.id, row.directory, row.verdict) for row in rows} == {
        ("u-1", "okta", Verdict.SUSPICIOUS),
        ("u-2", "okta", Verdict.SUSPICIOUS),
    }
    assert client.post("/api/feeds/okta-hook", json=body, headers={"authorization": SECRET}).json() == {"events": 0}


def test_nobody_else_is_let_in(place: Organisation) -> None:
    """No secret, no such feed, another kind of feed, a body that is too long or none."""
    client = place.client()
    assert client.post("/api/feeds/okta-hook", json={}).status_code == 401
    assert client.post("/api/feeds/nobody", json={}).status_code == 404
    assert client.get("/api/feeds/signals").status_code == 404
    known = {"authorization": SECRET}
    assert client.post("/api/feeds/okta-hook", content=b"[]", headers=known).status_code == 422
    large = client.post("/api/feeds/okta-hook", content=b" " * (5 * 1024 * 1024), headers=known)
    assert large.status_code == 400
    assert not (place.home / "spools" / "okta-hook").exists()


def test_a_signed_delivery_is_refused_the_second_time(place: Organisation) -> None:
    """Once taken, a replay conflicts; a signature over other bytes lets nobody in."""
    client, body = place.client(), json.dumps(event("u-3")).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    sent = [
        client.post("/api/feeds/pipeline", content=content, headers={"x-signature": signature}).status_code
        for content in (body + b" ", body, body)
    ]
    assert sent == [401, 200, 409]


def test_a_security_event_token_is_answered_as_the_rfc_says(place: Organisation) -> None:
    """202 and no body for a token, 400 with `err` and `description` for what is none."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": "j-1",
        "iat": int(BEGINNING.timestamp()),
        "sub_id": {"format": "email", "email": "ana@example.test"},
        "events": {"https://schemas.openid.net/secevent/risc/event-type/account-enabled": {}},
    }
    header = {"alg": "ES256", "typ": "secevent+jwt", "kid": "k1"}
    token = jws.serialize_compact(header, json.dumps(claims).encode(), KEY, algorithms=["ES256"])
    client, kind = place.client(), {"content-type": "application/secevent+jwt"}
    answer = client.post("/api/feeds/signals", content=token, headers=kind)
    assert (answer.status_code, answer.content) == (202, b"")
    answer = client.post("/api/feeds/signals", content=token[:-4], headers=kind)
    assert (answer.status_code, answer.json()["err"]) == (400, "invalid_key")
    assert set(answer.json()) == {"err", "description"}
    rows = [row for row in place.app.watching.step() if row.provider == "ssf"]
    assert [(row.target, row.verdict) for row in rows] == [("ana@example.test", Verdict.UNVERIFIED)]


def sing(place: Organisation) -> bool:
    """Let the canary sing, if that is due."""
    assert place.app.canary is not None
    return place.app.canary.sing()


def test_the_canary_is_seen(place: Organisation) -> None:
    """Its reset is done when due, its event is the canary's and nobody's finding; a second reset there is one."""
    assert sing(place)
    assert not sing(place)
    (row,) = (row for row in place.app.watching.step() if row.native_action == "user.account.reset_password")
    assert (row.verdict, row.reasons) == (Verdict.IGNORED, ("canary",))
    place.at += timedelta(hours=1)
    assert sing(place)
    assert "canary_missing" not in {r for row in place.app.watching.step() for r in row.reasons}


def test_a_canary_that_is_not_seen_is_a_finding(place: Organisation) -> None:
    """The account was reset, and the log says nothing of it: the watch is blind, and says so, once."""
    assert sing(place)
    (place.home / "audit.jsonl").unlink(missing_ok=True)
    place.at += timedelta(minutes=16)
    found = [row for row in place.app.watching.step() if row.reasons == ("canary_missing",)]
    assert [(row.verdict, row.target) for row in found] == [(Verdict.SUSPICIOUS, "canary")]
    assert not [row for row in place.app.watching.step() if row.reasons == ("canary_missing",)]


def test_a_canary_that_nobody_resets_is_a_finding(place: Organisation) -> None:
    """Whoever resets is not there, or writes it down elsewhere: it is told once, with the folder that both need."""
    place.app.watching.step()
    place.at += timedelta(hours=2)
    assert not [row for row in place.app.watching.step() if row.target == "canary"]
    place.at += timedelta(minutes=16)
    (row,) = (row for row in place.app.watching.step() if row.target == "canary")
    assert (row.verdict, row.reasons) == (Verdict.SUSPICIOUS, ("canary_silent",))
    assert "watch.state" in (row.detail or "")
    assert str(place.home / "watch") in (row.detail or "")
    assert not [row for row in place.app.watching.step() if row.target == "canary"]


@pytest.mark.parametrize("is_apart", [False, True])
def test_what_the_watch_finds_becomes_findings_wherever_it_runs(place: Organisation, is_apart: bool) -> None:
    """Verdicts and hits of signals join one finding, once; also when a process of its own follows."""
    hook = {"authorization": SECRET}
    body = {"eventId": "e-1", "data": {"events": [event("u-1"), event("u-2")]}}
    place.client().post("/api/feeds/okta-hook", json=body, headers=hook)
    if is_apart:
        with Watching(place.app.settings, place.app.clock) as watching:
            watching.step()
        place.app.find()
    else:
        place.app.watch()
    raised = place.app.findings.all()
    assert {item.event for one in raised for item in one.items if item.event} >= {"u-1", "u-2"}
    assert {item.rule.split(".")[0] for one in raised for item in one.items} >= {"verdict"}
    place.app.find()
    assert place.app.findings.all() == raised


def test_the_watch_goes_on_while_findings_can_not_be_kept(place: Organisation) -> None:
    """A damaged file is told, verdicts are given meanwhile, and findings follow when it is mended, without a start."""
    hits, told = place.home / "watch" / "hits.json", place.home / "watch" / "findings.json"
    hits.parent.mkdir(exist_ok=True)
    stop = threading.Event()
    hook = {"authorization": SECRET}

    def post(name: str) -> None:
        body = {"eventId": name, "data": {"events": [event(name)]}}
        assert place.client().post("/api/feeds/okta-hook", json=body, headers=hook).status_code == 200

    def awaited(is_so: Callable[[], bool]) -> bool:
        return any(is_so() or stop.wait(0.05) for _ in range(400))

    def events() -> set[str]:
        return {item.event for one in place.app.findings.all() for item in one.items if item.event}

    watching = threading.Thread(target=place.app._keep_watching, args=(stop, 0.02))
    hits.write_bytes(b"{ half")
    watching.start()
    try:
        post("u-1")
        assert awaited(told.exists)
        hits.write_bytes(b"{ half")  # the sweep of a step may have mended it
        place.at += timedelta(minutes=2)
        post("u-2")
        assert awaited(lambda: {row.id for row in place.app.board()} >= {"u-1", "u-2"})
        hits.write_bytes(b"[]")
        place.at += timedelta(minutes=2)
        assert awaited(lambda: events() >= {"u-1", "u-2"})
        assert awaited(lambda: not told.exists())
        assert watching.is_alive()
    finally:
        stop.set()
        watching.join(10)
    marked = [(item.rule, item.event) for one in place.app.findings.all() for item in one.items]
    assert len(marked) == len(set(marked))


def test_a_canary_is_nobody_of_weight(place: Organisation) -> None:
    """Settings that name an administrator as the canary have nobody reset."""
    place.sandbox.seed((Seed(login="adm.canary", display_name="Admin", groups=("Administrators",)),))
    (found,) = place.sandbox.find("adm.canary")
    part = CanaryPart(directory="sandbox", account="adm.canary")
    assert found.account_class is AccountClass.PRIVILEGED
    with pytest.raises(Refused, match="dummy"):
        Singing(part, place.sandbox, place.home / "acts.json", place.app.clock).sing()
    assert not (place.home / "acts.json").exists()
