SELECT CAST(@@read_only OR @@innodb_read_only AS signed), CAST(floor(min(CASE WHEN queue = 'running'
 THEN TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), lease_expires)
 ELSE TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), processing_end) + 1000000 * CAST(? AS signed)
 * CAST(1 << CASE WHEN attempt > {doublings} THEN {doublings} ELSE attempt - 1 END AS signed)
 END) / 1000000) AS signed)
FROM {table}
WHERE meta_table = CAST(? AS char) AND job = CAST(? AS char)
 AND queue IN ('running', 'retry') AND watermark >= CAST(? AS signed)
 AND batch_id_start >= CAST(? AS signed) AND batch_id_end <= CAST(? AS signed)
