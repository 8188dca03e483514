"""Every route of the API."""

from __future__ import annotations

from watchword.api.caller import CallerController
from watchword.api.cases import AccountController, CaseController
from watchword.api.evidence import board, healthz, ledger_status
from watchword.api.log import checkpoint, tile
from watchword.api.people import PeopleController
from watchword.api.session import SessionController, sign_in_form, sign_out_form

HANDLERS = (
    SessionController,
    CaseController,
    AccountController,
    PeopleController,
    CallerController,
    ledger_status,
    board,
    checkpoint,
    tile,
    healthz,
    sign_in_form,
    sign_out_form,
)
