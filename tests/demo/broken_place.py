"""The story, played on a directory whose new passwords do not work: a program of its own, for its exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchword.app import App
from watchword.cli.demo.directories import Place, SandboxPlace
from watchword.cli.demo.play import play


class DeafPlace(SandboxPlace):
    """Takes every change, and lets nobody in."""

    def sign_in(self, app: App, login: str, password: str) -> str:
        """Whatever the password is, it is wrong."""
        del app, login, password
        return "wrong"


@contextmanager
def deaf(home: Path) -> Iterator[Place]:
    """The place of this play."""
    del home
    yield DeafPlace()


if __name__ == "__main__":
    play(deaf, check=True, port=0)
