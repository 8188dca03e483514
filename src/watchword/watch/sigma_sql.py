"""A Sigma condition, as pySigma parses it, as SQL over the values of JSON members.

Each field of a rule is a list of texts: whatever its path leads to, through lists as well, so "is" means "any is". An
absent field is an empty list, and its negation holds. Comparisons ignore case, as Sigma's do. Every value is bound.

pySigma's own DuckDB backend reads `a.b` as a column of that name; here it is a path, or a member so called.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from itertools import product

from sigma import types as sigma
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.exceptions import SigmaError

WHOLE = "*"
"""The field of values without one: the whole event."""

_OPERATORS = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "NEQ": "<>"}
_WILD = {sigma.SpecialChars.WILDCARD_MULTI: "%", sigma.SpecialChars.WILDCARD_SINGLE: "_"}
_FLAGS = {"IGNORECASE": "i", "MULTILINE": "m", "DOTALL": "s"}
_DEEPEST = 5
_PARTS = {"MINUTE": "minute", "HOUR": "hour", "DAY": "day", "WEEK": "week", "MONTH": "month", "YEAR": "year"}


class Unsupported(Exception):
    """What of a rule has no SQL; the words say which."""


class Compiler:
    """Makes SQL of conditions; *fields* are the lists it stands on, *values* what has to be bound."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.values: dict[str, str | float] = {}

    def condition(self, node: object) -> str:
        """A condition as SQL that is true or false, never NULL; `Unsupported` names what it can not say."""
        match node:
            case ConditionAND():
                return self._all(node.args, "AND")
            case ConditionOR():
                return self._all(node.args, "OR")
            case ConditionNOT():
                return f"(NOT {self.condition(node.args[0])})"
            case ConditionFieldEqualsValueExpression():
                return self._test(node.field, node.value)
            case ConditionValueExpression():
                return self._test(WHOLE, node.value)
            case _:
                raise Unsupported(f"a condition of kind {type(node).__name__}")

    def _all(self, parts: Sequence[object], word: str) -> str:
        # Nested in pairs: one flat chain of thousands is too deep for some parsers, and slow for this one.
        made = [self.condition(part) for part in parts]
        while len(made) > 1:
            made = [
                f"({made[n]} {word} {made[n + 1]})" if n + 1 < len(made) else made[n] for n in range(0, len(made), 2)
            ]
        return made[0]

    def _test(self, field: str, value: object) -> str:
        match value:
            case sigma.SigmaExpansion():
                return self._all_values(field, value.values)
            case sigma.SigmaNull():
                return f"(len({self._field(field)}) = 0)"
            case sigma.SigmaExists():
                return f"(len({self._field(field)}) {'>' if value.exists else '='} 0)"
            case sigma.SigmaFieldReference():
                return self._same(field, value)
            case _:
                # In a list comprehension of one: no NULL comes of it.
                of = self._field(field)
                several = f"len(list_filter({of}, lambda v: coalesce({self._about(field, value, 'v')}, false))) > 0"
                # Most often there is one value, which needs no list.
                alone = f"coalesce({self._about(field, value, first(of))}, false)"
                return f"(CASE len({of}) WHEN 0 THEN false WHEN 1 THEN {alone} ELSE {several} END)"

    def _all_values(self, field: str, values: list[sigma.SigmaType]) -> str:
        made = [self._test(field, value) for value in values]
        return "(" + " OR ".join(made) + ")" if made else "false"

    def _same(self, field: str, other: sigma.SigmaFieldReference) -> str:
        mine, theirs = self._field(field), self._field(other.field)
        test = "lower(v) = lower(w)"
        if other.starts_with and other.ends_with:
            test = "contains(lower(v), lower(w))"
        elif other.starts_with:
            test = "starts_with(lower(v), lower(w))"
        elif other.ends_with:
            test = "ends_with(lower(v), lower(w))"
        return f"(len(list_filter({mine}, lambda v: len(list_filter({theirs}, lambda w: {test})) > 0)) > 0)"

    def _about(self, field: str, value: object, v: str) -> str:
        """SQL about *v*, one text of a field."""
        match value:
            case sigma.SigmaCasedString():
                return f"{v} LIKE {self._bound(like(value, anywhere=field == WHOLE))} ESCAPE '!'"
            case sigma.SigmaString():
                if field != WHOLE and not value.contains_special():
                    return f"lower({v}) = {self._bound(''.join(str(part) for part in value.s).lower())}"
                return f"lower({v}) LIKE {self._bound(like(value, anywhere=field == WHOLE).lower())} ESCAPE '!'"
            case sigma.SigmaTimestampPart():
                part = _PARTS[value.timestamp_part.name]
                return f"extract({part} FROM try_cast({v} AS TIMESTAMPTZ)) = {self._bound(value.number)}"
            case sigma.SigmaNumber():
                if field == WHOLE:
                    return f"contains({v}, {self._bound(str(value.number))})"
                return f"try_cast({v} AS DOUBLE) = {self._bound(value.number)}"
            case sigma.SigmaBool():
                return f"lower({v}) = {self._bound(str(value.boolean).lower())}"
            case sigma.SigmaRegularExpression():
                flags = "".join(sorted(_FLAGS[flag.name] for flag in value.flags))
                return f"regexp_matches({v}, {self._bound((f'(?{flags})' if flags else '') + str(value.regexp))})"
            case sigma.SigmaCompareExpression():
                operator = _OPERATORS[value.op.name]
                return f"try_cast({v} AS DOUBLE) {operator} {self._bound(value.number.number)}"
            case sigma.SigmaCIDRExpression():
                return self._within(value, v)
            case _:
                raise Unsupported(f"a value of kind {type(value).__name__}")

    def _within(self, value: sigma.SigmaCIDRExpression, v: str) -> str:
        network = value.network
        if isinstance(network, ipaddress.IPv6Network):
            try:
                patterns = value.expand("*")
            except SigmaError as error:
                raise Unsupported(f"the network {value.cidr}") from error
            return "(" + " OR ".join(f"lower({v}) GLOB {self._bound(p.lower())}" for p in patterns) + ")"
        # As a number: DuckDB's own type of addresses is in an extension that may not be there.
        octets = " + ".join(f"try_cast(split_part({v}, '.', {n + 1}) AS BIGINT) * {256 ** (3 - n)}" for n in range(4))
        first, last = int(network.network_address), int(network.broadcast_address)
        shape = f"regexp_full_match({v}, " + r"'\d{1,3}(\.\d{1,3}){3}')"
        return f"(CASE WHEN {shape} THEN {octets} BETWEEN {self._bound(first)} AND {self._bound(last)} END)"

    def _field(self, field: str) -> str:
        return self.fields.setdefault(field, f"f{len(self.fields)}")

    def _bound(self, value: str | float) -> str:
        name = f"s{len(self.values)}"
        self.values[name] = value
        return f"${name}"


def like(value: sigma.SigmaString, *, anywhere: bool = False) -> str:
    """A Sigma string as a pattern of LIKE, escaped by `!`."""
    text = "".join(_WILD[part] if isinstance(part, sigma.SpecialChars) else _escaped(str(part)) for part in value.s)
    return f"%{text}%" if anywhere else text


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def list_of(field: str) -> str:
    """SQL for the texts that *field* leads to, from the columns of its first members; lists on the way are entered."""
    if field == WHOLE:
        return "[whole]"
    parts = field.split(".")
    variants = [*_paths(parts[0], parts[1:])]
    if len(parts) > 1:
        variants.append((field, "$", False))
    # A list is no value of its own: its members are. A text that looks like one is.
    single = [
        f"CASE WHEN json_type({column}, {path}) <> 'ARRAY' THEN {column} ->> {path} END"
        for column, path in ((quoted(column), literal(path)) for column, path, is_list in variants if not is_list)
    ]
    several = [f"{quoted(column)} ->> {literal(path)}" for column, path, is_list in variants if is_list]
    lists = " || ".join(f"coalesce({each}, [])" for each in several)
    every = f"list_filter([{', '.join(single)}] || {lists or '[]'}, lambda x: x IS NOT NULL)"
    # Most often there is one plain value at the end of the path, and so no list on the way to it.
    column, path = quoted(parts[0]), literal("$" + "".join(f".{member(part)}" for part in parts[1:]))
    alone = f" AND {quoted(field)} IS NULL" if len(parts) > 1 else ""
    return (
        f"(CASE WHEN json_type({column}, {path}) IN ('VARCHAR', 'BIGINT', 'UBIGINT', 'DOUBLE', 'BOOLEAN'){alone} "
        f"THEN [{column} ->> {path}] ELSE {every} END)"
    )


def first(name: str) -> str:
    """The column of the first text of the list *name*."""
    return f"{name}_first"


def columns_of(field: str) -> tuple[str, ...]:
    """The members of an event that *field* may begin at."""
    if field == WHOLE:
        return ()
    return (field.split(".", maxsplit=1)[0], field) if "." in field else (field,)


def _paths(column: str, rest: list[str]) -> Iterator[tuple[str, str, bool]]:
    """Each path from *column* on, with and without a list at every step, and whether there is one."""
    if len(rest) > _DEEPEST:
        yield column, "$" + "".join(f".{member(part)}" for part in rest), False
        return
    for stars in product(("", "[*]"), repeat=len(rest) + 1):
        path = "$" + stars[0] + "".join(f".{member(p)}{s}" for p, s in zip(rest, stars[1:], strict=True))
        yield column, path, any(stars)


def member(name: str) -> str:
    """*name* as a step of a JSON path."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def quoted(name: str) -> str:
    """*name* as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """*text* as a string."""
    return "'" + text.replace("'", "''") + "'"
