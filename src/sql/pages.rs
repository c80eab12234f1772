//! Pages that end by the bytes of their rows, and not only by their number.

use sea_query::{Expr, ExprTrait, Func, Query, SelectStatement, SubQueryStatement};

use crate::database::Dialect;

use super::{Conditions, bigint, text};

/// A page ends with the row with which its texts have so many bytes, as the database keeps them.
pub const PAGE_BYTES: u32 = 1024 * 1024;

/// In MySQL so many rows are looked at before the others.
const FIRST_ROWS: u64 = 64;

/// Which rows a page is made of. Parts of a statement are made where they are needed, since copying
/// them would weigh some kilobytes.
pub(super) struct Page<'a> {
    pub(super) dialect: Dialect,
    /// Selects all rows in their order, without columns.
    pub(super) rows: Box<dyn Fn() -> SelectStatement + 'a>,
    /// What a row is told by.
    pub(super) place: Box<dyn Fn() -> Expr + 'a>,
    /// How many bytes a row has.
    pub(super) bytes: Box<dyn Fn() -> Expr + 'a>,
    /// Whether the highest place comes first.
    pub(super) is_descending: bool,
}

impl Page<'_> {
    /// The place of the row that fills the page, NULL where so many rows do not.
    ///
    /// PostgreSQL and SQLite add up row by row and stop at that one, so nothing is read that is not given.
    /// They go through the rows in the order of the totals; another one would only make pages longer.
    /// MySQL reads every row that it adds up, so it begins with few.
    pub(super) fn end(&self, limit: u64) -> Expr {
        let end = |limit| Expr::from(SubQueryStatement::from(self.filling(limit)));
        bigint(match self.dialect {
            Dialect::Postgresql | Dialect::Sqlite => end(limit),
            Dialect::Mysql => Func::coalesce([end(Ord::min(limit, FIRST_ROWS)), end(limit)]).into(),
        })
    }

    fn filling(&self, limit: u64) -> SelectStatement {
        const PLACE: &str = "place";
        const BYTES: &str = "bytes";
        let mut rows = (self.rows)();
        rows.limit(limit).expr_as((self.place)(), PLACE);
        let (place, bytes) = ((self.place)(), (self.bytes)());
        let totals = match self.dialect {
            Dialect::Postgresql | Dialect::Sqlite => {
                rows.expr_as(self.total(bytes, place), BYTES);
                rows
            }
            // It has no end to adding up but that of the rows.
            Dialect::Mysql => {
                rows.expr_as(bytes, BYTES);
                let column = |column: &str| Expr::cust(["page.", column].concat());
                let mut totals = Query::select();
                totals
                    .expr(column(PLACE))
                    .expr_as(self.total(column(BYTES), column(PLACE)), BYTES)
                    .from_subquery(rows, "page");
                totals
            }
        };
        let mut select = Query::select();
        select
            .expr(Expr::cust("running.place"))
            .from_subquery(totals, "running")
            .only(Expr::cust(format!("running.bytes >= {PAGE_BYTES}")))
            .limit(1);
        select
    }

    /// The running total.
    fn total(&self, bytes: Expr, place: Expr) -> Expr {
        let template = match self.is_descending {
            false => "sum(?) OVER (ORDER BY ? ROWS UNBOUNDED PRECEDING)",
            true => "sum(?) OVER (ORDER BY ? DESC ROWS UNBOUNDED PRECEDING)",
        };
        Expr::cust_with_exprs(template, [bytes, place])
    }
}

impl Dialect {
    /// How many bytes a text has, 0 for NULL.
    pub(super) fn bytes(self, column: Expr) -> Expr {
        let bytes = match self {
            Self::Postgresql => Func::cust("octet_length").arg(text(column)),
            Self::Sqlite => Func::cust("length").arg(column.cast_as("blob")),
            Self::Mysql => Func::cust("length").arg(column),
        };
        Func::coalesce([bytes.into(), Expr::cust("0")]).into()
    }
}
