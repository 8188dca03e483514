"""Webhooks: who calls is shown before anything is read, and what is thanked for is durable."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path

import pytest

from watchword.core.errors import Invalid
from watchword.watch.sources.hooks import Denied, HmacHook, OktaHook, Replayed
from watchword.watch.sources.spool import Position, Spool

from .conftest import NOON, Okta

SECRET = "a secret that two agreed on"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Where deliveries go."""
    return Spool(tmp_path / "spool")


def spooled(spool: Spool) -> list[object]:
    """The events that are durable."""
    part = Spool(spool.folder).read(Position())
    return [] if part is None else [json.loads(line) for line in part.read().splitlines()]


def sign(body: bytes, stamp: str | None = None, secret: str = SECRET) -> str:
    """The signature over *body*, with its time."""
    return hmac.new(secret.encode(), (f"{stamp}.".encode() if stamp else b"") + body, hashlib.sha256).hexdigest()


def test_okta_verifies_the_endpoint(spool: Spool) -> None:
    """The challenge comes back to whoever has the secret."""
    hook = OktaHook(spool, SECRET)
    headers = {"authorization": SECRET, "x-okta-verification-challenge": "abc123"}
    assert hook.challenge(headers) == "abc123"
    with pytest.raises(Denied):
        hook.challenge({**headers, "authorization": "guess"})
    with pytest.raises(Invalid):
        hook.challenge({"authorization": SECRET})


def test_okta_delivers_events(spool: Spool, okta: Okta) -> None:
    """Every event of a delivery is spooled once, however often it is delivered."""
    hook, events = OktaHook(spool, SECRET), [okta(), okta(target="00uben")]
    body = json.dumps({"eventId": "e-1", "eventType": "com.okta.event_hook", "data": {"events": events}}).encode()
    assert hook.take(body, {"authorization": SECRET}, NOON) == 2
    assert hook.take(body, {"authorization": SECRET}, NOON) == 0
    assert spooled(spool) == events


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": null}', b'{"data": {"events": [1]}}', b"[" * 100_000])
def test_okta_delivers_nonsense(spool: Spool, body: bytes) -> None:
    """What is no delivery is refused, and nothing of it kept."""
    with pytest.raises(Invalid):
        OktaHook(spool, SECRET).take(body, {"authorization": SECRET}, NOON)
    assert spooled(spool) == []


def test_nobody_is_let_in_by_a_guess(spool: Spool) -> None:
    """No header, another secret, and characters that are none: denied before the body is looked at."""
    for given in ("", "a secret", SECRET + " ", "ä" * 27, "\U0001f600"):
        with pytest.raises(Denied):
            OktaHook(spool, SECRET).take(b"", {"authorization": given}, NOON)
    with pytest.raises(Invalid, match="too short"):
        OktaHook(spool, "short")


def test_a_signed_delivery_is_taken_once(spool: Spool) -> None:
    """The signature covers time and body; the second time it is a replay, by another process too."""
    body, stamp = b'[{"type": "a"}, {"type": "b"}]', str(int(NOON.timestamp()))
    headers = {"x-signature": "sha256=" + sign(body, stamp), "x-time": stamp}
    hook = HmacHook(spool, SECRET, header="X-Signature", prefix="sha256=", timestamp="X-Time")
    assert hook.take(body, headers, NOON) == 2
    for again in (
        hook,
        HmacHook(Spool(spool.folder), SECRET, header="X-Signature", prefix="sha256=", timestamp="X-Time"),
    ):
        with pytest.raises(Replayed):
            again.take(body, headers, NOON)
    assert spooled(spool) == [{"type": "a"}, {"type": "b"}]


def test_a_delivery_without_a_time_is_known_for_as_long_as_it_is_kept(spool: Spool) -> None:
    """Captured and brought again, in whatever case its signature is, it is refused, also after a start."""
    body = b'{"type": "a"}'
    headers = {"x-signature": sign(body)}
    assert HmacHook(spool, SECRET, header="x-signature").take(body, headers, NOON) == 1
    for days in (1, 29):
        at = NOON + timedelta(days=days)
        spool.prune(spool.end, at - timedelta(days=30))
        for place in (spool, Spool(spool.folder)):
            for given in (headers, {"x-signature": sign(body).upper()}):
                with pytest.raises(Replayed):
                    HmacHook(place, SECRET, header="x-signature").take(body, given, at)
    assert spooled(spool) == [{"type": "a"}]


@pytest.mark.parametrize("event_id", [None, 7, ""])
def test_okta_s_delivery_without_an_id_is_known_by_its_body(spool: Spool, okta: Okta, event_id: object) -> None:
    """Whoever has one such delivery can not bring it again and again; another body is another delivery."""
    hook, delivery = OktaHook(spool, SECRET), {"eventId": event_id, "data": {"events": [okta()]}}
    headers = {"authorization": SECRET}
    assert hook.take(json.dumps(delivery).encode(), headers, NOON) == 1
    assert hook.take(json.dumps(delivery).encode(), headers, NOON) == 0
    assert hook.take(json.dumps(delivery | {"data": {"events": [okta()]}}).encode(), headers, NOON) == 1
    assert len(spooled(spool)) == 2


def test_a_signature_that_does_not_hold_is_denied(spool: Spool) -> None:
    """Another body, another time, another secret, an old time, no signature, no prefix."""
    hook = HmacHook(spool, SECRET, header="x-signature", prefix="v1=", timestamp="x-time")
    body, stamp = b'{"type": "a"}', str(int(NOON.timestamp()))
    good = {"x-signature": "v1=" + sign(body, stamp), "x-time": stamp}
    for bad, at in (
        ({**good, "x-time": str(int(stamp) + 1)}, NOON),
        ({**good, "x-signature": "v1=" + sign(body, stamp, "other" * 5)}, NOON),
        ({**good, "x-signature": sign(body, stamp)}, NOON),
        ({**good, "x-signature": "v1=ä"}, NOON),
        ({"x-time": stamp}, NOON),
        ({"x-signature": "v1=" + sign(body, "soon"), "x-time": "soon"}, NOON),
        (good, NOON + timedelta(minutes=6)),
        (good, NOON - timedelta(minutes=6)),
    ):
        with pytest.raises(Denied):
            hook.take(body, bad, at)
    with pytest.raises(Denied):
        hook.take(body + b" ", good, NOON)
    assert spooled(spool) == []
    assert hook.take(body, good, NOON) == 1


def test_half_a_character_hides_no_event(spool: Spool) -> None:
    """A delivery with half of a surrogate pair is taken from either kind of caller, and read as any log is."""
    event = b'{"eventType": "a", "who": "\\ud800"}'
    hook = HmacHook(spool, SECRET, header="x-signature")
    assert hook.take(event, {"x-signature": sign(event)}, NOON) == 1
    body = b'{"eventId": "e", "data": {"events": [' + event + b"]}}"
    assert OktaHook(spool, SECRET).take(body, {"authorization": SECRET}, NOON) == 1
    assert spooled(spool) == [json.loads(event)] * 2


def test_events_may_lie_under_a_member(spool: Spool) -> None:
    """The list that a body has under the configured name."""
    body = b'{"sent": 1, "Records": [{"a": 1}]}'
    hook = HmacHook(spool, SECRET, header="x-signature", member="Records")
    assert hook.take(body, {"x-signature": sign(body)}, NOON) == 1
    assert spooled(spool) == [{"a": 1}]
