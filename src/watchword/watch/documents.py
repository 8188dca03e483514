"""JSON that is no line a record: documents over many lines, lists of them, and lists within a wrapper, as a stream."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from watchword.watch.shapes_text import EXCERPT

LONGEST = 16 * 1024 * 1024
"""Bytes of the longest document that is read."""

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|"|[\[\]{}]', re.DOTALL)
_READ = 1 << 20
_BETWEEN = b" \t\r\n\v\f,"


def documents(source: BinaryIO, wrapped: tuple[str, ...]) -> Iterator[tuple[int, bytes | str | None]]:
    """Each object of *source* with the line it begins on: at the top, in a list, or in a list called one of *wrapped*.

    Text between objects comes as str. Where a document does not end, or is longer than `LONGEST`, what is left of
    *source* comes line by line instead; None is a line longer than that.
    """
    yield from _Splitter(wrapped).split(source)


class _Splitter:
    def __init__(self, wrapped: tuple[str, ...]) -> None:
        self._names = frozenset(name.encode() for name in wrapped)
        self._buffer = b""
        self._at = self._counted = 0
        self._line = 1
        self._depth = 0
        self._homes = [0]
        """Depths at which documents begin, innermost last."""
        self._start: int | None = None
        self._end = 0
        self._key = b""

    def split(self, source: BinaryIO) -> Iterator[tuple[int, bytes | str | None]]:
        while read := source.read(_READ):
            self._buffer += read
            yield from self._tokens()
            if len(self._buffer) > LONGEST:
                break
        begin = self._end if self._start is None else self._start
        number, rest = self._number(begin), self._buffer[begin:]
        if self._start is None and not rest.strip(_BETWEEN + b"[]{}"):
            return
        while rest or (rest := source.read(_READ)):
            line, ended, rest = rest.partition(b"\n")
            while not ended and (read := source.read(_READ)):
                more, ended, rest = read.partition(b"\n")
                line = line + more if len(line) <= LONGEST else line
            if len(line) > LONGEST:
                yield number, None
            elif line.strip(_BETWEEN + b"[]{}"):
                yield number, line.rstrip(b"\r, ")
            number += 1

    def _tokens(self) -> Iterator[tuple[int, bytes | str | None]]:
        cut = 0
        for found in _TOKEN.finditer(self._buffer, self._at):
            mark, position = found[0], found.start()
            if mark == b'"':  # a string that the next part ends
                break
            self._at = found.end()
            if mark in (b"{", b"["):
                yield from self._opened(mark, position)
            elif mark in (b"}", b"]"):
                document = self._closed(mark)
                if document is not None:
                    start, end = document
                    yield self._number(start), self._buffer[start:end]
                    cut = end
            elif self._depth == self._homes[-1] + 1:
                self._key = mark[1:-1]
        if self._start is None:
            cut = max(cut, min(self._end, self._at))
        self._drop(min(cut, self._start) if self._start is not None else cut)

    def _opened(self, mark: bytes, position: int) -> Iterator[tuple[int, str]]:
        home = self._homes[-1]
        if self._depth == home:
            stray = self._buffer[self._end : position].lstrip(_BETWEEN)
            if stray:
                number = self._number(position - len(stray))
                yield number, stray[:EXCERPT].strip(_BETWEEN).decode("utf-8", "backslashreplace")
            if mark == b"[":
                self._homes.append(home + 1)
                self._end = position + 1
            else:
                self._start = position
        elif self._depth == home + 1 and mark == b"[" and self._key in self._names and self._start is not None:
            self._homes.append(home + 2)
            self._start = None
            self._end = position + 1
        self._depth += 1

    def _closed(self, mark: bytes) -> tuple[int, int] | None:
        self._depth = max(self._depth - 1, 0)
        if self._depth < self._homes[-1] and len(self._homes) > 1:
            self._homes.pop()
            self._end = self._at
        if self._depth != self._homes[-1]:
            return None
        self._end = self._at
        start, self._start = self._start, None
        return (start, self._at) if start is not None and mark == b"}" else None

    def _number(self, position: int) -> int:
        self._line += self._buffer.count(b"\n", self._counted, position)
        self._counted = max(self._counted, position)
        return self._line

    def _drop(self, cut: int) -> None:
        self._number(cut)
        self._buffer = self._buffer[cut:]
        self._at -= cut
        self._counted -= cut
        self._end = max(self._end - cut, 0)
        if self._start is not None:
            self._start -= cut
