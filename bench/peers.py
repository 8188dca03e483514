"""The same Sigma rules by us and by those who run such rules, over the same log, with equal hits.

`python -m bench.peers [megabytes]`. Eight rules of our own over Okta's System Log that all can say, each written once
as Sigma and once as Panther has it. Time is from the file to the hits; reading rules comes before. A peer runs in a
process of its own, and Panther's core in an environment made for this run: it is AGPL, and nothing of ours imports it.
Lines are read by orjson for each of them; of five rounds each, by turns, the best counts. SQLite gets every member of a
line as a column, as it has to where rules come later; and, a second time, only those that these rules name. Zircolite
is in no package registry: it is not measured, and nothing is said of it. Exits 1 on a missed target, or where hits
differ.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import msgspec
import orjson
from rich.console import Console
from rich.table import Table

from bench.samples import made
from watchword.watch.providers import OKTA
from watchword.watch.sigma import hits_in, read_rules

AT_LEAST = 10
PANTHER = "0.16.3"
_ROUNDS = 5

RULES = {
    "a password reset": (
        "sel: {eventType: user.account.reset_password}",
        "kind == 'user.account.reset_password'",
    ),
    "factors taken off": (
        "sel: {eventType: [user.mfa.factor.deactivate, user.mfa.factor.reset_all]}",
        "kind in ('user.mfa.factor.deactivate', 'user.mfa.factor.reset_all')",
    ),
    "an unlock, by a desk agent": (
        "sel: {eventType: user.account.unlock_by_admin, actor.alternateId: agent@example.test}",
        "kind == 'user.account.unlock_by_admin' and said('actor', 'alternateId') == 'agent@example.test'",
    ),
    "an account changed, and not by the desk": (
        "sel: {eventType|startswith: user.account.}\n  bad: {actor.alternateId: executor@example.test}",
        "kind.startswith('user.account.') and said('actor', 'alternateId') != 'executor@example.test'",
    ),
    "a token made": (
        "sel: {eventType|contains: api_token}",
        "'api_token' in kind",
    ),
    "a privilege given from the office": (
        "sel: {eventType|endswith: privilege.grant, client.geographicalContext.country: Netherlands}",
        "kind.endswith('privilege.grant') and said('client', 'geographicalContext', 'country') == 'Netherlands'",
    ),
    "a factor reset that says which": (
        "sel: {outcome.reason|contains: User reset, outcome.result: SUCCESS}",
        "'User reset' in (said('outcome', 'reason') or '') and said('outcome', 'result') == 'SUCCESS'",
    ),
    "a sign-in that failed": (
        "sel: {eventType|re: '^user\\.(session\\.start|authentication\\..*)$', outcome.result: FAILURE}",
        (
            r"said('outcome', 'result') == 'FAILURE' and "
            r"bool(re.search(r'^user\.(session\.start|authentication\..*)$', kind))"
        ),
    ),
}
"""Each rule: its Sigma detection, and what Panther's function returns."""

COLUMNS = (
    "uuid", "eventType", "actor.alternateId", "client.geographicalContext.country", "outcome.reason", "outcome.result",
)  # fmt: skip


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One measure: seconds from file to hits, how many hits, and the digest of which rule found what."""

    seconds: float
    hits: int
    digest: str


def run_of(begun: float, hits: Iterable[tuple[str, str]]) -> Run:
    """What began at *begun* found *hits*, each a rule's name and an event's id."""
    seconds = time.perf_counter() - begun
    found = sorted(set(hits))
    return Run(seconds=seconds, hits=len(found), digest=hashlib.sha256(json.dumps(found).encode()).hexdigest())


def sigma(name: str) -> str:
    """The rule *name* as a Sigma file."""
    detection = RULES[name][0]
    condition = "sel and not bad" if "bad:" in detection else "sel"
    return f"title: {name}\nlogsource: {{product: okta}}\ndetection:\n  {detection}\n  condition: {condition}\n"


def ours(log: Path, folder: Path) -> Run:
    """By us, with two threads."""
    for number, name in enumerate(RULES):
        (folder / f"{number}.yml").write_text(sigma(name))
    read = read_rules(folder)
    begun = time.perf_counter()
    hits = hits_in(log, OKTA, read.rules)
    return run_of(begun, ((hit.title, hit.event or "") for hit in hits))


def sqlite(log: Path, _: Path) -> Run:
    """By pySigma's SQLite backend, in memory, with every member of a line."""
    with log.open("rb") as lines:
        names = sorted(
            {name for line, _ in zip(lines, range(2000), strict=False) for name, _ in flat(orjson.loads(line))}
        )
    return _sqlite(log, tuple(names))


def sqlite_named(log: Path, _: Path) -> Run:
    """The same with the members alone that the rules name."""
    return _sqlite(log, COLUMNS)


def _sqlite(log: Path, names: tuple[str, ...]) -> Run:
    from sigma.backends.sqlite.sqlite import sqliteBackend
    from sigma.collection import SigmaCollection

    backend = sqliteBackend(collate_nocase=False)  # type: ignore[no-untyped-call]
    queries = {name: backend.convert(SigmaCollection.from_yaml(sigma(name)))[0] for name in RULES}
    begun = time.perf_counter()
    con = sqlite3.connect(":memory:")
    con.create_function("REGEXP", 2, lambda regex, text: text is not None and re.search(regex, str(text)) is not None)
    columns = ", ".join(f'"{name}" COLLATE NOCASE' for name in names)
    con.execute(f"CREATE TABLE logs ({columns})")
    with log.open("rb") as lines:
        events = map(orjson.loads, lines)
        if names is COLUMNS:
            rows = (tuple(_at(event, name) for name in names) for event in events)
        else:
            rows = (tuple(map(dict(flat(event)).get, names)) for event in events)
        con.executemany(f"INSERT INTO logs VALUES ({', '.join('?' * len(names))})", rows)
    hits = []
    for name, query in queries.items():
        hits += [(name, str(row[0])) for row in con.execute(query.replace("SELECT *", "SELECT uuid", 1))]
    return run_of(begun, hits)


def flat(value: dict[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """Each member of *value* by its path; a list as text."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from flat(inner, f"{before}{name}.")
        else:
            yield before + name, orjson.dumps(inner).decode() if isinstance(inner, list) else inner


def _at(event: object, path: str) -> object:
    for name in path.split("."):
        event = event.get(name) if isinstance(event, dict) else None
    return event


_BODY = """
import re
def rule(event):
    kind, said = event.get("eventType", ""), event.deep_get
    return {}
"""

_PANTHER = """
import json, sys, time
import orjson
from panther_core.enriched_event import PantherEvent
from panther_core.rule import Rule
rules = {
    name: Rule({"id": f"rule.{number}", "versionId": "1", "body": body})
    for number, (name, body) in enumerate(json.loads(sys.argv[2]).items())
}
begun = time.perf_counter()
hits, failed = [], 0
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        event = PantherEvent(orjson.loads(line))
        for name, rule in rules.items():
            result = rule.run(event, {}, {})
            failed += result.errored
            if result.trigger_alert:
                hits.append((name, event["uuid"]))
print(json.dumps({"seconds": time.perf_counter() - begun, "hits": hits, "failed": failed}))
"""


def panther(log: Path, folder: Path) -> Run:
    """By Panther's core, in an environment of its own in *folder*."""
    python = folder / "panther" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "panther")], check=True)
        # It imports dateutil and jmespath, which it does not ask for.
        wanted = [f"panther-core=={PANTHER}", "python-dateutil", "jmespath", f"orjson=={version('orjson')}"]
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
        subprocess.run(pip, check=True)
    bodies = json.dumps({name: _BODY.format(returned) for name, (_, returned) in RULES.items()})
    command = [str(python), "-c", _PANTHER, str(log), bodies]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=clean | {"DISABLE_DETECTION_OUTPUT": "1"})
    said = json.loads(done.stdout)
    if said["failed"]:
        raise SystemExit(f"Panther's core failed {said['failed']} times.")
    found = run_of(0, ((name, event) for name, event in said["hits"]))
    return msgspec.structs.replace(found, seconds=said["seconds"])


MEASURES: dict[str, Callable[[Path, Path], Run]] = {
    "ours": ours,
    "sqlite": sqlite,
    "named": sqlite_named,
    "panther": panther,
}
_NAMES = {
    "ours": "Watchword's Sigma import, 2 threads",
    "sqlite": f"pySigma {version('pysigma')}, SQLite backend {version('pysigma-backend-sqlite')}",
    "named": "the same, with the members alone that these rules name",
    "panther": f"panther-core {PANTHER}",
}


def main(megabytes: int) -> int:
    console = Console(width=110)
    with tempfile.TemporaryDirectory(prefix="watchword-bench-") as name:
        folder = Path(name)
        sample = made(folder, megabytes, 0)
        size = sample.size / 1e6
        rounds: dict[str, list[Run]] = {which: [] for which in MEASURES}
        for which in MEASURES:
            (folder / which).mkdir()
        # By turns, as a machine differs from minute to minute, and as often for each.
        for _ in range(_ROUNDS):
            for which, done in rounds.items():
                command = [sys.executable, "-m", "bench.peers", "--child", which, str(sample.log), str(folder / which)]
                said = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
                done.append(msgspec.json.decode(said, type=Run))
        runs = {which: min(done, key=lambda run: run.seconds) for which, done in rounds.items()}
    table = Table(title=f"{len(RULES)} Sigma rules over {size:,.0f} MB, {sample.events:,} events")
    table.add_column("who")
    for heading in ("seconds", "events/s", "hits", "ours / it", "target"):
        table.add_column(heading, justify="right", no_wrap=True)
    is_met = True
    for which, run in runs.items():
        ratio = run.seconds / runs["ours"].seconds
        is_equal = run.digest == runs["ours"].digest
        is_free = which in {"ours", "named"}
        is_met = is_met and is_equal and (is_free or ratio >= AT_LEAST)
        words = "" if is_free else f">= {AT_LEAST}: {'met' if ratio >= AT_LEAST else 'missed'}"
        same = f"{run.hits:,}" if is_equal else f"{run.hits:,}: not the same"
        table.add_row(
            _NAMES[which], f"{run.seconds:.3f}", f"{sample.events / run.seconds:,.0f}", same, f"{ratio:.1f}", words
        )
    console.print(table)
    console.print("Zircolite is in no package registry, and was not measured.")
    console.print("targets met" if is_met else "[bold]a target is missed[/bold]")
    return 0 if is_met else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(msgspec.json.encode(MEASURES[sys.argv[2]](Path(sys.argv[3]), Path(sys.argv[4]))).decode())
    else:
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
