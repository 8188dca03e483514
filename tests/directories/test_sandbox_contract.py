"""The sandbox keeps the contract of every directory."""

from __future__ import annotations

from typing import Literal

import pytest

from watchword.directories.contract import DirectoryContract, Stage
from watchword.directories.sandbox import Sandbox, Seed, SignIn


class TestSandbox(DirectoryContract):
    """The contract, on the sandbox."""

    @pytest.fixture
    def stage(self, sandbox: Sandbox) -> Stage:
        """A sandbox with one account to change and two of the same name."""
        mail = "nora.vale@example.test"
        factors = ("push", "totp")
        sandbox.seed(
            (
                Seed(login="nora.vale", display_name="Nora Vale", mail=mail, phone="+1 555 0100", factors=factors),
                Seed(login="sam.reed", display_name="Sam Reed"),
                Seed(login="sam.reed2", display_name="Sam Reed"),
            )
        )

        def sign_in(login: str, secret: str) -> Literal["ok", "must_change", "wrong"]:
            match sandbox.sign_in(login, secret):
                case SignIn.OK:
                    return "ok"
                case SignIn.MUST_CHANGE:
                    return "must_change"
                case _:
                    return "wrong"

        return Stage(
            directory=sandbox,
            login="nora.vale",
            ambiguous="Sam Reed",
            nobody="00u00000000000000000",
            lock=sandbox.lock,
            reset_by_hand=lambda native_id: sandbox.admin_reset("ivo.admin", native_id),
            sign_in=sign_in,
        )
