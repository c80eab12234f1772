//! `batchintory acquire`

use batchintory_wasmtime::{Acquired, Batch};
use clap::Args;
use serde_json::json;

use crate::error::{Code, Failure};
use crate::output::{deliver_json, print_json};
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
    /// A claim token of your own, unguessable: the call may be repeated after any failure, and gives
    /// the same batch again
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
}

/// Claims.
pub async fn run(settings: &Settings, arguments: &Arguments) -> Result<Code, Failure> {
    let inventory = settings.inventory().await?;
    let request = arguments.request.to_acquire()?;
    let acquired = match &arguments.token {
        Some(token) => inventory.acquire_with_token(&request, token).await?,
        None => inventory.acquire(&request).await?,
    };
    match acquired {
        Acquired::Batch(batch) => {
            if let Err(failure) = deliver(&batch, arguments.items).await {
                if arguments.token.is_some() {
                    return Err(failure);
                }
                // Nobody has the claim token, so nobody else can end the batch.
                let reason = format!("it could not be handed out: {}", failure.message());
                batch.fail(reason).await?;
                return Err(failure);
            }
            Ok(Code::Done)
        }
        Acquired::Nothing(nothing) => {
            print_json(&json!({"nothing": nothing}))?;
            Ok(Code::Nothing)
        }
    }
}

async fn deliver(batch: &Batch, with_items: bool) -> Result<(), Failure> {
    let mut answer = json!({"batch": &**batch});
    if let Some(answer) = answer.as_object_mut().filter(|_| with_items) {
        answer.insert("items".into(), serde_json::to_value(batch.items().await?)?);
    }
    deliver_json(&answer)
}
