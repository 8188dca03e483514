"""Events of which any one member is something else: no crash, and every line a verdict, a count or a reason."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from . import test_ecs as ecs
from . import test_entra as entra
from . import test_google as google
from . import test_ocsf_okta as ocsf_okta
from . import test_unified_audit as unified
from . import test_windows as windows
from .conftest import Classify, Okta

_ODD: tuple[Any, ...] = (
    None, "null", 7, -1.5, True, [], {}, [None], [7], {"x": 1}, "", [[]], 1e300, 12345678901234567890123, "x" * 300,
    {"0": {}}, ["a", {"b": 1}],
)  # fmt: skip

_RESET = google._activity(google._event("CHANGE_PASSWORD"))
_UPDATE = entra._update(StrongAuthenticationMethod=(entra.METHODS, []))
_BASES: dict[str, list[dict[str, Any]]] = {
    "okta": [Okta()()],
    "entra": [
        entra._audit(),
        entra._hub(_UPDATE),
        entra._sign_in(),
        entra._table(entra._audit()),
        entra._elastic(entra._audit()),
        entra._unified("New-InboxRule", Parameters=[{"Name": "a", "Value": "b"}]),
        unified._of_graph(unified._row()),
        unified._streamed(unified._row()),
        unified._of_wazuh({"integration": "office365", "office365": unified._row()}),
    ],
    "windows": [
        windows._reset(),
        windows._beat(windows._reset()),
        windows._flat(windows._logon()),
        windows._wazuh(windows._reset()),
        windows._dotted(windows._beat(windows._reset())),
    ],
    "google": [_RESET, google._cloud(_RESET), google._elastic(_RESET)],
    "ecs": [
        ecs._document(),
        {"event": {"dataset": "okta.system", "original": json.dumps(Okta()())}, "okta": {"uuid": "1"}},
        entra._elastic(entra._audit()),
        windows._beat(windows._reset()),
    ],
    "ocsf": [ecs._change(), ocsf_okta._event(300301, "user.session.impersonation.grant", user=ocsf_okta.ANA)],
}


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in members:
        yield from _paths(each, (*path, name))


def _replaced(event: dict[str, Any], path: tuple[Any, ...], odd: Any) -> dict[str, Any]:
    event = copy.deepcopy(event)
    here: Any = event
    for name in path[:-1]:
        here = here[name]
    here[path[-1]] = odd
    return event


@pytest.mark.parametrize("provider", _BASES)
def test_any_member_may_be_anything(classify: Classify, provider: str) -> None:
    """Each member of each shape, at any depth, is replaced by what it never is: the log is read to its end."""
    chance = random.Random(6)
    lines = [
        _replaced(event, path, odd)
        for event in _BASES[provider]
        for path in _paths(event)
        for odd in chance.sample(_ODD, 3)
    ]
    report = classify(lines, None, provider=provider)
    assert report.lines >= len(lines)
    assert report.rejected_lines + report.preamble + sum(count.lines for count in report.types) == report.lines
