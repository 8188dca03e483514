"""Ids of events as somebody may choose them who can write lines into a log: none speaks for another's event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Verdict

from .conftest import Classify, Okta
from .test_follow import Feed


@pytest.fixture
def feed(tmp_path: Path, write_evidence: Callable[..., Path]) -> Iterator[Feed]:
    """An empty log, followed."""
    feed = Feed(tmp_path, write_evidence)
    yield feed
    feed.follow.close()


def test_an_id_made_like_that_of_another_event_lends_it_no_evidence(
    okta: Okta, evidence: Callable[..., EvidenceRow], classify: Classify
) -> None:
    """What tells records of one id apart can be reckoned: a line with the outcome of that for its id stays another."""
    rogue = okta(actor="00ueve", target="00uben", uuid="u-x")
    twin = okta("user.account.lock", target="00uben", uuid="u-x")
    taken = {row.target + row.native_action: row.id for row in classify([rogue, twin]).verdicts}
    governed = okta(uuid=taken["00uben" + "user.account.reset_password"])
    report = classify([rogue, twin, governed], [evidence()])
    found = {(row.actor, row.target): row.verdict for row in report.verdicts if "reset" in row.native_action}
    assert found == {
        ("00ueve", "00uben"): Verdict.UNVERIFIED,
        ("00uexecutor", "00uana"): Verdict.VERIFIED,
    }
    assert len({row.id for row in report.verdicts}) == 3


def test_records_whose_digits_are_alike_stay_apart(okta: Okta, classify: Classify) -> None:
    """Two records of one id whose names are the same, put one behind the other, are two events with two ids."""
    lines = [okta(actor=actor, target=target, uuid="u-x") for actor, target in (("00ueve|a", "b"), ("00ueve", "a|b"))]
    rows = classify(lines).verdicts
    assert len({row.id for row in rows}) == 2
    assert {row.actor for row in rows} == {"00ueve|a", "00ueve"}


def test_followed_too_no_later_event_takes_back_what_was_said(feed: Feed, okta: Okta) -> None:
    """An event of another account, by the beginning of the id of one that was told, is not that one."""
    feed.write(okta(actor="00ueve", uuid="u-x/0123abcd"))
    assert feed.step() == [("00uana", Verdict.UNVERIFIED, 1)]
    feed.write(okta("user.account.lock", target="00uben", uuid="u-x"))
    assert feed.step(1) == [("00uben", Verdict.IGNORED, 1)]
