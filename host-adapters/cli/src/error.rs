//! Failures as people and programs see them: a sentence, a hint, an exit code.

use std::fmt::Display;
use std::process::ExitCode;

use batchintory_wasmtime::{Error, Explanation, PlannerError, Source};
use serde_json::{Map, Value};

use crate::secret::without_secrets;
use crate::stderr::tell;

/// How the program ends. The numbers are documented in `batchintory --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// All went well.
    Done = 0,
    /// Something went wrong.
    Error = 1,
    /// The command line, or what it asks for, makes no sense.
    Usage = 2,
    /// There was nothing to hand out.
    Nothing = 3,
    /// The command failed on at least one batch.
    BatchFailed = 4,
    /// The batch was taken from its owner, or has ended.
    Superseded = 5,
    /// What was processed is not what is there now.
    Differs = 6,
    /// A signal ended it.
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub struct Failure {
    name: &'static str,
    message: String,
    hint: Option<String>,
    code: Code,
    /// What it is about, where the planner knows.
    facts: Option<Box<Explanation>>,
}

impl Failure {
    /// Something on the command line makes no sense.
    pub fn usage(message: impl Display) -> Self {
        Self {
            name: "usage",
            message: message.to_string(),
            hint: None,
            code: Code::Usage,
            facts: None,
        }
    }

    /// Something else went wrong.
    pub fn other(message: impl Display) -> Self {
        Self {
            name: "error",
            message: message.to_string(),
            hint: None,
            code: Code::Error,
            facts: None,
        }
    }

    /// The same with a hint at what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The exit code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Shows it on standard error.
    pub fn report(&self, json: bool) {
        let message = without_secrets(&self.message);
        if json {
            let mut error = match self.facts.as_ref().map(serde_json::to_value) {
                Some(Ok(Value::Object(facts))) => facts,
                _ => Map::new(),
            };
            error.insert("error".into(), self.name.into());
            error.insert("message".into(), message.into());
            error.insert("hint".into(), self.hint.clone().into());
            tell(Value::Object(error));
            return;
        }
        tell(format_args!("error: {message}"));
        if let Some(hint) = &self.hint {
            tell(format_args!("hint: {hint}"));
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let planner = match &error {
            Error::Planner(error) => Some(error),
            _ => None,
        };
        let code = match planner {
            Some(PlannerError::InvalidRequest(_) | PlannerError::ConfigurationChanged(_)) => {
                Code::Usage
            }
            Some(PlannerError::Superseded(_)) => Code::Superseded,
            _ => Code::Error,
        };
        let hint = match planner {
            Some(PlannerError::NoSuchTable(missing))
                if missing.database == Some(Source::Inventory) && missing.field.is_none() =>
            {
                Some("run `batchintory migrate` once to create the inventory")
            }
            Some(PlannerError::NoSuchTable(_)) => Some(
                "name the table by --meta-table and its database by --meta; `batchintory register` \
                 makes one from files",
            ),
            Some(PlannerError::ConfigurationChanged(_)) => {
                Some("give the same options as before, another --job, or --on-change accept")
            }
            Some(PlannerError::NoSuchColumn(_)) => Some(
                "name the columns by --uid-column, --item-column and --weight-column, or use --no-weight",
            ),
            _ => None,
        };
        Self {
            name: error.name(),
            message: error.to_string(),
            hint: hint.map(str::to_owned),
            code,
            facts: planner.map(|error| Box::new(error.explanation().clone())),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::other(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::other(error)
    }
}
