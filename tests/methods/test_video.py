"""Live video: the contract, and what is drawn for each challenge."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.methods.test_in_person import ASK
from watchword.core.errors import Invalid, Refused
from watchword.methods.contract import SOON, MethodContract
from watchword.methods.port import Ask, MethodPort
from watchword.methods.video import GESTURES, WORDS, Video, drawn


class TestVideo(MethodContract):
    """Attested by the agent who was in the call."""

    name = "video"

    def method(self) -> MethodPort:
        """The method."""
        return Video()

    def ask(self) -> Ask:
        """Somebody in a call."""
        return ASK

    def right(self, method: MethodPort, ask: Ask, at: object) -> str:
        """They said the words."""
        return f"Seen, {' '.join(drawn(ask)[0]).title()}"

    def wrong(self, method: MethodPort, ask: Ask, at: object) -> str:
        """They said others, as one does who plays what was recorded."""
        return "seen, one two three"


def test_what_is_drawn_is_shown_to_the_agent_alone() -> None:
    """The agent reads words and gestures, the person's page has neither, and nothing else holds them."""
    words, gestures = drawn(ASK)
    begun = Video().begin(ASK)
    assert all(part in (begun.show_agent or "") for part in (*words, *gestures))
    assert not [part for part in (*words, *gestures) if part in (begun.show_caller or "")]


def test_every_challenge_draws_anew() -> None:
    """Over a thousand challenges all words and gestures come up about as often, none twice in one, and draws differ."""
    draws = [drawn(replace(ASK, challenge=f"ch-{n}")) for n in range(1_000)]
    assert all(len(set(words)) == 3 and len(set(gestures)) == 2 for words, gestures in draws)
    assert len(set(draws)) > 990
    for among, place in ((WORDS, 0), (GESTURES, 1)):
        counts = [sum(part in draw[place] for draw in draws) for part in among]
        expected = 1_000 * len(draws[0][place]) / len(among)
        assert max(counts) < 1.6 * expected
        assert min(counts) > 0.5 * expected


@pytest.mark.parametrize("said", ["", "seen", "seen,", "yes, amber", "not seen", "seen, a\nb", "seen, " + "x" * 300])
def test_no_statement(said: str) -> None:
    """Words that do not say what was seen are `Invalid`, which is no failure of the person."""
    with pytest.raises(Invalid, match="as you heard them"):
        Video().check(ASK, said, SOON)


def test_not_seen_is_final() -> None:
    """Somebody who does not do what was asked for has failed."""
    with pytest.raises(Refused) as caught:
        Video().check(ASK, "not seen, the picture froze at the profile", SOON)
    assert caught.value.reasons == ("wrong_answer", "final")


def test_words_in_another_order() -> None:
    """The words count in the order they were drawn."""
    with pytest.raises(Refused):
        Video().check(ASK, f"seen, {' '.join(reversed(drawn(ASK)[0]))}", SOON)


def test_is_attested() -> None:
    """The method says of itself that no software checked it."""
    assert not Video().enforced
