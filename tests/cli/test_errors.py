"""Whatever is typed or configured wrongly: words, a way on, an exit code, and never a traceback."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Here
from tests.cli.desk import Desk, is_told


def test_every_mistake_in_the_settings_at_once(desk: Desk, here: Here) -> None:
    """Each mistake is named with its path, in one go, and the parts that are right are not."""
    desk.config.write_text(
        """
        polici = "policy"
        [ledger]
        origin = "two words"
        [console]
        port = 99999
        public_url = "https://desk.example.test"
        [[directories]]
        kind = "active_directory"
        name = "corp"
        [watch]
        provider = "okta"
        """
    )
    typed = here("doctor")

    assert is_told(typed, 2, " mistakes:")
    for path in ("polici", "ledger.origin", "console.port", "directories (1st).host", "watch"):
        assert f"\n  {path}: " in typed.err


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ('[console]\npublic_url = "https://desk.example.test"\n', "rp_id must be desk.example.test"),
        ('[console]\nproxies = ["192.0.2.10", "::/0"]\n', "proxies has ::/0: anybody could then say"),
        ('[console]\npublic_url = "desk"\n', "public_url is not an address"),
        (
            '[console]\npublic_url = "http://desk.example.test"\nrp_id = "desk.example.test"\n',
            "public_url is http, which sends passwords",
        ),
        (
            '[watch.outputs.siem]\nkind = "splunk"\nurl = "http://siem.example.test"\ntoken_file = "t"\n',
            "url is http, which sends token and findings",
        ),
        (
            '[watch.outputs.siem]\nkind = "elastic"\nurl = "https://elastic:word@siem.example.test"\n',
            "url holds a sign-in",
        ),
        ('[watch]\nlog = "audit.jsonl"\n', "provider and log"),
        ('[watch]\nprovider = "okta"\nlog = "audit.jsonl"\ndirectory = "moon"\n', "no directory has the name moon"),
        ("[[directories]]\nkind = 'sandbox'\n" * 2, "two directories have the name sandbox"),
        ("[mail]\nkind = 'pigeon'\n", "mail.kind"),
    ],
)
def test_settings_that_would_not_work(desk: Desk, here: Here, wrong: str, told: str) -> None:
    """What could only fail later is refused when it is read."""
    desk.config.write_text(f'[ledger]\norigin = "example.test/desk"\n{wrong}')

    assert is_told(here("doctor"), 2, told)


@pytest.mark.parametrize("content", [b"[ledger", b"\xff\xfe", b""])
def test_settings_that_can_not_be_read(desk: Desk, here: Here, content: bytes) -> None:
    """What is no TOML, no text, or empty is told by the file's name."""
    desk.config.write_bytes(content)

    assert is_told(here("serve"), 2, "watchword.toml")


def test_no_settings(here: Here) -> None:
    """Without settings every command says how to make them."""
    for command in (
        ("serve",),
        ("execute",),
        ("doctor",),
        ("ledger", "status"),
        ("ledger", "fsck"),
        ("ledger", "copy", "x.db"),
        ("case", "list", "--as", "ines"),
        ("policy", "activate", "--as", "root"),
        ("policy", "propose", "--as", "root"),
        ("policy", "restore", "back"),
    ):
        assert is_told(here(*command), 2, "There is no watchword.toml", "watchword init")


@pytest.mark.parametrize(
    "words",
    [
        ("frob",),
        ("case", "frob"),
        ("case", "list"),
        ("case", "open"),
        ("case", "list", "--as", "ines", "--frob"),
        ("policy", "explain"),
        ("demo", "--directory", "moon"),
        ("init",),
        ("init", "new", "--origin", "x"),
        ("watch", "classify", "x.jsonl"),
    ],
)
def test_what_is_mistyped(here: Here, words: tuple[str, ...]) -> None:
    """An unknown command or option, or a missing one, is told with where to look it up."""
    assert is_told(here(*words), 2)


def test_a_password_file_that_does_not_serve(desk: Desk, here: Here) -> None:
    """A missing, empty or shared password file is told, and never read out."""
    listing = ("case", "list", "--as", "ines", "--password-file")
    (desk.home / "empty").touch(0o600)
    (desk.home / "shared").write_text("secret words of ines")
    (desk.home / "shared").chmod(0o644)

    assert is_told(here(*listing, "missing"), 2, "missing")
    assert is_told(here(*listing, "empty"), 2, "empty")
    assert is_told(here(*listing, "shared"), 2, "chmod 600 shared")
    assert is_told(here(*listing, "keys"), 2, "keys")
    assert "secret words" not in here(*listing, "shared").err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("case", "list"), "`watchword case list` needs --as."),
        (("watch", "classify", "a.jsonl"), "`watchword watch classify` needs --provider."),
        (("watch", "observe", "a.jsonl", "b.jsonl"), "takes nothing more, and there is: a.jsonl b.jsonl"),
        (("drill",), 'Unknown command "drill".'),
    ],
)
def test_a_command_that_is_mistyped(here: Here, words: tuple[str, ...], told: str) -> None:
    """What is missing and what is too much is said as whoever typed it would, with where to read on."""
    typed = here(*words)
    assert is_told(typed, 2, told)
    assert " --help`." in typed.err
