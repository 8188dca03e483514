"""`watchword ledger erase` and `hold`, through the console that runs and without one."""

from __future__ import annotations

from tests.cli.conftest import Here
from tests.cli.desk import Desk, is_told

ROOT = ("--as", "root", "--password-file", "password")
INES = ("--as", "ines", "--password-file", "password")


def withdrawn(here: Here) -> str:
    """A case that is at its end."""
    opened = here("case", "open", "tom.ashby", "unlock", "--reason", "locked out", "--ticket", "INC-1", "--json", *INES)
    case = str(opened.json["case"])
    assert here("case", "withdraw", case, "--why", "found it", *INES).code == 0
    return case


def test_a_case_is_erased_by_class(desk: Desk, here: Here) -> None:
    """The dry run says what would go, the erasure what went; the case says so, and the ledger is sound."""
    del desk
    case = withdrawn(here)
    asked = ("ledger", "erase", "--case", case, "--class", "identity", "--reason", "person_asked", *ROOT)
    would, went = here(*asked, "--dry-run"), here(*asked, "--json").json
    again, shown = here(*asked), here("case", "show", case, *INES)
    words = here("ledger", "fsck", "--json").json

    assert would.out.splitlines()[-1] == "2 payload(s) would be erased."
    assert f"case/{case}" in would.out
    assert went["dry_run"] is False
    assert [(one["stream"], one["retention"], one["payloads"]) for one in went["erased"]] == [
        (f"case/{case}", "identity", 2)
    ]
    assert again.out == "0 payload(s) were erased.\n"
    assert "erased: identity" in shown.out
    assert words["sound"] is True
    assert "erased with 2 payloads" in words["checks"][8]["proved"]


def test_what_is_asked_for_wrongly_is_told(desk: Desk, here: Here) -> None:
    """Both or neither of case and time, a case without class or reason, and time with either, are usage."""
    del desk
    for words in (
        (),
        ("--case", "c-1", "--expired"),
        ("--case", "c-1"),
        ("--case", "c-1", "--class", "short"),
        ("--expired", "--class", "core"),
        ("--case", "c-1", "--class", "legal_hold", "--reason", "mistake"),
    ):
        assert is_told(here("ledger", "erase", *words, *ROOT), 2)


def test_who_may_not_is_refused(desk: Desk, here: Here) -> None:
    """An agent neither erases nor holds: exit code 3."""
    del desk
    case = withdrawn(here)
    assert is_told(here("ledger", "erase", "--expired", *INES), 3, "erase evidence")
    assert is_told(here("ledger", "hold", case, "--reason", "x", *INES), 3, "hold evidence")


def test_the_running_console_erases(desk: Desk, here: Here) -> None:
    """While `watchword serve` has the ledger, holds and erasures go through it."""
    case = withdrawn(here)
    with desk.served():
        held = desk.type("ledger", "hold", case, "--reason", "Matter 7", login="root")
        asked = ("ledger", "erase", "--case", case, "--class", "core", "--reason", "authority")
        refused = desk.type(*asked, login="root")

    assert held.out == f"{case} is under a legal hold.\n"
    assert is_told(refused, 3, "under a legal hold")


def test_a_hold_without_a_console(desk: Desk, here: Here) -> None:
    """The same person does not lift it twice, the case says that it is held, and time erases nothing yet."""
    del desk
    case = withdrawn(here)
    here("ledger", "hold", case, "--reason", "Matter 7", *ROOT)
    here("ledger", "hold", case, "--lift", *ROOT)
    assert is_told(here("ledger", "hold", case, "--lift", *ROOT), 3, "two people")
    assert "under legal hold since" in here("case", "show", case, *INES).out
    assert here("ledger", "erase", "--expired", "--json", *ROOT).json == {"erased": [], "dry_run": False}
