//! On which terms a column is compared: what its type, the member `as` and the operator make of it.

use crate::column_type::{ColumnType, Kind, Precision, TimeKind};
use crate::condition::{Comparison, OrderOperator, Reading, Scalar, Test, Unit};
use crate::database::Dialect;
use crate::decimal::Decimal;
use crate::instant::Instant;
use crate::typed_condition::{Operand, Predicate, Subject};

/// On which terms a column is compared.
pub(crate) enum Terms<'a> {
    Number(Precision, bool),
    Truth,
    /// Where a value may be a point in time, and the characters would order it wrongly, `is_certain` says
    /// that it is text all the same.
    Text {
        is_padded: bool,
        is_certain: bool,
    },
    Uuid,
    Words(&'a [String]),
    Time(TimeKind),
    Epoch(Unit, Precision),
    Any,
}

/// Why a comparison cannot be made: what the column is, and what to do.
pub(crate) type Refusal = String;

impl<'a> Terms<'a> {
    /// The terms of a comparison with a column of this type.
    pub(crate) fn of(
        comparison: &Comparison,
        column_type: &'a ColumnType,
        dialect: Dialect,
    ) -> Result<Self, Refusal> {
        let is_sqlite = dialect == Dialect::Sqlite;
        let is_age = matches!(
            comparison.test,
            Test::OlderThanSeconds(_) | Test::YoungerThanSeconds(_)
        );
        let text = |is_padded| Self::Text {
            is_padded,
            is_certain: comparison.reading.is_some(),
        };
        let Some(reading) = comparison.reading else {
            return Ok(match &column_type.kind {
                // Its text may be a point in time, and here it must be one.
                Kind::Text { .. } | Kind::Any if is_age && is_sqlite => Self::Time(TimeKind::Text),
                Kind::Number {
                    precision,
                    is_truth,
                } => Self::Number(*precision, *is_truth),
                Kind::Truth => Self::Truth,
                Kind::Text { is_padded } => text(*is_padded),
                Kind::Uuid => Self::Uuid,
                Kind::Enumeration(words) => Self::Words(words),
                Kind::Time(kind) => Self::Time(*kind),
                Kind::Any => Self::Any,
                Kind::Other => {
                    return Err("which does not compare; `is-null` and `is-not-null` do".into());
                }
            });
        };
        match (reading, &column_type.kind) {
            (Reading::Text, Kind::Text { is_padded }) => Ok(text(*is_padded)),
            (Reading::Text, Kind::Any) => Ok(text(false)),
            (Reading::Time, Kind::Time(kind)) => Ok(Self::Time(*kind)),
            (Reading::Time, Kind::Text { .. } | Kind::Any) if is_sqlite => {
                Ok(Self::Time(TimeKind::Text))
            }
            (Reading::Epoch(unit), Kind::Number { precision, .. }) => {
                Ok(Self::Epoch(unit, *precision))
            }
            // Its columns hold numbers too, whatever they are declared as.
            (Reading::Epoch(unit), Kind::Any | Kind::Time(TimeKind::Text)) => {
                Ok(Self::Epoch(unit, Precision::Exact))
            }
            (reading, _) => Err(format!("which cannot be read as {}", reading.word())),
        }
    }

    /// A value in the column's type.
    pub(crate) fn operand(
        &self,
        value: &Scalar,
        dialect: Dialect,
    ) -> Result<(Subject, Operand), Refusal> {
        let refused = |advice: &str| Err(format!("which {value} cannot be; give {advice}"));
        match (self, value) {
            (Self::Number(_, true), Scalar::Boolean(value)) => {
                Ok((Subject::Number, Operand::Integer((*value).into())))
            }
            (Self::Number(precision, _), value) => match number(value, *precision) {
                Some(operand) => Ok((Subject::Number, operand)),
                None => refused("a number, in quotes if it has more than 15 digits"),
            },
            (Self::Truth, Scalar::Boolean(value)) => Ok((Subject::Truth, Operand::Truth(*value))),
            (Self::Truth, _) => refused("true or false"),
            (Self::Text { is_certain, .. }, Scalar::Text(text))
                if !is_certain && is_moment(text) =>
            {
                Err(format!(
                    "whose characters put {value} in another order than time does; say by the member \
                     `as` what is meant: \"text\", or \"time\" (which only SQLite reads from text)"
                ))
            }
            (Self::Text { is_padded, .. }, Scalar::Text(text)) => {
                let text = if *is_padded {
                    text.trim_end_matches(' ')
                } else {
                    text
                };
                Ok((Subject::Text, Operand::Text(text.into())))
            }
            (Self::Text { .. }, _) => refused("text, in quotes"),
            (Self::Uuid, Scalar::Text(text)) => match uuid_digits(text) {
                Some(digits) => Ok((Subject::Uuid, Operand::Text(digits))),
                None => refused("a UUID"),
            },
            (Self::Uuid, _) => refused("a UUID"),
            (Self::Words(words), Scalar::Text(word)) if words.contains(word) => {
                Ok((Subject::Text, Operand::Text(word.clone())))
            }
            (Self::Words(words), _) => refused(&format!("one of its words: {}", words.join(", "))),
            (Self::Time(kind), Scalar::Text(text)) => match Instant::parse(text) {
                Some(instant) => Ok(moment(*kind, instant, dialect)),
                None => refused(A_POINT_IN_TIME),
            },
            (Self::Epoch(unit, precision), Scalar::Text(text)) => match Instant::parse(text) {
                Some(instant) => Ok((Subject::Number, since_epoch(instant, *unit, *precision))),
                None => refused(A_POINT_IN_TIME),
            },
            (Self::Time(_) | Self::Epoch(..), _) => refused(A_POINT_IN_TIME),
            // The value tells what those of the column must be.
            (Self::Any, Scalar::Text(_)) => Self::Text {
                is_padded: false,
                is_certain: false,
            }
            .operand(value, dialect),
            (Self::Any, _) => Self::Number(Precision::Exact, true).operand(value, dialect),
        }
    }

    /// What is so many seconds old.
    pub(crate) fn age(
        &self,
        now: Option<Instant>,
        seconds: f64,
        operator: OrderOperator,
        dialect: Dialect,
    ) -> Result<(Subject, Predicate), Refusal> {
        let limit = || {
            now.map(|now| now.minus_seconds(seconds))
                .ok_or("and the database does not tell what time it is")
        };
        let (subject, operand) = match self {
            Self::Time(kind) => moment(*kind, limit()?, dialect),
            Self::Epoch(unit, precision) => {
                (Subject::Number, since_epoch(limit()?, *unit, *precision))
            }
            Self::Number(..) => {
                return Err(
                    "which tells no age by itself; say by the member `as` what it counts since \
                     1970: seconds, milliseconds, microseconds or nanoseconds"
                        .into(),
                );
            }
            _ => return Err("which tells no age; the column must hold points in time".into()),
        };
        Ok((subject, Predicate::Order(operator, operand)))
    }
}

const A_POINT_IN_TIME: &str =
    "a point in time with at most six digits of a second, as \"2024-01-03T10:00:00Z\", or a date";

/// A number as it compares with those of a column.
fn number(value: &Scalar, precision: Precision) -> Option<Operand> {
    // Where JSON has read it as a floating-point number, digits may be lost from here on.
    const CERTAIN: f64 = 9_007_199_254_740_992.0;
    let decimal = match value {
        Scalar::Float(float) if precision == Precision::Exact && float.abs() > CERTAIN => None,
        Scalar::Float(float) if precision != Precision::Exact => {
            return Some(Operand::Double(rounded(*float, precision)));
        }
        Scalar::Text(text) => Decimal::parse(text),
        Scalar::Boolean(_) => None,
        number => Decimal::parse(&number.to_string()),
    }?;
    Some(of_precision(decimal, precision))
}

/// A number as a column of this precision would hold it.
fn of_precision(decimal: Decimal, precision: Precision) -> Operand {
    match (precision, decimal.integer()) {
        (Precision::Exact, Some(integer)) => Operand::Integer(integer),
        (Precision::Exact, None) => Operand::Decimal(decimal),
        _ => Operand::Double(rounded(decimal.double(), precision)),
    }
}

/// What a column of this precision would hold.
#[allow(clippy::cast_possible_truncation)]
fn rounded(number: f64, precision: Precision) -> f64 {
    if precision == Precision::Single {
        f64::from(number as f32)
    } else {
        number
    }
}

/// A point in time as it compares with those of a column.
fn moment(kind: TimeKind, instant: Instant, dialect: Dialect) -> (Subject, Operand) {
    let operand = match (kind, dialect) {
        (TimeKind::Text, _) => Operand::Integer(instant.microseconds()),
        // As a number of seconds, for which the session's time zone does not matter.
        (TimeKind::Absolute, Dialect::Mysql) => {
            since_epoch(instant, Unit::Seconds, Precision::Exact)
        }
        _ => Operand::Instant(instant),
    };
    (Subject::Time(kind), operand)
}

/// How many units lie between 1970-01-01T00:00:00Z and a point in time.
fn since_epoch(instant: Instant, unit: Unit, precision: Precision) -> Operand {
    let exponent = match unit {
        Unit::Seconds => -6,
        Unit::Milliseconds => -3,
        Unit::Microseconds => 0,
        Unit::Nanoseconds => 3,
    };
    let number = format!("{}e{exponent}", instant.microseconds());
    Decimal::parse(&number).map_or(Operand::Integer(0), |decimal| {
        of_precision(decimal, precision)
    })
}

/// Whether a text is a point in time with an hour: its characters come in another order than time does.
fn is_moment(text: &str) -> bool {
    text.len() > "2024-01-03".len() && Instant::parse(text).is_some()
}

/// The digits of a UUID, in whatever form it is written.
fn uuid_digits(text: &str) -> Option<String> {
    let inner = (text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}')))
    .unwrap_or(text);
    let groups: Vec<usize> = inner.split('-').map(str::len).collect();
    let digits = inner.replace('-', "").to_ascii_lowercase();
    let is_uuid = matches!(groups.as_slice(), [32] | [8, 4, 4, 4, 12])
        && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_uuid.then_some(digits)
}
