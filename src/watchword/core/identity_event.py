"""What can happen to an identity, whatever the vendor of a directory calls it, and the verdicts there are on it."""

from __future__ import annotations

from enum import StrEnum


class Canonical(StrEnum):
    """What happened to an identity, in words of our own for every directory's log."""

    PASSWORD_RESET = "password.reset"  # noqa: S105
    PASSWORD_CHANGE_SELF = "password.change_self"  # noqa: S105
    PASSWORD_EXPIRE = "password.expire"  # noqa: S105
    PASSWORD_RECOVER_SELF = "password.recover_self"  # noqa: S105
    FACTOR_RESET = "mfa.factor_reset"
    FACTOR_RESET_ALL = "mfa.factor_reset_all"
    FACTOR_ENROLL = "mfa.factor_enroll"
    FACTOR_SUSPEND = "mfa.factor_suspend"
    BYPASS_GRANT = "mfa.bypass_grant"
    ACCOUNT_LOCK = "account.lock"
    ACCOUNT_UNLOCK = "account.unlock"
    ACCOUNT_UNLOCK_SELF = "account.unlock_self"
    ACCOUNT_ENABLE = "account.enable"
    ACCOUNT_DISABLE = "account.disable"
    ACCOUNT_CREATE = "account.create"
    ACCOUNT_DELETE = "account.delete"
    ACCOUNT_RENAME = "account.rename"
    RECOVERY_INFO_CHANGE = "recovery_info.change"
    RECOVERY_INITIATED = "recovery.initiated"
    SESSION_REVOKE = "session.revoke"
    TOKEN_REISSUE = "token.reissue"  # noqa: S105
    TOKEN_REVOKE = "token.revoke"  # noqa: S105
    PRIVILEGE_GRANT = "privilege.grant"
    PRIVILEGE_REVOKE = "privilege.revoke"
    DEVICE_ENROLL = "device.enroll"
    IMPERSONATION_START = "impersonation.start"
    EVIDENCE_IDV = "evidence.idv"
    USER_REPORT = "signal.user_report"
    LOGIN_SUCCESS = "login.success"
    LOGIN_FAILURE = "login.failure"
    MAILBOX_RULE = "mailbox.rule"
    MAIL_DELETE = "mail.delete"
    APPLICATION_CONSENT = "application.consent"
    DATA_DOWNLOAD = "data.download"
    PAYROLL_CHANGE = "payroll.change"
    TRUST_CHANGE = "trust.change"
    """Whom the directory takes for somebody, or what it asks of whoever signs in or recovers: of everybody at once."""
    LOG_TAMPERED = "log.tampered"
    """What the directory's log holds, or who is sent it, made less."""


SUPPORT = frozenset(
    {
        Canonical.PASSWORD_RESET,
        Canonical.PASSWORD_EXPIRE,
        Canonical.FACTOR_RESET,
        Canonical.FACTOR_RESET_ALL,
        Canonical.BYPASS_GRANT,
        Canonical.ACCOUNT_UNLOCK,
        Canonical.ACCOUNT_ENABLE,
        Canonical.RECOVERY_INFO_CHANGE,
        Canonical.TOKEN_REISSUE,
        Canonical.PRIVILEGE_GRANT,
    }
)
"""Identity-support events: what somebody else does to let a person (back) in, so each one owes evidence."""


class Verdict(StrEnum):
    """What the evidence says about one identity event."""

    VERIFIED = "verified"
    OUT_OF_POLICY = "out_of_policy"
    UNVERIFIED = "unverified"
    SUSPICIOUS = "suspicious"
    SELF_SERVICE = "self_service"
    TICKETED = "ticketed"
    DOWNTIME = "downtime"
    IGNORED = "ignored"
