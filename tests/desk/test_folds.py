"""What the desk remembers of streams: true as long as nothing came, carried on by what did, never the executor's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.desk.office import Office
from watchword.core.person import Role, RoleGrant
from watchword.desk import folds as module
from watchword.desk.recording import case_stream, person_stream
from watchword.desk.registry import Registry
from watchword.ledger import recent
from watchword.ledger.leader import Ledger


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office on SQLite."""
    with closing(Office.build(tmp_path)) as made:
        yield made


def read_streams(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Note which streams are read, and from which version on; reading goes on as ever."""
    seen: list[tuple[str, int]] = []
    read = Ledger.read

    def noting(self: Ledger, stream: str, since: int = 0) -> Any:
        seen.append((stream, since))
        return read(self, stream, since)

    monkeypatch.setattr(Ledger, "read", noting)
    return seen


def test_a_stream_that_has_not_grown_is_not_read_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look at a person reads nothing, and says the same."""
    first = office.app.registry.person(office["ada.agent"])
    seen = read_streams(monkeypatch)
    assert office.app.registry.person(office["ada.agent"]) is first
    assert seen == []


@pytest.mark.parametrize("kept", [0, recent.MOST])
def test_what_came_since_is_all_that_is_read(office: Office, monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    """After a grant, only its entry is read, or nothing where it is at hand; the fold is that of all entries anew."""
    monkeypatch.setattr(recent, "MOST", kept)
    person = office["ada.agent"]
    before = office.app.registry.person(person)
    version = office.app.ledger.version(person_stream(person))
    office.app.people.grant(office["root.admin"], person, RoleGrant(role=Role.AUDITOR), office.at)
    fresh = Registry(office.app.ledger, office.app.names, office.app.registry.thresholds).person(person)
    seen = read_streams(monkeypatch)
    after = office.app.registry.person(person)
    assert after == fresh != before
    assert seen == ([] if kept else [(person_stream(person), version + 1)])


def test_what_is_at_hand_is_what_the_store_has(office: Office) -> None:
    """Entries this process wrote are, one by one, those that are fetched and checked."""
    case = office.released()
    office.run()
    ledger = office.app.ledger
    assert ledger.grown(case_stream(case), 2) == ledger.read(case_stream(case), 2)
    assert tuple(ledger.news(ledger.size - 12)) == tuple(ledger.entries(ledger.size - 12))
    assert tuple(ledger.news(0)) == tuple(ledger.entries(0))


@pytest.mark.parametrize(("moment_s", "looks"), [(60.0, 1), (0.0, 3)])
def test_a_moment_within_a_moment_looks_again_once_it_is_old(
    office: Office, monkeypatch: pytest.MonkeyPatch, moment_s: float, looks: int
) -> None:
    """One question serves all that is read for a decision, unless something slow lay between."""
    monkeypatch.setattr(module, "MOMENT_S", moment_s)
    asked: list[int] = []
    monkeypatch.setattr(Ledger, "look", lambda _: asked.append(1))
    folds = office.app.registry.folds
    with folds.moment():
        for _ in range(2):
            with folds.moment():
                office.app.registry.person(office["ada.agent"])
    assert len(asked) == looks


def test_an_enrolment_is_looked_up_once_and_afresh_every_time(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry that enrolled a credential stays what it is; who judges evidence fetches it all the same."""
    registry, person = office.app.registry, office["mara.lind"]
    credential = registry.person(person).credentials_of("totp")[0].id
    first = registry.enrolment(person, credential)
    seen = read_streams(monkeypatch)
    assert first is not None
    assert registry.enrolment(person, credential) is first
    assert seen == []
    with registry.folds.afresh():
        assert registry.enrolment(person, credential) == first
    assert seen == [(person_stream(person), 0)]
    assert registry.enrolment(person, "k-of-nobody") is None


def test_a_case_carried_on_is_the_case_read_anew(office: Office) -> None:
    """A reset whose folds grew step by step is, state for state, what its entries make."""
    case = office.released()
    office.run()
    steps = office.app.desk.steps
    kept = steps.load(case)
    with office.app.registry.folds.afresh():
        assert steps.load(case) == kept
    assert kept.version == len(office.app.ledger.read(case_stream(case))) - 1


def test_afresh_reads_every_entry_from_the_store(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who judges evidence reads it from its first entry on, however often it was folded before."""
    person = office["ada.agent"]
    office.app.registry.person(person)
    seen = read_streams(monkeypatch)
    with office.app.registry.folds.afresh():
        office.app.registry.person(person)
    assert seen == [(person_stream(person), 0)]


def test_the_executor_reads_the_case_and_its_approvers_anew(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change is judged on entries from the store: the case is never taken from memory there."""
    case = office.released()
    office.app.desk.steps.load(case)
    seen = read_streams(monkeypatch)
    judged: list[list[tuple[str, int]]] = []
    judge = type(office.app.runner.clearing).judge

    def noting(self: Any, loaded: Any, at: Any) -> Any:
        before = len(seen)
        order = judge(self, loaded, at)
        judged.append(seen[before:])
        return order

    monkeypatch.setattr(type(office.app.runner.clearing), "judge", noting)
    office.run()
    assert judged
    assert all(since == 0 for reads in judged for _, since in reads)
    assert any(stream == case_stream(case) for reads in judged for stream, _ in reads)


def test_old_folds_make_room(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many streams there are, no more are kept than the bound, and none is folded wrongly for it."""
    monkeypatch.setattr(module, "MOST", 1)
    registry = Registry(office.app.ledger, office.app.names, office.app.registry.thresholds)
    names = ("ada.agent", "ben.agent", "ada.agent")
    assert [registry.person(office[one]).id for one in names] == [office[one] for one in names]
