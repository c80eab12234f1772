//! The table of conditions: what a comparison means, whatever the database, its session and the host.
//!
//! `tests/conditions.json` is a list of groups. Each has the types of one column in the databases that
//! have such a type, the column's values in the rows 1, 2, …, and cases: an operator, a value, what is
//! expected, and the member `as` where there is one. Expected are the rows that pass the filter; or a
//! piece of the error; or an object with either for each dialect; or `{"rows": […], "stops": 4}`, where
//! planning goes no further than the row 4, since it cannot be judged.

#![allow(
    clippy::indexing_slicing,
    reason = "an answer that lacks a member fails its test"
)]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use batchintory::{AcquireRequest, Acquisition, Dialect, NothingReason, Operations};
use batchintory_wasmtime::{Access, Database, connect};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::databases::TestDatabase;
use crate::subject::Failure;
use crate::tables::execute;

/// Cases on one column.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    about: String,
    /// Each is tried with all cases.
    types: Vec<HashMap<Dialect, String>>,
    /// Statements before the table is made.
    #[serde(default)]
    setup: HashMap<Dialect, Vec<String>>,
    values: Values,
    cases: Vec<Case>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Values {
    Alike(Vec<Value>),
    Each(HashMap<Dialect, Vec<Value>>),
}

#[derive(Debug, Clone, Deserialize)]
struct Case(String, Value, Expected, #[serde(default)] Option<String>);

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Expected {
    Rows(Vec<i64>),
    Error(String),
    Stops { rows: Vec<i64>, stops: i64 },
    Each(HashMap<Dialect, Expected>),
}

/// A time zone of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Coordinated universal time.
    Utc,
    /// Asia/Tokyo: nine hours earlier.
    Tokyo,
    /// America/New_York: five hours later, four in summer.
    NewYork,
}

impl Zone {
    /// All that sessions of a database can have: those of SQLite have none.
    pub fn of_sessions(dialect: Dialect) -> &'static [Self] {
        match dialect {
            Dialect::Sqlite => &[Self::Utc],
            Dialect::Postgresql | Dialect::Mysql => &[Self::Utc, Self::Tokyo, Self::NewYork],
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utc => "UTC",
            Self::Tokyo => "Asia/Tokyo",
            Self::NewYork => "America/New_York",
        }
    }

    /// What MySQL calls it without tables of time zones.
    fn offset(self) -> &'static str {
        match self {
            Self::Utc => "+00:00",
            Self::Tokyo => "+09:00",
            Self::NewYork => "-05:00",
        }
    }
}

/// A database's only session, in a time zone that the driver has not chosen.
pub async fn session(database: &TestDatabase, zone: Zone) -> Result<Arc<dyn Database>> {
    let statement = match database.connection.dialect() {
        Dialect::Sqlite => return Ok(database.connection.clone()),
        Dialect::Postgresql => format!("SET TIME ZONE '{}'", zone.name()),
        Dialect::Mysql => format!("SET time_zone = '{}'", zone.offset()),
    };
    let separator = if database.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}pool_size=1", database.url);
    let connection = connect(&url, Access::ReadWrite).await?;
    execute(connection.as_ref(), &statement, &[]).await?;
    Ok(connection)
}

/// Reads the table.
pub fn read() -> Result<Vec<Group>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conditions.json");
    let text = std::fs::read_to_string(&path)?;
    serde_json::from_str(&text).with_context(|| format!("{} is not the table", path.display()))
}

/// How many cases there are.
pub fn count(groups: &[Group]) -> usize {
    groups.iter().map(|group| group.cases.len()).sum()
}

/// Makes the meta tables of all cases.
pub async fn make_tables(groups: &[Group], database: &dyn Database) -> Result<()> {
    let dialect = database.dialect();
    for (group_index, group) in groups.iter().enumerate() {
        for statement in group.setup.get(&dialect).into_iter().flatten() {
            execute(database, statement, &[]).await?;
        }
        for (type_index, column_type) in group.types(dialect).enumerate() {
            let table = table(group_index, type_index);
            create(database, &table, column_type, group.values(dialect)?)
                .await
                .with_context(|| format!("{}: {column_type}", group.about))?;
        }
    }
    Ok(())
}

fn table(group: usize, column_type: usize) -> String {
    format!("conditions_{group}_{column_type}")
}

/// Runs every so many cases on a subject whose inventory and meta tables lie in one database of this dialect, and
/// tells of all that fail. `zone` is that of the subject's sessions, and tells runs on one database apart.
pub async fn run(
    groups: &[Group],
    dialect: Dialect,
    subject: &impl Operations<Error = Failure>,
    zone: Zone,
    every: usize,
) -> Result<()> {
    let mut failed = Vec::new();
    let mut ran = 0;
    for (group_index, group) in groups.iter().enumerate() {
        for (type_index, column_type) in group.types(dialect).enumerate() {
            let table = table(group_index, type_index);
            let values = group.values(dialect)?;
            for (index, case) in group.cases.iter().enumerate() {
                if !(index + group_index).is_multiple_of(every) {
                    continue;
                }
                ran += 1;
                let check = Check {
                    subject,
                    table: &table,
                    name: format!("case {index} in {}", zone.name()),
                    values,
                };
                if let Err(error) = check.run(case, dialect).await {
                    let Case(operator, value, _, reading) = case;
                    failed.push(format!(
                        "{}: {column_type} {operator} {value} as {reading:?}: {error:?}",
                        group.about
                    ));
                }
            }
        }
    }
    ensure!(ran > 0, "no case was run");
    ensure!(
        failed.is_empty(),
        "{} of {ran}:\n{}",
        failed.len(),
        failed.join("\n\n")
    );
    Ok(())
}

impl Group {
    fn types(&self, dialect: Dialect) -> impl Iterator<Item = &String> {
        self.types
            .iter()
            .filter_map(move |types| types.get(&dialect))
    }

    fn values(&self, dialect: Dialect) -> Result<&[Value]> {
        match &self.values {
            Values::Alike(values) => Ok(values),
            Values::Each(values) => Ok(values.get(&dialect).context("no values")?),
        }
    }
}

/// One case under way.
struct Check<'a, S> {
    subject: &'a S,
    table: &'a str,
    name: String,
    values: &'a [Value],
}

impl<S: Operations<Error = Failure>> Check<'_, S> {
    async fn run(&self, case: &Case, dialect: Dialect) -> Result<()> {
        let Case(operator, value, expected, reading) = case;
        let mut condition = json!({"column": "c", "op": operator});
        if !value.is_null() {
            condition["value"] = value.clone();
        }
        if let Some(reading) = reading {
            condition["as"] = reading.as_str().into();
        }
        let expected = match expected {
            Expected::Each(each) => each.get(&dialect).context("nothing is expected")?,
            expected => expected,
        };
        match expected {
            Expected::Error(piece) => {
                let request = self.request("filter", Some(&condition), None);
                match self.subject.acquire(request, None).await {
                    Err(failure) => ensure!(
                        failure.name == "invalid-request"
                            && failure.message.contains(piece)
                            && failure.message.contains("\"c\""),
                        "must fail by {piece:?}, but fails as {failure:?}"
                    ),
                    Ok(answer) => bail!("must fail by {piece:?}, but gives {answer:?}"),
                }
                Ok(())
            }
            Expected::Stops { rows, stops } => {
                self.check_filter(&condition, rows, Some(*stops)).await
            }
            Expected::Rows(rows) => {
                self.check_filter(&condition, rows, None).await?;
                let tests_null = operator.starts_with("is-");
                let nulls: Vec<i64> = (1..)
                    .zip(self.values)
                    .filter(|(_, value)| value.is_null() && !tests_null)
                    .map(|(uid, _)| uid)
                    .collect();
                self.check_not(&condition, rows, &nulls).await?;
                self.check_hold(&condition, rows, &nulls).await
            }
            Expected::Each(_) => bail!("one for each dialect within another"),
        }
    }

    /// A job of its own for each thing that is asked.
    fn request(&self, asked: &str, filter: Option<&Value>, hold: Option<&Value>) -> AcquireRequest {
        AcquireRequest {
            filter: filter.map(Value::to_string),
            hold: hold.map(Value::to_string),
            columns: batchintory::MetaColumns {
                weight: None,
                ..batchintory::MetaColumns::default()
            },
            ..AcquireRequest::new(self.table, format!("{} {asked}", self.name))
        }
    }

    /// What passes is handed out, item by item, and nothing more.
    async fn check_filter(
        &self,
        condition: &Value,
        rows: &[i64],
        stops: Option<i64>,
    ) -> Result<()> {
        let request = self.request("filter", Some(condition), None);
        if !rows.is_empty() {
            let acquired = self.subject.acquire(request.clone(), None).await?;
            let Acquisition::Batch(batch) = acquired else {
                bail!("no batch, but {acquired:?}");
            };
            let token = batch.claim_token.clone();
            let items = self.subject.items(token, None, 1_000).await?;
            let uids: Vec<i64> = items.iter().map(|item| item.uid).collect();
            ensure!(uids == rows, "must pass {rows:?}, but {uids:?} did");
            ensure!(
                batch.count == uids.len() as u64,
                "{batch:?} has another count"
            );
        }
        match (self.subject.acquire(request, None).await, stops) {
            (Ok(Acquisition::Nothing(nothing)), None) => {
                ensure!(
                    nothing.reason == NothingReason::CaughtUp,
                    "then {nothing:?}"
                );
            }
            (Err(failure), Some(uid)) => ensure!(
                failure.name == "invalid-request"
                    && failure.message.contains("\"c\"")
                    && failure.message.contains(&format!("uid {uid} ")),
                "must stop at {uid}, but fails as {failure:?}"
            ),
            (answer, stops) => bail!("must stop at {stops:?}, but gives {answer:?}"),
        }
        Ok(())
    }

    /// What does not pass passes the opposite, but for NULL, which passes neither.
    async fn check_not(&self, condition: &Value, rows: &[i64], nulls: &[i64]) -> Result<()> {
        let request = AcquireRequest {
            max_count: Some(1),
            ..self.request("not", Some(&json!({"not": condition})), None)
        };
        let plan = self.subject.plan(request, None, 100).await?;
        let uids: Vec<i64> = plan.batches.iter().map(|batch| batch.id_start).collect();
        let others: Vec<i64> = (1..)
            .zip(self.values)
            .map(|(uid, _)| uid)
            .filter(|uid| !rows.contains(uid) && !nulls.contains(uid))
            .collect();
        ensure!(
            uids == others,
            "the opposite must pass {others:?}, but {uids:?} did"
        );
        Ok(())
    }

    /// As a hold, it stops planning before the first row for which it holds, or that is NULL.
    async fn check_hold(&self, condition: &Value, rows: &[i64], nulls: &[i64]) -> Result<()> {
        let request = self.request("hold", None, Some(condition));
        let plan = self.subject.plan(request, None, 1).await?;
        let first = rows.iter().chain(nulls).min().copied();
        let last = match first {
            Some(1) => None,
            Some(first) => Some(first - 1),
            None => i64::try_from(self.values.len()).ok(),
        };
        ensure!(
            plan.batches.first().map(|batch| batch.id_end) == last
                && (last.is_some() || plan.held == first),
            "must be held before {first:?}, but {plan:?}"
        );
        Ok(())
    }
}

async fn create(
    database: &dyn Database,
    table: &str,
    column_type: &str,
    values: &[Value],
) -> Result<()> {
    let dialect = database.dialect();
    let create =
        format!("CREATE TABLE {table} (uid bigint PRIMARY KEY, item varchar(20), c {column_type})");
    execute(database, &create, &[]).await?;
    let rows = (1..).zip(values).map(|(uid, value)| {
        let value = literal(value, column_type, dialect)?;
        Ok(format!("({uid}, '{uid}', {value})"))
    });
    let rows: Vec<String> = rows.collect::<Result<_>>()?;
    let insert = format!("INSERT INTO {table} VALUES {}", rows.join(", "));
    execute(database, &insert, &[]).await
}

/// A value as SQL.
fn literal(value: &Value, column_type: &str, dialect: Dialect) -> Result<String> {
    Ok(match value {
        Value::Null => "NULL".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => {
            let text = text.replace('\'', "''");
            match dialect {
                Dialect::Mysql => format!("'{}'", text.replace('\\', "\\\\")),
                Dialect::Postgresql | Dialect::Sqlite => format!("'{text}'"),
            }
        }
        Value::Object(ago) => match (ago.get("seconds_ago"), ago.get("milliseconds_ago")) {
            (Some(seconds), None) => match dialect {
                Dialect::Postgresql => format!(
                    "CAST(to_char(now() AT TIME ZONE 'UTC' - INTERVAL '{seconds} seconds', \
                     'YYYY-MM-DD HH24:MI:SS') || '+00' AS {column_type})"
                ),
                Dialect::Sqlite => format!("datetime('now', (-({seconds})) || ' seconds')"),
                Dialect::Mysql => format!(
                    "DATE_FORMAT(UTC_TIMESTAMP() - INTERVAL {seconds} SECOND, '%Y-%m-%d %H:%i:%s')"
                ),
            },
            (None, Some(milliseconds)) => {
                let now = match dialect {
                    Dialect::Postgresql => "CAST(extract(epoch FROM now()) AS bigint)",
                    Dialect::Sqlite => "CAST(strftime('%s', 'now') AS integer)",
                    Dialect::Mysql => "UNIX_TIMESTAMP()",
                };
                format!("{now} * 1000 - ({milliseconds})")
            }
            _ => bail!("{value} is no time"),
        },
        Value::Array(_) => bail!("{value} is no value"),
    })
}
