"""Break-glass: whoever was passed over hears of it, security is paged, and an overdue review blocks the next use."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.desk.office import Office, refused
from watchword.core.action import Action
from watchword.core.case import TERMINAL, state_of
from watchword.core.errors import Invalid, Unavailable
from watchword.core.ids import CaseId
from watchword.core.person import Kind, Role, RoleGrant
from watchword.core.requirement import Context
from watchword.languages.catalogue import words
from watchword.notices.pager import WebhookPager
from watchword.notices.port import Page
from watchword.settings import load
from watchword.web.frame import overdue_of


class Receiver:
    """An HTTP receiver on loopback that keeps what it is posted, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.answer = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append(json.loads(body))
                self.send_response(receiver.answer)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/page"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook of the security operations centre."""
    made = Receiver()
    yield made
    made.close()


def paged(office: Office, receiver: Receiver) -> None:
    """Have security paged by mail and by the receiver from now on."""
    config = office.home / "watchword.toml"
    part = f'[security]\nmail = "soc@example.test"\nwebhook = "{receiver.url}"'
    head, _, tail = config.read_text().partition("[security]")
    config.write_text(head + part + tail)
    office.close()
    office.settings = load(config)
    office.restart()


def broken(office: Office, ticket: str = "INC-1") -> CaseId:
    """A privileged account's unlock for which a custodian broke the glass."""
    case = office.open("piet.priv", Action.UNLOCK, ticket=ticket, context=Context(situation="outage"))
    office.app.desk.decisions.break_glass(office["cleo.custodian"], case, "core network down", office.at)
    return case


def test_everybody_who_was_passed_over_is_told_and_security_is_paged(office: Office, receiver: Receiver) -> None:
    """The manager of record hears of it at their own address, and both pagers have the case by its code alone."""
    paged(office, receiver)
    case = broken(office)
    office.run()
    outbox = office.app.outbox
    assert outbox is not None
    assert "Emergency without your approval" in [
        m.subject.partition(" (")[0] for m in outbox.sent("boss.one@example.test")
    ]
    assert [m.subject for m in outbox.sent("soc@example.test")] == [f"The glass was broken (case {case[2:10]})"]
    (page,) = receiver.got
    assert (page["event"], page["case"]) == ("break_glass.invoked", case)
    assert "piet" not in json.dumps(page)
    told = next(e for e in office.app.ledger.read(f"case/{case}") if e.entry.type == "approvers.told")
    assert office["boss.one"] in told.entry.data["told"]  # type: ignore[operator]
    assert {office["sam.security"], office["ivy.iam"]} <= set(told.entry.data["untold"])  # type: ignore[arg-type]


@pytest.mark.parametrize("closed", [False, True])
def test_an_objection_to_what_is_done_pages_security(office: Office, receiver: Receiver, *, closed: bool) -> None:
    """Whoever reads that it was done and says that it was not them is heard at once, and not only the second time."""
    paged(office, receiver)
    case = office.released()
    office.run()
    office.take(case)
    if closed:
        office.app.desk.decisions.close(office["ada.agent"], case, office.at)
    objections = office.app.desk.objections
    objections.object(office["ada.agent"], case, "she called: not me", office.at)
    office.run()
    assert [(page["event"], page["case"]) for page in receiver.got] == [("case.objected", case)]
    objections.object(office["ben.agent"], case, "and her manager says so", office.at)
    office.run()
    assert [page["event"] for page in receiver.got] == ["case.objected", "case.contained"]


@pytest.mark.parametrize("sound", [False, True])
def test_a_review_that_found_something_pages_security(office: Office, receiver: Receiver, *, sound: bool) -> None:
    """Whoever looks afterwards and says that it was wrong is heard; the debt is paid either way."""
    paged(office, receiver)
    case = broken(office)
    office.approve(case, "cato.custodian")
    office.release(case)
    office.run()
    review = office.app.desk.decisions.review
    review(office["rex.review"], case, sound=sound, account_given="nobody knew of an outage", at=office.at)
    office.run()
    later = [] if sound else ["review.unsound"]
    assert [page["event"] for page in receiver.got] == ["break_glass.invoked", *later]
    assert office.case(case).unsound is not sound
    assert not office.app.steps.cases.debts()


@pytest.mark.parametrize(
    ("login", "action", "mailed", "posted"),
    [
        ("mara.lind", Action.PASSWORD_RESET, False, []),
        ("eve.exec", Action.SECRET_REISSUE, False, ["recovery.queued"]),
        ("piet.priv", Action.SECRET_REISSUE, True, ["recovery.released"]),
    ],
)
def test_security_is_told_of_a_release_as_its_alert_says(
    office: Office, receiver: Receiver, login: str, action: Action, *, mailed: bool, posted: list[str]
) -> None:
    """L2 waits where security's systems take it, L3 pages whoever is on duty as well, and less is told to neither."""
    paged(office, receiver)
    case = office.open(login, action)
    office.prove(case, "passkey")
    if action is Action.SECRET_REISSUE:
        office.prove(case, "in_person")
    office.ask(case)
    if office.case(case).requirement.approve is not None:
        seats = ("boss.one", "ivy.iam") if login == "eve.exec" else ("boss.one", "ivy.iam", "sam.security")
        office.approve(case, *seats)
    office.release(case)
    office.run()
    office.wait(minutes=20)  # nobody opened the page: released once more
    office.release(case)
    office.run()
    assert office.app.outbox is not None
    assert [page["event"] for page in receiver.got] == posted
    assert bool(office.app.outbox.sent("soc@example.test")) is mailed


def test_without_a_queue_whoever_is_paged_hears_of_what_would_wait_there(office: Office) -> None:
    """Nothing that policy says is told goes nowhere because there is an address alone."""
    config = office.home / "watchword.toml"
    config.write_text(config.read_text().replace("[security]", '[security]\nmail = "soc@example.test"'))
    office.close()
    office.settings = load(config)
    office.restart()
    case = office.open("eve.exec", Action.SECRET_REISSUE)
    office.prove(case, "passkey")
    office.prove(case, "in_person")
    office.ask(case)
    office.approve(case, "boss.one", "ivy.iam")
    office.release(case)
    office.run()
    assert office.app.outbox is not None
    assert [m.subject for m in office.app.outbox.sent("soc@example.test")] == [
        f"A recovery was released (case {case[2:10]})"
    ]


@pytest.mark.parametrize(("tag", "language"), [("de-AT", "de"), ("fr", "fr"), ("es", "es"), ("nl", "en")])
def test_who_was_passed_over_is_told_in_their_language(office: Office, tag: str, language: str) -> None:
    """An approver reads of the emergency in the language their directory has of them."""
    office.tamper_directory(f"INSERT INTO language VALUES ('{office.native('boss.one')}', '{tag}')")
    case, say = broken(office), words(language)
    office.run()
    assert office.app.outbox is not None
    told = {m.subject: m.text for m in office.app.outbox.sent("boss.one@example.test")}
    text = told[say("skipped.subject", case=case[2:10])]
    assert text.startswith(say("skipped.deed", deed=say("deed.unlock"), case=case[2:10]))
    assert text.endswith(say("skipped.object"))


def test_an_objection_pages_security_once(office: Office, receiver: Receiver) -> None:
    """What one voice stopped is looked at at once; a second one, which ends the case, pages as a fraud of its own."""
    paged(office, receiver)
    case = office.released()
    objections = office.app.desk.objections
    objections.object(office["ada.agent"], case, "she called: not me", office.at)
    office.run()
    assert [(page["event"], page["case"]) for page in receiver.got] == [("case.objected", case)]
    assert "mara" not in json.dumps(receiver.got)
    objections.object(office["sam.security"], case, "called her: not her", office.at)
    office.run()
    assert [page["event"] for page in receiver.got] == ["case.objected", "case.contained"]


def test_declared_downtime_pages_security_before_anybody_confirms_it(office: Office, receiver: Receiver) -> None:
    """One custodian's declaration is paged by its code, with what was done and nobody's name."""
    paged(office, receiver)
    people, root = office.app.people, office["root.admin"]
    dot = people.register(root, login="dot.sealed", name="Dot", kind=Kind.EMPLOYEE, unit="desk", at=office.at)
    people.grant(root, dot, RoleGrant(role=Role.DOWNTIME_CUSTODIAN), office.at)
    made = office.app.downtimes.declare(
        dot,
        directory="sandbox",
        query="mara.lind",
        action=Action.PASSWORD_RESET,
        performer="it.admin",
        since=office.at - timedelta(hours=2),
        until=office.at - timedelta(hours=1),
        why="Watchword was down",
        at=office.at,
    )
    office.run()
    (page,) = receiver.got
    assert (page["event"], page["case"]) == ("downtime.declared", made)
    assert "password reset of a standard account" in str(page["text"])
    assert not any(name in json.dumps(page) for name in ("mara", "it.admin", "dot"))


def test_a_page_is_tried_again_until_it_is_taken(office: Office, receiver: Receiver) -> None:
    """A webhook that is overloaded is asked again; one that refuses for good is only logged."""
    paged(office, receiver)
    receiver.answer = 503
    case = broken(office)
    office.run()
    receiver.answer = 204
    office.pass_by(minutes=10)
    assert receiver.got[0]["id"] == receiver.got[-1]["id"]
    assert len(receiver.got) >= 2
    assert case in receiver.got[-1]["case"]
    page = Page(id="x", event="e", case="c-1", subject="s", text="t", at=office.at)
    receiver.answer = 404
    with pytest.raises(Invalid):
        WebhookPager(receiver.url).page(page)
    with pytest.raises(Unavailable):
        WebhookPager("http://127.0.0.1:9/none").page(page)


def test_overdue_review_is_a_debt_that_everybody_sees(office: Office, receiver: Receiver) -> None:
    """After a day the use is overdue: it blocks the next, pages security, and stands on every page."""
    paged(office, receiver)
    case = broken(office)
    assert overdue_of(office.app, office.at) == ("", "")
    assert refused(lambda: broken(office, "INC-2"))[0] == "unreviewed_break_glass"
    assert office.app.steps.cases.counts()[1:] == (1, 0)
    office.pass_by(hours=24, minutes=1)
    assert office.app.steps.cases.counts()[1:] == (1, 1)
    words, link = overdue_of(office.app, office.at)
    assert words == "One review is overdue, the oldest for 1 min; the glass can not be broken again before."
    assert link == f"/cases/{case}"
    assert [page["event"] for page in receiver.got] == ["break_glass.invoked", "review.overdue"]
    assert refused(lambda: broken(office, "INC-3"))[0] == "unreviewed_break_glass"
    office.app.desk.decisions.withdraw(office["ada.agent"], case, "over", office.at)
    review = office.app.desk.decisions.review
    for involved in ("cleo.custodian", "ada.agent"):
        assert refused(lambda who=involved: review(office[who], case, sound=True, account_given="ok", at=office.at))  # type: ignore[misc]
    review(office["rex.review"], case, sound=True, account_given="outage confirmed", at=office.at)
    assert overdue_of(office.app, office.at) == ("", "")
    office.app.follow()
    rows = office.app.steps.cases.rows()
    running = Counter(state_of(row.case) for row in rows if not isinstance(row.case, TERMINAL))
    stages, owed, overdue = office.app.steps.cases.counts()
    assert ({stage: n for stage, n in stages.items() if n}, owed, overdue) == (running, 0, 0)
    broken(office, "INC-4")


def test_justification_and_four_hours(office: Office) -> None:
    """Without a reason nothing is broken, and what was asked is over after the time policy gives it."""
    case = office.open("piet.priv", Action.UNLOCK)
    with pytest.raises(Invalid):
        office.app.desk.decisions.break_glass(office["cleo.custodian"], case, "  ", office.at)
    case = broken(office, "INC-2")
    office.wait(hours=4, seconds=1)
    assert refused(lambda: office.approve(case, "cato.custodian")) == ("expired",)
    assert timedelta(seconds=office.app.policy.procedures.break_glass.expires_s) <= timedelta(hours=4)


def test_mail_that_is_not_configured_pages_nobody_and_says_so(office: Office) -> None:
    """A start with an address to page and no mail is refused, not found out in the emergency."""
    config = office.home / "watchword.toml"
    text = config.read_text().replace('kind = "simulated"                     # smtp', 'kind = "none"  # smtp')
    head, _, tail = text.partition("[security]")
    config.write_text(f'{head}[security]\nmail = "soc@example.test"{tail}')
    settings = office.settings
    office.close()
    office.settings = load(config)
    with pytest.raises(Invalid, match="no mail is configured"):
        office.restart()
    office.settings = settings
    office.restart()
