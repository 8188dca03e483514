-- What signals read. One row an event or a sign-in, whoever's log it came from; times are UTC, keys lower case.

-- Identity events with their verdicts. `subject` is the same for an account in every log that shares a name of it;
-- `class` is its class, where one is known; `actor_subject` and `actor_standing` are those of who did it, `actor_unit`
-- the unit they are in, where that is known.
CREATE OR REPLACE TABLE happened (
    id VARCHAR, provider VARCHAR, directory VARCHAR, subject VARCHAR, class VARCHAR, "action" VARCHAR, family VARCHAR,
    actor VARCHAR, actor_class VARCHAR, actor_subject VARCHAR, actor_standing VARCHAR, actor_unit VARCHAR, "target" VARCHAR,
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

-- Countries by the names that logs give them in English, and by their ISO 3166 codes: lower case, without accents.
CREATE OR REPLACE TABLE country_code AS
WITH named AS (
    SELECT unnest(string_split('AD andorra|AE united arab emirates|AF afghanistan|AG antigua and barbuda|AI anguilla|AL albania|'
        || 'AM armenia|AO angola|AQ antarctica|AR argentina|AS american samoa|AT austria|AU australia|AW aruba|'
        || 'AX aland islands|AZ azerbaijan|BA bosnia and herzegovina|BB barbados|BD bangladesh|BE belgium|'
        || 'BF burkina faso|BG bulgaria|BH bahrain|BI burundi|BJ benin|BL saint barthelemy|BM bermuda|BN brunei|'
        || 'BN brunei darussalam|BO bolivia|BO bolivia, plurinational state of|BQ caribbean netherlands|'
        || 'BQ bonaire, sint eustatius and saba|BQ bonaire, sint eustatius, and saba|BR brazil|BS bahamas|'
        || 'BS the bahamas|BT bhutan|BV bouvet island|BW botswana|BY belarus|BZ belize|CA canada|'
        || 'CC cocos (keeling) islands|CC cocos islands|CD democratic republic of the congo|CD dr congo|'
        || 'CD congo, the democratic republic of the|CD congo (kinshasa)|CD congo - kinshasa|'
        || 'CD congo, democratic republic of the|CF central african republic|CG congo|CG republic of the congo|'
        || 'CG congo republic|CG congo (brazzaville)|CG congo - brazzaville|CH switzerland|CI ivory coast|'
        || 'CI cote d''ivoire|CK cook islands|CL chile|CM cameroon|CN china|CO colombia|CR costa rica|CU cuba|'
        || 'CV cabo verde|CV cape verde|CW curacao|CX christmas island|CY cyprus|CZ czechia|CZ czech republic|'
        || 'DE germany|DE deutschland|DJ djibouti|DK denmark|DM dominica|DO dominican republic|DZ algeria|'
        || 'EC ecuador|EE estonia|EG egypt|EH western sahara|ER eritrea|ES spain|ET ethiopia|FI finland|FJ fiji|'
        || 'FK falkland islands|FK falkland islands (malvinas)|FM micronesia|FM federated states of micronesia|'
        || 'FM micronesia, federated states of|FO faroe islands|FR france|GA gabon|GB united kingdom|'
        || 'GB united kingdom of great britain and northern ireland|GB great britain|GB uk|GB england|GD grenada|'
        || 'GE georgia|GF french guiana|GG guernsey|GH ghana|GI gibraltar|GL greenland|GM gambia|GM the gambia|'
        || 'GN guinea|GP guadeloupe|GQ equatorial guinea|GR greece|GS south georgia and the south sandwich islands|'
        || 'GT guatemala|GU guam|GW guinea-bissau|GY guyana|HK hong kong|HK hong kong sar|'
        || 'HM heard island and mcdonald islands|HN honduras|HR croatia|HT haiti|HU hungary|ID indonesia|IE ireland|'
        || 'IL israel|IM isle of man|IN india|IO british indian ocean territory|IQ iraq|IR iran|'
        || 'IR iran, islamic republic of|IS iceland|IT italy|JE jersey|JM jamaica|JO jordan|JP japan|KE kenya|'
        || 'KG kyrgyzstan|KH cambodia|KI kiribati|KM comoros|KN saint kitts and nevis|KN st kitts and nevis|'
        || 'KP north korea|KP korea, democratic people''s republic of|KR south korea|KR korea, republic of|'
        || 'KR republic of korea|KR korea|KW kuwait|KY cayman islands|KZ kazakhstan|LA laos|'
        || 'LA lao people''s democratic republic|LB lebanon|LC saint lucia|LC st lucia|LI liechtenstein|'
        || 'LK sri lanka|LR liberia|LS lesotho|LT lithuania|LU luxembourg|LV latvia|LY libya|MA morocco|MC monaco|'
        || 'MD moldova|MD moldova, republic of|MD republic of moldova|ME montenegro|MF saint martin|'
        || 'MF saint martin (french part)|MG madagascar|MH marshall islands|MK north macedonia|MK macedonia|'
        || 'MK macedonia, the former yugoslav republic of|ML mali|MM myanmar|MM burma|MM myanmar (burma)|'
        || 'MN mongolia|MO macao|MO macau|MO macao sar|MP northern mariana islands|MQ martinique|MR mauritania|'
        || 'MS montserrat|MT malta|MU mauritius|MV maldives|MW malawi|MX mexico|MY malaysia|MZ mozambique|'
        || 'NA namibia|NC new caledonia|NE niger|NF norfolk island|NG nigeria|NI nicaragua|NL netherlands|'
        || 'NL the netherlands|NL holland|NO norway|NP nepal|NR nauru|NU niue|NZ new zealand|OM oman|PA panama|'
        || 'PE peru|PF french polynesia|PG papua new guinea|PH philippines|PK pakistan|PL poland|'
        || 'PM saint pierre and miquelon|PN pitcairn|PN pitcairn islands|PR puerto rico|PS palestine|'
        || 'PS palestinian territory|PS state of palestine|PS palestine, state of|PT portugal|PW palau|PY paraguay|'
        || 'QA qatar|RE reunion|RO romania|RS serbia|RU russia|RU russian federation|RW rwanda|SA saudi arabia|'
        || 'SB solomon islands|SC seychelles|SD sudan|SE sweden|SG singapore|SH saint helena|'
        || 'SH saint helena, ascension and tristan da cunha|SI slovenia|SJ svalbard and jan mayen|SK slovakia|'
        || 'SL sierra leone|SM san marino|SN senegal|SO somalia|SR suriname|SS south sudan|ST sao tome and principe|'
        || 'SV el salvador|SX sint maarten|SX sint maarten (dutch part)|SY syria|SY syrian arab republic|'
        || 'SZ eswatini|SZ swaziland|TC turks and caicos islands|TD chad|TF french southern territories|TG togo|'
        || 'TH thailand|TJ tajikistan|TK tokelau|TL timor-leste|TL east timor|TM turkmenistan|TN tunisia|TO tonga|'
        || 'TR turkey|TR turkiye|TT trinidad and tobago|TV tuvalu|TW taiwan|TW taiwan, province of china|'
        || 'TZ tanzania|TZ tanzania, united republic of|TZ united republic of tanzania|UA ukraine|UG uganda|'
        || 'UM united states minor outlying islands|UM u.s. outlying islands|US united states|'
        || 'US united states of america|US usa|UY uruguay|UZ uzbekistan|VA vatican city|VA holy see|'
        || 'VA holy see (vatican city state)|VC saint vincent and the grenadines|VC st vincent and the grenadines|'
        || 'VE venezuela|VE venezuela, bolivarian republic of|VG british virgin islands|VG virgin islands, british|'
        || 'VI u.s. virgin islands|VI virgin islands, u.s.|VN vietnam|VN viet nam|VU vanuatu|WF wallis and futuna|'
        || 'WS samoa|XK kosovo|YE yemen|YT mayotte|ZA south africa|ZM zambia|ZW zimbabwe', '|')) AS one
)
SELECT DISTINCT written, code FROM (
    SELECT one[4:] AS written, one[:2] AS code FROM named
    UNION ALL
    SELECT lower(one[:2]), one[:2] FROM named
);

-- The network that an address is of: the first 24 bits of IPv4, the first 64 of IPv6; what is neither stands for itself.
CREATE OR REPLACE MACRO network_of(word) AS CASE
    WHEN word NOT LIKE '%:%' OR regexp_matches(word, '\.\d+$')
        THEN coalesce(nullif(regexp_extract(word, '(\d+\.\d+\.\d+)\.\d+$', 1), ''), word)
    ELSE array_to_string(list_transform((
        list_filter(string_split(split_part(word, '::', 1), ':'), lambda g: g <> '')
        || list_transform(
            range(8 - len(list_filter(string_split(word, ':'), lambda g: g <> ''))), lambda n: '0'
        )
        || list_filter(string_split(split_part(word, '::', 2), ':'), lambda g: g <> '')
    )[:4], lambda g: coalesce(nullif(ltrim(lower(g), '0'), ''), '0')), ':')
END;
