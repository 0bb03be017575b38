//! Names and numbers of lines: the name templates of the settings.
//!
//! What the vendor's description says, and what is our reading of it:
//!
//! - As described: `%c` `%d` `%h` `%e` `%E` `%N` `%n` `%P` `%X` `%x`, and that a template is put
//!   together from them. That `%E` has the number of the user's own node in front, as the PBX gives it,
//!   and `%N` those of all nodes up to the root, follows from the two being described apart.
//! - `%p` is described as the port with a colon, empty if it is 80. With HTTPS, which the description
//!   does not think of here, it is empty if it is 443.
//! - `%u` is described as `user@host` without saying which name and which host: we take the Short Name
//!   and the master's host, which are what an H.323 URL is made of.
//! - `%U` is described by an Internet draft, and by an example with a colon too many; we write the URL as
//!   the draft has it. The port is that of the PBX's web access, as the example has it, though the
//!   draft means the port of the gatekeeper.
//! - `%%` is ours: there has to be a way to write a percent sign.
//! - That there are three presets is described, but not which; these three are ours.

use crate::subscriber::Subscriber;
use std::fmt::Write;

/// The placeholders that a name template may contain, each after a `%`.
///
/// | | |
/// |---|---|
/// | `%c` `%d` `%h` | Long Name, display name, Short Name |
/// | `%e` | extension within its node |
/// | `%E` | the same with the number of its node in front |
/// | `%N` | the address as TAPI gets it |
/// | `%n` | host name of the master of the tree, as in the settings |
/// | `%p` | its port with a colon in front, nothing if it is the usual one |
/// | `%P` | its port |
/// | `%u` | `user@host` |
/// | `%U` | `h323:user@host:port`, the URL of draft-levin-iptel-h323-url-scheme-04 |
/// | `%X` | name of the PBX the user is registered with: another one while a standby is used |
/// | `%x` | name of the PBX that reports the user: another one when he moves |
pub const PLACEHOLDERS: &str = "cdheENnpPuUXx";

/// Templates that have a name of their own, which the settings take in place of a template.
pub const PRESETS: [(&str, &str); 3] =
    [("long-name", "%c"), ("name-and-number", "%d (%N)"), ("user-url", "%u")];

/// Longest name that a template makes, in characters.
pub const MAX_NAME: usize = 255;

/// Where a user is found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// Host, or host:port, of the master of the tree as in the settings.
    pub master: &'a str,
    /// The master is asked by HTTPS.
    pub https: bool,
    /// Name of the PBX the user is registered with.
    pub registered_with: &'a str,
    /// Name of the PBX that reports the user.
    pub reported_by: &'a str,
}

/// The line's address as TAPI gets it: the extension, with the digits in front that lead to its
/// node from the root, unless pure node extensions are wanted. A user without an extension has no
/// address.
#[must_use]
pub fn address(subscriber: &Subscriber, prefix: Option<&str>) -> String {
    let e164 = subscriber.e164();
    if e164.is_empty() { String::new() } else { format!("{}{e164}", prefix.unwrap_or("")) }
}

/// The template that a preset of this name stands for.
#[must_use]
pub fn preset(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(known, _)| *known == name).map(|(_, template)| *template)
}

/// Makes a line's name from a template. Placeholders that do not exist are left as they are (the
/// settings refuse them). Control characters become spaces. A name that comes out empty falls back
/// to what else there is to tell a user by: Long Name, Short Name, address, GUID.
#[must_use]
pub fn expand(template: &str, who: &Subscriber, address: &str, place: Place<'_>) -> String {
    let name = substitute(template, who, address, place);
    let choices = [name.as_str(), who.cn(), who.h323(), address];
    let tidy = |text: &str| text.replace(char::is_control, " ").trim().to_owned();
    let name = choices.into_iter().map(tidy).find(|name| !name.is_empty());
    cut(&name.unwrap_or_else(|| who.guid.to_string()), MAX_NAME).to_owned()
}

/// A name with something behind it that tells it from others, cut where it is too long.
#[must_use]
pub fn distinguished(name: &str, suffix: &str) -> String {
    let room = MAX_NAME.saturating_sub(suffix.chars().count());
    format!("{}{}", cut(name, room), cut(suffix, MAX_NAME))
}

fn substitute(template: &str, who: &Subscriber, address: &str, place: Place<'_>) -> String {
    let (host, port) = split_host(place.master);
    let usual = if place.https { "443" } else { "80" };
    let mut name = String::new();
    let mut chars = template.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            name.push(c);
            continue;
        }
        match chars.next() {
            Some('c') => name.push_str(who.cn()),
            Some('d') => name.push_str(who.dn()),
            Some('h') => name.push_str(who.h323()),
            Some('e') => name.push_str(who.e164()),
            Some('E') => name.push_str(&self::address(who, Some(who.nodenum()))),
            Some('N') => name.push_str(address),
            Some('n') => name.push_str(host),
            Some('p') => {
                if let Some(port) = port.filter(|port| *port != usual) {
                    name.push(':');
                    name.push_str(port);
                }
            }
            Some('P') => name.push_str(port.unwrap_or(usual)),
            Some('u') => {
                name.push_str(who.h323());
                name.push('@');
                name.push_str(host);
            }
            Some('U') => {
                let user = who.h323();
                // Writing to a String cannot fail.
                let _ = write!(name, "h323:{user}@{host}:{}", port.unwrap_or(usual));
            }
            Some('X') => name.push_str(place.registered_with),
            Some('x') => name.push_str(place.reported_by),
            Some('%') => name.push('%'),
            Some(other) => name.extend(['%', other]),
            None => name.push('%'),
        }
    }
    name
}

fn cut(text: &str, max: usize) -> &str {
    match text.char_indices().nth(max) {
        Some((end, _)) => &text[..end],
        None => text,
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::id::Guid;
    use crate::subscriber::Texts;

    const ANNA: Texts<'_> = Texts {
        cn: "Anna Berg",
        dn: "Änne",
        h323: "anna",
        e164: "20",
        loc: "",
        node: "",
        nodenum: "5",
    };

    fn with(texts: Texts<'_>) -> Subscriber {
        Subscriber::new(Guid::NIL, texts)
    }

    fn anna() -> Subscriber {
        with(ANNA)
    }

    const PLACE: Place<'_> = Place {
        master: "pbx.example.com:8080",
        https: false,
        registered_with: "hq-standby",
        reported_by: "hq",
    };

    #[test]
    fn every_placeholder_is_replaced() {
        let name = |template: &str| expand(template, &anna(), "7520", PLACE);
        let table = [
            ("%c", "Anna Berg"),
            ("%d", "Änne"),
            ("%h", "anna"),
            ("%e", "20"),
            ("%E", "520"),
            ("%N", "7520"),
            ("%n%p", "pbx.example.com:8080"),
            ("%P", "8080"),
            ("%u", "anna@pbx.example.com"),
            ("%U", "h323:anna@pbx.example.com:8080"),
            ("%X %x", "hq-standby hq"),
            ("%c (%N)", "Anna Berg (7520)"),
            ("100%%", "100%"),
        ];
        for (template, expected) in table {
            assert_eq!(name(template), expected, "{template}");
        }
        let covered: String = table.iter().map(|(template, _)| *template).collect();
        assert!(PLACEHOLDERS.chars().all(|c| covered.contains(&format!("%{c}"))));
    }

    #[test]
    fn the_usual_port_is_left_out_of_p_but_not_of_capital_p() {
        let name = |master, https| {
            expand("%n%p|%P", &anna(), "", Place { master, https, ..Place::default() })
        };
        assert_eq!(name("pbx", false), "pbx|80");
        assert_eq!(name("pbx:80", false), "pbx|80");
        assert_eq!(name("pbx", true), "pbx|443");
        assert_eq!(name("pbx:443", true), "pbx|443");
        assert_eq!(name("pbx:80", true), "pbx:80|80");
        assert_eq!(name("[2001:db8::1]:8080", false), "[2001:db8::1]:8080|8080");
        assert_eq!(name("[2001:db8::1]", false), "[2001:db8::1]|80");
    }

    #[test]
    fn each_preset_makes_a_name_of_its_own_kind() {
        let name = |preset_name| expand(preset(preset_name).unwrap(), &anna(), "520", PLACE);
        assert_eq!(name("long-name"), "Anna Berg");
        assert_eq!(name("name-and-number"), "Änne (520)");
        assert_eq!(name("user-url"), "anna@pbx.example.com");
        assert_eq!(preset("anything else"), None);
    }

    #[test]
    fn an_empty_name_falls_back_to_what_else_there_is() {
        let name = |who: &Subscriber, address| expand("%x", who, address, Place::default());
        assert_eq!(name(&anna(), ""), "Anna Berg");
        let blank = with(Texts { cn: " \t ", ..ANNA });
        assert_eq!(name(&blank, ""), "anna");
        let bare = Subscriber::new(Guid::read("a1"), Texts::default());
        assert_eq!(name(&bare, "20"), "20");
        assert_eq!(name(&bare, ""), bare.guid.to_string());
    }

    #[test]
    fn a_name_of_4_kb_is_cut_between_characters_and_one_with_line_ends_is_one_line() {
        let long = with(Texts { cn: &"ü".repeat(2048), ..ANNA });
        assert_eq!(expand("%c", &long, "", PLACE), "ü".repeat(MAX_NAME));
        let lines = with(Texts { cn: "Anna\r\nBerg\0", ..ANNA });
        assert_eq!(expand("%c", &lines, "", PLACE), "Anna  Berg");
        let full = distinguished(&"ü".repeat(MAX_NAME), " (20)");
        assert_eq!((full.chars().count(), full.ends_with("ü (20)")), (MAX_NAME, true));
    }

    #[test]
    fn the_address_has_the_node_prefix_unless_pure_extensions_are_wanted() {
        assert_eq!(address(&anna(), Some("75")), "7520");
        assert_eq!(address(&anna(), None), "20");
        let nobody = with(Texts { e164: "", ..ANNA });
        assert_eq!(address(&nobody, Some("75")), "");
        assert_eq!(expand("x%E", &nobody, "", PLACE), "x", "a node alone is no number");
    }
}
