SELECT CAST(CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END AS bigint), CAST(floor(min(CASE WHEN queue = 'running'
 THEN EXTRACT(EPOCH FROM lease_expires - CURRENT_TIMESTAMP)
 ELSE EXTRACT(EPOCH FROM processing_end - CURRENT_TIMESTAMP) + CAST($1 AS bigint)
 * (1 << CAST(CASE WHEN attempt > {doublings} THEN {doublings} ELSE attempt - 1 END AS integer))
 END)) AS bigint)
FROM {table}
WHERE meta_table = CAST($2 AS text) AND job = CAST($3 AS text)
 AND queue IN ('running', 'retry') AND watermark >= CAST($4 AS bigint)
 AND batch_id_start >= CAST($5 AS bigint) AND batch_id_end <= CAST($6 AS bigint)
