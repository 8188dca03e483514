"""OCSF as its own published schema has it: what we write is read by models that others generated from it.

The newest schema with models on PyPI is 1.7; what we write of 1.8 that 1.7 does not have is listed here and in the
documentation: nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest
from ocsf.v1_7_0.events import AccountChange, DetectionFinding
from pydantic import BaseModel

from tests.watch.rows import FINDINGS, SAMPLES
from watchword.core.identity_event import Canonical
from watchword.watch.formats import FORMATS
from watchword.watch.formats.alert import Alert
from watchword.watch.formats.finding_alert import FindingAlert

NEWER: frozenset[str] = frozenset()
"""What 1.8 has and 1.7 has not, of what we write."""

IN_PROFILE = frozenset({"ticket", "assignee", "verdict", "verdict_id"})
"""Attributes of the incident profile, which the models leave out of the class."""

ALERTS = [*map(Alert.of, SAMPLES)]


def _unknown(model: BaseModel, path: str = "") -> Iterator[str]:
    """Where the document has what the schema has no word for; `unmapped` and `data` may have anything."""
    yield from (f"{path}{name}" for name in model.model_extra or {})
    for name in type(model).model_fields:
        value = getattr(model, name)
        if name in {"unmapped", "data"}:
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, BaseModel):
                yield from _unknown(part, f"{path}{name}.")


@pytest.mark.parametrize("alert", ALERTS, ids=range(len(ALERTS)))
def test_a_verdict_is_a_detection_finding(alert: Alert) -> None:
    """Every member is one of the schema, of its type, and the numbers fit together."""
    said = json.loads(FORMATS["ocsf"](alert))
    read = DetectionFinding.model_validate(said)
    assert set(_unknown(read)) <= NEWER | IN_PROFILE
    assert said["type_uid"] == int(read.class_uid or 0) * 100 + said["activity_id"]
    assert said["metadata"]["version"] == "1.8.0"


@pytest.mark.parametrize("alert", FINDINGS, ids=range(len(FINDINGS)))
def test_a_finding_is_a_detection_finding(alert: FindingAlert) -> None:
    """Every member is one of the schema, through its whole life, and its incident profile says that it is one."""
    said = json.loads(FORMATS["ocsf"](alert))
    read = DetectionFinding.model_validate(said)
    assert set(_unknown(read)) <= NEWER | IN_PROFILE
    assert said["type_uid"] == int(read.class_uid or 0) * 100 + said["activity_id"]
    assert said["metadata"]["profiles"] == ["incident"]


@pytest.mark.parametrize("action", Canonical)
@pytest.mark.parametrize("alert", [alert for alert in ALERTS if alert.row.action is not None])
def test_an_event_is_an_account_change(alert: Alert, action: Canonical) -> None:
    """The same for the event itself, whatever was done."""
    alert = Alert.of(msgspec.structs.replace(alert.row, action=action))
    read = AccountChange.model_validate_json(FORMATS["ocsf-event"](alert))
    assert set(_unknown(read)) <= NEWER
