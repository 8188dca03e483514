"""A small EVTX file made by hand from the format's description, so that two foreign readers can be held to one.

One chunk; each record is a template of its own with nothing to fill in, and every value is text. Offsets within binary
XML are from the chunk's start.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

_CHUNK = 65536
_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def evtx(events: Sequence[str], written: datetime) -> bytes:
    """An EVTX file with *events*, each the XML of one; *written* is when each record says that it was."""
    records = b""
    for number, text in enumerate(events, 1):
        records += _record(number, text, written, 512 + len(records))
    head = struct.pack("<8sQQQQIIII", b"ElfChnk\x00", 1, len(events), 1, len(events), 128, 512, 0, 0)
    last = 512 + len(records) - _size_of_last(records)
    head = struct.pack("<8sQQQQIIII", b"ElfChnk\x00", 1, len(events), 1, len(events), 128, last, 512 + len(records),
                       zlib.crc32(records))  # fmt: skip
    head = head.ljust(124, b"\x00")
    tables = b"\x00" * 384
    chunk = head[:120] + struct.pack("<II", 1, zlib.crc32(head[:120] + tables)) + tables + records
    file_head = struct.pack("<8sQQQIHHHH", b"ElfFile\x00", 0, 0, len(events) + 1, 128, 1, 3, 4096, 1)
    file_head = file_head.ljust(120, b"\x00")
    file_head += struct.pack("<II", 0, zlib.crc32(file_head))
    return file_head.ljust(4096, b"\x00") + chunk.ljust(_CHUNK, b"\x00")


def _size_of_last(records: bytes) -> int:
    return int.from_bytes(records[-4:], "little")


def _record(number: int, text: str, written: datetime, offset: int) -> bytes:
    # Record head 24, fragment head 4, instance 10; then the definition: its head 24, and a fragment again.
    definition = offset + 24 + 4 + 10
    fragment = b"\x0f\x01\x01\x00" + _element(ET.fromstring(text), definition + 24 + 4) + b"\x00"
    identifier = struct.pack("<IIII", number, 0, 0, 0)
    body = b"\x0f\x01\x01\x00" + struct.pack("<BBII", 0x0C, 1, number, definition)
    body += (
        struct.pack("<I", 0) + identifier + struct.pack("<I", len(fragment)) + fragment + struct.pack("<I", 0) + b"\x00"
    )
    body = body.ljust(-(-len(body) // 4) * 4, b"\x00")
    size = 24 + len(body) + 4
    ticks = int((written - _FILETIME_EPOCH).total_seconds()) * 10_000_000
    return struct.pack("<IIQQ", 0x00002A2A, size, number, ticks) + body + struct.pack("<I", size)


def _element(element: ET.Element, offset: int) -> bytes:
    """Open, attributes, content, close; *offset* is where its first byte will stand in the chunk."""
    has_attributes = bool(element.attrib)
    out = _name(element.tag, offset + 11)
    if has_attributes:
        inner = b""
        for number, (name, value) in enumerate(element.attrib.items(), 1):
            more = 0x40 if number < len(element.attrib) else 0
            at = offset + 11 + len(out) + 4 + len(inner)
            inner += bytes([0x06 | more]) + struct.pack("<I", at + 5) + _name(name, at + 5)
            inner += _value(value)
        out += struct.pack("<I", len(inner)) + inner
    if element.text is None and len(element) == 0:
        out += b"\x03"
    else:
        out += b"\x02"
        if element.text and element.text.strip():
            out += _value(element.text)
        for child in element:
            out += _element(child, offset + 11 + len(out))
        out += b"\x04"
    return struct.pack("<BHII", 0x41 if has_attributes else 0x01, 0xFFFF, len(out) + 4, offset + 11) + out


def _name(name: str, offset: int) -> bytes:
    """A name where it is first used: `offset` is its own place, which the element just before it gives."""
    del offset
    value = 0
    for character in name:
        value = (value * 65599 + ord(character)) & 0xFFFFFFFF
    return struct.pack("<IHH", 0, value & 0xFFFF, len(name)) + name.encode("utf-16-le") + b"\x00\x00"


def _value(text: str) -> bytes:
    return struct.pack("<BBH", 0x05, 0x01, len(text)) + text.encode("utf-16-le")
