"""Enrolments at a provider of prompts: which app of whom answers, kept as a payload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from watchword.core.action import Step
from watchword.core.ids import PersonId
from watchword.core.person import Credential
from watchword.core.prompt import FACTOR
from watchword.desk.people import People
from watchword.desk.roster import Roster


class FactorMaterial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`Credential.public` of an enrolment at a provider: a pseudonym, so that no two are alike."""

    record: str


class Factors:
    """Who may say which factor is whose; *targets* check the ids of a kind and write them as its method reads them."""

    def __init__(self, people: People, roster: Roster, targets: Mapping[str, Callable[[str, str], bytes]]) -> None:
        self.people = people
        self.roster = roster
        self.steps = people.steps
        self.targets = targets

    def enrol(
        self, actor: PersonId, person: PersonId, *, user: str, factor: str, at: datetime, kind: str = FACTOR
    ) -> Credential:
        """Hold that the app of *person* is *factor* of *user* there; it is ruled on like any enrolment.

        *kind* is the `Credential.method` of an app there is a target for.
        """
        self.roster.demand(actor, Step.ENROL_CREDENTIAL, person, at)
        target = self.targets[kind](user.strip(), factor.strip())
        public = msgspec.json.encode(FactorMaterial(record=self.steps.ledger.pseudonym("r"))).decode()
        credential = Credential(id=self.steps.ledger.pseudonym("k"), method=kind, enrolled_at=at, public=public)
        self.people.enrol(actor, person, credential, target.hex(), at)
        return credential
