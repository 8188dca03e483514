"""A YAML file a person wrote, read into plain values that remember the line each came from.

Less YAML than YAML has, on purpose: one document of mappings, sequences, strings, integers, `true`, `false` and
`null`. Anchors, aliases, tags and duplicate keys are refused, and `no` and `off` are words, not booleans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
import yaml

from watchword.core.errors import Invalid

MAX_BYTES = 1 << 20
MAX_DEPTH = 12
"""A policy file nests six deep; more is a mistake or an attack."""

Path = tuple[str | int, ...]
Value = dict[str, "Value"] | list["Value"] | str | int | bool | None

_INTEGER = re.compile(r"[-+]?[0-9]+")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong in a file: *line* from 1, *path* with dots, and the way on."""

    file: str
    line: int
    path: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path or 'file'}: {self.what}; {self.remedy}"


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The *value* of a file, the *lines* (from 1) where each path begins, and the mistakes its form already has."""

    file: str
    value: Value
    lines: dict[Path, int]
    mistakes: tuple[Mistake, ...]

    def mistake(self, path: Path, what: str, remedy: str) -> Mistake:
        """Return a mistake at *path*, on the line of its nearest written ancestor."""
        known = path
        while known not in self.lines and known:
            known = known[:-1]
        line = self.lines.get(known, 1)
        return Mistake(file=self.file, line=line, path=".".join(map(str, path)), what=what, remedy=remedy)


AGAIN = "Correct the file; `watchword policy check` reads it again."


def refuse(mistakes: tuple[Mistake, ...], *, kind: str = "policy", remedy: str = AGAIN) -> None:
    """Raise one `Invalid` that lists every mistake, in the order of the file; return when there are none."""
    if not mistakes:
        return
    ordered = sorted(mistakes, key=lambda m: (m.file, m.line))
    listed = "\n".join(f"  {m}" for m in ordered)
    verb, count = ("is", "one mistake") if len(ordered) == 1 else ("are", f"{len(ordered)} mistakes")
    raise Invalid(
        f"There {verb} {count} in the {kind}:\n{listed}\nNothing of it was loaded.",
        remedy,
        where=f"{ordered[0].file}:{ordered[0].line}",
    )


def read(text: str, file: str) -> Document:
    """Read *text*; raise `Invalid` where it is no YAML of ours, keep what else is wrong in `mistakes`."""
    if len(text.encode()) > MAX_BYTES:
        raise Invalid(f"The file is larger than {MAX_BYTES} bytes.", "A policy is a page or two: split it.", where=file)
    try:
        return _Reader(text, file).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{file}:{mark.line + 1}" if mark else file
        raise Invalid(
            f"This is not YAML: {error.problem or error.context}.", "Check indentation, quotes and brackets.", where
        ) from error
    except yaml.reader.ReaderError as error:
        raise Invalid(
            f"The file holds a character YAML does not allow: {error.reason}.", "Save it as plain UTF-8 text.", file
        ) from error


class _Reader:
    """Builds values from parser events with a stack of its own, so that no nesting can exhaust Python's."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.mistakes: list[Mistake] = []
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.CSafeLoader)

    def document(self) -> Document:
        value: Value = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(event, "a second document", "keep one policy in one file")
            elif isinstance(event, yaml.NodeEvent):
                value = self._node(event, ())
        return Document(file=self.file, value=value, lines=self.lines, mistakes=tuple(self.mistakes))

    def _node(self, event: yaml.Event, path: Path) -> Value:
        self._allowed(event, path)
        self.lines.setdefault(path, _line(event))
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Value] = []
            while not isinstance(inner := next(self._events), yaml.SequenceEndEvent):
                items.append(self._node(inner, (*path, len(items))))
            return items
        pairs: dict[str, Value] = {}
        while not isinstance(inner := next(self._events), yaml.MappingEndEvent):
            key = self._key(inner, path)
            at = (*path, key)
            if key in pairs:
                self._mistake(inner, at, "this key is written twice", "keep one of the two")
                self._node(next(self._events), (*at, "again"))
                continue
            self.lines[at] = _line(inner)
            pairs[key] = self._node(next(self._events), at)
        return pairs

    def _key(self, event: yaml.Event, path: Path) -> str:
        self._allowed(event, path)
        if not isinstance(event, yaml.ScalarEvent):
            self._stop(event, "a key that is no word", "write keys as plain words")
        assert isinstance(event, yaml.ScalarEvent)
        return event.value

    def _allowed(self, event: yaml.Event, path: Path) -> None:
        if getattr(event, "anchor", None) is not None:
            self._stop(event, "an anchor or alias", "write the value out where it is meant")
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            self._stop(event, f"the tag {tag}", "write a plain value")
        if len(path) >= MAX_DEPTH:
            self._stop(event, f"nesting deeper than {MAX_DEPTH}", "flatten it: a policy has six levels")

    def _mistake(self, event: yaml.Event, path: Path, what: str, remedy: str) -> None:
        line, dotted = _line(event), ".".join(map(str, path))
        self.mistakes.append(Mistake(file=self.file, line=line, path=dotted, what=what, remedy=remedy))

    def _stop(self, event: yaml.Event, what: str, remedy: str) -> None:
        raise Invalid(f"The file has {what}.", f"{remedy.capitalize()}.", where=f"{self.file}:{_line(event)}")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


def _scalar(event: yaml.ScalarEvent) -> str | int | bool | None:
    text: str = event.value
    if event.style:  # quoted, or a block
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.fullmatch(text) and len(text) <= 18 else text
