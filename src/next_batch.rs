//! Finding the next batch: how far behind a watermark the limits reach.
//!
//! The meta table is looked at page by page. A page is as long as the batch probably is, so that
//! the usual batch needs one page, and the cost depends on the batch and never on the backlog
//! behind it. Pages that are surely too short for the batch are summed up without running totals.

use crate::database::Database;
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::PlannedBatch;
use crate::job::{Bounds, Job};
use crate::judge::check_row;
use crate::judgement::Judgement;
use crate::row_reader::unexpected;
use crate::sql::meta::{self, PageSums, Room};

/// The most rows of the meta table that one statement looks at.
pub(crate) const MAX_PAGE_ROWS: u64 = 100_000;
/// No weight reaches this, which stands for an invalid weight where a dialect has no infinity.
const INFINITE_WEIGHT: f64 = 1e300;
/// How many rows are looked at first when nothing is known about the weights.
const FIRST_PAGE_ROWS: u64 = 1_000;

/// What an earlier batch tells about the next one's size.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Density {
    /// Items and what they weigh together.
    pub(crate) count: u64,
    pub(crate) weight: f64,
    /// How many ids they are spread over.
    pub(crate) span: u64,
}

/// The next batch, and what was passed over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// The batch; `None` when nothing is left.
    pub(crate) batch: Option<PlannedBatch>,
    /// The highest id that was looked at.
    pub(crate) scanned_to: Option<i64>,
    /// The first id that is held, if planning came to one.
    pub(crate) held: Option<i64>,
}

/// A batch in the making.
#[derive(Clone, Copy, Default)]
struct Filling {
    first: Option<i64>,
    last: i64,
    count: u64,
    weight: f64,
}

/// Finds the first batch behind `after`.
#[synchronous]
pub(crate) async fn next_batch<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    judgement: &Judgement,
    after: i64,
    density: Density,
) -> Result<Found, Error> {
    let mut filling = Filling::default();
    let mut bounds = job.bounds;
    let mut held = None;
    let mut scanned_to = None;
    let mut seen = 0;
    loop {
        let position = scanned_to.unwrap_or(after);
        let rows = page_rows(job, &filling, density, seen);
        let page = read_page(databases, job, judgement, bounds, &filling, position, rows).await?;
        if let Some(first_held) = page.held {
            // Look again at what lies before it. It is above the lowest id, so this cannot overflow.
            held = Some(first_held);
            bounds.id_max = Some(first_held.saturating_sub(1));
            continue;
        }
        seen += page.scanned;
        scanned_to = page.scanned_to.or(scanned_to);

        if filling.count == 0
            && page.taken == 0
            && let Some(uid) = page.first
        {
            return Ok(Found {
                batch: Some(alone(job, uid, page.first_weight)?),
                scanned_to,
                held,
            });
        }
        if let Some(last) = page.taken_last {
            // What is taken of a page begins with the first row that is kept.
            filling.first = filling.first.or(page.first);
            filling.last = last;
            filling.count += page.taken;
            filling.weight += page.taken_weight;
        }
        let is_full = page.taken < page.kept || job.limits.count == Some(filling.count);
        if is_full || page.scanned < rows {
            let batch = filling.first.map(|first| PlannedBatch {
                id_start: first,
                id_end: filling.last,
                count: filling.count,
                weight: filling.weight,
                oversized: false,
            });
            if let (None, Some(uid)) = (batch, held) {
                check_row(databases, job, judgement, uid).await?;
            }
            return Ok(Found {
                batch,
                scanned_to,
                held,
            });
        }
    }
}

/// A batch of a single item that has no room beside an empty batch: heavier than the limit, or of
/// an invalid weight.
fn alone(job: &Job, uid: i64, weight: f64) -> Result<PlannedBatch, Error> {
    if weight.is_nan() || weight >= INFINITE_WEIGHT {
        return Err(Error::invalid_request(format!(
            "the item with {uid_column} {uid} in the meta table {table:?} has a weight that is \
             negative or not a finite number; mend its column {weight_column:?} or leave the item \
             out by a filter",
            uid_column = job.columns.uid,
            table = job.meta_table.to_string(),
            weight_column = job.columns.weight.as_deref().unwrap_or_default(),
        ))
        .of_table(&job.meta_table)
        .of_column(job.columns.weight.as_deref().unwrap_or_default())
        .of_row(uid));
    }
    Ok(PlannedBatch {
        id_start: uid,
        id_end: uid,
        count: 1,
        weight,
        oversized: true,
    })
}

/// How many rows to look at next.
fn page_rows(job: &Job, filling: &Filling, density: Density, seen: u64) -> u64 {
    let room = job.limits.count.map(|count| count - filling.count);
    let by_weight = job.limits.weight.map(|most| {
        // What this batch holds already tells more than the one before.
        let (count, weight) = match filling.count {
            0 => (density.count, density.weight),
            count => (count, filling.weight),
        };
        expected_rows(most - filling.weight, count, weight)
    });
    let expected = match (room, by_weight) {
        (Some(room), Some(by_weight)) => room.min(by_weight),
        (Some(room), None) => room,
        (None, Some(by_weight)) => by_weight,
        (None, None) => MAX_PAGE_ROWS,
    };
    if job.filter.is_none() {
        return expected.clamp(1, MAX_PAGE_ROWS);
    }
    // Rows that the filter passes over come on top; ids that are spread wide hint at them, and
    // when the filter kept too little so far, the pages grow.
    let spread = match density.count {
        0 => 1,
        count => density.span / count,
    };
    expected
        .saturating_mul(spread.max(1))
        .max(seen.saturating_mul(3))
        .clamp(FIRST_PAGE_ROWS, MAX_PAGE_ROWS)
}

/// How many rows of average weight fill this much room, with some to spare: the page must show
/// the first item that has no room any more.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]
fn expected_rows(room: f64, count: u64, weight: f64) -> u64 {
    if count == 0 {
        return FIRST_PAGE_ROWS;
    }
    // The cast of a float saturates, so weights of 0 lead to the longest page.
    let fitting = (room.max(0.0) * count as f64 / weight) as u64;
    fitting.saturating_add(fitting / 4).saturating_add(32)
}

#[synchronous]
async fn read_page<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    judgement: &Judgement,
    bounds: Bounds,
    filling: &Filling,
    after: i64,
    rows: u64,
) -> Result<PageSums, Error> {
    let query = async |room| query_page(databases, job, judgement, bounds, after, rows, room).await;
    let room = Room {
        weight: (filling.weight, most_weight(job)),
        // Without a filter the page's length alone bounds the count.
        count: (job.filter.as_ref())
            .and(job.limits.count)
            .map(|count| i64::try_from(count - filling.count).unwrap_or(i64::MAX)),
    };
    // A page of the greatest length will probably fit as a whole.
    let probably_fits =
        rows == MAX_PAGE_ROWS || job.limits.weight.is_none() && room.count.is_none();
    if probably_fits {
        let page = query(None).await?;
        let fits = filling.weight + page.taken_weight <= room.weight.1
            && room
                .count
                .is_none_or(|count| i64::try_from(page.taken).is_ok_and(|taken| taken <= count));
        if fits {
            return Ok(page);
        }
    }
    query(Some(room)).await
}

/// What a batch may weigh: even without a limit less than an invalid weight.
pub(crate) fn most_weight(job: &Job) -> f64 {
    let most = job.limits.weight.unwrap_or(f64::MAX);
    most.min(INFINITE_WEIGHT.next_down())
}

#[synchronous]
async fn query_page<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    judgement: &Judgement,
    bounds: Bounds,
    after: i64,
    rows: u64,
    room: Option<Room>,
) -> Result<PageSums, Error> {
    let page = meta::next_page(job, judgement, bounds, after, rows, room);
    let page = databases.source_row(job, page).await?;
    for uid_type in page.uid_types.into_iter().flatten() {
        if !job.dialect.is_integer_type(&uid_type) {
            return Err(Error::invalid_request(format!(
                "the column {column:?} of the meta table {table:?} is of type {uid_type}, but a uid \
                 must be an integer of at most 64 bits",
                column = job.columns.uid,
                table = job.meta_table.to_string(),
            ))
            .of_table(&job.meta_table)
            .of_column(&job.columns.uid));
        }
    }
    refuse_beyond(job, page.beyond)?;
    let page = page.sums;
    let most = (room.and_then(|room| room.count))
        .and_then(|count| u64::try_from(count).ok())
        .unwrap_or(rows);
    let adds_up = page.taken <= most.min(page.kept)
        && page.kept <= page.scanned
        && page.ids <= page.scanned
        && page.scanned <= rows
        && (page.taken > 0) == page.taken_last.is_some()
        && (page.kept > 0) == page.first.is_some()
        && (page.scanned > 0) == page.scanned_to.is_some();
    if !adds_up {
        return Err(unexpected("counts that do not add up"));
    }
    if let Some(last) = page.scanned_to
        && (page.ids < page.scanned || page.last_rows > 1)
    {
        refuse_repeated_uids(databases, job, after, last).await?;
    }
    Ok(page)
}

/// Refuses the first id that no signed integer of 64 bits can hold, if there is one.
pub(crate) fn refuse_beyond(job: &Job, uid: Option<String>) -> Result<(), Error> {
    match uid {
        Some(uid) => Err(Error::invalid_request(format!(
            "the {uid_column} {uid} in the meta table {table:?} lies beyond {most}, the highest id that can be \
             handed out; give the row another one, or leave it out by id-max",
            uid_column = job.columns.uid,
            table = job.meta_table.to_string(),
            most = i64::MAX,
        ))
        .of_table(&job.meta_table)
        .of_column(&job.columns.uid)),
        None => Ok(()),
    }
}

/// Refuses ids behind `after`, up to `to`, that several rows have: the one row would be passed over
/// where a batch or a page of its items ends between them.
#[synchronous]
pub(crate) async fn refuse_repeated_uids<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    after: i64,
    to: i64,
) -> Result<(), Error> {
    let repeated = meta::first_repeated(job, job.dialect, after, to);
    match databases.first_meta_row(job, repeated).await? {
        Some((uid, rows)) => Err(repeated_uid(job, uid, &rows.to_string())),
        None => Ok(()),
    }
}

/// What to say of an id that several rows have.
pub(crate) fn repeated_uid(job: &Job, uid: i64, rows: &str) -> Error {
    Error::invalid_request(format!(
        "the {uid_column} {uid} stands in {rows} rows of the meta table {table:?}, but an id is that of \
         one item; give each row its own, and have a unique index keep it so",
        uid_column = job.columns.uid,
        table = job.meta_table.to_string(),
    ))
    .of_table(&job.meta_table)
    .of_column(&job.columns.uid)
    .of_row(uid)
}
