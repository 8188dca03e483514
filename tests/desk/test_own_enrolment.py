"""Stories of people who enrol by themself: one page, one credential, nobody beside them; and attacks on the page."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest

from tests.desk.office import Office, refused
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.core.action import Action
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.person import Delegation, Kind
from watchword.desk.enrolment import SeedOffer
from watchword.desk.links import take_back
from watchword.desk.people import APPROVING, fingerprint
from watchword.directories.sandbox import Seed

MARA = "mara.lind"
NEW = "nina.new"


@pytest.fixture
def newcomer(office: Office) -> Office:
    """The office on the day Nina became known; she has an account and nothing enrolled."""
    office.directory.seed((Seed(login=NEW, display_name="Nina New", groups=("All Staff",), unit="sales"),))
    office.link(NEW)
    return office


Page = tuple[str, str]
"""A link's token, and the code that is said to its owner."""


def _link(office: Office, login: str = NEW, by: str = "root.admin") -> Page:
    made = office.app.own_enrolment.link(office[by], office[login], office.at)
    return made.token, made.code


def _code(offer: SeedOffer, office: Office) -> str:
    return pyotp.TOTP(offer.key).at(office.at)


def _passkey(office: Office, page: Page) -> SoftAuthenticator:
    made, own = SoftAuthenticator(office.origin, counts=False), office.app.own_enrolment
    offer = own.offer_passkey(*page, office.at)
    own.passkey(*page, offer.challenge, made.create(offer.options), office.at)
    return made


def test_an_app_is_set_up_and_proves(newcomer: Office) -> None:
    """The seed is shown on the page alone; the code that confirmed it proves nothing, the next one does."""
    own, page = newcomer.app.own_enrolment, _link(newcomer)
    assert own.demand(page[0], newcomer.at) == newcomer[NEW]
    offer = own.offer_totp(*page, newcomer.at)
    assert offer.address.startswith("otpauth://totp/")
    assert offer.key in offer.address
    made = own.totp(*page, offer.challenge, _code(offer, newcomer), newcomer.at)

    assert (made.method, made.counts_from) == ("totp", None)
    (held,) = newcomer.app.registry.person(newcomer[NEW]).credentials_of("totp")
    assert held.made_alone
    assert held.enrolled_by == newcomer["root.admin"]
    newcomer.keys.apps[NEW] = base64.b32decode(offer.key)
    case = newcomer.open(NEW, Action.UNLOCK)
    waiting = newcomer.begin(case, "totp")
    assert refused(lambda: newcomer.answer(case, waiting, _code(offer, newcomer))) == ("replayed",)
    newcomer.wait(seconds=60)
    newcomer.answer(case, waiting, _code(offer, newcomer))
    assert "method.proved" in newcomer.types(case)


def test_a_passkey_is_made_and_proves(newcomer: Office) -> None:
    """A passkey made on the page counts on the first day, and a second person can confirm it for approvals."""
    page = _link(newcomer)
    newcomer.keys.passkeys[NEW] = _passkey(newcomer, page)
    (held,) = newcomer.app.registry.person(newcomer[NEW]).credentials_of("passkey")
    assert held.made_alone
    assert held.method in APPROVING
    case = newcomer.open(NEW, Action.UNLOCK)
    challenge = newcomer.begin(case, "passkey")
    newcomer.answer(case, challenge, newcomer.right(case, challenge, NEW))
    assert "method.proved" in newcomer.types(case)

    people, root = newcomer.app.people, newcomer["root.admin"]
    assert refused(lambda: people.confirm_credential(root, newcomer[NEW], held.id, fingerprint(held), newcomer.at)) == (
        "same_person",
    )


def test_what_is_made_later_counts_in_thirty_days(office: Office) -> None:
    """After their first day a page's credential is as young as any other, and the page says from when it counts."""
    office.wait(days=40)
    own, page = office.app.own_enrolment, _link(office, MARA)
    offer = own.offer_totp(*page, office.at)
    made = own.totp(*page, offer.challenge, _code(offer, office), office.at)
    assert made.counts_from == office.at + timedelta(days=30)


def test_a_page_is_good_for_one(newcomer: Office) -> None:
    """Once something is enrolled the page is gone for every step, whichever was begun before."""
    own, page = newcomer.app.own_enrolment, _link(newcomer)
    app, key = own.offer_totp(*page, newcomer.at), own.offer_passkey(*page, newcomer.at)
    own.totp(*page, app.challenge, _code(app, newcomer), newcomer.at)
    answer = SoftAuthenticator(newcomer.origin, counts=False).create(key.options)
    for step in (
        lambda: own.demand(page[0], newcomer.at),
        lambda: own.offer_totp(*page, newcomer.at),
        lambda: own.offer_passkey(*page, newcomer.at),
        lambda: own.totp(*page, app.challenge, _code(app, newcomer), newcomer.at),
        lambda: own.passkey(*page, key.challenge, answer, newcomer.at),
    ):
        with pytest.raises(Invalid, match="There is no such page"):
            step()
    assert len(newcomer.app.registry.person(newcomer[NEW]).credentials) == 1


def test_a_page_is_gone_though_what_it_made_was_revoked(newcomer: Office) -> None:
    """A revoked credential does not open its page again."""
    page = _link(newcomer)
    _passkey(newcomer, page)
    (held,) = newcomer.app.registry.person(newcomer[NEW]).credentials
    newcomer.app.people.revoke_credential(newcomer["root.admin"], newcomer[NEW], held.id, "not hers", newcomer.at)
    with pytest.raises(Invalid, match="There is no such page"):
        newcomer.app.own_enrolment.demand(page[0], newcomer.at)


def test_two_at_once(newcomer: Office) -> None:
    """Of two browsers that confirm at the same moment one enrols."""
    own, page = newcomer.app.own_enrolment, _link(newcomer)
    offers = [own.offer_totp(*page, newcomer.at) for _ in range(2)]

    def confirm(offer: SeedOffer) -> bool:
        try:
            own.totp(*page, offer.challenge, _code(offer, newcomer), newcomer.at)
        except (Invalid, Conflict, Refused):
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(confirm, offers)) == [False, True]
    assert len(newcomer.app.registry.person(newcomer[NEW]).credentials) == 1


def test_whoever_looked_first_holds_nothing(newcomer: Office) -> None:
    """Each look begins with another seed: what an administrator read off before passing the address on is no one's."""
    own, page = newcomer.app.own_enrolment, _link(newcomer)
    theirs, hers = (own.offer_totp(*page, newcomer.at) for _ in range(2))
    assert theirs.key != hers.key
    own.totp(*page, hers.challenge, _code(hers, newcomer), newcomer.at)
    newcomer.keys.apps[NEW] = base64.b32decode(hers.key)
    case = newcomer.open(NEW, Action.UNLOCK)
    waiting = newcomer.begin(case, "totp")
    newcomer.wait(seconds=60)
    assert refused(lambda: newcomer.answer(case, waiting, _code(theirs, newcomer))) == ("wrong_answer",)


def test_a_wrong_code_costs_nothing(newcomer: Office) -> None:
    """A wrong code is said to be one, counts against nobody, and the right one still enrols."""
    own, page = newcomer.app.own_enrolment, _link(newcomer)
    offer = own.offer_totp(*page, newcomer.at)
    size = newcomer.app.ledger.size
    for wrong in ("000000", "", "abcdef", "ü", "1" * 400):
        assert refused(lambda: own.totp(*page, offer.challenge, wrong, newcomer.at)) == ("wrong_app_code",)  # noqa: B023
    assert newcomer.app.ledger.size == size
    own.totp(*page, offer.challenge, _code(offer, newcomer), newcomer.at)


def test_an_offer_is_for_one_person_and_a_while(newcomer: Office) -> None:
    """What was begun for somebody else, was changed, or is too old enrols nothing."""
    own, page, other = newcomer.app.own_enrolment, _link(newcomer), _link(newcomer, MARA)
    offer, foreign = own.offer_totp(*page, newcomer.at), own.offer_totp(*other, newcomer.at)
    key = own.offer_passkey(*page, newcomer.at)
    seed, until, seal = offer.challenge.split(".")
    forged = (
        foreign.challenge,
        key.challenge,
        f"{'00' * 20}.{until}.{seal}",
        f"{seed}.{int(until) + 900}.{seal}",
        *("", ".", "..", "ü.1.ü", seed),
    )
    for each in forged:
        with pytest.raises(Invalid, match="not begun by you"):
            own.totp(*page, each, _code(offer, newcomer), newcomer.at)
    with pytest.raises(Invalid, match="not begun by you"):
        own.passkey(*page, offer.challenge, SoftAuthenticator(newcomer.origin).create(key.options), newcomer.at)
    newcomer.wait(minutes=15)
    with pytest.raises(Invalid, match="its time is over"):
        own.totp(*page, offer.challenge, _code(offer, newcomer), newcomer.at)


def test_a_link_that_is_none(newcomer: Office) -> None:
    """A link that was changed, is a day old, or is for another kind of page leads nowhere, in the same words."""
    token, code = _link(newcomer)
    codes = newcomer.app.saved_codes.link(newcomer["root.admin"], newcomer[NEW], newcomer.at)
    _, *rest = token.split(".")
    forged = (".".join((newcomer["noah.berg"], *rest)), token[:-1], token + "x", codes.token, "", ".", "....", "ü.ü.ü")
    for each in forged:
        for said in (code, codes.code):
            with pytest.raises(Invalid, match="There is no such page"):
                newcomer.app.own_enrolment.offer_totp(each, said, newcomer.at)
    newcomer.wait(hours=24)
    with pytest.raises(Invalid, match="There is no such page"):
        newcomer.app.own_enrolment.offer_totp(token, code, newcomer.at)
    assert newcomer.app.registry.person(newcomer[NEW]).pages_at(newcomer.at) == ()


def test_the_address_alone_is_worth_nothing(newcomer: Office) -> None:
    """Whoever came by the address and not by the code enrols nothing; three wrong ones close the page, and are kept."""
    own, (token, code) = newcomer.app.own_enrolment, _link(newcomer)
    other = f"{(int(code) + 1) % 10**6:06d}"
    for odd in ("", "12345", "1234567", "abcdef", "ü" * 6, "1" * 10_000):  # can not be a code, and costs no try
        with pytest.raises(Invalid, match="six digits"):
            own.offer_totp(token, odd, newcomer.at)
    assert refused(lambda: own.offer_totp(token, other, newcomer.at)) == ("wrong_page_code",)
    offer = own.offer_totp(token, f"  {code[:3]}-{code[3:]} ", newcomer.at)
    confirm = _code(offer, newcomer)
    assert refused(lambda: own.totp(token, other, offer.challenge, confirm, newcomer.at)) == ("wrong_page_code",)
    assert [p.missed for p in newcomer.app.registry.person(newcomer[NEW]).pages_at(newcomer.at)] == [2]
    assert refused(lambda: own.offer_passkey(token, other, newcomer.at)) == ("wrong_page_code",)
    with pytest.raises(Invalid, match="There is no such page"):
        own.totp(token, code, offer.challenge, confirm, newcomer.at)
    (closed,) = newcomer.app.registry.person(newcomer[NEW]).pages_known(newcomer.at)
    assert (closed.is_closed, newcomer.app.registry.person(newcomer[NEW]).pages_at(newcomer.at)) == (True, ())
    types = [e.entry.type for e in newcomer.app.ledger.read(f"person/{newcomer[NEW]}")]
    assert types[-4:] == ["page.made", "page.missed", "page.missed", "page.missed"]
    assert newcomer.app.registry.person(newcomer[NEW]).credentials == ()
    _passkey(newcomer, _link(newcomer))


def test_many_guess_at_once(newcomer: Office) -> None:
    """Guesses side by side are counted one by one: three are compared, and no more."""
    own, (token, code) = newcomer.app.own_enrolment, _link(newcomer)

    def guess(n: int) -> str:
        try:
            own.offer_totp(token, f"{(int(code) + n) % 10**6:06d}", newcomer.at)
        except Refused as wrong:
            return wrong.fault
        except Invalid as gone:
            return gone.where
        return "right"

    with ThreadPoolExecutor(8) as pool:
        said = sorted(pool.map(guess, range(1, 25)))
    assert said == ["page"] * 21 + ["refused"] * 3


def test_an_address_is_taken_back(newcomer: Office) -> None:
    """An address that went astray leads nowhere once it was taken back, and what was begun there enrols nothing."""
    own, root, page = newcomer.app.own_enrolment, newcomer["root.admin"], _link(newcomer)
    offer = own.offer_totp(*page, newcomer.at)
    (known,) = newcomer.app.registry.person(newcomer[NEW]).pages_at(newcomer.at)
    assert (known.purpose, known.by, known.missed) == ("own-enrolment", root, 0)
    roster = newcomer.app.roster
    assert refused(lambda: take_back(roster, newcomer["ada.agent"], newcomer[NEW], known.id, newcomer.at))
    take_back(roster, root, newcomer[NEW], known.id, newcomer.at)
    with pytest.raises(Invalid, match="There is no such page"):
        own.totp(*page, offer.challenge, _code(offer, newcomer), newcomer.at)
    for page_id in (known.id, "k-none"):
        with pytest.raises(Invalid, match="leads nowhere as it is"):
            take_back(roster, root, newcomer[NEW], page_id, newcomer.at)
    assert newcomer.app.registry.person(newcomer[NEW]).credentials == ()


def test_who_may_make_a_page(office: Office) -> None:
    """An agent may not, nobody may for themself, no page is for software; an old one ends with its maker's right."""
    own, root, people = office.app.own_enrolment, office["root.admin"], office.app.people
    for actor, login in (("ada.agent", MARA), ("root.admin", "root.admin")):
        assert refused(lambda: own.link(office[actor], office[login], office.at))  # noqa: B023
    people.register(root, login="bot.one", name="Bot", kind=Kind.AI, unit="desk", at=office.at)
    assert refused(lambda: own.link(root, office["bot.one"], office.at)) == ("no_person",)
    people.delegate(root, office["boss.one"], Delegation(unit="desk", until=office.at.replace(year=2027)), office.at)
    page = _link(office, "noah.berg", "boss.one")
    assert refused(lambda: own.link(office["boss.one"], office["ann.author"], office.at)) == ("not_administered",)
    offer = own.offer_totp(*page, office.at)
    people.end_delegation(root, office["boss.one"], "desk", office.at)
    assert refused(lambda: own.totp(*page, offer.challenge, _code(offer, office), office.at))


def test_a_passkey_of_somebody_else(newcomer: Office) -> None:
    """A key that is another person's is refused, and the page can still be used."""
    own, page = newcomer.app.own_enrolment, _link(newcomer)
    theirs = SoftAuthenticator(newcomer.origin, counts=False)
    first = own.offer_passkey(*_link(newcomer, MARA), newcomer.at)
    other = _link(newcomer, MARA)
    begun = own.offer_passkey(*other, newcomer.at)
    own.passkey(*other, begun.challenge, theirs.create(begun.options), newcomer.at)
    offer = own.offer_passkey(*page, newcomer.at)
    with pytest.raises((Conflict, Refused)):
        own.passkey(*page, offer.challenge, theirs.create(offer.options), newcomer.at)
    assert first.challenge != begun.challenge
    _passkey(newcomer, page)
