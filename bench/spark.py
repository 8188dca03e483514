"""The watch on Spark against Spark's own JSON reader, like against like; and beside DuckDB alone.

*Parse*: the non-null count of every column that our SQL reads, as deep as they go: by DuckDB in Spark's tasks, by
Spark's own reader, by DuckDB alone. *Whole*: log and evidence to verdicts, by the watch on Spark, by Spark's own reader
and Spark's own SQL (`spark_sql.sql`, which leaves out much that ours looks for), by the watch alone. All counts and all
verdicts have to be equal. One process and one Spark with two executors for all of them, each warmed by the same small
log, in turn; medians. `python -m bench.spark [--sizes 300,3000] [--master MASTER] [--folder DIR]` exits 1 on a missed
target, or where they do not agree.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from bench.samples import Made, made
from watchword.core.identity_event import SUPPORT
from watchword.watch.engine import Engine
from watchword.watch.providers import OKTA, Feed
from watchword.watch.reading import source
from watchword.watch.spark import SparkEngine
from watchword.watch.spark.session import session
from watchword.watch.spark.splits import Split, opened, splits_of
from watchword.watch.spark.tasks import settle
from watchword.watch.verdicts import Report

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EXECUTORS = 2
MASTER = f"local-cluster[{EXECUTORS},1,1024]"
WARM, WARMED = 10, 4
"""Megabytes of the small log, and how often each measure has it first."""
SPLIT = 160_000_000
"""The most bytes of one task, of ours and of Spark's own reader."""
AGAINST_READER = 3.0
"""The target: at least this many times the speed of Spark's own reader."""

Counts = tuple[int, ...]
Verdicts = frozenset[tuple[str, str]]
"""The id of each event and its verdict."""


# -- parse


def leaves(columns: tuple[tuple[str, str], ...], above: str = "") -> Iterator[tuple[str, bool]]:
    """The path of every member that holds a value, and whether it is a list."""
    for name, kind in columns:
        path = f'{above}"{name}"'
        if kind.startswith("STRUCT(") and kind.endswith(")"):
            yield from leaves(tuple(members(kind.removeprefix("STRUCT(").removesuffix(")"))), f"{path}.")
        else:
            yield path, kind.endswith("[]")


def members(text: str) -> list[tuple[str, str]]:
    """The members of a STRUCT and their types."""
    parts, depth, begun = list[str](), 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[begun:place])
            begun = place + 1
    found = [part.strip().split(" ", 1) for part in (*parts, text[begun:])]
    return [(name.strip('"'), of.strip()) for name, of in found]


LEAVES = tuple(leaves(OKTA.columns))
COUNTED = ", ".join(
    f"coalesce(sum(len({path})), 0)::BIGINT" if is_list else f"count({path})" for path, is_list in LEAVES
)
COUNT = f"SELECT {COUNTED} FROM ({source(OKTA)})"


def count_in(batches: Iterator[pa.RecordBatch], splits: tuple[Split, ...]) -> Iterator[pa.RecordBatch]:
    """A task: DuckDB's counts in each of the *splits* that are numbered."""
    settle()
    for numbers in batches:
        for number in numbers.column(0).to_pylist():
            with opened(splits[number]) as log, duckdb.connect(config={"threads": 1}) as con:
                row = con.execute(COUNT, {"file": str(log.path), "compression": "none"}).fetchone()
            yield pa.RecordBatch.from_pydict(
                {"counts": [list(row or ())]}, pa.schema([("counts", pa.list_(pa.int64()))])
            )


def parse_in_tasks(spark: SparkSession, sample: Made) -> Counts:
    """DuckDB parses in Spark's tasks."""
    rounds = -(-sample.size // (SPLIT * EXECUTORS))
    splits = splits_of(sample.log, OKTA, feed=0, file=0, size=sample.size // (rounds * EXECUTORS) + 1)
    numbers = spark.range(0, len(splits), 1, len(splits))
    rows = numbers.mapInArrow(partial(count_in, splits=splits), "counts array<bigint>").collect()
    return tuple(map(sum, zip(*(row.counts for row in rows), strict=True)))


def parse_by_spark(spark: SparkSession, sample: Made) -> Counts:
    """Spark's own reader parses the same; it has no column to leave out, and no condition to skip a line by."""
    _own(spark)
    counted = (f"coalesce(sum(size({path})), 0)" if is_list else f"count({path})" for path, is_list in LEAVES)
    frame = spark.read.schema(schema()).json(str(sample.log))
    return tuple(frame.selectExpr(*(text.replace('"', "`") for text in counted)).first() or ())


def parse_alone(_: SparkSession, sample: Made) -> Counts:
    """DuckDB with two threads parses the same."""
    with duckdb.connect(config={"threads": EXECUTORS}) as con:
        return con.execute(COUNT, {"file": str(sample.log), "compression": "none"}).fetchone() or ()


def schema() -> str:
    """The columns that our SQL reads, as Spark writes types."""
    return ", ".join(f"`{name}` {_type(kind)}" for name, kind in OKTA.columns)


def _type(kind: str) -> str:
    """DuckDB's name of a type as Spark has it; a member that our SQL takes as JSON is text to Spark, unparsed."""
    if kind.endswith("[]"):
        return f"array<{_type(kind.removesuffix('[]'))}>"
    if kind.startswith("STRUCT("):
        inner = members(kind.removeprefix("STRUCT(").removesuffix(")"))
        return f"struct<{', '.join(f'`{name}`: {_type(of)}' for name, of in inner)}>"
    return {"VARCHAR": "string", "JSON": "string", "BIGINT": "bigint", "INTEGER": "int", "BOOLEAN": "boolean"}[kind]


def _own(spark: SparkSession) -> None:
    """Spark's own settings, but for parts and partitions that two cores share evenly."""
    spark.conf.set("spark.sql.adaptive.enabled", "true")
    spark.conf.set("spark.sql.files.maxPartitionBytes", str(SPLIT))
    spark.conf.set("spark.sql.shuffle.partitions", str(EXECUTORS))


# -- whole


def whole_on_spark(_: SparkSession, sample: Made) -> Verdicts:
    """The watch on Spark: whole."""
    engine = SparkEngine(master="the session's")
    return _told(engine.judge((Feed(provider=OKTA, files=(sample.log,)),), sample.evidence))


def whole_by_spark(spark: SparkSession, sample: Made) -> Verdicts:
    """Spark reads, folds, matches and judges by itself."""
    _own(spark)
    spark.read.schema(schema()).json(str(sample.log)).createOrReplaceTempView("log")
    spark.read.parquet(str(sample.evidence)).selectExpr(
        "*", "xxhash64(case, change, native_id, opened_leaf, started_leaf, outcome_leaf) AS evidence"
    ).selectExpr(
        "* EXCEPT (target_keys, principal_keys)",
        "transform(target_keys, k -> lower(k)) AS target_keys",
        "transform(principal_keys, k -> lower(k)) AS principal_keys",
    ).createOrReplaceTempView("evidence")
    catalogue = [row for row in _rows(OKTA.catalogue) if row["canonical"] and not row["ignored"]]
    _view(spark, "catalogue", [(row["native"], row["canonical"], row["by_owner"]) for row in catalogue],
          "native string, canonical string, by_owner string")  # fmt: skip
    kinds = _rows(OKTA.catalogue.parents[1] / "sql" / "actions.csv")
    _view(spark, "kind", [(row["action"], row["family"], int(row["rank"]), row["action"] in SUPPORT) for row in kinds],
          "action string, family string, rank int, support boolean")  # fmt: skip
    natives = ", ".join("'{}'".format(row["native"]) for row in catalogue)
    lag = f"INTERVAL {OKTA.lag.total_seconds():.0f} SECONDS"
    text = (Path(__file__).parent / "spark_sql.sql").read_text(encoding="utf-8").format(natives=natives, lag=lag)
    *steps, last = (step.split("\n", 1) for step in text.split("-- step: ")[1:])
    kept = [spark.table("evidence").cache()]
    for name, query in steps:
        kept.append(spark.sql(query).cache())
        kept[-1].createOrReplaceTempView(name)
    rows = spark.sql(last[1]).collect()
    for frame in kept:
        frame.unpersist()
    return frozenset((row.id, row.verdict) for row in rows)


def whole_alone(_: SparkSession, sample: Made) -> Verdicts:
    """The watch with two threads, without Spark."""
    return _told(Engine(threads=EXECUTORS).judge((Feed(provider=OKTA, files=(sample.log,)),), sample.evidence))


def _told(report: Report) -> Verdicts:
    return frozenset((row.id, row.verdict.value) for row in report.verdicts)


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _view(spark: SparkSession, name: str, rows: list[tuple[Any, ...]], kind: str) -> None:
    spark.createDataFrame(rows, kind).createOrReplaceTempView(name)


# -- measuring

Measure = Callable[["SparkSession", Made], Counts | Verdicts]
MEASURES: dict[str, tuple[tuple[str, Measure], ...]] = {
    "parse": (
        ("DuckDB in Spark's tasks", parse_in_tasks),
        ("Spark's own reader", parse_by_spark),
        ("DuckDB alone", parse_alone),
    ),
    "whole": (
        ("the watch on Spark", whole_on_spark),
        ("Spark's own reader and SQL", whole_by_spark),
        ("the watch alone", whole_alone),
    ),
}


@contextmanager
def spark_at(master: str) -> Iterator[SparkSession]:
    """A session; executors that are processes of their own come from PySpark's package, and leave nothing there."""
    package = find_spec("pyspark")
    home = None if package is None or package.origin is None else Path(package.origin).parent
    if home is not None:
        os.environ["SPARK_HOME"] = str(home)
    with session(master) as spark:
        yield spark
    if home is not None:
        shutil.rmtree(home / "work", ignore_errors=True)


def measured(spark: SparkSession, sample: Made, rounds: int) -> tuple[dict[str, dict[str, float]], tuple[str, ...]]:
    """The median seconds of each measure, and what two of them did not agree on."""
    medians, differing = dict[str, dict[str, float]](), list[str]()
    for of, measures in MEASURES.items():
        seconds: dict[str, list[float]] = {name: [] for name, _ in measures}
        for _ in range(rounds):
            found = []
            for name, measure in measures:
                begun = time.perf_counter()
                found.append(measure(spark, sample))
                seconds[name].append(time.perf_counter() - begun)
            differing += [f"{of}: {name}" for (name, _), one in zip(measures, found, strict=True) if one != found[0]]
        medians[of] = {name: statistics.median(times) for name, times in seconds.items()}
    return medians, tuple(dict.fromkeys(differing))


def told(console: Console, sample: Made, medians: dict[str, dict[str, float]], master: str, rounds: int) -> bool:
    """Print the table of one size; whether the target is met, parse against parse and whole against whole."""
    table = Table(
        title=f"{sample.size / 1e6:,.0f} MB, {sample.events:,} events, {sample.rows:,} rows of evidence, {master}, "
        f"median of {rounds}"
    )
    table.add_column("measure")
    for heading in ("seconds", "MB/s", "events/s", "ours on Spark against it", "target"):
        table.add_column(heading, justify="right")
    is_met = True
    for of, times in medians.items():
        ours, reader, _ = times.values()
        is_met &= reader / ours >= AGAINST_READER
        for number, (name, seconds) in enumerate(times.items()):
            speed = (f"{seconds:.2f}", f"{sample.size / 1e6 / seconds:,.0f}", f"{sample.events / seconds:,.0f}")
            ratio = f"{seconds / ours:.2f}" if number else ""
            table.add_row(f"{of}: {name}", *speed, ratio, f">= {AGAINST_READER:.0f}" if number == 1 else "")
    console.print(table)
    return is_met


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="300", help="MB, the smallest first")
    parser.add_argument("--master", default=MASTER)
    parser.add_argument("--folder", type=Path, help="where logs are made and stay; else in one that goes")
    parser.add_argument("--rounds", type=int, help="of each size; else 5, and 3 above a gigabyte")
    given = parser.parse_args()
    console, is_met = Console(width=120), True
    with tempfile.TemporaryDirectory(prefix="watchword-bench-") as own, spark_at(given.master) as spark:
        folder = given.folder or Path(own)
        warm = made(folder, WARM, 5000)
        for _ in range(WARMED):
            for measures in MEASURES.values():
                for _, measure in measures:
                    measure(spark, warm)
        for megabytes in map(int, given.sizes.split(",")):
            sample = made(folder, megabytes, 5000 if megabytes < 1000 else 50_000)
            rounds = given.rounds or (5 if megabytes <= 1000 else 3)
            medians, differing = measured(spark, sample, rounds)
            is_met &= told(console, sample, medians, given.master, rounds) and not differing
            for each in differing:
                console.print(f"[bold]not equal[/bold]: {each}")
    console.print("targets met" if is_met else "[bold]a target is missed[/bold]")
    return 0 if is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())
