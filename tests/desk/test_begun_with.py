"""A method is answered with what it was begun with: nothing that was enrolled while it ran takes the place of that."""

from __future__ import annotations

import base64

import pyotp
import pytest

from tests.desk.office import Office, refused
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.core.action import Action
from watchword.core.person import Credential

MARA = "mara.lind"


def swapped(office: Office, method: str) -> None:
    """Have an administrator enrol something of their own for Mara, and revoke what she has had for long."""
    people, root, mara = office.app.people, office["root.admin"], office[MARA]
    (old,) = office.app.registry.person(mara).credentials_of(method)
    if method == "totp":
        seed = office.keys.apps[MARA] = pyotp.random_base32().encode()[:20]
        new = Credential(id=office.app.ledger.pseudonym("k"), method=method, enrolled_at=office.at)
        people.enrol(root, mara, new, seed.hex(), office.at)
    else:
        own = office.keys.passkeys[MARA] = SoftAuthenticator(office.origin, counts=False)
        office.enrol(MARA, own.create)
    people.revoke_credential(root, mara, old.id, "lost, they said", office.at)


@pytest.mark.parametrize("method", ["totp", "passkey"])
def test_what_was_enrolled_meanwhile_proves_nothing(office: Office, method: str) -> None:
    """Begun with an app or a key that is old, a challenge is not answered with one that is a minute old."""
    office.wait(days=40)
    case = office.open(MARA, Action.UNLOCK)
    challenge = office.begin(case, method)
    old = {"totp": lambda: office.totp(MARA), "passkey": lambda: office.right(case, challenge)}[method]()
    swapped(office, method)
    seed = base64.b32encode(office.keys.apps[MARA]).decode()
    stolen = pyotp.TOTP(seed).at(office.at) if method == "totp" else old
    for answer in (stolen, old):
        assert refused(lambda answer=answer: office.answer(case, challenge, answer)) == ("not_enrolled",)  # type: ignore[misc]
    assert "method.proved" not in office.types(case)
    assert refused(lambda: office.begin(case, method)) == ("young_contact",)


@pytest.mark.parametrize("method", ["totp", "passkey"])
def test_what_was_revoked_since_it_proved_is_not_acted_on(office: Office, method: str) -> None:
    """An app or a key that is reported lost before the change takes its proof along."""
    office.wait(days=40)
    case = office.open(MARA, Action.UNLOCK)
    office.prove(case, method)
    office.ask(case)
    office.release(case)
    swapped(office, method)
    office.run()
    assert "execution.refused" in office.types(case)
    assert "change.started" not in office.types(case)
