"""Codes that are sent, attacked: replayed, guessed, taken to another case; and a text through a real receiver."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.desk.office import Office, refused
from tests.notices.receiver import Receiver, receiving
from watchword.core.action import Action
from watchword.settings import load

SENT = pytest.mark.parametrize("method", ["mail_code", "call_code", "sms_code"])


@SENT
def test_a_code_counts_once(office: Office, method: str) -> None:
    """A code that proved proves nothing again, in its own challenge or in a later one of the same case."""
    case = office.open(action=Action.FACTOR_RESET, factors=("security_key",))
    first = office.begin(case, method)
    code = office.right(case, first)
    office.answer(case, first, code)

    assert refused(lambda: office.answer(case, first, code)) == ("replayed",)
    again = office.begin(case, method)
    assert refused(lambda: office.answer(case, again, code)) == ("wrong_answer",)


@SENT
def test_a_code_of_another_case(office: Office, method: str) -> None:
    """A code sent for one case is a wrong answer in another, of the same person and of somebody else."""
    one = office.open(action=Action.FACTOR_RESET, factors=("security_key",))
    code = office.right(one, office.begin(one, method))
    for login in ("mara.lind", "noah.berg"):
        other = office.open(login, action=Action.UNLOCK, ticket="INC-2")
        challenge = office.begin(other, method)
        assert refused(lambda: office.answer(other, challenge, code)) == ("wrong_answer",)  # noqa: B023


@SENT
def test_guessing_is_counted_and_closed(office: Office, method: str) -> None:
    """Three guesses fail a method, three failures close it in every case of the account, for the right code as well."""
    cases = [office.open(action=Action.UNLOCK, ticket=f"INC-{n}") for n in range(4)]
    waiting = office.begin(cases[3], method)
    code = office.right(cases[3], waiting)
    for case in cases[:3]:
        challenge = office.begin(case, method)
        for last in ((), (), ("exhausted",)):
            said = refused(lambda: office.answer(case, challenge, "1234 5678"))  # noqa: B023
            assert said == ("wrong_answer", *last)
        assert office.types(case).count("method.failed") == 1

    assert len(office.app.registry.account(office.case(cases[3]).account).failures) == 3
    assert refused(lambda: office.begin(cases[3], method)) == ("frozen",)
    office.answer(cases[3], waiting, code)
    assert "unverified" in refused(lambda: office.ask(cases[3]))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The far end of a text service."""
    with receiving() as answering:
        yield answering


@pytest.fixture
def texting(office: Office, receiver: Receiver) -> Office:
    """The office with a gateway for texts."""
    (office.home / "token").write_text("not-a-real-token\n")
    (office.home / "token").chmod(0o600)
    config = office.home / "watchword.toml"
    before = '[sms]\nkind = "simulated"'
    assert before in config.read_text()
    config.write_text(
        config.read_text().replace(before, f'[sms]\nkind = "http"\nurl = "{receiver.url}"\ntoken_file = "token"\n#')
    )
    office.close()
    office.settings = load(config)
    office.app = office._start()
    return office


def test_a_text_reaches_its_receiver(texting: Office, receiver: Receiver) -> None:
    """The code goes out as an effect, to the number of record alone; what arrived, typed by the person, proves."""
    case = texting.open(action=Action.UNLOCK)
    challenge = texting.begin(case, "sms_code")
    texting.run()

    ((_, headers, body),) = receiver.asked
    said = json.loads(body)
    _, native = texting.app.registry.native_id(texting.case(case).account)
    (number,) = (c.value for c in texting.directory.read(native).contacts if c.kind == "phone")
    assert headers["authorization"] == "Bearer not-a-real-token"
    assert said["to"] == number
    assert texting.answer(case, challenge, said["text"][:9]) == "proved"
    assert said["text"][:9] not in "".join(str(e.entry.data) for e in texting.app.ledger.read(f"case/{case}"))


def test_a_gateway_that_is_away_is_asked_again(texting: Office, receiver: Receiver) -> None:
    """A text that was not taken is due again, under the same id, and is sent once the gateway is there."""
    receiver.status = 503
    case = texting.open(action=Action.UNLOCK)
    challenge = texting.begin(case, "sms_code")
    texting.run()
    receiver.status = 200
    texting.pass_by(minutes=1)

    first, second = (json.loads(body) for _, _, body in receiver.asked)
    assert first == second
    assert texting.answer(case, challenge, second["text"][:9]) == "proved"
