"""Sigma rules that somebody brings along, for what is not evidence: read by pySigma, run over the logs as they are.

pySigma is LGPL and comes with the extra `watchword[sigma]`; without it rules are refused with that remedy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec

from watchword.core.errors import Invalid
from watchword.core.finding import Severity
from watchword.watch.providers import Provider
from watchword.watch.shapes import page_names
from watchword.watch.sigma_lines import are_events, as_lines
from watchword.watch.sigma_members import first, first_looked_up, in_pairs, looked_up
from watchword.watch.sigma_names import ALWAYS_HAVE_THEIR_KEY, about_of, places
from watchword.watch.signals import Hit
from watchword.watch.unpacking import BOUNDED, Unpacking, compression_of, is_bounded

if TYPE_CHECKING:
    from sigma.rule import SigmaRule as Parsed

_LEVELS: dict[str, Severity] = {
    "informational": "info",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "critical": "critical",
}

_PROVIDERS = {
    ("okta", None): "okta",
    ("azure", None): "entra",
    ("m365", None): "entra",
    ("windows", "security"): "windows",
    ("gcp", "google_workspace.admin"): "google",
    ("google_workspace", None): "google",
    ("aws", "cloudtrail"): "cloudtrail",
    ("github", "audit"): "github",
    ("duo", None): "duo",
    ("keycloak", None): "keycloak",
}
"""Whose log a Sigma log source is, by product and service; a service of None is any."""

_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")
_LINES = (
    "SELECT json FROM read_csv($file, columns = {'json': 'VARCHAR'}, auto_detect = false, header = false, "
    "delim = '\x1f', quote = '', escape = '', comment = '', new_line = '\\n', strict_mode = false, "
    "max_line_size = 16777216, buffer_size = 33554432, compression = $compression) WHERE json IS NOT NULL"
)
"""Lines as they are, parsed once, by whoever looks for members; \\x1f is in no JSON. One that is none is an error."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One Sigma rule that can be run; *provider* is whose log it is about, None for anybody's."""

    name: str
    title: str
    severity: Severity
    attack: tuple[str, ...]
    provider: str | None
    file: Path
    conditions: tuple[Any, ...]


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that is not run, and why."""

    file: Path
    title: str
    why: str


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder of rules holds: those that run, and those that do not."""

    rules: tuple[Rule, ...]
    left_out: tuple[LeftOut, ...]


def read_rules(folder: Path) -> Rules:
    """Every Sigma rule under *folder* (or the one file); what can not be run is named, and stops nothing.

    `Invalid` where pySigma is not installed, or nothing is there.
    """
    try:
        from sigma.collection import SigmaCollection
        from sigma.correlations import SigmaCorrelationRule
        from sigma.exceptions import SigmaError
    except ImportError as error:
        raise Invalid("Sigma rules need pySigma.", "Install watchword[sigma].", where=str(folder)) from error
    import yaml

    files = [folder] if folder.is_file() else sorted((*folder.rglob("*.yml"), *folder.rglob("*.yaml")))
    if not files:
        raise Invalid("There are no Sigma rules.", "Name a folder with .yml files.", where=str(folder))
    rules: list[Rule] = []
    left: list[LeftOut] = []
    for file in files:
        try:
            found = SigmaCollection.from_yaml(file.read_text(encoding="utf-8"), collect_errors=False)
        except (
            SigmaError,
            yaml.YAMLError,
            OSError,
            UnicodeDecodeError,
            AttributeError,
            TypeError,
            ValueError,
        ) as error:
            left.append(LeftOut(file=file, title=file.stem, why=f"it is no Sigma rule: {_first(error)}"))
            continue
        for parsed in found.rules:
            if isinstance(parsed, SigmaCorrelationRule):
                left.append(LeftOut(file=file, title=parsed.title, why="it is a correlation"))
                continue
            made = _rule(parsed, file)
            (rules if isinstance(made, Rule) else left).append(made)  # type: ignore[arg-type]
    return Rules(rules=tuple(rules), left_out=tuple(left))


def _rule(parsed: Parsed, file: Path) -> Rule | LeftOut:
    from sigma.exceptions import SigmaError

    from watchword.watch.sigma_sql import Compiler, Unsupported

    try:
        conditions = tuple(condition.parsed for condition in parsed.detection.parsed_condition)
        for condition in conditions:
            Compiler().condition(condition)
    except (SigmaError, Unsupported) as error:
        return LeftOut(file=file, title=parsed.title, why=f"it asks for {_first(error)}")
    source = parsed.logsource
    provider = None
    if source.product is not None:
        product, service = source.product.lower(), (source.service or "").lower()
        provider = _PROVIDERS.get((product, service)) or _PROVIDERS.get((product, None))
        if provider is None:
            return LeftOut(file=file, title=parsed.title, why=f"no log here is of {product} {service}".strip())
    names = (tag.name.upper() for tag in parsed.tags if tag.namespace == "attack")
    techniques = {name for name in names if _TECHNIQUE.fullmatch(name)}
    return Rule(
        name=f"sigma.{parsed.id or file.stem}",
        title=parsed.title,
        severity=_LEVELS.get(str(parsed.level or "medium").lower(), "medium"),
        attack=tuple(sorted(techniques)),
        provider=provider,
        file=file,
        conditions=conditions,
    )


def hits_in(
    file: Path,
    provider: Provider,
    rules: Iterable[Rule],
    *,
    memory: str = "512MB",
    threads: int = 2,
    unpacking: Unpacking = BOUNDED,
) -> tuple[Hit, ...]:
    """What *rules* find in the events of *file*, by time; those about another provider's log are not run.

    What is neither an event nor JSON finds nothing, and no more is read of a compressed file than there is, or than it
    may unpack to. `Invalid` where a rule's regular expression is none to DuckDB.
    """
    mine = [rule for rule in rules if rule.provider in {None, provider.name}]
    if not mine or not is_bounded(file, unpacking):
        return ()
    with duckdb.connect(config={"memory_limit": memory, "threads": threads}) as con:
        con.execute("SET TimeZone = 'UTC'")

        def found(lines: Path, *, are_own: bool) -> tuple[Hit, ...]:
            query, values = _query(mine, provider, are_own=are_own)
            asked = {"file": str(lines), "compression": compression_of(lines) or "none", **values}
            rows = con.execute(query, asked).fetchall()
            told = iter(_told(con, provider, [line for *_, line in rows if line is not None]))
            hits = []
            for numbers, *about, line in rows:
                names = about if line is None else next(told)
                hits += [_hit(mine[number], *names) for number in numbers]
            return tuple(sorted(hits, key=lambda hit: (hit.at, hit.signal, hit.id)))

        try:
            if are_events(file, provider):
                with suppress(duckdb.Error):  # some line is no such event or no JSON, or the file is damaged
                    return found(file, are_own=True)
            with as_lines(file, provider, unpacking) as lines:
                return found(lines, are_own=False)
        except duckdb.Error as error:
            raise Invalid(
                f"A Sigma rule can not be run: {str(error).splitlines()[0]}", "Leave it out.", where=str(file)
            ) from error


def _query(rules: list[Rule], provider: Provider, *, are_own: bool) -> tuple[str, dict[str, str | float]]:
    """One pass over the file for all *rules*: of each line the members they name, of a hit also who, whom and when.

    Its last column is the line of a hit that has to be looked at more closely for that, by `_told`. Where all lines
    *are_own* of the provider, one that is not is an error, as far as a member tells that.
    """
    from watchword.watch.sigma_sql import Compiler

    compiler = Compiler()
    conditions = [in_pairs((compiler.condition(c) for c in rule.conditions), "OR") for rule in rules]
    fields = {name: places(field, provider) for field, name in compiler.fields.items()}
    about = about_of(provider)
    other = ""
    if are_own:
        always = provider.name in ALWAYS_HAVE_THEIR_KEY
        fields["own"] = (provider.type_key,) if always else page_names(provider)
        is_other = f"{first('own')} IS {'' if always else 'NOT '}NULL"
        other = f"WHEN {is_other} THEN error('an event in another form') "
    tests = ", ".join(f"{condition} AS is_{number}" for number, condition in enumerate(conditions))
    found = ", ".join(f"CASE WHEN is_{number} THEN {number} END" for number in range(len(rules)))
    any_found = in_pairs((f"is_{number}" for number in range(len(rules))), "OR")
    query = (
        f"WITH log AS ({_LINES}), "
        f"field AS ({looked_up('log', 'json', fields)}), "
        f"judged AS (SELECT json, {tests}{', own_first' if other else ''} FROM field), "
        # No filter: one would be pushed below what it asks for, which would be worked out twice.
        "hit AS (SELECT json, unnest("
        f"CASE {other}WHEN {any_found} THEN [list_filter([{found}], lambda n: n IS NOT NULL)] END) AS found "
        "FROM judged), "
        f"told AS ({first_looked_up('hit', 'json, found', about.places)}) "
        f"SELECT found, {about.first}, CASE WHEN unsure THEN json END FROM told"
    )
    return query, compiler.values


def _told(con: duckdb.DuckDBPyConnection, provider: Provider, lines: list[str]) -> list[tuple[str | None, ...]]:
    """Who, whom and when of *lines*, in order, whatever lists they have."""
    if not lines:
        return []
    about = about_of(provider)
    query = (
        "WITH line AS (SELECT unnest($lines) AS json, generate_subscripts($lines, 1) AS number), "
        f"told AS ({looked_up('line', 'json, number', about.places)}) SELECT {about.first} FROM told ORDER BY number"
    )
    return con.execute(query, {"lines": lines}).fetchall()


def _hit(rule: Rule, id_: str | None, time: str | None, actor: str | None, target: str | None) -> Hit:
    return Hit(
        signal=rule.name,
        title=rule.title,
        severity=rule.severity,
        event=id_,
        target=target or "",
        actor=actor or "",
        at=_time(time),
        says="Sigma: {title}",
        facts=(("title", rule.title),),
        attack=rule.attack,
        origin="sigma",
    )


def _time(text: str | None) -> datetime:
    """A time as logs write it, text or a number of s, ms or µs; the epoch for what is none."""
    try:
        number = float(text or "")
        return datetime.fromtimestamp(number / 1000 ** (0 if number < 1e11 else 1 if number < 1e14 else 2), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        at = datetime.fromisoformat(text or "")
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter: in UTC it would be before year 1, or after 9999
        return datetime.fromtimestamp(0, UTC)


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
