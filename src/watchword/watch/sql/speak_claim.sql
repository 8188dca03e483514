-- One round of what `claim.sql` does for evidence: one ticket speaks for one support action, unless it names several.
INSERT INTO spoken
SELECT id, part
FROM speak
WHERE covered AND in_time AND NOT other_agent
    AND id NOT IN (SELECT id FROM spoken) AND part NOT IN (SELECT part FROM spoken)
QUALIFY row_number() OVER (PARTITION BY id ORDER BY NOT by_agent, distance, id, part) = 1
    AND row_number() OVER (PARTITION BY part ORDER BY NOT by_agent, distance, id, part) = 1
