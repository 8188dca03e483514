"""The command line: `watchword`. It translates and renders; no rule lives here."""

from watchword.cli.main import main

__all__ = ["main"]
