"""What holds for the whole desk: which policy is active, and whether the threat is elevated. The `policy` stream."""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core.ids import PersonId


class PolicyActivated(msgspec.Struct, frozen=True, kw_only=True, tag="policy.activated"):
    """From now on cases are opened under the policy with this *digest*."""

    digest: str
    by: PersonId


class ThreatRaised(msgspec.Struct, frozen=True, kw_only=True, tag="threat.raised"):
    """Everything needs more until *until*; the reason is a payload."""

    by: PersonId
    until: datetime


PolicyEvent = PolicyActivated | ThreatRaised


class Posture(msgspec.Struct, frozen=True, kw_only=True):
    """The fold of the `policy` stream."""

    digest: str | None = None
    threat_until: datetime | None = None
    threat_by: PersonId | None = None

    def elevated(self, at: datetime) -> bool:
        """Whether the elevated-threat switch is on at *at*."""
        return self.threat_until is not None and at < self.threat_until


def evolve_posture(posture: Posture, event: PolicyEvent) -> Posture:
    """Fold one event."""
    match event:
        case PolicyActivated():
            return msgspec.structs.replace(posture, digest=event.digest)
        case ThreatRaised():
            return msgspec.structs.replace(posture, threat_until=event.until, threat_by=event.by)
