"""Every route of the API."""

from __future__ import annotations

from watchword.api.approver import ApproverController
from watchword.api.approver_keys import ApproverKeyController
from watchword.api.caller import CallerController
from watchword.api.cases import AccountController, CaseController
from watchword.api.credentials import CredentialController
from watchword.api.downtime import DowntimeController
from watchword.api.evidence import board, erase, evidence, healthz, hold, ledger_status
from watchword.api.feeds import FeedController
from watchword.api.findings import FindingController, SuppressionController, risk_list
from watchword.api.log import checkpoint, tile
from watchword.api.metrics import metrics
from watchword.api.own_enrolment import OwnEnrolmentController
from watchword.api.people import PeopleController
from watchword.api.policy import PolicyController
from watchword.api.posture import debts, lower_threat, raise_threat, threat
from watchword.api.prompts import FactorController, PromptController, PromptOfferController
from watchword.api.proofing import IdentityController, ProofingController
from watchword.api.recover import RecoverController
from watchword.api.saved_codes import SavedCodesController
from watchword.api.seats import SeatController
from watchword.api.session import SessionController, sign_in_form, sign_out_form
from watchword.api.signal_streams import StreamController
from watchword.api.signals import SignalsController, configuration, keys
from watchword.api.vouching import VouchingController

HANDLERS = (
    SessionController,
    CaseController,
    AccountController,
    PeopleController,
    CredentialController,
    CallerController,
    RecoverController,
    SavedCodesController,
    OwnEnrolmentController,
    VouchingController,
    PromptController,
    PromptOfferController,
    FactorController,
    FeedController,
    IdentityController,
    ProofingController,
    ApproverController,
    ApproverKeyController,
    SeatController,
    PolicyController,
    threat,
    raise_threat,
    lower_threat,
    debts,
    DowntimeController,
    ledger_status,
    evidence,
    erase,
    hold,
    board,
    SignalsController,
    StreamController,
    configuration,
    keys,
    FindingController,
    SuppressionController,
    risk_list,
    checkpoint,
    tile,
    healthz,
    metrics,
    sign_in_form,
    sign_out_form,
)
