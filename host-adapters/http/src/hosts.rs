//! Under which names the service is asked for.
//!
//! A page of another site may have its own name lead to this machine (DNS rebinding), and its browser
//! then lets it read what is answered. But the browser says which name was asked for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

use crate::problem::Problem;

/// The names that requests may go by.
pub(crate) struct Hosts {
    public: Option<PublicUrl>,
    loopback: bool,
}

struct PublicUrl {
    is_https: bool,
    /// The host, with its port where that is not the usual one.
    authority: String,
}

impl Hosts {
    pub(crate) fn read(public_url: Option<&str>, loopback: bool) -> Result<Self, String> {
        let public_url = public_url.filter(|url| !url.is_empty());
        Ok(Self {
            public: public_url.map(PublicUrl::read).transpose()?,
            loopback,
        })
    }

    /// Whether browsers reach the service by HTTPS.
    pub(crate) fn are_https(&self) -> bool {
        self.public.as_ref().is_some_and(|url| url.is_https)
    }

    /// The host of the service's public address.
    pub(crate) fn public(&self) -> Option<&str> {
        self.public.as_ref().map(|url| url.authority.as_str())
    }

    /// Lets a request through that names this service, where its names are known: by its public address, or
    /// where it listens to this machine alone. Names of this machine itself always are the service's.
    pub(crate) fn check(&self, authority: Option<&str>) -> Result<(), Problem> {
        if self.public.is_none() && !self.loopback {
            return Ok(());
        }
        let is_ours = authority.is_some_and(|authority| {
            let authority = usual(&authority.to_ascii_lowercase());
            self.public() == Some(&authority) || is_this_machine(&authority)
        });
        if is_ours {
            return Ok(());
        }
        Err(Problem::misdirected(match self.public() {
            Some(public) => format!("the service is to be asked for as {public}"),
            None => "the service is to be asked for as localhost or 127.0.0.1; where a proxy before it has \
                     another name, tell the service by its public URL"
                .into(),
        }))
    }
}

impl PublicUrl {
    fn read(url: &str) -> Result<Self, String> {
        let no_url = || {
            "the setting public-url must be the address of the service as its callers write it, without a \
             path: https://batches.example.org"
                .to_owned()
        };
        let uri: Uri = url.parse().map_err(|_| no_url())?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(no_url()),
        };
        let authority = uri.authority().ok_or_else(no_url)?.as_str();
        if authority.contains('@') || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(no_url());
        }
        Ok(Self {
            is_https,
            authority: usual(&authority.to_ascii_lowercase()),
        })
    }
}

/// An authority without the port that goes without saying.
fn usual(authority: &str) -> String {
    let cut = [":443", ":80"]
        .into_iter()
        .find_map(|port| authority.strip_suffix(port));
    cut.unwrap_or(authority).to_owned()
}

/// Whether it is a name that leads nowhere but to the machine where it is asked, whatever the port, which
/// may be forwarded.
fn is_this_machine(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) if port.is_empty() || port.starts_with(':') => host,
            _ => return false,
        },
        None => authority
            .split_once(':')
            .map_or(authority, |(host, _)| host),
    };
    host == "localhost"
        || match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => Ipv4Addr::is_loopback(&address),
            Ok(IpAddr::V6(address)) => Ipv6Addr::is_loopback(&address),
            Err(_) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(hosts: &Hosts, authority: &str) -> bool {
        hosts.check(Some(authority)).is_ok()
    }

    #[test]
    fn on_this_machine_only_its_own_names_are_taken() {
        let hosts = Hosts::read(None, true).unwrap();
        for own in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.0.0.2",
            "[::1]:8080",
            "[::1]",
        ] {
            assert!(takes(&hosts, own), "{own}");
        }
        for other in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8080",
            "x@localhost",
            "[::1].evil.example",
            "[::1",
            "10.0.0.1",
            "",
        ] {
            assert!(!takes(&hosts, other), "{other}");
        }
        assert!(hosts.check(None).is_err());
    }

    #[test]
    fn a_public_address_is_taken_and_elsewhere_all_are_that_nothing_is_known_of() {
        let hosts = Hosts::read(Some("https://Batches.example/"), false).unwrap();
        assert!(hosts.are_https());
        for own in ["batches.example", "BATCHES.example:443", "localhost:8080"] {
            assert!(takes(&hosts, own), "{own}");
        }
        assert!(!takes(&hosts, "evil.example") && !takes(&hosts, "batches.example:8443"));
        let anywhere = Hosts::read(Some(""), false).unwrap();
        assert!(takes(&anywhere, "evil.example") && anywhere.check(None).is_ok());
    }

    #[test]
    fn what_is_no_address_of_a_service_is_told() {
        for url in [
            "batches.example",
            "ftp://batches.example",
            "https://",
            "https://batches.example/below",
            "https://batches.example?x",
            "https://me:secret@batches.example",
        ] {
            let Err(error) = Hosts::read(Some(url), false) else {
                panic!("{url} must be refused");
            };
            assert!(error.contains("public-url") && !error.contains("secret"));
        }
    }
}
