"""Browsers for prompts that are woken: who may say where, what is pushed, and that nothing depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.desk.office import Office
from tests.desk.test_prompts import Phone, said
from tests.notices.push_service import PushService, push_service
from watchword.core.action import Action
from watchword.core.errors import Invalid, Refused
from watchword.desk.waking import MOST, to_subscribe
from watchword.languages.catalogue import words
from watchword.notices.port import Subscription
from watchword.settings import load

CONFIG = """
[web_push]
contact = "mailto:it-security@example.test"
services = ["{host}"]
"""


@pytest.fixture
def service() -> Iterator[PushService]:
    """A push service."""
    with push_service() as running:
        yield running


@pytest.fixture
def woken(office: Office, service: PushService) -> Office:
    """An office that wakes browsers at it."""
    config: Path = office.home / "watchword.toml"
    config.write_text(config.read_text() + CONFIG.format(host=service.host))
    office.settings = load(config)
    office.restart()
    return office


def subscribe(
    office: Office, phone: Phone, where: Subscription, *, greeting: str = "", signer: Phone | None = None
) -> None:
    """Have *phone* say where it is woken; *signer* is whose key signs it."""
    waking, at = office.app.waking, office.at
    assert waking is not None
    greeting = greeting or office.app.prompts.greeting(at)
    signature = (signer or phone).browser.sign(to_subscribe(greeting, where))
    waking.subscribe(phone.held, greeting, signature, where, at)


def entries(office: Office) -> list[str]:
    """What stands in Mara's stream, as text."""
    read = office.app.ledger.read(f"person/{office['mara.lind']}")
    return [msgspec.json.encode(e.entry).decode() for e in read]


def test_a_prompt_wakes_the_browser_and_says_nothing(woken: Office, service: PushService) -> None:
    """What is shown is one sentence, without number, case, action or name; the prompt itself is answered as ever."""
    phone = Phone(woken, "mara.lind")
    subscribe(woken, phone, service.subscription)
    case = woken.open(action=Action.TOTAL_LOSS)
    challenge = woken.begin(case, "push_number")
    woken.run()
    assert service.shown() == (words("en")("prompts.push"),)
    assert int(service.pushes[0][0]["ttl"]) <= 300
    phone.types(said(woken, case, challenge))
    assert [e.method for e in woken.case(case).evidence] == ["push_number"]
    woken.pass_by(minutes=10)
    assert len(service.pushes) == 1


def test_where_it_is_woken_is_said_once_and_kept_sealed(woken: Office, service: PushService) -> None:
    """The same address again is no entry, another one takes its place, and no entry holds any of it."""
    phone, where = Phone(woken, "mara.lind"), service.subscription
    before = len(entries(woken))
    subscribe(woken, phone, where)
    subscribe(woken, phone, where)
    assert len(entries(woken)) == before + 1
    assert not [e for e in entries(woken) if where.endpoint in e or where.auth in e or where.p256dh in e]
    for number in range(MOST - 1):
        subscribe(woken, phone, msgspec.structs.replace(where, endpoint=f"{where.endpoint}{number}"))
    with pytest.raises(Refused) as caught:
        subscribe(woken, phone, where)
    assert caught.value.reasons == ("woken_often",)


def test_only_the_browser_itself_says_where(woken: Office, service: PushService) -> None:
    """Another browser's signature, an old greeting, a revoked browser and a host that is not trusted are refused."""
    mara, noah, where = Phone(woken, "mara.lind"), Phone(woken, "noah.berg"), service.subscription
    old = woken.app.prompts.greeting(woken.at)
    before = len(entries(woken))
    with pytest.raises(Refused):
        subscribe(woken, mara, where, signer=noah)
    with pytest.raises(Invalid):
        subscribe(woken, mara, msgspec.structs.replace(where, endpoint="http://10.0.0.1/"))
    woken.wait(minutes=2)
    with pytest.raises(Refused):
        subscribe(woken, mara, where, greeting=old)
    woken.app.people.revoke_credential(woken["root.admin"], woken["mara.lind"], mara.held.credential, "lost", woken.at)
    with pytest.raises(Refused):
        subscribe(woken, mara, where)
    assert len(entries(woken)) == before + 1
    assert service.pushes == []


def test_a_service_that_is_gone_or_busy_changes_nothing_else(woken: Office, service: PushService) -> None:
    """What is over is dropped, what is busy is tried again, and an open page shows the prompt all the while."""
    phone = Phone(woken, "mara.lind")
    subscribe(woken, phone, service.subscription)
    case = woken.open(action=Action.TOTAL_LOSS)
    service.status = 503
    challenge = woken.begin(case, "push_number")
    woken.run()
    assert [c for c, _ in phone.waiting()] == [challenge]
    service.status = 201
    woken.pass_by(minutes=1)
    assert len(service.pushes) == 1
    service.status = 410
    woken.begin(case, "push_number")
    woken.run()
    service.status = 201
    woken.pass_by(minutes=1)
    assert len(service.pushes) == 1


def test_who_is_not_woken_answers_all_the_same(woken: Office, service: PushService) -> None:
    """A browser that never said where, and one whose challenge is over before the runner came, are left in peace."""
    phone = Phone(woken, "mara.lind")
    case = woken.open(action=Action.TOTAL_LOSS)
    challenge = woken.begin(case, "push_number")
    woken.run()
    phone.types(said(woken, case, challenge))
    subscribe(woken, phone, service.subscription)
    woken.begin(case, "push_number")
    woken.wait(minutes=5)
    woken.run()
    assert service.pushes == []


def test_an_office_that_wakes_nobody(office: Office) -> None:
    """Without the setting nothing is sent or asked of the runner, and prompts work as they did."""
    phone = Phone(office, "mara.lind")
    case = office.open(action=Action.TOTAL_LOSS)
    challenge = office.begin(case, "push_number")
    assert office.app.waking is None
    assert not [row for row in office.app.ledger.effects() if row.kind == "send"]
    phone.types(said(office, case, challenge))
