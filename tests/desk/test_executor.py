"""The executor derives each change from covered, approved bytes: nothing that a database writer forges moves it."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest

from tests.desk.office import Office, refused
from tests.desk.test_decisions import asked
from watchword.core.account import AccountClass, Status
from watchword.core.case import Failed, Released
from watchword.core.change import ResetFactors
from watchword.core.errors import Corrupt, Invalid
from watchword.core.ids import AccountId, CaseId
from watchword.core.person import Role
from watchword.desk.asks import Kind
from watchword.desk.effects import Caps
from watchword.desk.sealing import public_key, seal

NOW = "2026-11-23T09:00:00.000Z"
FACTORS = ResetFactors(account=AccountId(""))


def forge(office: Office, case: CaseId, kind: str, name: str = "99") -> None:
    """Write an effect row that nobody asked for."""
    met = office.tamper(
        "INSERT INTO effect (id, stream, kind, due_at, state, attempts)"
        " VALUES ('case/' || :case || '/' || :kind || '/' || :name, 'case/' || :case, :kind, :now, 'due', 0)",
        case=case,
        kind=kind,
        name=name,
        now=NOW,
    )
    assert met == 1


# --- forged rows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.CHANGE, Kind.CONFIRM, Kind.VALIDATE, Kind.HOLD])
def test_row_for_a_case_that_was_not_released(office: Office, kind: str) -> None:
    """An effect row is a hint: for a case that waits for its approval it does nothing and is dropped."""
    case = asked(office)
    before = office.types(case)
    forge(office, case, kind)
    office.run()
    assert (office.types(case), office.version("mara.lind", FACTORS)) == (before, 0)
    assert not [e for e in office.app.ledger.effects() if e.id.endswith("/99") and e.state != "done"]


def test_row_during_the_hold(office: Office) -> None:
    """A change that is made due while its case waits is not done."""
    case = asked(office, "eve.exec", "in_person", "totp")
    office.approve(case, "boss.one", "sam.security")
    forge(office, case, Kind.CHANGE)
    office.run()
    assert (office.state(case), office.version("eve.exec", FACTORS)) == ("holding", 0)


def test_row_that_was_done_comes_due_again(office: Office) -> None:
    """Rows of a finished case that are set back, or written twice, change nothing a second time."""
    case = office.released()
    office.run()
    before = office.types(case)
    assert office.tamper("UPDATE effect SET state = 'due', lease_owner = NULL, due_at = :now", now=NOW) > 2
    forge(office, case, Kind.CHANGE)
    office.run()
    assert (office.types(case), office.version("mara.lind")) == (before, 1)
    assert office.app.outbox is not None
    assert len({s.id for s in office.app.outbox.sent()}) == len(office.app.outbox.sent())


def test_every_handler_runs_twice(office: Office) -> None:
    """At each moment of a case all rows so far are set back and done again, and nothing happens twice."""

    def again() -> None:
        office.run()
        office.tamper("UPDATE effect SET state = 'due', lease_owner = NULL WHERE due_at <= :now", now=NOW)
        office.run()

    case = office.open()
    office.prove(case, "mail_code")
    again()
    office.prove(case, "passkey")
    office.ask(case)
    office.release(case)
    again()
    office.browse(case)
    again()
    again()
    assert office.version("mara.lind") == 1
    assert office.types(case).count("change.started") == 2
    office.take(case)
    again()
    assert office.state(case) == "delivered"


def test_row_of_another_kind_or_case(office: Office) -> None:
    """A row of another kind, or of a case that asked for none, does nothing there and keeps nothing from its own."""
    other, case = asked(office, "noah.berg"), office.released()
    before = office.types(other)
    office.tamper("UPDATE effect SET stream = :other WHERE kind = 'change'", other=f"case/{other}")
    forge(office, case, "widen")
    forge(office, other, Kind.CHANGE)
    office.run()
    assert (office.types(other), office.version("noah.berg", FACTORS)) == (before, 0)
    assert (office.state(case), office.version("mara.lind")) == ("checked", 1)


def test_row_before_the_page_is_open(office: Office) -> None:
    """A change that needs somebody to hand its secret to waits for them; a forged row neither does it nor ends it."""
    case = office.open()
    office.prove(case, "passkey")
    office.ask(case)
    office.release(case)
    forge(office, case, Kind.CHANGE)
    office.run()
    assert (office.state(case), office.version("mara.lind")) == ("released", 0)
    office.browse(case)
    office.run()
    assert office.state(case) == "checked"


# --- forged evidence -------------------------------------------------------------------------------------------------


def test_planted_release_stops_the_ledger(office: Office) -> None:
    """A release written behind the checkpoint is never acted on: the ledger does not start."""
    case = asked(office)
    plant = (
        "INSERT INTO entry SELECT (SELECT max(idx) + 1 FROM entry), stream, max(version) + 1, 'case.released', bytes,"
        " leaf FROM entry WHERE stream = :stream"
    )
    with pytest.raises(Corrupt, match="another stream, version or type"):
        office.tamper(plant, stream=f"case/{case}")


def test_planted_release_stops_a_running_desk(office: Office) -> None:
    """The same row, written while the desk runs, stops the runner before anything is done."""
    case = asked(office)
    office.tampered = True
    forged = b'{"actor":"p-x","at":"2026-11-23T09:00:00.000Z"}'
    with sqlite3.connect(office.home / "ledger.db", isolation_level=None) as connection:
        connection.execute(
            "INSERT INTO entry SELECT max(idx) + 1, :stream, 99, 'case.released', :forged, zeroblob(32) FROM entry",
            {"stream": f"case/{case}", "forged": forged},
        )
    connection.close()
    with pytest.raises(Corrupt):
        office.run()
    assert office.version("mara.lind", FACTORS) == 0


def test_swapped_account(office: Office) -> None:
    """The native id of another account, moved under this one's commitment, does not open."""
    office.released()
    office.open("noah.berg")
    mara, noah = (
        f"account/{office.case(office.open(login, ticket=None)).account}" for login in ("mara.lind", "noah.berg")
    )
    with pytest.raises(Corrupt, match="native_id"):
        office.tamper(
            "UPDATE payload SET sealed = (SELECT sealed FROM payload WHERE stream = :noah AND name = 'native_id')"
            " WHERE stream = :mara AND name = 'native_id'",
            mara=mara,
            noah=noah,
        )


def test_lost_proofs(office: Office) -> None:
    """A proof that was erased is refused and the refusal recorded."""
    reset = office.released("noah.berg")
    office.tamper("DELETE FROM payload WHERE name = 'proof' AND stream = :stream", stream=f"case/{reset}")
    office.run()
    assert reasons(office, reset) == ("erased",)


def test_change_that_is_gone_at_the_read_back_fails_the_case(office: Office) -> None:
    """What the directory said was done and is not there when it is read again is not handed over."""
    case = office.open()
    office.prove(case, "mail_code")
    office.prove(case, "passkey")
    office.ask(case)
    office.release(case)
    office.browse(case)
    while office.state(case) != "executed":
        assert office.app.runner.step(office.at)
    office.tamper_directory("UPDATE version SET version = version - 1")
    office.run()
    assert office.state(case) == "failed"
    assert office.app.ledger.read(f"case/{case}")[-1].entry.data["sound"] is False


def reasons(office: Office, case: CaseId) -> tuple[str, ...]:
    """Why the executor said no, by the case's last entry; nothing was started."""
    last = office.app.ledger.read(f"case/{case}")[-1].entry
    assert last.type == "execution.refused", office.types(case)
    assert isinstance(office.case(case), Failed)
    assert "change.started" not in office.types(case)
    told = last.data["reasons"]
    assert isinstance(told, list)
    return tuple(map(str, told))


# --- what changed since ----------------------------------------------------------------------------------------------


def approved(office: Office) -> CaseId:
    """A factor reset of mara's, released with her manager's approval; nobody has run the executor yet."""
    case = asked(office)
    office.approve(case, "boss.one")
    office.release(case)
    return case


def test_class_became_stricter(office: Office) -> None:
    """An account that joined a stricter group since is refused, though no case has seen that before the executor."""
    case = approved(office)
    office.directory.set_groups(office.native("mara.lind"), ("All Staff", "Finance"))
    office.run()
    assert reasons(office, case) == ("clearance:class",)
    assert office.case(office.open()).account_class is AccountClass.FINANCE


def test_owner_left(office: Office) -> None:
    """An account whose owner left since is refused."""
    case = approved(office)
    office.directory.set_status(office.native("mara.lind"), Status.LEAVER)
    office.run()
    assert reasons(office, case) == ("clearance:leaver",)


def test_directory_protects_it_now(office: Office) -> None:
    """An account that the directory has begun to keep apart is refused."""
    case = approved(office)
    office.tamper_directory("UPDATE account SET protected = 'kept apart' WHERE login = 'mara.lind'")
    office.run()
    assert reasons(office, case) == ("clearance:protected",)


def test_approver_was_recovered_since(office: Office) -> None:
    """An approval is worth nothing once the approver's own account was recovered."""
    case = approved(office)
    taken_over = office.open("boss.one")
    office.prove(taken_over, "passkey")
    office.ask(taken_over)
    office.release(taken_over)
    office.browse(taken_over)
    executor = office.app.runner_of(desk=False, executor=True)
    row = next(e for e in office.app.ledger.effects() if e.stream == f"case/{case}" and e.kind == Kind.CHANGE)
    office.app.ledger.reschedule(row.id, office.at + timedelta(minutes=5))
    executor.drain(office.at)
    office.wait(minutes=5)
    office.app.ledger.reschedule(row.id, office.at)
    executor.drain(office.at)
    assert reasons(office, case) == ("clearance:recovered",)


def test_approver_lost_the_role(office: Office) -> None:
    """A role that was revoked before the change is done no longer carries it; the seat has to be filled anew."""
    case = asked(office, "eve.exec", "passkey", "mail_code")
    office.approve(case, "boss.one", "ivy.iam")
    office.release(case)
    office.app.people.revoke(office["root.admin"], office["ivy.iam"], Role.IAM_DUTY, office.at)
    office.run()
    assert reasons(office, case) == ("clearance:roles",)


def test_grant_ran_out_unused(office: Office) -> None:
    """A grant that ended before anything was started does nothing, and the same approval can be released again."""
    case = approved(office)
    office.wait(minutes=15)
    office.run()
    assert (office.state(case), office.version("mara.lind", FACTORS)) == ("released", 0)
    office.release(case)
    office.run()
    assert (office.state(case), office.version("mara.lind", FACTORS)) == ("delivered", 1)


def test_cap_per_hour_and_class(office: Office) -> None:
    """Beyond its cap an executor puts changes off, also after a restart, and goes on within the next hour."""
    caps = Caps(by_class=((AccountClass.STANDARD, 2),))
    office.restart(caps=caps)
    first = office.released()  # its two changes are what the cap allows
    office.run()
    second = office.released("noah.berg")
    office.run()
    assert [office.state(c) for c in (first, second)] == ["checked", "released"]
    office.restart(caps=caps)
    office.pass_by(minutes=5)
    assert office.state(second) == "released"


def test_cap_never_delays_containment(office: Office) -> None:
    """Taking access away is not held up by the cap."""
    case = office.released()
    office.run()
    office.restart(caps=Caps(default=0, by_class=()))
    office.app.desk.decisions.contain(office["sam.security"], case, "a fraud", office.at)
    office.run()
    assert not office.directory.read(office.native("mara.lind")).enabled


def test_two_executors_on_one_row_each(office: Office) -> None:
    """A second row for the same change finds it done, or in hand, and starts nothing."""
    case = approved(office)
    forge(office, case, Kind.CHANGE, "98")
    forge(office, case, Kind.CHANGE, "99")
    one, other = (office.app.runner_of(desk=False, executor=True) for _ in range(2))
    while one.step(office.at) or other.step(office.at):
        pass
    assert (office.state(case), office.version("mara.lind", FACTORS)) == ("delivered", 1)


# --- what is handed over ---------------------------------------------------------------------------------------------


def test_key_of_the_browser(office: Office) -> None:
    """Only a public P-256 key is taken, and of it only what is public; the first browser counts."""
    case = office.open()
    office.prove(case, "passkey")
    office.ask(case)
    office.release(case)
    bind = office.app.desk.hand_over.open
    for bad in ("", "{}", '{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}', '{"kty":"oct","k":"AA"}', "[" * 9000):
        with pytest.raises(Invalid, match="P-256"):
            bind(case, bad, office.at)
    office.browse(case)
    now = office.case(case)
    assert isinstance(now, Released)
    assert '"d"' not in (now.jwk or "")
    assert refused(lambda: office.browse(case)) == ("opened",)


def test_private_part_is_dropped() -> None:
    """A key that a browser sent whole is kept without its private part, and what is not a key seals nothing."""
    whole = (
        '{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",'
        '"y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}'
    )
    kept = public_key(whole)
    assert "870MB6gfuTJ4" not in kept
    assert seal("a secret", kept).count(".") == 4
    assert refused(lambda: seal("a secret", "{}")) == ("bad_key",)


def test_sealed_credential_ends(office: Office) -> None:
    """A credential nobody fetched within the hour is not handed over any more, and counts as a recovery."""
    case = office.released()
    office.run()
    office.wait(hours=1, seconds=1)
    assert refused(lambda: office.take(case)) == ("expired",)
    assert office.app.registry.account(office.case(case).account).recoveries


def test_nothing_leaves_without_proof_or_twice(office: Office) -> None:
    """The envelope leaves once, after one more proof, to the page of that case alone."""
    case = office.released()
    office.run()
    hand_over = office.app.desk.hand_over
    assert refused(lambda: hand_over.take(case, office.held[case], office.at)) == ("not_reproved",)
    with pytest.raises(Invalid, match="no such page"):
        hand_over.demand_page(case, hand_over.page_token(office.open()))
    assert hand_over.demand_page(case, hand_over.page_token(case)).case.id == case
    assert refused(lambda: hand_over.reprove(case, "in_person", office.held[case], office.at)) == ("attested_only",)
    office.take(case)
    assert refused(lambda: hand_over.take(case, office.held[case], office.at)) == ("wrong_state",)


def test_only_the_browser_that_made_the_key_proves_again_and_takes(office: Office) -> None:
    """Somebody who opens the page first gets nothing out of a proof that the person gives in another browser."""
    case = office.released()
    office.run()
    hand_over = office.app.desk.hand_over
    other = office.app.ledger.keyed("hand-over-browser", "another")
    assert refused(lambda: hand_over.reprove(case, "passkey", other, office.at)) == ("other_browser",)
    challenge, _ = hand_over.reprove(case, "passkey", office.held[case], office.at)
    right = office.right(case, challenge, "")
    assert refused(lambda: hand_over.answer(case, challenge, right, other, office.at)) == ("other_browser",)
    assert refused(lambda: hand_over.take(case, other, office.at)) == ("other_browser",)
    assert hand_over.answer(case, challenge, right, office.held[case], office.at) == "proved"
    assert hand_over.take(case, office.held[case], office.at)


def test_secret_is_nowhere(office: Office) -> None:
    """No row, file or log of the desk holds the new password in the clear."""
    case = office.released()
    office.run()
    password = office.take(case)
    office.close()
    for path in office.home.rglob("*"):
        if path.is_file():
            assert password.encode() not in path.read_bytes(), path
