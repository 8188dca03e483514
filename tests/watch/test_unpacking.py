"""Compressed files: what is there is read to the last byte, what is cut off is told, and no bomb is unpacked."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watchword.core.errors import Invalid
from watchword.watch.engine import Engine
from watchword.watch.providers import OKTA, Feed
from watchword.watch.sigma import read_rules
from watchword.watch.sources.files import lines_of
from watchword.watch.sources.folder import Folder
from watchword.watch.sources.spool import Spool
from watchword.watch.unpacking import BOUNDED, Unpacked, Unpacking, demand_bounded
from watchword.watch.verdicts import Report

from .conftest import NOON, Okta

TIGHT = Unpacking(most=1 << 20, ratio=50)


def _packed(kind: str, data: bytes) -> bytes:
    return gzip.compress(data) if kind == "gzip" else pa.Codec("zstd").compress(data, asbytes=True)


def _log(okta: Okta, count: int) -> bytes:
    events = (okta(target=f"t{n}", debugContext={"debugData": {"dtHash": os.urandom(60).hex()}}) for n in range(count))
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def _judge(*files: Path, unpacking: Unpacking = BOUNDED) -> Report:
    return Engine().judge((Feed(provider=OKTA, files=files, unpacking=unpacking),))


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
@pytest.mark.parametrize("kept", [0.999, 0.5, 0.1])
def test_what_is_there_is_unpacked_to_the_last_byte(okta: Okta, kind: str, kept: float) -> None:
    """A file that breaks off gives all that unpacks of it, and says that it broke off; a whole one says nothing."""
    data = _log(okta, 2000)
    packed = _packed(kind, data)
    whole = Unpacked(io.BytesIO(packed), kind)
    assert io.BufferedReader(whole).read() == data
    assert whole.fault is None
    cut = Unpacked(io.BytesIO(packed[: int(len(packed) * kept)]), kind)
    read = io.BufferedReader(cut).read()
    assert data.startswith(read)
    assert cut.fault
    # What a decoder gives byte by byte is all that there is.
    assert len(data) * kept - len(read) < 300_000


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_cut_file_is_read_as_far_as_it_goes_and_told(okta: Okta, tmp_path: Path, kind: str) -> None:
    """Its events are judged, one row says that it breaks off, and a file beside it is read whole."""
    packed = _packed(kind, _log(okta, 2000))
    cut, good = tmp_path / "cut", tmp_path / "good"
    cut.write_bytes(packed[: len(packed) * 3 // 4])
    good.write_bytes(_packed(kind, json.dumps(okta(target="00ugood")).encode() + b"\n"))
    report = _judge(cut, good)
    assert 500 < len(report.verdicts) < 2000
    assert "00ugood" in {row.target for row in report.verdicts}
    assert [share.file for share in report.broken_files] == [str(cut)]
    assert [one.file for one in report.rejected if one.reason.startswith("the compressed file breaks off")] == [
        str(cut)
    ]


def test_what_comes_in_parts_is_one_file(okta: Okta, tmp_path: Path) -> None:
    """Compressed files that were put one after the other are read to the end of the last."""
    for kind in ("gzip", "zstd"):
        log = tmp_path / kind
        log.write_bytes(_packed(kind, _log(okta, 3)) + _packed(kind, _log(okta, 2)))
        report = _judge(log)
        assert (report.lines, report.broken_files) == (5, ())


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_no_bomb_is_unpacked(okta: Okta, tmp_path: Path, kind: str) -> None:
    """A small file that unpacks to much more than a log does is told, nothing of it is kept; the others are read."""
    bomb, good = tmp_path / "bomb", tmp_path / "good"
    bomb.write_bytes(_packed(kind, json.dumps(okta()).encode() + b"\n" + b"{}\n" * (3 << 20)))
    good.write_bytes(_packed(kind, _log(okta, 1)))
    report = _judge(bomb, good, unpacking=TIGHT)
    assert [row.target for row in report.verdicts] == ["t0"]
    (told,) = report.rejected
    assert (told.file, told.line) == (str(bomb), 0)
    assert "unpacks to more than 1,048,576, and is not read" in told.reason
    with pytest.raises(Invalid, match="unpacks to more than") as error:
        next(lines_of(bomb, OKTA, TIGHT))
    assert "watch.unpack_ratio" in error.value.remedy
    demand_bounded(bomb, BOUNDED)  # below the size that is let pass whatever the ratio


def test_a_log_that_packs_well_is_no_bomb(okta: Okta, tmp_path: Path) -> None:
    """Size alone says nothing: a file may unpack to its ratio, however large that is."""
    log = tmp_path / "log"
    log.write_bytes(gzip.compress(_log(okta, 3000)))
    assert log.stat().st_size * 50 > len(gzip.decompress(log.read_bytes())) > 1 << 20
    demand_bounded(log, TIGHT)


def test_a_parquet_file_is_bounded_too(tmp_path: Path) -> None:
    """A column of one value takes no room, and its rows do: reading ends at the bound, and says so."""
    log = tmp_path / "log.parquet"
    pq.write_table(pa.table({"eventType": pa.array(["user.session.start" * 50]).take(pa.array([0] * 3000))}), log)
    report = _judge(log, unpacking=TIGHT)
    assert "unpacks to more than it may" in report.rejected[-1].reason
    assert report.broken_files


def test_a_file_that_is_no_parquet_loses_only_itself(okta: Okta, tmp_path: Path) -> None:
    """It is told by name, and the file beside it is judged."""
    bad, good = tmp_path / "bad", tmp_path / "good"
    bad.write_bytes(b"PAR1\x15" + b"\x00" * 100)
    good.write_bytes(_log(okta, 1))
    report = _judge(bad, good)
    assert [row.target for row in report.verdicts] == ["t0"]
    assert [(one.file, "no whole Parquet file" in one.reason) for one in report.rejected] == [(str(bad), True)]


def test_a_followed_folder_tells_of_a_bomb_and_goes_on(okta: Okta, tmp_path: Path) -> None:
    """The file is told once; what is beside it comes in."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.gz").write_bytes(gzip.compress(b"{}\n" * (3 << 20)))
    (folder / "b.gz").write_bytes(gzip.compress(_log(okta, 2)))
    for file in folder.iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))
    source, spool = Folder(folder, OKTA, unpacking=TIGHT), Spool(tmp_path / "spool")
    (told,) = source.pull(spool, NOON)
    assert told.reasons == ("file_unread",)
    assert "unpacks to more than" in str(told.detail)
    assert spool.end.line == 2
    assert source.pull(spool, NOON) == ()


def test_sigma_rules_read_a_cut_file_as_far_as_it_goes(okta: Okta, tmp_path: Path) -> None:
    """A rule finds what there is in a compressed file that breaks off, and in one of either kind."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "reset.yml").write_text(
        "title: Reset\nid: 6d1f9b54-0000-4000-8000-000000000001\nlogsource: {product: okta, service: okta}\n"
        "detection: {selection: {eventType: user.account.reset_password}, condition: selection}\n"
    )
    rules = read_rules(tmp_path / "rules").rules
    for kind in ("gzip", "zstd"):
        log = tmp_path / kind
        packed = _packed(kind, _log(okta, 2000))
        log.write_bytes(packed[: len(packed) // 2])
        report = Engine().judge((Feed(provider=OKTA, files=(log,)),), sigma=rules)
        assert len(report.hits) == len(report.verdicts) > 100
