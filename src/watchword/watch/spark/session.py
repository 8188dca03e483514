"""The Spark session of one run, and what has to be there for one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from watchword.core.errors import Unavailable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_BATCH = 8
"""Bodies that a task is given at once: each may be megabytes."""


def must_be_there() -> None:
    """`Unavailable` where PySpark or Java is missing, with what to install."""
    for name in ("pyspark", "pandas"):
        if find_spec(name) is None:
            raise Unavailable(f"There is no {name}.", "Install watchword[spark].")
    home = os.environ.get("JAVA_HOME")
    if not (shutil.which("java") or (home and shutil.which("java", path=f"{home}/bin"))):
        raise Unavailable(
            "There is no Java, which Spark runs on.",
            "Install Java 17 or 21 (Debian: openjdk-17-jre-headless), or set JAVA_HOME.",
        )


@contextmanager
def session(master: str) -> Iterator[SparkSession]:
    """A session on *master*; one that runs already in this process is used, and left running.

    `Unavailable` where none can be had.
    """
    must_be_there()
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    found = SparkSession.getActiveSession()
    if found is not None:
        yield _set(found)
        return
    builder = SparkSession.builder.master(master).appName("watchword")
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.driver.maxResultSize": "0",  # every verdict comes here, however many there are
    }
    if master.startswith("local"):
        # Tasks run on this machine: with this very Python, and no need of a name in the network.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        made = builder.getOrCreate()
    except (PySparkException, OSError, RuntimeError) as error:
        raise Unavailable(
            f"There is no Spark at {master}: {str(error).splitlines()[0]}", "Check --master, and that Java runs."
        ) from error
    try:
        yield _set(made)
    finally:
        made.stop()


def _set(spark: SparkSession) -> SparkSession:
    """What the plans of a run count on: partitions are ours to choose, and few rows are many bytes."""
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(_BATCH))
    return spark
