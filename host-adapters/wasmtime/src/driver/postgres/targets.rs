//! The servers of a URL, in the order in which they are tried.

use std::net::IpAddr;
use std::path::Path;

use batchintory_database_url::is_host;

use super::parameters::Parameters;
use super::password_file::{self, Login};
use super::surroundings::Surroundings;

/// Where sockets usually lie, of Debian's servers and of those that were built.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// A server that may be the one.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// A name, an address, or the folder of a socket.
    pub(super) host: String,
    /// Its address, where the name is not to be looked up.
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
    pub(super) password: Option<String>,
}

impl Target {
    /// All of them.
    pub(super) fn all(
        parameters: &Parameters,
        surroundings: &Surroundings,
    ) -> Result<Vec<Self>, String> {
        let list = |name| -> Vec<&str> {
            parameters
                .get(name)
                .map_or_else(Vec::new, |list| list.split(',').collect())
        };
        let (hosts, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
        if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
            return Err("host and hostaddr must name equally many servers".into());
        }
        let count = hosts.len().max(addresses.len()).max(1);
        if ports.len() > 1 && ports.len() != count {
            return Err("port must be one, or as many as there are hosts".into());
        }
        (0..count)
            .map(|index| {
                let port = ports.get(index).or(ports.first()).copied();
                let port = port_of(port.unwrap_or_default())?;
                let host = hosts.get(index).copied().unwrap_or_default();
                let address = address_of(addresses.get(index).copied().unwrap_or_default())?;
                Self::new(host, address, port, parameters, surroundings)
            })
            .collect()
    }

    fn new(
        host: &str,
        address: Option<IpAddr>,
        port: u16,
        parameters: &Parameters,
        surroundings: &Surroundings,
    ) -> Result<Self, String> {
        if !is_host(host) {
            return Err("host must name servers, or the folders of their sockets".into());
        }
        let host = match (host, address) {
            ("", None) => default_host(port),
            ("", Some(address)) => address.to_string(),
            (host, _) => host.to_owned(),
        };
        let is_default_socket = SOCKET_FOLDERS.contains(&host.as_str());
        let login = Login {
            host: if is_default_socket {
                "localhost"
            } else {
                &host
            },
            port,
            database: parameters.get("dbname").unwrap_or_default(),
            user: parameters.get("user").unwrap_or_default(),
        };
        let given = parameters.get("password").map(str::to_owned);
        let password = given
            .or_else(|| password_file::password(&login, parameters.get("passfile"), surroundings));
        Ok(Self {
            host,
            address,
            port,
            password,
        })
    }

    /// Whether it is reached by a socket of this machine.
    pub(super) fn is_socket(&self) -> bool {
        self.address.is_none() && self.host.starts_with('/')
    }

    /// For messages about one of several.
    pub(super) fn shown(&self) -> String {
        match self.is_socket() {
            true => format!("{}/.s.PGSQL.{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

fn port_of(text: &str) -> Result<u16, String> {
    match text {
        "" => Ok(5432),
        text => (text.parse().ok())
            .filter(|port| *port > 0)
            .ok_or_else(|| "port must be a number from 1 to 65535".into()),
    }
}

fn address_of(text: &str) -> Result<Option<IpAddr>, String> {
    match text {
        "" => Ok(None),
        text => (text.parse().map(Some))
            .map_err(|_| "hostaddr must be an IPv4 or IPv6 address; names belong to host".into()),
    }
}

/// A socket where there is one, else this machine's address.
fn default_host(port: u16) -> String {
    let socket = format!(".s.PGSQL.{port}");
    let has_socket = |folder: &str| cfg!(unix) && Path::new(folder).join(&socket).exists();
    let folder = SOCKET_FOLDERS.into_iter().find(|folder| has_socket(folder));
    folder.unwrap_or("localhost").to_owned()
}
