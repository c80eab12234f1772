//! `batchintory acquire`

use batchintory_wasmtime::{AcquireRequest, Acquired, Batch, Inventory};
use clap::Args;
use serde_json::{Value, json};

use crate::error::{Code, Failure};
use crate::output::{deliver_json, print_json};
use crate::request::Request;
use crate::settings::Settings;

/// Claim the next batch and print it as JSON
///
/// Prints {"batch": {…}} and ends with 0, or {"nothing": {…}} and ends with 3. With --batches, prints
/// {"batches": […]}, and ends with 3 when there are none. Pass a batch's claim_token on to `items`, and
/// in the end to `complete` or `fail`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  token=$(batchintory acquire --meta-table files --job lines --max-count 10 | jq -r .batch.claim_token)
  batchintory items $token | xargs wc -l && batchintory complete $token || batchintory fail $token
  batchintory acquire --meta-table files --job lines --max-count 10 --batches 5 --items")]
pub struct Arguments {
    #[command(flatten)]
    request: Request,
    /// Print each batch's items too, as its `items`
    #[arg(long)]
    items: bool,
    /// A claim token of your own, unguessable: the call may be repeated after any failure, and gives
    /// the same batch again, or the same batches
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Claim up to this number of batches that follow each other, all or none; one that is handed out again
    /// comes alone
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    batches: Option<u32>,
}

/// Claims.
pub async fn run(settings: &Settings, arguments: &Arguments) -> Result<Code, Failure> {
    let inventory = settings.inventory().await?;
    let request = arguments.request.to_acquire()?;
    match arguments.batches {
        Some(batches) => acquire_many(&inventory, &request, batches, arguments).await,
        None => acquire_one(&inventory, &request, arguments).await,
    }
}

async fn acquire_one(
    inventory: &Inventory,
    request: &AcquireRequest,
    arguments: &Arguments,
) -> Result<Code, Failure> {
    let acquired = match &arguments.token {
        Some(token) => inventory.acquire_with_token(request, token).await?,
        None => inventory.acquire(request).await?,
    };
    match acquired {
        Acquired::Batch(batch) => {
            if let Err(failure) = deliver_one(&batch, arguments.items).await {
                // Who knows the claim token can ask again.
                if arguments.token.is_none() {
                    give_up(vec![batch], &failure).await?;
                }
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

async fn acquire_many(
    inventory: &Inventory,
    request: &AcquireRequest,
    batches: u32,
    arguments: &Arguments,
) -> Result<Code, Failure> {
    let batches = match &arguments.token {
        Some(token) => (inventory.acquire_many_with_token(request, batches, token)).await?,
        None => inventory.acquire_many(request, batches).await?,
    };
    if batches.is_empty() {
        print_json(&json!({"batches": []}))?;
        return Ok(Code::Nothing);
    }
    if let Err(failure) = deliver_many(&batches, arguments.items).await {
        // Who knows the claim token can ask again.
        if arguments.token.is_none() {
            give_up(batches, &failure).await?;
        }
        return Err(failure);
    }
    Ok(Code::Done)
}

/// Ends batches whose claim tokens nobody has, so that nobody else can end them.
async fn give_up(batches: Vec<Batch>, failure: &Failure) -> Result<(), Failure> {
    let reason = format!("it could not be handed out: {}", failure.message());
    for batch in batches {
        batch.fail(&reason).await?;
    }
    Ok(())
}

async fn deliver_one(batch: &Batch, with_items: bool) -> Result<(), Failure> {
    let mut answer = json!({"batch": &**batch});
    if with_items {
        add_items(&mut answer, batch).await?;
    }
    deliver_json(&answer)
}

async fn deliver_many(batches: &[Batch], with_items: bool) -> Result<(), Failure> {
    let mut answers = Vec::new();
    for batch in batches {
        let mut answer = json!(&**batch);
        if with_items {
            add_items(&mut answer, batch).await?;
        }
        answers.push(answer);
    }
    deliver_json(&json!({"batches": answers}))
}

async fn add_items(answer: &mut Value, batch: &Batch) -> Result<(), Failure> {
    let items = serde_json::to_value(batch.items().await?)?;
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("items".into(), items);
    }
    Ok(())
}
