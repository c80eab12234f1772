//! `batchintory items`

use clap::Args;

use crate::error::{Code, Failure};
use crate::item_format::FormatArguments;
use crate::output::{print_bytes, print_json};
use crate::settings::Settings;

/// Print the items of a batch, one per line
///
/// Without --format json, an item that holds a line break (with --null, a NUL character), or is NULL, is an error,
/// and nothing is printed: whoever reads the lines would take it for two, or for none.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  batchintory items $token | xargs wc -l
  batchintory items $token --null | xargs -0 wc -l
  batchintory items $token --format json | jq .uid")]
pub struct Arguments {
    /// The batch's claim token
    token: String,
    #[command(flatten)]
    format: FormatArguments,
}

/// Prints the items.
pub async fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<Code, Failure> {
    let inventory = settings.inventory().await?;
    let format = arguments.format.format();
    let mut all = Vec::new();
    let mut lines = Vec::new();
    let mut pages = inventory.item_pages(&arguments.token);
    while let Some(page) = pages.next().await? {
        if json {
            all.extend(page);
        } else {
            for item in page {
                format.write(&item, &mut lines)?;
            }
        }
    }
    if json {
        print_json(&all)?;
    } else {
        print_bytes(&lines)?;
    }
    Ok(Code::Done)
}
