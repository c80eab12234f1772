//! Where a job stands.

use sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement, SubQueryStatement};

use super::{ATTEMPTS, InventoryTable};
use crate::database::Dialect;
use crate::job::{Bounds, JobKey, Retries};
use crate::row_reader::RowReader;
use crate::sql::{Conditions, TypedStatement, bigint, bind_int, columns, on_primary, when};
use crate::sums::{self, Sums};
use crate::watermark::BEFORE_ALL;

/// After so many doublings, the rest between attempts grows no more.
const MAX_DOUBLINGS: u32 = 16;
/// No rest is longer than a century, in seconds: a database's time has an end.
const LONGEST_REST: u32 = 100 * 365 * 24 * 60 * 60;

/// The highest range of a job, and what is in its queues.
pub(crate) struct StandingRow {
    pub(crate) id_start: i64,
    pub(crate) id_end: i64,
    pub(crate) count: u64,
    pub(crate) weight: f64,
    pub(crate) config: String,
    pub(crate) queue_from: Option<i64>,
    pub(crate) meta_database: Option<String>,
    pub(crate) through: Sums,
    pub(crate) unfinished: Queued,
    pub(crate) requeued: Queued,
}

/// What the queues hold of attempts of one kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queued {
    /// The end of the range that the first one follows which is to be handed out again.
    pub(crate) due: Option<i64>,
    /// The lowest watermark at which any of them was planned.
    pub(crate) planned_from: Option<i64>,
}

impl StandingRow {
    /// Reads the columns of [`read_standing`](InventoryTable::read_standing); `None` where they are NULL.
    pub(in crate::sql) fn read(row: &mut RowReader) -> Option<Self> {
        let id_start = row.optional_int()?;
        Some(Self {
            id_start,
            id_end: row.int(),
            count: row.count(),
            weight: row.double(),
            config: row.text(),
            queue_from: row.optional_int(),
            meta_database: {
                let _fingerprint = row.optional_text();
                row.optional_text()
            },
            through: Sums::read(row),
            unfinished: Queued::read(row),
            requeued: Queued::read(row),
        })
    }
}

impl Queued {
    fn read(row: &mut RowReader) -> Self {
        Self {
            due: row.optional_int(),
            planned_from: row.optional_int(),
        }
    }
}

impl InventoryTable {
    /// Where a job stands, by [`on_primary`]: the row of its highest range as `batch_id_start, batch_id_end,
    /// batch_count, batch_weight, config, queue_from, config_fingerprint, meta_database, ranges_through,
    /// items_through, weight_through, unfinished, unfinished_from, requeued, requeued_from`, or no row before its first claim.
    ///
    /// The last four tell of attempts that run or failed, and of those that were requeued. First
    /// the `batch_id_after` of the first range that is to be handed out again: it lies within the
    /// bounds, and its lease is over, it has rested, or it was requeued. Then the lowest watermark
    /// at which any of them was planned; without bounds, whatever was requeued is to be handed out,
    /// and this is NULL.
    ///
    /// Relies on: the index (meta_table, job, batch_id_end, attempt), read from its end; the index
    /// (meta_table, job, queue, watermark). What has left a queue stays in that index for as long
    /// as an old transaction could see it there, so it is read from `queue_from` on.
    pub(crate) fn read_standing(
        &self,
        job: &JobKey,
        bounds: Bounds,
        retries: Retries,
    ) -> TypedStatement<Option<StandingRow>> {
        on_primary(&self.standing(job, bounds, retries), self.dialect).read_as(StandingRow::read)
    }

    /// The statement of [`read_standing`](Self::read_standing), to stand in another one.
    pub(in crate::sql) fn standing(
        &self,
        job: &JobKey,
        bounds: Bounds,
        retries: Retries,
    ) -> SelectStatement {
        let column = |name: &'static str| Expr::col(("waiting", name));
        let within_bounds = || {
            let id_min = (bounds.id_min).map(|least| column("batch_id_start").gte(bind_int(least)));
            let id_max = (bounds.id_max).map(|most| column("batch_id_end").lte(bind_int(most)));
            [id_min, id_max]
        };
        let lease_is_over = column("lease_expires").lte(self.dialect.now());
        let is_over = Expr::cust("waiting.queue <> 'running'").or(lease_is_over);
        let has_rested = (retries.delay_seconds).map(|seconds| {
            Expr::cust("waiting.queue <> 'retry'").or(self.has_rested("waiting", seconds))
        });
        let lowest = |value: Expr, queues: Expr| {
            let rows = |mut select: SelectStatement| {
                select
                    .from_as(self.name.reference(), "waiting")
                    .only_job(job, column)
                    .only(queues);
                select
            };
            let mut lowest = Query::select();
            lowest.expr(value.min());
            bigint(Expr::from(SubQueryStatement::from(match self.dialect {
                // While a table is new, PostgreSQL finds all its indexes alike, and keeps a plan that reads all
                // attempts until the table is analysed. Only one index has this order.
                Dialect::Postgresql => {
                    let mut all = Query::select();
                    all.expr(Expr::cust("waiting.*"))
                        .order_by(("waiting", "queue"), Order::Asc)
                        .order_by(("waiting", "watermark"), Order::Asc);
                    lowest.from_subquery(rows(all), "waiting");
                    lowest
                }
                Dialect::Sqlite | Dialect::Mysql => rows(lowest),
            })))
        };
        let all = |conditions: Vec<Expr>| conditions.into_iter().reduce(ExprTrait::and);
        let range = || column("batch_id_after");
        let is_unfinished = || {
            let queue_from =
                Func::coalesce([Expr::col((ATTEMPTS, "queue_from")), bind_int(BEFORE_ALL)]);
            Expr::cust(match self.dialect {
                // The two that follow each other in that order.
                Dialect::Postgresql => "waiting.queue BETWEEN 'retry' AND 'running'",
                Dialect::Sqlite | Dialect::Mysql => "waiting.queue IN ('running', 'retry')",
            })
            .and(column("watermark").gte(queue_from))
        };
        let is_due = [Some(is_over), has_rested]
            .into_iter()
            .chain(within_bounds());
        let unfinished = match all(is_due.flatten().collect()) {
            Some(is_due) => when(is_due, range()),
            None => range(),
        };
        let is_requeued = || Expr::cust("waiting.queue = 'requeued'");
        let (requeued, requeued_from) = match all(within_bounds().into_iter().flatten().collect()) {
            Some(is_due) => (
                when(is_due, range()),
                lowest(column("watermark"), is_requeued()),
            ),
            None => (range(), bind_int(None)),
        };
        let mut select = Query::select();
        select
            .expr(columns(
                self.dialect,
                ATTEMPTS,
                &[
                    ("batch_id_start", "bigint"),
                    ("batch_id_end", "bigint"),
                    ("batch_count", "bigint"),
                    ("batch_weight", "double precision"),
                    ("config", "text"),
                    ("queue_from", "bigint"),
                    // No number to hosts whose databases give integers as numbers of JavaScript.
                    ("config_fingerprint", "text"),
                    ("meta_database", "text"),
                ],
            ))
            .expr(columns(self.dialect, ATTEMPTS, &sums::COLUMNS))
            .expr(lowest(unfinished, is_unfinished()))
            .expr(lowest(column("watermark"), is_unfinished()))
            .expr(lowest(requeued, is_requeued()))
            .expr(requeued_from)
            .from_as(self.name.reference(), ATTEMPTS)
            .only_job(job, |name| Expr::col((ATTEMPTS, name)))
            .order_by((ATTEMPTS, "batch_id_end"), Order::Desc)
            .order_by((ATTEMPTS, "attempt"), Order::Desc)
            .limit(1);
        select
    }

    /// Whether an attempt that failed has rested for so many seconds, doubled with each attempt.
    fn has_rested(&self, alias: &'static str, seconds: u32) -> Expr {
        let integer = self.dialect.type_name("integer");
        let most = most_doublings(seconds);
        // What MySQL shifts is unsigned from then on.
        let doublings = Expr::cust(format!(
            "CAST(1 << CAST(CASE WHEN {alias}.attempt > {most} THEN {most} \
             ELSE {alias}.attempt - 1 END AS {integer}) AS {integer})"
        ));
        let rest = bind_int(-i64::from(seconds)).mul(doublings);
        Expr::col((alias, "processing_end")).lte(self.dialect.now_plus(rest))
    }
}

/// How often the rest after a first failure doubles at most.
pub(in crate::sql) fn most_doublings(seconds: u32) -> u32 {
    let doublings = LONGEST_REST
        .checked_div(seconds)
        .map_or(MAX_DOUBLINGS, u32::ilog2);
    Ord::min(doublings, MAX_DOUBLINGS)
}
