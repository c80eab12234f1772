//! `batchintory acquire`

use batchintory_wasmtime::{Acquired, Item};
use clap::Args;
use serde_json::json;

use crate::error::{Code, Failure};
use crate::output::print_json;
use crate::request::Request;
use crate::settings::Settings;

/// Claim the next batch and print it as JSON
///
/// Prints {"batch": {…}} and ends with 0, or {"nothing": {…}} and ends with 3. Pass the batch's
/// claim_token on to `items`, and in the end to `complete` or `fail`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  token=$(batchintory acquire --meta-table files --job lines --max-count 10 | jq -r .batch.claim_token)
  batchintory items $token | xargs wc -l && batchintory complete $token || batchintory fail $token")]
pub struct Arguments {
    #[command(flatten)]
    request: Request,
    /// Print the batch's items too
    #[arg(long)]
    items: bool,
}

/// Claims.
pub async fn run(settings: &Settings, arguments: &Arguments) -> Result<Code, Failure> {
    let inventory = settings.inventory().await?;
    let request = arguments.request.to_acquire()?;
    match inventory.acquire(&request).await? {
        Acquired::Batch(batch) => {
            let mut answer = json!({"batch": &*batch});
            if arguments.items {
                let items: Vec<Item> = batch.items().await?;
                if let Some(answer) = answer.as_object_mut() {
                    answer.insert("items".into(), serde_json::to_value(items)?);
                }
            }
            print_json(&answer)?;
            Ok(Code::Done)
        }
        Acquired::Nothing(nothing) => {
            print_json(&json!({"nothing": nothing}))?;
            Ok(Code::Nothing)
        }
    }
}
