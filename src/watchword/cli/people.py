"""`watchword people`: who is known, what they may do, and how they prove who they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO
from urllib.parse import quote

from cyclopts import App, Parameter
from rich.markup import escape
from rich.table import Table

from watchword.cli.case import Asking
from watchword.cli.client import Client
from watchword.cli.password import new_password
from watchword.cli.terminal import EXIT_CODES, err, out, print_json, tell
from watchword.core.errors import Conflict, Invalid, Refused, WatchwordError
from watchword.core.person import Kind, Role
from watchword.reception.ends import end_of
from watchword.settings import load

app = App(name="people")

Until = Annotated[str | None, Parameter(help="12h, 30d, 8w, a day (2026-12-24) or a time; UTC.")]


@app.command(name="list")
def list_(*, asking: Asking) -> None:
    """Show everybody whom you may administer: all, or the people of a unit that was delegated to you."""
    with asking.session() as client:
        people = client.call("GET", "/api/people")
    if asking.json:
        print_json(people)
        return
    table = Table("login", "name", "kind", "unit", "roles", "credentials", box=None, pad_edge=False)
    for one in people:
        roles = ", ".join(_role(r) for r in one["roles"] if r["in_force"])
        counting = dict.fromkeys(c["method"] for c in one["credentials"] if not (c["revoked_at"] or c["replaced_at"]))
        table.add_row(*map(escape, (one["login"], one["name"], one["kind"], one["unit"], roles, ", ".join(counting))))
    out.print(table, soft_wrap=False)


@app.command
def show(login: str, /, *, asking: Asking) -> None:
    """Show one person: roles, delegations, credentials and linked accounts."""
    with asking.session() as client:
        _show(asking, client, login)


@app.command
def add(
    login: str,
    /,
    *,
    asking: Asking,
    name: str,
    unit: Annotated[str, Parameter(help="The unit they belong to; none: only administrators reach them.")] = "",
    kind: Kind = Kind.EMPLOYEE,
) -> None:
    """Make somebody known. It gives them no role and no way to sign in."""
    with asking.session() as client:
        client.call("POST", "/api/people", {"login": login, "name": name, "unit": unit, "kind": kind})
        _show(asking, client, login)


@app.command
def grant(
    login: str,
    role: Role,
    /,
    *,
    asking: Asking,
    unit: Annotated[str | None, Parameter(help="Where it holds; everywhere otherwise.")] = None,
    until: Until = None,
) -> None:
    """Give a role, in one unit or everywhere, until a time or until it is revoked."""
    end = end_of(until, datetime.now(UTC)).isoformat() if until else None
    _step(asking, login, "POST", "roles", {"role": role, "unit": unit, "until": end})


@app.command
def revoke(login: str, role: Role, /, *, asking: Asking) -> None:
    """Take a role, in every unit."""
    _step(asking, login, "DELETE", f"roles/{role}")


@app.command
def delegate(
    login: str,
    unit: str,
    /,
    *,
    asking: Asking,
    until: Until = None,
    end: Annotated[bool, Parameter(negative=(), help="End the delegation now.")] = False,
) -> None:
    """Let an employee administer the people of UNIT until an end date within a year; or, with --end, no longer."""
    if end is (until is not None):
        raise Invalid("A delegation ends at a time or now.", "Give either --until or --end.", where="--until")
    if until is None:
        _step(asking, login, "POST", "delegations/end", {"unit": unit})
    else:
        ends = end_of(until, datetime.now(UTC)).isoformat()
        _step(asking, login, "POST", "delegations", {"unit": unit, "until": ends})


@app.command
def link(login: str, account: str, /, *, asking: Asking, directory: str | None = None) -> None:
    """Say that ACCOUNT (login, mail, name or native id) is this person's.

    Without --directory the account is looked for in the first one of the settings.
    """
    named = load(asking.config).directories
    where = directory or (named[0].name if named else "")
    _step(asking, login, "POST", "accounts", {"directory": where, "account": account})


@app.command
def password(
    login: str,
    /,
    *,
    asking: Asking,
    new_password_file: Annotated[
        Path | None, Parameter(help="A file that holds the new password, mode 0600; asked for otherwise.")
    ] = None,
) -> None:
    """Set somebody's password for signing in; it is asked for twice, and replaces the one before."""
    new = new_password(new_password_file, option="--new-password-file")
    _step(asking, login, "POST", "credentials", {"method": "password", "password": new})


@app.command
def enrol(
    login: str,
    method: Literal["totp", "passkey"],
    /,
    *,
    asking: Asking,
    to: Annotated[
        Path | None, Parameter(help="totp: the new file that its seed is written to, for the person alone.")
    ] = None,
    challenge: Annotated[str | None, Parameter(help="passkey: the challenge that --answer is for.")] = None,
    answer: Annotated[Path | None, Parameter(help="passkey: a file with the browser's registration response.")] = None,
) -> None:
    """Enrol an authenticator app, whose seed is never shown but written to a file; or a passkey, in two steps.

    A passkey is best made on the person's page of the console. Here the first step prints the challenge and the
    creation options, and the second takes what an authenticator made of them.
    """
    if method == "totp":
        if to is None or challenge or answer:
            raise Invalid("The seed needs a file to go to.", "Name a new one with --to, and nothing else.", "--to")
        with _secret_file(to) as file, asking.session() as client:
            made = client.call("POST", f"{path_of(login)}/credentials", {"method": "totp"})
            file.write(f"{made['uri']}\n")
        _told(asking, {"method": "totp", "written": str(to)}, f"The seed is in {to}, and nowhere else to be read.")
        return
    if to is not None or (challenge is None) is not (answer is None):
        raise Invalid(
            "A passkey is made in two steps.", "Give neither or both of --challenge and --answer.", "--answer"
        )
    with asking.session() as client:
        if challenge is None or answer is None:
            print_json(client.call("POST", f"{path_of(login)}/passkeys"))
            return
        path = f"{path_of(login)}/passkeys/{quote(challenge, safe='')}"
        made = client.call("POST", path, {"answer": _text(answer)})
    _told(asking, made, f"Enrolled: {made['credential']}")


@app.command
def enrolment_page(logins: tuple[str, ...], /, *, asking: Asking) -> None:
    """Let people enrol a passkey or an authenticator app by themself: print code and address of a page for each.

    An address is good for one credential, within a day. Say the code to the person by another way than the address
    takes: whoever has both enrols. `people take-back` ends an address that went astray. Who can have no page is told
    with the reason and keeps nobody else from theirs.
    """
    if not logins:
        raise Invalid("Nobody is named.", "Name at least one login.", "login")
    paths = {login: f"{path_of(login)}/enrolment-page" for login in logins}
    made, failed = list[dict[str, Any]](), dict[str, WatchwordError]()
    try:
        with asking.session() as client:
            for login, path in paths.items():
                try:
                    made.append({"login": login, **client.call("POST", path)})
                except (Conflict, Invalid, Refused) as fault:
                    failed[login] = fault
                    tell(fault, login)
                else:
                    if not asking.json:
                        out.print(escape(f"{login} {made[-1]['address']}"), soft_wrap=True)
    finally:  # what was made is open already, whatever comes of the rest
        _made(asking, made, failed)
    if failed:
        err.print(f"No page was made for {escape(', '.join(failed))}.")
        raise SystemExit(max(EXIT_CODES[fault.fault] for fault in failed.values()))


def _made(asking: Asking, made: list[dict[str, Any]], failed: dict[str, WatchwordError]) -> None:
    """Tell the codes of pages whose addresses were told already; as JSON, all of it, and who got none."""
    if asking.json:
        faults = [{"login": of, "fault": f.fault, "what": f.what, "remedy": f.remedy} for of, f in failed.items()]
        print_json({"pages": made, "failed": faults})
    elif made:
        codes = "\n".join(f"{one['login']} {one['code']}" for one in made)
        out.print(escape(f"\nTheir codes, to be said by another way:\n{codes}"), soft_wrap=True)


@app.command
def take_back(
    login: str, page: Annotated[str, Parameter(help="Its id; `people show` prints it.")], /, *, asking: Asking
) -> None:
    """Have the address of a page of somebody's own lead nowhere any more."""
    _step(asking, login, "DELETE", f"pages/{quote(page, safe='')}")


@app.command
def offer_key(login: str, /, *, asking: Asking) -> None:
    """Let somebody make their own passkey for approvals: print the address at which they do, once, within the hour.

    Say the code to them by another way than the address takes. Somebody else than you confirms the key.
    """
    with asking.session() as client:
        made = client.call("POST", f"{path_of(login)}/approver-keys/offer")
    _told(
        asking,
        made,
        f"Their page, for one key, within the hour:\n{made['address']}\n\n"
        f"Its code, to be said by another way: {made['code']}",
    )


@app.command
def ssh_key(login: str, key: Annotated[Path, Parameter(help="Their .pub file.")], /, *, asking: Asking) -> None:
    """Enrol somebody's SSH key for approvals signed outside the browser; a second person has to confirm it."""
    with asking.session() as client:
        made = client.call("POST", f"{path_of(login)}/approver-keys/ssh", {"key": _text(key)})
    _told(asking, made, f"Enrolled: {made['credential']}. Now have somebody else confirm it.")


@app.command
def confirm_key(
    login: str,
    credential: Annotated[str, Parameter(help="Its id; `people show` prints it.")],
    /,
    *,
    asking: Asking,
    fingerprint: Annotated[str, Parameter(help="The fingerprint you compared with them; `people show` prints it.")],
) -> None:
    """Say that a key is the person's own, as somebody who did not enrol it; then it may sign approvals."""
    step = f"approver-keys/{quote(credential, safe='')}/confirmation"
    _step(asking, login, "POST", step, {"fingerprint": fingerprint})


@app.command
def revoke_credential(
    login: str,
    credential: Annotated[str, Parameter(help="Its id; `people show` prints it.")],
    /,
    *,
    asking: Asking,
    why: Annotated[str, Parameter(help="Kept sealed beside the entry.")],
) -> None:
    """Let a credential count no longer."""
    _step(asking, login, "POST", f"credentials/{quote(credential, safe='')}/revocation", {"why": why})


def path_of(login: str) -> str:
    """Where the API has a person; raise `Invalid` for what can not be a login."""
    if not login or not login.isprintable() or "/" in login or set(login) <= {"."}:
        raise Invalid(f"{login!r} is no login.", "`watchword people list` shows the people you may see.", where="LOGIN")
    return f"/api/people/{quote(login, safe='')}"


def _step(asking: Asking, login: str, verb: str, step: str, body: dict[str, Any] | None = None) -> None:
    """Take one step, and show what became of the person."""
    with asking.session() as client:
        client.call(verb, f"{path_of(login)}/{step}", body)
        _show(asking, client, login)


def _show(asking: Asking, client: Client, login: str) -> None:
    person = client.call("GET", path_of(login))
    if asking.json:
        print_json(person)
        return
    out.print(
        f"[bold]{escape(person['login'])}[/] {escape(person['name'])}: {escape(person['kind'])}"
        f"{escape(' in ' + person['unit']) if person['unit'] else ', in no unit'}"
    )
    for role in person["roles"]:
        out.print(f"  role {escape(_role(role))}{'' if role['in_force'] else ' (over)'}")
    for one in person["delegations"]:
        over = "" if one["in_force"] else " (over)"
        out.print(f"  administers {escape(one['unit'])} until {escape(one['until'])}{over}")
    for one in person["credentials"]:
        until = f", replaced {one['replaced_at']}" if one["replaced_at"] else ""
        until += f", revoked {one['revoked_at']}" if one["revoked_at"] else ""
        alone = ", made on a page of their own" if one["made_alone"] else ""
        since = f"since {one['enrolled_at']}{until}{alone}"
        out.print(f"  {escape(one['method'])} {escape(one['credential'])} {escape(since)}")
        if one["fingerprint"]:
            confirmed = f"confirmed by {one['confirmed_by']}" if one["confirmed_by"] else "not confirmed for approvals"
            bound = "bound to its device" if one["device_bound"] else "may be on several devices"
            out.print(f"    {escape(one['fingerprint'])}, {bound}, {escape(confirmed)}", soft_wrap=True)
    for one in person["pages"]:
        told = f"{one['page']} for {one['purpose']}, by {one['by']} until {one['expires']}"
        out.print(f"  page {escape(told)}{', closed by wrong codes' if one['closed'] else ''}", soft_wrap=True)
    for one in person["accounts"]:
        told = f"{one['directory']} {one['native_id']} ({one['account_class'] or 'in no class'})"
        out.print(f"  account {escape(told)}")


def _role(role: dict[str, Any]) -> str:
    unit = f" in {role['unit']}" if role["unit"] is not None else ""
    return f"{role['role']}{unit}" + (f" until {role['until']}" if role["until"] else "")


def _told(asking: Asking, facts: dict[str, Any], words: str) -> None:
    if asking.json:
        print_json(facts)
    else:
        out.print(escape(words), soft_wrap=True)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} can not be read: {error}.", "Name a file that is there.", "--answer") from error


@contextmanager
def _secret_file(file: Path) -> Iterator[TextIO]:
    """A new file for its owner alone, made before there is a secret; gone again where none came to it."""
    try:
        opened = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
    except OSError as error:
        raise Invalid(
            f"{file} can not be made: {error.strerror}.", "Name a file that is not there yet.", "--to"
        ) from error
    try:
        with opened:
            yield opened
    except BaseException:
        file.unlink(missing_ok=True)
        raise
