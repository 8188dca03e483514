"""Changes that a service has days after they happened: read again once a day, each once."""

from __future__ import annotations

import json
from datetime import timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization

from watchword.watch.sources.entra import EntraLogs
from watchword.watch.sources.google import GoogleReports
from watchword.watch.sources.recent import is_due

from .conftest import NOON
from .services import Service
from .test_pollers import HOUR, KEY, Asking, Paged, Reports, asking, entra, remote

__all__ = ["asking", "remote"]

DAY = timedelta(days=1)


def google(remote: Service, asking: Asking, late: timedelta = 3 * DAY) -> GoogleReports:
    """A poller of one customer."""
    form = serialization.PrivateFormat.PKCS8
    pem = KEY.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    account = {"client_email": "w@example.test", "private_key": pem, "token_uri": f"{remote.url}/token"}
    key, applications = json.dumps(account).encode(), ("admin", "login", "token")
    return GoogleReports(asking.web, key, "admin@example.test", applications=applications, api=remote.url, late=late)


def test_a_change_that_entra_has_two_days_late_is_read_once(remote: Service, asking: Asking) -> None:
    """Not by the next reading, which goes back two hours, but on the next day; sign-ins are not read again so far."""
    graph = Paged(remote)
    graph.add("directoryAudits", "a0", NOON - HOUR)
    poller = entra(remote, asking)
    asking.once(poller)
    graph.add("signIns", "s0", NOON - HOUR)
    asking.at += HOUR
    asking.once(poller)
    for log in graph.logs:
        graph.add(log, f"late {log}", NOON - DAY)
    asking.once(poller)
    assert asking.ids() == ["a0", "s0"]
    for _ in range(3):
        asking.at += DAY
        asking.once(poller)
    assert asking.ids() == ["a0", "s0", "late directoryAudits"]


def test_a_sweep_of_entra_that_is_broken_off_goes_on(remote: Service, asking: Asking) -> None:
    """The next process reads the pages that are left, and on the same day no sweep follows it."""
    graph = Paged(remote)
    graph.add("directoryAudits", "a0", NOON - HOUR)
    asking.once(entra(remote, asking))
    for n in range(5):
        graph.add("directoryAudits", f"l{n}", NOON - 2 * DAY + n * HOUR)
    asking.at += DAY
    graph.fails_at = "4"
    assert asking.pull(entra(remote, asking)).once() < 10
    graph.fails_at = ""
    asking.once(entra(remote, asking))
    assert sorted(set(asking.ids())) == ["a0", "l0", "l1", "l2", "l3", "l4"]
    graph.add("directoryAudits", "tomorrow", NOON - 12 * HOUR)
    asking.at += HOUR
    asking.once(entra(remote, asking))
    assert "tomorrow" not in asking.ids()
    asking.at += DAY
    asking.once(entra(remote, asking))
    assert "tomorrow" in asking.ids()


def test_an_activity_that_google_has_two_days_late_is_read_once(remote: Service, asking: Asking) -> None:
    """Of each application but the tokens; where it is set to none, never."""
    reports = Reports(remote)
    reports.items["token"] = []
    for number, application in enumerate(("admin", "login", "token")):
        reports.add(application, number, NOON - HOUR)
    poller, never = google(remote, asking), google(remote, asking, timedelta(0))
    asking.once(poller)
    for number, application in enumerate(("admin", "login", "token"), 10):
        reports.add(application, number, NOON - 2 * DAY)
    asking.at += DAY
    asking.once(never)
    assert len({one["uniqueQualifier"] for one in asking.ids()}) == 3
    asking.once(poller)
    asking.once(poller)
    numbers = [one["uniqueQualifier"] for one in asking.ids()]
    assert (numbers.count("10"), numbers.count("11"), numbers.count("12")) == (1, 1, 0)


@pytest.mark.parametrize(("hours", "due"), [(23, False), (24, True), (-1, False)])
def test_once_a_day(hours: int, due: bool) -> None:
    """From a day after the last one; at once where there was none; never where nothing is to be read again."""
    at = NOON + hours * HOUR
    assert is_due(NOON, at, DAY) is due
    assert is_due(None, at, DAY)
    assert not is_due(None, at, timedelta(0))


def test_a_checkpoint_of_before_is_taken(remote: Service, asking: Asking) -> None:
    """One that was written without sweeps goes on where it was, and the first sweep is at once."""
    graph = Paged(remote)
    graph.add("directoryAudits", "a0", NOON - HOUR)
    graph.add("directoryAudits", "late", NOON - 2 * DAY)
    old = msgspec.json.encode({"newest": {"directoryAudits": (NOON - HOUR).isoformat()}}).decode()
    poller = EntraLogs(
        asking.web, "tenant-1", "app-1", "the-secret", logs=("directoryAudits",), graph=remote.url, login=remote.url
    )
    (page,) = poller.poll(old, NOON)
    assert [json.loads(line)["id"] for line in page.lines] == ["late", "a0"]
