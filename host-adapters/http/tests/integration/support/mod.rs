//! The service over the native planner and an SQLite database. Whatever it answers is held against
//! the API's description.
#![allow(dead_code)]

pub mod description;

use std::cell::{Cell, RefCell};
use std::future::ready;
use std::sync::Arc;

use batchintory::{
    Call, Database as _, Error, Operations, Planner, Settings as DatabaseSettings, at_once,
};
use batchintory_http::{Body, Inventory, Notices, Request, Settings, answer};
use batchintory_wasmtime::{
    Access, Database, DatabaseOptions, Databases, Rows, SystemRandom, connect,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

pub const TOKEN: &str = "a-very-secret-token";

/// A header's name and value.
pub type Header<'a> = (&'a str, &'a [u8]);

/// What the service told its host.
#[derive(Default)]
pub struct Told {
    pub audit: RefCell<Vec<String>>,
    pub trouble: RefCell<Vec<String>>,
    pub wrong_tokens: Cell<u32>,
}

impl Notices for Told {
    fn audit(&self, line: &str) {
        self.audit.borrow_mut().push(line.to_owned());
    }

    fn trouble(&self, line: &str) {
        self.trouble.borrow_mut().push(line.to_owned());
    }

    fn wrong_token(&self) {
        self.wrong_tokens.set(self.wrong_tokens.get() + 1);
    }
}

/// The planner, each of whose calls is waited for.
pub struct NativePlanner {
    runtime: Runtime,
    databases: Databases,
    planner: Planner<Databases, SystemRandom>,
}

/// The service and its database.
pub struct Service {
    pub inventory: NativePlanner,
    pub settings: Result<Settings, String>,
    /// The host that requests name.
    pub authority: Option<&'static str>,
    pub told: Told,
    database: Arc<dyn Database>,
    _directory: TempDir,
}

/// A response, whose body is read as JSON where it is some.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }

    /// The problem's status and name.
    pub fn problem(&self) -> (u16, &str) {
        let name = self.json["error"].as_str().unwrap_or_default();
        (self.status.as_u16(), name)
    }
}

impl Service {
    /// Without an inventory, and without any meta table.
    pub fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("test.sqlite").display());
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let database = runtime.block_on(connect(&url, Access::Create)).unwrap();
        let options = DatabaseOptions::default();
        let databases = Databases::new(database.clone(), database.clone(), options);
        Self {
            inventory: NativePlanner {
                runtime,
                databases: databases.clone(),
                planner: Planner::new(databases, SystemRandom),
            },
            settings: Ok(Settings {
                api_token: Some(TOKEN.into()),
                ..Settings::default()
            }),
            authority: Some("localhost"),
            told: Told::default(),
            database,
            _directory: directory,
        }
    }

    /// With an inventory, and the meta table `files` of ten items.
    pub fn new() -> Self {
        let service = Self::empty();
        at_once(service.inventory.migrate()).unwrap();
        service.execute(
            "CREATE TABLE files (uid INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT, weight REAL, kind TEXT)",
        );
        for uid in 1..=10 {
            service.execute(&format!(
                "INSERT INTO files VALUES ({uid}, 'file-{uid}', {uid}, 'text')"
            ));
        }
        service
    }

    /// Runs a statement behind the service's back.
    pub fn execute(&self, statement: &str) -> Rows {
        let query = self.database.query(statement, &[]);
        self.inventory.runtime.block_on(query).unwrap()
    }

    /// Sends a request with these headers, and nothing else.
    pub fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[Header<'_>],
        body: &mut dyn Body,
    ) -> Answer {
        let mut fields = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            fields.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request = Request {
            method: Method::from_bytes(method.as_bytes()).unwrap(),
            path,
            query,
            authority: self.authority,
            is_encrypted: false,
            headers: &fields,
            body,
            now: None,
        };
        let response = answer(request, self.settings.clone(), &self.inventory, &self.told);
        description::check(method, path, &response);
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            json: serde_json::from_str(&text).unwrap_or_default(),
            text,
        }
    }

    /// Asks with the token.
    pub fn get(&self, target: &str) -> Answer {
        let token = format!("Bearer {TOKEN}");
        let headers = [("authorization", token.as_bytes())];
        self.send("GET", target, &headers, &mut &b""[..])
    }

    /// Posts a body with the token, and with another header where one is given.
    pub fn post_with(&self, target: &str, header: &[Header<'_>], body: &str) -> Answer {
        let token = format!("Bearer {TOKEN}");
        let headers: [Header<'_>; 2] = [
            ("authorization", token.as_bytes()),
            ("content-type", b"application/json"),
        ];
        let headers = [&headers, header].concat();
        self.send("POST", target, &headers, &mut body.as_bytes())
    }

    /// Posts JSON with the token.
    pub fn post(&self, target: &str, body: &Value) -> Answer {
        self.post_with(target, &[], &body.to_string())
    }

    /// The claim token of a job's next batch of so many items.
    pub fn claim(&self, job: &str, max_count: u64) -> String {
        let request = serde_json::json!({"meta_table": "files", "max_count": max_count});
        let answer = self.post(&format!("/v1/jobs/{job}/batches"), &request);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json["claim_token"].as_str().unwrap().to_owned()
    }
}

impl Operations for NativePlanner {
    type Error = Error;

    fn call(&self, call: Call) -> impl Future<Output = Result<batchintory::Answer, Error>> + Send {
        ready(self.runtime.block_on(self.planner.call(call)))
    }
}

impl Inventory for NativePlanner {
    fn databases(&self) -> DatabaseSettings {
        self.databases.settings()
    }
}
