-- What signals read. One row an event or a sign-in, whoever's log it came from; times are UTC, keys lower case.

-- Identity events with their verdicts. `subject` is the same for an account in every log that shares a name of it;
-- `class` is its class, where one is known; `actor_subject` and `actor_standing` are those of who did it.
CREATE OR REPLACE TABLE happened (
    id VARCHAR, provider VARCHAR, directory VARCHAR, subject VARCHAR, class VARCHAR, "action" VARCHAR, family VARCHAR,
    actor VARCHAR, actor_class VARCHAR, actor_subject VARCHAR, actor_standing VARCHAR, "target" VARCHAR,
    "time" TIMESTAMPTZ, done BOOLEAN, by_owner BOOLEAN, owes BOOLEAN, verdict VARCHAR, reasons VARCHAR[],
    "case" VARCHAR, ticket VARCHAR, native_action VARCHAR, address VARCHAR, country VARCHAR, asn BIGINT, device VARCHAR,
    session VARCHAR, detail VARCHAR
);

-- Sign-ins of accounts that anything else happened to, and of all that are for break-glass.
CREATE OR REPLACE TABLE signed_in (
    id VARCHAR, provider VARCHAR, directory VARCHAR, subject VARCHAR, class VARCHAR, "target" VARCHAR,
    "time" TIMESTAMPTZ, done BOOLEAN, native_action VARCHAR, address VARCHAR, country VARCHAR, asn BIGINT,
    device VARCHAR, session VARCHAR, detail VARCHAR
);

-- What the desk did (core/activity.py); `subject` is the account's as above, `target` its native name where a log has it.
CREATE OR REPLACE TABLE activity (
    seq BIGINT, "time" TIMESTAMPTZ, did VARCHAR, "case" VARCHAR, account VARCHAR, account_class VARCHAR, unit VARCHAR,
    person VARCHAR, seat VARCHAR, "other" VARCHAR, origin VARCHAR, since TIMESTAMPTZ, browser VARCHAR, detail VARCHAR,
    subject VARCHAR, "target" VARCHAR
);

-- Changes said done that no log shows, of those within the time the logs cover.
CREATE OR REPLACE TABLE unseen (
    "case" VARCHAR, ticket VARCHAR, native_id VARCHAR, change VARCHAR, "time" TIMESTAMPTZ
);

-- Access that was given back: by somebody else, or by the owner who had none.
CREATE OR REPLACE VIEW recovery AS
SELECT *
FROM happened
WHERE done AND (
    "action" = 'password.recover_self'
    OR owes AND "action" IN ('password.reset', 'mfa.factor_reset', 'mfa.factor_reset_all', 'mfa.bypass_grant')
);
