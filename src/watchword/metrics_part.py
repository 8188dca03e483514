"""The part `[metrics]` of `watchword.toml`: who may read what is measured, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, model_validator

from watchword import forms
from watchword.core.host import is_loopback


class MetricsPart(BaseModel):
    """With this part there is `/metrics` on the console; *execute* and *follow* are where those two commands listen.

    *token_file* has the bearer token to be shown. Without it nobody is answered who is not on this machine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    token_file: Path | None = None
    execute: forms.Listen | None = None
    follow: forms.Listen | None = None

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        for name, listen in (("execute", self.execute), ("follow", self.follow)):
            if listen is None:
                continue
            host, port = place_of(listen)
            if not 0 < port < 65536:
                raise ValueError(f"{name} has the port {port}, and a port is 1 to 65535")
            if self.token_file is None and not is_loopback(host):
                raise ValueError(
                    f"{name} can be reached from other machines: name a token_file, or listen on 127.0.0.1"
                )
        return self

    def demand_token(self, public_url: str) -> None:
        """Raise `ValueError` where a proxy stands before the console and no token is asked for.

        Everybody then comes from the proxy, which may well be on this machine.
        """
        if self.token_file is None and not is_loopback(urlsplit(public_url).hostname or ""):
            raise ValueError(
                "metrics: a proxy stands before the console, so that anybody may seem to be on this machine: name a "
                "metrics.token_file"
            )


def place_of(listen: str) -> tuple[str, int]:
    """Host and port of an address such as `127.0.0.1:9464` or `[::1]:9464`."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)
