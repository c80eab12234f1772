//! The driver for MySQL and MariaDB: sessions, values, and what its errors mean.

use anyhow::{Context, Result, anyhow};
use batchintory::{DatabaseError, Dialect, FailureKind, Rows, Value};
use batchintory_tests::{TestDatabase, mysql};
use batchintory_wasmtime::{Access, connect};

async fn query(
    database: &TestDatabase,
    statement: &str,
    parameters: &[Value],
) -> Result<Rows, DatabaseError> {
    database.connection.query(statement, parameters).await
}

async fn rows(
    database: &TestDatabase,
    statement: &str,
    parameters: &[Value],
) -> Result<Vec<Vec<Value>>> {
    let answer = query(database, statement, parameters).await;
    Ok(answer.map_err(|error| anyhow!("{error:?}"))?.rows)
}

async fn affected(database: &TestDatabase, statement: &str) -> Result<u64> {
    let answer = query(database, statement, &[]).await;
    Ok(answer.map_err(|error| anyhow!("{error:?}"))?.affected)
}

fn kind(error: &DatabaseError) -> FailureKind {
    error.kind(Dialect::Mysql)
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[tokio::test]
async fn values_come_back_as_they_were_sent() -> Result<()> {
    let database = mysql().await?;
    let statement = "SELECT CAST(? AS signed), CAST(? AS signed), CAST(? AS double), CAST(? AS char), CAST(? AS char)";
    for (int, double, string) in [
        (0, 0.0, ""),
        (i64::MIN, 0.1, "séléct 'x' \\ \"y\" `z` 日本 🦀"),
        (i64::MAX, -1e300, "line\nline\ttab"),
    ] {
        let sent = [
            Value::Null,
            Value::Int64(int),
            Value::Float64(double),
            text(string),
            Value::Null,
        ];
        assert_eq!(rows(&database, statement, &sent).await?, [sent.to_vec()]);
    }
    let booleans = [Value::Boolean(true), Value::Boolean(false)];
    assert_eq!(
        rows(
            &database,
            "SELECT CAST(? AS signed), CAST(? AS signed)",
            &booleans
        )
        .await?,
        [[Value::Int64(1), Value::Int64(0)]]
    );
    Ok(())
}

#[tokio::test]
async fn a_value_of_no_type_of_the_boundary_is_refused() -> Result<()> {
    let database = mysql().await?;
    for statement in [
        "SELECT now()",
        "SELECT CAST(18446744073709551615 AS unsigned)",
        "SELECT x'FF'",
    ] {
        let error = query(&database, statement, &[]).await.err();
        assert!(
            error
                .as_ref()
                .is_some_and(|error| kind(error) == FailureKind::WrongValue),
            "{statement}: {error:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn sessions_do_not_depend_on_the_servers_defaults() -> Result<()> {
    let database = mysql().await?;
    let settings = rows(
        &database,
        "SELECT CAST(@@character_set_client AS char), CAST(@@time_zone AS char), \
         CAST(@@autocommit AS signed), CAST(@@sql_mode AS char)",
        &[],
    )
    .await?;
    let mode = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";
    assert_eq!(
        settings,
        [[text("utf8mb4"), text("+00:00"), Value::Int64(1), text(mode)]]
    );
    Ok(())
}

#[tokio::test]
async fn affected_are_the_rows_that_match_changed_or_not() -> Result<()> {
    let database = mysql().await?;
    let table = "CREATE TABLE numbers (number bigint PRIMARY KEY, kind text)";
    assert_eq!(affected(&database, table).await?, 0);
    let insert = "INSERT INTO numbers VALUES (1, 'a'), (2, 'a'), (3, 'b')";
    assert_eq!(affected(&database, insert).await?, 3);
    let same = "UPDATE numbers SET kind = 'a' WHERE number <= 2";
    assert_eq!(affected(&database, same).await?, 2);
    assert_eq!(affected(&database, "SELECT number FROM numbers").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_statement_that_cannot_be_prepared_runs_too() -> Result<()> {
    let database = mysql().await?;
    // MariaDB prepares all but this; MySQL leaves many more out.
    let statement = "PREPARE one FROM 'SELECT 1'";
    assert_eq!(affected(&database, statement).await?, 0);
    Ok(())
}

#[tokio::test]
async fn refusals_tell_what_was_wrong() -> Result<()> {
    let database = mysql().await?;
    let table = "CREATE TABLE numbers (number tinyint PRIMARY KEY)";
    affected(&database, table).await?;
    affected(&database, "INSERT INTO numbers VALUES (1)").await?;
    for (statement, expected) in [
        ("SELECT 1 FROM nowhere", FailureKind::NoSuchTable),
        (
            "SELECT 1 FROM `no database`.numbers",
            FailureKind::NoSuchTable,
        ),
        ("SELECT nothing FROM numbers", FailureKind::NoSuchColumn),
        ("INSERT INTO numbers VALUES (1000)", FailureKind::WrongValue),
        ("INSERT INTO numbers VALUES ('x')", FailureKind::WrongValue),
        ("INSERT INTO numbers VALUES (1)", FailureKind::Conflict),
        ("SELECT FROM", FailureKind::Other),
    ] {
        let error = query(&database, statement, &[]).await.err();
        let error = error.with_context(|| format!("{statement} is no error"))?;
        assert_eq!(kind(&error), expected, "{statement}: {error:?}");
    }
    Ok(())
}

#[tokio::test]
async fn errors_of_servers_come_with_their_numbers() -> Result<()> {
    let database = mysql().await?;
    for code in [1213_u16, 1040, 1053, 1290, 1317] {
        let statement =
            format!("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'signal'");
        let answer = query(&database, &statement, &[]).await;
        assert_eq!(
            answer,
            Err(DatabaseError::refused(code.to_string(), "signal"))
        );
    }
    Ok(())
}

#[tokio::test]
async fn mariadb_is_a_scheme_too_and_connections_are_shared() -> Result<()> {
    let database = mysql().await?;
    let (_, rest) = database.url.split_once("://").context("a URL")?;
    let separator = if rest.contains('?') { '&' } else { '?' };
    let url = format!("mariadb://{rest}{separator}pool_size=1");
    let connection = connect(&url, Access::ReadWrite).await?;
    let statement = "SELECT CAST(connection_id() AS signed)";
    let first = connection.query(statement, &[]).await;
    let second = connection.query(statement, &[]).await;
    assert_eq!(first, second);
    assert!(first.is_ok_and(|rows| rows.rows.len() == 1));
    Ok(())
}
