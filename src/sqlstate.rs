//! What PostgreSQL's error codes (SQLSTATE) mean to the planner: for hosts, whatever their driver.

use crate::database::{DatabaseError, Refusal, SqlError};

impl DatabaseError {
    /// The error of a statement to which the server answered with this SQLSTATE and message.
    ///
    /// Codes are those of [PostgreSQL's appendix](https://www.postgresql.org/docs/current/errcodes-appendix.html).
    #[must_use]
    pub fn from_sqlstate(code: &str, message: String) -> Self {
        let refusal = match code {
            // unique_violation
            "23505" => return Self::Conflict(message),
            // serialization_failure, deadlock_detected, lock_not_available
            "40001" | "40P01" | "55P03" => return Self::Retryable(message),
            // admin_shutdown, crash_shutdown: the server goes down, or ends the session. What it did
            // before that is rolled back, but for a commit that was under way.
            "57P01" | "57P02" => return Self::OutcomeUnknown(message),
            // cannot_connect_now, too_many_connections
            "57P03" | "53300" => return Self::Unavailable(message),
            // undefined_table, invalid_schema_name
            "42P01" | "3F000" => Refusal::NoSuchTable,
            // undefined_column
            "42703" => Refusal::NoSuchColumn,
            // undefined_function, datatype_mismatch, cannot_coerce, invalid_text_representation,
            // invalid_datetime_format, numeric_value_out_of_range
            "42883" | "42804" | "42846" | "22P02" | "22007" | "22003" => Refusal::WrongType,
            // read_only_sql_transaction
            "25006" => Refusal::ReadOnly,
            // insufficient_privilege
            "42501" => Refusal::NotPermitted,
            // The connection's own trouble.
            _ if code.starts_with("08") => return Self::OutcomeUnknown(message),
            _ => Refusal::Other,
        };
        Self::Failed(SqlError {
            refusal,
            code: Some(code.to_owned()),
            message,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_whether_a_statement_took_effect() {
        let explain = |code| DatabaseError::from_sqlstate(code, "why".into());
        assert_eq!(explain("23505"), DatabaseError::Conflict("why".into()));
        assert_eq!(explain("40001"), DatabaseError::Retryable("why".into()));
        assert_eq!(
            explain("57P01"),
            DatabaseError::OutcomeUnknown("why".into())
        );
        assert_eq!(
            explain("08006"),
            DatabaseError::OutcomeUnknown("why".into())
        );
        assert_eq!(explain("53300"), DatabaseError::Unavailable("why".into()));
        for (code, refusal) in [
            ("42P01", Refusal::NoSuchTable),
            ("42703", Refusal::NoSuchColumn),
            ("22P02", Refusal::WrongType),
            ("25006", Refusal::ReadOnly),
            ("42501", Refusal::NotPermitted),
            ("XX000", Refusal::Other),
        ] {
            let DatabaseError::Failed(error) = explain(code) else {
                panic!("{code} must be a refusal");
            };
            assert_eq!(
                (error.refusal, error.code.as_deref()),
                (refusal, Some(code))
            );
        }
    }
}
