//! `batchintory completions`

use clap::{Args, Command};
use clap_complete::Shell;

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

/// Prints the completions of the command line.
pub fn run(arguments: &Arguments, mut command: Command) -> Result<Code, Failure> {
    clap_complete::generate(
        arguments.shell,
        &mut command,
        "batchintory",
        &mut std::io::stdout(),
    );
    Ok(Code::Done)
}
