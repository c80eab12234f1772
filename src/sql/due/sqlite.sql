SELECT CAST(min(CASE WHEN queue = 'running'
 THEN (julianday(lease_expires) - julianday('now')) * 86400
 ELSE (julianday(processing_end) - julianday('now')) * 86400 + CAST(? AS integer)
 * (1 << CASE WHEN attempt > {doublings} THEN {doublings} ELSE attempt - 1 END)
 END) AS integer)
FROM {table}
WHERE meta_table = CAST(? AS text) AND job = CAST(? AS text)
 AND queue IN ('running', 'retry') AND watermark >= CAST(? AS integer)
 AND batch_id_start >= CAST(? AS integer) AND batch_id_end <= CAST(? AS integer)
