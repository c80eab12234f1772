//! `batchintory heartbeat`

use clap::Args;

use crate::error::{Code, Failure};
use crate::request::{Seconds, parse_seconds};
use crate::settings::Settings;

/// Prolong a batch's lease
///
/// Ends with 5 when the batch was taken from you: then stop working on it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  batchintory heartbeat $token --lease 5m")]
pub struct Arguments {
    /// The batch's claim token
    token: String,
    /// How long the lease goes on from now, as in 30s or 5m
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    lease: Seconds,
}

/// Prolongs.
pub async fn run(settings: &Settings, arguments: &Arguments) -> Result<Code, Failure> {
    let inventory = settings.inventory_at_least().await?;
    let Seconds(seconds) = arguments.lease;
    inventory.heartbeat(&arguments.token, seconds).await?;
    Ok(Code::Done)
}
