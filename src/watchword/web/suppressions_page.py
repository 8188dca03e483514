"""What the watch says nothing of for a time: the list, how it is set and ended, and the forms of both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast
from urllib.parse import quote

from watchword.app import App
from watchword.core.errors import Invalid
from watchword.core.finding import VERDICT
from watchword.core.identity_event import Verdict
from watchword.core.ids import PersonId
from watchword.reception.ends import end_of
from watchword.reception.findings import called, demand_not_self, works
from watchword.reception.wording import plain
from watchword.watch.campaigns import Party
from watchword.watch.finding_log import KnownSuppression, Shown
from watchword.watch.printable import printable
from watchword.watch.signals import Signal
from watchword.watch.verdicts import FINDINGS
from watchword.web import view
from watchword.web.findings_view import SuppressionRow, SuppressionsPage
from watchword.web.frame import chrome, name_of
from watchword.web.guidance import EVERY, rule_said, signals_named

ADDRESS = "/findings/suppressions"

SHOWN = 200
"""Rows of the page at most; what is left out is counted."""

OFFERED = 12
"""Whom a finding names, offered in its form at most."""

PARTIES: Mapping[str, str] = {
    "actor": "One agent",
    "target": "One account",
    "caller": "One caller",
    "vendor": "One vendor",
    "anybody": "Anybody",
}
"""Whom a suppression may be about."""

_UNTIL = view.Field(
    name="until",
    label="Until",
    value="30d",
    hint="12h, 30d, 8w, or a day such as 2026-12-24; within a year, and within 31 days for a verdict or every rule.",
)
_WHY = view.Field(name="why", label="Why", kind="area", hint="Kept sealed beside the entry.")
_LEDE = (
    "What it would have said is counted, and comes back only when somebody ends this before its time. "
    "Every rule, or anybody, needs a second person."
)


def suppressions_page(app: App, actor: PersonId, csrf: str, at: datetime) -> SuppressionsPage:
    """Every suppression, those that hold first, then the newest; forms for whoever works on findings."""
    known = sorted(app.findings.suppressions(), key=lambda one: one.suppression.at, reverse=True)
    known.sort(key=lambda one: one.suppression.is_over(at))
    may, signals = works(app, actor, at), signals_named(app)
    return SuppressionsPage(
        chrome=chrome(app, at, csrf, actor, here="findings"),
        sub="What the watch says nothing of for a time, with a reason; counted, never lost without a trace.",
        form=_form(app) if may else None,
        rows=tuple(_row(app, one, signals, at, actor if may else None) for one in known[:SHOWN]),
        left_out=max(len(known) - SHOWN, 0),
    )


def quiet_form(app: App, action: str, shown: Shown) -> view.Form:
    """The form on the page of a finding, which offers its rules and whom it names."""
    # A name that a page can not carry as it is would come back as another.
    parties = dict.fromkeys(one for item in shown.items for one in item.parties if one[1].isprintable())
    offered = tuple(
        view.Option(value=f"{party}:{name}", label=f"{PARTIES[party]}: {called(app, name)}")
        for party, name in tuple(parties)[:OFFERED]
    )
    signals = signals_named(app)
    rules = tuple(
        view.Option(value=rule, label=rule_said(rule, signals)) for rule in shown.finding.rules if rule.isprintable()
    )
    anybody = any(not rule.value.startswith(VERDICT) for rule in rules)
    whom = (*offered, *((view.Option(value="anybody:", label=PARTIES["anybody"]),) if anybody or not offered else ()))
    return view.Form(
        action=action,
        button="Keep it quiet",
        title="Keep it quiet for a time",
        lede=_LEDE,
        weight="danger",
        fields=(
            _select("rule", "What", (*rules, view.Option(value=EVERY, label="Every rule"))),
            _select("whom", "About whom", whom),
            _UNTIL,
            _WHY,
        ),
    )


def suppress(app: App, actor: PersonId, said: Mapping[str, str], at: datetime) -> str:
    """Set one as a form said it; returns its id."""
    party, name = said.get("party", ""), said.get("name", "")
    if "whom" in said:
        party, _, name = said["whom"].partition(":")
    if party not in PARTIES:
        raise Invalid("Nobody can be kept quiet about like that.", "Pick one of the list.", where="party")
    demand_not_self(app, actor, name)
    return app.findings.suppress(
        actor,
        at,
        rule=said.get("rule", ""),
        party=cast("Party", party),
        name=name,
        until=end_of(said.get("until", ""), at),
        why=said.get("why", ""),
    )


def _form(app: App) -> view.Form:
    found = {rule for shown in app.findings.all() for rule in shown.finding.rules if rule.isprintable()}
    signals = signals_named(app)
    titles = {name: rule_said(name, signals) for name in signals}
    verdicts = {f"{VERDICT}{verdict}": f"Verdict: {plain(verdict)}" for verdict in Verdict if verdict in FINDINGS}
    others = {rule: rule_said(rule, signals) for rule in found if rule not in signals and rule not in verdicts}
    rules = {**dict(sorted({**titles, **others}.items(), key=lambda one: one[1].casefold())), **verdicts}
    options = tuple(view.Option(value=rule, label=label) for rule, label in rules.items())
    return view.Form(
        action=ADDRESS,
        button="Keep it quiet",
        title="Keep a rule quiet",
        lede=_LEDE,
        fields=(
            _select("rule", "What", (*options, view.Option(value=EVERY, label="Every rule"))),
            _select("party", "About whom", tuple(view.Option(value=v, label=label) for v, label in PARTIES.items())),
            view.Field(name="name", label="Name", required=False, hint="As findings call them; none for anybody."),
            _UNTIL,
            _WHY,
        ),
    )


def _select(name: str, label: str, options: tuple[view.Option, ...]) -> view.Field:
    return view.Field(name=name, label=label, kind="select", value=options[0].value, options=options)


def _row(
    app: App, one: KnownSuppression, signals: Mapping[str, Signal], at: datetime, worker: PersonId | None
) -> SuppressionRow:
    """One of the list, with what *worker* may do about it."""
    quiet = one.suppression
    holds, waits = quiet.holds(at), quiet.waits(at)
    lifted = f"Lifted by {name_of(app, quiet.lifted)}" if quiet.lifted else ""
    kept = len(quiet.kept)
    here = f"{ADDRESS}/{quote(quiet.set.suppression, safe='')}"
    lift = view.Form(action=f"{here}/lift", button="End it now", weight="quiet")
    allow = view.Form(action=f"{here}/allow", button="Allow it", weight="danger")
    party, _, name = one.name.partition(" ")
    return SuppressionRow(
        rule=rule_said(quiet.set.rule, signals),
        about=f"{PARTIES.get(party, party)}{': ' if name else ''}{called(app, name)}" if one.name else "erased",
        why="\n".join(printable(line) for line in one.why.splitlines()) if one.why else "erased",
        by=name_of(app, quiet.set.by),
        since=quiet.at,
        until=one.ends,
        kept=f"{kept} event{'' if kept == 1 else 's'}",
        state="Holds" if holds else "Waits for a second person" if waits else lifted or "Ended",
        tone="warn" if holds or waits else "plain",
        lift=lift if (holds or waits) and worker else None,
        allow=allow if waits and worker not in {None, quiet.set.by} else None,
    )
