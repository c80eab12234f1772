//! What a statement gives back.
//!
//! Spin's PostgreSQL interface has one function for rows and one for their number.

/// What a statement gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gives {
    /// Rows that it has read.
    Rows,
    /// Rows that it has written.
    WrittenRows,
    /// The number of rows that it has written.
    Number,
    /// Nothing: it made or changed a table.
    Nothing,
}

/// What the planner's statements give back. They are written by one writer: a keyword comes first, in
/// capitals, and no name or value stands in them unquoted.
pub(crate) fn gives(statement: &str) -> Gives {
    if statement.starts_with("SELECT") {
        Gives::Rows
    } else if statement.contains("RETURNING CAST(") {
        Gives::WrittenRows
    } else if statement.starts_with("INSERT") || statement.starts_with("UPDATE") {
        Gives::Number
    } else {
        Gives::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_apart() {
        for (statement, given) in [
            ("SELECT CAST(1 AS bigint)", Gives::Rows),
            (
                "INSERT INTO inventory (id) VALUES (1) RETURNING CAST(id AS bigint)",
                Gives::WrittenRows,
            ),
            ("INSERT INTO inventory (id) VALUES (1)", Gives::Number),
            ("UPDATE inventory SET status = $1", Gives::Number),
            (
                "CREATE TABLE IF NOT EXISTS inventory (id bigint)",
                Gives::Nothing,
            ),
            (
                "ALTER TABLE inventory ADD COLUMN queue text",
                Gives::Nothing,
            ),
        ] {
            assert_eq!(gives(statement), given, "{statement}");
        }
    }
}
