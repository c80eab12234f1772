UPDATE {table} SET
    batch_id_after = chain.batch_id_after,
    attempt = chain.attempt,
    max_attempts = chain.attempt,
    watermark = chain.batch_id_after,
    claim_token = {new_token},
    queue = CASE
        WHEN status = {running} AND chain.later IS NULL THEN 'running'
        WHEN status = {failed} THEN CASE WHEN chain.later IS NULL THEN 'exhausted' ELSE 'followed' END
    END,
    ranges_through = chain.ranges_through,
    items_through = chain.items_through,
    weight_through = chain.weight_through,
    items_recounted = CASE WHEN chain.items <> 0 OR chain.weight <> 0 THEN chain.items END,
    weight_recounted = CASE WHEN chain.items <> 0 OR chain.weight <> 0 THEN chain.weight END
FROM (
    SELECT
        attempts.*,
        sum(CASE WHEN attempt = 1 THEN 1 ELSE 0 END) OVER so_far AS ranges_through,
        sum(CASE WHEN attempt = 1 THEN batch_count ELSE 0 END) OVER so_far AS items_through,
        sum(CASE WHEN attempt = 1 THEN batch_weight ELSE 0 END) OVER so_far AS weight_through,
        batch_count - count_before AS items,
        batch_weight - weight_before AS weight
    FROM (
        SELECT
            id,
            meta_table,
            job,
            batch_id_end,
            COALESCE(batch_count, 0) AS batch_count,
            COALESCE(batch_weight, 0) AS batch_weight,
            COALESCE(
                max(batch_id_end) OVER (
                    PARTITION BY meta_table, job ORDER BY batch_id_end
                    RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ),
                min(batch_id_start) OVER (PARTITION BY meta_table, job, batch_id_end) - 1
            ) AS batch_id_after,
            row_number() OVER range_by_age AS attempt,
            lead(id) OVER range_by_age AS later,
            lag(COALESCE(batch_count, 0)) OVER range_by_age AS count_before,
            lag(COALESCE(batch_weight, 0)) OVER range_by_age AS weight_before
        FROM {table}
        WINDOW range_by_age AS (PARTITION BY meta_table, job, batch_id_end ORDER BY processing_start, id)
    ) AS attempts
    WINDOW so_far AS (PARTITION BY meta_table, job ORDER BY batch_id_end)
) AS chain
WHERE {unqualified}.id = chain.id AND {unqualified}.claim_token IS NULL;
