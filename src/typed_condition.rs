//! Comparisons in their columns' own types: what a database is asked, once it is known what it holds.

use crate::column_type::TimeKind;
use crate::condition::{Condition, OrderOperator};
use crate::decimal::Decimal;
use crate::instant::Instant;

/// A condition whose comparisons are in their columns' own types.
pub(crate) type TypedCondition = Condition<TypedComparison>;

/// A comparison in its column's own type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TypedComparison {
    /// With NULL; `true`: is NULL.
    Null(String, bool),
    /// With values.
    Value {
        column: String,
        subject: Subject,
        predicate: Predicate,
    },
}

/// What of a column's value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The number.
    Number,
    /// The truth value.
    Truth,
    /// The characters.
    Text,
    /// The 32 digits.
    Uuid,
    /// The point in time.
    Time(TimeKind),
}

/// How a subject is compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Predicate {
    /// With one value.
    Order(OrderOperator, Operand),
    /// With a list; `true`: is one of them, `false`: is none of them. Nothing is one of an empty list.
    Member(bool, Vec<Operand>),
    /// With a pattern.
    Like(String),
}

/// A value that a subject is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Integer(i64),
    Decimal(Decimal),
    Double(f64),
    Truth(bool),
    Text(String),
    Instant(Instant),
}

impl TypedComparison {
    /// The column that is compared.
    pub(crate) fn column(&self) -> &str {
        match self {
            Self::Null(column, _) | Self::Value { column, .. } => column,
        }
    }
}
