"""Cells: account class x action x unit, each observed or enforced; and which events belong to which action."""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.identity_event import Canonical

EVENTS_OF: dict[Action, tuple[Canonical, ...]] = {
    Action.UNLOCK: (Canonical.ACCOUNT_UNLOCK, Canonical.ACCOUNT_ENABLE),
    Action.PASSWORD_RESET: (Canonical.PASSWORD_RESET, Canonical.PASSWORD_EXPIRE),
    Action.FACTOR_RESET: (Canonical.FACTOR_RESET,),
    Action.TOTAL_LOSS: (Canonical.FACTOR_RESET_ALL,),
    Action.RECOVERY_INFO_CHANGE: (Canonical.RECOVERY_INFO_CHANGE,),
    Action.BYPASS_CODE: (Canonical.BYPASS_GRANT,),
    Action.SECRET_REISSUE: (Canonical.TOKEN_REISSUE,),
    Action.PRIVILEGED_OVERRIDE: (Canonical.PRIVILEGE_GRANT,),
}
"""The support events that a governed action stands for; together they are all of `SUPPORT`, each once."""

ACTION_OF: dict[Canonical, Action] = {event: action for action, events in EVENTS_OF.items() for event in events}
"""The governed action that a support event would have been."""


class Enforced(msgspec.Struct, frozen=True, kw_only=True):
    """A cell where a case is owed from *since* on, until *until*: None stands for every class, action or unit."""

    account_class: AccountClass | None = None
    action: Action | None = None
    unit: str | None = None
    since: datetime
    until: datetime | None = None

    def covers(self, account_class: str | None, action: Action | None, unit: str | None) -> bool:
        """Whether the cell is one of these, whenever it is."""
        return (
            self.account_class in (None, account_class)
            and self.action in (None, action)
            and (self.unit is None or self.unit.lower() == (unit or "").lower())
        )
