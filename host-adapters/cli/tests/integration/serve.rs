//! `batchintory serve`.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::workplace::Workplace;
use crate::workplace::service::{Service, TOKEN};
use batchintory_tests::{Failure, HttpSubject};
use batchintory_wasmtime::batchintory::{Acquisition, Batch, Operations as _};
use batchintory_wasmtime::{AcquireRequest, JobsQuery, Outcome};

/// Makes a call with a token.
fn at<T>(
    service: &Service,
    token: &str,
    call: impl AsyncFnOnce(HttpSubject) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(call(HttpSubject::new(&service.url, token)))
}

/// Claims a batch.
fn acquire(service: &Service) -> Batch {
    let request = AcquireRequest::new("files", "lines");
    let acquired = at(service, TOKEN, async |it| it.acquire(request, None).await);
    match acquired.unwrap() {
        Acquisition::Batch(batch) => batch,
        Acquisition::Nothing(nothing) => panic!("{nothing:?}"),
    }
}

fn complete(service: &Service, batch: &Batch, outcome: Outcome) {
    let token = batch.claim_token.clone();
    at(service, TOKEN, async |it| it.complete(token, outcome).await).unwrap();
}

#[test]
fn batches_are_handed_out_until_a_signal_comes_and_no_secret_is_logged() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, TOKEN, &[]);
    let batch = acquire(&service);
    assert_eq!(batch.count, 3, "{batch:?}");
    complete(&service, &batch, Outcome::succeeded(None));
    let log = service.end(&workplace);
    assert!(log.contains("/v1/batches/…/complete"), "{log}");
    assert!(
        !log.contains(TOKEN) && !log.contains(&batch.claim_token),
        "{log}"
    );
    let history = workplace.json(&["history", "--job", "lines"]);
    assert_eq!(history[0]["status"], "succeeded");
}

#[test]
fn the_inventory_is_made_where_that_is_asked_for() {
    let workplace = Workplace::new();
    crate::workplace::ok(&workplace.run(&["register", "data"]));
    let service = Service::start(&workplace, TOKEN, &["--migrate"]);
    let refused = at(&service, "another token", async |it| {
        it.jobs(JobsQuery::default()).await
    });
    assert_eq!(refused.unwrap_err().name, "unauthorized");
    acquire(&service);
}

#[test]
fn an_address_that_is_taken_is_told() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, TOKEN, &[]);
    let address = service.url.trim_start_matches("http://").to_owned();
    let refused = workplace.run(&["serve", "--listen", &address]);
    assert_eq!(refused.status.code(), Some(1));
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        error.contains(&format!("cannot listen at {address}")),
        "{error}"
    );
}

/// Asks for a batch that failed a moment ago and rests for a second, with this header.
fn acquire_after_a_failure(workplace: &Workplace, header: &str) -> String {
    let service = Service::start(workplace, TOKEN, &[]);
    let batch = acquire(&service);
    complete(&service, &batch, Outcome::failed("not this time"));
    let body = r#"{"meta_table": "files", "retry_delay_seconds": 1}"#;
    let mut client = TcpStream::connect(service.address()).unwrap();
    write!(
        client,
        "POST /v1/jobs/lines/batches HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n{header}\r\n{body}",
        service.address(),
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_client_that_would_rather_wait_gets_what_comes() {
    let waited = acquire_after_a_failure(&Workplace::prepared(), "prefer: wait=3600\r\n");
    assert!(waited.starts_with("HTTP/1.1 201"), "{waited}");
    assert!(
        waited.contains("preference-applied: wait=60\r\n"),
        "{waited}"
    );
    assert!(waited.contains("\"attempt\":2"), "{waited}");
    let at_once = acquire_after_a_failure(&Workplace::prepared(), "");
    assert!(at_once.starts_with("HTTP/1.1 200"), "{at_once}");
    assert!(!at_once.contains("preference-applied"), "{at_once}");
    assert!(at_once.contains("\"due_in_seconds\":1"), "{at_once}");
}
