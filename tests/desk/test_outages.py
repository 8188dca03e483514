"""A directory that does not answer before, during or after a change: nothing is lost, and nothing is repeated."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from tests.desk.office import Office
from watchword.core.change import ResetPassword
from watchword.core.errors import Unavailable
from watchword.core.ids import AccountId
from watchword.directories.sandbox import SignIn

RESET = ResetPassword(account=AccountId(""))


def test_before(office: Office) -> None:
    """A change that could not begin is put off, and done once the directory is back."""
    case = office.released()
    office.directory.outage = "before"
    office.run()
    assert office.state(case) == "released"
    office.pass_by(seconds=4)
    assert office.state(case) == "released"
    office.directory.outage = None
    office.pass_by(seconds=10)
    assert (office.state(case), office.version("mara.lind")) == ("checked", 1)
    assert office.types(case).count("change.started") == 2


def test_before_for_longer_than_the_grant(office: Office) -> None:
    """An outage that outlasts the grant leaves the approval to be released again."""
    case = office.released()
    office.directory.outage = "before"
    for _ in range(4):
        office.pass_by(minutes=5)
    office.directory.outage = None
    office.pass_by(minutes=5)
    assert (office.state(case), office.version("mara.lind")) == ("released", 0)
    office.release(case)
    office.run()
    assert (office.state(case), office.version("mara.lind")) == ("checked", 1)


@pytest.mark.parametrize("outage", ["during", "after"])
def test_silence_is_read_back(office: Office, outage: str) -> None:
    """An answer that was lost is unknown, not failed: the directory is asked, and the change stands as done once."""
    case = office.released()
    office.directory.outage = outage  # type: ignore[assignment]  # one of two of its words
    office.run()
    assert office.types(case)[-2:] == ["change.started", "change.ended"]
    assert (office.state(case), office.app.ledger.read(f"case/{case}")[-1].entry.data["outcome"]) == (
        "executing",
        "unknown",
    )
    office.pass_by(seconds=5)
    if outage == "after":
        assert office.state(case) == "executing"
        office.directory.outage = None
        office.pass_by(seconds=60)
    assert office.state(case) == "checked"
    office.directory.outage = None
    assert office.version("mara.lind") == 1
    assert office.directory.sign_in("mara.lind", office.take(case)) is SignIn.MUST_CHANGE


def test_not_done_is_tried_again(office: Office) -> None:
    """A change that was begun and, by the directory's own word, not done is begun once more and done once."""
    case = office.released()
    office.crash_before_apply(case)
    office.pass_by(seconds=61)
    assert office.types(case)[-2:] == ["change.started", "change.ended"]
    office.pass_by(seconds=15)
    assert (office.state(case), office.version("mara.lind")) == ("checked", 1)
    assert office.directory.sign_in("mara.lind", office.take(case)) is SignIn.MUST_CHANGE


def test_not_done_when_the_grant_is_over(office: Office) -> None:
    """A change that was not done and whose grant ran out meanwhile is not begun again; the case says so and ends."""
    case = office.released()
    office.crash_before_apply(case)
    office.pass_by(minutes=15)
    office.pass_by(seconds=15)
    assert (office.state(case), office.version("mara.lind")) == ("failed", 0)
    assert office.types(case)[-1] == "execution.refused"


def test_somebody_else_changed_it_too(office: Office) -> None:
    """While neither answer would be honest the case waits, and nothing is done to the account."""
    case = office.released()
    office.directory.outage = "during"
    office.run()
    office.directory.by_hand("it.admin", office.native("mara.lind"), RESET, secret="set by somebody else")
    for _ in range(3):
        office.pass_by(minutes=5)
    assert (office.state(case), office.version("mara.lind")) == ("executing", 2)


def test_desk_without_its_directory(office: Office) -> None:
    """A request for an account that can not be read is told so, with what to do."""
    office.directory.outage = "before"
    with pytest.raises(Unavailable, match="does not answer"):
        office.open()
    office.directory.outage = None
    office.open()


def test_evidence_of_an_outage_is_not_lost(office: Office) -> None:
    """What could not be named while the directory was away stands in the evidence table once it is back."""
    case = office.released()
    office.directory.outage = "before"
    office.run()
    office.directory.outage = None
    office.app.follow()
    assert pq.read_table(office.app.evidence.path).column("case").to_pylist() == [case, case]


def test_clock_that_goes_backwards(office: Office) -> None:
    """A clock that was set back appends nothing; once it is right again everything goes on."""
    case = office.open()
    office.wait(hours=-1)
    with pytest.raises(Unavailable, match="clock"):
        office.open("noah.berg")
    office.wait(hours=1)
    office.prove(case, "passkey")
    office.ask(case)
