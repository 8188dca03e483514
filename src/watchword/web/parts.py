"""What every page is made of: what surrounds it, facts, notices, panels, and forms, in words already."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Tone = Literal["plain", "good", "warn", "bad"]
"""How loudly something is said; the words say it too, colour is never alone."""


class Chrome(msgspec.Struct, frozen=True, kw_only=True):
    """What surrounds every page: who is signed in, where they are, when, and on which ledger.

    *sandbox* names a simulated directory (every page then says so); None when it is real. *person* is None before
    sign-in and on the pages of the locked-out person. *size* is the number of entries a signed checkpoint covers.
    *threat_until* is when the elevated-threat switch ends, for staff to see; *people*, *duty* and *author* say whether
    they may administer people, use that switch, and activate a policy. *drift* says that it is not the active one,
    *vouch* that a word of theirs about somebody is waited for. *debt* says that a review is overdue, and *debt_link*
    where; *declares*: whether downtime concerns them, *seats*: whether they have one to lend, or one of somebody else.
    *opens*: whether they may open cases. *findings*: how many nobody has looked at yet; None where not theirs to see.
    """

    at: datetime
    csrf: str
    person: str | None = None
    roles: tuple[str, ...] = ()
    here: str = ""
    sandbox: str | None = None
    origin: str = ""
    size: int | None = None
    threat_until: datetime | None = None
    people: bool = False
    duty: bool = False
    author: bool = False
    drift: str = ""
    vouch: bool = False
    seats: bool = False
    debt: str = ""
    debt_link: str = ""
    declares: bool = False
    opens: bool = False
    findings: int | None = None


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to choose."""

    value: str
    label: str
    hint: str = ""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a form asks for; *autocomplete* is the HTML token, *only* the action it is for.

    *first*: whoever opens the page types here at once.
    """

    name: str
    label: str
    kind: Literal["text", "password", "code", "select", "cards", "area", "date", "hidden"] = "text"
    value: str = ""
    hint: str = ""
    options: tuple[Option, ...] = ()
    required: bool = True
    autocomplete: str = "off"
    only: str = ""
    first: bool = False


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """One step somebody may take: POST to *action*. *lede* says what it does before the button does it.

    *open*: it was tried and refused, and stands there unfolded with what was typed.
    """

    action: str
    button: str
    title: str = ""
    lede: str = ""
    fields: tuple[Field, ...] = ()
    weight: Literal["main", "quiet", "danger"] = "main"
    open: bool = False


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A label and what is known, with where it comes from or why it matters in *note*; *copy*: to be passed on."""

    label: str
    value: str
    note: str = ""
    tone: Tone = "plain"
    link: str | None = None
    copy: bool = False


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something said above everything else: *link* or *way_on* say what to do now, *facts* and *lines* why.

    *address* is that of the page where it answers a step: what stands in the address bar only takes steps. *script*
    is what the agent says of it.
    """

    title: str
    text: str
    tone: Tone = "warn"
    link: str | None = None
    link_text: str = ""
    facts: tuple[Fact, ...] = ()
    lines: tuple[str, ...] = ()
    way_on: str = ""
    address: str = ""
    script: tuple[str, ...] = ()


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """A block of the right rail; *first*: needed while somebody calls, so that it comes first on a narrow screen.

    *printed*: it may be on paper, which lies about.
    """

    title: str
    first: bool = False
    printed: bool = True
    facts: tuple[Fact, ...] = ()
    lines: tuple[str, ...] = ()
