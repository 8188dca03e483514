"""What proves a yes, and whose passkey may have signed it."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.sample import IDA, MAX, NOON
from watchword.core.approval import (
    SessionProof,
    SignedProof,
    approving_key,
    approving_keys,
    demand_own_key,
    encode_proof,
    is_signed,
    proof_of,
)
from watchword.core.errors import Refused
from watchword.core.ids import PersonId
from watchword.core.passkey import PasskeyMaterial
from watchword.core.person import Credential, Kind, Person

SIGNED = SignedProof(credential="a", client_data="b", authenticator_data="c", signature="d")


def holder(*held: tuple[str, int], person: PersonId = MAX, method: str = "passkey", key: str = "") -> Person:
    """Somebody known for a year, with passkeys enrolled so many days ago."""
    credentials = tuple(
        Credential(
            id=f"k-{name}",
            method=method,
            enrolled_at=NOON - timedelta(days=days),
            public=msgspec.json.encode(
                PasskeyMaterial(
                    credential_id=name,
                    public_key=key or f"key of {name}",
                    sign_count=0,
                    aaguid="",
                    backup_eligible=False,
                    rp_id="localhost",
                )
            ).decode(),
        )
        for name, days in held
    )
    since = NOON - timedelta(days=365)
    return Person(id=person, kind=Kind.EMPLOYEE, unit="north", credentials=credentials, since=since)


def reason(person: Person, credential: str) -> str:
    """Why *credential* signs nothing for *person*."""
    with pytest.raises(Refused) as caught:
        approving_key(person, credential, NOON)
    return caught.value.reasons[0]


def test_a_proof_is_read_back_as_it_was_written() -> None:
    """Both kinds have one text each, and nothing else is either."""
    session = SessionProof(session="00")
    assert encode_proof(session) == '{"kind":"session","session":"00"}'
    assert encode_proof(SIGNED) == (
        '{"kind":"sshsig","credential":"a","client_data":"b","authenticator_data":"c","signature":"d"}'
    )
    assert [proof_of(encode_proof(p)) for p in (session, SIGNED)] == [session, SIGNED]
    assert [is_signed(encode_proof(p)) for p in (session, SIGNED)] == [False, True]


@given(st.text(max_size=60))
def test_noise_is_no_proof(noise: str) -> None:
    """Whatever stands there instead, it proves nothing and breaks nothing."""
    assert proof_of(noise) is None
    assert proof_of(encode_proof(SIGNED)[:-1] + f',"more":{msgspec.json.encode(noise).decode()}}}') is None
    assert not is_signed(noise)


def test_a_key_counts_for_its_holder_once_it_is_old_enough() -> None:
    """Their own, enrolled thirty days ago or as they became known; nobody else's, and no other kind of credential."""
    assert approving_key(holder(("x", 30)), "x", NOON)[0].id == "k-x"
    assert approving_key(holder(("x", 365), ("y", 3)), "x", NOON)[0].id == "k-x"
    assert reason(holder(("x", 365), ("y", 3)), "y") == "young_key"
    assert [c.id for c in approving_keys(holder(("x", 365), ("y", 3)), NOON)] == ["k-x"]
    assert approving_keys(holder(), NOON) == ()
    with pytest.raises(Refused, match="30 days"):
        approving_keys(holder(("y", 3)), NOON)
    assert reason(holder(("x", 30)), "z") == "not_enrolled"
    assert reason(holder(), "x") == "not_enrolled"
    assert reason(holder(("x", 30), method="totp"), "x") == "not_enrolled"
    broken = msgspec.structs.replace(holder(("x", 30)).credentials[0], public="{}")
    assert reason(msgspec.structs.replace(holder(), credentials=(broken,)), "x") == "not_enrolled"


def test_a_key_in_two_hands_counts_in_neither() -> None:
    """The same public key under another name of another person is found."""
    _, material = approving_key(holder(("x", 30), key="one"), "x", NOON)
    demand_own_key(material, (holder(("y", 30), person=IDA), holder(person=IDA)))
    with pytest.raises(Refused) as caught:
        demand_own_key(material, (holder(("y", 30), person=IDA, key="one"),))
    assert caught.value.reasons == ("shared_key",)
