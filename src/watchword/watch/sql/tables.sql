-- The tables of one correlation, in a database that lives in memory. Times are UTC; keys are lower case.
-- Every connection to it sees them, so evidence can be loaded while a log is read, and signals can run side by side.

-- What one run is asked: whether evidence and tickets were given, how far the desk's own clocks may differ.
CREATE TABLE setting (has_evidence BOOLEAN, has_tickets BOOLEAN, lag INTERVAL);

-- Since when events are remembered; empty where all of them are.
CREATE TABLE remembered ("since" TIMESTAMPTZ);

-- How far the times of a feed may be off from the desk's; a directory of NULL stands for every one of the provider.
CREATE TABLE lag (provider VARCHAR, directory VARCHAR, lag INTERVAL);

-- The catalogues of the providers, and what this code knows of each canonical action.
CREATE TABLE catalogue (provider VARCHAR, native VARCHAR, canonical VARCHAR, by_owner VARCHAR, ignored VARCHAR);
CREATE TABLE kind ("action" VARCHAR, family VARCHAR, rank INTEGER, support BOOLEAN);

-- How many lines of each native type were read of a feed, and from when until when, a row a day (NULL where no line had a
-- time that can be). A feed whose directory is NULL may be of any directory.
CREATE TABLE seen (provider VARCHAR, directory VARCHAR, native VARCHAR, lines BIGINT, since VARCHAR, until VARCHAR);

-- How many lines of a feed name which of the vendor's tenants; those that are not ours were kept aside.
CREATE TABLE tenant (provider VARCHAR, directory VARCHAR, tenant VARCHAR, lines BIGINT, ours BOOLEAN);

-- Canonical events as the log has them, before folding. `done`: the directory did it; `click`: what the records of one
-- click share; `by_owner`: the actor is the target; `actor_class`: 'automation', 'vendor' (its own support) or 'system',
-- else NULL for a person. `country` as the log writes it; `detail`: which factor, role or rule. `half`: of an act that has
-- two records, whose this one is ('service', 'directory'), and `role_id` the role that it names (`sql/echo.sql`).
CREATE TABLE native (
    provider VARCHAR, directory VARCHAR, id VARCHAR, native_action VARCHAR, "action" VARCHAR, actor VARCHAR, actor_keys VARCHAR[], "target" VARCHAR,
    target_keys VARCHAR[], "time" TIMESTAMPTZ, outcome VARCHAR, done BOOLEAN, address VARCHAR, socket VARCHAR,
    correlation VARCHAR, click VARCHAR, by_owner BOOLEAN, actor_class VARCHAR, country VARCHAR, asn BIGINT,
    device VARCHAR, session VARCHAR, detail VARCHAR, half VARCHAR, role_id VARCHAR
);

-- Ids that records which are judged elsewhere have as well: where a log is judged in parts.
CREATE TABLE shared_id (id VARCHAR);

-- Who signed in, or failed to: nothing that a verdict is on, and far more than all else.
CREATE TABLE sign_in (
    provider VARCHAR, directory VARCHAR, id VARCHAR, native_action VARCHAR, "target" VARCHAR, target_keys VARCHAR[],
    "time" TIMESTAMPTZ, done BOOLEAN, address VARCHAR, country VARCHAR, asn BIGINT, device VARCHAR, session VARCHAR,
    detail VARCHAR
);

-- What an account was written as, where a log tells a change by the whole of the account: what changed shows beside the
-- writing before, in whatever part of the log that came.
CREATE TABLE written (
    provider VARCHAR, directory VARCHAR, realm VARCHAR, who VARCHAR, "time" TIMESTAMPTZ, id VARCHAR, body VARCHAR
);

-- Whom the desk acts as, where that was read apart from `evidence`, which then has only the rows of the logs' own time.
CREATE TABLE principal (name VARCHAR);

-- Times of which the ledger lost its own record.
CREATE TABLE gap (since TIMESTAMPTZ, until TIMESTAMPTZ);

-- What two custodians declared as done while the desk was down.
CREATE TABLE declared (
    downtime VARCHAR, directory VARCHAR, target_keys VARCHAR[], performers VARCHAR[], effects VARCHAR[],
    since TIMESTAMPTZ, until TIMESTAMPTZ, reviewed BOOLEAN, leaves BIGINT[]
);

-- The names an account goes by, its class, and where it was told who is behind it: one row a name. `since` is from when
-- the status holds, NULL for always.
CREATE TABLE account (
    account VARCHAR, name VARCHAR, class VARCHAR, person VARCHAR, unit VARCHAR, vendor VARCHAR, status VARCHAR,
    shared BOOLEAN, since TIMESTAMPTZ
);

-- What tickets speak for: one row for each support action a ticket names (NULL: it names none). Names are lower case.
CREATE TABLE ticket_part (
    part BIGINT, ticket VARCHAR, "target" VARCHAR, agent VARCHAR, actions VARCHAR[], opened TIMESTAMPTZ,
    since TIMESTAMPTZ, until TIMESTAMPTZ
);

-- What accounts go by in tickets: their names, or the person behind them; and every name of whoever a ticket is about.
CREATE VIEW label AS
SELECT name AS label, account FROM account
UNION
SELECT lower(person), account FROM account WHERE person <> '';

CREATE VIEW about AS
SELECT part, "target" AS name FROM ticket_part
UNION
SELECT ticket_part.part, account.name
FROM ticket_part JOIN label ON label.label = ticket_part."target" JOIN account USING (account);

-- Where a case is owed and a ticket is not enough: NULL stands for any. `until` is the way back.
CREATE TABLE enforced (class VARCHAR, "action" VARCHAR, unit VARCHAR, since TIMESTAMPTZ, until TIMESTAMPTZ);
