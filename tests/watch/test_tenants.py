"""Whose a line is of a vendor's many customers: another tenant's is told and kept aside, several are counted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watchword.core.errors import Invalid
from watchword.watch.engine import Engine
from watchword.watch.follow import Follow, Followed
from watchword.watch.providers import Feed, provider_named
from watchword.watch.sources.spool import Spool
from watchword.watch.sources.understood import LEAST, understood
from watchword.watch.tenants import demand_tenants_told
from watchword.watch.verdicts import Report

from . import test_cloudtrail as aws
from . import test_entra as entra
from . import test_github as github
from . import test_google as google
from .conftest import NOON

OURS, THEIRS = "10000000-0000-4000-8000-000000000001", "20000000-0000-4000-8000-000000000002"


def hub(tenant: str | None, number: int = 0, **members: Any) -> dict[str, Any]:
    """An audit as a diagnostic setting sends it to an event hub."""
    audit = entra._audit(id=f"{tenant}-{number}", correlationId=f"c-{tenant}-{number}")
    return {
        "time": "2026-03-02T12:00:00Z",
        "resourceId": f"/tenants/{tenant}/providers/Microsoft.aadiam",
        "operationName": audit["activityDisplayName"],
        "category": "AuditLogs",
        **({} if tenant is None else {"tenantId": tenant}),
        "properties": audit,
        **members,
    }


def _judged(provider: str, log: Path, lines: Iterable[object], *tenants: str, rejects: Path | None = None) -> Report:
    log.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    feed = Feed(provider=provider_named(provider), directory="corp", files=(log,), tenants=tenants)
    return Engine().judge((feed,), rejects=rejects)


def _told(report: Report) -> dict[tuple[str, bool], int]:
    return {(one.tenant, one.ours): one.lines for one in report.tenants}


def test_another_tenants_lines_are_kept_aside_and_not_judged(tmp_path: Path) -> None:
    """They are counted with whose they are; what names no tenant is ours, and the case of an id says nothing."""
    rejects = tmp_path / "rejects.jsonl"
    lines = [hub(OURS.upper()), hub(THEIRS), hub(None), hub(THEIRS, 1)]
    report = _judged("entra", tmp_path / "log.jsonl", lines, OURS, rejects=rejects)

    assert len(report.verdicts) == 2
    assert _told(report) == {(THEIRS, False): 2, (OURS.upper(), True): 1}
    assert (report.lines, report.rejected_lines) == (4, 2)
    assert [(one.line, one.reason) for one in report.rejected] == [
        (2, f"of another tenant: {THEIRS}"),
        (4, f"of another tenant: {THEIRS}"),
    ]
    (share,) = report.files
    assert (share.rejected, share.elsewhere, share.strange, share.is_strange) == (2, 2, 0, False)

    again = Engine().judge((Feed(provider=provider_named("entra"), files=(rejects,), tenants=(THEIRS,)),))
    assert len(again.verdicts) == 2
    assert not again.rejected_lines


def test_several_tenants_in_one_log_are_told_and_all_judged(tmp_path: Path) -> None:
    """Where none is named, each may be ours, such as every account of an organization."""
    report = _judged("entra", tmp_path / "log.jsonl", [hub(OURS), hub(THEIRS), hub(OURS, 1)])

    assert len(report.verdicts) == 3
    assert _told(report) == {(OURS, True): 2, (THEIRS, True): 1}


def _sentinel(tenant: str) -> dict[str, Any]:
    audit = {name[0].upper() + name[1:]: each for name, each in entra._audit(id=f"s-{tenant}").items()}
    return {**audit, "TenantId": "a workspace", "AADTenantId": tenant, "OperationName": audit["ActivityDisplayName"]}


def _elastic(tenant: str) -> dict[str, Any]:
    return {
        "@timestamp": "2026-03-02T12:00:00Z",
        "event": {"action": "Reset password (by admin)", "outcome": "success"},
        "azure": {"tenant_id": tenant, "auditlogs": {"properties": entra._audit(id=f"e-{tenant}")}},
    }


def _unified(tenant: str) -> dict[str, Any]:
    return {
        "CreationTime": "2026-03-02T12:00:00",
        "Id": f"u-{tenant}",
        "Operation": "Reset user password.",
        "OrganizationId": tenant,
        "UserId": "admin@example.test",
        "ObjectId": "ana@example.test",
        "ResultStatus": "Success",
    }


def _customer(tenant: str) -> dict[str, Any]:
    activity = google._activity(google._event("CHANGE_PASSWORD"))
    return {**activity, "id": {**activity["id"], "customerId": tenant}}


def _realm(tenant: str) -> dict[str, Any]:
    return {
        "id": f"k-{tenant}",
        "time": 1772452800000,
        "type": "UPDATE_PASSWORD",
        "realmId": f"id of {tenant}",
        "realmName": tenant,
        "userId": "ana",
        "ipAddress": "198.51.100.7",
    }


def _activity(tenant: str) -> dict[str, Any]:
    return {
        "action": {"name": "bypass_create"},
        "activity_id": f"d-{tenant}",
        "akey": tenant,
        "actor": {"key": "DEMARA", "name": "mara", "type": "admin"},
        "target": {"key": "DUANA", "name": "ana", "type": "user"},
        "ts": "2026-03-02T12:00:00+00:00",
    }


def _token(tenant: str) -> dict[str, Any]:
    return {
        "jti": f"s-{tenant}",
        "iss": tenant,
        "iat": 1772452800,
        "sub_id": {"format": "email", "email": "ana@example.test"},
        "events": {"https://schemas.openid.net/secevent/risc/event-type/account-credential-change-required": {}},
    }


def _framework(tenant: str) -> dict[str, Any]:
    return {
        "class_uid": 3001,
        "activity_id": 3,
        "time": 1772452800000,
        "metadata": {"uid": f"o-{tenant}", "tenant_uid": tenant, "product": {"vendor_name": "Sample"}},
        "actor": {"user": {"uid": "u-ben", "name": "ben"}},
        "user": {"uid": "u-ana", "name": "ana"},
    }


SAYING: dict[str, tuple[str, Any]] = {
    "an event hub": ("entra", hub),
    "Log Analytics": ("entra", _sentinel),
    "Elastic's Entra": ("entra", _elastic),
    "the unified audit log": ("entra", _unified),
    "Google": ("google", _customer),
    "Keycloak": ("keycloak", _realm),
    "Duo": ("duo", _activity),
    "AWS": ("cloudtrail", lambda tenant: aws.call("DeleteLoginProfile", recipientAccountId=tenant, eventID=tenant)),
    "GitHub": ("github", lambda tenant: github.entry("org.add_member", org=tenant, _document_id=tenant)),
    "an enterprise": (
        "github",
        lambda tenant: github.entry("org.add_member", org="team", business=tenant, _document_id=tenant),
    ),
    "Shared Signals": ("ssf", _token),
    "OCSF": ("ocsf", _framework),
    "ECS": ("ecs", lambda tenant: {**_elastic(tenant), "data_stream": {"dataset": "azure.auditlogs"}}),
}


@pytest.mark.parametrize("form", SAYING)
def test_each_vendor_says_whose_a_line_is(tmp_path: Path, form: str) -> None:
    """By the member that its documentation calls the tenant, in each form that has one."""
    provider, line = SAYING[form]
    told = _told(_judged(provider, tmp_path / "several.jsonl", [line(OURS), line(THEIRS)]))
    assert told == {(OURS, True): 1, (THEIRS, True): 1}
    told = _told(_judged(provider, tmp_path / "ours.jsonl", [line(OURS), line(THEIRS)], OURS))
    assert told == {(OURS, True): 1, (THEIRS, False): 1}


def test_any_of_a_lines_names_will_do(tmp_path: Path) -> None:
    """An enterprise is known by its own name or an organization's, a realm by name or id; a list names several."""
    lines = [
        github.entry("org.add_member", org="team", business="corp", _document_id="1"),
        github.entry("org.add_member", org=["team", "other"], _document_id="2"),
        github.entry("org.add_member", org="other", _document_id="3"),
    ]
    report = _judged("github", tmp_path / "log.jsonl", lines, "Team")
    assert [one.reason for one in report.rejected] == ["of another tenant: other"]
    report = _judged("keycloak", tmp_path / "realms.jsonl", [_realm("a"), _realm("b")], "id of a")
    assert [one.reason for one in report.rejected] == ["of another tenant: b"]


def test_a_guests_home_is_not_whose_log_it_is(tmp_path: Path) -> None:
    """A sign-in names where the user and the resource are from: neither says whose log it stands in."""
    log = tmp_path / "log.jsonl"
    report = _judged("entra", log, [entra._sign_in(homeTenantId=THEIRS, resourceTenantId=THEIRS)], OURS)
    assert not report.rejected_lines
    assert report.tenants == ()


def test_a_list_or_a_table_is_looked_at_event_by_event(tmp_path: Path) -> None:
    """A page with events of two tenants loses only the other's; so does a file of columns."""
    report = _judged("cloudtrail", tmp_path / "page.json", [{"Records": [SAYING["AWS"][1](t) for t in "12"]}], "1")
    assert _told(report) == {("1", True): 1, ("2", False): 1}

    rows = [
        {"recipientAccountId": t, "eventName": "DeleteLoginProfile", "eventSource": "iam.amazonaws.com"} for t in "12"
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "log.parquet")
    feed = Feed(provider=provider_named("cloudtrail"), files=(tmp_path / "log.parquet",), tenants=("1",))
    assert _told(Engine().judge((feed,))) == {("1", True): 1, ("2", False): 1}


def test_a_very_long_name_and_very_many_are_bounded(tmp_path: Path) -> None:
    """A line says what it likes: no more is kept of it than people can read."""
    lines = [hub(f"{n:03}" + "x" * 10_000) for n in range(150)]
    for tenants in ((), (OURS,)):
        report = _judged("entra", tmp_path / "log.jsonl", lines, *tenants)
        assert len(report.tenants) == 100
        assert max(len(one.tenant) for one in report.tenants) == 100


def test_a_log_that_never_says_whose_it_is_takes_no_tenants() -> None:
    """It would let all pass, and say that it did not."""
    with pytest.raises(Invalid, match="okta does not say which tenant"):
        demand_tenants_told(provider_named("okta"), ("corp",))
    for name in (
        "entra",
        "google",
        "keycloak",
        "duo",
        "cloudtrail",
        "github",
        "ssf",
        "ecs",
        "ocsf",
        "windows",
        "samba",
        "openldap",
    ):
        demand_tenants_told(provider_named(name), ("corp",))


def test_a_feed_of_another_tenant_is_no_sign_of_life(tmp_path: Path) -> None:
    """Followed, it is told as a log that is not understood, by whose it is; its lines are kept in `rejected`."""
    spool, entra_ = Spool(tmp_path / "spool"), provider_named("entra")
    feed = Followed(name="hub", provider=entra_, spool=spool, quiet=timedelta(minutes=10), tenants=(OURS,))
    spool.append([json.dumps(hub(THEIRS, n)).encode() for n in range(LEAST)], NOON)
    with Follow((feed,), tmp_path / "state", tmp_path / "verdicts", clock=lambda: NOON) as follow:
        (row,) = follow.step(NOON)
        pulse = follow.pulses["hub"]
        assert (pulse.read, pulse.rejected) == (LEAST, 0)  # what is not ours is no damage
    assert row.reasons == ("feed_not_understood",)
    assert f"nothing that entra of {OURS} is known to write" in str(row.detail)
    assert f"of another tenant: {THEIRS}" in str(row.detail)
    (kept,) = (tmp_path / "state" / "rejected").glob("*.jsonl")
    assert len(kept.read_text(encoding="utf-8").splitlines()) == LEAST


class Hub:
    """A followed event hub whose settings name *tenants*."""

    def __init__(self, folder: Path, *tenants: str) -> None:
        self.folder, self.tenants = folder, tenants
        self.spool = Spool(folder / "spool")

    def begin(self) -> Follow:
        """Follow it, from where it was left off."""
        feed = Followed(name="hub", provider=provider_named("entra"), spool=self.spool, tenants=self.tenants)
        return Follow((feed,), self.folder / "state", self.folder / "verdicts", clock=lambda: NOON)

    def come(self, *lines: dict[str, Any]) -> None:
        """Have *lines* be spooled."""
        self.spool.append([json.dumps(line).encode() for line in lines], NOON)

    def step(self, follow: Follow, *lines: dict[str, Any]) -> tuple[int, list[str]]:
        """How many verdicts there are when *lines* come, and what is told of tenants."""
        if lines:
            self.come(*lines)
        rows = follow.step(NOON)
        assert all(name == "hub" for name, _ in follow.mixed)
        return len(rows), [said for _, said in follow.mixed]


def test_several_tenants_of_a_followed_feed_are_told_once(tmp_path: Path) -> None:
    """When the second comes, and each further one, and never again after a start; all are judged."""
    feed = Hub(tmp_path)
    with feed.begin() as follow:
        assert feed.step(follow, hub(OURS), hub(None), hub(OURS.upper(), 1)) == (3, [])
        said = f"The lines of hub are of 2 tenants, and all were judged as its own: {OURS} (3), {THEIRS} (1)."
        assert feed.step(follow, hub(THEIRS), hub(OURS, 2)) == (2, [said])
        assert feed.step(follow, hub(THEIRS, 1)) == (1, [])
    with feed.begin() as follow:
        assert feed.step(follow, hub(THEIRS, 2)) == (1, [])
        _, (said,) = feed.step(follow, hub("a third"))
        assert said.startswith("The lines of hub are of 3 tenants")
        assert understood(feed.spool).tenants == {OURS: 3, THEIRS: 3, "a third": 1}


def test_tenants_are_told_after_a_step_that_came_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault, or a kill, between what was read and what was told has them counted once and told by the next step."""
    feed = Hub(tmp_path)
    feed.come(hub(OURS), hub(THEIRS))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with feed.begin() as follow, monkeypatch.context() as patched:
        patched.setattr(follow._window, "commit", full)
        with pytest.raises(OSError, match="No space"):
            follow.step(NOON)
    with feed.begin() as follow:
        assert len(feed.step(follow)[1]) == 1
    assert understood(feed.spool).tenants == {OURS: 1, THEIRS: 1}


def test_tenants_that_the_settings_name_are_not_told(tmp_path: Path) -> None:
    """Who named both knows; and of very many no more are kept than people can read."""
    both = Hub(tmp_path / "both", OURS, THEIRS)
    with both.begin() as follow:
        assert both.step(follow, hub(OURS), hub(THEIRS)) == (2, [])
    many = Hub(tmp_path / "many")
    with many.begin() as follow:
        _, (said,) = many.step(follow, *(hub(f"{n:03}" + "x" * 1000) for n in range(150)))
    assert said.startswith("The lines of hub are of 100 tenants")
    assert "and 95 more" in said
    assert len(understood(many.spool).tenants) == 100
