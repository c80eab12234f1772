//! Conditions as SQL expressions.

use sea_query::{Alias, Expr, ExprTrait, IntoIden};

use super::{bind_double, bind_int, bind_text, joined, text};
use crate::condition::{Comparison, Condition, OrderOperator, Scalar};
use crate::database::Dialect;

impl Condition {
    /// The condition on a row of the table with this alias.
    pub(super) fn expression(&self, dialect: Dialect, table: &'static str) -> Expr {
        let expressions = |conditions: &[Self]| {
            (conditions.iter())
                .map(|condition| condition.expression(dialect, table))
                .collect()
        };
        match self {
            Self::All(conditions) => joined(expressions(conditions), ExprTrait::and)
                .unwrap_or_else(|| Expr::cust("1 = 1")),
            Self::Any(conditions) => joined(expressions(conditions), ExprTrait::or)
                .unwrap_or_else(|| Expr::cust("1 = 0")),
            Self::Not(condition) => condition.expression(dialect, table).not(),
            Self::Compare { column, comparison } => {
                let column = Expr::col((Alias::new(table), Alias::new(column.clone()).into_iden()));
                comparison.expression(column, dialect)
            }
        }
    }
}

impl Comparison {
    fn expression(&self, column: Expr, dialect: Dialect) -> Expr {
        match self {
            Self::Order(operator, value) => {
                let (column, value) = (value.comparable(column, dialect), value.bind(dialect));
                match operator {
                    OrderOperator::Equal => column.eq(value),
                    OrderOperator::NotEqual => column.ne(value),
                    OrderOperator::Less => column.lt(value),
                    OrderOperator::LessOrEqual => column.lte(value),
                    OrderOperator::Greater => column.gt(value),
                    OrderOperator::GreaterOrEqual => column.gte(value),
                }
            }
            Self::Member(is_member, values) => {
                // A list may mix types, and each compares in its own way.
                let member = values
                    .iter()
                    .map(|value| {
                        (value.comparable(column.clone(), dialect)).eq(value.bind(dialect))
                    })
                    .collect();
                let member = joined(member, ExprTrait::or).unwrap_or_else(|| Expr::cust("1 = 0"));
                if *is_member { member } else { member.not() }
            }
            Self::Like(pattern) => dialect.like(column, pattern),
            Self::Null(true) => column.is_null(),
            Self::Null(false) => column.is_not_null(),
            Self::OlderThanSeconds(seconds) => dialect.older_than(column, *seconds),
            Self::YoungerThanSeconds(seconds) => dialect.younger_than(column, *seconds),
        }
    }
}

impl Scalar {
    /// The column in the form in which it compares with this value: text compares with the text
    /// form of any column, so that dates, identifiers and enumerations need no types of ours.
    fn comparable(&self, column: Expr, dialect: Dialect) -> Expr {
        match self {
            Self::Text(_) => dialect.exact(text(column)),
            Self::Integer(_) | Self::Float(_) | Self::Boolean(_) => column,
        }
    }

    fn bind(&self, dialect: Dialect) -> Expr {
        match (self, dialect) {
            (Self::Text(value), _) => dialect.exact(bind_text(value.as_str())),
            (Self::Integer(value), _) => bind_int(*value),
            (Self::Float(value), _) => bind_double(*value),
            (Self::Boolean(value), Dialect::Postgresql) => Expr::val(*value).cast_as("boolean"),
            (Self::Boolean(value), Dialect::Sqlite | Dialect::Mysql) => bind_int(i64::from(*value)),
        }
    }
}
