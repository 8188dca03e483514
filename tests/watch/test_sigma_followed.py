"""Sigma rules over logs that are followed: what they find is told on for a day, across steps and starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from watchword.watch.sigma import read_rules

from .conftest import NOON, Okta
from .test_follow import Feed
from .test_sigma import rule


@pytest.fixture
def feed(tmp_path: Path, write_evidence: Callable[..., Path]) -> Iterator[Feed]:
    """An empty log, followed, with one rule."""
    (tmp_path / "rule.yml").write_text(rule("sel: {eventType: user.account.reset_password}"))
    feed = Feed(tmp_path, write_evidence)
    begin(feed)
    yield feed
    feed.follow.close()


def begin(feed: Feed) -> None:
    """Follow anew, by the rule."""
    feed.follow.close()
    feed.follow = feed.begin(sigma=read_rules(feed.folder / "rule.yml").rules)


def events(feed: Feed) -> list[str]:
    """The events that something was found in."""
    return sorted(hit.event or "" for hit in feed.follow.hits)


def test_what_a_rule_found_is_there_after_later_steps_and_a_start(feed: Feed, okta: Okta) -> None:
    """Whoever makes findings of it may look less often than lines come, or be away; it is there once each."""
    feed.write(okta())
    feed.step()
    before = feed.follow.hits
    feed.step(1)
    assert feed.follow.hits is before
    feed.write(okta("user.session.start"), okta(target="00uben"))
    feed.step(2)
    assert events(feed) == ["u-0001", "u-0003"]
    begin(feed)
    assert events(feed) == ["u-0001", "u-0003"]
    feed.write(okta(at=NOON + timedelta(days=1)))
    feed.step(86_400 + 1.5)
    assert events(feed) == ["u-0003", "u-0004"]


def test_a_step_that_comes_to_nothing_finds_nothing_twice(feed: Feed, okta: Okta) -> None:
    """Where the verdicts of a step could not be written, what its lines matched is told once."""
    feed.write(okta())
    feed.verdicts.rmdir()
    feed.verdicts.write_text("in the way")
    with pytest.raises(OSError, match="verdicts"):
        feed.step()
    feed.verdicts.unlink()
    feed.verdicts.mkdir()
    feed.step(1)
    assert events(feed) == ["u-0001"]
