//! `batchintory history`

use batchintory_wasmtime::{Attempt, HistoryQuery, Queue};
use clap::{Args, ValueEnum};

use crate::error::{Code, Failure};
use crate::output::{JsonList, WeightUnit, count, print_table, table};
use crate::settings::Settings;
use crate::stderr::tell;

/// How much of a result or a log is shown.
const MOST_SHOWN: usize = 48;

/// Show attempts, latest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  batchintory history --job lines
  batchintory history --meta-table files --uid 42      which jobs processed the item 42")]
pub struct Arguments {
    /// Only attempts at the item with this id of the meta table
    #[arg(
        long,
        value_name = "ID",
        requires = "meta_table",
        allow_negative_numbers = true
    )]
    uid: Option<i64>,
    /// Only of this meta table
    #[arg(long, value_name = "TABLE")]
    meta_table: Option<String>,
    /// Only of this job
    #[arg(long, value_name = "NAME")]
    job: Option<String>,
    /// Only attempts that wait in this queue
    #[arg(long, value_name = "QUEUE")]
    queue: Option<QueueName>,
    /// Only rows with a lower inventory id, to go on behind a page
    #[arg(long, value_name = "ID")]
    before: Option<i64>,
    /// The most rows to show
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Show the claim tokens of attempts that run, by which others than their owners can end them
    #[arg(long)]
    claim_tokens: bool,
    /// Show weights as bytes
    #[arg(long)]
    bytes: bool,
}

/// Where attempts wait.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum QueueName {
    /// They run
    Running,
    /// They failed, and will be handed out again
    Retry,
    /// They were requeued, and will be handed out again
    Requeued,
    /// They failed as often as is allowed
    Exhausted,
}

impl From<QueueName> for Queue {
    fn from(name: QueueName) -> Self {
        match name {
            QueueName::Running => Self::Running,
            QueueName::Retry => Self::Retry,
            QueueName::Requeued => Self::Requeued,
            QueueName::Exhausted => Self::Exhausted,
        }
    }
}

/// Shows the attempts.
pub async fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<Code, Failure> {
    let inventory = settings.inventory_at_least().await?;
    let mut query = HistoryQuery {
        meta_table: arguments.meta_table.clone(),
        job: arguments.job.clone(),
        uid: arguments.uid,
        queue: arguments.queue.map(Into::into),
        before: arguments.before,
        limit: arguments.limit,
        details: true,
        claim_tokens: arguments.claim_tokens,
    };
    let mut list = JsonList::default();
    let unit = WeightUnit::bytes_if(arguments.bytes);
    let mut headings = vec![
        "ID",
        "JOB",
        "IDENTIFIER",
        "ATTEMPT",
        "STATUS",
        "IDS",
        "ITEMS",
        "WEIGHT",
        "START",
        "END",
        "RESULT",
    ];
    if arguments.claim_tokens {
        headings.push("CLAIM TOKEN");
    }
    let mut shown = table(&headings, &[0, 3, 6, 7]);
    while query.limit > 0 {
        let page = inventory.history(&query).await?;
        let Some(last) = page.last() else {
            break;
        };
        query.before = Some(last.id);
        let number = u32::try_from(page.len()).unwrap_or(u32::MAX);
        query.limit = query.limit.saturating_sub(number);
        for attempt in &page {
            if json {
                list.print(attempt)?;
            } else {
                let mut cells = row(attempt, unit);
                if arguments.claim_tokens {
                    cells.push(attempt.claim_token.clone().unwrap_or_default());
                }
                shown.add_row(cells);
            }
        }
    }
    if json {
        list.end()?;
    } else if shown.is_empty() {
        tell("no attempts");
    } else {
        print_table(&shown)?;
    }
    Ok(Code::Done)
}

fn row(attempt: &Attempt, unit: WeightUnit) -> Vec<String> {
    let more = match attempt.queue {
        _ if attempt.passed_over => ", item passed over",
        Some(Queue::Retry) => ", to be retried",
        Some(Queue::Requeued) => ", requeued",
        Some(Queue::Exhausted) => ", exhausted",
        Some(Queue::Running) | None => "",
    };
    let status = format!("{}{more}", attempt.status);
    vec![
        attempt.id.to_string(),
        attempt.job.clone(),
        attempt.job_identifier.clone().unwrap_or_default(),
        attempt.attempt.to_string(),
        status,
        format!("{} to {}", attempt.id_start, attempt.id_end),
        count(attempt.count),
        unit.show(attempt.weight),
        attempt.processing_start.clone(),
        attempt.processing_end.clone().unwrap_or_default(),
        outcome(attempt),
    ]
}

/// The result, or else the log's last line, in short.
fn outcome(attempt: &Attempt) -> String {
    let log = || attempt.log.as_deref().and_then(|log| log.lines().last());
    let text = attempt
        .result_item
        .as_deref()
        .or_else(log)
        .unwrap_or_default();
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
