"""The parts of `[[directories]]` in `watchword.toml`: where accounts are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from watchword.core.account import AccountClass, Status


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SandboxPart(_Part):
    """A simulated directory."""

    kind: Literal["sandbox"]
    name: str = "sandbox"
    path: Path = Path("sandbox.db")


class LdapPart(_Part):
    """A directory over LDAPS, with a certificate that verifies against *ca_file*.

    *bind_user* is the executor's; with *reader_user* a desk that does not execute reads with rights of its own, and
    never holds the executor's password.
    """

    name: str
    host: str
    port: int = 636
    ca_file: Path
    bind_user: str
    password_file: Path
    reader_user: str | None = None
    reader_password_file: Path | None = None
    base: str
    classes: dict[str, AccountClass]
    statuses: dict[str, Status] = {}
    shared: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _reader_whole(self) -> Self:
        # Half of it would let a desk without executor fall back on the executor's own account.
        if (self.reader_user is None) != (self.reader_password_file is None):
            raise ValueError("reader_user and reader_password_file are given together, or neither is")
        return self


class ActiveDirectoryPart(LdapPart):
    """One domain."""

    kind: Literal["active_directory"]


class OpenLdapPart(LdapPart):
    """One tree; *bind_user* and *reader_user* are DNs."""

    kind: Literal["openldap"]

    @model_validator(mode="after")
    def _by_dn(self) -> Self:
        if any("=" not in user for user in (self.bind_user, self.reader_user) if user is not None):
            raise ValueError("OpenLDAP knows an account by its DN: write bind_user and reader_user as one")
        return self


DirectoryPart = Annotated[SandboxPart | ActiveDirectoryPart | OpenLdapPart, Field(discriminator="kind")]
