//! The planner's own statements, as a program could hold them that was written by hand: their texts as
//! they were sent once, with the places of what differs from claim to claim.

use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use batchintory_wasmtime::batchintory::{self, Acquisition, Planner};
use batchintory_wasmtime::{
    Access, AcquireRequest, DatabaseError, DatabaseOptions, Databases, Outcome, Rows, Settings,
    Source, SystemRandom, Value, connect,
};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

/// How many claims come before the one that is written down: then no two figures are the same.
const CLAIMS_BEFORE: usize = 20;

/// The job that is written down.
const JOB: &str = "service recorded";

/// What differs from claim to claim.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Job,
    Token,
    Watermark,
    Start,
    End,
    Count,
    Weight,
}

/// A claim, by its parts.
#[derive(Default)]
struct Claim<'a> {
    job: &'a str,
    token: &'a str,
    watermark: i64,
    start: i64,
    end: i64,
    count: i64,
    weight: f64,
}

impl Claim<'_> {
    fn part(&self, part: Part) -> Value {
        match part {
            Part::Job => Value::Text(self.job.into()),
            Part::Token => Value::Text(self.token.into()),
            Part::Watermark => Value::Int64(self.watermark),
            Part::Start => Value::Int64(self.start),
            Part::End => Value::Int64(self.end),
            Part::Count => Value::Int64(self.count),
            Part::Weight => Value::Float64(self.weight),
        }
    }
}

/// A parameter of a statement.
enum Parameter {
    /// Always the same.
    Fixed(Value),
    /// It differs.
    Part(Part),
    /// A text with the job's name within.
    WithJob(String),
}

/// A statement with the columns in which parts of a claim are found.
struct Statement {
    text: String,
    parameters: Vec<Parameter>,
    columns: Vec<(Part, usize)>,
}

/// The four statements of a claim and its end.
pub struct Statements {
    standing: Statement,
    page: Statement,
    claim: Statement,
    end: Statement,
}

impl Statements {
    /// Writes them down, from claims of the native planner.
    pub async fn record(url: &str, request: &AcquireRequest) -> Result<Self> {
        let database = connect(url, Access::ReadWrite).await?;
        let databases = Databases::new(database.clone(), database, DatabaseOptions::default());
        let recorder = Recorder {
            databases,
            sent: Mutex::default(),
        };
        let planner = Planner::new(&recorder, SystemRandom);
        planner.migrate().await?;
        let request = AcquireRequest {
            job: JOB.into(),
            ..request.clone()
        };
        let mut watermark = 0;
        for _ in 0..CLAIMS_BEFORE {
            let Acquisition::Batch(batch) = planner.acquire(&request, None).await? else {
                bail!("nothing to claim");
            };
            watermark = batch.id_end;
            planner
                .complete(&batch.claim_token, &Outcome::succeeded(None))
                .await?;
        }
        recorder.take();
        let Acquisition::Batch(batch) = planner.acquire(&request, None).await? else {
            bail!("nothing to claim");
        };
        planner
            .complete(&batch.claim_token, &Outcome::succeeded(None))
            .await?;
        let claim = Claim {
            job: JOB,
            token: &batch.claim_token,
            watermark,
            start: batch.id_start,
            end: batch.id_end,
            count: i64::try_from(batch.count)?,
            weight: batch.weight,
        };
        let sent = recorder.take();
        let [standing, page, insert, end] = sent.as_slice() else {
            bail!("a claim and its end are {} statements, not 4", sent.len());
        };
        Ok(Self {
            standing: Statement::learn(standing, &claim, &[Part::Watermark])?,
            page: Statement::learn(
                page,
                &claim,
                &[Part::Start, Part::End, Part::Count, Part::Weight],
            )?,
            claim: Statement::learn(insert, &claim, &[])?,
            end: Statement::learn(end, &claim, &[])?,
        })
    }

    /// Claims the next batch. Gives back how many items it has.
    pub async fn acquire(&self, client: &Client, job: &str, token: &str) -> Result<i64> {
        let mut claim = Claim {
            job,
            token,
            watermark: i64::MIN,
            ..Claim::default()
        };
        if let Some(row) = self.standing.send(client, &claim).await?.first() {
            claim.watermark = row.try_get(self.standing.column(Part::Watermark)?)?;
        }
        let page = self.page.send(client, &claim).await?;
        let page = page.first().context("no page")?;
        claim.start = page.try_get(self.page.column(Part::Start)?)?;
        claim.end = page.try_get(self.page.column(Part::End)?)?;
        claim.count = page.try_get(self.page.column(Part::Count)?)?;
        claim.weight = page.try_get(self.page.column(Part::Weight)?)?;
        if self.claim.send(client, &claim).await?.is_empty() {
            bail!("somebody else was faster");
        }
        Ok(claim.count)
    }

    /// Ends a batch well.
    pub async fn complete(&self, client: &Client, token: &str) -> Result<()> {
        let claim = Claim {
            token,
            ..Claim::default()
        };
        self.end.send(client, &claim).await?;
        Ok(())
    }
}

impl Statement {
    /// Finds what differs by its value.
    fn learn(sent: &Sent, claim: &Claim<'_>, columns: &[Part]) -> Result<Self> {
        const PARTS: [Part; 7] = [
            Part::Job,
            Part::Token,
            Part::Watermark,
            Part::Start,
            Part::End,
            Part::Count,
            Part::Weight,
        ];
        let parameter = |value: &Value| {
            let part = PARTS.into_iter().find(|part| claim.part(*part) == *value);
            match (part, value) {
                (Some(part), _) => Parameter::Part(part),
                (None, Value::Text(text)) if text.contains(JOB) => Parameter::WithJob(text.clone()),
                (None, value) => Parameter::Fixed(value.clone()),
            }
        };
        let row = sent.rows.rows.first();
        let columns = columns
            .iter()
            .map(|part| {
                let index =
                    row.and_then(|row| row.iter().position(|cell| *cell == claim.part(*part)));
                Ok((*part, index.context("a part of the claim is in no column")?))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            text: sent.statement.clone(),
            parameters: sent.parameters.iter().map(parameter).collect(),
            columns,
        })
    }

    fn column(&self, part: Part) -> Result<usize> {
        let column = self.columns.iter().find(|(known, _)| *known == part);
        column.map(|(_, index)| *index).context("no such column")
    }

    async fn send(&self, client: &Client, claim: &Claim<'_>) -> Result<Vec<Row>> {
        let values: Vec<Value> = (self.parameters.iter())
            .map(|parameter| match parameter {
                Parameter::Fixed(value) => value.clone(),
                Parameter::Part(part) => claim.part(*part),
                Parameter::WithJob(text) => Value::Text(text.replace(JOB, claim.job)),
            })
            .collect();
        let parameters: Vec<(&(dyn ToSql + Sync), Type)> = values.iter().map(typed).collect();
        Ok(client.query_typed(&self.text, &parameters).await?)
    }
}

fn typed(value: &Value) -> (&(dyn ToSql + Sync), Type) {
    match value {
        Value::Null => (&None::<&str>, Type::TEXT),
        Value::Boolean(value) => (value, Type::BOOL),
        Value::Int64(value) => (value, Type::INT8),
        Value::Float64(value) => (value, Type::FLOAT8),
        Value::Text(value) => (value, Type::TEXT),
    }
}

/// A statement as it was sent, and what came back.
struct Sent {
    statement: String,
    parameters: Vec<Value>,
    rows: Rows,
}

/// Writes down what is sent to the databases.
struct Recorder {
    databases: Databases,
    sent: Mutex<Vec<Sent>>,
}

impl Recorder {
    fn take(&self) -> Vec<Sent> {
        self.sent
            .lock()
            .map(|mut sent| std::mem::take(&mut *sent))
            .unwrap_or_default()
    }
}

impl batchintory::Database for &Recorder {
    fn settings(&self) -> Settings {
        self.databases.settings()
    }

    async fn pause(&self, milliseconds: u32) {
        self.databases.pause(milliseconds).await;
    }

    async fn query(
        &self,
        on: Source,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<Rows, DatabaseError> {
        let rows = (self.databases)
            .query(on, statement.clone(), parameters.clone())
            .await?;
        if let Ok(mut sent) = self.sent.lock() {
            sent.push(Sent {
                statement,
                parameters,
                rows: rows.clone(),
            });
        }
        Ok(rows)
    }
}
