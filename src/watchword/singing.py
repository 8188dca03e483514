"""The canary's part that acts: it needs the executor's rights, and the watch has none."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import structlog

from watchword.core.account import AccountClass, DirectoryAccount
from watchword.core.change import ResetPassword
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.ids import AccountId
from watchword.desk.sealing import new_secret
from watchword.directories.port import Directory
from watchword.feeds import CanaryPart
from watchword.watch.sources.canary import Act, last, note
from watchword.watching import Clock

log = structlog.get_logger("watchword.singing")

_DUMMIES = frozenset({None, AccountClass.STANDARD, AccountClass.SERVICE})
"""What a canary may be: whoever can write the settings must not have others reset by them."""

PAUSE = timedelta(minutes=1)
"""Until a canary that could not sing tries again."""


class Singing:
    """The canary's part that acts: a reset of its account in *directory* when that is due, written down in *acts*."""

    def __init__(self, part: CanaryPart, directory: Directory, acts: Path, clock: Clock) -> None:
        self._part, self._directory, self._acts, self._clock = part, directory, acts, clock
        self._tried: datetime | None = None

    def sing(self) -> bool:
        """Reset the account if that is due; whether it was. Errors as the directory's.

        The password is forgotten. The act is written down before it is done: a reset that then fails is not seen, and
        that is what a canary is for.
        """
        part, at = self._part, self._clock()
        before = last(self._acts)
        if before is not None and (at - before).total_seconds() < part.every_s:
            return False
        if self._tried is not None and at - self._tried < PAUSE:
            return False
        self._tried = at
        account = self._account()
        principal = self._directory.principal_keys
        note(self._acts, Act(at=at, account=_names(account), principal=principal, directory=part.directory))
        change = ResetPassword(account=AccountId("canary"))
        self._directory.apply(account.native_id, change, f"canary/{at.isoformat()}", new_secret())
        return True

    def told(self) -> str:
        """Which account it is and by which names the watch looks for its reset. Raise what hinders it from singing."""
        names, executors = _names(self._account()), self._directory.principal_keys
        return f"{self._part.account} of {self._part.directory}, in logs {_any(names)}, reset by {_any(executors)}"

    def _account(self) -> DirectoryAccount:
        named = self._part.account
        found = self._directory.find(named)
        if len(found) != 1:
            how_many = "more than one account" if found else "no account"
            raise Invalid(
                f"The canary {named!r} is {how_many} of {self._part.directory}.",
                "Name one account that nothing depends on.",
                "watch.canary.account",
            )
        if found[0].account_class not in _DUMMIES:
            raise Refused(
                f"The canary {named!r} is of the class {found[0].account_class}: nobody's dummy.",
                "Name an account in watch.canary that nothing depends on.",
                ("canary_class",),
            )
        return found[0]

    def keep_singing(self) -> None:
        """`sing`, and log what hinders it: the watch tells of a canary that is not seen."""
        try:
            self.sing()
        except (Invalid, Refused, Unavailable) as fault:
            log.warning("canary.failed", why=str(fault))


def _names(account: DirectoryAccount) -> tuple[str, ...]:
    """What logs may call *account*, in lower case."""
    return tuple(key.lower() for key in (*account.keys, account.native_id))


def _any(names: tuple[str, ...]) -> str:
    return " or ".join(dict.fromkeys(names))
