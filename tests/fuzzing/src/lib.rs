//! What the planner makes of anything that comes from outside: conditions, requests, hosts.
//!
//! Each function reads bytes as such an input and calls the planner with it. The planner may refuse
//! whatever it likes, but it ends, with an answer or an error: a panic would be a trap in the component.
//! The same functions are fuzzed (`cargo xtask fuzz`) and run on the corpus by `cargo xtask test`.

mod call;
mod host;
mod inputs;

use arbitrary::{Result, Unstructured};
use batchintory::{AcquireRequest, Call, Operations as _, Planner, at_once};

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
            let _ = at_once(planner.acquire(request.clone(), None));
            host.check_statements();
        }
    }
}

/// Any call with any arguments, to a host that answers sensibly. Gives back the operation's name.
pub fn request(bytes: &[u8]) -> Option<&'static str> {
    let mut input = Unstructured::new(bytes);
    let read = |input: &mut Unstructured<'_>| -> Result<_> {
        Ok((*input.choose(&inputs::DIALECTS)?, call::any(input)?))
    };
    let (dialect, call) = read(&mut input).ok()?;
    let host = Host::sensible(dialect, 0);
    let name = make(call, &host);
    host.check_statements();
    Some(name)
}

/// Any call to a host that answers with any rows and errors: of wrong types, too many, too few, absurd. Gives back
/// the operation's name.
pub fn host(bytes: &[u8]) -> Option<&'static str> {
    let mut input = Unstructured::new(bytes);
    let read = |input: &mut Unstructured<'_>| -> Result<_> {
        Ok((inputs::settings(input)?, call::usual(input)?))
    };
    let (settings, call) = read(&mut input).ok()?;
    Some(make(call, &Host::absurd(settings, input.take_rest())))
}

/// Makes the call; the answer does not matter, only that there is one.
fn make(call: Call, host: &Host) -> &'static str {
    let name = call.name();
    let _ = at_once(Planner::new(host, Zero).call(call));
    name
}
