"""What the pages show: plain values, already in words. Whoever fills them has asked the desk; nothing is decided here.

Times are aware UTC datetimes; the templates print them. `Form` is the only way a page can ask for a step, so every step
carries a CSRF token.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from watchword.core.change import ContactKind
from watchword.web.paging import Pages
from watchword.web.parts import Chrome, Fact, Field, Form, Notice, Option, Panel, Tone
from watchword.web.people_view import Held, Holdings, PeoplePage, PersonPage, PersonRow, ThreatPage

__all__ = [
    "Chrome",
    "Fact",
    "Field",
    "Form",
    "Held",
    "Holdings",
    "Notice",
    "Option",
    "Panel",
    "PeoplePage",
    "PersonPage",
    "PersonRow",
    "ThreatPage",
    "Tone",
]

StageState = Literal["done", "now", "ahead", "skipped", "stopped"]


TileState = Literal["free", "open", "proved", "failed", "unusable"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One ledger entry in words: leaf *index*, leaf hash (64 hex), when, what, by whom."""

    index: int
    hash: str
    at: datetime
    what: str
    by: str
    tone: Tone = "plain"


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """A method under way until *until*.

    *show* is for the desk to say aloud (never a code); *address* is where the caller answers on a device of their own.
    """

    until: datetime
    tries_left: int
    show: str = ""
    address: str = ""
    form: Form | None = None


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """One way to verify the person. *strength* 0 to 4; *source* is the masked contact point or enrolment and its age.

    *unusable* says why it can not be used for this case, else it is empty. *script* is what the agent says, by line.
    """

    method: str
    title: str
    strength: int
    enforced: bool
    state: TileState
    source: str = ""
    unusable: str = ""
    script: tuple[str, ...] = ()
    challenge: Challenge | None = None
    begin: Form | None = None


class ApproverCard(msgspec.Struct, frozen=True, kw_only=True):
    """The exact request that is approved: its *lines* in words, its bytes, their SHA-256 and that digest in words.

    *page* leads whoever may decide to the page on which it is signed.
    """

    lines: tuple[Fact, ...]
    request: str
    digest: str
    words: str
    until: datetime
    seats: tuple[Fact, ...] = ()
    approve: Form | None = None
    refuse: Form | None = None
    page: str = ""
    questions: tuple[Question, ...] = ()


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What an approver asked: *answer* where there is one, else *form* for whoever may give it."""

    who: str
    question: str
    answer: str = ""
    form: Form | None = None


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One stage of the timeline.

    *clock* is when it began or ended, *until* when its time runs out. *asked* is what policy asks here, *why* what
    raised it, *missing* what nobody has done yet; all in words. *script* is what the agent says meanwhile, by line.
    """

    name: str
    title: str
    state: StageState
    owner: str = ""
    clock: datetime | None = None
    until: datetime | None = None
    until_words: str = "ends"
    asked: str = ""
    why: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    script: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    tiles: tuple[Tile, ...] = ()
    card: ApproverCard | None = None
    forms: tuple[Form, ...] = ()

    @property
    def usable(self) -> tuple[Tile, ...]:
        """The methods that can be used, are under way or were."""
        return tuple(tile for tile in self.tiles if tile.state != "unusable")

    @property
    def unusable(self) -> tuple[Tile, ...]:
        """The methods that can not be used for this case; their page folds them."""
        return tuple(tile for tile in self.tiles if tile.state == "unusable")

    @property
    def stuck(self) -> bool:
        """Whether something is missing and no method leads on: then why not is what there is to read."""
        on = any(tile.begin or tile.state in {"free", "open"} for tile in self.tiles)
        return bool(self.tiles and self.missing) and not on

    @property
    def offers(self) -> bool:
        """Whether there is something to do in it."""
        return bool(self.forms or self.card or any(tile.begin or tile.challenge for tile in self.tiles))


class CasePage(msgspec.Struct, frozen=True, kw_only=True):
    """One case as a vertical timeline, and what surrounds it. *version* is that of its stream, for the live refresh.

    *whose* says to whoever can take no step that is due who takes it.
    """

    chrome: Chrome
    case: str
    version: int
    action: str
    name: str
    login: str
    account_class: str
    state: str
    tone: Tone
    next_step: str
    whose: str = ""
    stages: tuple[Stage, ...]
    rail: tuple[Panel, ...]
    notices: tuple[Notice, ...] = ()
    others: tuple[Form, ...] = ()


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the case list; *stage* is 1 to 8, *waits_for* what is missing in words; *portal*: self-service.

    *frozen*: failures closed methods of the account.
    """

    case: str
    link: str
    action: str
    name: str
    login: str
    account_class: str
    state: str
    tone: Tone
    stage: int
    waits_for: str
    opened: datetime
    opener: str
    mine: bool = False
    portal: bool = False
    frozen: bool = False


class Tab(msgspec.Struct, frozen=True, kw_only=True):
    """One cut of a list."""

    label: str
    link: str
    count: int
    current: bool = False


class CasesPage(msgspec.Struct, frozen=True, kw_only=True):
    """The case list, of what *query* finds where it is not empty. *again* is where it is asked for whatever is new.

    *mine* is how many wait for the reader, for the title: seen from another tab as well.
    """

    chrome: Chrome
    tabs: tuple[Tab, ...]
    rows: tuple[CaseRow, ...]
    notices: tuple[Notice, ...] = ()
    query: str = ""
    tab: str = "open"
    again: str = ""
    pages: Pages | None = None
    mine: int = 0


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What a case would need, before it is opened; *refused* says why it can not be opened, with the way on.

    *notice* tells of cases that are there already, *factors* are those the account has, where some are to be named.
    """

    title: str = ""
    facts: tuple[Fact, ...] = ()
    why: tuple[str, ...] = ()
    refused: str = ""
    remedy: str = ""
    notice: Notice | None = None
    factors: tuple[str, ...] = ()


class IntakePage(msgspec.Struct, frozen=True, kw_only=True):
    """The form that opens a case; *preview* is asked again whenever a field changes."""

    chrome: Chrome
    form: Form
    needs: Needs
    preview: str
    notices: tuple[Notice, ...] = ()


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture with an address of its own."""

    title: str
    link: str


class PolicyPage(msgspec.Struct, frozen=True, kw_only=True):
    """The policy as it stands, what is *proposed* until *until* (its digest in *words*), and what an author may do.

    *api* is where an author who has a passkey signs instead, *digest* what they confirm; both else empty. *maps* are
    the cheapest attacks, for those who may see them.
    """

    chrome: Chrome
    state: str
    tone: Tone
    told: str
    facts: tuple[Fact, ...]
    proposed: tuple[Fact, ...] = ()
    words: str = ""
    until: datetime | None = None
    form: Form | None = None
    api: str = ""
    digest: str = ""
    maps: tuple[Picture, ...] = ()


class SignInPage(msgspec.Struct, frozen=True, kw_only=True):
    """Staff sign-in."""

    chrome: Chrome
    form: Form
    problem: str = ""


class PromptsPage(msgspec.Struct, frozen=True, kw_only=True):
    """The page of a browser that answers prompts: it enrols itself once, then shows what waits.

    *waker* is the key it subscribes for to be woken; "" where browsers are not woken.
    """

    chrome: Chrome
    language: str = "en"
    waker: str = ""


class CallerPage(msgspec.Struct, frozen=True, kw_only=True):
    """The locked-out person's own page: it answers challenges, makes a key, and opens the sealed credential.

    *api* is the address of its JSON, below which everything it does lies; *what* is what the person will be handed.
    *contact* is the kind of contact point they enter here first, empty where none is to change. *written* is whether
    they write with the desk and do not speak with it. *language* is the one the page is in.
    """

    chrome: Chrome
    case: str
    action: str
    what: str
    api: str
    contact: ContactKind | None = None
    written: bool = False
    language: str = "en"


class RecoverPage(msgspec.Struct, frozen=True, kw_only=True):
    """The self-service page: first who asks, then, *proving*, one of the *ways* with its title after another.

    *api* is the address of its JSON.
    """

    chrome: Chrome
    api: str
    proving: bool = False
    ways: tuple[tuple[str, str], ...] = ()
    language: str = "en"


class GoPage(msgspec.Struct, frozen=True, kw_only=True):
    """The short address, where the person types the number of their page; *chosen* is a language they picked here.

    *typed* is a number that led nowhere, to be mended.
    """

    chrome: Chrome
    language: str = "en"
    chosen: str = ""
    problem: str = ""
    typed: str = ""


class CodesPage(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's own page for a new set of recovery codes; *api* is what shows it, once."""

    chrome: Chrome
    api: str
    language: str = "en"


class EnrolPage(msgspec.Struct, frozen=True, kw_only=True):
    """The page on which somebody, *name*, enrols one credential alone; *api* is beneath which it asks."""

    chrome: Chrome
    api: str
    name: str
    language: str = "en"


class Vouched(msgspec.Struct, frozen=True, kw_only=True):
    """One word that is asked: about whom, in *facts*; *api* takes the answer, *options* are a passkey's request."""

    title: str
    lede: str
    facts: tuple[Fact, ...]
    until: datetime
    api: str
    options: str


class VouchPage(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever is signed in is asked to say about others."""

    chrome: Chrome
    asked: tuple[Vouched, ...]


class ProblemPage(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong, the way on, and every reason; *status* is the HTTP status."""

    chrome: Chrome
    status: int
    title: str
    what: str
    remedy: str
    reasons: tuple[str, ...] = ()
    back: str = "/"
    language: str = "en"


Page = (
    CasePage
    | CasesPage
    | IntakePage
    | PeoplePage
    | PersonPage
    | ThreatPage
    | PolicyPage
    | SignInPage
    | CallerPage
    | EnrolPage
    | RecoverPage
    | CodesPage
    | GoPage
    | VouchPage
    | PromptsPage
    | ProblemPage
)
