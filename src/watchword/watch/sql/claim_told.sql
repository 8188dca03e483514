-- event, pair, claim -> claim: a security event token tells of a change that another feed of its directory logged too. It
-- says no more of who acted than that an administrator did: where that feed's record claimed evidence, the token of the
-- same account, kind and time joins it. One token joins one record.
INSERT INTO claim
WITH told AS (
    SELECT
        token.id, logged.id AS other, claim.evidence,
        abs(epoch_us(token."time") - epoch_us(logged."time")) AS distance
    FROM event AS token
    JOIN pair USING (id)
    JOIN claim USING (evidence)
    JOIN event AS logged
        ON logged.id = claim.id AND logged.provider <> 'ssf' AND logged.directory = token.directory
        AND logged.family = token.family
        AND token."time" BETWEEN logged."time" - token.lag AND logged."time" + token.lag
    WHERE token.provider = 'ssf' AND token.owes AND len(token.actor_keys) = 0
        AND pair.covered AND pair.in_time AND token.id NOT IN (SELECT id FROM claim)
)
SELECT id, evidence
FROM told
QUALIFY row_number() OVER (PARTITION BY id ORDER BY distance, other) = 1
    AND row_number() OVER (PARTITION BY other ORDER BY distance, id) = 1
