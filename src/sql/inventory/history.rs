//! Attempts page by page.

use sea_query::{Expr, ExprTrait, Func, Order, Query};

use super::{ATTEMPTS, InventoryTable};
use crate::database::Dialect;
use crate::interface::{Attempt, HistoryQuery, Queue};
use crate::sql::pages::Page;
use crate::sql::{
    Conditions, Statement, TypedStatement, bind_int, bind_text, columns, joined, text,
};

impl InventoryTable {
    /// Attempts, by their ids from the highest down: rows of `id, meta_table, job, job_identifier,
    /// attempt, status, batch_id_start, batch_id_end, batch_count, batch_weight, queue, processing_start,
    /// processing_end, lease_expires, claim_token, job_result_item, logging, config`; tokens are NULL unless
    /// they are asked for, results and logs without details, the configuration without an id. They end with the one that fills a page,
    /// in MySQL where `to` says so, see [`attempts_end`](Self::attempts_end).
    ///
    /// Relies on: the primary key, read from its end; with a job and an id also on the index
    /// (meta_table, job, batch_id_end, attempt).
    pub(crate) fn list_attempts(
        &self,
        query: &HistoryQuery,
        meta_table: Option<&str>,
        to: Option<i64>,
    ) -> TypedStatement<(Attempt, Option<String>)> {
        let limit = u64::from(query.limit);
        let page = self.attempts_page(query, meta_table);
        let end = (self.dialect != Dialect::Mysql && may_be_long(query))
            .then(|| Func::coalesce([page.end(limit), bind_int(i64::MIN)]).into())
            .or(to.map(bind_int));
        let token = (query.claim_tokens, "claim_token");
        // A configuration may have 64 KiB, and only tells whether the filter lets the item pass.
        let long = [
            (query.details, "job_result_item"),
            (query.details, "logging"),
            (query.uid.is_some(), "config"),
        ];
        let times = ["processing_start", "processing_end", "lease_expires"];
        let mut select = (page.rows)();
        select
            .limit(limit)
            .expr(columns(
                self.dialect,
                ATTEMPTS,
                &[
                    ("id", "bigint"),
                    ("meta_table", "text"),
                    ("job", "text"),
                    ("job_identifier", "text"),
                    ("attempt", "bigint"),
                    ("status", "text"),
                    ("batch_id_start", "bigint"),
                    ("batch_id_end", "bigint"),
                    ("batch_count", "bigint"),
                    ("batch_weight", "double precision"),
                    ("queue", "text"),
                ],
            ))
            .exprs(times.map(|time| text(self.dialect.rfc3339(Expr::col(time)))))
            .exprs([token].into_iter().chain(long).map(|(is_given, column)| {
                text(if is_given {
                    Expr::col(column)
                } else {
                    Expr::cust("NULL")
                })
            }))
            .only_option(end.map(|end: Expr| Expr::col("id").gte(end)));
        Statement::build(&select, self.dialect).read_as(|row| {
            let mut attempt = Attempt {
                id: row.int(),
                meta_table: row.text(),
                job: row.text(),
                job_identifier: row.optional_text(),
                attempt: u32::try_from(row.count()).unwrap_or(u32::MAX),
                status: row.text(),
                id_start: row.int(),
                id_end: row.int(),
                count: row.count(),
                weight: row.double(),
                queue: row.optional_text().as_deref().and_then(Queue::parse),
                processing_start: row.text(),
                processing_end: row.optional_text(),
                lease_expires: row.optional_text(),
                claim_token: row.optional_text(),
                result_item: row.optional_text(),
                log: row.optional_text(),
                passed_over: false,
            };
            // Those of others end nothing any more.
            if attempt.queue != Some(Queue::Running) {
                attempt.claim_token = None;
            }
            (attempt, row.optional_text())
        })
    }

    /// Where a page of [`list_attempts`](Self::list_attempts) ends before its limit: one row of `id`, NULL
    /// where it does not. Only MySQL is asked by itself: it finds the rows of a range by its ends only where
    /// they are given.
    ///
    /// Relies on: as that statement does.
    pub(crate) fn attempts_end(
        &self,
        query: &HistoryQuery,
        meta_table: Option<&str>,
    ) -> TypedStatement<Option<i64>> {
        let page = self.attempts_page(query, meta_table);
        let mut select = Query::select();
        select.expr(page.end(u64::from(query.limit)));
        Statement::build(&select, self.dialect).read_as(|row| row.optional_int())
    }

    fn attempts_page<'a>(
        &'a self,
        query: &'a HistoryQuery,
        meta_table: Option<&'a str>,
    ) -> Page<'a> {
        let rows = move || {
            let job = query.job.as_deref();
            let mut rows = Query::select();
            rows.from_as(self.name.reference(), ATTEMPTS)
                .only_option(query.queue.map(Queue::is))
                .only_option(meta_table.map(|name| Expr::col("meta_table").eq(bind_text(name))))
                .only_option(job.map(|job| Expr::col("job").eq(bind_text(job))))
                .only_option(query.uid.map(|uid| {
                    (Expr::col("batch_id_start").lte(bind_int(uid)))
                        .and(Expr::col("batch_id_end").gte(bind_int(uid)))
                }))
                .only_option((query.before).map(|before| Expr::col("id").lt(bind_int(before))))
                .order_by("id", Order::Desc);
            rows
        };
        let long: &[&'static str] = match (query.details, query.uid) {
            (true, None) => &["job_result_item", "logging"],
            (false, _) => &["config"],
            (true, Some(_)) => &["job_result_item", "logging", "config"],
        };
        let bytes = move || {
            let bytes = (long.iter()).map(|column| self.dialect.bytes(Expr::col(*column)));
            joined(bytes.collect(), ExprTrait::add).unwrap_or_else(|| Expr::cust("0"))
        };
        Page {
            dialect: self.dialect,
            rows: Box::new(rows),
            place: Box::new(|| Expr::col("id")),
            bytes: Box::new(bytes),
            is_descending: true,
        }
    }
}

/// Whether attempts come with texts that may be long: what became of them, or their configurations.
pub(crate) fn may_be_long(query: &HistoryQuery) -> bool {
    query.details || query.uid.is_some()
}
