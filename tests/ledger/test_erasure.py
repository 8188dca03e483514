"""Erasure: keys and payloads go with the entry that says so, for every process, out of every file; proofs stay."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec
import pytest

from tests.ledger.conftest import NOON, ORIGIN, Place, draft, to
from watchword.core.errors import Conflict, Corrupt, Invalid
from watchword.core.ids import PersonId
from watchword.ledger.checkpoint import verify
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.erasure import EvidenceErased, Reason
from watchword.ledger.fsck import fsck
from watchword.ledger.leader import Append, Draft, Ledger
from watchword.ledger.restoration import LEDGER_STREAM
from watchword.ledger.sql import SqlStore
from watchword.ledger.store import Holding
from watchword.ledger.vault import KeyFile

PHONE = Disclosure(name="phone", value="+15550100", retention=Retention.SHORT)
WORDS = Disclosure(name="words", value="says so", retention=Retention.IDENTITY)


def told(holding: Holding) -> Draft:
    """The entry that says *holding* is erased."""
    event = EvidenceErased(
        stream=holding.stream,
        retention=holding.retention,
        keys=holding.keys,
        payloads=holding.payloads,
        why=Reason.TIME_OVER,
        by=PersonId("p-aaaaaaaaaaaaaaaaaaaa"),
        policy="sha256:0",
    )
    data = msgspec.to_builtins(event)
    return Draft(type=data.pop("type"), at=NOON, actor=event.by, data=data)


def erase(ledger: Ledger, *holdings: Holding) -> None:
    """Erase *holdings*, and say so."""
    entries = ledger.read(LEDGER_STREAM)
    version = entries[-1].entry.version if entries else -1
    drafts = tuple(told(holding) for holding in holdings)
    ledger.append((Append(stream=LEDGER_STREAM, expected_version=version, drafts=drafts),), erase=holdings)


def of(ledger: Ledger, stream: str, retention: Retention = Retention.SHORT) -> Holding:
    (found,) = [one for one in ledger.holdings(stream) if one.retention is retention]
    return found


def fill(ledger: Ledger) -> None:
    """Two cases, each with two payloads of one class and one of another."""
    for stream in ("case/1", "case/2"):
        ledger.append((to(stream, -1, draft(disclosures=(PHONE, WORDS)), draft(disclosures=(PHONE,))),))


def test_a_class_of_one_stream_is_erased(place: Place) -> None:
    """What is erased is gone, what is not stays; every entry, proof and checkpoint verifies as before."""
    ledger = place.open()
    fill(ledger)
    before = tuple(ledger.entries())
    note, _ = ledger.checkpoint
    erase(ledger, of(ledger, "case/1"))

    assert ledger.disclosures(before[0]) == {"words": "says so"}
    assert ledger.disclosures(before[1]) == {}
    assert ledger.disclosures(before[2]) == {"phone": "+15550100", "words": "says so"}
    assert tuple(ledger.entries())[: len(before)] == before
    assert verify(note, place.key.verifier).size == len(before)
    assert [(h.stream, h.retention, h.payloads) for h in ledger.holdings()] == [
        ("case/1", Retention.IDENTITY, 1),
        ("case/2", Retention.IDENTITY, 1),
        ("case/2", Retention.SHORT, 2),
    ]
    ledger.close()
    report = place.fsck()
    assert report.checks[8].proved == "3 data keys; 1 erased with 2 payloads"
    assert place.open().disclosures(before[1]) == {}


def test_an_erasure_is_told_or_does_not_happen(place: Place) -> None:
    """Nothing is erased without an entry, nor when what is kept differs from what the entry says."""
    ledger = place.open()
    fill(ledger)
    holding = of(ledger, "case/1")
    with pytest.raises(Invalid):
        ledger.append((), erase=(holding,))
    wrong = (
        msgspec.structs.replace(holding, payloads=3),
        msgspec.structs.replace(holding, keys=("0" * 32,)),
        msgspec.structs.replace(holding, stream="case/2"),
        msgspec.structs.replace(holding, retention=Retention.CORE),
    )
    for one in wrong:
        with pytest.raises(Conflict):
            erase(ledger, one)
    erase(ledger, holding)
    with pytest.raises(Conflict):
        erase(ledger, holding)
    assert len(ledger.read(LEDGER_STREAM)) == 1


def test_a_conflict_of_one_leaves_the_others(place: Place) -> None:
    """An erasure that does not fit fails alone, whoever is written beside it."""
    ledger = place.open()
    fill(ledger)
    stale = msgspec.structs.replace(of(ledger, "case/1"), payloads=7)
    outcomes: list[str] = []

    def attempt(act: Callable[[], object]) -> None:
        try:
            act()
            outcomes.append("written")
        except Conflict:
            outcomes.append("conflict")

    threads = [
        threading.Thread(target=attempt, args=(lambda: erase(ledger, stale),)),
        *(
            threading.Thread(target=attempt, args=(partial(ledger.append, (to(f"case/{number}", -1),)),))
            for number in range(10, 18)
        ),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict", *["written"] * 8]


def test_what_follows_an_erasure_is_under_a_new_key(place: Place) -> None:
    """A stream goes on after its class was erased, and the next payload has nothing to do with the erased key."""
    ledger = place.open()
    fill(ledger)
    old = of(ledger, "case/1")
    erase(ledger, old)
    more = ledger.append((to("case/1", 1, draft(disclosures=(PHONE,))),))

    assert ledger.disclosures(more[0]) == {"phone": "+15550100"}
    assert not set(of(ledger, "case/1").keys) & set(old.keys)
    ledger.close()
    assert place.fsck().size == 6


def test_an_erased_key_serves_in_no_process(on_postgresql: Place) -> None:
    """Two processes have the key at hand; once one has erased it, the other reads nothing and seals under a new one."""
    one, two = on_postgresql.open(), on_postgresql.open()
    fill(one)
    appended = one.read("case/1")

    def more(ledger: Ledger) -> dict[str, str]:
        version = ledger.read("case/1")[-1].entry.version
        return ledger.disclosures(ledger.append((to("case/1", version, draft(disclosures=(PHONE,))),))[0])

    assert more(two) == {"phone": "+15550100"}
    assert two.disclosures(appended[0])["phone"] == "+15550100"
    holding = of(one, "case/1")
    assert (len(holding.keys), holding.payloads) == (2, 3)
    erase(one, holding)

    assert two.disclosures(appended[0]) == {"words": "says so"}
    assert [two.disclosures(each) for each in two.read("case/1")[1:]] == [{}, {}]
    assert more(two) == more(one) == {"phone": "+15550100"}
    for ledger in (one, two):
        ledger.close()
    assert on_postgresql.fsck().size == 8


def test_two_processes_make_keys_for_one_stream_at_once(on_postgresql: Place) -> None:
    """Both first payloads of a stream and class are written, each under its own key, and both open everywhere."""
    one, two = on_postgresql.open(), on_postgresql.open()
    barrier = threading.Barrier(2)
    lost: list[Exception] = []

    def appender(ledger: Ledger) -> None:
        barrier.wait()
        while True:
            try:
                ledger.append((to("case/1", len(ledger.read("case/1")) - 1, draft(disclosures=(PHONE,))),))
            except Conflict:
                continue
            except Exception as error:  # noqa: BLE001  # told to the test's own thread
                lost.append(error)
            return

    threads = [threading.Thread(target=appender, args=(ledger,)) for ledger in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == []
    for ledger in (one, two):
        assert [ledger.disclosures(appended) for appended in ledger.read("case/1")] == [{"phone": "+15550100"}] * 2
    assert len(of(one, "case/1").keys) == 2


def test_erasures_race_with_appends(place: Place) -> None:
    """Whatever is appended while others erase opens or is erased whole: fsck finds nothing half done."""
    ledger = place.open()
    ledger.append((to("case/1", -1, draft(disclosures=(PHONE,))),))
    lost: list[Exception] = []

    def again(act: Callable[[], object], times: int) -> None:
        try:
            done = 0
            while done < times:
                try:
                    act()
                except Conflict:
                    continue
                done += 1
        except Exception as error:  # noqa: BLE001  # told to the test's own thread
            lost.append(error)

    def appended() -> None:
        ledger.append((to("case/1", ledger.read("case/1")[-1].entry.version, draft(disclosures=(PHONE,))),))

    def erased() -> None:
        if holdings := ledger.holdings("case/1"):
            erase(ledger, *holdings)

    threads = [threading.Thread(target=again, args=(appended, 20)) for _ in range(2)]
    threads.append(threading.Thread(target=again, args=(erased, 10)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == []
    kept = sum(bool(ledger.disclosures(appended)) for appended in ledger.read("case/1"))
    assert kept == sum(holding.payloads for holding in ledger.holdings("case/1"))
    ledger.close()
    assert "more payloads" not in place.fsck().checks[8].proved


# -- bytes


def bytes_of(place: Place) -> bytes:
    """Everything SQLite has on the disk."""
    return b"".join(file.read_bytes() for file in sorted(place.folder.glob("ledger.db*")))


def secrets_of(place: Place, stream: str) -> tuple[bytes, ...]:
    with closing(sqlite3.connect(f"file:{place.file}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT sealed FROM payload WHERE stream = ? UNION ALL SELECT wrapped FROM data_key WHERE stream = ?",
            (stream, stream),
        )
        return tuple(row[0] for row in rows)


def big(ledger: Ledger, streams: int) -> None:
    """Enough payloads of many sizes for pages to be split, and rows to run over several."""
    for number in range(streams):
        wide = Disclosure(name="wide", value="w" * (7 ** (number % 5)), retention=Retention.SHORT)
        ledger.append((to(f"case/{number}", -1, draft(disclosures=(wide, PHONE, WORDS))),))


def test_erased_bytes_leave_the_files(on_sqlite: Place) -> None:
    """No wrapped key and no sealed payload is left in the database or its write-ahead log, in use or closed."""
    ledger = on_sqlite.open()
    big(ledger, 40)
    streams = [f"case/{number}" for number in range(0, 40, 3)]
    gone = [secret for stream in streams for secret in secrets_of(on_sqlite, stream)]
    kept = secrets_of(on_sqlite, "case/1")
    assert len(gone) == len(streams) * 5
    assert all(secret in bytes_of(on_sqlite) for secret in gone if len(secret) < 1000)
    erase(ledger, *(holding for stream in streams for holding in ledger.holdings(stream)))

    left = bytes_of(on_sqlite)
    assert not [secret for secret in gone if secret[:64] in left or secret[-64:] in left]
    assert all(secret[:64] in left for secret in kept)
    ledger.close()
    left = bytes_of(on_sqlite)
    assert not [secret for secret in gone if secret[:64] in left]


def test_a_reader_delays_the_scrubbing_and_does_not_prevent_it(on_sqlite: Place) -> None:
    """While somebody reads the file as it was, its log can not be emptied; the next write after that empties it."""
    ledger = on_sqlite.open()
    big(ledger, 3)
    gone = secrets_of(on_sqlite, "case/0")
    with closing(sqlite3.connect(f"file:{on_sqlite.file}?mode=ro", uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM payload").fetchone()
        erase(ledger, *ledger.holdings("case/0"))
        ledger.append((to("case/2", 0),))
        assert any(secret in bytes_of(on_sqlite) for secret in gone)
    ledger.append((to("case/1", 0),))
    assert not [secret for secret in gone if secret in bytes_of(on_sqlite)]


def test_a_crash_before_the_scrubbing_is_made_good(on_sqlite: Place, tmp_path: Path) -> None:
    """Files as a kill right after the commit leaves them hold erased bytes; opening them takes those out."""
    copy = tmp_path / "crashed"
    copy.mkdir()
    armed = False

    def faults(point: str) -> None:
        if armed and point == "append.committed":
            for file in on_sqlite.folder.glob("ledger.db*"):
                (copy / file.name).write_bytes(file.read_bytes())

    ledger = on_sqlite.open(faults)
    big(ledger, 3)
    gone = secrets_of(on_sqlite, "case/0")
    armed = True
    erase(ledger, *ledger.holdings("case/0"))
    crashed = Place(f"sqlite:///{copy / 'ledger.db'}", copy, on_sqlite._stack)
    assert any(secret in bytes_of(crashed) for secret in gone)

    with closing(Ledger.open(crashed.url, on_sqlite.key, on_sqlite.keys, ORIGIN)) as again:
        assert again.size == 5
        left = bytes_of(crashed)
        assert not [secret for secret in gone if secret in left]


# -- what is put back, taken away, or another's


def test_rows_put_back_are_found(place: Place) -> None:
    """A key or a payload that an entry says is erased, and that is there again, is Corrupt."""
    ledger = place.open()
    fill(ledger)
    place.tamper(
        "CREATE TABLE kept_key AS SELECT * FROM data_key WHERE stream = 'case/1' AND retention = 'short'",
        "CREATE TABLE kept_payload AS SELECT * FROM payload WHERE stream = 'case/1' AND retention = 'short'",
    )
    erase(ledger, of(ledger, "case/1"))
    ledger.close()
    assert place.fsck().size == 5
    place.tamper("INSERT INTO payload SELECT * FROM kept_payload")
    with pytest.raises(Corrupt, match="Entry 4 says the payload"):
        place.fsck()
    place.tamper("INSERT INTO data_key SELECT * FROM kept_key")
    with pytest.raises(Corrupt, match="Entry 4 says the data key"):
        fsck(place.url, place.key.vkey)


def test_a_payload_without_its_key_is_found(place: Place) -> None:
    """A key deleted past Watchword reads as erased, and fsck names the entry whose payload lost it."""
    ledger = place.open()
    fill(ledger)
    place.tamper("DELETE FROM data_key WHERE stream = 'case/2' AND retention = 'identity'")
    assert ledger.disclosures(ledger.read("case/2")[0]) == {"phone": "+15550100"}
    ledger.close()
    with pytest.raises(Corrupt, match="no data key") as found:
        place.fsck()
    assert found.value.seq == 2


def test_a_payload_deleted_past_watchword_is_counted(place: Place) -> None:
    """What is gone although no entry says so is said by fsck."""
    ledger = place.open()
    fill(ledger)
    ledger.close()
    place.tamper("DELETE FROM payload WHERE stream = 'case/2'")
    assert "3 more payloads are gone, and no entry says why" in place.fsck().checks[8].proved


def test_a_key_of_a_stream_that_is_none_is_found(place: Place) -> None:
    """Every key belongs to a stream with entries."""
    ledger = place.open()
    fill(ledger)
    ledger.close()
    place.tamper("UPDATE data_key SET stream = 'case/9' WHERE stream = 'case/2'")
    with pytest.raises(Corrupt, match="case/9"):
        place.fsck()


def test_the_key_file_of_another_ledger_opens_nothing(place: Place, tmp_path: Path) -> None:
    """Another ledger's key file is refused by name at the first payload, and by fsck."""
    ledger = place.open()
    fill(ledger)
    ledger.close()
    other = KeyFile.create(tmp_path / "other.keys")
    with (
        closing(Ledger.open(place.url, place.key, other, ORIGIN)) as wrong,
        pytest.raises(Invalid, match=place.keys.name),
    ):
        wrong.disclosures(wrong.read("case/1")[0])
    with pytest.raises(Invalid, match=other.name):
        fsck(place.url, place.key.vkey, other)


def test_a_ledger_of_the_old_format_is_refused(place: Place) -> None:
    """Payloads sealed before data keys are not opened by guessing: the ledger is refused, with the way on."""
    store = SqlStore(place.url)
    store.migrate()
    store.close()
    place.tamper(
        "DROP TABLE cosignature",
        "DROP TABLE timestamp",
        "DROP TABLE data_key",
        "DROP TABLE payload",
        "CREATE TABLE payload (commitment VARCHAR(64) PRIMARY KEY, stream TEXT NOT NULL, name TEXT NOT NULL,"
        " retention VARCHAR(16) NOT NULL, sealed TEXT NOT NULL)",
        "INSERT INTO payload VALUES ('c', 'case/1', 'phone', 'short', 'x')",
        "UPDATE ledger_version SET version_num = '0001'",
    )
    for attempt in (place.open, place.fsck):
        with pytest.raises(Invalid, match=r"before data keys|version 0001") as refused:
            attempt()
        assert "version that wrote it" in refused.value.remedy
    place.tamper("DELETE FROM payload")
    assert place.open().size == 0
