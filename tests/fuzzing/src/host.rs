//! Hosts: one that answers sensibly, one that answers with anything.

use std::sync::Mutex;

use arbitrary::{Result, Unstructured};
use batchintory::{
    Database, DatabaseError, Dialect, Random, Rows, Settings, Source, StatusLabels, Value,
};

use crate::inputs::{integer, number, text};

/// So many statements a call may send to a host that answers sensibly.
const MAX_STATEMENTS: usize = 2_500;

/// What columns are declared as, in each dialect.
const DECLARATIONS: [[&str; 3]; 7] = [
    ["text", "text", "varchar(20)"],
    ["numeric", "decimal", "decimal(10,2)"],
    ["double precision", "", "double"],
    ["timestamp with time zone", "datetime", "timestamp(6)"],
    ["[\"parquet\",\"csv\"]", "boolean", "enum('parquet','csv')"],
    ["boolean", "integer", "tinyint(1)"],
    ["uuid", "uuid", "json"],
];

/// How many kinds of columns a sensible host may have.
pub const KINDS: usize = DECLARATIONS.len();

/// A host of the planner.
pub struct Host {
    settings: Settings,
    answers: Answers,
    sent: Mutex<Vec<(String, usize)>>,
}

enum Answers {
    /// There is nothing: no attempts, no items. Updates affect a row. The first column that is compared is
    /// of this kind, the next one of the next.
    Sensible(usize),
    /// Whatever these bytes say; once they are used up, the database is down.
    Absurd(Mutex<Vec<u8>>),
}

impl Host {
    /// A host with empty tables, whose columns begin with those of this kind.
    pub fn sensible(dialect: Dialect, kind: usize) -> Self {
        let settings = Settings {
            inventory_dialect: dialect,
            meta_dialect: dialect,
            inventory_table: "main.inventory".into(),
            meta_schema: Some("lake".into()),
            meta_name: None,
            one_database: true,
            may_repeat: true,
            status_labels: StatusLabels::default(),
        };
        Self::new(settings, Answers::Sensible(kind))
    }

    /// A host that answers as these bytes say.
    pub fn absurd(settings: Settings, answers: &[u8]) -> Self {
        Self::new(settings, Answers::Absurd(Mutex::new(answers.to_vec())))
    }

    fn new(settings: Settings, answers: Answers) -> Self {
        Self {
            settings,
            answers,
            sent: Mutex::default(),
        }
    }

    /// Every statement has a placeholder for each of its parameters, and the host was not asked without end.
    pub fn check_statements(&self) {
        let sent = self.sent.lock().unwrap_or_else(|error| error.into_inner());
        assert!(sent.len() <= MAX_STATEMENTS, "{} statements", sent.len());
        for (statement, parameters) in sent.iter() {
            let placeholders = placeholders(statement);
            assert_eq!(placeholders, *parameters, "{statement}");
        }
    }

    fn sensible_answer(&self, statement: &str, kind: usize) -> Rows {
        let (marker, dialect) = match self.settings.meta_dialect {
            Dialect::Postgresql => ("SELECT pg_typeof((SELECT", 0),
            Dialect::Sqlite => ("FROM pragma_table_xinfo(", 1),
            Dialect::Mysql => ("(SELECT column_type FROM", 2),
        };
        let columns = statement.matches(marker).count();
        if columns > 0 {
            let mut row = vec![Value::Text("2024-01-03T10:00:00.000Z".into())];
            let declarations = DECLARATIONS.iter().cycle().skip(kind).take(columns);
            row.extend(
                declarations.map(|names| {
                    Value::Text(names.get(dialect).copied().unwrap_or_default().into())
                }),
            );
            row.push(Value::Int64(0));
            return Rows {
                rows: vec![row],
                affected: 0,
            };
        }
        // The sums over an empty table are one row, of as many zeros as anybody reads.
        let sums = statement.contains("COUNT(") || statement.contains("count(");
        let mut rows = Vec::new();
        if let Some(row) = fence_answer(statement) {
            rows.push(row);
        } else if sums && !statement.contains("GROUP BY") {
            let mut row = vec![Value::Null, Value::Null, Value::Null];
            row.extend([0, 0, 0, 0, 0, 0, 0, 0].map(Value::Int64));
            rows.push(row);
        }
        // Where a statement ran is told before all else, in PostgreSQL even where it finds nothing.
        if statement.starts_with("SELECT CAST(CASE WHEN pg_is_in_recovery()") {
            let mut row = rows.pop().unwrap_or_else(|| vec![Value::Null]);
            if let (Some(first), true) = (row.first_mut(), sums) {
                *first = Value::Text("bigint".into());
            }
            row.insert(0, Value::Int64(0));
            rows.push(row);
        } else if statement.starts_with("SELECT CAST(@@read_only") {
            for row in &mut rows {
                row.insert(0, Value::Int64(0));
            }
        }
        Rows {
            rows,
            affected: u64::from(!statement.starts_with("SELECT")),
        }
    }
}

/// What the fence reads of an empty table that nobody writes to.
fn fence_answer(statement: &str) -> Option<Vec<Value>> {
    let is_on = Value::Int64;
    if statement.contains("AS blind_spots") {
        Some(vec![Value::Null, Value::Null, Value::Null, is_on(0)])
    } else if statement.contains("METADATA_LOCK_INFO") {
        Some(vec![Value::Null, is_on(1), is_on(1), is_on(1), is_on(0)])
    } else if statement.contains("metadata_locks AS own") {
        Some(vec![
            Value::Text("lake".into()),
            Value::Text("files".into()),
            Value::Null,
        ])
    } else {
        None
    }
}

/// How many placeholders a statement has, outside of its quotes.
fn placeholders(statement: &str) -> usize {
    let mut quote = None;
    let mut placeholders = 0;
    for character in statement.chars() {
        match quote {
            // A doubled quote closes and opens.
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if matches!(character, '"' | '\'' | '`') => quote = Some(character),
            None if matches!(character, '?' | '$') => placeholders += 1,
            None => {}
        }
    }
    assert_eq!(quote, None, "a quote is open: {statement}");
    placeholders
}

impl Database for &Host {
    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    async fn pause(&self, _: u32) {}

    async fn query(
        &self,
        _: Source,
        statement: &str,
        parameters: &[Value],
    ) -> std::result::Result<Rows, DatabaseError> {
        let answer = match &self.answers {
            Answers::Sensible(kind) => Ok(self.sensible_answer(statement, *kind)),
            Answers::Absurd(bytes) => {
                let mut bytes = bytes.lock().unwrap_or_else(|error| error.into_inner());
                let mut input = Unstructured::new(&bytes);
                let answer = read_answer(&mut input);
                let rest = input.take_rest().to_vec();
                *bytes = rest;
                answer.unwrap_or_else(|_| Err(DatabaseError::Unavailable("no more answers".into())))
            }
        };
        let mut sent = self.sent.lock().unwrap_or_else(|error| error.into_inner());
        sent.push((statement.to_owned(), parameters.len()));
        answer
    }
}

/// An answer of any form, or an error of any kind; or that nothing is left to read.
fn read_answer(input: &mut Unstructured<'_>) -> Result<std::result::Result<Rows, DatabaseError>> {
    if input.is_empty() {
        return Err(arbitrary::Error::NotEnoughData);
    }
    if input.ratio(1, 4)? {
        return error(input).map(Err);
    }
    let mut rows = Vec::new();
    while rows.len() < 4 && input.ratio(3, 5)? {
        let mut row = Vec::new();
        let columns = input.int_in_range(0..=20)?;
        for _ in 0..columns {
            row.push(value(input)?);
        }
        rows.push(row);
    }
    let affected = *input.choose(&[0, 1, 2, u64::MAX])?;
    Ok(Ok(Rows { rows, affected }))
}

fn value(input: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match input.int_in_range(0..=9)? {
        0 => Value::Null,
        1 => Value::Boolean(input.arbitrary()?),
        2 => Value::Float64(number(input)?),
        3 => Value::Text(text(input)?),
        // What is read most often.
        4 => Value::Text((*input.choose(&["bigint", "integer", "running", "retry", "{}"])?).into()),
        5 => Value::Text(r#"{"meta_table": "files", "job": "job", "max_weight": 1}"#.into()),
        _ => Value::Int64(integer(input)?),
    })
}

fn error(input: &mut Unstructured<'_>) -> Result<DatabaseError> {
    let message = text(input)?;
    Ok(match input.int_in_range(0..=4)? {
        0 => DatabaseError::Unavailable(message),
        1 => DatabaseError::OutcomeUnknown(message),
        2 => DatabaseError::refused(text(input)?, message),
        _ => DatabaseError::refused(*input.choose(&CODES)?, message),
    })
}

/// A code of each kind that the planner knows, of all dialects.
const CODES: [&str; 40] = [
    "", "23505", "40001", "57P01", "57P03", "42P01", "42703", "42804", "22P02", "54000", "42P07",
    "42701", "25006", "42501", "08006", "XX000", "1", "2067", "5", "14", "8", "23", "18", "20",
    "19", "13", "1062", "1213", "1053", "1040", "1146", "1054", "1292", "1366", "1153", "1036",
    "1290", "1142", "1064", "2013",
];

/// No randomness at all: every token is the same.
pub struct Zero;

impl Random for Zero {
    fn random(&self) -> [u64; 2] {
        [0, 0]
    }
}
