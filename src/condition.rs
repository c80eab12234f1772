//! Conditions on the rows of a meta table.

use std::fmt;

use serde_json::Value;

use crate::json;

/// A combination of comparisons: as they are written, or in their columns' own types.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition<C = Comparison> {
    /// All of them hold; true when there are none.
    All(Vec<Self>),
    /// At least one of them holds; false when there are none.
    Any(Vec<Self>),
    /// It does not hold. As in SQL, a comparison with NULL neither holds nor fails to hold.
    Not(Box<Self>),
    /// A comparison.
    Compare(C),
}

/// A column that is compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comparison {
    /// The column.
    pub(crate) column: String,
    /// How its values are to be read, where the type does not tell: the member `as`.
    pub(crate) reading: Option<Reading>,
    /// What with.
    pub(crate) test: Test,
}

/// How a column's values are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// By their characters, even if they look like points in time.
    Text,
    /// As points in time, written as text.
    Time,
    /// As the number of these since 1970-01-01T00:00:00Z.
    Epoch(Unit),
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

/// What a column is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// With one value.
    Order(OrderOperator, Scalar),
    /// With a list of at least one value; `true`: is one of them, `false`: is none of them.
    Member(bool, Vec<Scalar>),
    /// With a pattern: `%` any characters, `_` one character, `\` before either means itself.
    Like(String),
    /// With NULL; `true`: is NULL.
    Null(bool),
    /// A point in time that lies at least so many seconds back.
    OlderThanSeconds(f64),
    /// A point in time that lies less than so many seconds back.
    YoungerThanSeconds(f64),
}

/// An operator that compares with one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderOperator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A value that a column is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    Text(String),
    Integer(i64),
    /// An integer of more than 63 bits.
    Large(u64),
    Float(f64),
    Boolean(bool),
}

impl Reading {
    /// The words by which it is named.
    pub(crate) const WORDS: [(&'static str, Self); 6] = [
        ("text", Self::Text),
        ("time", Self::Time),
        ("seconds", Self::Epoch(Unit::Seconds)),
        ("milliseconds", Self::Epoch(Unit::Milliseconds)),
        ("microseconds", Self::Epoch(Unit::Microseconds)),
        ("nanoseconds", Self::Epoch(Unit::Nanoseconds)),
    ];

    pub(crate) fn parse(word: &str) -> Option<Self> {
        (Self::WORDS.iter())
            .find(|(name, _)| *name == word)
            .map(|(_, reading)| *reading)
    }

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        (Self::WORDS.iter())
            .find(|(_, reading)| *reading == self)
            .map_or("", |(name, _)| name)
    }
}

/// As JSON writes it.
impl fmt::Display for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match self {
            Self::Text(value) => Value::from(value.as_str()),
            Self::Integer(value) => Value::from(*value),
            Self::Large(value) => Value::from(*value),
            Self::Float(value) => Value::from(*value),
            Self::Boolean(value) => Value::from(*value),
        };
        formatter.write_str(&json::write(&value))
    }
}

impl<C> Condition<C> {
    /// The same condition of other comparisons; the first error ends it.
    pub(crate) fn try_map<T, E>(
        &self,
        map: &mut impl FnMut(&C) -> Result<T, E>,
    ) -> Result<Condition<T>, E> {
        let mut all = |conditions: &[Self]| -> Result<Vec<Condition<T>>, E> {
            (conditions.iter())
                .map(|condition| condition.try_map(map))
                .collect()
        };
        Ok(match self {
            Self::All(conditions) => Condition::All(all(conditions)?),
            Self::Any(conditions) => Condition::Any(all(conditions)?),
            Self::Not(condition) => Condition::Not(Box::new(condition.try_map(map)?)),
            Self::Compare(comparison) => Condition::Compare(map(comparison)?),
        })
    }

    /// All comparisons, in order.
    pub(crate) fn comparisons<'a>(&'a self, found: &mut Vec<&'a C>) {
        match self {
            Self::All(conditions) | Self::Any(conditions) => {
                for condition in conditions {
                    condition.comparisons(found);
                }
            }
            Self::Not(condition) => condition.comparisons(found),
            Self::Compare(comparison) => found.push(comparison),
        }
    }
}
