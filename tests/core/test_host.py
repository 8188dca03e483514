"""Machines by name and address: which of them is this one."""

from __future__ import annotations

import pytest

from watchword.core.host import is_loopback


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost.example.test", False),
        ("desk.example.test", False),
        ("192.0.2.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
    ],
)
def test_only_what_nobody_else_reaches_is_this_machine(host: str, *, here: bool) -> None:
    """The loopback addresses and their one name are; whatever resolves or listens further is not."""
    assert is_loopback(host) is here
