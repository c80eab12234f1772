//! Judging conditions: reading what they rest on.
//!
//! The columns' types and the clock are read in one small statement before a page is planned, and kept with
//! the claim. So the items of a batch are those that it was planned with, however late they are read.

use crate::condition::{Comparison, Test};
use crate::database::{Database, Dialect};
use crate::databases::Databases;
use crate::error::Error;
use crate::job::Job;
use crate::judgement::{Grounds, Judgement};
use crate::row_reader::unexpected;
use crate::sql::meta;
use crate::sql::source::{self, Declarations};

/// What SQLite's own columns hold, which no table declares: `rowid` and its other names.
const UNDECLARED: &str = "INTEGER";

/// Judges conditions; asks a database once for what several jobs on one table rest on.
pub(crate) struct Judge<'a, 'b, D> {
    pub(crate) databases: &'a Databases<'b, D>,
    known: Option<(Question, Grounds)>,
}

/// What a database is asked about a table.
#[derive(Debug, Clone, PartialEq)]
struct Question {
    meta_table: String,
    columns: Vec<String>,
    with_clock: bool,
}

#[synchronous]
impl<'a, 'b, D: Database> Judge<'a, 'b, D> {
    pub(crate) fn new(databases: &'a Databases<'b, D>) -> Self {
        Self {
            databases,
            known: None,
        }
    }

    /// The conditions of a job with the types that its columns have now. Ages are judged as at `judged_at`,
    /// by default now.
    pub(crate) async fn judge(
        &mut self,
        job: &Job,
        judged_at: Option<&str>,
    ) -> Result<Judgement, Error> {
        let question = Question::of(job);
        let mut grounds = match &self.known {
            _ if question.columns.is_empty() => Grounds::default(),
            Some((known, grounds)) if *known == question => grounds.clone(),
            _ => {
                let grounds = ask(self.databases, job, &question).await?;
                self.known = Some((question, grounds.clone()));
                grounds
            }
        };
        if judged_at.is_some() && grounds.judged_at.is_some() {
            grounds.judged_at = judged_at.map(str::to_owned);
        }
        Judgement::on(job, grounds)
    }

    /// The conditions of a job as they were judged when a batch was claimed.
    pub(crate) async fn judge_as_kept(
        &mut self,
        job: &Job,
        kept: Grounds,
    ) -> Result<Judgement, Error> {
        let question = Question::of(job);
        let is_known = |column: &String| kept.declaration(column).is_some();
        let is_complete = question.columns.iter().all(is_known)
            && (kept.judged_at.is_some() || !question.with_clock);
        if is_complete {
            Judgement::on(job, kept)
        } else {
            self.judge(job, kept.judged_at.as_deref()).await
        }
    }
}

impl Question {
    fn of(job: &Job) -> Self {
        let mut comparisons = Vec::new();
        for condition in [&job.filter, &job.hold].into_iter().flatten() {
            condition.comparisons(&mut comparisons);
        }
        let mut columns: Vec<String> = Vec::new();
        for Comparison { column, test, .. } in comparisons.iter().copied() {
            if !matches!(test, Test::Null(_)) && !columns.contains(column) {
                columns.push(column.clone());
            }
        }
        let is_age = |comparison: &&Comparison| {
            matches!(
                comparison.test,
                Test::OlderThanSeconds(_) | Test::YoungerThanSeconds(_)
            )
        };
        Self {
            meta_table: job.meta_table.scope(),
            columns,
            with_clock: comparisons.iter().any(is_age),
        }
    }
}

/// Reads the types of columns, and the clock where it is needed.
#[synchronous]
async fn ask<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    question: &Question,
) -> Result<Grounds, Error> {
    let declared = source::read_declarations(job, &question.columns, question.with_clock);
    let Declarations { now, types } = databases.meta_row(job, declared).await?;
    if types.len() != question.columns.len() {
        return Err(unexpected("types of other columns"));
    }
    let mut column_types = Vec::new();
    for (column, declaration) in question.columns.iter().zip(types) {
        let declaration = match (declaration, job.dialect) {
            (Some(declaration), _) => declaration,
            (None, Dialect::Sqlite) => UNDECLARED.into(),
            (None, _) => {
                return Err(Error::invalid_request(format!(
                    "the database tells no type of the column {column:?} of the meta table {table:?}; \
                     without one it cannot be compared",
                    table = question.meta_table,
                ))
                .of_table(&job.meta_table)
                .of_column(column));
            }
        };
        column_types.push((column.clone(), declaration));
    }
    Ok(Grounds {
        column_types,
        judged_at: now,
    })
}

/// Refuses a row that cannot be judged, since it holds what is none of its column's type.
#[synchronous]
pub(crate) async fn check_row<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    judgement: &Judgement,
    uid: i64,
) -> Result<(), Error> {
    if !judgement.may_lack_types(job.dialect) {
        return Ok(());
    }
    let mut comparisons = Vec::new();
    for condition in [&judgement.filter, &judgement.hold].into_iter().flatten() {
        condition.comparisons(&mut comparisons);
    }
    let values = meta::foreign_values(job, judgement, &comparisons, uid);
    let Some(values) = databases.first_meta_row(job, values).await? else {
        return Ok(());
    };
    for (comparison, value) in comparisons.into_iter().zip(values) {
        let Some(value) = value else {
            continue;
        };
        let column = comparison.column();
        return Err(Error::invalid_request(format!(
            "the column {column:?} of the meta table {table:?} is declared as {declared:?}, but the \
             row with {uid_column} {uid} holds {value}: that does not compare as asked, and is not \
             passed over; mend the row, or say by the member `as` how its values are to be read",
            table = job.meta_table.to_string(),
            declared = judgement.grounds.declaration(column).unwrap_or_default(),
            uid_column = job.columns.uid,
        ))
        .of_table(&job.meta_table)
        .of_column(column)
        .of_row(uid));
    }
    Ok(())
}
