"""Codes by mail, call and text message: the contract, and what is special to a code that is derived and sent."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from msgspec.structs import replace

from watchword.core.account import Contact
from watchword.core.errors import Invalid, Refused
from watchword.core.event import Purpose
from watchword.core.ids import AccountId, CaseId
from watchword.languages.catalogue import NAMES
from watchword.methods.call_code import CallCode
from watchword.methods.code import DIGITS, DerivedCode
from watchword.methods.contract import AT, SOON, MethodContract
from watchword.methods.mail_code import MailCode
from watchword.methods.port import Ask, MethodPort
from watchword.methods.sms_code import SmsCode

KEY = bytes(range(32))
MAIL = Contact(kind="mail", value="mara.vogt@example.test", changed_at=None)
PHONE = Contact(kind="phone", value="+49 30 555 0189", changed_at=None)
ASK = Ask(
    challenge="ch-0123456789abcdefghij",
    case=CaseId("c-k3m7q2x5w8z4n6p9r2t5"),
    account=AccountId("a-7f3k"),
    purpose="verify",
    at=AT,
)
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The basic alphabet of 3GPP TS 23.038: one letter outside it leaves 70 characters for the whole."""


def read(method: MethodPort, ask: Ask) -> str:
    """The digits the person reads in the mail or hears on the telephone."""
    message = method.message(ask)
    assert message is not None
    code = re.search(r"(?:\d,? ?){4}[. ]+(?:\d,? ?){3}\d", message.text)
    assert code
    return re.sub(r"\D", "", code[0])


class Codes(MethodContract):
    """Every kind of code answers and fails in the same way."""

    def right(self, method: MethodPort, ask: Ask, at: object) -> str:
        """Retyped in groups."""
        digits = read(method, ask)
        return f"{digits[:4]} {digits[4:]}"

    def wrong(self, method: MethodPort, ask: Ask, at: object) -> str:
        """One digit off."""
        digits = read(method, ask)
        return digits[:-1] + str((int(digits[-1]) + 1) % 10)

    def secrets(self, method: MethodPort, ask: Ask) -> tuple[str, ...]:
        """The code, as it is typed and without its separators."""
        return read(method, ask), self.right(method, ask, SOON)


class TestMailCode(Codes):
    """A code by mail."""

    name = "mail_code"

    def method(self) -> MethodPort:
        """Mail."""
        return MailCode(KEY)

    def ask(self) -> Ask:
        """Somebody with a mail address."""
        return replace(ASK, contact=MAIL)


class TestCallCode(Codes):
    """A code by automated call."""

    name = "call_code"

    def method(self) -> MethodPort:
        """A call."""
        return CallCode(KEY)

    def ask(self) -> Ask:
        """Somebody with a telephone."""
        return replace(ASK, contact=PHONE)


class TestSmsCode(Codes):
    """A code by text message."""

    name = "sms_code"

    def method(self) -> MethodPort:
        """A text."""
        return SmsCode(KEY)

    def ask(self) -> Ask:
        """Somebody with a telephone."""
        return replace(ASK, contact=PHONE)


BOTH = pytest.mark.parametrize(("kind", "contact"), [(MailCode, MAIL), (CallCode, PHONE), (SmsCode, PHONE)])


@BOTH
@pytest.mark.parametrize("form", ["{0}{1}", "{0}-{1}", " {0} {1} ", "{0}\u00a0{1}"])
def test_separators_do_not_matter(kind: type[DerivedCode], contact: Contact, form: str) -> None:
    """People type codes in groups, with spaces or hyphens; all of that is one answer."""
    method, ask = kind(KEY), replace(ASK, contact=contact)
    digits = read(method, ask)
    assert method.check(ask, form.format(digits[:4], digits[4:]), SOON).detail["digits"] == DIGITS


@BOTH
def test_same_code_after_a_restart(kind: type[DerivedCode], contact: Contact) -> None:
    """Nothing is stored: another process with the same key checks a code that was sent before it started."""
    ask = replace(ASK, contact=contact)
    kind(KEY).check(ask, read(kind(KEY), ask), SOON)


@BOTH
def test_another_key_makes_another_code(kind: type[DerivedCode], contact: Contact) -> None:
    """Whoever lacks the key can not make the code from all that the ledger holds."""
    ask = replace(ASK, contact=contact)
    with pytest.raises(Refused):
        kind(KEY).check(ask, read(kind(bytes(32)), ask), SOON)


def test_each_channel_has_a_code_of_its_own() -> None:
    """One challenge id used for several methods gives several codes, so that one channel does not open another."""
    asks = ((MailCode, MAIL), (CallCode, PHONE), (SmsCode, PHONE))
    assert len({read(kind(KEY), replace(ASK, contact=contact)) for kind, contact in asks}) == 3


def test_statement_can_not_be_shifted() -> None:
    """Where one field ends and the next begins is part of what a code is bound to."""
    one = replace(ASK, challenge="ab", case=CaseId("c"))
    other = replace(ASK, challenge="a", case=CaseId("bc"))
    assert one.statement("mail_code") != other.statement("mail_code")


def test_codes_are_spread_evenly() -> None:
    """Ten thousand codes use all digits alike, leading zeros included, and hardly ever collide."""
    method = MailCode(KEY)
    codes = {read(method, replace(ASK, contact=MAIL, challenge=f"ch-{n}")) for n in range(10_000)}
    assert len(codes) > 9_990
    assert {len(code) for code in codes} == {DIGITS}
    first = [sum(code.startswith(str(digit)) for code in codes) for digit in range(10)]
    assert min(first) > 850
    assert max(first) < 1_150


def test_short_key() -> None:
    """A key that could be guessed is refused when the method is built."""
    with pytest.raises(Invalid):
        MailCode(b"short")


def test_lives() -> None:
    """A mail has fifteen minutes, a call and a text ten (SP 800-63B-4 §4.2.1.2), and each says so."""
    assert (MailCode.life, CallCode.life, SmsCode.life) == tuple(timedelta(minutes=m) for m in (15, 10, 10))
    assert "10 minutes" in SmsCode(KEY).message(replace(ASK, contact=PHONE)).text
    assert "15 minutes" in MailCode(KEY).message(replace(ASK, contact=MAIL)).text
    assert "10 minutes" in CallCode(KEY).message(replace(ASK, contact=PHONE)).text


@BOTH
def test_purpose_is_said(kind: type[DerivedCode], contact: Contact) -> None:
    """The person is told what the code is good for, so that one for handing over is not given to a verifier."""
    ask = replace(ASK, contact=contact)
    assert "recover your account" in kind(KEY).message(ask).text
    assert "over" in kind(KEY).message(replace(ask, purpose="hand_over")).text.replace("recover", "")


def test_call_can_be_spoken() -> None:
    """A call spells the code digit by digit, twice, and holds nothing that only a screen can show."""
    text = CallCode(KEY).message(replace(ASK, contact=PHONE)).text
    digits = re.findall(r"(?:\d, ){3}\d\. (?:\d, ){3}\d\.", text)
    assert len(digits) == 2
    assert digits[0] == digits[1]
    assert "\n" not in text


def test_a_text_begins_with_its_code() -> None:
    """The digits come first, where a locked screen shows them to whoever asked for them."""
    text = SmsCode(KEY).message(replace(ASK, contact=PHONE)).text
    assert re.match(r"\d{4} \d{4} ", text)


@pytest.mark.parametrize("language", NAMES)
@pytest.mark.parametrize("purpose", ["verify", "hand_over"])
def test_a_text_is_one_message_in_every_language(language: str, purpose: Purpose) -> None:
    """At most 160 characters of the GSM alphabet, with the code, its life and the case: no part can come alone."""
    ask = replace(ASK, contact=PHONE, language=language, purpose=purpose, case=CaseId("c-01234567890123456789"))
    method = SmsCode(KEY)
    text = method.message(ask).text
    assert len(text) <= 160
    assert not set(text) - GSM
    assert re.sub(r"\D", "", text[:9]) == read(method, ask)
    assert "10 min" in text.lower()
    assert "c-012345" in text
