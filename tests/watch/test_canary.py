"""The canary's own events are known by whatever the log calls its account and whoever acts; nobody else's are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.sources.canary import Act, Canary, note
from watchword.watch.whose import Whose, goes_by

from .rows import NOON, row

KEYS = ("cn=canary,ou=dummies,dc=corp,dc=example,dc=test", "s-1-5-21-9-1200", "canary", "canary@example.test")
PRINCIPAL = ("cn=watchword,ou=services,dc=corp,dc=example,dc=test", "s-1-5-21-9-1201", "svc-watchword")
LISTED = "keys,class\ns-1-5-21-9-1201|CORPNET\\svc-watchword,service\n"


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    """A canary that was reset at noon, by an executor that a list of accounts has one more name for."""
    file, accounts = tmp_path / "canary.json", tmp_path / "accounts.csv"
    note(file, Act(at=NOON, account=KEYS, principal=PRINCIPAL))
    accounts.write_text(LISTED)
    return Canary(file, timedelta(minutes=15), timedelta(hours=1), Whose(file=accounts))


def verdict(canary: Canary, actor: str, target: str) -> Verdict:
    """What is said of a reset of *target* by *actor* at noon."""
    reset = row(actor=actor, target=target, action=Canonical.PASSWORD_RESET, at=NOON, verdict=Verdict.SUSPICIOUS)
    return canary.mark((reset,))[0].verdict


@pytest.mark.parametrize(
    ("actor", "target"),
    [
        ("S-1-5-21-9-1201", "CN=Canary,OU=Dummies,DC=corp,DC=example,DC=test"),
        ("CORP\\svc-watchword", "canary"),
        ("svc-watchword@corp.example.test", "S-1-5-21-9-1200"),
        ("corp.example.test\\SVC-Watchword", "CORP\\Canary"),
        ("svc-watchword", "canary@example.test"),
        ("CORPNET\\svc-watchword", "EXAMPLE\\canary"),
    ],
)
def test_its_event_is_known_by_every_name(canary: Canary, actor: str, target: str) -> None:
    """SID, DN, principal name, login, and login within its own domain; what only the list has, too."""
    assert verdict(canary, actor, target) is Verdict.IGNORED


@pytest.mark.parametrize(
    ("actor", "target"),
    [
        ("OTHER\\svc-watchword", "canary"),
        ("svc-watchword@other.example.test", "canary"),
        ("svc-watchword", "OTHER\\canary"),
        ("svc-watchword", "canary2"),
        ("\\svc-watchword", "canary"),
        ("helen", "canary"),
    ],
)
def test_what_others_do_is_not_the_canary(canary: Canary, actor: str, target: str) -> None:
    """The same login in another domain is somebody else's."""
    assert verdict(canary, actor, target) is Verdict.SUSPICIOUS


def test_what_is_not_seen_says_what_it_is_called(canary: Canary) -> None:
    """Whoever looks why the canary was not seen reads by which names it was looked for."""
    (told,) = canary.told(NOON + timedelta(minutes=16))
    assert "an account that logs call cn=canary,ou=dummies,dc=corp,dc=example,dc=test or s-1-5-21-9-1200" in str(
        told.detail
    )
    assert str(told.detail).endswith("or svc-watchword")


def test_without_a_domain_there_is_no_login_in_one() -> None:
    """Where no key says a domain, a login in whatever domain is not the account's."""
    assert goes_by("canary", ("canary",))
    assert not goes_by("CORP\\canary", ("canary", "00u1"))
