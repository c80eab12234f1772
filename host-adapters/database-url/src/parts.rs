//! The parts of a server's URL, as they are written.

use crate::fault::Fault;

/// The parts of `//user:password@host:port,host:port/database?option=value`, not decoded.
pub(crate) struct Parts<'a> {
    pub(crate) user: Option<&'a str>,
    pub(crate) password: Option<&'a str>,
    pub(crate) hosts: Vec<RawHost<'a>>,
    pub(crate) database: Option<&'a str>,
    pub(crate) options: Vec<(&'a str, &'a str)>,
    /// Hosts and database together.
    pub(crate) place: &'a str,
    /// Whether there is an `@` behind the hosts, which may be the one that ends a password.
    pub(crate) has_late_at: bool,
}

pub(crate) struct RawHost<'a> {
    pub(crate) name: &'a str,
    pub(crate) port: Option<u16>,
}

impl<'a> Parts<'a> {
    /// Splits what stands behind the scheme's colon.
    pub(crate) fn split(rest: &'a str) -> Result<Self, Fault> {
        let rest = rest.strip_prefix("//").ok_or(Fault::NoSlashes)?;
        if rest.contains('#') || rest.contains(char::is_control) {
            return Err(Fault::Character);
        }
        let (before, options) = rest.split_once('?').unwrap_or((rest, ""));
        let end = before.find('/').unwrap_or(before.len());
        let (authority, path) = before.split_at_checked(end).unwrap_or_default();
        let (credentials, hosts, place) = match (authority.split_once('@'), before.split_once('@'))
        {
            (Some((credentials, hosts)), Some((_, place))) => (Some(credentials), hosts, place),
            _ => (None, authority, before),
        };
        if hosts.contains('@') {
            return Err(Fault::At);
        }
        let (user, password) = match credentials.map(|text| text.split_once(':')) {
            Some(Some((user, password))) => (Some(user), Some(password)),
            _ => (credentials, None),
        };
        Ok(Self {
            user,
            password,
            hosts: self::hosts(hosts)?,
            database: path.strip_prefix('/'),
            options: self::options(options)?,
            place,
            has_late_at: path.contains('@') || options.contains('@'),
        })
    }
}

fn hosts(text: &str) -> Result<Vec<RawHost<'_>>, Fault> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',').map(host).collect()
}

fn host(text: &str) -> Result<RawHost<'_>, Fault> {
    let (name, port) = match text.strip_prefix('[') {
        Some(inside) => {
            let (address, behind) = inside.split_once(']').ok_or(Fault::Brackets)?;
            match (behind.strip_prefix(':'), behind) {
                (Some(port), _) => (address, port),
                (None, "") => (address, ""),
                _ => return Err(Fault::Brackets),
            }
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    if name.contains(['[', ']']) {
        return Err(Fault::Brackets);
    }
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = match port {
        "" => None,
        port if is_number => Some(port.parse().map_err(|_| Fault::Port)?),
        _ => return Err(Fault::Port),
    };
    if port == Some(0) {
        return Err(Fault::Port);
    }
    Ok(RawHost { name, port })
}

/// What stands behind the `?`.
pub(crate) fn options(text: &str) -> Result<Vec<(&str, &str)>, Fault> {
    (text.split('&').filter(|option| !option.is_empty()))
        .map(|option| option.split_once('=').ok_or(Fault::OptionForm))
        .collect()
}
