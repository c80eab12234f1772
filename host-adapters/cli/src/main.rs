//! The command line of batchintory.

#[cfg(feature = "serve")]
mod access;
mod advice;
mod cli;
mod command_output;
mod commands;
mod dot_env;
mod environment;
mod error;
mod files;
mod item_format;
mod keeper;
mod meta_table;
mod output;
mod process;
mod request;
mod secret;
#[cfg(feature = "serve")]
mod server_arguments;
mod settings;
mod signals;
mod starter;
mod stderr;
mod summary;
mod unreachable;
mod workers;

use std::env;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use crate::cli::Cli;
use crate::error::{Code, Failure};
use crate::secret::without_secrets;
use crate::stderr::tell;

/// How long is waited for threads that are in the middle of something at the end.
const LINGER: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    // What they trace holds requests as they came, claim tokens included.
    let filter = ["wasmtime_wasi=info", "hyper=info"]
        .into_iter()
        .filter_map(|directive| directive.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && !is_set("NO_COLOR"))
        // It would be told on standard error by a macro that panics where that is closed.
        .log_internal_errors(false)
        .init();
    let json = cli.global.json;
    let runtime = match runtime(&cli) {
        Ok(runtime) => runtime,
        Err(error) => return report(&error.into(), json),
    };
    let code = match runtime.block_on(cli.run()) {
        Ok(code) => code.into(),
        Err(failure) => report(&failure, json),
    };
    // A statement may wait for a lock there, for as long as it likes.
    runtime.shutdown_timeout(LINGER);
    code
}

/// The threads for all of it: as many as there are processors, and for a service one more for each request that
/// may compute for long, so that others find one.
fn runtime(cli: &Cli) -> std::io::Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    #[cfg(feature = "serve")]
    if matches!(cli.command, cli::Command::Serve(_)) {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        builder.worker_threads(processors + batchintory_server::MAX_PATIENT_REQUESTS);
    }
    #[cfg(not(feature = "serve"))]
    let _ = cli;
    builder.enable_all().build()
}

fn report(failure: &Failure, json: bool) -> ExitCode {
    failure.report(json);
    failure.code().into()
}

/// Answers a command line that is not understood, or one that asks for help.
fn refuse(error: &clap::Error) -> ExitCode {
    let mut own_arguments = env::args_os().take_while(|argument| argument != "--");
    if error.use_stderr() && own_arguments.any(|argument| argument == "--json") {
        let text = error.to_string();
        let message = text.split("\n\n").next().unwrap_or_default();
        let message = message
            .strip_prefix("error: ")
            .unwrap_or(message)
            .trim_end();
        let failure = Failure::usage(message).hint("see `batchintory --help`");
        return report(&failure, true);
    }
    // The terminal's colours are clap's to set, if there is nothing to hide.
    let text = error.to_string();
    let shown = without_secrets(&text);
    if error.use_stderr() && shown != text {
        tell(shown.trim_end());
        return Code::Usage.into();
    }
    error.exit()
}

fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}
