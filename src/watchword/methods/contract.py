"""What every method must do; subclass `MethodContract` in a test and name the adapter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from msgspec.structs import replace

from watchword.core.errors import Refused, WatchwordError
from watchword.core.ids import AccountId, CaseId
from watchword.core.proving import TRIES
from watchword.languages.catalogue import NAMES
from watchword.methods.port import Ask, MethodPort, Proof

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOON = AT + timedelta(seconds=45)


def after(ask: Ask, proof: Proof) -> Ask:
    """*ask* as the ledger has it once *proof* has used up its counter."""
    if ask.credential is None or proof.counter is None:
        return ask
    return replace(ask, credential=replace(ask.credential, counter=proof.counter))


class MethodContract(ABC):
    """One method, one person who can answer it, and somebody who can not.

    *bound* says that an answer names its challenge; where it does not (a TOTP code, a statement), one use is all that
    binds it, and `Credential.counter` and `Ask.spent` carry that. Who answers need not be whose account it is: a
    voucher, an owner or a custodian is the *right* one where theirs is the enrolment in the ask.
    """

    name: ClassVar[str] = ""
    """What the method is called in `methods.yaml`."""

    bound = True

    @abstractmethod
    def method(self) -> MethodPort:
        """The adapter; called once for each test, and equal each time."""

    @abstractmethod
    def ask(self) -> Ask:
        """A challenge begun at `AT` to a person with all this method needs; the same person each time."""

    @abstractmethod
    def right(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """What the right person answers at *at*."""

    @abstractmethod
    def wrong(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """What somebody else answers at *at*."""

    def secrets(self, method: MethodPort, ask: Ask) -> tuple[str, ...]:
        """What nobody but the person may ever see; none by default."""
        del method, ask
        return ()

    def test_is_called_what_policy_calls_it(self) -> None:
        """The method has the name that was said for it: policy weighs it, and the ledger keeps it, by that alone."""
        assert self.method().name == self.name

    def test_right_answer_proves(self) -> None:
        """The right answer proves, under the method's own name, and the proof holds when it is checked again."""
        method, ask = self.method(), self.ask()
        proof = method.check(ask, self.right(method, ask, SOON), SOON)
        assert proof.method == method.name
        method.recheck(ask, proof)

    def test_wrong_answer(self) -> None:
        """The wrong answer is refused as just that, with the way on."""
        method, ask = self.method(), self.ask()
        self.refused("wrong_answer", method, ask, self.wrong(method, ask, SOON), SOON)

    @pytest.mark.parametrize(
        "change",
        [
            {"challenge": "ch-another-challenge-0000"},
            {"case": CaseId("c-another")},
            {"account": AccountId("a-another")},
            {"purpose": "hand_over"},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_answer_to_something_else(self, change: dict[str, str]) -> None:
        """An answer given for another challenge, case, account or purpose is worth nothing here."""
        method, ask = self.method(), self.ask()
        other = Ask(**{name: change.get(name, getattr(ask, name)) for name in ask.__struct_fields__})
        answer = self.right(method, ask, SOON)
        if self.bound:
            self.refused("wrong_answer", method, other, answer, SOON)
            return
        used = after(other, method.check(ask, answer, SOON))
        self.refused("replayed", method, replace(used, spent=used == other), answer, SOON)

    def test_speaks_to_the_person_in_their_language(self) -> None:
        """What stands on the person's own page is said as they read it; a passkey's request is no text."""
        method, ask = self.method(), self.ask()
        if not method.enforced or method.enrolment == "passkey":
            return
        said = {tag: method.begin(replace(ask, language=tag)).show_caller for tag in NAMES}
        assert len({*said.values()} - {None, ""}) == len(NAMES)

    def test_expired(self) -> None:
        """The right answer comes too late at the very end of the challenge's life, and too early before it began."""
        method, ask = self.method(), self.ask()
        for at in (method.begin(ask).expires, AT - timedelta(seconds=1)):
            self.refused("expired", method, ask, self.right(method, ask, at), at)

    def test_until_the_last_moment(self) -> None:
        """The right answer proves until just before the challenge expires, which is when `begin` says."""
        method, ask = self.method(), self.ask()
        assert method.begin(ask).expires == ask.at + method.life
        last = ask.at + method.life - timedelta(seconds=1)
        assert method.check(ask, self.right(method, ask, last), last).method == method.name

    def test_replayed(self) -> None:
        """A challenge that has proved once proves nothing more, whatever the answer."""
        method, ask = self.method(), self.ask()
        answer = self.right(method, ask, SOON)
        proof = method.check(ask, answer, SOON)
        used = replace(after(ask, proof), spent=True)
        self.refused("replayed", method, used, answer, SOON)
        self.refused("replayed", method, used, self.right(method, used, SOON), SOON)

    def test_exhausted(self) -> None:
        """After the last wrong answer even the right one is refused."""
        method, ask = self.method(), self.ask()
        spent = replace(ask, attempts=TRIES)
        self.refused("exhausted", method, spent, self.right(method, spent, SOON), SOON)
        method.check(replace(ask, attempts=TRIES - 1), self.right(method, ask, SOON), SOON)

    @pytest.mark.parametrize("answer", ["", " ", "\x00", "🦊" * 3, "1" * 100_000, "[" * 50_000, '{"id": "\\ud800"}'])
    def test_nonsense(self, answer: str) -> None:
        """An answer that is none is refused like any other, quickly and without another kind of error."""
        method, ask = self.method(), self.ask()
        with pytest.raises(WatchwordError) as caught:
            method.check(ask, answer, SOON)
        assert caught.value.fault in {"refused", "invalid"}

    def test_nothing_secret_shown(self) -> None:
        """Nothing shown, printed or put in a leaf holds a secret or an address."""
        method, ask = self.method(), self.ask()
        begun = method.begin(ask)
        proof = method.check(ask, self.right(method, ask, SOON), SOON)
        shown = f"{begun} {ask} {method.message(ask)} {proof.detail}"
        private = (*self.secrets(method, ask), *((ask.contact.value,) if ask.contact else ()))
        assert not [secret for secret in private if secret in shown]

    def test_not_enrolled(self) -> None:
        """Somebody without an enrolment or a contact point is refused at every door, in the same words."""
        method, ask = self.method(), self.ask()
        if method.enrolment is None and method.contact is None:
            method.begin(ask)
            return
        answer = self.right(method, ask, SOON)
        missing = [replace(ask, credential=None, contact=None, secret=None)]
        if ask.credential is not None:
            missing.append(replace(ask, credential=replace(ask.credential, method="another")))
        if ask.contact is not None:
            missing.append(replace(ask, contact=replace(ask.contact, kind="another")))
            missing.append(replace(ask, contact=replace(ask.contact, value=" ")))
        words = set()
        for bare in missing:
            with pytest.raises(Refused) as caught:
                method.begin(bare)
            assert caught.value.reasons == ("not_enrolled",)
            assert caught.value.remedy
            words.add(str(caught.value))
            self.refused("not_enrolled", method, bare, answer, SOON)
        assert len(words) == 1

    def test_challenges_are_independent(self) -> None:
        """The same challenge begins the same way; another one shows or sends something else."""
        method, ask = self.method(), self.ask()
        other = replace(ask, challenge="ch-another-challenge-0000")
        assert method.begin(ask) == method.begin(ask)
        assert method.message(ask) == method.message(ask)
        if self.bound:
            assert (method.begin(ask), method.message(ask)) != (method.begin(other), method.message(other))

    def test_message_for_what_is_sent(self) -> None:
        """There is a message exactly when `begin` asks for one to be sent, without a link and with the case in it."""
        method, ask = self.method(), self.ask()
        message = method.message(ask)
        assert (message is None) == (method.begin(ask).send is None) == (method.contact is None)
        if message is not None:
            assert "://" not in message.text
            assert "not you" in message.text.lower()
            assert ask.case[:8] in message.subject

    def test_proof_of_another_method(self) -> None:
        """A stored proof that another method made does not hold here."""
        method, ask = self.method(), self.ask()
        proof = method.check(ask, self.right(method, ask, SOON), SOON)
        with pytest.raises(Refused):
            method.recheck(ask, replace(proof, method="another"))

    @pytest.mark.parametrize(
        "change",
        [
            {"challenge": "ch-another-challenge-0000"},
            {"case": CaseId("c-another")},
            {"account": AccountId("a-another")},
            {"purpose": "hand_over"},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_proof_of_something_else(self, change: dict[str, str]) -> None:
        """What is kept of an answer that names its challenge holds for that challenge, case, account and purpose."""
        method, ask = self.method(), self.ask()
        proof = method.check(ask, self.right(method, ask, SOON), SOON)
        if not self.bound or proof.raw is None:
            return
        moved = Ask(**{name: change.get(name, getattr(ask, name)) for name in ask.__struct_fields__})
        with pytest.raises(Refused):
            method.recheck(moved, proof)

    @pytest.mark.parametrize("raw", ["", "{}", "yes, it was them"])
    def test_words_in_the_place_of_a_proof(self, raw: str) -> None:
        """What was kept to be checked again is checked: other words under the same name do not hold."""
        method, ask = self.method(), self.ask()
        proof = method.check(ask, self.right(method, ask, SOON), SOON)
        if proof.raw is None:
            return
        with pytest.raises(Refused):
            method.recheck(ask, replace(proof, raw=raw))

    def refused(self, reason: str, method: MethodPort, ask: Ask, answer: str, at: datetime) -> None:
        """The answer is refused for *reason* first, with a way on."""
        with pytest.raises(Refused) as caught:
            method.check(ask, answer, at)
        assert caught.value.reasons[0] == reason
        assert caught.value.remedy
