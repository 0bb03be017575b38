//! Judges what the TAPI user sees at one PBX.

use super::asking::Snapshot;
use super::{Check, Pbx, Rank, Row};
use crate::soap::types::UserInfo as Seen;
use engine::estate::{is_phone_like, is_trunk};
use engine::fact::{Failure, UserInfo};
use engine::pii::Personal;

/// The most objects that a PBX shows to one user in all its active groups (the PBX's SOAP
/// reference, 8.1).
const SHOWN_MAX: usize = 2000;

/// From so many on it is time to say so.
const SHOWN_MANY: usize = 1900;

/// How many names a row lists.
const NAMES_MAX: usize = 8;

/// What is visible, and to whom.
pub(super) struct View<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) pbx: &'a Pbx,
    pub(super) user: &'a Personal,
}

/// The rows of groups, users, their number, and trunks.
pub(super) fn rows(view: &View<'_>) -> Vec<Row> {
    let present: Vec<&Seen> = view.snapshot.users.iter().filter(|user| user.active).collect();
    let own = present.iter().find(|user| user.cn == *view.user);
    let others: Vec<UserInfo> = present
        .iter()
        .filter(|user| user.cn != *view.user)
        .map(|user| UserInfo::from((*user).clone()))
        .collect();
    let mut rows = vec![groups(own.copied(), view.user.text()), users(&others, view)];
    rows.push(limit(present.len()));
    rows.extend(trunk(&others, &view.pbx.rank, view.user.text()));
    rows
}

/// A user whose record can be asked for: one that will be a line, or else the TAPI user.
pub(super) fn somebody(view: &View<'_>) -> Personal {
    let is_line = |user: &&Seen| {
        user.active && user.cn != *view.user && is_phone_like(&UserInfo::from((*user).clone()))
    };
    let line = view.snapshot.users.iter().find(is_line);
    line.map_or_else(|| view.user.clone(), |user| user.cn.clone())
}

/// The row of the records of users, by whether one was shown.
pub(super) fn records(shown: &Result<(), Failure>, account: &str) -> Row {
    match shown {
        Ok(()) => Row::pass(Check::Records, &format!("{account} may read the records of users")),
        Err(failure) => {
            let found = format!("{account} cannot read the records of users: {}", failure.advice());
            let advice = format!(
                "call forwards will be neither shown nor set, all else works; give {account} at \
                 least the rights for groups and call forwards, or use an administrator's account"
            );
            Row::warn(Check::Records, &found, advice)
        }
    }
}

/// Names in a row, the first ones at least.
pub(super) fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMES_MAX);
    let first: Vec<&str> = names.take(NAMES_MAX).collect();
    match more {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

fn into_a_group(user: &str) -> String {
    format!(
        "at the PBX make {user} an active member of a group, and every user that is to have a \
         line a member of that group"
    )
}

fn groups(own: Option<&Seen>, user: &str) -> Row {
    let Some(own) = own else {
        let found = format!("the PBX does not show {user} itself, so its groups are not known");
        return Row::warn(Check::Groups, &found, into_a_group(user));
    };
    let active: Vec<&str> =
        own.groups.iter().filter(|group| group.active).map(|group| &*group.group).collect();
    if active.is_empty() {
        let found = match own.groups.len() {
            0 => format!("{user} is in no group"),
            count => format!("{user} is in {count} groups, but in none of them active"),
        };
        return Row::warn(Check::Groups, &found, into_a_group(user));
    }
    let found = format!("{user} is an active member of {}", listed(active.into_iter()));
    Row::pass(Check::Groups, &found)
}

fn users(others: &[UserInfo], view: &View<'_>) -> Row {
    let count = others.iter().filter(|user| is_phone_like(user)).count();
    let user = view.user.text();
    if let Some(failure) = &view.snapshot.broken {
        let found = format!("the list of what {user} sees broke off after {count} users");
        return Row::fail(Check::Users, &found, failure.advice());
    }
    if count == 0 {
        let found = format!("{user} sees no other users, so there will be no lines but its own");
        return Row::warn(Check::Users, &found, into_a_group(user));
    }
    Row::pass(Check::Users, &format!("users visible besides {user}: {count}"))
}

fn limit(count: usize) -> Row {
    let found = format!("visible objects: {count} of at most {SHOWN_MAX} that one user is shown");
    if count < SHOWN_MANY {
        return Row::pass(Check::GroupLimit, &found);
    }
    let advice = "whoever comes beyond that gets no line; take objects that need no line out of \
        the groups, or move users to a PBX of their own";
    Row::warn(Check::GroupLimit, &found, advice)
}

/// A slave often has no trunk of its own, and a standby has those of its master.
fn trunk(others: &[UserInfo], rank: &Rank, user: &str) -> Option<Row> {
    let trunks: Vec<&str> =
        others.iter().filter(|other| is_trunk(other)).map(|other| other.cn.text()).collect();
    if !trunks.is_empty() {
        let found = format!("trunks are visible: {}", listed(trunks.into_iter()));
        return Some(Row::pass(Check::Trunk, &found));
    }
    (*rank == Rank::Master).then(|| {
        let advice = format!(
            "put the trunk object into a group of which {user} is an active member; else call \
             forwards to numbers outside cannot be recognised"
        );
        Row::warn(Check::Trunk, "no trunk is visible", advice)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use crate::soap::types::Group;

    #[test]
    fn the_limit_of_a_group_is_told_before_it_is_reached() {
        for (count, verdict) in [(0, Verdict::Pass), (1899, Verdict::Pass), (1900, Verdict::Warn)] {
            assert_eq!(limit(count).verdict, verdict, "{count}");
        }
    }

    #[test]
    fn only_active_membership_counts() {
        let group = |active| Group { group: "tapi".into(), active };
        let with = |groups| Seen { cn: "TAPI".into(), groups, ..Seen::default() };
        let verdict = |groups| self::groups(Some(&with(groups)), "TAPI").verdict;
        assert_eq!(verdict(vec![]), Verdict::Warn);
        assert_eq!(verdict(vec![group(false)]), Verdict::Warn);
        assert_eq!(verdict(vec![group(false), group(true)]), Verdict::Pass);
        assert_eq!(self::groups(None, "TAPI").verdict, Verdict::Warn);
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        let text = listed(names.iter().map(String::as_str));
        assert_eq!(text, "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
        assert_eq!(listed(["a"].into_iter()), "a");
    }
}
