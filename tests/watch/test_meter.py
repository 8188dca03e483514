"""Progress: told while a large log is read, and whole at its end."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from queue import SimpleQueue

import pytest

from bench.okta_generator import generate
from watchword.watch.engine import Engine
from watchword.watch.meter import Meter

_SIZE = 96_000_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 96 MB, whole: DuckDB reads it in one statement."""
    log = tmp_path_factory.mktemp("large") / "okta.jsonl"
    generate(log, _SIZE, rows=0)
    return log


def _told(*logs: Path) -> list[tuple[int, int]]:
    told: list[tuple[int, int]] = []
    Engine(threads=1).classify("okta", logs, progress=lambda read, total: told.append((read, total)))
    return told


def _assert_moves_within(told: list[tuple[int, int]], size: int) -> None:
    read = [read for read, _ in told]
    assert {total for _, total in told} == {size}
    assert read == sorted(read)
    assert read[-1] == size
    assert len({within for within in read if 0 < within < size}) >= 3


def test_it_moves_within_a_large_file(large: Path) -> None:
    """The bytes read rise several times before the end of one plain file, and end at its size."""
    _assert_moves_within(_told(large), large.stat().st_size)


def test_it_moves_within_a_compressed_file(large: Path, tmp_path: Path) -> None:
    """So they do in one compressed file, in bytes of the file as it is stored."""
    log = tmp_path / "okta.jsonl.gz"
    with large.open("rb") as plain, gzip.open(log, "wb", compresslevel=1) as packed:
        shutil.copyfileobj(plain, packed, 1 << 20)
    _assert_moves_within(_told(log), log.stat().st_size)


def test_it_moves_while_a_damaged_log_is_sieved(large: Path, tmp_path: Path) -> None:
    """A log that has to be read line by line begins again, and tells how far it is."""
    log = tmp_path / "damaged.jsonl"
    log.write_bytes(b"oops\n" + large.read_bytes())
    told = _told(log)
    starts = [n for n, (read, _) in enumerate(told) if n and read < told[n - 1][0]]
    _assert_moves_within(told[starts[-1] if starts else 0 :], log.stat().st_size)


def test_it_counts_over_all_files(large: Path, tmp_path: Path) -> None:
    """The second file's bytes are added to those of the first; a log of no bytes adds none."""
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    size = large.stat().st_size
    told = _told(large, empty, large)
    assert told[-1] == (2 * size, 2 * size)
    assert told.count((size, 2 * size)) >= 2
    assert any(0 < read < size for read, _ in told)
    assert any(size < read < 2 * size for read, _ in told)


def test_sieving_tells_where_the_reading_is(tmp_path: Path) -> None:
    """The position in the open file is told, on any system."""
    told = SimpleQueue[int]()
    log = tmp_path / "log"
    log.write_bytes(b"x" * 100)
    with log.open("rb", buffering=0) as raw, Meter(tell=told.put, size=100).sieving(raw):
        for read in (60, 100):
            raw.read(read)
            assert told.get(timeout=30) == read
