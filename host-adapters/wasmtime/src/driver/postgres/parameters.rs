//! The parameters of a connection, where they come from: the URL, a service, the environment, in this order.

use std::collections::BTreeMap;

use batchintory_database_url::{ServerUrl, unsupported};

use super::keyword::{self, KEYWORDS, Keyword};
use super::service;
use super::surroundings::Surroundings;

/// Options that are none of libpq's parameters.
const OWN: [&str; 4] = ["pool_size", "ssl", "statement_cache", "statement_timeout"];

/// Parameters by libpq's names. Holds the password: never to be shown.
pub(super) struct Parameters {
    values: BTreeMap<&'static str, String>,
}

impl Parameters {
    /// Puts all together.
    pub(super) fn gather(url: &ServerUrl, surroundings: &Surroundings) -> Result<Self, String> {
        let known: Vec<&str> = (KEYWORDS.iter().map(|keyword| keyword.name))
            .chain(OWN)
            .collect();
        if let Some(refusal) = unsupported(&url.options, &known) {
            return Err(refusal);
        }
        let mut parameters = Self {
            values: BTreeMap::new(),
        };
        for (name, value) in from_url(url)? {
            parameters.set(name, value)?;
        }
        let or_variable = |parameters: &Self, name: &str, variable: &str| {
            let given = parameters.get(name).map(str::to_owned);
            given.or_else(|| surroundings.variable(variable))
        };
        if let Some(service) = or_variable(&parameters, "service", "PGSERVICE") {
            let file = or_variable(&parameters, "servicefile", "PGSERVICEFILE");
            for (name, value) in service::parameters(&service, file.as_deref(), surroundings)? {
                parameters.set_default(name, value)?;
            }
        }
        for keyword in KEYWORDS {
            let value = keyword
                .variable
                .and_then(|name| surroundings.variable(name));
            parameters.set_default(keyword.name, value.unwrap_or_default())?;
        }
        let is_system = parameters.get("sslrootcert") == Some("system");
        for (name, value) in [
            ("fallback_application_name", "batchintory"),
            ("port", "5432"),
            ("sslmode", if is_system { "verify-full" } else { "prefer" }),
            ("target_session_attrs", "any"),
        ] {
            parameters.set_default(name, value.to_owned())?;
        }
        if parameters.get("user").is_none() {
            let user = whoami::username().map_err(|error| {
                format!("the URL names no user, and the system has no name for this one: {error}")
            })?;
            parameters.set_default("user", user)?;
        }
        let user = parameters.get("user").unwrap_or_default().to_owned();
        parameters.set_default("dbname", user)?;
        Ok(parameters)
    }

    /// A parameter's value, unless it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A whole number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u32>, String> {
        let read = |value: &str| {
            (value.parse()).map_err(|_| format!("{name} must be a whole number of at least 0"))
        };
        self.get(name).map(read).transpose()
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        // Options of ours are looked at elsewhere.
        let Some(Keyword { name, .. }) = keyword::find(name) else {
            return Ok(());
        };
        self.values.remove(name);
        self.set_default(name, value)
    }

    fn set_default(&mut self, name: &'static str, value: String) -> Result<(), String> {
        if value.is_empty() || self.values.contains_key(name) {
            return Ok(());
        }
        if let Some(keyword) = keyword::find(name) {
            keyword.check(&value)?;
        }
        self.values.insert(name, value);
        Ok(())
    }
}

/// What the URL itself gives; options count for more than its other parts.
fn from_url(url: &ServerUrl) -> Result<Vec<(&str, String)>, String> {
    let hosts: Vec<&str> = url.hosts.iter().map(|host| host.name.as_str()).collect();
    let ports: Vec<String> = (url.hosts.iter())
        .map(|host| host.port.map_or_else(String::new, |port| port.to_string()))
        .collect();
    let mut given = vec![
        ("host", hosts.join(",")),
        ("user", url.user.clone().unwrap_or_default()),
        ("password", url.password.clone().unwrap_or_default()),
        ("dbname", url.database.clone().unwrap_or_default()),
    ];
    if ports.iter().any(|port| !port.is_empty()) {
        given.push(("port", ports.join(",")));
    }
    for (name, value) in &url.options {
        match (name.as_str(), value.as_str()) {
            ("ssl", "true") => given.push(("sslmode", "require".into())),
            ("ssl", _) => return Err("ssl is supported only as true; use sslmode".into()),
            (name, value) if !value.is_empty() => given.push((name, value.to_owned())),
            _ => {}
        }
    }
    Ok(given)
}
