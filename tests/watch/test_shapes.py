"""How a file becomes records: JSON over many lines, lists, wrappers and damage among them."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.watch import shapes
from watchword.watch.documents import documents
from watchword.watch.engine import Engine
from watchword.watch.providers import WINDOWS
from watchword.watch.shapes import run_together
from watchword.watch.verdicts import Report

from .conftest import Okta


def _read(folder: Path, content: bytes, provider: str = "okta") -> Report:
    log = folder / "log.json"
    log.write_bytes(content)
    return Engine().classify(provider, (log,))


@pytest.mark.parametrize(
    "write",
    [
        lambda events: json.dumps(events, indent=2),
        lambda events: "\n".join(json.dumps(event, indent=4) for event in events),
        lambda events: "[\n" + ",\n".join(json.dumps(event) for event in events) + "\n]\n",
        lambda events: "[" + ",\n".join(json.dumps(event) for event in events) + "]",
        lambda events: json.dumps({"count": 2, "events": events}, indent=1),
        lambda events: json.dumps({"events": events}),
        lambda events: json.dumps({"records": events[:1]}) + "\n" + json.dumps({"records": events[1:]}),
        lambda events: "\ufeff" + json.dumps(events, indent=2).replace("\n", "\r\n"),
    ],
    ids=["a list", "documents", "a line each", "begun at once", "wrapped", "wrapped line", "pages", "with a mark"],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "compressed"])
def test_json_in_any_layout_is_read(okta: Okta, tmp_path: Path, write: Any, pack: Any) -> None:
    """What a tool saved as a document has the events that lines would have."""
    events = [okta(), okta(target="00uben"), okta(target="00ucem")]
    report = _read(tmp_path, pack(write(events).encode()))
    assert {row.target for row in report.verdicts} == {"00uana", "00uben", "00ucem"}
    assert report.rejected_lines == 0


def test_damage_within_a_document_is_named(okta: Okta, tmp_path: Path) -> None:
    """What stands between two events is kept aside with its line; an event cut short as well."""
    text = "[\n" + json.dumps(okta()) + ",\noops,\n" + json.dumps(okta(target="00uben")) + ',\n{"eventType": "x'
    report = _read(tmp_path, text.encode())
    assert {row.target for row in report.verdicts} == {"00uana", "00uben"}
    assert [(line.line, line.reason) for line in report.rejected] == [
        (3, "not JSON"),
        (5, "cut short, or damaged JSON"),
    ]


def test_a_first_line_cut_short_hides_no_other(okta: Okta, tmp_path: Path) -> None:
    """A log whose first line breaks off looks like a document: it is read line by line all the same."""
    text = '{"eventType": "user.account.res", "actor": {\n' + json.dumps(okta()) + "\n" + json.dumps(okta(target="b"))
    report = _read(tmp_path, text.encode())
    assert {row.target for row in report.verdicts} == {"00uana", "b"}
    assert [line.line for line in report.rejected] == [1]


def test_part_of_a_list_that_is_no_event_is_named(okta: Okta, tmp_path: Path) -> None:
    """The good events of a list are judged, each other part is kept aside."""
    report = _read(tmp_path, json.dumps({"events": [okta(), 7, {"x": 1}, None]}).encode())
    assert (len(report.verdicts), report.rejected_lines, report.lines) == (1, 3, 4)


def test_an_empty_page_is_no_damage(tmp_path: Path) -> None:
    """A page of a list with nothing in it is neither an event nor damage."""
    report = _read(tmp_path, b'{"@odata.context": "x", "value": []}\n', "entra")
    assert (report.verdicts, report.rejected_lines, report.preamble) == ((), 0, 1)
    assert report.strange_files == ()


def test_a_file_that_only_looks_like_evtx_is_named(tmp_path: Path) -> None:
    """Windows' own format with nothing readable in it is kept aside, and is no crash."""
    report = _read(tmp_path, b"ElfFile\x00" + b"\x00" * 5000, "windows")
    assert (report.verdicts, report.rejected_lines) == ((), 1)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_objects = st.lists(st.dictionaries(st.text(max_size=5), _values, max_size=4), min_size=1, max_size=5)


@given(objects=_objects, indent=st.integers(0, 3), is_wrapped=st.booleans(), cut=st.integers(1, 7))
def test_documents_are_found_whatever_they_hold(
    objects: list[dict[str, Any]], indent: int, is_wrapped: bool, cut: int
) -> None:
    """Brackets and quotes within text, and reads that end anywhere, never shift where a document begins."""

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(cut)

    whole = {"page": 1, "records": objects, "next": "x"} if is_wrapped else objects
    source = Slow(json.dumps(whole, indent=indent).encode())
    found = [json.loads(text) for _, text in documents(source, ("records",)) if isinstance(text, bytes)]
    assert found == objects


@pytest.mark.parametrize(
    "wrap",
    [
        lambda events: {"preview": False, "results": [{"_raw": json.dumps(event)} for event in events]},
        lambda events: {"took": 1, "hits": {"total": 2, "hits": [{"_source": event} for event in events]}},
        lambda events: {"logGroup": "g", "logEvents": [{"id": "1", "message": json.dumps(each)} for each in events]},
        lambda events: {"result": {"_raw": json.dumps(events)}},
        lambda events: {"whatever": events},
    ],
    ids=["a search's results", "a search's hits", "log events", "a result", "a list of any name"],
)
@pytest.mark.parametrize("indent", [None, 1], ids=["a line", "over lines"])
def test_events_in_another_system_s_wrapper_are_read(okta: Okta, tmp_path: Path, wrap: Any, indent: int | None) -> None:
    """What a search or a shipper wraps around events is taken off, whoever's log it is."""
    report = _read(tmp_path, json.dumps(wrap([okta(), okta(target="00uben")]), indent=indent).encode())
    assert {row.target for row in report.verdicts} == {"00uana", "00uben"}
    assert report.rejected_lines == 0


@pytest.mark.parametrize(
    "wrap",
    [
        lambda event: {"detail-type": "SystemLog", "source": "aws.partner/okta.com/x", "detail": event},
        lambda event: {"schema": {}, "payload": json.dumps(event)},
        lambda event: {"topic": "okta", "offset": 4711, "value": event},
        lambda event: {"service": "okta", "attributes": event},
        lambda event: {"insertId": "1", "jsonPayload": event},
        lambda event: {"version": "1.1", "short_message": "x", "full_message": json.dumps(event)},
    ],
    ids=["EventBridge", "Kafka Connect", "a topic", "Datadog", "Cloud Logging", "GELF"],
)
def test_an_event_that_is_handed_on_is_read(okta: Okta, tmp_path: Path, wrap: Any) -> None:
    """What a bus or a collector puts around each event is taken off, and an envelope without one is kept aside."""
    lines = [wrap(okta()), wrap(okta(target="00uben")), wrap({"nothing": "of ours"})]
    report = _read(tmp_path, "\n".join(map(json.dumps, lines)).encode())
    assert ({row.target for row in report.verdicts}, report.rejected_lines) == ({"00uana", "00uben"}, 1)


@pytest.mark.parametrize("count", [3, 300], ids=["a short line", "a long one"])
@pytest.mark.parametrize("between", ["", " ", ","])
def test_events_with_nothing_between_are_read(okta: Okta, tmp_path: Path, count: int, between: str) -> None:
    """Records that a shipper wrote one after the other, on one line, are as many events."""
    text = between.join(json.dumps(okta(target=f"00u{n}")) for n in range(count))
    report = _read(tmp_path, text.encode())
    assert len({row.target for row in report.verdicts}) == count
    assert report.rejected_lines == 0


def test_what_runs_on_into_damage_is_kept_aside(okta: Okta, tmp_path: Path) -> None:
    """A line of two records of which the second is cut short is told, and not half read."""
    report = _read(tmp_path, (json.dumps(okta()) + json.dumps(okta())[:-20]).encode())
    assert [line.reason for line in report.rejected] == ["cut short, or damaged JSON"]


def test_documents_that_run_together_are_not_copied_for_each() -> None:
    """What is left of the text is looked at and not copied, so that a line of a megabyte takes no minute."""

    class Text(str):
        __slots__ = ()

        def __getitem__(self, key: Any) -> str:
            assert not isinstance(key, slice)
            return super().__getitem__(key)

    assert run_together(Text("{} ,\n" * 3 + "[]")) == ({}, {}, {}, [])


def test_a_rendered_event_without_end_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not held beyond what any record may be, and the events around it are read."""
    monkeypatch.setattr(shapes, "LONGEST", 1000)
    event = "03/02/2026 12:00:00 PM\nLogName=Security\nEventCode=4724\nMessage=x\n"
    long = event + "more\n" * 5000
    numbered = list(enumerate((event + long + event).encode().splitlines(keepends=True), 1))
    source = io.BufferedReader(io.BytesIO(event.encode()))
    found = list(shapes.records(source, lambda _: iter(numbered), WINDOWS))
    assert found == [(1, event.encode()), (5, None), (5009, event.encode())]
