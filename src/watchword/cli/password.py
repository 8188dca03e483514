"""Passwords: from a file that nobody else can read, or asked for on the terminal, where nothing is shown."""

from __future__ import annotations

import getpass
import hmac
import stat
import warnings
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from watchword.core.errors import Invalid

PasswordFile = Annotated[
    Path | None,
    Parameter(
        help="A file that holds your password, mode 0600; asked for otherwise.", env_var="WATCHWORD_PASSWORD_FILE"
    ),
]


def password_of(file: Path | None, prompt: str = "Password: ") -> str:
    """The password in *file*, or asked for; raise `Invalid` when others can read the file or nobody can be asked."""
    return _asked(prompt) if file is None else _read(file)


def new_password(file: Path | None, option: str = "--password-file") -> str:
    """The same for a password that is being made: asked for twice; *option* is how a file is named instead."""
    if file is not None:
        return _read(file)
    password = _asked("New password: ", option)
    if not hmac.compare_digest(_asked("Once more: ", option).encode(), password.encode()):
        raise Invalid("The two were not the same.", "Try again.", where="password")
    return password


def _read(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            mode = stat.S_IMODE(file.stat().st_mode)
            if mode & 0o077:
                raise Invalid(
                    f"The password file can be used by others (mode {mode:04o}).", f"Run: chmod 600 {file}", str(file)
                )
            password = opened.read().strip("\r\n")
    except OSError as error:
        raise Invalid(
            f"The password file can not be read: {error.strerror}.", "Name a file that is there and yours.", str(file)
        ) from error
    except UnicodeDecodeError as error:
        raise Invalid("The password file is not UTF-8 text.", "Save it as UTF-8.", str(file)) from error
    if not password:
        raise Invalid("The password file is empty.", "Write the password into it.", str(file))
    return password


def _asked(prompt: str, option: str = "--password-file") -> str:
    try:
        with warnings.catch_warnings():
            # getpass would warn, and then read with an echo.
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(prompt)
    except (getpass.GetPassWarning, EOFError) as error:
        raise Invalid(
            "There is no terminal to ask for the password on.", f"Name a file with {option}.", "password"
        ) from error
