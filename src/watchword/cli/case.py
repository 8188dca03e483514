"""`watchword case`: the steps of a case, through the same API the console uses.

A running `watchword serve` is spoken to; where none runs, one is started on a loopback port for the length of the
command, because a SQLite ledger has one owner.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx2
from cyclopts import App, Parameter
from rich.markup import escape
from rich.table import Table

from watchword.cli.terminal import CONFIG, Config, Json, out, print_json, settings_of
from watchword.core.errors import Conflict, Corrupt, Invalid, Refused, Unavailable, WatchwordError

app = App(name="case", help="Recovery cases, step by step.")

As = Annotated[str, Parameter(name="--as", help="Your login.", env_var="WATCHWORD_LOGIN")]
PasswordFile = Annotated[
    Path | None,
    Parameter(help="A file that holds your password; asked for otherwise.", env_var="WATCHWORD_PASSWORD_FILE"),
]


def ask_password() -> str:
    """Ask on the terminal; nothing is shown."""
    return getpass.getpass("Password: ")


class Client:
    """A signed-in person at the API."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    @classmethod
    def anonymous(cls, url: str) -> Client:
        """Nobody in particular, such as a person at their own page."""
        return cls(httpx2.Client(base_url=url, timeout=30))

    @classmethod
    def sign_in(cls, url: str, login: str, password: str) -> Client:
        """Open a session; `Refused` when login or password is wrong."""
        client = cls.anonymous(url)
        client.call("POST", "/api/session", {"login": login, "password": password})
        return client

    def call(self, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request; problem details come back as the error they were."""
        try:
            if verb != "GET" and "csrftoken" not in self._http.cookies:
                self._http.get("/healthz")  # any answer to a GET brings the token that writes have to carry
            headers = {"X-CSRFToken": self._http.cookies.get("csrftoken") or ""}
            answer = self._http.request(verb, path, json=body, headers=headers)
        except httpx2.TransportError as error:
            raise Unavailable(f"The console does not answer: {error}.", "Start it with `watchword serve`.") from error
        if answer.is_success:
            return answer.json() if answer.content else None
        raise fault_of(answer)

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()


def fault_of(answer: httpx2.Response) -> WatchwordError:
    """The error behind problem details."""
    try:
        told = answer.json()
    except ValueError:
        told = {}
    what = str(told.get("detail") or told.get("title") or f"HTTP {answer.status_code}")
    remedy = str(told.get("remedy") or "Look at the console's log.")
    match str(told.get("type", "")).rpartition(":")[2]:
        case "refused":
            return Refused(what, remedy, tuple(told.get("reasons", ())))
        case "conflict":
            return Conflict(what, remedy)
        case "unavailable":
            return Unavailable(what, remedy)
        case "corrupt":
            return Corrupt(what, remedy)
        case _:
            return Invalid(what, remedy, ", ".join(told.get("where", ())))


@contextmanager
def signed_in(config: Path, login: str, password_file: Path | None) -> Iterator[Client]:
    """A client of the running console, or of one started for this command."""
    settings = settings_of(config)
    password = password_file.read_text().strip() if password_file else ask_password()
    url = f"http://{settings.console.host}:{settings.console.port}"
    try:
        httpx2.get(f"{url}/healthz", timeout=2)
    except httpx2.TransportError:
        from watchword.app import App as Running
        from watchword.cli.serving import serving

        with Running(settings) as running, serving(running, port=0) as own:
            client = Client.sign_in(own.replace("localhost", "127.0.0.1"), login, password)
            try:
                yield client
            finally:
                client.close()
            running.tick()
        return
    client = Client.sign_in(url, login, password)
    try:
        yield client
    finally:
        client.close()


@app.command(name="open")
def open_(
    account: str,
    action: str,
    *,
    login: As,
    reason: str,
    directory: str = "sandbox",
    channel: str = "phone",
    origin: str | None = None,
    ticket: str | None = None,
    config: Config = CONFIG,
    password_file: PasswordFile = None,
    json: Json = False,
) -> None:
    """Take a request in for ACCOUNT (login, mail, name or native id) and an ACTION such as password_reset."""
    body = {
        "directory": directory,
        "account": account,
        "action": action,
        "channel": channel,
        "origin": origin,
        "reason": reason,
    }
    with signed_in(config, login, password_file) as client:
        case = client.call("POST", "/api/cases", body)["case"]
        if ticket:
            client.call("POST", f"/api/cases/{case}/ticket", {"ticket": ticket})
        _show(client.call("GET", f"/api/cases/{case}"), json=json)


_COLUMNS = ("case", "state", "account_class", "action", "changed_at")


@app.command(name="list")
def list_(*, login: As, config: Config = CONFIG, password_file: PasswordFile = None, json: Json = False) -> None:
    """Show the cases you may see, newest change first."""
    with signed_in(config, login, password_file) as client:
        cases = client.call("GET", "/api/cases")
    if json:
        print_json(cases)
        return
    table = Table("case", "state", "class", "action", "changed (UTC)", box=None, pad_edge=False)
    for case in cases:
        table.add_row(
            *(escape(str(case.get(k, ""))) for k in ("case", "state", "account_class", "action", "changed_at"))
        )
    out.print(table)


@app.command
def show(
    case: str, *, login: As, config: Config = CONFIG, password_file: PasswordFile = None, json: Json = False
) -> None:
    """Show one case: its state, what is missing, and its entries."""
    with signed_in(config, login, password_file) as client:
        _show(client.call("GET", f"/api/cases/{case}"), json=json)


@app.command
def verify(
    case: str,
    method: str,
    *,
    login: As,
    answer: Annotated[str | None, Parameter(help="Only for methods an agent attests, such as in_person.")] = None,
    config: Config = CONFIG,
    password_file: PasswordFile = None,
) -> None:
    """Begin a METHOD; what the person has to answer, they answer on their own page."""
    with signed_in(config, login, password_file) as client:
        begun = client.call("POST", f"/api/cases/{case}/methods", {"method": method})
        if answer is not None:
            client.call("POST", f"/api/cases/{case}/methods/{begun['challenge']}", {"answer": answer})
        _show(client.call("GET", f"/api/cases/{case}"), json=False)


@app.command
def approve(
    case: str,
    *,
    login: As,
    digest: Annotated[str, Parameter(help="SHA-256 of the request you looked at; `case show` prints it.")],
    config: Config = CONFIG,
    password_file: PasswordFile = None,
) -> None:
    """Say yes to exactly the request whose digest you name."""
    _post(config, login, password_file, case, "approval", {"approve": True, "digest": digest})


@app.command
def refuse(case: str, *, login: As, why: str, config: Config = CONFIG, password_file: PasswordFile = None) -> None:
    """Say no; the case ends."""
    _post(config, login, password_file, case, "approval", {"approve": False, "digest": "", "why": why})


@app.command
def execute(case: str, *, login: As, config: Config = CONFIG, password_file: PasswordFile = None) -> None:
    """Release the approved change to the executor."""
    _post(config, login, password_file, case, "release", {})


@app.command
def withdraw(case: str, *, login: As, why: str, config: Config = CONFIG, password_file: PasswordFile = None) -> None:
    """End a case nobody wants any more."""
    _post(config, login, password_file, case, "withdraw", {"why": why})


@app.command
def review(
    case: str,
    *,
    login: As,
    words: str,
    sound: bool = True,
    config: Config = CONFIG,
    password_file: PasswordFile = None,
) -> None:
    """Look at a case afterwards; --no-sound says that something was wrong."""
    _post(config, login, password_file, case, "review", {"sound": sound, "words": words})


def _post(config: Path, login: str, password_file: Path | None, case: str, step: str, body: dict[str, Any]) -> None:
    with signed_in(config, login, password_file) as client:
        client.call("POST", f"/api/cases/{case}/{step}", body)
        _show(client.call("GET", f"/api/cases/{case}"), json=False)


def _show(case: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(case)
        return
    out.print(
        f"[bold]{escape(case['case'])}[/] {escape(case['state'])}: {escape(case['action'])} of a "
        f"{escape(case['account_class'])} account"
    )
    for way in case["missing"]:
        out.print(f"  missing for {escape(way['tier'])}: {escape('; '.join(way['missing']))}")
    if case["request"]:
        out.print(f"  request digest: {case['request']['digest']}")
    out.print(f"  the person's page: {escape(case['page'])}")
    for entry in case["entries"]:
        out.print(f"  {entry['seq']:>6} {escape(entry['at'])} {escape(entry['type'])} by {escape(entry['actor'])}")
