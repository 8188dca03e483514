-- sign_in, whose -> signed_in: with one subject for all names of an account.
INSERT INTO signed_in BY NAME
SELECT
    sign_in.id, sign_in.provider, coalesce(sign_in.directory, sign_in.provider) AS directory, whose.subject, whose.class,
    sign_in."target", sign_in."time", sign_in.done, sign_in.native_action, sign_in.address, country_code.code AS country, sign_in.asn,
    sign_in.device, sign_in.session, sign_in.detail
FROM sign_in
JOIN whose
    ON whose.provider = sign_in.provider AND whose.directory = coalesce(sign_in.directory, '')
    AND whose.who = sign_in."target"
LEFT JOIN country_code ON country_code.written = lower(strip_accents(trim(sign_in.country)))
WHERE sign_in."time" BETWEEN TIMESTAMPTZ '1970-01-02 00:00:00+00' AND TIMESTAMPTZ '9999-01-01 00:00:00+00';
