"""A desk whose database was put back to an older copy: it does not start, and what two custodians can do about it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.desk import PASSWORD, Desk, is_told, make
from tests.foreign.lite_witness import LiteWitness
from watchword.app import App, wall_clock
from watchword.core.evidence import GAPS
from watchword.core.person import Kind, Role, RoleGrant
from watchword.ledger.restoration import restorations
from watchword.settings import load

CUSTODIANS = ("cora", "cyril")
HELD = (
    *("ledger", "restored", "--why", "The disk of the old host burned.", "--first", "cora", "--second", "cyril"),
    *("--first-password-file", "password", "--second-password-file", "password"),
)
OPEN = ("case", "open", "tom.ashby", "unlock", "--reason", "too many tries", "--ticket", "INC-7")


@pytest.fixture
def desk(tmp_path: Path, litewitness: Path) -> Iterator[tuple[Desk, LiteWitness]]:
    """A desk with two custodians and a witness."""
    home = tmp_path / "desk"
    home.mkdir()
    make(home)
    with closing(LiteWitness(litewitness, tmp_path / "witness", "witness.example.test/w1")) as witness:
        config = home / "watchword.toml"
        with App(load(config)) as app:
            witness.know(app.ledger.origin, app.signing_key.vkey)
            root = app.names.person("root")
            for login in CUSTODIANS:
                held = app.people.register(root, login=login, name=login, kind=Kind.EMPLOYEE, unit="", at=wall_clock())
                app.people.grant(root, held, RoleGrant(role=Role.CUSTODIAN), wall_clock())
                app.people.set_password(root, held, PASSWORD, wall_clock())
        text = config.read_text()
        named = f'\n[[ledger.witnesses]]\nvkey = "{witness.key()}"\nurl = "{witness.url}"\n\n[console]'
        config.write_text(text.replace("\n[console]", named, 1))
        yield Desk(home), witness


def _saved(desk: Desk) -> Path:
    """A copy of the database as it is now."""
    copy = desk.home / "older.db"
    assert desk.type("ledger", "copy", str(copy)).code == 0
    return copy


def _put_back(desk: Desk, copy: Path) -> None:
    for beside in ("-wal", "-shm"):
        (desk.home / f"ledger.db{beside}").unlink(missing_ok=True)
    shutil.copy(copy, desk.home / "ledger.db")


def test_the_ceremony_is_the_way_on(desk: tuple[Desk, LiteWitness]) -> None:
    """Roll back, refuse to start, hold the ceremony, start: the gap is in the ledger and in the evidence table."""
    here, witness = desk
    opened = here.type(*OPEN, "--json", login="ines")
    copy = _saved(here)
    lost = here.type(*OPEN[:2], "nina.crane", *OPEN[3:], "--json", login="ines").json["case"]
    _put_back(here, copy)
    for command in (("serve",), ("execute", "--once"), ("case", "list", "--as", "ines", "--password-file", "password")):
        assert is_told(here.type(*command), 1, "Witnesses cosigned", "ledger restored")
    checked = here.type("doctor", "--json")
    assert checked.code == 1
    assert "Witnesses cosigned" in checked.out

    alone = here.type(*HELD[:5], "cora", "--second", "cora", *HELD[-4:])
    assert is_told(alone, 3, "One person")
    assert is_told(here.type(*HELD[:5], "ines", *HELD[6:]), 3, "Only custodians")
    assert is_told(here.type(*HELD[:3], " ", *HELD[4:]), 2, "reason")
    held = here.type(*HELD, "--json")
    assert held.code == 0, held.err
    assert set(held.json) == {"size", "root", "since", "until", "custodians"}

    listed = here.type("case", "list", "--json", login="ines").json
    assert [one["state"] for one in listed] == ["withdrawn"]
    assert opened.json["case"] != lost
    assert is_told(here.type(*HELD), 2, "given up already")
    witness.forget(load(here.config).ledger.origin)
    with here.served():
        pass
    assert here.type("doctor").code == 0

    with App(load(here.config)) as app:
        app.follow()
        ((_, restoration),) = restorations(app.ledger)
        table = app.evidence.path
    assert timedelta(0) < restoration.until - restoration.since < timedelta(minutes=5)
    kept = pq.read_schema(table).metadata[GAPS.encode()].decode()
    assert restoration.since.strftime("%H:%M:%S") in kept


def test_nothing_is_given_up_that_is_there(desk: tuple[Desk, LiteWitness]) -> None:
    """With a whole ledger the ceremony is refused; so is a checkpoint that this ledger never signed."""
    here, _ = desk
    assert here.type("case", "list", login="ines").code == 0
    assert is_told(here.type(*HELD), 3, "Nothing is lost")
    (here.home / "forged").write_text(
        (here.home / "keys" / "witnessed").read_text().replace("\u2014 example", "\u2014 x")
    )
    assert is_told(here.type(*HELD, "--checkpoint", "forged"), 1, "no signature")
    assert is_told(here.type(*HELD, "--checkpoint", "nowhere"), 2, "can not be read")


def test_it_stops_when_a_witness_saw_more(desk: tuple[Desk, LiteWitness], tmp_path: Path) -> None:
    """A console that runs from a copy, while another went on, ends as soon as it has something new to be cosigned."""
    here, _ = desk
    other = load(shutil.copytree(here.home, tmp_path / "other") / "watchword.toml")
    with here.process("serve", until="Watchword is at", ends=1) as running:
        with App(other) as app:
            for login in map("person-{}".format, range(20)):  # more than the console has to write
                app.people.register(
                    app.names.person("root"), login=login, name=login, kind=Kind.EMPLOYEE, unit="", at=wall_clock()
                )
                app.follow()
            app.tick()
        # The last that is taken, the first that is told, or too late already: the console writes by itself too.
        opened = here.type(*OPEN, login="ines")
        told = is_told(opened, 1, "witness.example.test/w1") or is_told(opened, 4, "does not answer")
        assert opened.code == 0 or told
        assert running.wait(30) == 1
    assert is_told(here.type("serve"), 1, "witness.example.test/w1", "ledger restored")
