"""What cells of policy files may hold: durations, steps upwards, sets of capabilities; and how a mistake is told."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr
from pydantic_core import PydanticCustomError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")


def mistake(what: str, remedy: str) -> PydanticCustomError:
    """Return an error that carries its own way on."""
    return PydanticCustomError("watchword", "{what}", {"what": what, "remedy": remedy})


def seconds(value: object) -> object:
    """Return the seconds of a duration as it is written."""
    if value == 0 and not isinstance(value, bool):
        return 0
    if isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        return int(match[1]) * _UNITS[match[2]]
    raise mistake(f"{value!r} is no duration", "write 0, or a number with s, m, h or d, such as 30m")


def upwards(value: object) -> object:
    """Refuse what would lower a requirement."""
    if isinstance(value, int) and value < 0:
        raise mistake("this would lower a requirement", "a context may only raise: write 0 to 3")
    return value


def approval_named(value: object) -> object:
    """Refuse an approval that is not named."""
    if isinstance(value, str) and value:
        return value
    counted = isinstance(value, dict) and value.get("n") == 0
    if value in (0, None, "") or value == [] or counted:
        raise mistake("an approval of nobody is not an answer", "write `approve: none` where none is meant")
    raise mistake("the approval is not named", "name one of `approvals:`, or write `approve: none`")


def given(value: object) -> object:
    """Refuse an empty list; a least length of pydantic would be told again for every item that is wrong by itself."""
    if value == []:
        raise mistake("nothing is named here", "name at least one")
    return value


def some(value: object) -> object:
    """Refuse a condition that always holds."""
    if value:
        return value
    raise mistake("this would raise every request there is", "say when it applies, or raise the cells themselves")


Duration = Annotated[int, BeforeValidator(seconds)]
Freshness = Annotated[int, BeforeValidator(seconds), Field(ge=300, le=3600)]
ContactAge = Annotated[int, BeforeValidator(seconds), Field(ge=7 * 86_400)]
RecoveryKind = Literal[
    "bound_authenticator",
    "issued_code",
    "multi_factor",
    "onsite_attended",
    "recovery_contact",
    "repeated_proofing",
    "saved_code",
]
"""What a method is, in the words of SP 800-63B-4; `core.requirement.RECOVERS` is written in them."""

Steps = Annotated[StrictInt, Field(ge=0, le=3), BeforeValidator(upwards)]


class Table(BaseModel):
    """What every table shares: unknown keys are mistakes, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def priced(value: object) -> object:
    """Return a bare cost as a table."""
    return {"cost": value} if isinstance(value, int) and not isinstance(value, bool) else value


def breakable(value: object) -> object:
    """Refuse what falls to nothing."""
    if value:
        return value
    raise mistake("this falls to nothing, and nothing is unbreakable", "name what defeats it, at its dearest")


Falls = Annotated[
    tuple[Annotated[tuple[StrictStr, ...], Field(min_length=1)], ...], BeforeValidator(breakable), Field(min_length=1)
]
"""Minimal sets of capabilities, any of which is enough."""
