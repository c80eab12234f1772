//! The driver for MySQL and MariaDB: sessions, values, and what its errors mean.

use anyhow::{Context, Result, anyhow};
use batchintory::{DatabaseError, Refusal, Rows, Value};
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
            matches!(&error, Some(DatabaseError::Failed(error)) if error.refusal == Refusal::WrongType),
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
    for (statement, refusal, code) in [
        ("SELECT 1 FROM nowhere", Refusal::NoSuchTable, "1146"),
        (
            "SELECT 1 FROM `no database`.numbers",
            Refusal::NoSuchTable,
            "1146",
        ),
        ("SELECT nothing FROM numbers", Refusal::NoSuchColumn, "1054"),
        (
            "INSERT INTO numbers VALUES (1000)",
            Refusal::WrongType,
            "1264",
        ),
        (
            "INSERT INTO numbers VALUES ('x')",
            Refusal::WrongType,
            "1366",
        ),
        ("SELECT FROM", Refusal::Other, "1064"),
    ] {
        let error = query(&database, statement, &[]).await.err();
        assert!(
            matches!(
                &error,
                Some(DatabaseError::Failed(error))
                    if error.refusal == refusal && error.code.as_deref() == Some(code)
            ),
            "{statement}: {error:?}"
        );
    }
    let error = query(&database, "INSERT INTO numbers VALUES (1)", &[]).await;
    assert!(
        matches!(error, Err(DatabaseError::Conflict(_))),
        "{error:?}"
    );
    Ok(())
}

#[tokio::test]
async fn errors_of_servers_in_trouble_tell_whether_there_was_an_effect() -> Result<()> {
    let database = mysql().await?;
    let signal = async |code: u16| {
        let statement =
            format!("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'signal'");
        let error = query(&database, &statement, &[]).await.err();
        error.with_context(|| format!("{code} is no error"))
    };
    for code in [1020, 1205, 1213, 3572] {
        let error = signal(code).await?;
        assert!(
            matches!(error, DatabaseError::Retryable(_)),
            "{code}: {error:?}"
        );
    }
    for code in [1040, 1203] {
        let error = signal(code).await?;
        assert!(
            matches!(error, DatabaseError::Unavailable(_)),
            "{code}: {error:?}"
        );
    }
    for code in [1053, 1927] {
        let error = signal(code).await?;
        assert!(
            matches!(error, DatabaseError::OutcomeUnknown(_)),
            "{code}: {error:?}"
        );
    }
    for (code, refusal) in [
        (1290, Refusal::ReadOnly),
        (1836, Refusal::ReadOnly),
        (1142, Refusal::NotPermitted),
        (1049, Refusal::NoSuchTable),
        (1317, Refusal::Other),
    ] {
        let error = signal(code).await?;
        assert!(
            matches!(&error, DatabaseError::Failed(error) if error.refusal == refusal),
            "{code}: {error:?}"
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
