"""Which domain a line of Windows, Samba or OpenLDAP is of, and that it is told in SQL as in Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from watchword.core.identity_event import Canonical
from watchword.watch.engine import Engine
from watchword.watch.providers import Feed, provider_named
from watchword.watch.providers.domain import of_entry, of_machine
from watchword.watch.verdicts import Report

from .test_windows import _beat, _event, _flat, _reset, _xml

Shape = Callable[[dict[str, Any]], dict[str, Any] | str]
MACROS = Path(__file__).parents[2] / "src/watchword/watch/sql/macros.sql"
OURS = "corp.example.test"


def _judged(provider: str, log: Path, text: str, *tenants: str) -> Report:
    log.write_text(text, encoding="utf-8")
    feed = Feed(provider=provider_named(provider), directory="corp", files=(log,), tenants=tenants)
    return Engine().judge((feed,))


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("DC1.Corp.Example.Test", OURS),
        ("dc1.corp.example.test.", OURS),
        ("DC1", None),
        ("", None),
        ("192.0.2.7", None),
        ("fd00::1", None),
        (".", None),
    ],
)
def test_the_domain_of_a_machine(name: str, domain: str | None) -> None:
    """What is behind its own name; a name alone and an address have none."""
    assert of_machine(name) == domain
    assert _in_sql("domain_of_machine", name) == domain


@pytest.mark.parametrize(
    ("dn", "domain"),
    [
        ("CN=Ines,OU=People,DC=Corp,DC=Example,DC=Test", OURS),
        ("cn=ines, dc=corp, dc=example, dc=test", OURS),
        ("dc=corp,dc=example,dc=test ", OURS),
        ("CN=x\\,DC=other,DC=corp,DC=example,DC=test", OURS),
        ("DC=pc1,DC=other.test,CN=MicrosoftDNS,DC=DomainDnsZones,DC=corp,DC=example,DC=test", OURS),
        ("cn=ines,o=corp", None),
        ("dc=corp,o=example", None),
        ("cn=config", None),
        ("", None),
    ],
)
def test_the_domain_of_an_entry(dn: str, domain: str | None) -> None:
    """What its last parts say; a comma that is part of a value begins none."""
    assert of_entry(dn) == domain
    assert _in_sql("domain_of_entry", dn) == domain


def test_many_parts_that_are_no_domain_are_looked_at_once() -> None:
    """From each of a million to the end would take a day."""
    assert of_entry("dc=a," * 1_000_000 + "o=corp") is None


def _in_sql(macro: str, word: str) -> object:
    with duckdb.connect() as con:
        con.execute(MACROS.read_text(encoding="utf-8"))
        found = con.execute(f"SELECT {macro}(?)", [word]).fetchone()
    return None if found is None else found[0]


def _of(computer: str) -> dict[str, Any]:
    event = _reset()
    event["Event"]["System"]["Computer"] = computer
    return event


@pytest.mark.parametrize("shape", [_flat, _beat, lambda e: e, _xml])
def test_an_event_of_another_domains_computer_is_kept_aside(tmp_path: Path, shape: Shape) -> None:
    """In each form; a computer that names no domain may be ours."""
    events = [_of(name) for name in ("dc1.corp.example.test", "dc1.other.test", "DC1")]
    said = [shape(event) for event in events]
    text = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in said)
    report = _judged("windows", tmp_path / "log.data", text, OURS.upper())
    assert [one.reason for one in report.rejected] == ["of another tenant: other.test"]
    assert {(one.tenant, one.ours): one.lines for one in report.tenants} == {(OURS, True): 1, ("other.test", False): 1}
    told = _judged("windows", tmp_path / "all.data", text)
    assert {one.tenant for one in told.tenants} == {OURS, "other.test"}


def test_an_entry_of_another_domain_is_kept_aside(tmp_path: Path) -> None:
    """Samba's change and OpenLDAP's operation are of the domain of the entry."""
    samples = Path(__file__).parent / "samples"
    samba = (samples / "samba_reset_by_bind.jsonl").read_text(encoding="utf-8")
    assert Canonical.PASSWORD_RESET in {row.action for row in _judged("samba", tmp_path / "a", samba, OURS).verdicts}
    report = _judged("samba", tmp_path / "b", samba, "other.test")
    assert (report.verdicts, {one.tenant for one in report.tenants}) == ((), {OURS})
    ldif = (samples / "openldap_audit.ldif").read_text(encoding="utf-8")
    ours = _judged("openldap", tmp_path / "c", ldif, "example.test")
    assert (ours.verdicts != (), ours.rejected_lines) == (True, 0)
    report = _judged("openldap", tmp_path / "d", ldif, "other.test")
    assert (report.verdicts, {(one.tenant, one.ours) for one in report.tenants}) == ((), {("example.test", False)})


def test_a_log_that_was_cleared_is_of_the_computers_domain(tmp_path: Path) -> None:
    """Whoever cleared it, in whatever domain."""
    text = json.dumps(_event(1102, SubjectUserName="x", SubjectDomainName="OTHER")) + "\n"
    assert _judged("windows", tmp_path / "log", text, "example.test").rejected_lines == 0
