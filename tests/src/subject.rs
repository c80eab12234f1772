//! What tests run against, whatever it is: anything that has the operations.

use std::fmt;

use batchintory::{Answer, Call, Operations, Planner};
use batchintory_wasmtime::{Databases, Inventory, SystemRandom};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::http_process::HttpProcess;
use crate::http_subject::HttpSubject;
use crate::process_subject::ProcessSubject;

/// The native core, without a component between.
pub type NativeCore = Planner<Databases, SystemRandom>;

/// Any of those that have the operations, where a test does not know which.
pub enum Subject {
    /// The native core.
    NativeCore(NativeCore),
    /// The component in wasmtime.
    Component(Inventory),
    /// A service at a URL.
    Service(HttpSubject),
    /// A program that serves.
    ServingProcess(HttpProcess),
    /// A program in any language.
    Program(ProcessSubject),
}

/// Why a call failed, as far as any host and any language tells.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Failure {
    /// The error's name, as in the WIT interface; `test` where the test itself went wrong.
    pub name: String,
    /// Its sentence.
    pub message: String,
    /// What it is about.
    #[serde(flatten)]
    pub facts: Map<String, Value>,
}

impl Failure {
    /// By its name and its sentence.
    pub fn new(name: &str, message: impl fmt::Display) -> Self {
        Self {
            name: name.into(),
            message: message.to_string(),
            facts: Map::new(),
        }
    }

    /// The test itself went wrong.
    pub fn of_test(error: impl fmt::Display) -> Self {
        Self::new("test", error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.name, self.message)
    }
}

impl std::error::Error for Failure {}

impl From<batchintory::Error> for Failure {
    fn from(error: batchintory::Error) -> Self {
        let mut facts = match serde_json::to_value(error.explanation()) {
            Ok(Value::Object(facts)) => facts,
            _ => Map::new(),
        };
        facts.remove("message");
        Self {
            facts,
            ..Self::new(error.name(), error)
        }
    }
}

impl From<batchintory_wasmtime::Error> for Failure {
    fn from(error: batchintory_wasmtime::Error) -> Self {
        match error {
            batchintory_wasmtime::Error::Planner(error) => error.into(),
            error => Self::new(error.name(), error),
        }
    }
}

impl Operations for Subject {
    type Error = Failure;

    async fn call(&self, call: Call) -> Result<Answer, Failure> {
        Ok(match self {
            Self::NativeCore(planner) => planner.call(call).await?,
            Self::Component(inventory) => {
                let page = match &call {
                    Call::Items {
                        claim_token,
                        after,
                        limit,
                    } => Some((claim_token.clone(), *after, *limit)),
                    _ => None,
                };
                let answer = inventory.call(call).await;
                if let Some(page) = page {
                    check_both_ways(inventory, page, &answer).await?;
                }
                answer?
            }
            Self::Service(service) => service.call(call).await?,
            Self::ServingProcess(process) => process.call(call).await?,
            Self::Program(program) => program.call(call).await?,
        })
    }
}

/// What is read by the planner's statement must be what the planner gives, or fail as it does.
async fn check_both_ways(
    inventory: &Inventory,
    (claim_token, after, limit): (String, Option<i64>, u32),
    page: &Result<Answer, batchintory_wasmtime::Error>,
) -> Result<(), Failure> {
    let mut pages = inventory.item_pages(&claim_token);
    if let Some(after) = after {
        pages = pages.behind(after);
    }
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    let mut failure = None;
    while found.len() <= wanted {
        match pages.next().await {
            Ok(Some(page)) => found.extend(page),
            Ok(None) => break,
            Err(error) => {
                failure = Some(error.to_string());
                break;
            }
        }
    }
    let is_same = match page {
        // What is behind the page may be read with it, and fail.
        Ok(Answer::Items(page)) => {
            let common = page.len().min(found.len());
            found.get(..common) == page.get(..common) && (common == page.len() || failure.is_some())
        }
        Ok(_) => false,
        // A limit that is refused is none of theirs.
        Err(error) => {
            failure == Some(error.to_string()) || error.to_string().contains("limit must be")
        }
    };
    if is_same {
        return Ok(());
    }
    Err(Failure::new(
        "test",
        format!("the planner gives {page:?}, its statement {found:?} and {failure:?}"),
    ))
}
