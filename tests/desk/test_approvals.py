"""Signed approvals at the desk and before the executor: what is no yes of this person to this request moves nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.desk.forger import SESSION, enrol, plant_yes, planted, proof_by, replanted
from tests.desk.office import Office, refused
from tests.desk.test_decisions import asked
from tests.desk.test_executor import FACTORS, reasons
from tests.ledger.openssh import openssl_accepts, ssh_accepts, with_tools
from watchword.cli.demo.authenticator import SoftAuthenticator, b64
from watchword.core import event as past
from watchword.core.action import Action
from watchword.core.approval import SignedProof, proof_of
from watchword.core.case import Asked, AwaitingApproval
from watchword.core.errors import Conflict, Refused
from watchword.core.ids import CaseId
from watchword.core.passkey import PasskeyMaterial
from watchword.core.request import parse
from watchword.desk.recording import case_stream, event_of
from watchword.ledger.append import Appended
from watchword.ledger.approval import verify
from watchword.ledger.sshsig import allowed_signer, namespace_of
from watchword.web.approver import approver_card


def untouched(office: Office, login: str = "mara.lind") -> None:
    """The directory has changed nothing of *login*'s."""
    assert office.version(login, FACTORS) == 0


# --- the honest way --------------------------------------------------------------------------------------------------


def test_signed_approval_is_carried_out(strict: Office) -> None:
    """A yes signed with the approver's passkey is stored whole, checked again by the executor, and done."""
    case = asked(strict)
    strict.sign(case, "boss.one")
    strict.release(case)
    strict.run()
    assert (strict.state(case), strict.version("mara.lind", FACTORS)) == ("delivered", 1)
    proof = proof_of(approvals_of(strict, case)[0][1].proof)
    assert isinstance(proof, SignedProof)


def test_request_names_the_ledger_as_it_stood(office: Office) -> None:
    """What is signed says yes, and names the checkpoint the ledger had before it was asked."""
    case = asked(office)
    now = office.case(case)
    assert isinstance(now, Asked)
    request = parse(now.request)
    before = next(e.seq for e in office.app.ledger.read(case_stream(case)) if e.entry.type == "approval.asked")
    assert (request.decision, request.checkpoint.size) == ("approve", before)
    assert office.app.ledger.root(before).hex() == request.checkpoint.root


def test_session_is_enough_where_no_signature_is_asked(office: Office) -> None:
    """Under the shipped policy both a session and a signature are a yes."""
    for login, yes in (("mara.lind", office.approve), ("noah.berg", office.sign)):
        case = asked(office, login)
        yes(case, "boss.one")
        office.release(case)
        office.run()
        assert office.state(case) == "delivered"


def test_session_is_not_enough_where_a_signature_is_asked(strict: Office) -> None:
    """Being signed in approves nothing there, and a no still needs no signature."""
    case = asked(strict)
    assert refused(lambda: strict.approve(case, "boss.one")) == ("unsigned",)
    strict.app.desk.decisions.refuse(strict["boss.one"], case, "she is next to me", strict.at)
    assert strict.state(case) == "declined"


def test_two_seats_two_signatures(strict: Office) -> None:
    """Each seat is filled by another person's signature; a signature fills one."""
    enrol(strict, "sam.security", SoftAuthenticator(strict.origin))
    case = asked(strict, "eve.exec", "passkey", "mail_code")
    strict.sign(case, "boss.one")
    assert refused(lambda: strict.sign(case, "boss.one")) == ("voted",)
    assert strict.state(case) == "awaiting approval"
    strict.sign(case, "sam.security")
    strict.release(case)
    strict.run()
    assert strict.state(case) == "delivered"


def test_glass_is_broken_with_a_signature(strict: Office) -> None:
    """The second custodian signs where the case asked for signatures before."""
    case = strict.open("piet.priv", Action.PASSWORD_RESET)
    strict.app.desk.decisions.break_glass(strict["cleo.custodian"], case, "nobody else is there", strict.at)
    assert refused(lambda: strict.approve(case, "cato.custodian")) == ("unsigned",)
    strict.sign(case, "cato.custodian")
    assert strict.state(case) == "releasable"


@with_tools
def test_stored_approval_verifies_with_stock_tools(strict: Office, tmp_path: Path) -> None:
    """From the entries alone: the exact request, its signature, and the approver's key as OpenSSH takes them."""
    case = asked(strict)
    strict.sign(case, "boss.one")
    ((entry, given),) = approvals_of(strict, case)
    stock_tools_accept(strict, tmp_path, entry, given)


def stock_tools_accept(office: Office, folder: Path, entry: Appended, given: past.ApprovalGiven) -> None:
    """`ssh-keygen` and `openssl` take what is stored, and `ssh-keygen` nothing else."""
    proof = proof_of(given.proof)
    assert isinstance(proof, SignedProof)
    log = office.app.ledger.origin
    (enrolled,) = office.app.registry.person(given.person).credentials_of("passkey")
    material = msgspec.json.decode(enrolled.public, type=PasskeyMaterial)
    party = office.app.desk.approvals.party
    signature = verify(proof, given.request, log=log, material=material, party=party).signature
    line = allowed_signer(given.person, signature.key, namespace_of(log), valid_after=enrolled.enrolled_at)
    ended = allowed_signer(
        given.person,
        signature.key,
        namespace_of(log),
        valid_after=enrolled.enrolled_at,
        valid_before=entry.entry.at - timedelta(seconds=1),
    )

    def accepted(*, signers: str = line, namespace: str = namespace_of(log), message: str = given.request) -> bool:
        return ssh_accepts(
            folder,
            signers=signers,
            principal=given.person,
            namespace=namespace,
            armour=signature.armour(),
            message=message.encode(),
            at=f"{entry.entry.at:%Y%m%d%H%M%S}Z",
        )

    assert accepted()
    assert not accepted(message=given.request.replace(given.case, "c-other"))
    assert not accepted(namespace="reset-approval@other.example.test")
    assert not accepted(signers=ended)
    assert openssl_accepts(folder, signature, proof)


def approvals_of(office: Office, case: CaseId) -> tuple[tuple[Appended, past.ApprovalGiven], ...]:
    """The approvals of a case, as they are stored."""
    entries = (e for e in office.app.ledger.read(case_stream(case)) if e.entry.type == "approval.given")
    events = ((entry, event_of(entry)) for entry in entries)
    return tuple((entry, event) for entry, event in events if isinstance(event, past.ApprovalGiven))


# --- faults of one assertion, at both doors --------------------------------------------------------------------------

FAULTS: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"user_verified": False}, "user_verification", "user_verification"),
    ({"user_present": False}, "wrong_answer", "presence"),
    ({"user_present": False, "user_verified": False}, "wrong_answer", "presence"),
    ({"origin": "http://localhost:8788"}, "origin", "origin"),
    ({"origin": "https://localhost.evil.test"}, "origin", "origin"),
    ({"cross_origin": True}, "origin", "origin"),
    ({"more": {"topOrigin": "https://evil.test"}}, "origin", "origin"),
    ({"rp_id": "evil.test"}, "wrong_answer", "relying_party"),
    ({"challenge": b64(bytes(32))}, "wrong_answer", "challenge"),
    ({"kind": "webauthn.create"}, "wrong_answer", "type"),
    ({"flags": 0x08}, "wrong_answer", "backup"),
    ({"first": {"a": 1}}, "approval:openssh", "openssh"),
)


@pytest.mark.parametrize(("fault", "told", "check"), FAULTS)
def test_fault_at_the_desk(strict: Office, fault: dict[str, Any], told: str, check: str) -> None:
    """The desk takes no assertion that departs in anything, and the case goes on waiting."""
    del check
    case = asked(strict)
    assert refused(lambda: strict.sign(case, "boss.one", **fault)) == (told,)
    assert strict.state(case) == "awaiting approval"
    strict.sign(case, "boss.one")


@pytest.mark.parametrize(("fault", "told", "check"), FAULTS)
def test_fault_before_the_executor(strict: Office, fault: dict[str, Any], told: str, check: str) -> None:
    """The same assertion, planted as a signed entry behind the desk's back, moves nothing."""
    del told
    case = asked(strict)
    planted(strict, case, proof_by(strict, case, **fault))
    assert reasons(strict, case) == (f"approval:{check}",)
    untouched(strict)


# --- other people's and other requests' ------------------------------------------------------------------------------


def test_replay_into_another_case(strict: Office) -> None:
    """A signature for one case is none for the next, whoever offers it."""
    first, second = asked(strict), asked(strict, "noah.berg")
    options = strict.app.desk.approvals.options(strict["boss.one"], first, strict.at).options
    answer = strict.keys.passkeys["boss.one"].get(options)
    approve = strict.app.desk.decisions.approve

    def replay() -> None:
        approve(strict["boss.one"], second, strict.digest(second), "s", strict.at, assertion=answer)

    assert refused(replay) == ("wrong_answer",)
    planted(strict, second, proof_by(strict, first))
    assert reasons(strict, second) == ("approval:challenge",)
    assert strict.version("noah.berg", FACTORS) == 0


def test_replay_of_an_older_request_of_the_same_case(strict: Office) -> None:
    """What was signed before the case was escalated is neither a yes to what it asks now, nor can it be planted."""
    enrol(strict, "sam.security", SoftAuthenticator(strict.origin))
    case = asked(strict)
    old = proof_by(strict, case)
    digest = strict.digest(case)
    options = strict.app.desk.approvals.options(strict["boss.one"], case, strict.at).options
    answer = strict.keys.passkeys["boss.one"].get(options)
    strict.app.desk.decisions.escalate(strict["ada.agent"], case, strict.at)
    strict.prove(case, "in_person")
    strict.prove(case, "totp")
    strict.ask(case)
    approve = strict.app.desk.decisions.approve
    with pytest.raises(Conflict):
        approve(strict["boss.one"], case, digest, "s", strict.at, assertion=answer)
    assert refused(
        lambda: approve(strict["boss.one"], case, strict.digest(case), "s", strict.at, assertion=answer)
    ) == ("wrong_answer",)
    strict.sign(case, "sam.security")
    plant_yes(strict, case, old)
    strict.pass_by(minutes=30)  # the hold is counted from its notice, whose row is found missing
    strict.wait(hours=4)
    strict.run()
    strict.release(case)
    strict.run()
    assert reasons(strict, case) == ("approval:challenge",)


def test_expired(strict: Office) -> None:
    """A signature that comes late is refused, and one that is planted late is not acted on."""
    case = asked(strict)
    late = proof_by(strict, case)
    strict.wait(hours=4, seconds=1)
    assert refused(lambda: strict.sign(case, "boss.one")) == ("expired",)
    plant_yes(strict, case, late)
    assert refused(lambda: strict.release(case))
    untouched(strict)


def test_self_approvals_of(strict: Office) -> None:
    """The person whose account it is signs nothing, with their own passkey or as somebody else."""
    case = asked(strict)
    assert refused(lambda: strict.sign(case, "mara.lind"))
    planted(strict, case, proof_by(strict, case, "mara.lind"), "mara.lind")
    assert reasons(strict, case) == ("clearance:separation",)
    other = asked(strict)
    assert refused(lambda: strict.sign(other, "boss.one", by="mara.lind")) == ("wrong_answer",)
    planted(strict, other, proof_by(strict, other, "mara.lind"))
    assert reasons(strict, other) == ("not_enrolled",)
    untouched(strict)


def test_session_planted_where_a_signature_is_asked(strict: Office) -> None:
    """The desk's word alone is not acted on there, nor is a proof of a kind nobody knows."""
    for proof in (SESSION, '{"kind":"trust me"}', "", '{"kind":"sshsig"}'):
        case = asked(strict)
        planted(strict, case, proof)
        assert reasons(strict, case) == ("clearance:signed",)
    untouched(strict)


def test_unknown_proof_planted_where_none_is_asked(office: Office) -> None:
    """Where a session would do, something else in its place still does not."""
    for proof in ('{"kind":"trust me"}', "", "{}", '{"kind":"sshsig"}'):
        case = asked(office)
        planted(office, case, proof)
        assert reasons(office, case) == ("clearance:approval_proof",)
    case = asked(office)
    planted(office, case, proof_by(office, case, user_verified=False))
    assert reasons(office, case) == ("approval:user_verification",)


def test_altered_request(strict: Office) -> None:
    """One byte of what was signed, changed in every entry that carries it, and nothing is done."""
    case = asked(strict)
    strict.sign(case, "boss.one")
    ((_, given),) = approvals_of(strict, case)
    at = given.request.index('"nonce":"') + len('"nonce":"')
    other = given.request[:at] + ("0" if given.request[at] != "0" else "1") + given.request[at + 1 :]
    again = asked(strict)
    planted(strict, again, given.proof, request=other)
    assert reasons(strict, again) == ("clearance:same_bytes",)
    untouched(strict)


@pytest.mark.parametrize(
    ("fields", "check"),
    [
        ({"log": "other.example.test"}, "ledger"),
        ({"checkpoint": {"size": 3, "root": "00" * 32}}, "not_before"),
        ({"checkpoint": {"size": 10**6, "root": "00" * 32}}, "not_before"),
        ({"checkpoint": {"size": 0, "root": ""}}, "not_before"),
    ],
)
def test_request_of_another_ledger_or_history(office: Office, fields: dict[str, Any], check: str) -> None:
    """A whole case that was planted around bytes of another ledger, or of a history this one never had, is refused."""
    forged = replanted(office, *called_off(office), fields)
    office.run()
    assert reasons(office, forged) == (f"clearance:{check}",)


def test_requirement_that_was_lowered_in_its_own_entry(strict: Office) -> None:
    """A whole case that was planted with a requirement of its own making, without signatures, is refused."""
    case, question = called_off(strict)
    rule = msgspec.to_builtins(strict.case(case).requirement.approve)
    friends = rule | {"seats": [{"roles": ["manager_of_record", "friend"]}]}
    for lowered in (rule | {"signed": False}, friends | {"signed": False}):
        forged = replanted(strict, case, question, {}, {"approve": lowered})
        strict.run()
        assert reasons(strict, forged) == ("clearance:requirement",)
    other = {"policy": f"sha256:{'0' * 64}"}
    forged = replanted(strict, case, question, other, other | {"approve": rule | {"signed": False}})
    strict.run()
    assert reasons(strict, forged) == ("clearance:policy",)
    untouched(strict)


@pytest.mark.parametrize("proof", ["", "no JSON", "[" * 5000, "{}", '{"method": 7}', "\ud7ff"])
def test_planted_proof_that_is_none(office: Office, proof: str) -> None:
    """A whole case that was planted around something else than a proof ends refused, and the executor goes on."""
    forged = replanted(office, *called_off(office), {}, proof=proof)
    office.run()
    assert reasons(office, forged) == ("clearance:proof",)


def called_off(office: Office) -> tuple[CaseId, Appended]:
    """A case that was asked and then withdrawn, to be planted again; and its question."""
    case = asked(office)
    question = office.app.ledger.read(case_stream(case))[-1]
    office.app.desk.decisions.withdraw(office["ada.agent"], case, "to be forged", office.at)
    return case, question


def test_options_are_for_those_who_may_approve(strict: Office) -> None:
    """Nobody without a seat, and nobody without a passkey, is asked to sign; nor is anybody once it is decided."""
    case = asked(strict)
    options = strict.app.desk.approvals.options
    assert refused(lambda: options(strict["noah.berg"], case, strict.at))
    executive = asked(strict, "eve.exec", "passkey", "mail_code")
    assert refused(lambda: options(strict["sam.security"], executive, strict.at)) == ("not_enrolled",)
    strict.sign(case, "boss.one")
    assert refused(lambda: options(strict["boss.one"], case, strict.at)) == ("wrong_state",)


def test_approver_hears_words_for_approvers(strict: Office) -> None:
    """What is wrong with a signature is not told in the words for somebody who is being verified."""
    case = asked(strict)
    with pytest.raises(Refused, match="no signature of yours"):
        strict.sign(case, "boss.one", by="noah.berg")
    with pytest.raises(Refused, match="page that is not ours") as caught:
        strict.sign(case, "boss.one", origin="https://localhost.evil.test")
    assert "phishing" in caught.value.remedy
    executive = asked(strict, "eve.exec", "passkey", "mail_code")
    with pytest.raises(Refused, match="no passkey to sign with"):
        strict.sign(executive, "sam.security", by="boss.one")


def test_answer_that_is_noise(strict: Office) -> None:
    """Whatever is sent for an assertion, it is refused and the case goes on waiting."""
    case = asked(strict)
    approve = strict.app.desk.decisions.approve
    for noise in ("", "{}", "null", "[" * 5000, "\ud800", "x" * 20_000, '{"id":1}'):
        assert refused(
            lambda n=noise: approve(strict["boss.one"], case, strict.digest(case), "s", strict.at, assertion=n)  # type: ignore[misc]
        ) == ("wrong_answer",)
    assert strict.state(case) == "awaiting approval"


def test_console_offers_no_yes_that_would_not_count(strict: Office, office: Office) -> None:
    """Where a signature is asked the card says so and has no form for a yes; a no is always there."""
    cards = []
    for place in (strict, office):
        now = place.case(asked(place))
        assert isinstance(now, AwaitingApproval)
        cards.append(approver_card(place.app, now, (), place.at, decides=True))
    assert [card.approve is None for card in cards] == [True, False]
    assert [any("signed" in line.value for line in card.lines) for card in cards] == [True, False]
    assert all(card.refuse for card in cards)
