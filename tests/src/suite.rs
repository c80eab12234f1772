//! All scenarios on a host.

use std::fmt;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use batchintory::Operations;

use crate::databases::{TestDatabase, mysql, postgres, sqlite};
use crate::operations::Place;
use crate::report;
use crate::scenario::Scenario;
use crate::subject::Failure;

/// A database system.
#[derive(Debug, Clone, Copy)]
pub enum System {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    Mysql,
}

impl fmt::Display for System {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MySQL",
        })
    }
}

impl System {
    /// A new, empty database.
    pub async fn database(self) -> Result<TestDatabase> {
        match self {
            Self::Sqlite => sqlite().await,
            Self::Postgres => postgres().await,
            Self::Mysql => mysql().await,
        }
    }
}

/// Where the inventory and the meta tables lie.
#[derive(Debug, Clone, Copy)]
pub enum Layout {
    /// In one database.
    Together(System),
    /// In two databases.
    Apart {
        /// That of the inventory.
        inventory: System,
        /// That of the meta tables.
        meta: System,
    },
}

impl fmt::Display for Layout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Together(system) => system.fmt(formatter),
            Self::Apart { inventory, meta } => write!(formatter, "{inventory} with {meta}"),
        }
    }
}

/// Runs every scenario, each with databases of its own, and tells of all that fail; but for those with an
/// operation that is left out in this place. `host` makes what is tested, for the database of the inventory and that of
/// the meta tables; a place's name is what reports call it.
pub async fn run_all<S: Operations<Error: Into<Failure>>>(
    place: (&str, Place),
    layout: Layout,
    host: impl AsyncFn(&TestDatabase, &TestDatabase) -> Result<S>,
) -> Result<()> {
    run_with(place, &layout.to_string(), &[], async || {
        let (meta, apart) = match layout {
            Layout::Together(system) => (system.database().await?, None),
            Layout::Apart { inventory, meta } => {
                (meta.database().await?, Some(inventory.database().await?))
            }
        };
        let subject = host(apart.as_ref().unwrap_or(&meta), &meta).await?;
        Ok((subject, meta, apart))
    })
    .await
}

/// Like [`run_all`], where `make` gives what is tested, the database of the meta tables, and that
/// of the inventory where it is another. `refused` are scenarios of what there cannot be, each with
/// a piece of the error that says so.
pub async fn run_with<S: Operations<Error: Into<Failure>>>(
    (host_name, place): (&str, Place),
    layout: &str,
    refused: &[(&str, &str)],
    make: impl AsyncFn() -> Result<(S, TestDatabase, Option<TestDatabase>)>,
) -> Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut scenarios = Scenario::read_all(&directory)?;
    scenarios.retain(|(_, scenario)| {
        (scenario.operations()).all(|operation| place.leaves_out(operation).is_none())
    });
    ensure!(
        !scenarios.is_empty(),
        "no scenarios in {}",
        directory.display()
    );
    let started = Instant::now();
    let mut failed = Vec::new();
    for (name, scenario) in &scenarios {
        let (subject, meta, apart) = make().await?;
        let inventory = apart.as_ref().unwrap_or(&meta).connection.as_ref();
        let outcome = scenario
            .run(&subject, inventory, meta.connection.as_ref())
            .await;
        let refusal = refused.iter().find(|(refused, _)| refused == name);
        match (outcome, refusal) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => failed.push(format!("scenario {name} is not refused")),
            (Err(error), Some((_, saying))) if format!("{error:?}").contains(saying) => {}
            (Err(error), _) => failed.push(format!("scenario {name}: {error:?}")),
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n\n"));
    report::scenarios(host_name, layout, scenarios.len(), started.elapsed());
    Ok(())
}
