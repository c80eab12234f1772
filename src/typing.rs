//! Typing comparisons: a value that cannot be of its column's type is refused here, in the same words for
//! all dialects.

use crate::column_type::ColumnType;
use crate::condition::{Comparison, OrderOperator, Test};
use crate::database::Dialect;
use crate::instant::Instant;
use crate::terms::{Refusal, Terms};
use crate::typed_condition::{Operand, Predicate, Subject, TypedComparison};

impl TypedComparison {
    /// The comparison with a column of this type; points in time lie before `now`.
    pub(crate) fn of(
        comparison: &Comparison,
        column_type: &ColumnType,
        dialect: Dialect,
        now: Option<Instant>,
    ) -> Result<Self, Refusal> {
        let terms = || Terms::of(comparison, column_type, dialect);
        let (subject, predicate) = match &comparison.test {
            Test::Null(is_null) => return Ok(Self::Null(comparison.column.clone(), *is_null)),
            Test::Like(pattern) => match terms()? {
                Terms::Text { .. } | Terms::Words(_) | Terms::Any => {
                    (Subject::Text, Predicate::Like(pattern.clone()))
                }
                _ => return Err("and `like` compares text only".into()),
            },
            Test::Order(operator, value) => {
                let terms = terms()?;
                let (subject, operand) = terms.operand(value, dialect)?;
                let predicate = match (&terms, operand) {
                    (Terms::Words(words), Operand::Text(word)) => in_order(words, *operator, word),
                    (_, operand) => Predicate::Order(*operator, operand),
                };
                (subject, predicate)
            }
            Test::Member(is_member, values) => {
                let terms = terms()?;
                let typed = values.iter().map(|value| terms.operand(value, dialect));
                let typed = typed.collect::<Result<Vec<_>, _>>()?;
                let (subjects, operands): (Vec<_>, Vec<_>) = typed.into_iter().unzip();
                let subject = subjects.first().copied().unwrap_or(Subject::Text);
                if subjects.iter().any(|other| *other != subject) {
                    return Err("so the values of a list must all be numbers, or all text".into());
                }
                (subject, Predicate::Member(*is_member, operands))
            }
            Test::OlderThanSeconds(seconds) => {
                terms()?.age(now, *seconds, OrderOperator::LessOrEqual, dialect)?
            }
            Test::YoungerThanSeconds(seconds) => {
                terms()?.age(now, *seconds, OrderOperator::Greater, dialect)?
            }
        };
        Ok(Self::Value {
            column: comparison.column.clone(),
            subject,
            predicate,
        })
    }
}

/// The words of an enumeration that stand so to this one. Words are compared by their place.
fn in_order(words: &[String], operator: OrderOperator, word: String) -> Predicate {
    let place = words.iter().position(|known| *known == word).unwrap_or(0);
    let (before, from) = words.split_at_checked(place).unwrap_or_default();
    let behind = from.get(1..).unwrap_or_default();
    let (words, has_word) = match operator {
        OrderOperator::Equal | OrderOperator::NotEqual => {
            return Predicate::Order(operator, Operand::Text(word));
        }
        OrderOperator::Less => (before, false),
        OrderOperator::LessOrEqual => (before, true),
        OrderOperator::Greater => (behind, false),
        OrderOperator::GreaterOrEqual => (behind, true),
    };
    let mut members: Vec<Operand> = words.iter().cloned().map(Operand::Text).collect();
    members.extend(has_word.then_some(Operand::Text(word)));
    Predicate::Member(true, members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::Condition;
    use crate::decimal::Decimal;

    fn typed(json: &str, declaration: &str, dialect: Dialect) -> Result<Predicate, String> {
        let Condition::Compare(comparison) = Condition::parse("filter", json).unwrap() else {
            panic!("{json} is no comparison");
        };
        let now = Instant::parse("2024-01-03T10:00:00Z");
        let column_type = ColumnType::parse(declaration, dialect);
        match TypedComparison::of(&comparison, &column_type, dialect, now)? {
            TypedComparison::Value { predicate, .. } => Ok(predicate),
            TypedComparison::Null(..) => panic!("{json} has no value"),
        }
    }

    fn equal(value: &str, declaration: &str) -> Result<Predicate, String> {
        let json = format!(r#"{{"column": "c", "op": "=", "value": {value}}}"#);
        typed(&json, declaration, Dialect::Postgresql)
    }

    #[test]
    fn a_value_becomes_one_of_its_columns_type() {
        let decimal = |text| Operand::Decimal(Decimal::parse(text).unwrap());
        for (value, declaration, expected) in [
            ("7", "bigint", Operand::Integer(7)),
            ("\"7\"", "bigint", Operand::Integer(7)),
            ("1.50", "numeric", decimal("1.5")),
            (
                "18446744073709551615",
                "numeric",
                decimal("18446744073709551615"),
            ),
            ("0.1", "double precision", Operand::Double(0.1)),
            ("0.1", "real", Operand::Double(f64::from(0.1_f32))),
            ("true", "boolean", Operand::Truth(true)),
            ("\"a \"", "text", Operand::Text("a ".into())),
            ("\"a \"", "\"text\"", Operand::Text("a ".into())),
            (
                "\"a \"",
                "\"public\".\"citext\"",
                Operand::Text("a ".into()),
            ),
            ("\"a \"", "character", Operand::Text("a".into())),
            (
                "\"{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}\"",
                "uuid",
                Operand::Text("a0eebc999c0b4ef8bb6d6bb9bd380a11".into()),
            ),
            (
                "\"2024-01-03T02:00+09:00\"",
                "date",
                Operand::Instant(Instant::parse("2024-01-02T17:00:00Z").unwrap()),
            ),
        ] {
            let expected = Predicate::Order(OrderOperator::Equal, expected);
            assert_eq!(
                equal(value, declaration),
                Ok(expected),
                "{value} {declaration}"
            );
        }
    }

    #[test]
    fn a_value_that_cannot_be_of_its_columns_type_is_refused() {
        for (value, declaration, reason) in [
            ("\"x\"", "bigint", "which \"x\" cannot be; give a number"),
            ("true", "bigint", "give a number"),
            ("1e300", "numeric", "in quotes"),
            ("12345678901234567890123", "numeric", "in quotes"),
            ("7", "text", "which 7 cannot be; give text"),
            ("true", "text", "give text"),
            ("1", "boolean", "give true or false"),
            ("\"true\"", "boolean", "give true or false"),
            ("\"x\"", "uuid", "give a UUID"),
            ("\"c\"", "[\"a\",\"b\"]", "one of its words: a, b"),
            ("\"now\"", "date", "give a point in time"),
            ("7", "timestamp with time zone", "give a point in time"),
            ("\"2024-01-03 10:00\"", "text", "say by the member `as`"),
            ("\"{}\"", "jsonb", "does not compare"),
        ] {
            let reason_given = equal(value, declaration).unwrap_err();
            assert!(reason_given.contains(reason), "{value}: {reason_given}");
        }
    }

    #[test]
    fn words_of_an_enumeration_keep_their_order() {
        let compare = |operator: &str| {
            let json = format!(r#"{{"column": "c", "op": "{operator}", "value": "medium"}}"#);
            let declaration = r#"["low", "medium", "high"]"#;
            match typed(&json, declaration, Dialect::Postgresql).unwrap() {
                Predicate::Member(true, members) => members
                    .into_iter()
                    .map(|member| match member {
                        Operand::Text(word) => word,
                        other => panic!("{other:?}"),
                    })
                    .collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(compare("<"), ["low"]);
        assert_eq!(compare("<="), ["low", "medium"]);
        assert_eq!(compare(">"), ["high"]);
        assert_eq!(compare(">="), ["high", "medium"]);
    }

    #[test]
    fn ages_are_points_in_time_before_now() {
        let older = |declaration: &str, reading: &str, dialect| {
            let json =
                format!(r#"{{"column": "c", "op": "older-than-seconds", "value": 0.5{reading}}}"#);
            typed(&json, declaration, dialect)
        };
        let limit = |operand| Ok(Predicate::Order(OrderOperator::LessOrEqual, operand));
        let at = Instant::parse("2024-01-03T09:59:59.5Z").unwrap();
        assert_eq!(
            older("timestamp with time zone", "", Dialect::Postgresql),
            limit(Operand::Instant(at))
        );
        assert_eq!(
            older("timestamp", "", Dialect::Mysql),
            limit(Operand::Decimal(Decimal::parse("1704275999.5").unwrap()))
        );
        for (unit, number) in [
            ("milliseconds", 1_704_275_999_500),
            ("microseconds", 1_704_275_999_500_000),
            ("nanoseconds", 1_704_275_999_500_000_000),
        ] {
            let reading = format!(r#", "as": "{unit}""#);
            assert_eq!(
                older("bigint", &reading, Dialect::Postgresql),
                limit(Operand::Integer(number))
            );
        }
        // As the column itself holds it.
        let seconds = Operand::Double(f64::from(1_704_276_000_f32));
        assert_eq!(
            older("real", r#", "as": "seconds""#, Dialect::Postgresql),
            limit(seconds)
        );
        assert_eq!(
            older("text", "", Dialect::Sqlite),
            limit(Operand::Integer(1_704_275_999_500_000))
        );
        for (declaration, dialect) in [
            ("bigint", Dialect::Postgresql),
            ("integer", Dialect::Sqlite),
            ("text", Dialect::Postgresql),
            ("varchar(9)", Dialect::Mysql),
            ("boolean", Dialect::Postgresql),
        ] {
            let reason = older(declaration, "", dialect).unwrap_err();
            assert!(reason.contains("tells no age"), "{declaration}: {reason}");
        }
    }
}
