//! `batchintory serve`.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod workplace;

use std::io::Read;
use std::process::{Child, Command, Stdio};

use batchintory_tests::{Call, Failure, HttpSubject, Subject};
use batchintory_wasmtime::{AcquireRequest, Outcome};
use serde_json::Value;
use workplace::Workplace;

const TOKEN: &str = "a very secret token";

/// A service that runs; killed when dropped.
struct Service {
    child: Child,
    url: String,
}

impl Service {
    fn start(workplace: &Workplace, token: &str, arguments: &[&str]) -> Self {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--json"];
        let mut child = workplace
            .command(&[&serve, arguments].concat())
            .env("BATCHINTORY_API_TOKEN", token)
            .env("RUST_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.as_mut().unwrap();
        let mut answers = serde_json::Deserializer::from_reader(output).into_iter::<Value>();
        let answer = answers.next().unwrap().unwrap();
        Self {
            child,
            url: answer["url"].as_str().unwrap().to_owned(),
        }
    }

    fn call(&self, token: &str, call: Call) -> Result<Value, Failure> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(HttpSubject::new(&self.url, token).call(call))
    }

    /// Asks it to end, and gives back what it wrote to its log.
    fn end(mut self) -> String {
        // Read beside, since a full pipe would hold it up.
        let mut log = self.child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            log.read_to_string(&mut text).unwrap();
            text
        });
        let process = self.child.id().to_string();
        Command::new("kill").arg(&process).status().unwrap();
        assert!(self.child.wait().unwrap().success());
        log.join().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn acquire() -> Call {
    Call::Acquire(AcquireRequest::new("files", "lines"))
}

#[test]
fn batches_are_handed_out_until_a_signal_comes_and_no_secret_is_logged() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, TOKEN, &[]);
    let answer = service.call(TOKEN, acquire()).unwrap();
    assert_eq!(answer["batch"]["count"], 3, "{answer}");
    let claim_token = answer["batch"]["claim_token"].as_str().unwrap().to_owned();
    let complete = Call::Complete {
        claim_token: claim_token.clone(),
        outcome: Outcome::succeeded(None),
    };
    service.call(TOKEN, complete).unwrap();
    let log = service.end();
    assert!(log.contains("/v1/batches/…/complete"), "{log}");
    assert!(!log.contains(TOKEN) && !log.contains(&claim_token), "{log}");
    let history = workplace.json(&["history", "--job", "lines"]);
    assert_eq!(history[0]["status"], "succeeded");
}

#[test]
fn without_a_token_nothing_can_be_written() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, "", &[]);
    assert_eq!(service.call("", acquire()).unwrap_err().name, "forbidden");
    assert_eq!(service.call("", Call::Jobs {}), Ok(serde_json::json!([])));
    let refused = workplace.run(&["serve", "--protect-reads"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn the_inventory_is_made_where_that_is_asked_for() {
    let workplace = Workplace::new();
    workplace::ok(&workplace.run(&["register", "data"]));
    let service = Service::start(&workplace, TOKEN, &["--migrate", "--protect-reads"]);
    let refused = service.call("another token", Call::Jobs {}).unwrap_err();
    assert_eq!(refused.name, "unauthorized");
    assert!(service.call(TOKEN, acquire()).is_ok());
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
