"""A bundle from the demo, checked by following its own VERIFY.md with stock tools, and nothing of ours installed."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cli.desk import WATCHWORD, Desk, make
from tests.foreign.conftest import Run
from tests.foreign.lite_witness import LiteWitness
from tests.ledger.openssh import with_tools
from tests.ledger.time_authority import TimeAuthority
from watchword.app import App, wall_clock
from watchword.core.action import Action
from watchword.core.ids import CaseId
from watchword.core.person import Role, RoleGrant
from watchword.core.requirement import Context
from watchword.desk.intake import Wish
from watchword.ledger.bundle import check
from watchword.settings import load

Shell = Callable[[str], "subprocess.CompletedProcess[str]"]


class Unpacked:
    """A bundle in *folder*, and a shell there in which Python has `cryptography` and nothing of ours."""

    def __init__(self, data: bytes, folder: Path) -> None:
        self.folder = folder / "unpacked"
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.extractall(self.folder)
        (self.folder / "BUNDLE.zip").write_bytes(data)
        self._tools = folder / "tools"
        (self._tools / "lib").mkdir(parents=True)
        for name in ("cryptography", "cffi", "_cffi_backend", "pycparser", "typing_extensions"):
            found = find_spec(name)
            if found is not None and found.origin is not None:
                whole = Path(found.origin).parent if found.submodule_search_locations else Path(found.origin)
                (self._tools / "lib" / whole.name).symlink_to(whole)
        python = self._tools / "python3"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
        python.chmod(0o755)

    def sh(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run *command* as a reader of the guide would."""
        env = {
            "PATH": f"{self._tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(self._tools / "lib"),
            "HOME": "/nowhere",
        }
        return subprocess.run(
            command, shell=True, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )

    def commands(self) -> list[str]:
        """What VERIFY.md tells to type, one command each."""
        blocks = re.findall(r"```sh\n(.*?)```", (self.folder / "VERIFY.md").read_text(), re.DOTALL)
        return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What the demo exported."""
    file = tmp_path_factory.mktemp("demo") / "evidence.zip"
    played = subprocess.run(
        [WATCHWORD, "demo", "--check", "--evidence", file], capture_output=True, text=True, check=False, timeout=600
    )
    assert played.returncode == 0, played.stdout + played.stderr
    return file.read_bytes()


@pytest.fixture
def there(bundle: bytes, tmp_path: Path) -> Unpacked:
    """It, unpacked."""
    return Unpacked(bundle, tmp_path)


@with_tools
def test_the_guide_is_followed_to_its_end(there: Unpacked, outsider: Run) -> None:
    """Each command of VERIFY.md succeeds: OpenSSH on both approvals, OpenSSL, the one file; and Go reads the proofs."""
    nothing = there.sh("python3 -c 'import cryptography, importlib.util as u; print(u.find_spec(\"watchword\"))'")
    assert nothing.stdout == "None\n", nothing.stderr
    commands = there.commands()
    assert sum("ssh-keygen -Y verify" in command for command in commands) == 2
    for command in commands:
        done = there.sh(command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert "ssh-keygen" not in command or "Good " in done.stdout
    read = outsider("bundle", str(there.folder))
    assert read.returncode == 0, read.stderr
    assert re.fullmatch(r"\d+ entries\n", read.stdout)


@with_tools
def test_stock_tools_find_what_was_changed(there: Unpacked, outsider: Run) -> None:
    """An altered request, an altered entry, another key: OpenSSH and Go refuse, as the one file does."""
    request = next((there.folder / "approvals").glob("*.request.json"))
    told = request.read_bytes()
    request.write_bytes(told.replace(b'"uses":1', b'"uses":2'))
    refused = [there.sh(command) for command in there.commands() if request.name in command]
    assert [done.returncode for done in refused] == [255]
    request.write_bytes(told)
    entry = next((there.folder / "entries").glob("*.json"))
    said = entry.read_bytes()
    entry.write_bytes(said.replace(b'"v":1', b'"v":2'))
    assert outsider("bundle", str(there.folder)).returncode == 1
    entry.write_bytes(said)
    signers = there.folder / "allowed_signers"
    signers.write_text(re.sub(r"valid-after=\"\d{4}", 'valid-after="2099', signers.read_text()))
    assert all(there.sh(command).returncode for command in there.commands() if "ssh-keygen" in command)


@pytest.fixture
def vouched(tmp_path: Path, litewitness: Path) -> Iterator[bytes]:
    """The bundle of a case whose ledger two witnesses cosigned and an authority stamped."""
    home = tmp_path / "desk"
    home.mkdir()
    make(home)
    config = Desk(home).config
    authority = TimeAuthority(tmp_path / "tsa", deep=True, chain=True)
    with ExitStack() as stack:
        witnesses = tuple(
            stack.enter_context(closing(LiteWitness(litewitness, tmp_path / f"w{n}", f"witness.example.test/w{n}")))
            for n in (1, 2)
        )
        url = stack.enter_context(authority.serving())
        parts = [f'\n[[ledger.witnesses]]\nvkey = "{w.key()}"\nurl = "{w.url}"\n' for w in witnesses]
        parts.append(
            f'\n[[ledger.authorities]]\nname = "tsa.example.test"\nurl = "{url}"\nroots = "{authority.root}"\n'
        )
        with App(load(config)) as app:
            for witness in witnesses:
                witness.know(app.ledger.origin, app.signing_key.vkey)
        config.write_text(config.read_text().replace("\n[console]", "".join(parts) + "\n[console]", 1))
        with App(load(config)) as app:
            case = _withdrawn(app)
            app.tick()
            person = app.names.person("ada")
            yield app.dossier.collect(person, case, wall_clock()).zip()


def _withdrawn(app: App) -> CaseId:
    ines = app.names.person("ines")
    app.people.grant(app.names.person("root"), app.names.person("ada"), RoleGrant(role=Role.AUDITOR), wall_clock())
    case = app.desk.intake.open(
        ines,
        directory="sandbox",
        query="tom.ashby",
        wish=Wish(action=Action.UNLOCK),
        context=Context(),
        origin=None,
        reason="too many tries",
        at=wall_clock(),
    )
    app.desk.decisions.withdraw(ines, case, "found it", wall_clock())
    return case


@with_tools
def test_witnesses_and_time_are_checked_by_others(vouched: bytes, tmp_path: Path, outsider: Run) -> None:
    """The cosigned checkpoint satisfies the bundle's policy in Go's eyes, and OpenSSL reads the time; less does not."""
    checks = " ".join(one.proved for one in check(vouched))
    assert checks.count("witness.example.test/w") == 2
    assert "1, whose tokens" in checks
    there = Unpacked(vouched, tmp_path)
    stamps = [command for command in there.commands() if "openssl ts" in command]
    assert len(stamps) == 1
    assert "Verification: OK" in there.sh(stamps[0]).stdout
    assert outsider("bundle", str(there.folder)).returncode == 0
    policy = there.folder / "policy.tlog"
    policy.write_text(policy.read_text().replace("witness w1 witness", "witness w1 stranger", 1))
    assert outsider("bundle", str(there.folder)).returncode == 1
    note = there.folder / "stamps" / "tsa.example.test.checkpoint"
    note.write_text(note.read_text() + "\n")
    assert there.sh(stamps[0]).returncode != 0
