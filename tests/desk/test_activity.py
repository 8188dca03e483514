"""The activity table: who did which step when, in pseudonyms, and the same again after a restart."""

from __future__ import annotations

from pathlib import Path

import duckdb
import msgspec
import pyarrow.parquet as pq
import pytest

from tests.desk.office import Office
from watchword.core.activity import ACTIVITY, ActivityRow, Did
from watchword.core.errors import Refused
from watchword.desk import activity
from watchword.desk.activity import ARROW_SCHEMA, ActivityTable
from watchword.desk.browsers import Visitor


def rows(office: Office) -> list[ActivityRow]:
    """The table as it is on disk."""
    office.app.follow()
    files = sorted(office.app.activity.folder.glob("*.parquet"))
    found = [row for file in files for row in pq.read_table(file).to_pylist()]
    return [msgspec.convert(row, ActivityRow) for row in found]


def test_the_schema_is_the_row() -> None:
    """The columns of the table, the fields of a row and Arrow's schema are the same names in the same order."""
    names = [name for name, _ in ACTIVITY]

    assert names == list(ActivityRow.__struct_fields__) == ARROW_SCHEMA.names


def test_a_recovery_is_told_step_by_step(office: Office) -> None:
    """Looked up, opened, proven, asked and released: each by whom, of which seat, for which account and unit."""
    case = office.released("mara.lind")
    mine = [row for row in rows(office) if row.case == case]

    assert [row.did for row in mine if row.did is not Did.CAME_FROM][:2] == [Did.OPENED, Did.PROVED]
    assert {Did.ASKED, Did.RELEASED} <= {row.did for row in mine}
    opened = mine[0]
    assert opened.seat == "employee"
    assert {row.account for row in mine} == {office.case(case).account}
    assert {row.account_class for row in mine} == {office.case(case).account_class}
    released = next(row for row in mine if row.did is Did.RELEASED)
    assert released.person == office["rae.release"]


def test_failures_name_agent_and_account(office: Office) -> None:
    """Each exhausted challenge is a row, with the agent who asked and the method."""
    case = office.open("mara.lind")
    office.fail(case)

    failed = [row for row in rows(office) if row.did is Did.FAILED]
    assert [(row.person, row.detail, row.account) for row in failed] == [
        (office["ben.agent"], "totp", office.case(case).account)
    ]


def test_whose_browser_the_page_was_refused_in_is_a_row(office: Office) -> None:
    """Once for each person of the desk: the signal that says so reads nothing else."""
    case = office.open("mara.lind")
    visitor = Visitor(signed_in=office["ada.agent"], mark=None)
    for _ in range(2):
        with pytest.raises(Refused):
            office.app.desk.their_page.demand(office.app.desk.steps.load(case), visitor, office.at)

    turned = [row for row in rows(office) if row.did is Did.TURNED_AWAY]
    assert [(row.person, row.account) for row in turned] == [(office["ada.agent"], office.case(case).account)]


def test_nothing_personal_is_written(office: Office) -> None:
    """No login, name or native id is in the table: pseudonyms and codes alone."""
    office.released("mara.lind")
    text = " ".join(str(row) for row in rows(office))

    for word in ("mara", "lind", "rae", "ada.agent", "example.test", office.native("mara.lind")):
        assert word not in text


def test_a_restart_makes_the_same_rows(office: Office, tmp_path: Path) -> None:
    """Another process that reads the ledger from its beginning writes the same table."""
    office.released("mara.lind")
    before = rows(office)
    again = ActivityTable(tmp_path / "again")
    again.follow(office.app.ledger)

    assert pq.read_table(tmp_path / "again" / "activity-000000.parquet").num_rows == len(before)
    assert again.position == office.app.activity.position


def test_segments_are_whole(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full segment is never written again, and DuckDB reads them all as one table."""
    monkeypatch.setattr(activity, "SEGMENT", 3)
    office.released("mara.lind")
    table = ActivityTable(tmp_path / "small")
    table.follow(office.app.ledger)
    written = {file: file.stat().st_mtime_ns for file in sorted((tmp_path / "small").glob("*.parquet"))}
    table.follow(office.app.ledger)

    with duckdb.connect() as con:
        count = con.execute(f"SELECT count(*) FROM '{tmp_path}/small/*.parquet'").fetchone()
    assert count == (len(rows(office)),)
    assert len(written) > 2
    assert {file: file.stat().st_mtime_ns for file in written} == written
