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

    /// The one that a range says that it follows.
    pub(crate) fn followed(after: i64) -> Self {
        Self((after != BEFORE_ALL).then_some(after))
    }

    /// The id itself.
    pub(crate) fn uid(self) -> Option<i64> {
        self.0
    }

    /// The id behind which planning goes on; also what the next range says that it follows.
    pub(crate) fn after(self) -> i64 {
        self.0.unwrap_or(BEFORE_ALL)
    }

    /// The first id that a range planned behind it passes over since ids begin at `id_min`; before
    /// the job's first range there is none to miss.
    pub(crate) fn passed_over_from(self, id_min: Option<i64>) -> Option<i64> {
        let first = self.0?.checked_add(1)?;
        id_min.filter(|id_min| *id_min > first).map(|_| first)
    }

    /// Whether nothing can ever come behind it.
    pub(crate) fn has_reached(self, id_max: Option<i64>) -> bool {
        matches!((self.0, id_max), (Some(uid), Some(id_max)) if uid >= id_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_between_the_watermark_and_the_lower_bound_are_passed_over() {
        for (after, id_min, expected) in [
            (10, None, None),
            (10, Some(3), None),
            (10, Some(11), None),
            (10, Some(12), Some(11)),
            (BEFORE_ALL, Some(12), None),
            (i64::MAX, Some(i64::MAX), None),
        ] {
            assert_eq!(
                Watermark::followed(after).passed_over_from(id_min),
                expected
            );
        }
    }
}
