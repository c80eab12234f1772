//! `batchintory complete`, `batchintory fail` and `batchintory release`

use batchintory_wasmtime::Outcome;
use clap::Args;

use crate::error::{Code, Failure};
use crate::request::text_or_file;
use crate::settings::Settings;

/// Mark a batch as succeeded
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  batchintory complete $token --result '{\"rows\": 1234}'")]
pub struct Succeeded {
    /// The batch's claim token
    token: String,
    /// What came of it: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    result: Option<String>,
}

/// Mark a batch as failed
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  batchintory fail $token --log @stderr.txt")]
pub struct Failed {
    /// The batch's claim token
    token: String,
    /// Why: text, @FILE, or - for standard input
    #[arg(long, value_name = "TEXT")]
    log: Option<String>,
}

/// Give a batch back, to be handed out again at once
///
/// For whoever will not finish it: the attempt does not count towards --max-attempts.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  batchintory release $token --log 'the node is drained'")]
pub struct Released {
    /// The batch's claim token
    token: String,
    /// Why: text, @FILE, or - for standard input
    #[arg(long, value_name = "TEXT")]
    log: Option<String>,
}

/// Ends a batch well.
pub async fn succeeded(settings: &Settings, arguments: &Succeeded) -> Result<Code, Failure> {
    let result = arguments.result.as_deref().map(text_or_file).transpose()?;
    complete(settings, &arguments.token, &Outcome::succeeded(result)).await
}

/// Gives a batch up.
pub async fn failed(settings: &Settings, arguments: &Failed) -> Result<Code, Failure> {
    let outcome = Outcome {
        succeeded: false,
        result_item: None,
        log: arguments.log.as_deref().map(text_or_file).transpose()?,
    };
    complete(settings, &arguments.token, &outcome).await
}

/// Gives a batch back.
pub async fn released(settings: &Settings, arguments: &Released) -> Result<Code, Failure> {
    let log = arguments.log.as_deref().map(text_or_file).transpose()?;
    let inventory = settings.inventory_at_least().await?;
    (inventory.release(&arguments.token, log.as_deref())).await?;
    Ok(Code::Done)
}

async fn complete(settings: &Settings, token: &str, outcome: &Outcome) -> Result<Code, Failure> {
    let inventory = settings.inventory_at_least().await?;
    inventory.complete(token, outcome).await?;
    Ok(Code::Done)
}
