//! What is left to do.

use serde::{Deserialize, Serialize};

/// A batch as `plan` foresees it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlannedBatch {
    /// The id of the first item.
    pub id_start: i64,
    /// The id of the last item.
    pub id_end: i64,
    /// How many items it has.
    pub count: u64,
    /// What its items weigh together.
    pub weight: f64,
    /// Whether it is a single item that alone is heavier than `max_weight`.
    pub oversized: bool,
}

/// The next batches, without claiming them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchPlan {
    /// In order; fewer than asked for when nothing more is left.
    pub batches: Vec<PlannedBatch>,
    /// Whether nothing is left after them, or nothing that is ready.
    pub complete: bool,
    /// The first id that is held, where the plan ends before one.
    pub held: Option<i64>,
}

/// What a job has left to do, counted up to a cap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct JobProgress {
    /// The highest id that the job has claimed so far.
    pub watermark: Option<i64>,
    /// Items left, at most the cap.
    pub items: u64,
    /// What those items weigh.
    pub weight: f64,
    /// Whether the cap ended the count.
    pub at_least: bool,
    /// Where the cap ended the count: a guess at all that is left, before any filter.
    pub estimated_items: Option<u64>,
    /// The highest id up to which items are left.
    pub last_id: Option<i64>,
    /// Whether the watermark lies above the table's highest id: its ids have begun anew, and rows
    /// with ids up to the watermark are never handed out.
    pub watermark_above_table: bool,
    /// Whether the meta table lies in another database than at the job's latest range, as far as
    /// databases tell; `warnings` says which.
    pub other_meta_database: bool,
    /// How many items the job gets done in an hour, by its latest hundred attempts; `None` where none of them has
    /// succeeded.
    pub items_per_hour: Option<f64>,
    /// What those items weigh.
    pub weight_per_hour: Option<f64>,
    /// In how many seconds what is left, and what runs or waits, will be done at that pace; 0 where it is
    /// done, `None` where that is not known.
    pub seconds_left: Option<u64>,
}
