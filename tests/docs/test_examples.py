"""The operator's page, typed line by line: what it shows can be run as it stands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.desk import Desk, make
from tests.docs.markdown import ROOT, commands
from watchword.cli.main import main
from watchword.ledger.checkpoint import SigningKey

PAGE = ROOT / "docs" / "operations.md"
STAYS = (
    "watchword serve",
    "watchword execute",
    "watchword watch follow",
    "watchword demo",
    "watchword init",
    "watchword ledger migrate --url",
    "watchword approvals page",
    "watchword people ssh-key",
    "watchword people confirm-key",
)
"""Commands that stay up, found what is there already, or need a server, a key or a second administrator.

The tests of the command line run them.
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with one case, a log and the evidence for it; Noor, whom the page lets in, has the password of all."""
    home = tmp_path_factory.mktemp("documented") / "desk"
    make(home)
    made = Desk(home)
    (home / "policy").mkdir()
    shutil.copytree(ROOT / "src" / "watchword" / "policy" / "default", home / "draft")
    shutil.copy(ROOT / "tests" / "watch" / "samples" / "samba_self_change.jsonl", home / "audit.json")
    return made


def test_what_operators_are_shown_can_be_typed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each whole command of the page does what it says, in the order of the page; CASE is one that was withdrawn."""
    monkeypatch.chdir(desk.home)
    monkeypatch.setenv("WATCHWORD_PASSWORD_FILE", "password")
    opened = ("case", "open", "tom.ashby", "unlock", "--as", "ines", "--reason", "too many tries", "--json")
    assert _exit_code(*opened) == 0
    case = json.loads(capsys.readouterr().out)["case"]
    assert _exit_code("case", "withdraw", case, "--as", "ines", "--why", "found it") == 0
    assert _exit_code("people", "grant", "vic", "auditor", "--as", "root") == 0
    capsys.readouterr()
    assert _exit_code("people", "enrolment-page", "tom", "--as", "root") == 0
    words = {"CASE": case, "FILE": "backup.db", "ada": "root", "otto": "root", "iris": "vic", "mira": "otto"}
    capsys.readouterr()
    assert _exit_code("people", "show", "tom", "--as", "root", "--json") == 0
    tom = json.loads(capsys.readouterr().out)
    words |= {"CREDENTIAL": tom["credentials"][-1]["credential"], "PAGE": tom["pages"][-1]["page"]}
    assert _exit_code("ledger", "status", "--json") == 0
    (desk.home / "kept").write_text(json.loads(capsys.readouterr().out)["checkpoint"])
    words |= {"VKEY": SigningKey.load(desk.home / "keys" / "signing.key").vkey, "CHECKPOINT": "kept"}
    # What takes a directory that can be listed is typed in tests/real/test_directory_read.py.
    lines = [line for line in _whole(PAGE) if not line.startswith("watchword watch accounts --directory")]

    assert len(lines) > 10
    assert not [line for line in lines if _exit_code(*(words.get(word, word) for word in line.split()[1:])) != 0]


def _exit_code(*words: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return ended.value.code


def _whole(page: Path) -> list[str]:
    """The commands of *page* that stand there with all they need, each once."""
    named = [line for line in commands(page, "watchword") if not line.startswith(STAYS)]
    signed_in = ("watchword case ", "watchword watch findings ")
    bare = {line for line in named if line.startswith(signed_in) and "--as" not in line}
    groups = {
        "watchword policy explain",
        "watchword policy activate",
        "watchword policy propose",
        "watchword policy restore",
        "watchword policy replay",
        "watchword watch classify",
        "watchword watch observe",
        "watchword evidence export",
        "watchword evidence verify",
        "watchword ledger copy",
        "watchword ledger restored",
        "watchword ledger export",
        "watchword ledger prove",
    }
    return [line for line in dict.fromkeys(named) if line not in bare | groups]
