-- The activity table, with the subject that the logs know an account as.
INSERT INTO activity BY NAME
SELECT told.*, coalesce(known.subject, told.account) AS subject, coalesce(known.who, told.account) AS "target"
FROM told
LEFT JOIN (
    SELECT account.account, min(whose.subject) AS subject, min(whose.who) AS who
    FROM account JOIN whose ON whose.subject = account.account
    GROUP BY account.account
) AS known ON known.account = told.account
