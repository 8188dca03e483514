"""One account is one, by whatever of its names a log calls it: in findings, risk and suppressions; two stay two."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from watchword.core.ids import AccountId, PersonId
from watchword.watch.findings import Findings
from watchword.watch.whose import Whose

from .rows import row
from .test_finding_outputs import NOON, Place
from .test_findings import Linked

LOGIN, MAIL, SID, DN, ID = "kim", "kim@example.test", "S-1-5-21-9-1104", "CN=Kim,OU=Desk,DC=example,DC=test", "00uKIM"
NAMES = (LOGIN, MAIL, SID, DN, ID)
WEEK = NOON + timedelta(days=7)


class Listed:
    """A ledger, and a list of accounts beside it."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder)
        self.file = folder / "accounts.csv"
        keys = "|".join((*NAMES, "shared-box"))
        self.file.write_text(f'keys,class,person\n"{keys}",standard,Kim Adeyemi\nole|00uOLE|shared-box,standard,Ole\n')
        self.whose = Whose(None, (), self.file)
        self.findings = Findings(self.place.ledger, self.whose)


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[Listed]:
    """One with two accounts, which share a name."""
    made = Listed(tmp_path)
    yield made
    made.place.ledger.close()


@pytest.mark.parametrize("party", ["actor", "target"])
def test_all_names_of_an_account_are_one(listed: Listed, party: str) -> None:
    """DN, SID, login, mail and id make one finding and one risk, under the name that came first and a name it has."""
    rows = tuple(row(id=f"u-{n}", **({"actor": "", "target": ""} | {party: name})) for n, name in enumerate(NAMES))
    for one in rows:
        listed.findings.take((one,), (), NOON)
    (made,) = listed.findings.all()
    assert (made.name, made.live) == (LOGIN, 5)
    again = Findings(listed.place.ledger, Whose(None, (), listed.file))
    assert again.take(rows, (), NOON) == ()
    (risk,) = again.risks(NOON)
    assert (risk.kind, risk.name, risk.events) == ("agent" if party == "actor" else "account", LOGIN, 5)


def test_at_once_as_one_after_the_other(listed: Listed) -> None:
    """What comes in one step is grouped in the same way."""
    listed.findings.take(tuple(row(id=f"u-{n}", actor=name) for n, name in enumerate(NAMES)), (), NOON)
    (made,) = listed.findings.all()
    assert (made.name, made.live) == (LOGIN, 5)


def test_who_acts_on_their_own_account_is_no_agent(listed: Listed) -> None:
    """The same account under two names is not somebody who acted on another's."""
    listed.findings.take((row(actor=SID, target=MAIL),), (), NOON)
    assert [(risk.kind, risk.name) for risk in listed.findings.risks(NOON)] == [("account", LOGIN)]


def test_a_name_of_two_accounts_is_neithers(listed: Listed) -> None:
    """What is found under a name that two share joins neither, and a suppression of it covers neither."""
    listed.findings.take((row(id="u-1", actor=LOGIN, target=""), row(id="u-2", actor="ole", target="")), (), NOON)
    listed.findings.take((row(id="u-3", actor="shared-box", target=""),), (), NOON)
    assert sorted(one.name for one in listed.findings.all()) == [LOGIN, "ole", "shared-box"]
    assert {risk.name for risk in listed.findings.risks(NOON)} == {LOGIN, "ole", "shared-box"}
    suppress(listed, "shared-box")
    assert listed.findings.take((row(id="u-4", actor=SID), row(id="u-5", actor="ole")), (), NOON) != ()
    assert listed.findings.take((row(id="u-6", actor="shared-box"),), (), NOON) == ()


@pytest.mark.parametrize("name", [*NAMES, MAIL.upper()])
def test_kept_quiet_under_any_name(listed: Listed, name: str) -> None:
    """A suppression that has one name of an account covers every other, and nobody else."""
    suppress(listed, name)
    rows = tuple(row(id=f"u-{n}", actor=one, target="00uana") for n, one in enumerate(NAMES))
    assert listed.findings.take(rows, (), NOON) == ()
    assert listed.findings.take((row(id="u-9", actor="ole", target="00uana"),), (), NOON) != ()


def test_a_list_that_changes_is_read_again(listed: Listed) -> None:
    """A name that is added later is known without a start; a list that can not be read leaves what was known."""
    assert listed.whose.account("corp", "kimmy") is None
    text = listed.file.read_text()
    listed.file.write_text(text.replace(f"{LOGIN}|", f"{LOGIN}|kimmy|"))
    assert listed.whose.account("corp", "kimmy") == LOGIN
    listed.file.write_text("nothing of this is a list")
    os.utime(listed.file, (1, 1))
    assert listed.whose.account("corp", "kimmy") == LOGIN
    listed.file.unlink()
    assert listed.whose.account("corp", "kimmy") is None


def test_what_is_open_goes_on_when_a_list_comes(listed: Listed) -> None:
    """A finding raised before anybody listed the account is joined under the name it was raised with."""
    (made,) = Findings(listed.place.ledger).take((row(id="u-1", actor=SID),), (), NOON)
    assert listed.findings.take((row(id="u-2", actor=SID, target="x"),), (), NOON) == (made,)


def test_the_desks_own_account_stands_for_it(listed: Listed) -> None:
    """Where the desk knows the directory's id, that account is the one, by any name of the list; others stay apart."""
    desk = Linked({("corp", ID.lower()): AccountId("a-kim"), ("corp", "00uole"): AccountId("a-ole")})
    whose = Whose(desk, ("corp",), listed.file)

    assert {whose.account(directory, name) for directory in ("corp", None) for name in NAMES} == {"a-kim"}
    assert {whose.account("corp", name) for name in ("ole", "00uOLE", "a-ole")} == {"a-ole"}
    assert whose.account("corp", "shared-box") is None
    assert "a-kim" in whose.names(None, DN)
    assert whose.names("corp", "a-kim") >= {name.lower() for name in NAMES}
    assert "shared-box" not in whose.names("corp", "a-kim")


def suppress(listed: Listed, name: str) -> str:
    return listed.findings.suppress(
        PersonId("p-1"), NOON, rule="verdict.unverified", party="actor", name=name, until=WEEK, why="night shift"
    )
