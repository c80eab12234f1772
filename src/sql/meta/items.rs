//! The items of a batch, by pages.

use sea_query::{Expr, ExprTrait, Func, Order, Query};

use crate::database::Dialect;
use crate::interface::Item;
use crate::job::Job;
use crate::judgement::Judgement;
use crate::sql::condition::Assumption;
use crate::sql::item::{item, may_be_plain, plain_item};
use crate::sql::pages::Page;
use crate::sql::source::{SOURCE, source};
use crate::sql::{Conditions, Statement, TypedStatement, bigint, bind_int, double, on_source};

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
