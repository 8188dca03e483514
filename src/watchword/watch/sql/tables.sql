-- The tables of one correlation, in a database that lives in memory. Times are UTC; keys are lower case.
-- Those that are not TEMP are seen by every connection to it, so evidence can be loaded while a log is read.

-- What one run is asked: whose log, which directory's evidence (NULL: all of it), how far clocks may differ.
CREATE TABLE setting (provider VARCHAR, directory VARCHAR, has_evidence BOOLEAN, lag INTERVAL);

-- The catalogue of the provider, and what this code knows of each canonical action.
CREATE TEMP TABLE catalogue (native VARCHAR, canonical VARCHAR, by_owner VARCHAR, ignored VARCHAR);
CREATE TEMP TABLE kind ("action" VARCHAR, family VARCHAR, rank INTEGER, support BOOLEAN);

-- How many lines of each native type were read, and from when until when (as the log writes it).
CREATE TEMP TABLE seen (native VARCHAR, lines BIGINT, since VARCHAR, until VARCHAR);

-- Canonical events as the log has them, before folding. `done`: the directory did it; `click`: what the records of one
-- click share; `by_owner`: the actor is the target.
CREATE TEMP TABLE native (
    id VARCHAR, native_action VARCHAR, "action" VARCHAR, actor VARCHAR, actor_keys VARCHAR[], "target" VARCHAR,
    target_keys VARCHAR[], "time" TIMESTAMPTZ, outcome VARCHAR, done BOOLEAN, address VARCHAR, socket VARCHAR,
    correlation VARCHAR, click VARCHAR, by_owner BOOLEAN
);

-- Times of which the ledger lost its own record.
CREATE TABLE gap (since TIMESTAMPTZ, until TIMESTAMPTZ);

-- What two custodians declared as done while the desk was down.
CREATE TABLE declared (
    downtime VARCHAR, directory VARCHAR, target_keys VARCHAR[], performers VARCHAR[], effects VARCHAR[],
    since TIMESTAMPTZ, until TIMESTAMPTZ, reviewed BOOLEAN, leaves BIGINT[]
);

-- The names an account goes by, and its class: one row a name.
CREATE TABLE account (account VARCHAR, name VARCHAR, class VARCHAR);
