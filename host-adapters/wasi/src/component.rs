//! The component: the only file that knows binding generators.

use std::cell::RefCell;

use batchintory::{DatabaseError, Rows, Value};
use batchintory_provider::write_line;
use wasi::cli::environment::get_environment;
use wasi::random::random::get_random_bytes;

use crate::connection::Connection;
use crate::settings::{ServiceSettings, planner};
use crate::wait::pause;

mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "../http/wit", "wit"],
        world: "batchintory:wasi/provider",
        generate_all,
    });
}

use bindings::exports::batchintory::http::{configuration as http, notices};
use bindings::exports::batchintory::inventory::database as export;

batchintory::boundary!(
    database = crate::component::bindings::exports::batchintory::inventory::database
);

/// What an instance keeps.
#[derive(Default)]
struct State {
    settings: Option<Result<ServiceSettings, String>>,
    inventory: Option<Connection>,
    /// Where the meta tables are on another server.
    meta: Option<Connection>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

struct Component;

bindings::export!(Component with_types_in bindings);

impl http::Guest for Component {
    fn settings() -> Result<http::ServiceSettings, String> {
        STATE.with_borrow_mut(|state| {
            let settings = state.settings()?;
            Ok(http::ServiceSettings {
                api_token: settings.access.api_token.clone(),
                api_tokens: settings.access.api_tokens.clone(),
                public_reads: settings.access.public_reads.clone(),
                allowed_tables: settings.access.allowed_tables.clone(),
                public_url: settings.access.public_url.clone(),
                // Where the host listens is not told.
                loopback: false,
            })
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

    /// Hosts do not tell where callers come from.
    fn wrong_token() {}
}

impl export::Guest for Component {
    fn settings() -> export::DatabaseSettings {
        // The service asks for its own settings first and tells what is wrong with the variables, so
        // nobody comes here then.
        STATE
            .with_borrow_mut(|state| state.settings().map(ServiceSettings::planner))
            .unwrap_or_else(|_| planner(String::new(), None))
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
        let answer = STATE.with_borrow_mut(|state| state.query(on, &statement, &parameters));
        match answer {
            Ok(rows) => Ok(rows.into()),
            Err(error) => Err(error.into()),
        }
    }
}

impl State {
    /// Reads the environment at its first use.
    fn settings(&mut self) -> Result<&ServiceSettings, String> {
        self.settings
            .get_or_insert_with(|| ServiceSettings::read(&get_environment()))
            .as_ref()
            .map_err(String::clone)
    }

    fn query(
        &mut self,
        on: export::Source,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Rows, DatabaseError> {
        let settings = self.settings().map_err(DatabaseError::Unavailable)?;
        let (server, is_meta) = match (on, &settings.meta) {
            (export::Source::Meta, Some(server)) => (server.clone(), true),
            _ => (settings.inventory.clone(), false),
        };
        let kept = if is_meta {
            &mut self.meta
        } else {
            &mut self.inventory
        };
        let mut connection = match kept.take().and_then(Connection::if_open) {
            Some(connection) => connection,
            None => Connection::open(&server)?,
        };
        let answer = connection.query(statement, parameters);
        // A connection that failed in the middle of something is not used again.
        if !matches!(
            answer,
            Err(DatabaseError::OutcomeUnknown(_) | DatabaseError::Unavailable(_))
        ) {
            *kept = Some(connection);
        }
        answer
    }
}

/// The randomness of what logs in to servers.
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(
    destination: *mut u8,
    length: usize,
) -> Result<(), getrandom::Error> {
    let bytes = get_random_bytes(length as u64);
    // SAFETY: getrandom gives room for so many bytes, and the host so many as are asked for.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), destination, bytes.len().min(length)) };
    Ok(())
}
