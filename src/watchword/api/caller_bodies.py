"""What the person's own page sends and gets."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from watchword.api.bodies import In, Out
from watchword.core.change import ContactKind

WaitingKind = Literal["code", "passkey", "saved", "device", "elsewhere", "token", "provider"]


class Waiting(Out, frozen=True, kw_only=True):
    """A challenge that waits for the person; *options* are a passkey's request options as JSON text.

    *kind* says how it is answered: typed here, by a passkey here, `elsewhere` in a browser enrolled for prompts, or by
    software that posts a `token` made for the audience in *options*; or at a `provider` the person is sent to.
    """

    challenge: str
    method: str
    title: str
    purpose: str
    expires: datetime
    tries_left: int
    kind: WaitingKind
    say: str
    options: str | None


HandOverStep = Literal["none", "later", "key", "working", "ready", "over"]


class HandOverOut(Out, frozen=True, kw_only=True):
    """How far the hand-over is; *jwk* is the public key it is bound to.

    *step*: `none` nothing is handed over · `later` not released yet · `key` a browser has to make its key · `working`
    the change is being made · `ready` the envelope can be taken once a method was proven again · `over` it is gone.
    """

    step: HandOverStep
    what: str
    jwk: str | None
    reproved: bool
    code: bool
    methods: tuple[tuple[str, str], ...]


ContactStep = Literal["enter", "entered", "fixed", "over"]


class ContactOut(Out, frozen=True, kw_only=True):
    """How far the new contact point of a case is; *value* is whole, and told to the browser that entered it alone.

    *step*: `enter` nobody entered it yet · `entered` it can still be entered again · `fixed` it is what was asked for ·
    `over` nothing more is done. *mine* says that this browser entered it; any other has no part in this case.
    """

    kind: ContactKind
    step: ContactStep
    mine: bool
    value: str | None


class CallerOut(Out, frozen=True, kw_only=True):
    """What the person's own page shows; *codes*: this browser may have new recovery codes, once.

    *paused*: somebody objected, and nothing goes on. *check* are words of which the desk says one before anything else.
    *heard*: this browser picked the right one, or none is asked. *done*: everything that was asked for was changed.
    *confirm*: until when, in words, this browser may say that it was the person; empty where it may not, or need not.
    *stopped*: as *confirm*, where that waits for somebody to look, since a “not me” was said.
    """

    case: str
    action: str
    ended: bool
    waiting: tuple[Waiting, ...]
    hand_over: HandOverOut
    contact: ContactOut | None
    codes: bool = False
    done: bool = False
    paused: bool
    check: tuple[str, ...]
    heard: bool
    confirm: str = ""
    stopped: str = ""


class Heard(In, frozen=True, kw_only=True):
    """The word the person heard from the desk."""

    word: str


class Countersign(Out, frozen=True, kw_only=True):
    """The word the person says back."""

    word: str


class Said(In, frozen=True, kw_only=True):
    """What the person said of a recovery that is not theirs, kept sealed."""

    said: str


class EnterContact(In, frozen=True, kw_only=True):
    """The new contact point, as the person typed it."""

    value: str


class PublicKey(In, frozen=True, kw_only=True):
    """The public half of a browser's P-256 key, as the members of a JWK."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: str
    y: str


class OpenHandOver(In, frozen=True, kw_only=True):
    """The key the credential will be sealed to."""

    jwk: PublicKey


class SpokenCode(In, frozen=True, kw_only=True):
    """The code the desk said, as the person typed it."""

    code: str


class Envelopes(Out, frozen=True, kw_only=True):
    """Sealed credentials as compact JWEs; they are given once."""

    envelopes: tuple[str, ...]
