"""What every table of a policy shares."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


def mistake(what: str, remedy: str) -> PydanticCustomError:
    """Return an error that carries its own way on."""
    return PydanticCustomError("watchword", "{what}", {"what": what, "remedy": remedy})


class Table(BaseModel):
    """What every table shares: unknown keys are mistakes, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
