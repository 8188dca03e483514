"""Checkpoints cosigned by a real witness, which refuses a roll-back and a fork; and what the ledger makes of that."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.foreign.conftest import NOON, ORIGIN
from tests.foreign.lite_witness import LiteWitness
from watchword.core.errors import Corrupt, Invalid, Unavailable
from watchword.core.ids import PersonId, Seq
from watchword.desk.recording import draft
from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.cosignature import Quorum
from watchword.ledger.cosigner import Cosigner
from watchword.ledger.leader import Append, Draft, Ledger
from watchword.ledger.note import Signature
from watchword.ledger.restoration import LEDGER_STREAM, Restoration
from watchword.ledger.vault import KeyFile
from watchword.ledger.witness import Elsewhere

CUSTODIANS = (PersonId("p-one"), PersonId("p-two"))


class House:
    """A ledger in *folder*, its witnesses, and its memory of them, each of which can be put back to an older state."""

    def __init__(self, folder: Path, witnesses: tuple[LiteWitness, ...], stack: ExitStack) -> None:
        self.folder = folder
        self.witnesses = witnesses
        self.key = SigningKey.generate(ORIGIN)
        self.keys = KeyFile.create(folder / "payload.keys")
        self.memory = folder / "witnessed"
        self._stack = stack
        for witness in witnesses:
            witness.know(ORIGIN, self.key.vkey)

    def open(self, name: str = "ledger.db") -> Ledger:
        """Open the ledger in the file *name*; it is closed with the test, if not before."""
        url = f"sqlite:///{self.folder / name}"
        return self._stack.enter_context(closing(Ledger.open(url, self.key, self.keys, ORIGIN)))

    def cosigner(self, ledger: Ledger, threshold: int = 2) -> Cosigner:
        """Somebody who has *ledger* cosigned by *threshold* of the witnesses."""
        quorum = Quorum(tuple(w.key() for w in self.witnesses), threshold)
        clients = tuple(w.client() for w in self.witnesses)
        return self._stack.enter_context(closing(Cosigner(ledger, self.key.verifier, clients, quorum, self.memory)))


def write(ledger: Ledger, count: int, stream: str = "case/c", word: str = "test.noted") -> None:
    """Append *count* entries, one by one."""
    have = len(ledger.read(stream))
    for number in range(have, have + count):
        draft = Draft(type=word, at=NOON + timedelta(seconds=ledger.size), actor="p-test", data={"n": number})
        ledger.append((Append(stream=stream, expected_version=number - 1, drafts=(draft,)),))


@pytest.fixture
def house(tmp_path: Path, litewitness: Path) -> Iterator[House]:
    """A ledger with three witnesses."""
    with ExitStack() as stack:
        witnesses = tuple(
            stack.enter_context(closing(LiteWitness(litewitness, tmp_path / f"w{n}", f"witness.example.test/w{n}")))
            for n in (1, 2, 3)
        )
        yield House(tmp_path, witnesses, stack)


def test_quorum_cosigns_and_goes_on_when_one_is_away(house: House) -> None:
    """Two of three are enough; the note then carries their cosignatures, which check under their published keys."""
    ledger = house.open()
    cosigner = house.cosigner(ledger)
    write(ledger, 5)
    assert cosigner.step() == 5
    quorum = Quorum(tuple(w.key() for w in house.witnesses), 3)
    told = quorum.verify(ledger.testimony.cosigned()[0], house.key.verifier)
    assert (told.checkpoint.size, len(told.by)) == (5, 3)

    house.witnesses[0].stop()
    write(ledger, 300)
    cosigner.demand(Seq(304))
    with pytest.raises(Corrupt, match="2 of the 3 witnesses"):
        quorum.verify(ledger.testimony.cosigned()[0], house.key.verifier)

    house.witnesses[1].stop()
    write(ledger, 1)
    with pytest.raises(Unavailable, match="Fewer than 2 of 3"):
        cosigner.demand(Seq(305))
    cosigner.demand(Seq(304))

    house.witnesses[0].start()
    cosigner.demand(Seq(305))


def test_what_another_process_had_cosigned_counts(house: House) -> None:
    """The cosignatures are in the store: with every witness away, what is covered stays covered."""
    ledger = house.open()
    write(ledger, 3)
    assert house.cosigner(ledger).step() == 3
    other = house.cosigner(ledger)
    for witness in house.witnesses:
        witness.stop()
    other.demand(Seq(2))


def test_rolled_back_store_does_not_start(house: House) -> None:
    """An older copy that is whole in itself is found by the memory, and without the memory by each witness."""
    ledger = house.open()
    write(ledger, 4)
    ledger.close()
    shutil.copy(house.folder / "ledger.db", house.folder / "backup.db")
    ledger = house.open()
    write(ledger, 4)
    house.cosigner(ledger).step()
    ledger.close()

    old = house.open("backup.db")
    with pytest.raises(Corrupt, match=r"cosigned 8 entries of this ledger, and here are 4, says"):
        house.cosigner(old).start()
    house.memory.unlink()
    with pytest.raises(Corrupt, match=r"w1 cosigned 8 entries of this ledger, and here are 4\."):
        house.cosigner(old).start()


def test_fork_is_refused(house: House) -> None:
    """Whoever holds the signing key and writes another history of the same length or longer is told by the witness."""
    ledger = house.open()
    write(ledger, 4)
    house.cosigner(ledger).step()
    ledger.close()
    rewritten = house.open("other.db")
    write(rewritten, 4, word="test.forged")
    for more in (0, 3):
        write(rewritten, more, word="test.forged")
        with pytest.raises(Corrupt, match="other entries than the first 4"):
            house.cosigner(rewritten).start()
    house.memory.unlink()
    with pytest.raises(Corrupt, match="w1 saw another history"):
        house.cosigner(rewritten).start()


def test_restored_ledger_goes_on_and_keeps_what_was_given_up(house: House) -> None:
    """After the ceremony's entry the start is let through; a witness comes back when its operator begins anew."""
    ledger = house.open()
    write(ledger, 4)
    ledger.close()
    shutil.copy(house.folder / "ledger.db", house.folder / "backup.db")
    ledger = house.open()
    write(ledger, 4)
    house.cosigner(ledger).step()
    root = ledger.root(8)
    ledger.close()

    old = house.open("backup.db")
    restored = Restoration(size=8, root=root.hex(), since=NOON, until=NOON, custodians=CUSTODIANS)
    drafts = (draft(restored, "p-one", NOON + timedelta(seconds=4)),)
    old.append((Append(stream=LEDGER_STREAM, expected_version=-1, drafts=drafts),))
    cosigner = house.cosigner(old)
    cosigner.start()
    with pytest.raises(Unavailable, match="Fewer than 2 of 3"):
        cosigner.demand(Seq(4))
    write(old, 20)
    house.cosigner(old).start()  # longer than what was witnessed by now, and another history on purpose

    for witness in house.witnesses[:2]:
        witness.forget(ORIGIN)
    cosigner.demand(Seq(20))
    house.cosigner(old).start()


def test_second_fork_after_a_restoration_is_refused(house: House) -> None:
    """A restoration excuses what it gave up, and nothing after it: a witness that joined again holds again."""
    ledger = house.open()
    write(ledger, 8)
    house.cosigner(ledger).step()
    root = ledger.root(8)
    ledger.close()
    second = house.open("second.db")
    write(second, 2)
    restored = Restoration(size=8, root=root.hex(), since=NOON, until=NOON, custodians=CUSTODIANS)
    drafts = (draft(restored, "p-one", NOON + timedelta(seconds=2)),)
    second.append((Append(stream=LEDGER_STREAM, expected_version=-1, drafts=drafts),))
    for witness in house.witnesses:
        witness.forget(ORIGIN)
    house.cosigner(second).start()
    second.close()
    shutil.copy(house.folder / "second.db", house.folder / "third.db")
    second = house.open("second.db")
    write(second, 3)
    house.cosigner(second).step()
    second.close()

    house.memory.unlink()
    third = house.open("third.db")
    with pytest.raises(Corrupt, match="cosigned 6 entries of this ledger, and here are 3"):
        house.cosigner(third).start()


def test_a_ledger_the_witness_does_not_know_is_told_apart(house: House) -> None:
    """Each answer of the protocol is told apart: another size, another history, an unknown ledger, another key."""
    witness = house.witnesses[0].client()
    ledger = house.open()
    write(ledger, 3)
    note, _ = ledger.checkpoint
    assert witness.add(note, 2, ledger.consistency(2, 3)) == Elsewhere(size=0)
    assert isinstance(witness.add(note, 0, ()), Signature)
    write(ledger, 2)
    later, _ = ledger.checkpoint
    with pytest.raises(Corrupt, match="another history"):
        witness.add(later, 3, (bytes(32),) * 2)
    stranger = SigningKey.generate("stranger.example.test/ledger")
    other = Ledger.open(f"sqlite:///{house.folder / 's.db'}", stranger, house.keys, stranger.origin)
    with closing(other), pytest.raises(Invalid, match="does not know this ledger"):
        witness.add(other.checkpoint[0], 0, ())
    impostor = SigningKey.generate(ORIGIN)
    other = Ledger.open(f"sqlite:///{house.folder / 'i.db'}", impostor, house.keys, ORIGIN)
    with closing(other), pytest.raises(Invalid, match="does not take this ledger's key"):
        witness.add(other.checkpoint[0], 3, ())
    witness.close()
