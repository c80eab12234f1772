//! The ends of attempts, and their leases.

use sea_query::{Expr, ExprTrait, Query, UpdateStatement};

use super::InventoryTable;
use super::queues::after_failure;
use crate::claim_token::ClaimToken;
use crate::database::Dialect;
use crate::interface::Queue;
use crate::sql::{Conditions, Statement, bind_int, bind_text, either};

/// What becomes of a running attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum End {
    Succeeded,
    Failed,
    /// Its owner gave it up: its range is handed out again at once, and one attempt more is allowed.
    Released,
}

/// How a running attempt ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending<'a> {
    pub(crate) end: End,
    pub(crate) result_item: Option<&'a str>,
    pub(crate) log: Option<&'a str>,
}

impl InventoryTable {
    /// Ends a running attempt: affects one row, or none when the attempt does not run any more. An
    /// attempt that its owner has ended has no lease; one that was taken from it keeps its lease.
    ///
    /// Relies on: the unique index (claim_token).
    pub(crate) fn end_attempt(&self, token: &ClaimToken, ending: Ending<'_>) -> Statement {
        Statement::build(&self.ending(token, ending), self.dialect)
    }

    /// The statement of [`end_attempt`](Self::end_attempt), to stand in another one.
    pub(in crate::sql) fn ending(&self, token: &ClaimToken, ending: Ending<'_>) -> UpdateStatement {
        let queue = match ending.end {
            End::Succeeded => Expr::cust("NULL"),
            End::Failed => after_failure(),
            End::Released => Queue::Requeued.literal(),
        };
        let mut update = Query::update();
        update
            .table(self.name.reference())
            .values([
                ("queue", queue),
                ("processing_end", self.dialect.now()),
                ("lease_expires", Expr::cust("NULL")),
                ("job_result_item", self.kept_result(ending.result_item)),
                ("logging", bind_text(ending.log)),
                ("status", bind_text(self.label(ending.end))),
            ])
            .only(Expr::col("claim_token").eq(bind_text(token.as_str())))
            .only(self.runs());
        if ending.end == End::Released {
            update.value("max_attempts", Expr::cust("max_attempts + 1"));
        }
        update
    }

    /// A result, to be kept to the letter. Where pybatchintory made the table in SQLite, the column has
    /// the type JSON, which there means numbers: a text that is one would be rounded, bytes are not.
    fn kept_result(&self, result: Option<&str>) -> Expr {
        let document = || self.dialect.bind_json(result);
        let Some(result) = result.filter(|_| self.dialect == Dialect::Sqlite) else {
            return document();
        };
        let is_number = result
            .trim_start()
            .starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let is_kept_as_integer =
            || (result.parse::<i64>()).is_ok_and(|number| number.to_string() == result);
        if !is_number || is_kept_as_integer() {
            return document();
        }
        let is_made_by_pybatchintory = Expr::cust_with_exprs(
            "(SELECT type FROM pragma_table_info(?, ?) WHERE name = 'job_result_item') = 'JSON'",
            [bind_text(self.name.table()), bind_text(self.name.schema())],
        );
        either(
            is_made_by_pybatchintory,
            document().cast_as("blob"),
            document(),
        )
    }

    /// Prolongs a running attempt's lease: affects one row, or none when it does not run any more.
    ///
    /// Relies on: the unique index (claim_token).
    pub(crate) fn prolong_lease(&self, token: &ClaimToken, seconds: u32) -> Statement {
        let lease_expires = self.dialect.now_plus(bind_int(i64::from(seconds)));
        let mut update = Query::update();
        update
            .table(self.name.reference())
            .values([("lease_expires", lease_expires)])
            .only(Expr::col("claim_token").eq(bind_text(token.as_str())))
            .only(self.runs());
        Statement::build(&update, self.dialect)
    }

    /// Takes an attempt whose lease is over from its owner: affects one row, or none when it does
    /// not run any more or has shown a sign of life. From then on its token ends nothing.
    ///
    /// Relies on: the primary key.
    pub(crate) fn take_over(&self, id: i64) -> Statement {
        let mut update = Query::update();
        update
            .table(self.name.reference())
            .values([
                ("queue", after_failure()),
                ("processing_end", self.dialect.now()),
                ("logging", bind_text("the lease ran out")),
                ("status", bind_text(self.labels.failed.as_str())),
            ])
            .only(Expr::col("id").eq(bind_int(id)))
            .only(self.runs())
            .only(Expr::col("lease_expires").lte(self.dialect.now()));
        Statement::build(&update, self.dialect)
    }
}
