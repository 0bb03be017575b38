//! The checks of `tapline verify` against the simulator, and against nobody.

#![cfg(feature = "simulator")]
#![allow(clippy::unwrap_used)]

use adapters::simulator::{self, Estate, Options, Simulator};
use adapters::verification::{Check, Rank, Row, Verdict, begin};
use std::path::Path;
use tokio::net::TcpListener;

/// Everything that was told: the rank of each PBX, if it was about one, and its rows.
type Told = Vec<(Option<Rank>, Vec<Row>)>;

const ACCOUNT: &str = "account = \"_TAPI_\"\npassword = \"secret\"\nuser = \"TAPI\"\n";

fn simulator(estate: &Estate) -> Simulator {
    simulator_with(estate, Options::default())
}

/// Started beside the runtime of the test, because it blocks while it starts.
fn simulator_with(estate: &Estate, options: Options) -> Simulator {
    std::thread::scope(|scope| {
        scope.spawn(|| Simulator::start(estate, options).unwrap()).join().unwrap()
    })
}

fn settings(top: &str, authority: &str) -> String {
    format!("{top}[[pbx]]\nmaster = \"{authority}\"\n")
}

/// Verifies settings that are in a file of their own.
async fn verify_in(folder: &Path, settings: &str) -> Told {
    let file = folder.join("tapline.toml");
    std::fs::write(&file, settings).unwrap();
    let (row, verification) = begin(&file);
    let mut told = vec![(None, vec![row])];
    if let Some(mut verification) = verification {
        while let Some((pbx, rows)) = verification.next().await {
            told.push((Some(pbx.rank), rows));
        }
    }
    told
}

async fn verify(settings: &str) -> Told {
    verify_in(tempfile::tempdir().unwrap().path(), settings).await
}

async fn verify_estate(estate: &str) -> Told {
    let simulator = simulator(&Estate::parse(estate).unwrap());
    let told = verify(&settings(ACCOUNT, &simulator.address().to_string())).await;
    assert_no_session_is_left(&simulator);
    told
}

fn assert_no_session_is_left(simulator: &Simulator) {
    let count = simulator.pbxs().len();
    let left = |number| simulator.with_site(|site| site.pbx(number).session_count());
    assert_eq!((0..count).map(left).sum::<usize>(), 0);
}

fn rows(told: &Told) -> impl Iterator<Item = &Row> {
    told.iter().flat_map(|(_, rows)| rows)
}

/// The rows that did not pass, in order.
fn trouble(told: &Told) -> Vec<(Check, Verdict)> {
    let bad = rows(told).filter(|row| row.verdict != Verdict::Pass);
    bad.map(|row| (row.check, row.verdict)).collect()
}

/// The only row of a check, and that it says what to do if it did not pass.
fn row(told: &Told, check: Check) -> &Row {
    let found: Vec<&Row> = rows(told).filter(|row| row.check == check).collect();
    let [row] = found[..] else { panic!("{} rows of {}", found.len(), check.name()) };
    assert_eq!(row.advice.is_empty(), row.verdict == Verdict::Pass, "{}", row.advice.text());
    row
}

fn checks(rows: &[Row]) -> Vec<Check> {
    rows.iter().map(|row| row.check).collect()
}

#[tokio::test]
async fn a_sound_pbx_passes_every_check_and_is_left_without_a_session() {
    let simulator = simulator(&Estate::built_in());
    let told = verify(&settings(ACCOUNT, &simulator.address().to_string())).await;
    assert_eq!(trouble(&told), []);
    assert_eq!(told[1].0, Some(Rank::Master));
    assert_eq!(
        checks(&told[1].1),
        [
            Check::Reach,
            Check::Credentials,
            Check::Interface,
            Check::Clock,
            Check::Session,
            Check::Groups,
            Check::Users,
            Check::GroupLimit,
            Check::Trunk,
            Check::Records,
            Check::Nodes,
        ]
    );
    assert!(row(&told, Check::Users).found.text().ends_with(": 12"));
    assert_eq!(simulator.control("count Initialize").unwrap(), "1");
    assert_eq!(simulator.control("count End").unwrap(), "1");
    assert_no_session_is_left(&simulator);
}

#[tokio::test]
async fn a_wrong_password_is_told_and_nothing_more_is_asked() {
    let simulator = simulator(&Estate::built_in());
    let account = ACCOUNT.replace("secret", "wrong");
    let told = verify(&settings(&account, &simulator.address().to_string())).await;
    assert_eq!(trouble(&told), [(Check::Credentials, Verdict::Fail)]);
    let row = row(&told, Check::Credentials);
    assert!(row.found.text().contains("_TAPI_") && !row.found.text().contains("wrong"));
    assert_eq!(simulator.control("count Initialize").unwrap(), "0");
}

#[tokio::test]
async fn a_user_that_is_not_there_is_told() {
    let simulator = simulator(&Estate::built_in());
    let account = ACCOUNT.replace("\"TAPI\"", "\"Nobody\"");
    let told = verify(&settings(&account, &simulator.address().to_string())).await;
    assert_eq!(trouble(&told), [(Check::Session, Verdict::Fail)]);
    assert!(row(&told, Check::Session).advice.text().contains("nobody has the Long Name Nobody"));
}

#[tokio::test]
async fn a_short_name_in_the_place_of_the_long_one_is_recognised() {
    let simulator = simulator(&Estate::built_in());
    let account = ACCOUNT.replace("\"TAPI\"", "\"_TAPI_\"");
    let told = verify(&settings(&account, &simulator.address().to_string())).await;
    assert_eq!(trouble(&told), [(Check::Session, Verdict::Fail)]);
    assert!(row(&told, Check::Session).advice.text().contains("user = \"TAPI\""));
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let told = verify(&settings(ACCOUNT, &address)).await;
    assert_eq!(trouble(&told), [(Check::Reach, Verdict::Fail)]);
    assert_eq!(checks(&told[1].1), [Check::Reach]);
    assert!(row(&told, Check::Reach).found.text().contains("refused"));
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_told_as_such() {
    // The name service of a machine need not be there for this: the ending is for such names.
    let told = verify(&settings(ACCOUNT, "no-such-pbx.invalid")).await;
    assert_eq!(trouble(&told), [(Check::Reach, Verdict::Fail)]);
    assert!(row(&told, Check::Reach).found.text().starts_with("no address is known"));
}

#[tokio::test]
async fn a_user_in_no_group_sees_nobody_and_is_told_what_to_do() {
    let told =
        verify_estate("[[user]]\ncn = \"TAPI\"\nh323 = \"_TAPI_\"\npassword = \"secret\"\n").await;
    let warned = [Check::Groups, Check::Users, Check::Trunk].map(|check| (check, Verdict::Warn));
    assert_eq!(trouble(&told), warned);
    assert!(row(&told, Check::Users).advice.text().contains("active member of a group"));
}

const TAPI: &str = "[[user]]\ncn = \"TAPI\"\nh323 = \"_TAPI_\"\npassword = \"secret\"\n\
    active_groups = [\"tapi\"]\n[[user]]\ncn = \"Anna\"\ne164 = \"20\"\ngroups = [\"tapi\"]\n";
const TRUNK: &str = "[[user]]\ncn = \"Trunk\"\ne164 = \"0\"\ntype = \"gw\"\nobject = \"trunk\"\n\
    groups = [\"tapi\"]\n";

#[tokio::test]
async fn a_trunk_outside_the_groups_is_missed() {
    let told = verify_estate(TAPI).await;
    assert_eq!(trouble(&told), [(Check::Trunk, Verdict::Warn)]);
    let told = verify_estate(&format!("{TAPI}{TRUNK}")).await;
    assert_eq!(trouble(&told), []);
}

#[tokio::test]
async fn an_account_that_may_not_read_records_is_told_what_it_will_miss() {
    for switch in ["administrators-only", "error"] {
        let simulator = simulator(&Estate::built_in());
        simulator.control(&format!("set admin {switch}")).unwrap();
        let told = verify(&settings(ACCOUNT, &simulator.address().to_string())).await;
        assert_eq!(trouble(&told), [(Check::Records, Verdict::Warn)], "{switch}");
        assert!(row(&told, Check::Records).advice.text().contains("call forwards"));
        assert_no_session_is_left(&simulator);
    }
}

#[tokio::test]
async fn slaves_of_slaves_are_found_and_looked_at_each() {
    let slave = |name: &str, of: &str, ext: &str| {
        format!(
            "[[pbx]]\nname = \"{name}\"\nslave_of = \"{of}\"\n[[pbx.user]]\ncn = \"{name} user\"\n\
             e164 = \"{ext}\"\ngroups = [\"tapi\"]\n"
        )
    };
    let (branch, lab) = (slave("branch", "hq", "40"), slave("lab", "branch", "60"));
    let told = verify_estate(&format!("{TAPI}{TRUNK}{branch}{lab}")).await;
    assert_eq!(trouble(&told), []);
    let ranks: Vec<_> = told.into_iter().filter_map(|(rank, _)| rank).collect();
    assert_eq!(ranks, [Rank::Master, Rank::Slave("branch".into()), Rank::Slave("lab".into())]);
}

#[tokio::test]
async fn slaves_that_are_not_to_be_monitored_are_left_alone() {
    let estate = format!("{TAPI}{TRUNK}[[pbx]]\nname = \"branch\"\nslave_of = \"hq\"\n");
    let simulator = simulator(&Estate::parse(&estate).unwrap());
    let top = format!("{ACCOUNT}monitor_slaves = false\n");
    let told = verify(&settings(&top, &simulator.address().to_string())).await;
    assert_eq!(trouble(&told), []);
    assert_eq!(told.len(), 2, "the settings and the master");
    assert_eq!(simulator.control("count LocationUrl").unwrap(), "0");
}

/// An estate whose slave is at this address.
fn with_slave_at(url: &str) -> String {
    format!(
        "{TAPI}{TRUNK}[[user]]\ncn = \"PBX branch\"\nh323 = \"branch\"\nobject = \"loc\"\n\
         groups = [\"tapi\"]\n[[location]]\nname = \"branch\"\nurl = \"{url}\"\ntls_url = \"{url}\"\n"
    )
}

#[tokio::test]
async fn a_slave_that_leads_back_to_its_master_ends_there() {
    let simulator = simulator(&Estate::built_in());
    let first = simulator.address();
    // The second PBX has the name and serial number of the first, as the same box would.
    let loop_to = verify_estate(&with_slave_at(&format!("http://{first}/PBX0/user.soap"))).await;
    assert_eq!(trouble(&loop_to), [(Check::Double, Verdict::Warn)]);
    assert_eq!(loop_to.len(), 3);
    assert_eq!(simulator.control("count Initialize").unwrap(), "0");
}

#[tokio::test]
async fn a_slave_that_is_not_registered_is_a_warning() {
    let estate = with_slave_at("http://127.0.0.1:9/PBX0/user.soap") + "registered = false\n";
    assert_eq!(trouble(&verify_estate(&estate).await), [(Check::Slave, Verdict::Warn)]);
}

/// A simulator with HTTPS, and a folder with its certificate.
fn secure(estate: &Estate) -> (Simulator, tempfile::TempDir) {
    let tls = Some(simulator::Tls::SelfSigned);
    let simulator = simulator_with(estate, Options { tls, ..Options::default() });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pbx.pem"), simulator.certificate_pem().unwrap()).unwrap();
    (simulator, folder)
}

fn pinned(simulator: &Simulator, more: &str) -> String {
    let settings = settings(&format!("{ACCOUNT}https = true\n"), &simulator.address().to_string());
    format!("{settings}[tls]\ncertificate_file = \"pbx.pem\"\n{more}")
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_is_told_before_the_password_is_sent() {
    let (right, folder) = secure(&Estate::built_in());
    let told = verify_in(folder.path(), &pinned(&right, "")).await;
    assert_eq!(trouble(&told), []);
    assert_eq!(row(&told, Check::Tls).verdict, Verdict::Pass);
    let (wrong, _) = secure(&Estate::built_in());
    let told = verify_in(folder.path(), &pinned(&wrong, "")).await;
    assert_eq!(trouble(&told), [(Check::Tls, Verdict::Fail)]);
    assert_eq!(checks(&told[1].1), [Check::Reach, Check::Tls]);
}

#[tokio::test]
async fn https_at_a_port_without_tls_is_told() {
    let (_, folder) = secure(&Estate::built_in());
    let plain = simulator(&Estate::built_in());
    let told = verify_in(folder.path(), &pinned(&plain, "")).await;
    assert_eq!(trouble(&told), [(Check::Tls, Verdict::Fail)]);
}

#[tokio::test]
async fn a_slave_without_tls_is_asked_only_if_the_settings_allow_it() {
    let slave = simulator(&Estate { name: "branch".into(), ..Estate::built_in() });
    let url = format!("http://{}/PBX0/user.soap", slave.address());
    let (master, folder) = secure(&Estate::parse(&with_slave_at(&url)).unwrap());
    let told = verify_in(folder.path(), &pinned(&master, "")).await;
    assert_eq!(trouble(&told), [(Check::Slave, Verdict::Fail)]);
    assert_eq!(slave.control("count Version").unwrap(), "0");
    let told = verify_in(folder.path(), &pinned(&master, "allow_plain_slaves = true\n")).await;
    assert_eq!(trouble(&told), [(Check::Slave, Verdict::Warn)]);
    assert_eq!(slave.control("count Initialize").unwrap(), "1");
}

#[tokio::test]
async fn a_standby_that_is_not_there_is_told_beside_its_sound_master() {
    let simulator = simulator(&Estate::built_in());
    let settings = settings(ACCOUNT, &simulator.address().to_string());
    let told = verify(&format!("{settings}standby = \"no-such-pbx.invalid\"\n")).await;
    assert_eq!(trouble(&told), [(Check::Reach, Verdict::Fail)]);
    assert_eq!(told[2].0, Some(Rank::Standby));
}

#[tokio::test]
async fn a_session_that_breaks_off_while_it_tells_of_its_users_is_told_and_ended() {
    let simulator = simulator(&Estate::built_in());
    simulator.control("set fault_injection Poll=500*1").unwrap();
    let told = verify(&settings(ACCOUNT, &simulator.address().to_string())).await;
    assert!(trouble(&told).contains(&(Check::Users, Verdict::Fail)), "{:?}", trouble(&told));
    assert_no_session_is_left(&simulator);
}

#[tokio::test]
async fn settings_that_make_no_sense_are_told_with_their_line() {
    let told = verify("account = \"a\"\npasword = \"p\"\n").await;
    assert_eq!(trouble(&told), [(Check::Settings, Verdict::Fail)]);
    assert!(told[0].1[0].found.text().contains("line 2"));
}
