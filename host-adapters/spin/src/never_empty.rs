//! Queries that bring a row even where they find none.
//!
//! Spin 4.0.0 to 4.0.2 wait for the first row of a PostgreSQL query to tell its columns, and never
//! answer one without rows ([issue 3671](https://github.com/spinframework/spin/issues/3671)): the
//! request hangs and keeps its connection. So a query is wrapped by a join that always gives a row. A
//! mark before the other columns tells a row that was found from the one that stands for none, which
//! is taken away again.
//!
//! It is done here, by the text, since no other host needs it. The stars keep the columns as they are,
//! with their types and names, even where several have one name. The rows are joined with a single
//! one as they come, so they keep their order.

use batchintory::{DatabaseError, Value};

use crate::statement::Gives;

/// What was found, with a mark before it.
const MARKED: &str = "SELECT TRUE, found.* FROM";
/// A row that is always there, and what was found beside it.
const ALWAYS: &str = "SELECT marked.* FROM (SELECT 1) AS always LEFT JOIN";

/// A query that always brings a row; none where the statement is sent as it is, and its rows have no
/// mark.
///
/// Rows that a statement writes can only be read where it is a part with a name, and such parts must
/// stand at the top. So a statement that begins with parts, as the claim in one statement does, is
/// left alone: it always tells how it went.
pub(crate) fn never_empty(statement: &str, gives: Gives) -> Option<String> {
    match gives {
        Gives::Rows => Some(format!(
            "{ALWAYS} ({MARKED} ({statement}) AS found) AS marked ON TRUE"
        )),
        Gives::WrittenRows if !statement.starts_with("WITH") => Some(format!(
            "WITH found AS ({statement}) {ALWAYS} ({MARKED} found) AS marked ON TRUE"
        )),
        _ => None,
    }
}

/// The rows that were found, without their mark.
///
/// # Errors
///
/// When a row has none, which no server should send: what the statement did is not known then.
pub(crate) fn only_found(marked: Vec<Vec<Value>>) -> Result<Vec<Vec<Value>>, DatabaseError> {
    let mut found = Vec::with_capacity(marked.len());
    for mut row in marked {
        match row.first() {
            Some(Value::Boolean(true)) => {
                row.remove(0);
                found.push(row);
            }
            Some(Value::Null) => {}
            _ => {
                return Err(DatabaseError::OutcomeUnknown(
                    "the server sent a row without the mark that was asked for".into(),
                ));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_find_nothing_is_wrapped_and_nothing_else() {
        assert_eq!(
            never_empty("SELECT CAST(1 AS bigint)", Gives::Rows).as_deref(),
            Some(
                "SELECT marked.* FROM (SELECT 1) AS always LEFT JOIN (SELECT TRUE, found.* FROM \
                 (SELECT CAST(1 AS bigint)) AS found) AS marked ON TRUE"
            )
        );
        let insert = "INSERT INTO inventory (id) VALUES (1) RETURNING CAST(id AS bigint)";
        let wrapped = never_empty(insert, Gives::WrittenRows).unwrap_or_default();
        assert!(
            wrapped.starts_with(&format!("WITH found AS ({insert}) ")),
            "{wrapped}"
        );
        let claim = format!("WITH claimed AS ({insert}) SELECT claimed.* FROM claimed");
        assert_eq!(never_empty(&claim, Gives::WrittenRows), None);
        assert_eq!(
            never_empty("UPDATE inventory SET status = $1", Gives::Number),
            None
        );
        assert_eq!(
            never_empty("CREATE TABLE inventory (id bigint)", Gives::Nothing),
            None
        );
    }

    #[test]
    fn the_row_that_stands_for_none_is_taken_away() {
        let mark = Value::Boolean(true);
        let none = vec![Value::Null, Value::Null];
        assert_eq!(only_found(vec![none]), Ok(Vec::new()));
        let rows = vec![vec![mark.clone(), Value::Null], vec![mark, Value::Int64(7)]];
        assert_eq!(
            only_found(rows),
            Ok(vec![vec![Value::Null], vec![Value::Int64(7)]])
        );
        for row in [Vec::new(), vec![Value::Int64(7)]] {
            assert!(matches!(
                only_found(vec![row]),
                Err(DatabaseError::OutcomeUnknown(_))
            ));
        }
    }
}
