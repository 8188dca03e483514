"""`watchword doctor`: what is configured, what answers, and what to do about the rest."""

from __future__ import annotations

import shutil
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.cli.conftest import Here
from tests.cli.desk import Desk, free_port
from watchword.app import App, wall_clock
from watchword.core.person import Role, RoleGrant, RoleGranted
from watchword.desk.recording import draft, person_stream
from watchword.ledger.append import Append
from watchword.policy.procedures import DEFAULT
from watchword.settings import load
from watchword.watching import hits_of

DOMAIN = """
[[directories]]
kind = "active_directory"
name = "corp"
host = "127.0.0.1"
port = {port}
ca_file = "corp-ca.pem"
bind_user = "CN=watchword,DC=corp,DC=example,DC=test"
password_file = "keys/corp.password"
base = "DC=corp,DC=example,DC=test"
[directories.classes]
"CN=All Staff,DC=corp,DC=example,DC=test" = "standard"
"""


def test_all_is_well(desk: Desk, here: Here) -> None:
    """Each part is a line, and the exit code is 0; that nobody is paged is a warning, and wrong is nothing."""
    del desk
    typed, told = here("doctor"), here("doctor", "--json").json

    assert typed.code == 0
    assert {one["part"] for one in told} == {
        "ledger",
        "database rights",
        "policy",
        "payloads",
        "directory sandbox",
        "mail",
        "call",
        "sms",
        "security",
        "watch",
    }
    assert {one["part"]: one["state"] for one in told if one["state"] != "ok"} == {"security": "warn"}
    assert "nobody is paged" in typed.out


def test_a_policy_of_one_author(desk: Desk, here: Here) -> None:
    """One author can activate no policy, and none can either: both are told, with the way on, before it matters."""
    with App(load(desk.config)) as app:
        root, otto = (app.names.person(login) for login in ("root", "otto"))
        app.people.revoke(root, otto, Role.POLICY_AUTHOR, app.clock())
    alone = here("doctor", "--json")
    told = {one["part"]: one for one in alone.json}["policy authors"]
    assert (alone.code, told["state"]) == (0, "warn")
    assert told["told"].startswith("root alone holds policy_author, and a policy takes two")


def test_custodian_of_both_from_before(desk: Desk, here: Here) -> None:
    """Who got both roles while that was still allowed keeps them, and is named until one of them is taken."""
    with App(load(desk.config)) as app:
        root, tom, at = app.names.person("root"), app.names.person("tom"), app.clock()
        app.people.grant(root, tom, RoleGrant(role=Role.CUSTODIAN), at)
        both = RoleGranted(person=tom, grant=RoleGrant(role=Role.DOWNTIME_CUSTODIAN, unit="Sales"))
        stream = person_stream(tom)
        last = app.ledger.read(stream)[-1].entry.version
        app.ledger.append((Append(stream=stream, expected_version=last, drafts=(draft(both, root, at),)),))
    typed = here("doctor", "--json")
    told = {one["part"]: one for one in typed.json}["custodians"]
    assert (typed.code, told["state"]) == (0, "warn")
    assert told["told"].startswith("tom can break the glass and act while this is down")
    with App(load(desk.config)) as app:
        app.people.revoke(root, tom, Role.CUSTODIAN, app.clock())
    assert "custodians" not in {one["part"] for one in here("doctor", "--json").json}


def test_a_seat_that_was_lent_without_a_signature(desk: Desk, here: Here) -> None:
    """It is told once approvals are signed, for it counts there no more; before that it is as good as any."""
    with App(load(desk.config)) as app:
        ruth, at = app.names.person("ruth"), app.clock()
        for login in ("tom", "nina"):
            app.lending.lend(ruth, login, "manager_of_record", at + timedelta(days=7), at)
    assert "seats lent" not in {one["part"] for one in here("doctor", "--json").json}
    folder = desk.home / "policy"
    shutil.copytree(DEFAULT, folder)  # type: ignore[arg-type]  # a folder on disk, as installed
    table = folder / "procedures.yaml"
    table.write_text(table.read_text().replace("  A1:  {separate", "  A1:  {signed: true, separate"))
    desk.config.write_text(f'policy = "policy"\n{desk.config.read_text()}')
    told = {one["part"]: one for one in here("doctor", "--json").json}["seats lent"]

    assert told["state"] == "warn"
    assert told["told"].startswith("ruth to nina and 1 more without a signature")


def test_somebody_is_paged(desk: Desk, here: Here) -> None:
    """Where an emergency reaches somebody it says how, and warns of nothing."""
    paged = '[security]\nwebhook = "https://soar.example.test/watchword"'
    desk.config.write_text(desk.config.read_text().replace("[security]", paged, 1))
    told = {one["part"]: one for one in here("doctor", "--json").json}["security"]
    assert (told["state"], told["told"]) == ("ok", "paged by webhook")


def test_beside_a_running_console(desk: Desk) -> None:
    """While the console has the ledger it says so, with the address that answers, and nothing is wrong with that."""
    desk.config.write_text(desk.config.read_text().replace("[mail]", CANARY.format("ruth.vale"), 1))
    with desk.served():
        typed = desk.type("doctor", "--json")

    states = {one["part"]: one["state"] for one in typed.json}
    assert typed.code == 0, typed.err
    assert (states["console"], states["ledger"]) == ("ok", "ok")
    assert (states["directory sandbox"], states["canary"]) == ("held", "held")


def test_a_running_console_whose_ledger_is_gone(desk: Desk) -> None:
    """A file that was moved away beneath the console is wrong while that one still answers."""
    file, away = desk.home / "ledger.db", desk.home / "elsewhere.db"
    with desk.served():
        file.rename(away)
        typed = desk.type("doctor", "--json")
        away.rename(file)

    told = {one["part"]: one for one in typed.json}
    assert typed.code == 1
    assert (told["console"]["state"], told["ledger"]["state"]) == ("ok", "wrong")
    assert told["ledger"]["told"].startswith("There is no ledger at")


def test_a_desk_that_owns_its_tables(shared_desk: Desk, owner_url: str, here: Here) -> None:
    """On PostgreSQL it names the login and what guards the tables; a desk that could take those away is wrong."""
    asked = here("doctor", "--json")
    well = {one["part"]: one for one in asked.json}
    settings = shared_desk.config.read_text()
    shared_desk.config.write_text(settings.replace(load(shared_desk.config).ledger.url, owner_url))
    typed = here("doctor", "--json")
    wrong = {one["part"]: one for one in typed.json}

    guards = ("database login", "database triggers", "database rights")
    assert asked.code == 0
    assert [well[part]["state"] for part in guards] == ["ok", "ok", "ok"]
    assert "owns nothing" in well["database login"]["told"]
    assert typed.code == 1
    assert [wrong[part]["state"] for part in guards] == ["wrong", "ok", "ok"]
    assert "member of watchword_desk" in wrong["database login"]["told"]


def test_a_domain_that_does_not_answer(desk: Desk, here: Here) -> None:
    """The domain is wrong, with the way on, and the parts after it are looked at all the same."""
    settings = desk.config.read_text()
    (desk.home / "corp-ca.pem").write_text(authority())
    secret = desk.home / "keys" / "corp.password"
    secret.touch(0o600)
    secret.write_text("nobody has this one")
    desk.config.write_text(settings.replace("[mail]", DOMAIN.format(port=free_port()) + "\n[mail]", 1))
    typed = here("doctor")
    told = {one["part"]: one for one in here("doctor", "--json").json}

    assert typed.code == 1
    assert told["directory corp"]["state"] == "wrong"
    assert "no LDAPS answer" in told["directory corp"]["told"]
    assert told["directory sandbox"]["state"] == told["watch"]["state"] == "ok"
    assert "Traceback" not in typed.err


CANARY = '[watch.canary]\ndirectory = "sandbox"\naccount = "{}"\n[mail]'


def test_what_the_canary_is_called(desk: Desk, here: Here) -> None:
    """It is a line with the names that logs have for it, and wrong where its account is none: before it is missed."""
    settings = desk.config.read_text()

    desk.config.write_text(settings.replace("[mail]", CANARY.format("ruth.vale"), 1))
    (canary,) = (one for one in here("doctor", "--json").json if one["part"] == "canary")
    assert canary["state"] == "ok"
    assert canary["told"].startswith("ruth.vale of sandbox, in logs ")

    desk.config.write_text(settings.replace("[mail]", CANARY.format("canray"), 1))
    typed = here("doctor")
    assert typed.code == 1
    assert "The canary 'canray' is no account of sandbox." in " ".join(typed.out.split())
    assert "Name one account that nothing depends on." in " ".join(typed.out.split())


def authority() -> str:
    """A certificate authority of nobody, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Nobody")])
    now = wall_clock()
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1)).sign(key, SHA256())
    return made.public_bytes(Encoding.PEM).decode()


def test_a_ledger_that_does_not_hold(desk: Desk, here: Here) -> None:
    """A ledger that is damaged is a line, and what stands around it is told as well."""
    file = desk.home / "ledger.db"
    file.write_bytes(file.read_bytes()[:4096])
    told = {one["part"]: one["state"] for one in here("doctor", "--json").json}

    assert told["ledger"] == "wrong"
    assert told["mail"] == "ok"


def test_a_ledger_that_is_not_there_is_not_made(desk: Desk, here: Here) -> None:
    """A file that was moved away is missed by its path, and nothing empty is put in its place; so is an empty one."""
    file = desk.home / "ledger.db"
    file.rename(desk.home / "elsewhere.db")
    for command in (("doctor",), ("serve",), ("execute", "--once")):
        told = here(*command)
        said = " ".join((told.out + told.err).split())
        assert "There is no ledger at" in said, command
        assert "bring it back from a copy" in said or command == ("doctor",)
        assert told.code == (1 if command == ("doctor",) else 4)
        assert not file.exists()
    file.touch()
    told = here("serve")
    assert "The ledger holds nothing" in told.err
    assert told.code == 4


def test_a_policy_that_no_witness_can_meet(desk: Desk, here: Here) -> None:
    """A cell that wants its evidence cosigned, and nobody to do it, is wrong before the first case waits for it."""
    assert "witnesses" not in {one["part"] for one in here("doctor", "--json").json}
    folder = desk.home / "policy"
    shutil.copytree(DEFAULT, folder)  # type: ignore[arg-type]  # a folder on disk, as installed
    table = folder / "procedures.yaml"
    table.write_text(
        table.read_text().replace("{verify: [V3],      approve: A1,", "{cosigned: true, verify: [V3], approve: A1,")
    )
    desk.config.write_text(f'policy = "policy"\n{desk.config.read_text()}')
    told = {one["part"]: one for one in here("doctor", "--json").json}

    assert told["witnesses"]["state"] == "wrong"
    assert "no witness is configured" in told["witnesses"]["told"]
    assert "[ledger] in watchword.toml" in told["witnesses"]["told"]


def test_findings_that_are_behind_are_wrong(desk: Desk, here: Here) -> None:
    """What the watch found and nobody can look at yet is told with the reason, also where another process keeps it."""
    with App(load(desk.config)) as app:
        hits = hits_of(app.settings)
        hits.parent.mkdir(exist_ok=True)
        hits.write_bytes(b"{ half")
        app.keeping.step(wall_clock())
    typed = here("doctor", "--json")
    told = {one["part"]: one for one in typed.json}

    assert typed.code == 1
    assert told["findings"]["state"] == "wrong"
    assert "Delete it" in told["findings"]["told"]
