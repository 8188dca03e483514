"""One odd line in a log changes nothing of what the others say, however DuckDB takes it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from watchword.watch.engine import Engine

from . import test_entra as entra
from . import test_google as google
from .conftest import Classify, Okta

_OKTA = Okta()
_WHOLE: dict[str, list[dict[str, Any]]] = {
    "okta": [_OKTA(), _OKTA(target="00uben", securityContext={"asNumber": "64500"}), _OKTA("user.session.start")],
    "entra": [entra._audit(), entra._update(StrongAuthenticationMethod=(entra.METHODS, [])), entra._sign_in()],
    "google": [google._activity(google._event("CHANGE_PASSWORD"))],
}
_ODD: dict[str, dict[str, Any]] = {
    "okta": {**_OKTA("unheard.of"), "securityContext": {"asNumber": "AS64500"}},
    "entra": {**entra._audit(), "activityDisplayName": "Unheard of", "status": {"errorCode": "none"}},
    "google": {**google._activity(google._event("UNHEARD_OF")), "actor": 7},
}
"""Each of a type that has no verdict, and with a member that makes DuckDB give up on the whole file."""

_STRUCTURED = {
    "okta": ("actor", "client", "outcome", "target"),
    "entra": ("initiatedBy", "targetResources", "additionalDetails"),
    "google": ("id", "actor", "events"),
}


@pytest.mark.parametrize("provider", _WHOLE)
def test_strict_lenient_and_sieved_say_the_same(classify: Classify, provider: str) -> None:
    """A clean log is read strictly, one with an odd member leniently, one with a damaged line line by line: as one."""
    first, *others = _WHOLE[provider]
    strict = classify([first, *others], None, provider=provider)
    assert strict.verdicts
    lenient = classify([first, _ODD[provider], *others], None, provider=provider)
    sieved = classify([first, "{", _ODD[provider], *others], None, provider=provider)
    assert lenient.verdicts == sieved.verdicts == strict.verdicts
    assert [strict.lines, lenient.lines, sieved.lines] == [len(others) + more for more in (1, 2, 3)]
    assert [one.rejected_lines for one in (strict, lenient, sieved)] == [0, 0, 1]


@pytest.mark.parametrize("provider", _STRUCTURED)
def test_an_object_written_as_text_is_what_it_was(classify: Classify, provider: str) -> None:
    """A pipeline that writes a member of one line as text takes nothing of that line, nor of its neighbours."""
    lines = _WHOLE[provider]
    whole = classify(lines, None, provider=provider).verdicts
    for name in _STRUCTURED[provider]:
        assert name in lines[0]
        text = [{**lines[0], name: " " + json.dumps(lines[0][name])}, *lines[1:]]
        assert classify(text, None, provider=provider).verdicts == whole, name


def test_a_text_that_is_no_object_is_left_out(classify: Classify) -> None:
    """A member that is text and no object is missing; all else of its line counts."""
    (row,) = classify([{**_OKTA(), "client": "console"}], None).verdicts
    assert (row.actor, row.target, row.address) == ("00uexecutor", "00uana", None)


def test_an_object_as_text_in_a_compressed_log(tmp_path: Path) -> None:
    """The same where the log is compressed."""
    event = _OKTA()
    log = tmp_path / "log.gz"
    log.write_bytes(gzip.compress(json.dumps({**event, "target": json.dumps(event["target"])}).encode() + b"\n"))
    (row,) = Engine().classify("okta", (log,)).verdicts
    assert row.target == "00uana"
