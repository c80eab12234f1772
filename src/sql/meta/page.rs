//! The next rows of a meta table, summed up.

use sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement, SubQueryStatement};

use crate::job::{Bounds, Job};
use crate::judgement::Judgement;
use crate::sql::condition::Assumption;
use crate::sql::source::{SOURCE, source};
use crate::sql::{
    Conditions, Statement, TypedStatement, bigint, bind_double, bind_int, double, on_source,
};

const PAGE: &str = "page";
const RUNNING: &str = "running";
const FITTING: &str = "fitting";

const UID: &str = "uid";
const WEIGHT: &str = "weight";
const KEPT: &str = "kept";
const HELD: &str = "held";
const MAY_PASS: &str = "may_pass";
const FITS: &str = "fits";

/// Up to where a page's rows still fit into a batch that already holds something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Room {
    /// What the batch weighs already, and the most that it may weigh.
    pub(crate) weight: (f64, f64),
    /// How many more items it may hold.
    pub(crate) count: Option<i64>,
}

/// A page of rows, summed up.
pub(crate) struct PageRow {
    /// The types of the lowest and the highest uid, where they may be none of an integer's.
    pub(crate) uid_types: [Option<String>; 2],
    /// The first id that no signed integer of 64 bits can hold.
    pub(crate) beyond: Option<String>,
    pub(crate) sums: PageSums,
}

/// The sums of a page.
pub(crate) struct PageSums {
    pub(crate) held: Option<i64>,
    pub(crate) scanned: u64,
    /// How many ids they have.
    pub(crate) ids: u64,
    pub(crate) scanned_to: Option<i64>,
    /// How many rows of the table have the last of them.
    pub(crate) last_rows: i64,
    pub(crate) kept: u64,
    pub(crate) first: Option<i64>,
    pub(crate) first_weight: f64,
    pub(crate) taken: u64,
    pub(crate) taken_last: Option<i64>,
    pub(crate) taken_weight: f64,
}

/// Looks at the next rows of the meta table and sums them up: one row, by [`on_source`], with `uid_type_low,
/// uid_type_high, beyond, held, scanned, ids, scanned_to, last_rows, kept, first, first_weight,
/// taken, taken_last, taken_weight`.
///
/// Beyond is the first id that no signed integer of 64 bits can hold, as text. Held is the first id
/// that is not ready, or cannot be judged; the rest is to be used only where there is none. Scanned are at most `rows`
/// rows behind `after` within the bounds, whether they pass the filter or not, so the cost is
/// bounded whatever the filter does. They have so many different ids; the last one is that of so
/// many rows of the whole table, since the page may end between two of them. Kept are those that
/// pass it. Taken are the first kept rows that have `room`, or all of them when no room is given:
/// then no running totals are computed, which makes a large page several times cheaper. A weight
/// that cannot be counts as infinite, so it is never taken where a room ends.
///
/// Relies on: the index on the uid column.
pub(crate) fn next_page(
    job: &Job,
    judgement: &Judgement,
    bounds: Bounds,
    after: i64,
    rows: u64,
    room: Option<Room>,
) -> TypedStatement<PageRow> {
    let (mut page, stops) = page_with_stops(job, judgement, bounds, Some(after));
    page.limit(rows);
    on_source(&sums_of_page(job, judgement, Some(page), stops, room), job).read_as(|row| PageRow {
        uid_types: [row.optional_text(), row.optional_text()],
        beyond: row.optional_text(),
        sums: PageSums {
            held: row.optional_int(),
            scanned: row.count(),
            ids: row.count(),
            scanned_to: row.optional_int(),
            // For an empty page, MariaDB gives NULL.
            last_rows: row.optional_int().unwrap_or(0),
            kept: row.count(),
            first: row.optional_int(),
            first_weight: row.double(),
            taken: row.count(),
            taken_last: row.optional_int(),
            taken_weight: row.double(),
        },
    })
}

/// The rows of [`next_page`] without its end, and which of them end a batch before them. Without `after`,
/// they are those behind the end of the row `standing`.
pub(in crate::sql) fn page_with_stops(
    job: &Job,
    judgement: &Judgement,
    bounds: Bounds,
    after: Option<i64>,
) -> (SelectStatement, Option<String>) {
    let dialect = job.dialect;
    let kept = Assumption::Worst;
    let mut page = page(job, judgement, kept, bounds, after, dialect.infinity());
    // A comparison with NULL may yet hold.
    let held = (judgement.hold.as_ref()).map(|hold| {
        let hold = hold.expression(dialect, SOURCE, Assumption::Best);
        page.expr_as(hold.is_not(Expr::cust("FALSE")), HELD);
        "page.held"
    });
    let unjudged = judgement
        .may_lack_types(dialect)
        .then_some(judgement.filter.as_ref());
    let unjudged = unjudged.flatten().map(|filter| {
        page.expr_as(
            filter.expression(dialect, SOURCE, Assumption::Best),
            MAY_PASS,
        );
        "page.may_pass AND page.kept IS NOT TRUE"
    });
    let stops: Vec<&str> = held.into_iter().chain(unjudged).collect();
    let stops = (!stops.is_empty()).then(|| stops.join(" OR "));
    (page, stops)
}

/// The one row of [`next_page`], of this page or, without one, of a table `page` of the same columns, with its
/// [`totals`] where there is a room.
pub(in crate::sql) fn sums_of_page(
    job: &Job,
    judgement: &Judgement,
    page: Option<SelectStatement>,
    stops: Option<String>,
    room: Option<Room>,
) -> SelectStatement {
    let dialect = job.dialect;
    let of_kept = |column: &str| of_kept(judgement, column);
    let mut select = Query::select();
    let (rows, kept, weight, taken, taken_weight) = match room {
        Some(room) => {
            let stops = stops.as_deref();
            select.from_subquery(fitting(judgement, page, stops, room), FITTING);
            (
                FITTING,
                "fitting.kept".to_owned(),
                "fitting.weight".to_owned(),
                "CASE WHEN fitting.fits THEN fitting.kept END".to_owned(),
                // Running totals grow along the page: the last one taken is the total.
                "max(CASE WHEN fitting.fits THEN fitting.weight END)".to_owned(),
            )
        }
        None => {
            from_page(&mut select, page);
            let (kept, weight) = (of_kept(UID), of_kept(WEIGHT));
            let total = format!("sum({weight})");
            (PAGE, kept.clone(), weight, kept, total)
        }
    };
    // As text: built of expressions, these would cost more than all the rest.
    let of = |aggregate: &str, column: &str| Expr::cust(format!("{aggregate}({column})"));
    let uid = format!("{rows}.uid");
    let held = match &stops {
        Some(stops) => {
            let stops = if rows == PAGE { stops } else { "fitting.held" };
            of("min", &format!("CASE WHEN {stops} THEN {uid} END"))
        }
        None => Expr::cust("NULL"),
    };
    select
        .exprs(dialect.uid_types(job, &uid))
        .expr(dialect.first_beyond(&uid))
        .expr(bigint(held))
        .expr(bigint(of("count", &uid)))
        .expr(bigint(of("count", &format!("DISTINCT {uid}"))))
        .expr(bigint(of("max", &uid)))
        .expr(rows_with_uid(job, of("max", &uid)))
        .expr(bigint(of("count", &kept)))
        .expr(bigint(of("min", &kept)))
        .expr(double(of("min", &weight)))
        .expr(bigint(of("count", &taken)))
        .expr(bigint(of("max", &taken)))
        .expr(double(Expr::cust(taken_weight)));
    select
}

fn from_page(select: &mut SelectStatement, page: Option<SelectStatement>) {
    match page {
        Some(page) => select.from_subquery(page, PAGE),
        None => select.from(PAGE),
    };
}

/// A page of what is left.
pub(crate) struct CountedPage {
    /// The first id that no signed integer of 64 bits can hold.
    pub(crate) beyond: Option<String>,
    pub(crate) scanned: u64,
    pub(crate) scanned_to: Option<i64>,
    /// Those that pass the filter.
    pub(crate) items: u64,
    pub(crate) weight: f64,
}

/// Like [`next_page`] without room, for counting what is left: one row with `beyond, scanned,
/// scanned_to, kept, kept_weight`. A weight that cannot be counts as 0. Rows that
/// cannot be judged are left too.
///
/// Relies on: the index on the uid column.
pub(crate) fn count_page(
    job: &Job,
    judgement: &Judgement,
    after: i64,
    rows: u64,
) -> TypedStatement<CountedPage> {
    let dialect = job.dialect;
    let kept = Assumption::Best;
    let no_weight = double(Expr::cust("0"));
    let mut page = page(job, judgement, kept, job.bounds, Some(after), no_weight);
    page.limit(rows);
    let (kept, weight) = (of_kept(judgement, UID), of_kept(judgement, WEIGHT));
    let mut select = Query::select();
    select
        .expr(dialect.first_beyond("page.uid"))
        .expr(bigint(Expr::cust("count(page.uid)")))
        .expr(bigint(Expr::cust("max(page.uid)")))
        .expr(bigint(Expr::cust(format!("count({kept})"))))
        .expr(double(Expr::cust(format!("sum({weight})"))))
        .from_subquery(page, PAGE);
    Statement::build(&select, dialect).read_as(|row| CountedPage {
        beyond: row.optional_text(),
        scanned: row.count(),
        scanned_to: row.optional_int(),
        items: row.count(),
        weight: row.double(),
    })
}

/// How many rows of the meta table have this id.
fn rows_with_uid(job: &Job, uid: Expr) -> Expr {
    const SAME: &str = "same";
    let mut select = Query::select();
    select
        .expr(Expr::cust("count(*)"))
        .from_as(job.meta_table.reference(), SAME)
        .only(Expr::col((SAME, Alias::new(&job.columns.uid))).eq(uid));
    bigint(Expr::from(SubQueryStatement::from(select)))
}

/// The next rows within the bounds, up to their end, as `uid, weight` and, with a filter, `kept`: whether they pass it.
fn page(
    job: &Job,
    judgement: &Judgement,
    kept: Assumption,
    bounds: Bounds,
    after: Option<i64>,
    bad_weight: Expr,
) -> SelectStatement {
    let dialect = job.dialect;
    let Bounds { id_min, id_max } = bounds;
    let uid = || source(&job.columns.uid);
    let weight = match &job.columns.weight {
        Some(weight) => dialect.weight(&|| source(weight), bad_weight),
        None => double(Expr::cust("0")),
    };
    let mut select = Query::select();
    select
        .expr_as(uid(), UID)
        .expr_as(weight, WEIGHT)
        .from_as(job.meta_table.reference(), SOURCE)
        .only(uid().gt(match after {
            Some(after) => bind_int(after),
            None => Expr::cust("(SELECT standing.batch_id_end FROM standing)"),
        }))
        .only_option(
            id_min
                .filter(|id_min| after.is_none_or(|after| *id_min > after))
                .map(|id_min| uid().gte(bind_int(id_min))),
        )
        .only_option(id_max.map(|id_max| uid().lte(bind_int(id_max))))
        .order_by_expr(uid(), Order::Asc);
    if let Some(filter) = &judgement.filter {
        select.expr_as(filter.expression(dialect, SOURCE, kept), KEPT);
    }
    select
}

/// A column of the page where the row is kept, NULL elsewhere; aggregates pass over NULL.
pub(in crate::sql) fn of_kept(judgement: &Judgement, column: &str) -> String {
    match judgement.filter {
        Some(_) => format!("CASE WHEN page.kept THEN page.{column} END"),
        None => format!("page.{column}"),
    }
}

/// The page as `uid, kept, weight, fits`: the id again where the row is kept, the running total of
/// what is kept, and whether there is room for it.
fn fitting(
    judgement: &Judgement,
    page: Option<SelectStatement>,
    stops: Option<&str>,
    room: Room,
) -> SelectStatement {
    let (weight, max_weight) = room.weight;
    // The very sum that becomes the batch's weight, so that no rounding lifts it over the limit.
    let mut fits = bind_double(weight)
        .add(Expr::col((RUNNING, WEIGHT)))
        .lte(bind_double(max_weight));
    if let Some(count) = room.count {
        fits = fits.and(Expr::cust("running.count").lte(bind_int(count)));
    }
    let mut select = Query::select();
    select
        .exprs([UID, KEPT, WEIGHT].map(|column| Expr::col((RUNNING, column))))
        .exprs(stops.map(|_| Expr::col((RUNNING, HELD))))
        .expr_as(fits, FITS)
        .from_subquery(
            running_totals(judgement, page, stops, room.count.is_some()),
            RUNNING,
        );
    select
}

/// The page as `uid, kept, weight` and, where it is asked for, `count`: totals of what is kept up to
/// each row, in the order of the ids. Without a page, they are those of the table `page`.
fn running_totals(
    judgement: &Judgement,
    page: Option<SelectStatement>,
    stops: Option<&str>,
    with_count: bool,
) -> SelectStatement {
    let [weight, count] = match &page {
        Some(_) => totals(judgement).map(|total| format!("{total} OVER ({IN_ORDER})")),
        None => ["page.weight_so_far", "page.kept_so_far"].map(str::to_owned),
    };
    let mut select = Query::select();
    select
        .expr(Expr::col((PAGE, UID)))
        .expr_as(Expr::cust(of_kept(judgement, UID)), KEPT)
        .expr_as(Expr::cust(weight), WEIGHT);
    from_page(&mut select, page);
    if with_count {
        select.expr_as(Expr::cust(count), "count");
    }
    if let Some(stops) = stops {
        select.expr_as(Expr::cust(stops.to_owned()), HELD);
    }
    select
}

/// The order of a page's rows, up to each of them. Without a frame, rows of equal order would share one total, at a cost.
pub(in crate::sql) const IN_ORDER: &str = "ORDER BY page.uid ROWS UNBOUNDED PRECEDING";

/// What those rows of the page `page` that are kept weigh, and how many they are.
pub(in crate::sql) fn totals(judgement: &Judgement) -> [String; 2] {
    let of_kept = |column: &str| of_kept(judgement, column);
    [
        format!("sum({})", of_kept(WEIGHT)),
        format!("count({})", of_kept(UID)),
    ]
}
