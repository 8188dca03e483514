"""Payloads go by time or for one case, never under a hold; what shows them says so, and nothing stands on them."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pyrage
import pytest

from tests.desk.office import Office, refused
from tests.watch.rows import row
from watchword.core.action import Action
from watchword.core.change import ContactKind
from watchword.core.errors import Invalid, Unavailable
from watchword.core.finding import Status
from watchword.core.ids import CaseId
from watchword.core.person import Kind, Role, RoleGrant
from watchword.core.requirement import Context
from watchword.desk.recording import account_stream, case_stream, draft, event_of
from watchword.desk.retention import EvidenceKeeper, Periods
from watchword.ledger.append import Append
from watchword.ledger.archive import Archive, Filed
from watchword.ledger.entry import Retention, commitment_of
from watchword.ledger.erasure import EvidenceArchived, EvidenceErased, Reason
from watchword.ledger.restoration import LEDGER_STREAM
from watchword.ledger.store import Holding
from watchword.watch.findings import Findings
from watchword.watch.formats.finding_alert import FindingAlert

ADMIN, AUDITOR = "root.admin", "otto.auditor"


@pytest.fixture
def office(office: Office) -> Office:
    """The office, with an auditor."""
    auditor = office.app.people.register(
        office[ADMIN], login=AUDITOR, name="Otto", kind=Kind.EMPLOYEE, unit="desk", at=office.at
    )
    office.app.people.grant(office[ADMIN], auditor, RoleGrant(role=Role.AUDITOR), office.at)
    return office


def withdrawn(office: Office, login: str = "mara.lind") -> CaseId:
    """A case that is at its end, with payloads of several classes."""
    case = office.open(login, Action.RECOVERY_INFO_CHANGE, contact=ContactKind.PHONE)
    office.enter(case)
    office.prove(case, "passkey")
    office.app.desk.decisions.withdraw(office["ada.agent"], case, "changed their mind", office.at)
    return case


def done(office: Office) -> CaseId:
    """A case whose credential was handed over."""
    case = office.released()
    office.run()
    office.pass_by(minutes=1)
    office.take(case)
    return case


def erase(office: Office, case: CaseId, retention: Retention, who: str = ADMIN) -> tuple[Holding, ...]:
    return office.app.keeper.erase_case(office[who], case, retention, Reason.PERSON_ASKED, office.at)


def expired(office: Office, *, dry_run: bool = False) -> set[tuple[str, Retention]]:
    gone = office.app.keeper.erase_expired(office[ADMIN], office.at, dry_run=dry_run)
    return {(one.stream, one.retention) for one in gone}


def told(office: Office) -> list[EvidenceErased]:
    events = map(event_of, office.app.ledger.read(LEDGER_STREAM))
    return [event for event in events if isinstance(event, EvidenceErased)]


# --- one case


def test_one_class_of_one_case(office: Office) -> None:
    """An administrator erases a class: it is gone, the entry says what and why, and the case folds as before."""
    case = withdrawn(office)
    before = office.case(case)
    kept = {one.retention for one in office.app.ledger.holdings(case_stream(case))}
    (gone,) = erase(office, case, Retention.IDENTITY)

    assert kept == {Retention.IDENTITY, Retention.CORE}
    assert {one.retention for one in office.app.ledger.holdings(case_stream(case))} == {Retention.CORE}
    assert office.case(case) == before
    (event,) = told(office)
    assert (event.stream, event.payloads, event.keys, event.why) == (
        case_stream(case),
        gone.payloads,
        gone.keys,
        Reason.PERSON_ASKED,
    )
    assert event.policy == office.app.policy.digest
    assert erase(office, case, Retention.IDENTITY) == ()
    assert len(told(office)) == 1


def test_a_dry_run_changes_nothing(office: Office) -> None:
    """It says what would go, is ruled on as the erasure is, and appends nothing."""
    case = withdrawn(office)
    size = office.app.ledger.size
    keeper, who = office.app.keeper, office[ADMIN]
    would = keeper.erase_case(who, case, Retention.CORE, Reason.MISTAKE, office.at, dry_run=True)

    assert [one.stream for one in would] == [case_stream(case)]
    assert office.app.ledger.size == size
    assert would == erase(office, case, Retention.CORE)
    stranger = office["ben.agent"]
    assert refused(lambda: keeper.erase_case(stranger, case, Retention.CORE, Reason.MISTAKE, office.at, dry_run=True))


@pytest.mark.parametrize("who", ["ada.agent", "ben.agent", "rex.review", "sam.security", AUDITOR])
def test_who_may_not_erase(office: Office, who: str) -> None:
    """Nobody but an administrator erases, and nobody else learns which cases there are."""
    case = withdrawn(office)
    reasons = refused(lambda: erase(office, case, Retention.IDENTITY, who))
    assert reasons == refused(lambda: erase(office, CaseId("c-aaaaaaaaaaaaaaaaaaaa"), Retention.IDENTITY, who))


def test_nobody_erases_what_they_had_a_hand_in(office: Office) -> None:
    """An administrator who took a step in the case, or whose account it was about, is refused."""
    people, admin = office.app.people, office[ADMIN]
    for login in ("ada.agent", "mara.lind"):
        people.grant(admin, office[login], RoleGrant(role=Role.ADMINISTRATOR), office.at)
    case = withdrawn(office)

    assert refused(lambda: erase(office, case, Retention.IDENTITY, "ada.agent")) == ("eraser-took-a-step",)
    assert refused(lambda: erase(office, case, Retention.IDENTITY, "mara.lind")) == (
        "eraser-took-a-step",
        "subject-never-acts",
    )


def test_a_running_case_is_not_erased(office: Office) -> None:
    """Before its end, with a change whose outcome nobody knows, or with a review owed, everything stays."""
    case = office.released()
    assert refused(lambda: erase(office, case, Retention.IDENTITY)) == ("running",)
    office.run()
    assert refused(lambda: erase(office, case, Retention.SHORT)) == ("running",)


def test_what_can_not_be_asked_for(office: Office) -> None:
    """The class of legal holds, time as the reason for one case, and a case that is none, are mistakes."""
    case = withdrawn(office)
    keeper, who = office.app.keeper, office[ADMIN]
    with pytest.raises(Invalid, match="legal hold"):
        keeper.erase_case(who, case, Retention.LEGAL_HOLD, Reason.MISTAKE, office.at)
    with pytest.raises(Invalid, match="reason"):
        keeper.erase_case(who, case, Retention.CORE, Reason.TIME_OVER, office.at)
    with pytest.raises(Invalid):
        erase(office, CaseId("c-aaaaaaaaaaaaaaaaaaaa"), Retention.CORE)


# --- by time


def test_each_class_goes_in_its_time(office: Office) -> None:
    """Counted from the case's end: 90 days, one year, seven years; the running case and people in use stay."""
    case = done(office)
    running = office.open("noah.berg")
    stream = case_stream(case)
    office.wait(days=89)
    assert expired(office) == set()
    office.wait(days=1, minutes=1)
    assert expired(office, dry_run=True) == {(stream, Retention.SHORT)}
    assert [one.stream for one in office.app.keeper.over(office.at)] == [stream]
    assert expired(office) == {(stream, Retention.SHORT)}
    office.wait(days=275)
    assert expired(office) == {(stream, Retention.IDENTITY)}
    office.wait(days=6 * 365 + 2)
    assert expired(office) == {(stream, Retention.CORE)}
    assert [event.why for event in told(office)] == [Reason.TIME_OVER] * 3
    assert office.app.ledger.holdings(stream) == ()
    assert office.app.ledger.holdings(case_stream(running))
    assert office.app.names.said(office["mara.lind"])[0] == "mara.lind"
    assert office.app.keeper.over(office.at) == ()
    assert expired(office) == set()


def test_the_short_period_is_a_setting(office: Office) -> None:
    """Between 30 and 90 days, as the settings say."""
    case = done(office)
    office.close()
    config = office.home / "watchword.toml"
    config.write_text(config.read_text().replace("[console]", "short_days = 30\n\n[console]", 1))
    office.settings = type(office.settings).model_validate(
        msgspec.toml.decode(config.read_bytes()) | {"home": office.home}
    )
    office.restart()
    office.wait(days=31)
    assert expired(office) == {(case_stream(case), Retention.SHORT)}


def test_a_leaver_is_forgotten(office: Office) -> None:
    """Seven years after its directory called an account a leaver its name goes, and its owner's, who has no role."""
    office.link("temp.nobody")
    stream = account_stream(office.app.registry.person(office["temp.nobody"]).accounts[0])
    person = office["temp.nobody"]
    office.tamper_directory("UPDATE account SET status = 'leaver' WHERE login = 'temp.nobody'")
    seen = office.app.desk.intake.find("sandbox", "temp.nobody")
    office.app.registry.observe(seen, office[ADMIN], office.at)
    office.wait(days=6 * 365)
    assert expired(office) == set()
    office.wait(days=366 + 2)

    assert expired(office) == {(stream, Retention.CORE), (f"person/{person}", Retention.CORE)}
    office.app.follow()
    assert office.app.names.said(person) == (person, person)
    assert not office.app.names.has_person("temp.nobody")
    assert office.app.names.account("sandbox", seen.native_id) is None
    with pytest.raises(Invalid, match="Nobody is known"):
        office.app.names.person("temp.nobody")
    office.restart()
    assert office.app.names.said(person) == (person, person)


def test_what_was_declared_of_downtime_goes_once_it_was_reviewed(office: Office) -> None:
    """Reasons go after a year and the performer after seven, from the last entry; while a review is owed, nothing."""
    people, root = office.app.people, office[ADMIN]
    for login in ("dot.sealed", "dan.sealed"):
        person = people.register(root, login=login, name=login, kind=Kind.EMPLOYEE, unit="desk", at=office.at)
        people.grant(root, person, RoleGrant(role=Role.DOWNTIME_CUSTODIAN), office.at)
    office.wait(days=1)
    hours = (office.at - timedelta(hours=2), office.at - timedelta(hours=1))
    downtimes = office.app.downtimes
    made = downtimes.declare(
        office["dot.sealed"],
        directory="sandbox",
        query="mara.lind",
        action=Action.PASSWORD_RESET,
        performer="it.admin",
        since=hours[0],
        until=hours[1],
        why="the whole building was dark",
        at=office.at,
    )
    downtimes.confirm(office["dan.sealed"], made, office.at)
    office.wait(days=8 * 365)
    assert "downtime" not in {stream for stream, _ in expired(office)}
    downtimes.review(office["rex.review"], made, office.at, sound=True, account_given="saw the envelope")
    office.wait(days=364)
    assert "downtime" not in {stream for stream, _ in expired(office)}
    office.wait(days=1)
    assert ("downtime", Retention.IDENTITY) in expired(office)
    assert downtimes.told(made) == {"performer": "it.admin"}
    office.app.follow()
    assert b"it.admin" in office.app.evidence.path.read_bytes()
    office.wait(days=6 * 365 + 2)
    assert ("downtime", Retention.CORE) in expired(office)
    assert downtimes.told(made) == {}
    office.app.follow()
    assert b"it.admin" not in office.app.evidence.path.read_bytes()
    assert [one.reviewed is not None for one in downtimes.all()] == [True]


def test_streams_of_which_nothing_is_kept_private(office: Office) -> None:
    """Budgets of protection, origins and broken glass hold pseudonyms alone: there is nothing of them to erase."""
    withdrawn(office)
    done(office)
    stolen = office.open("noah.berg", Action.UNLOCK)
    office.prove(stolen, "totp")
    office.app.desk.protection.protect(office["ben.agent"], stolen, "their phone was stolen", office.at)
    kinds = {stream.partition("/")[0] for stream in office.app.ledger.streams()}
    assert {"protection", "account", "person", "case"} <= kinds
    kept = {one.stream.partition("/")[0] for one in office.app.ledger.holdings()}
    assert kept <= {"case", "account", "person", "downtime", "policy", "ledger"}


def test_many_go_in_pieces(office: Office) -> None:
    """More than one append takes is erased in several, each with entries for what it took."""
    cases = [withdrawn(office, login) for login in ("mara.lind", "noah.berg")]
    office.wait(days=8 * 365)
    keeper = EvidenceKeeper(office.app.steps, Periods(), None, chunk=3)
    gone = keeper.erase_expired(office[ADMIN], office.at)
    assert {one.stream for one in gone} == set(map(case_stream, cases))
    assert len(told(office)) == len(gone) == 4


def test_what_findings_say_goes_in_its_time(office: Office) -> None:
    """A year after the last entry names, events and notes are gone; what became of the finding stays to be read."""
    findings, soc = office.app.findings, office["ada.agent"]
    events = (row(id="u-1", at=office.at, case="c-1"), row(id="u-2", at=office.at, actor="other"))
    held, made = sorted(findings.take(events, (), office.at), key=lambda f: findings.one(f).name, reverse=True)
    findings.note(made, soc, office.at, words="called back")
    until = office.at + timedelta(days=30)
    quiet = findings.suppress(soc, office.at, rule="*", party="actor", name="sync", until=until, why="a sync account")
    office.wait(days=1)
    findings.triage(made, soc, office.at)
    (news,) = (one.finding.id for one in findings.all() if one.finding.rules == ("suppression.asked",))
    assert dict(findings.ended({"c-1"})).keys() == {f"finding/{held}", f"finding/{news}", f"suppression/{quiet}"}
    gone = [(f"finding/{held}", Retention.IDENTITY), (f"finding/{made}", Retention.IDENTITY)]
    office.wait(days=364, minutes=1)
    assert expired(office) == {gone[0], (f"finding/{news}", Retention.IDENTITY)}
    office.wait(days=1)
    assert expired(office) == {gone[1]}
    office.wait(days=29)
    assert expired(office) == {(f"suppression/{quiet}", Retention.IDENTITY)}

    for again in (findings, Findings(office.app.ledger)):
        shown = again.one(made)
        assert (shown.is_erased, shown.name, shown.items, shown.notes) == (True, "", (), ())
        assert (shown.finding.status, shown.finding.owner, shown.live) == (Status.TRIAGED, soc, 1)
        assert again.risks(office.at) == ()
        assert [(one.name, one.why) for one in again.suppressions()] == [("", "")]
        told = FindingAlert.of(again.as_of(again.news(0)[0]), {})
        assert (told.name, told.why) == (None, "1 event of one agent; what they were is erased")
    findings.confirm(made, soc, office.at)
    assert expired(office) == set()


# --- holds


def test_a_hold_keeps_everything(office: Office) -> None:
    """Neither by name nor by time does anything of a held case go, until two people lifted the hold."""
    case = withdrawn(office)
    keeper = office.app.keeper
    keeper.hold(office[AUDITOR], case, "Matter 7 of 2026", office.at)
    assert refused(lambda: keeper.hold(office[ADMIN], case, "again", office.at)) == ("held",)
    assert refused(lambda: erase(office, case, Retention.IDENTITY)) == ("legal_hold",)
    office.wait(days=8 * 365)
    assert expired(office) == set()

    assert not keeper.lift(office[ADMIN], case, office.at)
    assert refused(lambda: keeper.lift(office[ADMIN], case, office.at)) == ("same_person",)
    assert expired(office) == set()
    assert keeper.lift(office[AUDITOR], case, office.at)
    assert refused(lambda: keeper.lift(office[AUDITOR], case, office.at)) == ("not_held",)
    assert {stream for stream, _ in expired(office)} == {case_stream(case)}
    (words,) = [office.app.ledger.disclosures(e) for e in office.app.ledger.read(LEDGER_STREAM) if e.entry.sd]
    assert words == {"why": "Matter 7 of 2026"}


def test_a_hold_keeps_whom_it_is_about(office: Office) -> None:
    """What names the account of a held case goes no sooner than the case, though its owner left long ago."""
    case = withdrawn(office)
    account, keeper = account_stream(office.case(case).account), office.app.keeper
    keeper.hold(office[AUDITOR], case, "Matter 7 of 2026", office.at)
    office.tamper_directory("UPDATE account SET status = 'leaver' WHERE login = 'mara.lind'")
    office.app.registry.observe(office.app.desk.intake.find("sandbox", "mara.lind"), office[ADMIN], office.at)
    office.wait(days=8 * 365)
    assert expired(office) == set()
    keeper.lift(office[ADMIN], case, office.at)
    keeper.lift(office[AUDITOR], case, office.at)
    assert {case_stream(case), account} <= {stream for stream, _ in expired(office)}


def test_a_case_that_owes_a_review_is_kept(office: Office) -> None:
    """However old it is: what nobody has looked at yet is not erased by time, and is once it was looked at."""
    case = office.open("piet.priv", Action.UNLOCK, context=Context(situation="outage"))
    decisions = office.app.desk.decisions
    decisions.break_glass(office["cleo.custodian"], case, "core network down", office.at)
    decisions.withdraw(office["ada.agent"], case, "it came back", office.at)
    office.wait(days=8 * 365)
    assert expired(office) == set()
    decisions.review(office["rex.review"], case, sound=True, account_given="The outage was real.", at=office.at)
    office.wait(days=8 * 365)
    assert {stream for stream, _ in expired(office)} == {case_stream(case)}


def test_who_holds_and_lifts(office: Office) -> None:
    """An auditor or an administrator; never lifted by somebody who took a step in the case. It says what it is for."""
    case = withdrawn(office)
    keeper = office.app.keeper
    office.app.people.grant(office[ADMIN], office["ada.agent"], RoleGrant(role=Role.AUDITOR), office.at)
    with pytest.raises(Invalid, match="what it is for"):
        keeper.hold(office[AUDITOR], case, "  ", office.at)
    assert refused(lambda: keeper.hold(office["ben.agent"], case, "x", office.at))
    keeper.hold(office["ada.agent"], case, "they held it themselves", office.at)
    assert refused(lambda: keeper.lift(office["ada.agent"], case, office.at)) == ("eraser-took-a-step",)


def test_a_hold_set_meanwhile_is_decided_on(office: Office, tmp_path: Path) -> None:
    """A hold that is set between the decision and its append stops the erasure; the archive it wrote is taken away."""
    case = withdrawn(office)
    keeper = office.app.keeper

    class Slow(Archive):
        """An archive that takes so long that somebody sets a hold."""

        def write(self, content: bytes) -> Filed:
            keeper.hold(office[AUDITOR], case, "in time", office.at)
            return super().write(content)

    folder = tmp_path / "archive"
    slow = EvidenceKeeper(office.app.steps, Periods(), Slow(folder, str(pyrage.x25519.Identity.generate().to_public())))
    reasons = refused(lambda: slow.erase_case(office[ADMIN], case, Retention.CORE, Reason.MISTAKE, office.at))
    assert reasons == ("legal_hold",)
    assert list(folder.iterdir()) == []
    assert office.app.ledger.holdings(case_stream(case))


# --- the archive


@pytest.fixture
def identity() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def archived(office: Office, identity: pyrage.x25519.Identity) -> Office:
    """The office with an archive."""
    office.close()
    config = office.home / "watchword.toml"
    key = f'archive_key = "{identity.to_public()}"\n\n[console]'
    config.write_text(config.read_text().replace("[console]", key, 1))
    office.settings = type(office.settings).model_validate(
        msgspec.toml.decode(config.read_bytes()) | {"home": office.home}
    )
    office.restart()
    return office


def test_the_archive_opens_with_the_offline_key_alone(archived: Office, identity: pyrage.x25519.Identity) -> None:
    """What is erased is in one file whose SHA-256 is an entry; every disclosure in it hashes to its commitment."""
    case = withdrawn(archived)
    entries = archived.app.ledger.read(case_stream(case))
    before = {e.entry.sd: archived.app.ledger.disclosures(e) for e in entries}
    (gone,) = erase(archived, case, Retention.IDENTITY)

    (file,) = (archived.home / "archive").iterdir()
    sealed = file.read_bytes()
    first = event_of(archived.app.ledger.read(LEDGER_STREAM)[0])
    assert isinstance(first, EvidenceArchived)
    assert (first.sha256, first.size) == (hashlib.sha256(sealed).hexdigest(), len(sealed))
    assert (file.name, file.stat().st_mode & 0o777) == (f"{first.sha256}.age", 0o600)
    assert told(archived)[0].archive == first.sha256
    content = json.loads(pyrage.decrypt(sealed, [identity]))
    assert content["origin"] == archived.app.ledger.origin
    assert len(content["payloads"]) == gone.payloads
    committed = {commitment for sd in before for commitment in sd}
    for payload in content["payloads"]:
        assert commitment_of(payload["disclosure"].encode()) == payload["commitment"] in committed
        assert (payload["stream"], payload["class"]) == (case_stream(case), "identity")


@pytest.mark.skipif(shutil.which("age") is None, reason="age is not installed")
def test_the_standard_tool_opens_the_archive(
    archived: Office, identity: pyrage.x25519.Identity, tmp_path: Path
) -> None:
    """`age --decrypt` with the identity file gives the same JSON."""
    erase(archived, withdrawn(archived), Retention.IDENTITY)
    (file,) = (archived.home / "archive").iterdir()
    key = tmp_path / "identity"
    key.write_text(f"{identity}\n")
    opened = subprocess.run(["age", "--decrypt", "-i", key, file], capture_output=True, check=True)
    assert json.loads(opened.stdout)["format"] == "watchword archive 1"


def test_without_an_archive_that_can_be_written_nothing_goes(archived: Office) -> None:
    """A folder that is a file: the erasure is refused, nothing is appended and nothing is gone."""
    case = withdrawn(archived)
    (archived.home / "archive").write_text("in the way")
    size = archived.app.ledger.size
    with pytest.raises(Unavailable, match="Nothing was erased"):
        erase(archived, case, Retention.IDENTITY)
    assert archived.app.ledger.size == size
    assert len(archived.app.ledger.holdings(case_stream(case))) == 2


def test_an_end_between_archive_and_erasure_loses_nothing(office: Office, tmp_path: Path) -> None:
    """The file is there and nothing is erased: no entry names it, and erasing again goes through."""
    case = withdrawn(office)
    folder = tmp_path / "archive"

    class Last(Archive):
        """An archive that is the last thing this process writes."""

        def write(self, content: bytes) -> Filed:
            filed = super().write(content)
            office.app.ledger.close()
            return filed

    keeper = EvidenceKeeper(
        office.app.steps, Periods(), Last(folder, str(pyrage.x25519.Identity.generate().to_public()))
    )
    with pytest.raises(Unavailable, match="closed"):
        keeper.erase_case(office[ADMIN], case, Retention.CORE, Reason.MISTAKE, office.at)
    office.restart()
    assert len(list(folder.iterdir())) == 1
    assert office.app.ledger.read(LEDGER_STREAM) == ()
    assert len(office.app.ledger.holdings(case_stream(case))) == 2
    assert [one.payloads for one in erase(office, case, Retention.CORE)] == [1]


def test_a_key_that_is_none_is_told(tmp_path: Path) -> None:
    """An archive key that is no age recipient stops the start, not the first erasure."""
    with pytest.raises(Invalid, match="age-keygen"):
        Archive(tmp_path, "age1qqqq")


# --- what shows and uses payloads


def ledger_erase(office: Office, stream: str) -> None:
    """Erase everything of *stream* past the desk's rules: what time does to a stream in the end."""
    ledger = office.app.ledger
    holdings = ledger.holdings(stream)
    events = (
        EvidenceErased(
            stream=one.stream,
            retention=one.retention,
            keys=one.keys,
            payloads=one.payloads,
            why=Reason.TIME_OVER,
            by=office[ADMIN],
            policy=office.app.policy.digest,
        )
        for one in holdings
    )
    drafts = tuple(draft(event, office[ADMIN], office.at) for event in events)
    version = len(ledger.read(LEDGER_STREAM)) - 1
    ledger.append((Append(stream=LEDGER_STREAM, expected_version=version, drafts=drafts),), erase=holdings)
    office.app.follow()


def evidence(office: Office) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(office.app.evidence.path).to_pylist()
    return rows


def test_the_evidence_table_lets_go(office: Office) -> None:
    """Ticket and receipt leave the table with the case's payloads, names with the account's; the chain stays."""
    case = done(office)
    office.app.follow()
    row = evidence(office)[0]
    assert (row["ticket"], row["native_id"]) == ("INC-1", office.native("mara.lind"))
    assert row["receipt"]
    office.wait(days=8 * 365)
    expired(office)
    office.app.follow()
    after = evidence(office)[0]
    assert (after["ticket"], after["receipt"]) == (None, None)
    assert after["native_id"] == row["native_id"]
    ledger_erase(office, account_stream(office.case(case).account))
    for _ in range(2):
        last = evidence(office)[0]
        assert (last["native_id"], last["target_keys"]) == ("", [])
        assert (last["release_leaf"], last["outcome_leaf"]) == (row["release_leaf"], row["outcome_leaf"])
        assert b"INC-1" not in office.app.evidence.path.read_bytes()
        office.restart()
        office.app.follow()


def test_the_executor_refuses_what_was_erased(office: Office) -> None:
    """With the native id gone, a released change is refused as erased, and the case ends."""
    case = office.released()
    ledger_erase(office, account_stream(office.case(case).account))
    office.run()
    assert office.state(case) == "failed"
    ended = event_of(office.app.ledger.read(case_stream(case))[-1])
    assert getattr(ended, "reasons") == ("erased",)  # noqa: B009


def test_a_hand_over_whose_envelope_was_erased_is_refused(office: Office) -> None:
    """The sealed credential is gone: the person is told, and nothing is recorded as handed over."""
    case = office.released()
    office.run()
    office.pass_by(minutes=1)
    ledger_erase(office, case_stream(case))
    browser = office.held[case]
    challenge, _ = office.app.desk.hand_over.reprove(case, "passkey", browser, office.at)
    office.answer(case, challenge, office.right(case, challenge))
    assert refused(lambda: office.app.desk.hand_over.take(case, browser, office.at)) == ("erased",)
    assert office.state(case) == "checked"
