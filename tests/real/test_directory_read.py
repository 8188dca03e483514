"""Accounts, people and groups read from real directories, as the watch takes them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.conftest import Person, password
from tests.real.places import slapd_settings
from tools.samba_demo import settings_of
from tools.samba_rig import SambaDomain
from tools.slapd_rig import GROUPS, STAFF, Slapd
from watchword.core.account import AccountClass, Status
from watchword.watch.accounts import read_accounts


def read(folder: Path, text: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run `watchword watch accounts` on a settings file of *text*."""
    config = folder / "watchword.toml"
    config.write_text(f'[ledger]\norigin = "example.test/read"\n{text}')
    program = Path(sys.executable).with_name("watchword")
    command = [str(program), "watch", "accounts", "--config", str(config), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_tree_gives_classes_through_groups_in_groups(slapd: Slapd, tmp_path: Path) -> None:
    """The preview has each group with its class, and the CSV is what observe reads."""
    ana = slapd.add_person(
        "read.ana", password(), name="=Ana Read", more="employeeNumber: 4711\ndepartmentNumber: Desk\n"
    )
    inner, outer = f"cn=read inner,{GROUPS}", f"cn=read outer,{GROUPS}"
    for dn, member in ((inner, ana), (outer, inner)):
        assert slapd.modify(f"dn: {dn}\nchangetype: add\nobjectClass: groupOfNames\nmember: {member}\n")
    text = slapd_settings(slapd).replace(f'"{STAFF}" = "standard"', f'"{outer}" = "privileged"')
    text += f'\n[directories.statuses]\n"{inner}" = "leaver"\n'
    made = tmp_path / "accounts.csv"
    done = read(tmp_path, text, "--directory", "corp", "--to", str(made), "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["group"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert (rows[outer]["class"], rows[outer]["accounts"], rows[outer]["examples"]) == ("privileged", 1, ["read.ana"])
    assert rows[inner]["class"] is None
    (found,) = (account for account in read_accounts(made) if "read.ana" in account.keys)
    assert (found.account_class, found.person, found.unit) == (AccountClass.PRIVILEGED, "=Ana Read", "Desk")
    assert found.status is Status.LEAVER
    assert ",'=Ana Read," in made.read_text("utf-8")  # no spreadsheet runs it, and observe knows what is meant
    assert ana in found.keys
    again = read(tmp_path, text, "--directory", "corp", "--to", str(made))
    assert "There is such a file already" in again.stderr


def test_a_domain_gives_classes_through_primary_and_nested_groups(
    samba: SambaDomain, groups: dict[str, str], person: Person, tmp_path: Path
) -> None:
    """Domain Users is nobody's `memberOf`, and a group in a group gives its class: both are in the list."""
    login = person(groups=[groups["nested"]])
    everyone = "CN=Domain Users,CN=Users,DC=corp,DC=example,DC=test"
    text = settings_of(samba, {everyone: "standard", groups["control"]: "identity_control"})
    made = tmp_path / "accounts.csv"
    done = read(tmp_path, text, "--directory", "corp", "--to", str(made), "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["group"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows[everyone.lower()]["class"] == "standard"
    assert login in rows[groups["control"].lower()]["examples"]
    found = {key: account for account in read_accounts(made) for key in account.keys}
    assert found[login].account_class is AccountClass.IDENTITY_CONTROL
    assert found[login].unit == "Sales"
    assert any(key.startswith("s-1-5-21-") for key in found[login].keys)


@pytest.mark.parametrize("name", ["corpse", "sandbox"])
def test_a_directory_that_can_not_be_read_is_told(slapd: Slapd, tmp_path: Path, name: str) -> None:
    """A name the settings do not have, and the sandbox, are refused with those that can be read."""
    text = f'{slapd_settings(slapd)}\n[[directories]]\nkind = "sandbox"\n'
    done = read(tmp_path, text, "--directory", name)
    assert done.returncode == 2
    assert "corp" in done.stderr
