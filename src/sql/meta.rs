//! The statements on a meta table. All of them only read.

use sea_query::{Alias, Expr, ExprTrait, Func, Order, Query, SelectStatement, SubQueryStatement};

use super::condition::Assumption;
use super::item::{item, may_be_plain, plain_item};
use super::pages::Page;
use super::source::{SOURCE, source};
use super::{
    Conditions, Statement, TypedStatement, bigint, bind_double, bind_int, bind_text, double, flag,
    joined, on_source, text, when,
};
use crate::database::Dialect;
use crate::interface::Item;
use crate::job::{Bounds, Job};
use crate::judgement::Judgement;
use crate::typed_condition::{TypedComparison, TypedCondition};

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
pub(super) fn page_with_stops(
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
pub(super) fn sums_of_page(
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

/// The first id behind `after`, up to `to`, that several rows have: a row of `uid, rows`, or none.
///
/// Relies on: the index on the uid column.
pub(crate) fn first_repeated(
    job: &Job,
    dialect: Dialect,
    after: i64,
    to: i64,
) -> TypedStatement<(i64, u64)> {
    let uid = || source(&job.columns.uid);
    let rows = || Expr::cust("count(*)");
    let mut select = Query::select();
    select
        .expr(bigint(uid()))
        .expr(bigint(rows()))
        .from_as(job.meta_table.reference(), SOURCE)
        .only(uid().gt(bind_int(after)))
        .only(uid().lte(bind_int(to)))
        // All that the writer keeps of a group is its list.
        .add_group_by([Expr::cust_with_expr("? HAVING count(*) > 1", uid())])
        .order_by_expr(uid(), Order::Asc)
        .limit(1);
    Statement::build(&select, dialect).read_as(|row| (row.int(), row.count()))
}

/// What a range holds now.
pub(crate) struct Recount {
    pub(crate) count: u64,
    /// How many ids they have.
    pub(crate) ids: u64,
    pub(crate) weight: f64,
    /// Its first id.
    pub(crate) first: Option<i64>,
    /// The first id of those rows that cannot be judged.
    pub(crate) unjudged: Option<i64>,
}

/// Counts a range again: one row, by [`on_source`], with `count, ids, weight, first, unjudged` of the rows that pass
/// the filter, behind the id `follows`, from the job's lower bound on; they have so many different
/// ids. A weight that cannot be counts as 0. Unjudged is the first id of those rows that cannot be
/// judged; where there is one, the rest counts them too.
///
/// Relies on: the index on the uid column.
pub(crate) fn count_range(
    job: &Job,
    judgement: &Judgement,
    follows: i64,
    id_end: i64,
) -> TypedStatement<Recount> {
    let dialect = job.dialect;
    let passes = |assumption| {
        (judgement.filter.as_ref()).map(|filter| filter.expression(dialect, SOURCE, assumption))
    };
    let may_lack_types = judgement.may_lack_types(dialect);
    let unjudged = match passes(Assumption::Worst).filter(|_| may_lack_types) {
        Some(passes) => {
            let uid = source(&job.columns.uid);
            when(passes.is_not(Expr::cust("TRUE")), uid).min()
        }
        None => Expr::cust("NULL"),
    };
    let weight = match &job.columns.weight {
        Some(weight) => dialect.weight(&|| source(weight), double(Expr::cust("0"))),
        None => double(Expr::cust("0")),
    };
    let mut select = Query::select();
    select
        .expr(bigint(source(&job.columns.uid).count()))
        .expr(bigint(source(&job.columns.uid).count_distinct()))
        .expr(double(weight.sum()))
        .expr(bigint(source(&job.columns.uid).min()))
        .expr(bigint(unjudged))
        .from_as(job.meta_table.reference(), SOURCE)
        .only(source(&job.columns.uid).gt(bind_int(follows)))
        .only_option(
            (job.bounds.id_min)
                .filter(|id_min| *id_min > follows)
                .map(|id_min| source(&job.columns.uid).gte(bind_int(id_min))),
        )
        .only(source(&job.columns.uid).lte(bind_int(id_end)))
        .only_option(passes(Assumption::Best));
    on_source(&select, job).read_as(|row| Recount {
        count: row.count(),
        ids: row.count(),
        weight: row.double(),
        first: row.optional_int(),
        unjudged: row.optional_int(),
    })
}

/// Which items a page of them has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Up to and with the one that fills it, so at least one.
    With,
    /// Those before it: none, where the first is that long.
    Before,
}

impl Fill {
    /// The last id, by that of the item that fills the page.
    fn last(self, filling: Expr) -> Expr {
        match self {
            Self::With => filling,
            Self::Before => filling.sub(Expr::cust("1")),
        }
    }
}

/// The items of a batch with ids above `after`, in order: rows, by [`on_source`], of `uid, item,
/// weight`. The item is text or bytes, as [`item`] says. They end with the one that fills a page, or before it,
/// in MySQL where the range is made to end there, see [`items_end`].
///
/// Relies on: the index on the uid column.
pub(crate) fn items(
    job: &Job,
    judgement: &Judgement,
    range: (i64, i64),
    after: Option<i64>,
    (limit, fill): (u64, Fill),
) -> TypedStatement<Item> {
    let page = items_page(job, judgement, range, after);
    let end = (job.dialect != Dialect::Mysql)
        .then(|| Func::coalesce([fill.last(page.end(limit)), bind_int(range.1)]));
    let mut select = (page.rows)();
    select
        .limit(limit)
        .expr(bigint(source(&job.columns.uid)))
        .expr(item(job, &|| source(&job.columns.item)))
        .expr(item_weight(job))
        .only_option(end.map(|end| source(&job.columns.uid).lte(end)));
    on_source(&select, job).read_as(|row| Item {
        uid: row.int(),
        item: row.optional_text(),
        weight: row.double(),
    })
}

/// The items of a range, for a host that reads them by itself: rows of `uid, item, weight` in order, with the items of
/// [`plain_item`]; none where the planner must read them all. Its last two parameters are the id behind which it begins,
/// and how many rows it gives.
///
/// Relies on: the index on the uid column.
pub(crate) fn plain_items(job: &Job, judgement: &Judgement, id_end: i64) -> Statement {
    let uid = || source(&job.columns.uid);
    let passes = (judgement.filter.as_ref())
        .map(|filter| filter.expression(job.dialect, SOURCE, Assumption::Worst));
    let mut select = Query::select();
    select
        .expr(bigint(uid()))
        .expr(plain_item(job))
        .expr(item_weight(job))
        .from_as(job.meta_table.reference(), SOURCE)
        .only(uid().lte(bind_int(id_end)))
        .only_option(may_be_plain(job))
        .only_option(passes)
        // The only lower end: of two, SQLite would take either.
        .only(uid().gt(bind_int(None)))
        .order_by_expr(uid(), Order::Asc)
        .limit(0);
    Statement::build(&select, job.dialect)
}

/// What an item weighs, 0 where that is NULL.
fn item_weight(job: &Job) -> Expr {
    double(match &job.columns.weight {
        Some(weight) => Func::coalesce([source(weight), Expr::cust("0")]).into(),
        None => Expr::cust("0"),
    })
}

/// Where a page of [`items`] ends before so many rows: one row, by [`on_source`], of `uid`, NULL where it does
/// not. Only MySQL is asked by itself: it finds the rows of a range by its ends only where they are given.
///
/// Relies on: the index on the uid column.
pub(crate) fn items_end(
    job: &Job,
    judgement: &Judgement,
    range: (i64, i64),
    after: Option<i64>,
    (limit, fill): (u64, Fill),
) -> TypedStatement<Option<i64>> {
    let mut select = Query::select();
    let end = items_page(job, judgement, range, after).end(limit);
    select.expr(fill.last(end));
    on_source(&select, job).read_as(|row| row.optional_int())
}

fn items_page<'a>(
    job: &'a Job,
    judgement: &'a Judgement,
    (id_start, id_end): (i64, i64),
    after: Option<i64>,
) -> Page<'a> {
    let dialect = job.dialect;
    let uid = || source(&job.columns.uid);
    let rows = move || {
        let passes = (judgement.filter.as_ref())
            .map(|filter| filter.expression(dialect, SOURCE, Assumption::Worst));
        let mut rows = Query::select();
        rows.from_as(job.meta_table.reference(), SOURCE)
            .only(uid().gte(bind_int(id_start)))
            .only(uid().lte(bind_int(id_end)))
            .only_option(after.map(|after| uid().gt(bind_int(after))))
            .only_option(passes)
            .order_by_expr(uid(), Order::Asc);
        rows
    };
    Page {
        dialect,
        rows: Box::new(rows),
        place: Box::new(uid),
        bytes: Box::new(move || dialect.bytes(source(&job.columns.item))),
        is_descending: false,
    }
}

/// Whether the row with this id passes the job's filter: one row with 1 or 0, or no row. One that cannot be
/// judged was never passed over.
///
/// Relies on: the index on the uid column.
pub(crate) fn passes_filter(job: &Job, judgement: &Judgement, uid: i64) -> TypedStatement<bool> {
    let dialect = job.dialect;
    let passes = match &judgement.filter {
        Some(filter) => filter.expression(dialect, SOURCE, Assumption::Best),
        None => Expr::cust("TRUE"),
    };
    let mut select = Query::select();
    select
        .expr(flag(passes))
        .from_as(job.meta_table.reference(), SOURCE)
        .only(source(&job.columns.uid).eq(bind_int(uid)));
    Statement::build(&select, dialect).read_as(|row| row.flag())
}

/// The highest id of the table: one row with `uid_max`, NULL where it has no rows.
///
/// Relies on: the index on the uid column.
pub(crate) fn highest_uid(job: &Job, dialect: Dialect) -> TypedStatement<Option<i64>> {
    let mut select = Query::select();
    select
        .expr(bigint(
            dialect.at_most_signed(source(&job.columns.uid).max()),
        ))
        .from_as(job.meta_table.reference(), SOURCE);
    Statement::build(&select, dialect).read_as(|row| row.optional_int())
}

/// Why an SQLite row cannot be judged: one row, or none where it can be, with a value for each of these
/// comparisons, in their order, as it is written in SQL; NULL where it is of its column's type.
///
/// Relies on: the index on the uid column.
pub(crate) fn foreign_values(
    job: &Job,
    judgement: &Judgement,
    comparisons: &[&TypedComparison],
    uid: i64,
) -> TypedStatement<Vec<Option<String>>> {
    let at = |assumption| {
        move |condition: &TypedCondition| condition.expression(job.dialect, SOURCE, assumption)
    };
    let (filter, hold) = (judgement.filter.as_ref(), judgement.hold.as_ref());
    let by_filter = (filter.map(at(Assumption::Best)).into_iter())
        .zip(filter.map(at(Assumption::Worst)))
        .map(|(best, worst)| best.and(worst.is_not(Expr::cust("TRUE"))));
    let by_hold = (hold.map(at(Assumption::Best)).into_iter())
        .zip(hold.map(at(Assumption::Worst)))
        .map(|(best, worst)| (best.is_not(Expr::cust("FALSE"))).and(worst.is(Expr::cust("FALSE"))));
    let mut select = Query::select();
    select
        .exprs((comparisons.iter()).map(|comparison| text(comparison.foreign_value(SOURCE))))
        .from_as(job.meta_table.reference(), SOURCE)
        .only(source(&job.columns.uid).eq(bind_int(uid)))
        .only_option(joined(by_filter.chain(by_hold).collect(), ExprTrait::or));
    Statement::build(&select, job.dialect).read_as(|row| row.texts())
}

/// What is known of a table's size.
pub(crate) struct Size {
    pub(crate) lowest: Option<i64>,
    pub(crate) highest: Option<i64>,
    /// As the database guesses.
    pub(crate) rows: Option<i64>,
}

/// What a guess at the table's size needs: one row with `uid_min, uid_max, rows`, where the rows
/// are the database's own estimate, NULL where it keeps none.
///
/// Relies on: the index on the uid column (for each end), the database's statistics.
pub(crate) fn size_estimate(job: &Job, dialect: Dialect) -> TypedStatement<Size> {
    let end = |end: fn(Expr) -> Expr| {
        let mut select = Query::select();
        select
            .expr(dialect.at_most_signed(end(source(&job.columns.uid))))
            .from_as(job.meta_table.reference(), SOURCE);
        bigint(Expr::from(SubQueryStatement::from(select)))
    };
    let rows = match dialect {
        Dialect::Postgresql => {
            let mut select = Query::select();
            select
                .expr(Expr::col(("relation", "reltuples")))
                .from_as(("pg_catalog", "pg_class"), "relation")
                .from(("pg_catalog", "pg_namespace"))
                .only(
                    Expr::col(("pg_namespace", "oid"))
                        .equals(("relation", Alias::new("relnamespace"))),
                )
                .only(
                    text(Expr::col(("relation", "relname"))).eq(bind_text(job.meta_table.table())),
                )
                .only(
                    text(Expr::col(("pg_namespace", "nspname")))
                        .eq(bind_text(job.meta_table.schema())),
                );
            bigint(Expr::from(SubQueryStatement::from(select)))
        }
        Dialect::Mysql => {
            let mut select = Query::select();
            select
                .expr(Expr::cust("tables.table_rows"))
                .from_as(("information_schema", "tables"), "tables")
                .only(Expr::cust("tables.table_schema").eq(bind_text(job.meta_table.schema())))
                .only(Expr::cust("tables.table_name").eq(bind_text(job.meta_table.table())));
            bigint(Expr::from(SubQueryStatement::from(select)))
        }
        Dialect::Sqlite => bind_int(None),
    };
    let mut select = Query::select();
    select.exprs([end(|uid| uid.min()), end(|uid| uid.max()), rows]);
    Statement::build(&select, dialect).read_as(|row| Size {
        lowest: row.optional_int(),
        highest: row.optional_int(),
        rows: row.optional_int(),
    })
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
pub(super) fn of_kept(judgement: &Judgement, column: &str) -> String {
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
pub(super) const IN_ORDER: &str = "ORDER BY page.uid ROWS UNBOUNDED PRECEDING";

/// What those rows of the page `page` that are kept weigh, and how many they are.
pub(super) fn totals(judgement: &Judgement) -> [String; 2] {
    let of_kept = |column: &str| of_kept(judgement, column);
    [
        format!("sum({})", of_kept(WEIGHT)),
        format!("count({})", of_kept(UID)),
    ]
}
