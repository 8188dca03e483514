"""Stories of saved recovery codes: made once on the person's own page, used once, ended, made again; and attacks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.desk.office import Office, refused
from watchword.core.action import Action
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import CaseId
from watchword.core.person import Delegation, Role

MARA = "mara.lind"


@pytest.fixture
def saved(office: Office) -> Office:
    """The office in which Mara saved codes on the day she became known."""
    office.save_codes(MARA)
    return office


def test_a_code_and_a_call_reset_a_factor(saved: Office) -> None:
    """A saved code and a call to the number of record are what a standard account's factor reset asks for."""
    case = saved.open(MARA, Action.FACTOR_RESET, factors=("security_key",))
    saved.prove(case, "recovery_code")
    assert "unverified" in refused(lambda: saved.ask(case))
    saved.prove(case, "call_code")
    saved.ask(case)
    saved.approve(case, "boss.one")
    saved.release(case)
    saved.run()
    assert "case.validated" in saved.types(case)


def test_the_set_ends_with_its_first_use(saved: Office) -> None:
    """Once a code proved, neither it nor another of the set can be begun or answered, in this case or any other."""
    first, other = saved.open(MARA, Action.UNLOCK), saved.open(MARA, Action.UNLOCK, ticket="INC-2")
    waiting = saved.begin(other, "recovery_code")
    saved.prove(first, "recovery_code")

    for code in saved.keys.codes[MARA]:
        assert refused(lambda: saved.answer(other, waiting, code)) == ("replayed",)  # noqa: B023
    assert refused(lambda: saved.begin(first, "recovery_code")) == ("not_enrolled",)


def test_used_twice_at_once(saved: Office) -> None:
    """Of two codes of a set given in two cases at the same moment one counts, whichever it is."""
    cases = [saved.open(MARA, Action.UNLOCK, ticket=f"INC-{n}") for n in range(2)]
    challenges = [saved.begin(case, "recovery_code") for case in cases]

    def give(n: int) -> str:
        try:
            return saved.answer(cases[n], challenges[n], saved.keys.codes[MARA][n])
        except (Refused, Conflict) as fault:
            return fault.fault

    with ThreadPoolExecutor(2) as pool:
        given = sorted(pool.map(give, range(2)))
    assert given[-1] != given[0]
    assert given.count("proved") == 1
    assert sum(saved.types(case).count("method.proved") for case in cases) == 1


def test_a_superseded_set(saved: Office) -> None:
    """A newer set ends the one before at once, and begins to count when it is thirty days old."""
    old = saved.keys.codes[MARA]
    saved.wait(days=40)
    saved.save_codes(MARA)
    case = saved.open(MARA, Action.UNLOCK)
    assert refused(lambda: saved.begin(case, "recovery_code")) == ("young_contact",)

    saved.wait(days=31)
    case = saved.open(MARA, Action.UNLOCK, ticket="INC-2")
    challenge = saved.begin(case, "recovery_code")
    assert refused(lambda: saved.answer(case, challenge, old[0])) == ("wrong_answer",)
    assert saved.answer(case, challenge, saved.keys.codes[MARA][0]) == "proved"


def test_guessing_is_counted(saved: Office) -> None:
    """Three wrong codes fail the method for the account; after three such failures it is closed."""
    for n in range(3):
        saved.fail(saved.open(MARA, Action.UNLOCK, ticket=f"INC-{n}"), "recovery_code")
    case = saved.open(MARA, Action.UNLOCK, ticket="INC-9")
    assert refused(lambda: saved.begin(case, "recovery_code")) == ("frozen",)


def test_somebody_elses_code(saved: Office) -> None:
    """A code of one person is a wrong answer for another, who has a set of their own."""
    saved.save_codes("noah.berg")
    case = saved.open("noah.berg", Action.UNLOCK)
    challenge = saved.begin(case, "recovery_code")
    assert refused(lambda: saved.answer(case, challenge, saved.keys.codes[MARA][0])) == ("wrong_answer",)


def test_the_hand_over_asks_for_another_method(saved: Office) -> None:
    """A saved code is spent when the hand-over comes: whatever else is enforced proves again, and the code does not."""
    case = saved.open(MARA, Action.TOTAL_LOSS)
    saved.prove(case, "in_person")
    saved.prove(case, "recovery_code")
    saved.ask(case)
    saved.approve(case, "boss.one")
    saved.run()  # the hold is counted from its notice
    saved.pass_by(hours=1, minutes=1)
    saved.release(case)
    saved.browse(case)
    saved.run()
    browser = saved.held[case]
    assert refused(lambda: saved.app.desk.hand_over.reprove(case, "recovery_code", browser, saved.at)) == (
        "not_enrolled",
    )
    assert saved.take(case, "passkey")


def done(office: Office) -> CaseId:
    """A total loss that a saved code and a document carried, taken over in the person's browser."""
    case = office.open(MARA, Action.TOTAL_LOSS)
    office.prove(case, "in_person")
    office.prove(case, "recovery_code")
    office.ask(case)
    office.approve(case, "boss.one")
    office.run()
    office.pass_by(hours=1, minutes=1)
    office.release(case)
    office.browse(case)
    office.run()
    office.take(case, "passkey")
    return case


def test_a_new_set_follows_a_used_one(saved: Office) -> None:
    """The browser that took the credential over is shown a new set, once; it is young, and the used one is gone."""
    saved.wait(days=2)
    case = done(saved)
    assert refused(lambda: saved.app.saved_codes.reissue(case, "another browser", saved.at)) == ("no_codes",)
    codes = saved.app.saved_codes.reissue(case, saved.held[case], saved.at)

    assert len(set(codes) | set(saved.keys.codes[MARA])) == 20
    assert refused(lambda: saved.app.saved_codes.reissue(case, saved.held[case], saved.at)) == ("no_codes",)
    (counting,) = saved.app.registry.person(saved[MARA]).credentials_of("recovery_code")
    assert counting.counter is None
    again = saved.open(MARA, Action.UNLOCK, ticket="INC-3")
    assert refused(lambda: saved.begin(again, "recovery_code")) == ("young_contact",)


def test_no_new_set_without_a_used_one(office: Office) -> None:
    """A recovery in which no saved code was used ends without new ones."""
    case = office.released(MARA)
    office.run()
    office.take(case)
    assert refused(lambda: office.app.saved_codes.reissue(case, office.held[case], office.at)) == ("no_codes",)


# --- the link ---------------------------------------------------------------------------------------------------------


def test_a_link_shows_codes_once(office: Office) -> None:
    """Whoever was told its code sees the codes, once: later there is no page. A look at it uses nothing up."""
    link = office.app.saved_codes.link(office["root.admin"], office[MARA], office.at)
    office.app.saved_codes.demand(link.token, office.at)
    wrong = f"{(int(link.code) + 1) % 10**6:06d}"
    assert refused(lambda: office.app.saved_codes.open(link.token, wrong, office.at)) == ("wrong_page_code",)
    codes = office.app.saved_codes.open(link.token, link.code, office.at)

    assert len(codes) == 10
    with pytest.raises(Invalid, match="used already"):
        office.app.saved_codes.open(link.token, link.code, office.at)
    with pytest.raises(Invalid, match="used already"):
        office.app.saved_codes.demand(link.token, office.at)


def test_a_link_opened_twice_at_once(office: Office) -> None:
    """Of two browsers that open it at the same moment one sees codes, and those are the ones that count."""
    link = office.app.saved_codes.link(office["root.admin"], office[MARA], office.at)

    def open_it(_: int) -> tuple[str, ...]:
        try:
            return office.app.saved_codes.open(link.token, link.code, office.at)
        except (Invalid, Conflict):
            return ()

    with ThreadPoolExecutor(2) as pool:
        shown = [codes for codes in pool.map(open_it, range(2)) if codes]
    assert len(shown) == 1
    office.keys.codes[MARA] = shown[0]
    office.prove(office.open(MARA, Action.UNLOCK), "recovery_code")


def test_a_link_that_is_none(office: Office) -> None:
    """A link that was changed in any part, or is a day old, leads nowhere, in the same words."""
    link = office.app.saved_codes.link(office["root.admin"], office[MARA], office.at)
    token = link.token
    person, *rest = token.split(".")
    forged = (".".join((office["noah.berg"], *rest)), token[:-1], token + "x", "", ".", "....", "ü.ü.ü.9.ü")
    for each in forged:
        with pytest.raises(Invalid, match="There is no such page"):
            office.app.saved_codes.open(each, link.code, office.at)
    office.wait(hours=24)
    with pytest.raises(Invalid, match="There is no such page"):
        office.app.saved_codes.open(token, link.code, office.at)
    assert person == office[MARA]


def test_who_may_make_a_link(office: Office) -> None:
    """An agent may not, nobody may for themself, and who lost the right in between opens nothing by an old link."""
    codes, admin = office.app.saved_codes, office["root.admin"]
    for actor, person in ((office["ada.agent"], office[MARA]), (admin, admin)):
        assert refused(lambda: codes.link(actor, person, office.at))  # noqa: B023
    people = office.app.people
    people.delegate(admin, office["boss.one"], Delegation(unit="desk", until=office.at.replace(year=2027)), office.at)
    link = codes.link(office["boss.one"], office["noah.berg"], office.at)
    assert refused(lambda: codes.link(office["boss.one"], office["ann.author"], office.at))
    people.end_delegation(admin, office["boss.one"], "desk", office.at)
    assert refused(lambda: codes.open(link.token, link.code, office.at))
    assert Role.POLICY_AUTHOR in office.app.registry.person(office["ann.author"]).roles_at(office.at)


def test_no_code_is_in_the_ledger(saved: Office) -> None:
    """Neither an entry nor a row of the database holds a code that was shown."""
    stored = (saved.home / "ledger.db").read_bytes()
    assert not [c for c in saved.keys.codes[MARA] if c.encode() in stored or c.replace("-", "").encode() in stored]


def test_no_new_set_where_somebody_says_it_was_not_them(saved: Office) -> None:
    """Whoever took a credential that its owner disowns is not given a way back beside it."""
    saved.wait(days=2)
    case = done(saved)
    saved.app.desk.objections.object(saved[MARA], case, "that was not me", saved.at)
    assert refused(lambda: saved.app.saved_codes.reissue(case, saved.held[case], saved.at)) == ("no_codes",)
