"""Whose key may sign an approval under which rule: confirmed, bound, old enough, and nobody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.core.sample import ANN, IDA, MANAGER, MAX, NOON, VIC
from tests.core.story import leaf
from watchword.core.approval import (
    SshMaterial,
    SshProof,
    approving_key,
    approving_keys,
    demand_other_browser,
    demand_own_key,
    demand_own_sign_in,
    demand_own_ssh_key,
    encode_proof,
    is_bound,
    is_outside,
    is_signed,
    outside_keys,
)
from watchword.core.errors import Refused
from watchword.core.passkey import ClientData, PasskeyMaterial, material_of
from watchword.core.person import Credential, Kind, Person
from watchword.core.requirement import Evidence

SIGNED = msgspec.structs.replace(MANAGER, signed=True)
BOUND = msgspec.structs.replace(MANAGER, device_bound=True)
YEAR, DAY = timedelta(days=365), timedelta(days=1)


def passkey(name: str = "x", *, synced: bool = False, days: int = 60, **said: Any) -> Credential:
    """A passkey, enrolled by Ann and confirmed by Ida unless it is said otherwise."""
    public = PasskeyMaterial(
        credential_id=name,
        public_key=f"key of {name}",
        sign_count=0,
        aaguid="",
        backup_eligible=synced,
        rp_id="localhost",
    )
    material = msgspec.json.encode(public).decode()
    told: dict[str, Any] = {"enrolled_by": ANN, "confirmed_by": IDA, "method": "passkey", "public": material, **said}
    return Credential(id=f"k-{name}", enrolled_at=NOON - timedelta(days=days), **told)


def ssh(kind: str = "sk-ssh-ed25519@openssh.com", blob: str = "AAAA", **said: Any) -> Credential:
    """A key that signs outside any browser."""
    public = msgspec.json.encode(SshMaterial(kind=kind, blob=blob)).decode()
    return passkey(blob, **{"method": "ssh_key", "public": public, **said})


def holder(*held: Credential, person: Any = MAX, **said: Any) -> Person:
    """Somebody known for a year who holds these."""
    return Person(id=person, kind=Kind.EMPLOYEE, unit="north", credentials=held, since=NOON - YEAR, **said)


def why(step: Any) -> str:
    """The first reason of a refusal."""
    with pytest.raises(Refused) as caught:
        step()
    assert caught.value.remedy
    return caught.value.reasons[0]


@pytest.mark.parametrize("confirmed_by", [None, ANN, MAX])
def test_a_rule_that_asks_for_signatures_takes_keys_that_a_second_person_confirmed(confirmed_by: Any) -> None:
    """Neither unconfirmed, nor by whoever enrolled it, nor by its holder; a rule without signatures takes any."""
    key = passkey(confirmed_by=confirmed_by)
    for rule in (SIGNED, BOUND):
        assert why(lambda rule=rule: approving_key(holder(key), "x", NOON, rule)) == "unconfirmed_key"
        assert why(lambda rule=rule: approving_keys(holder(key), NOON, rule)) == "unconfirmed_key"
        assert approving_keys(holder(passkey()), NOON, rule) == (passkey(),)
    for mild in (MANAGER, None):
        assert approving_key(holder(key), "x", NOON, mild)[0] == key
        assert approving_keys(holder(key), NOON, mild) == (key,)


def test_a_rule_that_asks_for_bound_keys_takes_none_that_can_be_copied() -> None:
    """A synced passkey signs where signatures are enough, and not where the key must stay on its device."""
    synced = passkey("s", synced=True)
    assert why(lambda: approving_key(holder(synced), "s", NOON, BOUND)) == "synced_key"
    assert why(lambda: approving_keys(holder(synced), NOON, BOUND)) == "synced_key"
    assert approving_key(holder(synced), "s", NOON, SIGNED)[0] == synced
    assert approving_key(holder(passkey()), "x", NOON, BOUND)[0] == passkey()


def test_one_key_that_will_do_is_enough() -> None:
    """Those that will not are passed over, whichever was enrolled first; a young one comes back when it is old."""
    young, fit, synced = passkey("y", days=3), passkey("f"), passkey("s", synced=True)
    for held in ((young, fit, synced), (synced, fit, young)):
        assert approving_keys(holder(*held), NOON, BOUND) == (fit,)
    assert why(lambda: approving_keys(holder(young), NOON, BOUND)) == "young_key"
    assert approving_keys(holder(young), NOON + 27 * DAY, BOUND) == (young,)
    assert approving_keys(holder(), NOON, BOUND) == ()


def test_what_is_no_passkey_of_ours_is_bound_to_nothing() -> None:
    """Enrolments say whether they can be copied; what says nothing of the kind never passes for bound."""
    assert is_bound(passkey()) is True
    assert is_bound(passkey(synced=True)) is False
    assert is_bound(ssh()) is True
    assert is_bound(ssh("ssh-ed25519")) is False
    assert is_bound(passkey(public="{}")) is None
    assert is_bound(ssh(public="{}")) is None
    assert is_bound(ssh(method="totp")) is None
    assert why(lambda: approving_keys(holder(passkey(public="{}")), NOON, BOUND)) == "synced_key"


def test_keys_outside_the_browser_are_those_that_will_do() -> None:
    """The latest first; broken, young, unconfirmed and plain ones are passed over, and told of where none is left."""
    first, second = ssh(blob="AAAA"), ssh(blob="BBBB")
    broken, young, plain = ssh(public="{}"), ssh(days=3), ssh("ssh-ed25519")
    unconfirmed = ssh(confirmed_by=None)
    found = outside_keys(holder(first, broken, young, plain, unconfirmed, second), NOON, BOUND)
    assert [one for one, _ in found] == [second, first]
    assert [str(material) for _, material in found] == [
        "sk-ssh-ed25519@openssh.com BBBB",
        "sk-ssh-ed25519@openssh.com AAAA",
    ]
    assert [one for one, _ in outside_keys(holder(plain), NOON, SIGNED)] == [plain]
    for held, reason in (
        ((), "not_enrolled"),
        ((broken,), "not_enrolled"),
        ((passkey(),), "not_enrolled"),
        ((young,), "young_key"),
        ((plain,), "synced_key"),
        ((unconfirmed,), "unconfirmed_key"),
    ):
        assert why(lambda held=held: outside_keys(holder(*held), NOON, BOUND)) == reason


def test_a_signature_from_outside_is_told_from_one_in_a_browser() -> None:
    """Both are signatures, a session is neither."""
    outside = encode_proof(SshProof(signature="an armoured one"))
    session = '{"kind":"session","session":"00"}'
    assert (is_outside(outside), is_signed(outside)) == (True, True)
    assert (is_outside(session), is_signed(session)) == (False, False)


def test_nobody_approves_in_the_browser_in_which_the_person_was_verified() -> None:
    """The same mark is refused, another one and none at all say nothing against it."""
    proof = Evidence(method="totp", prover=None, agent=VIC, at=NOON, challenge="c", leaf=leaf(1), browser="hers")
    unmarked = msgspec.structs.replace(proof, browser=None)
    assert why(lambda: demand_other_browser((unmarked, proof), "hers")) == "same_device"
    demand_other_browser((proof,), "the manager's")
    demand_other_browser((proof,), None)
    demand_other_browser((unmarked,), None)
    demand_other_browser((), "hers")


def test_a_password_that_somebody_else_chose_approves_nothing_for_thirty_days() -> None:
    """Whoever chose it could sign in as them; to the moment, and not where nobody ever did."""
    replaced = holder(replaced_at=NOON)
    assert why(lambda: demand_own_sign_in(replaced, NOON)) == "young_password"
    assert why(lambda: demand_own_sign_in(replaced, NOON + 30 * DAY - timedelta(microseconds=1))) == "young_password"
    demand_own_sign_in(replaced, NOON + 30 * DAY)
    demand_own_sign_in(holder(), NOON)


def test_a_key_that_two_people_hold_counts_for_neither() -> None:
    """Whichever way it signs; another key, and the same one in another way, are not it."""
    key = ssh()
    assert why(lambda: demand_own_ssh_key(key, (holder(person=IDA), holder(ssh(), person=VIC)))) == "shared_key"
    demand_own_ssh_key(key, (holder(ssh(blob="BBBB"), ssh(method="totp"), person=IDA),))
    demand_own_ssh_key(key, ())
    material = material_of(passkey())
    assert material is not None
    assert why(lambda: demand_own_key(material, (holder(passkey("y"), passkey(), person=IDA),))) == "shared_key"
    demand_own_key(material, (holder(passkey("y"), passkey(public="{}"), person=IDA),))


def test_a_browser_that_says_nothing_of_other_origins_asks_from_its_own() -> None:
    """What it signed is read with what is there; a page within another one says so."""
    said = msgspec.json.decode(
        '{"type":"webauthn.get","challenge":"c","origin":"https://desk.example.test","more":1}', type=ClientData
    )
    assert (said.cross_origin, said.top_origin) == (False, None)
