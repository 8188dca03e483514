"""`watchword init`: a whole, founded Watchword, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Here
from tests.cli.desk import ORIGIN, PASSWORD, is_told
from watchword.settings import load

ASKED = ("init", "new", "--origin", ORIGIN, "--administrator", "root", "--password-file", "password")


def asked(option: str, value: str) -> tuple[str, ...]:
    """What is typed, with one option of another value."""
    options = dict(zip(ASKED[2::2], ASKED[3::2], strict=True)) | {option: value}
    return (*ASKED[:2], *(word for pair in options.items() for word in pair))


@pytest.fixture(autouse=True)
def password(tmp_path: Path) -> Path:
    """The administrator's password, in a file of their own."""
    file = tmp_path / "password"
    file.touch(0o600)
    file.write_text(PASSWORD)
    return file


def test_settings_keys_and_ledger_are_made(here: Here, tmp_path: Path) -> None:
    """The settings can be read, keys are for their owner alone, and the ledger is sound with an active policy."""
    made = here(*ASKED, "--port", "9000")
    settings = load(tmp_path / "new" / "watchword.toml")
    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "new" / "keys").iterdir()}

    assert made.code == 0
    assert settings.ledger.origin == ORIGIN
    assert settings.console.port == 9000
    assert modes == {"signing.key": 0o600, "payload.keys": 0o600}
    assert here("ledger", "fsck", "--config", "new/watchword.toml").code == 0
    assert "active" in here("doctor", "--config", "new/watchword.toml").out


def test_a_second_founding_is_refused(here: Here, tmp_path: Path) -> None:
    """What is there stays as it is: keys and ledgers are never replaced."""
    here(*ASKED)
    before = {file: file.read_bytes() for file in (tmp_path / "new").rglob("*") if file.is_file()}
    again = here(*ASKED)

    assert is_told(again, 2, "is there already")
    assert {file: file.read_bytes() for file in before} == before


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("--origin", "two words"), "--origin"),
        (("--origin", 'quo"te'), "--origin"),
        (("--url", "mysql://root@localhost/x"), "--url"),
        (("--administrator", " "), "--administrator"),
        (("--port", "99999999"), "port"),
    ],
)
def test_wrong_input_leaves_nothing(here: Here, tmp_path: Path, wrong: tuple[str, str], told: str) -> None:
    """What would not work is refused by name, and no half of a Watchword stays that a second try would trip over."""
    typed = here(*asked(*wrong))

    assert is_told(typed, 2, told)
    assert not list((tmp_path / "new").glob("*"))


def test_a_short_password_leaves_nothing(here: Here, tmp_path: Path, password: Path) -> None:
    """A password that could not be set is refused before anything is written."""
    password.write_text("short")

    assert is_told(here(*ASKED), 2, "too short")
    assert not (tmp_path / "new").exists()


def test_a_database_that_does_not_answer_leaves_nothing(here: Here, tmp_path: Path) -> None:
    """Without its database nothing is founded, and the same command works once it answers."""
    typed = here(*ASKED, "--url", "postgresql://nobody@127.0.0.1:1/nothing")

    assert is_told(typed, 4, "database")
    assert not list((tmp_path / "new").glob("*"))


def test_a_ledger_that_is_there_is_never_touched(here: Here, tmp_path: Path) -> None:
    """A database left in the folder is somebody's evidence: it is refused, and stays."""
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "ledger.db").write_bytes(b"somebody's")

    assert is_told(here(*ASKED), 2, "ledger.db")
    assert (tmp_path / "new" / "ledger.db").read_bytes() == b"somebody's"


def test_a_place_that_can_not_be_written_is_told(here: Here, tmp_path: Path) -> None:
    """A file where the folder should be is an error with a way on."""
    (tmp_path / "new").write_text("")

    assert is_told(here(*ASKED), 2, "new")
