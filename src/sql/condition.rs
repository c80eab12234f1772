//! Conditions as SQL expressions.

use sea_query::{Expr, ExprTrait, Func};

use super::{bind_double, bind_int, bind_text, either, joined, quoted, text, when};
use crate::column_type::TimeKind;
use crate::condition::OrderOperator;
use crate::database::Dialect;
use crate::typed_condition::{Operand, Predicate, Subject, TypedComparison, TypedCondition};

/// What stands for a comparison with a value that the column's type cannot have, which SQLite allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assumption {
    /// That which helps the whole condition to hold.
    Best,
    /// That which keeps it from holding.
    Worst,
}

impl TypedCondition {
    /// The condition on a row of the table with this alias.
    pub(super) fn expression(
        &self,
        dialect: Dialect,
        table: &'static str,
        assumption: Assumption,
    ) -> Expr {
        let expressions = |conditions: &[Self]| {
            (conditions.iter())
                .map(|condition| condition.expression(dialect, table, assumption))
                .collect()
        };
        match self {
            Self::All(conditions) => {
                joined(expressions(conditions), ExprTrait::and).unwrap_or_else(|| truth(true))
            }
            Self::Any(conditions) => {
                joined(expressions(conditions), ExprTrait::or).unwrap_or_else(|| truth(false))
            }
            Self::Not(condition) => {
                let opposite = match assumption {
                    Assumption::Best => Assumption::Worst,
                    Assumption::Worst => Assumption::Best,
                };
                condition.expression(dialect, table, opposite).not()
            }
            Self::Compare(comparison) => comparison.expression(dialect, table, assumption),
        }
    }
}

fn truth(holds: bool) -> Expr {
    Expr::cust(if holds { "1 = 1" } else { "1 = 0" })
}

impl TypedComparison {
    fn expression(&self, dialect: Dialect, table: &'static str, assumption: Assumption) -> Expr {
        match self {
            Self::Null(column, is_null) => {
                let column = Expr::cust(named(table, column, dialect));
                if *is_null {
                    column.is_null()
                } else {
                    column.is_not_null()
                }
            }
            Self::Value {
                column,
                subject,
                predicate,
            } => {
                let column = named(table, column, dialect);
                let test = predicate.expression(*subject, &column, dialect);
                match dialect {
                    Dialect::Postgresql | Dialect::Mysql => test,
                    Dialect::Sqlite => {
                        let is_typed = Expr::cust(subject.is_typed(&column));
                        let assumed = truth(assumption == Assumption::Best);
                        either(is_typed, test, assumed)
                    }
                }
            }
        }
    }

    /// The value as it is written in SQL where it is none of its column's type, as SQLite allows; else NULL.
    pub(super) fn foreign_value(&self, table: &str) -> Expr {
        match self {
            Self::Null(..) => Expr::cust("NULL"),
            Self::Value {
                column, subject, ..
            } => {
                let column = named(table, column, Dialect::Sqlite);
                let is_typed = subject.is_typed(&column);
                Expr::cust(format!(
                    "CASE WHEN {is_typed} THEN NULL ELSE substr(quote({column}), 1, 60) END"
                ))
            }
        }
    }
}

/// A table's column.
fn named(table: &str, column: &str, dialect: Dialect) -> String {
    format!("{}.{}", quoted(table, dialect), quoted(column, dialect))
}

impl Predicate {
    fn expression(&self, subject: Subject, column: &str, dialect: Dialect) -> Expr {
        let bound = |operand: &Operand| operand.bind(subject, dialect);
        let value = || subject.of(column, dialect);
        match self {
            Self::Order(operator, operand) => {
                let (value, operand) = (value(), bound(operand));
                match operator {
                    OrderOperator::Equal => value.eq(operand),
                    OrderOperator::NotEqual => value.ne(operand),
                    OrderOperator::Less => value.lt(operand),
                    OrderOperator::LessOrEqual => value.lte(operand),
                    OrderOperator::Greater => value.gt(operand),
                    OrderOperator::GreaterOrEqual => value.gte(operand),
                }
            }
            // Nothing is one of none; NULL is not even that.
            Self::Member(is_member, operands) if operands.is_empty() => when(
                Expr::cust(column.to_owned()).is_not_null(),
                truth(!is_member),
            ),
            Self::Member(true, operands) => value().is_in(operands.iter().map(bound)),
            Self::Member(false, operands) => value().is_not_in(operands.iter().map(bound)),
            Self::Like(pattern) => dialect.like(Expr::cust(column.to_owned()), pattern),
        }
    }
}

impl Subject {
    /// What of a column is compared.
    fn of(self, column: &str, dialect: Dialect) -> Expr {
        let itself = || Expr::cust(column.to_owned());
        match (self, dialect) {
            (Self::Text, _) => dialect.by_characters(text(itself())),
            (Self::Uuid, _) => {
                let digits = Func::cust("replace")
                    .arg(text(itself()))
                    .arg(Expr::cust("'-'"))
                    .arg(Expr::cust("''"));
                dialect.by_characters(Func::lower(digits).into())
            }
            // A session's time zone must not have a say, which a date and time would give it.
            (Self::Time(TimeKind::Utc), Dialect::Postgresql) => {
                itself().cast_as("timestamp without time zone")
            }
            // A date of zeros is none: it compares as NULL does.
            (Self::Time(TimeKind::Absolute), Dialect::Mysql) => {
                Expr::cust(format!("nullif(unix_timestamp({column}), 0)"))
            }
            (Self::Time(_), Dialect::Mysql) => Expr::cust(format!(
                "CASE WHEN month({column}) > 0 AND dayofmonth({column}) > 0 THEN {column} END"
            )),
            (Self::Time(TimeKind::Text), _) => Expr::cust(microseconds(column)),
            (Self::Number | Self::Truth | Self::Time(_), _) => itself(),
        }
    }

    /// In SQLite: whether a value is of the type that is compared, or NULL.
    fn is_typed(self, column: &str) -> String {
        match self {
            Self::Number | Self::Truth => {
                format!("typeof({column}) IN ('integer', 'real', 'null')")
            }
            Self::Text => format!("typeof({column}) IN ('text', 'null')"),
            Self::Uuid => format!(
                "{column} IS NULL OR typeof({column}) = 'text' \
                 AND length(replace({column}, '-', '')) = 32"
            ),
            // A day that no month has would be taken for one of the next.
            Self::Time(_) => format!(
                "{column} IS NULL OR typeof({column}) = 'text' \
                 AND date(substr({column}, 1, 10), '+0 days') = substr({column}, 1, 10) \
                 AND strftime('%s', {}) IS NOT NULL",
                whole_seconds(column)
            ),
        }
    }
}

/// In SQLite: a point in time as text, without the fraction of its second, which SQLite would round.
fn whole_seconds(column: &str) -> String {
    format!(
        "CASE WHEN substr({column}, 20, 1) = '.' \
         THEN substr({column}, 1, 19) || ltrim(substr({column}, 21), '0123456789') \
         ELSE {column} END"
    )
}

/// In SQLite: a point in time as text, in microseconds since 1970.
fn microseconds(column: &str) -> String {
    format!(
        "CAST(strftime('%s', {}) AS integer) * 1000000 \
         + CASE WHEN substr({column}, 20, 1) = '.' \
         THEN CAST(round(CAST('0' || substr({column}, 20) AS real) * 1000000) AS integer) \
         ELSE 0 END",
        whole_seconds(column)
    )
}

impl Operand {
    fn bind(&self, subject: Subject, dialect: Dialect) -> Expr {
        match (self, dialect) {
            (Self::Integer(value), _) => bind_int(*value),
            (Self::Double(value), _) => bind_double(*value),
            (Self::Truth(value), _) => Expr::val(*value).cast_as("boolean"),
            (Self::Text(value), Dialect::Mysql) => dialect.by_characters(bind_text(value.as_str())),
            (Self::Text(value), _) => bind_text(value.as_str()),
            (Self::Decimal(value), Dialect::Postgresql) => {
                bind_text(value.as_str()).cast_as("numeric")
            }
            (Self::Decimal(value), Dialect::Sqlite) => bind_double(value.double()),
            (Self::Decimal(value), Dialect::Mysql) => {
                let scale = value.fraction_digits();
                bind_text(value.as_str()).cast_as(format!("decimal(65,{scale})"))
            }
            (Self::Instant(value), Dialect::Mysql) => {
                bind_text(value.to_string().as_str()).cast_as("datetime(6)")
            }
            (Self::Instant(value), _) => match subject {
                Subject::Time(TimeKind::Absolute) => {
                    bind_text(format!("{value}+00").as_str()).cast_as("timestamp with time zone")
                }
                _ => bind_text(value.to_string().as_str()).cast_as("timestamp without time zone"),
            },
        }
    }
}
