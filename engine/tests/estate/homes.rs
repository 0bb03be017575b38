//! Laws of lines whose users are known at several PBXs, over whatever happens to these.

use crate::grove::*;
use engine::fact::UserInfo;
use engine::id::LineId;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

const HOSTS: [&str; 4] = ["hq", "branch", "kiosk", "other"];
const USERS: [&str; 3] = ["Anna", "Ben", "Cleo"];

/// Something that happens; numbers pick a host and a user.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The user is at home there, registered or not.
    Home(usize, usize, bool),
    /// The user is known there as one of another PBX.
    Foreign(usize, usize, usize),
    /// The user is deleted there.
    Gone(usize, usize),
    Cut(usize),
    Restore(usize),
    Wait(u64),
    /// The object that stands for the branch or the kiosk goes and comes.
    Unlink(bool),
    Link(bool, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (host, user) = (0..HOSTS.len(), 0..USERS.len());
    let step = prop_oneof![
        4 => (host.clone(), user.clone(), any::<bool>()).prop_map(|(h, u, r)| Step::Home(h, u, r)),
        3 => (host.clone(), user.clone(), host.clone()).prop_map(|(h, u, l)| Step::Foreign(h, u, l)),
        2 => (host.clone(), user).prop_map(|(h, u)| Step::Gone(h, u)),
        2 => host.clone().prop_map(Step::Cut),
        2 => host.prop_map(Step::Restore),
        2 => (0..40_000u64).prop_map(Step::Wait),
        1 => any::<bool>().prop_map(Step::Unlink),
        1 => any::<[bool; 2]>().prop_map(|[which, on]| Step::Link(which, on)),
    ];
    vec(step, 0..40)
}

/// The object of the kiosk at the branch, or that of the branch at the master.
fn link(kiosk: bool) -> (&'static str, &'static str) {
    if kiosk { ("branch", "kiosk") } else { ("hq", "branch") }
}

fn play(site: &mut Grove, step: Step) {
    match step {
        Step::Home(host, cn, registered) => {
            site.says(HOSTS[host], UserInfo { registered, ..user(USERS[cn], "") });
        }
        Step::Foreign(host, cn, loc) if loc != host => {
            site.says(HOSTS[host], user(USERS[cn], HOSTS[loc]));
        }
        Step::Foreign(..) => {}
        Step::Gone(host, cn) => site.says(HOSTS[host], gone(user(USERS[cn], ""))),
        Step::Cut(host) => site.cut(HOSTS[host]),
        Step::Restore(host) => site.restore(HOSTS[host]),
        Step::Wait(ms) => site.pass(ms),
        Step::Unlink(kiosk) => {
            let (parent, name) = link(kiosk);
            site.says(parent, gone(location(name, false)));
        }
        Step::Link(kiosk, registered) => {
            let (parent, name) = link(kiosk);
            site.says(parent, location(name, registered));
        }
    }
}

fn site() -> Grove {
    Grove::new(
        &[("hq", None), ("other", None)],
        vec![
            ("hq", Pbx::named("hq").leading_to("branch", "branch")),
            ("branch", Pbx::named("branch").leading_to("kiosk", "kiosk")),
            ("kiosk", Pbx::named("kiosk")),
            ("other", Pbx::named("other")),
        ],
    )
}

/// Where a user is said to be at home by PBXs that are looked after, and whether registered.
fn claims(site: &Grove, cn: &str) -> BTreeMap<String, bool> {
    let there = HOSTS.iter().filter(|host| site.sessions_at(host) == 1);
    let claim = |host: &&str| {
        let user = site.pbxs[*host].users.iter().find(|user| user.cn.text() == cn)?;
        user.loc.is_empty().then(|| ((*host).to_owned(), user.registered))
    };
    there.filter_map(claim).collect()
}

fn is_known(site: &Grove, cn: &str) -> bool {
    let there = HOSTS.iter().filter(|host| site.sessions_at(host) == 1);
    there.into_iter().any(|host| site.pbxs[*host].users.iter().any(|user| user.cn.text() == cn))
}

proptest! {
    #[test]
    fn when_all_is_quiet_each_line_is_monitored_at_one_home_and_in_service_where_registered(
        steps in steps(),
    ) {
        let mut site = site();
        let mut ids: BTreeMap<String, LineId> = BTreeMap::new();
        for step in steps {
            play(&mut site, step);
            for (cn, view) in site.lines() {
                let known = *ids.entry(cn).or_insert(view.identity.line);
                prop_assert_eq!(known, view.identity.line);
            }
        }
        HOSTS.iter().for_each(|host| site.restore(host));
        site.pass(120_000);
        for host in HOSTS {
            prop_assert!(site.sessions_at(host) <= 1, "{} is asked twice", host);
        }
        prop_assert_eq!(site.sessions_at("hq"), 1);
        prop_assert_eq!(site.sessions_at("other"), 1);
        let lines = site.lines();
        for cn in USERS {
            let claims = claims(&site, cn);
            let Some(view) = lines.get(cn) else {
                prop_assert!(!is_known(&site, cn), "{} has no line", cn);
                continue;
            };
            prop_assert_eq!(view.removed, !is_known(&site, cn), "{}", cn);
            prop_assert_eq!(view.connected, !claims.is_empty(), "{}: {:?}", cn, claims);
            let registered = claims.values().any(|registered| *registered);
            prop_assert_eq!(view.in_service, registered, "{}: {:?}", cn, claims);
            if view.in_service {
                let at = &site.monitored[cn];
                prop_assert_eq!(claims.get(at), Some(&true), "{} at {}: {:?}", cn, at, claims);
            }
        }
    }
}
