"""The page of methods says of each what `methods.yaml` and the method itself say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.docs.markdown import ROOT
from watchword.core.passkey import RelyingParty
from watchword.methods.call_code import CallCode
from watchword.methods.in_person import InPerson
from watchword.methods.mail_code import MailCode
from watchword.methods.managed_device import ManagedDevice
from watchword.methods.passkey import Passkey
from watchword.methods.recovery_code import RecoveryCode
from watchword.methods.sms_code import SmsCode
from watchword.methods.totp import Totp
from watchword.methods.video import Video
from watchword.methods.vouching import Vouching
from watchword.policy import Policy

PAGE = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
METHODS = Policy.default().procedures.loaded.methods.methods
PARTY = RelyingParty(id="localhost", name="Desk", origins=("http://localhost",))
LIVES: dict[str, timedelta] = {
    way.name: way.life for way in (MailCode, CallCode, SmsCode, RecoveryCode, Totp, InPerson, Video, ManagedDevice)
} | {
    "passkey": Passkey(PARTY).life,
    "owner_passkey": Passkey.life,
    "custodian_passkey": Passkey.life,
    "manager_of_record": Vouching.life,
    "recovery_contact": Vouching.life,
    "kiosk": Vouching.life,
}


def _rows(text: str) -> dict[str, list[str]]:
    lines = (line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `"))
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_every_method_has_a_row() -> None:
    """Each method of the default policy stands on the page, and what does not count stands apart."""
    shipped, further = (_rows(part) for part in PAGE.split("### Further methods"))
    assert METHODS.keys() <= shipped.keys() | further.keys()
    assert shipped.keys() <= METHODS.keys()


@pytest.mark.parametrize("name", METHODS)
def test_a_row_says_what_the_policy_says(name: str) -> None:
    """Weight, who checks it and what defeats it are those of the policy, and nothing is left out."""
    row, (weight, checked, _, falls, *_) = METHODS[name], _rows(PAGE)[name]
    assert int(weight) == row.weight
    assert checked == ("enforced" if row.enforced else "attested")
    assert {frozenset(s.split(" + ")) for s in falls.split(" · ")} == {frozenset(s) for s in row.defeats}


@pytest.mark.parametrize("name", LIVES)
def test_a_row_says_how_long_it_can_be_answered(name: str) -> None:
    """The life of a challenge is the method's own."""
    assert _rows(PAGE)[name][4] == f"{int(LIVES[name].total_seconds() // 60)} min"
