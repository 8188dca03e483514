"""What is loaded of the evidence for a log says of its events what the whole table would."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from watchword.core.errors import Invalid
from watchword.core.evidence import EvidenceRow
from watchword.watch import correlation
from watchword.watch.engine import Engine
from watchword.watch.meter import Meter
from watchword.watch.providers import OKTA, Feed
from watchword.watch.reading import read_log
from watchword.watch.sieve import Tally
from watchword.watch.unseen import unseen_changes

from .conftest import EXECUTOR, NOON, Okta

FAR = (
    timedelta(0), timedelta(hours=23), timedelta(hours=25), timedelta(days=-3), timedelta(days=-9), timedelta(days=40),
    timedelta(days=-400),
)  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_the_rows_of_a_log_say_what_all_rows_say(
    tmp_path: Path,
    okta: Okta,
    evidence: Callable[..., EvidenceRow],
    write_log: Callable[..., Path],
    write_evidence: Callable[..., Path],
    seed: int,
) -> None:
    """Rows near and far, without an end or a start, long open, and of an event's transaction though of another year."""
    chance = random.Random(seed)
    people = [f"00u{name}" for name in ("ana", "ben", "cem", "dua")]
    timeless: dict[str, Any] = {"published": "no time"}
    events = [
        okta(
            chance.choice(("user.account.reset_password", "user.mfa.factor.deactivate", "user.session.clear")),
            actor=chance.choice((EXECUTOR, "00uhelen", people[0])),
            target=chance.choice(people),
            at=NOON + timedelta(minutes=chance.randrange(600)),
            transaction={"id": f"t-{chance.randrange(8)}"},
            **(timeless if chance.random() < 0.05 else {}),
        )
        for _ in range(40)
    ]
    rows = []
    for number in range(30):
        who = chance.choice(people)
        started = NOON + chance.choice(FAR) + timedelta(minutes=chance.randrange(600))
        ended: Any = chance.choice((started + timedelta(seconds=5), started + timedelta(days=5), None))
        rows.append(
            evidence(
                who,
                case=f"c-{number}",
                change=f"reset-{number}",
                target_keys=(who, f"{who}@example.test"),
                account_class=chance.choice(("standard", "privileged")),
                transaction=chance.choice((None, f"t-{chance.randrange(8)}")),
                started=chance.choice((started, started, None)),
                ended=ended,
                expires=started + chance.choice((timedelta(minutes=30), timedelta(days=12))),
                principal_keys=chance.choice(((EXECUTOR,), ("00uhelen",))),
            )
        )
    log, table = write_log(tmp_path / "log", events), write_evidence(tmp_path / "evidence.parquet", rows)

    report = Engine().classify("okta", (log,), table)
    con = correlation.connect("512MB", 2)
    correlation.set_up(con, [OKTA])
    correlation.read_evidence(con, table)
    read_log(con, Feed(provider=OKTA), log, Tally(), lambda *_: None, Meter(tell=None, size=0))
    whole = correlation.judge(con)

    assert report.verdicts == whole
    assert report.unseen == unseen_changes(con)


def test_only_rows_of_the_time_are_loaded(
    tmp_path: Path,
    okta: Okta,
    evidence: Callable[..., EvidenceRow],
    write_log: Callable[..., Path],
    write_evidence: Callable[..., Path],
) -> None:
    """History stays in the file, and its accounts and principals are known all the same."""
    old = evidence("00uold", case="c-old", started=NOON - timedelta(days=90), ended=NOON - timedelta(days=90),
                   expires=NOON - timedelta(days=89), principal_keys=("00uformer",), transaction=None)  # fmt: skip
    table = write_evidence(tmp_path / "evidence.parquet", [old, evidence("00uana")])
    con = correlation.connect("512MB", 2)
    correlation.set_up(con, [OKTA])
    correlation.open_evidence(con, table)
    log = write_log(tmp_path / "log", [okta()])
    read_log(con, Feed(provider=OKTA), log, Tally(), lambda *_: None, Meter(tell=None, size=0))

    correlation.take_evidence(con, table)

    assert con.execute("SELECT native_id FROM evidence").fetchall() == [("00uana",)]
    assert ("00uformer",) in con.execute("SELECT name FROM principal").fetchall()
    assert ("00uold",) in con.execute("SELECT name FROM account").fetchall()


def test_another_table_is_refused(tmp_path: Path) -> None:
    """A file of another schema is named, whichever of its columns is asked for first."""
    con = correlation.connect("512MB", 2)
    con.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path / 'e.parquet'}'")
    with pytest.raises(Invalid, match="no evidence table"):
        correlation.open_evidence(con, tmp_path / "e.parquet")
