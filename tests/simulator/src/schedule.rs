//! Who goes next, and what becomes of the statement.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use anyhow::Result;
use batchintory::{Database, DatabaseError, Dialect, Rows, Settings, Source, StatusLabels, Value};

use crate::faults::{Counts, Fault};
use crate::random::Random;
use crate::world::World;

type Answer = Result<Rows, DatabaseError>;

/// A statement on its way.
#[derive(Clone)]
struct Request {
    text: String,
    parameters: Vec<Value>,
}

/// What a worker asks and is told.
#[derive(Default)]
struct Mailbox {
    request: Option<Request>,
    answer: Option<Answer>,
}

/// A worker's way to the database: every statement waits until it is the worker's turn.
#[derive(Clone, Default)]
pub(crate) struct Link(Arc<Mutex<Mailbox>>);

impl Link {
    fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Database for Link {
    fn settings(&self) -> Settings {
        Settings {
            inventory_dialect: Dialect::Sqlite,
            meta_dialect: Dialect::Sqlite,
            inventory_table: "inventory".into(),
            meta_schema: None,
            status_labels: StatusLabels::default(),
        }
    }

    /// Which worker goes next is chosen at every step anyway.
    async fn pause(&self, _milliseconds: u32) {}

    async fn query(&self, _on: Source, text: String, parameters: Vec<Value>) -> Answer {
        self.mailbox().request = Some(Request { text, parameters });
        poll_fn(|_| match self.mailbox().answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        })
        .await
    }
}

/// A worker: what it does, and its way to the database.
pub(crate) struct Worker {
    pub(crate) link: Link,
    pub(crate) task: Pin<Box<dyn Future<Output = ()>>>,
}

/// Runs workers, one statement at a time.
pub(crate) struct Schedule<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) random: Random,
    /// Of a hundred statements, how many meet a fault.
    pub(crate) trouble: u64,
    pub(crate) counts: Counts,
    /// Statements that will take effect later.
    late: Vec<Request>,
    /// What happened, for people.
    pub(crate) trace: Option<Vec<String>>,
}

impl<'a> Schedule<'a> {
    pub(crate) fn new(world: &'a mut World, random: Random, trouble: u64, traced: bool) -> Self {
        Self {
            world,
            random,
            trouble,
            counts: Counts::default(),
            late: Vec::new(),
            trace: traced.then(Vec::new),
        }
    }

    /// Runs the workers until all are done or dead.
    pub(crate) fn run(&mut self, workers: &mut [Option<Worker>]) {
        let mut context = Context::from_waker(Waker::noop());
        for worker in workers.iter_mut() {
            poll(worker, &mut context);
        }
        loop {
            let alive: Vec<usize> = (workers.iter().enumerate())
                .filter(|(_, worker)| worker.is_some())
                .map(|(index, _)| index)
                .collect();
            if alive.is_empty() {
                break;
            }
            let Some(&index) = alive.get(self.random.index(alive.len())) else {
                break;
            };
            let Some(slot) = workers.get_mut(index) else {
                break;
            };
            let request = (slot.as_ref()).and_then(|worker| worker.link.mailbox().request.take());
            let Some(request) = request else {
                // A worker that waits for nothing will never go on.
                *slot = None;
                continue;
            };
            let fault = self.pick_fault();
            self.tell(index, &request, fault);
            match self.meet(request, fault) {
                Some(answer) => {
                    if let Some(worker) = slot {
                        worker.link.mailbox().answer = Some(answer);
                    }
                    poll(slot, &mut context);
                }
                None => *slot = None,
            }
            self.happen();
        }
        // What is still on its way arrives in the end.
        while let Some(request) = self.late.pop() {
            let _ = self.execute(&request);
        }
    }

    fn pick_fault(&mut self) -> Option<Fault> {
        if !self.random.percent(self.trouble) {
            return None;
        }
        // The last two happen by themselves.
        Fault::ALL
            .get(self.random.index(Fault::ALL.len() - 2))
            .copied()
    }

    /// The statement's answer; none when its worker is dead.
    fn meet(&mut self, request: Request, fault: Option<Fault>) -> Option<Answer> {
        let lost = || {
            Some(Err(DatabaseError::OutcomeUnknown(
                "the answer was lost".into(),
            )))
        };
        let Some(fault) = fault else {
            return Some(self.execute(&request));
        };
        self.counts.count(fault);
        match fault {
            Fault::LostBeforeEffect => lost(),
            Fault::LostAfterEffect => {
                let _ = self.execute(&request);
                lost()
            }
            Fault::LateEffect => {
                self.late.push(request);
                lost()
            }
            Fault::Busy => Some(Err(DatabaseError::Retryable("busy".into()))),
            Fault::Unavailable => Some(Err(DatabaseError::Unavailable("down".into()))),
            Fault::Killed => None,
            Fault::KilledAfterEffect => {
                let _ = self.execute(&request);
                None
            }
            Fault::ClockLeap | Fault::RowChange => Some(self.execute(&request)),
        }
    }

    fn execute(&mut self, request: &Request) -> Answer {
        self.counts.statements += 1;
        self.world.query(&request.text, &request.parameters)
    }

    /// What happens between statements: time goes by, late statements arrive.
    fn happen(&mut self) {
        self.world.advance(1);
        if self.trouble == 0 {
            return;
        }
        if self.random.percent(3) {
            self.counts.count(Fault::ClockLeap);
            let leap = i64::try_from(self.random.below(100)).unwrap_or_default();
            self.world.advance(leap - 5);
        }
        if self.random.percent(3) {
            self.change_a_row();
        }
        if !self.late.is_empty() && self.random.percent(20) {
            let request = self.late.remove(0);
            let _ = self.execute(&request);
        }
    }

    /// A row comes late, goes, or weighs something else.
    fn change_a_row(&mut self) {
        self.counts.count(Fault::RowChange);
        let uid = self.random.below(25);
        let statement = match self.random.below(3) {
            0 => format!(
                "INSERT OR IGNORE INTO files VALUES ({uid}, 'late', {})",
                uid % 10
            ),
            1 => format!("DELETE FROM files WHERE uid = {uid}"),
            _ => format!("UPDATE files SET item = 'changed', weight = 5 WHERE uid = {uid}"),
        };
        if let Err(error) = self.world.change(&statement) {
            self.world.violations.push(error.to_string());
        }
    }

    fn tell(&mut self, worker: usize, request: &Request, fault: Option<Fault>) {
        if let Some(trace) = &mut self.trace {
            let fault = fault.map_or(String::new(), |fault| format!(" [{fault:?}]"));
            trace.push(format!(
                "worker {worker}{fault}: {} -- {:?}",
                request.text, request.parameters
            ));
        }
    }
}

fn poll(worker: &mut Option<Worker>, context: &mut Context<'_>) {
    let is_done =
        (worker.as_mut()).is_some_and(|worker| worker.task.as_mut().poll(context).is_ready());
    if is_done {
        *worker = None;
    }
}
