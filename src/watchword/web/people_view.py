"""What the pages of people and of the elevated-threat switch show: plain values, already in words."""

from __future__ import annotations

import msgspec

from watchword.web.parts import Chrome, Form, Notice, Tone


class PersonRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the people list; *roles* and *credentials* are what is in force now, in words."""

    link: str
    name: str
    login: str
    unit: str
    about: str
    roles: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()


class PeoplePage(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody whom the person on the page may administer, or those of them whom *query* finds."""

    chrome: Chrome
    sub: str
    rows: tuple[PersonRow, ...]
    register: Form
    query: str = ""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person has: a role, a delegation, a credential, an account; *over* when it counts no longer.

    *link* and *linked* are where one goes on with it, and what that is called.
    """

    title: str
    note: str = ""
    mono: str = ""
    over: bool = False
    form: Form | None = None
    link: str = ""
    linked: str = ""


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has of one kind."""

    title: str
    held: tuple[Held, ...]
    empty: str


class PersonPage(msgspec.Struct, frozen=True, kw_only=True):
    """One person, and the forms that policy lets the person on the page use.

    *enrols* is where the API has the person, for who may enrol credentials of theirs; "" for who may not.
    """

    chrome: Chrome
    name: str
    login: str
    facts: tuple[str, ...]
    holdings: tuple[Holdings, ...]
    forms: tuple[Form, ...] = ()
    enrols: str = ""
    notices: tuple[Notice, ...] = ()


class ThreatPage(msgspec.Struct, frozen=True, kw_only=True):
    """The elevated-threat switch, and what it *does*.

    *form* is for whoever may turn it on or let it last, *lower* for turning it off.
    """

    chrome: Chrome
    does: tuple[str, ...] = ()
    state: str
    tone: Tone
    told: str
    form: Form | None = None
    lower: Form | None = None
