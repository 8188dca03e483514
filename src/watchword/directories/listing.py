"""Groups in groups, where a directory says only who is in which directly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def closed(direct: Iterable[str], above: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The groups *direct*, and every group *above* one of them however far (both by DN in lower case), in order."""
    found: set[str] = set()
    waiting = list(direct)
    while waiting:
        group = waiting.pop()
        if group not in found:
            found.add(group)
            waiting.extend(above.get(group, ()))
    return tuple(sorted(found))
