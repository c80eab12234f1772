//! The form of a scenario, and running it.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use batchintory::{Advanced, Answer, Call, Dialect, Operations};
use batchintory_wasmtime::Database;
use serde::Deserialize;
use serde_json::Value;

use crate::subject::Failure;
use crate::tables::{Table, execute};

/// A story with a meta table, told in calls and what they must give.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub about: String,
    /// The dialect of the meta table's database in which alone it makes sense.
    #[serde(default)]
    pub only: Option<Dialect>,
    /// The dialect of the inventory's database in which alone it makes sense.
    #[serde(default)]
    pub only_inventory: Option<Dialect>,
    /// The meta tables.
    #[serde(default)]
    pub tables: Vec<Table>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One step.
///
/// A string `$name.field` in a call stands for a field of an earlier answer that was kept as
/// `name`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Rows that are put into the meta table of this position before the call.
    #[serde(default)]
    pub insert: Option<(usize, Vec<Vec<Value>>)>,
    /// SQL that is run on the meta table's database before the call.
    #[serde(default)]
    pub sql: Option<String>,
    /// SQL that is run on the inventory's database before the call: to let time go by, above all.
    #[serde(default)]
    pub inventory_sql: Option<String>,
    /// The call: an operation's name with its arguments.
    #[serde(default)]
    pub call: Option<Value>,
    /// What the answer must hold: objects may have more members than named here, lists may not.
    #[serde(default)]
    pub gives: Option<Value>,
    /// The answer must be a list of just so many sentences, each with the piece at its place.
    #[serde(default)]
    pub says: Option<Vec<String>>,
    /// The error that the call must give, with a piece of its message.
    #[serde(default)]
    pub fails: Option<(String, String)>,
    /// What the error must say that it is about, beside what else it says.
    #[serde(default)]
    pub facts: Option<Value>,
    /// Keeps the answer under this name.
    #[serde(default)]
    pub keep: Option<String>,
}

impl Scenario {
    /// Reads all scenarios of a directory, by file name.
    pub fn read_all(directory: &Path) -> Result<Vec<(String, Self)>> {
        let mut scenarios = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            let text = std::fs::read_to_string(&path)?;
            let scenario = serde_json::from_str(&text)
                .with_context(|| format!("{} is not a scenario", path.display()))?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            scenarios.push((name.into_owned(), scenario));
        }
        scenarios.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(scenarios)
    }

    /// The names of the operations that it calls.
    pub fn operations(&self) -> impl Iterator<Item = &str> {
        let calls = self.steps.iter().filter_map(|step| step.call.as_ref());
        calls
            .filter_map(Value::as_object)
            .flat_map(|call| call.keys().map(String::as_str))
    }

    /// Runs it: the meta tables are made in `meta`, the calls go to `subject`, which keeps its
    /// inventory in `inventory`.
    pub async fn run(
        &self,
        subject: &impl Operations<Error: Into<Failure>>,
        inventory: &dyn Database,
        meta: &dyn Database,
    ) -> Result<()> {
        let is_other = |only: Option<Dialect>, database: &dyn Database| {
            only.is_some_and(|only| only != database.dialect())
        };
        if is_other(self.only, meta) || is_other(self.only_inventory, inventory) {
            return Ok(());
        }
        for table in &self.tables {
            table.create(meta).await?;
        }
        let mut kept = HashMap::new();
        for (index, step) in self.steps.iter().enumerate() {
            self.run_step(step, subject, (inventory, meta), &mut kept)
                .await
                .with_context(|| format!("step {} of the scenario {:?}", index + 1, self.about))?;
        }
        Ok(())
    }

    async fn run_step(
        &self,
        step: &Step,
        subject: &impl Operations<Error: Into<Failure>>,
        (inventory, meta): (&dyn Database, &dyn Database),
        kept: &mut HashMap<String, Value>,
    ) -> Result<()> {
        if let Some((table, rows)) = &step.insert {
            let table = self.tables.get(*table).context("no such table")?;
            table.insert(meta, rows).await?;
        }
        if let Some(sql) = &step.sql {
            execute(meta, sql, &[]).await?;
        }
        if let Some(sql) = &step.inventory_sql {
            execute(inventory, sql, &[]).await?;
        }
        let Some(call) = &step.call else {
            return Ok(());
        };
        let call: Call = serde_json::from_value(resolve(call, kept)?)?;
        let answer = match subject.call(call.clone()).await {
            // To a scenario it is as if the call had failed, as it is in all languages.
            Ok(Answer::Advance(Advanced { next: Err(error) })) => Err(error.into()),
            Ok(answer) => Ok(serde_json::to_value(answer)?),
            Err(error) => Err(error.into()),
        };
        match (&step.fails, answer) {
            (None, Ok(answer)) => {
                if let Some(expected) = &step.gives {
                    let expected = resolve(expected, kept)?;
                    ensure!(
                        matches(&expected, &answer),
                        "{call:?}\nmust give {expected}\nbut gives {answer}"
                    );
                }
                if let Some(pieces) = &step.says {
                    ensure!(
                        says(pieces, &answer),
                        "{call:?}\nmust say {pieces:?}\nbut says {answer}"
                    );
                }
                if let Some(name) = &step.keep {
                    kept.insert(name.clone(), answer);
                }
                Ok(())
            }
            (Some((name, saying)), Err(failure)) => {
                ensure!(
                    failure.name == *name && failure.message.contains(saying.as_str()),
                    "{call:?}\nmust fail as {name} saying {saying:?}, but fails as {failure:?}"
                );
                let facts = step.facts.clone().unwrap_or(Value::Null);
                for (name, fact) in facts.as_object().into_iter().flatten() {
                    ensure!(
                        failure.facts.get(name) == Some(fact),
                        "{call:?}\nmust tell the {name} {fact}, but fails as {failure:?}"
                    );
                }
                Ok(())
            }
            (Some((name, _)), Ok(answer)) => {
                bail!("{call:?}\nmust fail as {name}, but gives {answer}")
            }
            (None, Err(failure)) => bail!("{call:?}\nfails as {failure:?}"),
        }
    }
}

/// Puts kept answers in where the value refers to them.
fn resolve(value: &Value, kept: &HashMap<String, Value>) -> Result<Value> {
    Ok(match value {
        Value::String(text) => match text.strip_prefix('$') {
            Some(path) => {
                let mut parts = path.split('.');
                let name = parts.next().unwrap_or_default();
                let mut found = kept
                    .get(name)
                    .with_context(|| format!("nothing is kept as {name:?}"))?;
                for part in parts {
                    // A number is a place in a list.
                    found = match part.parse::<usize>() {
                        Ok(index) => found.get(index),
                        Err(_) => found.get(part),
                    }
                    .with_context(|| format!("{path:?} has no {part:?} in {found}"))?;
                }
                found.clone()
            }
            None => value.clone(),
        },
        Value::Array(values) => values
            .iter()
            .map(|value| resolve(value, kept))
            .collect::<Result<_>>()?,
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| Ok((name.clone(), resolve(value, kept)?)))
            .collect::<Result<_>>()?,
        other => other.clone(),
    })
}

/// Whether the answer is a list of sentences with these pieces, in their order.
fn says(pieces: &[String], answer: &Value) -> bool {
    let sentences = answer.as_array().map(Vec::as_slice).unwrap_or_default();
    sentences.len() == pieces.len()
        && (sentences.iter().zip(pieces)).all(|(sentence, piece)| {
            sentence
                .as_str()
                .is_some_and(|text| text.contains(piece.as_str()))
        })
}

/// Whether the answer holds what is expected.
fn matches(expected: &Value, answer: &Value) -> bool {
    match (expected, answer) {
        (Value::Object(expected), Value::Object(answer)) => (expected.iter())
            .all(|(name, value)| answer.get(name).is_some_and(|found| matches(value, found))),
        (Value::Array(expected), Value::Array(answer)) => {
            expected.len() == answer.len()
                && expected
                    .iter()
                    .zip(answer)
                    .all(|(left, right)| matches(left, right))
        }
        (Value::Number(expected), Value::Number(answer)) => expected.as_f64() == answer.as_f64(),
        (expected, answer) => expected == answer,
    }
}
