//! `batchintory serve`

use std::net::SocketAddr;

use batchintory_server::{HttpService, ServiceSettings};
use clap::Args;
use tokio::net::TcpListener;

use crate::error::{Code, Failure};
use crate::output::{print_json, tell};
use crate::secret::Secret;
use crate::settings::Settings;
use crate::signals::Signals;

/// Serve the HTTP API and the dashboard
///
/// The API is at /v1, its description at /openapi.json, the dashboard at /. The service is the same
/// WebAssembly component that runs on Spin: every request has an instance of its own. A signal ends it
/// once the requests under way are served.
///
/// Connections are not encrypted: put a proxy that does TLS before it where they leave the machine.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  BATCHINTORY_API_TOKEN=… batchintory serve
  BATCHINTORY_API_TOKEN=… batchintory serve --listen 0.0.0.0:8080 --protect-reads --migrate
  curl --json '{\"meta_table\": \"files\", \"max_count\": 10}' --oauth2-bearer … \\
      http://127.0.0.1:8080/v1/jobs/lines/batches

RUST_LOG=info writes a line for every request.")]
pub struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The token that callers must send to write; without one nothing can be written. Better given by
    /// the environment, where other users of the machine do not see it
    #[arg(
        long,
        value_name = "TOKEN",
        env = "BATCHINTORY_API_TOKEN",
        hide_env_values = true
    )]
    api_token: Option<Secret>,
    /// Ask for the token for reading too
    #[arg(long, env = "BATCHINTORY_PROTECT_READS")]
    protect_reads: bool,
    /// Create the inventory table first where it is missing
    #[arg(long)]
    migrate: bool,
}

/// Serves until a signal comes.
pub async fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<Code, Failure> {
    if arguments.migrate {
        settings.new_inventory().await?.migrate().await?;
    }
    let inventory = settings.inventory_at_least().await?;
    let api_token = (arguments.api_token.clone())
        .map(|Secret(token)| token)
        .filter(|token| !token.is_empty());
    if arguments.protect_reads && api_token.is_none() {
        return Err(Failure::usage(
            "--protect-reads without a token lets nobody in; give one by BATCHINTORY_API_TOKEN",
        ));
    }
    let read_only = api_token.is_none();
    let service = HttpService::embedded(
        inventory.databases(),
        ServiceSettings {
            api_token,
            protect_reads: arguments.protect_reads,
        },
    )
    .map_err(Failure::other)?;
    let mut signals = Signals::listen()?;
    let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
        Failure::other(format!("cannot listen at {}: {error}", arguments.listen))
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    if json {
        print_json(&serde_json::json!({ "url": url }))?;
    } else {
        tell(format_args!("serving {url}/ (the API: {url}/openapi.json)"));
    }
    if read_only {
        tell("nothing can be written: there is no API token (BATCHINTORY_API_TOKEN)");
    }
    service
        .serve(listener, signals.next())
        .await
        .map_err(Failure::other)?;
    Ok(Code::Done)
}
