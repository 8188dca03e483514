"""Where in a line of JSON the fields of Sigma rules are, as SQL over one look at the line.

A field is the texts that its paths lead to, through lists as well. Nearly always that is one text or none, which one
call finds for all fields at once; what the line has lists or several members for is looked at once more, in that line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

WHOLE = "*"
"""The field of values without one: the whole event."""

Places = Mapping[str, tuple[str, ...]]
"""Fields by the name that their columns get, each with the paths it may be found at."""

_DEEPEST = 5


def looked_up(table: str, kept: str, fields: Places) -> str:
    """SQL over `json` of *table*, a line each: *kept*, and of each field three columns.

    `<name>` is NULL, or the list of texts where there may be several; `<name>_first` is the first text, NULL for none,
    and `<name>_lower` is that in lower case.
    """
    seen, members = _Numbered("seen"), _Numbered("members")
    odds: dict[str, str] = {}
    lists, firsts, absent = [], [], []
    for name, paths in fields.items():
        if WHOLE in paths:
            lists.append(f"CAST(NULL AS VARCHAR[]) AS {name}")
            firsts.append(f"CAST(json AS VARCHAR) AS {first(name)}")
            continue
        places = [_Place(path, seen) for path in paths]
        several = " + ".join(f"CAST({place.text} IS NOT NULL AS INTEGER)" for place in places) + " > 1"
        odds[f"{name}_odd"] = in_pairs([*(p.is_odd for p in places), *([several] if len(places) > 1 else [])], "OR")
        absent += [f"{place.text} IS NULL" for place in places if place.probes]
        every = " || ".join(_list_of(path, members) for path in paths)
        lists.append(f"CASE WHEN {name}_odd THEN {every} END AS {name}")
        alone = _coalesced(place.text for place in places)
        firsts.append(f"CASE WHEN {name}_odd THEN {name}[1] ELSE {alone} END AS {first(name)}")
    any_odd = in_pairs(odds, "OR")
    low = (f"lower({first(name)}) AS {lowered(name)}" for name in fields)
    return (
        f"SELECT *, {', '.join(low) or '1'} FROM ("
        f"SELECT *, {', '.join(firsts) or '1'} FROM (SELECT *, {', '.join(lists) or '1'} FROM ("
        f"SELECT *, CASE WHEN {any_odd} THEN {members.asked('json_extract')} END AS members FROM ("
        f"SELECT *, {', '.join(f'{odd} AS {name}' for name, odd in odds.items()) or '1'} FROM ("
        f"SELECT *, {_null_first(absent)} FROM ("
        f"SELECT {kept}, {seen.asked('json_extract_string')} AS seen FROM {table}))))))"
    )


def first_looked_up(table: str, kept: str, fields: Places) -> str:
    """SQL over the same: *kept*, of each field the first of all texts at its paths, and whether any is `unsure`.

    Unsure of a line means that `looked_up` has to be asked: there may be more than one look at it tells.
    """
    seen = _Numbered("seen")
    places = {name: [_Place(path, seen) for path in paths] for name, paths in fields.items()}
    every = [place for each in places.values() for place in each]
    firsts = (f"{_coalesced(p.first for p in each)} AS {first(name)}" for name, each in places.items())
    unsure = in_pairs((place.is_unsure for place in every), "OR")
    return (
        f"SELECT *, {', '.join(firsts)}, {unsure} AS unsure FROM ("
        f"SELECT *, {_null_first([f'{place.first} IS NULL' for place in every if place.probes])} FROM ("
        f"SELECT {kept}, {seen.asked('json_extract_string')} AS seen FROM {table}))"
    )


def first(name: str) -> str:
    """The column of the first text of the field *name*."""
    return f"{name}_first"


def lowered(name: str) -> str:
    """The same in lower case."""
    return f"{name}_lower"


def in_pairs(parts: Iterable[str], word: str) -> str:
    """*parts* joined by *word*, nested in pairs; false for none.

    One flat chain of thousands is too deep for some parsers, and slow for this one.
    """
    made = list(parts) or ["false"]
    while len(made) > 1:
        made = [f"({made[n]} {word} {made[n + 1]})" if n + 1 < len(made) else made[n] for n in range(0, len(made), 2)]
    return made[0]


def _coalesced(parts: Iterable[str]) -> str:
    made = tuple(parts)
    return f"coalesce({', '.join(made)})" if len(made) > 1 else made[0]


def _null_first(conditions: list[str]) -> str:
    """SQL for `null_first`: whether there may be a list that begins with null, where one of *conditions* asks.

    Its first member is then as absent as that of no list at all.
    """
    begins = r"regexp_matches(json, '\[[ \t\r\n]*null')"
    return f"CASE WHEN {in_pairs(conditions, 'OR')} THEN {begins} ELSE false END AS null_first"


class _Numbered:
    """Paths that are asked for by one call, each once: every call parses the line."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._numbers: dict[str, int] = {}

    def __getitem__(self, path: str) -> str:
        return f"{self._column}[{self._numbers.setdefault(path, len(self._numbers) + 1)}]"

    def asked(self, function: str) -> str:
        return f"{function}(json, [{', '.join(map(_literal, self._numbers))}])" if self._numbers else "NULL"


class _Place:
    """One path of a field, as one look at a line tells of it.

    *text* is what is there where no list is on the way, *probes* what is there where one is: its first member. *is_odd*
    is whether *text* may not be all. *first* is the first text of all, unless that *is_unsure*.
    """

    def __init__(self, path: str, seen: _Numbered) -> None:
        parts = path.split(".")
        steps = [_step(part) for part in parts]
        self.text = seen["$" + "".join(steps)]
        so_called = [seen["$" + _step(path)]] if len(parts) > 1 else []
        ends = range(1, len(parts)) if len(parts) <= _DEEPEST + 1 else range(0)
        self.probes = [seen["$" + "".join(steps[:end]) + "[0]"] for end in ends]
        inside = [seen["$" + "".join(steps[:end]) + "[0]" + "".join(steps[end:])] for end in ends]
        self.first = _coalesced([self.text, *so_called, *inside])
        is_list = [f"starts_with({each}, '[')" for each in (self.text, *so_called)]
        # A list on the way has no member of that name; where it begins with null, that is all this tells of it.
        through = in_pairs([*(f"{probe} IS NOT NULL" for probe in self.probes), "null_first"], "OR")
        odd = [is_list[0], *(f"{each} IS NOT NULL" for each in so_called)]
        if self.probes:
            odd.append(f"({self.text} IS NULL AND {through})")
            is_list.append(f"({self.first} IS NULL AND {through})")
        self.is_odd, self.is_unsure = (f"coalesce({in_pairs(each, 'OR')}, false)" for each in (odd, is_list))


def _list_of(path: str, members: _Numbered) -> str:
    """SQL for all texts that *path* leads to, from the first members of a line; lists on the way are entered."""
    parts = path.split(".")
    start = members["$" + _step(parts[0])]
    variants = [(start, *steps) for steps in _paths(parts[1:])]
    if len(parts) > 1:
        variants.append((members["$" + _step(path)], "$", False))
    # A list is no value of its own: its members are. A text that looks like one is.
    single = [
        f"CASE WHEN json_type({column}, {steps}) <> 'ARRAY' THEN {column} ->> {steps} END"
        for column, steps in ((column, _literal(steps)) for column, steps, is_list in variants if not is_list)
    ]
    lists = [f"coalesce({column} ->> {_literal(steps)}, [])" for column, steps, is_list in variants if is_list]
    return f"list_filter([{', '.join(single)}] || {' || '.join(lists) or '[]'}, lambda x: x IS NOT NULL)"


def _paths(rest: list[str]) -> Iterator[tuple[str, bool]]:
    """Each path through *rest*, with and without a list at every step, and whether there is one."""
    if len(rest) > _DEEPEST:
        yield "$" + "".join(map(_step, rest)), False
        return
    for stars in product(("", "[*]"), repeat=len(rest) + 1):
        steps = zip(map(_step, rest), stars[1:], strict=True)
        yield "$" + stars[0] + "".join(step + star for step, star in steps), any(stars)


def _step(name: str) -> str:
    """*name* as a step of a JSON path."""
    return '."' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _literal(text: str) -> str:
    """*text* as a string."""
    return "'" + text.replace("'", "''") + "'"
