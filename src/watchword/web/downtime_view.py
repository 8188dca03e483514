"""What the page of work done while Watchword was down shows."""

from __future__ import annotations

import msgspec

from watchword.web.view import Chrome, Form, Tone


class DeclaredRow(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work declared as done while Watchword was down, in words."""

    what: str
    when: str
    performer: str
    by: str
    state: str
    tone: Tone
    forms: tuple[Form, ...] = ()


class DowntimePage(msgspec.Struct, frozen=True, kw_only=True):
    """What was done while Watchword was down; *form* for whoever may declare more."""

    chrome: Chrome
    rows: tuple[DeclaredRow, ...]
    form: Form | None = None
