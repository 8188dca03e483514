"""Bad input in every provider's log: its neighbours have their verdicts, and nothing is dropped in silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from watchword.watch import sieve
from watchword.watch.engine import Engine
from watchword.watch.providers import PROVIDERS, Feed
from watchword.watch.verdicts import Report, append_verdicts, latest_verdicts

from . import test_openldap as openldap
from .conftest import NOON, Classify, Line
from .good_events import GOOD
from .rows import HOSTILE

EVERY = pytest.mark.parametrize("provider", sorted(PROVIDERS))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def judged(classify: Classify, provider: str, lines: list[Line], **options: Any) -> Report:
    """The report on *lines* between two good ones, which have their verdicts, and of which each line is accounted for.

    *options* are those of `Engine.classify`.
    """
    good = GOOD[provider]
    report = classify([good("u-first"), *lines, good("u-last")], None, provider=provider, **options)
    assert report.lines == report.rejected_lines + report.preamble + sum(count.lines for count in report.types)
    assert {"u-first", "u-last"} <= {row.target for row in report.verdicts}
    assert len([row for row in report.verdicts if row.target in {"u-first", "u-last"}]) == 2
    return report


def between(report: Report) -> list[str]:
    """The targets of what stood between the good lines."""
    return sorted({row.target for row in report.verdicts} - {"u-first", "u-last"})


def objects(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each object and list within *value*."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in members:
        if isinstance(each, dict | list):
            yield (*path, name)
            yield from objects(each, (*path, name))


def with_at(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """*value* with *new* at *path*."""
    if not path:
        return new
    members = dict(value) if isinstance(value, dict) else list(value)
    members[path[0]] = with_at(value[path[0]], path[1:], new)
    return members


def test_every_provider_has_a_good_event() -> None:
    """What follows holds for all that the watch reads."""
    assert GOOD.keys() == PROVIDERS.keys()


@EVERY
def test_a_line_cut_short_is_kept_and_can_be_read_again(classify: Classify, provider: str, tmp_path: Path) -> None:
    """It is told by file, number and reason; kept aside with its text, it is what it was, and whole again is an event.

    Cut anywhere, it never becomes another event.
    """
    whole = json.dumps(GOOD[provider]("u-cut"))
    cuts = [whole[: len(whole) * part // 7].rstrip() for part in range(1, 7)]
    side, again = tmp_path / "rejects.jsonl", tmp_path / "again.jsonl"
    report = judged(classify, provider, list(cuts), rejects=side)
    assert between(report) == []
    assert [(one.line, one.reason) for one in report.rejected] == [
        (number, "cut short, or damaged JSON") for number in range(2, 8)
    ]
    assert {Path(one.file).name for one in report.rejected} == {"log.jsonl"}
    kept = [json.loads(line) for line in side.read_text().splitlines()]
    assert [one["text"] for one in kept] == cuts

    side.write_text("".join(json.dumps(one) + "\n" for one in [*kept[1:], kept[0] | {"text": whole}]))
    report = Engine().classify(provider, (side,), rejects=again)
    assert [row.target for row in report.verdicts] == ["u-cut"]
    assert [json.loads(line)["text"] for line in again.read_text().splitlines()] == cuts[1:]


@EVERY
def test_the_bytes_of_another_encoding_hide_no_event(classify: Classify, provider: str, tmp_path: Path) -> None:
    """Bytes that are no UTF-8, half a surrogate pair, and a whole log in UTF-16 are read.

    UTF-16 without a mark is read too where it is sure to be that; where it may be something else it is told.
    """
    good = GOOD[provider]
    text = json.dumps(good("u-odd", actor="u-marX"))
    damaged = [text.encode().replace(b"marX", bytes_) for bytes_ in (b"\xff\xfe", b"\\ud800", b"\xc3", b"\x80\x00")]
    report = judged(classify, provider, list(damaged))
    assert (report.rejected_lines, between(report)) == (0, ["u-odd"])

    lines = text + "\n" + json.dumps(good("u-été")) + "\n"
    marked, unsure = tmp_path / "marked.jsonl", tmp_path / "unsure.jsonl"
    marked.write_bytes(("\ufeff" + lines).encode("utf-16-be"))
    unsure.write_bytes((json.dumps(good("u-\u03b1"), ensure_ascii=False) + "\n").encode("utf-16-le"))
    report = Engine().classify(provider, (marked, unsure))
    assert {row.target for row in report.verdicts} >= {"u-odd", "u-été"}
    assert [Path(share.file).stem for share in report.strange_files] == ["unsure"]
    assert {Path(one.file).stem for one in report.rejected} == {"unsure"}

    told = len(report.verdicts)
    for encoding in ("utf-16-le", "utf-16-be"):
        marked.write_bytes(lines.encode(encoding))
        report = Engine().classify(provider, (marked,))
        assert (len(report.verdicts), report.rejected_lines, report.strange_files) == (told, 0, ())


@EVERY
def test_null_where_an_object_belongs(classify: Classify, provider: str) -> None:
    """Each object and list of an event may be missing, or the word: of the account named elsewhere, or of nobody."""
    whole = GOOD[provider]("u-odd")
    lines: list[Line] = [with_at(whole, path, odd) for path in objects(whole) for odd in (None, "null")]
    report = judged(classify, provider, [*lines, "null", '"null"'])
    assert set(between(report)) <= {"u-odd", "u-mara", ""}
    # To Keycloak they are lines that a server writes beside its events.
    assert report.rejected_lines + report.preamble >= 2


def _okta(event: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return event | {"target": [event["target"][0] | {"id": name, "alternateId": name} for name in names]}


def _entra(event: dict[str, Any], names: list[str]) -> dict[str, Any]:
    resource = event["targetResources"][0]
    return event | {"targetResources": [resource | {"id": name, "userPrincipalName": name} for name in names]}


def _google(event: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return event | {"events": [event["events"][0] | {"parameters": [{"name": "USER_EMAIL", "multiValue": names}]}]}


def _openldap(event: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return event | {"mods": [{"attribute": "member", "act": "add", "values": names}]}


LISTS: dict[str, tuple[Callable[[dict[str, Any], list[str]], dict[str, Any]], str]] = {
    "okta": (_okta, "target"),
    "entra": (_entra, "targetResources"),
    "google": (_google, "events"),
    "openldap": (_openldap, "mods"),
}
"""The formats in which one event has a list of accounts, and where."""


@pytest.mark.parametrize("provider", LISTS)
def test_ten_thousand_targets_are_ten_thousand_verdicts(classify: Classify, provider: str) -> None:
    """A list of targets is read to its end; a list within the list is told as an event of nobody, or rejected."""
    make, member = LISTS[provider]
    names = [f"u-{number}" for number in range(10_000)]
    event = make(GOOD[provider]("cn=admins,dc=example,dc=test"), names)
    assert between(judged(classify, provider, [event])) == sorted(names)
    nested = judged(classify, provider, [event | {member: [event[member]]}, event | {member: [[event[member]]]}])
    assert nested.lines == 4
    assert set(between(nested)) <= {""}


@EVERY
def test_a_line_of_fifty_megabytes_is_told(provider: str, tmp_path: Path) -> None:
    """It is an event of its provider but for its length: named by number and limit, and what follows it is judged.

    So are a thousand events that stand in one line, with what is none among them.
    """
    good, log = GOOD[provider], tmp_path / "log.jsonl"
    names = [f"u-{number:03d}" for number in range(1000)]
    with log.open("wb") as out:
        out.write(json.dumps(good("u-first")).encode() + b"\n" + json.dumps(good("u-x")).encode()[:-1] + b', "x": "')
        for _ in range(51):
            out.write(b"A" * (1 << 20))
        out.write(b'"}\n' + json.dumps([*map(good, names), None, [[7]]]).encode() + b"\n")
        out.write(json.dumps(good("u-last")).encode() + b"\n")
    report = Engine().classify(provider, (log,))
    assert sorted(row.target for row in report.verdicts) == [*names, "u-first", "u-last"]
    first, *others = report.rejected
    assert (first.line, first.reason) == (2, f"longer than {sieve.LONGEST_LINE} bytes")
    assert [(one.line, one.reason) for one in others] == [(3, "a JSON value that is no event")] * 2
    assert report.lines == 1005


NO_TIMES: tuple[Any, ...] = (None, "null", "", "soon", "infinity", "2026-13-45", 1e300, [], {})
TIMES: tuple[tuple[Any, datetime], ...] = (
    ("2026-03-02T12:00:00", NOON),
    (1772452800, NOON),
    ("1772452800", NOON),
    (1772452800000, NOON),
    ("1772452800000", NOON),
    ("2126-03-02T12:00:00Z", NOON.replace(year=2126)),
    ("1601-01-01T00:00:00Z", datetime(1601, 1, 1, tzinfo=UTC)),
    *((odd, EPOCH) for odd in NO_TIMES),
)
"""What may stand where a time belongs, and the time it is; that of none is shown as the first of all."""


def without(value: Any, what: str) -> Any:
    """*value* without the members that are *what*, at any depth."""
    if isinstance(value, list):
        return [without(each, what) for each in value]
    if isinstance(value, dict):
        return {name: without(each, what) for name, each in value.items() if each != what}
    return value


@EVERY
def test_a_time_is_read_or_said_to_be_none(classify: Classify, provider: str) -> None:
    """Without zone, in seconds, of the future or of 1601 it is the time it says; what is none is a reason of its own.

    Each event has its verdict all the same, and one whose time is absent too.
    """
    good, mark = GOOD[provider], "when-it-was"
    lines: list[Line] = [without(good("u-absent", at=mark), mark)]
    expected = {"u-absent": (EPOCH, True)}
    for number, (said, time) in enumerate(TIMES):
        text = json.dumps(good(f"u-{number}", at=mark))
        assert mark in text
        lines.append(text.replace(f'"{mark}"', json.dumps(said)))
        expected[f"u-{number}"] = (time, time == EPOCH)
    report = judged(classify, provider, lines)
    found = {row.target: (row.at, "no_time" in row.reasons) for row in report.verdicts}
    assert {target: at for target, at in found.items() if target in expected} == expected


@EVERY
def test_a_time_that_nobody_can_reckon_with_stops_nothing(classify: Classify, provider: str) -> None:
    """The last one that DuckDB keeps, in a log where no other is odd: the event has its verdict, and so have others."""
    good, last = GOOD[provider], "294247-01-10T04:00:54.775806Z"
    report = judged(classify, provider, [good("u-odd", at=last), good("u-good")])
    assert {"u-odd", "u-good"} <= {row.target for row in report.verdicts}
    assert all("no_time" in row.reasons for row in report.verdicts if row.target == "u-odd")


@EVERY
def test_two_bodies_of_one_id_are_two_verdicts(classify: Classify, provider: str, tmp_path: Path) -> None:
    """Neither hides the other, also where verdicts are kept; the same line twice is one event."""
    good = GOOD[provider]
    lines: list[Line] = [good(target, name="e-1") for target in ("u-ana", "u-ben", "u-ana")]
    report = judged(classify, provider, lines)
    assert between(report) == ["u-ana", "u-ben"]
    assert len({row.id for row in report.verdicts}) == len(report.verdicts) == 4
    append_verdicts(tmp_path / "kept", report.verdicts)
    assert len(latest_verdicts(tmp_path / "kept")) == 4


TEXTS: dict[str, list[Line]] = {
    "ldif": [openldap.accesslog("userPassword:= x"), openldap.accesslog("mail:= x@example.test")],
    "stats": list(openldap.stats(f'MOD dn="{openldap.ANA}"', "MOD attr=userPassword")),
    "xml": ["<Event><System><EventID>4724</EventID></System><EventData/></Event>"] * 2,
}
"""Logs that are no JSON, each of its own provider."""


@EVERY
def test_anothers_log_is_told_and_not_guessed(provider: str, tmp_path: Path, write_log: Callable[..., Path]) -> None:
    """No verdict is made of the lines of another directory: each such file is asked about, whoever's it is.

    What was rejected is read again as what it is.
    """
    own = {"openldap": {"ldif", "stats"}, "windows": {"xml"}}.get(provider, set())
    logs: dict[str, list[Line]] = {
        **{name: [good("u-ana"), good("u-ben")] for name, good in GOOD.items() if name != provider},
        **{name: lines for name, lines in TEXTS.items() if name not in own},
    }
    files = tuple(write_log(tmp_path / f"{name}.log", lines) for name, lines in logs.items())
    side = tmp_path / "rejects.jsonl"
    report = Engine().judge((Feed(provider=PROVIDERS[provider], files=files),), rejects=side)
    assert report.verdicts == ()
    assert {Path(share.file).stem for share in report.strange_files} == logs.keys()
    assert report.lines == report.rejected_lines + report.preamble + sum(count.lines for count in report.types)

    rejected = [line for line in side.read_text().splitlines() if f"{tmp_path}/okta.log" in json.loads(line)["file"]]
    if rejected:
        side.write_text("\n".join(rejected))
        assert [row.target for row in Engine().classify("okta", (side,)).verdicts] == ["u-ana", "u-ben"]


@EVERY
def test_a_name_is_only_text(classify: Classify, provider: str) -> None:
    """Statements, formulas, markup and terminal escapes in names come out as they were, and do nothing."""
    # What stands in a path or between commas is parted there.
    name = HOSTILE.replace("/", "|").replace(", ", ",") if provider == "keycloak" else HOSTILE
    report = judged(classify, provider, [GOOD[provider](name, actor="u-" + name)])
    (row,) = (row for row in report.verdicts if row.target not in {"u-first", "u-last"})
    assert row.target == name
    assert row.actor == ("admin" if provider == "ssf" else "u-" + name)
