"""What notices of an approval say, to whom the account is and to whoever approved. They hold no link."""

from __future__ import annotations

from watchword.core.case import Case
from watchword.core.spoken import spoken


def to_subject(case: Case, digest: str, *, signed: bool) -> tuple[str, str]:
    """Subject and text for the person whose account it is; *digest* is the SHA-256 (hex) of what was approved."""
    action, name = _named(case)
    text = (
        f"An approver {'signed for' if signed else 'agreed to'} a {action} of your account. In words, what they saw "
        f"is: {spoken(digest)}. If you did not ask for this, call the service desk at the number you know and name "
        f"case {name}. This message holds no link."
    )
    return f"Your account: {action} approved (case {name})", text


def to_approver(case: Case, digest: str, *, signed: bool) -> tuple[str, str]:
    """Subject and text for whoever approved."""
    action, name = _named(case)
    text = (
        f"You {'signed an approval of' if signed else 'agreed in the console to'} a {action} in case {name}. In words, "
        f"what you approved is: {spoken(digest)}. If that was not you, or these are not the words you saw, call "
        "security at the number you know. This message holds no link."
    )
    return f"You approved: {action} (case {name})", text


def _named(case: Case) -> tuple[str, str]:
    return case.action.replace("_", " "), case.id[2:10]
