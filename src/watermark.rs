//! How far a job's ranges reach.

/// Stands for "before all ids" where an id is wanted; never an id itself.
pub(crate) const BEFORE_ALL: i64 = i64::MIN;

/// The highest id that a job has claimed so far, if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Watermark(Option<i64>);

impl Watermark {
    /// After this id, or before all.
    pub(crate) fn at(uid: Option<i64>) -> Self {
        Self(uid)
    }

    /// The id itself.
    pub(crate) fn uid(self) -> Option<i64> {
        self.0
    }

    /// The id behind which planning goes on; also what the next range says that it follows.
    pub(crate) fn after(self) -> i64 {
        self.0.unwrap_or(BEFORE_ALL)
    }

    /// Whether nothing can ever come behind it.
    pub(crate) fn has_reached(self, id_max: Option<i64>) -> bool {
        matches!((self.0, id_max), (Some(uid), Some(id_max)) if uid >= id_max)
    }
}
