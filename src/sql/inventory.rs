//! The statements on the inventory table.

use sea_query::{
    Expr, ExprTrait, Func, InsertStatement, OnConflict, Order, Query, SubQueryStatement,
};

use super::{Statement, bigint, bind_double, bind_int, bind_text, double, text, when};
use crate::claim_token::ClaimToken;
use crate::database::{Dialect, StatusLabels};
use crate::interface::HistoryQuery;
use crate::table_name::TableName;

/// The inventory table: where it is, in which dialect, and its words for a status.
#[derive(Debug, Clone)]
pub(crate) struct InventoryTable {
    pub(crate) name: TableName,
    pub(crate) dialect: Dialect,
    pub(crate) labels: StatusLabels,
}

/// What a claim puts into the inventory.
#[derive(Debug, Clone)]
pub(crate) struct Claim<'a> {
    pub(crate) meta_table: &'a str,
    pub(crate) job: &'a str,
    pub(crate) job_identifier: Option<&'a str>,
    /// The watermark that the claim's planner saw.
    pub(crate) after: i64,
    pub(crate) id_start: i64,
    pub(crate) id_end: i64,
    pub(crate) count: i64,
    /// `None` where items have no weight.
    pub(crate) weight: Option<f64>,
    pub(crate) attempt: i64,
    pub(crate) token: &'a ClaimToken,
    /// The effective request as JSON.
    pub(crate) config: &'a str,
}

/// How a running attempt ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending<'a> {
    pub(crate) succeeded: bool,
    pub(crate) result_item: Option<&'a str>,
    pub(crate) log: Option<&'a str>,
}

impl InventoryTable {
    /// Where a job stands: the row of its highest range as `batch_id_start, batch_id_end,
    /// batch_count, batch_weight`, or no row before its first claim.
    ///
    /// Relies on: the index (meta_table, job, batch_id_end), read from its end.
    pub(crate) fn read_watermark(&self, meta_table: &str, job: &str) -> Statement {
        let mut select = Query::select();
        select
            .expr(bigint(Expr::col("batch_id_start")))
            .expr(bigint(Expr::col("batch_id_end")))
            .expr(bigint(Expr::col("batch_count")))
            .expr(double(Expr::col("batch_weight")))
            .from(self.name.reference())
            .and_where(Expr::col("meta_table").eq(bind_text(meta_table)))
            .and_where(Expr::col("job").eq(bind_text(job)))
            .order_by("batch_id_end", Order::Desc)
            .limit(1);
        Statement::build(&select, self.dialect)
    }

    /// Claims a range: one row with `id, processing_start`, or no row when another worker that saw
    /// the same watermark was faster, or when this very claim already stands.
    ///
    /// Relies on: the unique index (meta_table, job, batch_id_after, attempt), which lets only one
    /// of two planners that saw the same watermark in, and the unique index (claim_token).
    pub(crate) fn insert_claim(&self, claim: &Claim<'_>) -> Statement {
        let values: [(&'static str, Expr); 14] = [
            ("meta_table", bind_text(claim.meta_table)),
            ("job", bind_text(claim.job)),
            ("job_identifier", bind_text(claim.job_identifier)),
            ("processing_start", self.dialect.now()),
            ("batch_id_start", bind_int(claim.id_start)),
            ("batch_id_end", bind_int(claim.id_end)),
            ("batch_weight", bind_double(claim.weight)),
            ("batch_count", bind_int(claim.count)),
            ("attempt", bind_int(claim.attempt)),
            ("status", bind_text(self.labels.running.as_str())),
            ("config", self.dialect.bind_json(Some(claim.config))),
            ("batch_id_after", bind_int(claim.after)),
            ("claim_token", bind_text(claim.token.as_str())),
            ("lease_expires", Expr::cust("NULL")),
        ];
        let (columns, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
        let mut insert = InsertStatement::new();
        insert
            .into_table(self.name.reference())
            .columns(columns)
            .values_panic(values)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .returning(Query::returning().exprs([
                bigint(Expr::col("id")),
                text(self.dialect.rfc3339(Expr::col("processing_start"))),
            ]));
        Statement::build(&insert, self.dialect)
    }

    /// Ends a running attempt: affects one row, or none when the attempt does not run any more.
    ///
    /// Relies on: the unique index (claim_token).
    pub(crate) fn end_attempt(&self, token: &ClaimToken, ending: Ending<'_>) -> Statement {
        let mut update = Query::update();
        update
            .table(self.name.reference())
            .values([
                ("status", bind_text(self.label(ending.succeeded))),
                ("processing_end", self.dialect.now()),
                (
                    "job_result_item",
                    self.dialect.bind_json(ending.result_item),
                ),
                ("logging", bind_text(ending.log)),
            ])
            .and_where(Expr::col("claim_token").eq(bind_text(token.as_str())))
            .and_where(Expr::col("status").eq(bind_text(self.labels.running.as_str())));
        Statement::build(&update, self.dialect)
    }

    /// One attempt: a row with `id, meta_table, job, job_identifier, attempt, status,
    /// batch_id_start, batch_id_end, batch_count, batch_weight, processing_start, config`, or none.
    ///
    /// Relies on: the unique index (claim_token).
    pub(crate) fn find_attempt(&self, token: &ClaimToken) -> Statement {
        let mut select = Query::select();
        select
            .expr(bigint(Expr::col("id")))
            .expr(text(Expr::col("meta_table")))
            .expr(text(Expr::col("job")))
            .expr(text(Expr::col("job_identifier")))
            .expr(bigint(Expr::col("attempt")))
            .expr(text(Expr::col("status")))
            .expr(bigint(Expr::col("batch_id_start")))
            .expr(bigint(Expr::col("batch_id_end")))
            .expr(bigint(Expr::col("batch_count")))
            .expr(double(Expr::col("batch_weight")))
            .expr(text(self.dialect.rfc3339(Expr::col("processing_start"))))
            .expr(text(Expr::col("config")))
            .from(self.name.reference())
            .and_where(Expr::col("claim_token").eq(bind_text(token.as_str())));
        Statement::build(&select, self.dialect)
    }

    /// All jobs with their sums: rows of `meta_table, job, watermark, running, succeeded, failed,
    /// items, weight, latest_start, config`, where the configuration is that of the highest range.
    ///
    /// Relies on: a scan of the whole inventory; the index (meta_table, job, batch_id_end) for the
    /// configuration.
    pub(crate) fn summarise_jobs(&self) -> Statement {
        let attempt = |column| Expr::col(("attempts", column));
        let with_status = |label: &str| text(attempt("status")).eq(bind_text(label));
        let one = || Expr::cust("1");
        let number_of = |label: &str| bigint(when(with_status(label), one()).count());
        let total_of = |column| {
            Func::coalesce([
                when(with_status(&self.labels.succeeded), attempt(column)).sum(),
                Expr::cust("0"),
            ])
        };
        let mut config = Query::select();
        config
            .expr(text(Expr::col(("latest", "config"))))
            .from_as(self.name.reference(), "latest")
            .and_where(Expr::col(("latest", "meta_table")).equals(("attempts", "meta_table")))
            .and_where(Expr::col(("latest", "job")).equals(("attempts", "job")))
            .order_by(("latest", "batch_id_end"), Order::Desc)
            .limit(1);
        let mut select = Query::select();
        select
            .expr(text(attempt("meta_table")))
            .expr(text(attempt("job")))
            .expr(bigint(attempt("batch_id_end").max()))
            .expr(number_of(&self.labels.running))
            .expr(number_of(&self.labels.succeeded))
            .expr(number_of(&self.labels.failed))
            .expr(bigint(total_of("batch_count")))
            .expr(double(total_of("batch_weight")))
            .expr(text(
                self.dialect.rfc3339(attempt("processing_start").max()),
            ))
            .expr(Expr::from(SubQueryStatement::from(config)))
            .from_as(self.name.reference(), "attempts")
            .add_group_by([attempt("meta_table"), attempt("job")])
            .order_by(("attempts", "meta_table"), Order::Asc)
            .order_by(("attempts", "job"), Order::Asc);
        Statement::build(&select, self.dialect)
    }

    /// Attempts, latest first: rows of `id, meta_table, job, job_identifier, attempt, status,
    /// batch_id_start, batch_id_end, batch_count, batch_weight, processing_start, processing_end,
    /// job_result_item, logging, config`.
    ///
    /// Relies on: the primary key, read from its end; with a job and an id also on the index
    /// (meta_table, job, batch_id_end).
    pub(crate) fn list_attempts(
        &self,
        query: &HistoryQuery,
        meta_table: Option<&str>,
    ) -> Statement {
        let mut select = Query::select();
        select
            .expr(bigint(Expr::col("id")))
            .expr(text(Expr::col("meta_table")))
            .expr(text(Expr::col("job")))
            .expr(text(Expr::col("job_identifier")))
            .expr(bigint(Expr::col("attempt")))
            .expr(text(Expr::col("status")))
            .expr(bigint(Expr::col("batch_id_start")))
            .expr(bigint(Expr::col("batch_id_end")))
            .expr(bigint(Expr::col("batch_count")))
            .expr(double(Expr::col("batch_weight")))
            .expr(text(self.dialect.rfc3339(Expr::col("processing_start"))))
            .expr(text(self.dialect.rfc3339(Expr::col("processing_end"))))
            .expr(text(Expr::col("job_result_item")))
            .expr(text(Expr::col("logging")))
            .expr(text(Expr::col("config")))
            .from(self.name.reference())
            .and_where_option(meta_table.map(|name| Expr::col("meta_table").eq(bind_text(name))))
            .and_where_option((query.job.as_deref()).map(|job| Expr::col("job").eq(bind_text(job))))
            .and_where_option(query.uid.map(|uid| {
                (Expr::col("batch_id_start").lte(bind_int(uid)))
                    .and(Expr::col("batch_id_end").gte(bind_int(uid)))
            }))
            .and_where_option(
                query
                    .before
                    .map(|before| Expr::col("id").lt(bind_int(before))),
            )
            .order_by("id", Order::Desc)
            .limit(u64::from(query.limit));
        Statement::build(&select, self.dialect)
    }

    /// The label of a finished attempt.
    pub(crate) fn label(&self, succeeded: bool) -> &str {
        if succeeded {
            &self.labels.succeeded
        } else {
            &self.labels.failed
        }
    }
}
