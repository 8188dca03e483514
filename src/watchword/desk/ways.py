"""What the person of a case could prove next, by what is on record for them now: contact points and enrolments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from watchword.core.account import DirectoryAccount
from watchword.core.advice import Option, Source, options
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.ids import PersonId
from watchword.desk.steps import Loaded, Steps
from watchword.methods.port import MethodPort


class Ways:
    """Looks; begins nothing."""

    def __init__(self, steps: Steps, methods: Mapping[str, MethodPort]) -> None:
        self.steps = steps
        self.methods = methods

    def of(self, loaded: Loaded, seen: DirectoryAccount | None, at: datetime) -> tuple[Option, ...]:
        """Every method of the case as it stands now; *seen* is the account, None where its directory is silent."""
        sources = {name: self._source(loaded, port, seen, at) for name, port in self.methods.items()}
        freeze = loaded.account.freeze(at, self.steps.thresholds)
        found = options(loaded.case.requirement, loaded.case.evidence, at, sources, freeze=freeze)
        return tuple(option for option in found if option.method in self.methods)

    def seen(self, loaded: Loaded) -> DirectoryAccount | None:
        """The account as its directory has it; None where nobody can say."""
        try:
            name, native = self.steps.registry.native_id(loaded.case.account)
            return self.steps.directory(name).read(native)
        except (Invalid, Refused, Unavailable):
            return None

    def _source(self, loaded: Loaded, port: MethodPort, seen: DirectoryAccount | None, at: datetime) -> Source:
        if port.contact is not None:
            if seen is None:
                return Source()
            contact = next((c for c in seen.contacts if c.kind == port.contact), None)
            return Source(there=contact is not None, changed_at=contact.changed_at if contact else None)
        if port.enrolment is None or port.name == "custodian_passkey":
            return Source(there=True)
        owner = self._whose(loaded, port, at)
        return self._enrolled(owner, port.enrolment, at) if owner is not None else Source(there=False)

    def _whose(self, loaded: Loaded, port: MethodPort, at: datetime) -> PersonId | None:
        """Whose enrolment it would be."""
        if port.name != "owner_passkey":
            return loaded.case.subject
        owner = loaded.account.facts.owner
        return owner if owner and "owner_of_record" in loaded.account.relations(owner, at) else None

    def _enrolled(self, person: PersonId, enrolment: str, at: datetime) -> Source:
        """An enrolment that counts, where there is one; else when the oldest of the young ones was made."""
        known = self.steps.registry.person(person)
        held = known.credentials_of(enrolment)
        if not held or not all(known.is_young(c, at) for c in held):
            return Source(there=bool(held))
        return Source(there=True, changed_at=min(c.enrolled_at for c in held))
