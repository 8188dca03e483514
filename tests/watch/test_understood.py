"""A feed whose lines nobody knows is no healthy one: it is told, it has no heartbeat, and so is its end."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from watchword.watch.follow import Follow, Followed
from watchword.watch.providers import provider_named
from watchword.watch.sources.spool import Spool
from watchword.watch.sources.understood import LEAST, SHARE, understood
from watchword.watch.verdicts import VerdictRow

from . import test_entra as entra
from .conftest import NOON, Okta

MINUTE = timedelta(minutes=1)


class Fed:
    """One feed of Okta's, and what follows it."""

    def __init__(self, folder: Path, share: float = SHARE) -> None:
        self.folder, self.spool = folder, Spool(folder / "spool")
        self._share = share
        self.now = NOON
        self.follow = self.begin()

    def begin(self) -> Follow:
        """Follow it, from where it was left off."""
        quiet = 10 * MINUTE
        feed = Followed(name="hook", provider=provider_named("okta"), spool=self.spool, quiet=quiet, share=self._share)
        return Follow((feed,), self.folder / "state", self.folder / "verdicts", clock=lambda: self.now)

    def again(self) -> None:
        """End what follows, and begin anew."""
        self.follow.close()
        self.spool = Spool(self.folder / "spool")
        self.follow = self.begin()

    def step(self, lines: Iterable[Any] = (), minutes: float = 0) -> list[VerdictRow]:
        """What is told of the feed when *lines* come, so many *minutes* after noon."""
        self.now = NOON + minutes * MINUTE
        if texts := [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]:
            self.spool.append(texts, self.now)
        return [row for row in self.follow.step(self.now) if row.action is None]


@pytest.fixture
def fed(tmp_path: Path) -> Iterable[Fed]:
    """A feed that nothing came of yet."""
    fed = Fed(tmp_path)
    yield fed
    fed.follow.close()


def _junk(okta: Okta) -> list[Any]:
    """Lines that are no events, those of another provider, and events of types that nobody knows."""
    lines = [b"not json", entra._audit(), okta("unheard.of\x1b[2J")]
    return [lines[n % 3] for n in range(LEAST)]


def test_what_is_not_understood_is_a_finding_with_an_end(fed: Fed, okta: Okta) -> None:
    """It is told once, with how much and such as what; a process after this one knows; known lines end it."""
    (row,) = fed.step(_junk(okta), 1)
    assert (row.reasons, row.at, row.is_finding) == (("feed_not_understood",), NOON + MINUTE, True)
    assert f"{LEAST} of {LEAST} lines are nothing that okta is known to write" in str(row.detail)
    assert "unheard.of\\x1b[2J" in str(row.detail)
    assert fed.follow.tick.blind == ("hook",)
    assert fed.step(_junk(okta), 2) == []
    fed.again()
    assert fed.step(_junk(okta), 3) == []
    assert fed.follow.tick.blind == ("hook",)
    (end,) = fed.step([okta("user.session.start") for _ in range(LEAST)], 4)
    assert (end.id, end.revision, end.reasons) == (row.id, 2, ("feed_not_understood", "feed_understood"))
    assert end.detail == "from 2026-03-02 12:01:00 to 2026-03-02 12:04:00 UTC"
    assert not fed.follow.tick.blind
    (later,) = fed.step(_junk(okta), 5)
    assert later.id != row.id


def test_a_few_odd_lines_say_nothing_of_a_feed(fed: Fed, okta: Okta) -> None:
    """Less than half of it may be unknown; and one odd line a day adds up to nothing before there are many."""
    mixed = [okta("user.session.start") if n % 2 else b"oops" for n in range(2 * LEAST)]
    assert fed.step(mixed, 1) == []
    assert fed.step([b"oops"] * (LEAST - 1), 2) == []
    assert fed.step([okta("user.session.start")] * LEAST, 3) == []


def test_how_much_may_be_strange_is_a_setting(tmp_path: Path, okta: Okta) -> None:
    """A feed that may be strange whole is not told of."""
    fed = Fed(tmp_path, share=1.0)
    assert fed.step(_junk(okta), 1) == []
    fed.follow.close()


@pytest.mark.parametrize("restarts", [False, True])
def test_junk_has_no_heartbeat(fed: Fed, okta: Okta, restarts: bool) -> None:
    """Lines that nobody knows keep no feed alive: it is silent since the last that was known, and says what came."""
    fed.step([okta("user.session.start")])
    assert fed.step([b"oops"], 8) == []
    if restarts:
        fed.again()
    (row,) = fed.step([b"oops again"], 11)
    assert (row.reasons, row.at) == (("feed_silent",), NOON)
    assert str(row.detail).startswith("blind since 2026-03-02 12:00:00 UTC; what came since is not understood: ")
    assert "such as a line that is not JSON" in str(row.detail)
    (end,) = fed.step([okta("user.session.start")], 12)
    assert end.reasons == ("feed_silent", "feed_back")


def test_a_step_that_came_to_nothing_counts_nothing_twice(
    fed: Fed, okta: Okta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that are read again after a fault are the same lines."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    fed.spool.append([b"oops"] * (LEAST - 1), NOON)
    with monkeypatch.context() as patched:
        patched.setattr(fed.follow._window, "commit", full)
        for _ in range(3):
            with pytest.raises(OSError, match="No space"):
                fed.follow.step(NOON)
    fed.again()
    assert fed.step() == []
    assert understood(fed.spool).lines == LEAST - 1


def test_what_was_not_looked_at_yet_is_a_sign_of_life(fed: Fed, okta: Okta) -> None:
    """Who asks how a source is while nobody follows sees lines that came meanwhile as what they may be."""
    fed.step([okta("user.session.start")])
    fed.step([b"oops"], 1)
    times: tuple[datetime, ...] = (NOON, NOON + MINUTE, NOON + 2 * MINUTE)
    assert understood(fed.spool).alive(times) == (NOON, NOON + 2 * MINUTE)
