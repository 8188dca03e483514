"""What the pages of findings show."""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core.finding import Severity
from watchword.web.guidance import Guide
from watchword.web.paging import Pages
from watchword.web.view import Chrome, Fact, Form, Notice, Tab, Tone


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One finding: what its events share (*by*, *name*), whom they are *about*, what found them, and how it stands."""

    link: str
    severity: Severity
    by: str
    name: str
    about: str = ""
    rules: tuple[str, ...]
    more_rules: int
    events: str
    since: datetime
    until: datetime
    state: str
    tone: Tone
    owner: str


class RiskRow(msgspec.Struct, frozen=True, kw_only=True):
    """The risk of one account, agent or vendor, 0 to 100; *link* leads to the findings that name it."""

    name: str
    link: str
    score: float
    note: str


class RiskList(msgspec.Struct, frozen=True, kw_only=True):
    """Those of one kind whose risk is highest."""

    title: str
    rows: tuple[RiskRow, ...]


class SuppressionRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is, or was, kept quiet: which *rule*, *about* whom, *why*, and how much it was so far (*kept*)."""

    rule: str
    about: str
    why: str
    by: str
    since: datetime
    until: datetime
    kept: str
    state: str
    tone: Tone
    lift: Form | None = None
    allow: Form | None = None


class SuppressionsPage(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept quiet, and the form to keep more so; *left_out* are not shown."""

    chrome: Chrome
    sub: str
    form: Form | None
    rows: tuple[SuppressionRow, ...]
    left_out: int


class FindingsPage(msgspec.Struct, frozen=True, kw_only=True):
    """The list, cut by *status* and by what *query* finds; *quiet* says what suppressions kept out of it."""

    chrome: Chrome
    sub: str
    tabs: tuple[Tab, ...]
    rows: tuple[FindingRow, ...]
    quiet: str
    risks: tuple[RiskList, ...]
    pages: Pages | None = None
    query: str = ""
    status: str = ""
    notices: tuple[Notice, ...] = ()


class ItemRow(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict or hit of a finding that still stands: *actor* did it to *target*; *open_link* where it owes a case."""

    at: datetime
    severity: Severity
    rule: str
    actor: str
    target: str
    where: str
    why: str
    case: str | None = None
    case_link: str | None = None
    open_link: str | None = None


class NoteRow(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wrote beside it."""

    at: datetime
    by: str
    words: str


class FindingPage(msgspec.Struct, frozen=True, kw_only=True):
    """One finding: its items and notes, what to do about them, and the steps of its life that the reader may take."""

    chrome: Chrome
    finding: str
    severity: Severity
    by: str
    name: str
    sub: str
    state: str
    tone: Tone
    told: str
    facts: tuple[Fact, ...]
    guides: tuple[Guide, ...]
    items: tuple[ItemRow, ...]
    left_out: int
    notes: tuple[NoteRow, ...]
    notices: tuple[Notice, ...] = ()
    next: Form | None = None
    others: tuple[Form, ...] = ()
