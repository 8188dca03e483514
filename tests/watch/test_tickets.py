"""Where only a ticket speaks for a change, and where it does not; exports of every kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.errors import Invalid
from watchword.core.identity_event import SUPPORT, Canonical, Verdict
from watchword.watch.accounts import Account, read_accounts
from watchword.watch.cells import EVENTS_OF, Enforced
from watchword.watch.engine import Context, Engine
from watchword.watch.providers import OKTA, Feed
from watchword.watch.tickets import Ticket, actions_of, read_tickets
from watchword.watch.verdicts import VerdictRow

from .conftest import NOON, Line, Okta, _write_log

PASSWORD, UNLOCK, FACTOR = (actions_of(word)[0] for word in ("password", "unlock", "mfa"))


def ticket(number: str = "INC001", **fields: Any) -> Ticket:
    """A ticket about 00uana, opened ten minutes before noon, closed ten minutes after, that asks for a password."""
    whole: dict[str, Any] = {
        "ticket": number,
        "target": "00uana",
        "agent": "",
        "actions": (PASSWORD,),
        "opened": NOON - timedelta(minutes=10),
        "closed": NOON + timedelta(minutes=10),
    }
    return Ticket(**{**whole, **fields})


class Judge:
    """Judges lines by tickets alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(
        self, lines: list[Line], *tickets: Ticket, accounts: str = "", enforced: tuple[Enforced, ...] = ()
    ) -> tuple[VerdictRow, ...]:
        """The verdicts, with *accounts* as CSV."""
        known: tuple[Account, ...] = ()
        if accounts:
            file = self._folder / "accounts.csv"
            file.write_text(accounts, encoding="utf-8")
            known = read_accounts(file)
        feed = Feed(provider=OKTA, files=(_write_log(self._folder / "log.jsonl", lines),))
        with Engine().judging((feed,), None, Context(known=known, tickets=tickets, enforced=enforced)) as (_, report):
            return report.verdicts


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Lines and tickets in, verdicts out."""
    return Judge(tmp_path)


def test_only_a_ticket_speaks_for_it(okta: Okta, judge: Judge) -> None:
    """A reset of the account a ticket is about, in its time and of what it names, is ticketed and no finding."""
    (row,) = judge([okta(actor="00uagent")], ticket())
    assert (row.verdict, row.reasons, row.ticket, row.case) == (Verdict.TICKETED, ("ticket_only",), "INC001", None)
    assert not row.is_finding


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"target": "00uben"}, "no_ticket"),
        ({"actions": (UNLOCK,)}, "ticket_other_action"),
        ({"opened": NOON + timedelta(hours=2), "closed": None}, "ticket_outside_window"),
        ({"closed": NOON - timedelta(hours=2), "opened": NOON - timedelta(hours=3)}, "ticket_outside_window"),
        ({"opened": NOON + timedelta(days=2), "closed": None}, "no_ticket"),
    ],
)
def test_a_ticket_that_does_not_fit_says_why(okta: Okta, judge: Judge, fields: dict[str, Any], reason: str) -> None:
    """A ticket of another account, action or time speaks for nothing, and the reason says which of them it was."""
    (row,) = judge([okta(actor="00uagent")], ticket(**fields))
    assert (row.verdict, row.reasons, row.ticket) == (Verdict.UNVERIFIED, (reason,), None)


def test_one_ticket_speaks_for_one_change(okta: Okta, judge: Judge) -> None:
    """Of two resets on one ticket the nearer to its opening is ticketed, the other finds it used."""
    first, second = judge([okta(actor="00uagent", after=-300), okta(actor="00uagent", after=300)], ticket())
    assert (first.verdict, second.verdict) == (Verdict.TICKETED, Verdict.SUSPICIOUS)
    assert second.reasons == ("ticket_used", "repeat_24h")


def test_a_ticket_of_several_lines_speaks_once(okta: Okta, judge: Judge) -> None:
    """An export that has a ticket in several lines, as one for each of its steps, makes no several tickets of it."""
    lines: list[Line] = [okta(actor="00uagent", after=n * 60) for n in range(3)]
    later = NOON + timedelta(hours=3)
    rows = judge(lines, ticket(agent="00uother"), ticket(), ticket(agent="00uagent", closed=later))
    assert sorted(row.verdict for row in rows) == [Verdict.SUSPICIOUS, Verdict.SUSPICIOUS, Verdict.TICKETED]
    assert [row.reasons[0] for row in rows if row.is_finding] == ["ticket_used", "ticket_used"]
    last, first = ticket(agent="00uagent", closed=later), ticket(agent="00uother")
    (row,) = judge([okta(actor="00uagent", after=7200)], last, first)
    assert row.verdict is Verdict.TICKETED


def test_a_ticket_that_names_two_changes_speaks_for_both(okta: Okta, judge: Judge) -> None:
    """One ticket for a password and a factor covers each once, and no second factor."""
    lines: list[Line] = [
        okta(actor="00uagent"),
        okta("user.mfa.factor.deactivate", actor="00uagent", after=60),
        okta("user.mfa.factor.deactivate", actor="00uagent", after=400),
    ]
    rows = judge(lines, ticket(actions=(PASSWORD, FACTOR)))
    assert [row.verdict for row in rows] == [Verdict.TICKETED, Verdict.TICKETED, Verdict.SUSPICIOUS]


@pytest.mark.parametrize("kind", ["user.account.reset_password", "user.mfa.factor.reset_all"])
def test_a_ticket_that_names_nothing_speaks_for_nothing(okta: Okta, judge: Judge, kind: str) -> None:
    """A ticket about a printer is told beside what was done to its account, which stays a finding."""
    (row,) = judge([okta(kind, actor="00uagent")], ticket(actions=actions_of("printer out of toner")))
    assert (row.verdict, row.reasons, row.ticket) == (Verdict.UNVERIFIED, ("ticket_names_nothing",), None)
    assert row.is_finding


@pytest.mark.parametrize(
    ("kind", "word", "is_tolerant"),
    [
        ("user.account.reset_password", "password", True),
        ("user.account.unlock_by_admin", "unlock", True),
        ("user.mfa.factor.reset_all", "mfa", False),
        ("user.account.update_profile", "contact", False),
        ("user.account.privilege.grant", "privilege", False),
    ],
)
def test_what_lends_more_than_a_sign_in_is_for_the_tickets_agent_alone(
    okta: Okta, judge: Judge, kind: str, word: str, *, is_tolerant: bool
) -> None:
    """An agent's name that no account has is passed over for a password, and for a factor, contact or power is not."""
    said = ticket(agent="zoe@example.test", actions=actions_of(word))
    (row,) = judge([okta(kind, actor="00uagent")], said)
    assert row.reasons == (("ticket_only",) if is_tolerant else ("ticket_other_agent",))
    (own,) = judge([okta(kind, actor="zoe")], said)
    assert own.verdict is Verdict.TICKETED


PEOPLE = (
    "keys,person,class,unit,shared,status,since\n"
    "00uana|ana@example.test,Ana Adler,privileged,Finance,no,active,\n"
    "00uagent|agent@example.test,Ada Agent,standard,Desk,no,active,\n"
    "00ueve,Eve Else,standard,Desk,no,active,\n"
    "00udesk,,standard,Desk,yes,active,\n"
    "00ugone,Gus Gone,standard,Desk,no,leaver,2026-03-01\n"
    "00ulast,Lou Last,standard,Desk,no,leaver,2026-03-04\n"
)


def test_names_of_people_are_those_of_their_accounts(okta: Okta, judge: Judge) -> None:
    """A ticket that names people by name or address is about their accounts, and its agent is who acted."""
    said = ticket(target="ana adler", agent="ada agent")
    (row,) = judge([okta(actor="00uagent")], said, accounts=PEOPLE)
    assert (row.verdict, row.reasons) == (Verdict.TICKETED, ("ticket_only", "privileged_target"))


def test_somebody_elses_ticket_speaks_for_nobody(okta: Okta, judge: Judge) -> None:
    """Where the ticket's agent is known and did not act, the ticket does not speak for who did."""
    (row,) = judge([okta(actor="00ueve")], ticket(agent="agent@example.test"), accounts=PEOPLE)
    assert (row.verdict, row.reasons[0]) == (Verdict.SUSPICIOUS, "ticket_other_agent")


@pytest.mark.parametrize(
    ("actor", "reason"), [("00udesk", "shared_actor"), ("00ugone", "leaver_actor"), ("00ulast", None)]
)
def test_who_acted_is_a_reason_of_its_own(okta: Okta, judge: Judge, actor: str, reason: str | None) -> None:
    """A shared account and a leaver's make a ticketed change suspicious; who leaves only later is no leaver yet."""
    (row,) = judge([okta(actor=actor)], ticket(), accounts=PEOPLE)
    assert row.verdict is (Verdict.SUSPICIOUS if reason else Verdict.TICKETED)
    assert (reason in row.reasons) is (reason is not None)


def test_a_leaver_is_no_self_service(okta: Okta, judge: Judge) -> None:
    """Somebody who has left and changes their own account is a finding; a colleague who does is not."""
    lines: list[Line] = [okta(actor=who, target=who) for who in ("00ugone", "00ueve")]
    rows = {row.target: (row.verdict, row.reasons) for row in judge(lines, accounts=PEOPLE)}
    assert rows["00ugone"] == (Verdict.SUSPICIOUS, ("by_owner", "leaver_actor"))
    assert rows["00ueve"] == (Verdict.SELF_SERVICE, ("by_owner",))


@pytest.mark.parametrize(
    ("cell", "is_enough"),
    [
        ({"account_class": AccountClass.PRIVILEGED, "action": Action.PASSWORD_RESET, "unit": "finance"}, False),
        ({}, False),
        ({"account_class": AccountClass.STANDARD}, True),
        ({"action": Action.UNLOCK}, True),
        ({"unit": "Sales"}, True),
        ({"since": NOON + timedelta(seconds=1)}, True),
        ({"until": NOON}, True),
    ],
)
def test_in_an_enforced_cell_a_ticket_is_not_enough(
    okta: Okta, judge: Judge, cell: dict[str, Any], *, is_enough: bool
) -> None:
    """Where class, action and unit are enforced at the time, a ticket alone leaves the change a finding."""
    enforced = Enforced(**{"since": NOON - timedelta(days=1), **cell})
    (row,) = judge([okta(actor="00uagent")], ticket(), accounts=PEOPLE, enforced=(enforced,))
    assert (row.verdict is Verdict.TICKETED) is is_enough
    assert ("ticket_not_enough" in row.reasons) is not is_enough
    assert row.ticket == "INC001"


def test_every_support_event_is_of_one_action() -> None:
    """The cells cover what owes evidence, each event once."""
    events = [event for each in EVENTS_OF.values() for event in each]
    assert sorted(events) == sorted(SUPPORT)


# -- exports


def _read(tmp_path: Path, text: str, **options: Any) -> tuple[Ticket, ...]:
    file = tmp_path / "tickets.csv"
    file.write_text(text, encoding="utf-8")
    tickets, refused = read_tickets(file, **options)
    assert refused == ()
    return tickets


@pytest.mark.parametrize(
    "text",
    [
        (
            "ticket,target,text,requester,opened,closed,agent\n"
            "INC1,ana,Password reset,ben,2026-03-02T11:50:00Z,2026-03-02T12:10:00Z,ada\n"
        ),
        (
            "\ufeffnumber,caller_id,short_description,opened_at,closed_at,assigned_to\n"
            "INC1,ana,Password reset,2026-03-02 11:50:00,2026-03-02 12:10:00,ada\n"
        ),
        (
            "Issue key,Summary,Reporter,Custom field (Affected user),Assignee,Created,Resolved\n"
            "INC1,Password reset,ben,ana,ada,02/Mar/26 11:50 AM,02/Mar/26 12:10 PM\n"
        ),
        (
            "id\tSubject\tRequestors\tCF.{Target}\tOwner\tCreated\tResolved\n"
            "INC1\tPassword reset\tben\tana\tada\tMon Mar 02 11:50:00 2026\tMon Mar 02 12:10:00 2026\n"
        ),
        (
            "number;caller_id;short_description;opened_at;closed_at;assigned_to\n"
            "INC1;ana;Kennwort vergessen;02.03.2026 11:50;02.03.2026 12:10;ada\n"
        ),
    ],
    ids=["own", "servicenow", "jira", "rt", "semicolons"],
)
def test_exports_of_every_kind_say_the_same(tmp_path: Path, text: str) -> None:
    """The headings and times of several ticket systems are read as one ticket."""
    (read,) = _read(tmp_path, text)
    assert read == ticket("INC1", target="ana", agent="ada")


def test_times_without_zone_are_of_the_zone_given(tmp_path: Path) -> None:
    """Local times are turned into UTC, summer time included."""
    text = "ticket,target,opened\nT1,ana,2026-07-01 12:00\nT2,ana,2026-01-01 12:00\n"
    summer, winter = _read(tmp_path, text, zone=ZoneInfo("Europe/Berlin"))
    assert (summer.opened.hour, winter.opened.hour) == (10, 11)


@pytest.mark.parametrize(("other", "month"), [("13/02/2026 08:00", 4), ("02/13/2026 08:00", 3)])
def test_the_month_is_told_by_the_other_times(tmp_path: Path, other: str, month: int) -> None:
    """`03/04/2026` is read as the rest of the file has it."""
    text = f"ticket,target,opened\nT1,ana,03/04/2026 9:05 PM\nT2,ana,{other}\n"
    assert _read(tmp_path, text)[0].opened == datetime(2026, month, 7 - month, 21, 5, tzinfo=UTC)


@pytest.mark.parametrize("times", [("03/04/2026 09:00",), ("13/02/2026 08:00", "02/13/2026 08:00")])
def test_a_month_nobody_can_tell_is_refused(tmp_path: Path, times: tuple[str, ...]) -> None:
    """Where nothing, or everything, tells day from month, nobody guesses."""
    with pytest.raises(Invalid, match="which number of a date is the month"):
        _read(tmp_path, "ticket,target,opened\n" + "".join(f"T,ana,{time}\n" for time in times))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",ana,ben,2026-03-02 12:00,", "no number"),
        ("T,,,2026-03-02 12:00,", "about nobody"),
        ("T,ana,ben,yesterday,", "time of opening"),
        ("T,ana,ben,1601-01-01 00:00,", "time of opening"),
        ("T,ana,ben,2026-03-02 12:00,soon", "time of closing"),
        ("T,ana,ben,2026-03-02 12:00,2026-03-01 12:00", "before it was opened"),
    ],
)
def test_a_line_that_is_no_ticket_is_told(tmp_path: Path, row: str, reason: str) -> None:
    """What can not be a ticket is kept aside with its line and a reason; the rest is read."""
    file = tmp_path / "tickets.csv"
    file.write_text(f"ticket,target,requester,opened,closed\nT0,ana,ben,2026-03-02 12:00,\n{row}\n,,,,\n")
    tickets, (refused,) = read_tickets(file)
    assert [one.ticket for one in tickets] == ["T0"]
    assert (refused.line, reason in refused.reason) == (3, True)


@pytest.mark.parametrize("text", ["", "ticket,opened\n", "target,opened\n", "ticket,target\n"])
def test_an_export_without_its_columns_is_refused(tmp_path: Path, text: str) -> None:
    """A file that lacks number, time or whom it is about is told, with the names that would do."""
    with pytest.raises(Invalid, match="No column says"):
        _read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Locked out, please reset my password", (PASSWORD,)),
        ("account locked", (UNLOCK,)),
        ("Reset password and MFA", (PASSWORD, FACTOR)),
        ("password.reset", ((Canonical.PASSWORD_RESET,),)),
        ("new laptop", ()),
    ],
)
def test_the_words_of_a_ticket(text: str, expected: tuple[tuple[Canonical, ...], ...]) -> None:
    """What a ticket asks for is read from its words; what a reset has along with it is not asked for twice."""
    assert actions_of(text) == expected
