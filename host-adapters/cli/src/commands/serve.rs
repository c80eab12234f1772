//! `batchintory serve`

use std::net::SocketAddr;

use batchintory_server::HttpService;
#[cfg(unix)]
use batchintory_server::Tls;
use clap::Args;
use tokio::net::TcpListener;

use crate::access::AccessOptions;
use crate::error::{Code, Failure};
use crate::output::print_json;
use crate::server_arguments::ServerArguments;
#[cfg(unix)]
use crate::server_arguments::read_again;
use crate::settings::Settings;
#[cfg(unix)]
use crate::signals::Hangups;
use crate::signals::Signals;
use crate::stderr::tell;

/// Serve the HTTP API and the dashboard
///
/// The API is at /v1, its description at /openapi.json, the dashboard at /. The service is the same
/// WebAssembly component that runs on Spin: every request has an instance of its own. A signal ends it
/// once the requests under way are served.
///
/// Nothing but /healthz is answered without an access token, unless --public-reads is given; docs/security.md
/// says what each role may do. Connections are encrypted where a certificate is given (--tls-cert, --tls-key);
/// otherwise put a proxy that does TLS before it where they leave the machine.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  batchintory serve
  BATCHINTORY_API_TOKEN=… batchintory serve --listen 0.0.0.0:8080 --migrate
  batchintory serve --listen 0.0.0.0:8080 --tokens-file tokens --allow-table 'lake.*'
  curl --json '{\"meta_table\": \"files\", \"max_count\": 10}' --oauth2-bearer … \\
      http://127.0.0.1:8080/v1/jobs/lines/batches

RUST_LOG=info writes a line for every request, RUST_LOG=batchintory::audit=info one for whoever does something.")]
pub struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    #[command(flatten)]
    access: AccessOptions,
    /// Create the inventory table first where it is missing
    #[arg(long)]
    migrate: bool,
    #[command(flatten)]
    server: ServerArguments,
}

/// Serves until a signal comes.
pub async fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<Code, Failure> {
    let access = &arguments.access;
    let served = access.served_at(arguments.listen.ip())?;
    let made = served.made;
    let tls = arguments.server.tls()?;
    if arguments.migrate {
        settings.new_inventory().await?.migrate().await?;
    }
    let inventory = settings.inventory_at_least().await?;
    let has_tokens = served.settings.has_tokens();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let service = HttpService::embedded(inventory.databases(), served.settings)
        .map_err(Failure::other)?
        .with_brake(access.wrong_tokens());
    #[cfg(unix)]
    let mut signals = match access.has_file() || tls.is_some() {
        true => {
            read_again_at_hangups(access.clone(), service.clone(), tls.clone())?;
            Signals::listen_but_to_hangups()?
        }
        false => Signals::listen()?,
    };
    #[cfg(not(unix))]
    let mut signals = Signals::listen()?;
    let service = arguments.server.apply(service, tls);
    let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
        Failure::other(format!("cannot listen at {}: {error}", arguments.listen))
    })?;
    let url = format!("{scheme}://{}", listener.local_addr()?);
    if json {
        print_json(&serde_json::json!({ "url": url, "made_token": made }))?;
    } else {
        match &made {
            Some(token) => tell(format_args!(
                "serving {url}/?token={token} (the API: {url}/openapi.json)\n\
                 the access token was made for this run; give one of your own by BATCHINTORY_API_TOKEN"
            )),
            None => tell(format_args!("serving {url}/ (the API: {url}/openapi.json)")),
        }
    }
    if !has_tokens && made.is_none() {
        tell("nothing can be written: there is no access token (BATCHINTORY_API_TOKEN)");
    }
    service
        .serve(listener, signals.next())
        .await
        .map_err(Failure::other)?;
    Ok(Code::Done)
}

/// Reads the file of tokens and the certificate again at each SIGHUP, until the program ends.
#[cfg(unix)]
fn read_again_at_hangups(
    access: AccessOptions,
    service: HttpService,
    tls: Option<Tls>,
) -> Result<(), Failure> {
    let mut hangups = Hangups::listen()?;
    tokio::spawn(async move {
        loop {
            hangups.next().await;
            if access.has_file() {
                access.read_again(&service);
            }
            if let Some(tls) = &tls {
                read_again(tls);
            }
        }
    });
    Ok(())
}
