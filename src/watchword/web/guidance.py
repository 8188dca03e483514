"""What found a finding, in words: the title of its rule, what to do first, and when it may be nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from watchword.app import App
from watchword.core.errors import Invalid
from watchword.core.finding import VERDICT
from watchword.core.identity_event import Canonical, Verdict
from watchword.reception.wording import plain, span
from watchword.watch.campaigns import QUIET
from watchword.watch.printable import printable
from watchword.watch.signals import Signal
from watchword.watch.verdicts import REASONS
from watchword.watching import signals_of

EVERY = "*"
"""The rule of a suppression that keeps every other one quiet."""

VERDICTS: Mapping[Verdict, str] = {
    Verdict.SUSPICIOUS: "Nothing speaks for it, and something speaks against it. Contain the account first, then ask "
    "whoever acted for the ticket.",
    Verdict.UNVERIFIED: "Ask whoever acted for the ticket. Where there is none, contain the account, have it recovered "
    "through a case, and look at what else the same agent did.",
    Verdict.OUT_OF_POLICY: "A case is there and does not cover it: the reason names the link that failed. Read the "
    "case, then ask whoever acted.",
}
"""What to do first about an event of each verdict that somebody has to look at."""


_CODES = {
    **{code: words for code, words in REASONS.items() if "_" in code or ":" in code},
    **{str(action): action.replace(".", " ").replace("_", " ").replace("mfa", "MFA") for action in Canonical},
}
_EACH = "|".join(sorted(map(re.escape, _CODES), key=len, reverse=True))
# Alone between spaces and stops: a code within a name is a name, which whoever wrote the log chose.
_CODE = re.compile(rf"(?<![^\s,;:(])(?:{_EACH})(?![^\s,;:)])(?!:\S)")
_SPAN = re.compile(r"(?<=within )(?:(\d+) days?(?:, )?)?(?:(\d{1,3}):([0-5]\d):([0-5]\d))?(?=\W|$)")


class Guide(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule found, and what to do first; *nothing* says when it may be nothing, *name* is for settings.

    *attack* are techniques of ATT&CK.
    """

    title: str
    name: str
    response: str = ""
    nothing: str = ""
    attack: tuple[str, ...] = ()


def signals_named(app: App) -> Mapping[str, Signal]:
    """The signals by name; none where a file of them can not be read, which is told elsewhere and costs no page."""
    try:
        return {signal.name: signal for signal in signals_of(app.settings)}
    except Invalid:
        return {}


def rule_said(rule: str, signals: Mapping[str, Signal]) -> str:
    """A rule in words: a signal by its title, `verdict.out_of_policy` as `Out of policy`."""
    if rule == EVERY:
        return "Every rule"
    if rule in signals:
        return printable(signals[rule].title)
    said = plain(printable(rule.removeprefix(VERDICT).replace(QUIET, "suppression ")))
    return said[:1].upper() + said[1:]


def guide_of(rule: str, signals: Mapping[str, Signal]) -> Guide:
    """What to do about what *rule* found, as far as anybody wrote it down."""
    title, name = rule_said(rule, signals), printable(rule)
    if signal := signals.get(rule):
        return Guide(
            title=title,
            name=name,
            response=printable(signal.response),
            nothing=printable(signal.false_positives),
            attack=signal.attack,
        )
    verdict = rule.removeprefix(VERDICT)
    known = rule.startswith(VERDICT) and verdict in set(Verdict)
    return Guide(title=title, name=name, response=VERDICTS.get(Verdict(verdict), "") if known else "")


def in_words(why: str) -> str:
    """The line of evidence of a rule, with what stands there as a code or a clock's time in words."""
    return _SPAN.sub(_spanned, _CODE.sub(lambda found: _CODES[found[0]], why))


def _spanned(found: re.Match[str]) -> str:
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return span(length) if found[0] else ""
