//! The command line's words.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

#[cfg(feature = "serve")]
use crate::commands::serve;
use crate::commands::{
    acquire, audit, complete, completions, heartbeat, history, items, plan, register, requeue, run,
    schema, status,
};
use crate::secret::Secret;

/// Hands out data items in batches, exactly once per job, and remembers which run processed which
/// item.
///
/// A meta table lists the items (files, partitions, messages) with a unique increasing id. A job gets
/// them in batches of bounded weight or count, in the order of their ids. The inventory keeps every
/// attempt.
#[derive(Debug, Parser)]
#[command(name = "batchintory", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// Options of all commands.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    an error
  2    the command line or the request makes no sense, or the job's configuration has changed
  3    nothing to hand out (acquire)
  4    the command failed on at least one batch (run)
  5    the batch is not yours any more (heartbeat, complete, fail)
  6    processed ranges differ from the meta table (audit)
  130  ended by a signal

Connections are taken from the flag, else the environment, else the dot-env file.

Examples:
  batchintory register ./data                      list the files of a folder in the table `files`
  batchintory migrate                              create the inventory
  batchintory run --meta-table files --job lines --max-weight 64MiB --until-done -- wc -l
  batchintory status
  batchintory history --meta-table files --uid 42";

/// Options of all commands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connections and output")]
pub struct Global {
    /// The inventory's database: sqlite:PATH, postgres://… or mysql://… [default:
    /// sqlite:batchintory.sqlite]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "BATCHINTORY_INVENTORY_CONN",
        hide_env_values = true
    )]
    pub inventory: Option<Secret>,
    /// The meta tables' database [default: the inventory's]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "BATCHINTORY_META_CONN",
        hide_env_values = true
    )]
    pub meta: Option<Secret>,
    /// The inventory table [default: inventory]
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "BATCHINTORY_INVENTORY_TABLE_NAME",
        hide_env_values = true
    )]
    pub inventory_table: Option<String>,
    /// The inventory table's schema [default: public, in SQLite main, in MySQL the database]
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "BATCHINTORY_INVENTORY_CONN_SCHEMA",
        hide_env_values = true
    )]
    pub inventory_schema: Option<String>,
    /// The schema of meta tables that are named without one [default: public, in SQLite main, in
    /// MySQL the database]
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "BATCHINTORY_META_CONN_SCHEMA",
        hide_env_values = true
    )]
    pub meta_schema: Option<String>,
    /// The name of the source that the meta tables' database is, where several share the inventory:
    /// tables of one name are then two [default: none]
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "BATCHINTORY_META_NAME",
        hide_env_values = true
    )]
    pub meta_name: Option<String>,
    /// A file with lines such as BATCHINTORY_INVENTORY_CONN=…
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "BATCHINTORY_ENV_FILE",
        hide_env_values = true
    )]
    pub env_file: Option<PathBuf>,
    /// Another planner component than the built-in one
    #[arg(long, global = true, value_name = "FILE")]
    pub component: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do. Each command's description stands with its arguments.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create the inventory table
    ///
    /// Does nothing where it is there already; several processes may do so at once. A table that
    /// pybatchintory 0.0.8 made is upgraded, with all its rows: stop its workers first.
    Migrate,
    Schema(schema::Arguments),
    Register(register::Arguments),
    Plan(plan::Arguments),
    Acquire(acquire::Arguments),
    Items(items::Arguments),
    Heartbeat(heartbeat::Arguments),
    Complete(complete::Succeeded),
    Fail(complete::Failed),
    Run(run::Arguments),
    Status(status::Arguments),
    History(history::Arguments),
    Audit(audit::Arguments),
    Requeue(requeue::Arguments),
    #[cfg(feature = "serve")]
    Serve(serve::Arguments),
    Completions(completions::Arguments),
}
