"""A desk whose policy wants its evidence cosigned, with three real witnesses that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.desk.office import Office
from tests.foreign.lite_witness import LiteWitness
from watchword.cli.doctor import examine
from watchword.desk.asks import Kind

Witnessed = tuple[Office, tuple[LiteWitness, ...]]


@pytest.fixture
def witnessed(tmp_path: Path, litewitness: Path) -> Iterator[Witnessed]:
    """An office and its witnesses, two of whom are a quorum."""
    office = Office.build(tmp_path / "office")
    with ExitStack() as stack:
        witnesses = tuple(
            stack.enter_context(closing(LiteWitness(litewitness, tmp_path / f"w{n}", f"witness.example.test/w{n}")))
            for n in (1, 2, 3)
        )
        named = ""
        for witness in witnesses:
            witness.know(office.app.ledger.origin, office.app.signing_key.vkey)
            named += f'[[ledger.witnesses]]\nvkey = "{witness.key()}"\nurl = "{witness.url}"\n'
        config = office.home / "watchword.toml"
        config.write_text(config.read_text().replace("\n[console]", f"\n{named}\n[console]", 1))
        office.demand_witnesses()
        yield office, witnesses
        office.fsck()


def test_a_quorum_lets_the_change_go_on(witnessed: Witnessed) -> None:
    """With one witness away it is done at once; with two it waits, and goes on by itself when one is back."""
    office, witnesses = witnessed
    witnesses[0].stop()
    first = office.released()
    office.run()
    assert office.state(first) == "checked"

    witnesses[1].stop()
    second = office.released("noah.berg")
    office.run()
    office.pass_by(seconds=5)
    assert (office.state(second), office.version("noah.berg")) == ("released", 0)
    assert office.app.waits_for_witnesses(office.case(second))
    (row,) = (e for e in office.app.ledger.effects() if e.stream == f"case/{second}" and e.kind == Kind.CHANGE)
    assert row.attempts == 2

    witnesses[0].start()
    office.pass_by(minutes=1)
    assert (office.state(second), office.version("noah.berg")) == ("checked", 1)
    assert not office.app.waits_for_witnesses(office.case(second))

    witnesses[0].stop()
    office.app.desk.decisions.contain(office["sam.security"], first, "a fraud", office.at)
    office.run()
    assert not office.directory.read(office.native("mara.lind")).enabled


def test_a_restart_asks_for_what_was_not_cosigned(witnessed: Witnessed) -> None:
    """What was released while no witness was there is cosigned and done by the next process."""
    office, witnesses = witnessed
    for witness in witnesses:
        witness.stop()
    case = office.released()
    office.run()
    assert office.state(case) == "released"
    for witness in witnesses[1:]:
        witness.start()
    office.restart()
    office.pass_by(minutes=1)
    assert office.state(case) == "checked"


def test_the_doctor_names_who_is_away(witnessed: Witnessed) -> None:
    """Each witness is a line; the one that does not answer is wrong."""
    office, witnesses = witnessed
    office.close()
    witnesses[2].stop()
    told = {f.part: f for f in examine(office.settings)}
    assert [told[f"outside {w.name}"].state for w in witnesses] == ["ok", "ok", "wrong"]
    assert "did not cosign" in told[f"outside {witnesses[2].name}"].told
    assert "witnesses" not in told
