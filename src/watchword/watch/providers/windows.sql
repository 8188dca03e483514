WITH whole AS (
    SELECT
        * REPLACE (nullif(nullif(TimeCreated, ''), '-') AS TimeCreated),
        lower(coalesce(Channel, 'Security')) AS log_name,
        coalesce(Computer, Hostname, '') AS machine,
        coalesce(EventRecordID, RecordNumber) AS number,
        coalesce(
            nullif(Message, ''), nullif(Description, ''), nullif(EventData, ''), nullif(event_data, ''), nullif(Payload, ''),
            StringInserts
        ) AS apart
    FROM log
)
SELECT
    CASE
        WHEN EventID IS NULL OR AllFieldInfo NOT IN ('', '{}') THEN NULL
        -- Of an event whose text says in a value what the event's own form says, nobody can tell what it did.
        WHEN watchword_imitated IS NOT NULL THEN 'imitated'
        -- Its data is elsewhere in the line, where only the reading of one line after the other finds it.
        WHEN apart NOT IN ('[]', '{}')
            AND coalesce(SubjectUserSid, SubjectUserName, TargetUserName, TargetSid, AccountName, ObjectDN, nullif("Data", ''), Requester) IS NULL
            AND log_name IN ('security', '') AND regexp_matches(EventID, '^(4[678]|5136|1102)') THEN NULL
        WHEN apart NOT IN ('[]', '{}') AND "Data" IS NULL
            AND regexp_full_match(EventID, '120[2-5]|1210') THEN NULL
        -- Nothing but its keywords tells whether it was done, and they are in another language: `_doubt` has the same.
        WHEN EventID IN ('4723', '4724') AND log_name IN ('security', '') AND regexp_matches(Keywords, '\p{L}{3}')
            AND NOT regexp_matches(
                trim(concat_ws(' ', Keywords, EventType)), '(?i)fail|gescheitert|échec|error de auditor|отказ'
                || '|success|erfolgreich|succès|auditoría correcta|успех|info|none|classic|null|(?:^| )(?:8|16)$'
            ) THEN NULL
        WHEN log_name IN ('security', '') THEN EventID
        -- Another log cleared: its service says so in the log of the system.
        WHEN log_name = 'system' AND EventID = '104' THEN 'System/104'
        WHEN log_name = 'application' AND SourceName = 'PasswordResetService' THEN 'PasswordResetService/' || EventID
        WHEN log_name = 'ad fs/admin' OR starts_with(SourceName, 'AD FS') THEN EventID
        WHEN starts_with(log_name, 'microsoft-windows-laps') THEN 'LAPS/' || EventID
        ELSE Channel
    END AS native,
    coalesce(TimeCreated, "@timestamp", TimeGenerated, EventTime, SystemTime, "timestamp") AS stamp,
    domain_of_machine(machine) AS tenant,
    struct_pack(
        stamp := coalesce(TimeCreated, "@timestamp", TimeGenerated, EventTime, SystemTime, "timestamp"), machine := machine, log_name := log_name,
        number := number, keywords := concat_ws(' ', Keywords, EventType),
        subject_sid := SubjectUserSid, subject_name := SubjectUserName, subject_domain := SubjectDomainName,
        subject_logon := SubjectLogonId, target_sid := coalesce(nullif(TargetSid, ''), TargetUserSid),
        -- What an AD FS server says has its account in the text; the record's own is that of the service.
        target_name := coalesce(TargetUserName, TargetName, CASE WHEN NOT coalesce(starts_with(SourceName, 'AD FS'), false) THEN AccountName END),
        target_domain := TargetDomainName,
        target_logon := TargetLogonId, member_sid := MemberSid, member_name := MemberName,
        old_name := OldTargetUserName, new_name := NewTargetUserName,
        address := coalesce(nullif(IpAddress, '-'), ClientAddress), logon_type := LogonType,
        workstation := coalesce(nullif(WorkstationName, '-'), Workstation, ClientName), status := Status, sub_status := SubStatus,
        password_set := PasswordLastSet, expires := AccountExpires, uac := UserAccountControl, upn := UserPrincipalName, sam := SamAccountName,
        delegate := AllowedToDelegateTo, dns := DnsHostName, history := SidHistory, dn := ObjectDN, guid := ObjectGUID, class := ObjectClass,
        attribute := AttributeLDAPDisplayName, "value" := AttributeValue, operation := OperationType,
        operation_id := OpCorrelationID, "data" := "Data", audit := AuditPolicyChanges, requester := Requester,
        asked := Attributes, imitated := watchword_imitated, event_number := EventID
    ) AS record
FROM whole;

WITH field AS (
    SELECT
        native,
        unnest(record),
        CASE
            -- As PowerShell writes a time in JSON; and 100 ns since 1601.
            WHEN regexp_matches(record.stamp, '^/Date\(\d{1,14}') THEN CAST(make_timestamp(
                try_cast(regexp_extract(record.stamp, '\d+') AS BIGINT) * 1000
            ) AS TIMESTAMPTZ)
            WHEN regexp_full_match(record.stamp, '1\d{17}') THEN CAST(make_timestamp(
                (try_cast(record.stamp AS BIGINT) - 116444736000000000) // 10
            ) AS TIMESTAMPTZ)
            ELSE coalesce(try_cast(record.stamp AS TIMESTAMPTZ), instant(record.stamp))
        END AS "time",
        -- Password services write an account into the text of their event.
        nullif(coalesce(
            nullif(regexp_extract("record"."data", '(?i)<UserId>\s*([^<]*[^<\s])', 1), ''),
            regexp_extract("record"."data", '[\w.+-]+@[\w-]+\.[\w.-]+')
        ), '') AS spoken,
        nullif(regexp_extract("record"."data", '(?i)<IpAddress>\s*([^<,\s]+)', 1), '') AS spoken_address,
        nullif(nullif(record.subject_sid, '-'), 'S-1-0-0') AS actor_sid,
        CASE WHEN native IN ('1204', '1205') THEN spoken ELSE nullif(record.subject_name, '-') END AS actor_name,
        -- An audit failure is an attempt: the wrong right, the wrong old password, the wrong policy. That AD FS locks
        -- somebody out is done.
        (native <> '1210' AND regexp_matches(
            record.keywords, '(?i)fail|gescheitert|échec|error de auditor|отказ|0x8?010000000000000|-9218868437227405312|9227875636482146304|(?:^| )16$'
        ))
        -- 4766: an attempt to add another's identifier that came to nothing.
        OR native IN ('4766', '1203', '1205')
        OR (native = '4794' AND coalesce(record.status, '0x0') NOT IN ('0x0', '0', '-', '')) AS failed,
        native IN ('4728', '4729', '4732', '4733', '4756', '4757') AS is_group,
        native IN ('4624', '4625', '4768', '4771', '4776', '4778', '1202', '1203') AS is_sign_in,
        -- What is about the domain, its certificates or a log, and no one account.
        regexp_full_match(native, '307|1102|System/104|4706|4707|4713|4716|4719|4739|486[567]|488[25]|489[012689]|4900|4906|4912') AS is_setting,
        lower(nullif(trim(record.requester), '')) AS requester_name,
        -- A certificate that is asked for in another's name: of several, whoever asks may put their own first.
        -- An address may stand for an account by its SID.
        lower(regexp_extract(record.asked, '(?is)\bSAN:.*')) AS told_names,
        list_concat(
            regexp_extract_all(told_names, '\b(?:upn|email|dns)\s*=\s*([^\s&,;]+)', 1),
            regexp_extract_all(told_names, '\burl\s*=\s*([^\s&;]+)', 1)
        ) AS alternatives,
        regexp_extract(requester_name, '[^\\]+$') AS requester_login,
        coalesce(list_filter(alternatives, lambda k: coalesce(
            split_part(k, '@', 1) <> requester_login AND (contains(k, '@') OR split_part(k, '.', 1) || '$' <> requester_login), true
        ))[1], alternatives[1]) AS certified,
        coalesce(regexp_matches(record.operation, '%%14675|Deleted'), false) AS is_taken_off,
        -- %%1793 is written out as "<value not set>": what was there is gone.
        nullif(regexp_replace(record.delegate, '^(-|%%1793|<value not set>)$', ''), '') AS delegated,
        nullif(regexp_replace(record.history, '^(-|%%1793|<value not set>)$', ''), '') AS added_history,
        nullif(regexp_replace(record.upn, '^(-|%%1793|<value not set>)$', ''), '') AS new_upn,
        nullif(regexp_replace(record.sam, '^(-|%%1793|<value not set>)$', ''), '') AS new_sam,
        nullif(regexp_replace(record.dns, '^(-|%%1793|<value not set>)$', ''), '') AS new_dns,
        nullif(regexp_replace(record.password_set, '^(-|%%1793|<value not set>)$', ''), '') AS password_at,
        -- Of a local account 4738 has every value, changed or not; only its flags are those that changed. In a domain,
        -- whose name is not the machine's, whoever writes an account may write all of these at once.
        coalesce(lower(record.target_domain) = lower(left(split_part(record.machine, '.', 1), 15))
            AND regexp_matches(record.sam, '[^-]') AND regexp_matches(record.expires, '[^-]')
            AND regexp_matches(record.password_set, '[^-]'), false) AS is_listing
    FROM record
),
named AS (
    SELECT
        *,
        coalesce(actor_sid, nullif(concat_ws('\', nullif(subject_domain, '-'), actor_name), ''), requester_name, '') AS actor,
        CASE
            WHEN is_group THEN coalesce(nullif(member_sid, '-'), nullif(member_name, '-'), '')
            WHEN native = '5136' THEN coalesce(dn, '')
            WHEN native = '4794' THEN 'DSRM@' || machine
            WHEN native = '4887' THEN coalesce(certified, requester_name, '')
            WHEN is_setting THEN machine
            WHEN native = 'imitated' THEN coalesce(nullif(member_sid, '-'), nullif(member_name, '-'), dn, nullif(target_sid, '-'), target_name, '')
            ELSE coalesce(nullif(nullif(target_sid, '-'), 'S-1-0-0'), nullif(target_name, '-'), nullif(spoken, ''), '')
        END AS "target",
        CASE
            WHEN is_group THEN [member_sid, member_name]
            WHEN native = '5136' THEN [dn, guid]
            WHEN native = '4794' THEN ['dsrm@' || machine]
            WHEN native = '4887' THEN [coalesce(certified, requester_name), CASE WHEN certified IS NULL THEN regexp_extract(requester_name, '[^\\]+$') END]
            WHEN is_setting THEN [machine]
            WHEN native = 'imitated' THEN CASE WHEN coalesce(member_sid, member_name) IS NULL THEN [dn, target_sid, target_name] ELSE [member_sid, member_name] END
            -- In 4740 the domain is the computer that the wrong passwords came from.
            WHEN native = '4740' THEN [target_sid, target_name]
            ELSE [
                target_sid, target_name, old_name, new_name, nullif(upn, '-'), spoken, regexp_extract(spoken, '\\(.+)$', 1),
                CASE WHEN target_name IS NOT NULL AND nullif(target_domain, '-') IS NOT NULL THEN target_domain || '\' || target_name END
            ]
        END AS names,
        -- Which groups lend power is known by the end of their SID, or by name.
        regexp_matches(target_sid, '(?i)^s-1-5-32-(544|548|549|550|551|578|580)$|^s-1-5-21-.*-(512|516|517|518|519|520|521|526|527)$')
            OR regexp_matches(target_name, '(?i)^((domain |enterprise |schema |key |enterprise key |dns|exchange organization |esx )?(admins|administrators?|administration)|dnsadmins|organization management|(account|backup|server|print) operators|group policy creator owners)$')
            AS is_privileged
    FROM field
),
-- A change of flags is written as the old ones taken off and the new ones put in.
flags AS (
    SELECT operation_id, lower(dn) AS entry, max(try_cast("value" AS BIGINT)) AS flags_before
    FROM field
    WHERE native = '5136' AND lower(attribute) = 'useraccountcontrol' AND is_taken_off AND operation_id <> ''
    GROUP BY ALL
),
flagged AS (
    SELECT
        named.*,
        -- Flags that are new: all of them, where the log does not say which there were.
        try_cast(named."value" AS BIGINT) & ~coalesce(flags.flags_before, 0) AS new_flags
    FROM named LEFT JOIN flags
        ON named.native = '5136' AND flags.operation_id = named.operation_id AND flags.entry = lower(named.dn)
),
kinds AS (
    SELECT
        *,
        CASE
            WHEN native = '4738' THEN list_filter([
                CASE WHEN password_at IN ('%%1794', '<never>') THEN
                        CASE WHEN NOT (is_listing AND regexp_matches(uac, '\w')) THEN '4738 password to be changed' END
                    WHEN password_at IS NOT NULL AND NOT is_listing THEN '4738 password set' END,
                CASE WHEN regexp_matches(uac, '\b2082\b|''Password Not Required'' - Enabled') THEN '4738 no password needed' END,
                CASE WHEN regexp_matches(uac, '\b2060\b|''Smartcard Required'' - Disabled') THEN '4738 no smart card needed' END,
                CASE WHEN regexp_matches(uac, '\b2096\b|''Don''t Require Preauth'' - Enabled') THEN '4738 no proof before tickets' END,
                CASE WHEN regexp_matches(
                    uac, '\b(2091|2095)\b|''(Encrypted Text Password Allowed|Use DES Key Only)'' - Enabled'
                ) THEN '4738 password to be recovered' END,
                CASE WHEN regexp_matches(uac, '\b2089\b|''Don''t Expire Password'' - Enabled') THEN '4738 password never expires' END,
                CASE WHEN delegated IS NOT NULL OR regexp_matches(
                    uac, '\b(2093|2098)\b|''Trusted (For|To Authenticate For) Delegation'' - Enabled'
                ) THEN '4738 delegation' END,
                CASE WHEN added_history IS NOT NULL THEN '4738 another''s identifier' END,
                CASE WHEN coalesce(new_upn, new_sam) IS NOT NULL AND password_at IS NULL AND NOT is_listing THEN '4738 renamed' END
            ], lambda k: k IS NOT NULL)
            WHEN native = '4742' THEN [CASE
                WHEN delegated IS NOT NULL OR regexp_matches(
                    uac, '\b(2093|2098)\b|''Trusted (For|To Authenticate For) Delegation'' - Enabled'
                ) THEN '4742 delegation'
                -- A machine that is taken for a controller is sent everybody's password.
                WHEN regexp_matches(uac, '\b2088\b|''Server Trust Account'' - Enabled') THEN '4742 a controller'
                WHEN added_history IS NOT NULL THEN '4742 another''s identifier'
                -- A certificate of a machine is for its name in DNS. It gives itself its own. Of a longer name its account has
                -- the first fifteen letters (NetBIOS).
                WHEN NOT coalesce(ends_with(actor_name, '$'), false) AND lower(split_part(new_dns, '.', 1))[:15] NOT IN (
                    lower(rtrim(target_name, '$')), lower(rtrim(coalesce(new_sam, target_name), '$'))
                ) THEN '4742 another''s name'
                ELSE '4742 other'
            END]
            WHEN native = '5136' THEN list_filter([
                CASE lower(attribute)
                    WHEN 'msds-keycredentiallink' THEN '5136 key credential ' || CASE WHEN is_taken_off THEN 'removed' ELSE 'added' END
                    WHEN 'sidhistory' THEN CASE WHEN NOT is_taken_off THEN '5136 another''s identifier' END
                    -- Whoever asks for a ticket to a service has what its password can be guessed from. Machines, and accounts
                    -- whose password is managed, have services and no such password.
                    WHEN 'serviceprincipalname' THEN CASE
                        WHEN NOT is_taken_off AND coalesce(NOT regexp_full_match(class, '(?i)computer|msDS-.*ManagedServiceAccount'), true)
                            THEN '5136 service name'
                        -- Names that only a controller has: of a catalogue, and of replication.
                        WHEN NOT is_taken_off AND regexp_matches("value", '(?i)^(GC/|E3514235-4B06-11D1-AB04-00C04FC2DCD2/)')
                            AND NOT coalesce(ends_with(actor_name, '$'), false) THEN '5136 a controller'
                    END
                    WHEN 'msds-allowedtodelegateto' THEN CASE WHEN NOT is_taken_off THEN '5136 delegation' END
                    WHEN 'msds-allowedtoactonbehalfofotheridentity' THEN CASE WHEN NOT is_taken_off THEN '5136 delegation' END
                    WHEN 'msds-managedaccountprecededbylink' THEN CASE WHEN NOT is_taken_off THEN '5136 another''s identifier' END
                    WHEN 'msds-groupmsamembership' THEN CASE WHEN NOT is_taken_off THEN '5136 readers of a password' END
                    -- UF_ flags of [MS-ADTS] 2.2.16, which are not those of 4738.
                    WHEN 'useraccountcontrol' THEN CASE
                        WHEN is_taken_off THEN NULL
                        WHEN (new_flags & 17301504) <> 0 THEN '5136 delegation'  -- 0x80000, 0x1000000
                        WHEN (new_flags & 8192) <> 0 THEN '5136 a controller'  -- 0x2000
                        WHEN (new_flags & 4194304) <> 0 THEN '5136 no proof before tickets'  -- 0x400000
                        WHEN (new_flags & 32) <> 0 AND lower(class) IS DISTINCT FROM 'computer' THEN '5136 no password needed'
                        WHEN (new_flags & 2097280) <> 0 THEN '5136 password to be recovered'  -- 0x80, 0x200000
                    END
                    WHEN 'dnshostname' THEN CASE
                        WHEN NOT is_taken_off AND NOT coalesce(ends_with(actor_name, '$'), false)
                            AND lower(split_part("value", '.', 1)) <> lower(regexp_extract(dn, '(?i)^CN=([^,]+)', 1))
                            AND lower(split_part("value", '.', 1))[:15] <> lower(regexp_extract(dn, '(?i)^CN=([^,]+)', 1)) THEN '5136 another''s name'
                    END
                    -- How a domain treats those who administer it, or how many machines anybody may add to it.
                    WHEN 'dsheuristics' THEN '5136 setting of the domain'
                    WHEN 'ms-ds-machineaccountquota' THEN '5136 setting of the domain'
                    -- Rights over the domain itself, or over all who administer it; or who may ask for certificates of a kind.
                    WHEN 'ntsecuritydescriptor' THEN CASE
                        WHEN lower(class) IN ('pkicertificatetemplate', 'pkienrollmentservice') AND NOT is_taken_off
                            THEN '5136 certificate template'
                        WHEN (lower(class) = 'domaindns' OR regexp_matches(dn, '(?i)^CN=AdminSDHolder,CN=System,'))
                            AND NOT is_taken_off THEN '5136 rights over the domain'
                    END
                    WHEN 'pwdlastset' THEN CASE WHEN "value" = '0' AND NOT is_taken_off
                        THEN '5136 password to be changed' END
                    ELSE CASE WHEN lower(class) = 'pkicertificatetemplate' THEN '5136 certificate template'
                    WHEN regexp_matches(
                        attribute, '(?i)^(altSecurityIdentities|mail|otherMailbox|proxyAddresses|mobile|otherMobile|telephoneNumber|otherTelephone)$'
                    ) THEN '5136 contact' END
                END
            ], lambda k: k IS NOT NULL)
            -- What it did may be the strongest of what such an event says: it owes evidence as that.
            WHEN native = 'imitated' THEN ['imitated'] || CASE
                -- Of a sign-in or a setting it is told alone.
                WHEN event_number IN ('4624', '4625', '4719') THEN []
                ELSE ['imitated change']
            END
            WHEN is_group THEN [native || CASE WHEN is_privileged THEN ' privileged' ELSE ' other' END]
            -- %%8448 and %%8450: successes, or failures, are no longer written.
            WHEN native = '4719' THEN [CASE
                WHEN nullif(nullif(trim(audit), ''), '-') IS NULL OR regexp_matches(audit, '\b(8448|8450)\b|(?i)removed') THEN '4719 less'
                ELSE '4719 more'
            END]
            WHEN native = '4624' AND (
                ends_with(target_name, '$') OR target_sid IN ('S-1-5-18', 'S-1-5-19', 'S-1-5-20', 'S-1-5-7')
                OR regexp_matches(target_sid, '^S-1-5-(90|96)-')
            ) THEN ['4624 machine']
            WHEN is_sign_in AND native NOT IN ('4625', '4771', '1203') AND (failed OR coalesce(nullif(status, '0x0'), '0') NOT IN ('0', '-', ''))
                THEN [native || ' failed']
            ELSE [native]
        END AS natives
    FROM flagged
)
SELECT
    coalesce(
        machine || '/' || log_name || '/' || nullif(number, ''),
        md5(concat_ws('|', native, stamp, machine, actor, "target", subject_logon, target_logon, attribute, "value", CASE WHEN failed THEN 'failed' END))
    ) AS id,
    unnest(coalesce(nullif(natives, []), [native || ' nothing that lets in'])) AS native_action,
    CASE WHEN is_sign_in THEN "target" ELSE actor END AS actor,
    -- Another domain has accounts of the same names: a SID is of one.
    CASE WHEN actor_sid IS NOT NULL THEN [lower(actor_sid)] ELSE [] END || list_transform(list_distinct(list_filter([
        lower(actor_name), requester_name, regexp_extract(requester_name, '[^\\]+$'),
        CASE WHEN actor_name IS NOT NULL AND nullif(subject_domain, '-') IS NOT NULL THEN lower(subject_domain || '\' || actor_name) END
    ], lambda k: k <> '')), lambda k: CASE WHEN actor_sid IS NOT NULL THEN 'name:' ELSE '' END || k) AS actor_keys,
    "target",
    list_distinct(list_filter(list_transform(names, lambda k: lower(k)), lambda k: k NOT IN ('', '-', 's-1-0-0'))) AS target_keys,
    "time",
    CASE
        WHEN failed OR native = '4625' THEN 'FAILURE' || coalesce(' ' || nullif(nullif(coalesce(sub_status, status), '-'), ''), '')
        ELSE 'SUCCESS'
    END AS outcome,
    NOT failed AND native NOT IN ('4625', '4771') AS done,
    regexp_replace(nullif(nullif(nullif(coalesce(address, spoken_address), '-'), ''), 'LOCAL'), '^::ffff:', '') AS address,
    CAST(NULL AS VARCHAR) AS socket,
    nullif(nullif(operation_id, ''), '-') AS correlation,
    -- One click of a console is several records of one logon on one account.
    nullif(lower(concat_ws('|', machine, nullif(subject_logon, '-'))), lower(machine)) AS click,
    native IN ('1204', '1205') OR coalesce(actor_sid = target_sid
        -- Who has no session yet, or an expired password, changes it with the old one, and nobody is signed in.
        OR (native = '4723' AND actor_sid IN ('S-1-5-7', 'S-1-5-18'))
        OR (natives = ['4738 password set'] AND regexp_full_match(actor_sid, '(?i)S-1-5-7|NT AUTHORITY\\ANONYMOUS LOGON'))
        -- A computer's own name has a domain; a person's, behind an @, is no computer's. A name that is not understood is not
        -- known to be one's own.
        OR (native = '4887' AND coalesce(
            split_part(certified, '@', 1) = requester_login
            OR (NOT contains(certified, '@') AND split_part(certified, '.', 1) || '$' = requester_login), told_names = '', true
        ))
        OR (
        actor_sid IS NULL AND lower(actor_name) = lower(target_name)
        AND coalesce(lower(nullif(subject_domain, '-')) = lower(nullif(target_domain, '-')), true)
    ), false) AS by_owner,
    CASE
        WHEN is_sign_in THEN NULL
        -- A rendered message may have the name that a SID stands for.
        WHEN actor_sid IN ('S-1-5-18', 'S-1-5-19', 'S-1-5-20') OR actor_sid ILIKE 'NT AUTHORITY\%' ESCAPE '^' THEN 'system'
        WHEN regexp_matches(actor_name, '(?i)^(msol_|aad_|adsync|sync_|provagentgmsa)') OR ends_with(coalesce(actor_name, requester_name), '$') THEN 'automation'
    END AS actor_class,
    CASE WHEN is_sign_in THEN nullif(workstation, '-') WHEN native = '4740' THEN target_domain END AS device,
    nullif(lower(concat_ws('|', machine, nullif(CASE WHEN is_sign_in THEN target_logon ELSE subject_logon END, '-'))), lower(machine))
        AS session,
    CASE
        WHEN is_group THEN target_name
        WHEN native = '5136' THEN attribute
        WHEN native = '4781' THEN concat_ws(' → ', old_name, new_name)
        WHEN is_sign_in THEN 'logon type ' || logon_type
        WHEN native = '4738' THEN delegated
        WHEN native = '4719' THEN nullif(trim(audit), '')
        WHEN native = '4887' THEN nullif(trim(asked), '')
        WHEN native = 'imitated' THEN imitated
    END AS detail
FROM kinds
