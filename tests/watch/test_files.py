"""Files and folders as sources: whatever a file is, read once, gone on with where a kill interrupted."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watchword.core.errors import Invalid, Unavailable
from watchword.watch.engine import Engine
from watchword.watch.providers import OKTA, WINDOWS
from watchword.watch.sources.files import lines_of
from watchword.watch.sources.folder import Folder
from watchword.watch.sources.spool import Position, Spool
from watchword.watch.sources.tail import Tail

from .conftest import NOON, Okta


def lines_in(folder: Path) -> list[bytes]:
    """Every line of a spool."""
    spool, at, lines = Spool(folder), Position(), []
    while (part := spool.read(at)) is not None:
        lines += part.read().splitlines()
        at = part.until
    return lines


def tail(log: Path, spool: Spool) -> None:
    """Read what a log gained, as a process of its own does."""
    source = Tail(log)
    source.pull(spool, NOON)
    source.close()


def _zstd(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, _zstd], ids=["plain", "gzip", "zstd"])
def test_packed_files_give_their_lines(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """By the first bytes and not by the name, with and without a last end of line, however it is packed."""
    file = tmp_path / "log.txt"
    file.write_bytes(pack(b'{"a": 1}\r\n\n{"b": "\xc3\xa4"}'))
    assert list(lines_of(file, OKTA)) == [b'{"a": 1}', b"", '{"b": "ä"}'.encode()]


@pytest.mark.parametrize("pack", [gzip.compress, _zstd], ids=["gzip", "zstd"])
def test_a_packed_file_that_breaks_off_says_so(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """What it holds is read, and a last line that no provider takes for an event says that it broke off."""
    file = tmp_path / "log"
    whole = pack(b"".join(b'{"n": %d, "r": "%s"}\n' % (n, os.urandom(40).hex().encode()) for n in range(4000)))
    file.write_bytes(whole[: len(whole) // 2])
    lines = list(lines_of(file, OKTA))
    assert b"breaks off" in lines[-1]
    assert all(json.loads(line)["n"] == n for n, line in enumerate(lines[:-2]))


def test_parquet_gives_nested_columns_as_json(tmp_path: Path, okta: Okta) -> None:
    """A row is one event, structs and lists as they are; what a row has nothing in is not there."""
    debug = {"debugData": {"changedAttributes": "mail"}}
    events = [okta(debugContext=debug), {**okta(debugContext=debug), "target": None}]
    pq.write_table(pa.Table.from_pylist(events), tmp_path / "log.parquet")
    first, second = (json.loads(line) for line in lines_of(tmp_path / "log.parquet", OKTA))
    assert first["target"][0]["id"] == "00uana"
    assert first["eventType"] == second["eventType"] == "user.account.reset_password"
    assert "target" not in second
    (tmp_path / "bad").write_bytes(b"PAR1\x15 and no more")
    with pytest.raises(Invalid, match="no whole Parquet"):
        list(lines_of(tmp_path / "bad", OKTA))


def test_a_folder_is_read_file_by_file_once(tmp_path: Path) -> None:
    """New files as they settle, in the order of their names; one renamed is not read again, one written anew is."""
    folder, spool = tmp_path / "in", Spool(tmp_path / "spool")
    folder.mkdir()
    (folder / "b.jsonl").write_text("b1\nb2\n")
    (folder / "a.jsonl").write_text("a1\n")
    (folder / "c.txt").write_text("c1\n")
    now = datetime.now(UTC)
    source = Folder(folder, OKTA, "*.jsonl")
    source.pull(spool, now)
    assert lines_in(spool.folder) == []  # still being written, for all we know
    source.pull(spool, now + timedelta(seconds=5))
    assert lines_in(spool.folder) == [b"a1", b"b1", b"b2"]
    (folder / "b.jsonl").rename(folder / "d.jsonl")
    Folder(folder, OKTA, "*.jsonl").pull(spool, now + timedelta(seconds=6))
    assert len(lines_in(spool.folder)) == 3
    (folder / "a.jsonl").write_text("a1\na2\n")
    source.pull(spool, now + timedelta(seconds=20))
    assert lines_in(spool.folder)[3:] == [b"a1", b"a2"]


def test_a_folder_goes_on_within_a_file(tmp_path: Path) -> None:
    """After a kill in the middle of a file the rest of it is read, and no line twice."""
    folder, spool = tmp_path / "in", Spool(tmp_path / "spool")
    folder.mkdir()
    (folder / "big").write_bytes(b"".join(b"line %d\n" % n for n in range(25_000)))

    class Killed(Spool):
        left = 2

        def append(self, *args: object, **options: object) -> bool:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            return super().append(*args, **options)  # type: ignore[arg-type]

    later = datetime.now(UTC) + timedelta(seconds=5)
    with pytest.raises(KeyboardInterrupt):
        Folder(folder, OKTA).pull(Killed(spool.folder), later)
    assert len(lines_in(spool.folder)) == 20_000
    Folder(folder, OKTA).pull(spool, later)
    assert lines_in(spool.folder) == [b"line %d" % n for n in range(25_000)]


def test_a_file_that_can_not_be_read_is_told_once(tmp_path: Path) -> None:
    """The others are read all the same, and a folder that is not there can be tried again."""
    folder, spool = tmp_path / "in", Spool(tmp_path / "spool")
    source = Folder(folder, OKTA)
    with pytest.raises(Unavailable, match="no folder"):
        source.pull(spool, NOON)
    folder.mkdir()
    (folder / "a").write_bytes(b"PAR1\x15 and no more")
    (folder / "b").write_text("b1\n")
    later = datetime.now(UTC) + timedelta(seconds=5)
    (told,) = source.pull(spool, later)
    assert (told.reasons, told.about) == (("file_unread",), str(folder / "a"))
    assert source.pull(spool, later) == ()
    assert lines_in(spool.folder) == [b"b1"]


def test_a_file_whose_name_is_no_text_is_read(tmp_path: Path) -> None:
    """A name in another encoding stops nothing: its lines are read once, and one that is none is told by its name."""
    folder, spool = tmp_path / "in", Spool(tmp_path / "spool")
    folder.mkdir()
    for name, body in ((b"a\xe9.jsonl", b'{"a":1}\n'), (b"b\xe9.jsonl", b"PAR1\x15 and no more")):
        file = os.path.join(os.fsencode(folder), name)  # noqa: PTH118  (a path of bytes)
        with open(file, "wb") as out:  # noqa: PTH123
            out.write(body)
        os.utime(file, (1e9, 1e9))
    (told,) = Folder(folder, OKTA).pull(spool, datetime.now(UTC))

    assert spool.end.line == 1
    assert msgspec.json.encode(told).count(b"b\\\\xe9.jsonl") >= 2
    assert Folder(folder, OKTA).pull(Spool(tmp_path / "spool"), datetime.now(UTC)) != ()
    assert spool.end.line == 1


def test_a_tail_goes_on_after_a_restart(tmp_path: Path) -> None:
    """In the middle of a file, and in one that was renamed meanwhile, to its end, before its successor."""
    log, spool = tmp_path / "audit.json", Spool(tmp_path / "spool")
    log.write_text("1\n2\nhal")
    tail(log, spool)
    assert lines_in(spool.folder) == [b"1", b"2"]
    with log.open("a") as out:
        out.write("f\n4\n")
    log.rename(tmp_path / "audit.json.1")
    log.write_text("5\n")
    tail(log, spool)
    assert lines_in(spool.folder) == [b"1", b"2", b"half", b"4", b"5"]
    again = Tail(log)
    for _ in range(2):  # closed and used again, as after a full disk
        again.pull(spool, NOON)
        again.close()
    assert len(lines_in(spool.folder)) == 5


def rotate(log: Path, kept: int, text: str) -> None:
    """Rename *log* away, and those that were before it; its successor has *text*."""
    for number in range(kept, 0, -1):
        if (before := log.with_name(f"{log.name}.{number}")).exists():
            before.rename(log.with_name(f"{log.name}.{number + 1}"))
    log.rename(log.with_name(f"{log.name}.1"))
    log.write_text(text)


@pytest.mark.parametrize("runs", [True, False])
def test_a_log_that_was_rotated_several_times_meanwhile_loses_nothing(tmp_path: Path, runs: bool) -> None:
    """What was begun and renamed away while nobody looked is read too, in its order; another log beside it is not."""
    log, spool = tmp_path / "audit.json", Spool(tmp_path / "spool")
    log.write_text("1\n")
    source = Tail(log)
    source.pull(spool, NOON)
    (tmp_path / "audit.json.9").write_text("")
    for number in (2, 3, 4):
        with log.open("a") as out:
            out.write(f"{number - 1}.5\n")
        rotate(log, 4, f"{number}\n")
    (tmp_path / "audit2.json").write_text("another log\n")
    (tmp_path / "audit.json.1.gz").write_text("packed\n")
    if not runs:
        source.close()
        source = Tail(log)
    assert source.pull(spool, NOON) == ()
    source.close()
    assert lines_in(spool.folder) == [b"1", b"1.5", b"2", b"2.5", b"3", b"3.5", b"4"]


def test_a_log_that_is_nowhere_any_more_is_told(tmp_path: Path) -> None:
    """What was being read was packed meanwhile: that is told, and what was begun since is read."""
    log, spool = tmp_path / "audit.json", Spool(tmp_path / "spool")
    log.write_text("1\n")
    tail(log, spool)
    (tmp_path / "audit.json.2.gz").write_text("packed\n")
    log.write_text("2\n")
    rotate(log, 2, "3\n")
    (tmp_path / "audit.json.1").rename(tmp_path / "x")
    (tmp_path / "audit.json.1").write_text("2\n")
    (tmp_path / "x").unlink()
    source = Tail(log)
    told = source.pull(spool, NOON)
    source.close()
    assert [one.reasons for one in told] == [("log_passed",)]
    assert lines_in(spool.folder) == [b"1", b"2", b"3"]


def test_what_became_of_a_log_is_told_after_a_full_disk(tmp_path: Path) -> None:
    """A look that finds the log cut, and can not keep its lines, leaves it to the next one to tell both."""
    log, spool = tmp_path / "audit.json", Spool(tmp_path / "spool")
    log.write_text("1\n2\n")
    source = Tail(log)
    source.pull(spool, NOON)
    log.write_text("3\n")
    (tmp_path / "spool").rename(tmp_path / "aside")
    (tmp_path / "spool").write_text("in the way")
    with pytest.raises(Unavailable):
        source.pull(spool, NOON)
    (tmp_path / "spool").unlink()
    (tmp_path / "aside").rename(tmp_path / "spool")
    assert [one.reasons for one in source.pull(spool, NOON)] == [("log_truncated",)]
    source.close()
    assert lines_in(spool.folder) == [b"1", b"2", b"3"]


def test_a_file_that_a_full_disk_could_not_take_is_read_again(tmp_path: Path) -> None:
    """It is no fault of the file's: what one look found out and could not keep is told and read by the next."""
    folder, spool = tmp_path / "drop", Spool(tmp_path / "spool")
    folder.mkdir()
    (folder / "a.parquet").write_bytes(b"PAR1\x15 and no more")
    (folder / "b.jsonl").write_text('{"uuid": "1"}\n')
    source = Folder(folder, OKTA)
    in_the_way = tmp_path / "spool" / "00000000.jsonl"
    in_the_way.mkdir(parents=True)
    at = datetime.now(UTC) + timedelta(minutes=1)
    with pytest.raises(Unavailable, match="can not be kept"):
        source.pull(spool, at)
    in_the_way.rmdir()
    assert [one.reasons for one in source.pull(spool, at)] == [("file_unread",)]
    assert lines_in(spool.folder) == [b'{"uuid": "1"}']
    assert source.pull(spool, at) == ()


def test_a_log_whose_number_changed_is_known_by_what_it_says(tmp_path: Path) -> None:
    """A file system may give other numbers after a restart: the log goes on where it was, and nothing is told."""
    log, spool = tmp_path / "audit.json", Spool(tmp_path / "spool")
    log.write_text("1\n2\n")
    tail(log, spool)
    (tmp_path / "other").write_text("1\n2\n3\n")
    (tmp_path / "other").replace(log)
    source = Tail(log)
    assert source.pull(spool, NOON) == ()
    source.close()
    assert lines_in(spool.folder) == [b"1", b"2", b"3"]


@pytest.mark.parametrize("restarts", [True, False])
def test_a_log_that_was_cut_and_grew_again_loses_nothing(tmp_path: Path, restarts: bool) -> None:
    """A log that is copied away and emptied, and has more in it by the next look than was read, is begun again."""
    log, spool = tmp_path / "audit.json", Spool(tmp_path / "spool")
    log.write_text("1\n2\n")
    source = Tail(log)
    source.pull(spool, NOON)
    if restarts:
        source.close()
        source = Tail(log)
    log.write_text("3\n4\n5\n")
    told = source.pull(spool, NOON)
    source.close()
    assert [one.reasons for one in told] == [("log_truncated",)]
    assert lines_in(spool.folder) == [b"1", b"2", b"3", b"4", b"5"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_log_in_utf_16_grows_as_any_other(tmp_path: Path, encoding: str, mark: str) -> None:
    """Its lines are spooled as UTF-8, also those with a byte of a line's end in a character, and half a one waits."""
    log, spool = tmp_path / "log", Spool(tmp_path / "spool")
    text = mark if encoding != "utf-16" else ""
    with log.open("wb") as out:
        out.write(f'{text}{{"a": "{"ascii" * 900}"}}\r\n{{"b": "\u0a0a\u000a"}}\n{{"c": '.encode(encoding))
    tail(log, spool)
    first, *rest = (line.strip() for line in lines_in(spool.folder))
    assert json.loads(first)["a"].startswith("ascii")
    assert rest == ['{"b": "\u0a0a'.encode(), b'"}']
    with log.open("ab") as out:
        out.write('"ä"}\n'.encode("utf-16-le" if encoding == "utf-16" else encoding)[:-1])
    tail(log, spool)
    assert len(lines_in(spool.folder)) == 3
    with log.open("ab") as out:
        out.write(b"\0" if encoding != "utf-16-be" else b"\n")
    tail(log, spool)
    assert lines_in(spool.folder)[3:] == ['{"c": "ä"}'.encode()]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_half_a_character_of_utf_16_waits_for_its_other_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """Where it is the log's first byte, and within a line that is too long: what comes after it is not lost."""
    monkeypatch.setattr("watchword.watch.sources.tail._READ", 1000)
    log, spool = tmp_path / "log", Spool(tmp_path / "spool")
    source = Tail(log)
    text = ("\n" + "{}\n" + "x" * 900 + "yz\n" + '{"a": 1}\n').encode(encoding)
    for begin, end in ((0, 1), (1, 9), (9, 8 + 2 * 901 - 1), (8 + 2 * 901 - 1, None)):
        with log.open("ab") as out:
            out.write(text[begin:end])
        source.pull(spool, NOON)
    source.close()
    blank, first, long, last = lines_in(spool.folder)
    assert (blank, first, long[:2], last) == (b"", b"{}", b"xx", b'{"a": 1}')


_RENDERED = """11/01/2026 10:00:0{n} AM
LogName=Security
EventCode=4724
ComputerName=dc1.corp.example.test
RecordNumber={n}
Keywords=Audit Success
Message=An attempt was made to reset an account's password.

Subject:
	Security ID:		CORP\\olga
	Account Name:		olga

Target Account:
	Security ID:		CORP\\ines
	Account Name:		ines
"""


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_what_windows_rendered_is_kept_together(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """In a folder an event of many lines is one line, which reads as the file itself does."""
    file, spooled = tmp_path / "rendered", tmp_path / "spooled"
    file.write_bytes(pack("".join(_RENDERED.format(n=n) for n in (1, 2)).encode()))
    spooled.write_bytes(b"".join(line + b"\n" for line in lines_of(file, WINDOWS)))
    of_file, of_lines = (Engine().classify("windows", (each,)) for each in (file, spooled))
    assert (of_lines.lines, of_lines.rejected_lines) == (2, 0)
    assert [(row.action, row.target, row.at) for row in of_lines.verdicts] == [
        (row.action, row.target, row.at) for row in of_file.verdicts
    ]
    assert {row.target for row in of_lines.verdicts} == {"CORP\\ines"}


def test_what_is_packed_is_read_by_what_it_is(tmp_path: Path) -> None:
    """A table, or XML over many lines, gives its records and not its lines, packed or not."""
    file = tmp_path / "log.gz"
    file.write_bytes(gzip.compress(b"<Events>\n<Event>\n<System/></Event>\n</Events>\n"))
    assert list(lines_of(file, WINDOWS)) == [b"<Event> <System/></Event>"]


def test_a_line_without_end_is_kept_by_its_beginning(tmp_path: Path) -> None:
    """A line of 50 MB is one short line in the spool, the lines around it are whole, and the memory stays small."""
    log, spool = tmp_path / "log", Spool(tmp_path / "spool")
    with log.open("wb") as out:
        out.write(b"first\n")
        for _ in range(50):
            out.write(b"x" * 1_000_000)
        out.write(b"\nlast\n")
    tail(log, spool)
    first, long, last = lines_in(spool.folder)
    assert (first, last) == (b"first", b"last")
    assert long[:3] == b"xxx"
    assert len(long) == 2000


@pytest.mark.parametrize("shape", ["gzip", "zstd", "parquet"])
def test_classify_reads_what_a_source_reads(tmp_path: Path, okta: Okta, shape: str) -> None:
    """A packed log, or one in Parquet, is judged like the same in plain lines."""
    events = [okta(debugContext={"debugData": {"changedAttributes": None}}), {"eventType": "user.session.start"}]
    log = tmp_path / "log"
    if shape == "parquet":
        pq.write_table(pa.Table.from_pylist(events), log)
    else:
        pack = gzip.compress if shape == "gzip" else _zstd
        log.write_bytes(pack(b"".join(json.dumps(event).encode() + b"\n" for event in events)))
    report = Engine().classify("okta", (log,))
    assert (report.lines, [row.target for row in report.verdicts], report.rejected) == (2, ["00uana"], ())
