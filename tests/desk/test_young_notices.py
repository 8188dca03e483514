"""A hold is told where the person was before: a contact point that changed lately counts for no notice either."""

from __future__ import annotations

import pytest

from tests.desk.office import Office, refused
from watchword.core.action import Action
from watchword.core.case import Holding
from watchword.core.ids import CaseId
from watchword.languages.catalogue import words

THEIRS = "mara@elsewhere.example.test"


def moved(office: Office, *kinds: str, login: str = "mara.lind") -> None:
    """Somebody changed these contact points of *login* in the directory yesterday, without Watchword."""
    when = office.at.replace(day=office.at.day - 1).isoformat()
    for kind in kinds:
        value = THEIRS if kind == "mail" else "+447700900123"
        office.tamper_directory(
            f"UPDATE contact SET value = '{value}', changed_at = '{when}'"
            f" WHERE account = '{office.native(login)}' AND kind = '{kind}'"
        )


def held(office: Office) -> CaseId:
    """A recovery of everything of Mara's that waits for an hour."""
    case = office.open(action=Action.TOTAL_LOSS)
    office.prove(case, "in_person")
    office.prove(case, "totp")
    office.ask(case)
    office.approve(case, "boss.one")
    office.run()
    return case


def told(office: Office, case: CaseId) -> tuple[str, ...]:
    """By what it counts as told."""
    now = office.case(case)
    assert isinstance(now, Holding)
    return now.told


def test_one_that_stood_counts_alone(office: Office) -> None:
    """Both are told; what changed yesterday is nothing that the waiting is counted from."""
    moved(office, "mail")
    case = held(office)
    assert told(office, case) == ("phone",)
    assert office.app.outbox is not None
    assert any("will be done after" in sent.text for sent in office.app.outbox.sent(THEIRS))


def test_where_none_stood_the_manager_is_asked(office: Office) -> None:
    """Whoever asks changed both: the manager of record hears of it, can stop it, and the waiting runs from there."""
    moved(office, "mail", "phone")
    case = held(office)
    assert told(office, case) == ("beside",)
    assert office.app.outbox is not None
    say = words("en")
    (asked,) = [m for m in office.app.outbox.sent("boss.one@example.test") if "mara.lind" in m.subject]
    assert asked.subject == say("beside.subject", name="mara.lind", case=case[2:10])
    assert say("beside.object", name="mara.lind", case=case[2:10]) in asked.text
    assert any("will be done after" in sent.text for sent in office.app.outbox.sent(THEIRS))
    office.app.desk.objections.object(office["boss.one"], case, "she is on a flight", office.at)
    assert office.state(case) == "paused"


def test_where_nobody_can_be_asked_it_does_not_begin(office: Office) -> None:
    """The manager's own addresses changed as well: nothing is sent over and over, and nothing is released."""
    moved(office, "mail", "phone")
    moved(office, "mail", "phone", login="boss.one")
    case = held(office)
    for _ in range(3):
        office.pass_by(minutes=30)
    assert told(office, case) == ()
    assert refused(lambda: office.release(case)) == ("untold",)
    assert office.app.outbox is not None
    assert not [m for m in office.app.outbox.sent(THEIRS) if "will be done after" in m.text]


@pytest.mark.parametrize("days", [29, 31])
def test_it_counts_once_it_is_old_enough(office: Office, days: int) -> None:
    """After the time that a contact point takes to prove anything it takes a notice as well."""
    moved(office, "mail", "phone")
    office.wait(days=days - 1)
    assert told(office, held(office)) == (("beside",) if days < 30 else ("mail", "phone"))


@pytest.mark.parametrize("changed", [False, True])
def test_what_is_enrolled_is_told_elsewhere_too_where_mail_changed_lately(office: Office, *, changed: bool) -> None:
    """Whoever had the mail address changed has a key enrolled next; the number of before hears of that."""
    seen = office.directory.read(office.native("mara.lind"))
    phone = next(c.value for c in seen.contacts if c.kind == "phone")
    if changed:
        moved(office, "mail")
    assert office.app.outbox is not None
    before = len(office.app.outbox.sent(phone))
    office.app.enrolment.totp(office["root.admin"], office["mara.lind"], office.at)
    office.run()
    assert len(office.app.outbox.sent(phone)) - before == changed
    assert bool(office.app.outbox.sent(THEIRS)) is changed
