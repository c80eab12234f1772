//! The statements that tell of jobs. They are text with places, like the schema: a builder's calls for it would
//! weigh several times as much.

use super::inventory::InventoryTable;
use super::schema::fill_in;
use super::{Statement, TypedStatement};
use crate::database::{Dialect, Value};
use crate::job::JobKey;
use crate::row_reader::RowReader;

/// Which jobs are meant, by what the inventory keeps of them.
pub(crate) struct JobsMeant<'a> {
    pub(crate) meta_table: Option<&'a str>,
    pub(crate) job: Option<&'a str>,
    /// What stands in their names.
    pub(crate) search: Option<&'a str>,
    /// The meta table and the job that they come behind.
    pub(crate) after: [&'a str; 2],
    pub(crate) limit: u32,
}

/// Of each job that is found, the row of its highest range, which knows what was handed out, beside what is open.
const TOLD: &str = "\
SELECT CAST(opened.meta_table AS {text}), CAST(opened.job AS {text}), \
CAST(highest.batch_id_end AS {bigint}), \
CAST(highest.ranges_through AS {bigint}), CAST(highest.items_through AS {bigint}), \
CAST(highest.weight_through AS {double}), \
CAST((SELECT sum(recounts.items_recounted) FROM {table} AS recounts WHERE {recounted}) AS {bigint}), \
CAST((SELECT sum(recounts.weight_recounted) FROM {table} AS recounts WHERE {recounted}) AS {double}), \
CAST(opened.running AS {bigint}), CAST(opened.waiting AS {bigint}), CAST(opened.exhausted AS {bigint}), \
CAST(opened.items AS {bigint}), CAST(opened.weight AS {double}), \
CAST(opened.failed + (SELECT count(*) FROM {table} AS followed WHERE followed.meta_table = opened.meta_table \
AND followed.job = opened.job AND followed.queue = 'followed') AS {bigint}), \
CAST({latest_start} AS {text}), CAST(highest.config AS {text}) FROM (";

/// What is open: the queues hold little, however long the history. An attempt that waits may have been followed a
/// moment ago, and counts as a failure only. It is compared with the attempt's own columns: by those of
/// `found`, MariaDB runs the statement once, and loses its way when it is executed again.
const OPENED: &str = "\
SELECT queued.meta_table, queued.job, \
count(CASE WHEN queued.is_latest = 1 AND queued.queue = 'running' THEN 1 END) AS running, \
count(CASE WHEN queued.is_latest = 1 AND queued.queue IN ('retry', 'requeued') THEN 1 END) AS waiting, \
count(CASE WHEN queued.is_latest = 1 AND queued.queue = 'exhausted' THEN 1 END) AS exhausted, \
sum(CASE WHEN queued.is_latest = 1 THEN queued.batch_count END) AS items, \
sum(CASE WHEN queued.is_latest = 1 THEN queued.batch_weight END) AS weight, \
count(CASE WHEN queued.status = ? THEN 1 END) AS failed, \
max(CASE WHEN queued.is_latest = 1 THEN queued.processing_start END) AS latest_start \
FROM (SELECT found.meta_table, found.job, attempts.queue, attempts.batch_count, attempts.batch_weight, \
attempts.processing_start, {status} AS status, \
CASE WHEN attempts.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {table} AS later \
WHERE later.meta_table = attempts.meta_table AND later.job = attempts.job \
AND later.batch_id_after = attempts.batch_id_after AND later.attempt > attempts.attempt) THEN 1 END AS is_latest \
FROM ";

const IN_ORDER: &str = "\
) AS queued GROUP BY queued.meta_table, queued.job) AS opened \
INNER JOIN {table} AS highest ON highest.id = (SELECT highest.id FROM {table} AS highest \
WHERE highest.meta_table = opened.meta_table AND highest.job = opened.job \
ORDER BY highest.batch_id_end DESC, highest.attempt DESC LIMIT 1) \
ORDER BY opened.meta_table, opened.job";

/// The index on what differs from the attempt before is found by a comparison that NULL does not pass.
const RECOUNTED: &str = "recounts.meta_table = opened.meta_table AND recounts.job = opened.job \
AND recounts.items_recounted >= -9223372036854775807";

/// A hundred attempts tell how fast a job gets on, whatever its history.
const PACE: &str = "\
SELECT CAST(sum(CASE WHEN {status} = ? THEN latest.batch_count END) AS {bigint}), \
CAST(sum(CASE WHEN {status} = ? THEN latest.batch_weight END) AS {double}), \
CAST({seconds} AS {double}), CAST({seconds_to_now} AS {double}), \
CAST(count(CASE WHEN latest.queue = 'running' THEN 1 END) AS {bigint}), \
CAST((SELECT sum(opened.batch_count) FROM {table} AS opened WHERE opened.meta_table = ? AND opened.job = ? \
AND opened.queue IN ('running', 'retry', 'requeued')) AS {bigint}) \
FROM (SELECT attempts.status, attempts.queue, attempts.batch_count, attempts.batch_weight, \
attempts.processing_start, attempts.processing_end FROM {table} AS attempts \
WHERE attempts.meta_table = ? AND attempts.job = ? ORDER BY attempts.id DESC LIMIT 100) AS latest";

/// What is open of a job. PostgreSQL takes the queues' index for each job only where nothing else can be done; the
/// queues are named, so that it does not expect many, and compiles nothing.
const QUEUED_BY_LATERAL: &str = " LEFT JOIN LATERAL (SELECT attempts.* FROM {table} AS attempts \
WHERE attempts.meta_table = found.meta_table AND attempts.job = found.job \
AND attempts.queue IN ('running', 'retry', 'requeued', 'exhausted') OFFSET 0) AS attempts ON TRUE";

const QUEUED: &str = " LEFT JOIN {table} AS attempts ON attempts.meta_table = found.meta_table \
AND attempts.job = found.job AND attempts.queue IN ('running', 'retry', 'requeued', 'exhausted')";

/// MySQL finds a place in an index by values that are equal only.
const QUEUED_ONE_BY_ONE: &str = " CROSS JOIN (SELECT 'running' AS queue UNION ALL SELECT 'retry' \
UNION ALL SELECT 'requeued' UNION ALL SELECT 'exhausted') AS queues \
LEFT JOIN {table} AS attempts ON attempts.meta_table = found.meta_table \
AND attempts.job = found.job AND attempts.queue = queues.queue";

/// One job behind the other: each is a step to the next entry of the index, however many attempts lie
/// between. A database that was asked for different names would read them all.
const STEP_BY_STEP: &str = "(WITH RECURSIVE steps (meta_table, job, number, is_meant) AS (\
SELECT ?, ?, 0, 0 UNION ALL \
SELECT later.meta_table, later.job, \
steps.number + CASE WHEN TRUE{called} THEN 1 ELSE 0 END, CASE WHEN TRUE{called} THEN 1 ELSE 0 END \
FROM steps INNER JOIN {table} AS later ON later.id = coalesce(\
(SELECT later.id FROM {table} AS later WHERE later.meta_table = steps.meta_table \
AND later.job > steps.job{lying} ORDER BY later.job LIMIT 1), \
(SELECT later.id FROM {table} AS later WHERE later.meta_table > steps.meta_table{lying} \
ORDER BY later.meta_table, later.job LIMIT 1)) WHERE steps.number < {limit}) \
SELECT steps.meta_table, steps.job FROM steps WHERE steps.is_meant = 1) AS found";

/// MySQL takes these steps where it groups by the first columns of an index; by a WITH it takes a thousand at most.
const BY_GROUPS: &str = "(SELECT later.meta_table, later.job FROM {table} AS later \
WHERE (later.meta_table > ? OR later.meta_table = ? AND later.job > ?){lying} \
GROUP BY later.meta_table, later.job HAVING TRUE{called} \
ORDER BY later.meta_table, later.job LIMIT {limit}) AS found";

/// A job with its sums.
pub(crate) struct JobRow {
    pub(crate) meta_table: String,
    pub(crate) job: String,
    pub(crate) watermark: i64,
    pub(crate) ranges: u64,
    /// What first attempts had, by how much later ones differ, and what is open: items, and what they weigh.
    pub(crate) through: (u64, f64),
    pub(crate) recounted: (i64, f64),
    pub(crate) open: (i64, f64),
    pub(crate) running: u64,
    pub(crate) waiting: u64,
    pub(crate) exhausted: u64,
    pub(crate) failed: u64,
    pub(crate) latest_start: String,
    pub(crate) config: String,
}

impl JobRow {
    fn read(row: &mut RowReader) -> Self {
        let (meta_table, job, watermark, ranges) = (row.text(), row.text(), row.int(), row.count());
        let through = (row.count(), row.double());
        let recounted = (row.optional_int().unwrap_or_default(), row.double());
        let (running, waiting, exhausted) = (row.count(), row.count(), row.count());
        Self {
            meta_table,
            job,
            watermark,
            ranges,
            through,
            recounted,
            running,
            waiting,
            exhausted,
            open: (row.optional_int().unwrap_or_default(), row.double()),
            failed: row.count(),
            latest_start: row.text(),
            config: row.text(),
        }
    }
}

/// What the latest attempts of a job got done, and in which time.
pub(crate) struct Pace {
    pub(crate) items: u64,
    pub(crate) weight: f64,
    /// From the first start to the latest end.
    pub(crate) seconds: f64,
    /// From the first start to now.
    pub(crate) seconds_to_now: f64,
    pub(crate) is_running: bool,
    /// Items in ranges that run, or wait to be handed out again.
    pub(crate) open_items: u64,
}

fn unsigned(count: Option<i64>) -> u64 {
    count
        .and_then(|count| u64::try_from(count).ok())
        .unwrap_or_default()
}

impl InventoryTable {
    /// Jobs with their sums, by meta table and name: rows of `meta_table, job, watermark, ranges_through,
    /// items_through, weight_through, items_recounted, weight_recounted, running, waiting, exhausted, open_items,
    /// open_weight, failed, latest_start, config`. The sums and the configuration are those of the highest
    /// range; one that runs, waits or is exhausted is open.
    ///
    /// Relies on: the index (meta_table, job, batch_id_end, attempt), to find the jobs and their highest ranges;
    /// the index (meta_table, job, queue, watermark) and the unique index (meta_table, job, batch_id_after, attempt)
    /// for what is open; the index (meta_table, job, items_recounted).
    pub(crate) fn summarise_jobs(&self, meant: &JobsMeant<'_>) -> TypedStatement<JobRow> {
        let dialect = self.dialect;
        let labels = &self.labels;
        let mut bound: Vec<&str> = vec![&labels.failed];
        let [after_table, after_job] = meant.after;
        // With its meta table, a name is found without passing others by.
        let mut lying = Vec::from_iter(meant.meta_table);
        let mut lying_text = "";
        if meant.meta_table.is_some() {
            lying_text = " AND later.meta_table = ?";
            if let Some(job) = meant.job {
                lying.push(job);
                lying_text = " AND later.meta_table = ? AND later.job = ?";
            }
        }
        let called = Vec::from_iter(meant.job.into_iter().chain(meant.search));
        let called_text = match (meant.job.is_some(), meant.search.is_some()) {
            (false, false) => "",
            (true, false) => " AND later.job = ?",
            (false, true) => " AND {position}(later.job, ?) > 0",
            (true, true) => " AND later.job = ? AND {position}(later.job, ?) > 0",
        };
        let found = match dialect {
            Dialect::Postgresql | Dialect::Sqlite => {
                bound.extend([after_table, after_job]);
                for part in [&called, &called, &lying, &lying] {
                    bound.extend(part);
                }
                STEP_BY_STEP
            }
            Dialect::Mysql => {
                bound.extend([after_table, after_table, after_job]);
                bound.extend(lying);
                bound.extend(called);
                BY_GROUPS
            }
        };
        let conditions = [
            ("{lying}", lying_text.to_owned()),
            ("{called}", called_text.to_owned()),
        ];
        let found = fill_in(found, &conditions);
        let position = match dialect {
            Dialect::Postgresql => "strpos",
            Dialect::Sqlite | Dialect::Mysql => "instr",
        };
        let latest_start = dialect.rfc3339_of(
            "CASE WHEN opened.latest_start > highest.processing_start THEN opened.latest_start \
             ELSE highest.processing_start END",
        );
        let queued = match dialect {
            Dialect::Postgresql => QUEUED_BY_LATERAL,
            Dialect::Sqlite => QUEUED,
            Dialect::Mysql => QUEUED_ONE_BY_ONE,
        };
        let text = dialect.type_name("text");
        let names = [
            ("{table}", self.qualified(dialect)),
            ("{text}", text.to_owned()),
            ("{bigint}", dialect.type_name("bigint").to_owned()),
            ("{double}", dialect.type_name("double precision").to_owned()),
            ("{status}", ["CAST(attempts.status AS ", text, ")"].concat()),
            ("{position}", position.to_owned()),
            ("{latest_start}", latest_start),
            ("{recounted}", RECOUNTED.to_owned()),
            ("{limit}", meant.limit.to_string()),
        ];
        let text = [TOLD, OPENED, &found, queued, IN_ORDER].concat();
        with_texts(dialect, &text, &names, bound).read_as(JobRow::read)
    }

    /// What the latest attempts of a job got done, and what is open: one row of `items, weight, seconds, seconds_to_now,
    /// running, open_items`. The seconds are those from the start of the first of them to the latest end, and
    /// to now; NULL where none has ended.
    ///
    /// Relies on: the index (meta_table, job, id), read from its end; the index (meta_table, job, queue, watermark).
    pub(crate) fn read_pace(&self, job: &JobKey) -> TypedStatement<Pace> {
        let dialect = self.dialect;
        let seconds_to = |end: &str| match dialect {
            Dialect::Postgresql => [
                "extract(epoch FROM ",
                end,
                " - min(latest.processing_start))",
            ]
            .concat(),
            Dialect::Sqlite => [
                "86400 * (julianday(",
                end,
                ") - julianday(min(latest.processing_start)))",
            ]
            .concat(),
            Dialect::Mysql => [
                "timestampdiff(MICROSECOND, min(latest.processing_start), ",
                end,
                ") / 1000000",
            ]
            .concat(),
        };
        let now = match dialect {
            Dialect::Postgresql => "current_timestamp",
            Dialect::Sqlite => "'now'",
            Dialect::Mysql => "utc_timestamp(6)",
        };
        let names = [
            ("{table}", self.qualified(dialect)),
            ("{bigint}", dialect.type_name("bigint").to_owned()),
            ("{double}", dialect.type_name("double precision").to_owned()),
            (
                "{status}",
                ["CAST(latest.status AS ", dialect.type_name("text"), ")"].concat(),
            ),
            ("{seconds}", seconds_to("max(latest.processing_end)")),
            ("{seconds_to_now}", seconds_to(now)),
        ];
        let succeeded = self.labels.succeeded.as_str();
        let (meta_table, job) = (job.meta_table.as_str(), job.job.as_str());
        let bound = vec![succeeded, succeeded, meta_table, job, meta_table, job];
        with_texts(dialect, PACE, &names, bound).read_as(|row| Pace {
            items: unsigned(row.optional_int()),
            weight: row.double(),
            seconds: row.double(),
            seconds_to_now: row.double(),
            is_running: row.int() > 0,
            open_items: unsigned(row.optional_int()),
        })
    }
}

/// A statement with its names filled in, and each `?` a text of these.
fn with_texts(
    dialect: Dialect,
    template: &str,
    names: &[(&str, String)],
    bound: Vec<&str>,
) -> Statement {
    let text = dialect.type_name("text");
    let mut statement = String::new();
    for (index, part) in template.split('?').enumerate() {
        if index > 0 {
            let number = match dialect {
                Dialect::Postgresql => ["$", &index.to_string()].concat(),
                Dialect::Sqlite | Dialect::Mysql => "?".to_owned(),
            };
            statement += &["CAST(", &number, " AS ", text, ")"].concat();
        }
        statement += &fill_in(part, names);
    }
    Statement {
        text: statement,
        parameters: (bound.into_iter())
            .map(|text| Value::Text(text.to_owned()))
            .collect(),
    }
}
