"""Where the story plays: the sandbox, or a real Active Directory that Samba provides for the length of the play."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from watchword.app import App
from watchword.core.errors import Unavailable
from watchword.directories.sandbox import Sandbox

PLACES = ("sandbox", "samba")


class Place(Protocol):
    """A directory the story can play on, with what happens in it behind Watchword's back."""

    name: str
    settings: str | None

    def ready(self) -> None:
        """Forget what setting up wrote into the log."""

    def reset_by_hand(self, app: App, login: str) -> None:
        """Reset a password as an administrator of the directory, with no case."""

    def sign_in(self, app: App, login: str, password: str) -> str:
        """Sign in to the directory: `ok`, `must_change`, or why not."""

    def lock(self, app: App, login: str) -> None:
        """Lock an account out."""


class SandboxPlace:
    """The simulated directory."""

    name: str = "sandbox"
    settings: str | None = None

    def ready(self) -> None:
        """Nothing was logged."""

    def reset_by_hand(self, app: App, login: str) -> None:
        """Reset a password by the directory's own console."""
        sandbox = self._of(app)
        sandbox.admin_reset("it.shadow", sandbox.find(login)[0].native_id)

    def sign_in(self, app: App, login: str, password: str) -> str:
        """Sign in to the sandbox."""
        return str(self._of(app).sign_in(login, password))

    def lock(self, app: App, login: str) -> None:
        """Lock an account out."""
        sandbox = self._of(app)
        sandbox.lock(sandbox.find(login)[0].native_id)

    def _of(self, app: App) -> Sandbox:
        reached = app.directories[self.name]
        assert isinstance(reached, Sandbox)
        return reached


@contextmanager
def place(name: str, home: Path) -> Iterator[Place]:
    """The place called *name*, for as long as the `with` lasts."""
    if name == "sandbox":
        yield SandboxPlace()
        return
    try:
        from tools.samba_place import samba_place
    except ModuleNotFoundError as error:
        raise Unavailable(
            "The Samba domain of the demo comes with a checkout, not with the package.",
            "Clone the repository and run `make demo DIRECTORY=samba`, or use the sandbox.",
        ) from error
    with samba_place(home) as domain:
        yield domain
