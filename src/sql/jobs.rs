//! The statement that lists jobs. It is text with places, like the schema: a builder's calls for it would
//! weigh several times as much.

use super::Statement;
use super::inventory::InventoryTable;
use super::schema::fill_in;
use crate::database::{Dialect, Value};

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

/// The sums of the jobs that are found.
const SUMS: &str = "\
SELECT CAST(attempts.meta_table AS {text}), CAST(attempts.job AS {text}), \
CAST(max(attempts.batch_id_end) AS {bigint}), \
CAST(count(CASE WHEN {status} = ? THEN 1 END) AS {bigint}), \
CAST(count(CASE WHEN {status} = ? THEN 1 END) AS {bigint}), \
CAST(count(CASE WHEN {status} = ? THEN 1 END) AS {bigint}), \
CAST(count(CASE WHEN attempts.queue IN ('retry', 'requeued') THEN 1 END) AS {bigint}), \
CAST(count(CASE WHEN attempts.queue = 'exhausted' THEN 1 END) AS {bigint}), \
CAST(coalesce(sum(CASE WHEN {status} = ? THEN attempts.batch_count END), 0) AS {bigint}), \
CAST(coalesce(sum(CASE WHEN {status} = ? THEN attempts.batch_weight END), 0) AS {double}), \
CAST({latest_start} AS {text}), \
(SELECT CAST(latest.config AS {text}) FROM {table} AS latest \
WHERE latest.meta_table = attempts.meta_table AND latest.job = attempts.job \
ORDER BY latest.batch_id_end DESC, latest.attempt DESC LIMIT 1) \
FROM {table} AS attempts WHERE (attempts.meta_table, attempts.job) IN (SELECT found.meta_table, found.job FROM ";

const IN_ORDER: &str =
    ") GROUP BY attempts.meta_table, attempts.job ORDER BY attempts.meta_table, attempts.job";

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

impl InventoryTable {
    /// Jobs with their sums, by meta table and name: rows of `meta_table, job, watermark, running, succeeded,
    /// failed, waiting, exhausted, items, weight, latest_start, config`, where the configuration is that of the
    /// highest range.
    ///
    /// Relies on: the index (meta_table, job, batch_id_end, attempt), to find the jobs, for their rows and for
    /// the configuration.
    pub(crate) fn summarise_jobs(&self, meant: &JobsMeant<'_>) -> Statement {
        let dialect = self.dialect;
        let labels = &self.labels;
        let mut bound: Vec<&str> = vec![
            &labels.running,
            &labels.succeeded,
            &labels.failed,
            &labels.succeeded,
            &labels.succeeded,
        ];
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
        let latest_start = dialect.rfc3339_of("max(attempts.processing_start)");
        let text = dialect.type_name("text");
        let names = [
            ("{table}", self.qualified(dialect)),
            ("{text}", text.to_owned()),
            ("{bigint}", dialect.type_name("bigint").to_owned()),
            ("{double}", dialect.type_name("double precision").to_owned()),
            ("{status}", ["CAST(attempts.status AS ", text, ")"].concat()),
            ("{position}", position.to_owned()),
            ("{latest_start}", latest_start),
            ("{limit}", meant.limit.to_string()),
        ];
        let mut statement = String::new();
        for (index, part) in [SUMS, &found, IN_ORDER].concat().split('?').enumerate() {
            if index > 0 {
                let number = match dialect {
                    Dialect::Postgresql => ["$", &index.to_string()].concat(),
                    Dialect::Sqlite | Dialect::Mysql => "?".to_owned(),
                };
                statement += &["CAST(", &number, " AS ", text, ")"].concat();
            }
            statement += &fill_in(part, &names);
        }
        Statement {
            text: statement,
            parameters: (bound.into_iter())
                .map(|text| Value::Text(text.to_owned()))
                .collect(),
        }
    }
}
