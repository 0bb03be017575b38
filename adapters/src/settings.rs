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
mod document;
mod error;
mod files;
mod folders;
mod lines;
mod log;
mod pbx;
mod rules;
mod telemetry;

use crate::diary::Level;
use crate::http::{Place, Trust};
use crate::journal::{Durability, Retention};
use crate::secret::Account;
pub use changes::Changes;
use document::{Checked, Document, Section};
use engine::fact::{Configuration, PbxSettings};
use engine::pii::Personal;
pub use error::{SettingsError, SettingsFault};
use files::{text_of, wipe_text};
use folders::Surroundings;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use toml::de::DeTable;

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

impl<'d> Document<'d> {
    /// Every part of the settings, in the order in which faults are told.
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
        let captures = log::captures(&top, &log_path)?;
        Ok(Settings {
            account: Arc::new(account),
            user: Personal::from(user.value),
            monitor_slaves: top.flag("monitor_slaves", true)?,
            pbxs: self.trees(&top, https)?,
            trust: self.trust(&top, https)?,
            allow_plain_slaves: top.section("tls", "[tls]")?.flag("allow_plain_slaves", false)?,
            name_template: lines::name_template(&lines)?,
            pure_node_extensions: lines.flag("pure_node_extensions", false)?,
            single_active_call: lines.flag("single_active_call", false)?,
            request_deadline_ms: lines::request_deadline_ms(&lines)?,
            calls_kept_ms: lines::calls_kept_ms(&lines)?,
            modify_forwards: lines::modify_forwards(&lines)?,
            log: log_path,
            durability: log::durability(&log)?,
            retention: log::retention(&log)?,
            captures,
            level: telemetry::level(&log)?,
            metrics: telemetry::metrics(&top)?,
        })
    }
}
