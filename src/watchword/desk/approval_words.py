"""What notices of an approval say: to the person, to whoever approved, and in whose place. They hold no link."""

from __future__ import annotations

from watchword.core.case import Case
from watchword.core.spoken import spoken
from watchword.languages.catalogue import Words


def to_subject(case: Case, digest: str, say: Words, *, signed: bool) -> tuple[str, str]:
    """Subject and text for the person whose account it is; *digest* is the SHA-256 (hex) of what was approved."""
    return _said(case, digest, say, "signed" if signed else "agreed")


def to_approver(case: Case, digest: str, say: Words, *, signed: bool) -> tuple[str, str]:
    """Subject and text for whoever approved."""
    return _said(case, digest, say, "signed" if signed else "agreed", own="own_")


def to_lender(case: Case, digest: str, say: Words, *, name: str) -> tuple[str, str]:
    """Subject and text for somebody in whose place *name* approved."""
    code, deed = case.id[2:10], say(f"deed.{case.action}")
    text = (
        say("approved.lent_given", name=name, deed=deed, case=code),
        say("approved.seen", spoken=spoken(digest)),
        say("approved.lent_object"),
    )
    return say("approved.lent_subject", action=say(f"action.{case.action}"), case=code), " ".join(text)


def _said(case: Case, digest: str, say: Words, how: str, own: str = "") -> tuple[str, str]:
    name, action, deed = case.id[2:10], say(f"action.{case.action}"), say(f"deed.{case.action}")
    text = (
        say(f"approved.{own}{how}", deed=deed, case=name),
        say(f"approved.{own}seen", spoken=spoken(digest)),
        say(f"approved.{own}object", case=name),
    )
    return say(f"approved.{own}subject", action=action, case=name), " ".join(text)
