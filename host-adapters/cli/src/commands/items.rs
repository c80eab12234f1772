//! `batchintory items`

use clap::Args;

use crate::error::{Code, Failure};
use crate::output::{print, print_json};
use crate::settings::Settings;

/// How many items are asked for at once.
const PAGE: u32 = 5_000;

/// Print the items of a batch, one per line
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  batchintory items $token | xargs wc -l")]
pub struct Arguments {
    /// The batch's claim token
    token: String,
}

/// Prints the items.
pub async fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<Code, Failure> {
    let inventory = settings.inventory().await?;
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = inventory.items(&arguments.token, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.uid);
        if json {
            all.extend(page);
        } else {
            for item in page {
                print(item.item.unwrap_or_default())?;
            }
        }
    }
    if json {
        print_json(&all)?;
    }
    Ok(Code::Done)
}
