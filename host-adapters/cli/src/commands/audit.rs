//! `batchintory audit`

use batchintory_wasmtime::{Difference, RequeueTarget};
use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;

use crate::error::{Code, Failure};
use crate::output::{WeightUnit, count, print_json, print_table, table};
use crate::settings::Settings;
use crate::stderr::tell;

/// How many ranges are counted at once.
const PAGE: u32 = 100;

/// Compare what was processed with the meta table as it is now
///
/// Counts every processed range again, and lists those whose rows came late, are gone or weigh
/// something else now. Ends with 6 when there are any that were not requeued.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  batchintory audit --meta-table files --job lines
  batchintory audit --meta-table files --job lines --requeue")]
pub struct Arguments {
    /// The job's meta table
    #[arg(long, value_name = "TABLE")]
    meta_table: String,
    /// The job
    #[arg(long, value_name = "NAME")]
    job: String,
    /// Requeue the ranges that differ, to be handed out again
    #[arg(long)]
    requeue: bool,
    /// Show weights as bytes
    #[arg(long)]
    bytes: bool,
}

/// What an audit found.
#[derive(Debug, Default, Serialize)]
struct Answer {
    ranges: u64,
    differences: Vec<Difference>,
    requeued: u64,
}

/// Audits.
pub async fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<Code, Failure> {
    let inventory = settings.inventory().await?;
    let (table_name, job) = (&arguments.meta_table, &arguments.job);
    let spinner = ProgressBar::new_spinner();
    let mut answer = Answer::default();
    let mut after = None;
    loop {
        let page = inventory.audit(table_name, job, after, PAGE).await?;
        answer.ranges += u64::from(page.ranges);
        answer.differences.extend(page.differences);
        spinner.set_message(format!("{} ranges counted", count(answer.ranges)));
        spinner.tick();
        match page.audited_to {
            Some(audited_to) => after = Some(audited_to),
            None => break,
        }
    }
    spinner.finish_and_clear();
    if arguments.requeue {
        for difference in &answer.differences {
            let target = RequeueTarget::Batch(difference.batch_id);
            answer.requeued += inventory.requeue(table_name, job, &target).await?;
        }
    }
    if json {
        print_json(&answer)?;
    } else {
        show(&answer, WeightUnit::bytes_if(arguments.bytes))?;
    }
    Ok(if answer.differences.is_empty() || arguments.requeue {
        Code::Done
    } else {
        Code::Differs
    })
}

fn show(answer: &Answer, unit: WeightUnit) -> Result<(), Failure> {
    if !answer.differences.is_empty() {
        let headings = ["ID", "IDS", "ITEMS", "ITEMS NOW", "WEIGHT", "WEIGHT NOW"];
        let mut shown = table(&headings, &[0, 2, 3, 4, 5]);
        for difference in &answer.differences {
            shown.add_row([
                difference.batch_id.to_string(),
                format!("{} to {}", difference.id_start, difference.id_end),
                count(difference.count),
                count(difference.count_now),
                unit.show(difference.weight),
                unit.show(difference.weight_now),
            ]);
        }
        print_table(&shown)?;
    }
    let requeued = match answer.requeued {
        0 => String::new(),
        1 => ", 1 was requeued".into(),
        requeued => format!(", {} were requeued", count(requeued)),
    };
    tell(format_args!(
        "{} of {} processed ranges differ{requeued}",
        count(answer.differences.len() as u64),
        count(answer.ranges)
    ));
    Ok(())
}
