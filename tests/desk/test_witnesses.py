"""A policy that wants its evidence cosigned, on a desk that no witness is configured for. With some: tests/foreign."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk.office import MONDAY, Office, refused
from tests.desk.test_executor import forge
from watchword.api.reading import whole
from watchword.core.errors import Conflict, Unavailable
from watchword.desk.asks import Kind
from watchword.desk.recording import draft
from watchword.ledger.append import Append
from watchword.ledger.checkpoint import Checkpoint, sign
from watchword.ledger.restoration import LEDGER_STREAM, Restoration
from watchword.web.case_page import case_page


@pytest.fixture
def asking(founded: Office, tmp_path: Path) -> Iterator[Office]:
    """An office whose policy wants every cell cosigned, and that has no witness."""
    office = founded.copy(tmp_path / "asking")
    office.demand_witnesses()
    yield office
    if not office.tampered:
        office.fsck()
    office.close()


def test_nothing_is_done_without_witnesses(asking: Office) -> None:
    """The effect is put off and not refused; the way on is said; other effects are done meanwhile."""
    case = asking.released()
    asking.run()
    asking.pass_by(minutes=5)
    assert (asking.state(case), asking.version("mara.lind")) == ("released", 0)
    assert asking.app.waits_for_witnesses(asking.case(case))
    reader = asking["ada.agent"]
    loaded = asking.app.desk.steps.load(case)
    assert whole(asking.app, loaded, reader, asking.at).waits_for_witnesses
    assert "enough witnesses, who cosign the release" in str(case_page(asking.app, loaded, reader, "", asking.at))
    clearing = asking.app.runner.clearing
    with pytest.raises(Unavailable, match="no witness is configured") as told:
        clearing.judge(clearing.steps.load(case), asking.at)
    assert "watchword.toml" in told.value.remedy
    assert asking.app.outbox is not None
    before = len(asking.app.outbox.sent())
    other = asking.open("noah.berg")
    asking.prove(other, "mail_code")
    assert len(asking.app.outbox.sent()) > before


def test_taking_away_waits_for_nobody(asking: Office) -> None:
    """A containment is done at once, whatever policy wants of what gives access."""
    case = asking.released()
    asking.app.desk.decisions.contain(asking["sam.security"], case, "a fraud", asking.at)
    asking.run()
    assert not asking.directory.read(asking.native("mara.lind")).enabled
    assert not asking.app.waits_for_witnesses(asking.case(case))


def test_a_row_does_not_hurry_it(asking: Office) -> None:
    """A forged effect row meets the same demand."""
    case = asking.released()
    forge(asking, case, Kind.CHANGE)
    asking.run()
    assert (asking.state(case), asking.version("mara.lind")) == ("released", 0)


def test_a_grant_ends_while_it_waits(asking: Office) -> None:
    """Witnesses that stay away do not make a grant longer: it ends, and the same approval can be released again."""
    case = asking.released()
    asking.run()
    asking.pass_by(minutes=15)
    asking.run()
    assert (asking.state(case), asking.version("mara.lind")) == ("released", 0)
    assert not [e for e in asking.app.ledger.effects() if e.kind == Kind.CHANGE and e.state == "due"]
    asking.release(case)
    asking.run()
    assert [e.state.value for e in asking.app.ledger.effects() if e.kind == Kind.CHANGE].count("due") == 1
    assert refused(lambda: asking.release(case))


def test_what_does_not_ask_is_done(office: Office) -> None:
    """The shipped policy asks for no witness, and works without any."""
    case = office.released()
    assert not office.app.waits_for_witnesses(office.case(case))
    office.run()
    assert office.state(case) == "checked"


def test_a_ceremony_that_was_cut_short_is_ended(office: Office) -> None:
    """Its entry was written and no case ended yet: held again it ends those, and none that was opened after it."""
    before = office.open()
    told = Checkpoint(origin=office.app.ledger.origin, size=10**6, root=bytes(range(32)))
    custodians = (office["cleo.custodian"], office["cato.custodian"])
    entry = Restoration(size=told.size, root=told.root.hex(), since=MONDAY, until=office.at, custodians=custodians)
    drafts = (draft(entry, custodians[0], office.at),)
    office.app.ledger.append((Append(stream=LEDGER_STREAM, expected_version=-1, drafts=drafts),))
    office.wait(minutes=1)
    after = office.open("noah.berg")
    key = office.app.signing_key
    with pytest.raises(Conflict, match="given up already"):
        office.app.ceremony.restore(custodians, sign(told, key), key.verifier, "a lost disk", office.at)
    assert (office.state(before), office.state(after)) == ("withdrawn", "verifying")
