//! What a database's own code of a refusal means: the one place that knows, whatever the host.

use crate::database::{DatabaseError, Dialect, Refusal};

/// What it means that a statement has no result, as far as one branches on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The database cannot be reached, or takes nobody in; no effect.
    Unavailable,
    /// The connection ended: the statement may have taken effect.
    OutcomeUnknown,
    /// A unique constraint is violated.
    Conflict,
    /// A conflict with another transaction, over as soon as that is.
    Passing,
    /// A table, or the schema that should hold it, does not exist.
    NoSuchTable,
    /// A column does not exist in its table.
    NoSuchColumn,
    /// A column has a type that the statement cannot use.
    WrongType,
    /// A value is none of its column's type.
    WrongValue,
    /// A value can never be stored, by its characters, its size or its form.
    Unstorable,
    /// What is to be made is there already, since somebody else makes it at the same moment.
    IsMade,
    /// The column that is to be added is there already.
    ColumnIsThere,
    /// A table, a file or a transaction cannot be written to, and stays so.
    ReadOnly,
    /// The server as a whole takes no writes, as the primary that was does while another one takes its place.
    Standby,
    /// The database's user lacks a privilege.
    NotPermitted,
    /// Anything else.
    Other,
}

/// Why a statement has no result: what the host says of it, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// The database's own code, where it has told one.
    pub(crate) code: String,
    /// The words of the database, or of its driver.
    pub(crate) message: String,
}

impl Failure {
    /// What a host says of a database of this dialect.
    pub(crate) fn of(error: DatabaseError, dialect: Dialect) -> Self {
        let kind = error.kind(dialect);
        let (code, message) = match error {
            DatabaseError::Refused(Refusal { code, message }) => (code, message),
            other => (String::new(), other.into_message()),
        };
        Self {
            kind,
            code,
            message,
        }
    }

    /// A statement that may have taken effect.
    pub(crate) fn outcome_unknown(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::OutcomeUnknown,
            code: String::new(),
            message: message.into(),
        }
    }

    /// Whether a value can never be stored: the same statement will be refused the next time too.
    pub(crate) fn is_of_a_value(&self) -> bool {
        matches!(self.kind, Kind::WrongValue | Kind::Unstorable)
    }
}

impl Kind {
    /// Whether the database does not do what the statement asks for, whenever it is asked.
    pub fn is_refusal(self) -> bool {
        !matches!(
            self,
            Self::Unavailable | Self::OutcomeUnknown | Self::Conflict | Self::Passing
        )
    }
}

impl DatabaseError {
    /// What it means in this dialect: for whoever sends statements of their own.
    pub fn kind(&self, dialect: Dialect) -> Kind {
        match self {
            Self::Unavailable(_) => Kind::Unavailable,
            Self::OutcomeUnknown(_) => Kind::OutcomeUnknown,
            Self::Refused(refusal) => refusal.kind(dialect),
        }
    }
}

impl Refusal {
    /// What it means in this dialect.
    fn kind(&self, dialect: Dialect) -> Kind {
        match dialect {
            Dialect::Postgresql => of_postgresql(&self.code),
            Dialect::Sqlite => of_sqlite(&self.code, &self.message),
            Dialect::Mysql => of_mysql(&self.code),
        }
    }
}

/// By SQLSTATE: [PostgreSQL's appendix](https://www.postgresql.org/docs/current/errcodes-appendix.html).
fn of_postgresql(code: &str) -> Kind {
    match code {
        // unique_violation
        "23505" => Kind::Conflict,
        // serialization_failure, deadlock_detected, lock_not_available
        "40001" | "40P01" | "55P03" => Kind::Passing,
        // statement_completion_unknown; admin_shutdown, crash_shutdown, database_dropped,
        // idle_session_timeout: the session ends. What it did before is rolled back, but for a commit that was
        // under way.
        "40003" | "57P01" | "57P02" | "57P04" | "57P05" => Kind::OutcomeUnknown,
        // cannot_connect_now, too_many_connections
        "57P03" | "53300" => Kind::Unavailable,
        // undefined_table, invalid_schema_name
        "42P01" | "3F000" => Kind::NoSuchTable,
        // undefined_column
        "42703" => Kind::NoSuchColumn,
        // undefined_function, datatype_mismatch, cannot_coerce, invalid_datetime_format
        "42883" | "42804" | "42846" | "22007" => Kind::WrongType,
        // invalid_text_representation, numeric_value_out_of_range
        "22P02" | "22003" => Kind::WrongValue,
        // string_data_right_truncation, character_not_in_repertoire, untranslatable_character,
        // check_violation, program_limit_exceeded
        "22001" | "22021" | "22P05" | "23514" | "54000" => Kind::Unstorable,
        // duplicate_table, duplicate_object
        "42P07" | "42710" => Kind::IsMade,
        // duplicate_column
        "42701" => Kind::ColumnIsThere,
        // read_only_sql_transaction
        "25006" => Kind::Standby,
        // insufficient_privilege
        "42501" => Kind::NotPermitted,
        // Connection exceptions. Poolers use them for whatever goes wrong between them and the server.
        _ if code.starts_with("08") => Kind::OutcomeUnknown,
        _ => Kind::Other,
    }
}

/// By [result code](https://sqlite.org/rescode.html): extended where it says more, else by the primary one in
/// its lowest byte.
fn of_sqlite(code: &str, message: &str) -> Kind {
    let Ok(number) = code.parse::<u32>() else {
        // It may have been lost on its way to a database far away.
        return of_sqlites_words(message).unwrap_or(Kind::OutcomeUnknown);
    };
    match number {
        // SQLITE_ERROR is all that is wrong with a statement, SQLITE_CONSTRAINT any constraint.
        1 | 19 => return of_sqlites_words(message).unwrap_or(Kind::Other),
        // SQLITE_CONSTRAINT_PRIMARYKEY, _UNIQUE, _ROWID
        1555 | 2067 | 2579 => return Kind::Conflict,
        // SQLITE_CONSTRAINT_CHECK
        275 => return Kind::Unstorable,
        _ => {}
    }
    match number & 0xff {
        // SQLITE_BUSY, _LOCKED, _SCHEMA, _PROTOCOL: a lock that was waited for in vain, a statement that must
        // be prepared anew, a race for the write-ahead log's first lock.
        5 | 6 | 17 | 15 => Kind::Passing,
        // SQLITE_CANTOPEN
        14 => Kind::Unavailable,
        // SQLITE_READONLY
        8 => Kind::ReadOnly,
        // SQLITE_PERM, _AUTH
        3 | 23 => Kind::NotPermitted,
        // SQLITE_TOOBIG
        18 => Kind::Unstorable,
        // SQLITE_MISMATCH
        20 => Kind::WrongValue,
        _ => Kind::Other,
    }
}

/// SQLite's own words, which are the same in all its versions, with what drivers put around them: some tell no
/// code, and for tables and columns there is none.
fn of_sqlites_words(message: &str) -> Option<Kind> {
    const WORDS: [(&str, Kind); 18] = [
        ("no such table", Kind::NoSuchTable),
        ("unknown database", Kind::NoSuchTable),
        ("no such column", Kind::NoSuchColumn),
        ("has no column named", Kind::NoSuchColumn),
        ("duplicate column name", Kind::ColumnIsThere),
        ("UNIQUE constraint failed", Kind::Conflict),
        ("PRIMARY KEY constraint failed", Kind::Conflict),
        ("CHECK constraint failed", Kind::Unstorable),
        ("too big", Kind::Unstorable),
        ("datatype mismatch", Kind::WrongValue),
        ("is locked", Kind::Passing),
        ("schema has changed", Kind::Passing),
        ("locking protocol", Kind::Passing),
        ("unable to open database", Kind::Unavailable),
        ("readonly database", Kind::ReadOnly),
        ("not authorized", Kind::NotPermitted),
        ("syntax error", Kind::Other),
        ("constraint failed", Kind::Other),
    ];
    WORDS
        .iter()
        .find(|(words, _)| message.contains(words))
        .map(|(_, kind)| *kind)
}

/// By number, as an SQLSTATE says much less here:
/// [MySQL's](https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html) and
/// [MariaDB's](https://mariadb.com/kb/en/mariadb-error-code-reference/), which share those below 1900.
fn of_mysql(code: &str) -> Kind {
    match code.parse::<u32>().unwrap_or_default() {
        // Duplicate keys.
        1022 | 1062 | 1169 | 1586 => Kind::Conflict,
        // A lock that was waited for too long or is not waited for, a deadlock, a row or a table that has
        // changed since the snapshot, a statement that must be prepared anew, a group of servers that took
        // another transaction.
        1020 | 1205 | 1213 | 1412 | 1615 | 1689 | 3101 | 3572 => Kind::Passing,
        // Too many connections, of all or of this user; limits of an account; a server that still joins its
        // group.
        1040 | 1047 | 1203 | 1226 => Kind::Unavailable,
        // The server goes down or ends the session, the network fails: what was done is rolled back, but for a
        // commit that was under way.
        1053 | 1077..=1080 | 1152 | 1158..=1161 | 1184 | 1927 | 3169 | 4031 => Kind::OutcomeUnknown,
        // A database, or a table.
        1049 | 1051 | 1109 | 1146 => Kind::NoSuchTable,
        1054 | 1072 => Kind::NoSuchColumn,
        // A value that is cut off, or none of a type that is asked for; MariaDB's two are of an operation
        // that knows no such types.
        1265 | 1292 | 1411 | 1690 | 4078 | 4079 => Kind::WrongType,
        // A number out of range, characters that the column's set lacks, a text that is too long, no JSON.
        1264 | 1366 | 1406 | 3140 => Kind::WrongValue,
        // A packet that is too long, characters of another set, a CHECK that fails; MariaDB has codes of its
        // own for two of them.
        1153 | 1977 | 3819 | 3854 | 4025 => Kind::Unstorable,
        // A table that is read-only, a transaction that is.
        1036 | 1792 => Kind::ReadOnly,
        // --read-only, also by super_read_only; read-only mode.
        1290 | 1836 => Kind::Standby,
        // A database, a table, a column, a privilege of the whole server, a routine.
        1044 | 1142 | 1143 | 1227 | 1370 => Kind::NotPermitted,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(dialect: Dialect, code: &str, message: &str) -> Kind {
        DatabaseError::refused(code, message).kind(dialect)
    }

    #[test]
    fn sqlstates_tell_what_became_of_a_statement() {
        for (code, expected) in [
            ("23505", Kind::Conflict),
            ("23503", Kind::Other),
            ("40001", Kind::Passing),
            ("40P01", Kind::Passing),
            ("55P03", Kind::Passing),
            ("40003", Kind::OutcomeUnknown),
            ("57P01", Kind::OutcomeUnknown),
            ("57P05", Kind::OutcomeUnknown),
            ("08006", Kind::OutcomeUnknown),
            ("08P01", Kind::OutcomeUnknown),
            ("57P03", Kind::Unavailable),
            ("53300", Kind::Unavailable),
            ("42P01", Kind::NoSuchTable),
            ("3F000", Kind::NoSuchTable),
            ("42703", Kind::NoSuchColumn),
            ("42804", Kind::WrongType),
            ("22P02", Kind::WrongValue),
            ("22P05", Kind::Unstorable),
            ("42P07", Kind::IsMade),
            ("42701", Kind::ColumnIsThere),
            ("25006", Kind::Standby),
            ("42501", Kind::NotPermitted),
            // query_canceled, disk_full, and what a driver says without a code
            ("57014", Kind::Other),
            ("53100", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(kind(Dialect::Postgresql, code, "why"), expected, "{code}");
        }
    }

    #[test]
    fn extended_codes_of_sqlite_tell_more_than_primary_ones() {
        for (code, expected) in [
            ("2067", Kind::Conflict),
            ("1555", Kind::Conflict),
            ("2579", Kind::Conflict),
            ("275", Kind::Unstorable),
            // SQLITE_CONSTRAINT_TRIGGER, _NOTNULL
            ("1811", Kind::Other),
            ("1299", Kind::Other),
            ("5", Kind::Passing),
            // SQLITE_BUSY_SNAPSHOT, _LOCKED_SHAREDCACHE
            ("517", Kind::Passing),
            ("262", Kind::Passing),
            ("17", Kind::Passing),
            ("14", Kind::Unavailable),
            // SQLITE_READONLY_DBMOVED
            ("1032", Kind::ReadOnly),
            ("18", Kind::Unstorable),
            ("20", Kind::WrongValue),
            ("23", Kind::NotPermitted),
            // SQLITE_FULL, _INTERRUPT, _CORRUPT
            ("13", Kind::Other),
            ("9", Kind::Other),
            ("11", Kind::Other),
        ] {
            // The words count only where the code says nothing.
            assert_eq!(
                kind(Dialect::Sqlite, code, "no such table: t"),
                expected,
                "{code}"
            );
        }
    }

    #[test]
    fn sqlites_words_tell_what_has_no_code() {
        for (words, expected) in [
            ("no such table: nowhere", Kind::NoSuchTable),
            (
                "D1_ERROR: no such table: nowhere: SQLITE_ERROR",
                Kind::NoSuchTable,
            ),
            ("unknown database lake", Kind::NoSuchTable),
            ("no such column: b", Kind::NoSuchColumn),
            ("table t has no column named b", Kind::NoSuchColumn),
            ("duplicate column name: b", Kind::ColumnIsThere),
            ("UNIQUE constraint failed: t.a", Kind::Conflict),
            ("CHECK constraint failed: json_valid(a)", Kind::Unstorable),
            ("NOT NULL constraint failed: t.a", Kind::Other),
            ("database is locked", Kind::Passing),
            ("database table is locked: t", Kind::Passing),
            ("near \"SELEC\": syntax error", Kind::Other),
        ] {
            for code in ["", "1"] {
                assert_eq!(kind(Dialect::Sqlite, code, words), expected, "{words}");
            }
        }
        let network = "D1_ERROR: Network connection lost.";
        assert_eq!(kind(Dialect::Sqlite, "", network), Kind::OutcomeUnknown);
        assert_eq!(kind(Dialect::Sqlite, "1", network), Kind::Other);
    }

    #[test]
    fn numbers_of_mysql_tell_what_became_of_a_statement() {
        for (code, expected) in [
            ("1062", Kind::Conflict),
            ("1022", Kind::Conflict),
            ("1205", Kind::Passing),
            ("1213", Kind::Passing),
            ("1020", Kind::Passing),
            ("1615", Kind::Passing),
            ("3572", Kind::Passing),
            ("1040", Kind::Unavailable),
            ("1203", Kind::Unavailable),
            ("1053", Kind::OutcomeUnknown),
            ("1079", Kind::OutcomeUnknown),
            ("1160", Kind::OutcomeUnknown),
            ("1927", Kind::OutcomeUnknown),
            ("1169", Kind::Conflict),
            ("1146", Kind::NoSuchTable),
            ("1049", Kind::NoSuchTable),
            ("1054", Kind::NoSuchColumn),
            ("1292", Kind::WrongType),
            ("1366", Kind::WrongValue),
            ("1153", Kind::Unstorable),
            ("4025", Kind::Unstorable),
            ("1036", Kind::ReadOnly),
            ("1290", Kind::Standby),
            ("1836", Kind::Standby),
            ("1142", Kind::NotPermitted),
            // A syntax error, a statement that was cancelled, one that took too long, a full disk.
            ("1064", Kind::Other),
            ("1317", Kind::Other),
            ("3024", Kind::Other),
            ("1021", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(kind(Dialect::Mysql, code, "why"), expected, "{code}");
        }
    }
}
