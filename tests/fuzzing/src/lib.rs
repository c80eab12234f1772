//! What the planner makes of anything that comes from outside: conditions, requests, hosts.
//!
//! Each function reads bytes as such an input and calls the planner with it. The planner may refuse
//! whatever it likes, but it ends, with an answer or an error: a panic would be a trap in the component.
//! The same functions are fuzzed (`cargo xtask fuzz`) and run on the corpus by `cargo xtask test`.

mod call;
mod host;
mod inputs;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use arbitrary::{Result, Unstructured};
use batchintory::{AcquireRequest, Planner};

use call::Call;
use host::{Host, KINDS, Zero};

/// A condition's text as the filter and the hold of a job, in each dialect. What is accepted makes a
/// statement with a placeholder for each of its values.
pub fn condition(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let request = AcquireRequest {
        filter: Some(text.clone()),
        hold: Some(text),
        ..AcquireRequest::new("lake.files", "job")
    };
    for dialect in inputs::DIALECTS {
        for kind in 0..KINDS {
            let host = Host::sensible(dialect, kind);
            let planner = Planner::new(&host, Zero);
            let _ = run(planner.acquire(&request, None));
            host.check_statements();
        }
    }
}

/// Any call with any arguments, to a host that answers sensibly.
pub fn request(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let read = |input: &mut Unstructured<'_>| -> Result<_> {
        Ok((*input.choose(&inputs::DIALECTS)?, Call::read(input)?))
    };
    if let Ok((dialect, call)) = read(&mut input) {
        let host = Host::sensible(dialect, 0);
        call.make(&host);
        host.check_statements();
    }
}

/// Any call to a host that answers with any rows and errors: of wrong types, too many, too few, absurd.
pub fn host(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let read = |input: &mut Unstructured<'_>| -> Result<_> {
        Ok((inputs::settings(input)?, Call::usual(input)?))
    };
    if let Ok((settings, call)) = read(&mut input) {
        call.make(&Host::absurd(settings, input.take_rest()));
    }
}

/// Runs a future that never waits: these hosts answer at once.
fn run<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("these hosts answer at once"),
    }
}
