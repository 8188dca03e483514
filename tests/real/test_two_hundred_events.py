"""Two hundred things done to a real directory, in an order drawn by chance, and the verdict on every one of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from tests.real.conftest import demand, password
from tests.real.corp_desk import CorpDesk
from tests.real.places import Place, SambaPlace, SlapdPlace, slapd_settings
from tools.slapd_rig import Slapd
from tools.slapd_rig import why_not as no_slapd
from watchword.core.action import Action
from watchword.core.change import ResetPassword
from watchword.core.identity_event import Verdict
from watchword.core.ids import AccountId, CaseId
from watchword.watch.engine import Engine
from watchword.watch.providers import Feed
from watchword.watch.verdicts import VerdictRow
from watchword.watching import VERDICTS

SEED = 2026
RESET = ResetPassword(account=AccountId("a-test"))
PLAN = {
    "governed": 26,
    "unlocked": 6,
    "late": 14,
    "self-service": 44,
    "rogue": 50,
    "executor": 14,
    "power": 8,
    "failed": 18,
    "replayed": 6,
    "wider": 4,
}
"""How often each thing is done; the last two are two events each. An executor does no more than 60 changes an hour."""

EXPECTED: dict[str, tuple[Verdict, ...]] = {
    "governed": (Verdict.VERIFIED,),
    "unlocked": (Verdict.VERIFIED,),
    "late": (Verdict.VERIFIED,),
    "self-service": (Verdict.SELF_SERVICE,),
    "rogue": (Verdict.UNVERIFIED,),
    "executor": (Verdict.UNVERIFIED,),
    "power": (Verdict.UNVERIFIED,),
    "failed": (Verdict.IGNORED,),
    "replayed": (Verdict.VERIFIED, Verdict.SUSPICIOUS),
    "wider": (Verdict.VERIFIED, Verdict.OUT_OF_POLICY),
}
"""What each is, once everything has arrived."""


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was done: what, to whose account, and the case it was done through.

    *target* is the DN that the log names, *member* that of the person: another one where the log has no values.
    """

    kind: str
    target: str
    member: str
    case: CaseId | None = None


class World:
    """A directory, the desk on it, and everybody who does things to accounts: the same for each kind of directory."""

    def __init__(self, place: Place, desk: CorpDesk) -> None:
        self.place, self.desk = place, desk
        self._people: list[tuple[str, str, str]] = []

    def settle(self, count: int) -> None:
        """Have *count* people, long before anything is done: a first password is part of making an account."""
        for number in range(count):
            login, secret = f"event.{number}", password()
            self._people.append((login, secret, self.place.add(login, secret)))

    def do(self, kind: str) -> Deed:
        """Do one thing of *kind* to an account of its own."""
        login, secret, target = self._people.pop(0)
        member = target.lower()
        case: CaseId | None = None
        match kind:
            case "governed" | "replayed" | "late":
                case = self._governed(login)
                self.desk.app.runner.drain(self.desk.now())
                if kind == "late":  # the log is read, and told, before the evidence is written
                    self.desk.watch()
                self.desk.app.tick()
                if kind == "replayed":
                    self.desk.by_the_bind_account(login, RESET, password())
            case "unlocked" | "wider":
                self.desk.know(login)
                self.place.lock_out(login, target)
                case = self.desk.done(login, Action.UNLOCK, f"INC-{login}")
                if kind == "wider":
                    self.desk.by_the_bind_account(login, RESET, password())
            case "self-service":
                self.place.change_own(login, target, secret)
            case "failed":
                _, _, other = self._people.pop(0)
                self.place.try_other(login, target, secret, other)
                target = other
            case "rogue":
                self.place.reset(target)
            case "executor":
                self.desk.by_the_bind_account(login, RESET, password())
            case "power":
                target = self.place.empower(login, target)
        return Deed(kind=kind, target=target.lower(), member=member, case=case)

    def _governed(self, login: str) -> CaseId:
        self.desk.know(login)
        case = self.desk.released(login, ticket=f"INC-{login}")
        self.desk.browse(case)
        return case


@pytest.fixture(params=["samba", "slapd"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """The world of a real Active Directory, and that of a real OpenLDAP whose logs begin with it."""
    with ExitStack() as held:
        place: Place
        if request.param == "samba":
            desk: CorpDesk = request.getfixturevalue("desk")
            place = held.enter_context(SambaPlace.of(request.getfixturevalue("samba")))
        else:
            demand("OpenLDAP", no_slapd())
            slapd = held.enter_context(Slapd(root=tmp_path / "slapd"))
            desk = held.enter_context(CorpDesk(tmp_path, slapd, slapd_settings(slapd)))
            place = held.enter_context(SlapdPlace.of(slapd))
        yield World(place, desk)


def test_every_verdict_on_two_hundred_events_is_right(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Governed, self-service, rogue, failed, replayed and late: each has its verdict, whatever came before or after."""
    desk = world.desk
    order = [kind for kind, times in PLAN.items() for _ in range(times)]
    random.Random(SEED).shuffle(order)
    world.settle(len(order) + PLAN["failed"])
    deeds = [world.do(kind) for kind in order]
    desk.app.follow()
    desk.watch()
    found = _by_target(desk.app.board())
    matrix = Counter(
        (deed.kind, verdict.value)
        for deed in deeds
        for verdict in _paired(EXPECTED[deed.kind], [row.verdict for row in found.get(deed.target, ())])
    )
    with capsys.disabled():
        print(f"\n{world.place.provider.name}\n{_drawn(matrix)}")

    assert sum(len(EXPECTED[deed.kind]) for deed in deeds) == sum(matrix.values()) == 200
    wrong = [
        (deed, row_said)
        for deed in deeds
        if sorted(row_said := [row.verdict for row in found.get(deed.target, ())]) != sorted(EXPECTED[deed.kind])
    ]
    assert not wrong
    # what was governed names its own case, and nothing else names any but what went beyond one
    for deed in deeds:
        for row in found[deed.target]:
            is_of_case = row.verdict in (Verdict.VERIFIED, Verdict.OUT_OF_POLICY)
            assert row.case == (deed.case if is_of_case else None), (deed, row)
    # what was late was told otherwise first, and the file has both
    late = {row.id for deed in deeds if deed.kind == "late" for row in found[deed.target]}
    first = {
        row["id"]: row["verdict"]
        for row in pq.read_table(desk.settings.path(Path(VERDICTS))).to_pylist()
        if row["id"] in late and row["revision"] == 1
    }
    assert len(first) == PLAN["late"]
    assert "verified" not in first.values()
    # the log in pieces, some of them twice and in another order, says the same
    report = Engine().judge(
        (Feed(provider=world.place.provider, files=world.place.pieces(tmp_path)),), desk.app.evidence.path
    )
    again = _by_target(report.verdicts)
    for deed in deeds:
        rows = again.get(deed.target) or again.get(deed.member, [])
        expected = EXPECTED[deed.kind] if deed.kind != "failed" or world.place.keeps_refusals else ()
        assert sorted(row.verdict for row in rows) == sorted(expected), deed
    assert (report.unseen, report.rejected_lines) == ((), 0)


def _by_target(rows: tuple[VerdictRow, ...]) -> dict[str, list[VerdictRow]]:
    """What was done to each account, without its making and its lock-outs."""
    found: dict[str, list[VerdictRow]] = {}
    for row in rows:
        if not set(row.reasons) & {"not_support", "new_account"}:
            found.setdefault(row.target.lower(), []).append(row)
    return found


def _paired(expected: tuple[Verdict, ...], said: list[Verdict]) -> Iterator[Verdict]:
    """As many verdicts as were expected: those that were said, or that nothing was (as ignored)."""
    rest = list(said)
    for verdict in expected:
        if verdict in rest:
            rest.remove(verdict)
            yield verdict
        else:
            yield rest.pop() if rest else Verdict.IGNORED


def _drawn(matrix: Counter[tuple[str, str]]) -> str:
    """The confusion matrix: what was done, by what was said of it."""
    verdicts = [verdict.value for verdict in Verdict if any(said == verdict for _, said in matrix)]
    lines = ["what was done".ljust(14) + "".join(verdict.rjust(15) for verdict in verdicts)]
    lines.extend(
        kind.ljust(14) + "".join(str(matrix[kind, verdict] or "·").rjust(15) for verdict in verdicts) for kind in PLAN
    )
    return "\n".join(lines)
