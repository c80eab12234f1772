//! A service over an inventory that says what a test wants it to say.
#![allow(dead_code)]

use std::cell::RefCell;
use std::future::ready;

use batchintory::{
    AcquireRequest, Answer as Says, Attempt, BatchPlan, Call, Dialect, Error, HistoryQuery,
    JobProgress, JobSummary, JobsQuery, Operations, Queue, RequeueTarget,
    Settings as DatabaseSettings, StatusLabels,
};
use batchintory_http::{Inventory, Request, Settings, answer};
use http::{HeaderMap, HeaderValue, Method};

use crate::support::Told;

pub const TOKEN: &str = "a-very-secret-token";

/// The header with it.
pub const AUTHORIZATION: &str = "Bearer a-very-secret-token";

/// 2026-01-01 00:01:00 UTC.
pub const NOW: u64 = 1_767_225_660;

/// What the inventory says.
pub struct Fake {
    pub jobs: Result<Vec<JobSummary>, Error>,
    /// Latest first.
    pub attempts: Vec<Attempt>,
    pub progress: Result<JobProgress, Error>,
    pub held: Option<i64>,
    /// What was requeued.
    pub requeued: RefCell<Vec<(String, String, RequeueTarget)>>,
    /// What was listed.
    pub queries: RefCell<Vec<HistoryQuery>>,
    pub settings: Settings,
    pub told: Told,
    pub is_encrypted: bool,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            jobs: Ok(Vec::new()),
            attempts: Vec::new(),
            progress: Ok(left(0, None)),
            held: None,
            requeued: RefCell::default(),
            queries: RefCell::default(),
            settings: Settings {
                api_token: Some(TOKEN.into()),
                ..Settings::default()
            },
            told: Told::default(),
            is_encrypted: false,
        }
    }
}

pub fn left(items: u64, last_id: Option<i64>) -> JobProgress {
    JobProgress {
        items,
        last_id,
        ..JobProgress::default()
    }
}

/// A job that has claimed the ids up to `watermark`.
pub fn job(meta_table: &str, name: &str, watermark: i64) -> JobSummary {
    JobSummary {
        meta_table: meta_table.into(),
        job: name.into(),
        watermark,
        running: 0,
        succeeded: 1,
        failed: 0,
        waiting: 0,
        exhausted: 0,
        items: 10,
        weight: 0.0,
        latest_start: "2026-01-01T00:00:00.000Z".into(),
        request: Some(AcquireRequest::new(meta_table, name)),
    }
}

/// An attempt at the ids from `id_start` to `id_end`, which has succeeded where no queue is given.
pub fn attempt(id: i64, id_start: i64, id_end: i64, queue: Option<Queue>) -> Attempt {
    Attempt {
        id,
        meta_table: "files".into(),
        job: "lines".into(),
        job_identifier: None,
        attempt: 1,
        status: match queue {
            None | Some(Queue::Requeued) => "succeeded",
            Some(Queue::Running) => "running",
            Some(_) => "failed",
        }
        .into(),
        id_start,
        id_end,
        count: 10,
        weight: 0.0,
        processing_start: "2026-01-01T00:00:00.000Z".into(),
        processing_end: (queue != Some(Queue::Running)).then(|| "2026-01-01T00:00:30.000Z".into()),
        lease_expires: None,
        claim_token: None,
        result_item: None,
        log: None,
        queue,
        passed_over: false,
    }
}

/// A job with a batch in every state.
pub fn in_trouble() -> Fake {
    let mut failed = attempt(2, 11, 20, Some(Queue::Retry));
    failed.log = Some("first line\nOSError: <truncated>\n".into());
    let mut running = attempt(5, 41, 50, Some(Queue::Running));
    running.lease_expires = Some("2026-01-01T00:00:50.000Z".into());
    running.job_identifier = Some("worker-1".into());
    Fake {
        jobs: Ok(vec![JobSummary {
            running: 1,
            failed: 2,
            waiting: 2,
            exhausted: 1,
            ..job("files", "lines", 50)
        }]),
        attempts: vec![
            running,
            attempt(4, 31, 40, Some(Queue::Requeued)),
            attempt(3, 21, 30, Some(Queue::Exhausted)),
            failed,
            attempt(1, 1, 10, None),
        ],
        progress: Ok(left(50, Some(100))),
        ..Fake::default()
    }
}

/// A response, with its body as text.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Fake {
    /// Asks with the token.
    pub fn get(&self, path_and_query: &str) -> Answer {
        let headers = [("authorization", AUTHORIZATION)];
        self.ask(Method::GET, path_and_query, &headers, "")
    }

    /// Sends a form as a browser does that knows the token.
    pub fn post(&self, path: &str, form: &str, headers: &[(&'static str, &str)]) -> Answer {
        let usual = [
            ("authorization", AUTHORIZATION),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.ask(Method::POST, path, &[&usual, headers].concat(), form)
    }

    pub fn ask(
        &self,
        method: Method,
        path_and_query: &str,
        headers: &[(&'static str, &str)],
        mut body: &str,
    ) -> Answer {
        let (path, query) = path_and_query
            .split_once('?')
            .unwrap_or((path_and_query, ""));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let mut bytes = std::mem::take(&mut body).as_bytes();
        let request = Request {
            method,
            path,
            query,
            authority: Some("batches.example"),
            is_encrypted: self.is_encrypted,
            headers: &map,
            body: &mut bytes,
            now: Some(NOW),
        };
        let response = answer(request, Ok(self.settings.clone()), self, &self.told);
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: String::from_utf8(response.into_body()).unwrap(),
        }
    }
}

impl Fake {
    /// What it says to a call of a kind that tests make.
    fn answer(&self, call: Call) -> Result<Says, Error> {
        Ok(match call {
            Call::Plan { .. } => Says::Plan(BatchPlan {
                batches: Vec::new(),
                complete: true,
                held: self.held,
            }),
            Call::Progress { .. } => Says::Progress(self.progress.clone()?),
            Call::Requeue {
                meta_table,
                job,
                target,
            } => {
                self.requeued.borrow_mut().push((meta_table, job, target));
                Says::Requeue(2)
            }
            Call::Jobs { query } => Says::Jobs(self.jobs(query)?),
            Call::History { query } => Says::History(self.history(query)),
            call => unreachable!("{call:?}"),
        })
    }

    fn jobs(&self, query: JobsQuery) -> Result<Vec<JobSummary>, Error> {
        let jobs = self.jobs.clone()?;
        let is_meant = |job: &JobSummary| {
            (query.meta_table.as_ref()).is_none_or(|name| *name == job.meta_table)
                && query.job.as_ref().is_none_or(|name| *name == job.job)
                && (query.search.as_ref()).is_none_or(|text| job.job.contains(text))
        };
        let is_behind = |job: &JobSummary| query.after.as_ref() != Some(&job.place());
        let after = match query.after {
            Some(_) => jobs
                .iter()
                .position(|job| !is_behind(job))
                .map_or(0, |at| at + 1),
            None => 0,
        };
        let found = jobs.into_iter().skip(after).filter(is_meant);
        Ok(found.take(query.limit as usize).collect())
    }

    fn history(&self, query: HistoryQuery) -> Vec<Attempt> {
        self.queries.borrow_mut().push(query.clone());
        let is_meant = |attempt: &&Attempt| {
            query.queue.is_none_or(|queue| attempt.queue == Some(queue))
                && query.before.is_none_or(|before| attempt.id < before)
                && query
                    .uid
                    .is_none_or(|uid| (attempt.id_start..=attempt.id_end).contains(&uid))
        };
        let found = self.attempts.iter().filter(is_meant);
        found.take(query.limit as usize).cloned().collect()
    }
}

impl Operations for Fake {
    type Error = Error;

    fn call(&self, call: Call) -> impl Future<Output = Result<Says, Error>> + Send {
        ready(self.answer(call))
    }
}

impl Inventory for Fake {
    fn databases(&self) -> DatabaseSettings {
        DatabaseSettings {
            inventory_dialect: Dialect::Sqlite,
            meta_dialect: Dialect::Sqlite,
            inventory_table: "inventory".into(),
            meta_schema: None,
            meta_name: None,
            one_database: false,
            may_repeat: true,
            status_labels: StatusLabels::default(),
        }
    }
}
