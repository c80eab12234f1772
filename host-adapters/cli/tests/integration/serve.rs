//! `batchintory serve`.

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
