"""The engine for logs that one machine is not enough for: Spark's tasks run the same SQL, in DuckDB, on parts of them.

`splits` cuts files at line ends, `tasks` is what runs where the data is, `keys` says which records are judged together,
`engine` puts it together. PySpark comes with the extra `watchword[spark]`.
"""

from __future__ import annotations

from watchword.watch.spark.engine import SparkEngine

__all__ = ["SparkEngine"]
