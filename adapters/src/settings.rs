//! The settings file.
//!
//! ```toml
//! account = "_TAPI_"             # account at the PBX's web interface
//! password = "secret"            # or password_file = "file", whose first line is the password
//! user = "TAPI"                  # the PBX user (long name) whose groups are the scope
//! https = false
//! monitor_slaves = true
//! [[pbx]]                        # one per unrelated PBX tree
//! master = "pbx.example.com"     # host or host:port
//! standby = "pbx2.example.com"   # optional
//! path = "/PBX0/user.soap"       # optional: another one only for dynamic PBXs
//! [lines]
//! name_template = "%c"           # or "long-name", "name-and-number", "user-url"
//! pure_node_extensions = false
//! single_active_call = false
//! request_deadline_ms = 5000     # how long the PBX may take to show that a request was obeyed
//! calls_kept_ms = 15000          # how long calls are shown while their PBX is not seen
//! forwarding = "replace"         # or "modify": lineForward keeps forwards its list does not name
//! [log]
//! path = "log"                   # default: folder "log" in the system's folder for state
//! durability = "before-callback" # or "behind"
//! keep_days = 90                 # what is older is removed from the log
//! keep_mb = 2048                 # and the oldest, so that its folder takes no more than about this
//! level = "info"                 # of tapline.log: "error", "warn", "info", "debug", "trace"
//! [capture]                      # optional: what goes into the log is written to capture files too
//! on = true
//! path = "captures"              # default: folder "captures" in that of the log
//! keep_hours = 72                # what is older is removed
//! keep_mb = 256                  # and the oldest, so that there is no more than this
//! raw = false                    # with what PBXs are asked and answer, word by word, but no secrets
//! [metrics]                      # optional: a page for Prometheus
//! listen = "127.0.0.1:9464"      # address and port; port 0 takes any that is free
//! allow_remote = false           # let it be an address that other computers reach
//! [tls]                          # only with https; default: the authorities the system trusts
//! certificate_file = "pbx.pem"   # exactly this certificate, for boxes with self-signed ones
//! ca_file = "ca.pem"             # or: any certificate of these authorities
//! allow_plain_slaves = false     # ask slaves that offer only HTTP: the password travels in the clear
//! ```
//!
//! Required are `account`, one of the passwords, `user`, and one `[[pbx]]` with its `master`.
//! Relative paths start at the folder of the settings file. Unknown keys are errors. Every error
//! names the file, the line, and what to do; none quotes a secret.

mod changes;
mod error;
mod files;
mod folders;
mod rules;
mod telemetry;

use crate::diary::Level;
use crate::http::{Place, Trust, is_sound};
use crate::journal::{Durability, Retention};
use crate::secret::{Account, Secret};
pub use changes::Changes;
use engine::fact::{Configuration, PbxSettings};
use engine::pii::Personal;
pub use error::{SettingsError, SettingsFault};
use files::{bytes_of, first_line, text_of, wipe_text};
use folders::Surroundings;
use rules::{address_fault, meant_by, sound_text};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The longest settings file.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// The longest file of certificates.
const CERTIFICATES_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The longest name, host or template. PBX names are far shorter.
const TEXT_BYTES_MAX: usize = 255;
/// The longest password; PBXs take 15 characters of old, some 60 today.
const PASSWORD_BYTES_MAX: usize = 128;
/// The longest path.
const PATH_BYTES_MAX: usize = 4096;
/// The most PBX trees.
const PBXS_MAX: usize = 64;

pub use engine::name::{PLACEHOLDERS, PRESETS};
pub use rules::template_of;

/// Settings that were read and found sound.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The account for all PBXs.
    pub account: Arc<Account>,
    /// The PBX user (long name) whose groups are the scope.
    pub user: Personal,
    /// Follow slave PBXs.
    pub monitor_slaves: bool,
    /// The PBX trees.
    pub pbxs: Vec<Tree>,
    /// Whose certificates are good.
    pub trust: Trust,
    /// Ask slaves by HTTP although their master is asked by HTTPS.
    pub allow_plain_slaves: bool,
    /// How to name lines, see [`PLACEHOLDERS`].
    pub name_template: Box<str>,
    /// Report the bare extension as the address.
    pub pure_node_extensions: bool,
    /// Never show more than one active call on a line.
    pub single_active_call: bool,
    /// How long the PBX's events may take to prove what a request asked for, in milliseconds.
    pub request_deadline_ms: u32,
    /// How long the calls of a line are kept while its PBX is not seen, in milliseconds.
    pub calls_kept_ms: u32,
    /// `TSPI_lineForward` leaves forwards alone for which its list has no word.
    pub modify_forwards: bool,
    /// The folder of the log.
    pub log: PathBuf,
    /// When a record counts as kept.
    pub durability: Durability,
    /// How long the log is kept.
    pub retention: Retention,
    /// Capture files that are written all the time, if they are.
    pub captures: Option<Captures>,
    /// How much is said in the diary.
    pub level: Level,
    /// Where the metrics page is shown, if it is.
    pub metrics: Option<SocketAddr>,
}

/// Capture files that are written all the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captures {
    /// Their folder.
    pub path: PathBuf,
    /// What is older is removed.
    pub age: Duration,
    /// And the oldest, so that they take no more than this.
    pub bytes: u64,
    /// At about this size a file is followed by another.
    pub file_bytes: u64,
    /// With the messages between the provider and PBXs, without secrets.
    pub raw: bool,
}

/// A PBX and its standby.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tree {
    /// Where the master is.
    pub master: Place,
    /// Where its standby is, if it has one.
    pub standby: Option<Place>,
}

impl Settings {
    /// Where the settings are if nobody says otherwise: `tapline.toml` in `%ProgramData%\Tapline`
    /// on Windows, in `/etc/tapline` for root, else in `$XDG_CONFIG_HOME/tapline` or
    /// `~/.config/tapline`.
    #[must_use]
    pub fn default_path() -> PathBuf {
        Surroundings::present().for_settings().join("tapline.toml")
    }

    /// Where the log is if the settings do not say: `log` in `%ProgramData%\Tapline` on Windows,
    /// in `/var/lib/tapline` for root, else in `$XDG_STATE_HOME/tapline` or
    /// `~/.local/state/tapline`.
    #[must_use]
    pub fn default_log() -> PathBuf {
        Surroundings::present().for_state().join("log")
    }

    /// Reads a settings file and the files that it names.
    ///
    /// # Errors
    /// [`SettingsError`] says which file and line, and what to do.
    pub fn read(path: &Path) -> Result<Settings, SettingsError> {
        let mut text = text_of(path, "the file", FILE_BYTES_MAX)
            .map_err(|fault| SettingsError::new(path, None, fault))?;
        let settings = Settings::parse(&text, path);
        wipe_text(&mut text);
        settings
    }

    /// Reads settings from a text. `origin` is the file it came from: errors name it, and relative
    /// paths start beside it.
    ///
    /// # Errors
    /// [`SettingsError`] says which line, and what to do.
    pub fn parse(text: &str, origin: &Path) -> Result<Settings, SettingsError> {
        let document = Document { text, origin };
        let (table, mut errors) = DeTable::parse_recoverable(text);
        errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
        if let Some(error) = errors.first() {
            let fault = SettingsFault::Syntax(error.message().to_owned());
            return Err(document.error(error.span(), fault));
        }
        document.settings(table.get_ref())
    }

    /// What the engine needs of the settings; no secret is among it.
    #[must_use]
    pub fn configuration(&self) -> Configuration {
        let pbxs = self
            .pbxs
            .iter()
            .map(|tree| PbxSettings { master: tree.master.clone(), standby: tree.standby.clone() });
        Configuration {
            user: self.user.clone(),
            pbxs: pbxs.collect(),
            name_template: self.name_template.clone(),
            pure_node_extensions: self.pure_node_extensions,
            single_active_call: self.single_active_call,
            monitor_slaves: self.monitor_slaves,
            request_deadline_ms: self.request_deadline_ms,
            calls_kept_ms: self.calls_kept_ms,
            modify_forwards: self.modify_forwards,
            allow_plain_slaves: self.allow_plain_slaves,
            access: 0,
        }
    }
}

// ---- the document -----------------------------------------------------------------------------

/// The text under examination, for the lines of errors.
struct Document<'d> {
    text: &'d str,
    origin: &'d Path,
}

/// One table of it.
struct Section<'d> {
    document: &'d Document<'d>,
    /// As errors call it: empty for the top, `[log]`, `[[pbx]]`.
    name: &'static str,
    span: Option<Range<usize>>,
    table: &'d DeTable<'d>,
}

/// A value with the place that it came from.
struct Found<T> {
    value: T,
    span: Range<usize>,
}

type Checked<T> = Result<T, SettingsError>;

impl<'d> Document<'d> {
    fn error(&self, span: Option<Range<usize>>, fault: SettingsFault) -> SettingsError {
        let line = span.and_then(|span| self.text.as_bytes().get(..span.start)).map(line_after);
        SettingsError::new(self.origin, line, fault)
    }

    fn settings(&'d self, table: &'d DeTable<'d>) -> Checked<Settings> {
        let top = Section { document: self, name: "", span: None, table };
        top.only(&[
            "account",
            "password",
            "password_file",
            "user",
            "https",
            "monitor_slaves",
            "pbx",
            "lines",
            "log",
            "capture",
            "metrics",
            "tls",
        ])?;
        let name = top.required("account", "account = \"the name of the PBX account\"")?;
        if name.value.contains(':') {
            // HTTP puts a colon between name and password.
            let fault = SettingsFault::Forbidden { key: "account", what: "a colon" };
            return Err(self.error(Some(name.span), fault));
        }
        let account = Account { name: name.value.into(), password: self.password(&top)? };
        let user = top.required("user", "user = \"the PBX user for TAPI (long name)\"")?;
        let https = top.flag("https", false)?;
        let lines = top.section("lines", "[lines]")?;
        lines.only(&[
            "name_template",
            "pure_node_extensions",
            "single_active_call",
            "request_deadline_ms",
            "calls_kept_ms",
            "forwarding",
        ])?;
        let log = top.section("log", "[log]")?;
        log.only(&["path", "durability", "keep_days", "keep_mb", "level"])?;
        let log_path = log.path("path")?.map_or_else(Settings::default_log, |path| path.value);
        let captures = self.captures(&top, &log_path)?;
        Ok(Settings {
            account: Arc::new(account),
            user: Personal::from(user.value),
            monitor_slaves: top.flag("monitor_slaves", true)?,
            pbxs: self.trees(&top, https)?,
            trust: self.trust(&top, https)?,
            allow_plain_slaves: top.section("tls", "[tls]")?.flag("allow_plain_slaves", false)?,
            name_template: self.name_template(&lines)?,
            pure_node_extensions: lines.flag("pure_node_extensions", false)?,
            single_active_call: lines.flag("single_active_call", false)?,
            request_deadline_ms: self.request_deadline_ms(&lines)?,
            calls_kept_ms: self.calls_kept_ms(&lines)?,
            modify_forwards: self.modify_forwards(&lines)?,
            log: log_path,
            durability: self.durability(&log)?,
            retention: self.retention(&log)?,
            captures,
            level: self.level(&log)?,
            metrics: self.metrics(&top)?,
        })
    }

    fn password(&self, top: &Section<'_>) -> Checked<Secret> {
        let file = top.path("password_file")?;
        let inline = top.limited_text("password", PASSWORD_BYTES_MAX)?;
        let (key, password, span) = match (inline, file) {
            (Some(_), Some(file)) => {
                let fault = SettingsFault::Both { one: "password", other: "password_file" };
                return Err(self.error(Some(file.span), fault));
            }
            (None, None) => {
                return Err(top.missing(
                    "password",
                    "password = \"…\", or password_file = \"a file with the password in it\"",
                ));
            }
            (Some(inline), None) => ("password", Secret::new(inline.value.to_owned()), inline.span),
            (None, Some(file)) => {
                let password = first_line("password_file", &file.value)
                    .map_err(|fault| self.error(Some(file.span.clone()), fault))?;
                ("password_file", password, file.span)
            }
        };
        sound_text(key, password.reveal(), PASSWORD_BYTES_MAX)
            .map_err(|fault| self.error(Some(span), fault))?;
        Ok(password)
    }

    fn trees(&self, top: &Section<'d>, https: bool) -> Checked<Vec<Tree>> {
        let example = "[[pbx]] with master = \"host\"";
        let found = top.get("pbx").ok_or_else(|| top.missing("pbx", example))?;
        let wanted = "a list of tables, each headed [[pbx]]";
        let wrong = |value: &Spanned<DeValue<'_>>| {
            let found = kind(value.get_ref());
            self.error(Some(value.span()), SettingsFault::WrongType { key: "pbx", wanted, found })
        };
        let list = found.get_ref().as_array().ok_or_else(|| wrong(found))?;
        if list.is_empty() {
            return Err(self.error(Some(found.span()), SettingsFault::NoPbx));
        }
        if list.len() > PBXS_MAX {
            return Err(self.error(Some(found.span()), SettingsFault::TooManyPbxs(PBXS_MAX)));
        }
        let mut trees = Vec::with_capacity(list.len());
        let mut named = BTreeSet::new();
        for entry in list.iter() {
            let table = entry.get_ref().as_table().ok_or_else(|| wrong(entry))?;
            let span = Some(entry.span());
            let section = Section { document: self, name: "[[pbx]]", span, table };
            trees.push(self.tree(&section, https, &mut named)?);
        }
        Ok(trees)
    }

    fn tree(
        &self,
        section: &Section<'_>,
        https: bool,
        named: &mut BTreeSet<(String, Box<str>)>,
    ) -> Checked<Tree> {
        section.only(&["master", "standby", "path"])?;
        let path: Box<str> = match section.text("path")? {
            None => Place::PATH.into(),
            Some(path) => {
                let place =
                    Place { authority: "pbx".into(), path: path.value.into(), https: false };
                if !path.value.starts_with('/') || !is_sound(&place) {
                    let fault = SettingsFault::BadPath { usual: Place::PATH };
                    return Err(self.error(Some(path.span), fault));
                }
                place.path
            }
        };
        let mut place = |key, found: Found<&str>| {
            let place = Place { authority: found.value.into(), path: path.clone(), https };
            let fault = match address_fault(&place) {
                Some(why) => SettingsFault::BadAddress { key, why },
                None if !named.insert((found.value.to_ascii_lowercase(), path.clone())) => {
                    SettingsFault::SamePbx(found.value.to_owned())
                }
                None => return Ok(place),
            };
            Err(self.error(Some(found.span), fault))
        };
        let master = place("master", section.required("master", "master = \"host\"")?)?;
        let standby = section.text("standby")?.map(|found| place("standby", found)).transpose()?;
        Ok(Tree { master, standby })
    }

    fn trust(&self, top: &Section<'d>, https: bool) -> Checked<Trust> {
        let tls = top.section("tls", "[tls]")?;
        tls.only(&["certificate_file", "ca_file", "allow_plain_slaves"])?;
        if tls.span.is_some() && !https {
            return Err(self.error(tls.span, SettingsFault::TlsWithoutHttps));
        }
        type Reader = fn(&[u8]) -> Result<Trust, crate::http::TrustError>;
        let (key, file, read): (_, _, Reader) =
            match (tls.path("certificate_file")?, tls.path("ca_file")?) {
                (None, None) => return Ok(Trust::System),
                (Some(_), Some(ca)) => {
                    let fault = SettingsFault::Both { one: "certificate_file", other: "ca_file" };
                    return Err(self.error(Some(ca.span), fault));
                }
                (Some(file), None) => ("certificate_file", file, Trust::pinned),
                (None, Some(file)) => ("ca_file", file, Trust::authorities),
            };
        let what = format!("{key} {}", file.value.display());
        bytes_of(&file.value, &what, CERTIFICATES_BYTES_MAX)
            .and_then(|bytes| read(&bytes).map_err(|why| SettingsFault::Certificate { what, why }))
            .map_err(|fault| self.error(Some(file.span), fault))
    }

    fn name_template(&self, lines: &Section<'_>) -> Checked<Box<str>> {
        let Some(template) = lines.text("name_template")? else { return Ok("%c".into()) };
        match template_of(template.value) {
            Ok(template) => Ok(template.into()),
            Err(fault) => Err(self.error(Some(template.span), fault)),
        }
    }

    /// Short enough that an application still waits, long enough for a PBX to answer.
    fn request_deadline_ms(&self, lines: &Section<'_>) -> Checked<u32> {
        let default = Configuration::REQUEST_DEADLINE_MS.into();
        let ms = self.number(
            lines,
            "request_deadline_ms",
            500..=60_000,
            "from 500 to 60000 (milliseconds)",
        )?;
        Ok(ms.unwrap_or(default) as u32)
    }

    /// Long enough for a standby to take over, short enough that a day is not counted as a call.
    fn calls_kept_ms(&self, lines: &Section<'_>) -> Checked<u32> {
        let default = Configuration::CALLS_KEPT_MS.into();
        let allowed = "from 1000 to 600000 (milliseconds)";
        let ms = self.number(lines, "calls_kept_ms", 1_000..=600_000, allowed)?;
        Ok(ms.unwrap_or(default) as u32)
    }

    /// A whole number, if it is there.
    fn number(
        &self,
        section: &Section<'_>,
        key: &'static str,
        allowed: RangeInclusive<u64>,
        allowed_in_words: &'static str,
    ) -> Checked<Option<u64>> {
        let Some(value) = section.get(key) else { return Ok(None) };
        let digits = value.get_ref().as_integer().map(|number| number.as_str().replace('_', ""));
        let digits = digits.ok_or_else(|| section.wrong(key, "a whole number", value))?;
        match digits.parse::<u64>() {
            Ok(number) if allowed.contains(&number) => Ok(Some(number)),
            _ => {
                let fault = SettingsFault::NotOneOf { key, allowed: allowed_in_words };
                Err(self.error(Some(value.span()), fault))
            }
        }
    }

    /// Long enough for somebody to look into what happened last week, and room for two snapshots of
    /// a large site.
    fn retention(&self, log: &Section<'_>) -> Checked<Retention> {
        let mut retention = Retention::default();
        let days = self.number(log, "keep_days", 1..=36_500, "from 1 to 36500 (days)")?;
        if let Some(days) = days {
            retention.age = Duration::from_secs(days * 24 * 60 * 60);
        }
        let mb = self.number(log, "keep_mb", 128..=1_048_576, "from 128 to 1048576 (megabytes)")?;
        if let Some(mb) = mb {
            retention.bytes = mb * 1024 * 1024;
        }
        Ok(retention)
    }

    fn captures(&self, top: &Section<'d>, log: &Path) -> Checked<Option<Captures>> {
        let capture = top.section("capture", "[capture]")?;
        capture.only(&["on", "path", "keep_hours", "keep_mb", "raw"])?;
        let path = capture.path("path")?.map_or_else(|| log.join("captures"), |path| path.value);
        let hours = self.number(&capture, "keep_hours", 1..=87_600, "from 1 to 87600 (hours)")?;
        let mb =
            self.number(&capture, "keep_mb", 8..=1_048_576, "from 8 to 1048576 (megabytes)")?;
        let age = Duration::from_secs(hours.unwrap_or(72) * 60 * 60);
        let bytes = mb.unwrap_or(256) * 1024 * 1024;
        let raw = capture.flag("raw", false)?;
        let captures = Captures { path, age, bytes, file_bytes: bytes / 8, raw };
        Ok(capture.flag("on", false)?.then_some(captures))
    }

    fn modify_forwards(&self, lines: &Section<'_>) -> Checked<bool> {
        let Some(word) = lines.text("forwarding")? else { return Ok(false) };
        match word.value {
            "replace" => Ok(false),
            "modify" => Ok(true),
            _ => {
                let allowed = "\"replace\" or \"modify\"";
                let fault = SettingsFault::NotOneOf { key: "forwarding", allowed };
                Err(self.error(Some(word.span), fault))
            }
        }
    }

    fn durability(&self, log: &Section<'_>) -> Checked<Durability> {
        let Some(word) = log.text("durability")? else { return Ok(Durability::default()) };
        match word.value {
            "before-callback" => Ok(Durability::BeforeCallback),
            "behind" => Ok(Durability::Behind),
            _ => {
                let allowed = "\"before-callback\" or \"behind\"";
                let fault = SettingsFault::NotOneOf { key: "durability", allowed };
                Err(self.error(Some(word.span), fault))
            }
        }
    }
}

impl<'d> Section<'d> {
    fn get(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.table.get(key)
    }

    /// Refuses keys that are not among the known, the first in the file first.
    fn only(&self, known: &[&'static str]) -> Checked<()> {
        let strangers = self.table.keys().filter(|key| !known.contains(&&**key.get_ref()));
        let Some(key) = strangers.min_by_key(|key| key.span().start) else { return Ok(()) };
        let name = key.get_ref();
        let advice = match meant_by(name, known) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("known are {}", known.join(", ")),
        };
        // A key can be anything, also a password that lost its own key: quote what looks like one.
        let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let shown: String = name.chars().filter(|c| bare(*c)).take(40).collect();
        let fault = SettingsFault::UnknownKey { key: shown, section: self.name, advice };
        Err(self.document.error(Some(key.span()), fault))
    }

    fn missing(&self, key: &'static str, example: &'static str) -> SettingsError {
        let fault = SettingsFault::Missing { key, section: self.name, example };
        self.document.error(self.span.clone(), fault)
    }

    fn wrong(
        &self,
        key: &'static str,
        wanted: &'static str,
        value: &Spanned<DeValue<'_>>,
    ) -> SettingsError {
        let found = kind(value.get_ref());
        let fault = SettingsFault::WrongType { key, wanted, found };
        self.document.error(Some(value.span()), fault)
    }

    fn text(&self, key: &'static str) -> Checked<Option<Found<&'d str>>> {
        self.limited_text(key, TEXT_BYTES_MAX)
    }

    fn limited_text(&self, key: &'static str, max: usize) -> Checked<Option<Found<&'d str>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let text = value.get_ref().as_str();
        let text = text.ok_or_else(|| self.wrong(key, "a text in quotes", value))?;
        sound_text(key, text, max)
            .map_err(|fault| self.document.error(Some(value.span()), fault))?;
        Ok(Some(Found { value: text, span: value.span() }))
    }

    fn required(&self, key: &'static str, example: &'static str) -> Checked<Found<&'d str>> {
        self.text(key)?.ok_or_else(|| self.missing(key, example))
    }

    fn flag(&self, key: &'static str, default: bool) -> Checked<bool> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.get_ref().as_bool().ok_or_else(|| self.wrong(key, "true or false", value))
    }

    /// A path; a relative one starts at the folder of the settings.
    fn path(&self, key: &'static str) -> Checked<Option<Found<PathBuf>>> {
        let found = self.limited_text(key, PATH_BYTES_MAX)?;
        let folder = self.document.origin.parent().unwrap_or(Path::new(""));
        Ok(found.map(|Found { value, span }| Found { value: folder.join(value), span }))
    }

    /// A table in this one; an empty one if it is not there.
    fn section(&self, key: &'static str, name: &'static str) -> Checked<Section<'d>> {
        static EMPTY: std::sync::LazyLock<DeTable<'static>> =
            std::sync::LazyLock::new(DeTable::new);
        let (span, table) = match self.get(key) {
            None => (None, &*EMPTY),
            Some(value) => {
                let table = value.get_ref().as_table();
                let table = table.ok_or_else(|| self.wrong(key, "a table", value))?;
                (Some(value.span()), table)
            }
        };
        Ok(Section { document: self.document, name, span, table })
    }
}

/// What a value is, in words.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The number of the line that follows these bytes.
fn line_after(before: &[u8]) -> usize {
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
