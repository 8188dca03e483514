"""Approvals from a terminal: keys and who confirms them, the exact bytes, and a signature that no browser made."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import Here
from tests.cli.desk import Desk, is_told
from tests.cli.test_case import _awaiting as awaiting
from tests.ledger.openssh import with_tools


@pytest.fixture
def served(desk: Desk) -> Iterator[Desk]:
    """A desk with a console that runs."""
    with desk.served("--no-executor"):
        yield desk


def key_of(here: Here, login: str) -> dict[str, Any]:
    """The SSH key of somebody, as an administrator sees it."""
    person = here("people", "show", login, "--json", login="root").json
    return dict(next(c for c in person["credentials"] if c["method"] == "ssh_key"))


@with_tools
def test_request_is_signed_with_ssh_keygen(served: Desk, here: Here) -> None:
    """The bytes are written, signed by `ssh-keygen`, brought back, and approved; by nobody else's key."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", served.home / "ruth_key"], check=True)
    assert here("people", "ssh-key", "ruth", str(served.home / "ruth_key.pub"), login="root").code == 0
    here("people", "grant", "otto", "administrator", login="root")
    made = key_of(here, "ruth")
    own = here("people", "confirm-key", "ruth", made["credential"], "--fingerprint", made["fingerprint"], login="root")
    assert is_told(own, 3, "reasons: same_person")
    confirmed = here(
        "people", "confirm-key", "ruth", made["credential"], "--fingerprint", made["fingerprint"], login="otto"
    )
    assert "confirmed by otto" in confirmed.out
    assert "may be on several devices" in confirmed.out

    case = awaiting(served, here)
    file = served.home / "request.json"
    told = here("case", "request", case, "--to", str(file), "--json", login="ruth").json
    shown = here("case", "show", case, "--json", login="ruth").json["request"]
    assert file.read_bytes() == shown["text"].encode()
    assert (told["digest"], told["spoken"]) == (shown["digest"], shown["spoken"])
    signing = ["ssh-keygen", "-q", "-Y", "sign", "-n", told["namespace"], "-f", served.home / "ruth_key", file]
    subprocess.run(signing, check=True, capture_output=True)
    for words in ((), ("--signature", f"{file}.sig", "--digest", told["digest"]), ("--signature", f"{file}.none")):
        assert is_told(here("case", "approve", case, *words, login="ruth"), 2)
    approved = here("case", "approve", case, "--signature", f"{file}.sig", login="ruth")
    assert "approval.given by ruth" in approved.out.splitlines()[-1]


def test_question_and_answer(served: Desk, here: Here) -> None:
    """An approver asks, whoever verifies answers once, and the case shows both."""
    case = awaiting(served, here)
    assert here("case", "question", case, "Who is with him?", login="ruth").code == 0
    (asked,) = here("case", "show", case, "--json", login="vic").json["questions"]
    answered = here("case", "answer", case, asked["question"], "Nobody; I called back.", login="vic")
    assert "Who is with him? (vic: Nobody; I called back.)" in answered.out
    assert is_told(here("case", "answer", case, asked["question"], "Again", login="vic"), 3, "reasons: answered")
    assert is_told(here("case", "answer", case, "q-none", "What?", login="vic"), 3, "reasons: unknown_question")
    assert is_told(here("case", "question", case, "  ", login="ruth"), 2)


def test_page_needs_an_origin_of_its_own(desk: Desk, here: Here) -> None:
    """Without one the files are not written, and the way on is said; settings that can not work are refused."""
    assert is_told(here("approvals", "page", "site"), 2, "Set approvals.origin")
    whole = desk.config.read_text()
    for part in (
        "port = 8788",
        'rp_id = "example.test"',
        'origin = "approve.example.test"',
        'origin = "https://approve.example.test/path"',
        'origin = "https://approve.example.test"\nrp_id = "other.test"',
    ):
        desk.config.write_text(f"{whole}\n[approvals]\n{part}\n")
        assert is_told(here("approvals", "page", "site"), 2, "approvals")
    desk.config.write_text(f'{whole}\n[approvals]\norigin = "https://approve.example.test"\n')
    written = here("approvals", "page", "site", "--json")
    assert written.json["address"] == "https://approve.example.test/approve/"
    assert (desk.home / "site" / "approve" / "index.html").is_file()
