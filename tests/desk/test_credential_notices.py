"""Stories of who is told when the ways they show who they are are changed: SP 800-63B-4 §4.1.2.1, and no link."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.desk.office import Office
from tests.desk.test_lost_rows import DELETED, LEASED, MOVED, PUT_OFF
from watchword.core.action import Action
from watchword.core.errors import Refused
from watchword.core.person import Kind
from watchword.desk.asks import Kind as EffectKind
from watchword.directories.sandbox import Seed
from watchword.notices.simulators import Sent

MARA = "mara.lind"
NEW = "nina.new"


def _told(office: Office, login: str = MARA, *, before: int = 0) -> tuple[Sent, ...]:
    """What went to the mail address of *login* after the first *before*, once the runner has done what is due."""
    office.run()
    assert office.app.outbox is not None
    return office.app.outbox.sent(f"{login}@example.test")[before:]


def test_an_enrolment_is_told_by_mail(office: Office) -> None:
    """Whoever enrols for somebody has them told: what, when, by whom, from when it counts, whom to call, no link."""
    office.wait(days=40)
    before = len(_told(office))
    office.app.enrolment.totp(office["root.admin"], office[MARA], office.at)
    (sent,) = _told(office, before=before)

    assert (sent.channel, sent.subject) == ("mail", "A way to show that it is you was added")
    assert sent.text.startswith("An authenticator app: added for you on 2 January 2027, 09:00 UTC, by root.admin. ")
    assert "It counts from 1 February 2027, 09:00 UTC." in sent.text
    assert "call the desk" in sent.text
    assert "http" not in sent.text


def test_what_was_made_alone_says_so(office: Office) -> None:
    """Codes made on a page of their own are told as that; those they replace are not told apart."""
    before = len(_told(office))
    office.save_codes(MARA)
    office.save_codes(MARA)
    first, second = _told(office, before=before)
    assert first.text.startswith("A set of recovery codes: set up on ")
    assert "on a page whose address root.admin gave out for you" in second.text
    assert "It counts from now on." in second.text


def test_a_revocation_is_told(office: Office) -> None:
    """What counts no longer is told by its name, and not why: that stays sealed."""
    before = len(_told(office))
    (held,) = office.app.registry.person(office[MARA]).credentials_of("passkey")
    office.app.people.revoke_credential(office["root.admin"], office[MARA], held.id, "lost on a train", office.at)
    (sent,) = _told(office, before=before)
    assert sent.subject == "A way to show that it is you was removed"
    assert "A passkey: removed on " in sent.text
    assert "train" not in sent.text


def test_a_made_up_person_is_told_to_the_account(office: Office) -> None:
    """Keys enrolled before an account was linked are told to the account's own address as it is linked."""
    people, root = office.app.people, office["root.admin"]
    office.directory.seed((Seed(login=NEW, display_name="Nina New", unit="sales", mail=f"{NEW}@example.test"),))
    made = people.register(root, login="made.up", name="Made Up", kind=Kind.EMPLOYEE, unit="desk", at=office.at)
    office.app.enrolment.totp(root, made, office.at)
    assert _told(office, NEW) == ()
    people.link(root, made, "sandbox", office.native(NEW), office.at)
    (sent,) = _told(office, NEW)
    assert sent.subject == "Your account was linked to a person at the desk"
    assert "linked to Made Up" in sent.text
    assert "What shows that it is them: An authenticator app." in sent.text


def test_without_mail_every_contact_is_told(office: Office) -> None:
    """An account that has a phone alone is called; one with nothing on record costs nobody anything."""
    root = office["root.admin"]
    office.directory.seed(
        (Seed(login=NEW, display_name="Nina New", phone="+4930555001"), Seed(login="no.contact", display_name="None"))
    )
    for login in (NEW, "no.contact"):
        office.link(login)
        office.app.enrolment.totp(root, office[login], office.at)
    office.run()
    assert office.app.outbox is not None
    (call,) = office.app.outbox.sent("+4930555001")
    assert call.channel == "call"
    assert not office.app.ledger.claim(office.at, "anybody", timedelta(minutes=1), (EffectKind.CREDENTIAL,))


def test_in_their_language(office: Office) -> None:
    """The mail is in the language of record."""
    office.directory.seed((Seed(login=NEW, display_name="Nina New", mail=f"{NEW}@example.test", language="fr"),))
    office.link(NEW)
    office.app.enrolment.totp(office["root.admin"], office[NEW], office.at)
    (sent,) = _told(office, NEW)
    assert sent.subject == "Un moyen de prouver que c'est bien vous a été ajouté"


def test_a_planted_row_tells_nothing(office: Office) -> None:
    """A row is a hint: what no entry says, and what an entry says of something else, is not told."""
    before = len(_told(office))
    for version in (0, 999):
        with pytest.raises(Refused, match="Nothing happened"):
            office.app.notices.tell_credential(office[MARA], version, "x", office.at)
    assert _told(office, before=before) == ()


@pytest.mark.parametrize("how", [DELETED, PUT_OFF, LEASED, MOVED], ids=["deleted", "put off", "leased", "moved"])
def test_a_row_that_was_spoilt_is_asked_again(office: Office, how: str) -> None:
    """Whoever writes to the database keeps a notice back for minutes; what is older than a day is not told again."""
    before = len(_told(office))
    office.app.enrolment.totp(office["root.admin"], office[MARA], office.at)
    office.tamper(how)
    office.pass_by(minutes=6)
    assert [sent.subject for sent in _told(office, before=before)] == ["A way to show that it is you was added"]
    office.wait(days=2)
    office.tamper(DELETED)
    office.pass_by(minutes=6)
    assert len(_told(office, before=before)) == 1


def test_a_row_that_our_code_fails_at_ends_nothing(office: Office) -> None:
    """Whoever writes to the database plants one that can not be read: it is put off, and all others are done."""
    before = len(_told(office))
    office.tamper(
        "INSERT INTO effect (id, stream, kind, due_at, state, attempts, asked_by) "
        "VALUES ('person/x/credential/none', 'person/x', 'credential', '2020-01-01T00:00:00.000Z', 'due', 0, 0)"
    )
    office.app.enrolment.totp(office["root.admin"], office[MARA], office.at)
    assert len(_told(office, before=before)) == 1
    (row,) = office.app.ledger.effects_named(("person/x/credential/none",))
    assert (row.state, row.due_at) == ("due", office.at + timedelta(minutes=5))


def test_an_account_that_is_gone_keeps_nothing_from_the_others(office: Office) -> None:
    """Of two accounts one was deleted in its directory: the other one's address is told all the same."""
    root = office["root.admin"]
    office.directory.seed((Seed(login=NEW, display_name="Nina New", mail=f"{NEW}@example.test"),))
    person = office.app.people.register(
        root, login="two.accounts", name="Two", kind=Kind.EMPLOYEE, unit="desk", at=office.at
    )
    stale = office.native("temp.nobody")
    for native in (stale, office.native(NEW)):
        office.app.people.link(root, person, "sandbox", native, office.at)
    office.tamper_directory(f"DELETE FROM account WHERE native_id = '{stale}'")
    office.app.enrolment.totp(root, person, office.at)
    (sent,) = _told(office, NEW)
    assert sent.subject == "A way to show that it is you was added"


def test_an_approval_is_told_past_an_account_that_is_gone(office: Office) -> None:
    """Of an approver's accounts one was deleted in its directory: they are told at the other, the person as ever."""
    office.directory.seed((Seed(login=NEW, display_name="Nina New", mail=f"{NEW}@example.test"),))
    stale = office.native("temp.nobody")
    for native in (stale, office.native(NEW)):
        office.app.people.link(office["root.admin"], office["boss.one"], "sandbox", native, office.at)
    office.tamper_directory(f"DELETE FROM account WHERE native_id = '{stale}'")
    case = office.open(MARA, Action.FACTOR_RESET, factors=("authenticator_app",))
    for method in ("passkey", "in_person"):
        office.prove(case, method)
    office.ask(case)
    office.approve(case, "boss.one")
    (sent,) = [s for s in _told(office, NEW) if s.subject.startswith("You approved: ")]
    assert case[2:10] in sent.subject
    assert any("approved" in s.subject and case[2:10] in s.subject for s in _told(office))
