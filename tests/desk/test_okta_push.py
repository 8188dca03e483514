"""Prompts in Okta Verify at the desk: sent once, answered by the provider's word, recorded by the runner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.desk.office import Office
from tests.methods.okta import FACTOR, TOKEN, USER, Okta, okta
from tests.methods.test_okta_verify import number_of
from watchword.core.action import Action
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId
from watchword.core.prompt import WITHIN
from watchword.settings import load

CONFIG = """
[okta_verify]
url = "{url}"
token_file = "okta.token"
"""


@pytest.fixture
def org() -> Iterator[Okta]:
    """An organisation at Okta."""
    with okta() as running:
        yield running


@pytest.fixture
def asked(office: Office, org: Okta) -> Office:
    """An office that knows it, with Mara's app enrolled on her first day."""
    token = office.home / "okta.token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    config: Path = office.home / "watchword.toml"
    config.write_text(config.read_text() + CONFIG.format(url=org.url))
    office.settings = load(config)
    office.restart()
    office.app.factors.enrol(office["root.admin"], office["mara.lind"], user=USER, factor=FACTOR, at=office.at)
    return office


def shown(office: Office, case: CaseId, challenge: str) -> int:
    """The number on the agent's screen."""
    port, ask = office.app.desk.verification.ask_of(office.case(case), challenge, office.at)
    return number_of(port, ask)


def begun(office: Office) -> tuple[CaseId, str]:
    """A case whose prompt was sent."""
    case = office.open(action=Action.TOTAL_LOSS)
    challenge = office.begin(case, "okta_push")
    office.run()
    return case, challenge


def test_the_number_that_is_picked_proves_without_anybody_asking(asked: Office, org: Okta) -> None:
    """The runner sends the prompt, the desk sees its number, and the runner records what the provider says."""
    case, challenge = begun(asked)
    assert len(org.prompts) == 1
    asked.pass_by(seconds=3)
    assert asked.case(case).evidence == ()
    org.picks(shown(asked, case, challenge))
    asked.pass_by(seconds=3)
    assert [e.method for e in asked.case(case).evidence] == ["okta_push"]
    looked = len(org.asked)
    asked.pass_by(seconds=30)
    assert len(org.asked) == looked
    (evidence,) = asked.case(case).evidence
    assert evidence.prover == asked["mara.lind"]


def test_a_no_sticks_to_the_account_though_nobody_looks(asked: Office, org: Okta) -> None:
    """A denial and a wrong pick are failures of the account, recorded without an answer on any page."""
    case, _ = begun(asked)
    org.denies()
    asked.pass_by(seconds=3)
    asked.begin(case, "okta_push")
    asked.run()
    org.picks(0)
    asked.pass_by(seconds=3)
    assert asked.types(case).count("method.failed") == 2
    assert len(asked.app.registry.account(asked.case(case).account).failures) == 2
    assert asked.case(case).evidence == ()


def test_a_prompt_is_sent_once_and_found_again_after_a_restart(asked: Office, org: Okta) -> None:
    """A runner that is started anew, and one that does the row twice, asks for the answer and sends nothing more."""
    case, challenge = begun(asked)
    asked.restart()
    assert asked.app.runner.pushes.send(case, challenge, asked.at)
    assert len(org.prompts) == 1
    assert asked.types(case).count("prompt.sent") == 1
    org.picks(shown(asked, case, challenge))
    asked.pass_by(seconds=3)
    assert len(asked.case(case).evidence) == 1


def test_silence_at_the_wrong_moment_sends_no_second_prompt(asked: Office, org: Okta) -> None:
    """Where nobody knows whether a prompt went out only people begin the method again; silence proves nothing."""
    org.trouble = "silent"
    case, challenge = begun(asked)
    org.trouble = ""
    asked.pass_by(minutes=1)
    assert org.prompts == {}
    assert "prompt.sent" not in asked.types(case)
    with pytest.raises(Refused) as caught:
        asked.answer(case, challenge, "")
    assert caught.value.reasons == ("pending",)
    asked.begin(case, "okta_push")
    asked.run()
    org.trouble = "503"
    org.picks(next(iter(org.numbers.values())))
    asked.pass_by(seconds=3)
    assert asked.case(case).evidence == ()
    org.trouble = ""
    asked.pass_by(seconds=3)
    assert len(asked.case(case).evidence) == 1


def test_what_is_picked_too_late_is_worth_nothing(asked: Office, org: Okta) -> None:
    """After the challenge's five minutes nobody asks the provider any more, and the case holds nothing."""
    case, challenge = begun(asked)
    number = shown(asked, case, challenge)
    asked.wait(minutes=5)
    org.picks(number)
    asked.run()
    looked = len(org.asked)
    asked.pass_by(minutes=1)
    assert len(org.asked) == looked
    assert asked.case(case).evidence == ()
    assert "method.failed" not in asked.types(case)


def test_both_kinds_of_prompt_count_together(asked: Office, org: Okta) -> None:
    """Nobody is prompted four times within an hour, and the fourth never reaches the provider."""
    case = asked.open(action=Action.TOTAL_LOSS)
    for _ in range(3):
        asked.begin(case, "okta_push")
        asked.run()
    with pytest.raises(Refused) as caught:
        asked.begin(case, "okta_push")
    assert caught.value.reasons == ("prompted_often",)
    asked.run()
    assert len(org.prompts) == 3
    asked.wait(seconds=WITHIN.total_seconds())
    asked.begin(case, "okta_push")


def test_ids_at_the_provider_stand_in_no_entry(asked: Office, org: Okta) -> None:
    """Whose factor it is, the transaction and the number are payloads; leaves hold pseudonyms alone."""
    case, challenge = begun(asked)
    streams = (f"case/{case}", f"person/{asked['mara.lind']}")
    entries = [msgspec.json.encode(e.entry).decode() for s in streams for e in asked.app.ledger.read(s)]
    assert len(entries) > 5
    private = (USER, FACTOR, TOKEN, next(iter(org.prompts)), f'"{shown(asked, case, challenge)}"')
    assert not [word for word in private for entry in entries if word in entry]


def test_who_may_enrol_an_app(asked: Office) -> None:
    """An agent may not, ids that lead elsewhere are refused, and one that is added later proves nothing for a month."""
    enrol, mara = asked.app.factors.enrol, asked["mara.lind"]
    with pytest.raises(Refused):
        enrol(asked["ada.agent"], mara, user=USER, factor=FACTOR, at=asked.at)
    with pytest.raises(Invalid):
        enrol(asked["root.admin"], mara, user="../x", factor=FACTOR, at=asked.at)
    asked.wait(days=2)
    enrol(asked["root.admin"], asked["noah.berg"], user="00uNoah", factor="opfNoah", at=asked.at)
    case = asked.open("noah.berg", action=Action.TOTAL_LOSS)
    with pytest.raises(Refused) as caught:
        asked.begin(case, "okta_push")
    assert caught.value.reasons == ("young_contact",)


def test_a_whole_reset_with_the_app_at_both_ends(asked: Office, org: Okta) -> None:
    """The executor checks the sealed yes again, and at the hand-over the person's own page shows the number."""
    case = asked.open()
    challenge = asked.begin(case, "okta_push")
    asked.run()
    org.picks(shown(asked, case, challenge))
    asked.pass_by(seconds=3)
    asked.prove(case, "passkey")
    asked.ask(case)
    asked.release(case)
    asked.browse(case)
    asked.run()
    assert asked.state(case) == "checked"
    challenge, begun = asked.app.desk.verification.begin_again(case, "okta_push", asked.at)
    assert begun.show_agent is None
    asked.run()
    port, ask = asked.app.desk.verification.ask_of(asked.case(case), challenge, asked.at)
    assert port.begin(ask).show_agent is None
    org.picks(shown(asked, case, challenge))
    asked.pass_by(seconds=3)
    assert asked.case(case).reproved is not None
