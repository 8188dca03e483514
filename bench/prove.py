"""What it costs to prove a policy: `python -m bench.prove`.

The default policy on its own, and rosters of 1,000, 10,000 and 50,000 accounts with 20, 200 and 1,000 staff, each in a
process of its own so that its peak memory is its own.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

from watchword.core.account import AccountClass
from watchword.core.ids import AccountId, PersonId
from watchword.core.person import Kind, Person, Role, RoleGrant
from watchword.policy import Policy
from watchword.policy.attack import Roster, RosterAccount, prove

SIZES = ((1_000, 20), (10_000, 200), (50_000, 1_000))
ROLES = (
    *((Role.AGENT,) * 8),
    Role.IAM_DUTY,
    Role.SECURITY_DUTY,
    Role.ACCOUNT_OWNER,
    Role.PLATFORM_SECURITY,
    Role.CISO_DELEGATE,
    Role.CUSTODIAN,
    Role.EXECUTOR,
    Role.REVIEWER,
    Role.POLICY_AUTHOR,
    Role.ADMINISTRATOR,
)


def organisation(accounts: int, staff: int, seed: int = 7) -> Roster:
    """A made-up organisation: a tree of managers eight wide, staff with roles, some for one of ten units only."""
    dice = random.Random(seed)
    people = [Person(id=PersonId(f"p{n}"), kind=Kind.EMPLOYEE, unit=f"u{n % 10}") for n in range(accounts)]
    for n in range(staff):
        role = ROLES[n % len(ROLES)]
        unit = f"u{n % 10}" if role is Role.AGENT and n % 3 == 0 else None
        kind = Kind.VENDOR if role is Role.AGENT and n % 5 == 0 else Kind.EMPLOYEE
        people[accounts - 1 - n] = Person(
            id=PersonId(f"p{accounts - 1 - n}"), kind=kind, unit="u0", grants=(RoleGrant(role=role, unit=unit),)
        )
    known = []
    for n in range(accounts):
        held = AccountClass.IDENTITY_CONTROL if n >= accounts - staff else _class(dice, n)
        alone = held in {AccountClass.SERVICE, AccountClass.AI_AGENT, AccountClass.BREAK_GLASS}
        above = PersonId(f"p{(n - 1) // 8}") if n else None
        known.append(
            RosterAccount(
                id=AccountId(f"a{n}"),
                account_class=held,
                unit=f"u{n % 10}",
                person=None if alone else PersonId(f"p{n}"),
                manager=above,
                sponsor=above if held in {AccountClass.CONTRACTOR, AccountClass.EXTERNAL} else None,
                owner=above if alone else None,
                second_owner=PersonId("p0") if alone else None,
            )
        )
    return Roster(accounts=tuple(known), people=tuple(people))


def _class(dice: random.Random, number: int) -> AccountClass:
    if number < 9:
        return AccountClass.EXECUTIVE
    others = [c for c in AccountClass if c is not AccountClass.IDENTITY_CONTROL]
    return dice.choices(others, weights=[800, 60, 40, 5, 30, 20, 30, 10, 1])[0]


def measured(accounts: int, staff: int) -> None:
    """Print seconds, peak MiB, accounts answered and whether it is complete, for the process that asked."""
    roster = organisation(accounts, staff)
    policy = Policy.default()
    began = time.perf_counter()
    analysis = prove(policy, roster)
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(took, peak, len(analysis.accounts))


def main() -> None:
    """Measure and print."""
    console = Console(width=110)
    policy = Policy.default()
    best = min(_timed(policy) for _ in range(5))
    table = Table("what", "seconds", "peak MiB", "a thousand accounts, s", "against the smallest", "target")
    table.add_row("the default policy", f"{best:.2f}", "", "", "", "< 1 s")
    first = 0.0
    for accounts, staff in SIZES:
        ran = subprocess.run(
            [sys.executable, __file__, str(accounts), str(staff)], capture_output=True, text=True, check=True
        )
        took, peak, _ = map(float, ran.stdout.split())
        each = took / accounts * 1000
        first = first or each
        target = "< 30 s, < 1,024 MiB" if accounts == SIZES[-1][0] else ""
        named = f"{accounts:,} accounts, {staff:,} staff"
        table.add_row(named, f"{took:.2f}", f"{peak:.0f}", f"{each:.3f}", f"{each / first:.2f}", target)
    console.print(table)


def _timed(policy: Policy) -> float:
    began = time.perf_counter()
    prove(policy)
    return time.perf_counter() - began


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measured(int(sys.argv[1]), int(sys.argv[2]))
    else:
        main()
