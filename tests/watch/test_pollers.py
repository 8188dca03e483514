"""Services that are asked: pages, checkpoints, late events, rate limits, and what is not well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import RSAKey

from watchword.core.errors import Invalid
from watchword.watch.sources.entra import EntraLogs
from watchword.watch.sources.google import GoogleReports
from watchword.watch.sources.keycloak import KeycloakEvents
from watchword.watch.sources.okta import OktaLog
from watchword.watch.sources.port import Poller
from watchword.watch.sources.pull import Pull
from watchword.watch.sources.spool import Position, Spool
from watchword.watch.sources.web import Web

from .conftest import NOON
from .services import Asked, Reply, Service, service

HOUR = timedelta(hours=1)


@pytest.fixture
def remote() -> Iterator[Service]:
    """A service."""
    with service() as made:
        yield made


class Asking:
    """A poller at work, with a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.at = NOON
        self.spool = Spool(folder / "spool")
        self.web = Web(lambda: self.at, within_s=5)

    def once(self, poller: Poller) -> float:
        """Ask until there is no more; the seconds until the next time."""
        return self.pull(poller).once()

    def pull(self, poller: Poller) -> Pull:
        """*poller* at work."""
        return Pull("feed", poller, self.spool, timedelta(seconds=30), lambda: self.at)

    def ids(self, member: str = "id") -> list[Any]:
        """The ids of the lines that are durable."""
        at, found = Position(), []
        while (part := self.spool.read(at)) is not None:
            found += [json.loads(line)[member] for line in part.read().splitlines()]
            at = part.until
        return found


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    """What asks."""
    made = Asking(tmp_path)
    with made.web:
        yield made


def stamp(at: datetime) -> str:
    """A time as the services write it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class OktaService:
    """The System Log: by the time events were stored, `next` links that never end, and a rate limit."""

    def __init__(self, remote: Service) -> None:
        self.events: list[tuple[datetime, dict[str, Any]]] = []  # when it was stored, and the event
        self.limit, self.left = 2, 100
        self.remote = remote
        self.links_are_too_old = False
        remote.answer = self.answer

    def add(self, name: str, published: datetime, stored: datetime | None = None) -> None:
        """An event, which may be stored late."""
        self.events.append((stored or published, {"uuid": name, "published": stamp(published)}))

    def answer(self, asked: Asked) -> Reply:
        """Answer as the service does."""
        assert asked.headers["authorization"] == "SSWS the-token"
        if self.left <= 0:
            return Reply({}, 429, {"x-rate-limit-reset": str(int(NOON.timestamp()) + 17)})
        place = asked.query.get("after")
        if place and self.links_are_too_old:
            self.links_are_too_old = False
            return Reply({"errorCode": "E0000031"}, 400)
        events = sorted(self.events, key=lambda one: one[0])
        if place is None:
            since = datetime.fromisoformat(asked.query["since"])
            events = [one for one in events if one[0] >= since]
            start = len(self.events) - len(events)
        else:
            start = int(place)
            events = events[start:]
        page = events[: self.limit]
        headers = {"x-rate-limit-remaining": str(self.left), "x-rate-limit-reset": str(int(NOON.timestamp()) + 17)}
        if page or "until" not in asked.query:
            until = "&until=" + asked.query["until"] if "until" in asked.query else ""
            own, more = (f"{self.remote.url}/api/v1/logs?after={n}{until}" for n in (start, start + len(page)))
            headers["link"] = f'<{own}>; rel="self", <{more}>; rel="next"'
        return Reply([event for _, event in page], headers=headers)


def test_okta_is_read_page_by_page_and_on(remote: Service, asking: Asking) -> None:
    """By next links to the end, then from there with each poll and after a restart, each event once."""
    okta = OktaService(remote)
    for n in range(5):
        okta.add(f"e{n}", NOON - HOUR + n * timedelta(minutes=1))
    poller = OktaLog(asking.web, remote.url, "the-token")
    assert asking.once(poller) == 30
    assert asking.ids("uuid") == ["e0", "e1", "e2", "e3", "e4"]
    assert remote.asked[0].query["since"] == stamp(NOON - timedelta(days=30))
    okta.add("e5", NOON)
    asking.at += timedelta(seconds=30)
    asking.once(OktaLog(asking.web, remote.url, "the-token"))
    assert asking.ids("uuid")[5:] == ["e5"]
    assert "after" in remote.asked[-1].query


def test_okta_is_read_again_for_what_came_late(remote: Service, asking: Asking) -> None:
    """Every quarter of an hour the last half hour is read anew; what is known is not spooled again."""
    okta = OktaService(remote)
    okta.add("e0", NOON - timedelta(minutes=10))
    poller = OktaLog(asking.web, remote.url, "the-token")
    asking.once(poller)
    okta.events.insert(0, (NOON - timedelta(minutes=20), {"uuid": "late", "published": stamp(NOON)}))
    asking.at += timedelta(minutes=16)
    asking.once(poller)
    assert asking.ids("uuid") == ["e0", "late"]


def test_okta_is_read_on_however_much_there_is_to_read_again(remote: Service, asking: Asking) -> None:
    """Where the last half hour is more than the rate limit lets be read, what came since is read all the same."""
    okta = OktaService(remote)
    for n in range(8):
        okta.add(f"e{n}", NOON - timedelta(minutes=10))
    poller = OktaLog(asking.web, remote.url, "the-token")
    asking.once(poller)
    asking.at += timedelta(minutes=16)
    okta.add("new", asking.at)
    okta.left = 1
    for _ in range(3):
        asking.once(poller)
        asking.at += timedelta(seconds=20)
    assert asking.ids("uuid")[8:] == ["new"]


class Full(Spool):
    """On a disk that is full after so many more records."""

    room = 1000

    def append(self, *args: Any, **options: Any) -> bool:
        """See `Spool.append`."""
        if not self.room:
            raise OSError(28, "No space left on device")
        self.room -= 1
        return super().append(*args, **options)


@pytest.mark.parametrize("room", [0, 1, 2])
def test_okta_is_read_again_where_a_disk_was_full(remote: Service, asking: Asking, room: int) -> None:
    """What could not be kept, of what is new and of what is read anew, is asked for again."""
    okta = OktaService(remote)
    okta.add("e0", NOON - timedelta(minutes=10))
    asking.spool = full = Full(asking.spool.folder)
    poller = OktaLog(asking.web, remote.url, "the-token")
    asking.once(poller)
    asking.at += timedelta(minutes=16)
    okta.add("e1", asking.at - timedelta(minutes=2))
    full.room = room
    asking.once(poller)
    full.room = 1000
    asking.at += timedelta(seconds=30)
    asking.once(poller)
    assert asking.ids("uuid") == ["e0", "e1"]


def test_okta_forgets_a_link(remote: Service, asking: Asking) -> None:
    """A next link that is too old is let go: reading goes on from the newest event, with some overlap."""
    okta = OktaService(remote)
    okta.add("e0", NOON - HOUR)
    poller = OktaLog(asking.web, remote.url, "the-token")
    asking.once(poller)
    okta.links_are_too_old = True
    okta.limit = 10
    okta.add("e1", NOON)
    asking.at += timedelta(seconds=30)
    asking.once(OktaLog(asking.web, remote.url, "the-token"))
    assert set(asking.ids("uuid")) == {"e0", "e1"}
    assert remote.asked[-2].query["since"] == stamp(NOON - HOUR - timedelta(minutes=30))


def test_okta_asks_for_patience(remote: Service, asking: Asking) -> None:
    """All but used up, and used up: the next time is when the limit is full again, and nothing is lost."""
    okta = OktaService(remote)
    for n in range(5):
        okta.add(f"e{n}", NOON - HOUR + n * timedelta(minutes=1))
    poller = OktaLog(asking.web, remote.url, "the-token")
    okta.left = 1
    assert asking.once(poller) == pytest.approx(17)
    assert asking.ids("uuid") == ["e0", "e1"]
    okta.left = 0
    assert asking.once(poller) == pytest.approx(17)
    okta.left = 100
    assert asking.once(poller) == 30
    assert asking.ids("uuid") == ["e0", "e1", "e2", "e3", "e4"]


def test_okta_can_not_lead_us_elsewhere(remote: Service, asking: Asking) -> None:
    """A link to another host would carry the token there."""
    remote.answer = lambda _: Reply([{"uuid": "a"}], headers={"link": '<https://evil.example.test/x>; rel="next"'})
    pull = asking.pull(OktaLog(asking.web, remote.url, "the-token"))
    pull.once()
    assert len(remote.asked) == 1
    assert "evil.example.test" in str(pull.health.error)


class Paged:
    """Graph: records by time, a token first, pages by link."""

    def __init__(self, remote: Service) -> None:
        self.logs: dict[str, list[dict[str, Any]]] = {"directoryAudits": [], "signIns": []}
        self.remote, self.tokens, self.fails_at = remote, 0, ""
        remote.answer = self.answer

    def add(self, log: str, name: str, at: datetime) -> None:
        """A record."""
        field = {"directoryAudits": "activityDateTime", "signIns": "createdDateTime"}[log]
        self.logs[log].append({"id": name, field: stamp(at)})

    def answer(self, asked: Asked) -> Reply:
        """Answer as the service does."""
        if asked.path.endswith("/oauth2/v2.0/token"):
            assert b"grant_type=client_credentials" in asked.body
            assert b"client_secret=the-secret" in asked.body
            self.tokens += 1
            return Reply({"access_token": f"t{self.tokens}", "expires_in": 3599, "token_type": "Bearer"})
        assert asked.headers["authorization"].startswith("Bearer t")
        log = asked.path.rpartition("/")[2]
        if asked.query.get("$skiptoken") == self.fails_at and self.fails_at:
            return Reply({"error": {"code": "UnknownError"}}, 504)
        field, _, since = asked.query["$filter"].split(" ")
        found = sorted((r for r in self.logs[log] if r[field] >= since.removesuffix("Z")), key=lambda r: str(r[field]))
        start = int(asked.query.get("$skiptoken", 0))
        page = found[start : start + 2]
        reply: dict[str, Any] = {"@odata.context": "…", "value": page}
        if start + 2 < len(found):
            link = f"{self.remote.url}{asked.path}?$filter={field} ge {since}&$skiptoken={start + 2}"
            reply["@odata.nextLink"] = link.replace(" ", "%20")
        return Reply(reply)


def entra(remote: Service, asking: Asking) -> EntraLogs:
    """A poller of one tenant."""
    return EntraLogs(asking.web, "tenant-1", "app-1", "the-secret", graph=remote.url, login=remote.url)


def test_entra_is_read_page_by_page(remote: Service, asking: Asking) -> None:
    """Both logs by next links, with one token; then from before the newest, for what comes late, without repeats."""
    graph = Paged(remote)
    for n in range(5):
        graph.add("directoryAudits", f"a{n}", NOON - HOUR + n * timedelta(minutes=1))
    graph.add("signIns", "s0", NOON - HOUR)
    poller = entra(remote, asking)
    asking.once(poller)
    assert asking.ids() == ["a0", "a1", "a2", "a3", "a4", "s0"]
    graph.add("directoryAudits", "late", NOON - 2 * HOUR)
    graph.add("directoryAudits", "new", NOON)
    asking.at += timedelta(minutes=1)
    asking.once(poller)
    assert asking.ids()[6:] == ["late", "new"]
    assert graph.tokens == 1


def test_entra_goes_on_within_a_reading(remote: Service, asking: Asking) -> None:
    """A page that fails is asked for again by the next process; what was read before it is not."""
    graph = Paged(remote)
    for n in range(6):
        graph.add("directoryAudits", f"a{n}", NOON - HOUR + n * timedelta(minutes=1))
    graph.fails_at = "4"
    pull = asking.pull(entra(remote, asking))
    assert pull.once() < 10
    assert "504" in str(pull.health.error)
    graph.fails_at = ""
    asking.once(entra(remote, asking))
    assert asking.ids() == ["a0", "a1", "a2", "a3", "a4", "a5"]


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Reports:
    """The Reports API: newest first, a signed assertion for a token."""

    def __init__(self, remote: Service) -> None:
        self.items: dict[str, list[dict[str, Any]]] = {"admin": [], "login": []}
        self.remote = remote
        remote.answer = self.answer

    def add(self, application: str, number: int, at: datetime) -> None:
        """An activity."""
        self.items[application].append(
            {"id": {"time": stamp(at), "uniqueQualifier": str(number), "applicationName": application}}
        )

    def answer(self, asked: Asked) -> Reply:
        """Answer as the service does."""
        if asked.path == "/token":
            assertion = asked.body.decode().partition("assertion=")[2].partition("&")[0]
            said = jwt.decode(assertion, RSAKey.import_key(KEY.public_key()), algorithms=["RS256"]).claims
            assert said["aud"] == f"{self.remote.url}/token"
            assert said["sub"] == "admin@example.test"
            assert said["exp"] - said["iat"] == 3600
            return Reply({"access_token": "t", "expires_in": 3599})
        application = asked.path.rpartition("/")[2]
        since = asked.query["startTime"]
        found = [i for i in reversed(self.items[application]) if i["id"]["time"] >= since]
        start = int(asked.query.get("pageToken", 0))
        page = found[start : start + 2]
        more = {"nextPageToken": str(start + 2)} if start + 2 < len(found) else {}
        # An application without activities has no items at all.
        return Reply({"kind": "admin#reports#activities", **({"items": page} if page else {}), **more})


def test_google_is_read_newest_first(remote: Service, asking: Asking) -> None:
    """Each application by page token; the checkpoint moves when a reading is whole, and repeats are left out."""
    reports = Reports(remote)
    for n in range(5):
        reports.add("admin", n, NOON - HOUR + n * timedelta(minutes=1))
    pem = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {"client_email": "w@example.test", "private_key": pem, "token_uri": f"{remote.url}/token"}
    poller = GoogleReports(
        asking.web,
        json.dumps(account).encode(),
        "admin@example.test",
        applications=("admin", "login"),
        api=remote.url,
    )
    asking.once(poller)
    numbers = [one["uniqueQualifier"] for one in asking.ids()]
    assert numbers == ["4", "3", "2", "1", "0"]
    reports.add("login", 9, NOON)
    reports.add("admin", 5, NOON)
    asking.at += timedelta(minutes=1)
    asking.once(poller)
    assert [one["uniqueQualifier"] for one in asking.ids()][5:] == ["5", "9"]
    with pytest.raises(Invalid, match="service account"):
        GoogleReports(asking.web, b"{}", "admin@example.test")


class Realm:
    """Keycloak's admin API: newest first, by first and max; older versions give no ids. Days are those of *zone*."""

    def __init__(self, remote: Service, zone: str = "+00:00") -> None:
        self.zone = zone
        self.logs: dict[str, list[dict[str, Any]]] = {"admin-events": [], "events": []}
        self.while_paging: dict[str, Any] | None = None
        remote.answer = self.answer

    def answer(self, asked: Asked) -> Reply:
        """Answer as the service does."""
        if asked.path == "/realms/corp/protocol/openid-connect/token":
            return Reply({"access_token": "t", "expires_in": 60})
        assert asked.headers["authorization"] == "Bearer t"
        log = asked.path.removeprefix("/admin/realms/corp/")
        day = datetime.fromisoformat(asked.query["dateFrom"] + "T00:00:00" + self.zone).timestamp() * 1000
        found = sorted((e for e in self.logs[log] if e["time"] >= day), key=lambda e: -int(e["time"]))
        first = int(asked.query["first"])
        page = found[first : first + int(asked.query["max"])]
        if log == "events" and self.while_paging:
            self.logs[log].append(self.while_paging)
            self.while_paging = None
        return Reply(page)


def test_keycloak_is_read_newest_first(remote: Service, asking: Asking) -> None:
    """Both logs; an event that comes while it pages makes no hole, and what is older than the overlap ends it."""
    realm = Realm(remote)
    begin = int((NOON - HOUR).timestamp() * 1000)
    realm.logs["admin-events"] = [{"id": "a0", "time": begin, "operationType": "UPDATE"}]
    realm.logs["events"] = [{"id": f"e{n}", "time": begin + n * 600_000, "type": "LOGIN"} for n in range(5)]
    realm.while_paging = {"id": "e5", "time": begin + 3_000_000, "type": "LOGIN"}
    poller = KeycloakEvents(asking.web, remote.url, "corp", "watch", "the-secret", most=2)
    asking.once(poller)
    assert asking.ids() == ["a0", "e4", "e3", "e2", "e1", "e0"]
    asking.at += timedelta(minutes=1)
    asking.once(poller)
    assert asking.ids()[6:] == ["e5"]
    realm.logs["events"] += [{"time": begin + n * 3_600_000, "type": "LOGOUT", "id": f"f{n}"} for n in (1, 2)]
    asking.at += 2 * HOUR
    asked = len(remote.asked)
    asking.once(KeycloakEvents(asking.web, remote.url, "corp", "watch", "the-secret", most=2))
    assert {"f1", "f2"} <= set(asking.ids())
    assert len([p for p in remote.paths()[asked:] if p.endswith("/events")]) == 2


@pytest.mark.parametrize("zone", ["-12:00", "-05:00", "+14:00"])
def test_a_keycloak_elsewhere_is_read_whole(remote: Service, asking: Asking, zone: str) -> None:
    """A day begins where the server is: what is done while it has begun here, and there not yet, is read as well."""
    realm = Realm(remote, zone)
    poller = KeycloakEvents(asking.web, remote.url, "corp", "watch", "the-secret")
    for minute in range(0, 24 * 60, 60):
        asking.at = NOON.replace(hour=0) + timedelta(minutes=minute)
        realm.logs["admin-events"].append({"id": f"a{minute}", "time": int(asking.at.timestamp() * 1000) - 30_000})
        asking.once(poller)
    assert asking.ids() == [f"a{minute}" for minute in range(0, 24 * 60, 60)]


def _always(reply: Reply, _: Asked) -> Reply:
    return reply


def test_a_service_that_is_not_well_is_told(remote: Service, asking: Asking) -> None:
    """Silence, nonsense and refusals back off further each time; after five minutes it is told, until it is over."""
    pull = asking.pull(OktaLog(asking.web, remote.url, "the-token"))
    answers = [Reply({}, 500), Reply(raw=b"<html>"), Reply({"not": "a list"}), Reply({}, 401), Reply({}, 302)]
    waits = []
    for reply in answers:
        remote.answer = partial(_always, reply)
        waits.append(pull.once())
    assert waits[0] < waits[2] < waits[4]
    assert pull.told(asking.at) == ()
    (told,) = pull.told(asking.at + timedelta(minutes=6))
    assert told.reasons == ("feed_failing",)
    remote.answer = lambda _: Reply([])
    assert pull.once() == 30
    assert pull.told(asking.at + timedelta(minutes=6)) == ()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "7"}, 7), ({"Retry-After": "Mon, 02 Mar 2026 12:00:30 GMT"}, 30), ({"Retry-After": "-"}, None),
     ({"X-Rate-Limit-Reset": str(int(NOON.timestamp()) + 90)}, 90), ({"Retry-After": "999999"}, 3600)],
)  # fmt: skip
def test_patience_is_what_was_asked_for(
    remote: Service, asking: Asking, headers: dict[str, str], seconds: float | None
) -> None:
    """Seconds, a date, Okta's reset; nonsense is backed off from, and nothing makes us sleep for a day."""
    remote.answer = lambda _: Reply({}, 429, headers)
    waited = asking.once(OktaLog(asking.web, remote.url, "the-token"))
    assert waited == pytest.approx(seconds) if seconds is not None else waited < 10


def test_credentials_go_nowhere_in_the_clear(asking: Asking) -> None:
    """An address that is not https, but for this machine, is refused."""
    with pytest.raises(Invalid, match="not https"):
        OktaLog(asking.web, "http://okta.example.test", "the-token")
