"""Shared Signals over HTTP: a receiver finds the transmitter, verifies its tokens and polls them; nobody else does."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto import jwk, jwt

from tests.api.organisation import BEGINNING, Organisation
from tests.watch.rows import row
from watchword.app import App
from watchword.core.errors import Invalid
from watchword.settings import load
from watchword.watch.verdicts import append_verdicts

TOKEN = "not-a-real-token"
PART = """
[watch.outputs.idp]
kind = "signals-poll"
token_file = "keys/idp.token"
key_file = "keys/signals.pem"
audience = "https://idp.example.test"
[watch.outputs.lake]
kind = "lines"
path = "alerts.cef"
format = "cef"
"""


def _private(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)


@pytest.fixture
def place(founded: Path, tmp_path: Path) -> Iterator[Organisation]:
    """An organisation with a receiver that polls, and a file."""
    home = shutil.copytree(founded, tmp_path / "home")
    config = home / "watchword.toml"
    config.write_text(config.read_text() + PART)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    key = ec.generate_private_key(ec.SECP256R1())
    _private(home / "keys" / "signals.pem", key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    _private(home / "keys" / "idp.token", TOKEN.encode())
    made = Organisation(home)
    with made.open:
        append_verdicts(home / "verdicts", [row(), row(id="u-0002", target="00uben")])
        for delivery in made.app.telling.deliveries:
            delivery.step(BEGINNING)
        yield made


def _poll(place: Organisation, token: str = TOKEN, path: str = "/api/signals/idp/poll", **asked: Any) -> Any:
    return place.client().post(path, json=asked, headers={"Authorization": f"Bearer {token}"})


def test_a_receiver_finds_verifies_and_polls(place: Organisation) -> None:
    """From the well-known address to the keys to the tokens; what is acknowledged does not come again."""
    found = place.client().get("/.well-known/ssf-configuration").json()
    assert found["issuer"] == place.app.settings.console.public_url
    keys = jwk.JWKSet.from_json(place.client().get("/api/signals/jwks.json").text)
    sets = _poll(place).json()["sets"]
    assert len(sets) == 2
    for jti, token in sets.items():
        claims = json.loads(jwt.JWT(jwt=token, key=keys, algs=["ES256"], check_claims={"jti": jti}).claims)
        assert claims["aud"] == "https://idp.example.test"
    assert _poll(place, ack=[*sets]).json() == {"sets": {}, "moreAvailable": False}


def test_a_stream_is_verified_on_demand(place: Organisation) -> None:
    """The next poll has the verification event with the state that was given."""
    before = _poll(place).json()["sets"]
    assert _poll(place, path="/api/signals/idp/verify", state="abc").status_code == 204
    (token,) = (t for jti, t in _poll(place).json()["sets"].items() if jti not in before)
    read = jwt.JWT(jwt=token, algs=["ES256"])
    read.deserialize(token)
    assert b"verification" in read.token.objects["payload"]


@pytest.mark.parametrize(
    "path", ["/api/signals/idp/poll", "/api/signals/idp/verify", "/api/signals/lake/poll", "/api/signals/no/poll"]
)
@pytest.mark.parametrize("token", ["no", "another", f"{TOKEN}x"])
def test_without_the_token_nothing_is_told(place: Organisation, path: str, token: str) -> None:
    """The answer is the same for a stream that is there and for one that is not."""
    answer = _poll(place, token, path)
    assert answer.status_code == 401
    assert len(_poll(place).json()["sets"]) == 2


@pytest.mark.parametrize("body", ["[]", '{"ack": 1}', '{"maxEvents": -1}', "x" * 300_000])
def test_what_is_no_poll_is_refused(place: Organisation, body: str) -> None:
    """It says so, and nothing that waits is let go."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    assert place.client().post("/api/signals/idp/poll", content=body, headers=headers).status_code in {400, 422}
    assert len(_poll(place).json()["sets"]) == 2


def test_without_an_output_there_is_no_transmitter(organisation: Organisation) -> None:
    """Neither its description nor its keys are there."""
    client = organisation.client()
    assert {client.get(p).status_code for p in ("/.well-known/ssf-configuration", "/api/signals/jwks.json")} == {404}


def test_outputs_run_beside_the_console(place: Organisation) -> None:
    """A verdict is in the file within seconds; a second process leaves the output to the first."""
    append_verdicts(place.home / "verdicts", [row(id="u-0003")])
    with place.app.delivering(), place.app.delivering():
        for _ in range(100):
            if len(lines := (place.home / "alerts.cef").read_text().splitlines()) == 3:
                break
            time.sleep(0.05)
    assert [line.split("|")[0] for line in lines] == ["CEF:0"] * 3


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ('kind = "splunk"\nurl = "https://s.example.test"', "token_file"),
        ('kind = "syslog"', "host"),
        ('kind = "carrier pigeon"', "kind"),
        ('kind = "lines"\npath = "x"\nformat = "leef"', "format"),
    ],
)
def test_an_output_that_is_not_whole_is_told(founded: Path, tmp_path: Path, given: str, named: str) -> None:
    """The settings name what is missing before anything starts."""
    home = shutil.copytree(founded, tmp_path / "home")
    config = home / "watchword.toml"
    config.write_text(f"{config.read_text()}\n[watch.outputs.one]\n{given}\n")
    with pytest.raises(Invalid, match=named):
        load(config)


def test_who_delivers_nothing_needs_no_secret_of_an_output(founded: Path, tmp_path: Path) -> None:
    """An executor starts without the tokens of SIEMs and of logs; whoever delivers or follows is refused."""
    home = shutil.copytree(founded, tmp_path / "home")
    config = home / "watchword.toml"
    source = '[watch.sources.okta]\nkind = "okta"\nurl = "https://example.okta.com"\ntoken_file = "keys/none"\n'
    config.write_text(config.read_text() + PART + source)
    with App(load(config)) as app:
        app.runner_of(desk=False, executor=True)
        for asked in (lambda: app.telling, lambda: app.watching):
            with pytest.raises(Invalid):
                asked()
