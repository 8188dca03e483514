"""`watchword evidence`: a case taken along, and checked; by whom, and what is told when it does not hold."""

from __future__ import annotations

import json

from tests.cli.conftest import Here
from tests.cli.desk import Desk, is_told
from watchword.app import App, wall_clock
from watchword.core.person import Role, RoleGrant
from watchword.settings import load

OPEN = ("case", "open", "tom.ashby", "unlock", "--reason", "too many tries", "--ticket", "INC-7")


def _auditor(desk: Desk, login: str) -> None:
    with App(load(desk.config)) as app:
        person = app.names.person(login)
        app.people.grant(app.names.person("root"), person, RoleGrant(role=Role.AUDITOR), wall_clock())


def test_a_case_is_exported_and_verified(desk: Desk, here: Here) -> None:
    """The file is written once, proves itself, and holds under the key that is known from elsewhere."""
    _auditor(desk, "ada")
    case = here(*OPEN, "--json", login="ines").json["case"]
    exported = here("evidence", "export", case, login="ada")
    assert exported.code == 0, exported.err
    file = desk.home / f"evidence-{case}.zip"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "VERIFY.md" in exported.out
    with App(load(desk.config)) as app:
        vkey = app.signing_key.vkey
    told = here("evidence", "verify", file.name, "--key", vkey, "--json").json
    assert told["proved"] is True
    assert [check["number"] for check in told["checks"]] == list(range(1, len(told["checks"]) + 1))
    assert "proved" in here("evidence", "verify", file.name).out
    assert is_told(here("evidence", "export", case, login="ada"), 2, "there already")
    closed = here("evidence", "export", case, "--to", "closed.zip", "--closed", "--json", login="ada").json
    assert closed["bytes"] < file.stat().st_size


def test_what_does_not_hold_is_told(desk: Desk, here: Here) -> None:
    """A changed byte is 1, no file 2, somebody who may not 3; with JSON as well as in words."""
    _auditor(desk, "ada")
    case = here(*OPEN, "--json", login="ines").json["case"]
    assert here("evidence", "export", case, "--to", "case.zip", login="ada").code == 0
    file = desk.home / "case.zip"
    file.write_bytes(file.read_bytes().replace(b'"case.opened"', b'"case.0pened"', 1))
    assert is_told(here("evidence", "verify", "case.zip"), 1, "does not hold")
    told = here("evidence", "verify", "case.zip", "--json")
    assert (told.code, json.loads(told.out)["proved"]) == (1, False)
    assert is_told(here("evidence", "verify", "nowhere.zip"), 2, "can not be read")
    assert is_told(here("evidence", "export", case, "--to", "mine.zip", login="ines"), 3)
    assert not (desk.home / "mine.zip").exists()
