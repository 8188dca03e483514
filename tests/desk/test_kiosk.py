"""The kiosk lane: a supervisor who saw the badge signs, for somebody who has nothing else on them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.desk.office import MONDAY, Office, refused
from tests.desk.test_lanes import CUSTODIANS, opened
from tests.desk.test_vouching import say
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId, LeafHash, PersonId
from watchword.core.person import Kind
from watchword.core.requirement import Context, Evidence, Satisfied, assess
from watchword.desk.vouching import name_supervisor
from watchword.policy.bundle import Policy

MARA, BOSS, NOAH = "mara.lind", "boss.one", "noah.berg"
ELSEWHERE = {"mail_code", "call_code", "sms_code", "push_number", "video", "id_proofing", "verifiable_credential"}
"""What takes a telephone, a mailbox, a camera or a voice."""


def supervisor(office: Office, login: str = NOAH, site: str = "Hall 3") -> None:
    """Have an administrator enter a supervisor of a site."""
    name_supervisor(office.app.people, office["root.admin"], office[login], site, office.at)


def at_kiosk(office: Office, action: Action = Action.TOTAL_LOSS) -> CaseId:
    """A case in the kiosk lane."""
    return opened(office, MARA, "kiosk", action=action)


def test_a_supervisor_signs_twice_and_nobody_calls(office: Office) -> None:
    """Badge and document carry a total loss to its hand-over, where the supervisor signs again."""
    supervisor(office)
    case = at_kiosk(office)
    assert refused(lambda: office.begin(case, "call_code")) == ("text_lane",)
    challenge = office.begin(case, "kiosk", custodian=NOAH)
    (asked,) = office.app.desk.verification.vouches(office[NOAH], office.at)
    assert (asked.as_, asked.subject) == ("kiosk", office[MARA])
    assert say(office, case, challenge, NOAH) == "proved"
    office.prove(case, "in_person")
    office.ask(case)
    office.approve(case, BOSS)
    office.run()
    office.pass_by(hours=1, minutes=1)
    office.release(case)
    office.browse(case)
    again, _ = office.app.desk.hand_over.reprove(case, "kiosk", office.held[case], office.at, mark="the kiosk's")
    assert say(office, case, again, NOAH, mark="the kiosk's") == "proved"
    office.run()
    assert office.app.desk.hand_over.take(case, office.held[case], office.at)


@pytest.mark.parametrize(("opened_in", "signed_in"), [("elsewhere", "the kiosk's"), ("elsewhere", None), (None, None)])
def test_whoever_opened_the_page_elsewhere_has_no_supervisor(
    office: Office, opened_in: str | None, signed_in: str | None
) -> None:
    """The page's address was opened first far from the kiosk; the supervisor's honest word hands nothing over there."""
    supervisor(office)
    case = at_kiosk(office, Action.PASSWORD_RESET)
    say(office, case, office.begin(case, "kiosk", custodian=NOAH), NOAH)
    office.prove(case, "passkey")
    office.ask(case)
    office.release(case)
    office.browse(case)
    office.run()
    reprove = office.app.desk.hand_over.reprove
    challenge = reprove(case, "kiosk", office.held[case], office.at, mark=opened_in)[0]
    assert refused(lambda: say(office, case, challenge, NOAH, mark=signed_in)) == ("other_browser",)
    take = office.app.desk.hand_over.take
    assert refused(lambda: take(case, office.held[case], office.at)) == ("not_reproved",)
    assert len(office.app.registry.account(office.case(case).account).failures) == 0
    vouch = office.app.desk.verification.vouch
    assert refused(lambda: vouch(office[NOAH], case, challenge, "no", office.at))[0] == "wrong_answer"


def test_only_in_its_lane(office: Office) -> None:
    """Nobody stands at a kiosk while somebody calls."""
    supervisor(office)
    case = opened(office, MARA, action=Action.TOTAL_LOSS)
    assert refused(lambda: office.begin(case, "kiosk", custodian=NOAH)) == ("no_kiosk",)


def test_whose_word_counts(office: Office) -> None:
    """Not the person's own, not that of somebody with a hand in the case, and not of who supervises nothing."""
    supervisor(office)
    case = at_kiosk(office)
    assert refused(lambda: office.begin(case, "kiosk")) == ("no_kiosk",)
    assert refused(lambda: office.begin(case, "kiosk", custodian=MARA)) == ("no_kiosk",)
    assert refused(lambda: office.begin(case, "kiosk", custodian=BOSS)) == ("no_supervisor",)
    supervisor(office, "ada.agent")
    assert refused(lambda: office.begin(case, "kiosk", custodian="ada.agent")) == ("same_person",)


def test_a_supervisor_since_yesterday(office: Office) -> None:
    """Who was named within thirty days, and not on their first day, vouches for nobody yet."""
    office.wait(days=2)
    supervisor(office)
    assert refused(lambda: office.begin(at_kiosk(office), "kiosk", custodian=NOAH)) == ("young_supervisor",)
    office.wait(days=30)
    office.begin(at_kiosk(office), "kiosk", custodian=NOAH)


def test_a_supervisor_who_was_recovered(office: Office) -> None:
    """Whose own account was recovered within seven days vouches for nobody."""
    supervisor(office)
    lost = office.released(NOAH)
    office.run()
    office.take(lost)
    assert refused(lambda: office.begin(at_kiosk(office), "kiosk", custodian=NOAH)) == ("recovered",)


def test_whoever_signed_does_not_approve(office: Office) -> None:
    """The manager who stood at the kiosk has no second voice."""
    supervisor(office, BOSS)
    case = at_kiosk(office)
    say(office, case, office.begin(case, "kiosk", custodian=BOSS), BOSS)
    office.prove(case, "in_person")
    office.ask(case)
    assert "prover-never-judges" in refused(lambda: office.approve(case, BOSS))


def test_who_can_not_be_named(office: Office) -> None:
    """A site has a name, nobody makes themself a supervisor, and nobody of a vendor is one."""
    people, root = office.app.people, office["root.admin"]
    for site in ("", " ", "x" * 81, "a\u0000b"):
        with pytest.raises(Invalid):
            supervisor(office, site=site)
    assert refused(lambda: name_supervisor(people, root, root, "Hall 3", office.at)) == ("same_person",)
    people.register(root, login="vera.vendor", name="Vera", kind=Kind.VENDOR, unit="desk", at=office.at)
    assert refused(lambda: supervisor(office, "vera.vendor")) == ("vendor_voucher",)


@pytest.mark.parametrize("login", [MARA, "eve.exec", "piet.priv"])
def test_the_lane_asks_for_the_same_requirement(office: Office, login: str) -> None:
    """Whoever stands at a kiosk is held to the requirement of whoever calls, to the letter."""
    first, second = (office.case(opened(office, login, lane)) for lane in ("voice", "kiosk"))
    assert first.requirement == second.requirement


@pytest.mark.parametrize(("account_class", "action"), [(c, a) for c, a, _ in Policy.default().procedures.answered()])
def test_every_cell_can_be_satisfied_at_a_kiosk(account_class: AccountClass, action: Action) -> None:
    """Whatever raises it, no cell of the shipped policy needs a telephone, a mailbox, a camera or a voice."""
    procedures = Policy.default().procedures
    for context in (Context(), Context(channel="chat", location="abroad", risk="high", situation="outage")):
        try:
            asked = procedures.require(account_class, action, context)
        except Refused:
            continue
        evidence = tuple(
            Evidence(
                method=m.name,
                prover=PersonId(prover),
                agent=PersonId("p-agent"),
                at=MONDAY,
                challenge=f"{m.name} {prover}",
                leaf=LeafHash(f"{n:062x}{i:02x}"),
            )
            for n, m in enumerate(asked.methods)
            if m.name not in ELSEWHERE
            for i, prover in enumerate(CUSTODIANS)
        )
        assert isinstance(assess(asked, evidence, MONDAY + timedelta(minutes=1)), Satisfied), context
