/*
title = "Mass download in probation"
says = "{downloads} downloads within an hour, {days} days after a recovery"
runbook = "mass-download-in-probation"
attack = ["T1530", "T1213"]
severity = "high"
window = "7 d"
false_positives = "A synchronisation client that starts anew on a new device."
needs = ["happened"]
keyed = "subject"

[parameters]
downloads = 20
download = "download|bulk.?export|takeout|data_export"
*/
WITH download AS (
    SELECT *, count(*) OVER (
        PARTITION BY subject ORDER BY "time" RANGE BETWEEN INTERVAL 1 HOUR PRECEDING AND CURRENT ROW
    ) AS downloads
    FROM happened
    WHERE done AND regexp_matches(lower(concat_ws(' ', native_action, detail)), $download)
)
SELECT
    download.id AS event, download."target", download.actor, download."time", downloads,
    date_diff('day', recovery."time", download."time") AS days
FROM download JOIN recovery
    ON recovery.subject = download.subject AND recovery."time" < download."time"
    AND recovery."time" >= download."time" - $window
WHERE downloads >= $downloads
QUALIFY row_number() OVER (PARTITION BY recovery.id ORDER BY download."time", download.id) = 1
