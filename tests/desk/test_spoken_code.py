"""A hand-over that asks for a code the desk says: it ties the browser to who is on the line, and opens nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.desk.office import Office, refused
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.errors import Invalid
from watchword.core.ids import CaseId
from watchword.core.requirement import Context
from watchword.desk.digits import is_code
from watchword.policy import strictness


@pytest.fixture
def speaking(office: Office) -> Office:
    """An office whose policy asks for the code in every cell."""
    office.adopt(r"^(    \w+: +\{)verify:", r"\1deliver: spoken, verify:")
    return office


def code(office: Office, case: CaseId) -> str:
    """What the agent's screen shows."""
    shown = office.app.desk.hand_over.spoken_code(office.case(case))
    assert shown is not None
    return shown


def says(office: Office, case: CaseId, told: str, *, browser: str | None = None) -> None:
    """Type a code on the person's page."""
    held = office.held[case] if browser is None else browser
    office.app.desk.hand_over.say_code(case, told, held, office.at)


def wrong(office: Office, case: CaseId) -> str:
    """A code that is not the one."""
    return f"{(int(code(office, case)) + 1) % 10**6:06d}"


def test_the_credential_stays_sealed_without_the_code(speaking: Office) -> None:
    """A key and a fresh proof are not enough; with the code, in groups as it was said, it opens once."""
    case = speaking.released()
    speaking.run()
    assert refused(lambda: speaking.take(case)) == ("no_code",)
    shown = code(speaking, case)
    says(speaking, case, f"{shown[:3]} {shown[3:]}")
    assert speaking.take(case)
    assert refused(lambda: speaking.take(case))


def test_the_code_alone_opens_nothing(speaking: Office) -> None:
    """Without the browser's cookie it is not even taken, and without a fresh proof nothing is handed over."""
    case = speaking.released()
    speaking.run()
    assert refused(lambda: says(speaking, case, code(speaking, case), browser="another")) == ("other_browser",)
    says(speaking, case, code(speaking, case))
    take = speaking.app.desk.hand_over.take
    assert refused(lambda: take(case, speaking.held[case], speaking.at)) == ("not_reproved",)
    assert refused(lambda: take(case, "another", speaking.at)) == ("other_browser",)


def test_the_third_wrong_code_closes_the_hand_over(speaking: Office) -> None:
    """Guesses are counted in the ledger; after three the right one is refused as well, also after a restart."""
    case = speaking.released()
    speaking.run()
    for _ in range(3):
        assert refused(lambda: says(speaking, case, wrong(speaking, case))) == ("wrong_code",)
    speaking.restart()
    assert refused(lambda: says(speaking, case, code(speaking, case))) == ("exhausted",)
    assert speaking.types(case).count("hand_over.missed") == 3
    assert refused(lambda: speaking.take(case)) == ("no_code",)


def test_a_code_is_of_one_case_and_one_browser(speaking: Office) -> None:
    """There is none before a browser made its key, and another case's is another."""
    case = speaking.open()
    assert speaking.app.desk.hand_over.spoken_code(speaking.case(case)) is None
    one, other = speaking.released(), speaking.released("noah.berg")
    assert code(speaking, one) != code(speaking, other)


def test_no_code_is_taken_where_none_is_asked(office: Office) -> None:
    """Under the shipped policy there is none, and typing one changes nothing."""
    case = office.released()
    assert office.app.desk.hand_over.spoken_code(office.case(case)) is None
    assert refused(lambda: says(office, case, "123456")) == ("no_code_asked",)


def test_only_spoken_is_stricter(speaking: Office) -> None:
    """Joined with a cell that asks for less it stays, and a case can not be escalated to less."""
    spoken = speaking.app.policy.procedures.require(AccountClass.STANDARD, Action.PASSWORD_RESET, Context())
    plain = msgspec.structs.replace(spoken, deliver="page")
    assert spoken.deliver == "spoken"
    assert strictness.join(plain, spoken).deliver == strictness.join(spoken, plain).deliver == "spoken"
    assert strictness.lacks(plain, spoken) == ("deliver",)
    assert strictness.lacks(spoken, plain) == ()


def test_a_delivery_nobody_knows_is_refused_with_its_line(office: Office, tmp_path: Path) -> None:
    """A misspelt word in the column is a mistake of the file, not the milder delivery."""
    del tmp_path
    with pytest.raises(Invalid, match="deliver"):
        office.adopt(r"^(    unlock: +\{)verify:", r"\1deliver: by_mail, verify:")


def test_nothing_is_no_code() -> None:
    """Where none is asked for, none is right; what people put between digits is no part of one."""
    assert not any(is_code("", typed) for typed in ("", "abc", "000000"))
    assert is_code("123456", " 123-456 ")
    assert not is_code("123456", "123457")
