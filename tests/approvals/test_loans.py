"""A seat that is lent by a signature: it counts where approvals are signed, and nothing else does there."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from tests.approvals.test_seats import lend
from tests.desk.forger import enrol, plant
from tests.desk.office import MONDAY, SECOND, Office, refused
from tests.desk.test_decisions import asked
from tests.desk.test_executor import reasons
from watchword.cli.demo.authenticator import SoftAuthenticator, b64
from watchword.core.approval import SignedProof, encode_proof
from watchword.core.errors import Conflict, Invalid
from watchword.core.ids import PersonId
from watchword.core.loan import Loan
from watchword.core.person import CredentialEnrolled, Kind, LentSeat, Role, RoleGrant, SeatLent
from watchword.core.request import NotBefore
from watchword.core.ruling import UNSIGNED_LOAN
from watchword.desk.passes import LoanPass
from watchword.desk.recording import person_stream
from watchword.ledger.sshsig import LOAN, namespace_of, signed_data
from watchword.settings import load

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
    assert refused(lambda: strict.sign(case, "noah.berg"))[-1] == UNSIGNED_LOAN
    strict.app.desk.decisions.refuse(strict["noah.berg"], case, "she is next to me", strict.at)  # a no needs none
    assert strict.state(case) == "declined"


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


@pytest.mark.parametrize("rp_id", ["localhost", "approve.localhost"])
def test_loan_is_signed_again_where_the_page_moved(strict: Office, rp_id: str) -> None:
    """The desk says so to whoever sits there, and offers it to the lender; only the executor noticed, at the end."""
    lend_signed(strict)
    config = strict.home / "watchword.toml"
    config.write_text(f'{config.read_text()}\n[approvals]\norigin = "http://{rp_id}:8899"\nrp_id = "{rp_id}"\n')
    strict.close()
    strict.settings = load(config)
    strict.restart()
    assert not strict.app.lending.is_signed(lent(strict)[0], strict.at)
    case = asked(strict)
    assert refused(lambda: strict.sign(case, "noah.berg", origin="http://localhost:8899"))[-1] == UNSIGNED_LOAN
    if rp_id != "localhost":
        return
    text, options = statement(strict)
    answer = strict.keys.passkeys["boss.one"].get(options, origin="http://localhost:8899")
    strict.app.lending.lend_signed(strict["boss.one"], text, answer, strict.at)
    strict.sign(case, "noah.berg", origin="http://localhost:8899")
    strict.release(case)
    strict.run()
    assert strict.state(case) == "delivered"


def test_signature_is_added_to_what_was_lent(office: Office) -> None:
    """A loan by a session gets its signature later, is one still, and what was approved under it stands."""
    confirmed(office)
    lend(office, "boss.one", "noah.berg", SEAT)
    case = asked(office)
    office.approve(case, "noah.berg")
    assert not office.app.lending.is_signed(lent(office)[0], office.at)
    lend_signed(office)
    assert office.app.lending.is_signed(lent(office)[0], office.at)
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
    nobody = msgspec.structs.replace(Loan.parse(text), to=PersonId("p-none")).encode()
    assert refused(lambda: lending.lend_signed(boss, nobody, answer, strict.at)) == ("vendor_delegate",)
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


def confirmed(office: Office) -> None:
    """Have a second administrator confirm everybody's keys."""
    people, administrator = office.app.people, office["root.admin"]
    second = people.register(administrator, login=SECOND, name=SECOND, kind=Kind.EMPLOYEE, unit="desk", at=office.at)
    people.grant(administrator, second, RoleGrant(role=Role.ADMINISTRATOR), office.at)
    for login in office.keys.passkeys:
        office.confirm(login)


def test_key_that_nobody_confirmed_is_not_asked_for(office: Office) -> None:
    """What it signed would count nowhere; once it is confirmed it is asked for."""
    boss = office["boss.one"]
    assert not office.app.lending.signs(boss, office.at)
    assert refused(lambda: statement(office)) == ("unconfirmed_key",)
    confirmed(office)
    assert office.app.lending.signs(boss, office.at)


def test_what_was_taken_back_stays_so(strict: Office) -> None:
    """Neither a session nor the ledger's key brings a signed loan back, nor does what was signed before it ended."""
    lending, boss, until = strict.app.lending, strict["boss.one"], strict.at + timedelta(days=7)
    lend_signed(strict)
    (loan,) = lent(strict)
    case, other = asked(strict), asked(strict, "olga.owner")
    for each in (case, other):
        strict.sign(each, "noah.berg")
        strict.release(each)
    lending.take_back(boss, "noah.berg", SEAT, strict.at)
    lending.lend(boss, "noah.berg", SEAT, until, strict.at)
    text, options = statement(strict)
    lending.take_back(boss, "noah.berg", SEAT, strict.at)
    with pytest.raises(Conflict):
        lending.lend_signed(boss, text, strict.keys.passkeys["boss.one"].get(options), strict.at)
    plant(strict, person_stream(strict["noah.berg"]), SeatLent(person=strict["noah.berg"], lent=loan), boss)
    late = asked(strict)
    strict.sign(late, "noah.berg")
    strict.release(late)
    strict.run()
    for each in (case, other, late):
        assert reasons(strict, each) == ("clearance:roles",)


def test_loan_that_ended_and_was_made_anew(office: Office) -> None:
    """What was approved while it lasted is acted on after it ended, also once the seat is lent again."""
    lend(office, "boss.one", "noah.berg", SEAT, minutes=5)
    case = asked(office)
    office.approve(case, "noah.berg")
    office.release(case)
    office.wait(minutes=6)
    lend(office, "boss.one", "noah.berg", SEAT)
    office.run()
    assert office.state(case) == "delivered"


@pytest.mark.parametrize(
    "other",
    [
        {"checkpoint": NotBefore(size=10**6, root="00" * 32)},
        {"not_after": MONDAY + timedelta(days=3650)},
        {"until": MONDAY + timedelta(days=300)},
        {"until": (MONDAY + timedelta(days=7)).astimezone(timezone(timedelta(hours=-9)))},
    ],
)
def test_truly_signed_loan_that_no_desk_would_ask_for(strict: Office, other: dict[str, Any]) -> None:
    """A checkpoint that never was, a time to sign or to sit that is too long, or no UTC: no desk, and no executor."""
    text, options = statement(strict)
    odd = msgspec.structs.replace(Loan.parse(text), **other)
    challenge = b64(signed_data(namespace_of(strict.app.ledger.origin, LOAN), odd.encode().encode()))
    answer = strict.keys.passkeys["boss.one"].get(json.dumps({**json.loads(options), "challenge": challenge}))
    with pytest.raises((Conflict, Invalid)):
        strict.app.lending.lend_signed(strict["boss.one"], odd.encode(), answer, strict.at)
    planted = LentSeat(
        by=odd.by, seat=SEAT, until=odd.until, statement=odd.encode(), proof=encode_proof(proof_in(answer))
    )
    plant(strict, person_stream(odd.to), SeatLent(person=odd.to, lent=planted), odd.by)
    case = asked(strict)
    strict.sign(case, "noah.berg")
    strict.release(case)
    strict.run()
    assert reasons(strict, case) == ("clearance:roles",)


def proof_in(answer: str) -> SignedProof:
    """The proof that a browser's answer holds."""
    told = json.loads(answer)
    said = told["response"]
    return SignedProof(
        credential=told["id"],
        client_data=said["clientDataJSON"],
        authenticator_data=said["authenticatorData"],
        signature=said["signature"],
    )


def test_the_end_is_in_utc(strict: Office) -> None:
    """In whatever zone it was given: the page that shows it knows no other."""
    until = (strict.at + timedelta(days=7)).astimezone(timezone(timedelta(hours=-9)))
    signing = strict.app.lending.to_sign(strict["boss.one"], "noah.berg", SEAT, until, strict.at)
    assert Loan.parse(signing.statement).until.isoformat() == (strict.at + timedelta(days=7)).isoformat()
    strict.app.lending.lend(strict["boss.one"], "noah.berg", SEAT, until, strict.at)
    assert lent(strict)[0].until.isoformat() == (strict.at + timedelta(days=7)).isoformat()
    first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))  # of a day that UTC has not
    for step in (strict.app.lending.lend, strict.app.lending.to_sign):
        with pytest.raises(Invalid):
            step(strict["boss.one"], "mara.lind", SEAT, first, strict.at)


def test_loan_whose_key_is_gone_is_signed_anew(strict: Office) -> None:
    """It is said to be signed no more, and another key of the lender's signs it, without taking it back first."""
    lend_signed(strict)
    people, boss = strict.app.people, strict["boss.one"]
    (old,) = strict.app.registry.person(boss).credentials_of("passkey")
    own = SoftAuthenticator(strict.origin)
    enrol(strict, "boss.one", own)
    people.revoke_credential(strict["root.admin"], boss, old.id, "lost", strict.at)
    assert not strict.app.lending.is_signed(lent(strict)[0], strict.at)
    lend_signed(strict)
    assert [strict.app.lending.is_signed(one, strict.at) for one in lent(strict)] == [True]


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
    confirmed(office)
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
