"""The ledger as its callers see it: append, read, payloads, pseudonyms. The same on both databases."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.ledger.conftest import NOON, ORIGIN, Place, draft, effect, to
from watchword.core.errors import Conflict, Corrupt, Invalid, Unavailable
from watchword.core.ids import LeafHash, Seq
from watchword.ledger.checkpoint import SigningKey, verify
from watchword.ledger.entry import Disclosure, Retention, decode
from watchword.ledger.leader import Append, Ledger
from watchword.ledger.merkle import empty_root, hash_leaf, root_of

PHONE = Disclosure(name="phone", value="+15550100", retention=Retention.IDENTITY)
MAIL = Disclosure(name="mail", value="ada@example.test", retention=Retention.SHORT)


def test_new_ledger_is_empty_and_signed(place: Place) -> None:
    """A ledger that was just made has a signed checkpoint over nothing."""
    ledger = place.open()
    note, checkpoint = ledger.checkpoint
    assert verify(note, place.key.verifier) == checkpoint
    assert (ledger.size, checkpoint.root, ledger.origin) == (0, empty_root(), ORIGIN)
    assert ledger.read("case/1") == ()
    assert list(ledger.entries()) == []


def test_append_returns_entries_in_their_places(place: Place) -> None:
    """One append over two streams gives dense indices and versions, exact bytes and leaf hashes, all covered."""
    ledger = place.open()
    first = ledger.append((to("case/1", -1, draft("case.opened", n=1), draft("case.noted", n=2)), to("account/1", -1)))
    second = ledger.append((to("case/1", 1),))
    everything = (*first, *second)
    assert [appended.seq for appended in everything] == [0, 1, 2, 3]
    assert [(a.entry.stream, a.entry.version) for a in everything] == [
        ("case/1", 0),
        ("case/1", 1),
        ("account/1", 0),
        ("case/1", 2),
    ]
    for appended in everything:
        assert decode(appended.raw) == appended.entry
        assert hash_leaf(appended.raw).hex() == appended.leaf
        assert ledger.covered(appended.seq)
    assert not ledger.covered(Seq(4))
    note, checkpoint = ledger.checkpoint
    assert verify(note, place.key.verifier).root == root_of([hash_leaf(a.raw) for a in everything]) == checkpoint.root
    assert ledger.read("case/1") == (first[0], first[1], second[0])
    assert tuple(ledger.entries()) == everything
    assert tuple(ledger.entries(1, 3)) == everything[1:3]
    assert tuple(ledger.entries(3, 99)) == everything[3:]
    assert ledger.find(first[1].leaf) == first[1]
    assert ledger.find(LeafHash("00" * 32)) is None
    assert ledger.streams() == ("account/1", "case/1")
    assert ledger.streams("case/") == ("case/1",)


def test_everything_is_there_after_a_restart(place: Place) -> None:
    """What was appended is read and verified again by the next process, which goes on from it."""
    ledger = place.open()
    before = ledger.append((to("case/1", -1, draft(disclosures=(PHONE,))),))
    ledger.close()
    ledger = place.open()
    assert ledger.read("case/1") == before
    assert ledger.disclosures(before[0]) == {"phone": "+15550100"}
    assert ledger.append((to("case/1", 0),))[0].seq == 1
    ledger.close()
    assert place.fsck().size == 2


def test_earlier_roots_are_known(place: Place) -> None:
    """The root of every size the ledger ever had can be asked for, and of no other."""
    ledger = place.open()
    roots = [ledger.checkpoint[1].root]
    for version in range(3):
        ledger.append((to("case/1", version - 1),))
        roots.append(ledger.checkpoint[1].root)
    assert [ledger.root(size) for size in range(4)] == roots
    for size in (-1, 4):
        with pytest.raises(Invalid, match="has not"):
            ledger.root(size)


def test_conflict_writes_nothing(place: Place) -> None:
    """When one stream of an append has moved on, none of its entries, effects or payloads is written."""
    ledger = place.open()
    ledger.append((to("case/1", -1),))
    for expected in (-1, 1, 7):
        with pytest.raises(Conflict, match="case/1 is at version 0"):
            ledger.append(
                (to("account/1", -1, draft(disclosures=(PHONE,))), to("case/1", expected)), (effect("e", "account/1"),)
            )
    assert (ledger.size, ledger.effects(), ledger.read("account/1")) == (1, (), ())
    ledger.close()
    assert "0 payloads" in place.fsck().checks[6].proved


@pytest.mark.parametrize(
    ("appends", "effects"),
    [
        ((to("case/1", -1), to("case/1", 0)), ()),
        ((Append(stream="case/1", expected_version=-1, drafts=()),), ()),
        ((to("case/1", -1, draft(bad=1.5)),), ()),  # type: ignore[arg-type]  # a float is what is tried
        ((to("case/1", -1, draft(disclosures=(Disclosure(name="", value="", retention=Retention.CORE),))),), ()),
        ((to("case/1", -2),), ()),
        ((to("case/1", -1, draft(refs=("00" * 32,))),), ()),
        ((to("case/1", -1),), (effect("e"), effect("e"))),
        ((to("case/1", -1),), (effect("e\x00"),)),
        ((to("case/1", -1),), (effect("e", "case/2"),)),
        ((to("case/1", -1),), (effect("\ud800"),)),
        ((to("case/1", -1),), (msgspec.structs.replace(effect("e"), due_at=NOON.replace(tzinfo=None)),)),
        ((to("case/1", -1, draft(disclosures=(Disclosure(name="a", value="\ud800", retention=Retention.CORE),))),), ()),
        ((), (effect("e"),)),
    ],
)
def test_bad_input_is_refused(on_sqlite: Place, appends: tuple[Append, ...], effects: tuple[()]) -> None:
    """Bad input is refused with its reason, and the ledger goes on as if nothing had been asked."""
    ledger = on_sqlite.open()
    with pytest.raises(Invalid) as refusal:
        ledger.append(appends, effects)
    assert refusal.value.what
    assert refusal.value.remedy
    assert ledger.size == 0
    assert ledger.append((to("case/1", -1),))[0].seq == 0


def test_references_point_backwards(place: Place) -> None:
    """An entry may refer to what stands before it, in the ledger or in its own append."""
    ledger = place.open()
    first = ledger.append((to("case/1", -1),))[0]
    second = ledger.append((to("case/1", 0, draft(refs=(first.leaf,))),))[0]
    assert second.entry.refs == (first.leaf,)


def test_times_are_cut_to_the_millisecond(place: Place) -> None:
    """A draft may carry a finer time; its entry carries whole milliseconds."""
    ledger = place.open()
    finer = msgspec.structs.replace(draft(), at=NOON.replace(microsecond=1999))
    appended = ledger.append((to("case/1", -1, finer),))
    assert appended[0].entry.at == NOON.replace(microsecond=1000)


def test_clock_may_lag_but_not_go_back(place: Place) -> None:
    """Up to two seconds behind is skew between machines; more is a clock that went backwards, and is refused."""
    ledger = place.open()
    ledger.append((to("case/1", -1, draft(after=10)),))
    ledger.append((to("case/1", 0, draft(after=8)),))
    with pytest.raises(Unavailable, match="went backwards") as refusal:
        ledger.append((to("case/1", 1, draft(after=7.999)),))
    assert "clock" in refusal.value.remedy
    ledger.close()
    ledger = place.open()
    with pytest.raises(Unavailable, match="went backwards"):
        ledger.append((to("case/1", 1, draft(after=7)),))
    assert ledger.append((to("case/1", 1, draft(after=9)),))[0].seq == 2
    ledger.close()
    assert place.fsck().size == 3


def test_one_bad_request_does_not_fail_its_neighbours(place: Place) -> None:
    """Of many threads that append at once, those in the wrong fail alone and the others are written, without a gap."""
    ledger = place.open()
    outcomes: list[str] = []

    def one(number: int) -> None:
        expected = -1 if number % 3 else 5
        effects = (effect("same", f"case/{number}"),) if number % 2 else ()
        try:
            ledger.append((to(f"case/{number}", expected),), effects)
            outcomes.append("written")
        except Conflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # 8 expect a wrong version; of the other 16, the 8 odd ones ask for one and the same effect.
    assert (outcomes.count("written"), outcomes.count("conflict")) == (9, 15)
    assert [appended.seq for appended in ledger.entries()] == list(range(9))
    assert len(ledger.effects()) == 1


def test_payloads_open_until_they_are_erased(place: Place) -> None:
    """Entries carry commitments only; a payload opens while it is there, and the evidence verifies without it."""
    ledger = place.open()
    appended = ledger.append((to("case/1", -1, draft(disclosures=(PHONE, MAIL))),))[0]
    assert b"+1555" not in appended.raw
    assert ledger.open_payload(appended.entry.sd[0]) == PHONE
    assert ledger.disclosures(appended) == {"phone": "+15550100", "mail": "ada@example.test"}
    assert ledger.open_payload("00" * 32) is None
    place.tamper("DELETE FROM payload WHERE name = 'phone'")
    assert ledger.open_payload(appended.entry.sd[0]) is None
    assert ledger.disclosures(appended) == {"mail": "ada@example.test"}
    ledger.close()
    assert place.fsck().size == 1


def test_a_changed_payload_does_not_open(place: Place) -> None:
    """A payload that was swapped for another, or changed, is Corrupt rather than read."""
    ledger = place.open()
    appended = ledger.append((to("case/1", -1, draft(disclosures=(PHONE, MAIL))),))[0]
    place.tamper("UPDATE payload SET sealed = (SELECT sealed FROM payload WHERE name = 'mail') WHERE name = 'phone'")
    with pytest.raises(Corrupt):
        ledger.open_payload(appended.entry.sd[0])


def test_pseudonyms(on_sqlite: Place) -> None:
    """Random ids never repeat; keyed ones repeat for one value and purpose, and tell nothing of it."""
    ledger = on_sqlite.open()
    assert re.fullmatch(r"a-[a-z2-7]{20}", ledger.pseudonym("a"))
    assert ledger.pseudonym("a") != ledger.pseudonym("a")
    with pytest.raises(Invalid):
        ledger.pseudonym("a-")
    keyed = ledger.keyed("origin", "+15550100")
    assert re.fullmatch(r"[a-z2-7]{20}", keyed)
    assert keyed == ledger.keyed("origin", "+15550100")
    assert keyed not in {ledger.keyed("origin", "+15550101"), ledger.keyed("other", "+15550100")}


def test_replica_reads_and_does_not_append(place: Place) -> None:
    """A ledger opened with the public key alone verifies and reads everything, and appends nothing."""
    ledger = place.open()
    appended = ledger.append((to("case/1", -1, draft(disclosures=(PHONE,))),))
    ledger.close()
    replica = Ledger.open(place.url, place.key.verifier, None, ORIGIN, sign=False)
    assert replica.read("case/1") == appended
    with pytest.raises(Invalid, match="key file"):
        replica.disclosures(appended[0])
    with pytest.raises(Invalid, match="opened to read"):
        replica.append((to("case/1", 0),))
    replica.close()
    assert place.open().size == 1


def test_replica_of_nothing_says_so(place: Place) -> None:
    """Reading a database that holds no ledger fails with the way on."""
    with pytest.raises(Unavailable):
        Ledger.open(place.url, place.key.verifier, None, ORIGIN, sign=False)


def test_keys_must_be_the_ledgers_own(place: Place) -> None:
    """Another ledger's key, or another key of the same name, opens nothing."""
    place.open().close()
    with pytest.raises(Invalid, match="not that of"):
        Ledger.open(place.url, SigningKey.generate("other.test"), place.keys, ORIGIN)
    with pytest.raises(Corrupt, match="no signature"):
        Ledger.open(place.url, SigningKey.generate(ORIGIN), place.keys, ORIGIN)
    with pytest.raises(Invalid, match="signing key"):
        Ledger.open(place.url, place.key.verifier, place.keys, ORIGIN)


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://localhost/ledger"])
def test_other_databases_are_refused(on_sqlite: Place, url: str) -> None:
    """A URL that names neither SQLite nor PostgreSQL is refused."""
    with pytest.raises(Invalid):
        Ledger.open(url, on_sqlite.key, on_sqlite.keys, ORIGIN)


def test_database_that_does_not_answer(on_sqlite: Place) -> None:
    """A server that is not there is Unavailable, with the way on."""
    with pytest.raises(Unavailable) as refusal:
        Ledger.open("postgresql://postgres@127.0.0.1:1/none", on_sqlite.key, on_sqlite.keys, ORIGIN)
    assert refusal.value.remedy


def test_times_that_are_not_utc_are_refused(on_sqlite: Place) -> None:
    """A claim or a new due time without a zone is the caller's mistake, and said so."""
    ledger = on_sqlite.open()
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(Invalid, match="UTC"):
        ledger.claim(naive, "one", timedelta(seconds=1), ("reset",))
    with pytest.raises(Invalid, match="UTC"):
        ledger.reschedule("e", naive)


def test_closed_ledger_answers_nobody_wrongly(place: Place) -> None:
    """After close an append fails at once instead of waiting for ever; closing twice is harmless."""
    ledger = place.open()
    ledger.close()
    with pytest.raises(Unavailable, match="closed"):
        ledger.append((to("case/1", -1),))
    ledger.close()


def test_times_read_back_as_they_were(place: Place) -> None:
    """A time keeps its zone and milliseconds through the database."""
    ledger = place.open()
    ledger.append((to("case/1", -1),), (effect("e", after=0.25),))
    assert ledger.effects()[0].due_at == datetime(2026, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
