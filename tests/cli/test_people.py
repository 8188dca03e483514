"""`watchword people` and `watchword policy threat`: administration from a terminal, and what is refused there."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pyotp
import pytest

from tests.cli.conftest import Here
from tests.cli.desk import PASSWORD, Desk, is_told
from tests.cli.test_terminal import at_terminal
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.core.errors import Invalid
from watchword.reception.ends import end_of
from watchword.settings import load

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def served(desk: Desk) -> Iterator[Desk]:
    """A desk with a console that runs."""
    with desk.served("--no-executor"):
        yield desk


def _shown(here: Here, login: str) -> dict[str, Any]:
    return dict(here("people", "show", login, "--json", login="root").json)


def test_somebody_is_added_given_roles_and_relieved_of_them(served: Desk, here: Here) -> None:
    """Each step shows what became of the person; the list has everybody, with what is in force."""
    added = here("people", "add", "noor", "--name", "Noor Haraldsen", "--unit", "sales", login="root")
    granted = here("people", "grant", "noor", "security-duty", "--unit", "sales", "--until", "30d", login="root")
    here("people", "grant", "noor", "reviewer", login="root")
    listed = here("people", "list", login="root").out
    revoked = here("people", "revoke", "noor", "reviewer", "--json", login="root").json
    delegated = here("people", "delegate", "ines", "sales", "--until", "8w", login="root")
    ended = here("people", "delegate", "ines", "sales", "--end", "--json", login="root").json

    assert added.out.splitlines()[0] == "noor Noor Haraldsen: employee in sales"
    assert "role security_duty in sales until " in granted.out
    assert "reviewer" in next(line for line in listed.splitlines() if line.startswith("noor "))
    assert [role["role"] for role in revoked["roles"]] == ["security_duty"]
    assert "administers sales until " in delegated.out
    assert ended["delegations"] == []


def test_a_password_is_set_from_a_file_and_signs_in(served: Desk, here: Here) -> None:
    """The new password comes from a file of its own, never from an argument; whoever has it signs in."""
    secret = served.home / "new"
    here("people", "add", "noor", "--name", "Noor", login="root")
    for mode, content, told in ((0o644, "long enough for this", "chmod 600"), (0o600, "short", "at least 12")):
        secret.write_text(content)
        secret.chmod(mode)
        wrong = here("people", "password", "noor", "--new-password-file", "new", login="root")
        assert is_told(wrong, 2, told)
    secret.write_text("a long enough password")
    set_ = here("people", "password", "noor", "--new-password-file", "new", login="root")
    (served.home / "password").write_text("a long enough password")

    assert set_.code == 0, set_.err
    assert "a long enough" not in set_.out
    assert here("case", "list", "--json", login="noor").json == []


def test_a_new_password_is_asked_for_on_the_terminal(served: Desk) -> None:
    """Without a file it is asked for twice and not shown; where there is no terminal, the option is named."""
    words = ("people", "password", "tom", "--as", "root", "--password-file", "password")
    new = "a long enough password"
    asked = at_terminal(served, *words, answers=(("New password: ", new), ("Once more: ", new)))
    nobody = served.type(*words)

    assert asked.code == 0, asked.out
    assert new not in asked.out
    assert is_told(nobody, 2, "--new-password-file")


def test_a_seed_goes_to_a_file_and_to_no_screen(served: Desk, here: Here) -> None:
    """The file is new and its owner's alone; where nothing is enrolled no file stays behind."""
    refused = here("people", "enrol", "nina", "totp", "--to", "seed", login="ines")
    assert is_told(refused, 3)
    assert not (served.home / "seed").exists()
    enrolled = here("people", "enrol", "nina", "totp", "--to", "seed", login="root")
    made = pyotp.parse_uri((served.home / "seed").read_text().strip())

    assert enrolled.code == 0, enrolled.err
    assert stat.S_IMODE((served.home / "seed").stat().st_mode) == 0o600
    assert "otpauth" not in enrolled.out + enrolled.err
    assert made.secret not in enrolled.out + enrolled.err
    assert is_told(here("people", "enrol", "nina", "totp", "--to", "seed", login="root"), 2, "--to")
    assert is_told(here("people", "enrol", "nina", "totp", login="root"), 2, "--to")


def test_a_passkey_takes_two_steps(served: Desk, here: Here) -> None:
    """Options go out, a registration comes back; it counts, is not taken twice, and is revoked for a reason."""
    key = SoftAuthenticator(load(served.config).console.public_url)
    offer = here("people", "enrol", "tom", "passkey", login="root").json
    (served.home / "answer").write_text(key.create(offer["options"]))
    finish = ("people", "enrol", "tom", "passkey", "--challenge", offer["challenge"], "--answer", "answer")
    made = here(*finish, "--json", login="root").json
    again = here(*finish, login="root")
    gone = ("people", "revoke-credential", "tom", made["credential"], "--why", "phone in the river")
    revoked = here(*gone, login="root")

    assert is_told(again, 2, "enrolled already")
    assert f"passkey {made['credential']} since " in revoked.out
    assert ", revoked " in revoked.out
    assert is_told(here(*gone, login="root"), 2, "revoked already")
    assert is_told(here(*finish[:6], login="root"), 2, "--answer")
    assert "river" not in served.type("ledger", "status").out + json.dumps(_shown(here, "tom"))


def test_an_account_is_linked(desk: Desk, here: Here) -> None:
    """An account that is somebody else's is a conflict; without a console that runs, one is started for as long."""
    again = here("people", "link", "tom", "tom.ashby", "--json", login="root")
    other = here("people", "link", "ines", "tom.ashby", login="root")

    assert [one["account_class"] for one in again.json["accounts"]] == ["standard"]
    assert is_told(other, 2, "somebody else's")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("show", "nemo"), 2, "Nobody"),
        (("show", ".."), 2, "no login"),
        (("show", "a/b"), 2, "no login"),
        (("grant", "tom", "king"), 2, "king"),
        (("grant", "tom", "agent", "--until", "yesterday"), 2, "no time"),
        (("grant", "tom", "agent", "--until", "2026-01-01"), 2, "future"),
        (("revoke", "tom", "agent"), 2, "does not hold"),
        (("delegate", "tom", "sales"), 2, "--end"),
        (("delegate", "tom", "sales", "--until", "60w"), 2, "within a year"),
        (("delegate", "tom", "sales", "--until", "2026-01-01"), 2, "within a year"),
        (("delegate", "vito", "sales", "--until", "8w"), 3, "vendor_delegate"),
        (("grant", "root", "reviewer"), 3, "subject-never-acts"),
        (("revoke-credential", "tom", "k-none", "--why", "lost"), 2, "no such credential"),
        (("revoke-credential", "tom", "k-none", "--why", " "), 2, "reason"),
        (("add", "tom", "--name", "Another Tom"), 2, "known as"),
        (("add", "a/b", "--name", "Slash"), 2, "no login"),
    ],
)
def test_what_is_wrong_is_told_with_the_way_on(
    desk: Desk, here: Here, words: tuple[str, ...], code: int, told: str
) -> None:
    """Mistakes exit with 2, refusals with 3, each with a remedy."""
    here("people", "add", "vito", "--name", "Vito", "--kind", "vendor", login="root")
    assert is_told(here("people", *words, login="root"), code, told)


def test_a_delegate_keeps_to_their_unit(served: Desk, here: Here) -> None:
    """They see and serve their unit, and give nothing that governs or reaches further."""
    here("people", "add", "noor", "--name", "Noor", "--unit", "sales", login="root")
    here("people", "delegate", "ines", "sales", "--until", "8w", login="root")

    assert [one["login"] for one in here("people", "list", "--json", login="ines").json] == ["noor"]
    assert here("people", "grant", "noor", "agent", "--unit", "sales", login="ines").code == 0
    assert is_told(here("people", "grant", "noor", "agent", "--unit", "north", login="ines"), 3)
    assert is_told(here("people", "grant", "noor", "administrator", "--unit", "sales", login="ines"), 3)
    assert is_told(here("people", "show", "tom", login="ines"), 2, "Nobody whom you may administer")
    assert is_told(here("people", "list", login="vic"), 3)


def test_the_threat_is_raised_and_shown(served: Desk, here: Here) -> None:
    """Who is on duty turns the switch on, for a week at most and never for less than it is on already."""
    here("people", "grant", "ines", "security-duty", login="root")
    calm = here("policy", "threat", "show", login="tom")
    on = here("policy", "threat", "raise", "--until", "2d", "--why", "calls for the CFO", "--json", login="ines").json
    shown = here("policy", "threat", "show", login="tom").out

    assert calm.out == "not elevated\n"
    assert (on["elevated"], on["by"]) == (True, "ines")
    assert shown.startswith("elevated until ")
    assert "CFO" not in shown
    raised = ("policy", "threat", "raise", "--why", "it is over", "--until")
    assert is_told(here(*raised, "1h", login="ines"), 3, "on for longer already")
    assert is_told(here(*raised, "8d", login="ines"), 2, "a week at most")
    assert is_told(here(*raised, "soon", login="ines"), 2, "no time")
    assert is_told(here(*raised, "3d", login="tom"), 3)


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ("12h", AT + timedelta(hours=12)),
        (" 30D ", AT + timedelta(days=30)),
        ("8w", AT + timedelta(weeks=8)),
        ("2026-12-24", datetime(2026, 12, 24, tzinfo=UTC)),
        ("2026-12-24T18:30", datetime(2026, 12, 24, 18, 30, tzinfo=UTC)),
        ("2026-12-24T18:30+01:00", datetime(2026, 12, 24, 17, 30, tzinfo=UTC)),
    ],
)
def test_an_end_is_said_as_a_length_a_day_or_a_time(said: str, end: datetime) -> None:
    """Lengths count from now, days begin at midnight, and what names no offset is UTC, as the answer is."""
    assert (end_of(said, AT), end_of(said, AT).tzinfo) == (end, UTC)


@pytest.mark.parametrize(
    "said", ["", "soon", "12", "-3d", "3m", "1000000d", "2026-13-01", "٣d", "9999-12-31T23:00-02:00"]
)
def test_what_is_no_end_is_told(said: str) -> None:
    """Anything else is nobody's end date."""
    with pytest.raises(Invalid, match="no time"):
        end_of(said, AT)


def test_the_password_of_the_tests_is_in_no_output(served: Desk, here: Here) -> None:
    """Whatever is listed, the password that everybody has is not among it."""
    assert PASSWORD not in here("people", "list", "--json", login="root").out


def test_people_get_the_address_of_a_page_to_enrol_on(served: Desk, here: Here) -> None:
    """Several are named at once, a line each; a page opens, and what was made there says so."""
    here("people", "add", "noor", "--name", "Noor", login="root")
    told = here("people", "enrolment-page", "noor", "tom", login="root")
    pages = here("people", "enrolment-page", "noor", "--json", login="root").json["pages"]

    assert told.code == 0, told.err
    assert re.fullmatch(
        r"noor http\S+/enrol/\S+\ntom http\S+/enrol/\S+\n\nTheir codes, .*\nnoor \d{6}\ntom \d{6}\n", told.out
    )
    token = pages[0]["address"].rpartition("/")[2]
    base = f"{load(served.home / 'watchword.toml').console.public_url}/api/enrol/{token}/apps"
    spoken = {"spoken": pages[0]["code"]}
    offer = httpx2.post(base, json=spoken, trust_env=False).json()
    code = pyotp.TOTP(offer["key"]).now()
    given = {"challenge": offer["challenge"], "code": code, **spoken}
    assert httpx2.post(f"{base}/code", json=given, trust_env=False).status_code == 201
    assert [one["made_alone"] for one in _shown(here, "noor")["credentials"]] == [True]
    assert "made on a page of their own" in here("people", "show", "noor", login="root").out
    (page,) = _shown(here, "tom")["pages"]
    assert f"page {page['page']} for own-enrolment, by root" in here("people", "show", "tom", login="root").out
    assert here("people", "take-back", "tom", page["page"], login="root").code == 0
    assert _shown(here, "tom")["pages"] == []
    assert here("people", "take-back", "tom", page["page"], login="root").code == 2
    assert is_told(here("people", "enrolment-page", login="root"), 2, "")
    assert here("people", "enrolment-page", "noor", login="tom").code == 3


def test_one_who_can_not_have_a_page_keeps_nobody_else_from_theirs(served: Desk, here: Here) -> None:
    """Each page that was made is told with its code, and so is who got none, and why; the exit code is that of why."""
    here("people", "add", "noor", "--name", "Noor", login="root")
    told = here("people", "enrolment-page", "noor", "nobody-known", "tom", "tom", login="root")
    assert told.code == 2
    assert re.fullmatch(
        r"noor http\S+/enrol/\S+\ntom http\S+/enrol/\S+\n\nTheir codes, .*\nnoor \d{6}\ntom \d{6}\n", told.out
    )
    assert "invalid: nobody-known: " in told.err
    assert told.err.splitlines()[-1] == "No page was made for nobody-known."
    assert [len(_shown(here, login)["pages"]) for login in ("noor", "tom")] == [1, 1]

    facts = here("people", "enrolment-page", "nobody-known", "noor", "--json", login="root")
    assert (facts.code, [one["login"] for one in facts.json["pages"]]) == (2, ["noor"])
    assert [(one["login"], one["fault"]) for one in facts.json["failed"]] == [("nobody-known", "invalid")]
    before = here("people", "enrolment-page", "noor", "..", login="root")
    assert is_told(before, 2, "is no login")
    assert before.out == ""
