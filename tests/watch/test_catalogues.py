"""The catalogues of the providers: every native type stands for something, or says why it does not; nothing is lost."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from watchword.core.identity_event import Canonical
from watchword.watch import correlation
from watchword.watch.meter import Meter
from watchword.watch.providers import PROVIDERS, Feed, Provider
from watchword.watch.reading import read_log
from watchword.watch.sieve import Tally

from .test_windows import SUBJECT, _event

SIGN_IN = {Canonical.LOGIN_SUCCESS, Canonical.LOGIN_FAILURE}

TAKEN_UP = {
    ("entra", "Add member to role completed (PIM activation)"),
    ("entra", "Add owner to application"),
    ("entra", "Add owner to service principal"),
    ("github", "org.add_member owner"),
    ("github", "org.add_billing_manager"),
    ("github", "business.add_admin"),
    ("github", "business.add_owner"),
    ("github", "business.add_billing_manager"),
    ("github", "team.promote_maintainer"),
    ("google", "groups:accept_invitation privileged"),
    ("google", "groups_enterprise:accept_invitation privileged"),
}
"""Power that people take up themselves after somebody else gave it, or that comes with what they made."""

NOBODYS_OWN = (
    *("another service password", "ds/ResetUserPassword", "cognito-idp/Admin"),
    *("workmail/", "transfer/", "lightsail/", "glue/"),
)
"""AWS: how types begin whose account is of another kind than whoever acts: an equal name says nothing."""


def _rows(provider: Provider) -> list[dict[str, str]]:
    return list(csv.DictReader(provider.catalogue.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_every_type_says_what_it_is(provider: Provider) -> None:
    """A row has an action for both, or a reason to be ignored; one with neither is split into parts that have."""
    rows = _rows(provider)
    natives = [row["native"] for row in rows]
    assert len(set(natives)) == len(natives)
    for row in rows:
        said = {row["canonical"], row["by_owner"]} - {""}
        assert said <= set(Canonical), row
        nobodys = row["native"].startswith(NOBODYS_OWN) and row["canonical"] not in SIGN_IN
        power = row["canonical"] == "privilege.grant" and (provider.name, row["native"]) not in TAKEN_UP
        if not nobodys and not power:
            assert bool(row["canonical"]) == bool(row["by_owner"]), row
        assert not (nobodys and row["by_owner"]), row
        if row["ignored"]:
            # A sign-in is kept apart: it has no verdict, and is joined with.
            assert said <= SIGN_IN, row
        elif not said and (provider.name, row["native"]) != ("ssf", "several events"):
            parts = [one for one in natives if one.startswith((f"{row['native']} ", f"{row['native']}/"))]
            assert parts, f"{row['native']} has neither an action, nor a reason, nor parts"


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_nobody_gives_themself_power(provider: Provider) -> None:
    """Power is the owner's own affair only where it is taken up: what somebody gave themself owes evidence."""
    own = {row["native"] for row in _rows(provider) if row["by_owner"] == "privilege.grant"}
    assert own == {native for name, native in TAKEN_UP if name == provider.name}


def test_every_action_has_a_kind() -> None:
    """The actions of this code and those of the table of kinds are the same: an event of no kind would be no event."""
    with (Path(correlation.__file__).parent / "sql" / "actions.csv").open(encoding="utf-8") as lines:
        assert {row["action"] for row in csv.DictReader(lines)} == {str(action) for action in Canonical}


def test_a_part_that_no_catalogue_names_is_unknown(tmp_path: Path) -> None:
    """An event whose kind its members tell, and which nobody wrote down, is counted and shown all the same."""
    log = tmp_path / "log.jsonl"
    log.write_text(
        json.dumps(_event(4728, **SUBJECT, TargetSid="S-1-5-21-1-2-3-1600", MemberSid="S-1-5-21-1-2-3-1200"))
    )
    windows = PROVIDERS["windows"]
    for forget in (False, True):
        with correlation.connected("256MB", 1) as con:
            correlation.set_up(con, [windows])
            if forget:
                con.execute("DELETE FROM catalogue WHERE native = '4728 other'")
            read_log(con, Feed(provider=windows), log, Tally(), lambda *_: None, Meter(tell=None, size=0))
            seen = {one.native: (one.known, one.lines) for one in correlation.types_seen(con)}
        assert seen == {"4728": (True, 1)} | ({"4728 other/?": (False, 1)} if forget else {})
