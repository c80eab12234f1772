//! What the component costs over the native core, without a database's noise.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use async_trait::async_trait;
use batchintory::{DatabaseError, Dialect, Operations as _, Planner, Rows, Value};
use batchintory_wasmtime::{
    Access, AcquireRequest, Database, DatabaseOptions, Databases, Inventory, Limits,
    PlannerComponent, SystemRandom, connect,
};

use crate::claims::request;
use crate::recorder::Recorder;
use crate::report::{Bar, Report};
use crate::tables::make_in_sqlite;
use crate::timing::{Rounds, Samples};

/// The token of every claim, so that all of them send the same.
const TOKEN: &str = "00000000000000000000000000000000";

/// Answers at once what a database has answered to the same statement.
struct Replay {
    dialect: Dialect,
    answers: HashMap<String, Rows>,
}

impl Replay {
    /// Of the second claim of a job in SQLite.
    async fn of_a_claim(request: &AcquireRequest) -> Result<Self> {
        let recorder = Recorder::before(connect("sqlite::memory:", Access::Create).await?);
        make_in_sqlite(recorder.as_ref(), "files", 1_000).await?;
        let inventory = Inventory::builder()
            .inventory(recorder.clone())
            .meta(recorder.clone())
            .build()?;
        inventory.migrate().await?;
        inventory.acquire(request).await?;
        recorder.take();
        inventory.advance(None, request, Some(TOKEN), 0).await?;
        let sent = recorder.take();
        Ok(Self {
            dialect: recorder.dialect(),
            answers: (sent.into_iter())
                .map(|sent| (sent.statement, sent.rows))
                .collect(),
        })
    }
}

#[async_trait]
impl Database for Replay {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    async fn query(&self, statement: &str, _parameters: &[Value]) -> Result<Rows, DatabaseError> {
        let answer = self.answers.get(statement).cloned();
        answer.ok_or_else(|| DatabaseError::Unavailable(format!("not recorded: {statement}")))
    }
}

/// Measures.
pub async fn measure(rounds: &Rounds, report: &mut Report) -> Result<()> {
    let request = request("files", "bench");
    let database: Arc<dyn Database> = Arc::new(Replay::of_a_claim(&request).await?);
    let databases = Databases::new(
        database.clone(),
        database.clone(),
        DatabaseOptions::default(),
    );
    let core = Planner::new(databases.clone(), SystemRandom);
    let component = Inventory::builder()
        .inventory(database.clone())
        .meta(database)
        .build()?;
    let (mut native, mut guest) = (Samples::default(), Samples::default());
    for _ in 0..rounds.calls {
        let asked = request.clone();
        let start = Instant::now();
        core.advance(None, asked, Some(TOKEN.into()), 0)
            .await?
            .next?;
        native.add_since(start);
        let start = Instant::now();
        component
            .advance(None, &request, Some(TOKEN), 0)
            .await?
            .next?;
        guest.add_since(start);
    }
    report.add("core_us", native.median() * 1e6, Bar::None);
    report.add(
        "component_over_core_us",
        (guest.median() - native.median()) * 1e6,
        Bar::AtMost(50.0),
    );

    let planner = PlannerComponent::embedded()?;
    let mut instantiate = Samples::default();
    for _ in 0..rounds.calls {
        let start = Instant::now();
        planner
            .instantiate(databases.clone(), Limits::default())
            .await?;
        instantiate.add_since(start);
    }
    report.add(
        "instantiate_us",
        instantiate.median() * 1e6,
        Bar::AtMost(200.0),
    );
    #[allow(clippy::cast_precision_loss)]
    let bytes = PlannerComponent::EMBEDDED.len() as f64;
    report.add("component_bytes", bytes, Bar::AtMost(450.0 * 1024.0));
    Ok(())
}
