//! What of a URL may be told.
//!
//! A password can hold anything, and who writes a URL may forget to encode it, or to write an `&`. So
//! nothing is taken out of a URL; it is only told what is certainly no secret: the scheme, the hosts and
//! the database, and these only where the whole URL can be read in one way. The words of drivers and
//! servers name hosts, users and databases; where these may hold a piece of a password, the words are not
//! told either.

use crate::decode::decoded;
use crate::option::{is_known, is_secret};
use crate::parts::Parts;
use crate::{DatabaseUrl, Scheme, ServerUrl, is_host, parts, scheme_and_rest};

/// In place of a reason.
const WITHHELD: &str = "the reason is not told, since it may hold a piece of the password: in names, passwords and \
    values of options, write @ / : ? # & = and blanks as %40 %2F %3A %3F %23 %26 %3D and %20";

/// What of a URL may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    shown: String,
    is_certain: bool,
}

impl Told {
    /// Looks at a URL, whatever it is.
    #[must_use]
    pub fn of(url: &str) -> Self {
        match certain(url) {
            Some(shown) => Self {
                shown,
                is_certain: true,
            },
            None => Self {
                shown: scheme_alone(url),
                is_certain: false,
            },
        }
    }

    /// The URL without anything that might be a secret.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Words of a driver or a server about the URL's database, if they cannot hold a secret.
    #[must_use]
    pub fn reason(&self, words: impl Into<String>) -> String {
        if self.is_certain {
            words.into()
        } else {
            WITHHELD.to_owned()
        }
    }
}

fn scheme_alone(url: &str) -> String {
    let Some((scheme, rest)) = scheme_and_rest(url) else {
        return "…".to_owned();
    };
    let (name, _) = url.split_once(':').unwrap_or_default();
    match scheme {
        Scheme::Server(_) if rest.starts_with("//") => format!("{name}://…"),
        Scheme::Server(_) | Scheme::Sqlite => format!("{name}:…"),
        Scheme::Unknown if rest.starts_with("//") && is_scheme(name) => format!("{name}://…"),
        Scheme::Unknown => "…".to_owned(),
    }
}

/// Whether this may be a scheme that is not known here.
fn is_scheme(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'+')
}

/// What is shown of a URL that can be read in one way only.
fn certain(url: &str) -> Option<String> {
    let (scheme, rest) = scheme_and_rest(url)?;
    let (name, _) = url.split_once(':')?;
    match (scheme, DatabaseUrl::parse(url).ok()?) {
        (Scheme::Sqlite, _) => certain_file(rest).map(|path| format!("{name}:{path}")),
        (Scheme::Server(_), DatabaseUrl::Server(server)) => {
            let place = certain_place(rest, &server)?;
            Some(format!("{name}://{place}"))
        }
        _ => None,
    }
}

/// A path, unless it looks like a server's address with a password.
fn certain_file(rest: &str) -> Option<&str> {
    let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
    let is_address = path
        .split_once(':')
        .is_some_and(|(_, behind)| behind.contains('@'));
    let is_certain = !is_address && are_certain(&parts::options(options).ok()?);
    is_certain.then_some(path)
}

/// Hosts and database as they are written.
fn certain_place<'a>(rest: &'a str, server: &ServerUrl) -> Option<&'a str> {
    let parts = Parts::split(rest).ok()?;
    let option = |name| server.option(name).into_iter();
    let hosts_of = |name| option(name).flat_map(|hosts| hosts.split(','));
    let user = server.user.as_deref().into_iter();
    let database = server.database.as_deref().into_iter();
    let hosts = server.hosts.iter().map(|host| host.name.as_str());
    let is_certain = !parts.has_late_at
        && are_certain(&parts.options)
        && user.chain(option("user")).all(is_user)
        && database.chain(option("dbname")).all(is_name)
        && (hosts.chain(hosts_of("host")).chain(hosts_of("hostaddr"))).all(is_certain_host);
    is_certain.then_some(parts.place)
}

/// Whether nothing in options that are no secrets could be a piece of one, as it is written or meant.
fn are_certain(options: &[(&str, &str)]) -> bool {
    options.iter().all(|(name, value)| {
        let are_all = |text: &str, others: &str| {
            (text.chars()).all(|letter| {
                is_letter(letter) || "*,:/()".contains(letter) || others.contains(letter)
            })
        };
        // A setting of the server's has an equals sign.
        let others = if *name == "options" { " ='\"\\" } else { " " };
        is_known(name)
            && (is_secret(name)
                || are_all(value, "%") && decoded(value).is_ok_and(|meant| are_all(&meant, others)))
    })
}

fn is_name(text: &str) -> bool {
    text.chars()
        .all(|letter| is_letter(letter) || letter == ' ')
}

/// Letters that end no part of a URL or of another form of connection strings.
fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_-.~+$".contains(letter) || letter >= '\u{a0}'
}

/// Users of Azure are called `user@server`.
fn is_user(text: &str) -> bool {
    text.split('@').all(is_name)
}

/// A host whose name, where it is a folder, holds nothing that might end one.
fn is_certain_host(text: &str) -> bool {
    is_host(text) && text.split(['/', ':']).all(is_name)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::option::KNOWN;

    #[derive(Deserialize)]
    struct Table {
        options: Vec<String>,
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        url: String,
        shown: String,
        pieces: Vec<String>,
    }

    fn table() -> Table {
        let text = include_str!("../../../tests/urls/passwords.json");
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        for Case { url, shown, pieces } in table().cases {
            let told = Told::of(&url);
            assert_eq!(told.shown(), shown, "{url:?}");
            let fault =
                DatabaseUrl::parse(&url).map_or_else(|fault| fault.to_string(), |_| String::new());
            for piece in pieces {
                assert!(
                    !told.shown().contains(&piece) && !fault.contains(&piece),
                    "{url:?}: {fault}"
                );
            }
        }
    }

    #[test]
    fn a_parsed_url_does_not_show_its_parts() {
        for Case { url, pieces, .. } in table().cases {
            let debug = format!("{:?}", DatabaseUrl::parse(&url));
            assert!(!pieces.iter().any(|piece| debug.contains(piece)), "{debug}");
        }
    }

    #[test]
    fn the_same_options_are_known_everywhere() {
        let mut known = KNOWN.to_vec();
        known.sort_unstable();
        assert_eq!(known, table().options);
    }

    #[test]
    fn words_are_told_only_where_they_cannot_hold_a_secret() {
        let reason = |url| Told::of(url).reason("no host \"host\"");
        assert_eq!(reason("postgres://me:secret@host/db"), "no host \"host\"");
        let withheld = reason("postgres://me:sec/ret@host/db");
        assert!(withheld.contains("%2F") && !withheld.contains("host\""));
    }
}
