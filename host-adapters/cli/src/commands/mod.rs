//! The commands, one file each.

pub mod acquire;
pub mod audit;
pub mod complete;
pub mod completions;
pub mod heartbeat;
pub mod history;
pub mod items;
pub mod migrate;
pub mod plan;
pub mod register;
pub mod requeue;
pub mod run;
pub mod schema;
#[cfg(feature = "serve")]
pub mod serve;
pub mod status;

use crate::cli::{Cli, Command};
use crate::error::{Code, Failure};
use crate::settings::Settings;

/// Runs the command.
pub async fn run(cli: Cli) -> Result<Code, Failure> {
    if let Command::Completions(arguments) = &cli.command {
        return completions::run(arguments);
    }
    let settings = Settings::new(&cli.global)?;
    let json = cli.global.json;
    match cli.command {
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
        Command::Run(arguments) => run::run(&settings, &arguments, json).await,
        Command::Status(arguments) => status::run(&settings, &arguments, json).await,
        Command::History(arguments) => history::run(&settings, &arguments, json).await,
        #[cfg(feature = "serve")]
        Command::Serve(arguments) => serve::run(&settings, &arguments, json).await,
        Command::Completions(arguments) => completions::run(&arguments),
    }
}
