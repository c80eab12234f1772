//! What a database's own code of a refusal says beyond its kind, whatever the host.

use crate::database::{Dialect, SqlError};

impl SqlError {
    /// Whether a value can never be stored, since its characters, its size or its form are none of the
    /// column's: the same statement will be refused the next time too.
    pub(crate) fn is_of_a_value(&self, dialect: Dialect) -> bool {
        let codes: &[&str] = match dialect {
            // string_data_right_truncation, numeric_value_out_of_range, character_not_in_repertoire,
            // invalid_text_representation, untranslatable_character, check_violation,
            // program_limit_exceeded
            Dialect::Postgresql => &[
                "22001", "22003", "22021", "22P02", "22P05", "23514", "54000",
            ],
            // SQLITE_TOOBIG, SQLITE_MISMATCH, SQLITE_CONSTRAINT_CHECK
            Dialect::Sqlite => &["18", "20", "275"],
            // A packet or a text that is too long, characters that the column's set lacks, no JSON, a
            // CHECK that fails; MariaDB has codes of its own for two of them.
            Dialect::Mysql => &[
                "1153", "1366", "1406", "1977", "3140", "3819", "3854", "4025",
            ],
        };
        self.has_one_of(codes)
    }

    /// Whether the server as a whole takes no writes, as the primary that was does while another server
    /// takes its place. A file that is read-only stays so.
    pub(crate) fn is_of_a_standby(&self, dialect: Dialect) -> bool {
        self.has_one_of(match dialect {
            // read_only_sql_transaction
            Dialect::Postgresql => &["25006"],
            Dialect::Sqlite => &[],
            // --read-only, also by super_read_only; read-only mode.
            Dialect::Mysql => &["1290", "1836"],
        })
    }

    fn has_one_of(&self, codes: &[&str]) -> bool {
        (self.code.as_deref()).is_some_and(|code| codes.contains(&code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Refusal;

    fn error(code: &str) -> SqlError {
        SqlError {
            refusal: Refusal::Other,
            code: Some(code.into()),
            message: "why".into(),
        }
    }

    #[test]
    fn a_code_says_whether_a_value_can_ever_be_stored() {
        assert!(error("22P05").is_of_a_value(Dialect::Postgresql));
        assert!(error("18").is_of_a_value(Dialect::Sqlite));
        assert!(error("1366").is_of_a_value(Dialect::Mysql));
        // A time limit, a full disk, a trigger.
        for (code, dialect) in [
            ("57014", Dialect::Postgresql),
            ("53100", Dialect::Postgresql),
            ("13", Dialect::Sqlite),
            ("1811", Dialect::Sqlite),
            ("1021", Dialect::Mysql),
            ("3024", Dialect::Mysql),
            ("18", Dialect::Postgresql),
        ] {
            assert!(!error(code).is_of_a_value(dialect), "{code}");
        }
    }

    #[test]
    fn a_server_that_takes_no_writes_is_told_from_a_file_that_does_not() {
        assert!(error("25006").is_of_a_standby(Dialect::Postgresql));
        assert!(error("1290").is_of_a_standby(Dialect::Mysql));
        assert!(error("1836").is_of_a_standby(Dialect::Mysql));
        assert!(!error("8").is_of_a_standby(Dialect::Sqlite));
        assert!(!error("1142").is_of_a_standby(Dialect::Mysql));
    }
}
