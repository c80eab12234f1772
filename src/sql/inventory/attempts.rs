//! Single attempts: by their tokens, by their ranges, and those that processed a range.

use sea_query::{Expr, ExprTrait, Order, Query};

use super::{ATTEMPTS, InventoryTable};
use crate::claim_token::ClaimToken;
use crate::interface::Queue;
use crate::job::JobKey;
use crate::sql::{
    Conditions, Statement, TypedStatement, bigint, bind_int, bind_text, columns, flag, on_primary,
    text,
};
use crate::sums::{self, Sums};
use crate::watermark::Watermark;

/// An attempt as it stands in the inventory.
pub(crate) struct FoundAttempt {
    pub(crate) id: i64,
    pub(crate) follows: Watermark,
    /// The scope that its table is.
    pub(crate) scope: String,
    pub(crate) job: String,
    pub(crate) job_identifier: Option<String>,
    pub(crate) attempt: u32,
    pub(crate) status: String,
    pub(crate) id_start: i64,
    pub(crate) id_end: i64,
    pub(crate) count: u64,
    pub(crate) weight: f64,
    pub(crate) config: String,
    /// It has a lease, which is over in so many seconds: one that has ended was taken from its owner.
    pub(crate) lease_left: Option<i64>,
    pub(crate) processing_start: String,
}

/// The latest attempt at a range.
pub(crate) struct LatestAttempt {
    pub(crate) id: i64,
    pub(crate) queue: Option<Queue>,
    pub(crate) id_start: i64,
    pub(crate) id_end: i64,
    pub(crate) attempt: i64,
    pub(crate) max_attempts: i64,
    pub(crate) config: String,
    /// How many items it counted, and what they weigh.
    pub(crate) counted: (i64, f64),
    pub(crate) through: Sums,
    /// Whether an earlier attempt still waits although this one has followed it.
    pub(crate) has_earlier: bool,
}

/// A range that was processed.
pub(crate) struct ProcessedRange {
    pub(crate) batch_id: i64,
    pub(crate) follows: i64,
    pub(crate) id_start: i64,
    pub(crate) id_end: i64,
    pub(crate) count: u64,
    pub(crate) weight: f64,
    pub(crate) config: String,
}

impl InventoryTable {
    /// One attempt, by [`on_primary`]: a row with `id, batch_id_after, meta_table, job, job_identifier, attempt,
    /// status, batch_id_start, batch_id_end, batch_count, batch_weight, config, left,
    /// processing_start`, or none. Left are the seconds until its lease is over, NULL without one.
    ///
    /// Relies on: the unique index (claim_token).
    pub(crate) fn find_attempt(&self, token: &ClaimToken) -> TypedStatement<FoundAttempt> {
        let mut select = Query::select();
        select
            .expr(columns(
                self.dialect,
                ATTEMPTS,
                &[
                    ("id", "bigint"),
                    ("batch_id_after", "bigint"),
                    ("meta_table", "text"),
                    ("job", "text"),
                    ("job_identifier", "text"),
                    ("attempt", "bigint"),
                    ("status", "text"),
                    ("batch_id_start", "bigint"),
                    ("batch_id_end", "bigint"),
                    ("batch_count", "bigint"),
                    ("batch_weight", "double precision"),
                    ("config", "text"),
                ],
            ))
            .expr(bigint(Expr::cust(self.dialect.lease_left())))
            .expr(text(self.dialect.rfc3339(Expr::col("processing_start"))))
            .from_as(self.name.reference(), ATTEMPTS)
            .only(Expr::col("claim_token").eq(bind_text(token.as_str())));
        on_primary(&select, self.dialect).read_as(|row| FoundAttempt {
            id: row.int(),
            follows: Watermark::followed(row.int()),
            scope: row.text(),
            job: row.text(),
            job_identifier: row.optional_text(),
            attempt: u32::try_from(row.count()).unwrap_or(u32::MAX),
            status: row.text(),
            id_start: row.int(),
            id_end: row.int(),
            count: row.count(),
            weight: row.double(),
            config: row.text(),
            lease_left: row.optional_int(),
            processing_start: row.text(),
        })
    }

    /// The latest attempt at the range behind `after`, by [`on_primary`]: a row of `id, queue, batch_id_start,
    /// batch_id_end, attempt, max_attempts, config, batch_count, batch_weight, ranges_through,
    /// items_through, weight_through, has_earlier`, or none. The last is 1 when an
    /// earlier attempt still waits although this one has followed it. That it is the latest is a
    /// hint that decides nothing, see [`insert_claims`](Self::insert_claims).
    ///
    /// Relies on: the unique index (meta_table, job, batch_id_after, attempt).
    pub(crate) fn read_latest_attempt(
        &self,
        job: &JobKey,
        after: i64,
    ) -> TypedStatement<LatestAttempt> {
        let mut earlier = Query::select();
        earlier
            .expr(Expr::cust("1"))
            .from_as(self.name.reference(), "earlier")
            .only(Expr::cust(
                "earlier.meta_table = attempts.meta_table AND earlier.job = attempts.job \
                 AND earlier.batch_id_after = attempts.batch_id_after \
                 AND earlier.attempt < attempts.attempt \
                 AND earlier.queue IN ('retry', 'requeued')",
            ));
        let mut select = Query::select();
        select
            .expr(columns(
                self.dialect,
                ATTEMPTS,
                &[
                    ("id", "bigint"),
                    ("queue", "text"),
                    ("batch_id_start", "bigint"),
                    ("batch_id_end", "bigint"),
                    ("attempt", "bigint"),
                    ("max_attempts", "bigint"),
                    ("config", "text"),
                    ("batch_count", "bigint"),
                    ("batch_weight", "double precision"),
                ],
            ))
            .expr(columns(self.dialect, ATTEMPTS, &sums::COLUMNS))
            .expr(flag(Expr::exists(earlier)))
            .from_as(self.name.reference(), ATTEMPTS)
            .only_job(job, |name| Expr::col((ATTEMPTS, name)))
            .only(Expr::col((ATTEMPTS, "batch_id_after")).eq(bind_int(after)))
            .order_by((ATTEMPTS, "attempt"), Order::Desc)
            .limit(1);
        on_primary(&select, self.dialect).read_as(|row| LatestAttempt {
            id: row.int(),
            queue: row.optional_text().as_deref().and_then(Queue::parse),
            id_start: row.int(),
            id_end: row.int(),
            attempt: row.int(),
            max_attempts: row.int(),
            config: row.text(),
            counted: (row.int(), row.double()),
            through: Sums::read(row),
            has_earlier: row.flag(),
        })
    }

    /// Processed ranges by their ids, behind `after`: rows of `id, batch_id_after, batch_id_start,
    /// batch_id_end, batch_count, batch_weight, config` of attempts that succeeded and that no later
    /// one has followed or will.
    ///
    /// Relies on: the index (meta_table, job, batch_id_end, attempt); the unique index (meta_table,
    /// job, batch_id_after, attempt).
    pub(crate) fn list_processed(
        &self,
        job: &JobKey,
        after: Option<i64>,
        limit: u32,
    ) -> TypedStatement<ProcessedRange> {
        let column = |name: &'static str| Expr::col((ATTEMPTS, name));
        let mut select = Query::select();
        select
            .expr(columns(
                self.dialect,
                ATTEMPTS,
                &[
                    ("id", "bigint"),
                    ("batch_id_after", "bigint"),
                    ("batch_id_start", "bigint"),
                    ("batch_id_end", "bigint"),
                    ("batch_count", "bigint"),
                    ("batch_weight", "double precision"),
                    ("config", "text"),
                ],
            ))
            .from_as(self.name.reference(), ATTEMPTS)
            .only_job(job, column)
            .only_option(after.map(|after| column("batch_id_end").gt(bind_int(after))))
            .only(column("status").eq(bind_text(self.labels.succeeded.as_str())))
            .only(Expr::cust("attempts.queue IS NULL"))
            .only(self.has_later_attempt().not())
            .order_by((ATTEMPTS, "batch_id_end"), Order::Asc)
            .order_by((ATTEMPTS, "attempt"), Order::Asc)
            .limit(u64::from(limit));
        Statement::build(&select, self.dialect).read_as(|row| ProcessedRange {
            batch_id: row.int(),
            follows: row.int(),
            id_start: row.int(),
            id_end: row.int(),
            count: row.count(),
            weight: row.double(),
            config: row.text(),
        })
    }
}
