//! The HTTP API as a subject: what a service at a URL answers.

use std::time::Duration;

use batchintory::{
    AcquireRequest, Answer, Call, Completion, HistoryQuery, JobsQuery, Operations, Outcome,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use ureq::Agent;

use crate::subject::Failure;

/// How long a connection may lie idle before another is made: services close those that do for 10 seconds.
const MAX_IDLE: Duration = Duration::from_secs(5);

/// A service at a URL, with its API token.
#[derive(Clone)]
pub struct HttpSubject {
    url: String,
    token: String,
    agent: Agent,
}

impl HttpSubject {
    /// The service at `url`, such as `http://127.0.0.1:8080`.
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Self {
        let agent = (Agent::config_builder().http_status_as_error(false))
            .max_idle_age(MAX_IDLE)
            .build();
        Self {
            url: url.into(),
            token: token.into(),
            agent: agent.into(),
        }
    }

    fn get(&self, path: &str) -> Result<Value, Failure> {
        let request = self
            .agent
            .get(format!("{}{path}", self.url))
            .header("Authorization", format!("Bearer {}", self.token));
        read(request.call())
    }

    fn post(&self, path: &str, claim_token: Option<&str>, body: &Value) -> Result<Value, Failure> {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header("Authorization", format!("Bearer {}", self.token));
        if let Some(token) = claim_token {
            request = request.header("Idempotency-Key", token);
        }
        // Not by `send_json`, whose blanks and line breaks a result would keep to the letter.
        read(
            request
                .content_type("application/json")
                .send(body.to_string()),
        )
    }

    fn acquire(
        &self,
        request: &AcquireRequest,
        claim_token: Option<&str>,
    ) -> Result<Value, Failure> {
        let path = format!("/v1/jobs/{}/batches", encoded(&request.job));
        let answer = self.post(&path, claim_token, &body(request)?)?;
        let case = if answer.get("claim_token").is_some() {
            "batch"
        } else {
            "nothing"
        };
        Ok(json!({ case: answer }))
    }

    fn advance(
        &self,
        done: Option<&Completion>,
        request: &AcquireRequest,
        claim_token: Option<&str>,
        items: u32,
    ) -> Result<Value, Failure> {
        let path = format!("/v1/jobs/{}/advance", encoded(&request.job));
        let done = match done {
            Some(done) => {
                let mut ended = to_json(&done.outcome)?;
                if let Some(fields) = ended.as_object_mut() {
                    fields.insert("claim_token".into(), done.claim_token.clone().into());
                }
                ended
            }
            None => Value::Null,
        };
        let body = json!({ "done": done, "request": body(request)?, "items": items });
        let answer = self.post(&path, claim_token, &body)?;
        let next = match (answer.get("batch"), answer.get("items")) {
            (Some(batch), Some(items)) => {
                json!({ "acquisition": { "batch": batch }, "items": items })
            }
            _ => json!({ "acquisition": { "nothing": answer }, "items": [] }),
        };
        Ok(json!({ "next": next }))
    }

    fn complete(&self, claim_token: &str, outcome: &Outcome) -> Result<Value, Failure> {
        let end = if outcome.succeeded {
            "complete"
        } else {
            "fail"
        };
        let path = format!("/v1/batches/{}/{end}", encoded(claim_token));
        let mut body = to_json(outcome)?;
        if let Some(fields) = body.as_object_mut() {
            fields.remove("succeeded");
        }
        self.post(&path, None, &body)
    }

    /// Page by page: results and logs may be long.
    fn history(&self, query: &HistoryQuery) -> Result<Value, Failure> {
        let mut attempts = Vec::new();
        let mut before = query.before;
        loop {
            let left = query.limit.saturating_sub(attempts.len() as u32);
            let mut path = format!("/v1/batches?limit={left}&details=true");
            let queue = query.queue.map(to_json).transpose()?;
            for (name, value) in [
                ("meta_table", query.meta_table.clone()),
                ("job", query.job.clone()),
                ("uid", query.uid.map(|uid| uid.to_string())),
                (
                    "queue",
                    queue.and_then(|queue| Some(queue.as_str()?.to_owned())),
                ),
                ("before", before.map(|before| before.to_string())),
                (
                    "claim_tokens",
                    query.claim_tokens.then(|| "true".to_owned()),
                ),
            ] {
                if let Some(value) = value {
                    path += &format!("&{name}={}", encoded(&value));
                }
            }
            let page = self.get(&path)?;
            attempts.extend(
                (page.get("batches"))
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
            before = page.get("next_before").and_then(Value::as_i64);
            if before.is_none() || attempts.len() >= query.limit as usize {
                return Ok(Value::Array(attempts));
            }
        }
    }

    /// What the service answers, as the JSON form of the operation's answer.
    fn answer(&self, call: &Call) -> Result<Value, Failure> {
        match call {
            Call::Acquire {
                request,
                claim_token,
            } => self.acquire(request, claim_token.as_deref()),
            Call::Advance {
                done,
                request,
                claim_token,
                items,
            } => self.advance(done.as_ref(), request, claim_token.as_deref(), *items),
            Call::AcquireMany {
                request,
                batches,
                claim_token,
            } => {
                let job = encoded(&request.job);
                let path = format!("/v1/jobs/{job}/batches/many?batches={batches}");
                let token = claim_token.as_deref();
                field(self.post(&path, token, &body(request)?), "batches")
            }
            Call::Batch { claim_token } => {
                self.get(&format!("/v1/batches/{}", encoded(claim_token)))
            }
            Call::Heartbeat {
                claim_token,
                lease_seconds,
            } => self.post(
                &format!("/v1/batches/{}/heartbeat", encoded(claim_token)),
                None,
                &json!({ "lease_seconds": lease_seconds }),
            ),
            Call::Requeue {
                meta_table,
                job,
                target,
            } => field(
                self.post(
                    &format!("/v1/jobs/{}/requeue", encoded(job)),
                    None,
                    &json!({ "meta_table": meta_table, "target": target }),
                ),
                "requeued",
            ),
            Call::Audit {
                meta_table,
                job,
                after,
                limit,
            } => {
                let table = encoded(meta_table);
                let after = optional("after", *after);
                self.get(&format!(
                    "/v1/jobs/{}/audit?meta_table={table}&limit={limit}{after}",
                    encoded(job)
                ))
            }
            Call::Items {
                claim_token,
                after,
                limit,
            } => {
                let after = optional("after", *after);
                let token = encoded(claim_token);
                field(
                    self.get(&format!("/v1/batches/{token}/items?limit={limit}{after}")),
                    "items",
                )
            }
            Call::Complete {
                claim_token,
                outcome,
            } => self.complete(claim_token, outcome),
            Call::Release { claim_token, log } => self.post(
                &format!("/v1/batches/{}/release", encoded(claim_token)),
                None,
                &json!({ "log": log }),
            ),
            Call::Plan {
                request,
                after,
                batches,
            } => {
                let after = optional("after", *after);
                let job = encoded(&request.job);
                let path = format!("/v1/jobs/{job}/plan?batches={batches}{after}");
                self.post(&path, None, &body(request)?)
            }
            Call::Progress { request, cap } => {
                let path = format!("/v1/jobs/{}/progress?cap={cap}", encoded(&request.job));
                self.post(&path, None, &body(request)?)
            }
            Call::Warnings { request } => {
                let path = format!("/v1/jobs/{}/warnings", encoded(&request.job));
                field(self.post(&path, None, &body(request)?), "warnings")
            }
            Call::Jobs { query } => field(self.get(&jobs_path(query)), "jobs"),
            Call::History { query } => self.history(query),
            Call::SchemaStatements { dialect } => {
                let dialect = to_json(dialect)?;
                let path = format!("/v1/schema/{}", dialect.as_str().unwrap_or_default());
                field(self.get(&path), "statements")
            }
            Call::Migrate {} => self.post("/v1/migrate", None, &json!({})),
            Call::ItemsStatement { .. } | Call::Notifications { .. } => Err(Failure::of_test(
                format!("the service has no route for {}", call.name()),
            )),
        }
    }
}

impl Operations for HttpSubject {
    type Error = Failure;

    async fn call(&self, call: Call) -> Result<Answer, Failure> {
        let subject = self.clone();
        let answered = tokio::task::spawn_blocking(move || {
            let answer = subject.answer(&call)?;
            (call.answer_from(&answer.to_string())).map_err(|error| {
                Failure::of_test(format!("{answer} answers no {}: {error}", call.name()))
            })
        });
        answered.await.map_err(Failure::of_test)?
    }
}

/// The request without its job, which the path names.
fn body(request: &AcquireRequest) -> Result<Value, Failure> {
    let mut body = to_json(request)?;
    if let Some(fields) = body.as_object_mut() {
        fields.remove("job");
    }
    Ok(body)
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn optional(name: &str, value: Option<i64>) -> String {
    value.map_or_else(String::new, |value| format!("&{name}={value}"))
}

fn field(answer: Result<Value, Failure>, name: &str) -> Result<Value, Failure> {
    answer.map(|mut answer| answer.get_mut(name).map(Value::take).unwrap_or_default())
}

fn to_json(value: impl serde::Serialize) -> Result<Value, Failure> {
    serde_json::to_value(value).map_err(Failure::of_test)
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, Failure> {
    let mut response = answer.map_err(Failure::of_test)?;
    let status = response.status();
    let text = (response.body_mut().read_to_string()).map_err(Failure::of_test)?;
    let value = match text.as_str() {
        "" => Value::Null,
        text => serde_json::from_str(text).map_err(Failure::of_test)?,
    };
    if status.is_success() {
        return Ok(value);
    }
    let text = |name: &str| {
        let text = value.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let mut facts = value.as_object().cloned().unwrap_or_default();
    for member in ["type", "title", "status", "detail", "error"] {
        facts.remove(member);
    }
    Err(Failure {
        facts,
        ..Failure::new(&text("error"), text("detail"))
    })
}

/// Where the jobs of a query are listed.
fn jobs_path(query: &JobsQuery) -> String {
    let after = query.after.as_ref();
    let fields = [
        ("meta_table", query.meta_table.as_ref()),
        ("job", query.job.as_ref()),
        ("search", query.search.as_ref()),
        ("after_meta_table", after.map(|after| &after.meta_table)),
        ("after_job", after.map(|after| &after.job)),
    ];
    let mut path = format!("/v1/jobs?limit={}", query.limit);
    for (name, value) in fields {
        if let Some(value) = value {
            path += &format!("&{name}={}", encoded(value));
        }
    }
    path
}
