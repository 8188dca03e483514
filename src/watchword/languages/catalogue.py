"""The text catalogue: every page, notice, message and error that the person or an approver's account holder gets.

One TOML file per language beside this module, all with the same keys and the same `{placeholders}`; English is the one
they are written from. A text that a method brings along in English is looked up here by its own key first, so a method
is translated by adding its keys to each file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from babel import Locale
from babel.dates import format_date, format_time

NAMES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
"""The languages there are, each by its own name; the first is what is said where nothing else is known."""

DEFAULT = next(iter(NAMES))

_SPACED = re.compile(r" (?=[:;?!»])|(?<=«) ")

_LOCALES = {"en": Locale("en", "GB"), "de": Locale("de"), "fr": Locale("fr"), "es": Locale("es")}


class Words:
    """The texts of one *language*."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self._texts = texts

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def __call__(self, key: str, **values: object) -> str:
        """The text under *key* with its placeholders filled; `KeyError` for a key or a value that is missing."""
        text = self._texts[key]
        return text.format(**values) if values else text

    def or_else(self, key: str, text: str) -> str:
        """The text under *key*, or *text* where no language has that key yet."""
        return self._texts.get(key, text)

    def below(self, prefix: str) -> dict[str, str]:
        """Every text whose key begins with *prefix* and a dot, by the rest of its key."""
        start = f"{prefix}."
        return {key.removeprefix(start): text for key, text in self._texts.items() if key.startswith(start)}

    def keys(self) -> frozenset[str]:
        """Every key."""
        return frozenset(self._texts)

    def moment(self, at: datetime) -> str:
        """*at* in UTC as this language writes a day and a time."""
        utc, locale = at.astimezone(UTC), _LOCALES[self.language]
        return f"{format_date(utc, 'long', locale=locale)}, {format_time(utc, 'short', locale=locale)} UTC"


@cache
def words(language: str) -> Words:
    """The texts of *language*; of the default where there are none."""
    known = language if language in NAMES else DEFAULT
    file = resources.files(__package__) / f"{known}.toml"
    texts = dict(_flat(tomllib.loads(file.read_text(encoding="utf-8"))))
    return Words(known, _unbroken(texts) if known == "fr" else texts)


def known(*wanted: str | None) -> str:
    """The first of *wanted* language tags (such as `de-AT`) there are texts for; the default where there is none."""
    return next((language for tag in wanted if (language := written(tag))), DEFAULT)


def written(tag: str | None) -> str | None:
    """The language of *tag*, where there are texts for it."""
    primary = (tag or "").replace("_", "-").split("-")[0].strip().lower()
    return primary if primary in NAMES else None


def accepted(header: str) -> tuple[str, ...]:
    """The tags of an `Accept-Language` header, the most wanted first (RFC 9110 §12.5.4); what is no tag is left out."""
    ranked: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        tag, _, parameter = part.strip().partition(";")
        name, _, given = parameter.strip().partition("=")
        try:
            quality = float(given) if name.strip().lower() == "q" else 1.0
        except ValueError:
            continue
        if tag.strip() and 0 < quality <= 1:
            ranked.append((quality, tag.strip()))
    return tuple(tag for _, tag in sorted(ranked, key=lambda one: -one[0]))


def preferred(header: str, of_record: Iterable[str | None] = (), *, chosen: str = "") -> str:
    """The language of a page: what was *chosen* on it, the account's *of_record*, what the browser accepts."""
    return known(chosen, *of_record, *accepted(header))


def _unbroken(texts: Mapping[str, str]) -> dict[str, str]:
    """*texts* in French, where no line ends before a sign that a space stands before.

    Text messages stay as they are: one letter outside the alphabet of GSM 03.38 halves what a message holds.
    """
    return {
        key: text if key.startswith("sms_") else _SPACED.sub("\N{NO-BREAK SPACE}", text) for key, text in texts.items()
    }


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, str):
            yield prefix + key, value
        else:
            yield from _flat(value, f"{prefix}{key}.")
