"""What a log says of sign-ins, and of events as they were read: rows of the watch's own tables."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from watchword.watch import correlation
from watchword.watch.meter import Meter
from watchword.watch.providers import Feed, provider_named
from watchword.watch.reading import read_log
from watchword.watch.sieve import Tally


def rows(folder: Path, provider: str, lines: list[dict[str, Any]], query: str) -> list[tuple[Any, ...]]:
    """The rows that *query* gives once *lines* of *provider* are read and judged."""
    log = folder / "rows.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    feed = Feed(provider=provider_named(provider))
    with correlation.connected("256MB", 1) as con:
        correlation.set_up(con, [feed.provider], timedelta(seconds=120))
        correlation.read_evidence(con, None)
        read_log(con, feed, log, Tally(), lambda *_: None, Meter(tell=None, size=0))
        correlation.judge(con)
        return con.execute(query).fetchall()


SIGN_INS = 'SELECT "target", done, address, country, asn, device, session, detail FROM sign_in ORDER BY "time", id'
