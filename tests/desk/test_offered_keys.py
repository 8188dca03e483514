"""Stories of approvers who make their key on a page of their own; and attacks by whoever came by its address."""

from __future__ import annotations

import pytest

from tests.desk.office import SECOND, Office, refused
from tests.desk.test_decisions import asked
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.core.errors import Invalid
from watchword.core.person import Credential, Delegation, Kind
from watchword.desk.links import Link, take_back
from watchword.desk.people import fingerprint

BOSS = "boss.one"


def offered(office: Office, login: str = BOSS, by: str = "root.admin") -> Link:
    """The address of a page for a key, with its code."""
    return office.app.approver_keys.offer(office[by], office[login], office.at)


def other(link: Link) -> str:
    """A code that is not the link's."""
    return f"{(int(link.code) + 1) % 10**6:06d}"


def made(office: Office, link: Link) -> Credential:
    """Make a key by *link*."""
    keys = office.app.approver_keys
    begun = keys.options(link.token, link.code, office.at)
    own = office.keys.passkeys[BOSS] = SoftAuthenticator(office.origin, counts=False)
    return keys.enrol(link.token, link.code, begun.challenge, own.create(begun.options), office.at)


def test_a_key_is_offered_made_and_confirmed(strict: Office) -> None:
    """Address and code make one key, which says that it was made alone; it signs once somebody else confirmed it."""
    link = offered(strict)
    key = made(strict, link)
    assert (key.made_alone, strict.app.registry.person(strict[BOSS]).pages_known(strict.at)) == (True, ())
    with pytest.raises(Invalid, match="There is no such page"):
        strict.app.approver_keys.options(link.token, link.code, strict.at)
    case = asked(strict)
    confirm = strict.app.people.confirm_credential
    assert refused(lambda: confirm(strict["root.admin"], strict[BOSS], key.id, fingerprint(key), strict.at))
    confirm(strict[SECOND], strict[BOSS], key.id, fingerprint(key), strict.at)
    types = [e.entry.type for e in strict.app.ledger.read(f"person/{strict[BOSS]}")]
    assert types[-3:] == ["page.made", "credential.enrolled", "credential.confirmed"]
    strict.sign(case, BOSS)


def test_the_address_alone_makes_no_key(office: Office) -> None:
    """Whoever read the address in a mailbox begins nothing and enrols nothing; the third wrong code closes the page."""
    keys, link, boss = office.app.approver_keys, offered(office), office[BOSS]
    before = office.app.registry.person(boss).credentials
    for odd in ("", "12345", "abcdef", "1" * 10_000):  # can not be a code, and costs no try
        with pytest.raises(Invalid, match="six digits"):
            keys.options(link.token, odd, office.at)
    begun = keys.options(link.token, link.code, office.at)
    answer = SoftAuthenticator(office.origin).create(begun.options)
    for step in (
        lambda: keys.options(link.token, other(link), office.at),
        lambda: keys.enrol(link.token, other(link), begun.challenge, answer, office.at),
        lambda: keys.options(link.token, other(link), office.at),
    ):
        assert refused(step) == ("wrong_page_code",)
    with pytest.raises(Invalid, match="There is no such page"):
        keys.enrol(link.token, link.code, begun.challenge, answer, office.at)
    assert office.app.registry.person(boss).credentials == before
    assert office.app.registry.person(boss).pages_known(office.at)[0].is_closed


def test_an_address_is_for_an_hour_and_for_one_purpose(office: Office) -> None:
    """No link of another page makes a key for approvals, nor this one anything else, and in an hour it is over."""
    link, own = offered(office), office.app.own_enrolment.link(office["root.admin"], office[BOSS], office.at)
    enrolment, keys = office.app.own_enrolment, office.app.approver_keys
    for code in (link.code, own.code):
        with pytest.raises(Invalid, match="There is no such page"):
            keys.options(own.token, code, office.at)
        with pytest.raises(Invalid, match="There is no such page"):
            enrolment.offer_passkey(link.token, code, office.at)
    office.wait(minutes=59)
    (page,) = (p for p in office.app.registry.person(office[BOSS]).pages_at(office.at) if p.expires == link.expires)
    assert (office.at - page.made_at).total_seconds() == 59 * 60
    begun = keys.options(link.token, link.code, office.at)
    office.wait(minutes=1)
    answer = SoftAuthenticator(office.origin).create(begun.options)
    with pytest.raises(Invalid, match="There is no such page"):
        keys.enrol(link.token, link.code, begun.challenge, answer, office.at)
    enrolment.offer_passkey(own.token, own.code, office.at)


def test_a_short_page_ends_no_longer_one(office: Office) -> None:
    """A page that is good for a day is not forgotten because one for an hour was made after it."""
    first = office.app.own_enrolment.link(office["root.admin"], office[BOSS], office.at)
    office.wait(hours=20)
    offered(office)
    office.app.own_enrolment.offer_passkey(first.token, first.code, office.at)
    office.wait(hours=3)
    offered(office)
    person = office.app.registry.person(office[BOSS])
    assert [p.purpose for p in person.pages] == ["own-enrolment", "approver-key"]


def test_an_address_is_taken_back(office: Office) -> None:
    """What went astray makes nothing any more, though it was begun before."""
    link, keys = offered(office), office.app.approver_keys
    begun = keys.options(link.token, link.code, office.at)
    (page,) = office.app.registry.person(office[BOSS]).pages_at(office.at)
    take_back(office.app.roster, office["root.admin"], office[BOSS], page.id, office.at)
    answer = SoftAuthenticator(office.origin).create(begun.options)
    with pytest.raises(Invalid, match="There is no such page"):
        keys.enrol(link.token, link.code, begun.challenge, answer, office.at)


def test_who_may_offer(office: Office) -> None:
    """No agent, nobody to themself, none for software; a delegate's address ends with their delegation."""
    root, people = office["root.admin"], office.app.people
    for actor, login in (("ada.agent", BOSS), ("root.admin", "root.admin")):
        assert refused(lambda: offered(office, login, actor))  # noqa: B023
    people.register(root, login="bot.one", name="Bot", kind=Kind.AI, unit="desk", at=office.at)
    assert refused(lambda: offered(office, "bot.one")) == ("no_person",)
    people.delegate(root, office[BOSS], Delegation(unit="desk", until=office.at.replace(year=2027)), office.at)
    assert refused(lambda: offered(office, "ann.author", BOSS)) == ("not_administered",)
    link = offered(office, "noah.berg", BOSS)
    people.end_delegation(root, office[BOSS], "desk", office.at)
    assert refused(lambda: office.app.approver_keys.options(link.token, link.code, office.at))
