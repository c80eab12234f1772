//! The statements on a meta table. All of them only read.

use sea_query::{
    Alias, Expr, ExprTrait, Frame, FrameType, Func, Order, Query, SelectStatement,
    SubQueryStatement, WindowStatement,
};

use super::{Statement, bigint, bind_double, bind_int, bind_text, double, text, when};
use crate::database::Dialect;
use crate::job::{Bounds, Job};

const SOURCE: &str = "source";
const PAGE: &str = "page";
const RUNNING: &str = "running";
const ROWS: &str = "rows_of_page";

const UID: &str = "uid";
const WEIGHT: &str = "weight";
const COUNT: &str = "count";
const KEPT: &str = "kept";
const TAKEN: &str = "taken";

/// Up to where a page's rows still fit into a batch that already holds something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Room {
    /// What the batch weighs already, and the most that it may weigh.
    pub(crate) weight: (f64, f64),
    /// How many more items it may hold.
    pub(crate) count: Option<i64>,
}

/// Looks at the next rows of the meta table and sums them up: one row with
/// `uid_type_low, uid_type_high, scanned, scanned_to, kept, first, first_weight,
/// taken, taken_first, taken_last, taken_weight`.
///
/// Scanned are at most `rows` rows behind `after` within the job's bounds, whether they pass the
/// filter or not, so the cost is bounded whatever the filter does. Kept are those that pass it. Taken
/// are the first kept rows that have `room`, or all of them when no room is given: then no running
/// totals are computed, which makes a large page several times cheaper. A weight that cannot be
/// counts as infinite, so it is never taken where a room ends.
///
/// Relies on: the index on the uid column.
pub(crate) fn next_page(
    job: &Job,
    dialect: Dialect,
    after: i64,
    rows: u64,
    room: Option<Room>,
) -> Statement {
    let page = page(job, dialect, after, rows, dialect.infinity());
    // Running totals grow along the page: the last one taken is the total.
    let (rows, taken, total) = match room {
        Some(room) => (fitting(job, page, room), TAKEN, "max"),
        None => (page, KEPT, "sum"),
    };
    // Nothing here comes from a caller, so the aggregates stand as text: built of expressions they
    // would cost more than all the rest.
    let of = |aggregate: &str, flag: &str, column: &str| {
        Expr::cust(format!(
            "{aggregate}(CASE WHEN rows_of_page.{flag} = 1 THEN rows_of_page.{column} END)"
        ))
    };
    let mut select = Query::select();
    select
        .exprs(dialect.types(Expr::cust("rows_of_page.uid")))
        .expr(bigint(Expr::cust("count(rows_of_page.uid)")))
        .expr(bigint(Expr::cust("max(rows_of_page.uid)")))
        .expr(bigint(of("count", KEPT, UID)))
        .expr(bigint(of("min", KEPT, UID)))
        .expr(double(of("min", KEPT, WEIGHT)))
        .expr(bigint(of("count", taken, UID)))
        .expr(bigint(of("min", taken, UID)))
        .expr(bigint(of("max", taken, UID)))
        .expr(double(of(total, taken, WEIGHT)))
        .from_subquery(rows, ROWS);
    Statement::build(&select, dialect)
}

/// Like [`next_page`] without room, for counting what is left: one row with `scanned, scanned_to,
/// kept, kept_weight`. A weight that cannot be counts as 0.
///
/// Relies on: the index on the uid column.
pub(crate) fn count_page(job: &Job, dialect: Dialect, after: i64, rows: u64) -> Statement {
    let page = page(job, dialect, after, rows, double(Expr::cust("0")));
    let column = |name| Expr::col((PAGE, name));
    let kept = |name| when(column(KEPT).eq(Expr::cust("1")), column(name));
    let mut select = Query::select();
    select
        .expr(bigint(column(UID).count()))
        .expr(bigint(column(UID).max()))
        .expr(bigint(kept(UID).count()))
        .expr(double(Func::coalesce([
            kept(WEIGHT).sum(),
            Expr::cust("0"),
        ])))
        .from_subquery(page, PAGE);
    Statement::build(&select, dialect)
}

/// The items of a batch with ids above `after`, in order: rows of `uid, item, weight`.
///
/// Relies on: the index on the uid column.
pub(crate) fn items(
    job: &Job,
    dialect: Dialect,
    id_start: i64,
    id_end: i64,
    after: Option<i64>,
    limit: u64,
) -> Statement {
    let weight = match &job.columns.weight {
        Some(weight) => double(Func::coalesce([source(weight), Expr::cust("0")])),
        None => double(Expr::cust("0")),
    };
    let mut select = Query::select();
    select
        .expr(bigint(source(&job.columns.uid)))
        .expr(text(source(&job.columns.item)))
        .expr(weight)
        .from_as(job.meta_table.reference(), SOURCE)
        .and_where(source(&job.columns.uid).gte(bind_int(id_start)))
        .and_where(source(&job.columns.uid).lte(bind_int(id_end)))
        .and_where_option(after.map(|after| source(&job.columns.uid).gt(bind_int(after))))
        .and_where_option((job.filter.as_ref()).map(|filter| filter.expression(dialect, SOURCE)))
        .order_by_expr(source(&job.columns.uid), Order::Asc)
        .limit(limit);
    Statement::build(&select, dialect)
}

/// Whether the row with this id passes the job's filter: one row with 1 or 0, or no row.
///
/// Relies on: the index on the uid column.
pub(crate) fn passes_filter(job: &Job, dialect: Dialect, uid: i64) -> Statement {
    let mut select = Query::select();
    select
        .expr(bigint(kept(job, dialect)))
        .from_as(job.meta_table.reference(), SOURCE)
        .and_where(source(&job.columns.uid).eq(bind_int(uid)));
    Statement::build(&select, dialect)
}

/// What a guess at the table's size needs: one row with `uid_min, uid_max, rows`, where the rows
/// are the database's own estimate, NULL where it keeps none.
///
/// Relies on: the index on the uid column (for each end), the database's statistics.
pub(crate) fn size_estimate(job: &Job, dialect: Dialect) -> Statement {
    let end = |end: fn(Expr) -> Expr| {
        let mut select = Query::select();
        select
            .expr(end(source(&job.columns.uid)))
            .from_as(job.meta_table.reference(), SOURCE);
        bigint(Expr::from(SubQueryStatement::from(select)))
    };
    let rows = match dialect {
        Dialect::Postgresql => {
            let mut select = Query::select();
            select
                .expr(Expr::col(("relation", "reltuples")))
                .from_as(("pg_catalog", "pg_class"), "relation")
                .inner_join(
                    ("pg_catalog", "pg_namespace"),
                    Expr::col(("pg_namespace", "oid"))
                        .equals(("relation", Alias::new("relnamespace"))),
                )
                .and_where(
                    text(Expr::col(("relation", "relname"))).eq(bind_text(job.meta_table.table())),
                )
                .and_where(
                    text(Expr::col(("pg_namespace", "nspname")))
                        .eq(bind_text(job.meta_table.schema())),
                );
            bigint(Expr::from(SubQueryStatement::from(select)))
        }
        Dialect::Sqlite => bind_int(None),
    };
    let mut select = Query::select();
    select.exprs([end(|uid| uid.min()), end(|uid| uid.max()), rows]);
    Statement::build(&select, dialect)
}

/// The next rows within the bounds, as `uid, weight, kept`.
fn page(job: &Job, dialect: Dialect, after: i64, rows: u64, bad_weight: Expr) -> SelectStatement {
    let Bounds { id_min, id_max } = job.bounds;
    let uid = || source(&job.columns.uid);
    let weight = match &job.columns.weight {
        Some(weight) => dialect.weight(source(weight), bad_weight),
        None => double(Expr::cust("0")),
    };
    let mut select = Query::select();
    select
        .expr_as(uid(), UID)
        .expr_as(weight, WEIGHT)
        .expr_as(kept(job, dialect), KEPT)
        .from_as(job.meta_table.reference(), SOURCE)
        .and_where(uid().gt(bind_int(after)))
        .and_where_option(
            id_min
                .filter(|id_min| *id_min > after)
                .map(|id_min| uid().gte(bind_int(id_min))),
        )
        .and_where_option(id_max.map(|id_max| uid().lte(bind_int(id_max))))
        .order_by_expr(uid(), Order::Asc)
        .limit(rows);
    select
}

/// The page as `uid, kept, weight, taken`, where the weight is a running total of what is kept, and
/// taken is 1 for the kept rows that have room.
fn fitting(job: &Job, page: SelectStatement, room: Room) -> SelectStatement {
    let column = |name| Expr::col((RUNNING, name));
    let (weight, max_weight) = room.weight;
    // The very sum that becomes the batch's weight, so that no rounding lifts it over the limit.
    let mut taken = column(KEPT).eq(Expr::cust("1")).and(
        bind_double(weight)
            .add(column(WEIGHT))
            .lte(bind_double(max_weight)),
    );
    if let Some(count) = room.count {
        taken = taken.and(column(COUNT).lte(bind_int(count)));
    }
    let mut select = Query::select();
    select
        .exprs([column(UID), column(KEPT), column(WEIGHT)])
        .expr_as(
            Expr::case(taken, Expr::cust("1")).finally(Expr::cust("0")),
            TAKEN,
        )
        .from_subquery(running_totals(job, page, room.count.is_some()), RUNNING);
    select
}

/// The page as `uid, kept, weight` and, where it is asked for, `count`: totals of what is kept up to
/// each row, in the order of the ids.
fn running_totals(job: &Job, page: SelectStatement, with_count: bool) -> SelectStatement {
    let column = |name| Expr::col((PAGE, name));
    let in_order = || {
        // Without a frame, rows of equal order would share one total, at a cost.
        WindowStatement::new()
            .order_by((PAGE, UID), Order::Asc)
            .frame_start(FrameType::Rows, Frame::UnboundedPreceding)
            .take()
    };
    let weight = match job.filter {
        Some(_) => Expr::case(column(KEPT).eq(Expr::cust("1")), column(WEIGHT))
            .finally(Expr::cust("0"))
            .into(),
        None => column(WEIGHT),
    };
    let mut select = Query::select();
    select
        .exprs([column(UID), column(KEPT)])
        .expr_window_as(weight.sum(), in_order(), WEIGHT)
        .from_subquery(page, PAGE);
    if with_count {
        select.expr_window_as(column(KEPT).sum(), in_order(), COUNT);
    }
    select
}

/// 1 for a row that passes the job's filter, 0 for one that does not.
fn kept(job: &Job, dialect: Dialect) -> Expr {
    match &job.filter {
        Some(filter) => Expr::case(filter.expression(dialect, SOURCE), Expr::cust("1"))
            .finally(Expr::cust("0"))
            .into(),
        None => Expr::cust("1"),
    }
}

/// A column of the user's meta table.
fn source(column: &str) -> Expr {
    Expr::col((SOURCE, Alias::new(column)))
}
