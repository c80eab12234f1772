//! `batchintory register`

use clap::Args;
use indicatif::{HumanCount, ProgressBar};
use serde::Serialize;

use crate::error::{Code, Failure};
use crate::files::{File, Found};
use crate::meta_table::{CHUNK, FileTable};
use crate::output::{count, print, print_json};
use crate::settings::Settings;
use crate::stderr::tell;

/// List files in a meta table
///
/// Every file gets a row with its absolute path, its size in bytes and when it was changed. On later
/// calls only files that are new or changed get a row, also when several processes list the same files
/// at once. The table is created where it is missing.
/// Symbolic links below a folder are not followed, and the databases' own SQLite files are left out.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  batchintory register ./data
  batchintory register '/lake/**/*.parquet' --table parquet")]
pub struct Arguments {
    /// Folders, files, or glob patterns
    #[arg(required = true, value_name = "DIR|GLOB")]
    paths: Vec<String>,
    /// The meta table: TABLE or SCHEMA.TABLE
    #[arg(long, value_name = "TABLE", default_value = "files")]
    table: String,
    /// Only print which files would be listed
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Answer {
    found: usize,
    registered: usize,
    skipped: Vec<String>,
}

/// Lists the files.
pub async fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<Code, Failure> {
    let spinner = ProgressBar::new_spinner();
    let mut found = Found::default();
    for path in &arguments.paths {
        found.add(path, |files| {
            if files.is_multiple_of(1_000) {
                spinner.set_message(format!("{} files found", HumanCount(files as u64)));
                spinner.tick();
            }
        })?;
    }
    let database = if arguments.dry_run {
        settings.meta_as_it_is().await?
    } else {
        settings.meta().await?
    };
    // They change with every call.
    for path in settings.own_files() {
        found.files.remove(&path);
    }
    let table = FileTable::new(database, &arguments.table, settings.meta_schema.as_deref())?;
    if !arguments.dry_run {
        table.create().await?;
    }
    let files: Vec<(&String, &File)> = found.files.iter().collect();
    let mut registered = 0;
    spinner.set_length(files.len() as u64);
    for chunk in files.chunks(CHUNK) {
        if arguments.dry_run {
            let new = table.missing(chunk).await?;
            registered += new.len();
            for (path, _) in new {
                if !json {
                    print(path)?;
                }
            }
        } else {
            registered += table.list(chunk).await?;
        }
        spinner.inc(chunk.len() as u64);
        spinner.set_message(format!("{} files listed", HumanCount(spinner.position())));
    }
    spinner.finish_and_clear();
    let answer = Answer {
        found: files.len(),
        registered,
        skipped: found.skipped,
    };
    if json {
        print_json(&answer)?;
        return Ok(Code::Done);
    }
    for skipped in &answer.skipped {
        tell(format_args!("warning: left out: {skipped}"));
    }
    let verb = if arguments.dry_run {
        "would be listed"
    } else {
        "listed"
    };
    tell(format_args!(
        "{} of {} files are new or changed and {verb} in {}",
        count(answer.registered as u64),
        count(answer.found as u64),
        arguments.table
    ));
    Ok(Code::Done)
}
