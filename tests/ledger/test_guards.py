"""What PostgreSQL itself refuses, to a desk's login and to the owner, and what it can not notice."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from tests.ledger.conftest import NOON, ORIGIN, Place, draft, effect, to
from tests.ledger.test_cosignature import ONE, cosigned
from tests.ledger.test_erasure import erase, of
from tests.ledger.test_tampering import BAD, PHONE, PLANT, SIZE, fill, planted
from watchword.core.errors import Corrupt, Invalid, Unavailable, WatchwordError
from watchword.core.ids import Seq
from watchword.ledger.checkpoint import Checkpoint, sign
from watchword.ledger.cosignature import Quorum
from watchword.ledger.cosigner import Cosigner
from watchword.ledger.entry import Entry, encode
from watchword.ledger.fsck import fsck
from watchword.ledger.guards import RIGHTS, ROLE
from watchword.ledger.leader import EffectState, Settle
from watchword.ledger.merkle import hash_leaf, root_of
from watchword.ledger.sql import SqlStore
from watchword.ledger.store import EffectRow


@pytest.fixture
def owned(on_postgresql: Place) -> Place:
    """A ledger of six entries on PostgreSQL, closed, as its owner has it, who is a superuser here."""
    ledger = fill(on_postgresql)
    ledger.testimony.keep_cosignatures(SIZE, {"witness.example.test/w": "— a line\n"})
    ledger.testimony.keep_token(SIZE, "time.example.test", b"a token")
    ledger.close()
    return on_postgresql


def attempt(place: Place, *statements: str) -> None:
    """Run *statements* in one transaction, with every trigger as it is."""
    with psycopg.connect(place.url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def seen(place: Place) -> dict[str, tuple[bool, str]]:
    """What the database says of its guards."""
    with closing(SqlStore(place.url)) as store:
        return {part: (is_well, told) for part, is_well, told in store.guards()}


def hardened(place: Place) -> None:
    """What `watchword ledger migrate` does."""
    with closing(SqlStore(place.url)) as store:
        store.migrate()
        store.harden()


# -- the desk's login


def test_a_desk_works_with_the_rights_of_its_role(on_postgresql: Place) -> None:
    """Two desks append, seal, claim, settle, ask again, erase, keep testimony and check, and own nothing."""
    desk = on_postgresql.desk()
    one, two = desk.open(), desk.open()
    one.append(
        (to("case/1", -1, draft(disclosures=(PHONE,))), to("case/2", -1)),
        (effect("a"), effect("b"), effect("c", "case/2", after=60)),
    )
    two.refresh()
    two.append((to("case/1", 0, draft(disclosures=(PHONE,))),))
    assert [two.disclosures(each) for each in one.read("case/1")] == [{"phone": "+15550100"}] * 2

    assert [row.id for row in one.claim(NOON, "me", timedelta(minutes=1), ("reset",), 2)] == ["a", "b"]
    one.refresh()
    one.append((to("case/1", 1),), settle=(Settle(effect_id="a", state=EffectState.DONE),))
    one.append((), settle=(Settle(effect_id="b", state=EffectState.DONE),))
    one.reschedule("b", NOON)
    assert two.cancel_effects("case/2") == 1
    lost = EffectRow(id="d", stream="case/1", kind="reset", due_at=NOON, asked_by=Seq(0))
    assert two.ask_again((lost,)) == ("d",)
    two.put_right((lost,))
    assert {row.id: row.state.value for row in two.effects()} == {
        "a": "done",
        "b": "due",
        "c": "cancelled",
        "d": "due",
    }

    erase(one, of(one, "case/1"))
    assert [two.disclosures(each) for each in two.read("case/1")] == [{}, {}, {}]
    for _ in range(2):
        one.testimony.keep_cosignatures(1, {"witness.example.test/w": "a line"})
        one.testimony.keep_token(1, "time.example.test", b"a token")
    assert one.testimony.witnessed("witness.example.test/w") == 1
    for ledger in (one, two):
        ledger.close()
    assert desk.fsck().size == 5
    assert {part: is_well for part, (is_well, _) in seen(desk).items()} == {
        "login": True,
        "triggers": True,
        "rights": True,
    }


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET type = 'case.closed'",
        "DELETE FROM entry",
        "TRUNCATE entry",
        "ALTER TABLE entry DISABLE TRIGGER USER",
        "ALTER TABLE entry ADD COLUMN more text",
        "DROP TABLE entry",
        "DROP TRIGGER ledger_keeps_rows ON entry",
        "CREATE OR REPLACE FUNCTION ledger_refuses() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "SET session_replication_role = replica",
        "UPDATE checkpoint SET note = ''",
        "DELETE FROM cosignature",
        "UPDATE timestamp SET token = ''",
        "INSERT INTO head SELECT * FROM head",
        "DELETE FROM head",
        "UPDATE payload SET sealed = ''",
        "TRUNCATE payload, data_key",
        "DELETE FROM effect",
        "UPDATE ledger_version SET version_num = '0001'",
        "CREATE TABLE more (id int)",
        f"GRANT DELETE ON entry TO {ROLE}",
    ],
)
def test_a_desks_login_can_not(owned: Place, statement: str) -> None:
    """Whoever has the desk's login changes and removes no evidence, no table and no guard."""
    desk = owned.desk()
    if statement.startswith("GRANT"):
        attempt(desk, statement)  # a warning, and nothing granted
        assert seen(desk)["rights"][0]
        return
    with pytest.raises(psycopg.Error) as refused:
        attempt(desk, statement)
    assert isinstance(refused.value, InsufficientPrivilege)


def test_what_a_desks_login_plants_is_found(owned: Place) -> None:
    """It may add rows, as the desk must; one that no checkpoint covers stops the ledger as ever."""
    desk = owned.desk()
    with psycopg.connect(desk.url) as connection:
        connection.execute(re.sub(r":(\w+)", r"%(\1)s", PLANT).encode(), planted())
    for check in (desk.open, desk.fsck, owned.open):
        with pytest.raises(Corrupt) as found:
            check()
        assert found.value.seq == SIZE


def test_a_desk_on_older_tables_is_told_who_brings_them_up(owned: Place) -> None:
    """It does not try what it may not do, and names the owner's command; after that it starts."""
    desk = owned.desk()
    owned.tamper("UPDATE ledger_version SET version_num = '0003'")
    with pytest.raises(Invalid, match="version 0003") as refused:
        desk.open()
    assert "watchword ledger migrate --url" in refused.value.remedy
    hardened(owned)
    assert desk.open().size == SIZE
    owned.tamper("UPDATE ledger_version SET version_num = '0099'")
    with pytest.raises(Invalid, match="0099"):
        desk.open()


def test_a_login_without_the_role_is_told(owned: Place) -> None:
    """A login that may not read the tables, or not see them, is told whose member it has to be."""
    desk = owned.desk()
    owned.tamper(f"REVOKE {ROLE} FROM {desk.login}")
    with pytest.raises(WatchwordError) as refused:
        desk.open()
    assert isinstance(refused.value, Invalid)
    owned.tamper(f"GRANT USAGE ON SCHEMA {owned.schema} TO {desk.login}")
    with pytest.raises(Unavailable, match="ledger_version") as unreadable:
        desk.open()
    assert ROLE in unreadable.value.remedy


# -- the owner


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize(
    "statement",
    [
        *(f"DELETE FROM {table}" for table in RIGHTS if table not in {"payload", "data_key", "ledger_version"}),
        *(f"TRUNCATE {table}" for table in RIGHTS if table != "ledger_version"),
        "UPDATE entry SET type = 'case.closed'",
        "UPDATE checkpoint SET size = size + 1000",
        "UPDATE cosignature SET line = ''",
        "UPDATE timestamp SET token = ''",
        "UPDATE payload SET name = ''",
        "UPDATE data_key SET stream = ''",
        "UPDATE head SET size = size - 1",
    ],
)
def test_the_owner_does_not_change_evidence_by_a_slip(owned: Place, statement: str, role: str) -> None:
    """No row of evidence is changed or removed while the triggers are there, in a session that replicates as well."""
    with pytest.raises(InsufficientPrivilege, match=r"what the ledger wrote stays|only grows"):
        attempt(owned, f"SET session_replication_role = {role}", statement)
    assert owned.fsck().size == SIZE


def test_an_owner_who_may_not_make_roles(owned: Place) -> None:
    """The tables are made all the same; what is missing is said, and put in place once somebody made the role."""
    attempt(owned, f"DROP OWNED BY {ROLE}", f"DROP ROLE {ROLE}", "CREATE ROLE modest LOGIN")
    attempt(owned, "CREATE SCHEMA modest AUTHORIZATION modest")
    modest = owned.as_login("modest")
    modest.url = modest.url.replace(owned.schema, "modest")
    hardened(modest)
    found = seen(modest)
    assert found["triggers"][0]
    assert not found["login"][0]
    assert not found["rights"][0]
    assert f"CREATE ROLE {ROLE} NOLOGIN" in found["rights"][1]
    modest.open().append((to("case/1", -1, draft(disclosures=(PHONE,))),))

    attempt(owned, f"CREATE ROLE {ROLE} NOLOGIN", "CREATE ROLE at_desk LOGIN", f"GRANT {ROLE} TO at_desk")
    hardened(modest)
    assert seen(modest)["rights"][0]
    desk = modest.as_login("at_desk")
    assert all(is_well for is_well, _ in seen(desk).values())
    assert desk.open().append((to("case/1", 0, draft(disclosures=(PHONE,))),))[0].seq == 1


# -- what is said of them


REPLACE = "CREATE OR REPLACE TRIGGER ledger_keeps_rows BEFORE"


@pytest.mark.parametrize(
    ("statement", "part", "told"),
    [
        (
            "ALTER TABLE entry DISABLE TRIGGER ledger_keeps_rows",
            "triggers",
            "ledger_keeps_rows on entry is not enabled",
        ),
        ("ALTER TABLE head ENABLE TRIGGER ledger_grows", "triggers", "ledger_grows on head is not enabled ALWAYS"),
        ("DROP TRIGGER ledger_keeps_table ON checkpoint", "triggers", "ledger_keeps_table on checkpoint is missing"),
        (
            f"{REPLACE} UPDATE ON entry FOR EACH ROW EXECUTE FUNCTION ledger_refuses()",
            "triggers",
            "ledger_keeps_rows on entry is another one",
        ),
        (
            f"{REPLACE} UPDATE OR DELETE ON entry FOR EACH ROW WHEN (OLD.idx > 3) EXECUTE FUNCTION ledger_refuses()",
            "triggers",
            "ledger_keeps_rows on entry is another one",
        ),
        (
            "CREATE OR REPLACE FUNCTION ledger_refuses() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "triggers",
            "ledger_keeps_rows on entry runs another ledger_refuses",
        ),
        (f"GRANT DELETE ON entry TO {ROLE}", "rights", f"{ROLE} has DELETE on entry"),
        (f"GRANT UPDATE (type) ON entry TO {ROLE}", "rights", f"{ROLE} has UPDATE on entry"),
        (f"REVOKE INSERT ON payload FROM {ROLE}", "rights", f"{ROLE} lacks INSERT on payload"),
    ],
)
def test_what_is_wrong_is_said_and_put_right(owned: Place, statement: str, part: str, told: str) -> None:
    """Each guard that is missing, weaker or another one is named; the owner's command puts it back."""
    desk = owned.desk()
    attempt(owned, statement)
    is_well, words = seen(desk)[part]
    assert not is_well
    assert told in words
    assert "watchword ledger migrate" in words
    hardened(owned)
    assert all(is_well for is_well, _ in seen(desk).values())


@pytest.mark.parametrize(
    ("statement", "part", "told"),
    [
        ("ALTER ROLE {login} SUPERUSER", "login", "is a superuser"),
        ("ALTER ROLE {login} CREATEROLE", "login", "may make roles"),
        ("ALTER TABLE entry OWNER TO {login}", "login", "owns entry"),
        ("ALTER SCHEMA {schema} OWNER TO {login}", "login", "owns the schema"),
        ("GRANT pg_execute_server_program TO {login}", "login", "is a member of pg_execute_server_program"),
        ("GRANT TRUNCATE ON entry TO {login}", "rights", "{login} has TRUNCATE on entry"),
        ("GRANT CREATE ON SCHEMA {schema} TO {login}", "rights", "{login} has CREATE on the schema"),
        ("GRANT UPDATE ON entry TO PUBLIC", "rights", "{login} has UPDATE on entry"),
    ],
)
def test_a_login_with_too_much_is_named(owned: Place, statement: str, part: str, told: str) -> None:
    """Whatever puts the desk's login above the guards, or gives it more than its role, is said."""
    desk = owned.desk()
    names = {"login": desk.login, "schema": owned.schema}
    attempt(owned, statement.format(**names))
    is_well, words = seen(desk)[part]
    assert not is_well
    assert told.format(**names) in words


def test_guards_that_are_right_are_left_alone(owned: Place) -> None:
    """Putting them in place again waits for no desk that writes: no trigger is made anew."""
    count = f"SELECT sum(oid::bigint) FROM pg_trigger WHERE tgrelid = '{owned.schema}.entry'::regclass"
    before = owned.fetch(count)
    hardened(owned)
    assert owned.fetch(count) == before


def test_sqlite_has_none(on_sqlite: Place) -> None:
    """On SQLite it is said that there are none; nothing is wrong with that, and nothing is put in place."""
    hardened(on_sqlite)
    [(is_well, told)] = seen(on_sqlite).values()
    assert is_well
    assert "SQLite has no logins" in told


# -- hygiene, not proof


def rewritten(place: Place, entries: list[Entry]) -> None:
    """Put *entries* in place of the history, as the tables' owner with the stolen signing key does: all of it fits."""
    raws = [encode(entry) for entry in entries]
    leaves = [hash_leaf(raw) for raw in raws]
    roots = [root_of(leaves[:size]) for size in range(len(leaves) + 1)]
    notes = [
        sign(Checkpoint(origin=ORIGIN, size=size, root=root), place.key) for size, root in enumerate(roots) if size
    ]
    place.tamper("DELETE FROM entry", "DELETE FROM checkpoint", "DELETE FROM cosignature", "DELETE FROM timestamp")
    for idx, (entry, raw, leaf, note) in enumerate(zip(entries, raws, leaves, notes, strict=True)):
        row = {"idx": idx, "stream": entry.stream, "version": entry.version, "type": entry.type}
        place.tamper(PLANT, raw=raw, leaf=leaf, **row)
        place.tamper("INSERT INTO checkpoint (size, note) VALUES (:size, :note)", size=idx + 1, note=note)
    place.tamper("UPDATE head SET root = :root, note = :note", root=roots[-1], note=notes[-1])


def test_history_rewritten_whole_shows_elsewhere_alone(owned: Place, tmp_path: Path) -> None:
    """The tables' owner, with the signing key, writes history anew: the database tells nothing, what is kept does."""
    ledger = owned.open()
    kept, _ = ledger.checkpoint
    entries = [appended.entry for appended in ledger.entries()]
    ledger.close()
    memory = tmp_path / "witnessed"
    memory.write_text(cosigned(ONE, note=kept))

    entries[BAD] = msgspec.structs.replace(entries[BAD], type="case.approved")
    rewritten(owned, entries)

    desk = owned.desk()
    assert all(is_well for is_well, _ in seen(desk).values())
    assert desk.fsck().size == SIZE
    again = desk.open()
    assert again.read("case/1")[1].entry.type == "case.approved"

    with pytest.raises(Corrupt, match="another history"):
        fsck(desk.url, owned.key.vkey, owned.keys, kept=kept)
    with (
        closing(Cosigner(again, owned.key.verifier, (), Quorum((ONE.key,), 1), memory)) as cosigner,
        pytest.raises(Corrupt, match="other entries"),
    ):
        cosigner.start()
