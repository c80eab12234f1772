//! Conditions as callers write them: JSON, never SQL. What comes out is sound.

use serde_json::{Map, Value};

use crate::condition::{Comparison, Condition, OrderOperator, Reading, Scalar, Test};
use crate::json;

/// The longest condition, in bytes of JSON.
const MAX_BYTES: usize = 64 * 1024;
/// The deepest nesting of `all`, `any` and `not`.
const MAX_DEPTH: usize = 32;
/// The most comparisons, combinators and list values together.
const MAX_NODES: usize = 1_000;
/// The longest pattern, in bytes: SQLite takes 50,000, of which a character may need three.
const MAX_PATTERN_BYTES: usize = 16_000;

impl Condition {
    /// Parses a condition.
    ///
    /// # Errors
    ///
    /// A sentence that names the place, as in `filter.all[1].not: …`.
    pub(crate) fn parse(place: &str, text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!(
                "{place}: the condition has {} bytes of JSON; at most {MAX_BYTES} are allowed",
                text.len()
            ));
        }
        let value = serde_json::from_str(text)
            .map_err(|error| format!("{place}: the condition is not valid JSON: {error}"))?;
        Parser { nodes: 0 }.condition(&value, place, 1)
    }
}

struct Parser {
    nodes: usize,
}

impl Parser {
    fn count(&mut self, place: &str) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(format!(
                "{place}: the condition has more than {MAX_NODES} nodes"
            ));
        }
        Ok(())
    }

    fn condition(&mut self, value: &Value, place: &str, depth: usize) -> Result<Condition, String> {
        self.count(place)?;
        if depth > MAX_DEPTH {
            return Err(format!(
                "{place}: the condition is nested deeper than {MAX_DEPTH} levels"
            ));
        }
        let Value::Object(object) = value else {
            return Err(format!(
                "{place}: a condition must be a JSON object such as \
                 {{\"column\": \"kind\", \"op\": \"=\", \"value\": \"parquet\"}}, not {}",
                json::write(value)
            ));
        };
        for (key, inner) in object {
            let place = format!("{place}.{key}");
            match key.as_str() {
                "all" | "any" | "not" if object.len() > 1 => {
                    return Err(format!("{place}: `{key}` must be the object's only member"));
                }
                "all" => return Ok(Condition::All(self.list(inner, &place, depth)?)),
                "any" => return Ok(Condition::Any(self.list(inner, &place, depth)?)),
                "not" => {
                    let inner = self.condition(inner, &place, depth + 1)?;
                    return Ok(Condition::Not(Box::new(inner)));
                }
                "column" | "op" | "value" | "as" => {}
                _ => {
                    return Err(format!(
                        "{place}: unknown member `{key}`; a condition has `column`, `op`, `value` \
                         and `as`, or one of `all`, `any` and `not`"
                    ));
                }
            }
        }
        self.comparison(object, place)
    }

    fn list(&mut self, value: &Value, place: &str, depth: usize) -> Result<Vec<Condition>, String> {
        let Value::Array(conditions) = value else {
            return Err(format!(
                "{place}: must be a list of conditions, not {}",
                json::write(value)
            ));
        };
        conditions
            .iter()
            .enumerate()
            .map(|(index, value)| self.condition(value, &format!("{place}[{index}]"), depth + 1))
            .collect()
    }

    fn comparison(
        &mut self,
        object: &Map<String, Value>,
        place: &str,
    ) -> Result<Condition, String> {
        let text = |member: &str| match object.get(member) {
            Some(Value::String(text)) if text.contains('\0') => {
                Err(format!("{place}.{member}: must not hold a NUL character"))
            }
            Some(Value::String(text)) => Ok(text.as_str()),
            Some(other) => Err(format!(
                "{place}.{member}: must be a string, not {}",
                json::write(other)
            )),
            None => Err(format!("{place}: `{member}` is missing")),
        };
        let column = text("column")?;
        if column.is_empty() {
            return Err(format!("{place}.column: must not be empty"));
        }
        let operator = text("op")?;
        let value = object.get("value");
        let order = |operator| {
            scalar(value, &format!("{place}.value")).map(|value| Test::Order(operator, value))
        };
        let test = match operator {
            "=" => order(OrderOperator::Equal)?,
            "!=" => order(OrderOperator::NotEqual)?,
            "<" => order(OrderOperator::Less)?,
            "<=" => order(OrderOperator::LessOrEqual)?,
            ">" => order(OrderOperator::Greater)?,
            ">=" => order(OrderOperator::GreaterOrEqual)?,
            "in" => Test::Member(true, self.scalars(value, place)?),
            "not-in" => Test::Member(false, self.scalars(value, place)?),
            "like" => match scalar(value, &format!("{place}.value"))? {
                Scalar::Text(pattern) if pattern.len() > MAX_PATTERN_BYTES => {
                    return Err(format!(
                        "{place}.value: the pattern has {} bytes; at most {MAX_PATTERN_BYTES} are allowed",
                        pattern.len()
                    ));
                }
                Scalar::Text(pattern) => Test::Like(closed(pattern)),
                _ => return Err(format!("{place}.value: a pattern must be a string")),
            },
            "is-null" | "is-not-null" if value.is_some() => {
                return Err(format!("{place}.value: `{operator}` takes no value"));
            }
            "is-null" => Test::Null(true),
            "is-not-null" => Test::Null(false),
            "older-than-seconds" => Test::OlderThanSeconds(seconds(value, place)?),
            "younger-than-seconds" => Test::YoungerThanSeconds(seconds(value, place)?),
            unknown => {
                return Err(format!(
                    "{place}.op: unknown operator {unknown:?}; known are =, !=, <, <=, >, >=, in, \
                     not-in, like, is-null, is-not-null, older-than-seconds and \
                     younger-than-seconds"
                ));
            }
        };
        let reading = match object.get("as") {
            Some(_) if matches!(test, Test::Null(_)) => {
                return Err(format!("{place}.as: `{operator}` reads no value"));
            }
            Some(_) => Some(Reading::parse(text("as")?).ok_or_else(|| {
                let words: Vec<String> = (Reading::WORDS.iter())
                    .map(|(word, _)| word.to_string())
                    .collect();
                format!("{place}.as: must be one of {}", words.join(", "))
            })?),
            None => None,
        };
        Ok(Condition::Compare(Comparison {
            column: column.into(),
            reading,
            test,
        }))
    }

    fn scalars(&mut self, value: Option<&Value>, place: &str) -> Result<Vec<Scalar>, String> {
        let place = format!("{place}.value");
        match value {
            Some(Value::Array(values)) if !values.is_empty() => values
                .iter()
                .enumerate()
                .map(|(index, value)| {
                    let place = format!("{place}[{index}]");
                    self.count(&place)?;
                    scalar(Some(value), &place)
                })
                .collect(),
            _ => Err(format!("{place}: must be a list of at least one value")),
        }
    }
}

fn scalar(value: Option<&Value>, place: &str) -> Result<Scalar, String> {
    match value {
        Some(Value::String(text)) if text.contains('\0') => {
            Err(format!("{place}: must not hold a NUL character"))
        }
        Some(Value::String(text)) => Ok(Scalar::Text(text.clone())),
        Some(Value::Bool(boolean)) => Ok(Scalar::Boolean(*boolean)),
        Some(Value::Number(number)) => (number.as_i64().map(Scalar::Integer))
            .or_else(|| number.as_u64().map(Scalar::Large))
            .or_else(|| number.as_f64().map(Scalar::Float))
            .ok_or_else(|| format!("{place}: the number {number} is out of range")),
        Some(Value::Null) => Err(format!(
            "{place}: nothing compares with null; use the operator `is-null` or `is-not-null`"
        )),
        Some(other) => Err(format!(
            "{place}: must be a string, a number or a boolean, not {}",
            json::write(other)
        )),
        None => Err(format!("{place}: is missing")),
    }
}

/// A pattern in which every `\` stands before a character: at the end of a pattern, it means itself.
fn closed(mut pattern: String) -> String {
    let slashes = pattern.len() - pattern.trim_end_matches('\\').len();
    if slashes % 2 == 1 {
        pattern.push('\\');
    }
    pattern
}

fn seconds(value: Option<&Value>, place: &str) -> Result<f64, String> {
    value
        .and_then(Value::as_f64)
        .filter(|seconds| (0.0..=1e9).contains(seconds))
        .ok_or_else(|| format!("{place}.value: must be a number of seconds from 0 to 1e9"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_read_as_written() {
        let condition = Condition::parse(
            "filter",
            r#"{"all": [{"column": "kind", "op": "=", "value": "parquet"},
                        {"not": {"column": "path", "op": "like", "value": "%tmp%"}}]}"#,
        );
        let comparison = |column: &str, test| {
            Condition::Compare(Comparison {
                column: column.into(),
                reading: None,
                test,
            })
        };
        let parquet = Scalar::Text("parquet".into());
        let kind = comparison("kind", Test::Order(OrderOperator::Equal, parquet));
        let path = comparison("path", Test::Like("%tmp%".into()));
        assert_eq!(
            condition,
            Ok(Condition::All(vec![kind, Condition::Not(Box::new(path))]))
        );
    }

    #[test]
    fn a_bad_condition_is_refused_with_its_place() {
        for (text, place) in [
            ("", "filter: the condition is not valid JSON"),
            ("[]", "filter: a condition must be a JSON object"),
            ("{}", "filter: `column` is missing"),
            (r#"{"all": 1}"#, "filter.all: must be a list"),
            (r#"{"all": [{}]}"#, "filter.all[0]: `column` is missing"),
            (
                r#"{"all": [], "any": []}"#,
                "`all` must be the object's only member",
            ),
            (r#"{"sql": "1=1"}"#, "filter.sql: unknown member"),
            (
                r#"{"column": 1, "op": "="}"#,
                "filter.column: must be a string",
            ),
            (
                r#"{"column": "", "op": "="}"#,
                "filter.column: must not be empty",
            ),
            (r#"{"column": "a", "op": "="}"#, "filter.value: is missing"),
            (
                r#"{"column": "a", "op": "=", "value": null}"#,
                "use the operator `is-null`",
            ),
            (
                r#"{"column": "a", "op": "=", "value": {}}"#,
                "filter.value: must be a string",
            ),
            (
                r#"{"column": "a", "op": "~", "value": 1}"#,
                "filter.op: unknown operator \"~\"",
            ),
            (
                r#"{"column": "a", "op": "in", "value": []}"#,
                "at least one value",
            ),
            (
                r#"{"column": "a", "op": "in", "value": [1, null]}"#,
                "filter.value[1]",
            ),
            (
                r#"{"column": "a", "op": "like", "value": 1}"#,
                "a pattern must be a string",
            ),
            (
                r#"{"column": "a", "op": "is-null", "value": 1}"#,
                "takes no value",
            ),
            (
                r#"{"column": "a", "op": "older-than-seconds", "value": -1}"#,
                "number of seconds",
            ),
            (r#"{"column": "a\u0000", "op": "="}"#, "NUL"),
            (
                r#"{"column": "a", "op": "=", "value": 1, "as": "days"}"#,
                "filter.as: must be one of text, time, seconds",
            ),
            (
                r#"{"column": "a", "op": "=", "value": 1, "as": 1}"#,
                "filter.as: must be a string",
            ),
            (
                r#"{"column": "a", "op": "is-null", "as": "text"}"#,
                "reads no value",
            ),
        ] {
            let error = Condition::parse("filter", text).unwrap_err();
            assert!(error.contains(place), "{text}: {error}");
        }
    }

    #[test]
    fn a_backslash_at_the_end_of_a_pattern_means_itself() {
        for (pattern, expected) in [
            ("end\\", "end\\\\"),
            ("end\\\\", "end\\\\"),
            ("\\", "\\\\"),
            ("a\\%", "a\\%"),
            ("", ""),
        ] {
            assert_eq!(closed(pattern.into()), expected);
        }
    }

    #[test]
    fn limits_hold_at_their_edge() {
        let nested = |levels: usize| {
            let leaf = r#"{"column": "a", "op": "is-null"}"#;
            let depth = levels - 1;
            format!("{}{leaf}{}", r#"{"not": "#.repeat(depth), "}".repeat(depth))
        };
        assert!(Condition::parse("filter", &nested(MAX_DEPTH)).is_ok());
        let error = Condition::parse("filter", &nested(MAX_DEPTH + 1)).unwrap_err();
        assert!(error.contains("deeper than 32"), "{error}");
        assert!(Condition::parse("filter", &nested(10_000)).is_err());

        let wide = |nodes: usize| {
            let leaf = r#"{"column": "a", "op": "is-null"}"#;
            format!(r#"{{"any": [{}]}}"#, vec![leaf; nodes - 1].join(","))
        };
        assert!(Condition::parse("filter", &wide(MAX_NODES)).is_ok());
        let error = Condition::parse("filter", &wide(MAX_NODES + 1)).unwrap_err();
        assert!(error.contains("more than 1000 nodes"), "{error}");

        let long = format!(
            r#"{{"column": "a", "op": "=", "value": "{}"}}"#,
            "x".repeat(MAX_BYTES)
        );
        assert!(Condition::parse("filter", &long).is_err());

        let like = |bytes: usize| {
            let pattern = "x".repeat(bytes);
            format!(r#"{{"column": "a", "op": "like", "value": "{pattern}"}}"#)
        };
        assert!(Condition::parse("filter", &like(MAX_PATTERN_BYTES)).is_ok());
        let error = Condition::parse("filter", &like(MAX_PATTERN_BYTES + 1)).unwrap_err();
        assert!(error.contains("at most 16000"), "{error}");
    }
}
