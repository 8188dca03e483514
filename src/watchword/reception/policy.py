"""What is said of the policy's standing, the same words wherever they are said."""

from __future__ import annotations

from watchword.desk.activation import Standing
from watchword.desk.posture import PolicyProposed
from watchword.reception.spoken import spoken

PROPOSE = "Have a policy author run `watchword policy propose` and another one `watchword policy activate`"


def drift_of(standing: Standing) -> str:
    """How the policy on disk, the running one and the active one differ, with the way on; empty where they do not."""
    if standing.running != standing.active:
        if standing.on_disk == standing.active:
            return "Another policy was activated. Start this process again: it reads its policy when it starts."
        return (
            "The policy this process runs under is not the active one, so no step is taken. "
            f"{PROPOSE}, then start this again; or put the active one back with `watchword policy restore`."
        )
    if standing.on_disk is None:
        return f"The policy on disk can not be read: {standing.broken} Correct it; the next start would fail."
    if standing.on_disk != standing.active:
        return (
            "The policy on disk was edited and is not active; the running desk keeps to the active one until it is "
            f"started again. {PROPOSE}, or put the active one back with `watchword policy restore`."
        )
    return ""


def waits_of(proposal: PolicyProposed) -> str:
    """That a proposal waits, for whom and until when."""
    until = f"{proposal.not_after:%Y-%m-%d %H:%M} UTC"
    return f"{proposal.digest[:19]}… waits until {until} for a second author to run `watchword policy activate`"


def words_of(digest: str) -> str:
    """A policy's digest in four words that two authors can say to each other."""
    return spoken(digest.removeprefix("sha256:"))
