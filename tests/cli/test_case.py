"""`watchword case`: the steps of a case, with a console running and without."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.cli.conftest import Here
from tests.cli.desk import Desk, is_told

RESET = ("case", "open", "tom.ashby", "factor-reset", "--factor", "authenticator_app", "--reason", "new phone")
UNLOCK = ("case", "open", "tom.ashby", "unlock", "--reason", "too many tries", "--ticket", "INC-7")
OFFICE = ("--location", "office", "--device", "known")


@pytest.fixture
def served(desk: Desk) -> Iterator[Desk]:
    """A desk with a console that runs, without an executor."""
    with desk.served("--no-executor"):
        yield desk


def test_a_case_from_request_to_release(served: Desk, here: Here) -> None:
    """Each step is one command, taken by the person who may take it, against the console that runs."""
    number = _awaiting(served, here)
    digest = _shown(here, number, "ruth")["request"]["digest"]
    approved = here("case", "approve", number, "--digest", digest, login="ruth")
    released = here("case", "execute", number, "--json", login="xena").json

    assert number in here("case", "list", login="vic").out
    assert "approval.given by ruth" in approved.out.splitlines()[-1]
    assert released["state"] == "released"


def test_what_was_not_looked_at_is_not_approved(served: Desk, here: Here) -> None:
    """A digest that is not the request's is refused, and so is somebody who may not approve."""
    number = _awaiting(served, here)

    wrong = here("case", "approve", number, "--digest", "0" * 64, login="ruth")
    verifier = here(
        "case", "approve", number, "--digest", _shown(here, number, "vic")["request"]["digest"], login="vic"
    )

    assert is_told(wrong, 2)
    assert is_told(verifier, 3, "reasons: ")


def test_no_is_said_without_a_digest(served: Desk, here: Here) -> None:
    """An approver says no to whatever the case asks now, and the case ends."""
    number = _awaiting(served, here)
    refused = here("case", "refuse", number, "--why", "Tom sits beside me and asked for nothing", login="ruth")

    assert refused.code == 0, refused.err
    assert _shown(here, number, "ines")["state"] == "declined"


def test_a_new_contact_point_is_only_named_by_its_kind(served: Desk, here: Here) -> None:
    """The command line has no place for the new one; it says that the person has to enter it."""
    change = ("case", "open", "tom.ashby", "recovery-info-change", "--reason", "new phone", "--ticket", "INC-8")

    opened = here(*change, "--contact", "phone", login="ines")

    assert opened.code == 0, opened.err
    assert "missing: the new contact point, which the person enters on their own page" in opened.out
    assert is_told(here(*change, login="ines"), 2)
    assert here(*change, "--contact", "fax", login="ines").code == 2
    assert here(*change, "--contact", "phone", "--contact-value", "+447700900123", login="ines").code == 2


def test_steps_without_a_console(desk: Desk, here: Here) -> None:
    """Where none runs, a console is started for each command; the case is the same one."""
    opened = here(*UNLOCK, *OFFICE, "--json", login="ines")
    number = opened.json["case"]
    listed = here("case", "list", "--json", login="ines").json
    withdrawn = here("case", "withdraw", number, "--why", "Tom remembers it", login="ines")

    assert opened.json["ticket"] == "INC-7"
    assert [one["case"] for one in listed] == [number]
    assert "withdrawn" in withdrawn.out
    assert _shown(here, number, "ines")["state"] == "withdrawn"
    assert here("ledger", "fsck").code == 0


def test_a_command_makes_no_change(desk: Desk, here: Here) -> None:
    """A console of one command leaves what is released to the executor."""
    with desk.served("--no-executor"):
        number = _releasable(desk, here)
    released = here("case", "execute", number, "--json", login="xena").json
    waits = _shown(here, number, "ines")["state"]
    done = here("execute", "--once", "--json")

    assert (released["state"], waits) == ("released", "released")
    assert done.json["effects"] > 0
    assert _shown(here, number, "ines")["state"] == "delivered"


def test_a_case_as_words(desk: Desk, here: Here) -> None:
    """Shown to a person, a case has its state, what is missing, the person's page and an entry a line."""
    number = here(*UNLOCK, *OFFICE, "--json", login="ines").json["case"]
    shown = here("case", "show", number, login="ines").out.splitlines()

    assert shown[0] == f"{number} verifying: unlock of a standard account"
    assert any(line.startswith("  missing for V1: ") for line in shown)
    assert any(
        line.startswith(f"  the person's page: {desk.url.replace('127.0.0.1', 'localhost')}/c/") for line in shown
    )
    assert re.fullmatch(r"  +\d+ \S+ \S+ by .*", shown[-1])


@pytest.mark.parametrize("login", ["ines", "nobody.known"])
def test_a_wrong_password_and_an_unknown_login_are_refused_alike(desk: Desk, here: Here, login: str) -> None:
    """Neither tells which of the two it was; the exit code is that of a refusal."""
    (desk.home / "password").write_text("another password")

    assert is_told(here("case", "list", login=login), 3, "Login or password is wrong.")


def test_bad_input_is_told_with_the_way_on(desk: Desk, here: Here) -> None:
    """Unknown accounts, cases and words are the caller's mistakes, told in one line and with a remedy."""
    nobody = here("case", "open", "tom.nobody", "unlock", "--reason", "x", login="ines")
    nowhere = here(*UNLOCK, "--directory", "moon", login="ines")
    unheard = here(*UNLOCK, "--channel", "telepathy", login="ines")
    no_case = here("case", "show", "c-nothing", login="ines")

    assert is_told(nobody, 2, "No account in sandbox is called 'tom.nobody'")
    assert is_told(nowhere, 2, "moon")
    assert is_told(unheard, 2, "telepathy")
    assert is_told(no_case, 2, "There is nothing here")
    for odd in ("..", "../../session", "a/b", ""):
        assert is_told(here("case", "show", odd, login="ines"), 2)


def test_who_may_not_is_told_which_rule(desk: Desk, here: Here) -> None:
    """Policy's no names its reasons and exits with 3."""
    number = here(*UNLOCK, *OFFICE, "--json", login="ines").json["case"]

    assert is_told(here(*UNLOCK, login="tom"), 3, "reasons: ")
    assert is_told(here("case", "execute", number, login="ines"), 3)


def test_a_password_is_not_sent_to_a_stranger(desk: Desk, here: Here) -> None:
    """Something else on the console's port gets a question, and never the password."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", int(desk.url.rpartition(":")[2]))) as stranger:

        def answers() -> None:
            connection, _ = stranger.accept()
            with connection:
                heard.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")

        thread = threading.Thread(target=answers)
        thread.start()
        typed = here("case", "list", login="ines")
        thread.join()

    assert is_told(typed, 4, "is not Watchword")
    assert heard[0].startswith(b"GET /healthz")


def test_a_console_behind_tls_is_spoken_to_directly(desk: Desk, here: Here) -> None:
    """Where people reach the console by https, the command line still speaks to the process on this machine."""
    old = desk.config.read_text()
    public = f'public_url = "http://localhost:{desk.url.rpartition(":")[2]}"'
    assert public in old
    desk.config.write_text(
        old.replace(public, 'public_url = "https://desk.example.test"').replace(
            'rp_id = "localhost"', 'rp_id = "desk.example.test"'
        )
    )
    with desk.served():
        opened = here(*UNLOCK, *OFFICE, "--json", login="ines")
        told = here("case", "show", opened.json["case"], login="ines")

    assert opened.code == 0, opened.err
    assert opened.json["page"].startswith("https://desk.example.test/c/")
    assert f"to say it: desk.example.test/go, and the number {opened.json['page_number']}" in told.out


def test_no_proxy_sees_a_password(served: Desk) -> None:
    """A proxy of the environment is not asked: the console is reached directly."""
    proxy = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:9")

    assert served.type("case", "list", "--json", login="ines", env=proxy).json == []


def _awaiting(desk: Desk, here: Here) -> str:
    case = here(*RESET, *OFFICE, "--ticket", "INC-1", "--json", login="ines").json
    for method in (("in_person", "--answer", "passport, front desk"), ("mail_code",)):
        begun = here("case", "verify", case["case"], *method, login="vic")
        assert begun.code == 0, begun.err
    _until_mail(desk)
    desk.answers_mail(case)
    _until(here, case["case"], "vic", "awaiting approval")
    return str(case["case"])


def _releasable(desk: Desk, here: Here) -> str:
    case = here(*UNLOCK, *OFFICE, "--json", login="ines").json
    assert here("case", "verify", case["case"], "totp", login="ines").code == 0
    desk.answers_totp(case)
    _until(here, case["case"], "ines", "releasable")
    return str(case["case"])


def _shown(here: Here, number: str, login: str) -> dict[str, Any]:
    return dict(here("case", "show", number, "--json", login=login).json)


def _until(here: Here, number: str, login: str, state: str) -> dict[str, Any]:
    for _ in range(60):
        case = _shown(here, number, login)
        if case["state"] == state:
            return case
        threading.Event().wait(0.1)
    raise AssertionError(f"still {case['state']}: {json.dumps(case['missing'])}")


def _until_mail(desk: Desk) -> None:
    from watchword.notices.simulators import Outbox

    with closing(Outbox(desk.home / "outbox.db")) as outbox:
        for _ in range(100):
            if any("case" in sent.subject for sent in outbox.sent("tom.ashby@example.test")):
                return
            threading.Event().wait(0.1)
    raise AssertionError("no mail came")
