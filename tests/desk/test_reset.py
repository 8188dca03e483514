"""Story: one password reset of a standard account, from intake to close, by each way to verify."""

from __future__ import annotations

from tests.desk.office import Office, refused
from watchword.directories.sandbox import SignIn


def test_a_whole_reset(office: Office) -> None:
    """A standard account is verified by two methods, released, changed once, handed over sealed, and closed."""
    case = office.open()
    assert office.state(case) == "verifying"
    office.prove(case, "totp")
    assert "unverified" in refused(lambda: office.ask(case))
    office.prove(case, "call_code")
    office.ask(case)
    assert office.state(case) == "releasable"
    office.release(case)
    office.browse(case)
    office.run()
    assert (office.state(case), office.version("mara.lind")) == ("checked", 1)
    office.wait(seconds=30)  # the next code: the one that verified is used up
    password = office.take(case, "totp")
    assert office.directory.sign_in("mara.lind", password) is SignIn.MUST_CHANGE
    office.app.desk.decisions.close(office["ada.agent"], case, office.at)
    assert office.state(case) == "closed"
    assert office.types(case) == [
        "case.opened", "ticket.linked", "challenge.begun", "method.proved", "challenge.begun", "method.proved",
        "approval.asked", "case.released", "hand_over.opened", "change.started", "change.ended", "change.started",
        "change.ended", "case.validated", "challenge.begun", "method.proved", "hand_over.completed", "case.closed",
    ]  # fmt: skip
