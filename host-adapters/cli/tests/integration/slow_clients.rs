//! `batchintory serve` among clients that take their time: whoever does not is served all the same.

use std::thread::sleep;
use std::time::{Duration, Instant};

use batchintory_tests::slow_clients::{SlowClients, Slowness};
use batchintory_tests::{Failure, HttpSubject};
use batchintory_wasmtime::batchintory::{Acquisition, Operations as _};
use batchintory_wasmtime::{AcquireRequest, Outcome};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::Runtime;

use crate::workplace::Workplace;
use crate::workplace::service::{Service, TOKEN};

/// How many clients of a kind there are at once.
const CLIENTS: usize = 1_000;

/// How many batches are processed beside the clients of a kind.
const BATCHES: usize = 20;

/// The most memory that the service may have while they are there, and when they have gone.
const MOST_DURING: u64 = 300 * 1024 * 1024;
const MOST_AFTER: u64 = 100 * 1024 * 1024;

/// How long is waited for the memory to be given back: longer than any client is borne.
const PATIENCE: Duration = Duration::from_secs(120);

/// A client that behaves.
struct Client {
    runtime: Runtime,
    subject: HttpSubject,
}

impl Client {
    /// Processes a batch of a job, and gives back how long its slowest request took.
    fn process(&self, job: &str, outcome: Outcome) -> Duration {
        let request = AcquireRequest {
            max_attempts: 100,
            ..AcquireRequest::new("files", job)
        };
        let (acquired, claim) = self.timed(self.subject.acquire(request, None));
        let Acquisition::Batch(batch) = acquired else {
            panic!("{acquired:?}");
        };
        let token = || batch.claim_token.clone();
        let (items, reading) = self.timed(self.subject.items(token(), None, 100));
        assert_eq!(items.len(), 3, "{items:?}");
        let ((), end) = self.timed(self.subject.complete(token(), outcome));
        claim.max(reading).max(end)
    }

    /// What a request gives, and how long it took.
    fn timed<T>(&self, answer: impl Future<Output = Result<T, Failure>>) -> (T, Duration) {
        let start = Instant::now();
        let answer = self.runtime.block_on(answer);
        let took = start.elapsed();
        (answer.unwrap_or_else(|failure| panic!("{failure}")), took)
    }
}

/// As many open files as the system gives: every client has one.
fn open_many_files() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
}

#[test]
fn a_thousand_slow_clients_of_any_kind_keep_nobody_waiting_and_take_little_memory() {
    open_many_files();
    let workplace = Workplace::prepared();
    let service = Service::start_telling(&workplace, TOKEN, &[], "warn");
    let client = Client {
        runtime: Runtime::new().unwrap(),
        subject: HttpSubject::new(&service.url, TOKEN),
    };
    let megabyte = "x".repeat(1_000_000);
    // What those are sent who do not read it.
    for _ in 0..10 {
        client.process("logs", Outcome::failed(megabyte.clone()));
    }
    println!("memory before: {} MB", service.memory() >> 20);
    for slowness in Slowness::ALL {
        let slow = SlowClients::start(service.address(), TOKEN, slowness, CLIENTS);
        let mut slowest = Duration::ZERO;
        let mut memory = 0;
        for number in 0..BATCHES {
            let job = format!("{slowness:?}-{number}");
            slowest = slowest.max(client.process(&job, Outcome::succeeded(None)));
            memory = memory.max(service.memory());
        }
        println!(
            "{slowness:?}: {} connections, {} MB, the slowest request {slowest:?}",
            slow.connections(),
            memory >> 20
        );
        assert!(memory < MOST_DURING, "{slowness:?}: {memory} bytes");
        assert!(slow.connections() >= CLIENTS as u64, "{slowness:?}");
    }
    let start = Instant::now();
    while service.memory() >= MOST_AFTER {
        let memory = service.memory();
        assert!(start.elapsed() < PATIENCE, "{memory} bytes are kept");
        sleep(Duration::from_millis(100));
    }
    println!("memory after: {} MB", service.memory() >> 20);
}
