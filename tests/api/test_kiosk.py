"""At a kiosk: a supervisor gives their word at the hand-over where the credential is taken, and nowhere else."""

from __future__ import annotations

from typing import Any

from joserfc.jwk import ECKey

from tests.api.organisation import Organisation, Staff
from tests.api.test_story import Recovery, enrol
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.desk.vouching import name_supervisor


def test_the_word_at_the_hand_over_is_given_where_the_page_is_open(organisation: Organisation) -> None:
    """Signed in on a computer of their own they are told to sign in at the kiosk; there the same word hands over."""
    app, own = organisation.app, SoftAuthenticator("http://localhost:8787")
    tomas = app.names.person("tomas")
    enrol(organisation, tomas, own)
    name_supervisor(app.people, app.names.person("root"), tomas, "Hall 3", organisation.at)
    recovery = Recovery(organisation, lane="kiosk")
    office, kiosk = organisation.sign_in("tomas"), Staff(recovery.caller, "tomas")

    def says(where: Staff) -> Any:
        (asked,) = office.get("/api/vouches").json()
        answer = {"answer": own.get(asked["options"])}
        return where.post(f"/api/vouches/{asked['case']}/{asked['challenge']}", answer)

    recovery.step(recovery.agent, "ticket", {"ticket": "INC-1"})
    recovery.step(recovery.agent, "methods", {"method": "totp"})
    recovery.proves()
    recovery.step(recovery.agent, "methods", {"method": "kiosk", "custodian": "tomas"})
    assert says(office).status_code == 200
    person = recovery.step(recovery.agent, "methods", {"method": "in_person"}).json()
    recovery.step(recovery.agent, f"methods/{person['challenge']}", {"answer": "passport, front desk"})
    assert recovery.step(organisation.sign_in("hanne"), "release").json()["state"] == "released"
    key = ECKey.generate_key("P-256").as_dict(private=False)
    recovery.says("hand-over", {"jwk": {k: v for k, v in key.items() if k in {"kty", "crv", "x", "y"}}})
    organisation.works()
    organisation.passes(minutes=2)
    assert recovery.says("hand-over/methods", {"method": "kiosk"}).status_code == 201
    refused = says(office)
    assert (refused.status_code, refused.json()["reasons"]) == (403, ["other_browser"])
    assert recovery.says("hand-over/take").status_code == 403
    assert says(kiosk).status_code == 200
    assert len(recovery.says("hand-over/take").json()["envelopes"]) == 1
