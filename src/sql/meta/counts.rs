//! What a range, a row and a whole meta table hold.

use sea_query::{Alias, Expr, ExprTrait, Order, Query, SubQueryStatement};

use crate::database::Dialect;
use crate::job::Job;
use crate::judgement::Judgement;
use crate::sql::condition::Assumption;
use crate::sql::source::{SOURCE, source};
use crate::sql::{
    Conditions, Statement, TypedStatement, bigint, bind_int, bind_text, double, flag, joined,
    on_source, text, when,
};
use crate::typed_condition::{TypedComparison, TypedCondition};

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
