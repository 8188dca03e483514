"""A real browser signs an approval: the executor acts on it, and stock OpenSSH verifies it."""

from __future__ import annotations

from pathlib import Path

from tests.desk.office import Office, refused
from tests.desk.test_approvals import approvals_of, stock_tools_accept
from tests.desk.test_decisions import asked
from tests.ledger.openssh import with_tools
from tests.methods.browser import CREATE, GET, page_with_authenticator, with_chromium

pytestmark = [with_chromium, with_tools]


def test_browser_signs_an_approval(strict: Office, tmp_path: Path) -> None:
    """Chromium enrols a passkey and signs with it; its approval is acted on, and holds with tools nobody here wrote."""
    with page_with_authenticator(f"{strict.origin}/") as page:
        for login in ("ivy.iam", "sam.security"):
            strict.enrol(login, lambda options: str(page.evaluate(CREATE, options)))
        case = asked(strict, "eve.exec", "passkey", "mail_code")
        strict.sign(case, "boss.one")
        options = strict.app.desk.approvals.options
        answer = page.evaluate(GET, options(strict["sam.security"], case, strict.at).options)
    approve = strict.app.desk.decisions.approve
    digest = strict.digest(case)
    assert refused(lambda: approve(strict["ivy.iam"], case, digest, "s", strict.at, assertion=answer))
    approve(strict["sam.security"], case, digest, "s", strict.at, assertion=answer)
    strict.release(case)
    strict.run()
    assert strict.state(case) == "delivered"
    for entry, given in approvals_of(strict, case):
        stock_tools_accept(strict, tmp_path, entry, given)
