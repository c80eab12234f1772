//! What is to come of an attempt, as the column `queue` says it; requeueing.

use sea_query::{Expr, ExprTrait, Query};

use super::{ATTEMPTS, InventoryTable};
use crate::interface::{IdRange, Queue, RequeueTarget};
use crate::job::JobKey;
use crate::sql::{Conditions, Statement, bind_int, bind_text, either, joined, when};

impl Queue {
    /// The word that stands in the inventory's column `queue`, NULL where nothing is to come.
    fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Retry => "retry",
            Self::Requeued => "requeued",
            Self::Exhausted => "exhausted",
        }
    }

    /// The word in a statement's text.
    pub(super) fn literal(self) -> Expr {
        Expr::cust(match self {
            Self::Running => "'running'",
            Self::Retry => "'retry'",
            Self::Requeued => "'requeued'",
            Self::Exhausted => "'exhausted'",
        })
    }

    pub(super) fn is(self) -> Expr {
        Expr::col("queue").eq(self.literal())
    }

    /// The queue of a word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Running, Self::Retry, Self::Requeued, Self::Exhausted]
            .into_iter()
            .find(|queue| queue.word() == word)
    }
}

impl InventoryTable {
    /// Takes what waits at the range behind `after` out of its queue, before this attempt that has
    /// followed it: affects one row, or none. One that failed is kept where failures are counted.
    ///
    /// Relies on: the unique index (meta_table, job, batch_id_after, attempt).
    pub(crate) fn leave_queue(&self, job: &JobKey, after: i64, attempt: i64) -> Statement {
        let has_failed = Expr::col("status").eq(bind_text(self.labels.failed.as_str()));
        let mut update = Query::update();
        update
            .table(self.name.reference())
            .values([("queue", when(has_failed, Expr::cust("'followed'")))])
            .only_job(job, Expr::col)
            .only(Expr::col("batch_id_after").eq(bind_int(after)))
            .only(Expr::col("attempt").lt(bind_int(attempt)))
            .only(Queue::Retry.is().or(Queue::Requeued.is()));
        Statement::build(&update, self.dialect)
    }

    /// Requeues ranges: affects the latest attempt at each. Those that run are taken from their
    /// owners.
    ///
    /// Relies on: the primary key; the index (meta_table, job, queue, watermark); for ids, a scan
    /// of the job's rows.
    pub(crate) fn requeue(&self, job: &JobKey, target: &RequeueTarget) -> Statement {
        let column = Expr::col::<&'static str>;
        let while_running = |value: Expr, column: &'static str| -> Expr {
            either(self.runs(), value, Expr::col(column))
        };
        let target = match target {
            RequeueTarget::Batch(id) => column("id").eq(bind_int(*id)),
            RequeueTarget::Exhausted => Queue::Exhausted.is(),
            RequeueTarget::Ids(ranges) => {
                let overlaps = |IdRange { id_start, id_end }: &IdRange| {
                    (column("batch_id_start").lte(bind_int(*id_end)))
                        .and(column("batch_id_end").gte(bind_int(*id_start)))
                };
                let any = joined(ranges.iter().map(overlaps).collect(), ExprTrait::or);
                any.unwrap_or_else(|| Expr::cust("1 = 0"))
            }
        };
        let mut latest = Query::select();
        latest
            .expr_as(Expr::cust("attempts.id"), "id")
            .from_as(self.name.reference(), ATTEMPTS)
            .only_job(job, Expr::col)
            .only(target)
            .only(self.has_later_attempt().not());
        // One level more than needed: MySQL reads a table that it updates only from there.
        let mut targets = Query::select();
        targets
            .expr(Expr::cust("latest.id"))
            .from_subquery(latest, "latest");
        let now = || self.dialect.now();
        let mut update = Query::update();
        update
            .table(self.name.reference())
            .values([
                // The status last: MySQL sets one after the other, and the rest goes by it.
                ("queue", Queue::Requeued.literal()),
                ("processing_end", while_running(now(), "processing_end")),
                ("lease_expires", while_running(now(), "lease_expires")),
                ("logging", while_running(bind_text("requeued"), "logging")),
                (
                    "status",
                    while_running(bind_text(self.labels.failed.as_str()), "status"),
                ),
            ])
            .only(column("id").in_subquery(targets));
        Statement::build(&update, self.dialect)
    }
}

/// The queue of an attempt that has failed.
pub(super) fn after_failure() -> Expr {
    either(
        Expr::col("attempt").lt(Expr::col("max_attempts")),
        Queue::Retry.literal(),
        Queue::Exhausted.literal(),
    )
}
