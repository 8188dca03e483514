"""Whose key may sign an approval: confirmed by a second person, bound to its device, and from outside the browser."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.desk.forger import enrol, material_for, plant_yes, planted, proof_by
from tests.desk.office import SECOND, Office, refused
from tests.desk.test_decisions import asked
from tests.desk.test_executor import reasons
from tests.ledger.openssh import with_tools
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.core import event as past
from watchword.core.approval import SignedProof, SshProof, encode_proof, proof_of
from watchword.core.case import Asked
from watchword.core.errors import Conflict, Invalid
from watchword.core.ids import CaseId
from watchword.core.person import Credential, Role, RoleGrant
from watchword.desk.people import fingerprint
from watchword.desk.recording import event_of
from watchword.ledger.bundle import check


def unconfirmed(office: Office, login: str) -> Credential:
    """Give *login* another passkey, which nobody confirms."""
    made = SoftAuthenticator(office.origin, counts=False)
    name = office.app.ledger.pseudonym("k")
    credential = Credential(id=name, method="passkey", enrolled_at=office.at, public=material_for(made))
    office.app.people.enrol(office["root.admin"], office[login], credential, None, office.at)
    office.keys.passkeys[login] = made
    return credential


def alone(office: Office, login: str, keep: str) -> None:
    """Leave *login* one key."""
    for held in office.app.registry.person(office[login]).credentials_of("passkey"):
        if held.id != keep:
            office.app.people.revoke_credential(office["root.admin"], office[login], held.id, "old", office.at)


def test_unconfirmed_key(strict: Office) -> None:
    """A key that one administrator enrolled signs nothing until somebody else confirms it, also where it is planted."""
    made = unconfirmed(strict, "boss.one")
    alone(strict, "boss.one", made.id)
    case = asked(strict)
    assert refused(lambda: strict.sign(case, "boss.one")) == ("unconfirmed_key",)
    planted(strict, case, proof_by(strict, case))
    assert reasons(strict, case) == ("unconfirmed_key",)
    again = asked(strict)
    strict.confirm("boss.one")
    strict.sign(again, "boss.one")


def test_who_confirms(strict: Office) -> None:
    """Not whoever enrolled it, not the person, nobody without the right, and nobody who looked at another key."""
    made = unconfirmed(strict, "boss.one")
    confirm = strict.app.people.confirm_credential
    boss, shown = strict["boss.one"], fingerprint(made)
    strict.app.people.grant(strict["root.admin"], boss, RoleGrant(role=Role.ADMINISTRATOR), strict.at)
    assert refused(lambda: confirm(strict["root.admin"], boss, made.id, shown, strict.at)) == ("same_person",)
    assert "subject-never-acts" in refused(lambda: confirm(boss, boss, made.id, shown, strict.at))
    assert refused(lambda: confirm(strict["ada.agent"], boss, made.id, shown, strict.at))
    with pytest.raises(Invalid):
        confirm(strict[SECOND], boss, made.id, "00" * 32, strict.at)
    with pytest.raises(Invalid):
        confirm(strict[SECOND], boss, "k-nobody", shown, strict.at)
    confirm(strict[SECOND], boss, made.id, shown, strict.at)
    with pytest.raises(Conflict):
        confirm(strict[SECOND], boss, made.id, shown, strict.at)


def synced(office: Office, login: str) -> None:
    """Give *login* a confirmed passkey that is synced between devices, and no other."""
    own = SoftAuthenticator(office.origin, counts=False, backup=True)
    public = office.app.passkey.enrol(
        challenge="e-1",
        person=office[login],
        answer=own.create(office.app.passkey.enrolment_options(challenge="e-1", person=office[login], login=login)),
    )
    made = Credential(id=office.app.ledger.pseudonym("k"), method="passkey", enrolled_at=office.at, public=public)
    office.app.people.enrol(office["root.admin"], office[login], made, None, office.at)
    office.confirm(login)
    office.keys.passkeys[login] = own
    alone(office, login, made.id)


def test_synced_key_for_a_privileged_account(strict: Office) -> None:
    """A passkey that can be copied approves for a standard account, and for a privileged one it does not."""
    synced(strict, "boss.one")
    ordinary = asked(strict)
    strict.sign(ordinary, "boss.one")
    case = asked(strict, "piet.priv", "passkey", "in_person")
    assert refused(lambda: strict.sign(case, "boss.one")) == ("synced_key",)
    plant_yes(strict, case, proof_by(strict, case))
    (vote,) = strict.case(case).votes
    entry = strict.app.ledger.find(vote.leaf)
    assert entry is not None
    planted_yes, proof = event_of(entry), proof_of(proof_by(strict, case))
    assert isinstance(planted_yes, past.ApprovalGiven)
    assert isinstance(proof, SignedProof)
    recheck = strict.app.desk.approvals.recheck
    assert refused(lambda: recheck(strict.case(case), planted_yes, proof, entry.seq, strict.at)) == ("synced_key",)


# --- outside the browser ---------------------------------------------------------------------------------------------


@pytest.fixture
def outside(strict: Office) -> Office:
    """An office whose rungs ask for one signature from outside the browser."""
    table = strict.home / "policy" / "procedures.yaml"
    table.write_text(table.read_text().replace("signed: true,", "signed: true, outside: true,"))
    strict.restart()
    strict.activate()
    return strict


def ssh_key(folder: Path, name: str) -> Path:
    """A key of OpenSSH's own, without passphrase; `ed25519`, since no security key is at hand."""
    file = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    return file


def signed(folder: Path, key: Path, office: Office, case: CaseId, *, namespace: str = "", text: str = "") -> str:
    """What `ssh-keygen -Y sign` makes of what *case* asks."""
    now = office.case(case)
    assert isinstance(now, Asked)
    file = folder / f"{case}.request.json"
    file.write_bytes((text or now.request).encode())
    file.with_name(f"{file.name}.sig").unlink(missing_ok=True)
    names = namespace or office.app.desk.approvals.namespace
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", names, "-f", key, file], check=True, capture_output=True)
    return file.with_name(f"{file.name}.sig").read_text()


def given(office: Office, case: CaseId, login: str, signature: str) -> None:
    """*login* brings a signature back."""
    approve = office.app.desk.decisions.approve
    approve(office[login], case, office.digest(case), "s", office.at, signature=signature)


def with_key(office: Office, folder: Path, login: str) -> Path:
    """Enrol an SSH key for *login*, confirmed."""
    key = ssh_key(folder, login)
    office.app.approver_keys.ssh(
        office["root.admin"], office[login], key.with_suffix(f"{key.suffix}.pub").read_text(), office.at
    )
    office.confirm(login)
    return key


@with_tools
def test_signature_from_outside_the_browser(outside: Office, tmp_path: Path) -> None:
    """`ssh-keygen -Y sign` approves; the executor checks it, and the bundle holds with stock `ssh-keygen -Y verify`."""
    key = with_key(outside, tmp_path, "boss.one")
    case = asked(outside)
    given(outside, case, "boss.one", signed(tmp_path, key, outside, case))
    outside.release(case)
    outside.run()
    assert outside.state(case) == "delivered"
    outside.app.people.grant(outside["root.admin"], outside["rex.review"], RoleGrant(role=Role.AUDITOR), outside.at)
    data = outside.app.dossier.collect(outside["rex.review"], case, outside.at).zip()
    assert any("by SSH key" in each.proved for each in check(data))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path / "bundle")
        guide = archive.read("VERIFY.md").decode()
    command = guide[guide.index("ssh-keygen -Y verify") :].partition("```")[0]
    done = subprocess.run(["bash", "-euc", command], cwd=tmp_path / "bundle", capture_output=True, check=True)
    assert b"Good " in done.stdout


@with_tools
def test_passkeys_alone_do_not_fill_that_rung(outside: Office, tmp_path: Path) -> None:
    """Two passkeys in two seats are not enough where one signature has to come from outside; a third person's is."""
    enrol(outside, "sam.security", SoftAuthenticator(outside.origin))
    case = asked(outside, "eve.exec", "passkey", "mail_code")
    outside.sign(case, "boss.one")
    outside.sign(case, "sam.security")
    assert outside.state(case) == "awaiting approval"
    key = with_key(outside, tmp_path, "ivy.iam")
    given(outside, case, "ivy.iam", signed(tmp_path, key, outside, case))
    assert outside.state(case) in ("holding", "releasable")


@with_tools
def test_what_is_no_signature_of_this_request(outside: Office, tmp_path: Path) -> None:
    """Other bytes, another purpose, another key, noise: each is refused at the desk and moves nothing when planted."""
    key = with_key(outside, tmp_path, "boss.one")
    other = ssh_key(tmp_path, "other")
    first = asked(outside)
    cases: tuple[tuple[dict[str, Any], Path, str], ...] = (
        ({"text": "{}"}, key, "signature"),
        ({"namespace": "file"}, key, "namespace"),
        ({"namespace": "policy-activation@example.test/office"}, key, "namespace"),
        ({}, other, "credential"),
    )
    armours = [(signed(tmp_path, by, outside, first, **how), told) for how, by, told in cases]
    armours += [
        ("", "ssh_form"),
        ("x" * 70_000, "ssh_form"),
        ("-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END", "ssh_form"),
    ]
    for armour, told in armours:
        assert refused(lambda a=armour: given(outside, first, "boss.one", a)) == (f"approval:{told}",)  # type: ignore[misc]
    assert outside.state(first) == "awaiting approval"
    planted(outside, first, encode_proof(SshProof(signature=armours[0][0])))
    assert reasons(outside, first) == ("approval:signature",)


@with_tools
def test_outside_signature_replayed_or_from_a_revoked_key(outside: Office, tmp_path: Path) -> None:
    """A signature for one case is none for another, and a key revoked since approves nothing that is not done yet."""
    key = with_key(outside, tmp_path, "boss.one")
    first, second = asked(outside), asked(outside, "noah.berg")
    armour = signed(tmp_path, key, outside, first)
    assert refused(lambda: given(outside, second, "boss.one", armour)) == ("approval:signature",)
    given(outside, first, "boss.one", armour)
    outside.release(first)
    (held,) = outside.app.registry.person(outside["boss.one"]).credentials_of("ssh_key")
    outside.app.people.revoke_credential(outside["root.admin"], outside["boss.one"], held.id, "lost", outside.at)
    outside.run()
    assert reasons(outside, first) == ("clearance:revoked",)


@with_tools
def test_plain_key_where_one_bound_to_a_device_is_asked(outside: Office, tmp_path: Path) -> None:
    """A plain ed25519 key could lie anywhere, so it approves nothing for a privileged account."""
    key = with_key(outside, tmp_path, "boss.one")
    case = asked(outside, "piet.priv", "passkey", "in_person")
    assert refused(lambda: given(outside, case, "boss.one", signed(tmp_path, key, outside, case))) == ("synced_key",)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ssh-rsa AAAA",
        "ssh-ed25519 AAAA",
        "ssh-ed25519 !!",
        "sk-ssh-ed25519@openssh.com AAAA",
        "\u00e9 x",
        "x" * 9000,
    ],
)
def test_key_of_no_kind_that_approves(strict: Office, line: str) -> None:
    """What is no public key of a kind that can approve is refused with the way on, and nothing is enrolled."""
    with pytest.raises(Invalid, match="no public key"):
        strict.app.approver_keys.ssh(strict["root.admin"], strict["boss.one"], line, strict.at)


@with_tools
def test_one_ssh_key_for_two_people(strict: Office, tmp_path: Path) -> None:
    """The same key can not be enrolled for a second person."""
    with_key(strict, tmp_path, "boss.one")
    line = (tmp_path / "boss.one.pub").read_text() if (tmp_path / "boss.one.pub").exists() else ""
    with pytest.raises(Exception, match="somebody else's"):
        strict.app.approver_keys.ssh(strict["root.admin"], strict["ivy.iam"], line, strict.at)
