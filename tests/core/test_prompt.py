"""How often somebody is prompted, and what an enrolled browser holds."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.core.sample import NOON
from watchword.core.errors import Refused
from watchword.core.person import Credential
from watchword.core.prompt import PromptMaterial, demand_rest, material_of

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def test_a_person_is_prompted_three_times_an_hour_at_most() -> None:
    """Two prompts leave room for a third; one that is an hour old to the second makes room again."""
    demand_rest((), NOON)
    demand_rest((NOON, NOON), NOON)
    demand_rest((NOON - HOUR, NOON - MINUTE, NOON), NOON)
    with pytest.raises(Refused) as caught:
        demand_rest((NOON - HOUR + MINUTE, NOON - MINUTE, NOON), NOON)
    assert caught.value.reasons == ("prompted_often",)


def test_the_way_on_says_when_there_is_room_again() -> None:
    """The third last prompt has to be an hour old, in whatever order they are given."""
    times = (NOON, NOON - 50 * MINUTE, NOON - 10 * MINUTE, NOON - 20 * MINUTE, NOON - 2 * HOUR)
    with pytest.raises(Refused) as caught:
        demand_rest(times, NOON)
    assert "4 times" in caught.value.what
    assert "12:40 UTC" in caught.value.remedy


@pytest.mark.parametrize("public", ["", "{", "[]", '{"x":"1","y":"2"}', '{"x":"1","y":"2","offer":"o","z":"3"}'])
def test_what_is_no_browser_for_prompts_holds_nothing(public: str) -> None:
    """Another method's material, more or less of it, or none: nothing is read out of it."""
    assert material_of(Credential(id="cr-1", method="prompt_key", enrolled_at=NOON, public=public)) is None


def test_an_enrolled_browser_holds_its_key() -> None:
    """The key and the offer it was enrolled by are read back as they were written."""
    held = PromptMaterial(x="1", y="2", offer="o")
    public = msgspec.json.encode(held).decode()
    assert material_of(Credential(id="cr-1", method="prompt_key", enrolled_at=NOON, public=public)) == held
