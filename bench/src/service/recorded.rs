//! The planner's own statements, as a program could hold them that was written by hand: their texts as
//! they were sent once, with the places of what differs from claim to claim.

use anyhow::{Context, Result, bail};
use batchintory_wasmtime::batchintory::{Acquisition, Operations as _, Planner};
use batchintory_wasmtime::{
    Access, AcquireRequest, DatabaseOptions, Databases, Outcome, SystemRandom, Value, connect,
};
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use crate::recorder::{Recorder, Sent};

/// How many claims come before the one that is written down: then no two figures are the same.
const CLAIMS_BEFORE: usize = 20;

/// The job that is written down.
const JOB: &str = "service recorded";

/// A parameter of a statement.
enum Parameter {
    /// Always the same.
    Fixed(Value),
    Job,
    Token,
    /// A text with the job's name within.
    WithJob(String),
}

struct Statement {
    text: String,
    parameters: Vec<Parameter>,
}

/// The statements of a claim and of its end.
pub struct Statements {
    claim: Statement,
    end: Statement,
    /// Where a claim tells how many items it has.
    count: usize,
}

/// A connection on which they are prepared.
pub struct Connection {
    client: Client,
    claim: tokio_postgres::Statement,
    end: tokio_postgres::Statement,
}

impl Statements {
    /// Writes them down, from claims of the native planner.
    pub async fn record(url: &str, request: &AcquireRequest) -> Result<Self> {
        let database = connect(url, Access::ReadWrite).await?;
        let recorder = Recorder::before(database);
        let databases = Databases::new(
            recorder.clone(),
            recorder.clone(),
            DatabaseOptions::default(),
        );
        let planner = Planner::new(databases, SystemRandom);
        planner.migrate().await?;
        let request = AcquireRequest {
            job: JOB.into(),
            ..request.clone()
        };
        let mut last = None;
        for _ in 0..=CLAIMS_BEFORE {
            recorder.take();
            let Acquisition::Batch(batch) = planner.acquire(request.clone(), None).await? else {
                bail!("nothing to claim");
            };
            planner
                .complete(batch.claim_token.clone(), Outcome::succeeded(None))
                .await?;
            last = Some(batch);
        }
        let batch = last.context("no claim")?;
        let sent = recorder.take();
        let [claim, end] = sent.as_slice() else {
            bail!("a claim and its end are {} statements, not 2", sent.len());
        };
        let count = Value::Int64(i64::try_from(batch.count)?);
        let row = claim.rows.rows.first().context("a claim gave nothing")?;
        Ok(Self {
            claim: Statement::learn(claim, &batch.claim_token),
            end: Statement::learn(end, &batch.claim_token),
            count: (row.iter().position(|cell| *cell == count)).context("no count of items")?,
        })
    }

    /// Prepares them.
    pub async fn prepare(&self, client: Client) -> Result<Connection> {
        let claim = self.claim.prepare(&client).await?;
        let end = self.end.prepare(&client).await?;
        Ok(Connection { client, claim, end })
    }

    /// Claims the next batch. Gives back how many items it has.
    pub async fn acquire(&self, connection: &Connection, job: &str, token: &str) -> Result<i64> {
        let values = self.claim.values(job, token);
        let rows = (connection.client)
            .query(&connection.claim, &parameters(&values))
            .await?;
        let row = rows.first().context("a claim gave nothing")?;
        row.try_get::<_, Option<i64>>(self.count)?
            .context("somebody else was faster")
    }

    /// Ends a batch well.
    pub async fn complete(&self, connection: &Connection, token: &str) -> Result<()> {
        let values = self.end.values("", token);
        (connection.client)
            .query(&connection.end, &parameters(&values))
            .await?;
        Ok(())
    }
}

impl Statement {
    /// Finds what differs by its value.
    fn learn(sent: &Sent, token: &str) -> Self {
        let parameter = |value: &Value| match value {
            Value::Text(text) if text == JOB => Parameter::Job,
            Value::Text(text) if text == token => Parameter::Token,
            Value::Text(text) if text.contains(JOB) => Parameter::WithJob(text.clone()),
            value => Parameter::Fixed(value.clone()),
        };
        Self {
            text: sent.statement.clone(),
            parameters: sent.parameters.iter().map(parameter).collect(),
        }
    }

    async fn prepare(&self, client: &Client) -> Result<tokio_postgres::Statement> {
        let types: Vec<Type> = (self.values("", "").iter())
            .map(|value| typed(value).1)
            .collect();
        Ok(client.prepare_typed(&self.text, &types).await?)
    }

    fn values(&self, job: &str, token: &str) -> Vec<Value> {
        let value = |parameter: &Parameter| match parameter {
            Parameter::Fixed(value) => value.clone(),
            Parameter::Job => Value::Text(job.into()),
            Parameter::Token => Value::Text(token.into()),
            Parameter::WithJob(text) => Value::Text(text.replace(JOB, job)),
        };
        self.parameters.iter().map(value).collect()
    }
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| typed(value).0).collect()
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
