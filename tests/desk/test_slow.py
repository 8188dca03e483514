"""Systems that take their time: what others write meanwhile keeps nobody from writing down what became of a change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from tests.desk.office import Office
from tests.desk.test_downtime import CUSTODIANS, declared
from tests.desk.test_protection import hired
from watchword.core.account import DirectoryAccount
from watchword.core.change import Change, Receipt
from watchword.core.person import Kind, Role, RoleGrant
from watchword.desk.effects import RECEIPT
from watchword.directories.sandbox import Sandbox


class Slow(Sandbox):
    """The sandbox, which takes half a minute for what is called *where*; the desk works on meanwhile."""

    where: str
    meanwhile: Callable[[], object]

    def before(self, native_id: str, change: Change) -> str:
        """The directory's version, late."""
        found = super().before(native_id, change)
        if self.where == "before":
            self.meanwhile()
        return found

    def read(self, native_id: str) -> DirectoryAccount:
        """The account, late."""
        found = super().read(native_id)
        if self.where == "read":
            self.where = ""
            self.meanwhile()
        return found

    def find(self, query: str) -> tuple[DirectoryAccount, ...]:
        """What is looked for, late."""
        found = super().find(query)
        if self.where == "find":
            self.where = ""
            self.meanwhile()
        return found

    def apply(
        self, native_id: str, change: Change, effect_id: str, secret: str | None = None, value: str | None = None
    ) -> Receipt:
        """The change, done at once and said late."""
        receipt = super().apply(native_id, change, effect_id, secret, value)
        if self.where == "apply":
            self.meanwhile()
        return receipt


def slowly(office: Office, where: str, meanwhile: Callable[[], object]) -> None:
    """Have the directory be slow in *where* it says, with what happens *meanwhile*."""
    office.directory.close()
    slow = Slow(office.home / "sandbox.db", clock=lambda: office.at)
    slow.where, slow.meanwhile = where, meanwhile
    office.app.directories["sandbox"] = slow


@pytest.mark.parametrize("where", ["before", "apply"])
def test_what_a_slow_directory_says_is_written_down(office: Office, where: str) -> None:
    """The receipt is the directory's own, at once, though the desk took requests in while it was waited for."""

    def works_on() -> None:
        office.wait(seconds=30)
        office.open("noah.berg", agent="ben.agent")

    case = office.released()
    slowly(office, where, works_on)
    office.run()
    ended = [e for e in office.app.ledger.read(f"case/{case}") if e.entry.type == "change.ended"]
    assert [e.entry.data["outcome"] for e in ended] == ["done", "done"]
    for one in ended:
        receipt = msgspec.json.decode(office.app.ledger.disclosures(one)[RECEIPT], type=Receipt)
        assert receipt.after is not None
        assert not receipt.after.startswith("read back")
    assert office.version("mara.lind") == 1


def test_a_step_that_waited_for_a_directory_is_taken(office: Office) -> None:
    """A request, and a method that looks the contact point up, are written after what came in while they waited."""
    case = office.open()

    def works_on() -> None:
        office.wait(seconds=5)
        office.app.desk.intake.link_ticket(office["ada.agent"], others.pop(), "INC-2", office.at)

    others = [office.open("noah.berg", ticket=None) for _ in range(2)]
    slowly(office, "read", works_on)
    challenge, _ = office.app.desk.verification.begin(office["ben.agent"], case, "mail_code", office.at)
    assert challenge
    slowly(office, "find", works_on)
    assert office.open("boss.one", ticket=None)


def test_what_is_due_is_done_at_the_time_it_is_by_then(office: Office) -> None:
    """A grant that ran out while another case was waited for is over, though the round began before."""
    cases = office.released(), office.open("noah.berg", agent="ben.agent")
    office.prove(cases[1], "passkey", agent="ada.agent")
    office.ask(cases[1], agent="ada.agent")
    office.release(cases[1])
    office.browse(cases[1])
    slowly(office, "apply", lambda: office.wait(minutes=20))
    office.run()
    assert sorted(office.types(case).count("change.started") > 0 for case in cases) == [False, True]


def test_what_is_administered_after_a_slow_directory_is_written_down(office: Office) -> None:
    """Whose an account is, what was done under the sealed procedure, and access that an AI agent takes away."""
    people, root, at = office.app.people, office["root.admin"], office.at
    nobody = people.register(root, login="nobody", name="Nobody", kind=Kind.EMPLOYEE, unit="desk", at=at)
    for login in CUSTODIANS:
        person = people.register(root, login=login, name=login, kind=Kind.EMPLOYEE, unit="desk", at=at)
        people.grant(root, person, RoleGrant(role=Role.DOWNTIME_CUSTODIAN), at)
    robot, case = hired(office, "robot.one", Kind.AI), office.open("mara.lind")
    office.prove(case, "passkey")
    others = [office.open(login, ticket=None) for login in ("noah.berg", "eve.exec", "boss.one")]

    def works_on() -> None:
        office.wait(seconds=5)
        office.app.desk.intake.link_ticket(office["ada.agent"], others.pop(), "INC-2", office.at)

    slowly(office, "read", works_on)
    account = people.link(root, nobody, "sandbox", office.native("temp.nobody"), office.at)
    assert office.app.names.owner(account) == nobody
    slowly(office, "find", works_on)
    assert declared(office, query="twin.a", since=at - timedelta(minutes=9), until=at - timedelta(minutes=5))
    office.tamper_directory(f"UPDATE account SET unit = 'rooms' WHERE native_id = '{office.native('mara.lind')}'")
    slowly(office, "read", works_on)
    office.app.desk.protection.protect(robot, case, "odd", office.at)
    assert office.state(case) == "protected"
