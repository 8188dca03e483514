"""Which names of groups say that they lend power: a table to read over."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchword.watch import correlation
from watchword.watch.providers.power import lends_power

MACROS = (files("watchword.watch") / "sql" / "macros.sql").read_text("utf-8")

POWER = (
    *("Domain Admins", "Enterprise Admins", "DnsAdmins", "DNSAdmins", "ESX Admins", "site-admins", "admin", "ADMINS"),
    *("sysadmin", "sysadmins", "gcp-organization-admins@example.test"),
    *("org_admin", "AppAdministrators", "Administrators"),
    *("Administratoren", "Administrateurs", "Administradores"),
    *("Global Administration", "tier0-admin-users", "adminteam"),
    *("Badminton Admins", "myadmintools", "gcpadminteam"),
    *("admin2", "2ndLineAdmins", "Büro-Admins", "Администраторы admin"),
    *("Account Operators", "Backup Operators", "Server Operators", "Print Operators", "backupoperators", "DbOperator"),
    *("Operators", "operator", "k8s-operators"),
    *("Virtual Machine Operators", "VirtualMachineOperators", "Service Bus Operators"),
    *("Machine Operators (admins)", "Network Configuration Operators", "Operatoren"),
    *("root", "Root", "RooT", "aws-root", "aws_root"),
    *("awsroot", "AWSRoot", "root01", "root-users", "rootusers", "rootaccess"),
    *("Root cause owners of root", "rootcauseadmins", "RootCauseAdmins", "superroot", "IAMRoot"),
    *("wheel", "WHEEL", "wheel-users", "wheelusers", "unixwheel", "linux.wheel"),
    *("sudo", "sudoers", "sudo-all", "sudousers", "nopasswd-sudo", "linuxsudo", "SudoUsers"),
    *("Helpdesk", "help desk", "HelpDesk", "Help-Desk Team"),
    *("servicedesk", "Service Desk", "servicedeskteam", "IT_Service_Desk"),
    *("Help Desk Top Tier", "service-desk-top-level", "RootCAUsers", "RootCaUserGroup", "Root CA Users", "ADMİNLER"),
    *("Replicator", "DFS Replication", "Cert-Replicators", "replication-users"),
)  # fmt: skip
NO_POWER = (
    *("Staff", "Choir", "Sales EMEA", ""),
    *("42", "Badminton", "badminton-club@example.test", "Administrative Assistants"),
    *("Business Administration 101", "Root cause analysis", "RootCauseAnalysis"),
    *("root-cause", "Grassroots", "Grassroots campaign"),
    *("Machine operators lunch", "Tour Operators", "Forklift operators"),
    *("Cooperators", "Wheelchair users", "WheelchairAccess"),
    *("Sudoku", "sudoku-club", "Service Desktops", "Self-service desktop", "Help desktop"),
)  # fmt: skip


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection as the watch opens it."""
    with correlation.connected("128MB", 1) as made:
        yield made


@pytest.mark.parametrize(
    ("name", "expected"), [*((name, True) for name in POWER), *((name, False) for name in NO_POWER)]
)
def test_a_name_says_whether_a_group_lends_power(con: duckdb.DuckDBPyConnection, name: str, expected: bool) -> None:
    """Wherever in it; what is merely spelt alike lends none, and what has both a plain word and another does."""
    assert con.execute("SELECT lends_power($1)", [name]).fetchone() == (expected,)
    assert lends_power(name) is expected


PIECES = (
    *("badminton", "administrative", "assistants", "business", "administration", "machine", "virtual", "operators"),
    *("co", "root", "roots", "rooted", "square", "cause", "causes", "r", "wheel", "wheels", "fly", "chair", "sudo"),
    *("sudoku", "help", "service", "desk", "top", "s", "user"),
    *("é", "Ü", "İ", "Ж", "田", "²", "Ⅳ", "1", "\u0301", "\u200d"),
)  # fmt: skip
BETWEEN = st.sampled_from(("", " ", "-", "_", "."))


@settings(max_examples=60)
@given(st.lists(st.lists(st.tuples(BETWEEN, st.sampled_from(PIECES)), max_size=5), min_size=40, max_size=40))
def test_both_ways_to_ask_answer_alike(pieces: list[list[tuple[str, str]]]) -> None:
    """One rule is written for DuckDB and for what is read before it: whatever the letters beside a word."""
    names = ["".join(between + piece for between, piece in some) for some in pieces]
    with duckdb.connect() as con:
        con.execute(MACROS)
        told = con.execute("SELECT list_transform($1, lambda n: lends_power(n))", [names]).fetchone()
    assert told == ([lends_power(name) for name in names],)


def test_no_name_lends_nothing(con: duckdb.DuckDBPyConnection) -> None:
    """A record without the group's name is not an error."""
    assert con.execute("SELECT lends_power(NULL)").fetchone() == (False,)
