"""Automated calls through a real HTTP server: the contract of both providers, and what is sent."""

from __future__ import annotations

import base64
import json
from xml.etree import ElementTree as ET

import pytest

from tests.notices.conftest import closed_port
from tests.notices.receiver import Receiver
from tests.notices.test_sms import NOTICE, TOKEN
from watchword.core.errors import Invalid
from watchword.notices.contract import NotifierContract
from watchword.notices.http_calls import CallGateway, GenericCalls, HttpTelephony, TwilioCalls
from watchword.notices.port import Notifier
from watchword.notices.telephony import Calls


def twilio(url: str) -> TwilioCalls:
    """The provider shaped like Twilio, elsewhere."""
    return TwilioCalls(account="AC0123", token=TOKEN, sender="+15005550006", base=url)


class Http(NotifierContract):
    """Both providers over HTTP."""

    @pytest.fixture(autouse=True)
    def _server(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def provider(self, url: str) -> CallGateway:
        """The provider at *url*."""
        raise NotImplementedError

    def notifier(self) -> Notifier:
        """One that answers."""
        return Calls(HttpTelephony(self.provider(self.receiver.url), timeout_s=2))

    def away(self) -> Notifier:
        """One that is not there."""
        return Calls(HttpTelephony(self.provider(f"http://127.0.0.1:{closed_port()}"), timeout_s=2))


class TestTwilioCalls(Http):
    """A form with TwiML, and JSON back."""

    def provider(self, url: str) -> CallGateway:
        """Shaped like Twilio."""
        return twilio(url)

    def arrived(self) -> tuple[str, ...]:
        """What is spoken."""
        spoken = (ET.fromstring(form["Twiml"]).findtext("Say") for form in self.receiver.forms())
        return tuple((one or "").rstrip() for one in spoken)


class TestGenericCalls(Http):
    """JSON there."""

    def provider(self, url: str) -> CallGateway:
        """A gateway of one's own."""
        return GenericCalls(url=f"{url}/calls", token=TOKEN)

    def arrived(self) -> tuple[str, ...]:
        """The texts of the JSON."""
        return tuple(json.loads(body)["text"].rstrip() for _, _, body in self.receiver.asked)


def test_twilio_is_asked_as_it_wants_to_be(receiver: Receiver) -> None:
    """To the calls of the account, under its token, by a voice of the language; markup in the words stays words."""
    HttpTelephony(twilio(receiver.url), timeout_s=2).call("+49305550189", "1 2 <3> & 4", "case/7/send/1", "de")
    (form,) = receiver.forms()
    (path, headers, _) = receiver.asked[0]
    assert path == "/2010-04-01/Accounts/AC0123/Calls.json"
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode() == f"AC0123:{TOKEN}"
    assert (form["To"], form["From"]) == ("+49305550189", "+15005550006")
    said = ET.fromstring(form["Twiml"]).find("Say")
    assert said is not None
    assert (said.text, said.get("language")) == ("1 2 <3> & 4", "de-DE")


def test_nothing_in_the_clear() -> None:
    """A code is spoken through https, or through a gateway on this machine."""
    with pytest.raises(Invalid, match="in the clear"):
        HttpTelephony(GenericCalls(url="http://calls.example.test/", token=TOKEN))


def test_prints_no_token() -> None:
    """A printed provider shows no secret."""
    for provider in (twilio("https://a.example.test"), GenericCalls(url="https://a.example.test", token=TOKEN)):
        assert TOKEN not in repr(provider)
    assert NOTICE.text not in repr(NOTICE)
