"""`watchword policy propose`, `activate`, `restore`: how the policy on disk becomes active, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.markup import escape

from watchword.cli.case import Asking
from watchword.cli.terminal import CONFIG, Config, Json, out, print_json
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.policy.bundle import PolicyFolder
from watchword.policy.document import Mistake
from watchword.reception.policy import waits_of
from watchword.settings import Settings, load


def propose(
    *,
    asking: Asking,
    hours: Annotated[int, Parameter(help="How long it waits for a second author: 1 to 168.")] = 24,
) -> None:
    """Propose the policy on disk. Nothing changes until a second policy author confirms it with `policy activate`.

    An author who has a passkey signs, which needs a browser: they propose on the console's page of the policy.
    """
    with asking.session() as client:
        proposed = client.call("POST", "/api/policy/proposal", {"hours": hours})
    if asking.json:
        print_json(proposed)
        return
    out.print(f"Proposed: {escape(proposed['digest'])}")
    out.print(f"  in words: [bold]{escape(proposed['spoken'])}[/]")
    out.print(
        f"  It is [yellow]not active[/]: it waits until {proposed['not_after']} for a second policy author, who runs"
    )
    out.print(f"  watchword policy activate --digest {escape(proposed['digest'])}", soft_wrap=True)


def activate(
    *,
    asking: Asking,
    digest: Annotated[
        str | None, Parameter(help="The digest the first author told you; the proposal's own otherwise.")
    ] = None,
) -> None:
    """Confirm, as a second policy author, what another one proposed: new cases are opened under it from now on.

    Processes that run read their policy when they start: start `watchword serve` and `watchword execute` again.
    """
    with asking.session() as client:
        body = {"digest": digest or _waiting(client.call("GET", "/api/policy"))}
        active = client.call("POST", "/api/policy/activation", body)
    if asking.json:
        print_json(active)
    else:
        out.print(f"Active: {escape(active['active'])}")


def restore(folder: Path, /, *, config: Config = CONFIG, json: Json = False) -> None:
    """Write the active policy, as the ledger has kept it, into a new FOLDER: the way back when the file was changed.

    On a SQLite ledger `watchword serve` must not run meanwhile.
    """
    from watchword.app import App as Running
    from watchword.desk.activation import active_texts

    if folder.exists():
        raise Invalid(f"{folder} is there already.", "Name a new folder.", where="FOLDER")
    # Under the shipped policy, because the one on disk may be what can not be read; nothing is ruled here.
    settings = load(config).model_copy(update={"policy": None})
    with Running(settings, executes=False) as running:
        digest, texts = active_texts(running.steps)
    if not texts:
        raise Refused("The text of the active policy was erased.", "Propose the policy on disk.", ("erased",))
    folder.mkdir(parents=True)
    for name, text in texts:
        (folder / name).write_bytes(text.encode())
    if json:
        print_json({"active": digest, "written": [name for name, _ in texts]})
    else:
        out.print(f"Active: {escape(digest)}")
        out.print(f'  It is in {escape(str(folder))}; name that folder as `policy = "…"` in watchword.toml.')


def drifted(settings: Settings, folder: Path | None) -> tuple[Mistake, ...]:
    """That the policy in *folder* (None: the shipped one) is not the one the ledger of *settings* says is active."""
    from watchword.app import App as Running

    with Running(settings.model_copy(update={"policy": None}), executes=False) as running:
        active, waits = running.registry.posture().digest, running.registry.posture().waiting(running.clock())
    try:
        found = PolicyFolder(folder).digest()
    except Invalid:  # told already
        return ()
    if found == active:
        return ()
    waiting = f"; {waits_of(waits)}" if waits is not None and waits.digest == found else ""
    return (
        Mistake(
            file=str(folder) if folder else "the shipped policy",
            line=1,
            path="",
            what=f"this is not the active policy, {active or 'none'}{waiting}",
            remedy="have two policy authors propose and activate it, or write the active one with "
            "`watchword policy restore`",
        ),
    )


def _waiting(standing: dict[str, Any]) -> str:
    """The digest of what waits, or, where nothing does, one that the console answers with why."""
    waits = standing["proposal"]
    if waits is None:
        return ""
    if standing["on_disk"] != waits["digest"]:
        raise Conflict(
            "The policy on disk is no longer what was proposed.",
            "Put the file back, or have a policy author run `watchword policy propose` again.",
        )
    return str(waits["digest"])
