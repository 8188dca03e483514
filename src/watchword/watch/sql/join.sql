-- native, sign_in -> native: what a log of changes leaves out and the sign-ins of the same account have.
-- Windows names no address with a change: the logon that it was made in does.
UPDATE native SET address = found.address
FROM (
    SELECT native.rowid AS row, arg_max(sign_in.address, sign_in."time") AS address
    FROM native JOIN sign_in
        ON sign_in.session = native.session AND sign_in.provider = native.provider
        AND sign_in.directory IS NOT DISTINCT FROM native.directory
        AND sign_in."time" <= native."time" AND sign_in.done AND sign_in.address IS NOT NULL
    WHERE native.address IS NULL AND native.session IS NOT NULL
    GROUP BY native.rowid
) AS found
WHERE native.rowid = found.row;

-- Entra's audits have an address and no geography: the actor's own sign-in from there, nearest in time, has.
UPDATE native SET country = coalesce(native.country, found.country), asn = coalesce(native.asn, found.asn)
FROM (
    SELECT
        native.rowid AS row,
        arg_min(sign_in.country, abs(epoch_ms(sign_in."time") - epoch_ms(native."time"))) AS country,
        arg_min(sign_in.asn, abs(epoch_ms(sign_in."time") - epoch_ms(native."time"))) AS asn
    FROM native JOIN sign_in
        ON sign_in.address = native.address AND sign_in.provider = native.provider
        AND sign_in.directory IS NOT DISTINCT FROM native.directory
        AND list_has_any(sign_in.target_keys, native.actor_keys)
    WHERE native.country IS NULL AND native.address IS NOT NULL
        AND (sign_in.country IS NOT NULL OR sign_in.asn IS NOT NULL)
    GROUP BY native.rowid
) AS found
WHERE native.rowid = found.row
