"""What a recovery case may ask for, and what is always allowed."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """The governed actions: the columns of the policy matrix."""

    UNLOCK = "unlock"
    PASSWORD_RESET = "password_reset"  # noqa: S105
    FACTOR_RESET = "factor_reset"
    TOTAL_LOSS = "total_loss"
    RECOVERY_INFO_CHANGE = "recovery_info_change"
    BYPASS_CODE = "bypass_code"
    SECRET_REISSUE = "secret_reissue"  # noqa: S105
    PRIVILEGED_OVERRIDE = "privileged_override"


class Step(StrEnum):
    """What a person can do to a case; the actions of `people.cedar`."""

    OPEN = "open"
    LINK_TICKET = "link_ticket"
    VERIFY = "verify"
    APPROVE = "approve"
    REFUSE = "refuse"
    RELEASE = "release"
    EXECUTE = "execute"
    VALIDATE = "validate"
    HAND_OVER = "hand_over"
    CLOSE = "close"
    WITHDRAW = "withdraw"
    ESCALATE = "escalate"
    CONTAIN = "contain"
    OBJECT = "object"
    LIFT_PAUSE = "lift_pause"
    BREAK_GLASS = "break_glass"
    REVIEW = "review"
    DECLARE = "declare_downtime"
    RELEASE_FREEZE = "release_freeze"
    PROTECT = "protect"
    READ = "read"
    ADMINISTER_PEOPLE = "administer_people"
    ENROL_CREDENTIAL = "enrol_credential"
    ACTIVATE_POLICY = "activate_policy"
    EXPORT_EVIDENCE = "export_evidence"
    ERASE_EVIDENCE = "erase_evidence"
    HOLD_EVIDENCE = "hold_evidence"
    LIFT_HOLD = "lift_hold"


class AlertLevel(StrEnum):
    """Who hears of a case: L0 log, L1 notify, L2 SOC queue, L3 page SOC."""

    LOG = "L0"
    NOTIFY = "L1"
    QUEUE = "L2"
    PAGE = "L3"
