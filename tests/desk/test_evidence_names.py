"""The names of an account in the evidence table: those of when its case was, and those it has now."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from tests.desk.office import Office


def names(office: Office) -> list[str]:
    """What a row of the table calls the account."""
    office.app.follow()
    (row, *_) = pq.read_table(office.app.evidence.path).to_pylist()
    return list(row["target_keys"])


@pytest.mark.parametrize("change", ["UPDATE account SET login = 'mara.berg'", "DELETE FROM account"])
def test_an_account_keeps_the_names_that_logs_of_its_case_have(office: Office, change: str) -> None:
    """Renamed or deleted since, it is known by its former names too, also after a start; a lost table has them not."""
    office.released()
    office.run()
    before = names(office)
    assert "mara.lind" in before
    office.tamper_directory(f"{change} WHERE login = 'mara.lind'")
    office.restart()
    after = names(office)
    assert set(before) <= set(after)
    assert ("mara.berg" in after) is change.startswith("UPDATE")
    office.app.evidence.path.write_bytes(b"no table")
    office.restart()
    assert "mara.lind" not in names(office)


def test_what_comes_of_a_case_later_takes_no_name_away(office: Office) -> None:
    """A step of a case after its account was renamed writes its rows anew, with both names."""
    case = office.released()
    office.run()
    before = names(office)
    office.tamper_directory("UPDATE account SET login = 'mara.berg' WHERE login = 'mara.lind'")
    office.keys.passkeys["mara.berg"] = office.keys.passkeys["mara.lind"]
    office.pass_by(minutes=1)
    office.take(case)
    assert {*before, "mara.berg"} <= set(names(office))
