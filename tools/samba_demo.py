"""Watchword's settings for the rig's domain."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tools.samba_rig import BASE, BIND_USER, SambaDomain

DIRECTORY = "corp"


def settings_of(domain: SambaDomain, classes: Mapping[str, str]) -> str:
    """The parts `[[directories]]` and `[watch]` of a watchword.toml; *classes* gives the account class by group DN."""
    directory = {
        "kind": "active_directory",
        "name": DIRECTORY,
        "host": domain.address,
        "ca_file": str(domain.ca_file),
        "bind_user": BIND_USER,
        "password_file": str(domain.password_file),
        "base": BASE,
    }
    watch = {"provider": "samba", "log": str(domain.audit_log)}
    return "\n".join(
        (
            "[[directories]]",
            *_pairs(directory),
            "[directories.classes]",
            *_pairs(classes),
            "",
            "[watch]",
            *_pairs(watch),
            "",
        )
    )


def _pairs(values: Mapping[str, str]) -> list[str]:
    # A JSON string is a basic string of TOML, as key and as value.
    return [f"{json.dumps(name)} = {json.dumps(value)}" for name, value in values.items()]
