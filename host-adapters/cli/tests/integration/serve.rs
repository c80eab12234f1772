//! `batchintory serve`.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::workplace::Workplace;
use crate::workplace::service::{Service, TOKEN};
use batchintory_tests::{Call, Failure, HttpSubject, Subject};
use batchintory_wasmtime::{AcquireRequest, Outcome};
use serde_json::Value;

fn call(service: &Service, token: &str, call: Call) -> Result<Value, Failure> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(HttpSubject::new(&service.url, token).call(call))
}

fn acquire() -> Call {
    Call::Acquire(AcquireRequest::new("files", "lines"))
}

#[test]
fn batches_are_handed_out_until_a_signal_comes_and_no_secret_is_logged() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, TOKEN, &[]);
    let answer = call(&service, TOKEN, acquire()).unwrap();
    assert_eq!(answer["batch"]["count"], 3, "{answer}");
    let claim_token = answer["batch"]["claim_token"].as_str().unwrap().to_owned();
    let complete = Call::Complete {
        claim_token: claim_token.clone(),
        outcome: Outcome::succeeded(None),
    };
    call(&service, TOKEN, complete).unwrap();
    let log = service.end(&workplace);
    assert!(log.contains("/v1/batches/…/complete"), "{log}");
    assert!(!log.contains(TOKEN) && !log.contains(&claim_token), "{log}");
    let history = workplace.json(&["history", "--job", "lines"]);
    assert_eq!(history[0]["status"], "succeeded");
}

#[test]
fn the_inventory_is_made_where_that_is_asked_for() {
    let workplace = Workplace::new();
    crate::workplace::ok(&workplace.run(&["register", "data"]));
    let service = Service::start(&workplace, TOKEN, &["--migrate"]);
    let refused = call(&service, "another token", Call::Jobs(Default::default())).unwrap_err();
    assert_eq!(refused.name, "unauthorized");
    assert!(call(&service, TOKEN, acquire()).is_ok());
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
    let answer = call(&service, TOKEN, acquire()).unwrap();
    let fail = Call::Complete {
        claim_token: answer["batch"]["claim_token"].as_str().unwrap().to_owned(),
        outcome: Outcome::failed("not this time"),
    };
    call(&service, TOKEN, fail).unwrap();
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
