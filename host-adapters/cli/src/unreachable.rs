//! A database without a connection, for commands which can do without.

use async_trait::async_trait;
use batchintory_database_url::{DatabaseUrl, System};
use batchintory_wasmtime::{Database, DatabaseError, Dialect, Error, Rows, Value};

/// Answers every statement with the reason why there is no connection.
pub struct Unreachable {
    dialect: Dialect,
    schema: Option<String>,
    reason: String,
}

impl Unreachable {
    /// For the database at this URL, which could not be opened.
    pub fn new(url: &str, error: &Error) -> Self {
        let scheme = url.split([':', '+']).next().unwrap_or_default();
        Self {
            dialect: match scheme {
                "sqlite" => Dialect::Sqlite,
                "mysql" | "mariadb" => Dialect::Mysql,
                _ => Dialect::Postgresql,
            },
            schema: mysql_database(url),
            reason: error.to_string(),
        }
    }

    /// For a database of this dialect, at this URL if it is of the dialect, that need not be asked.
    pub fn unasked(dialect: Dialect, url: &str) -> Self {
        Self {
            dialect,
            schema: mysql_database(url).filter(|_| dialect == Dialect::Mysql),
            reason: "no database is asked".into(),
        }
    }
}

#[async_trait]
impl Database for Unreachable {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    async fn query(&self, _: &str, _: &[Value]) -> Result<Rows, DatabaseError> {
        Err(DatabaseError::Unavailable(self.reason.clone()))
    }
}

/// The database that a URL of MySQL names.
fn mysql_database(url: &str) -> Option<String> {
    match DatabaseUrl::parse(url) {
        Ok(DatabaseUrl::Server(server)) if server.system == System::Mysql => server.database,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::mysql_database;

    #[test]
    fn the_database_stands_behind_the_host() {
        for (url, database) in [
            (
                "mysql://me:se%2Fcret@host:3306/lake?sslmode=disable",
                Some("lake"),
            ),
            ("mysql://host/la%20ke", Some("la ke")),
            ("mariadb+pymysql://host/lake", Some("lake")),
            ("mysql://host", None),
            ("mysql://host/", None),
            ("postgres://host/lake", None),
            ("sqlite:lake", None),
        ] {
            assert_eq!(mysql_database(url).as_deref(), database, "{url}");
        }
    }
}
