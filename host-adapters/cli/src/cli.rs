//! The command line's words, and what each of them does.

use clap::{CommandFactory, Parser, Subcommand};

#[cfg(feature = "serve")]
use crate::commands::serve;
use crate::commands::{
    acquire, audit, complete, completions, heartbeat, history, items, migrate, plan, register,
    requeue, run, schema, status,
};
use crate::error::{Code, Failure};
use crate::settings::{Global, Settings};

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
  5    the batch is not yours any more (heartbeat, complete, fail, release)
  6    processed ranges differ from the meta table (audit)
  130  ended by a signal

Connections are taken from the flag, else the environment, else the dot-env file.

Examples:
  batchintory register ./data                      list the files of a folder in the table `files`
  batchintory migrate                              create the inventory
  batchintory run --meta-table files --job lines --max-weight 64MiB --until-done -- wc -l
  batchintory status
  batchintory history --meta-table files --uid 42";

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
    Release(complete::Released),
    Run(run::Arguments),
    Status(status::Arguments),
    History(history::Arguments),
    Audit(audit::Arguments),
    Requeue(requeue::Arguments),
    #[cfg(feature = "serve")]
    Serve(serve::Arguments),
    Completions(completions::Arguments),
}

impl Cli {
    /// Runs the command.
    pub async fn run(self) -> Result<Code, Failure> {
        if let Command::Completions(arguments) = &self.command {
            return completions::run(arguments, Self::command());
        }
        let settings = Settings::new(&self.global)?;
        let json = self.global.json;
        match self.command {
            Command::Migrate => migrate::run(&settings, json).await,
            Command::Schema(arguments) => schema::run(&settings, &arguments, json).await,
            Command::Register(arguments) => register::run(&settings, &arguments, json).await,
            Command::Plan(arguments) => plan::run(&settings, &arguments, json).await,
            Command::Acquire(arguments) => acquire::run(&settings, &arguments).await,
            Command::Items(arguments) => items::run(&settings, &arguments, json).await,
            Command::Heartbeat(arguments) => heartbeat::run(&settings, &arguments).await,
            Command::Audit(arguments) => audit::run(&settings, &arguments, json).await,
            Command::Requeue(arguments) => requeue::run(&settings, &arguments, json).await,
            Command::Complete(arguments) => complete::succeeded(&settings, &arguments).await,
            Command::Fail(arguments) => complete::failed(&settings, &arguments).await,
            Command::Release(arguments) => complete::released(&settings, &arguments).await,
            Command::Run(arguments) => run::run(&settings, &arguments, json).await,
            Command::Status(arguments) => status::run(&settings, &arguments, json).await,
            Command::History(arguments) => history::run(&settings, &arguments, json).await,
            #[cfg(feature = "serve")]
            Command::Serve(arguments) => serve::run(&settings, &arguments, json).await,
            Command::Completions(arguments) => completions::run(&arguments, Self::command()),
        }
    }
}
