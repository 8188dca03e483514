-- native -> a row, where any record leaves out what `join` fills in.
SELECT 1 FROM native WHERE address IS NULL AND session IS NOT NULL OR country IS NULL AND coalesce(address, session) IS NOT NULL
LIMIT 1
