"""Web Push over the wire: only the browser can read it, the service knows who sends, and no other host is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace

from tests.notices.push_service import PushService, push_service
from watchword.core.errors import Invalid, Unavailable
from watchword.notices.port import Subscription, Waker
from watchword.notices.web_push import WebPush, _read

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
UNTIL = AT + timedelta(minutes=5)
CONTACT = "mailto:it-security@example.test"
SECRET = b"s" * 32


@pytest.fixture
def service() -> Iterator[PushService]:
    """A push service."""
    with push_service() as running:
        yield running


def waker(service: PushService) -> Waker:
    """The adapter, which trusts the service and nobody else."""
    return WebPush(SECRET, CONTACT, (service.host,))


def test_the_browser_reads_it_and_the_service_does_not(service: PushService) -> None:
    """What arrives is opened with the browser's own key, and stands nowhere in the request in the clear."""
    waker(service).wake(service.subscription, "Öffnen Sie Ihre Anfragen.", AT, UNTIL)
    assert service.shown() == ("Öffnen Sie Ihre Anfragen.",)
    headers, body = service.pushes[0]
    assert b"Anfragen" not in body
    assert (headers["ttl"], headers["urgency"], headers["content-encoding"]) == ("300", "high", "aes128gcm")
    waker(service).wake(service.subscription, "Öffnen Sie Ihre Anfragen.", AT, UNTIL)
    assert service.pushes[1][1] != body


def test_the_service_can_tell_who_sends(service: PushService) -> None:
    """The token is for this service alone, for an hour, by the key a browser subscribes for, which stays the same."""
    made = waker(service)
    made.wake(service.subscription, "Open.", AT, UNTIL)
    assert service.sender() == {
        "aud": f"http://{service.host}",
        "exp": int((AT + timedelta(hours=1)).timestamp()),
        "sub": CONTACT,
        "key": made.key,
    }
    assert waker(service).key == made.key != WebPush(b"t" * 32, CONTACT, ()).key


def test_the_example_of_the_standard() -> None:
    """RFC 8291, section 5: with its keys and salt the sealed message is the one printed there, byte for byte."""
    sender = int.from_bytes(_read("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
    sealed = http_ece.encrypt(
        b"When I grow up, I want to be a watermelon",
        salt=_read("DGv6ra1nlYgDCS1FRnbzlw"),
        private_key=ec.derive_private_key(sender, ec.SECP256R1()),
        dh=_read("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        auth_secret=_read("BTBZMqHH6r4Tts7J_aSIgg"),
    )
    assert sealed == _read(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize(
    ("status", "fault"),
    [(404, Invalid), (410, Invalid), (403, Invalid), (302, Invalid), (429, Unavailable), (503, Unavailable)],
)
def test_a_service_that_does_not_take_it(service: PushService, status: int, fault: type[Exception]) -> None:
    """What is over is not tried again, what is busy is; the error holds nothing that would let anybody wake them."""
    service.status = status
    with pytest.raises(fault) as caught:
        waker(service).wake(service.subscription, "Open.", AT, UNTIL)
    assert "maras-phone" not in str(caught.value)
    assert service.subscription.auth not in repr(service.subscription)


def test_a_service_that_is_away() -> None:
    """Nobody there is `Unavailable`."""
    with push_service() as gone:
        made, where = waker(gone), gone.subscription
    with pytest.raises(Unavailable):
        made.wake(where, "Open.", AT, UNTIL)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://10.0.0.1/push/maras-phone",
        "https://10.0.0.1/push",
        "http://push.example.test/x",
        "https://push.example.test.attacker.test/x",
        "https://attacker.test/push.example.test",
        "https://attacker.test#push.example.test",
        "https://push.example.test@attacker.test/x",
        "https://a@push.example.test/x",
        "https://push.example.test:8443/x",
        "https://notpush.example.test/x",
        "https://push.example.test/" + "x" * 2048,
        "https://[/x",
        "file:///etc/passwd",
        "",
    ],
)
def test_nobody_else_is_asked(endpoint: str) -> None:
    """An endpoint that is none of the services named, by https, is refused before anything goes out."""
    made = WebPush(SECRET, CONTACT, ("push.example.test", "*.wns.example.test"))
    with push_service() as service:
        for asked in (made.demand, lambda where: made.wake(where, "Open.", AT, UNTIL)):
            with pytest.raises(Invalid):
                asked(replace(service.subscription, endpoint=endpoint))


def test_a_whole_family_of_hosts() -> None:
    """A service named with a star is any host below it, and not the name itself nor one that merely ends alike."""
    made = WebPush(SECRET, CONTACT, ("push.example.test", "*.wns.example.test"))
    with push_service() as service:
        where = service.subscription
    made.demand(replace(where, endpoint="https://push.example.test/x"))
    made.demand(replace(where, endpoint="https://db5.wns.example.test/x"))
    for other in ("https://wns.example.test/x", "https://evilwns.example.test/x"):
        with pytest.raises(Invalid):
            made.demand(replace(where, endpoint=other))


@pytest.mark.parametrize(
    "broken",
    [
        {"p256dh": ""},
        {"p256dh": "AAAA"},
        {"p256dh": "B" + "A" * 86},
        {"p256dh": "öö"},
        {"auth": ""},
        {"auth": "AAAA"},
        {"auth": "*" * 22},
    ],
)
def test_keys_that_are_none(service: PushService, broken: dict[str, str]) -> None:
    """What is no point on the curve, or no secret of 16 bytes, is refused when it is said, not when it is needed."""
    where: Subscription = replace(service.subscription, **broken)
    with pytest.raises(Invalid) as caught:
        waker(service).demand(where)
    assert caught.value.where == "keys"
