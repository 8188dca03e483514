"""The approver's card: the exact bytes, what they mean, and who has agreed."""

from __future__ import annotations

from datetime import datetime

from watchword.app import App
from watchword.core.case import AwaitingApproval
from watchword.core.request import parse
from watchword.desk.decisions import request_digest
from watchword.reception import wording
from watchword.reception.approver import questions_of
from watchword.reception.spoken import spoken
from watchword.web import forms
from watchword.web.frame import account_of, beside_the_desk, name_of
from watchword.web.view import ApproverCard, Fact, Question


def approver_card(
    app: App, case: AwaitingApproval, empty: tuple[Fact, ...], at: datetime, *, decides: bool, answers: bool = False
) -> ApproverCard:
    """The card, with its two forms for whoever may decide. Everything on it is read from the bytes themselves.

    A new contact point is shown masked, from the payload that the commitment in the bytes is of. *empty* are the open
    seats. A yes that is signed is given on a page of its own, which the card leads to; *answers* says whether the
    reader may answer what approvers ask.
    """
    asked = parse(case.request)
    digest = request_digest(case.request)
    name, login = account_of(app, case.account, case.subject)
    came = asked.context
    ordinary = came.risk == "low" and came.situation == "normal" and not came.elevated_threat
    to = app.desk.new_contact.masked(case)
    proved = ", ".join(wording.within(wording.method(m)) for m in case.methods)
    lines = (
        *(Fact(label="Change", value=wording.change(c, to)) for c in asked.changes),
        Fact(label="Account", value=f"{name}, {login}", note=wording.plain(asked.account_class)),
        Fact(
            label="Shown",
            value=(proved or "nothing: the glass was broken").capitalize(),
            tone="plain" if proved else "bad",
        ),
        *(_proof(app, case, leaf) for leaf in asked.evidence),
        Fact(label="Came in", value=wording.context(came), tone="plain" if ordinary else "warn"),
        Fact(label="Counts until", value=f"{asked.not_after:%-d %b %H:%M} UTC", note="once, and for nothing else"),
        Fact(label="Policy", value=asked.policy[:19] + "…", note=f"of ledger {asked.log}"),
        *(Fact(label="Because", value=why) for why in case.requirement.raised),
    )
    votes = tuple(
        Fact(label="Agreed", value=name_of(app, v.person), note=f"{wording.span(at - v.at)} ago", tone="good")
        for v in case.votes
    )
    rule = case.requirement.approve
    signed = rule is not None and rule.signed
    if rule is not None and signed:
        lines = (*lines, Fact(label="Proof", value=wording.signing(rule), tone="warn"))
    return ApproverCard(
        lines=lines,
        request=case.request,
        digest=digest,
        words=spoken(digest),
        until=case.not_after,
        seats=(*votes, *empty),
        approve=forms.approve(case) if decides and not signed else None,
        refuse=forms.refuse(case.id) if decides else None,
        page=f"/cases/{case.id}/approver-page" if decides else "",
        questions=tuple(
            Question(
                who=name_of(app, one.person),
                question=one.question or "(erased)",
                answer=""
                if one.answered_by is None
                else f"{name_of(app, one.answered_by)}: {one.answer or '(erased)'}",
                form=forms.answer(case.id, one.id) if answers and one.answered_by is None else None,
            )
            for one in questions_of(app, case)
        ),
    )


def _proof(app: App, case: AwaitingApproval, leaf: str) -> Fact:
    """One verification that the bytes cite by its leaf hash: how, by whom, and when."""
    proof = next((e for e in case.evidence if e.leaf == leaf), None)
    if proof is None:
        return Fact(label="Evidence", value="of no verification in this case", note=leaf, tone="bad")
    whose = f", proved by {name_of(app, proof.prover)}" if proof.prover else ""
    when = f"{proof.at:%-d %b %H:%M:%S} UTC, at the desk of {name_of(app, proof.agent)}{whose}"
    desk = beside_the_desk(app, case, proof.browser)
    return Fact(
        label="Evidence",
        value=f"{wording.method(proof.method)}{desk}",
        note=f"{when} · leaf {leaf[:16]}…",
        tone="warn" if desk else "plain",
    )
