"""The approver's card: the exact bytes, what they mean, and who has agreed."""

from __future__ import annotations

from datetime import datetime

from watchword.app import App
from watchword.core.case import AwaitingApproval
from watchword.core.request import parse
from watchword.desk.decisions import request_digest
from watchword.reception import wording
from watchword.reception.spoken import spoken
from watchword.web import forms
from watchword.web.frame import account_of, name_of
from watchword.web.view import ApproverCard, Fact


def approver_card(
    app: App, case: AwaitingApproval, empty: tuple[str, ...], at: datetime, *, decides: bool
) -> ApproverCard:
    """The card, with its two forms for whoever may decide. Everything on it is read from the bytes themselves.

    A new contact point is shown masked, from the payload that the commitment in the bytes is of.
    Where a signature is asked there is no form for a yes: this page does not make one yet, the API takes it.
    """
    asked = parse(case.request)
    digest = request_digest(case.request)
    name, login = account_of(app, case.account, case.subject)
    came = asked.context
    ordinary = came.risk == "low" and came.situation == "normal" and not came.elevated_threat
    to = app.desk.new_contact.masked(case)
    proved = ", ".join(wording.method(m).lower() for m in case.methods)
    lines = (
        *(Fact(label="Change", value=wording.change(c, to)) for c in asked.changes),
        Fact(label="Account", value=f"{name}, {login}", note=wording.plain(asked.account_class)),
        Fact(
            label="Shown",
            value=(proved or "nothing: the glass was broken").capitalize(),
            tone="plain" if proved else "bad",
        ),
        Fact(label="Came in", value=wording.context(came), tone="plain" if ordinary else "warn"),
        *(Fact(label="Because", value=why) for why in case.requirement.raised),
    )
    votes = tuple(
        Fact(label="Agreed", value=name_of(app, v.person), note=f"{wording.span(at - v.at)} ago", tone="good")
        for v in case.votes
    )
    seats = tuple(Fact(label="Open seat", value=seat, tone="warn") for seat in empty)
    rule = case.requirement.approve
    signed = rule is not None and rule.signed
    if signed:
        lines = (*lines, Fact(label="Proof", value="Each yes is signed with the approver's own passkey", tone="warn"))
    return ApproverCard(
        lines=lines,
        request=case.request,
        digest=digest,
        words=spoken(digest),
        until=case.not_after,
        seats=(*votes, *seats),
        approve=forms.approve(case) if decides and not signed else None,
        refuse=forms.refuse(case.id) if decides else None,
    )
