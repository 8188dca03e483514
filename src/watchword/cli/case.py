"""`watchword case`: the steps of a case, through the same API the console uses.

A running `watchword serve` is spoken to; where none runs, a console is started on a loopback port for the length of the
command, because a SQLite ledger has one owner.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from cyclopts import App, Parameter
from rich.markup import escape
from rich.table import Table

from watchword.cli.client import Client, signed_in
from watchword.cli.password import PasswordFile, password_of
from watchword.cli.terminal import CONFIG, Config, Json, out, print_json
from watchword.core.action import Action
from watchword.core.change import ContactKind
from watchword.core.errors import Invalid
from watchword.core.event import Lane
from watchword.core.requirement import Context
from watchword.reception.ends import moment
from watchword.settings import load
from watchword.watch.printable import printable

app = App(name="case")

NORMAL = Context()

Login = Annotated[str, Parameter(name="--as", help="Your login.", env_var="WATCHWORD_LOGIN")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Asking:
    """Who takes the step, on which Watchword, and how the answer is printed."""

    login: Login
    config: Config = CONFIG
    password_file: PasswordFile = None
    json: Json = False

    @contextmanager
    def session(self) -> Iterator[Client]:
        """A client that is signed in."""
        settings = load(self.config)
        with signed_in(settings, self.login, password_of(self.password_file)) as client:
            yield client

    def step(self, case: str, step: str, body: dict[str, Any]) -> None:
        """Take one step, and show what became of the case."""
        with self.session() as client:
            client.call("POST", f"{path_of(case)}/{step}", body)
            self.show(client.call("GET", path_of(case)))

    def show(self, case: dict[str, Any]) -> None:
        """Print one case."""
        if self.json:
            print_json(case)
        else:
            _tell(case)


@app.command(name="open")
def open_(
    account: str,
    action: Action,
    /,
    *,
    asking: Asking,
    reason: str,
    directory: str | None = None,
    factor: Annotated[tuple[str, ...], Parameter(help="A factor to reset; may be repeated.")] = (),
    contact: Annotated[
        ContactKind | None, Parameter(help="What is changed; the person enters the new one on their own page.")
    ] = None,
    role: Annotated[str | None, Parameter(help="The role a privileged override gives.")] = None,
    channel: Annotated[str, Parameter(help="How the request came in.")] = NORMAL.channel,
    location: str = NORMAL.location,
    device: str = NORMAL.device,
    risk: str = NORMAL.risk,
    situation: str = NORMAL.situation,
    origin: Annotated[str | None, Parameter(help="The caller's number or address.")] = None,
    ticket: str | None = None,
    lane: Annotated[Lane, Parameter(help="text and kiosk ask nothing over a call.")] = "voice",
    caller: Annotated[str, Parameter(help="Who calls for the person, when it is not they.")] = "",
) -> None:
    """Take a request in for ACCOUNT (login, mail, name or native id) and an ACTION such as password-reset.

    Without --directory the account is looked for in the first one of the settings.
    """
    named = load(asking.config).directories
    body = {
        "directory": directory or (named[0].name if named else ""),
        "account": account,
        "action": action,
        "factors": factor,
        "contact": contact,
        "role": role,
        "channel": channel,
        "location": location,
        "device": device,
        "risk": risk,
        "situation": situation,
        "origin": origin,
        "reason": reason,
        "lane": lane,
        "caller": caller,
    }
    with asking.session() as client:
        case = client.call("POST", "/api/cases", body)["case"]
        if ticket:
            client.call("POST", f"{path_of(case)}/ticket", {"ticket": ticket})
        asking.show(client.call("GET", path_of(case)))


_COLUMNS = ("case", "state", "account_class", "action", "changed_at")


@app.command(name="list")
def list_(*, asking: Asking) -> None:
    """Show the cases you may see, newest change first."""
    with asking.session() as client:
        cases = client.call("GET", "/api/cases")
    if asking.json:
        print_json(cases)
        return
    table = Table("case", "state", "class", "action", "changed (UTC)", box=None, pad_edge=False)
    for case in cases:
        table.add_row(*(_shown(str(case.get(column, ""))) for column in _COLUMNS))
    out.print(table, soft_wrap=False)


@app.command
def show(case: str, /, *, asking: Asking) -> None:
    """Show one case: its state, what is missing, and its entries."""
    with asking.session() as client:
        asking.show(client.call("GET", path_of(case)))


@app.command
def verify(
    case: str,
    method: str,
    /,
    *,
    asking: Asking,
    answer: Annotated[str | None, Parameter(help="Only for methods an agent attests, such as in_person.")] = None,
) -> None:
    """Begin a METHOD; what the person has to answer, they answer on their own page."""
    with asking.session() as client:
        begun = client.call("POST", f"{path_of(case)}/methods", {"method": method})
        if answer is not None:
            client.call("POST", f"{path_of(case)}/methods/{begun['challenge']}", {"answer": answer})
        asking.show(client.call("GET", path_of(case)))


@app.command
def approve(
    case: str,
    /,
    *,
    asking: Asking,
    digest: Annotated[
        str | None, Parameter(help="SHA-256 of the request you looked at; `case show` prints it.")
    ] = None,
    signature: Annotated[
        Path | None, Parameter(help="What `ssh-keygen -Y sign` made of the file that `case request` wrote.")
    ] = None,
) -> None:
    """Say yes to exactly the request whose digest you name, or to the one you signed with your SSH key."""
    if (digest is None) is (signature is None):
        raise Invalid("What is approved has to be named.", "Give --digest, or --signature.", where="--digest")
    if signature is None:
        asking.step(case, "approval", {"approve": True, "digest": digest})
        return
    try:
        armour = signature.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{signature} can not be read: {error}.", "Name the .sig file.", "--signature") from error
    with asking.session() as client:
        asked = _request_of(client, case)
        client.call(
            "POST",
            f"{path_of(case)}/approval",
            {"approve": True, "digest": asked["digest"], "signature": armour},
        )
        asking.show(client.call("GET", path_of(case)))


@app.command
def request(
    case: str,
    /,
    *,
    asking: Asking,
    to: Annotated[Path | None, Parameter(help="The file to write; its name is that of the case otherwise.")] = None,
) -> None:
    """Write the exact bytes that CASE asks approvers for, to be read and signed outside any browser."""
    with asking.session() as client:
        asked = _request_of(client, case)
    file = to or Path(f"{case}.request.json")
    try:
        file.write_bytes(asked["text"].encode())
    except OSError as error:
        raise Invalid(f"{file} can not be written: {error.strerror}.", "Name another file.", "--to") from error
    log = json_of(asked["text"])["log"]
    told = {
        "file": str(file),
        "digest": asked["digest"],
        "spoken": asked["spoken"],
        "namespace": f"reset-approval@{log}",
    }
    if asking.json:
        print_json(told)
        return
    out.print(f"Wrote {_shown(str(file))}; its digest in words: [bold]{_shown(asked['spoken'])}[/]. Read it, then:")
    out.print(f"  ssh-keygen -Y sign -n {_shown(told['namespace'])} -f YOUR_KEY {_shown(str(file))}", soft_wrap=True)
    out.print(f"  watchword case approve {_shown(case)} --signature {_shown(str(file))}.sig", soft_wrap=True)


@app.command
def question(case: str, words: str, /, *, asking: Asking) -> None:
    """Ask the desk something before you decide, as an approver; the time to decide runs on."""
    asking.step(case, "questions", {"words": words})


@app.command
def answer(
    case: str,
    question: Annotated[str, Parameter(help="Its id; `case show` prints it.")],
    words: str,
    /,
    *,
    asking: Asking,
) -> None:
    """Answer what an approver asked."""
    asking.step(case, f"questions/{quote(question, safe='')}", {"words": words})


def _request_of(client: Client, case: str) -> Any:
    """What a case asks for now."""
    asked = client.call("GET", path_of(case))["request"]
    if not asked:
        raise Invalid("This case asks for no approval now.", "Look at what it waits for.", where="CASE")
    return asked


def json_of(text: str) -> dict[str, Any]:
    """The members of a request."""
    members: dict[str, Any] = json.loads(text)
    return members


@app.command
def refuse(case: str, /, *, asking: Asking, why: str) -> None:
    """Say no, whatever the case asks for now; the case ends."""
    with asking.session() as client:
        asked = client.call("GET", path_of(case))["request"]
        body = {"approve": False, "digest": asked["digest"] if asked else "", "why": why}
        client.call("POST", f"{path_of(case)}/approval", body)
        asking.show(client.call("GET", path_of(case)))


@app.command
def execute(case: str, /, *, asking: Asking) -> None:
    """Release the approved change to the executor."""
    asking.step(case, "release", {})


@app.command(name="object")
def object_(case: str, /, *, asking: Asking, said: str) -> None:
    """Say that the person did not ask for a case: it stands still, and a second voice takes back what it gave."""
    asking.step(case, "object", {"said": said})


@app.command
def lift(case: str, /, *, asking: Asking, why: str) -> None:
    """Let a case go on that somebody objected to, as somebody on duty who took no part in it."""
    asking.step(case, "lift", {"why": why})


@app.command
def withdraw(case: str, /, *, asking: Asking, why: str) -> None:
    """End a case nobody wants any more."""
    asking.step(case, "withdraw", {"why": why})


@app.command(name="release-freeze")
def release_freeze(case: str, /, *, asking: Asking) -> None:
    """Agree that the freeze of a case's account ends; two people on duty have to."""
    with asking.session() as client:
        account = client.call("GET", path_of(case))["account"]
        answer = client.call("POST", f"/api/accounts/{quote(account)}/freeze-release")
    if asking.json:
        print_json(answer)
    else:
        out.print("[green]released[/]" if answer["released"] else "[yellow]agreed[/]; a second person has to as well")


@app.command
def protect(
    case: str,
    /,
    *,
    asking: Asking,
    why: Annotated[str, Parameter(help="Kept sealed beside the entry.")],
    lock: Annotated[bool, Parameter(help="Disable the account as well as ending its sessions.")] = True,
    factor: Annotated[tuple[str, ...], Parameter(help="A factor to suspend, by its id; may be given again.")] = (),
) -> None:
    """Take access away at once, after one proof or by security on duty; the case ends."""
    asking.step(case, "protect", {"why": why, "lock": lock, "factors": factor})


@app.command
def declare(
    account: str,
    action: Action,
    /,
    *,
    asking: Asking,
    performer: Annotated[str, Parameter(help="The account it was done with, as the directory's log writes it.")],
    since: Annotated[str, Parameter(help="From when, such as 2026-11-21T14:05 (UTC).")],
    until: Annotated[str, Parameter(help="Until when (UTC).")],
    why: Annotated[str, Parameter(help="Kept sealed beside the entry.")],
    directory: str | None = None,
) -> None:
    """Declare what was done under the sealed procedure, while Watchword was down; a second custodian confirms it."""
    body = {
        "directory": directory or _first_directory(asking),
        "account": account,
        "action": action,
        "performer": performer,
        "since": moment(since).isoformat(),
        "until": moment(until).isoformat(),
        "why": why,
    }
    with asking.session() as client:
        _tell_declared(asking, (client.call("POST", "/api/downtime", body),))


@app.command
def declared(*, asking: Asking) -> None:
    """List what was declared as done while Watchword was down, the newest first."""
    with asking.session() as client:
        _tell_declared(asking, tuple(client.call("GET", "/api/downtime")))


@app.command
def confirm(downtime: str, /, *, asking: Asking) -> None:
    """Confirm a declaration as its second custodian."""
    with asking.session() as client:
        _tell_declared(asking, (client.call("POST", f"/api/downtime/{quote(downtime, safe='')}/confirm"),))


@app.command(name="look-back")
def look_back(downtime: str, /, *, asking: Asking, words: str, sound: bool = True) -> None:
    """Review a declaration; --no-sound says that something was wrong."""
    body = {"words": words, "sound": sound}
    with asking.session() as client:
        _tell_declared(asking, (client.call("POST", f"/api/downtime/{quote(downtime, safe='')}/review", body),))


def _first_directory(asking: Asking) -> str:
    named = load(asking.config).directories
    return named[0].name if named else ""


def _tell_declared(asking: Asking, rows: tuple[dict[str, Any], ...]) -> None:
    if asking.json:
        print_json(rows)
        return
    for row in rows:
        state = "reviewed" if row["reviewed_by"] else "owes a review" if row["confirmed_by"] else "not confirmed"
        said = f"{row['downtime']} {row['action']} of {row['account']} by {row['performer']}: {state}"
        out.print(_shown(said) + (" [red]overdue[/]" if row["overdue"] else ""))


@app.command
def review(case: str, /, *, asking: Asking, words: str, sound: bool = True) -> None:
    """Look at a case afterwards; --no-sound says that something was wrong."""
    asking.step(case, "review", {"sound": sound, "words": words})


def path_of(case: str) -> str:
    """Where the API has a case; raise `Invalid` for what can not be its id."""
    if not case or not case.isprintable() or set(case) <= {"."}:
        raise Invalid(f"{case!r} is no case.", "`watchword case list` shows the cases you may see.", where="CASE")
    return f"/api/cases/{quote(case, safe='')}"


def _tell(case: dict[str, Any]) -> None:
    out.print(
        f"[bold]{_shown(case['case'])}[/] {_shown(case['state'])}: {_shown(case['action'])} of a "
        f"{_shown(case['account_class'])} account"
    )
    if case["erased"]:
        out.print(f"  erased: {_shown(', '.join(case['erased']))}")
    if case["held_since"]:
        out.print(f"  under legal hold since {_shown(case['held_since'])}")
    for way in case["missing"]:
        out.print(f"  missing for {_shown(way['tier'])}: {_shown(way['words'])}")
    if case["within_reach"] is False:
        out.print("  [bold]out of reach:[/] all that can be begun is not enough; the case's page says what would help")
    if case["waits_for_contact"]:
        out.print("  missing: the new contact point, which the person enters on their own page")
    if case["waits_for_witnesses"]:
        out.print("  missing: enough witnesses, who cosign the release; `watchword doctor` says who does not answer")
    if case["request"]:
        out.print(f"  request digest: {case['request']['digest']}")
    for one in case["questions"]:
        told = f"{one['answered_by']}: {one['answer']}" if one["answered_by"] else "not answered yet"
        out.print(
            f"  question {_shown(one['question'])} by {_shown(one['who'])}: {_shown(one['words'])} ({_shown(told)})"
        )
    if case["page"]:
        out.print(f"  the person's page: {_shown(case['page'])}")
        if case["page_number"]:
            short = case["page"].partition("/c/")[0].partition("://")[2]
            out.print(f"  to say it: {_shown(short)}/go, and the number {case['page_number']}")
    for entry in case["entries"]:
        out.print(f"  {entry['seq']:>6} {_shown(entry['at'])} {_shown(entry['type'])} by {_shown(entry['actor'])}")


def _shown(value: str) -> str:
    """What somebody wrote, as no terminal obeys it."""
    return escape(printable(value))
