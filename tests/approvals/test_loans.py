"""A seat that is lent by a signature: it counts where approvals are signed, and nothing else does there."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.approvals.test_seats import lend
from tests.desk.forger import plant
from tests.desk.office import Office, refused
from tests.desk.test_decisions import asked
from tests.desk.test_executor import reasons
from watchword.core.errors import Conflict, Invalid
from watchword.core.loan import Loan
from watchword.core.person import CredentialEnrolled, LentSeat, SeatLent
from watchword.desk.passes import LoanPass
from watchword.desk.recording import person_stream

SEAT = "manager_of_record"


def statement(office: Office, *, to: str = "noah.berg", days: int = 7) -> tuple[str, str]:
    """What the manager would sign to lend their seat, and the browser's options."""
    signing = office.app.lending.to_sign(office["boss.one"], to, SEAT, office.at + timedelta(days=days), office.at)
    return signing.statement, signing.options


def lend_signed(office: Office, *, to: str = "noah.berg", by: str = "boss.one") -> str:
    """Lend it, signed with the authenticator of *by*; returns what was signed."""
    text, options = statement(office, to=to)
    office.app.lending.lend_signed(office["boss.one"], text, office.keys.passkeys[by].get(options), office.at)
    return text


def lent(office: Office, to: str = "noah.berg") -> tuple[LentSeat, ...]:
    """What *to* was lent."""
    return office.app.registry.person(office[to]).lent_at(office.at)


def test_being_signed_in_lends_nothing_that_is_signed(strict: Office) -> None:
    """Where approvals are signed, whoever has the lender's session has no friend sign in their place."""
    lend(strict, "boss.one", "noah.berg", SEAT)
    case = asked(strict)
    assert refused(lambda: strict.sign(case, "noah.berg"))


def test_signed_loan_is_acted_on(strict: Office) -> None:
    """Lender and borrower sign each for themselves; the executor checks both, and the lender's key was used once."""
    text = lend_signed(strict)
    assert [(one.seat, one.statement) for one in lent(strict)] == [(SEAT, text)]
    case = asked(strict)
    strict.sign(case, "noah.berg")
    strict.release(case)
    strict.run()
    assert strict.state(case) == "delivered"
    boss = strict.app.ledger.read(person_stream(strict["boss.one"]))
    assert boss[-1].entry.type == "credential.used"


def test_signature_is_added_to_what_was_lent(office: Office) -> None:
    """A loan by a session gets its signature later, is one still, and what was approved under it stands."""
    lend(office, "boss.one", "noah.berg", SEAT)
    case = asked(office)
    office.approve(case, "noah.berg")
    lend_signed(office)
    assert [one.seat for one in lent(office)] == [SEAT]
    assert lent(office)[0].proof
    office.release(case)
    office.run()
    assert office.state(case) == "delivered"
    with pytest.raises(Conflict):
        statement(office)
    with pytest.raises(Conflict):
        statement(office, days=8)


def test_key_that_was_revoked_or_never_confirmed_lends_nothing(strict: Office) -> None:
    """The key of a loan has to be what the rung asks of the key of an approval, and for as long as it counts."""
    lend_signed(strict)
    case = asked(strict)
    strict.sign(case, "noah.berg")
    strict.release(case)
    (held,) = strict.app.registry.person(strict["boss.one"]).credentials_of("passkey")
    strict.app.people.revoke_credential(strict["root.admin"], strict["boss.one"], held.id, "lost", strict.at)
    strict.run()
    assert reasons(strict, case) == ("clearance:roles",)
    other = asked(strict, "olga.owner")
    assert refused(lambda: strict.sign(other, "noah.berg"))


def test_what_is_no_signature_of_the_lender(strict: Office) -> None:
    """Somebody else's key, other bytes, a statement that is over, and one that was lent and taken back lend nothing."""
    lending, boss = strict.app.lending, strict["boss.one"]
    own = strict.keys.passkeys["boss.one"]
    assert refused(lambda: lend_signed(strict, by="mara.lind")) == ("wrong_answer",)
    text, options = statement(strict)
    answer = own.get(options)
    longer = msgspec.structs.replace(Loan.parse(text), until=strict.at + timedelta(days=29)).encode()
    assert refused(lambda: lending.lend_signed(boss, longer, answer, strict.at)) == ("wrong_answer",)
    foreign = msgspec.structs.replace(Loan.parse(text), log="example.test/elsewhere").encode()
    for said, when in ((foreign, strict.at), (text, strict.at + timedelta(minutes=11))):
        with pytest.raises(Conflict):
            lending.lend_signed(boss, said, answer, when)
    with pytest.raises(Conflict):
        lending.lend_signed(strict["mara.lind"], text, answer, strict.at)
    for said in ("", "{}", text + " "):
        with pytest.raises(Invalid):
            lending.lend_signed(boss, said, answer, strict.at)
    assert lent(strict) == ()
    lending.lend_signed(boss, text, answer, strict.at)
    lending.take_back(boss, "noah.berg", SEAT, strict.at)
    with pytest.raises(Conflict):
        lending.lend_signed(boss, text, own.get(options), strict.at)


def test_one_key_of_two_people_lends_nothing(strict: Office) -> None:
    """Who holds the lender's key as their own, as an entry says that no decision made, would sign for both."""
    (theirs,) = strict.app.registry.person(strict["boss.one"]).credentials_of("passkey")
    planted = CredentialEnrolled(person=strict["noah.berg"], credential=msgspec.structs.replace(theirs, id="k-planted"))
    plant(strict, person_stream(strict["noah.berg"]), planted, strict["root.admin"])
    assert refused(lambda: lend_signed(strict)) == ("shared_key",)


def test_planted_loan_is_not_acted_on(strict: Office) -> None:
    """An entry that says a seat was lent, with the signature of another loan, is acted on by no executor."""
    text = lend_signed(strict, to="mara.lind")
    (true,) = lent(strict, "mara.lind")
    moved = msgspec.structs.replace(Loan.parse(text), to=strict["noah.berg"]).encode()
    for planted in (true, msgspec.structs.replace(true, statement=moved)):
        plant(
            strict,
            person_stream(strict["noah.berg"]),
            SeatLent(person=strict["noah.berg"], lent=planted),
            strict["boss.one"],
        )
        case = asked(strict, "olga.owner")
        strict.sign(case, "noah.berg")
        strict.release(case)
        strict.run()
        assert reasons(strict, case) == ("clearance:roles",)


def test_key_of_ones_own_lends_under_a_password_of_somebody_else(office: Office) -> None:
    """Who gave the lender a new password lends nothing by it; the lender does, by a key that counts."""
    office.app.people.set_password(office["root.admin"], office["boss.one"], "another password of it", office.at)
    office.app.people.set_password(office["root.admin"], office["boss.one"], "and one more of it", office.at)
    assert refused(lambda: lend(office, "boss.one", "noah.berg", SEAT)) == ("young_password",)
    lend_signed(office)
    assert lent(office)


def test_pass_for_a_loan_decides_no_case(strict: Office) -> None:
    """What a pass is for stands in it, sealed."""
    text, _ = statement(strict)
    given = strict.app.passes.give(LoanPass(person=strict["boss.one"], statement=text, until=strict.at))
    assert refused(lambda: strict.app.passes.read(given, strict.at)) == ("pass",)
    given = strict.app.passes.give(
        LoanPass(person=strict["boss.one"], statement=text, until=strict.at + timedelta(minutes=5))
    )
    assert isinstance(strict.app.passes.read(given, strict.at), LoanPass)
