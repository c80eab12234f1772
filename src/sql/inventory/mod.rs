//! The statements on the inventory table.

mod attempts;
mod claims;
mod endings;
mod history;
mod queues;
mod standing;

use sea_query::{Expr, ExprTrait, Query};

pub(crate) use self::attempts::{FoundAttempt, LatestAttempt, ProcessedRange};
pub(super) use self::claims::CLAIM_COLUMNS;
pub(crate) use self::claims::{Claim, ClaimedRange};
pub(crate) use self::endings::{End, Ending};
pub(crate) use self::history::may_be_long;
pub(super) use self::standing::most_doublings;
pub(crate) use self::standing::{Queued, StandingRow};
use super::{Conditions, bind_text};
use crate::database::{Dialect, StatusLabels};
use crate::table_name::TableName;

/// The inventory's name within statements that name it twice.
const ATTEMPTS: &str = "attempts";

/// The inventory table: where it is, in which dialect, and its words for a status.
#[derive(Debug, Clone)]
pub(crate) struct InventoryTable {
    pub(crate) name: TableName,
    pub(crate) dialect: Dialect,
    pub(crate) labels: StatusLabels,
}

impl InventoryTable {
    /// The label of a finished attempt.
    pub(crate) fn label(&self, end: End) -> &str {
        match end {
            End::Succeeded => &self.labels.succeeded,
            End::Failed | End::Released => &self.labels.failed,
        }
    }

    pub(super) fn runs(&self) -> Expr {
        Expr::col("status").eq(bind_text(self.labels.running.as_str()))
    }

    /// Whether the range of a row of the table `attempts` has a later attempt.
    ///
    /// Relies on: the unique index (meta_table, job, batch_id_after, attempt).
    pub(super) fn has_later_attempt(&self) -> Expr {
        let mut later = Query::select();
        later
            .expr(Expr::cust("1"))
            .from_as(self.name.reference(), "later")
            .only(Expr::cust(
                "later.meta_table = attempts.meta_table AND later.job = attempts.job \
                 AND later.batch_id_after = attempts.batch_id_after \
                 AND later.attempt > attempts.attempt",
            ));
        Expr::exists(later)
    }
}
