"""How texts in settings are written: types that say in words what is expected where a text is none of them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

FORM = "form"
"""The name of the error that these types raise; its context has `words`."""


def form(pattern: str, words: str) -> AfterValidator:
    """For the type of a text that is *pattern* as a whole; *words* say what is expected: `a name such as corp-ad`."""
    matches = re.compile(pattern).fullmatch

    def check(text: str) -> str:
        if matches(text) is None:
            raise PydanticCustomError(FORM, "{words}", {"words": words})
        return text

    return AfterValidator(check)


Web = Annotated[str, form(r"https?://\S+", "an address that begins with https:// or http://")]
Site = Annotated[str, form(r"https?://[^\s?#]+", "an address that begins with https:// or http://, without ? and #")]
Page = Annotated[str, form(r"https?://[^\s#]+", "an address that begins with https:// or http://, without #")]
Mail = Annotated[str, form(r"[^@\s]+@[^@\s]+", "one mail address, such as desk@example.test")]
Header = Annotated[str, form(r"[A-Za-z0-9-]{1,60}", "the name of a header: letters, digits and -")]
Name = Annotated[str, form(r"[a-z0-9.-]{1,60}", "a name of lower-case letters, digits, . and -")]
# No plus signs (C2SP signed-note), and nothing that TOML would take for the end of it.
Origin = Annotated[
    str,
    form(r"""[^\s+"'\\]{1,200}""", "a name such as desk.example.test: no spaces, quotes, backslashes or plus signs"),
]
Database = Annotated[
    str,
    form(r"""(sqlite|postgresql)[^\s"'\\]*://[^\s"'\\]+""", "sqlite:///FILE, or postgresql://USER@HOST/DATABASE"),
]
Service = Annotated[str, form(r"(\*\.)?[a-z0-9.-]+(:[0-9]{1,5})?", "a host, such as *.push.example.test:443")]
SourceName = Annotated[str, form("[a-z0-9][a-z0-9_-]{0,40}", "a name of lower-case letters, digits, _ and -")]
OutputName = Annotated[str, form("[a-z0-9-]{1,40}", "a name of lower-case letters, digits and -")]
LowerHeader = Annotated[str, form(r"[a-z0-9-]{1,60}", "the name of a header in lower case")]
AgeKey = Annotated[str, form("age1[0-9a-z]+", "an age recipient, which begins with age1")]
Country = Annotated[str, form("([1-9][0-9]{0,2})?", 'a country\'s calling code, such as "49"')]
Contact = Annotated[str, form(r"mailto:[^\s@]+@[^\s@]+|https://\S+", "mailto: and an address, or one with https://")]
Listen = Annotated[
    str, form(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}", "a host and a port, such as 127.0.0.1:9464")
]
Host = Annotated[str, form("[A-Za-z0-9.:-]{1,253}", "a host's name or address")]
Tenant = Annotated[str, form("[A-Za-z0-9.-]{1,253}", "the tenant's id or domain")]
