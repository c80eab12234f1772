//! Claims: ranges take their places in the chain of a job.

use sea_query::{Expr, ExprTrait, InsertStatement, OnConflict, Query};

use super::InventoryTable;
use crate::claim_token::ClaimToken;
use crate::database::Dialect;
use crate::interface::Queue;
use crate::job::JobKey;
use crate::row_reader::RowReader;
use crate::sql::{
    Conditions, Statement, TypedStatement, bigint, bind_double, bind_int, bind_text, on_primary,
    text,
};
use crate::sums::{Recounted, Sums};

/// What a claim puts into the inventory.
#[derive(Debug, Clone)]
pub(crate) struct Claim<'a> {
    pub(crate) meta_table: &'a str,
    pub(crate) job: &'a str,
    pub(crate) job_identifier: Option<&'a str>,
    /// The end of the range that this one follows.
    pub(crate) after: i64,
    pub(crate) id_start: i64,
    pub(crate) id_end: i64,
    pub(crate) count: i64,
    /// `None` where items have no weight.
    pub(crate) weight: Option<f64>,
    pub(crate) attempt: i64,
    /// The number of the attempt whose failure exhausts the range.
    pub(crate) max_attempts: i64,
    /// The job's watermark as the claim's planner saw it.
    pub(crate) watermark: i64,
    /// No attempt that was planned at a lower watermark runs, or waits because it failed.
    pub(crate) queue_from: i64,
    /// What the job has handed out up to and with this range.
    pub(crate) through: Sums,
    /// By how much a further attempt differs from the one before it.
    pub(crate) recounted: Option<Recounted>,
    pub(crate) lease_seconds: Option<u32>,
    pub(crate) token: &'a ClaimToken,
    /// The effective request as JSON.
    pub(crate) config: &'a str,
    /// Of what must not change of it.
    pub(crate) config_fingerprint: i64,
    /// Which database the meta table lies in.
    pub(crate) meta_database: Option<&'a str>,
}

/// A claim that stands.
pub(crate) struct ClaimedRange {
    pub(crate) token: String,
    pub(crate) id: i64,
    pub(crate) processing_start: String,
}

impl ClaimedRange {
    fn read(row: &mut RowReader) -> Self {
        Self {
            token: row.text(),
            id: row.int(),
            processing_start: row.text(),
        }
    }
}

/// What a claim fills, in the order in which it does.
pub(in crate::sql) const CLAIM_COLUMNS: [&str; 25] = [
    "meta_table",
    "job",
    "job_identifier",
    "processing_start",
    "batch_id_start",
    "batch_id_end",
    "batch_weight",
    "batch_count",
    "attempt",
    "status",
    "config",
    "batch_id_after",
    "claim_token",
    "lease_expires",
    "queue",
    "max_attempts",
    "watermark",
    "queue_from",
    "config_fingerprint",
    "meta_database",
    "ranges_through",
    "items_through",
    "weight_through",
    "items_recounted",
    "weight_recounted",
];

impl InventoryTable {
    /// Claims ranges: rows of `claim_token, id, processing_start` where the dialect gives them back.
    /// When another worker that saw the same watermark was faster, or this very claim already
    /// stands, none is inserted: no row comes back, or an error for a conflict.
    ///
    /// Relies on: the unique index (meta_table, job, batch_id_after, attempt), which lets only one
    /// of two planners that saw the same watermark in, and the unique index (claim_token).
    pub(crate) fn insert_claims<'a>(
        &self,
        claims: impl ExactSizeIterator<Item = &'a Claim<'a>>,
    ) -> TypedStatement<ClaimedRange> {
        let mut insert = InsertStatement::new();
        insert
            .into_table(self.name.reference())
            .columns(CLAIM_COLUMNS);
        let is_single = claims.len() == 1;
        for claim in claims {
            let lease_expires = match claim.lease_seconds {
                Some(seconds) => self.dialect.now_plus(bind_int(i64::from(seconds))),
                None => Expr::cust("NULL"),
            };
            insert.values_panic([
                bind_text(claim.meta_table),
                bind_text(claim.job),
                bind_text(claim.job_identifier),
                self.dialect.now(),
                bind_int(claim.id_start),
                bind_int(claim.id_end),
                bind_double(claim.weight),
                bind_int(claim.count),
                bind_int(claim.attempt),
                bind_text(self.labels.running.as_str()),
                self.dialect.bind_json(Some(claim.config)),
                bind_int(claim.after),
                bind_text(claim.token.as_str()),
                lease_expires,
                Queue::Running.literal(),
                bind_int(claim.max_attempts),
                bind_int(claim.watermark),
                bind_int(claim.queue_from),
                bind_int(claim.config_fingerprint),
                bind_text(claim.meta_database),
                bind_int(claim.through.ranges),
                bind_int(claim.through.items),
                bind_double(Some(claim.through.weight)),
                bind_int(claim.recounted.map(|recounted| recounted.items)),
                bind_double(claim.recounted.map(|recounted| recounted.weight)),
            ]);
        }
        if is_single && self.returns_claims() {
            // No row is as good as an error then, and cheaper. Several are claimed all or none.
            let mut on_conflict = OnConflict::new();
            on_conflict.do_nothing();
            insert.on_conflict(on_conflict);
        }
        insert.returning(Query::returning().exprs(self.claim_columns()));
        Statement::build(&insert, self.dialect).read_as(ClaimedRange::read)
    }

    /// Whether [`insert_claims`](Self::insert_claims) surely gives rows back. MySQL does not, but for
    /// MariaDB: where no row came, [`read_claims`](Self::read_claims) tells.
    pub(crate) fn returns_claims(&self) -> bool {
        self.dialect != Dialect::Mysql
    }

    /// The attempt with this number at the range behind `after`, by [`on_primary`]: a row of `id`, or none.
    ///
    /// Relies on: the unique index (meta_table, job, batch_id_after, attempt).
    pub(crate) fn find_place(&self, job: &JobKey, after: i64, attempt: i64) -> TypedStatement<i64> {
        let mut select = Query::select();
        select
            .expr(bigint(Expr::col("id")))
            .from(self.name.reference())
            .only_job(job, Expr::col)
            .only(Expr::col("batch_id_after").eq(bind_int(after)))
            .only(Expr::col("attempt").eq(bind_int(attempt)));
        on_primary(&select, self.dialect).read_as(|row| row.int())
    }

    /// Claims that stand: rows of `claim_token, id, processing_start`.
    ///
    /// Relies on: the unique index (claim_token).
    pub(crate) fn read_claims<'a>(
        &self,
        tokens: impl Iterator<Item = &'a ClaimToken>,
    ) -> TypedStatement<ClaimedRange> {
        let mut select = Query::select();
        select
            .exprs(self.claim_columns())
            .from(self.name.reference())
            .only(Expr::col("claim_token").is_in(tokens.map(|token| bind_text(token.as_str()))));
        Statement::build(&select, self.dialect).read_as(ClaimedRange::read)
    }

    fn claim_columns(&self) -> [Expr; 3] {
        [
            text(Expr::col("claim_token")),
            bigint(Expr::col("id")),
            text(self.dialect.rfc3339(Expr::col("processing_start"))),
        ]
    }
}
