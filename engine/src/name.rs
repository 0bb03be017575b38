//! Names and numbers of lines: the name templates of the settings, and numbering nodes.

use crate::id::Guid;
use crate::pii::Personal;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// The placeholders that a name template may contain, each after a `%`.
pub const PLACEHOLDERS: &str = "cdheENnpPuUXx";

/// Longest name that a template makes, in characters.
pub const MAX_NAME: usize = 255;

/// What a PBX said of one of its users, as far as names and numbers are made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// Identity of the PBX object.
    pub guid: Guid,
    /// Long Name.
    pub cn: Personal,
    /// Display name.
    pub dn: Personal,
    /// Short Name.
    pub h323: Personal,
    /// Extension within its node.
    pub e164: Personal,
    /// Home PBX if it is not the one that reported the user.
    pub loc: Box<str>,
    /// Number of its numbering node.
    pub nodenum: Box<str>,
}

/// Where a user is found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// Host, or host:port, of the master as in the settings.
    pub master: &'a str,
    /// Name of the PBX that reported the user.
    pub reported_by: &'a str,
}

/// The line's address as TAPI gets it: the extension, with its node's number in front unless pure
/// node extensions are wanted. A user without an extension has no address.
#[must_use]
pub fn address(subscriber: &Subscriber, pure_node_extensions: bool) -> String {
    let e164 = subscriber.e164.text();
    if e164.is_empty() || pure_node_extensions {
        e164.to_owned()
    } else {
        format!("{}{e164}", subscriber.nodenum)
    }
}

/// Makes a line's name from a template. Placeholders that do not exist are left as they are (the
/// settings refuse them); a name that comes out empty falls back to the long name.
#[must_use]
pub fn expand(template: &str, who: &Subscriber, address: &str, place: Place<'_>) -> String {
    let (host, port) = split_host(place.master);
    let mut name = String::new();
    let mut chars = template.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            name.push(c);
            continue;
        }
        let placeholder = chars.next();
        let home = if who.loc.is_empty() { place.reported_by } else { &*who.loc };
        match placeholder {
            Some('c') => name.push_str(who.cn.text()),
            Some('d') => name.push_str(who.dn.text()),
            Some('h') => name.push_str(who.h323.text()),
            Some('e') => name.push_str(who.e164.text()),
            Some('E') => {
                name.push_str(&who.nodenum);
                name.push_str(who.e164.text());
            }
            Some('N') => name.push_str(address),
            Some('n') => name.push_str(host),
            Some('p') => {
                if let Some(port) = port.filter(|port| *port != "80") {
                    name.push(':');
                    name.push_str(port);
                }
            }
            Some('P') => name.push_str(port.unwrap_or("80")),
            Some('u') => {
                name.push_str(who.h323.text());
                name.push('@');
                name.push_str(host);
            }
            Some('U') => {
                let user = who.h323.text();
                // Writing to a String cannot fail.
                let _ = write!(name, "h323:{user}@{host}:{}", port.unwrap_or("80"));
            }
            Some('X') => name.push_str(home),
            Some('x') => name.push_str(place.reported_by),
            Some('%') => name.push('%'),
            Some(other) => name.extend(['%', other]),
            None => name.push('%'),
        }
    }
    if name.trim().is_empty() {
        name = who.cn.text().to_owned();
    }
    match name.char_indices().nth(MAX_NAME) {
        Some((end, _)) => name[..end].to_owned(),
        None => name,
    }
}

/// Splits `host`, `host:port`, `[v6]` and `[v6]:port`.
fn split_host(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') && !host.ends_with(':') => (host, Some(port)),
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anna() -> Subscriber {
        Subscriber {
            cn: "Anna Berg".into(),
            dn: "Änne".into(),
            h323: "anna".into(),
            e164: "20".into(),
            nodenum: "5".into(),
            ..Subscriber::default()
        }
    }

    #[test]
    fn every_placeholder_is_replaced() {
        let place = Place { master: "pbx.example.com:8080", reported_by: "hq" };
        let name = |template: &str| expand(template, &anna(), "520", place);
        let table = [
            ("%c", "Anna Berg"),
            ("%d", "Änne"),
            ("%h", "anna"),
            ("%e", "20"),
            ("%E", "520"),
            ("%N", "520"),
            ("%n%p", "pbx.example.com:8080"),
            ("%P", "8080"),
            ("%u", "anna@pbx.example.com"),
            ("%U", "h323:anna@pbx.example.com:8080"),
            ("%X %x", "hq hq"),
            ("%c (%N)", "Anna Berg (520)"),
            ("100%%", "100%"),
        ];
        for (template, expected) in table {
            assert_eq!(name(template), expected, "{template}");
        }
        let covered: String = table.iter().map(|(template, _)| *template).collect();
        assert!(PLACEHOLDERS.chars().all(|c| covered.contains(&format!("%{c}"))));
    }

    #[test]
    fn the_standard_port_is_left_out_of_p_but_not_of_capital_p() {
        let place = Place { master: "pbx", reported_by: "" };
        assert_eq!(expand("%n%p|%P", &anna(), "", place), "pbx|80");
    }

    #[test]
    fn an_empty_name_falls_back_to_the_long_name() {
        assert_eq!(expand("%x", &anna(), "", Place::default()), "Anna Berg");
    }

    #[test]
    fn the_address_has_the_node_prefix_unless_pure_extensions_are_wanted() {
        assert_eq!(address(&anna(), false), "520");
        assert_eq!(address(&anna(), true), "20");
        let nobody = Subscriber { e164: "".into(), ..anna() };
        assert_eq!(address(&nobody, false), "");
    }
}
