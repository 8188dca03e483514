/*
title = "Mass download in probation"
says = "{downloads} downloads within an hour, {days} days after a recovery"
runbook = "mass-download-in-probation"
response = "Cut the sessions of the account, then ask. Keep the list of files."
attack = ["T1530", "T1213"]
severity = "high"
window = "7 d"
false_positives = "A synchronisation client that starts anew on a new device."
needs = ["happened"]

[parameters]
downloads = 20
*/
-- By who downloads: what is downloaded is whom the event is about, in some logs.
WITH download AS (
    SELECT *, count(*) OVER (
        PARTITION BY actor_subject ORDER BY "time" RANGE BETWEEN INTERVAL 1 HOUR PRECEDING AND CURRENT ROW
    ) AS downloads
    FROM happened
    WHERE "action" = 'data.download' AND done
)
SELECT
    download.id AS event, recovery."target", download.actor, download."time", downloads,
    date_diff('day', recovery."time", download."time") AS days
FROM (SELECT * FROM download WHERE downloads >= $downloads) AS download JOIN recovery
    ON recovery.subject = download.actor_subject AND recovery."time" < download."time"
    AND recovery."time" >= download."time" - $window
QUALIFY row_number() OVER (PARTITION BY recovery.id ORDER BY download."time", download.id) = 1
