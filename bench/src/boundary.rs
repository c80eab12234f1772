//! What the component costs over the native core, without a database's noise.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail};
use async_trait::async_trait;
use batchintory::{DatabaseError, Dialect, Planner, Rows, Value};
use batchintory_wasmtime::{
    Acquired, Database, DatabaseOptions, Databases, Inventory, Limits, PlannerComponent,
    SystemRandom,
};

use crate::claims::request;
use crate::report::{Bar, Report};
use crate::timing::{Rounds, Samples};

/// Answers like a database with a job that goes on, at once.
struct Canned {
    /// The request as the planner keeps it.
    config: String,
}

#[async_trait]
impl Database for Canned {
    fn dialect(&self) -> Dialect {
        Dialect::Postgresql
    }

    async fn query(&self, statement: &str, parameters: &[Value]) -> Result<Rows, DatabaseError> {
        let (int, weight) = (Value::Int64, Value::Float64);
        let text = |text: &str| Value::Text(text.into());
        let row = if statement.starts_with("INSERT") {
            // The claim token is the only text of 32 characters.
            let is_token = |value: &&Value| matches!(value, Value::Text(text) if text.len() == 32);
            let token = parameters.iter().find(is_token);
            let token = token.cloned().unwrap_or(Value::Null);
            vec![token, int(7), text("2026-01-01T00:00:00.000Z")]
        } else if statement.contains("\"inventory\"") {
            vec![
                int(1),
                int(100),
                int(100),
                weight(5_000.0),
                text(&self.config),
                int(6),
                int(1),
                int(5),
                int(-6),
                Value::Null,
            ]
        } else {
            vec![
                text("bigint"),
                Value::Null,
                Value::Null,
                int(157),
                int(257),
                int(157),
                int(101),
                weight(38.0),
                int(100),
                int(200),
                weight(4_990.0),
            ]
        };
        Ok(Rows {
            rows: vec![row],
            affected: 1,
        })
    }
}

/// Measures.
pub async fn measure(rounds: &Rounds, report: &mut Report) -> Result<()> {
    let request = request("files", "bench");
    let config = serde_json::to_string(&request)?;
    let database: Arc<dyn Database> = Arc::new(Canned { config });
    let databases = Databases::new(
        database.clone(),
        database.clone(),
        DatabaseOptions::default(),
    );
    let core = Planner::new(databases.clone(), SystemRandom);
    let component = Inventory::builder().inventory(database).build()?;
    let (mut native, mut guest) = (Samples::default(), Samples::default());
    for _ in 0..rounds.calls {
        let start = Instant::now();
        core.acquire(&request, None).await?;
        native.add_since(start);
        let start = Instant::now();
        let Acquired::Batch(_) = component.acquire(&request).await? else {
            bail!("no batch");
        };
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
    report.add("component_bytes", bytes, Bar::AtMost(400.0 * 1024.0));
    Ok(())
}
