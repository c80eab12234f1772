//! The statements on a meta table. All of them only read.

mod counts;
mod items;
mod page;

pub(crate) use self::counts::{
    Recount, count_range, first_repeated, foreign_values, highest_uid, passes_filter, size_estimate,
};
pub(crate) use self::items::{Fill, items, items_end, plain_items};
pub(super) use self::page::{IN_ORDER, of_kept, page_with_stops, sums_of_page, totals};
pub(crate) use self::page::{PageSums, Room, count_page, next_page};
