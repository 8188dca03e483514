"""Two hundred things done to a real directory, in an order drawn by chance, and the verdict on every one of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import ldap3
import msgspec
import pyarrow.parquet as pq
import pytest

from tests.real.conftest import password
from tests.real.corp_desk import CorpDesk
from tools.samba_rig import BASE, SambaDomain
from watchword.core.action import Action
from watchword.core.change import ResetPassword
from watchword.core.identity_event import Verdict
from watchword.core.ids import AccountId, CaseId
from watchword.watch.engine import Engine
from watchword.watch.providers import SAMBA, Feed
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
    """One thing that was done: what, to whose account (its DN), and the case it was done through."""

    kind: str
    target: str
    case: CaseId | None = None


class World:
    """The directory, the desk on it, and everybody who does things to accounts: the same for each kind of directory."""

    def __init__(self, samba: SambaDomain, desk: CorpDesk, admin: ldap3.Connection) -> None:
        self._samba, self._desk, self._admin = samba, desk, admin
        self._people: list[tuple[str, str, str]] = []

    def settle(self, count: int) -> None:
        """Have *count* people, long before anything is done: a first password is part of making an account."""
        for number in range(count):
            login, secret = f"event.{number}", password()
            self._people.append((login, secret, self._samba.add_user(login, password=secret, admin=self._admin)))

    def do(self, kind: str) -> Deed:
        """Do one thing of *kind* to an account of its own."""
        login, secret, target = self._people.pop(0)
        case: CaseId | None = None
        match kind:
            case "governed" | "replayed" | "late":
                case = self._governed(login)
                self._desk.app.runner.drain(self._desk.now())
                if kind == "late":  # the log is read before the evidence is written
                    self._desk.app.watch()
                self._desk.app.tick()
                if kind == "replayed":
                    self._desk.by_the_bind_account(login, RESET, password())
            case "unlocked" | "wider":
                self._desk.know(login)
                self._samba.lock_out(login)
                case = self._desk.done(login, Action.UNLOCK, f"INC-{login}")
                if kind == "wider":
                    self._desk.by_the_bind_account(login, RESET, password())
            case "self-service":
                self._change(login, secret, target, own=True)
            case "failed":
                _, _, target = self._people.pop(0)
                self._change(login, secret, target)
            case "rogue":
                self._reset(self._admin, target, password())
            case "executor":
                self._desk.by_the_bind_account(login, RESET, password())
            case "power":
                group = f"CN=Domain Admins,CN=Users,{BASE}"
                assert self._admin.modify(group, {"member": [(ldap3.MODIFY_ADD, [target])]})
        return Deed(kind=kind, target=target.lower(), case=case)

    def _governed(self, login: str) -> CaseId:
        self._desk.know(login)
        case = self._desk.released(login, ticket=f"INC-{login}")
        self._desk.browse(case)
        return case

    def _change(self, login: str, secret: str, target: str, *, own: bool = False) -> None:
        """Somebody changes their own password, or tries to set another's without the right to."""
        server = ldap3.Server(self._samba.address, port=636, use_ssl=True, get_info=None)
        with ldap3.Connection(server, user=f"{login}@corp.example.test", password=secret) as person:
            if own:
                change = [(ldap3.MODIFY_DELETE, [_quoted(secret)]), (ldap3.MODIFY_ADD, [_quoted(password())])]
                assert person.modify(target, {"unicodePwd": change}), person.result
            else:
                assert not self._reset(person, target, password(), may=False)

    @staticmethod
    def _reset(who: ldap3.Connection, target: str, secret: str, *, may: bool = True) -> bool:
        done = who.modify(target, {"unicodePwd": [(ldap3.MODIFY_REPLACE, [_quoted(secret)])]})
        assert done is may, who.result
        return bool(done)


@pytest.fixture
def world(samba: SambaDomain, desk: CorpDesk) -> Iterator[World]:
    """The world of a real Active Directory."""
    _set_aside(samba).unlink(missing_ok=True)
    with samba.administrator() as admin:
        yield World(samba, desk, admin)


def test_every_verdict_on_two_hundred_events_is_right(
    world: World, desk: CorpDesk, samba: SambaDomain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Governed, self-service, rogue, failed, replayed and late: each has its verdict, whatever came before or after."""
    order = [kind for kind, times in PLAN.items() for _ in range(times)]
    random.Random(SEED).shuffle(order)
    world.settle(len(order) + PLAN["failed"])
    deeds = [world.do(kind) for kind in order]
    desk.app.follow()
    desk.app.watch()
    found = _by_target(desk.app.board())
    matrix = Counter(
        (deed.kind, verdict.value)
        for deed in deeds
        for verdict in _paired(EXPECTED[deed.kind], [row.verdict for row in found.get(deed.target, ())])
    )
    with capsys.disabled():
        print(f"\n{_drawn(matrix)}")

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
    report = Engine().judge((Feed(provider=SAMBA, files=_pieces(samba, tmp_path)),), desk.app.evidence.path)
    again = _by_target(report.verdicts)
    assert {t: sorted(r.verdict for r in rows) for t, rows in again.items()} == {
        t: sorted(r.verdict for r in rows) for t, rows in found.items()
    }
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


def _pieces(samba: SambaDomain, folder: Path) -> tuple[Path, ...]:
    """The log in ten files, last first, one of them twice; the controller sets a log of 5 MB aside and begins anew."""
    logs = (file for file in (_set_aside(samba), samba.audit_log) if file.exists())
    lines = b"".join(file.read_bytes() for file in logs).splitlines(keepends=True)
    size = -(-len(lines) // 10)
    files = []
    for number in range(10):
        file = folder / f"piece-{number}.jsonl"
        file.write_bytes(b"".join(lines[number * size : (number + 1) * size]))
        files.append(file)
    return (*reversed(files), files[3])


def _set_aside(samba: SambaDomain) -> Path:
    return samba.audit_log.with_name(f"{samba.audit_log.name}.old")


def _quoted(secret: str) -> bytes:
    return f'"{secret}"'.encode("utf-16-le")  # [MS-ADTS] 3.1.1.3.1.5: unicodePwd is quoted UTF-16LE
