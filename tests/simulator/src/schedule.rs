//! Who goes next, and what becomes of the statement.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use anyhow::Result;
use batchintory::{
    Database, DatabaseError, Dialect, Error, Rows, Settings, Source, StatusLabels, Value,
};

use crate::faults::{Counts, Fault};
use crate::random::Random;
use crate::world::{NOW, World};

/// SQLite's code for a lock that another holds.
const SQLITE_BUSY: &str = "5";

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
    is_trapped: bool,
}

/// Which version of the planner a worker has: they differ in what they keep of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Version {
    /// It knows fewer options.
    Older,
    #[default]
    Current,
    /// It knows more.
    Newer,
}

impl Version {
    /// A request as this version keeps it; anything else as it is.
    fn keep(self, parameter: Value) -> Value {
        let Value::Text(text) = &parameter else {
            return parameter;
        };
        let Ok(serde_json::Value::Object(mut kept)) = serde_json::from_str(text) else {
            return parameter;
        };
        match self {
            Self::Current => return parameter,
            Self::Older => {
                kept.retain(|name, value| {
                    !value.is_null() && name != "on_change" && name != "settle"
                });
            }
            Self::Newer => {
                kept.insert("colour".into(), "blue".into());
            }
        }
        Value::Text(serde_json::Value::Object(kept).to_string())
    }
}

/// A worker's way to the database: every statement waits until it is the worker's turn.
#[derive(Clone, Default)]
pub(crate) struct Link {
    mailbox: Arc<Mutex<Mailbox>>,
    version: Version,
    /// Whether the planner may claim in one statement.
    one_database: bool,
}

impl Link {
    /// Of a worker with this version of the planner, which may know that there is one database.
    pub(crate) fn of(version: Version, one_database: bool) -> Self {
        Self {
            version,
            one_database,
            ..Self::default()
        }
    }

    /// The call's answer, or an error once the host has dropped the call.
    pub(crate) async fn unless_trapped<T>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut call = pin!(call);
        poll_fn(|context| {
            if std::mem::take(&mut self.mailbox().is_trapped) {
                return Poll::Ready(Err(Error::unavailable("the call was dropped")));
            }
            call.as_mut().poll(context)
        })
        .await
    }

    fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Database for Link {
    fn settings(&self) -> Settings {
        Settings {
            inventory_dialect: Dialect::Sqlite,
            meta_dialect: Dialect::Sqlite,
            inventory_table: "inventory".into(),
            meta_schema: None,
            meta_name: None,
            one_database: self.one_database,
            may_repeat: true,
            status_labels: StatusLabels::default(),
        }
    }

    /// Which worker goes next is chosen at every step anyway.
    async fn pause(&self, _milliseconds: u32) {}

    async fn query(&self, _on: Source, text: &str, parameters: &[Value]) -> Answer {
        let text = text.to_owned();
        let mut parameters = parameters.to_vec();
        if self.version != Version::Current && text.contains("INSERT INTO") {
            parameters = (parameters.into_iter().map(|value| self.version.keep(value))).collect();
        }
        self.mailbox().request = Some(Request { text, parameters });
        poll_fn(|_| match self.mailbox().answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        })
        .await
    }
}

/// What a worker met that sent a statement.
enum Met {
    /// An answer, or an error.
    Answered(Answer),
    /// Its host dropped the call.
    Trapped,
    /// Its own end.
    Killed,
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
                Met::Answered(answer) => {
                    if let Some(worker) = slot {
                        worker.link.mailbox().answer = Some(answer);
                    }
                    poll(slot, &mut context);
                }
                Met::Trapped => {
                    if let Some(worker) = slot {
                        worker.link.mailbox().is_trapped = true;
                    }
                    poll(slot, &mut context);
                }
                Met::Killed => *slot = None,
            }
            self.happen();
        }
        // What is still on its way arrives in the end.
        while let Some(request) = self.late.pop() {
            let _ = self.execute(&request);
        }
    }

    /// Runs a single worker.
    pub(crate) fn run_alone(&mut self, link: Link, task: impl Future<Output = ()> + 'static) {
        self.run(&mut [Some(Worker {
            link,
            task: Box::pin(task),
        })]);
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

    /// Sends the statement, as far as the fault lets it.
    fn meet(&mut self, request: Request, fault: Option<Fault>) -> Met {
        let lost = || {
            Met::Answered(Err(DatabaseError::OutcomeUnknown(
                "the answer was lost".into(),
            )))
        };
        let Some(fault) = fault else {
            return Met::Answered(self.execute(&request));
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
            Fault::Busy => Met::Answered(Err(DatabaseError::refused(SQLITE_BUSY, "busy"))),
            Fault::Unavailable => Met::Answered(Err(DatabaseError::Unavailable("down".into()))),
            Fault::Killed => Met::Killed,
            Fault::KilledAfterEffect => {
                let _ = self.execute(&request);
                Met::Killed
            }
            Fault::Trapped => Met::Trapped,
            Fault::TrappedAfterEffect => {
                let _ = self.execute(&request);
                Met::Trapped
            }
            Fault::ClockLeap | Fault::RowChange => Met::Answered(self.execute(&request)),
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
        let statement = match self.random.below(4) {
            0 => format!(
                "INSERT OR IGNORE INTO files VALUES ({uid}, 'late', {}, datetime({NOW}, '-{} seconds'))",
                uid % 10,
                uid * 2
            ),
            1 => format!("DELETE FROM files WHERE uid = {uid}"),
            2 => format!("UPDATE files SET item = 'late' WHERE item = 'held' AND uid <= {uid}"),
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
