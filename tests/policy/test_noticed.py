"""That a notice reaches somebody: what proves an account does not also hold every channel its notice goes to."""

from __future__ import annotations

from pathlib import Path

from tests.policy.sample import CEDAR, METHODS, SCHEMA, line_of, spoiled
from watchword.policy import Policy
from watchword.policy.attack import prove
from watchword.policy.bundle import FILES
from watchword.policy.check import check
from watchword.policy.noticed import unnoticed

RESET = "factor_reset:         {verify: [V2],      approve: A1,   hold: 0,   alert: L1, after: standard_factor}"
V2 = (
    "V2:  {means: two independent methods,                    methods: 2, weight: 4, raise_to: V3,\n"
    "        forbid: [video, manager_of_record, managed_device, okta_push, duo_push, kiosk]}"
)
OTHERS = "passkey, totp, in_person, sms_code, recovery_code, manager_of_record, recovery_contact, video, managed_device"
BOTH = f"[[call_code], [mail_code]],\n        forbid: [{OTHERS}]"


def test_the_shipped_policy_is_heard() -> None:
    """No attack within the bound silences what it sets off."""
    assert unnoticed(Policy.default(), prove(Policy.default())) == ()


def test_proof_by_all_that_notices_go_through_is_named(tmp_path: Path) -> None:
    """A call and a mail prove, and a call and a mail tell: whoever has the phone and the mailbox hears of it alone."""
    table = spoiled(V2, f"V2:  {{means: a call and a mail, methods: 2, weight: 3, any_of: {BOTH}, raise_to: V3}}")
    table = table.replace(RESET, RESET.replace("A1", "none"))
    for name, text in zip(FILES, (table, METHODS, CEDAR, SCHEMA), strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = {m.path: m for m in check(tmp_path) if "channel" in m.what}
    reset = found["procedures.standard.factor_reset.after"]

    assert "device_theft@target + mailbox_work@target (cost 5)" in reset.what
    assert reset.line == line_of(RESET[:30])
    assert not [path for path in found if ".standard." not in path]
