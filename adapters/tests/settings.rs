//! The settings file: what it may say, and what is said about one that is wrong.

#![allow(clippy::unwrap_used)]

use adapters::diary::Level;
use adapters::http::{Place, Trust, is_sound};
use adapters::journal::Durability;
use adapters::settings::{Settings, SettingsError};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ORIGIN: &str = "/etc/tapline/tapline.toml";

const SMALLEST: &str = r#"
account = "_TAPI_"
password = "hunter2"
user = "TAPI"
[[pbx]]
master = "pbx.example.com"
"#;

const FULL: &str = r#"
account = "_TAPI_"
password = "hunter2"
user = "Zoë & Söhne"
https = true
monitor_slaves = false
[[pbx]]
master = "pbx.example.com"
standby = "pbx2.example.com:8443"
[[pbx]]
master = "[2001:db8::1]:444"
path = "/PBX-north/user.soap"
[lines]
name_template = "%c (%E) %d%h%e%N%n%p%P%u%U%X%x"
pure_node_extensions = true
single_active_call = true
request_deadline_ms = 2_500
calls_kept_ms = 4_000
forwarding = "modify"
[log]
path = "records"
durability = "behind"
keep_days = 7
keep_mb = 500
level = "debug"
[metrics]
listen = "192.0.2.7:9464"
allow_remote = true
[capture]
on = true
path = "films"
keep_hours = 5
keep_mb = 80
raw = true
"#;

fn parse(text: &str) -> Result<Settings, SettingsError> {
    Settings::parse(text, Path::new(ORIGIN))
}

fn place(authority: &str, path: &str, https: bool) -> Place {
    Place { authority: authority.into(), path: path.into(), https }
}

#[test]
fn the_smallest_settings_get_the_documented_defaults() {
    let settings = parse(SMALLEST).unwrap();
    assert_eq!(&*settings.account.name, "_TAPI_");
    assert_eq!(settings.account.password.reveal(), "hunter2");
    assert_eq!(settings.pbxs[0].master, place("pbx.example.com", "/PBX0/user.soap", false));
    assert_eq!(settings.pbxs[0].standby, None);
    assert!(settings.monitor_slaves);
    assert_eq!(settings.trust, Trust::System);
    assert_eq!(&*settings.name_template, "%c");
    assert!(!settings.pure_node_extensions && !settings.single_active_call);
    assert!(!settings.modify_forwards);
    assert_eq!(settings.request_deadline_ms, 5_000);
    assert_eq!(settings.calls_kept_ms, 15_000);
    assert_eq!(settings.log, Settings::default_log());
    assert_eq!(settings.durability, Durability::BeforeCallback);
    assert_eq!(settings.retention.age, Duration::from_secs(90 * 24 * 60 * 60));
    assert_eq!(settings.retention.bytes, 2048 * 1024 * 1024);
    assert_eq!(settings.captures, None);
    assert_eq!((settings.level, settings.metrics), (Level::Info, None));
    let on = parse(&format!("{SMALLEST}\n[capture]\non = true")).unwrap();
    let captures = on.captures.unwrap();
    assert_eq!(captures.path, on.log.join("captures"));
    assert_eq!((captures.age, captures.bytes), (Duration::from_secs(72 * 60 * 60), 256 << 20));
}

#[test]
fn a_ready_made_template_is_taken_by_its_name() {
    let template = |word: &str| {
        let text = format!("{SMALLEST}\n[lines]\nname_template = \"{word}\"\n");
        parse(&text).unwrap().name_template
    };
    assert_eq!(&*template("long-name"), "%c");
    assert_eq!(&*template("name-and-number"), "%d (%N)");
    assert_eq!(&*template("user-url"), "%u");
    assert_eq!(&*template("%c is 100%%"), "%c is 100%%");
}

#[test]
fn every_key_of_the_contract_is_taken() {
    let settings = parse(FULL).unwrap();
    assert_eq!(settings.user.text(), "Zoë & Söhne");
    let [first, second] = &settings.pbxs[..] else { panic!("{settings:?}") };
    assert_eq!(first.master, place("pbx.example.com", "/PBX0/user.soap", true));
    assert_eq!(first.standby, Some(place("pbx2.example.com:8443", "/PBX0/user.soap", true)));
    assert_eq!(second.master, place("[2001:db8::1]:444", "/PBX-north/user.soap", true));
    assert_eq!(settings.log, Path::new("/etc/tapline/records"));
    assert_eq!(settings.durability, Durability::Behind);
    assert_eq!(settings.retention.age, Duration::from_secs(7 * 24 * 60 * 60));
    assert_eq!(settings.retention.bytes, 500 * 1024 * 1024);
    assert_eq!(settings.level, Level::Debug);
    assert_eq!(settings.metrics, "192.0.2.7:9464".parse().ok());
    let captures = settings.captures.unwrap();
    assert_eq!(captures.path, Path::new("/etc/tapline/films"));
    assert!(captures.raw);
    assert_eq!((captures.age, captures.bytes), (Duration::from_secs(5 * 60 * 60), 80 << 20));
}

#[test]
fn the_engine_gets_all_it_needs_and_no_secret() {
    let configuration = parse(FULL).unwrap().configuration();
    assert_eq!(configuration.user.text(), "Zoë & Söhne");
    assert_eq!(&*configuration.pbxs[0].master.authority, "pbx.example.com");
    let standby = configuration.pbxs[0].standby.as_ref().unwrap();
    assert_eq!(standby.to_string(), "https://pbx2.example.com:8443/PBX0/user.soap");
    assert_eq!(&*configuration.pbxs[1].master.authority, "[2001:db8::1]:444");
    assert!(configuration.pure_node_extensions && configuration.single_active_call);
    assert!(configuration.modify_forwards);
    assert_eq!(configuration.request_deadline_ms, 2_500);
    assert_eq!(configuration.calls_kept_ms, 4_000);
    assert!(!configuration.monitor_slaves);
    assert!(!format!("{configuration:?}").contains("hunter2"));
}

#[test]
fn settings_print_without_the_password() {
    assert!(!format!("{:#?}", parse(SMALLEST).unwrap()).contains("hunter2"));
}

#[test]
fn the_byte_order_mark_of_an_editor_does_no_harm() {
    parse(&format!("\u{feff}{SMALLEST}")).unwrap();
}

// ---- bad input --------------------------------------------------------------------------------

/// The smallest settings with one line of it replaced, or something added.
struct Wrong {
    replaced: &'static str,
    by: String,
}

fn instead(replaced: &'static str, by: &str) -> Wrong {
    Wrong { replaced, by: by.to_owned() }
}

fn added(line: &str) -> Wrong {
    instead("user = \"TAPI\"", &format!("user = \"TAPI\"\n{line}"))
}

fn appended(lines: &str) -> Wrong {
    let master = "master = \"pbx.example.com\"";
    instead(master, &format!("{master}\n{lines}"))
}

fn master(address: &str) -> Wrong {
    instead("master = \"pbx.example.com\"", &format!("master = \"{address}\""))
}

fn template(template: &str) -> Wrong {
    appended(&format!("[lines]\nname_template = \"{template}\""))
}

fn listen(address: &str) -> Wrong {
    appended(&format!("[metrics]\nlisten = \"{address}\""))
}

/// Each wrong line, the line that the error must name (0 for none), and the words it must hold.
fn bad_inputs() -> Vec<(Wrong, usize, &'static [&'static str])> {
    let account = "account = \"_TAPI_\"";
    let password = "password = \"hunter2\"";
    let user = "user = \"TAPI\"";
    let header = "[[pbx]]";
    vec![
        // Slips of the pen.
        (instead(account, "acount = \"x\""), 2, &["\"acount\"", "did you mean \"account\"?"]),
        (added("htps = true"), 5, &["\"htps\"", "did you mean \"https\"?"]),
        (added("colour = 1"), 5, &["unknown key \"colour\"", "known are account, password"]),
        (appended("mastr = \"x\""), 7, &["\"mastr\" in [[pbx]]", "did you mean \"master\"?"]),
        (appended("[lines]\ntemplate = \"%c\""), 8, &["\"template\" in [lines]", "name_template"]),
        (appended("[log]\npaht = \"x\""), 8, &["\"paht\" in [log]", "did you mean \"path\"?"]),
        (appended("[tls]\nca = \"x\""), 8, &["\"ca\" in [tls]", "certificate_file, ca_file"]),
        (appended("[logs]\npath = \"x\""), 7, &["\"logs\"", "did you mean \"log\"?"]),
        // No TOML.
        (added("hello"), 5, &["expected `=`"]),
        (instead(password, "password = hunter2"), 3, &["must be quoted"]),
        (instead(password, "password = \"hunter2"), 3, &["basic string"]),
        (added("account = \"twice\""), 5, &["duplicate key"]),
        (
            appended("[log]\npath = \"C:\\ProgramData\\x\""),
            8,
            &["write \\\\ for each \\, or put it in single quotes"],
        ),
        // Missing.
        (instead(account, ""), 0, &["\"account\" is missing", "add account = "]),
        (instead(user, ""), 0, &["\"user\" is missing", "add user = "]),
        (instead(password, ""), 0, &["\"password\" is missing", "password_file = "]),
        (instead(header, "[log]"), 6, &["unknown key \"master\" in [log]"]),
        (
            instead("[[pbx]]\nmaster = \"pbx.example.com\"", ""),
            0,
            &["\"pbx\" is missing", "[[pbx]]"],
        ),
        (instead("master = \"pbx.example.com\"", ""), 5, &["\"master\" is missing in [[pbx]]"]),
        (instead("[[pbx]]\nmaster = \"pbx.example.com\"", "pbx = []"), 5, &["no PBX is named"]),
        // Wrong kinds.
        (added("https = \"yes\""), 5, &["\"https\" must be true or false, not a text"]),
        (
            added("monitor_slaves = 1"),
            5,
            &["\"monitor_slaves\" must be true or false, not a number"],
        ),
        (
            instead(account, "account = 5"),
            2,
            &["\"account\" must be a text in quotes, not a number"],
        ),
        (instead(password, "password = 74747"), 3, &["\"password\" must be a text in quotes"]),
        (instead(user, "user = [\"TAPI\"]"), 4, &["\"user\" must be a text in quotes, not a list"]),
        (instead(header, "[pbx]"), 5, &["\"pbx\" must be a list of tables", "not a table"]),
        (instead("[[pbx]]\nmaster = \"pbx.example.com\"", "pbx = [\"h\"]"), 5, &["not a text"]),
        (added("log = true"), 5, &["\"log\" must be a table, not true or false"]),
        // Empty, too long, or with what cannot be meant.
        (instead(account, "account = \"\""), 2, &["\"account\" is empty"]),
        (instead(user, "user = \"  \""), 4, &["\"user\" is empty"]),
        (instead(password, "password = \"\""), 3, &["\"password\" is empty"]),
        (
            instead(password, &format!("password = \"{}\"", "h".repeat(129))),
            3,
            &["\"password\" is longer than 128 bytes"],
        ),
        (
            instead(user, &format!("user = \"{}\"", "u".repeat(256))),
            4,
            &["\"user\" is longer than 255 bytes"],
        ),
        (instead(account, "account = \"a:b\""), 2, &["\"account\" holds a colon"]),
        (instead(account, "account = \"a\\nb\""), 2, &["\"account\" holds a control character"]),
        (instead(password, "password = \"hunter2\\u0000\""), 3, &["\"password\" holds a control"]),
        // Addresses.
        (master("http://pbx"), 6, &["\"master\" must be host or host:port", "leave out http://"]),
        (master("pbx/PBX1/user.soap"), 6, &["leave out the path", "\"path\" names it"]),
        (master("_TAPI_:hunter2@pbx"), 6, &["leave out the account"]),
        (master("pbx:http"), 6, &["the port must be a number from 1 to 65535"]),
        (master("pbx:"), 6, &["the port must be a number"]),
        (master("pbx:0"), 6, &["the port must be a number"]),
        (master("pbx:65536"), 6, &["the port must be a number"]),
        (master("[::1]80"), 6, &["the port must be a number"]),
        (master("2001:db8::1"), 6, &["goes in brackets"]),
        (master("[::1"), 6, &["this is no host name or address"]),
        (master("two words"), 6, &["this is no host name or address"]),
        (master("pbx?x=1"), 6, &["this is no host name or address"]),
        (master("pbx#1"), 6, &["this is no host name or address"]),
        (master("10.0.0.256"), 6, &["this is no host name or address"]),
        (appended("standby = \"a b\""), 7, &["\"standby\" must be host or host:port"]),
        (appended("standby = \"PBX.example.com\""), 7, &["named twice", "PBX.example.com"]),
        (appended("[[pbx]]\nmaster = \"pbx.example.com\""), 8, &["named twice"]),
        (appended("path = \"PBX1\""), 7, &["\"path\" must begin with /", "/PBX0/user.soap"]),
        (appended("path = \"/PBX1?x\""), 7, &["\"path\" must begin with /"]),
        (appended("path = \"/../x\""), 7, &["\"path\" must begin with /"]),
        // Templates.
        (
            template("%c %z"),
            8,
            &["unknown placeholder %z", "%c %d %h %e %E %N %n %p %P %u %U %X %x"],
        ),
        (template("100%"), 8, &["a % with nothing after it"]),
        (template("Line"), 8, &["no placeholder", "\"long-name\", \"name-and-number\""]),
        (template("100%%"), 8, &["no placeholder"]),
        (template("long_name"), 8, &["no placeholder", "\"long-name\""]),
        (template("%ü"), 8, &["unknown placeholder %ü"]),
        (template(""), 8, &["\"name_template\" is empty"]),
        // The rest.
        (
            appended("[lines]\nforwarding = \"add\""),
            8,
            &["\"forwarding\" must be \"replace\" or \"modify\""],
        ),
        (
            appended("[lines]\nrequest_deadline_ms = 100"),
            8,
            &["\"request_deadline_ms\" must be from 500 to 60000"],
        ),
        (
            appended("[lines]\ncalls_kept_ms = 0"),
            8,
            &["\"calls_kept_ms\" must be from 1000 to 600000"],
        ),
        (
            appended("[lines]\nrequest_deadline_ms = \"5 s\""),
            8,
            &["\"request_deadline_ms\" must be a whole number, not a text"],
        ),
        (
            appended("[log]\ndurability = \"fast\""),
            8,
            &["\"durability\" must be \"before-callback\" or \"behind\""],
        ),
        (
            appended("[log]\nlevel = \"loud\""),
            8,
            &["\"level\" must be \"error\", \"warn\", \"info\", \"debug\" or \"trace\""],
        ),
        (
            listen("localhost:9464"),
            8,
            &["\"listen\" must be an address and a port", "a name cannot"],
        ),
        (listen("127.0.0.1"), 8, &["\"listen\" must be an address and a port"]),
        (listen("127.0.0.1:65536"), 8, &["\"listen\" must be an address and a port"]),
        (listen("0.0.0.0:9464"), 8, &["other computers reach", "allow_remote = true"]),
        (listen("192.0.2.7:9464"), 8, &["other computers reach", "allow_remote = true"]),
        (listen("[::]:9464"), 8, &["other computers reach", "allow_remote = true"]),
        (listen("[::ffff:192.0.2.7]:9464"), 8, &["other computers reach"]),
        (appended("[metrics]\nport = 1"), 8, &["unknown key \"port\" in [metrics]"]),
        (appended("[log]\nkeep_days = 0"), 8, &["\"keep_days\" must be from 1 to 36500"]),
        (appended("[capture]\nkeep_mb = 5"), 8, &["\"keep_mb\" must be from 8 to 1048576"]),
        (appended("[log]\nkeep_mb = 5"), 8, &["\"keep_mb\" must be from 128 to 1048576"]),
        (added("password_file = \"x\""), 5, &["\"password\" and \"password_file\" are both given"]),
        (appended("[tls]\nca_file = \"x\""), 7, &["[tls] has no effect without https = true"]),
        (
            instead(password, "password_file = \"/no/such/file\""),
            3,
            &["password_file /no/such/file cannot be read", "a relative path starts at"],
        ),
    ]
}

#[test]
fn each_fault_is_named_with_its_key_its_line_and_what_to_do() {
    for (wrong, line, words) in bad_inputs() {
        assert!(SMALLEST.contains(wrong.replaced), "{}", wrong.replaced);
        let text = SMALLEST.replacen(wrong.replaced, &wrong.by, 1);
        let Err(error) = parse(&text) else { panic!("this was taken:\n{text}") };
        let message = error.to_string();
        let begins = match line {
            0 => format!("settings {ORIGIN}: "),
            _ => format!("settings {ORIGIN}, line {line}: "),
        };
        assert!(message.starts_with(&begins), "{message}\n{text}");
        for word in words {
            assert!(message.contains(word), "{word:?} is not in {message:?}");
        }
        for shown in [message, format!("{error:?}")] {
            assert!(!shown.contains("hunter2") && !shown.contains("74747"), "{shown}");
        }
    }
}

#[test]
fn the_page_may_be_shown_to_this_computer_without_further_words() {
    for address in ["127.0.0.1:9464", "127.8.9.1:1", "[::1]:9464", "[::ffff:127.0.0.1]:9464"] {
        let settings = parse(&format!("{SMALLEST}\n[metrics]\nlisten = \"{address}\"")).unwrap();
        assert_eq!(settings.metrics, address.parse().ok());
    }
}

#[test]
fn more_pbxs_than_can_be_meant_are_refused() {
    let many: String = (0..65).map(|n| format!("[[pbx]]\nmaster = \"pbx{n}\"\n")).collect();
    let text = SMALLEST.replace("[[pbx]]\nmaster = \"pbx.example.com\"\n", &many);
    let message = parse(&text).unwrap_err().to_string();
    assert!(message.contains("more than 64 PBXs are named"), "{message}");
}

proptest! {
    #[test]
    fn any_text_is_survived_and_no_password_is_ever_quoted(
        cut in 0..SMALLEST.len(),
        noise in "[ -~\n]{0,8}",
        at in 0..SMALLEST.len(),
    ) {
        let mut text = SMALLEST.to_owned();
        text.insert_str(at, &noise);
        text.truncate(text.len() - cut);
        if let Err(error) = parse(&text) {
            let quoted = format!("{error} {error:?}").contains("hunter2");
            prop_assert!(!quoted || noise.contains("hunter2"));
        }
    }

    #[test]
    fn any_address_that_is_taken_can_be_connected_to(address in "[a-z0-9.:/@\\[\\] -]{1,20}") {
        let text = SMALLEST.replace("pbx.example.com", &address);
        if let Ok(settings) = parse(&text) {
            prop_assert!(is_sound(&settings.pbxs[0].master));
        }
    }
}

// ---- files ------------------------------------------------------------------------------------

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

#[test]
fn a_settings_file_is_read_with_the_password_beside_it() {
    let folder = Folder::new();
    folder.write("pbx password", "\u{feff}hunter2\r\nnot this line\n");
    let text = SMALLEST.replace("password = \"hunter2\"", "password_file = \"pbx password\"");
    let settings = Settings::read(&folder.write("tapline.toml", text)).unwrap();
    assert_eq!(settings.account.password.reveal(), "hunter2");
}

#[test]
fn a_password_file_without_a_password_is_said_so() {
    let folder = Folder::new();
    let text = SMALLEST.replace("password = \"hunter2\"", "password_file = \"empty\"");
    let path = folder.write("tapline.toml", text);
    for (content, words) in [
        (&b"\nhunter2"[..], "\"password_file\" is empty"),
        (&[0xFF, 0xFE, b'h'], "is not text in UTF-8"),
        (&[b'h'; 5000], "is longer than 4096 bytes"),
    ] {
        folder.write("empty", content);
        let message = Settings::read(&path).unwrap_err().to_string();
        assert!(message.contains(", line 3: ") && message.contains(words), "{message}");
    }
}

#[test]
fn a_settings_file_that_cannot_be_read_says_where_it_was_looked_for() {
    let folder = Folder::new();
    let missing = folder.0.path().join("none.toml");
    let message = Settings::read(&missing).unwrap_err().to_string();
    assert!(message.contains("none.toml") && message.contains("TAPLINE_CONFIG"), "{message}");

    let utf_16 = folder.write("utf16.toml", [0xFF, 0xFE, b'a', 0, b'=', 0]);
    let message = Settings::read(&utf_16).unwrap_err().to_string();
    assert!(message.contains("the file is not text in UTF-8; save it again"), "{message}");

    let huge = folder.write("huge.toml", vec![b'#'; 70_000]);
    let message = Settings::read(&huge).unwrap_err().to_string();
    assert!(message.contains("the file is longer than 65536 bytes"), "{message}");

    let message = Settings::read(folder.0.path()).unwrap_err().to_string();
    assert!(message.contains("the file cannot be read"), "{message}");
}

fn with_tls(folder: &Folder, tls: &str) -> Result<Settings, SettingsError> {
    let text = SMALLEST.replace("[[pbx]]", "https = true\n[[pbx]]");
    Settings::read(&folder.write("tapline.toml", format!("{text}[tls]\n{tls}\n")))
}

#[test]
fn certificates_are_read_when_the_settings_are() {
    let folder = Folder::new();
    let made = rcgen::generate_simple_self_signed(["pbx".to_owned()]).unwrap().cert;
    folder.write("pbx.pem", made.pem());
    folder.write("pbx.der", made.der());
    let pinned = Trust::Pinned(made.der().clone());
    for file in ["pbx.pem", "pbx.der"] {
        let settings = with_tls(&folder, &format!("certificate_file = \"{file}\"")).unwrap();
        assert_eq!(settings.trust, pinned);
    }
    let settings = with_tls(&folder, "ca_file = \"pbx.pem\"").unwrap();
    assert_eq!(settings.trust, Trust::Authorities(vec![made.der().clone()]));
}

#[test]
fn certificate_files_that_hold_none_are_said_so() {
    let folder = Folder::new();
    folder.write("key.pem", rcgen::KeyPair::generate().unwrap().serialize_pem());
    folder.write("cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    folder.write("empty.pem", "");
    let table = [
        ("ca_file = \"key.pem\"", "there is no certificate in it"),
        ("certificate_file = \"empty.pem\"", "there is no certificate in it"),
        ("ca_file = \"cut.pem\"", "is damaged"),
        ("ca_file = \"none.pem\"", "cannot be read"),
        ("ca_file = \"a\"\ncertificate_file = \"b\"", "are both given; keep one"),
    ];
    for (tls, words) in table {
        let message = with_tls(&folder, tls).unwrap_err().to_string();
        assert!(message.contains("line ") && message.contains(words), "{tls}: {message}");
    }
}
