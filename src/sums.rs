//! What a job has handed out so far, carried along its chain of ranges, so that nobody has to add it up.
//!
//! Each range's row keeps the sums up to and with that range: those of the range that it follows, which its
//! planner read where the job stands, and its own. The chain lets only one range follow another, so whoever is
//! let in has added to the right ones. A further attempt at a range keeps the sums of the range as they are,
//! and by how much its own count differs from that of the attempt before it.

use crate::row_reader::RowReader;

/// What a job has handed out up to and with one of its ranges, by the first attempt at each.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Sums {
    pub(crate) ranges: i64,
    pub(crate) items: i64,
    pub(crate) weight: f64,
}

/// By how much an attempt that counted its range anew differs from the one before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Recounted {
    pub(crate) items: i64,
    pub(crate) weight: f64,
}

/// The columns of [`Sums`], in the order in which [`Sums::read`] takes them.
pub(crate) const COLUMNS: [(&str, &str); 3] = [
    ("ranges_through", "bigint"),
    ("items_through", "bigint"),
    ("weight_through", "double precision"),
];

impl Sums {
    /// Reads the three columns.
    pub(crate) fn read(row: &mut RowReader) -> Self {
        Self {
            ranges: row.int(),
            items: row.int(),
            weight: row.double(),
        }
    }

    /// With one more range, of so many items.
    pub(crate) fn with(self, items: i64, weight: f64) -> Self {
        Self {
            ranges: self.ranges.saturating_add(1),
            items: self.items.saturating_add(items),
            // MySQL keeps no infinity.
            weight: (self.weight + weight).min(f64::MAX),
        }
    }
}

impl Recounted {
    /// The difference, `None` where there is none.
    pub(crate) fn of(before: (i64, f64), now: (i64, f64)) -> Option<Self> {
        let recounted = Self {
            items: now.0.saturating_sub(before.0),
            weight: now.1 - before.1,
        };
        (recounted.items != 0 || recounted.weight != 0.0).then_some(recounted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_added_to_those_before_it() {
        let one = Sums::default().with(3, 0.5);
        assert_eq!(
            one.with(2, 1.0),
            Sums {
                ranges: 2,
                items: 5,
                weight: 1.5
            }
        );
        let most = one.with(i64::MAX, f64::MAX).with(1, f64::MAX);
        assert_eq!((most.items, most.weight), (i64::MAX, f64::MAX));
    }

    #[test]
    fn what_counts_as_before_needs_no_difference() {
        assert_eq!(Recounted::of((3, 0.5), (3, 0.5)), None);
        let heavier = Recounted::of((3, 0.5), (3, 2.0));
        assert_eq!(
            heavier,
            Some(Recounted {
                items: 0,
                weight: 1.5
            })
        );
    }
}
