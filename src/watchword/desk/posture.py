"""What holds for the whole desk: which policy is active, and whether the threat is elevated. The `policy` stream."""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core.action import Action
from watchword.core.errors import Refused
from watchword.core.ids import LeafHash, PersonId


class PolicyProposed(msgspec.Struct, frozen=True, kw_only=True, tag="policy.proposed"):
    """A first author wants the policy with this *digest*; nothing changes until a second one confirms it in time.

    *statement* are the exact bytes that both stand for (`core.statement`), *proof* is how the first one did
    (`core.approval`). The policy's own text is a payload.
    """

    digest: str
    by: PersonId
    statement: str
    proof: str
    not_after: datetime


class PolicyActivated(msgspec.Struct, frozen=True, kw_only=True, tag="policy.activated"):
    """From now on cases are opened under the policy with this *digest*.

    *by* confirmed what *proposer* had *proposed*, with a *proof* of their own over the same statement. With *founding*
    it is the first one of the ledger, which one person chose. Neither stands in entries of before two were asked.
    """

    digest: str
    by: PersonId
    founding: bool = False
    proposer: PersonId | None = None
    proposed: LeafHash | None = None
    proof: str = ""


class ThreatRaised(msgspec.Struct, frozen=True, kw_only=True, tag="threat.raised"):
    """Everything needs more until *until*; the reason is a payload."""

    by: PersonId
    until: datetime


class ThreatLowerVoted(msgspec.Struct, frozen=True, kw_only=True, tag="threat.lower_voted"):
    """One of the two people who turn the switch off before its time; the reason is a payload."""

    by: PersonId


class ThreatLowered(msgspec.Struct, frozen=True, kw_only=True, tag="threat.lowered"):
    """Two people turned the switch off."""

    by: PersonId


PolicyEvent = PolicyProposed | PolicyActivated | ThreatRaised | ThreatLowerVoted | ThreatLowered


class Posture(msgspec.Struct, frozen=True, kw_only=True):
    """The fold of the `policy` stream; *proposal* is the newest one, until some policy is activated.

    *threat_by* is who used the switch last, *lower_votes* who wants it off before its time.
    """

    digest: str | None = None
    activated: PolicyActivated | None = None
    proposal: PolicyProposed | None = None
    threat_until: datetime | None = None
    threat_by: PersonId | None = None
    lower_votes: tuple[PersonId, ...] = ()

    def elevated(self, at: datetime) -> bool:
        """Whether the elevated-threat switch is on at *at*."""
        return self.threat_until is not None and at < self.threat_until

    def waiting(self, at: datetime) -> PolicyProposed | None:
        """The proposal that a second author can still confirm at *at*."""
        return self.proposal if self.proposal is not None and at < self.proposal.not_after else None


SELF_SERVICE_OFF = frozenset({Action.FACTOR_RESET, Action.TOTAL_LOSS, Action.BYPASS_CODE, Action.RECOVERY_INFO_CHANGE})
"""What nobody does without the desk while the threat is elevated: these come to the same theft (invariant 8)."""


def demand_self_service(posture: Posture, action: Action, at: datetime) -> None:
    """Refuse a person alone what the switch turns off; asked wherever somebody recovers without anybody at the desk."""
    if posture.elevated(at) and action in SELF_SERVICE_OFF:
        raise Refused(
            "This can not be done alone at the moment: elevated threat is declared.",
            "Call the service desk, or come in.",
            ("elevated_threat",),
        )


def evolve_posture(posture: Posture, event: PolicyEvent) -> Posture:
    """Fold one event."""
    match event:
        case PolicyProposed():
            return msgspec.structs.replace(posture, proposal=event)
        case PolicyActivated():
            return msgspec.structs.replace(posture, digest=event.digest, activated=event, proposal=None)
        case ThreatRaised():
            # Whoever wanted it off did not know of this.
            return msgspec.structs.replace(posture, threat_until=event.until, threat_by=event.by, lower_votes=())
        case ThreatLowerVoted():
            return msgspec.structs.replace(posture, lower_votes=(*posture.lower_votes, event.by))
        case ThreatLowered():
            return msgspec.structs.replace(posture, threat_until=None, threat_by=event.by, lower_votes=())
