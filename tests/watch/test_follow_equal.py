"""Followed in steps, in any order and with repeats, the verdicts are those of one run over everything."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from watchword.core.evidence import EvidenceRow
from watchword.watch.engine import Engine
from watchword.watch.follow import Follow, Followed
from watchword.watch.providers import OKTA, provider_named
from watchword.watch.sources.spool import Spool
from watchword.watch.verdicts import VerdictRow, latest_verdicts

from .conftest import EXECUTOR, NOON, Okta

KINDS = (
    "user.account.reset_password",
    "user.account.reset_password",
    "user.mfa.factor.deactivate",
    "user.account.unlock_by_admin",
    "user.account.update_profile",
    "user.session.clear",
)


def said(row: VerdictRow) -> tuple[Any, ...]:
    """All of a verdict but its revision."""
    return (row.id, row.verdict, row.reasons, row.case, row.leaves, row.folded, row.at, row.action, row.detail)


@pytest.mark.parametrize("seed", range(6))
def test_steps_and_one_run_agree(
    tmp_path: Path,
    okta: Okta,
    evidence: Callable[..., EvidenceRow],
    write_log: Callable[..., Path],
    write_evidence: Callable[..., Path],
    seed: int,
) -> None:
    """Events of few people by few actors, folded, repeated, late, with evidence and restarts in between."""
    chance = random.Random(seed)
    people = [f"00u{name}" for name in ("ana", "ben", "cem", "dua", "eli")]
    events = []
    for _ in range(70):
        at = NOON + timedelta(seconds=chance.choice((0, 1, 2, 60, 4000)) + chance.randrange(5) * 3600)
        targets: Any = chance.choice(people)
        if chance.random() < 0.15:
            targets = [{"id": who, "type": "User", "alternateId": f"{who}@example.test"} for who in people[:2]]
        members: dict[str, Any] = {}
        if chance.random() < 0.5:
            members["transaction"] = {"id": f"t-{chance.randrange(6)}"}
        if chance.random() < 0.1:
            members["uuid"] = f"shared-{chance.randrange(3)}"
        actor = chance.choice((EXECUTOR, EXECUTOR, "00uhelen", people[0]))
        events.append(okta(chance.choice(KINDS), actor=actor, target=targets, at=at, **members))
    rows = [
        evidence(
            who,
            case=f"c-{number}",
            change=f"reset-{number}",
            target_keys=(who, f"{who}@example.test", *((f"{people[3]}",) if number == 2 else ())),
            started=(begun := NOON + timedelta(hours=chance.randrange(5), seconds=chance.randrange(60))),
            ended=begun + timedelta(seconds=5),
            expires=begun + timedelta(minutes=30),
            principal_keys=(EXECUTOR,) if number != 3 else ("00uhelen",),
        )
        for number, who in enumerate(chance.choices(people, k=6))
    ]
    whole = Engine().classify(
        "okta", (write_log(tmp_path / "whole", events),), write_evidence(tmp_path / "all.parquet", rows)
    )

    spool, table, verdicts = Spool(tmp_path / "spool", segment=20_000), tmp_path / "evidence.parquet", tmp_path / "out"
    chance.shuffle(events)
    lines = [json.dumps(event).encode() for event in events]
    lines += chance.sample(lines, 15)  # what is read again

    def begin() -> Follow:
        feed = Followed(name="okta", provider=OKTA, spool=spool)
        return Follow((feed,), tmp_path / "state", verdicts, table, clock=lambda: NOON)

    follow, given = begin(), 0
    while lines or given < len(rows):
        batch, lines = lines[: (size := chance.randrange(1, 12))], lines[size:]
        spool.append(batch, NOON)
        if chance.random() < 0.4:
            given = min(given + chance.randrange(3), len(rows))
            write_evidence(table.with_suffix(".partial"), rows[:given]).rename(table)
        follow.step(NOON)
        if chance.random() < 0.2:
            follow.close()
            follow = begin()
    for seconds in (2, 4):  # what a start finds waiting waits once more
        follow.step(NOON + timedelta(seconds=seconds))
    follow.close()

    apart = {("part_of_another",), ("unseen",), ("seen_late",)}
    told = [row for row in latest_verdicts(verdicts) if row.reasons not in apart]
    assert sorted(map(said, told)) == sorted(map(said, whole.verdicts))


@pytest.mark.parametrize("seed", range(3))
def test_judging_what_is_due_equals_judging_all(
    tmp_path: Path,
    okta: Okta,
    evidence: Callable[..., EvidenceRow],
    write_evidence: Callable[..., Path],
    seed: int,
) -> None:
    """Events of an executor wait while evidence comes, or does not: each step tells what judging all would tell."""
    chance = random.Random(seed)
    people = [f"00u{number}" for number in range(7)]
    table = tmp_path / "evidence.parquet"
    rows = [
        evidence(
            (who := chance.choice(people)),
            case=f"c-{number}",
            change=f"reset-{number}",
            target_keys=(who, *((people[0],) if number == 2 else ())),
            started=(begun := NOON + timedelta(seconds=chance.choice((-5, 0, 1, 2)))),
            ended=None if chance.random() < 0.3 else begun + timedelta(seconds=1),
            expires=begun + timedelta(minutes=30),
        )
        for number in range(6)
    ]
    places = {name: Spool(tmp_path / name / "spool") for name in ("due", "all")}
    follows = {
        name: Follow(
            (Followed(name="okta", provider=OKTA, spool=spool),),
            tmp_path / name / "state",
            tmp_path / name / "out",
            table,
            clock=lambda: NOON,
        )
        for name, spool in places.items()
    }
    given, waited = 0, 0
    for number in range(14):
        at = NOON + timedelta(seconds=0.5 * number)
        lines = [
            json.dumps(
                okta(
                    chance.choice(KINDS[:4]),
                    actor=chance.choice((EXECUTOR, EXECUTOR, EXECUTOR, "00uhelen")),
                    target=chance.choice(people),
                    at=at - timedelta(seconds=chance.choice((0.1, 0.4, 1.5, 600))),
                )
            ).encode()
            for _ in range(chance.randrange(4) if number < 9 else 0)
        ]
        if chance.random() < 0.4:
            given = min(given + chance.randrange(3), len(rows))
            write_evidence(table.with_suffix(".partial"), rows[:given]).rename(table)
        waited += bool(follows["due"]._settling.due(at))
        told = {}
        for name, follow in follows.items():
            places[name].append(lines, at)
            follow._is_whole = follow._is_whole or name == "all"
            told[name] = sorted(map(said, follow.step(at)))
        assert told["due"] == told["all"], number
    for follow in follows.values():
        follow.close()
    assert waited
    kept = {name: sorted(map(said, latest_verdicts(tmp_path / name / "out"))) for name in follows}
    assert kept["due"] == kept["all"]


def test_what_is_due_is_judged_with_what_is_near_alone(tmp_path: Path, okta: Okta) -> None:
    """An event that nothing speaks for is told when its time is over; none of two hundred others is judged for it."""
    spool = Spool(tmp_path / "spool")
    feed = Followed(name="okta", provider=OKTA, spool=spool)
    table = tmp_path / "evidence.parquet"
    with Follow((feed,), tmp_path / "state", tmp_path / "out", table, clock=lambda: NOON) as follow:
        others = [okta(target=f"00u{n}", at=NOON - timedelta(hours=1)) for n in range(200)]
        spool.append([json.dumps(one).encode() for one in others], NOON)
        follow.step(NOON)
        follow._con.execute("INSERT INTO principal VALUES ($name)", {"name": EXECUTOR.lower()})
        spool.append([json.dumps(okta(actor=EXECUTOR, target="00uana", at=NOON)).encode()], NOON)
        assert follow.step(NOON) == ()
        (row,) = follow.step(NOON + timedelta(seconds=2))
        judged = follow._con.execute("SELECT count(*) FROM memory.event").fetchone()
        assert (row.target, judged) == ("00uana", (1,))
        assert follow.step(NOON + timedelta(seconds=2.5)) == ()


def _windows() -> list[dict[str, Any]]:
    """A sign-in and a reset made in its session, whose own record has no address."""
    whole = {
        "Channel": "Security",
        "Computer": "dc1.example.test",
        "Keywords": "0x8020000000000000",
        "TargetUserName": "ana",
        "TargetSid": "S-1-5-21-1-2-3-1200",
    }
    agent = {"TargetUserName": "agent", "TargetSid": "S-1-5-21-1-2-3-1100", "TargetLogonId": "0x9"}
    signed_in = {"EventID": "4624", "EventRecordID": "1", "TimeCreated": "2026-03-02T11:59:00Z", "LogonType": "3"}
    reset = {"EventID": "4724", "EventRecordID": "2", "TimeCreated": "2026-03-02T12:00:00Z", "SubjectLogonId": "0x9"}
    by = {"SubjectUserSid": "S-1-5-21-1-2-3-1100", "SubjectUserName": "agent"}
    return [whole | agent | signed_in | {"IpAddress": "198.51.100.7"}, whole | reset | by]


def _keycloak() -> list[dict[str, Any]]:
    """An account made, its first name changed, and then its address for mail."""
    ana = {"username": "ana", "enabled": True, "email": "ana@example.test"}
    return [
        {
            "id": f"k-{n}",
            "time": int(NOON.timestamp() * 1000) + n * 60_000,
            "realmId": "staff",
            "operationType": "UPDATE" if n else "CREATE",
            "resourceType": "USER",
            "resourcePath": "users/u-ana",
            "authDetails": {"realmId": "staff", "userId": "u-mara", "ipAddress": "198.51.100.8"},
            "representation": json.dumps(ana | changed),
        }
        for n, changed in enumerate(({}, {"firstName": "Ana"}, {"firstName": "Ana", "email": "new@example.test"}))
    ]


@pytest.mark.parametrize(
    ("provider", "lines"),
    [
        ("windows", _windows()),
        ("windows", _windows()[::-1]),
        ("keycloak", _keycloak()),
        ("keycloak", _keycloak()[:2] + _keycloak()),
    ],
    ids=["sign-in first", "sign-in later", "one after the other", "told again"],
)
def test_what_a_record_leaves_out_is_known_from_any_step(
    tmp_path: Path, write_log: Callable[..., Path], provider: str, lines: list[dict[str, Any]]
) -> None:
    """An address that a sign-in has, and what an account was before, count though each comes in a step of its own."""
    whole = Engine().classify(provider, (write_log(tmp_path / "whole", lines),)).verdicts
    spool, verdicts = Spool(tmp_path / "spool"), tmp_path / "out"
    for line in lines:  # after a start each time, so that memory alone is not enough
        feed = Followed(name="log", provider=provider_named(provider), spool=spool)
        with Follow((feed,), tmp_path / "state", verdicts, clock=lambda: NOON) as follow:
            spool.append([json.dumps(line).encode()], NOON)
            follow.step(NOON)
            follow.step(NOON + timedelta(seconds=1))
    told = [row for row in latest_verdicts(verdicts) if row.action is not None]
    assert sorted((*said(row), row.address) for row in told) == sorted((*said(row), row.address) for row in whole)
    assert [row.address for row in whole if provider == "windows"] in ([], ["198.51.100.7"])
