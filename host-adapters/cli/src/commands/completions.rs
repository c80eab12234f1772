//! `batchintory completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::error::{Code, Failure};

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  batchintory completions bash > /etc/bash_completion.d/batchintory"
)]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Prints the completions.
pub fn run(arguments: &Arguments) -> Result<Code, Failure> {
    let mut command = Cli::command();
    clap_complete::generate(
        arguments.shell,
        &mut command,
        "batchintory",
        &mut std::io::stdout(),
    );
    Ok(Code::Done)
}
