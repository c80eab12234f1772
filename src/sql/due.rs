//! The statement that tells when the next range that waits is to be handed out. It is SQL files, as the
//! schema is: a builder's calls for it would weigh several times as much.

use super::inventory::{InventoryTable, most_doublings};
use super::schema::fill_in;
use super::{Statement, TypedStatement};
use crate::database::{Dialect, Value};
use crate::job::{Bounds, JobKey, Retries};

impl InventoryTable {
    /// In how many whole seconds, rounded down, the first lease of a range within the bounds is over, or its
    /// rest as [`read_standing`](Self::read_standing) has it: a row of them, as by [`on_primary`](super::on_primary),
    /// NULL or no row where no range waits for either. By the database's clock. It is told to whoever may come
    /// back then, and decides nothing.
    ///
    /// Relies on: the index (meta_table, job, queue, watermark), read from `queue_from` on.
    pub(crate) fn read_due(
        &self,
        job: &JobKey,
        (bounds, retries): (Bounds, Retries),
        queue_from: i64,
    ) -> TypedStatement<Option<i64>> {
        let delay = retries.delay_seconds.unwrap_or_default();
        let template = match self.dialect {
            Dialect::Postgresql => include_str!("due/postgresql.sql"),
            Dialect::Sqlite => include_str!("due/sqlite.sql"),
            Dialect::Mysql => include_str!("due/mysql.sql"),
        };
        let statement = Statement {
            text: fill_in(
                template,
                &[
                    ("{table}", self.qualified(self.dialect)),
                    ("{doublings}", most_doublings(delay).to_string()),
                ],
            ),
            parameters: vec![
                Value::Int64(delay.into()),
                Value::Text(job.meta_table.clone()),
                Value::Text(job.job.clone()),
                Value::Int64(queue_from),
                Value::Int64(bounds.id_min.unwrap_or(i64::MIN)),
                Value::Int64(bounds.id_max.unwrap_or(i64::MAX)),
            ],
        };
        statement.read_as(|row| row.optional_int())
    }
}
