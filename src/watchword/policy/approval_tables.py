"""The rungs of approval as typed tables: who sits where, and what their yes is proven by."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, StrictBool, StrictStr, model_validator

from watchword.core.account import AccountClass
from watchword.core.person import Role
from watchword.core.quorum import Distinct
from watchword.policy.values import Table, mistake

SEATS = (
    "manager_of_record",
    "second_owner",
    "sponsor",
    Role.IAM_DUTY.value,
    Role.SECURITY_DUTY.value,
    Role.ACCOUNT_OWNER.value,
    Role.PLATFORM_SECURITY.value,
    Role.CISO_DELEGATE.value,
    Role.CUSTODIAN.value,
)
"""Who may approve: relations to the account, then roles. people.cedar permits the step to exactly these."""

BOUND = (AccountClass.PRIVILEGED, AccountClass.IDENTITY_CONTROL, AccountClass.BREAK_GLASS)
"""Classes whose approvals take no signature by a key that can be copied, unless a rung says otherwise."""


def _seats(value: object) -> object:
    if not value:
        raise mistake(
            "an approval without seats approves nothing", "give it seats, or write `approve: none` in the cell"
        )
    return value


def _seat(value: object) -> object:
    if value in SEATS:
        return value
    raise mistake(f"{value!r} is no seat", f"name one of {', '.join(SEATS)}")


Seat = Annotated[StrictStr, BeforeValidator(_seat)]
Seats = Annotated[tuple[Annotated[tuple[Seat, ...], BeforeValidator(_seats)], ...], BeforeValidator(_seats)]


class ApprovalRow(Table):
    """One rung of approval: each of *seats* filled by another person; *separate* names who is kept apart.

    With *signed* each yes is a signature by a key of the approver's own over the exact request; with *outside* one of
    them is made outside any browser. *device_bound*: a key that signs can not be copied to another device (not said:
    for the classes of `BOUND`). *distinct*: the people are of different units, or each seat is another role.
    """

    seats: Seats
    separate: StrictStr
    signed: StrictBool = False
    device_bound: StrictBool | None = None
    outside: StrictBool = False
    distinct: tuple[Distinct, ...] = ()

    @model_validator(mode="after")
    def _fillable(self) -> ApprovalRow:
        if self.outside and not self.signed:
            raise mistake("`outside` asks for a signature, and this takes sessions", "write `signed: true` as well")
        if "roles" in self.distinct and len({role for seat in self.seats for role in seat}) < len(self.seats):
            raise mistake("there are fewer roles than seats, and each has to be another one", "name more roles")
        return self


class NoApprovalRow(Table):
    """What `approve: none` still keeps apart."""

    separate: StrictStr
