-- One round of claiming: each event and evidence that are each other's best of what is left belong together. Repeated
-- until a round adds nothing, it equals taking all pairs in order, best first: same connection, then nearest in time.
INSERT INTO claim
SELECT id, evidence
FROM pair
WHERE by_principal AND covered AND in_time AND NOT other
    AND id NOT IN (SELECT id FROM claim) AND evidence NOT IN (SELECT evidence FROM claim)
QUALIFY row_number() OVER (PARTITION BY id ORDER BY NOT same, distance, id, evidence) = 1
    AND row_number() OVER (PARTITION BY evidence ORDER BY NOT same, distance, id, evidence) = 1
