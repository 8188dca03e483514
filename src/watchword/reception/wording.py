"""Policy, changes and entries in the words of the desk. Says what is; decides nothing."""

from __future__ import annotations

import re
from datetime import timedelta

from watchword.core.action import Action, AlertLevel
from watchword.core.advice import Option
from watchword.core.change import (
    Change,
    ContactKind,
    GrantOverride,
    IssuePass,
    ReissueSecret,
    ResetFactors,
    ResetPassword,
    RevokeSessions,
    SetContact,
    Suspend,
    SuspendFactors,
    Unlock,
)
from watchword.core.quorum import Rule, Seat
from watchword.core.requirement import Context, Requirement, Shortfall, Verify

ACTIONS: dict[Action, tuple[str, str]] = {
    Action.UNLOCK: ("Unlock", "locked out after wrong passwords"),
    Action.PASSWORD_RESET: ("Password reset", "forgotten, and nothing else is lost"),
    Action.FACTOR_RESET: ("Factor reset", "a phone or key is lost or replaced"),
    Action.TOTAL_LOSS: ("Total loss", "the password and every factor"),
    Action.RECOVERY_INFO_CHANGE: ("Recovery info", "mail or phone of record"),
    Action.BYPASS_CODE: ("Temporary pass", "lets somebody in for an hour"),
    Action.SECRET_REISSUE: ("Secret reissue", "a service account or AI agent"),
    Action.PRIVILEGED_OVERRIDE: ("Privileged override", "a role, for four hours at most"),
}
"""Each action's title, and when it is the right one."""

CONTACTS = {ContactKind.MAIL: "mail address", ContactKind.PHONE: "phone number"}
"""Each kind of contact point."""

METHODS = {
    "passkey": "Passkey",
    "totp": "Authenticator code",
    "mail_code": "Code by mail",
    "call_code": "Automated call",
    "sms_code": "Code by text message",
    "recovery_code": "Saved recovery code",
    "manager_of_record": "Word of the manager",
    "recovery_contact": "Word of the recovery contact",
    "kiosk": "Supervisor at the kiosk",
    "in_person": "In person",
    "video": "Live video",
    "managed_device": "Managed device",
    "owner_passkey": "Passkey of the owner",
    "custodian_passkey": "Passkey of a custodian",
    "push_number": "Number in a prompt",
    "prompt_key": "Browser for prompts",
    "okta_push": "Number in Okta Verify",
    "okta_factor": "Okta Verify",
    "duo_push": "Number in Duo Mobile",
    "duo_device": "Duo Mobile",
    "workload": "Token of the workload",
    "id_proofing": "Document and face",
    "verifiable_credential": "Credential and face",
    "identity_record": "Identity on documents",
    "ssh_key": "SSH key",
}

_PROPER = frozenset({"Okta", "Duo", "SSH"})

ALERTS = {
    AlertLevel.LOG: "It is logged",
    AlertLevel.NOTIFY: "The person is notified",
    AlertLevel.QUEUE: "The SOC queue is told",
    AlertLevel.PAGE: "The SOC is paged",
}

EVENTS = {
    "case.opened": "Case opened",
    "caller.seen": "The caller's page was opened from a new {kind}",
    "desk_browser.refused": "The person's page was asked for in a browser of the desk, and not shown",
    "ticket.linked": "Ticket linked",
    "contact.entered": "The person entered the new contact point",
    "challenge.begun": "{method} begun",
    "prompt.sent": "The provider sent the prompt",
    "challenge.missed": "Wrong answer",
    "method.failed": "{method} failed; it sticks to the account",
    "method.proved": "{method} proved",
    "approval.asked": "Verification holds; the request is fixed",
    "approval.given": "Approved",
    "approval.refused": "Refused",
    "question.asked": "An approver asked a question",
    "question.answered": "The desk answered",
    "hold.elapsed": "The hold is over",
    "case.released": "Released to the executor",
    "hand_over.opened": "The person's browser made its key",
    "change.started": "Change {number} started",
    "change.ended": "Change {number}: {outcome}",
    "execution.refused": "The executor refused",
    "case.validated": "Read back from the directory",
    "hand_over.spoken": "The person typed the code they were told",
    "hand_over.missed": "A wrong code at the hand-over",
    "hand_over.completed": "Handed over, once",
    "case.escalated": "Escalated",
    "case.closed": "Closed",
    "case.withdrawn": "Withdrawn",
    "case.expired": "Expired",
    "case.frozen": "Frozen because of another case",
    "case.objected": "“Not me”: somebody says it is not theirs",
    "pause.lifted": "Looked at, and let go on",
    "case.contained": "Contained as fraudulent",
    "protection.taken": "Access taken away",
    "hold.told": "The hold was told",
    "care.confirmed": "The person said that it was them",
    "care.missed": "Nobody said in time that it was them: access is taken away",
    "hold.restarted": "The hold begins anew: the person can no longer be told as before",
    "break_glass.invoked": "Glass broken",
    "approvers.told": "The approvers who were passed over were told",
    "review.owed": "A review is owed",
    "review.overdue": "The review is overdue",
    "review.done": "Reviewed",
}
"""What each entry of a case says happened; braces name fields of its data."""

COSIGN = "witnesses, after the release and before anything is changed"
"""Who cosigns, where a procedure wants its evidence cosigned."""

SHARED = {
    "sim_swap": "phone number",
    "device_theft": "device",
    "endpoint_control": "computer",
    "mailbox_work": "mailbox",
    "mailbox_personal": "mailbox",
    "otp_seed_sync": "cloud account",
    "session_token": "signed-in session",
    "profile_write": "profile",
    "hris_write": "personnel record",
    "recovery_contact": "contact",
}
"""What two methods have in common that fall to one capability: the phone, the mailbox."""

TAKEN_IN = SHARED | {"phish_relay": "false page or caller"}
"""The same, and what is no place or thing."""

_COUNTS = ("no", "one", "two", "three", "four")


def plain(word: str) -> str:
    """A code as words: `manager_of_record` is `manager of record`."""
    return word.replace("_", " ").replace("iam ", "IAM ").replace("ciso ", "CISO ")


def counted(number: int) -> str:
    """Small numbers as words."""
    return _COUNTS[number] if 0 <= number < len(_COUNTS) else str(number)


def span(length: timedelta) -> str:
    """A length of time in at most two units, rounded down: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`, `30 d`."""
    seconds = int(abs(length.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if seconds < 60:
        return f"{seconds} s"
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 and days < 7 else f"{days} d"


def method(name: str) -> str:
    """A method's title."""
    return METHODS.get(name, plain(name).capitalize())


def way(verify: Verify) -> str:
    """One way to satisfy verification: `V3: two independent methods of weight 5, one of passkey or in person`."""
    many = "method" if verify.min_methods == 1 else "independent methods"
    words = [f"{verify.tier}: {counted(verify.min_methods)} {many} of weight {verify.min_weight}"]
    words.extend(f"one of them {' or '.join(within(method(m)) for m in group)}" for group in verify.any_of)
    if verify.provers > 1:
        words.append(f"by {counted(verify.provers)} people")
    return ", ".join(words)


def named(words: str) -> str:
    """A line of `policy.explain.words` as pages say it: roles and, where it lists any, methods by title."""
    words = plain(words)
    if not words.startswith(("Prove: ", "Hold: ")):
        return words
    titles = {plain(name): within(title) for name, title in METHODS.items()}
    listed = "|".join(sorted(map(re.escape, titles), key=len, reverse=True))
    return re.sub(rf"\b(or|by|them|never|Prove:) ({listed})\b", lambda one: f"{one[1]} {titles[one[2]]}", words)


def within(title: str) -> str:
    """A title in the midst of a sentence: `Code by mail` is `code by mail`, and a maker's name stays one."""
    return title if title.split(maxsplit=1)[0] in _PROPER else title[:1].lower() + title[1:]


def lacking(words: str) -> str:
    """What verification lacks, as `core.requirement.Shortfall` says it, with methods by their titles."""
    if (group := words.removeprefix("one of ")) != words:
        titles = [within(method(m)) for m in group.split(", ")]
        return f"one of {' or '.join(titles)}" if len(titles) > 1 else f"{titles[0]} required"
    words = words.replace("1 more independent method(s)", "one more method").replace("method(s)", "methods")
    return words.replace("1 more custodian(s)", "one more custodian").replace("custodian(s)", "custodians")


def shortfall(lacks: Shortfall) -> tuple[str, ...]:
    """What one way still lacks, each part in words; of a further method, what it must not have in common."""
    common = tuple(dict.fromkeys(SHARED[c] for c in lacks.apart if c in SHARED))
    apart = f", not on the same {' or '.join(common)}" if common else ""
    parts = (
        f"{lacking(part)}{apart}" if "more independent method" in part and lacks.counted else lacking(part)
        for part in lacks.missing
    )
    return tuple(parts)


def option(one: Option) -> str:
    """Why a method does not bring the case on; empty where it does, or is proved."""
    match one.state:
        case "absent":
            return one.why or "Nothing is on record for it."
        case "young":
            return f"Changed lately: it counts from {one.counts_from:%Y-%m-%d}."
        case "closed":
            return "Closed: too many verifications of this account failed."
        case "forbidden":
            return "This procedure does not take it."
        case "dependent":
            common = tuple(dict.fromkeys(TAKEN_IN.get(c, plain(c)) for c in one.shares))
            beside = " and ".join(method(m) for m in one.beside)
            return f"It adds nothing to {beside}: the same {' and '.join(common)}." if beside else "It adds nothing."
    return ""


def seats(rule: Rule) -> str:
    """Who has to agree: `A2: manager of record, and IAM duty or security duty`."""
    return f"{plain(rule.name)}: {', and '.join(seat(s) for s in rule.seats)}"


def seat(one: Seat) -> str:
    """An approver's chair."""
    return " or ".join(plain(r) for r in one.roles)


LACKS = {
    "outside": "a signature from outside the browser",
    "units": "people of different units",
    "roles": "people of different roles",
}
"""What those who agreed lack together."""


def signing(rule: Rule) -> str:
    """What a rung of approval asks of a signature."""
    words = "Each yes is signed with a key of the approver's own"
    if rule.device_bound:
        words += ", which can not be copied to another device"
    return words + ("; one of them outside the browser" if rule.outside else "")


def aftercare(asked: Requirement) -> tuple[str, ...]:
    """What follows the change."""
    after = asked.after
    lines = [ALERTS[asked.alert]]
    if after.revoke_sessions:
        lines.append("Sessions are ended")
    if after.probation_s:
        lines.append(f"{span(timedelta(seconds=after.probation_s))} of probation")
    if after.review_s:
        lines.append(f"Reviewed within {span(timedelta(seconds=after.review_s))}")
    return tuple(lines)


def context(came: Context) -> str:
    """How a request came in."""
    words = f"By {plain(came.channel)}, from {came.location}, on {came.device} device, {came.risk} risk"
    words = words.replace("from unknown", "from an unknown place").replace("on unknown", "on an unknown")
    if came.situation != "normal":
        words += f", {plain(came.situation)}"
    return words + (", under elevated threat" if came.elevated_threat else "")


def change(one: Change, to: str = "") -> str:
    """One change, as the thing that will be done and nothing else; *to* is a new contact point, masked."""
    match one:
        case ResetPassword():
            return "Set a new password" + (", to be changed at sign-in" if one.must_change else "")
        case Unlock():
            return "Unlock the account"
        case ResetFactors():
            return f"Remove the factors {', '.join(one.factors)}" if one.factors else "Remove every factor"
        case SetContact():
            new = f"{to} (commitment {one.commitment[:12]}…)" if to else f"commitment {one.commitment[:12]}…"
            return f"Replace the {CONTACTS[one.contact]} of record with {new if one.commitment else 'what they enter'}"
        case IssuePass():
            return f"Issue a temporary pass for {span(timedelta(seconds=one.lifetime_s))}"
        case ReissueSecret():
            return f"Issue a new secret; the old one ends within {span(timedelta(seconds=one.overlap_s))}"
        case GrantOverride():
            return f"Lend the role {one.role} for {span(timedelta(seconds=one.lifetime_s))}"
        case RevokeSessions():
            return "End every session"
        case Suspend():
            return "Disable the account"
        case SuspendFactors():
            return f"Suspend the factors {', '.join(one.factors)}" if one.factors else "Suspend every factor"


def changes(several: tuple[Change, ...], to: str = "") -> str:
    """All the changes of a case in one sentence; *to* is a new contact point, masked."""
    first, *rest = (change(one, to) for one in several)
    return ", then ".join((first, *(words[0].lower() + words[1:] for words in rest)))


def credential(several: tuple[Change, ...]) -> str:
    """What the person is handed: a password, a temporary pass, a secret."""
    for one in several:
        match one:
            case ResetPassword():
                return "password"
            case IssuePass():
                return "temporary pass"
            case ReissueSecret():
                return "secret"
    return "access"


def event(type_: str, data: dict[str, object]) -> str:
    """What an entry says happened."""
    words = EVENTS.get(type_, plain(type_.replace(".", " ")))
    return words.format(
        method=method(str(data.get("method", ""))),
        number=data.get("number", ""),
        kind=data.get("kind", ""),
        outcome=plain(str(data.get("outcome", ""))),
    )
