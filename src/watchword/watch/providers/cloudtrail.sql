-- Some pipelines write an object as text.
WITH called AS (
    SELECT * REPLACE (
        coalesce(CASE WHEN json_type(userIdentity) = 'VARCHAR' THEN try_cast(userIdentity ->> '$' AS JSON) END, userIdentity) AS userIdentity,
        coalesce(CASE WHEN json_type(requestParameters) = 'VARCHAR' THEN try_cast(requestParameters ->> '$' AS JSON) END, requestParameters) AS requestParameters,
        coalesce(CASE WHEN json_type(responseElements) = 'VARCHAR' THEN try_cast(responseElements ->> '$' AS JSON) END, responseElements) AS responseElements,
        coalesce(CASE WHEN json_type(additionalEventData) = 'VARCHAR' THEN try_cast(additionalEventData ->> '$' AS JSON) END, additionalEventData) AS additionalEventData,
        coalesce(CASE WHEN json_type(serviceEventDetails) = 'VARCHAR' THEN try_cast(serviceEventDetails ->> '$' AS JSON) END, serviceEventDetails) AS serviceEventDetails
    )
    FROM log
)
SELECT
    CASE
        WHEN eventName IS NULL THEN NULL
        WHEN regexp_matches(eventSource, '^(iam|signin|sso|sso-directory|identitystore|identitystore-scim|cognito-idp|sts|signin-oauth|sso-oauth)\.')
            -- Reading is one thing, whatever is read.
            THEN regexp_extract(eventSource, '^[^.]+') || '/' || CASE
                -- Older records do not say whether a call only reads.
                WHEN coalesce(lower(said(readOnly)), 'true') = 'true' AND regexp_matches(eventName, '^(Get|List|Describe|Search|Simulate|Generate|Batch(Get|List))')
                    THEN 'read'
                ELSE eventName
            END
        -- Of these services a few calls are about accounts, and most about other things.
        WHEN regexp_matches(eventSource, '^(ds|ds-data)\.') AND eventName IN (
            'ResetUserPassword', 'CreateUser', 'DeleteUser', 'DisableUser', 'UpdateUser', 'AddGroupMember', 'RemoveGroupMember',
            'CreateTrust', 'UpdateTrust', 'DeleteTrust', 'EnableRadius', 'UpdateRadius', 'DisableRadius', 'EnableClientAuthentication',
            'DisableClientAuthentication', 'RegisterCertificate', 'DeregisterCertificate', 'DeleteLogSubscription'
        ) THEN 'ds/' || eventName
        WHEN eventSource LIKE 'cloudtrail.%' AND eventName IN (
            'StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors', 'DeleteEventDataStore', 'UpdateEventDataStore',
            'StopEventDataStoreIngestion'
        ) THEN 'cloudtrail/' || eventName
        -- Where a trail is kept is known by name alone; what else is kept in groups and buckets goes as it came.
        WHEN (eventSource LIKE 'logs.%' AND eventName = 'DeleteLogGroup'
            OR eventSource LIKE 's3.%' AND regexp_full_match(eventName, 'DeleteBucket|PutBucketLifecycle(Configuration)?'))
            AND regexp_matches(concat_ws(' ', requestParameters ->> '$.logGroupName', requestParameters ->> '$.bucketName'), '(?i)trail|audit')
            -- A bucket's rules may only move what is in it, or let it go after years.
            AND (eventName NOT LIKE 'PutBucketLifecycle%' OR coalesce(regexp_matches(
                requestParameters ->> '$.LifecycleConfiguration', '"Expiration" ?: ?\{[^}]*("Date"|"Days" ?: ?"?[0-9]{1,2}\b)'
            ), true))
            THEN regexp_extract(eventSource, '^[^.]+') || '/' || eventName
        -- A lake that the same calls are written to, and read from.
        WHEN eventSource LIKE 'securitylake.%' AND regexp_matches(
            eventName, '^(Delete|Update)DataLake$|^Delete(AwsLogSource|DataLakeOrganizationConfiguration|Subscriber(Notification)?)$'
        ) THEN 'securitylake/' || eventName
        -- An authority whose certificates are taken for roles.
        WHEN eventSource LIKE 'rolesanywhere.%' AND regexp_matches(
            eventName, '^(Create|Update|Enable)(TrustAnchor|Profile)$|^(Delete|Disable|Update)Crl$|^(Put|Delete)AttributeMapping$'
        )
            THEN 'rolesanywhere/' || eventName
        -- The roles that whoever comes through a pool is given, also those who showed nothing.
        WHEN eventSource LIKE 'cognito-identity.%' AND eventName IN (
            'CreateIdentityPool', 'UpdateIdentityPool', 'SetIdentityPoolRoles', 'SetPrincipalTagAttributeMap'
        ) THEN 'cognito-identity/' || eventName
        -- What bounds all of an account, who answers for all of them, and which accounts are among them.
        WHEN eventSource LIKE 'organizations.%' AND eventName IN (
            'RegisterDelegatedAdministrator', 'DeregisterDelegatedAdministrator', 'PutResourcePolicy', 'DeleteResourcePolicy',
            'AttachPolicy', 'DetachPolicy', 'UpdatePolicy', 'DeletePolicy', 'EnablePolicyType', 'DisablePolicyType', 'MoveAccount', 'AcceptHandshake',
            'LeaveOrganization', 'RemoveAccountFromOrganization', 'DeleteOrganization', 'EnableAWSServiceAccess', 'DisableAWSServiceAccess',
            'CreateAccount', 'CreateGovCloudAccount', 'CreateAccountResult', 'CloseAccount', 'CloseAccountResult', 'InviteAccountToOrganization',
            'CreateOrganization', 'EnableAllFeatures'
        ) THEN 'organizations/' || eventName
        WHEN eventSource LIKE 'workmail.%' AND eventName IN (
            'ResetPassword', 'CreateUser', 'DeleteUser', 'RegisterToWorkMail', 'DeregisterFromWorkMail', 'UpdatePrimaryEmailAddress',
            'PutMailboxPermissions', 'DeleteMailboxPermissions', 'CreateImpersonationRole', 'UpdateImpersonationRole', 'DeleteImpersonationRole',
            'AssumeImpersonationRole', 'DeletePersonalAccessToken', 'PutIdentityProviderConfiguration', 'DeleteIdentityProviderConfiguration'
        ) THEN 'workmail/' || eventName
        WHEN eventSource LIKE 'account.%' AND eventName IN (
            'AcceptPrimaryEmailUpdate', 'PutContactInformation', 'StartPrimaryEmailUpdate', 'VerifyPhoneNumber', 'SendPhoneNumberVerification',
            'PutAlternateContact', 'DeleteAlternateContact'
        ) THEN 'account/' || eventName
        -- Who may do what in a cluster, which role its service accounts act as, and whom it takes for somebody.
        WHEN eventSource LIKE 'eks.%' AND (
            regexp_matches(eventName, '^(Create|Update|Delete)(AccessEntry|PodIdentityAssociation)$')
            OR eventName IN (
                'AssociateAccessPolicy', 'DisassociateAccessPolicy', 'AssociateIdentityProviderConfig', 'DisassociateIdentityProviderConfig',
                'UpdateClusterConfig'
            )
        ) THEN 'eks/' || eventName
        -- A server of files has users of its own, who come in with keys and act as roles.
        WHEN eventSource LIKE 'transfer.%' AND (
            regexp_matches(eventName, '^(Create|Update|Delete)(User|Access)$|^(Import|Delete)SshPublicKey$') OR eventName = 'UpdateServer'
        ) THEN 'transfer/' || eventName
        -- Calls that do nothing else than hand a role to what runs, or a key to it; where that is one of many settings it is not told.
        WHEN eventSource LIKE 'ec2.%' AND (
            regexp_matches(eventName, '^(Associate|Disassociate)IamInstanceProfile$')
            OR eventName IN ('ReplaceIamInstanceProfileAssociation', 'GetPasswordData')
        ) THEN 'ec2/' || eventName
        WHEN eventSource LIKE 'rds.%' AND regexp_matches(eventName, '^(AddRoleTo|RemoveRoleFrom)DB(Instance|Cluster)$') THEN 'rds/' || eventName
        WHEN eventSource LIKE 'redshift.%' AND eventName = 'ModifyClusterIamRoles' THEN 'redshift/' || eventName
        WHEN eventSource LIKE 'glue.%' AND eventName = 'UpdateDevEndpoint' THEN 'glue/' || eventName
        WHEN eventSource LIKE 'lightsail.%' AND eventName IN (
            'CreateBucketAccessKey', 'DeleteBucketAccessKey', 'DownloadDefaultKeyPair', 'GetInstanceAccessDetails',
            'GetRelationalDatabaseMasterUserPassword'
        ) THEN 'lightsail/' || eventName
        WHEN eventSource LIKE 'ec2-instance-connect.%' AND eventName IN ('SendSSHPublicKey', 'SendSerialConsoleSSHPublicKey')
            THEN 'ec2-instance-connect/' || eventName
        -- Databases, brokers and file systems have accounts of their own; a password itself is written as asterisks, or hidden.
        WHEN regexp_matches(eventName, '^(Modify|Update|Reset|Change|Set|Rotate)') AND regexp_matches(
            concat_ws(' ', CAST(requestParameters AS VARCHAR), responseElements ->> '$.pendingModifiedValues'),
            '(?i)"[a-z]*(master|admin)(user)?password" ?: ?"|"(rotate|manage)(master|admin)(user)?password" ?: ?"?true'
        ) THEN 'another service password'
        -- A user of a cache who needs no password any more is let in as by one that is known.
        WHEN regexp_matches(eventName, '^(Modify|Update|Reset|Change|Set)User') AND regexp_matches(
            CAST(requestParameters AS VARCHAR), '(?i)"passwords?" ?: ?["\[]|"noPasswordRequired" ?: ?"?true|"no-password-required"'
        ) THEN 'another service password'
        WHEN regexp_matches(eventName, '^(Set|Reset|Change|Update|Rotate)[A-Za-z]*Password$') THEN 'another service password'
        -- Desktops, networks and boards are let into by whoever an identity provider of theirs says.
        WHEN regexp_matches(
            eventName, '^(Create|Update|Modify|Delete|Register|Deregister|Attach|Detach)[A-Za-z]*'
            || '(IdentityProvider|IdentitySource|TrustProvider|SamlProperties|CertificateBasedAuth|WorkspaceAuthentication|OidcConfig|IdpConfig)'
        ) THEN 'another service trust'
        ELSE 'another service'
    END AS native,
    CAST(instant(eventTime) AS VARCHAR) AS stamp,
    struct_pack(
        id := eventID, "time" := eventTime, name := eventName, who := userIdentity, asked := requestParameters,
        given := responseElements, more := additionalEventData, of_service := serviceEventDetails,
        error := coalesce(said(errorCode), CASE WHEN eventName = 'ConsoleLogin' THEN said(errorMessage) END),
        address := sourceIPAddress, agent := userAgent, request := requestID, shared := sharedEventID,
        account := recipientAccountId
    ) AS record,
    nullif(recipientAccountId, '') AS tenant
FROM called;

WITH field AS (
    SELECT
        native,
        record.id AS id,
        instant(record."time") AS "time",
        record.name AS name,
        said(record.error) AS error,
        record.who ->> '$.type' AS kind,
        -- So CloudTrail writes a name that it does not keep, such as one that nobody has.
        nullif(said(record.who ->> '$.userName'), 'HIDDEN_DUE_TO_SECURITY_REASONS') AS login,
        said(record.who ->> '$.arn') AS arn,
        said(record.who ->> '$.principalId') AS principal,
        said(coalesce(record.who ->> '$.onBehalfOf.userId', record.more ->> '$.UserId', record.more ->> '$.userId')) AS person,
        said(coalesce(record.more ->> '$.UserName', record.more ->> '$.userName')) AS told_login,
        said(record.who ->> '$.accountId') AS account,
        said(record.who ->> '$.invokedBy') AS invoked_by,
        said(record.who ->> '$.sessionContext.sessionIssuer.userName') AS role,
        said(record.who ->> '$.sessionContext.sessionIssuer.arn') AS role_arn,
        said(record.who ->> '$.accessKeyId') AS access_key,
        said(record.who ->> '$.sessionContext.sourceIdentity') AS source_identity,
        record.asked AS asked,
        -- What was asked for is not there, was cut short, or was too much to be kept.
        coalesce(json_type(record.asked), '') <> 'OBJECT' OR said(record.asked ->> '$.omitted') IS NOT NULL AS lost,
        record.given AS given,
        record.more AS more,
        -- How a sign-in ended is among what it answers, or among what the service itself says of it.
        lower(coalesce(record.given ->> ('$.' || record.name), record.of_service ->> ('$.' || record.name), '')) = 'failure'
            -- A page of the service's own is answered with a status.
            OR coalesce(try_cast(record.more ->> '$.responseParameters.status' AS DOUBLE) >= 400, false) AS failed,
        -- Whoever has the organization's power over the root user of a member account: the record has root, and not who it is.
        coalesce(record.who ->> '$.type' = 'Root' AND lower(record.who ->> '$.sessionContext.assumedRoot') = 'true', false) AS lent_root,
        -- So IAM calls the root user of an account, and its factor; whose factor a user's is called is for others to say.
        upper(record.asked ->> '$.userName') = 'AWS ROOT USER' OR record.asked ->> '$.userName' IS NULL AND regexp_matches(
            concat_ws(' ', record.asked ->> '$.serialNumber', ':mfa/' || (record.asked ->> '$.virtualMFADeviceName')),
            ':(mfa|sms-mfa)/root-account-mfa-device|:u2f/root'
        ) AS of_root,
        -- A part of an address is escaped, a member of what was sent is not. What can not be read as escaped stays as it is.
        coalesce(try(url_decode(record.asked ->> '$.principalArn')), record.asked ->> '$.principalArn') AS principal_named,
        record.address AS source,
        record.agent AS agent,
        said(record.request) AS request,
        said(record.shared) AS shared,
        said(record.account) AS recipient
    FROM record
),
placed AS (
    SELECT
        *,
        -- A role is assumed under the name of a session: of Identity Center, and of most others, the person's login.
        nullif(regexp_extract(coalesce(arn, ''), ':assumed-role/[^/]+/(.+)$', 1), '') AS session_name,
        CASE WHEN lent_root THEN coalesce(access_key, 'assumed-root') WHEN kind = 'Root' THEN coalesce(account, arn) ELSE coalesce(login, person, arn, principal, told_login, invoked_by) END AS who,
        said(coalesce(
            CASE WHEN of_root THEN coalesce(recipient, account) END,
            CASE WHEN native = 'sts/AssumeRoot' THEN regexp_replace(asked ->> '$.targetPrincipal', '^arn:[^:]*:iam::(\d+):root$', '\1') END,
            nullif(asked ->> '$.userName', 'HIDDEN_DUE_TO_SECURITY_REASONS'), nullif(asked ->> '$.username', 'HIDDEN_DUE_TO_SECURITY_REASONS'), asked ->> '$.userId', asked ->> '$.user.userId', asked ->> '$.memberId.userId',
            asked ->> '$.member.memberId.userId', asked ->> '$.member.memberId', asked ->> '$.memberId', asked ->> '$.principalId', more ->> '$.sub', more ->> '$.requestParameters.sub[0]',
            asked ->> '$.sAMAccountName', asked ->> '$.memberName',
            CASE
                WHEN starts_with(native, 'organizations/') THEN coalesce(
                    asked ->> '$.accountId', asked ->> '$.targetId', asked ->> '$.target.id', given ->> '$.createAccountStatus.accountId',
                    given ->> '$.createAccountStatus.id'
                )
                -- A user of the account itself has the name that IAM's own calls have.
                WHEN regexp_extract(principal_named, '^arn:[^:]*:iam::(\d+):user/', 1) = coalesce(recipient, account)
                    THEN regexp_extract(principal_named, '[^/]+$')
                WHEN principal_named IS NOT NULL THEN principal_named
                WHEN starts_with(native, 'eks/') THEN coalesce(
                    (asked ->> '$.namespace') || '/' || (asked ->> '$.serviceAccount'),
                    (given ->> '$.association.namespace') || '/' || (given ->> '$.association.serviceAccount')
                )
                WHEN starts_with(native, 'ec2/') THEN coalesce(
                    asked ->> ('$.' || name || 'Request.InstanceId'), given ->> ('$.' || name || 'Response.iamInstanceProfileAssociation.instanceId'),
                    asked ->> ('$.' || name || 'Request.AssociationId')
                )
                WHEN starts_with(native, 'transfer/') THEN asked ->> '$.externalId'
                WHEN starts_with(native, 'lightsail/') THEN asked ->> '$.bucketName'
                WHEN starts_with(native, 'glue/') THEN asked ->> '$.endpointName'
                WHEN starts_with(native, 'workmail/') THEN coalesce(
                    asked ->> '$.granteeId', asked ->> '$.entityId', given ->> '$.userId', asked ->> '$.name', asked ->> '$.impersonationRoleId'
                )
                -- Whose name the first account of a database has is seldom asked for: which database says whose.
                WHEN native = 'another service password' OR regexp_matches(native, '^(rds|redshift)/') THEN coalesce(
                    asked ->> '$.dBInstanceIdentifier', asked ->> '$.dBClusterIdentifier', asked ->> '$.clusterIdentifier', asked ->> '$.clusterArn',
                    asked ->> '$.namespaceName', asked ->> '$.relationalDatabaseName', asked ->> '$.domainName', asked ->> '$.storageVirtualMachineId',
                    asked ->> '$.fileSystemId', given ->> '$.dBInstanceIdentifier', given ->> '$.dBClusterIdentifier'
                )
            END,
            asked ->> '$.destinationUser.providerAttributeValue', asked ->> '$.user.providerAttributeValue',
            CASE
                WHEN native = 'identitystore-scim/PatchGroup' THEN asked ->> '$.httpBody.operations[0].value[0].value'
                WHEN starts_with(native, 'identitystore-scim/') THEN coalesce(asked ->> '$.id', given ->> '$.id')
                WHEN starts_with(native, 'account/') THEN coalesce(asked ->> '$.accountId', recipient, account)
            END,
            nullif(given ->> '$.user.userName', 'HIDDEN_DUE_TO_SECURITY_REASONS'), given ->> '$.user.userId', given ->> '$.accessKey.userName',
            given ->> '$.loginProfile.userName', given ->> '$.serviceSpecificCredential.userName', given ->> '$.sSHPublicKey.userName',
            given ->> '$.certificate.userName',
            CASE WHEN native = 'identitystore/CreateUser' THEN given ->> '$.userId' END,
            regexp_extract(asked ->> '$.serialNumber', ':(?:mfa|sms-mfa|u2f/user)/([^/]+)', 1),
            nullif(regexp_extract(given ->> '$.virtualMFADevice.serialNumber', ':mfa/(.+)$', 1), ''),
            asked ->> '$.virtualMFADeviceName'
        )) AS user_named,
        said(coalesce(
            asked ->> '$.roleName', asked ->> '$.groupName', asked ->> '$.groupId', asked ->> '$.policyArn',
            asked ->> '$.policyName', asked ->> '$.permissionSetArn', asked ->> '$.instanceProfileName',
            asked ->> '$.clientId', asked ->> '$.tenantId',
            CASE WHEN regexp_matches(native, '^(cloudtrail|rolesanywhere)/') OR native IN ('iam/CreateSAMLProvider', 'iam/CreateOpenIDConnectProvider')
                THEN coalesce(asked ->> '$.name', asked ->> '$.trustAnchorId', asked ->> '$.profileId', asked ->> '$.crlId', asked ->> '$.trailName', asked ->> '$.eventDataStore', asked ->> '$.url') END,
            CASE
                WHEN starts_with(native, 'organizations/') THEN coalesce(
                    asked ->> '$.policyId', asked ->> '$.handshakeId', asked ->> '$.servicePrincipal', asked ->> '$.rootId',
                    given ->> '$.resourcePolicy.resourcePolicySummary.id', recipient, account
                )
                WHEN starts_with(native, 'eks/') THEN coalesce(asked ->> '$.name', asked ->> '$.clusterName')
                WHEN starts_with(native, 'transfer/') THEN asked ->> '$.serverId'
                WHEN native LIKE 'another service %' THEN coalesce(
                    asked ->> '$.identityProviderArn', asked ->> '$.identitySourceArn', asked ->> '$.resourceId', asked ->> '$.workspaceId',
                    asked ->> '$.portalArn', asked ->> '$.gatewayARN', asked ->> '$.name', recipient, account
                )
                WHEN starts_with(native, 'workmail/') THEN asked ->> '$.organizationId'
                WHEN regexp_matches(native, '^(logs|s3)/') THEN coalesce(asked ->> '$.logGroupName', asked ->> '$.bucketName')
                WHEN starts_with(native, 'cognito-identity/') THEN coalesce(asked ->> '$.identityPoolId', given ->> '$.identityPoolId', asked ->> '$.identityPoolName')
            END,
            asked ->> '$.sAMLProviderArn', asked ->> '$.openIDConnectProviderArn', given ->> '$.sAMLProviderArn',
            given ->> '$.openIDConnectProviderArn', asked ->> '$.directoryId', asked ->> '$.instanceArn', asked ->> '$.userPoolId', asked ->> '$.applicationArn'
        )) AS thing_named
    FROM field
),
named AS (
    SELECT
        *,
        native || CASE
            WHEN native = 'iam/UpdateAccessKey' OR native = 'iam/UpdateServiceSpecificCredential' OR native = 'iam/UpdateSSHPublicKey'
                OR native = 'iam/UpdateSigningCertificate'
                THEN CASE WHEN lower(asked ->> '$.status') = 'inactive' THEN ' off' ELSE '' END
            WHEN native = 'signin/ConsoleLogin' OR native = 'signin/UserAuthentication' OR native = 'signin/SwitchRole'
                OR native = 'signin/CredentialVerification'
                THEN CASE WHEN error IS NOT NULL OR failed THEN ' refused' ELSE '' END
            -- One of the tasks that root is lent for only looks.
            WHEN native = 'sts/AssumeRoot'
                THEN CASE WHEN asked ->> '$.taskPolicyArn.arn' LIKE '%/IAMAuditRootUserCredentials' THEN ' look' ELSE '' END
            WHEN name IN ('InitiateAuth', 'AdminInitiateAuth', 'RespondToAuthChallenge', 'AdminRespondToAuthChallenge')
                THEN CASE WHEN error IS NOT NULL THEN ' refused' ELSE '' END
            -- The older settings have SMS by its medium, and nothing where it is switched off.
            WHEN name IN ('AdminSetUserSettings', 'SetUserSettings')
                THEN CASE WHEN regexp_matches(CAST(asked AS VARCHAR), '(?i)"deliveryMedium": ?"') THEN ' on' ELSE ' off' END
            WHEN name IN ('AdminSetUserMFAPreference', 'SetUserMFAPreference')
                THEN CASE WHEN regexp_matches(CAST(asked AS VARCHAR), '(?i)"enabled": ?true') THEN ' on' ELSE ' off' END
            WHEN name IN ('AdminUpdateUserAttributes', 'UpdateUserAttributes') OR native IN ('sso-directory/UpdateUser', 'identitystore/UpdateUser')
                -- Attributes are much else than contacts; where they are not told they could be.
                THEN CASE WHEN lost OR regexp_matches(CAST(asked AS VARCHAR), '(?i)mail|phone|HIDDEN_DUE|operations') THEN ' contact' ELSE ' other' END
            -- A whole user or a part of one, of which most is hidden.
            WHEN native IN ('identitystore-scim/PatchUser', 'identitystore-scim/PutUser') THEN CASE
                WHEN regexp_matches(CAST(asked AS VARCHAR), '(?i)"active": ?"?false|"path": ?"active", ?"value": ?"?false|"value": ?"?false"?, ?"path": ?"active"')
                    THEN ' off'
                WHEN regexp_matches(CAST(asked AS VARCHAR), '(?i)"path": ?"active", ?"value": ?"?true|"value": ?"?true"?, ?"path": ?"active"')
                    THEN ' on'
                ELSE ' contact'
            END
            WHEN native = 'identitystore-scim/PatchGroup' THEN CASE
                WHEN regexp_matches(CAST(asked AS VARCHAR), '(?i)"op": ?"remove"') THEN ' out'
                WHEN lost OR regexp_matches(CAST(asked AS VARCHAR), '(?i)members|HIDDEN_DUE') THEN ' in'
                ELSE ' other'
            END
            WHEN native = 'ds/UpdateUser'
                THEN CASE WHEN lost OR regexp_matches(CAST(asked AS VARCHAR), '(?i)mail|phone|mobile|otherAttributes') THEN ' contact' ELSE ' other' END
            -- Of the policies of an organization some are about backups, labels and the like.
            WHEN native IN ('organizations/UpdatePolicy', 'organizations/EnablePolicyType', 'organizations/DisablePolicyType')
                THEN CASE WHEN coalesce(asked ->> '$.policyType', given ->> '$.policy.policySummary.type', '') IN ('', 'SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY')
                    THEN '' ELSE ' other' END
            -- Policies of AWS' own that only deny, and the one by which the console ends a role's sessions: who is freed of one is given power.
            WHEN regexp_matches(native, '^(iam|sso)/(Attach|Detach).*Policy')
                THEN CASE WHEN regexp_matches(
                    coalesce(asked ->> '$.policyArn', asked ->> '$.managedPolicyArn'), '^arn:[^:]*:iam::aws:policy/(AWSDenyAll$|AWSCompromisedKeyQuarantine)'
                ) THEN ' deny' ELSE '' END
            WHEN native = 'iam/DeleteRolePolicy'
                THEN CASE WHEN asked ->> '$.policyName' = 'AWSRevokeOlderSessions' THEN ' deny' ELSE '' END
            -- A call that lost what it asked for is the most that it may be.
            WHEN native = 'eks/UpdateClusterConfig'
                THEN CASE WHEN lost OR asked ->> '$.accessConfig' IS NOT NULL THEN '' ELSE ' other' END
            WHEN native = 'transfer/UpdateServer'
                THEN CASE WHEN lost OR regexp_matches(CAST(asked AS VARCHAR), '"identityProvider') THEN '' ELSE ' other' END
            WHEN native = 'transfer/CreateUser'
                THEN CASE WHEN lost OR said(asked ->> '$.sshPublicKeyBody') IS NOT NULL THEN ' key' ELSE '' END
            WHEN native = 'glue/UpdateDevEndpoint'
                THEN CASE WHEN lost OR regexp_matches(CAST(asked AS VARCHAR), '"(publicKey|addPublicKeys)"') THEN '' ELSE ' other' END
            WHEN native = 'redshift/ModifyClusterIamRoles' THEN CASE
                WHEN coalesce(said(asked ->> '$.addIamRoles'), '[]') = '[]' AND said(asked ->> '$.defaultIamRoleArn') IS NULL
                    AND said(asked ->> '$.removeIamRoles') IS NOT NULL THEN ' off'
                ELSE ''
            END
            WHEN native = 'iam/UpdateUser'
                THEN CASE WHEN said(asked ->> '$.newUserName') IS NOT NULL THEN ' name' ELSE ' other' END
            ELSE ''
        END AS native_action,
        -- What a person does in the service's own pages, or to the account they are signed in to.
        regexp_matches(
            native, '^cognito-idp/(ForgotPassword|ConfirmForgotPassword|ResetPassword|Signup|ChangePassword|SetUser|AssociateSoftwareToken'
            || '|VerifySoftwareToken|UpdateUserAttributes|VerifyUserAttribute|GlobalSignOut|RevokeToken|RevokeUserSession|DeleteUser$|InitiateAuth'
            || '|RespondToAuth|SignUp|ConfirmSignUp|ForgetDevice|ConfirmDevice|CompleteWebAuthn|StartWebAuthn|DeleteWebAuthn)'
        )
        OR native = 'iam/ChangePassword'
        -- Whose sessions are ended, and from where anybody may sign in, is asked for by whoever administers it.
        OR starts_with(native, 'signin/') AND NOT regexp_matches(native, '^signin/(Put|Delete|Batch)') AS on_self
    FROM placed
),
acting AS (
    -- Who calls without a name is whom it is about only where nobody else can call: in the service's own pages.
    SELECT * REPLACE (coalesce(who, CASE WHEN on_self THEN user_named END, '') AS who) FROM named
),
whom AS (
    SELECT
        *,
        CASE
            WHEN on_self THEN CASE WHEN kind = 'Root' THEN who ELSE coalesce(user_named, told_login, who) END
            -- Without a name a call is about the caller, where what was asked for or given is there to be read: a call that
            -- lost it on the way, or was cut short, may be about anybody.
            WHEN user_named IS NULL AND thing_named IS NULL
                AND (NOT lost OR json_type(given) = 'OBJECT') AND regexp_matches(
                native, '^iam/.*(AccessKey|LoginProfile|MFADevice|SSHPublicKey|SigningCertificate|ServiceSpecificCredential)|^signin/BatchRevokeSessions$'
            ) THEN CASE WHEN lent_root THEN coalesce(account, arn) ELSE who END
            ELSE coalesce(
                user_named, thing_named,
                -- What is about the whole of it.
                CASE WHEN regexp_matches(native, '^iam/.*(AccountPasswordPolicy|EnableOrganizations|DisableOrganizations|OutboundWebIdentity)|^signin/(Put|Delete)|^securitylake/')
                    THEN coalesce(recipient, account) END
            )
        END AS whom,
        -- Whoever assumes a role chooses the name of the session; of Identity Center's roles alone it is the person's.
        role LIKE 'AWSReservedSSO\_%' ESCAPE '\' AND coalesce(contains(role_arn, ':role/aws-reserved/sso.amazonaws.com/'), true)
            AS of_identity_center
    FROM acting
)
SELECT
    coalesce(said(id), md5(concat_ws('|', native_action, "time", who, whom, request))) AS id,
    native_action,
    who AS actor,
    names_of(list_transform(list_filter([
        who, login, CASE WHEN NOT lent_root THEN arn END, CASE WHEN NOT lent_root THEN principal END, person, told_login, role_arn,
        CASE WHEN of_identity_center THEN 'sso:' ELSE 'session:' END || session_name,
        -- It stays from role to role; whoever assumes the first may have chosen it, so that it owns no more than that name.
        'session:' || source_identity
    ], lambda k: k <> ''), lambda k: CASE
        -- A user of another identity provider has a name that is theirs to give.
        WHEN k = login AND kind IS DISTINCT FROM 'IAMUser' THEN 'name:' ELSE ''
    END || lower(k))) AS actor_keys,
    coalesce(whom, '') AS "target",
    names_of(list_transform(list_filter([
        whom, CASE WHEN on_self AND kind <> 'Root' THEN told_login END, CASE WHEN on_self THEN arn END,
        given ->> '$.user.arn', principal_named, more ->> '$.sub', more ->> '$.requestParameters.sub[0]',
        -- The name as other logs and a desk have it.
        CASE WHEN user_named IS NOT NULL AND starts_with(native, 'iam/') AND coalesce(recipient, account) IS NOT NULL
            THEN 'arn:aws:iam::' || coalesce(recipient, account) || CASE WHEN of_root THEN ':root' ELSE ':user/' || user_named END END
    ], lambda k: k <> ''), lambda k: lower(k))) AS target_keys,
    "time",
    CASE
        WHEN error IS NOT NULL THEN 'FAILURE ' || error
        WHEN native_action LIKE '% refused' OR failed THEN 'FAILURE'
        ELSE 'SUCCESS'
    END AS outcome,
    error IS NULL AND native_action NOT LIKE '% refused' AND NOT failed AS done,
    address_in(source) AS address,
    CAST(NULL AS VARCHAR) AS socket,
    coalesce(request, shared) AS correlation,
    -- The console makes several calls of one click, each a request of its own, with the keys of one session.
    coalesce(access_key, shared, request) AS click,
    coalesce(
        on_self OR (who <> '' AND (
            (user_named IS NULL AND thing_named IS NULL AND whom = who)
            OR NOT lent_root AND list_contains(list_transform([
                CASE WHEN kind = 'IAMUser' THEN login END, CASE WHEN kind = 'Root' THEN account END, arn, principal, person, CASE WHEN of_identity_center THEN session_name END
            ], lambda k: lower(k)), lower(whom))
        )), false
    ) AS by_owner,
    CASE
        WHEN kind = 'AWSService' THEN 'system'
        -- A user and another role may be called so; of a service is what has that path.
        WHEN role LIKE 'AWSServiceRoleFor%' AND coalesce(regexp_matches(role_arn, '^arn:[^:]*:iam::\d*:role/aws-service-role/'), true) THEN 'system'
        WHEN regexp_matches(source, '^[a-z0-9.-]+\.amazonaws\.com$') OR invoked_by NOT IN ('AWS Internal', 'signin.amazonaws.com')
            THEN 'system'
        -- So is written what a person does in the console, where the console makes the call: older records have the
        -- sign-in service as the one that called.
        WHEN source = 'AWS Internal' AND coalesce(kind, '') NOT IN ('Root', 'IAMUser', 'AssumedRole', 'FederatedUser', 'IdentityCenterUser')
            THEN 'system'
        WHEN of_identity_center THEN NULL
        WHEN regexp_matches(session_name, '^i-[0-9a-f]{8,17}$|^(aws-go-sdk|botocore-session|terraform|GitHubActions)') THEN 'automation'
        WHEN regexp_matches(agent, '(?i)terraform|pulumi|cloudformation|ansible|crossplane|exec-env/AWS_(Lambda|ECS)') THEN 'automation'
        WHEN kind = 'WebIdentityUser' THEN 'automation'
    END AS actor_class,
    CAST(NULL AS VARCHAR) AS country,
    access_key AS session,
    coalesce(
        said(asked ->> '$.policyArn'), nullif(regexp_extract(asked ->> '$.taskPolicyArn.arn', '[^/]+$'), ''), said(asked ->> '$.groupName'), said(asked ->> '$.serialNumber'),
        said(asked ->> '$.accessKeyId'), said(given ->> '$.accessKey.accessKeyId'), said(more ->> '$.MFAUsed'),
        CASE WHEN regexp_matches(native, '^(eks|transfer|rds)/') THEN said(coalesce(asked ->> '$.roleArn', asked ->> '$.role')) END,
        said(more ->> '$.CredentialType'), role
    ) AS detail
FROM whom
