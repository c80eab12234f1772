//! A job's conditions, ready to be asked: in their columns' own types, at one point in time.

use crate::column_type::ColumnType;
use crate::condition::{Comparison, Condition};
use crate::database::Dialect;
use crate::error::Error;
use crate::instant::Instant;
use crate::job::Job;
use crate::typed_condition::{TypedComparison, TypedCondition};

/// A job's conditions, ready to be asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Judgement {
    /// Which rows belong to the job.
    pub(crate) filter: Option<TypedCondition>,
    /// Which rows are not ready.
    pub(crate) hold: Option<TypedCondition>,
    /// What they rest on.
    pub(crate) grounds: Grounds,
}

/// What conditions rest on beside the rows: kept with a claim. Empty where nothing is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grounds {
    /// The columns that are compared, each with its type as the database declares it.
    pub(crate) column_types: Vec<(String, String)>,
    /// When ages are judged, by the clock of the meta table's database: RFC 3339. `None` without ages.
    pub(crate) judged_at: Option<String>,
}

impl Grounds {
    /// A column's type as the database declares it, where it is known.
    pub(crate) fn declaration(&self, column: &str) -> Option<&str> {
        (self.column_types.iter())
            .find(|(name, _)| name == column)
            .map(|(_, declaration)| declaration.as_str())
    }
}

impl Judgement {
    /// Whether rows may hold values of other types than their columns': SQLite takes them.
    pub(crate) fn may_lack_types(&self, dialect: Dialect) -> bool {
        dialect == Dialect::Sqlite && !self.grounds.column_types.is_empty()
    }

    /// On these grounds.
    pub(crate) fn on(job: &Job, grounds: Grounds) -> Result<Self, Error> {
        let now = grounds.judged_at.as_deref().and_then(Instant::parse);
        let typed = |place: &str, condition: &Option<Condition>| {
            let mut compare = |comparison: &Comparison| {
                // Of a column that is only tested for NULL, no type is known or needed.
                let declaration = grounds.declaration(&comparison.column).unwrap_or_default();
                let column_type = &ColumnType::parse(declaration, job.dialect);
                TypedComparison::of(comparison, column_type, job.dialect, now).map_err(|why| {
                    Error::invalid_request(format!(
                        "{place}: the column {column:?} of the meta table {table:?} is of type \
                         {column_type}, {why}",
                        column = comparison.column,
                        table = job.meta_table.to_string(),
                        column_type = column_type.name,
                    ))
                    .of_field(place)
                    .of_table(&job.meta_table)
                    .of_column(&comparison.column)
                })
            };
            (condition.as_ref())
                .map(|condition| condition.try_map(&mut compare))
                .transpose()
        };
        let (filter, hold) = (typed("filter", &job.filter)?, typed("hold", &job.hold)?);
        Ok(Self {
            filter,
            hold,
            grounds,
        })
    }
}
