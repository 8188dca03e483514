"""What an account is decides what it needs: facts that are missing, changed lately, or say no."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from tests.desk.office import MONDAY, Office, refused
from tests.desk.test_decisions import asked
from watchword.app import App, found, init
from watchword.core.account import AccountClass, Status
from watchword.core.action import Action
from watchword.core.change import ReissueSecret
from watchword.core.errors import Invalid, Refused
from watchword.core.requirement import Context
from watchword.desk.intake import HOUR
from watchword.directories.sandbox import Seed, SignIn
from watchword.policy import bundle
from watchword.settings import load


def test_class_lowered_yesterday_still_holds(office: Office) -> None:
    """An executive who was taken out of the group yesterday is held as an executive for thirty days."""
    office.open("eve.exec")
    office.directory.set_groups(office.native("eve.exec"), ("All Staff",))
    office.wait(days=1)
    assert office.case(office.open("eve.exec")).account_class is AccountClass.EXECUTIVE
    office.wait(days=31)
    office.open("eve.exec")
    assert office.case(office.open("eve.exec")).account_class is AccountClass.STANDARD


def test_manager_of_yesterday_does_not_approve(office: Office) -> None:
    """Whoever became manager yesterday has no seat; nor has the one who no longer is."""
    office.open()
    office.tamper_directory("UPDATE account SET manager = 'noah.berg' WHERE login = 'mara.lind'")
    office.wait(days=1)
    case = asked(office)
    assert refused(lambda: office.approve(case, "noah.berg"))
    assert refused(lambda: office.approve(case, "boss.one"))
    office.wait(days=31)
    later = asked(office)
    office.approve(later, "noah.berg")


def test_approver_recovered_lately(office: Office) -> None:
    """A manager whose own account was recovered this week approves nothing."""
    own = office.released("boss.one")
    office.run()
    assert office.state(own) == "checked"
    case = asked(office)
    assert "recovered-approver" in refused(lambda: office.approve(case, "boss.one"))
    office.wait(days=7, seconds=1)
    office.approve(asked(office, "noah.berg"), "boss.one")


def test_leaver(office: Office) -> None:
    """An account of somebody who left is not recovered, also when they left after the case was opened."""
    case = office.open()
    office.prove(case, "passkey")
    office.directory.set_status(office.native("mara.lind"), Status.LEAVER)
    assert refused(office.open) == ("leaver",)
    assert refused(lambda: office.ask(case)) == ("stale_facts", "leaver")


def test_nobody_or_several(office: Office) -> None:
    """A name nobody has, or two people share, opens nothing and is told with the way on."""
    with pytest.raises(Invalid, match="No account in sandbox"):
        office.open("*)(uid=*")
    with pytest.raises(Invalid, match=r"Alex Twin \(twin\.a\), Alex Twin \(twin\.b\).*by its login"):
        office.open("Alex Twin")
    office.link("twin.a")
    office.open("twin.a")


def test_no_class(office: Office) -> None:
    """An account in no group that gives a class has no procedure."""
    office.directory.seed((Seed(login="in.none", display_name="In None", groups=()),))
    assert refused(lambda: office.open("in.none")) == ("no_class",)


def test_protected(office: Office) -> None:
    """An account that the directory keeps from the executor is not taken in."""
    office.link("kept.apart")
    assert refused(lambda: office.open("kept.apart")) == ("protected",)


def test_cell_that_is_denied(office: Office) -> None:
    """What policy denies is refused with the way on it names."""
    with pytest.raises(Refused, match="secret_reissue"):
        office.open("svc.backup")


def test_only_an_agent_takes_requests_in(office: Office) -> None:
    """Who has no role at the desk opens nothing, and nobody opens a case for themself."""
    assert refused(lambda: office.open(agent="rex.review"))
    assert refused(lambda: office.open(agent="mara.lind"))


def test_context_only_raises(office: Office) -> None:
    """The same request from abroad by chat needs more, and a word the policy does not know is told."""
    plain, raised = office.case(office.open()), office.case(office.open(context=Context(channel="chat")))
    assert min(w.min_weight for w in raised.requirement.verify) > min(w.min_weight for w in plain.requirement.verify)
    with pytest.raises(Invalid, match="carrier"):
        office.open(context=Context(channel="carrier pigeon"))


def test_elevated_threat(office: Office) -> None:
    """While the threat is declared elevated every new case needs more; afterwards it does not."""
    until = office.at + timedelta(hours=6)
    office.app.people.raise_threat(office["sam.security"], until, "a campaign against us", office.at)
    assert office.case(office.open()).requirement.hold_s == 4 * 3600
    office.wait(hours=6)
    assert office.case(office.open()).requirement.hold_s == 0


def test_second_recovery_in_a_week_is_raised_and_the_third_refused(office: Office) -> None:
    """A second recovery within seven days needs a tier more and owes a review; a third is refused."""
    office.released()
    office.run()
    office.wait(days=1)
    second = office.open()
    office.prove(second, "passkey")
    assert "unverified" in refused(lambda: office.ask(second))
    office.prove(second, "mail_code")
    office.ask(second)
    office.release(second)
    office.browse(second)
    office.run()
    assert office.state(second) == "checked"
    assert office.case(second).review_due is not None
    office.wait(days=1)
    assert any("7" in reason for reason in refused(office.open))
    office.wait(days=6)
    office.open()


def test_cases_side_by_side_count_as_repeats(office: Office) -> None:
    """Two cases of one account that run at once: the second is overtaken by the first and changes nothing."""
    first, second = office.released(), office.open()
    office.prove(second, "passkey")
    office.ask(second)
    office.run()
    assert refused(lambda: office.release(second)) == ("stale_facts", "recovered_meanwhile")
    assert (office.state(first), office.version("mara.lind")) == ("checked", 1)


def test_service_account_by_its_owner(office: Office) -> None:
    """The owner's passkey and platform security reissue a service account's secret, and the old one overlaps."""
    case = office.open("svc.backup", Action.SECRET_REISSUE)
    office.prove(case, "owner_passkey", who="olga.owner")
    office.ask(case)
    assert "prover-never-judges" in refused(lambda: office.approve(case, "olga.owner"))
    office.approve(case, "paul.platform")
    office.release(case)
    office.browse(case)
    office.run()
    reissued = ReissueSecret(account=office.case(case).account)
    assert (office.state(case), office.version("svc.backup", reissued)) == ("checked", 1)
    secret = office.take(case, "owner_passkey", who="olga.owner")
    assert office.directory.sign_in("svc.backup", secret) is SignIn.OK
    assert office.directory.sign_in("svc.backup", "the old secret of it") is SignIn.OK
    office.wait(hours=25)
    assert office.directory.sign_in("svc.backup", "the old secret of it") is SignIn.WRONG


def test_custodians_open_a_sealed_account(office: Office) -> None:
    """Two custodians with their sealed keys and the CISO's delegate recover a break-glass account."""
    case = office.open("sealed.one")
    office.prove(case, "custodian_passkey", custodian="cleo.custodian")
    assert "unverified" in refused(lambda: office.ask(case))
    office.prove(case, "custodian_passkey", custodian="cleo.custodian")
    assert "unverified" in refused(lambda: office.ask(case))
    office.prove(case, "custodian_passkey", custodian="cato.custodian")
    office.ask(case)
    office.approve(case, "dora.ciso")
    office.release(case)
    office.browse(case)
    office.run()
    password = office.take(case, "custodian_passkey", who="cleo.custodian")
    assert office.directory.sign_in("sealed.one", password) is SignIn.MUST_CHANGE


def test_wish_that_lacks_something(office: Office) -> None:
    """A change of contact without one, an override without a role, or factors that are not there are told."""
    with pytest.raises(Invalid, match="Which contact point"):
        office.open(action=Action.RECOVERY_INFO_CHANGE)
    with pytest.raises(Invalid, match="role to lend"):
        office.open("piet.priv", Action.PRIVILEGED_OVERRIDE)
    with pytest.raises(Invalid, match="no factor pager"):
        office.open(action=Action.FACTOR_RESET, factors=("pager",))


def test_every_factor_at_once_has_its_own_price(office: Office) -> None:
    """Removing all factors is total loss, and can not be had by leaving their names away."""
    with pytest.raises(Invalid, match="total_loss"):
        office.open(action=Action.FACTOR_RESET)


@pytest.mark.parametrize(("window", "raised"), [("7d", ()), ("30d", ("it is a second recovery within 30 days",))])
def test_recoveries_count_together_for_as_long_as_policy_says(
    office: Office, window: str, raised: tuple[str, ...]
) -> None:
    """What is written as `repeat.window` is what the desk goes by."""
    office.adopt(r"^repeat: \{window: 7d", f"repeat: {{window: {window}")
    case = office.released()
    office.run()
    office.take(case)
    office.wait(days=10)
    assert office.case(office.open(ticket="INC-2")).requirement.raised == raised


def test_pass_lasts_no_longer_than_policy_says(office: Office) -> None:
    """What a change grants by itself ends when the policy's cell says, or within the hour."""
    (lent, *_) = office.case(office.open("piet.priv", Action.PRIVILEGED_OVERRIDE, role="dns")).changes
    assert getattr(lent, "lifetime_s", None) == HOUR


def test_policy_on_disk_is_not_the_active_one(founded: Office, tmp_path: Path) -> None:
    """A policy file that was changed and not activated opens no case."""
    office = founded.copy(tmp_path / "office")
    office.close()
    folder = office.home / "policy"
    shutil.copytree(Path(bundle.__file__).parent / "default", folder)
    table = folder / "procedures.yaml"
    table.write_text(table.read_text().replace("grant: 15m", "grant: 14m"))
    office.settings = office.settings.model_copy(update={"policy": Path("policy")})
    office.app = App(office.settings, clock=lambda: office.at)
    try:
        assert refused(office.open) == ("policy_drift",)
        office.activate()
        office.open()
    finally:
        office.close()


def test_policy_with_findings_founds_nothing(tmp_path: Path) -> None:
    """A policy that a check finds fault with is refused before the first entry, so nothing is founded by half."""
    folder = shutil.copytree(Path(bundle.__file__).parent / "default", tmp_path / "policy")
    table = folder / "procedures.yaml"
    table.write_text(table.read_text().replace("methods: 2, weight: 7", "methods: 2, weight: 40"))
    settings = load(init(tmp_path, origin="example.test/office")).model_copy(update={"policy": Path("policy")})
    told = refused(lambda: found(settings, administrator="root", password="correct horse battery", at=MONDAY))
    assert told[0] == "unsound_policy"
    assert not (tmp_path / "ledger.db").exists()
