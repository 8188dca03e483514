"""A Sigma condition, as pySigma parses it, as SQL over the values of JSON members.

Each field of a rule is texts: whatever its path leads to, through lists as well, so "is" means "any is". An absent
field has none, and its negation holds. Comparisons ignore case, as Sigma's do. Every value is bound.

pySigma's own DuckDB backend reads `a.b` as a column of that name; here it is a path, or a member so called.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from sigma import types as sigma
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.exceptions import SigmaError

from watchword.watch.sigma_members import WHOLE, first, in_pairs, lowered

_OPERATORS = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "NEQ": "<>"}
_WILD = {sigma.SpecialChars.WILDCARD_MULTI: "%", sigma.SpecialChars.WILDCARD_SINGLE: "_"}
_ANY = sigma.SpecialChars.WILDCARD_MULTI
_FLAGS = {"IGNORECASE": "i", "MULTILINE": "m", "DOTALL": "s"}
_PARTS = {"MINUTE": "minute", "HOUR": "hour", "DAY": "day", "WEEK": "week", "MONTH": "month", "YEAR": "year"}


_Part = str | sigma.SpecialChars | sigma.Placeholder


class Unsupported(Exception):
    """What of a rule has no SQL; the words say which."""


class Compiler:
    """Makes SQL of conditions; *fields* are the names of the columns it stands on, *values* what has to be bound."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.values: dict[str, str | float] = {}

    def condition(self, node: object) -> str:
        """A condition as SQL that is true or false, never NULL; `Unsupported` names what it can not say."""
        match node:
            case ConditionAND():
                # What takes long is asked where the rest holds, and only there.
                cheap, dear = ([part for part in node.args if _is_dear(part) is which] for which in (False, True))
                if not cheap or not dear:
                    return self._all(node.args, "AND")
                return f"(CASE WHEN {self._all(cheap, 'AND')} THEN {self._all(dear, 'AND')} ELSE false END)"
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
        return in_pairs([self.condition(part) for part in parts], word)

    def _test(self, field: str, value: object) -> str:
        match value:
            case sigma.SigmaExpansion():
                return self._all_values(field, value.values)
            case sigma.SigmaNull():
                return f"({first(self._field(field))} IS NULL)"
            case sigma.SigmaExists():
                return f"({first(self._field(field))} IS {'NOT ' if value.exists else ''}NULL)"
            case sigma.SigmaFieldReference():
                return self._same(field, value)
            case _:
                of = self._field(field)
                each = self._about(field, value, "v", "lower(v)")
                several = f"len(list_filter({of}, lambda v: coalesce({each}, false))) > 0"
                # Most often there is one value or none, which needs no list.
                alone = f"coalesce({self._about(field, value, first(of), lowered(of))}, false)"
                return f"(CASE WHEN {of} IS NULL THEN {alone} ELSE {several} END)"

    def _all_values(self, field: str, values: list[sigma.SigmaType]) -> str:
        made = [self._test(field, value) for value in values]
        return "(" + " OR ".join(made) + ")" if made else "false"

    def _same(self, field: str, other: sigma.SigmaFieldReference) -> str:
        mine, theirs = (_texts(self._field(each)) for each in (field, other.field))
        test = "lower(v) = lower(w)"
        if other.starts_with and other.ends_with:
            test = "contains(lower(v), lower(w))"
        elif other.starts_with:
            test = "starts_with(lower(v), lower(w))"
        elif other.ends_with:
            test = "ends_with(lower(v), lower(w))"
        return f"(len(list_filter({mine}, lambda v: len(list_filter({theirs}, lambda w: {test})) > 0)) > 0)"

    def _about(self, field: str, value: object, v: str, low: str) -> str:
        """SQL about *v*, one text of a field, and *low*, which is the same in lower case."""
        match value:
            case sigma.SigmaCasedString():
                return self._like(v, [*value.s], anywhere=field == WHOLE)
            case sigma.SigmaString():
                parts = [part.lower() if isinstance(part, str) else part for part in value.s]
                return self._like(low, parts, anywhere=field == WHOLE)
            case sigma.SigmaTimestampPart():
                part = _PARTS[value.timestamp_part.name]
                return f"extract({part} FROM try_cast({v} AS TIMESTAMPTZ)) = {self._bound(value.number)}"
            case sigma.SigmaNumber():
                if field == WHOLE:
                    return f"contains({v}, {self._bound(str(value.number))})"
                return f"try_cast({v} AS DOUBLE) = {self._bound(value.number)}"
            case sigma.SigmaBool():
                return f"{low} = {self._bound(str(value.boolean).lower())}"
            case sigma.SigmaRegularExpression():
                flags = "".join(sorted(_FLAGS[flag.name] for flag in value.flags))
                return f"regexp_matches({v}, {self._bound((f'(?{flags})' if flags else '') + str(value.regexp))})"
            case sigma.SigmaCompareExpression():
                operator = _OPERATORS[value.op.name]
                return f"try_cast({v} AS DOUBLE) {operator} {self._bound(value.number.number)}"
            case sigma.SigmaCIDRExpression():
                return self._within(value, v, low)
            case _:
                raise Unsupported(f"a value of kind {type(value).__name__}")

    def _like(self, v: str, parts: list[_Part], *, anywhere: bool) -> str:
        """SQL for whether *v* is as *parts* say, or, *anywhere*, has such within."""
        begin, end = 0, len(parts)
        while begin < end and parts[begin] is _ANY:
            begin += 1
        while begin < end and parts[end - 1] is _ANY:
            end -= 1
        ends, begins = (anywhere or begin > 0), (anywhere or end < len(parts))
        middle = parts[begin:end]
        if any(isinstance(part, sigma.SpecialChars) for part in middle):
            return f"{v} LIKE {self._bound(like(parts, anywhere=anywhere))} ESCAPE '!'"
        text = self._bound("".join(map(str, middle)))
        if not ends and not begins:
            return f"{v} = {text}"
        return f"{'contains' if ends and begins else 'ends_with' if ends else 'starts_with'}({v}, {text})"

    def _within(self, value: sigma.SigmaCIDRExpression, v: str, low: str) -> str:
        network = value.network
        if isinstance(network, ipaddress.IPv6Network):
            try:
                patterns = value.expand("*")
            except SigmaError as error:
                raise Unsupported(f"the network {value.cidr}") from error
            return "(" + " OR ".join(f"{low} GLOB {self._bound(p.lower())}" for p in patterns) + ")"
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


def like(parts: Iterable[_Part], *, anywhere: bool) -> str:
    """The parts of a Sigma string as a pattern of LIKE, escaped by `!`."""
    text = "".join(_WILD[part] if isinstance(part, sigma.SpecialChars) else _escaped(str(part)) for part in parts)
    return f"%{text}%" if anywhere else text


def _is_dear(node: object) -> bool:
    """Whether a condition has an expression, or looks at whole events."""
    if isinstance(node, ConditionValueExpression):
        return True
    if isinstance(node, ConditionFieldEqualsValueExpression):
        values = node.value.values if isinstance(node.value, sigma.SigmaExpansion) else [node.value]
        return any(isinstance(value, sigma.SigmaRegularExpression) for value in values)
    return any(_is_dear(part) for part in getattr(node, "args", ()))


def _texts(of: str) -> str:
    """SQL for the texts of a field as a list."""
    return f"CASE WHEN {of} IS NOT NULL THEN {of} WHEN {first(of)} IS NULL THEN [] ELSE [{first(of)}] END"


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
