"""What alerts look like in each format: one line each, nothing that a name in a log could break, and what it says."""

from __future__ import annotations

import json
import re

import pytest

from watchword.core.errors import Invalid
from watchword.core.finding import Status
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.formats import FORMATS, format_named
from watchword.watch.formats.alert import Alert, Severity
from watchword.watch.formats.finding_alert import AnyAlert

from .rows import FEED, FINDINGS, HOSTILE, SAMPLES, finding, hostile, row

TOLD: tuple[AnyAlert, ...] = (*map(Alert.of, SAMPLES), *FINDINGS)
JSON = ("ocsf", "ocsf-event", "ecs", "hec", "jsonl")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("one", TOLD, ids=range(len(TOLD)))
def test_a_message_is_printable_text_on_its_line(name: str, one: AnyAlert) -> None:
    """No name can end a line, move a cursor or turn the reading direction; bulk has its two lines and no third."""
    text = FORMATS[name](one).decode()
    lines = text.split("\n")
    assert len(lines) == (2 if name == "bulk" else 1)
    assert all(line.replace("\ufeff", "").isprintable() for line in lines)


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("one", [Alert.of(hostile()), FINDINGS[1]])
def test_json_keeps_hostile_text_as_it_is(name: str, one: AnyAlert) -> None:
    """Nothing is lost or altered: what the log said is what the parsed document says."""
    said = json.loads(FORMATS[name](one))
    assert HOSTILE in list(_texts(said))


def _texts(value: object) -> list[object]:
    if isinstance(value, dict):
        return [found for each in value.values() for found in _texts(each)]
    if isinstance(value, list):
        return [found for each in value for found in _texts(each)]
    return [value]


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({}, Severity.HIGH),
        ({"verdict": Verdict.SUSPICIOUS}, Severity.HIGH),
        ({"verdict": Verdict.SUSPICIOUS, "reasons": ("no_case", "privileged_target")}, Severity.CRITICAL),
        ({"verdict": Verdict.OUT_OF_POLICY}, Severity.MEDIUM),
        ({"verdict": Verdict.OUT_OF_POLICY, "reasons": ("expired", "privileged_target")}, Severity.HIGH),
        ({"verdict": Verdict.DOWNTIME}, Severity.MEDIUM),
        ({"verdict": Verdict.TICKETED}, Severity.LOW),
        ({"verdict": Verdict.VERIFIED}, Severity.INFORMATIONAL),
        ({"verdict": Verdict.SELF_SERVICE}, Severity.INFORMATIONAL),
    ],
)
def test_severity(fields: dict[str, object], severity: Severity) -> None:
    """A missing chain is graver than a broken one, and a privileged account makes either graver."""
    assert Alert.of(row(**fields)).severity is severity


def test_a_finding_is_opened_updated_and_closed() -> None:
    """A first revision creates, a later one updates, and one that clears the event closes under the same id."""
    revisions = (
        row(),
        row(verdict=Verdict.OUT_OF_POLICY, reasons=("expired",), revision=2),
        row(verdict=Verdict.VERIFIED, reasons=("whole_chain",), ticket="INC001", revision=3),
    )
    said = [json.loads(FORMATS["ocsf"](Alert.of(one))) for one in revisions]
    assert [one["activity_name"] for one in said] == ["Create", "Update", "Close"]
    assert [one["status"] for one in said] == ["New", "New", "Resolved"]
    assert {one["finding_info"]["uid"] for one in said} == {"u-0001"}
    assert len({one["metadata"]["uid"] for one in said}) == 3
    assert (said[2]["ticket"], said[2]["metadata"]["profiles"]) == ({"uid": "INC001"}, ["incident"])


@pytest.mark.parametrize("action", Canonical)
def test_every_action_has_a_place_in_both_classes(action: Canonical) -> None:
    """An account change has an activity of its class, and beside it one of User Management."""
    said = json.loads(FORMATS["ocsf-event"](Alert.of(row(action=action))))
    assert said["type_uid"] == 300100 + said["activity_id"]
    assert (
        said["unmapped"]["user_management"]["type_uid"] == 300700 + said["unmapped"]["user_management"]["activity_id"]
    )


def test_a_failed_attempt_says_failure_everywhere() -> None:
    """What did not happen is not told as done."""
    alert = Alert.of(row(verdict=Verdict.IGNORED, reasons=("attempt_failed",)))
    assert json.loads(FORMATS["ocsf-event"](alert))["status"] == "Failure"
    assert json.loads(FORMATS["ecs"](alert))["event"]["outcome"] == "failure"


def test_a_silent_log_is_a_finding_without_an_actor() -> None:
    """A feed has no user: ECS names none, and OCSF says it as a finding in the event format too."""
    assert json.loads(FORMATS["ecs"](Alert.of(FEED)))["user"] == {}
    assert json.loads(FORMATS["ocsf-event"](Alert.of(FEED)))["class_uid"] == 2004


def test_ecs_tells_who_did_it_to_whom() -> None:
    """The actor is the user, the account the target, both are related; the address has its geography."""
    said = json.loads(FORMATS["ecs"](Alert.of(row(country="DE", asn=64500))))
    assert (said["user"]["id"], said["user"]["target"]["id"]) == ("00uagent", "00uana")
    assert said["related"] == {"user": ["00uagent", "00uana"], "ip": ["198.51.100.7"]}
    assert said["source"] == {"ip": "198.51.100.7", "geo": {"country_iso_code": "DE"}, "as": {"number": 64500}}
    assert said["event"]["kind"] == "alert"


def test_an_address_of_the_log_is_the_name_and_the_id_stays() -> None:
    """A reader of the SIEM sees who it was, and what it is joined by is there as well."""
    alert = Alert.of(row(actor_login="agent.one@example.test", target_login="ana@example.test"))
    ecs, ocsf = json.loads(FORMATS["ecs"](alert)), json.loads(FORMATS["ocsf-event"](alert))
    assert ecs["user"] == {
        "id": "00uagent",
        "name": "agent.one@example.test",
        "target": {"id": "00uana", "name": "ana@example.test"},
    }
    assert ecs["related"]["user"] == ["00uagent", "00uana", "agent.one@example.test", "ana@example.test"]
    assert ocsf["user"] == {"uid": "00uana", "name": "ana@example.test"}
    assert ocsf["actor"]["user"] == {"uid": "00uagent", "name": "agent.one@example.test"}
    assert json.loads(FORMATS["ocsf"](alert))["resources"][0]["name"] == "ana@example.test"
    _, cef = _cef(FORMATS["cef"](alert).decode())
    assert (cef["suser"], cef["suid"]) == ("agent.one@example.test", "00uagent")
    assert (cef["duser"], cef["duid"]) == ("ana@example.test", "00uana")
    assert 'target="00uana" target_login="ana@example.test"' in FORMATS["syslog"](alert).decode()


def _cef(line: str) -> tuple[list[str], dict[str, str]]:
    """A CEF line read by the rules of its standard: seven headers, then keys and values."""
    *head, extension = re.split(r"(?<!\\)(?:\\\\)*\|", line, maxsplit=7)
    keys = [*re.finditer(r"(?:^|(?<= ))([A-Za-z0-9]+)=", extension)]
    ends = [*(key.start() - 1 for key in keys[1:]), len(extension)]
    values = {k[1]: extension[k.end() : end] for k, end in zip(keys, ends, strict=True)}
    return head, {k: re.sub(r"\\(.)", r"\1", v) for k, v in values.items()}


def test_cef_has_its_seven_headers_and_its_fields() -> None:
    """The header names verdict and severity; who, whom and from where stand under their keys."""
    head, fields = _cef(FORMATS["cef"](Alert.of(row(case="c-1", ticket="INC001"))).decode())
    assert head[0] == "CEF:0"
    assert head[4:] == ["unverified:password.reset", "Identity change without evidence: password.reset", "8"]
    assert (fields["suser"], fields["duser"], fields["src"]) == ("00uagent", "00uana", "198.51.100.7")
    assert (fields["cs1"], fields["cs2"], fields["rt"]) == ("c-1", "INC001", "1772452800250")


def test_a_name_makes_no_field_in_cef() -> None:
    """Every `=` of a value is escaped, so no key comes from a log; what is no address does not stand as one."""
    line = FORMATS["cef"](Alert.of(hostile())).decode()
    assert not re.search(r"(?<!\\)(?:\\\\)*=cmd", line)
    assert "src" not in _cef(FORMATS["cef"](Alert.of(row(address="203.0.113.300"))).decode())[1]


def test_a_value_can_not_end_structured_data() -> None:
    """Quote, bracket and backslash are escaped as RFC 5424 6.3.3 says, so the element ends once."""
    text = FORMATS["syslog"](Alert.of(hostile())).decode()
    element = re.search(r'\[watchword@32473(?: [a-z_]+="(?:[^"\\\]]|\\["\\\]])*")*\] \ufeff', text)
    assert element is not None
    assert text.startswith("<107>1 2026-03-02T12:00:00.250000Z ")


@pytest.mark.parametrize(
    ("fields", "activity", "status", "verdict"),
    [
        ({}, "Create", "New", None),
        ({"is_first": False}, "Update", "New", None),
        ({"is_first": False, "status": Status.TRIAGED}, "Update", "In Progress", None),
        ({"is_first": False, "status": Status.CONFIRMED}, "Update", "In Progress", "True Positive"),
        ({"is_first": False, "status": Status.DISMISSED, "dismissal": "test"}, "Close", "Suppressed", "Test"),
        ({"is_first": False, "status": Status.CLOSED, "dismissal": "duplicate"}, "Close", "Resolved", "Duplicate"),
        ({"is_first": False, "status": Status.CLOSED}, "Close", "Resolved", "True Positive"),
        ({"is_first": False, "status": Status.CLOSED, "events": 0}, "Close", "Resolved", "Benign"),
    ],
)
def test_the_life_of_a_finding_in_ocsf(
    fields: dict[str, object], activity: str, status: str, verdict: str | None
) -> None:
    """Each step is an activity and a state of the same finding, with what people found of it."""
    said = json.loads(FORMATS["ocsf"](finding(**fields)))
    assert (said["activity_name"], said["status"], said.get("verdict")) == (activity, status, verdict)
    assert (said["finding_info"]["uid"], said["metadata"]["uid"]) == ("f-key-1", "f-key-1/1")
    assert said["is_alert"] == (activity != "Close")


def test_a_finding_has_its_events_rules_and_evidence() -> None:
    """OCSF names the rules as analytics, the events as related, the ticket, and each item with its leaves."""
    said = json.loads(FORMATS["ocsf"](finding()))
    info = said["finding_info"]
    assert [info["analytic"]["uid"], *(one["uid"] for one in info["related_analytics"])] == [
        "verdict.unverified",
        "several_targets",
    ]
    assert [one["uid"] for one in info["related_events"]] == ["u-0001"]
    assert said["ticket"] == {"uid": "INC001"}
    assert [one["data"].get("leaves") for one in said["evidences"]] == [[3, 4], None]
    assert [one["uid"] for one in said["resources"]] == ["00uana", "00uben"]
    assert [one["technique"]["uid"] for one in info["attacks"]] == ["T1098", "T1556"]


def test_a_finding_in_ecs_cef_and_syslog() -> None:
    """Its id, state, rules and whom it is about stand where collectors of each look for them."""
    over = finding(status=Status.DISMISSED, dismissal="expected")
    said = json.loads(FORMATS["ecs"](finding()))
    assert (said["event"]["kind"], said["event"]["id"], said["rule"]["id"][1]) == (
        "alert",
        "f-key-1",
        "several_targets",
    )
    assert (said["user"]["id"], said["user"]["target"]["id"]) == (["00uagent"], ["00uana", "00uben"])
    assert said["user"]["target"]["name"] == ["ana@example.test", "00uben"]
    assert "ana@example.test" in said["related"]["user"]
    assert [one["data"].get("target_login") for one in json.loads(FORMATS["ocsf"](finding()))["evidences"]] == [
        "ana@example.test",
        None,
    ]
    fields = _cef(FORMATS["cef"](finding()).decode())[1]
    assert (fields["suser"], fields["duser"], fields["duid"]) == ("00uagent", "ana@example.test", "00uana")
    assert json.loads(FORMATS["ecs"](over))["event"]["kind"] == "event"
    head, fields = _cef(FORMATS["cef"](over).decode())
    assert (head[4], fields["externalId"], fields["cs6"], fields["reason"]) == (
        "finding:dismissed",
        "f-key-1/1",
        "f-key-1",
        "expected",
    )
    text = FORMATS["syslog"](finding()).decode()
    assert text.startswith("<107>1 2026-03-02T12:00:00.250000Z ")
    assert ' finding [watchword@32473 id="f-key-1/1" finding="f-key-1" status="new" ' in text


def test_an_unknown_format_names_the_known_ones() -> None:
    """The error lists what there is."""
    with pytest.raises(Invalid, match="ocsf"):
        format_named("leef")
