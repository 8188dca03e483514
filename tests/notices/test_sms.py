"""Text messages through a real HTTP server: the contract of both providers, what they may answer, and what is sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.notices.conftest import closed_port
from tests.notices.receiver import Receiver
from watchword.core.account import Contact
from watchword.core.errors import Invalid, Unavailable
from watchword.notices.contract import NotifierContract
from watchword.notices.port import Notice, Notifier
from watchword.notices.simulators import Outbox, SimulatedTexts
from watchword.notices.sms import LONGEST, Gateway, GenericGateway, HttpTexts, TwilioShaped
from watchword.settings import load

TOKEN = "not-a-real-token"
NOTICE = Notice(
    id="case/7/send/1",
    kind="code",
    to=Contact(kind="phone", value="+49 30 555 0189", changed_at=None),
    subject="Text message",
    text="4711 0815 is your code.",
    at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
)


def twilio(url: str) -> TwilioShaped:
    """The provider shaped like Twilio, elsewhere."""
    return TwilioShaped(account="AC0123", token=TOKEN, sender="+15005550006", base=url)


def gateway(url: str) -> GenericGateway:
    """A gateway of one's own."""
    return GenericGateway(url=f"{url}/texts", token=TOKEN)


class Http(NotifierContract):
    """Both providers over HTTP."""

    @pytest.fixture(autouse=True)
    def _server(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def provider(self, url: str) -> Gateway:
        """The provider at *url*."""
        raise NotImplementedError

    def notifier(self) -> Notifier:
        """One that answers."""
        return HttpTexts(self.provider(self.receiver.url), timeout_s=2)

    def away(self) -> Notifier:
        """One that is not there."""
        return HttpTexts(self.provider(f"http://127.0.0.1:{closed_port()}"), timeout_s=2)


class TestTwilioShaped(Http):
    """A form, and JSON back."""

    def provider(self, url: str) -> Gateway:
        """Shaped like Twilio."""
        return twilio(url)

    def arrived(self) -> tuple[str, ...]:
        """The bodies of the forms."""
        return tuple(form["Body"].rstrip() for form in self.receiver.forms())


class TestGenericGateway(Http):
    """JSON there."""

    def provider(self, url: str) -> Gateway:
        """A gateway of one's own."""
        return gateway(url)

    def arrived(self) -> tuple[str, ...]:
        """The texts of the JSON."""
        return tuple(json.loads(body)["text"].rstrip() for _, _, body in self.receiver.asked)


class TestSimulatedTexts(NotifierContract):
    """The simulator keeps texts in an outbox."""

    @pytest.fixture(autouse=True)
    def _outbox(self) -> Iterator[None]:
        self.outbox = Outbox()
        yield
        self.outbox.close()

    def notifier(self) -> Notifier:
        """One that answers."""
        return SimulatedTexts(self.outbox)

    def away(self) -> Notifier:
        """One that does not."""
        return SimulatedTexts(self.outbox, away=True)

    def arrived(self) -> tuple[str, ...]:
        """What the outbox holds."""
        return tuple(sent.text for sent in self.outbox.sent())


def test_twilio_is_asked_as_it_wants_to_be(receiver: Receiver) -> None:
    """A form with number, sender and body, under basic authentication, to the account's own address."""
    HttpTexts(twilio(receiver.url)).send(NOTICE)

    ((path, headers, _),) = receiver.asked
    assert path == "/2010-04-01/Accounts/AC0123/Messages.json"
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == f"AC0123:{TOKEN}".encode()
    assert receiver.forms() == ({"To": "+49305550189", "From": "+15005550006", "Body": NOTICE.text},)


def test_a_messaging_service_sends(receiver: Receiver) -> None:
    """A sender that is a messaging service goes where Twilio wants it."""
    HttpTexts(msgspec.structs.replace(twilio(receiver.url), sender="MG77")).send(NOTICE)

    (form,) = receiver.forms()
    assert (form["MessagingServiceSid"], "From" in form) == ("MG77", False)


def test_a_gateway_can_tell_a_repeat(receiver: Receiver) -> None:
    """The JSON carries the bearer token, and the same id at every attempt, in the body and as a key."""
    texts = HttpTexts(gateway(receiver.url))
    id_ = texts.send(NOTICE)
    texts.send(NOTICE)

    one, two = receiver.asked
    assert one[2] == two[2]
    assert json.loads(one[2]) == {"to": "+49305550189", "text": NOTICE.text, "id": id_}
    assert (one[1]["authorization"], one[1]["idempotency-key"]) == (f"Bearer {TOKEN}", id_)
    assert "case" not in id_


@pytest.mark.parametrize("code", [21211, 21610, 21614])
def test_a_number_that_can_never_be_reached(receiver: Receiver, code: int) -> None:
    """What Twilio says of the number itself ends the notice; its words, which repeat the number, are left out."""
    receiver.status = 400
    receiver.body = json.dumps({"code": code, "message": "The number +49305550189 is wrong", "status": 400}).encode()

    with pytest.raises(Invalid, match=str(code)) as caught:
        HttpTexts(twilio(receiver.url)).send(NOTICE)
    assert "+49305550189" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b'{"code": 20003, "message": "Authenticate", "status": 401}'),
        (400, b'{"code": 21659, "message": "The sender is not yours", "status": 400}'),
        (429, b'{"code": 20429, "message": "Too Many Requests", "status": 429}'),
        (503, b"<html>busy</html>"),
        (201, b'{"sid": "SM00", "status": "failed", "error_code": 30008}'),
        (201, b"{}"),
        (200, b"[" * 20_000),
        (302, b""),
    ],
)
def test_twilio_did_not_take_it(receiver: Receiver, status: int, body: bytes) -> None:
    """What is wrong with our set-up, or with the provider for now, is tried again and never counts as sent."""
    receiver.status, receiver.body = status, body

    with pytest.raises(Unavailable, match="did not take the text"):
        HttpTexts(twilio(receiver.url)).send(NOTICE)


@pytest.mark.parametrize(("status", "fault"), [(400, Invalid), (422, Invalid), (401, Unavailable), (502, Unavailable)])
def test_a_gateway_did_not_take_it(receiver: Receiver, status: int, fault: type[Exception]) -> None:
    """A gateway refuses a text for good with a status that speaks of the request, and for now with any other."""
    receiver.status = status

    with pytest.raises(fault, match=f"code {status}"):
        HttpTexts(gateway(receiver.url)).send(NOTICE)


def test_silence_is_told_apart(receiver: Receiver) -> None:
    """Where nobody listens nothing was sent; where the answer breaks off, that is unknown."""
    receiver.hangs_up = True

    with pytest.raises(Unavailable, match="nothing was sent"):
        HttpTexts(gateway(f"http://127.0.0.1:{closed_port()}")).send(NOTICE)
    with pytest.raises(Unavailable, match="is unknown"):
        HttpTexts(gateway(receiver.url)).send(NOTICE)


def test_no_redirect_is_followed(receiver: Receiver) -> None:
    """A gateway that points elsewhere gets no code sent there."""
    receiver.status, receiver.headers = 307, {"Location": f"{receiver.url}/elsewhere"}

    with pytest.raises(Unavailable):
        HttpTexts(gateway(receiver.url)).send(NOTICE)
    assert [path for path, _, _ in receiver.asked] == ["/texts"]


@pytest.mark.parametrize(
    "url", ["http://sms.example.test", "ftp://sms.example.test", "https://a:b@sms.example.test", "sms", ""]
)
def test_nothing_in_the_clear(url: str) -> None:
    """Off this machine only https is taken, and no address that holds a password."""
    with pytest.raises(Invalid):
        HttpTexts(GenericGateway(url=url, token=TOKEN))


def test_a_text_has_an_end(receiver: Receiver) -> None:
    """A text of the greatest length goes out, one character more does not."""
    texts = HttpTexts(gateway(receiver.url))
    texts.send(msgspec.structs.replace(NOTICE, text="x" * LONGEST))
    with pytest.raises(Invalid):
        texts.send(msgspec.structs.replace(NOTICE, text="x" * (LONGEST + 1)))
    assert len(receiver.asked) == 1


def test_prints_no_token() -> None:
    """A printed provider shows no token."""
    assert TOKEN not in f"{twilio('https://x.example.test')!r} {gateway('https://x.example.test')!r}"


def test_half_a_setting(tmp_path: Path) -> None:
    """A provider without what it needs is a mistake in the file, and says what is missing."""
    file = tmp_path / "watchword.toml"
    file.write_text('[ledger]\norigin = "example.test"\n[sms]\nkind = "twilio"\naccount = "AC0123"\n')

    with pytest.raises(Invalid, match="twilio needs sender, token_file"):
        load(file)
