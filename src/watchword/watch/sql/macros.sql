-- What every provider's SQL may call. Nothing here raises, whatever a log says: what can not be read is NULL.

-- A word of a log, or NULL where it says that there is none.
CREATE OR REPLACE MACRO said(word) AS CASE WHEN lower(trim(word)) IN ('', 'null', 'none', '-') THEN NULL ELSE word END;

-- The id of an object of a Microsoft directory, or NULL where it is that of none.
CREATE OR REPLACE MACRO object_id(word) AS
    CASE WHEN word IN ('', '00000000-0000-0000-0000-000000000000') THEN NULL ELSE word END;

-- Names, each once, in an order of their own: what is read twice has to be equal.
CREATE OR REPLACE MACRO names_of(names) AS list_sort(list_distinct(names));

-- A name that is not of one account alone is marked among an actor's: that of a session, which whoever acts chose
-- (`session:`) or Identity Center gave (`sso:`), and a title or a login of any domain beside what tells accounts apart
-- (`name:`). No evidence is claimed by one. `told_names` are for what only adds to a verdict, `vouched_names` for whose
-- ticket it is.
CREATE OR REPLACE MACRO told_names(names) AS list_transform(names, lambda k: regexp_replace(k, '^(sso|session|name):', ''));
CREATE OR REPLACE MACRO vouched_names(names) AS list_transform(names, lambda k: regexp_replace(k, '^(sso|name):', ''));

-- The address among what a log calls somebody, where what it calls them first is none: NULL where it has none.
CREATE OR REPLACE MACRO login_of(who, names) AS CASE WHEN NOT contains(who, '@') THEN list_min(list_filter(
    vouched_names(list_filter(names, lambda k: contains(k, '@'))), lambda k: NOT regexp_matches(k, '[\s/:\\]|@.*@')
)) END;

-- Whether two users of a record are one: by id where both have one, else by name within one domain, or by address.
CREATE OR REPLACE MACRO is_one_of(id, other_id, realm, other_realm, login, other_login, mail, other_mail) AS coalesce(CASE
    WHEN id <> '' AND other_id <> '' THEN lower(id) = lower(other_id)
    WHEN realm <> '' AND other_realm <> '' AND lower(realm) <> lower(other_realm) THEN false
    WHEN login <> '' AND other_login <> '' THEN lower(login) = lower(other_login)
    WHEN mail <> '' AND other_mail <> '' THEN lower(mail) = lower(other_mail)
    ELSE list_has_any(
        list_filter([lower(id), lower(login), lower(mail)], lambda k: k <> ''),
        list_filter([lower(other_id), lower(other_login), lower(other_mail)], lambda k: k <> '')
    )
END, false);

-- The DNS domain of a machine, and of an entry of a directory, in lower case; NULL where the name has none. As in
-- `providers/domain.py`.
CREATE OR REPLACE MACRO domain_of_machine(word) AS CASE
    WHEN contains(word, '.') AND ltrim(word, '0123456789.') <> ''
        THEN nullif(rtrim(lower(substr(word, strpos(word, '.') + 1)), '.'), '')
END;
CREATE OR REPLACE MACRO domain_of_entry(dn) AS nullif(regexp_replace(ltrim(regexp_replace(trim(regexp_extract(
    lower(regexp_replace(dn, '(?s)\\.', '_', 'g')), '(?:(?:^|,)\s*dc=[\pL\pN_-]+)+\s*$'
)), '(?:^|,)\s*dc=', '.', 'g'), '.'), '^(?:domain|forest)dnszones\.', ''), '');

-- The address in a text, without port (in the ways of RFC 5952 6), brackets and zone; NULL where it is none (a service's
-- name, nine groups of IPv6).
CREATE OR REPLACE MACRO address_in(word) AS nullif(coalesce(
    nullif(regexp_extract(word, '^\s*(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?\s*$', 1), ''),
    nullif(regexp_extract(
        word, '^\s*\[?((?:[0-9a-fA-F]{0,4}:){2,7}(?:[0-9a-fA-F]{0,4}|\d{1,3}(?:\.\d{1,3}){3}))(?:%\w+)?(?:\](?::\d+)?|(?:[#p.]| port )\d{1,5})?\s*$', 1
    ), '')
), '');

-- Whether a group lends power, by its name, which is all that most logs have of it: what has such a word in it does, but
-- for plain words that are spelt alike. A virtual machine is none that somebody stands at, and `RootCAUsers` are no cause.
-- As in `providers/power.py`.
CREATE OR REPLACE MACRO lends_power(name) AS coalesce(regexp_matches(
    regexp_replace(
        regexp_replace(
            replace(
                replace(regexp_replace(lower(name), '[^\pL]+', ' ', 'g'), 'virtual machine', 'virtualmachine'),
                'rootcauser', 'root ca user'
            ),
            '\b(root ?causes?|wheel ?chairs?)', ' ', 'g'
        ),
        '\b(badminton|administrative (assistant|secretar(y|ie))s?|business administration|grassroots|sudoku'
        || '|cooperators|(machine|machinery|forklift|crane|tour|camera|switchboard|telephone) ?operators?'
        || '|(help|service) ?desktops?)\b', ' ', 'g'
    ),
    'admin|operator|root|wheel|sudo|replicat|(help|service).?desk'
), false);

-- A time as logs write it: ISO 8601 (no zone is UTC, a comma is a point), seconds, milliseconds, microseconds or
-- nanoseconds since 1970, 100-nanosecond ticks since 1601 (FILETIME), or LDAP's generalized time (RFC 4517 3.3.13).
CREATE OR REPLACE MACRO instant_of_any_year(word) AS CASE
    WHEN regexp_full_match(trim(word), '-?\d{1,18}(\.\d*)?|\d{19}') THEN CASE
        WHEN abs(try_cast(word AS DOUBLE)) < 1e11
            THEN CAST(make_timestamp(CAST(round(try_cast(word AS DOUBLE) * 1e6) AS BIGINT)) AS TIMESTAMPTZ)
        WHEN abs(try_cast(word AS DOUBLE)) < 1e14
            THEN CAST(make_timestamp(CAST(round(try_cast(word AS DOUBLE) * 1e3) AS BIGINT)) AS TIMESTAMPTZ)
        WHEN abs(try_cast(word AS DOUBLE)) < 1e17
            THEN CAST(make_timestamp(CAST(round(try_cast(word AS DOUBLE)) AS BIGINT)) AS TIMESTAMPTZ)
        WHEN try_cast(word AS DOUBLE) < 1e18
            THEN CAST(make_timestamp((try_cast(trim(word) AS BIGINT) - 116444736000000000) // 10) AS TIMESTAMPTZ)
        ELSE CAST(make_timestamp(try_cast(trim(word) AS BIGINT) // 1000) AS TIMESTAMPTZ)
    END
    WHEN regexp_full_match(trim(word), '\d{14}([.,]\d+)?(Z|[+-]\d{4})') THEN try_cast(
        substr(trim(word), 1, 4) || '-' || substr(trim(word), 5, 2) || '-' || substr(trim(word), 7, 2) || 'T'
        || substr(trim(word), 9, 2) || ':' || substr(trim(word), 11, 2) || ':'
        || replace(substr(trim(word), 13), ',', '.') AS TIMESTAMPTZ
    )
    WHEN regexp_matches(word, '^\s*\d+-') THEN coalesce(
        try_cast(replace(trim(word), ',', '.') AS TIMESTAMPTZ),
        -- A zone apart, or without its colon: ISO 8601 in its basic form, as `strftime` writes it.
        try_cast(regexp_replace(replace(trim(word), ',', '.'), ' ?([+-]\d\d):?(\d\d)$', '\1:\2') AS TIMESTAMPTZ)
    )
    WHEN regexp_matches(word, '^\s*\d+/')
        THEN coalesce(
            CAST(try_strptime(replace(trim(word), ', ', ' '), ['%m/%d/%Y %I:%M:%S %p', '%m/%d/%Y %H:%M:%S', '%m/%d/%Y %I:%M:%S.%f %p', '%m/%d/%Y %H:%M:%S.%f']) AS TIMESTAMPTZ),
            try_strptime(replace(trim(word), ', ', ' '), ['%m/%d/%Y %I:%M:%S %p %z', '%m/%d/%Y %H:%M:%S %z'])
        )
END;

-- The time in a text where it may be one of a log that came by now: what is from later, or from before there were any,
-- says nothing of how far a log reaches.
CREATE OR REPLACE MACRO past_instant(word) AS list_filter(
    [coalesce(try_cast(word AS TIMESTAMPTZ), instant_of_any_year(word))],
    lambda t: (t BETWEEN TIMESTAMPTZ '1990-01-01 00:00:00+00' AND now())
)[1];

-- The same within the years that every calendar has: what a log says must not stop the reading of it.
CREATE OR REPLACE MACRO instant(word) AS list_filter([instant_of_any_year(word)], lambda t: (
    t BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'
))[1];

-- What tells the entries of a list of Entra's apart, by the member that says which they are: a method by its kind, an app
-- by its id and a key by its identifier; by its place where that is not said.
CREATE OR REPLACE MACRO entries_in(name, list) AS CASE
    WHEN json_type(try_cast(list AS JSON)) = 'ARRAY' THEN list_transform(
        CAST(try_cast(list AS JSON) AS JSON[]), lambda e, i: coalesce(
            CASE name
                WHEN 'strongauthenticationmethod' THEN e ->> '$.MethodType'
                WHEN 'searchabledevicekey' THEN e ->> '$.KeyIdentifier'
                ELSE coalesce(e ->> '$.Id', e ->> '$.DeviceToken')
            END, '#' || i
        )
    )
    ELSE CAST([] AS VARCHAR[])
END;
