"""A receiver sets up its own stream of security events, and nobody else's: by poll or push, paused, and taken down."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto import jwk, jwt

from tests.api.organisation import BEGINNING, Organisation
from tests.notices.receiver import Receiver, receiving
from tests.watch.rows import row
from watchword.watch.formats.security_events import ASSURANCE, RISK, VERIFICATION
from watchword.watch.outputs.delivery import Delivery
from watchword.watch.verdicts import append_verdicts

TOKEN, OTHER = "not-a-real-token", "another-made-up-token"
PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"


class Transmitting:
    """An organisation with two receivers, one of which may have its events pushed to *receiver*."""

    def __init__(self, home: Path, receiver: Receiver) -> None:
        config = home / "watchword.toml"
        part = '\n[watch.outputs.{name}]\nkind = "signals"\ntoken_file = "keys/{name}.token"\n'
        part += 'key_file = "keys/signals.pem"\naudience = "https://{name}.example.test"\n'
        url = f'url = "{receiver.url}"\n'
        config.write_text(config.read_text() + part.format(name="idp") + url + part.format(name="siem"))
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        key = ec.generate_private_key(ec.SECP256R1())
        self._keep(home / "keys" / "signals.pem", key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
        self._keep(home / "keys" / "idp.token", TOKEN.encode())
        self._keep(home / "keys" / "siem.token", OTHER.encode())
        self.receiver, self.home, self.organisation = receiver, home, Organisation(home)

    @staticmethod
    def _keep(path: Path, content: bytes) -> None:
        path.write_bytes(content)
        path.chmod(0o600)

    def ask(self, method: str, path: str, body: object = None, *, token: str = TOKEN) -> Any:
        """What one request of a receiver is answered."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        content = json.dumps(body) if body is not None else None
        return self.organisation.client().request(method, f"/api/signals/{path}", content=content, headers=headers)

    def made(self, **asked: object) -> Any:
        """A stream, set up."""
        answer = self.ask("POST", "streams", asked)
        assert answer.status_code == 201, answer.text
        return answer.json()

    @property
    def delivery(self) -> Delivery:
        """What brings it its events."""
        return next(one for one in self.organisation.app.telling.deliveries if one.name == "idp")

    def verdicts(self, *ids: str, **fields: Any) -> None:
        """Events without evidence."""
        append_verdicts(self.home / "verdicts", [row(id=id_, **fields) for id_ in ids])

    def polled(self) -> list[Any]:
        """The claims of what a poll finds, verified, which is acknowledged at once."""
        sets = self.ask("POST", "idp/poll", {}).json()["sets"]
        self.ask("POST", "idp/poll", {"ack": [*sets], "maxEvents": 0})
        return [self.claims(token) for token in sets.values()]

    def claims(self, token: str) -> Any:
        """The claims of one token, verified with the published keys."""
        keys = jwk.JWKSet.from_json(self.organisation.client().get("/api/signals/jwks.json").text)
        return json.loads(jwt.JWT(jwt=token, key=keys, algs=["ES256"]).claims)


@pytest.fixture
def place(founded: Path, tmp_path: Path) -> Iterator[Transmitting]:
    """Two receivers that have set up nothing yet."""
    home = shutil.copytree(founded, tmp_path / "home")
    with receiving() as receiver:
        receiver.status = 202
        made = Transmitting(home, receiver)
        with made.organisation.open:
            yield made


def test_a_receiver_finds_sets_up_reads_changes_and_takes_down(place: Transmitting) -> None:
    """The whole life of a stream, at the endpoints that the well-known address names."""
    found = place.organisation.client().get("/.well-known/ssf-configuration").json()
    url = place.organisation.app.settings.console.public_url
    assert found["configuration_endpoint"] == f"{url}/api/signals/streams"
    assert found["authorization_schemes"] == [{"spec_urn": "urn:ietf:rfc:6750"}]
    assert {"status_endpoint", "add_subject_endpoint", "remove_subject_endpoint", "verification_endpoint"} <= {*found}

    assert place.ask("GET", "streams").json() == []
    made = place.made(events_requested=[RISK, "https://example.test/unknown"], description="for the IdP", unknown=1)
    assert (made["iss"], made["aud"]) == (url, "https://idp.example.test")
    assert made["delivery"] == {"method": POLL, "endpoint_url": f"{url}/api/signals/idp/poll"}
    assert (made["events_supported"], made["events_delivered"]) == ([RISK, ASSURANCE], [RISK])
    assert place.ask("POST", "streams", {}).status_code == 409
    id_ = made["stream_id"]
    assert place.ask("GET", "streams").json() == [made]
    assert place.ask("GET", f"streams?stream_id={id_}").json() == made
    changed = place.ask("PATCH", "streams", {"stream_id": id_, "events_requested": [ASSURANCE]}).json()
    assert (changed["events_delivered"], changed["description"]) == ([ASSURANCE], "for the IdP")
    replaced = place.ask("PUT", "streams", {"stream_id": id_}).json()
    assert replaced["events_delivered"] == [RISK, ASSURANCE]
    assert "description" not in replaced
    assert place.ask("DELETE", "streams").status_code == place.ask("PATCH", "streams", {}).status_code == 400
    assert place.ask("DELETE", f"streams?stream_id={id_}").status_code == 204
    assert place.ask("GET", f"streams?stream_id={id_}").status_code == 404
    assert place.ask("DELETE", f"streams?stream_id={id_}").status_code == 404


def test_alerts_wait_for_a_stream_and_while_it_is_paused(place: Transmitting) -> None:
    """Before it is set up, and while it is paused, nothing is lost; while it is disabled, what comes is."""
    place.verdicts("u-1")
    assert place.delivery.step(BEGINNING) == 0
    assert "has not set up" in str(place.delivery.error)
    id_ = place.made()["stream_id"]
    at = BEGINNING + timedelta(minutes=10)
    assert place.delivery.step(at) == 1
    assert [one["events"][RISK]["current_level"] for one in place.polled()] == ["HIGH"]

    said = place.ask("POST", "status", {"stream_id": id_, "status": "paused", "reason": "maintenance"}).json()
    assert said == {"stream_id": id_, "status": "paused", "reason": "maintenance"}
    place.verdicts("u-2")
    assert place.delivery.step(at) == 0
    assert place.ask("POST", "status", {"stream_id": id_, "status": "enabled"}).status_code == 200
    assert place.delivery.step(at + timedelta(minutes=10)) == 1
    assert len(place.polled()) == 1

    place.ask("POST", "status", {"stream_id": id_, "status": "disabled"})
    place.verdicts("u-3")
    assert place.delivery.step(at + timedelta(minutes=10)) == 1
    assert place.ask("GET", f"status?stream_id={id_}").json()["status"] == "disabled"
    place.ask("POST", "status", {"stream_id": id_, "status": "enabled"})
    assert place.polled() == []
    assert place.ask("POST", "status", {"stream_id": id_, "status": "asleep"}).status_code == 400


def test_events_and_subjects_that_were_not_asked_for_are_not_sent(place: Transmitting) -> None:
    """A subject that is taken out is told of no more until it is put back; another event of it never was."""
    id_ = place.made(events_requested=[RISK])["stream_id"]
    gone = {"stream_id": id_, "subject": {"id": "corp/00uana", "format": "opaque"}}
    assert place.ask("POST", "remove-subject", gone).status_code == 204
    place.verdicts("u-1")
    place.verdicts("u-2", target="00uben")
    place.delivery.step(BEGINNING)
    assert [one["sub_id"]["id"] for one in place.polled()] == ["corp/00uben"]
    assert place.ask("POST", "add-subject", gone).status_code == 200
    place.verdicts("u-3")
    place.delivery.step(BEGINNING)
    assert [one["sub_id"]["id"] for one in place.polled()] == ["corp/00uana"]
    place.ask("PATCH", "streams", {"stream_id": id_, "events_requested": [ASSURANCE]})
    place.verdicts("u-4")
    assert place.delivery.step(BEGINNING) == 1
    assert place.polled() == []
    assert place.ask("POST", "add-subject", {"stream_id": id_, "subject": {"user": {"id": "x"}}}).status_code == 400


def test_events_are_pushed_where_the_receiver_says(place: Transmitting) -> None:
    """With the header that it gave; the verification event as well, not more often than it may."""
    where = f"{place.receiver.url}/events?a=b"
    wish = {"method": PUSH, "endpoint_url": where, "authorization_header": "Bearer made-up"}
    made = place.made(delivery=wish)
    assert made["delivery"] == {"method": PUSH, "endpoint_url": where}
    assert (place.home / "outputs" / "idp" / "stream.json").stat().st_mode & 0o777 == 0o600
    place.verdicts("u-1")
    assert place.delivery.step(BEGINNING) == 1
    ask = {"stream_id": made["stream_id"], "state": "abc"}
    assert place.ask("POST", "verification", ask).status_code == 204
    again = place.ask("POST", "verification", ask)
    assert (again.status_code, again.headers["retry-after"]) == (429, "30")
    (event, verification) = place.receiver.asked
    assert {path for path, _, _ in place.receiver.asked} == {"/events?a=b"}
    assert event[1]["authorization"] == "Bearer made-up"
    claims = place.claims(verification[2].decode())
    assert (claims["sub_id"]["id"], claims["events"][VERIFICATION]["state"]) == (made["stream_id"], "abc")
    assert place.ask("POST", "idp/poll", {}).status_code == 422


def test_a_receiver_can_not_have_us_call_whom_it_likes(place: Transmitting) -> None:
    """Only the origin that the settings name is pushed to; whoever has none polls; waiting events are not stranded."""
    for url in ("http://127.0.0.1:1/x", "https://other.example.test/", f"{place.receiver.url}.example.test/", "x", ""):
        wish = {"delivery": {"method": PUSH, "endpoint_url": url}}
        assert place.ask("POST", "streams", wish).status_code == 400
    mine = {"delivery": {"method": PUSH, "endpoint_url": f"{place.receiver.url}/x"}}
    assert place.ask("POST", "streams", mine, token=OTHER).status_code == 400
    header = {"delivery": {**mine["delivery"], "authorization_header": "a\r\nb: c"}}
    assert place.ask("POST", "streams", header).status_code == 400
    id_ = place.made()["stream_id"]
    place.verdicts("u-1")
    place.delivery.step(BEGINNING)
    assert place.ask("PATCH", "streams", {"stream_id": id_, **mine}).status_code == 409
    assert len(place.polled()) == 1
    assert place.ask("PATCH", "streams", {"stream_id": id_, **mine}).status_code == 200


def test_a_verification_is_found_by_the_next_poll(place: Transmitting) -> None:
    """It is about the stream by its id."""
    id_ = place.made()["stream_id"]
    assert place.ask("POST", "verification", {"stream_id": id_}).status_code == 204
    (claims,) = place.polled()
    assert (claims["sub_id"]["id"], claims["events"]) == (id_, {VERIFICATION: {}})


def test_without_a_token_nothing_is_told(place: Transmitting) -> None:
    """Every endpoint answers as if nobody had a stream, and another receiver's token reaches none but its own."""
    id_ = place.made()["stream_id"]
    asked = [
        ("GET", "streams", None),
        ("POST", "streams", {}),
        ("PATCH", "streams", {"stream_id": id_}),
        ("PUT", "streams", {"stream_id": id_}),
        ("DELETE", f"streams?stream_id={id_}", None),
        ("GET", f"status?stream_id={id_}", None),
        ("POST", "status", {"stream_id": id_, "status": "disabled"}),
        ("POST", "add-subject", {"stream_id": id_, "subject": {}}),
        ("POST", "remove-subject", {"stream_id": id_, "subject": {}}),
        ("POST", "verification", {"stream_id": id_}),
        ("POST", "idp/poll", {}),
    ]
    for token in ("x", "no", f"{TOKEN}x"):
        assert {place.ask(*one, token=token).status_code for one in asked} == {401}
    others = [one for one in asked if one[1] not in {"streams", "idp/poll"} or one[0] in {"PATCH", "PUT"}]
    assert {place.ask(*one, token=OTHER).status_code for one in others} == {404}
    assert place.ask("GET", "streams", token=OTHER).json() == []
    assert place.ask("GET", f"status?stream_id={id_}").json()["status"] == "enabled"


def test_what_can_not_be_read_is_refused(place: Transmitting) -> None:
    """It says so, and no stream is set up."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    for body in ("[]", "{", '{"delivery": {"method": "carrier pigeon"}}', '{"events_requested": 1}'):
        answer = place.organisation.client().post("/api/signals/streams", content=body, headers=headers)
        assert answer.status_code == 400
    assert place.ask("GET", "streams").json() == []
