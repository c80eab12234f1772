//! The component: the only file that knows binding generators.

use std::cell::RefCell;

use batchintory::{DatabaseError, Dialect, FailureKind, Rows, Value};
use batchintory_provider::write_line;
use wasi::clocks::monotonic_clock;

use crate::never_empty::{never_empty, only_found};
use crate::postgres_error;
use crate::statement::{Gives, gives};
use crate::variables::{Address, Variables};

mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "../http/wit", "wit"],
        world: "batchintory:spin/provider",
        generate_all,
    });
}

use bindings::exports::batchintory::http::{configuration as http, notices};
use bindings::exports::batchintory::inventory::database as export;
use bindings::fermyon::spin::variables;
use bindings::spin::postgres::postgres;
use bindings::spin::sqlite::sqlite;

batchintory::boundary!(
    database = crate::component::bindings::exports::batchintory::inventory::database
);

const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

/// What databases say of a value that cannot be read.
const DATATYPE_MISMATCH: &str = "42804";
const SQLITE_MISMATCH: &str = "20";

/// What an instance keeps: it serves one request.
#[derive(Default)]
struct State {
    variables: Option<Result<Variables, String>>,
    /// The latest connection, and to where. No more than one: Spin gives out a bounded number, so
    /// requests that hold one while they wait for a second could wait for each other, for ever.
    connection: Option<(Address, Connection)>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

struct Component;

bindings::export!(Component with_types_in bindings);

impl http::Guest for Component {
    fn settings() -> Result<http::ServiceSettings, String> {
        with_variables(|variables| http::ServiceSettings {
            api_token: variables.access.api_token.clone(),
            api_tokens: variables.access.api_tokens.clone(),
            public_reads: variables.access.public_reads.clone(),
            allowed_tables: variables.access.allowed_tables.clone(),
            public_url: variables.access.public_url.clone(),
            // Where Spin listens is not told.
            loopback: false,
        })
    }
}

impl notices::Guest for Component {
    fn audit(line: String) {
        write_line("audit", &line);
    }

    fn trouble(line: String) {
        write_line("trouble", &line);
    }

    /// Spin does not tell where callers come from.
    fn wrong_token() {}
}

impl export::Guest for Component {
    fn settings() -> export::DatabaseSettings {
        // The service asks for its own settings first and tells what is wrong with the variables, so
        // nobody comes here then.
        with_variables(Variables::settings)
            .unwrap_or_else(|_| Variables::default().settings())
            .into()
    }

    fn pause(milliseconds: u32) {
        pause(milliseconds.into());
    }

    /// Instances of other requests are not known here.
    fn claim_turn(_scope: String) {}

    fn query(
        on: export::Source,
        statement: String,
        params: Vec<export::Value>,
    ) -> Result<export::Rows, export::Error> {
        let parameters: Vec<Value> = params.into_iter().map(Into::into).collect();
        match query(on, &statement, &parameters) {
            Ok(rows) => Ok(rows.into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Reads the variables at their first use.
fn with_variables<T>(read: impl FnOnce(&Variables) -> T) -> Result<T, String> {
    STATE.with_borrow_mut(|state| {
        let variables = state.variables.get_or_insert_with(|| {
            Variables::read(|name| {
                variables::get(name).map_err(|_| {
                    format!("the variable {name} cannot be read; spin.toml must declare it")
                })
            })
        });
        match variables {
            Ok(variables) => Ok(read(variables)),
            Err(error) => Err(error.clone()),
        }
    })
}

fn pause(milliseconds: u64) {
    let nanoseconds = milliseconds.saturating_mul(NANOSECONDS_PER_MILLISECOND);
    monotonic_clock::subscribe_duration(nanoseconds).block();
}

fn query(on: export::Source, statement: &str, parameters: &[Value]) -> Result<Rows, DatabaseError> {
    let address = with_variables(|variables| match on {
        export::Source::Inventory => variables.inventory.clone(),
        export::Source::Meta => variables.meta.clone(),
    })
    .map_err(DatabaseError::Unavailable)?;
    let kept = STATE.with_borrow_mut(|state| state.connection.take());
    let connection = match kept {
        Some((place, connection)) if place == address => connection,
        another => {
            drop(another);
            Connection::open(&address)?
        }
    };
    let answer = connection.query(statement, parameters);
    // A connection that failed in the middle of something, or was ended by its server, is not used again.
    let dialect = match &address {
        Address::Sqlite => Dialect::Sqlite,
        Address::Postgres(_) => Dialect::Postgresql,
    };
    if !(answer.as_ref()).is_err_and(|error| {
        matches!(
            error.kind(dialect),
            FailureKind::OutcomeUnknown | FailureKind::Unavailable
        )
    }) {
        STATE.with_borrow_mut(|state| state.connection = Some((address, connection)));
    }
    answer
}

/// A connection to one of Spin's databases.
enum Connection {
    Sqlite(sqlite::Connection),
    Postgres(postgres::Connection),
}

impl Connection {
    fn open(address: &Address) -> Result<Self, DatabaseError> {
        match address {
            Address::Sqlite => match sqlite::Connection::open("default") {
                Ok(connection) => Ok(Self::Sqlite(connection)),
                Err(error) => Err(DatabaseError::Unavailable(format!(
                    "Spin's SQLite database \"default\" cannot be opened: {error:?}"
                ))),
            },
            Address::Postgres(url) => match postgres::Connection::open(url) {
                Ok(connection) => Ok(Self::Postgres(connection)),
                Err(error) => Err(postgres_error::unreachable(url, &words(error))),
            },
        }
    }

    fn query(&self, statement: &str, parameters: &[Value]) -> Result<Rows, DatabaseError> {
        match self {
            Self::Sqlite(connection) => query_sqlite(connection, statement, parameters),
            Self::Postgres(connection) => query_postgres(connection, statement, parameters),
        }
    }
}

fn query_sqlite(
    connection: &sqlite::Connection,
    statement: &str,
    parameters: &[Value],
) -> Result<Rows, DatabaseError> {
    let parameters: Vec<sqlite::Value> = parameters
        .iter()
        .map(|value| match value {
            Value::Null => sqlite::Value::Null,
            Value::Boolean(value) => sqlite::Value::Integer((*value).into()),
            Value::Int64(value) => sqlite::Value::Integer(*value),
            Value::Float64(value) => sqlite::Value::Real(*value),
            Value::Text(value) => sqlite::Value::Text(value.clone()),
        })
        .collect();
    let found = connection
        .execute(statement, &parameters)
        .map_err(|error| match error {
            // SQLite's own words, or those of what is between: Spin tells no code.
            sqlite::Error::Io(message) => DatabaseError::refused("", message),
            other => DatabaseError::Unavailable(format!("Spin's SQLite database: {other:?}")),
        })?;
    let read = |value: sqlite::Value| match value {
        sqlite::Value::Null => Ok(Value::Null),
        sqlite::Value::Integer(value) => Ok(Value::Int64(value)),
        sqlite::Value::Real(value) => Ok(Value::Float64(value)),
        sqlite::Value::Text(value) => Ok(Value::Text(value)),
        sqlite::Value::Blob(_) => Err(unreadable(SQLITE_MISMATCH, "a blob")),
    };
    let rows = found
        .rows
        .into_iter()
        .map(|row| row.values.into_iter().map(read).collect())
        .collect::<Result<_, _>>()?;
    let affected = match gives(statement) {
        // SQLite would tell of the last statement that wrote, which is another one.
        Gives::Rows | Gives::Nothing => 0,
        Gives::WrittenRows | Gives::Number => connection.changes(),
    };
    Ok(Rows { rows, affected })
}

fn query_postgres(
    connection: &postgres::Connection,
    statement: &str,
    parameters: &[Value],
) -> Result<Rows, DatabaseError> {
    use postgres::ParameterValue;

    let parameters: Vec<ParameterValue> = parameters
        .iter()
        .map(|value| match value {
            Value::Null => ParameterValue::DbNull,
            Value::Boolean(value) => ParameterValue::Boolean(*value),
            Value::Int64(value) => ParameterValue::Int64(*value),
            Value::Float64(value) => ParameterValue::Floating64(*value),
            Value::Text(value) => ParameterValue::Str(value.clone()),
        })
        .collect();
    let given = gives(statement);
    if matches!(given, Gives::Number | Gives::Nothing) {
        let affected = connection
            .execute(statement, &parameters)
            .map_err(explain)?;
        return Ok(Rows {
            rows: Vec::new(),
            affected,
        });
    }
    let never_empty = never_empty(statement, given);
    let sent = never_empty.as_deref().unwrap_or(statement);
    let answer = connection.query(sent, &parameters).map_err(explain)?;
    let mut rows: Vec<Vec<Value>> = answer
        .rows
        .into_iter()
        .map(|row| row.into_iter().map(read_postgres).collect())
        .collect::<Result<_, _>>()?;
    if never_empty.is_some() {
        rows = only_found(rows)?;
    }
    let affected = match given {
        Gives::WrittenRows => rows.len() as u64,
        _ => 0,
    };
    Ok(Rows { rows, affected })
}

fn read_postgres(value: postgres::DbValue) -> Result<Value, DatabaseError> {
    use postgres::DbValue;

    match value {
        DbValue::DbNull => Ok(Value::Null),
        DbValue::Boolean(value) => Ok(Value::Boolean(value)),
        DbValue::Int16(value) => Ok(Value::Int64(value.into())),
        DbValue::Int32(value) => Ok(Value::Int64(value.into())),
        DbValue::Int64(value) => Ok(Value::Int64(value)),
        DbValue::Floating32(value) => Ok(Value::Float64(value.into())),
        DbValue::Floating64(value) => Ok(Value::Float64(value)),
        DbValue::Str(value) => Ok(Value::Text(value)),
        _ => Err(unreadable(
            DATATYPE_MISMATCH,
            "a type that no statement selects",
        )),
    }
}

/// What an error of a statement means.
fn explain(error: postgres::Error) -> DatabaseError {
    use postgres::{Error, QueryError};

    match error {
        Error::QueryFailed(QueryError::DbError(error)) => {
            postgres_error::explain(&error.code, error.message)
        }
        Error::ConnectionFailed(message) => DatabaseError::Unavailable(message),
        Error::BadParameter(message) => DatabaseError::refused(DATATYPE_MISMATCH, message),
        // What the server did is not known.
        Error::QueryFailed(QueryError::Text(message))
        | Error::ValueConversionFailed(message)
        | Error::Other(message) => DatabaseError::OutcomeUnknown(message),
    }
}

/// What Spin says about an error.
fn words(error: postgres::Error) -> String {
    use postgres::{Error, QueryError};

    match error {
        Error::ConnectionFailed(words)
        | Error::BadParameter(words)
        | Error::QueryFailed(QueryError::Text(words))
        | Error::ValueConversionFailed(words)
        | Error::Other(words) => words,
        Error::QueryFailed(QueryError::DbError(error)) => error.message,
    }
}

fn unreadable(code: &str, what: &str) -> DatabaseError {
    DatabaseError::refused(code, format!("a column has {what}"))
}
