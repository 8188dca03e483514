"""Mistakes in settings are told in sentences, by the path that their author wrote, and never with the value."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from watchword.core.errors import Invalid
from watchword.settings import load

SAID = """
import sys
from pathlib import Path
from watchword.settings import load
print(ascii(load(Path(sys.argv[1])).directories[0].path.name))
"""


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('[console]\nrp_idd = "x"', "console.rp_idd: this key is not known here; perhaps rp_id is meant"),
        ('[metrics]\ntoken = "sesame"', "metrics.token: this key is not known here; perhaps token_file is meant"),
        (
            '[metrics]\nfollow = "sesame"',
            "metrics.follow: this is not written as it should be; write a host and a port",
        ),
        ('[metrics]\nfollow = "127.0.0.1:99999"', "metrics: follow has the port 99999, and a port is 1 to 65535"),
        ('[metrics]\nexecute = "192.0.2.7:9464"', "metrics: execute can be reached from other machines: name a token_"),
        (
            '[console]\npublic_url = "https://desk.example.test"\nrp_id = "desk.example.test"\n[metrics]\n',
            "the file: metrics: a proxy stands before the console, so that anybody may seem to be on this machine: ",
        ),
        ("sesame_seed = 1", "sesame_seed: this key is not known here; known here: approvals, call, console, "),
        ('[duo]\nurl = "https://duo.example.test"', "duo.integration_key: this key is missing; write it"),
        ('[console]\nport = "sesame"', "console.port: a whole number is expected, and this is text; change it"),
        ("[console]\nhost = 5", "console.host: text in quotes is expected, and this is a whole number; change it"),
        ("[console]\nhost = true", "console.host: text in quotes is expected, and this is true or false; change it"),
        ('[console]\nproxies = "sesame"', "console.proxies: a list is expected, and this is text; change it"),
        ('[console]\nself_service = "sesame"', "console.self_service: true or false is expected, and this is text"),
        ('console = "sesame"', "console: a table is expected, and this is text; change it"),
        ('[watch]\nstate = ["sesame"]', "watch.state: a path in quotes is expected, and this is a list; change it"),
        ("[console]\nport = 0", "console.port: at least 1 is expected; change the value"),
        ("[console]\nport = 99999", "console.port: at most 65535 is expected; change the value"),
        ('[console]\nlanguage = "sesame"', "console.language: this is not known here; write 'en', 'de', 'fr' or 'es'"),
        (
            '[security]\nwebhook = "sesame"',
            "security.webhook: this is not written as it should be; write an address that begins with https:// or",
        ),
        ('[watch]\nprovider = "okta"', "watch: provider and log are given together, or neither is; correct the value"),
        (
            '[[directories]]\nkind = "sesame"',
            "directories (1st).kind: this is not known here; write one of 'sandbox', 'active_directory', 'openldap'",
        ),
        ('[[directories]]\nname = "x"', "directories (1st).kind: this key is missing; write it"),
        (
            '[watch.sources.a]\nkind = "okta"\nurll = "sesame"',
            "watch.sources.a.urll: this key is not known here; perhaps url is meant",
        ),
        ('[watch.sources.a]\nkind = "okta"', "watch.sources.a.url: this key is missing; write it"),
        ('[watch.sources.Sesame]\nkind = "okta"', "watch.sources.Sesame: this is not written as it should be; write "),
        (
            "[watch.thresholds.x]\ny = 2026-03-02",
            "watch.thresholds.x.y: a whole number or a number or text in quotes or a list or a table is expected, and ",
        ),
        (
            "[[watch.enforce]]\nsince = 2026-03-02\n[[watch.enforce]]\nsince = 'sesame'",
            "watch.enforce (2nd).since: a time such as ",
        ),
    ],
)
def test_each_mistake_is_a_sentence(tmp_path: Path, written: str, told: str) -> None:
    """What is wrong, where, and the way on; a value that was typed may be a secret and is not repeated."""
    file = tmp_path / "watchword.toml"
    top, table, rest = written.partition("[")
    file.write_text(f'{top}\n[ledger]\norigin = "desk.example.test"\n{table}{rest}\n', encoding="utf-8")

    with pytest.raises(Invalid) as error:
        load(file)

    assert f"\n  {told}" in error.value.what
    assert "sesame" not in error.value.what.replace("sesame_seed", "")


def test_a_name_already_written_is_no_guess(tmp_path: Path) -> None:
    """What is written beside a key that is not known is not what was meant by it."""
    file = tmp_path / "watchword.toml"
    file.write_text('[ledger]\norigin = "desk.example.test"\norigins = "x"\n', encoding="utf-8")

    with pytest.raises(Invalid) as error:
        load(file)

    assert "1 mistake:\n  ledger.origins: this key is not known here; known here: archive" in error.value.what


def test_a_line_is_no_part_of_an_address(tmp_path: Path) -> None:
    """A text that ends in a line's end is another text."""
    file = tmp_path / "watchword.toml"
    file.write_text('[ledger]\norigin = "desk.example.test\\n"\n', encoding="utf-8")

    with pytest.raises(Invalid, match=r"ledger\.origin: this is not written as it should be"):
        load(file)


def test_settings_are_utf_8_whatever_the_machine_is_set_to(tmp_path: Path) -> None:
    """TOML is UTF-8: a machine whose texts are not, as an old service unit has it, reads the same settings."""
    file = tmp_path / "watchword.toml"
    ledger = '[ledger]\norigin = "desk.example.test"\n'
    text = ledger + '[[directories]]\nkind = "sandbox"\nname = "sandbox"\npath = "zürich.db"\n'
    file.write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", SAID, str(file)],
        env=os.environ | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("'z\\xfcrich.db'\n", "")
