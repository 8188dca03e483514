"""The spool: lines and checkpoint move together, whatever a kill leaves behind."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from watchword.core.errors import Corrupt
from watchword.watch.sources.spool import Position, Spool

from .conftest import NOON


def read_all(spool: Spool, most: int = 1 << 20) -> list[bytes]:
    """Every line, slice by slice."""
    at, lines = Position(), []
    while (part := spool.read(at, most)) is not None:
        lines += part.read().splitlines()
        at = part.until
    return lines


def test_lines_come_out_as_they_went_in(tmp_path: Path) -> None:
    """In order, across segments and slices, for this process and the next."""
    spool = Spool(tmp_path, segment=100)
    lines = [b"line %d" % number for number in range(100)]
    for number in range(0, 100, 4):
        assert spool.append(lines[number : number + 4], NOON, checkpoint=str(number))
    assert len(list(tmp_path.glob("*.jsonl"))) > 3
    assert read_all(spool, 30) == read_all(Spool(tmp_path)) == lines
    assert Spool(tmp_path).checkpoint == "96"
    assert spool.end.segment > 0


def test_what_the_journal_does_not_count_was_never_there(tmp_path: Path) -> None:
    """Lines without their record, and half a record, are written over by what comes next."""
    spool = Spool(tmp_path)
    spool.append([b"one"], NOON, checkpoint="1")
    with (tmp_path / "00000000.jsonl").open("ab") as data, (tmp_path / "00000000.journal").open("ab") as journal:
        data.write(b"lost\nhalf")
        journal.write(b'{"end": 99')
    again = Spool(tmp_path)
    assert (read_all(again), again.checkpoint) == ([b"one"], "1")
    again.append([b"two"], NOON, checkpoint="2")
    assert (read_all(Spool(tmp_path)), Spool(tmp_path).checkpoint) == ([b"one", b"two"], "2")


def test_a_delivery_is_taken_once(tmp_path: Path) -> None:
    """A key is known again, by another process as well, and across segments."""
    spool = Spool(tmp_path, segment=4)
    assert spool.append([b"one"], NOON, key="a")
    assert not Spool(tmp_path).append([b"one"], NOON, key="a")
    assert spool.append([b"two"], NOON, key="b")
    assert not spool.append([b"one"], NOON, key="a")
    assert read_all(spool) == [b"one", b"two"]


def test_an_empty_answer_writes_nothing(tmp_path: Path) -> None:
    """A checkpoint that did not move, without lines, leaves no record; one that moved does."""
    spool = Spool(tmp_path)
    spool.append([b"one"], NOON, checkpoint="1")
    size = (tmp_path / "00000000.journal").stat().st_size
    spool.append([], NOON, checkpoint="1")
    assert (tmp_path / "00000000.journal").stat().st_size == size
    spool.append([], NOON, checkpoint="2")
    assert Spool(tmp_path).checkpoint == "2"
    assert spool.arrivals(NOON) == (NOON,)


def test_many_append_at_once(tmp_path: Path) -> None:
    """Threads with spools of their own, as processes have, lose nothing and mix no lines."""

    def add(who: int) -> None:
        spool = Spool(tmp_path, segment=500)
        for number in range(20):
            spool.append([b"%d-%d" % (who, number)] * 3, NOON)

    threads = [threading.Thread(target=add, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = read_all(Spool(tmp_path))
    assert sorted(lines) == sorted(b"%d-%d" % (who, number) for who in range(4) for number in range(20) for _ in "abc")


def test_old_segments_go(tmp_path: Path) -> None:
    """What was read and is old is removed; the checkpoint stays, and a reader that was away goes on behind the gap."""
    spool = Spool(tmp_path, segment=10)
    for number in range(6):
        spool.append([b"0123456789"], NOON + timedelta(days=number), checkpoint="kept" if number == 0 else None)
    assert spool.prune(Position(segment=4), NOON + timedelta(days=3)) == 3
    again = Spool(tmp_path, segment=10)
    assert (again.first, again.checkpoint, len(read_all(again))) == (3, "kept", 3)


def test_a_segment_cut_short_is_corrupt(tmp_path: Path) -> None:
    """Lines that were counted and are gone stop the watch, and are not read around."""
    spool = Spool(tmp_path)
    spool.append([b"one", b"two"], NOON)
    (tmp_path / "00000000.jsonl").write_bytes(b"one\n")
    with pytest.raises(Corrupt, match="shorter"):
        spool.read(Position())
    (tmp_path / "00000000.journal").write_bytes(b"nonsense\n")
    with pytest.raises(Corrupt, match="can not be read"):
        Spool(tmp_path).read(Position())


def test_a_line_is_one_line(tmp_path: Path) -> None:
    """Nothing that has an end of line in it gets in."""
    with pytest.raises(ValueError, match="end of line"):
        Spool(tmp_path).append([b"one\ntwo"], NOON)
