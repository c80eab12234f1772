//! What the HTTP service's components may ask of their hosts.

use anyhow::Result;

use super::{Made, imports};

/// What the service itself needs, wherever it runs.
const SERVICE: [&str; 7] = [
    "wasi:clocks/monotonic-clock@0.2.",
    "wasi:clocks/wall-clock@0.2.",
    "wasi:http/types@0.2.",
    "wasi:io/error@0.2.",
    "wasi:io/poll@0.2.",
    "wasi:io/streams@0.2.",
    "wasi:random/random@0.2.",
];

/// What is left to whoever has the databases.
pub const UNBOUND: [&str; 3] = [
    "batchintory:http/configuration@0.1.0",
    "batchintory:http/notices@0.1.0",
    "batchintory:inventory/database@0.1.0",
];

/// What Spin gives. `spin:variables` is not among it: its only function is asynchronous, which a component
/// with a synchronous `wasi:http/incoming-handler` may not call.
pub const SPIN: [&str; 4] = [
    "fermyon:spin/variables@2.",
    "spin:postgres/postgres@4.",
    "spin:sqlite/sqlite@3.",
    "wasi:cli/stderr@0.2.",
];

/// What hosts with sockets give.
pub const SOCKETS: [&str; 7] = [
    "wasi:cli/environment@0.2.",
    "wasi:cli/stderr@0.2.",
    "wasi:sockets/instance-network@0.2.",
    "wasi:sockets/ip-name-lookup@0.2.",
    "wasi:sockets/network@0.2.",
    "wasi:sockets/tcp-create-socket@0.2.",
    "wasi:sockets/tcp@0.2.",
];

/// Gives the component back if it imports what the service needs, and this of its host; above all nothing
/// else of ours, which would mean that a part is missing.
pub fn check(made: Made, of_its_host: &[&str]) -> Result<Made> {
    let known = [&SERVICE, of_its_host].concat();
    imports::check(&made.imports, &known)?;
    Ok(made)
}
