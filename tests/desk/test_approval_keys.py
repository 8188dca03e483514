"""Whose passkey an approval was signed with, since when, and until when: at the desk and before the executor."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.desk.forger import enrol, material_for, plant, plant_yes, planted, proof_by
from tests.desk.office import SECOND, Office, refused
from tests.desk.test_approvals import untouched
from tests.desk.test_decisions import asked
from tests.desk.test_executor import reasons
from watchword.cli.demo.authenticator import Key, SoftAuthenticator
from watchword.core.errors import Refused
from watchword.core.person import Credential, CredentialConfirmed, CredentialEnrolled
from watchword.desk.recording import person_stream


def revoke(office: Office, login: str) -> None:
    """Every passkey of somebody counts no longer."""
    for held in office.app.registry.person(office[login]).credentials_of("passkey"):
        office.app.people.revoke_credential(office["root.admin"], office[login], held.id, "lost", office.at)


def test_revoked_key(strict: Office) -> None:
    """A passkey that was revoked signs nothing, also where the signature is planted."""
    revoke(strict, "boss.one")
    case = asked(strict)
    assert refused(lambda: strict.sign(case, "boss.one")) == ("not_enrolled",)
    planted(strict, case, proof_by(strict, case))
    assert reasons(strict, case) == ("not_enrolled",)
    untouched(strict)


def test_key_revoked_since(strict: Office) -> None:
    """Whoever reports a passkey stolen stops what it approved and is not done yet."""
    case = asked(strict)
    strict.sign(case, "boss.one")
    strict.release(case)
    revoke(strict, "boss.one")
    strict.run()
    assert reasons(strict, case) == ("clearance:revoked",)
    untouched(strict)


def test_key_enrolled_after(strict: Office) -> None:
    """A signature by a key that only a later entry enrols was nobody's when it was given."""
    own = SoftAuthenticator(strict.origin)
    case = asked(strict)
    plant_yes(strict, case, proof_by(strict, case, own))
    enrol(strict, "boss.one", own)
    strict.release(case)
    strict.run()
    assert reasons(strict, case) == ("not_enrolled",)
    untouched(strict)


def test_key_enrolled_lately(strict: Office) -> None:
    """A passkey that somebody got since they became known approves nothing for thirty days, then it does."""
    revoke(strict, "boss.one")
    strict.wait(days=2)
    enrol(strict, "boss.one", SoftAuthenticator(strict.origin, counts=False))
    strict.wait(days=29)
    case = asked(strict)
    assert refused(lambda: strict.sign(case, "boss.one")) == ("young_key",)
    planted(strict, case, proof_by(strict, case))
    assert reasons(strict, case) == ("young_key",)
    untouched(strict)
    strict.wait(days=1)
    later = asked(strict)
    strict.sign(later, "boss.one")
    strict.release(later)
    strict.run()
    assert strict.state(later) == "delivered"


def test_key_whose_enrolment_says_it_is_old(strict: Office) -> None:
    """An enrolment is as old as its entry, whatever it says of itself."""
    strict.wait(days=2)
    own = SoftAuthenticator(strict.origin)
    backdated = Credential(
        id=strict.app.ledger.pseudonym("k"),
        method="passkey",
        enrolled_at=strict.at - timedelta(days=400),
        public=material_for(own),
    )
    boss = strict["boss.one"]
    plant(strict, person_stream(boss), CredentialEnrolled(person=boss, credential=backdated), boss)
    case = asked(strict)
    planted(strict, case, proof_by(strict, case, own))
    assert reasons(strict, case) == ("young_key",)
    untouched(strict)


def test_key_of_another_person(strict: Office) -> None:
    """Somebody else's passkey is not the approver's, however honestly it signs."""
    case = asked(strict)
    assert refused(lambda: strict.sign(case, "boss.one", by="noah.berg")) == ("wrong_answer",)
    planted(strict, case, proof_by(strict, case, "noah.berg"))
    assert reasons(strict, case) == ("not_enrolled",)
    untouched(strict)


def test_one_key_for_two_people(strict: Office) -> None:
    """One passkey can not be enrolled twice; where the second enrolment was planted, it fills neither seat."""
    own = strict.keys.passkeys["boss.one"]
    assert refused(lambda: enrol(strict, "sam.security", own)) == ("shared_key",)
    sam = strict["sam.security"]
    copied = Credential(id="k-copied", method="passkey", enrolled_at=strict.at, public=material_for(own))
    plant(strict, person_stream(sam), CredentialEnrolled(person=sam, credential=copied), sam)
    confirmed = CredentialConfirmed(person=sam, credential=copied.id, by=strict[SECOND])
    plant(strict, person_stream(sam), confirmed, strict[SECOND])
    case = asked(strict, "eve.exec", "passkey", "mail_code")
    strict.sign(case, "boss.one")
    assert refused(lambda: strict.sign(case, "sam.security", by="boss.one")) == ("shared_key",)
    plant_yes(strict, case, proof_by(strict, case), "sam.security", role="security_duty")
    strict.release(case)
    strict.run()
    assert reasons(strict, case) == ("shared_key",)


def test_signature_replayed_by_another_approver(strict: Office) -> None:
    """In one case, the first approver's signature does not fill the second seat, whoever offers it, and when."""
    enrol(strict, "sam.security", SoftAuthenticator(strict.origin))
    case = asked(strict, "eve.exec", "passkey", "mail_code")
    options = strict.app.desk.approvals.options(strict["boss.one"], case, strict.at).options
    answer = strict.keys.passkeys["boss.one"].get(options)
    approve = strict.app.desk.decisions.approve
    approve(strict["boss.one"], case, strict.digest(case), "s", strict.at, assertion=answer)
    for login, told in (("sam.security", "wrong_answer"), ("boss.one", "voted")):
        with pytest.raises(Refused) as caught:
            approve(strict[login], case, strict.digest(case), "s", strict.at, assertion=answer)
        assert caught.value.reasons == (told,)
    assert strict.state(case) == "awaiting approval"
    plant_yes(strict, case, proof_by(strict, case), "sam.security", role="security_duty")
    strict.release(case)
    strict.run()
    assert reasons(strict, case) == ("not_enrolled",)
    untouched(strict, "eve.exec")


def test_second_seat_filled_by_the_first_approver(strict: Office) -> None:
    """One person's two signatures, the second of them planted under another role, are one yes."""
    case = asked(strict, "eve.exec", "passkey", "mail_code")
    strict.sign(case, "boss.one")
    plant_yes(strict, case, proof_by(strict, case), "boss.one", role="security_duty")
    with pytest.raises(Refused):
        strict.release(case)
    strict.run()
    untouched(strict, "eve.exec")


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (ec.generate_private_key(ec.SECP384R1()), "wrong_answer"),
        (rsa.generate_private_key(65537, 2048), "approval:signature"),
    ],
    ids=["ES384", "RS256"],
)
def test_key_of_another_kind(strict: Office, key: Key, told: str) -> None:
    """Keys that OpenSSH does not know for WebAuthn sign nothing here, though the signature itself is right."""
    own = SoftAuthenticator(strict.origin, key=key)
    revoke(strict, "boss.one")
    enrol(strict, "boss.one", own)
    case = asked(strict)
    assert refused(lambda: strict.sign(case, "boss.one")) == (told,)
    planted(strict, case, proof_by(strict, case))
    assert reasons(strict, case) == ("approval:signature",)
    untouched(strict)


@pytest.mark.parametrize("key", [b"\xa5", b"\xff" * 77, b"\xa5\x01\x02\x03\x26" + bytes(72), b"\x9f" * 200])
def test_key_that_is_noise(strict: Office, key: bytes) -> None:
    """An enrolment that holds no key at all is refused, and nothing breaks."""
    revoke(strict, "boss.one")
    enrol(strict, "boss.one", SoftAuthenticator(strict.origin), key)
    case = asked(strict)
    assert refused(lambda: strict.sign(case, "boss.one")) == ("wrong_answer",)
    planted(strict, case, proof_by(strict, case))
    assert reasons(strict, case) == ("approval:signature",)
    untouched(strict)


def test_counter_that_goes_back(strict: Office) -> None:
    """A passkey that counts has to go on counting from one approval to the next."""
    revoke(strict, "boss.one")
    enrol(strict, "boss.one", SoftAuthenticator(strict.origin))
    first, second = asked(strict), asked(strict, "noah.berg")
    strict.sign(first, "boss.one", count=7)
    assert strict.app.registry.person(strict["boss.one"]).credentials_of("passkey")[-1].counter == 7
    assert refused(lambda: strict.sign(second, "boss.one", count=7)) == ("replayed", "final")
    strict.sign(second, "boss.one", count=8)
