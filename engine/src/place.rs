//! Where the SOAP interface of a PBX is.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where the SOAP interface of a PBX is. Printed as its URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// `host`, `host:port`, or an IPv6 address in brackets with or without a port.
    pub authority: Box<str>,
    /// Path of the SOAP interface, [`Place::PATH`] but for dynamic PBXs.
    pub path: Box<str>,
    /// HTTPS instead of HTTP.
    pub https: bool,
}

impl Place {
    /// The path at which every PBX but a dynamic one serves its SOAP interface.
    pub const PATH: &str = "/PBX0/user.soap";

    /// The longest URL that is read, in bytes. Host names have 253 characters at most.
    pub const MAX_URL: usize = 512;

    /// At this host, or host and port, by HTTP and at the usual path.
    #[must_use]
    pub fn at(authority: &str) -> Place {
        Place { authority: authority.into(), path: Place::PATH.into(), https: false }
    }

    /// Reads a URL as a PBX writes it (its SOAP reference, 4.5): a scheme, a host and perhaps a
    /// port, a path, and nothing else. `None` for anything that could not be meant.
    #[must_use]
    pub fn read(url: &str) -> Option<Place> {
        let url = url.trim();
        let (scheme, rest) = url.split_once("://").filter(|_| url.len() <= Place::MAX_URL)?;
        let https = match scheme {
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ => return None,
        };
        let end = rest.find('/')?;
        let (authority, path) = rest.split_at(end);
        let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '@' | '?' | '#' | '\\' | '%');
        let is_host =
            |c: char| is_plain(c) && !matches!(c, '<' | '>' | '"' | '{' | '}' | '|' | '^');
        let sound = !authority.is_empty()
            && authority.chars().all(is_host)
            && path.len() > 1
            && path.chars().all(|c| is_plain(c) || c == '%')
            && port_is_sound(authority);
        sound.then(|| Place { authority: authority.into(), path: path.into(), https })
    }
}

/// Whether what follows the host is nothing, or a port.
fn port_is_sound(authority: &str) -> bool {
    let after_host = match authority.strip_prefix('[') {
        Some(v6) => match v6.split_once(']') {
            Some((address, after)) if !address.is_empty() => after,
            _ => return false,
        },
        None => authority.find(':').map_or("", |colon| &authority[colon..]),
    };
    let host_is_there = !authority.starts_with(':');
    let port = after_host.strip_prefix(':');
    let digits = |port: &str| port.bytes().all(|c| c.is_ascii_digit());
    host_is_there
        && match port {
            None => after_host.is_empty(),
            Some(port) => digits(port) && port.parse::<u16>().is_ok_and(|port| port > 0),
        }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http{}://{}{}", if self.https { "s" } else { "" }, self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_reads_as_it_prints() {
        for url in [
            "http://192.0.2.20/PBX0/user.soap",
            "https://pbx.example.com:8443/PBX-2/user.soap",
            "http://[2001:db8::1]/PBX0/user.soap",
            "https://[::1]:8443/PBX0/user.soap",
        ] {
            assert_eq!(Place::read(url).map(|place| place.to_string()).as_deref(), Some(url));
        }
        let spelled = Place::read(" HTTP://Host/PBX0/user.soap\n");
        assert_eq!(spelled, Some(Place::at("Host")));
    }

    #[test]
    fn what_no_pbx_can_mean_is_no_place() {
        let long = format!("http://{}/PBX0/user.soap", "h".repeat(Place::MAX_URL));
        for url in [
            "",
            "branch",
            "ftp://host/PBX0/user.soap",
            "http://host",
            "http://host/",
            "http:///PBX0/user.soap",
            "http://:80/PBX0/user.soap",
            "http://host:/PBX0/user.soap",
            "http://host:0/PBX0/user.soap",
            "http://host:99999/PBX0/user.soap",
            "http://name:password@host/PBX0/user.soap",
            "http://host/PBX0/user.soap?x=1",
            "http://ho st/PBX0/user.soap",
            "http://[::1/PBX0/user.soap",
            "http://[::1]x/PBX0/user.soap",
            "http://host\r\nX: y/PBX0/user.soap",
            &long,
        ] {
            assert_eq!(Place::read(url), None, "{url}");
        }
    }
}
