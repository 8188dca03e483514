"""What is still missing, and what the person could prove next: always computable, and told with the reason."""

from __future__ import annotations

from tests.desk.office import Office, refused
from tests.desk.test_lanes import opened
from watchword.core.action import Action
from watchword.core.advice import Option
from watchword.core.ids import CaseId
from watchword.core.requirement import Shortfall
from watchword.reception import wording


def ways(office: Office, case: CaseId) -> dict[str, Option]:
    """Every method of a case as it stands now."""
    loaded = office.app.desk.steps.load(case)
    return {o.method: o for o in office.app.desk.ways.of(loaded, office.app.desk.ways.seen(loaded), office.at)}


def changed(office: Office, day: str) -> None:
    """Have the phone of record changed on that day, as far as the directory knows."""
    native = office.native("mara.lind")
    office.tamper_directory(
        f"UPDATE contact SET changed_at = '{day}T09:00:00+00:00' WHERE account = '{native}' AND kind = 'phone'"
    )


def lacks(office: Office, case: CaseId) -> tuple[Shortfall, ...]:
    """What verification lacks now."""
    return office.app.desk.verification.missing(office.case(case), office.at)


def test_what_is_missing_says_what_the_next_method_must_not_share(office: Office) -> None:
    """After a passkey an executive's second method may not be on the same device, and the page can say which may."""
    case = office.open("eve.exec", Action.FACTOR_RESET, factors=("authenticator_app",))
    office.prove(case, "passkey")
    (short,) = lacks(office, case)
    words = wording.shortfall(short)
    assert words[0] == "one more method, not on the same device or computer"
    found = ways(office, case)
    assert wording.option(found["totp"]) == "It adds nothing to Passkey: the same device."
    assert found["mail_code"].state == "ready"
    assert found["mail_code"].completes


def test_phone_changed_three_days_ago_says_from_when_it_counts(office: Office) -> None:
    """It can not be begun, and whoever looks reads the day on which it can."""
    changed(office, "2026-11-20")
    case = office.open(action=Action.TOTAL_LOSS)
    assert wording.option(ways(office, case)["call_code"]) == "Changed lately: it counts from 2026-12-20."
    assert refused(lambda: office.begin(case, "call_code")) == ("young_contact",)


def test_what_is_not_on_record_says_so(office: Office) -> None:
    """Somebody without a passkey is not offered one."""
    office.tamper_directory(f"INSERT INTO membership VALUES ('{office.native('temp.nobody')}', 'All Staff')")
    office.link("temp.nobody")
    case = office.open("temp.nobody")
    found = ways(office, case)
    assert found["passkey"].state == "absent"
    assert found["mail_code"].state == "ready"


def test_what_can_not_be_enough_is_told_before_it_is_begun(office: Office) -> None:
    """A password takes a passkey, an authenticator or a prompt: without one, coming in with a code leads nowhere."""
    office.tamper_directory(f"INSERT INTO membership VALUES ('{office.native('temp.nobody')}', 'All Staff')")
    office.link("temp.nobody")
    for login, enough in (("mara.lind", True), ("temp.nobody", False)):
        case = office.open(login)
        loaded = office.app.desk.steps.load(case)
        found = office.app.desk.ways.of(loaded, office.app.desk.ways.seen(loaded), office.at)
        assert office.app.desk.ways.enough(loaded, found, office.at) is enough


def test_two_custodians_are_in_reach_of_a_sealed_account(office: Office) -> None:
    """Nobody is told to leave off in the hour in which it is needed: the one method there is, proved by both."""
    loaded = office.app.desk.steps.load(office.open("sealed.one", Action.UNLOCK))
    found = office.app.desk.ways.of(loaded, office.app.desk.ways.seen(loaded), office.at)
    assert [o.method for o in found if o.state == "ready"] == ["custodian_passkey"]
    assert office.app.desk.ways.enough(loaded, found, office.at)


def test_what_is_not_asked_in_a_lane_is_not_offered(office: Office) -> None:
    """A case in the text lane is advised no call: beginning one is refused there."""
    case = opened(office, lane="text", action=Action.UNLOCK)
    found = ways(office, case)["call_code"]
    assert (found.state, wording.option(found)) == ("absent", "Not asked in the text lane.")
    assert refused(lambda: office.begin(case, "call_code")) == ("text_lane",)


def test_silent_directory_costs_the_ages_and_not_the_advice(office: Office) -> None:
    """Where nobody can say how old a contact point is, it is offered; beginning it asks the directory itself."""
    case = office.open()
    loaded = office.app.desk.steps.load(case)
    found = {o.method: o for o in office.app.desk.ways.of(loaded, None, office.at)}
    assert found["call_code"].state == "ready"


def test_how_long_a_proof_counts_is_a_column_of_the_procedure(office: Office) -> None:
    """With five minutes in the cell a proof of six minutes ago carries nothing, and its page says what is missing."""
    office.adopt(r"^(    password_reset: +\{verify: \[V1P, V2B\],)", r"\1 fresh: 5m,")
    case = office.open()
    office.prove(case, "passkey")
    office.wait(minutes=6)
    assert "unverified" in refused(lambda: office.ask(case))
    office.wait(seconds=30)
    office.prove(case, "passkey")
    office.ask(case)
    assert office.state(case) == "releasable"


def test_how_old_a_contact_point_has_to_be_is_a_column_of_the_procedure(office: Office) -> None:
    """A phone of forty days ago proves nothing where the policy says sixty."""
    office.adopt(r"contact_age: 30d", "contact_age: 60d")
    changed(office, "2026-10-14")
    case = office.open(action=Action.TOTAL_LOSS)
    assert refused(lambda: office.begin(case, "call_code")) == ("young_contact",)


def test_recovery_at_aal2_takes_no_two_codes_of_one_kind(office: Office) -> None:
    """A cell with `aal: 2` refuses a mailed and a spoken code together, and says what would do."""
    office.adopt(r"^(    factor_reset: +\{verify: \[V2\],)", r"\1 aal: 2,")
    case = office.open(action=Action.FACTOR_RESET, factors=("authenticator_app",))
    office.prove(case, "mail_code")
    office.prove(case, "call_code")
    (short,) = lacks(office, case)
    assert "proof that recovers an account at AAL2" in short.missing
    office.prove(case, "totp")
    office.ask(case)
    assert office.state(case) == "awaiting approval"
