"""The level of risk of an account that receivers are told: never lower than what stands against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from watchword.core.identity_event import Verdict
from watchword.watch.formats.alert import Alert
from watchword.watch.formats.finding_alert import AnyAlert, FindingAlert
from watchword.watch.formats.security_events import RISK, Signer

from .rows import row
from .test_finding_outputs import NOBODY, NOON, SIGNALS, SOC, Place, hit
from .test_outputs import SIGNER


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """One without a finding."""
    made = Place(tmp_path)
    yield made
    made.ledger.close()


@pytest.fixture
def signer(place: Place) -> Signer:
    """Who signs what is told of its findings."""
    return msgspec.structs.replace(SIGNER, against=place.findings.against)


def level(signer: Signer, alert: AnyAlert) -> str:
    """What *alert* says of the one account it is about."""
    (event,) = signer.events(alert)
    told = event.events[RISK]
    assert isinstance(told, dict)
    return str(told["current_level"])


def test_one_event_that_is_cleared_ends_no_other(place: Place, signer: Signer) -> None:
    """Late evidence for one reset of an account does not lower what another one, without any, raised."""
    place.findings.take((row(id="u-1"), row(id="u-2")), (), NOON)
    cleared = row(id="u-2", verdict=Verdict.VERIFIED, reasons=("whole_chain",), revision=2)
    assert level(signer, Alert.of(cleared)) == "HIGH"
    place.findings.take((cleared,), (), NOON)
    assert level(signer, Alert.of(msgspec.structs.replace(cleared, target="00UANA"))) == "HIGH"
    assert level(signer, Alert.of(msgspec.structs.replace(cleared, target="00uben"))) == "LOW"
    place.findings.take((row(id="u-1", verdict=Verdict.VERIFIED, reasons=("whole_chain",), revision=2),), (), NOON)
    assert level(signer, Alert.of(cleared)) == "LOW"


def test_something_lesser_lowers_nothing(place: Place, signer: Signer) -> None:
    """What is told of a lesser event, and of the finding of a graver one, is not below that."""
    place.findings.take((row(id="u-1"),), (), NOON)
    lesser = row(id="u-2", actor="00uother", verdict=Verdict.OUT_OF_POLICY, reasons=("expired",))
    assert level(signer, Alert.of(lesser)) == "HIGH"
    (shown,) = place.findings.all()
    assert level(signer, FindingAlert.of(shown, SIGNALS)) == "HIGH"


def test_a_finding_that_is_dismissed_leaves_the_others(place: Place, signer: Signer) -> None:
    """Each open finding stands for itself; when the last one is dismissed the account is as any other."""
    (first,) = place.findings.take((row(id="u-1"),), (), NOON)
    (second,) = place.findings.take((), (msgspec.structs.replace(hit("privileged_target", "u-9"), actor="00u2"),), NOON)
    for made, expected in ((first, "HIGH"), (second, "LOW")):
        shown = place.findings.dismiss(made, SOC, NOON, reason="expected", words="drill", about=NOBODY)
        assert level(signer, FindingAlert.of(shown, SIGNALS)) == expected
