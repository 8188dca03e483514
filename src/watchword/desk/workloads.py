"""Enrolling the workload behind a service account or an AI agent, on the owner of record of that account."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from watchword.core.account import PEOPLE
from watchword.core.action import Step
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import PersonId
from watchword.core.person import Credential
from watchword.core.workload import METHOD, WorkloadMaterial, WorkloadName, runs_as
from watchword.desk.intake import Intake
from watchword.desk.people import People
from watchword.desk.roster import Roster

LONGEST = 1024
"""Characters of a subject; those of CI platforms have about 100."""


class Workloads:
    """What vouches for software, and who said so."""

    def __init__(self, people: People, roster: Roster, intake: Intake, issuers: Collection[str]) -> None:
        self.people = people
        self.roster = roster
        self.intake = intake
        self.issuers = tuple(issuers)

    def enrol(
        self,
        actor: PersonId,
        owner: PersonId,
        *,
        directory: str,
        account: str,
        issuer: str,
        subject: str,
        at: datetime,
    ) -> Credential:
        """Say that tokens of *issuer* whose `sub` is exactly *subject* speak for the *account* that *owner* owns.

        Both names are payloads: what a platform calls a workload often names people and places.
        """
        self.roster.demand(actor, Step.ENROL_CREDENTIAL, owner, at)
        if issuer not in self.issuers:
            raise Invalid(
                "That issuer is not trusted here.",
                f"Name one of: {', '.join(self.issuers) or 'none; add one under [[issuers]] in watchword.toml'}.",
                where="issuer",
            )
        if not subject.strip() or subject != subject.strip() or len(subject) > LONGEST or not subject.isprintable():
            raise Invalid(
                "That is no subject of a token.", "Copy the `sub` of one of its tokens, exactly.", where="subject"
            )
        steps = self.people.steps
        seen = self.intake.find(directory, account)
        at = steps.now(at)  # a directory may take its time
        standing = steps.registry.observe(seen, actor, at)
        if seen.account_class is None or seen.account_class in PEOPLE or standing.facts.owner != owner:
            raise Refused(
                "This person is not the owner of record of such an account.",
                "Enrol a workload on the owner of the service account or AI agent it runs as.",
                ("no_owner",),
            )
        if any(runs_as(c) == standing.id for c in steps.registry.person(owner).credentials_of(METHOD)):
            raise Conflict("A workload is enrolled for this account.", "Revoke it first.")
        public = msgspec.json.encode(WorkloadMaterial(account=standing.id)).decode()
        credential = Credential(id=steps.ledger.pseudonym("k"), method=METHOD, enrolled_at=at, public=public)
        name = msgspec.json.encode(WorkloadName(issuer=issuer, subject=subject))
        self.people.enrol(actor, owner, credential, name.hex(), at)
        return credential
