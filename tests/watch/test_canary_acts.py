"""The canary's own events, told from others: one act speaks for one reset there, by that principal, in time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.watch.rows import NOON, row
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.sources.canary import Act, Canary, note

WITHIN, EVERY = timedelta(minutes=15), timedelta(hours=1)
SUNG: dict[str, Any] = {"target": "00uCanary", "actor": "svc-Watchword"}


@pytest.fixture
def acts(tmp_path: Path) -> Path:
    """A folder in which one act is written down, at noon, with the names of both in small letters."""
    file = tmp_path / "state" / "canary.json"
    note(file, Act(at=NOON, account=("00ucanary", "canary@example.test"), principal=("svc-watchword",)))
    return file


def verdict(file: Path, **fields: Any) -> Verdict:
    """What is said of one event of the log."""
    (told,) = Canary(file, WITHIN, EVERY).mark((row(**{**SUNG, **fields}),))
    return told.verdict


@pytest.mark.parametrize("target", ["00uCanary", "00UCANARY", "canary@example.test"])
def test_its_own_reset_is_nobodys_finding(acts: Path, target: str) -> None:
    """Whatever name of the account the log uses, and in whatever case."""
    (told,) = Canary(acts, WITHIN, EVERY).mark((row(**{**SUNG, "target": target}),))
    assert (told.verdict, told.reasons) == (Verdict.IGNORED, ("canary",))


@pytest.mark.parametrize(
    "other",
    [
        {"target": "00uana"},
        {"target": ""},
        {"actor": "00uagent"},
        {"actor": ""},
        {"actor": "00ucanary", "target": "svc-watchword"},
        {"action": Canonical.FACTOR_RESET},
        {"at": NOON - timedelta(minutes=2, microseconds=1)},
        {"at": NOON + WITHIN + timedelta(microseconds=1)},
    ],
    ids="-".join,
)
def test_nothing_else_passes_for_it(acts: Path, other: dict[str, Any]) -> None:
    """Another account, another hand, another change or another time stays what it was: an event without evidence."""
    assert verdict(acts, **other) is Verdict.UNVERIFIED


@pytest.mark.parametrize(
    ("directory", "provider", "said"),
    [
        ("corp", "okta", Verdict.IGNORED),
        ("okta", "okta", Verdict.IGNORED),
        ("branch", "okta", Verdict.UNVERIFIED),
        ("okta", "entra", Verdict.UNVERIFIED),
    ],
)
def test_the_same_names_in_another_directory_are_others(
    acts: Path, directory: str, provider: str, said: Verdict
) -> None:
    """An act speaks for its own directory, and for a feed that does not say whose log it is."""
    own = Act(at=NOON, account=("00ucanary",), principal=("svc-watchword",), directory="corp")
    acts.unlink()
    note(acts, own)
    assert verdict(acts, directory=directory, provider=provider) is said


def test_what_has_evidence_of_its_own_is_no_canary(acts: Path) -> None:
    """A reset that a case speaks for is left to the case, and the act still waits for its own."""
    canary = Canary(acts, WITHIN, EVERY)
    (told,) = canary.mark((row(**SUNG, verdict=Verdict.VERIFIED, reasons=("whole_chain",), case="c-1"),))
    assert told.verdict is Verdict.VERIFIED
    (missing,) = canary.told(NOON + WITHIN + timedelta(seconds=1))
    assert missing.reasons == ("canary_missing",)


@pytest.mark.parametrize("at", [NOON - timedelta(minutes=2), NOON, NOON + WITHIN])
def test_its_event_may_come_as_early_and_as_late_as_is_said(acts: Path, at: Any) -> None:
    """Clocks differ by two minutes, and a log takes its time."""
    assert verdict(acts, at=at) is Verdict.IGNORED


def test_one_act_speaks_for_one_event(acts: Path) -> None:
    """Whoever resets the canary's account besides is a finding; a second act speaks for the second one."""
    twice = (row(**SUNG, id="u-1"), row(**SUNG, id="u-2"))
    assert [told.verdict for told in Canary(acts, WITHIN, EVERY).mark(twice)] == [Verdict.IGNORED, Verdict.UNVERIFIED]
    note(acts, Act(at=NOON + timedelta(minutes=1), account=("00ucanary",), principal=("svc-watchword",)))
    assert [told.verdict for told in Canary(acts, WITHIN, EVERY).mark(twice)] == [Verdict.IGNORED, Verdict.IGNORED]


def test_what_was_seen_is_missed_no_more(acts: Path) -> None:
    """An act whose time is over and whose event never came is told; not before that, and not once it came."""
    late = NOON + WITHIN
    canary = Canary(acts, WITHIN, EVERY)
    assert canary.told(late) == ()
    assert [told.reasons for told in canary.told(late + timedelta(microseconds=1))] == [("canary_missing",)]
    canary.mark((row(**SUNG),))
    assert canary.told(late + timedelta(microseconds=1)) == ()
