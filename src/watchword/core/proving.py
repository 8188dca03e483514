"""Verification: a method is begun, missed or proved. What failed sticks to the account and to where it came from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.case import TERMINAL, Case, Checked, Executed, Executing, Released, Verifying, beneath
from watchword.core.confirmation import DeskBrowserRefused
from watchword.core.contact import demand_entered
from watchword.core.errors import Conflict, Refused
from watchword.core.gates import Event, in_state
from watchword.core.ids import PersonId
from watchword.core.origin import OriginFailed, of_agent
from watchword.core.person import CredentialUsed, Prompted
from watchword.core.progress import Challenge
from watchword.core.prompt import demand_rest
from watchword.core.requirement import Method, closes, is_young
from watchword.core.standing import Account, FailureRecorded, Thresholds

MOST = 30
"""Challenges one case may hold for verification, and again for its hand-over."""

KIOSK = "kiosk"
"""The method that a supervisor signs on site; it belongs to the lane of that name."""

TRIES = 3
"""Wrong answers that exhaust a challenge."""

LEFT = 2
"""In how many other cases of an account wrong answers may stand that count for nothing yet: each makes two of them."""


def begin(case: Case, account: Account, command: do.Begin, at: datetime, thresholds: Thresholds) -> tuple[Event, ...]:
    """Begin a method, where the state asks for one and neither a freeze nor a young contact point closes it.

    A new contact point has to be entered first: a proof speaks for what was there when it was given.
    """
    known = {m.name: m for m in case.requirement.methods}
    _asked_now(case, command, command.purpose)
    demand_entered(case)
    if any(c.id == command.challenge for c in case.challenges):
        raise Conflict("This challenge was begun already.", "Begin the method again.")
    if command.method not in known:
        raise Refused(
            f"{command.method} counts for nothing in this case.",
            f"Use one of: {', '.join(known)}.",
            ("unknown_method",),
        )
    method = known[command.method]
    if sum(c.purpose == command.purpose for c in case.challenges) >= MOST:
        raise Refused("Too many methods were begun in this case.", "Open another case.", ("too_many",))
    if command.purpose == "hand_over":
        _demand_given_again(case, known, method)
    _demand_lane(case, method)
    _demand_not_closed(case, account, method, command.contact_changed_at, at, thresholds)
    begun = past.ChallengeBegun(
        case=case.id,
        challenge=command.challenge,
        method=command.method,
        purpose=command.purpose,
        by=command.by,
        prover=command.prover,
        credential=command.credential,
        contact_changed_at=command.contact_changed_at,
        expires=command.expires,
        browser=command.browser,
    )
    if command.prompted is None or command.prover is None:
        return (begun,)
    demand_rest(command.prompted, at)
    return (begun, Prompted(person=command.prover, case=case.id, at=at))


def _demand_given_again(case: Case, known: Mapping[str, Method], method: Method) -> None:
    """Refuse at the hand-over what the software does not check, what is given once, and what was not proven before."""
    proved = (known[e.method] for e in case.evidence if e.method in known)
    again = {m.name for m in proved if m.enforced and not m.single_use}
    if again and method.enforced and method.name not in again:
        raise Refused(
            "The hand-over asks for a method again, not for another one.",
            f"Use one of: {', '.join(sorted(again))}.",
            ("not_proved_before",),
        )
    if not method.enforced:
        raise Refused(
            "The hand-over needs a method that the software checks.", "Use another method.", ("attested_only",)
        )
    if method.single_use:
        raise Refused(
            "The hand-over needs a method that the person themself can give again.", "Use another one.", ("single_use",)
        )


def _demand_lane(case: Case, method: Method) -> None:
    """Refuse what needs a kiosk where there is none, and what needs a voice where nobody speaks."""
    if method.name == KIOSK and case.lane != "kiosk":
        raise Refused(
            "Nobody stands at a kiosk in this case.",
            "Use another method, or open the case in that lane.",
            ("no_kiosk",),
        )
    if case.lane != "voice" and method.voice:
        raise Refused(
            f"This case is in the {case.lane} lane, so nothing is asked over a call.",
            "Use another method; the procedure asks for the same strength without it.",
            ("text_lane",),
        )


def _demand_not_closed(
    case: Case, account: Account, method: Method, changed: datetime | None, at: datetime, thresholds: Thresholds
) -> None:
    """Refuse what a freeze of the account closes, and what goes to a contact point that *changed* lately."""
    if account.freeze(at, thresholds) and closes(method):
        raise Refused(
            "Too many verifications of this account failed: its remote methods are closed.",
            "Use a passkey or have the person come in; two people can release the freeze.",
            ("frozen",),
        )
    if changed is not None and is_young(case.requirement, changed, at):
        raise Refused(
            f"The contact point of record changed on {changed:%Y-%m-%d}, so it proves nothing before "
            f"{changed + case.requirement.contact_age:%Y-%m-%d}.",
            "Use a method that does not depend on it.",
            ("young_contact",),
        )


def note_prompt(case: Case, command: do.NotePrompt) -> tuple[Event, ...]:
    """Take down that the prompt of a running challenge was sent: once, so that no second one can be answered."""
    challenge = _running(case, command.challenge)
    _asked_now(case, command, challenge.purpose)
    if challenge.sent:
        raise Refused("This prompt was sent already.", "Look for it; begin the method again if it is gone.", ("used",))
    return (past.PromptSent(case=case.id, challenge=challenge.id),)


def _running(case: Case, challenge: str) -> Challenge:
    found = next((c for c in case.challenges if c.id == challenge), None)
    if found is None:
        raise Refused("This challenge does not belong to this case.", "Begin the method again.", ("foreign_challenge",))
    if found.ended:
        raise Refused("This challenge was used up.", "Begin the method again.", ("used",))
    return found


def _asked_now(case: Case, command: do.Command, purpose: past.Purpose) -> None:
    """Refuse a method whose *purpose* this state does not serve: a re-proof counts once there is a key to seal to."""
    if purpose == "verify":
        in_state(case, command, Verifying)
    elif in_state(case, command, Released, Executing, Executed, Checked).jwk is None:
        raise Refused("Nobody has opened the hand-over yet.", "Have the person open it.", ("no_hand_over_key",))


def miss(case: Case, account: Account, command: do.Miss) -> tuple[Event, ...]:
    """Count a wrong answer; the last one fails the method, for the account and for where it came from."""
    challenge = _running(case, command.challenge)
    # What a case that moved on left behind was counted when it did.
    _asked_now(case, command, challenge.purpose)
    # Challenges left after a wrong answer count together, or beginning anew would make guesses free.
    missed = sum(c.misses for c in case.challenges if not c.ended)
    if not command.final and missed + 1 < TRIES:
        return (past.ChallengeMissed(case=case.id, challenge=challenge.id),)
    events: list[Event] = [
        past.MethodFailed(case=case.id, challenge=challenge.id, method=challenge.method, by=command.by),
        FailureRecorded(account=account.id, case=case.id, method=challenge.method),
    ]
    return (*events, *_came_from(case, challenge.by))


def _came_from(case: Case, agent: PersonId) -> tuple[Event, ...]:
    """A failure for everything it came from: the caller's number, addresses and devices, and who began the method."""
    places = (*case.sources, of_agent(agent))
    return tuple(OriginFailed(origin=place, case=case.id, account=case.account) for place in places)


def prove(case: Case, command: do.Prove, at: datetime) -> tuple[Event, ...]:
    """Take a right answer, once, and use up its counter."""
    challenge = _running(case, command.challenge)
    if at > challenge.expires:
        raise Refused("This challenge is over.", "Begin the method again.", ("expired",))
    _asked_now(case, command, challenge.purpose)
    if desk_of(case, command.browser) is not None:
        raise desk_browser()
    proved = past.MethodProved(
        case=case.id,
        challenge=challenge.id,
        method=challenge.method,
        purpose=challenge.purpose,
        by=command.by,
        prover=challenge.prover,
        credential=challenge.credential,
        counter=command.counter,
        contact_changed_at=challenge.contact_changed_at,
        browser=command.browser,
    )
    if challenge.prover is None or challenge.credential is None or command.counter is None:
        return (proved,)
    used = CredentialUsed(person=challenge.prover, credential=challenge.credential, counter=command.counter)
    return (proved, used)


def desk_of(case: Case, browser: str | None) -> PersonId | None:
    """Who of the desk began a method of *case* in the browser of this mark: what is typed there they may have typed.

    At a kiosk nobody is told apart by that: the site has one browser for all who stand there.
    """
    return None if case.lane == KIOSK else began_in(case, browser)


def began_in(case: Case, browser: str | None) -> PersonId | None:
    """Who of the desk began a method of *case* in the browser of this mark, in whichever lane; None for nobody."""
    if browser is None:
        return None
    return next((c.by for c in case.challenges if c.purpose == "verify" and c.browser == browser), None)


def desk_browser() -> Refused:
    """That the person's page is not for a browser of the desk."""
    return Refused(
        "This browser is one of the desk's, and this page is for the person alone.",
        "Have them open it on a device of their own. Never type for them what they say. If this is your own page, use "
        "a browser in which nobody is signed in to the desk.",
        ("desk_browser",),
    )


def turn_away(case: Case, command: do.TurnAway) -> tuple[Event, ...]:
    """Note in whose browser the page was asked for: once for each of them, while the case leads somewhere."""
    if isinstance(case, TERMINAL) or command.person in case.turned_away:
        return ()
    return (DeskBrowserRefused(case=case.id, person=command.person),)


def guessed_at(case: Case, since: datetime | None = None) -> bool:
    """Whether wrong answers stand in *case*, of challenges begun after *since*, that nobody is charged with yet."""
    left = (c for c in case.challenges if c.misses and not c.ended)
    return isinstance(beneath(case), Verifying) and any(since is None or c.begun > since for c in left)


def demand_few_left(case: Case, method: str, others: Collection[Case]) -> None:
    """Refuse an answer by what can be guessed while wrong ones stand in *others*, or each case made two guesses free.

    What no call talks out of somebody stays open, so that nobody is locked out by cases that others leave behind.
    """
    if len(others) >= LEFT and any(m.name == method and closes(m) for m in case.requirement.methods):
        raise Refused(
            f"Wrong answers were left in {len(others)} other open cases of this account.",
            "Have the desk withdraw those cases, or use a passkey or come in.",
            ("left_open",),
        )


def abandoned(case: Case, account: Account) -> tuple[Event, ...]:
    """What sticks when a case ends with wrong answers that exhausted nothing: one failure, or guesses would be free."""
    if not any(c.misses and not c.ended for c in case.challenges):
        return ()
    left = next(c for c in case.challenges if c.misses and not c.ended)
    failed = FailureRecorded(account=account.id, case=case.id, method=left.method)
    return (failed, *_came_from(case, left.by))
