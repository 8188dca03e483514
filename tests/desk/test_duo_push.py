"""Prompts in Duo Mobile at the desk: a whole reset with the app at both ends, and what is kept apart from Okta's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.desk.office import Office
from tests.methods.duo import DEVICE, INTEGRATION, SECRET, USER, Duo, duo
from watchword.core.action import Action
from watchword.core.errors import Invalid, Refused
from watchword.core.prompt import DUO_DEVICE
from watchword.settings import load

CONFIG = """
[duo]
url = "{url}"
integration_key = "{key}"
secret_file = "duo.secret"
"""


@pytest.fixture
def org() -> Iterator[Duo]:
    """An application at Duo."""
    with duo() as running:
        yield running


@pytest.fixture
def asked(office: Office, org: Duo) -> Office:
    """An office that knows it, with Mara's phone enrolled on her first day."""
    secret = office.home / "duo.secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    config: Path = office.home / "watchword.toml"
    config.write_text(config.read_text() + CONFIG.format(url=org.url, key=INTEGRATION))
    office.settings = load(config)
    office.restart()
    enrol = office.app.factors.enrol
    enrol(office["root.admin"], office["mara.lind"], user=USER, factor=DEVICE, at=office.at, kind=DUO_DEVICE)
    return office


def code_of(org: Duo) -> str:
    """The number of the push that came last."""
    return org.codes[next(reversed(org.pushes))]


def test_a_whole_reset_with_the_app_at_both_ends(asked: Office, org: Duo) -> None:
    """The runner sends the push and records the yes, the executor checks it again, and the hand-over asks once more."""
    case = asked.open()
    challenge = asked.begin(case, "duo_push")
    asked.run()
    port, ask = asked.app.desk.verification.ask_of(asked.case(case), challenge, asked.at)
    assert f"number: {code_of(org)}. They type it in Duo Mobile." in str(port.begin(ask).show_agent)
    org.types(code_of(org))
    asked.pass_by(seconds=3)
    asked.prove(case, "passkey")
    asked.ask(case)
    asked.release(case)
    asked.browse(case)
    asked.run()
    assert asked.state(case) == "checked"
    asked.app.desk.verification.begin_again(case, "duo_push", asked.at)
    asked.run()
    org.types(code_of(org))
    asked.pass_by(seconds=3)
    assert asked.case(case).reproved is not None
    private = (USER, DEVICE, SECRET, *org.pushes)
    streams = (f"case/{case}", f"person/{asked['mara.lind']}")
    entries = [msgspec.json.encode(e.entry).decode() for s in streams for e in asked.app.ledger.read(s)]
    assert not [word for word in private for entry in entries if word in entry]


def test_a_no_sticks_and_time_does_not(asked: Office, org: Duo) -> None:
    """A denial is a failure of the account though nobody looks; a push that ran out at Duo is held against nobody."""
    case = asked.open(action=Action.TOTAL_LOSS)
    asked.begin(case, "duo_push")
    asked.run()
    org.ends("deny", "timeout")
    asked.pass_by(minutes=2)
    assert "method.failed" not in asked.types(case)
    asked.begin(case, "duo_push")
    asked.run()
    org.ends("deny", "deny")
    asked.pass_by(seconds=3)
    assert asked.types(case).count("method.failed") == 1
    assert asked.case(case).evidence == ()


def test_whose_phone_it_is(asked: Office) -> None:
    """Ids that are none at Duo are refused, and who has no phone there is not asked this way."""
    with pytest.raises(Invalid):
        asked.app.factors.enrol(
            asked["root.admin"], asked["mara.lind"], user="00u1", factor="opf1", at=asked.at, kind=DUO_DEVICE
        )
    case = asked.open("noah.berg", action=Action.TOTAL_LOSS)
    with pytest.raises(Refused) as caught:
        asked.begin(case, "duo_push")
    assert caught.value.reasons == ("not_enrolled",)
