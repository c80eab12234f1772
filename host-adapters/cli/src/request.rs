//! The options that say what a job hands out.

use std::fs;

use batchintory_wasmtime::{AcquireRequest, ItemEncoding, MetaColumns, OnChange, Settle};
use bytesize::ByteSize;
use clap::{Args, ValueEnum};

use crate::error::Failure;
use crate::output::WeightUnit;

/// What a job hands out.
#[derive(Debug, Args)]
#[command(next_help_heading = "What to hand out")]
pub struct Request {
    /// The table that lists the items: TABLE or SCHEMA.TABLE
    #[arg(long, value_name = "TABLE")]
    meta_table: String,
    /// The job; every item is handed out once per meta table and job
    #[arg(long, value_name = "NAME")]
    job: String,
    /// Tells this run apart from others of the job; only kept
    #[arg(long, value_name = "TEXT")]
    job_identifier: Option<String>,
    /// The most that a batch may weigh: a number, or with a unit of bytes as in 64MiB
    #[arg(long, value_name = "WEIGHT", value_parser = parse_weight)]
    max_weight: Option<Weight>,
    /// The most items in a batch
    #[arg(long, value_name = "COUNT")]
    max_count: Option<u64>,
    /// The lowest id to hand out
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    id_min: Option<i64>,
    /// The highest id to hand out
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    id_max: Option<i64>,
    /// Which rows belong to the job: a condition in JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    filter: Option<String>,
    /// Which rows are not ready, said like --filter: nothing from the first of them on is handed out
    #[arg(long, value_name = "JSON")]
    hold: Option<String>,
    /// Hand out only what no running transaction can put a lower id before
    #[arg(long)]
    settle: bool,
    /// Process the results of this job instead of the meta table's items
    #[arg(long, value_name = "JOB")]
    source_job: Option<String>,
    /// What to do when columns, filter or hold differ from those of the job's latest batch
    #[arg(long, value_name = "ACTION", default_value = "refuse")]
    on_change: ActionOnChange,
    /// How often a range is handed out until it succeeds
    #[arg(long, value_name = "COUNT", default_value_t = 3, help_heading = FAILURES)]
    max_attempts: u32,
    /// How long a range waits after a failure before the next attempt, as in 30s or 5m; twice as long
    /// after each further one
    #[arg(long, value_name = "TIME", value_parser = parse_seconds, help_heading = FAILURES)]
    retry_delay: Option<Seconds>,
    /// How long a batch may go without a sign of life before it is handed out again, as in 5m
    #[arg(long, value_name = "TIME", value_parser = parse_seconds, help_heading = FAILURES)]
    lease: Option<Seconds>,
    /// The column with the unique increasing id
    #[arg(long, value_name = "COLUMN", default_value = "uid")]
    uid_column: String,
    /// The column that says what to process
    #[arg(long, value_name = "COLUMN", default_value = "item")]
    item_column: String,
    /// The column that says how heavy an item is
    #[arg(
        long,
        value_name = "COLUMN",
        default_value = "weight",
        conflicts_with = "no_weight"
    )]
    weight_column: String,
    /// Items have no weight
    #[arg(long)]
    no_weight: bool,
    /// How items are given: as text, or the bytes of every item in letters, for those that are no text
    #[arg(long, value_name = "ENCODING", default_value = "text")]
    item_encoding: Encoding,
}

/// The heading of the options about failures.
pub const FAILURES: &str = "When something fails";

/// What to do when a job's configuration differs.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ActionOnChange {
    /// Hand out nothing, and tell the difference
    Refuse,
    /// Go on; what was handed out or passed over before stays so
    Accept,
}

/// How items are given.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Encoding {
    /// As text; an item that is none is an error
    Text,
    /// In base64, with padding
    Base64,
    /// By hexadecimal digits
    Hex,
}

/// A span of time, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub u32);

/// A weight as it was given.
#[derive(Debug, Clone, Copy)]
struct Weight {
    value: f64,
    unit: WeightUnit,
}

impl Request {
    /// The request for the planner.
    pub fn to_acquire(&self) -> Result<AcquireRequest, Failure> {
        Ok(AcquireRequest {
            meta_table: self.meta_table.clone(),
            job: self.job.clone(),
            job_identifier: self.job_identifier.clone(),
            columns: MetaColumns {
                uid: self.uid_column.clone(),
                item: self.item_column.clone(),
                weight: (!self.no_weight).then(|| self.weight_column.clone()),
            },
            id_min: self.id_min,
            id_max: self.id_max,
            max_weight: self.max_weight.map(|weight| weight.value),
            max_count: self.max_count,
            filter: self.filter.as_deref().map(text_or_file).transpose()?,
            hold: self.hold.as_deref().map(text_or_file).transpose()?,
            settle: if self.settle {
                Settle::CommitOrder
            } else {
                Settle::None
            },
            source_job: self.source_job.clone(),
            on_change: match self.on_change {
                ActionOnChange::Refuse => OnChange::Refuse,
                ActionOnChange::Accept => OnChange::Accept,
            },
            item_encoding: match self.item_encoding {
                Encoding::Text => ItemEncoding::Text,
                Encoding::Base64 => ItemEncoding::Base64,
                Encoding::Hex => ItemEncoding::Hex,
            },
            max_attempts: self.max_attempts,
            retry_delay_seconds: self.retry_delay.map(|Seconds(seconds)| seconds),
            lease_seconds: self.lease.map(|Seconds(seconds)| seconds),
        })
    }

    /// Weights are shown in the unit in which their limit was given.
    pub fn weight_unit(&self) -> WeightUnit {
        self.max_weight
            .map_or(WeightUnit::Plain, |weight| weight.unit)
    }
}

/// A span of time such as `90`, `30s`, `5m` or `1h 30m`.
pub fn parse_seconds(given: &str) -> Result<Seconds, String> {
    let seconds = match given.parse() {
        Ok(seconds) => seconds,
        Err(_) => {
            let span = humantime::parse_duration(given).map_err(|error| error.to_string())?;
            if span.subsec_nanos() != 0 {
                return Err("only whole seconds can be told apart".into());
            }
            span.as_secs()
        }
    };
    u32::try_from(seconds)
        .map(Seconds)
        .map_err(|_| "this is too long".into())
}

/// The text itself, or with `@FILE` that of a file, or with `-` what comes on standard input.
pub fn text_or_file(given: &str) -> Result<String, Failure> {
    if given == "-" {
        return Ok(std::io::read_to_string(std::io::stdin())?);
    }
    match given.strip_prefix('@') {
        Some(path) => fs::read_to_string(path)
            // Editors of Windows put a byte order mark before a text.
            .map(|text| text.trim_start_matches('\u{feff}').to_owned())
            .map_err(|error| Failure::usage(format!("the file {path} cannot be read: {error}"))),
        None => Ok(given.to_owned()),
    }
}

fn parse_weight(text: &str) -> Result<Weight, String> {
    if let Ok(value) = text.parse::<f64>() {
        let unit = WeightUnit::Plain;
        return Ok(Weight { value, unit });
    }
    match text.parse::<ByteSize>() {
        #[allow(clippy::cast_precision_loss)]
        Ok(bytes) => Ok(Weight {
            value: bytes.as_u64() as f64,
            unit: WeightUnit::Bytes,
        }),
        Err(_) => Err("a number, or one with a unit such as 64MiB or 1.5GB, is wanted".into()),
    }
}
