//! What can be wrong with the settings, in words for the person who wrote them.

use crate::http::TrustError;
use std::fmt;
use std::path::{Path, PathBuf};

/// Settings that cannot be used: where, and what to do about it. No secret is ever quoted.
#[derive(Debug, thiserror::Error)]
pub struct SettingsError {
    /// The file.
    origin: PathBuf,
    /// The line in it, counted from 1, if it is about one.
    line: Option<usize>,
    /// What is wrong.
    fault: SettingsFault,
}

impl SettingsError {
    pub(super) fn new(origin: &Path, line: Option<usize>, fault: SettingsFault) -> SettingsError {
        SettingsError { origin: origin.to_owned(), line, fault }
    }

    /// The line it is about, counted from 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> &SettingsFault {
        &self.fault
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "settings {}", self.origin.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.fault)
    }
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsFault {
    /// The file, or one that it names, cannot be read.
    #[error("{what} cannot be read: {why}{}", advice(what, *.missing))]
    Unreadable {
        /// `the file`, or the key and path of a file named in it.
        what: String,
        /// The system's words.
        why: String,
        /// It does not exist.
        missing: bool,
    },
    /// Far longer than any settings can be.
    #[error("{what} is longer than {max} bytes; it cannot be what was meant")]
    TooLarge {
        /// `the file`, or the key and path of a file named in it.
        what: String,
        /// The limit in bytes.
        max: u64,
    },
    /// Not UTF-8.
    #[error("{0} is not text in UTF-8; save it again with that encoding")]
    NotUtf8(String),
    /// Not TOML.
    #[error("{0}{hint}", hint = if .0.contains("escape") {
        "; in a path write \\\\ for each \\, or put it in single quotes"
    } else {
        ""
    })]
    Syntax(String),
    /// A key that means nothing, most likely a slip of the pen.
    #[error("unknown key \"{key}\"{}; {advice}", within(.section))]
    UnknownKey {
        /// The key.
        key: String,
        /// The table it is in; empty for the top.
        section: &'static str,
        /// The key that was probably meant, or those that may stand here.
        advice: String,
    },
    /// A key that must be there.
    #[error("\"{key}\" is missing{}; add {example}", within(.section))]
    Missing {
        /// The key.
        key: &'static str,
        /// The table it should be in; empty for the top.
        section: &'static str,
        /// What to write.
        example: &'static str,
    },
    /// A value of another kind.
    #[error("\"{key}\" must be {wanted}, not {found}")]
    WrongType {
        /// The key.
        key: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// Two keys that exclude each other.
    #[error("\"{one}\" and \"{other}\" are both given; keep one of them")]
    Both {
        /// One.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// `pbx = []`.
    #[error("no PBX is named; add [[pbx]] with master = \"host\"")]
    NoPbx,
    /// More PBXs than can be meant.
    #[error("more than {0} PBXs are named")]
    TooManyPbxs(usize),
    /// An address that is none.
    #[error(
        "\"{key}\" must be host or host:port, such as pbx.example.com or 192.0.2.10:8080; {why}"
    )]
    BadAddress {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The same PBX twice.
    #[error("{0} is named twice; each address belongs to one [[pbx]], as master or as standby")]
    SamePbx(String),
    /// A path that is none.
    #[error("\"path\" must begin with / and hold no ?, #, blanks or ..; usual is {usual}")]
    BadPath {
        /// The usual path.
        usual: &'static str,
    },
    /// A template with something unknown in it.
    #[error("\"name_template\" has {found}; allowed are {allowed}")]
    BadPlaceholder {
        /// What is wrong with it.
        found: String,
        /// The placeholders that exist.
        allowed: String,
    },
    /// A name template that gives all lines one name.
    #[error(
        "\"name_template\" has no placeholder, so all lines would have one name; it takes {allowed}, \
         or one of {presets}"
    )]
    NoPlaceholder {
        /// Those that exist.
        allowed: String,
        /// Names of ready-made templates.
        presets: String,
    },
    /// A text without text.
    #[error("\"{0}\" is empty")]
    Empty(&'static str),
    /// A text that is too long.
    #[error("\"{key}\" is longer than {max} bytes")]
    TooLong {
        /// The key.
        key: &'static str,
        /// The limit.
        max: usize,
    },
    /// A character that cannot be meant.
    #[error("\"{key}\" holds {what}, which it may not")]
    Forbidden {
        /// The key.
        key: &'static str,
        /// The character, in words.
        what: &'static str,
    },
    /// Not one of the words that may stand here.
    #[error("\"{key}\" must be {allowed}")]
    NotOneOf {
        /// The key.
        key: &'static str,
        /// What it may be.
        allowed: &'static str,
    },
    /// A certificate file that holds none.
    #[error("{what}: {why}")]
    Certificate {
        /// The key and the path.
        what: String,
        /// What is wrong.
        why: TrustError,
    },
    /// An address to listen at that is none.
    #[error(
        "\"listen\" must be an address and a port, such as \"127.0.0.1:9464\" or \"[::1]:9464\"; a \
         name cannot stand here"
    )]
    BadListen,
    /// An address to listen at that other computers reach.
    #[error(
        "\"listen\" is an address that other computers reach, and whoever reaches the page may read \
         it; set allow_remote = true in [metrics] if that is wanted, or listen at 127.0.0.1"
    )]
    RemoteListen,
    /// `[tls]` without HTTPS.
    #[error("[tls] has no effect without https = true; set that, or remove [tls]")]
    TlsWithoutHttps,
}

fn within(section: &str) -> String {
    if section.is_empty() { String::new() } else { format!(" in {section}") }
}

fn advice(what: &str, missing: bool) -> &'static str {
    match (what, missing) {
        ("the file", true) => {
            "; write one (README.md shows how), or let TAPLINE_CONFIG name the one to use"
        }
        ("the file", false) => "; the account that this program runs under must be able to read it",
        (_, true) => "; a relative path starts at the folder of the settings",
        (_, false) => "",
    }
}
