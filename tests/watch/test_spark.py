"""The engine on Spark gives the report of the one on this machine, row by row, however small the parts are."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.watch import test_entra, test_entra_echo, test_tenants, test_windows
from tests.watch.test_sigma import rule
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.errors import Invalid, Unavailable
from watchword.core.evidence import EvidenceRow
from watchword.desk.activity import ARROW_SCHEMA
from watchword.watch.cells import Enforced
from watchword.watch.engine import Engine
from watchword.watch.providers import OKTA, PROVIDERS, WINDOWS, Feed
from watchword.watch.sigma import Rule, read_rules
from watchword.watch.signals import SHIPPED, read_signals
from watchword.watch.spark import SparkEngine
from watchword.watch.spark import session as sessions
from watchword.watch.spark.keys import labels, united
from watchword.watch.spark.splits import opened, splits_of
from watchword.watch.tickets import Ticket, actions_of
from watchword.watch.unpacking import Unpacking
from watchword.watch.verdicts import Report

from .conftest import EXECUTOR, NOON, Okta

# PySpark leaves it to the collector to close what it asked Java over.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SAMPLES = Path(__file__).parent / "samples"
GOLDEN = Path(__file__).parent / "golden" / "okta.jsonl"
SIGNALS = read_signals(SHIPPED)
PEOPLE = [f"00u{name}" for name in ("ana", "ben", "cem", "dua", "eli", "fay", "gus", "hal")]
KINDS = (
    "user.account.reset_password",
    "user.account.reset_password",
    "user.mfa.factor.deactivate",
    "user.mfa.factor.reset_all",
    "user.account.unlock_by_admin",
    "user.account.update_profile",
    "user.account.privilege.grant",
    "user.session.clear",
    "user.mfa.factor.activate",
    "sample.event_of_next_year",
)

EFFECTS = (
    "password.reset",
    "password.expire",
    "mfa.factor_reset",
    "mfa.factor_reset_all",
    "account.unlock",
    "session.revoke",
)


@pytest.fixture(scope="module")
def spark() -> Iterator[None]:
    """One Spark for all of these tests; none of them runs where it, or Java, is missing, unless this is CI."""
    try:
        sessions.must_be_there()
    except Unavailable as missing:
        if os.environ.get("CI", "").lower() == "true":
            raise
        pytest.skip(str(missing))
    with sessions.session("local[2]"):
        yield


def _activity(folder: Path) -> Path:
    folder.mkdir()
    rows = [
        {"seq": n, "time": NOON + timedelta(minutes=n), "did": did, "account": f"a-{who}", "person": person,
         "seat": "employee", "origin": "o-1", "unit": "Sales", "case": f"c-{n}",
         "since": NOON + timedelta(minutes=n, seconds=-3)}
        for n, (did, who, person) in enumerate(
            [*(("opened", who, "p-1") for who in PEOPLE), ("approved", PEOPLE[0], "p-2"),
             ("recovered", PEOPLE[1], "p-2"),
             ("objected", PEOPLE[2], "p-3"), *(("looked_up", who, "p-4") for who in PEOPLE)]
        )
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, schema=ARROW_SCHEMA), folder / "activity-000000.parquet")
    return folder


def _sigma(folder: Path) -> tuple[Rule, ...]:
    """Rules of which two find something: by a word, and by two members of which one is in a list."""
    folder.mkdir()
    (folder / "word.yml").write_text(rule("sel: {eventType: user.account.reset_password}", title="A reset"))
    (folder / "list.yml").write_text(
        rule("sel: {target.id|endswith: ana, client.ipAddress|startswith: '198.'}", title="Ana")
    )
    (folder / "other.yml").write_text(rule("sel: {action: org.add_member}", product="duo", title="Of another log"))
    read = read_rules(folder)
    assert not read.left_out
    return read.rules


def _accounts(file: Path) -> Path:
    file.write_text(
        "keys,class,person,unit,vendor,status,shared,since\n"
        "00uana|ana.alias@example.test,privileged,Ana,Sales,,active,no,\n"
        "00uben|ben@other.example.test,standard,Ben,Sales,,active,no,\n"
        "00uhelen,identity_control,Helen,Desk,,leaver,no,2026-01-01\n"
        "00ushared,standard,,Desk,,active,yes,\n"
        "00ubreak,break_glass,,,,active,no,\n"
    )
    return file


def _events(okta: Okta, chance: random.Random) -> list[dict[str, Any]]:
    """Few people and actors, so that everything happens: folded, shared and repeated ids, sign-ins around it."""
    events = []
    for number in range(260):
        at = NOON + timedelta(
            seconds=chance.choice((0, 1, 2, 60, 4000)) + chance.randrange(40) * 1800, milliseconds=number
        )
        who = chance.choice(PEOPLE)
        members: dict[str, Any] = {
            "client": {"ipAddress": f"198.51.100.{chance.randrange(5)}",
                       "geographicalContext": {"country": chance.choice(("Netherlands", "Peru", None))}},
            "securityContext": {"asNumber": chance.choice((64496, 64497, None))},
            "authenticationContext": {"externalSessionId": f"s-{chance.randrange(6)}"},
        }  # fmt: skip
        if chance.random() < 0.35:
            kind = chance.choice(("user.session.start", "user.session.access_admin_app", "user.authentication.sso"))
            events.append(okta(kind, actor=chance.choice((*PEOPLE, "00ubreak")), target=who, at=at, **members))
            continue
        targets: Any = who
        if chance.random() < 0.15:
            targets = [
                {"id": one, "type": "User", "alternateId": f"{one}@example.test"} for one in chance.sample(PEOPLE, 3)
            ]
        if chance.random() < 0.5:
            members["transaction"] = {"id": f"t-{chance.randrange(6)}"}
        if chance.random() < 0.1:
            members["uuid"] = f"shared-{chance.randrange(4)}"
        if chance.random() < 0.05:
            targets = None
        actor = chance.choice((EXECUTOR, EXECUTOR, "00uhelen", "00ushared", who, "00uagent"))
        events.append(okta(chance.choice(KINDS), actor=actor, target=targets, at=at, **members))
    return events


def _lines(events: list[dict[str, Any]], chance: random.Random) -> list[bytes]:
    """Their lines in any order, some twice, with what logs have that is not whole."""
    lines = [json.dumps(event).encode() for event in events]
    lines += chance.sample(lines, 30)
    chance.shuffle(lines)
    damaged = (
        lines[0][:200], b"", b"   ", b"null", b'"text"', b"[]", b"{}", b'{"eventType": 7}', b"\xff\xfe{", b"not JSON",
        b"[" + lines[1] + b", " + lines[2] + b"]", b'{"_source": ' + lines[3] + b"}", b'{"value": [' + lines[4] + b"]}",
        lines[5].replace(b"@example.test", b"\xe9@example.test"), b"\xef\xbb\xbf" + lines[6], lines[7] + b"\r",
        b'{"a": [',         lines[8].replace(b"example", b"exam\x01ple"), b"ElfFile\x00 no EVTX", b"<Event xmlns='x'>",
        b"\x1f\x8b\x08",
        b'{"eventType": "user.account.lock", "published": 12, "actor": "no object", "target": {}}',
    )  # fmt: skip
    for line in damaged * 2:
        lines.insert(chance.randrange(len(lines)), line)
    return lines


def _evidence(
    evidence: Callable[..., EvidenceRow], events: list[dict[str, Any]], chance: random.Random
) -> list[EvidenceRow]:
    """Cases for some of the events, at their time; and some that no log shows."""
    rows = []
    support = [e for e in events if e["eventType"] in KINDS[:5] and e["target"]]
    for number, event in enumerate(chance.sample(support, 40)):
        who = event["target"][0]["id"]
        begun = msgspec.convert(event["published"], type=type(NOON)) - timedelta(seconds=chance.choice((1, 5, 900)))
        rows.append(
            evidence(
                who,
                case=f"c-{number:04}",
                change=f"reset-{number}",
                target_keys=(who, f"{who}@example.test", *((PEOPLE[3],) if number == 2 else ())),
                effects=EFFECTS if number % 4 else EFFECTS[:2],
                principal_keys=(EXECUTOR,) if number % 7 else ("00uhelen",),
                transaction=chance.choice((None, None, "t-1", f"t-{number}")),
                approve_leaves=(7,) if number % 5 else (),
                outcome=chance.choice(("done", "done", "failed", None)),
                started=begun,
                ended=begun + timedelta(seconds=chance.choice((5, 600))),
                expires=begun + timedelta(minutes=30),
            )
        )  # fmt: skip
    return rows


def _both(engine: SparkEngine, tmp_path: Path, *words: Any, **options: Any) -> tuple[Report, Report]:
    """What this machine says, and Spark; their files of rejected lines have to be equal as well."""
    here, there = (
        one.judge(*words, rejects=tmp_path / name, **options) for one, name in ((Engine(), "here"), (engine, "there"))
    )
    assert (tmp_path / "here").read_text() == (tmp_path / "there").read_text()
    return here, there


def _equal(here: Report, there: Report) -> None:
    for name in Report.__struct_fields__:
        assert getattr(there, name) == getattr(here, name), name


@pytest.mark.parametrize("seed", range(2))
def test_both_engines_agree(
    spark: None,
    tmp_path: Path,
    okta: Okta,
    evidence: Callable[..., EvidenceRow],
    write_evidence: Callable[..., Path],
    seed: int,
) -> None:
    """A log with everything in it, in parts of a few lines; evidence, accounts, activity, all signals, Sigma rules."""
    chance = random.Random(seed)
    events = _events(okta, chance)
    lines = _lines(events, chance)
    logs = [tmp_path / "one.jsonl", tmp_path / "two.jsonl.gz"]
    logs[0].write_bytes(b"\n".join(lines[:-40]))  # without the end of its last line
    logs[1].write_bytes(gzip.compress(b"\n".join(lines[-60:])))
    table = write_evidence(tmp_path / "evidence.parquet", _evidence(evidence, events, chance))
    feeds = (Feed(provider=OKTA, directory=None if seed else "okta", files=tuple(logs)),)
    options = {
        "accounts": _accounts(tmp_path / "accounts.csv"),
        "signals": SIGNALS,
        "activity": _activity(tmp_path / "a"),
        "sigma": _sigma(tmp_path / "rules"),
    }

    engine = SparkEngine(split=30_000, partitions=3)
    here, there = _both(engine, tmp_path, feeds, table, **options)

    assert sum(len(splits_of(log, OKTA, feed=0, file=0, size=30_000)) for log in logs) > 5
    assert here.rejected_lines > 10
    assert here.unseen
    assert {"other_account", "whole_chain"} <= {reason for row in here.verdicts for reason in row.reasons}
    assert len({hit.signal for hit in here.hits}) > 12
    assert len({hit.title for hit in here.hits if hit.origin == "sigma" and hit.target}) == 2
    _equal(here, there)


def _tickets(events: list[dict[str, Any]], chance: random.Random) -> tuple[Ticket, ...]:
    """Tickets about accounts and about the people behind them, by agents that are known and that are not."""
    named = {PEOPLE[0]: "ana", PEOPLE[1]: "ben", PEOPLE[2]: "ben"}
    told = []
    for number, event in enumerate(chance.sample([e for e in events if e["target"]], 60)):
        who = event["target"][0]["id"]
        opened = msgspec.convert(event["published"], type=type(NOON)) - timedelta(minutes=chance.choice((-40, 5, 600)))
        word = chance.choice(("password", "unlock", "mfa", "password and mfa", "printer"))
        told.append(
            Ticket(
                ticket=f"INC{number:03}",
                target=named.get(who, who) if number % 2 else f"{who}@example.test",
                agent=chance.choice(("", EXECUTOR, "helen", "00ushared", "somebody")),
                actions=actions_of(word),
                opened=opened,
                closed=opened + timedelta(minutes=30) if number % 3 else None,
            )
        )
    return tuple(told)


@pytest.mark.parametrize("has_evidence", [True, False])
def test_tickets_cells_and_a_beginning(
    spark: None,
    tmp_path: Path,
    okta: Okta,
    evidence: Callable[..., EvidenceRow],
    write_evidence: Callable[..., Path],
    has_evidence: bool,
) -> None:
    """One ticket speaks once, for either account of its person; not where a case is owed, nor for what is left out."""
    chance = random.Random(has_evidence)
    events = _events(okta, chance)
    log = tmp_path / "log.jsonl"
    _write(log, events)
    accounts = _accounts(tmp_path / "accounts.csv")
    # One person with two accounts, that only a ticket brings together; and an agent with a name of their own.
    accounts.write_text(
        accounts.read_text() + "00ucem,standard,Ben,,,active,no,\n00uexecutor,standard,Helen,,,active,no,\n"
    )
    table = write_evidence(tmp_path / "evidence.parquet", _evidence(evidence, events, chance)) if has_evidence else None
    options = {
        "accounts": accounts,
        "tickets": _tickets(events, chance),
        "enforced": (
            Enforced(account_class=AccountClass.PRIVILEGED, since=NOON),
            Enforced(
                action=Action.UNLOCK, unit="sales", since=NOON + timedelta(hours=4), until=NOON + timedelta(days=2)
            ),
        ),
        "since": NOON + timedelta(hours=2),
    }

    engine = SparkEngine(split=30_000, partitions=5)
    here, there = _both(engine, tmp_path, (Feed(provider=OKTA, files=(log,)),), table, **options)

    told = {reason for row in here.verdicts for reason in row.reasons}
    assert {"ticket_only", "ticket_not_enough", "ticket_used", "ticket_other_agent", "ticket_outside_window"} <= told
    assert here.left_out > 5
    _equal(here, there)


def test_sign_ins_say_what_changes_leave_out(spark: None, tmp_path: Path) -> None:
    """A logon in one part gives the change in another its address, and an Entra sign-in gives an audit its country."""
    windows, entra = tmp_path / "windows.jsonl", tmp_path / "entra.jsonl"
    changes = [
        test_windows._reset(SubjectLogonId=f"0x{n:x}", TargetSid=f"S-1-5-21-1-2-3-{2000 + n}") for n in range(30)
    ]
    logons = [test_windows._logon(TargetLogonId=f"0x{n:x}", IpAddress=f"198.51.100.{n}") for n in range(20)]
    _write(windows, [*changes, *logons])
    audits = [
        test_entra._audit(
            id=f"a-{n}",
            initiatedBy={"user": test_entra._user(f"admin-{n}", f"admin{n}") | {"ipAddress": f"203.0.113.{n}"}},
        )
        for n in range(30)
    ]
    signed_in = [
        test_entra._sign_in(id=f"s-{n}", userId=f"admin-{n}", userPrincipalName=f"admin{n}@example.test",
                            ipAddress=f"203.0.113.{n}",
                            location={"countryOrRegion": f"C{n}"})
        for n in range(0, 30, 2)
    ]  # fmt: skip
    _write(entra, [*signed_in, *audits])
    feeds = (Feed(provider=WINDOWS, files=(windows,)), Feed(provider=PROVIDERS["entra"], files=(entra,)))

    here, there = _both(SparkEngine(split=8000, partitions=2), tmp_path, feeds, signals=SIGNALS)

    assert len({row.address for row in here.verdicts if row.provider == "windows" and row.address}) > 1
    assert len({row.country for row in here.verdicts if row.provider == "entra"}) > 10
    _equal(here, there)


def test_a_role_through_pim_is_one_event(spark: None, tmp_path: Path) -> None:
    """Its two records may be in different parts of a log, the answer is one for one all the same."""
    people = [f"55555555-eeee-4eee-8eee-{n:012}" for n in range(12)]
    lines = [
        *(test_entra_echo.service(n, who=who, by=who) for n, who in enumerate(people)),
        *(test_entra_echo.directory(n + 9, who=who) for n, who in enumerate(people)),
        *(test_entra_echo.directory(n + 20, who=who) for n, who in enumerate(people[:4])),
    ]
    random.Random(0).shuffle(lines)
    log = tmp_path / "entra.jsonl"
    _write(log, lines)

    engine = SparkEngine(split=4000, partitions=3)
    here, there = _both(engine, tmp_path, (Feed(provider=PROVIDERS["entra"], files=(log,)),), signals=SIGNALS)

    assert len(splits_of(log, PROVIDERS["entra"], feed=0, file=0, size=4000)) > 3
    assert sorted(row.folded for row in here.verdicts) == [1] * 4 + [2] * 12
    _equal(here, there)


def test_every_kind_of_log_is_read(spark: None, tmp_path: Path) -> None:
    """Logs with a state over lines, with lines between records, of several providers and directories in one run."""
    samba = tmp_path / "samba.jsonl"
    samba.write_bytes(b"".join(file.read_bytes() for file in sorted(SAMPLES.glob("samba_*.jsonl"))) * 2)
    feeds = (
        Feed(provider=PROVIDERS["samba"], directory="corp", files=(samba,)),
        Feed(
            provider=PROVIDERS["keycloak"], files=(SAMPLES / "keycloak_events.jsonl", SAMPLES / "keycloak_server.log")
        ),
        Feed(provider=PROVIDERS["openldap"], files=(SAMPLES / "openldap_audit.ldif", SAMPLES / "openldap_access.ldif")),
        Feed(provider=OKTA, files=(GOLDEN, samba), lag=timedelta(minutes=5)),
        Feed(provider=WINDOWS, files=(SAMPLES / "openldap_stats.log",)),
    )

    here, there = _both(SparkEngine(split=4000, partitions=2), tmp_path, feeds, signals=SIGNALS)

    assert len({row.provider for row in here.verdicts}) >= 4
    assert here.strange_files
    _equal(here, there)


def test_another_tenants_lines_are_kept_aside(spark: None, tmp_path: Path) -> None:
    """In whichever part of a log they are; what is counted of tenants is the same."""
    log = tmp_path / "hub.jsonl"
    lines = [test_tenants.hub((test_tenants.OURS, test_tenants.THEIRS)[n % 2], n) for n in range(40)]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    security = tmp_path / "security.jsonl"
    written = [test_windows._flat(test_windows._reset()) | {"Computer": f"dc{n % 3}.d{n % 2}.test"} for n in range(40)]
    security.write_text("".join(json.dumps(line) + "\n" for line in written), encoding="utf-8")
    for tenants in ((), (test_tenants.OURS, "d0.test")):
        feeds = (
            Feed(provider=PROVIDERS["entra"], files=(log,), tenants=tenants[:1]),
            Feed(provider=PROVIDERS["windows"], files=(security,), tenants=tenants[1:]),
        )
        here, there = _both(SparkEngine(split=4000, partitions=2), tmp_path, feeds)
        assert sorted(one.ours for one in here.tenants) == sorted([True, not tenants] * 2)
        _equal(here, there)


def test_faults_are_told_in_the_same_words(spark: None, tmp_path: Path) -> None:
    """What is no log, no evidence or no signal is refused as the other engine refuses it."""
    signal = tmp_path / "bad_signal.sql"
    signal.write_text((SHIPPED / "privileged_target.sql").read_text().replace("FROM recovery", "FROM nowhere"))
    cases: list[tuple[tuple[Path, ...], dict[str, Any]]] = [
        ((tmp_path / "none.jsonl",), {}),
        ((GOLDEN,), {"evidence": tmp_path / "none.parquet"}),
        ((GOLDEN,), {"signals": read_signals(tmp_path)}),
    ]
    for files, options in cases:
        said = []
        for engine in (Engine(), SparkEngine()):
            with pytest.raises(Invalid) as caught:
                engine.judge((Feed(provider=OKTA, files=files),), **options)
            said.append(str(caught.value))
        assert said[0] == said[1]


def test_broken_files_lose_only_themselves_in_both(spark: None, tmp_path: Path) -> None:
    """No Parquet, a file that breaks off and a bomb are told by both alike, and what is beside them is judged."""
    broken, cut, bomb = tmp_path / "broken.parquet", tmp_path / "cut.gz", tmp_path / "bomb.gz"
    broken.write_bytes(b"PAR1\x15 no Parquet")
    packed = gzip.compress(GOLDEN.read_bytes())
    cut.write_bytes(packed[: len(packed) * 2 // 3])
    bomb.write_bytes(gzip.compress(b"{}\n" * (1 << 20)))
    feed = Feed(provider=OKTA, files=(broken, cut, bomb, GOLDEN), unpacking=Unpacking(most=1 << 20, ratio=20))
    one, other = Engine().judge((feed,)), SparkEngine().judge((feed,))
    assert one.verdicts == other.verdicts
    assert one.rejected == other.rejected
    assert one.files == other.files
    assert [share.file for share in one.broken_files] == [str(broken), str(cut), str(bomb)]


def test_parts_are_the_file(tmp_path: Path) -> None:
    """Whatever the size of the parts, they are all of the file in order, and each begins a line."""
    chance = random.Random(1)
    lines = [bytes(chance.choices(b'{}[]"abc<\xef\xbb\xbf', k=chance.randrange(60))) for _ in range(300)]
    lines[7] = b"x" * 3000
    log = tmp_path / "log"
    for end in (b"", b"\n"):
        log.write_bytes(b'{"a": 1}\n' + b"\n".join(lines) + end)
        whole = log.read_bytes()
        for size in (1, 7, 100, 2999, len(whole) - 1, len(whole)):
            parts = splits_of(log, OKTA, feed=0, file=0, size=size)
            read = []
            for part in parts:
                with opened(part) as copy:
                    read.append(copy.path.read_bytes())
            assert b"".join(read) == whole
            assert all(text.endswith(b"\n") for text in read[:-1])
            assert (len(parts) > 1) == (size < 3000)


def test_linked_keys_have_one_that_stands_for_them() -> None:
    """Chains of any length and order come to the least of their keys."""
    chain = [[f"k{n:05}", f"k{n + 1:05}"] for n in range(20_000)]
    random.Random(2).shuffle(chain)

    assert set(united([*chain, ["x", "y"]]).items()) == {
        *((f"k{n:05}", "k00000") for n in range(1, 20_001)),
        ("y", "x"),
    }


def test_each_partition_has_a_task_of_its_own(spark: None) -> None:
    """Spark's own hash leads the labels of partitions to one task each, which the numbers themselves would not be."""
    with sessions.session("local[2]") as one:
        for parts in (1, 2, 3, 40):
            told = labels(parts)
            named = one.createDataFrame([(n,) for n in told], "id int").selectExpr(f"pmod(hash(id), {parts}) AS at")
            assert [row.at for row in named.collect()] == list(range(parts))


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Java it says what to install, before anything is read."""
    pytest.importorskip("pyspark")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)

    with pytest.raises(Unavailable, match="Java 17") as caught:
        sessions.must_be_there()

    assert "openjdk-17-jre-headless" in str(caught.value)


def _write(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
