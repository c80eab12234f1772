//! `batchintory plan`

use batchintory_wasmtime::{AcquireRequest, Inventory, PlannedBatch};
use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;

use crate::advice::{tell_warnings, tell_what_waits};
use crate::error::{Code, Failure};
use crate::output::{WeightUnit, count, counted, print, print_json, print_table, table};
use crate::request::Request;
use crate::settings::Settings;
use crate::stderr::tell;

/// How many batches are planned at once.
const PAGE: u32 = 1_000;
/// How many batches of a backfill are counted at most.
const MOST_COUNTED: u64 = 100_000;

/// Show the next batches without claiming them
///
/// New ones: ranges that will be handed out again come before them, and are listed by `history`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  batchintory plan --meta-table files --job lines --max-weight 64MiB
  batchintory plan --meta-table files --job backfill --id-min 1 --id-max 5000 --max-count 100")]
pub struct Arguments {
    #[command(flatten)]
    request: Request,
    /// How many batches to show
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    batches: u32,
}

/// What a backfill has left.
#[derive(Debug, Default, Serialize)]
struct Left {
    batches: u64,
    items: u64,
    weight: f64,
    at_least: bool,
}

#[derive(Debug, Serialize)]
struct Answer {
    batches: Vec<PlannedBatch>,
    complete: bool,
    held: Option<i64>,
    left: Option<Left>,
}

/// Plans.
pub async fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<Code, Failure> {
    let inventory = settings.inventory().await?;
    let request = arguments.request.to_acquire()?;
    let plan = inventory.plan(&request, None, arguments.batches).await?;
    tell_warnings(&inventory, &request).await?;
    let left = match request.id_max {
        Some(_) => Some(count_left(&inventory, &request).await?),
        None => None,
    };
    let answer = Answer {
        batches: plan.batches,
        complete: plan.complete,
        held: plan.held,
        left,
    };
    if json {
        print_json(&answer)?;
        return Ok(Code::Done);
    }
    show(&answer, arguments.request.weight_unit())?;
    tell_what_waits(&inventory, &request).await;
    Ok(Code::Done)
}

fn show(answer: &Answer, unit: WeightUnit) -> Result<(), Failure> {
    if answer.batches.is_empty() {
        match answer.held {
            Some(held) => tell(format_args!("nothing new is ready: the id {held} is held")),
            None => tell("nothing new is left"),
        }
        return Ok(());
    }
    let mut shown = table(
        &["#", "FIRST ID", "LAST ID", "ITEMS", "WEIGHT", ""],
        &[0, 1, 2, 3, 4],
    );
    for (index, batch) in answer.batches.iter().enumerate() {
        shown.add_row([
            (index + 1).to_string(),
            batch.id_start.to_string(),
            batch.id_end.to_string(),
            count(batch.count),
            unit.show(batch.weight),
            if batch.oversized { "oversized" } else { "" }.to_owned(),
        ]);
    }
    print_table(&shown)?;
    if let Some(left) = &answer.left {
        print(format_args!(
            "\nleft in the bounds: {}{}, {}, weight {}",
            if left.at_least { "at least " } else { "" },
            counted(left.batches, "batch", "batches"),
            counted(left.items, "item", "items"),
            unit.show(left.weight),
        ))?;
    }
    match answer.held {
        Some(held) => print(format_args!("\nthe id {held} is held"))?,
        None if !answer.complete && answer.left.is_none() => print("\nmore batches may follow")?,
        None => {}
    }
    Ok(())
}

/// Counts a backfill's batches by planning them all.
async fn count_left(inventory: &Inventory, request: &AcquireRequest) -> Result<Left, Failure> {
    let spinner = ProgressBar::new_spinner().with_message("planning the backfill");
    let mut left = Left::default();
    let mut after = None;
    loop {
        let plan = inventory.plan(request, after, PAGE).await?;
        for batch in &plan.batches {
            left.batches += 1;
            left.items += batch.count;
            left.weight += batch.weight;
            after = Some(batch.id_end);
        }
        spinner.set_message(format!("planning the backfill: {} batches", left.batches));
        spinner.tick();
        left.at_least = !plan.complete && left.batches >= MOST_COUNTED;
        // A full page may be the last one without saying so; the next one is then empty.
        if plan.complete || plan.batches.is_empty() || left.at_least {
            spinner.finish_and_clear();
            return Ok(left);
        }
    }
}
