//! `batchintory requeue`

use batchintory_wasmtime::{IdRange, RequeueTarget};
use clap::Args;
use serde_json::json;

use crate::error::{Code, Failure};
use crate::output::{counted, print_json};
use crate::settings::Settings;
use crate::stderr::tell;

/// Have ranges handed out again
///
/// Whatever became of them: history stays as it is, and the next attempt sees the rows that are there
/// then. Batches that run are taken from their owners.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  batchintory requeue --meta-table files --job lines --exhausted
  batchintory requeue --meta-table files --job lines --ids 42,100..199
  batchintory requeue --meta-table files --job lines --ids=-5..3
  batchintory requeue --meta-table files --job lines --batch 17      the range of this batch")]
pub struct Arguments {
    /// The job's meta table
    #[arg(long, value_name = "TABLE")]
    meta_table: String,
    /// The job
    #[arg(long, value_name = "NAME")]
    job: String,
    #[command(flatten)]
    target: Target,
}

/// What to requeue.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// All ranges that hold one of these ids of the meta table: ID or FIRST..LAST (both included), with
    /// commas between several
    #[arg(long, value_name = "IDS", value_parser = parse_ids, value_delimiter = ',', allow_hyphen_values = true)]
    ids: Vec<IdRange>,
    /// The range of the batch with this id, as `history` tells it
    #[arg(long, value_name = "ID")]
    batch: Option<i64>,
    /// All ranges that failed as often as is allowed
    #[arg(long)]
    exhausted: bool,
}

/// Requeues.
pub async fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<Code, Failure> {
    let target = match &arguments.target {
        Target {
            batch: Some(id), ..
        } => RequeueTarget::Batch(*id),
        Target {
            exhausted: true, ..
        } => RequeueTarget::Exhausted,
        Target { ids, .. } => RequeueTarget::Ids(ids.clone()),
    };
    let inventory = settings.inventory_at_least().await?;
    let ranges = (inventory.requeue(&arguments.meta_table, &arguments.job, &target)).await?;
    if json {
        print_json(&json!({"ranges": ranges}))?;
    } else {
        let verb = if ranges == 1 { "was" } else { "were" };
        let ranges = counted(ranges, "range", "ranges");
        tell(format_args!("{ranges} {verb} requeued"));
    }
    Ok(Code::Done)
}

fn parse_ids(given: &str) -> Result<IdRange, String> {
    let id = |text: &str| {
        text.parse::<i64>()
            .map_err(|error| format!("{text:?} is no id: {error}"))
    };
    let (first, last) = given.split_once("..").unwrap_or((given, given));
    Ok(IdRange {
        id_start: id(first)?,
        id_end: id(last)?,
    })
}
