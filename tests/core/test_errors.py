"""Every error says what was wrong and the way on."""

from __future__ import annotations

import pytest

from watchword.core.action import Step
from watchword.core.errors import Conflict, Corrupt, Invalid, Refused, Unavailable, WatchwordError
from watchword.core.ids import PersonId
from watchword.core.ruling import Ruling

FAULTS = {Refused: "refused", Invalid: "invalid", Conflict: "conflict", Unavailable: "unavailable", Corrupt: "corrupt"}


@pytest.mark.parametrize("kind", FAULTS)
def test_an_error_says_what_and_the_remedy(kind: type[WatchwordError]) -> None:
    """Both stand in its text and apart, and the fault has one name."""
    error = kind("The door is shut.", "Knock.")
    assert (str(error), error.what, error.remedy) == ("The door is shut. Knock.", "The door is shut.", "Knock.")
    assert error.fault == FAULTS[kind]


def test_a_refusal_always_has_a_reason() -> None:
    """Where none is named, what happened is the reason."""
    assert Refused("No.", "Ask.").reasons == ("No.",)
    assert Refused("No.", "Ask.", ("hold",)).reasons == ("hold",)


def test_bad_input_says_where() -> None:
    """The place leads the message."""
    error = Invalid("Not a number.", "Write one.", where="policy.yaml:3")
    assert str(error) == "policy.yaml:3: Not a number. Write one."


def test_corruption_names_the_first_bad_entry() -> None:
    """Where one is known."""
    assert Corrupt("Broken.", "Stop.", seq=812).seq == 812
    assert Corrupt("Broken.", "Stop.").seq is None


def test_a_ruling_is_demanded_whole() -> None:
    """Allowed passes; denied, allowed with an error, or denied without a reason are refused with one."""
    yes = Ruling(person=PersonId("p-1"), step=Step.HAND_OVER, allowed=True)
    yes.demand()
    no = Ruling(person=PersonId("p-1"), step=Step.HAND_OVER, allowed=False)
    with pytest.raises(Refused, match="may not hand over here") as caught:
        no.demand()
    assert caught.value.reasons == ("no rule permits it",)
    broken = Ruling(person=PersonId("p-1"), step=Step.READ, allowed=True, errors=("type error",))
    with pytest.raises(Refused, match="type error"):
        broken.demand()
