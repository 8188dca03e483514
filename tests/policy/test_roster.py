"""Rosters from files: what is wrong is told with the file and the place, and nothing is computed from it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from watchword.core.errors import Invalid
from watchword.core.ids import AccountId, PersonId
from watchword.policy.roster import parse

FILE = "people.json"


def text(**changed: Any) -> str:
    """Three people, two accounts, as JSON, but for what is *changed*."""
    people = [{"id": who, "kind": "employee", "unit": "north"} for who in ("tom", "mia", "eva")]
    accounts = [
        {"id": "tom-1", "account_class": "standard", "unit": "north", "person": "tom", "manager": "mia"},
        {"id": "mia-1", "account_class": "executive", "unit": "north", "person": "mia", "manager": "eva"},
    ]
    return json.dumps({"accounts": accounts, "people": people, **changed})


def account(name: str, who: str, **more: str) -> dict[str, str]:
    """One account of somebody's."""
    return {"id": name, "account_class": "standard", "unit": "north", "person": who, **more}


def person(name: str, unit: str, *delegated: str) -> dict[str, Any]:
    """Somebody of a unit who administers others."""
    delegations = [{"unit": d, "until": "2030-01-01T00:00:00Z"} for d in delegated]
    return {"id": name, "kind": "employee", "unit": unit, "delegations": delegations}


def test_a_roster_is_read() -> None:
    """What is written is what there is, and relations are people."""
    roster = parse(text(), FILE)

    assert [(a.id, a.person, a.manager) for a in roster.accounts] == [
        (AccountId("tom-1"), PersonId("tom"), PersonId("mia")),
        (AccountId("mia-1"), PersonId("mia"), PersonId("eva")),
    ]
    assert [p.id for p in roster.people] == ["tom", "mia", "eva"]


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ("", "no roster"),
        ("{", "no roster"),
        ("[]", "Expected `object`"),
        ("{}", "missing required field `accounts`"),
        ('{"accounts": []}', "missing required field `people`"),
        (text(accounts=[{"id": "a", "unit": "n"}]), r"`account_class` - at `\$\.accounts\[0\]`"),
        (text(accounts=[{**account("a", "tom"), "account_class": "royal"}]), r"'royal' - at `\$\.accounts\[0\]"),
        (text(accounts=[account("a", "tom"), {**account("b", "mia"), "leaver": "no"}]), r"accounts\[1\]\.leaver"),
        (text(people=[{"id": "tom", "kind": "ghost", "unit": "n"}]), r"'ghost' - at `\$\.people\[0\]\.kind`"),
        (text(people=[{"id": "tom", "kind": "employee", "unit": "n", "grants": [{"role": "king"}]}]), r"grants\[0\]"),
        ("[" * 100_000, "no roster"),
        (text(accounts=[]), "has no accounts"),
        (text(people=[]), "has no people"),
        (text(accounts=[account("a", "tom"), account("a", "mia")]), "account a stands twice"),
        (text(people=[person("tom", "north"), person("tom", "south")]), "person tom stands twice"),
        (text(accounts=[account("a", "zoe")]), "person of a is zoe, who is not"),
        (text(accounts=[account("a", "tom", manager="zoe")]), "manager_of_record of a is zoe, who is not"),
        (text(accounts=[account("a", "tom", second_owner="zoe")]), "second_owner of a is zoe, who is not"),
        (
            text(
                accounts=[
                    account("a", "tom", manager="mia"),
                    account("b", "mia", manager="eva"),
                    account("c", "eva", manager="mia"),
                ]
            ),
            "in a circle: mia -> eva -> mia",
        ),
        (
            text(
                people=[person("tom", "north", "south"), person("mia", "south", "west"), person("eva", "west", "north")]
            ),
            "administer each other in a circle: ",
        ),
    ],
    ids=lambda v: repr(v)[:32],
)
def test_a_roster_that_is_wrong_is_told_with_its_place(spoiled: str, said: str) -> None:
    """No JSON, another shape, ids twice, unknown people and circles of managers or delegates are told by name."""
    with pytest.raises(Invalid, match=said) as error:
        parse(spoiled, FILE)

    assert error.value.where == FILE
    assert error.value.remedy


def test_who_manages_themself_and_delegates_of_their_own_unit_are_no_circle() -> None:
    """The top of a directory that names itself, and two who administer the unit they are in, are customs."""
    people = [person("tom", "north", "north"), person("mia", "north", "north", "south"), person("eva", "south")]

    roster = parse(text(accounts=[account("a", "tom", manager="tom")], people=people), FILE)

    assert len(roster.people) == 3


def test_the_circle_of_units_is_told_in_the_order_of_its_delegations() -> None:
    """Each unit named administers the next."""
    people = [person("tom", "north", "south"), person("mia", "south", "west"), person("eva", "west", "north")]

    with pytest.raises(Invalid) as error:
        parse(text(people=people), FILE)

    circle = str(error.value).split("circle: ")[1].split(".")[0].split(" -> ")
    assert circle[0] == circle[-1]
    assert set(pairwise(circle)) == {("north", "south"), ("south", "west"), ("west", "north")}
