UPDATE {table} SET
    batch_id_after = chain.batch_id_after,
    attempt = chain.attempt,
    max_attempts = chain.attempt,
    watermark = chain.batch_id_after,
    claim_token = {new_token},
    queue = CASE
        WHEN chain.later IS NOT NULL THEN NULL
        WHEN status = {running} THEN 'running'
        WHEN status = {failed} THEN 'exhausted'
    END
FROM (
    SELECT
        id,
        COALESCE(
            max(batch_id_end) OVER (
                PARTITION BY meta_table, job ORDER BY batch_id_end
                RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ),
            min(batch_id_start) OVER (PARTITION BY meta_table, job, batch_id_end) - 1
        ) AS batch_id_after,
        row_number() OVER range_by_age AS attempt,
        lead(id) OVER range_by_age AS later
    FROM {table}
    WINDOW range_by_age AS (PARTITION BY meta_table, job, batch_id_end ORDER BY processing_start, id)
) AS chain
WHERE {unqualified}.id = chain.id AND {unqualified}.claim_token IS NULL;
