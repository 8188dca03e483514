"""What the person of a case could prove next, by what is on record for them now: contact points and enrolments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from watchword.core.account import DirectoryAccount
from watchword.core.action import Action
from watchword.core.advice import Option, Source, options, within_reach
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.ids import PersonId
from watchword.core.proving import KIOSK
from watchword.core.workload import METHOD as WORKLOAD
from watchword.core.workload import runs_as
from watchword.desk.steps import Loaded, Steps
from watchword.desk.verification import OWNED
from watchword.desk.vouching import CONTACT, PORTAL, named_at, voucher
from watchword.methods.port import MethodPort


class Ways:
    """Looks; begins nothing."""

    def __init__(self, steps: Steps, methods: Mapping[str, MethodPort]) -> None:
        self.steps = steps
        self.methods = methods

    def of(self, loaded: Loaded, seen: DirectoryAccount | None, at: datetime) -> tuple[Option, ...]:
        """Every method of the case as it stands now; *seen* is the account, None where its directory is silent."""
        sources = {name: self._source(loaded, port, seen, at) for name, port in self.methods.items()}
        if loaded.case.lane != "voice":
            unheard = Source(there=False, why=f"Not asked in the {loaded.case.lane} lane.")
            sources |= {method.name: unheard for method in loaded.case.requirement.methods if method.voice}
        freeze = loaded.account.freeze(at, self.steps.thresholds)
        found = options(loaded.case.requirement, loaded.case.evidence, at, sources, freeze=freeze)
        return tuple(option for option in found if option.method in self.methods)

    def enough(self, loaded: Loaded, found: tuple[Option, ...], at: datetime) -> bool:
        """Whether what *found* holds of `of` could bring the case on; if not, somebody has to change what is there."""
        case, freeze = loaded.case, loaded.account.freeze(at, self.steps.thresholds)
        return within_reach(case.requirement, case.evidence, at, found, freeze=freeze)

    def elsewhere(self, loaded: Loaded, seen: DirectoryAccount | None, action: Action, at: datetime) -> bool:
        """Whether a case of *action* could be proved for this account, begun anew; not where there is none."""
        asked = self.steps.policy.procedures.plain(loaded.case.account_class, action)
        if asked is None or loaded.case.action is action:
            return False
        case = msgspec.structs.replace(loaded.case, action=action, requirement=asked, evidence=())
        other = msgspec.structs.replace(loaded, case=case)
        return self.enough(other, self.of(other, seen, at), at)

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
        if port.name == KIOSK:
            there = loaded.case.lane == "kiosk"
            return Source(there=there, why="" if there else "Nobody stands at a kiosk in this case.")
        if port.name in PORTAL:
            return self._vouched(loaded, port, at)
        if port.enrolment is None or port.name == "custodian_passkey":
            return Source(there=True)
        owner = self._whose(loaded, port, at)
        return self._enrolled(loaded, owner, port.enrolment, at) if owner is not None else Source(there=False)

    def _vouched(self, loaded: Loaded, port: MethodPort, at: datetime) -> Source:
        """What the word of whoever would vouch stands on."""
        try:
            person = voucher(self.steps.registry, loaded, port.name, at)
        except Refused as refused:
            return Source(there=False, why=refused.what)
        if not person.credentials_of("passkey"):
            return Source(there=False, why="They have no passkey to sign with.")
        named = named_at(self.steps.registry, loaded.case.subject, at) if port.name == CONTACT else None
        return Source(there=True, changed_at=named)

    def _whose(self, loaded: Loaded, port: MethodPort, at: datetime) -> PersonId | None:
        """Whose enrolment it would be."""
        if port.name not in OWNED:
            return loaded.case.subject
        owner = loaded.account.facts.owner
        return owner if owner and "owner_of_record" in loaded.account.relations(owner, at) else None

    def _enrolled(self, loaded: Loaded, person: PersonId, enrolment: str, at: datetime) -> Source:
        """An enrolment that counts, where there is one; else when the oldest of the young ones was made."""
        known = self.steps.registry.person(person)
        held = known.credentials_of(enrolment)
        if enrolment == WORKLOAD:
            held = tuple(c for c in held if runs_as(c) == loaded.case.account)
        if enrolment == "recovery_code" and held and held[-1].counter is not None:
            return Source(there=False, why="Used; the person was not given new ones yet.")
        if not held or not all(known.is_young(c, at) for c in held):
            return Source(there=bool(held))
        return Source(there=True, changed_at=min(c.enrolled_at for c in held))
