"""Sigma rules that were brought along: what they find in logs as they are, and what is left out and said so."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.watch.conftest import NOON, Okta
from watchword.core.errors import Invalid
from watchword.watch.engine import Engine
from watchword.watch.providers import Feed, Provider, provider_named
from watchword.watch.sigma import hits_in, read_rules
from watchword.watch.signals import Hit

OKTA = provider_named("okta")
WINDOWS = provider_named("windows")


def rule(detection: str, *, condition: str = "sel", product: str | None = "okta", title: str = "A rule") -> str:
    source = f"product: {product}" if product else "category: any"
    return (
        f"title: {title}\nlogsource: {{{source}}}\nlevel: critical\ntags: [attack.t1098, attack.persistence]\n"
        f"detection:\n  {detection}\n  condition: {condition}\n"
    )


@pytest.fixture
def find(tmp_path: Path) -> Callable[..., tuple[Hit, ...]]:
    """Runs one rule over events."""

    def run(text: str, *events: dict[str, Any] | str, provider: Provider = OKTA) -> tuple[Hit, ...]:
        (tmp_path / "rule.yml").write_text(text)
        log = tmp_path / "log.jsonl"
        log.write_text("".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in events))
        read = read_rules(tmp_path / "rule.yml")
        assert not read.left_out
        return hits_in(log, provider, read.rules)

    return run


def test_a_hit_says_who_when_and_whose_rule(okta: Okta, find: Callable[..., tuple[Hit, ...]]) -> None:
    """A hit is labelled as Sigma, with the rule's level and techniques and the event's own names."""
    (hit,) = find(rule("sel: {eventType: user.account.reset_password}"), okta(), okta("user.session.start"))

    assert (hit.event, hit.actor, hit.target) == ("u-0001", "00uexecutor@example.test", "00uana@example.test")
    assert (hit.origin, hit.severity, hit.attack, hit.at) == ("sigma", "critical", ("T1098",), NOON)
    assert hit.why == "Sigma: A rule"


def test_any_of_a_list_is_meant(okta: Okta, find: Callable[..., tuple[Hit, ...]]) -> None:
    """A path through a list leads to all of its members, and a list of texts is each of them."""
    two = [{"id": "1", "type": "User"}, {"id": "2", "type": "AppUser"}]
    assert find(rule("sel: {target.type: AppUser}"), okta(target=two))
    assert not find(rule("sel: {target.type: App}"), okta(target=two))
    assert not find(
        rule("sel: {eventType|contains: user}\n  bad: {target.type: User}", condition="sel and not bad"),
        okta(target=two),
    )
    assert find(rule("sel: {labels: b}"), okta(labels=["a", "b"]))
    assert find(rule("sel: {deep.list.name: x}"), okta(deep={"list": [{"name": "w"}, {"name": "x"}]}))
    assert find(rule("sel: {old|contains: '[\"x'}"), okta(old='["x","y"]'))


def test_names_as_the_log_spells_them(okta: Okta, find: Callable[..., tuple[Hit, ...]]) -> None:
    """A first member in other case is the provider's; a member that has the whole path as its name is found too."""
    assert find(rule("sel: {eventtype: user.account.reset_password}"), okta())
    assert find(rule("sel: {a.b: here}"), {"uuid": "u", "a.b": "here"})
    assert find(rule("sel: {a.b: here}"), {"uuid": "u", "a": {"b": "here"}})


def test_lists_that_begin_with_nothing(find: Callable[..., tuple[Hit, ...]]) -> None:
    """A list on the way is entered whatever its first member is: null, a list, or an object without that name."""
    for first in ("null", " null", "\tnull", "[]", "[null]", "{}", '{"b": null}', "7"):
        assert find(rule("sel: {a.b: x}"), f'{{"a": [{first}, {{"b": "x"}}]}}'), first
        assert find(rule("sel: {a.b.c: x}"), f'{{"a": {{"b": [{first}, {{"c": "x"}}]}}}}'), first
    assert find(rule("sel: {a: x}"), '{"a": [null, "x"]}')
    assert not find(rule("sel: {a.b: null}"), '{"a": [null, {"b": "x"}]}')
    assert find(rule("sel: {a.b: null}"), '{"a": [null, {"c": "x"}]}', '{"a": []}', "{}")


def test_who_and_whom_of_lists(find: Callable[..., tuple[Hit, ...]]) -> None:
    """A hit names the first text there is, wherever its list begins, and each of several hits its own."""
    hits = find(
        rule("sel: {x: 1}"),
        '{"x": 1, "uuid": "1", "target": [{"alternateId": "a"}, {"alternateId": "b"}]}',
        '{"x": 1, "uuid": "2", "target": [null, {"alternateId": "c"}]}',
        '{"x": 1, "uuid": "3", "target": [{"alternateId": null}, {"alternateId": "d"}]}',
        '{"x": 1, "uuid": "4", "target": {"alternateId": ["e", "f"]}}',
        '{"x": 1, "uuid": ["5", "6"], "target.alternateId": "g"}',
        '{"x": 1, "uuid": "7", "target": []}',
    )

    assert {hit.event: hit.target for hit in hits} == {"1": "a", "2": "c", "3": "d", "4": "e", "5": "g", "7": ""}


def test_fields_that_differ_in_case(find: Callable[..., tuple[Hit, ...]]) -> None:
    """Members whose names differ in case alone are two, unless the provider spells one of them."""
    text = rule("one: {name: x}\n  two: {Name: y}", condition="one and two")

    assert find(text, '{"name": "x", "Name": "y"}')
    assert not find(text, '{"name": "y", "Name": "x"}')


def test_patterns(find: Callable[..., tuple[Hit, ...]]) -> None:
    """A wildcard stands for any text, at either end or within; what is to be like the whole value is not part of it."""
    cases = {
        "'ab*'": ("ab", "ABc"), "'*ab'": ("ab", "cAb"), "'*ab*'": ("xaby",), "'a*b'": ("ab", "axxb"), "'a?b'": ("axb",),
        "'*'": ("", "x"), "ab": ("ab", "AB"), "'**a'": ("a", "xa"), "'a\\*'": ("a*",),
    }  # fmt: skip
    values = sorted({value for hits in cases.values() for value in hits} | {"ba", "a b", "aab c"})
    for pattern, hits in cases.items():
        lines = [{"uuid": value or "none", "f": value} for value in values]
        found = {hit.event for hit in find(rule(f"sel: {{f: {pattern}}}"), *lines)}
        assert {value or "none" for value in hits} <= found, pattern
        if pattern != "'*'":
            assert found < {value or "none" for value in values}, pattern
    assert not find(rule("sel: {f: ab}"), {"f": "xab"}, {"f": "abx"})
    assert not find(rule("sel: {f|cased: ab}"), {"f": "AB"})


RESET: dict[str, Any] = {
    "SubjectUserSid": "S-1-5-21-1-2-3-1100",
    "SubjectUserName": "root",
    "TargetUserName": "ana",
    "TargetSid": "S-1-5-21-1-2-3-1200",
    "PrivilegeList": "SeSecurity",
}
AUDITING = "Microsoft-Windows-Security-Auditing"
LOUD = rule(
    f"sel: {{EventID: 4724, Provider_Name: {AUDITING}, Computer: dc1, TargetUserName: ana, PrivilegeList: SeSecurity}}"
).replace("product: okta", "product: windows, service: security")


def _evtx(**data: Any) -> dict[str, Any]:
    system = {
        "Provider": {"#attributes": {"Name": AUDITING}},
        "EventID": 4724,
        "TimeCreated": {"#attributes": {"SystemTime": "2026-03-02T12:00:00.1234567Z"}},
        "EventRecordID": 7,
        "Channel": "Security",
        "Computer": data.pop("on", "dc1"),
    }
    return {"Event": {"System": system, "EventData": {**RESET, **data}}}


def _xml(**data: Any) -> str:
    on = data.pop("on", "dc1")
    inner = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in {**RESET, **data}.items())
    return (
        f"<Event><System><Provider Name='{AUDITING}'/><EventID>4724</EventID><Channel>Security</Channel>"
        "<TimeCreated SystemTime='2026-03-02T12:00:00.1234567Z'/><EventRecordID>7</EventRecordID>"
        f"<Computer>{on}</Computer></System><EventData>{inner}</EventData></Event>"
    )


def _beat(**data: Any) -> dict[str, Any]:
    winlog = {
        "event_id": "4724",
        "provider_name": AUDITING,
        "computer_name": data.pop("on", "dc1"),
        "channel": "Security",
    }
    winlog |= {"record_id": 7, "time_created": "2026-03-02T12:00:00.1234567Z"}
    return {"winlog": {**winlog, "event_data": {**RESET, **data}}}


def _nxlog(**data: Any) -> dict[str, Any]:
    head = {
        "EventTime": "2026-03-02T12:00:00.1234567Z",
        "Hostname": data.pop("on", "dc1"),
        "SourceName": AUDITING,
        "RecordNumber": 7,
    }
    return {**head, "EventID": 4724, "Channel": "Security", **RESET, **data}


def _wazuh(**data: Any) -> dict[str, Any]:
    system = {"providerName": AUDITING, "eventID": "4724", "systemTime": "2026-03-02T12:00:00.1234567Z"}
    system |= {"eventRecordID": "7", "channel": "Security", "computer": data.pop("on", "dc1")}
    return {"win": {"system": system, "eventdata": {n[0].lower() + n[1:]: v for n, v in {**RESET, **data}.items()}}}


@pytest.mark.parametrize(
    "written",
    [
        lambda *events: "\n".join(json.dumps(_evtx(**event)) for event in events),
        lambda *events: "\n".join(json.dumps(_evtx(**event), indent=2) for event in events),
        lambda *events: json.dumps([_evtx(**event) for event in events]),
        lambda *events: "\n".join(_xml(**event) for event in events),
        lambda *events: "<Events>" + "\n".join(_xml(**event) for event in events) + "</Events>",
        lambda *events: "\n".join(json.dumps(_beat(**event)) for event in events),
        lambda *events: "\n".join(json.dumps(_nxlog(**event)) for event in events),
        lambda *events: "\n".join(json.dumps(_wazuh(**event)) for event in events),
        lambda *events: "\n".join(json.dumps(f(**e)) for f, e in zip((_nxlog, _beat), events, strict=True)),
        lambda *events: json.dumps({"value": [_nxlog(**event) for event in events]}),
    ],
    ids=["evtx", "indented", "a list", "xml", "an xml document", "beat", "nxlog", "wazuh", "mixed", "a page"],
)
def test_windows_events_in_every_form(written: Callable[..., str], tmp_path: Path) -> None:
    """Rules see an event of Windows in the names of its log, whoever passes it on, and as the verdict on it does."""
    (tmp_path / "rule.yml").write_text(LOUD)
    log = tmp_path / "log.data"
    log.write_text(written({}, {"TargetUserName": "ben", "TargetSid": "S-1-5-21-1-2-3-1201", "on": "dc2"}))
    feed = Feed(provider=provider_named("windows"), files=(log,))

    report = Engine().judge((feed,), sigma=read_rules(tmp_path / "rule.yml").rules)

    (hit,) = report.hits
    assert (hit.actor, hit.target) == (RESET["SubjectUserSid"], RESET["TargetSid"])
    assert hit.event == "dc1/security/7"
    assert hit.at == NOON.replace(microsecond=123456)


def test_events_that_came_several_in_one(tmp_path: Path) -> None:
    """A file as AWS delivers it is one list of events: rules see each."""
    (tmp_path / "rule.yml").write_text(
        rule("sel: {eventName: DeactivateMFADevice}").replace("okta", "aws, service: cloudtrail")
    )
    events = [{"eventName": name, "eventID": name[:4], "eventTime": "2026-03-02T12:00:00Z"} for name in
              ("DeactivateMFADevice", "ListUsers", "DeactivateMFADevice")]  # fmt: skip
    log = tmp_path / "log.json.gz"
    log.write_bytes(gzip.compress(json.dumps({"Records": events}).encode()))

    hits = hits_in(log, provider_named("cloudtrail"), read_rules(tmp_path / "rule.yml").rules)

    assert [(hit.event, hit.at.hour) for hit in hits] == [("Deac", 12)] * 2


def test_a_table_and_what_an_event_lies_in(okta: Okta, tmp_path: Path) -> None:
    """Rules see a row as an event, and beside an event that came alone what it came in."""
    text = rule("sel: {eventType: user.account.reset_password}\n  held: {offset: 7}", condition="sel and held")
    (tmp_path / "rule.yml").write_text(text)
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({"offset": 7, "message": json.dumps(okta())}) + "\n")
    assert [hit.at for hit in hits_in(log, OKTA, read_rules(tmp_path / "rule.yml").rules)] == [NOON]

    (tmp_path / "rule.yml").write_text(LOUD.replace("Computer: dc1, ", "Computer: dc1, EventRecordID: 7, "))
    row = {"EventID": "4724", "ProviderName": AUDITING, "Computer": "dc1", "EventRecordID": "7", **RESET}
    (tmp_path / "log.csv").write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n")
    assert len(hits_in(tmp_path / "log.csv", WINDOWS, read_rules(tmp_path / "rule.yml").rules)) == 1


def test_values_without_a_field_mean_the_whole_event(okta: Okta, find: Callable[..., tuple[Hit, ...]]) -> None:
    """A keyword is looked for anywhere in the line, and fields beside it still work."""
    text = rule("words: ['*tor exit*']\n  sel: {eventType|contains: reset}", condition="words and sel")

    assert find(text, okta(note="a TOR exit node"))
    assert not find(text, okta(note="an exit"), okta("user.session.start", note="tor exit"))


def test_an_absent_field_is_not_what_it_is_not(okta: Okta, find: Callable[..., tuple[Hit, ...]]) -> None:
    """Not having a member satisfies a negation, as does null."""
    text = rule("sel: {eventType|contains: user}\n  bad: {client.zone: inside}", condition="sel and not bad")

    assert len(find(text, okta(), okta(client=None), okta(client={"zone": "inside"}))) == 2


def test_hostile_values_stay_values(okta: Okta, find: Callable[..., tuple[Hit, ...]]) -> None:
    """Quotes, SQL, patterns and JSON paths in rules and in events match themselves and nothing else."""
    nasty = """x'); DROP TABLE log; -- "$.a[*]" %_!"""
    quoted = json.dumps(nasty)
    assert len(find(rule(f"sel: {{note: {quoted}}}"), okta(note=nasty), okta(note="x"))) == 1
    assert len(find(rule(f"sel: {{{quoted}: x}}"), {**okta(), nasty: "x"}, okta())) == 1
    assert len(find(rule(f"sel: {{note|contains: {json.dumps('%_!')}}}"), okta(note=nasty), okta(note="abc!"))) == 1


def test_damaged_lines_find_nothing(okta: Okta, find: Callable[..., tuple[Hit, ...]]) -> None:
    """Lines that are no JSON, or no objects, are passed over."""
    assert len(find(rule("sel: {eventType|contains: reset}"), "no json", okta(), '{"cut": "sho', "[1]", "null")) == 1


@pytest.mark.parametrize("without", ["sel: {gone: 1}", "keywords: [reset_password]"])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(b'{"eventType": "x"', id="cut"),
        pytest.param(b'{"eventType": "x"} {"eventType": "y"}', id="two in a line"),
        pytest.param(b'{"eventType": "a\x1fb"}', id="a control character"),
        pytest.param(b'{"eventType": "\xff\xfe"}', id="no UTF-8"),
        pytest.param(b'{"eventType": "x\x00y"}', id="nothing"),
        pytest.param(b'"reset_password, and no end', id="an open quote"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_damaged_line_hides_no_other(without: str, damage: bytes, okta: Okta, tmp_path: Path) -> None:
    """What is no JSON is found neither by what it has nor by what it has not; the lines around it are."""
    (tmp_path / "rule.yml").write_text(rule(without, condition="not 1 of them" if "gone" in without else "keywords"))
    log = tmp_path / "log.jsonl"
    before, after = (json.dumps(okta(uuid=uuid)).encode() for uuid in ("before", "after"))
    log.write_bytes(b"\r\n".join((before, damage, after)))
    found = [hit.event for hit in hits_in(log, OKTA, read_rules(tmp_path / "rule.yml").rules)]
    assert found == ["before", "after"]


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(b"\xef\xbb\xbf%b\n%b", id="a byte-order mark"),
        pytest.param(b'{"pad":\r"x", "in": %b}\r\n%b', id="a carriage return within"),
        pytest.param(b"  %b\t\n\n \n%b\n", id="white space around"),
        pytest.param(b"\xef\xbb\xbf%b\nno json\n%b", id="a byte-order mark, and damage"),
        pytest.param(b'%b\n{"long": "' + b"x" * (17 << 20) + b'"}\n%b', id="a line of 17 MB between"),
    ],
)
def test_how_lines_are_written_is_no_matter(written: bytes, okta: Okta, tmp_path: Path) -> None:
    """Every line that is JSON is looked at, however it is laid out."""
    kinds = "sel: {eventType: user.account.reset_password}\n  in: {in.eventType: user.account.reset_password}"
    (tmp_path / "rule.yml").write_text(rule(kinds, condition="sel or in"))
    log = tmp_path / "log.jsonl"
    log.write_bytes(written % tuple(json.dumps(okta(uuid=uuid)).encode() for uuid in ("one", "two")))
    assert len(hits_in(log, OKTA, read_rules(tmp_path / "rule.yml").rules)) == 2


def test_times_of_every_kind(find: Callable[..., tuple[Hit, ...]]) -> None:
    """Seconds, milliseconds and text give the time; what is none gives the epoch and is still a hit."""
    hits = find(
        rule("sel: {a: 1}"),
        *(
            {"a": 1, "uuid": str(n), "time": t}
            for n, t in enumerate((1772452800, 1772452800000, "2026-03-02T12:00:00Z"))
        ),
        {"a": 1, "uuid": "x", "time": "soon"},
        {"a": 1, "uuid": "y", "time": 1e300},
        {"a": 1, "uuid": "z", "time": "9999-12-31T23:00:00-02:00"},
    )

    assert [hit.at for hit in hits][3:] == [NOON] * 3
    assert {hit.at for hit in hits[:3]} == {datetime(1970, 1, 1, tzinfo=UTC)}


def test_compressed_logs(okta: Okta, tmp_path: Path) -> None:
    """A gzip file is read as it is."""
    (tmp_path / "rule.yml").write_text(rule("sel: {eventType|contains: reset}"))
    log = tmp_path / "log.jsonl.gz"
    log.write_bytes(gzip.compress(json.dumps(okta()).encode() + b"\n"))

    assert len(hits_in(log, OKTA, read_rules(tmp_path).rules)) == 1


def test_only_rules_about_this_log_run(okta: Okta, tmp_path: Path) -> None:
    """A rule about another product's log is not run on this one; one about no product is run on all."""
    for product in ("okta", "windows", "github", None):
        text = rule("sel: {eventType|contains: reset}", product=product, title=f"{product} rule")
        (tmp_path / f"{product}.yml").write_text(text)
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(okta()) + "\n")

    assert {hit.title for hit in hits_in(log, OKTA, read_rules(tmp_path).rules)} == {"okta rule", "None rule"}


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    """A rule that can not be read or run, or is about a log nobody has, stops nothing, and is named with why."""
    (tmp_path / "good.yml").write_text(rule("sel: {a: 1}"))
    (tmp_path / "broken.yml").write_text("title: [")
    (tmp_path / "list.yml").write_text("- 1\n- 2\n")
    (tmp_path / "empty.yml").write_text("title: x\n")
    (tmp_path / "condition.yml").write_text(rule("sel: {a: 1}", condition="other"))
    (tmp_path / "regex.yml").write_text(rule("sel: {a|re: '('}"))
    (tmp_path / "elsewhere.yml").write_text(rule("sel: {a: 1}", product="zeek"))
    (tmp_path / "correlation.yml").write_text(
        "title: Many\ncorrelation: {type: event_count, rules: [one], group-by: [a], timespan: 1h, condition: {gt: 3}}\n"
        "---\n" + rule("sel: {a: 1}").replace("title:", "name: one\ntitle:")
    )

    read = read_rules(tmp_path)

    assert {r.file.name for r in read.rules} == {"good.yml", "correlation.yml"}
    assert {left.file.stem for left in read.left_out} >= {
        "broken", "list", "empty", "condition", "regex", "elsewhere", "correlation",
    }  # fmt: skip
    with pytest.raises(Invalid):
        read_rules(tmp_path / "nothing")


def test_beside_verdicts(okta: Okta, tmp_path: Path) -> None:
    """In one run with verdicts, a Sigma hit has the names of the verdict on the same event."""
    (tmp_path / "rule.yml").write_text(rule("sel: {eventType|contains: reset_password}"))
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(okta()) + "\n")

    report = Engine().judge((Feed(provider=OKTA, files=(log,)),), sigma=read_rules(tmp_path / "rule.yml").rules)

    (hit,) = report.hits
    assert (hit.actor, hit.target) == (report.verdicts[0].actor, report.verdicts[0].target) == ("00uexecutor", "00uana")
