//! What is other in one reading of the settings than in another.

use super::{Settings, Tree};
use std::collections::BTreeSet;

/// What is other. Values are not in it: some of them are secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Keys that take effect at once, as they are written in the file.
    pub keys: Vec<&'static str>,
    /// Keys that take effect at the next start only.
    pub at_next_start: Vec<&'static str>,
    /// The account, its password or the certificates to trust are others, so PBXs have to be asked
    /// anew.
    pub access: bool,
}

impl Changes {
    /// Of settings that take the place of others.
    #[must_use]
    pub fn between(before: &Settings, after: &Settings) -> Changes {
        let https = |settings: &Settings| settings.pbxs.first().is_some_and(|t| t.master.https);
        let trees = |settings: &Settings| {
            let tree = |tree: &Tree| {
                let mut tree = tree.clone();
                tree.master.https = false;
                tree.standby.iter_mut().for_each(|standby| standby.https = false);
                tree
            };
            // Their order means nothing.
            settings.pbxs.iter().map(tree).collect::<BTreeSet<_>>()
        };
        let account = before.account.name != after.account.name;
        let secrets = [before, after].map(|settings| settings.account.password.reveal());
        let password = secrets[0] != secrets[1];
        let trust = before.trust != after.trust;
        let of_now = [
            ("account", account),
            ("password", password),
            ("user", before.user != after.user),
            ("https", https(before) != https(after)),
            ("monitor_slaves", before.monitor_slaves != after.monitor_slaves),
            ("[[pbx]]", trees(before) != trees(after)),
            ("name_template", before.name_template != after.name_template),
            ("pure_node_extensions", before.pure_node_extensions != after.pure_node_extensions),
            ("single_active_call", before.single_active_call != after.single_active_call),
            ("request_deadline_ms", before.request_deadline_ms != after.request_deadline_ms),
            ("calls_kept_ms", before.calls_kept_ms != after.calls_kept_ms),
            ("forwarding", before.modify_forwards != after.modify_forwards),
            ("certificate_file, ca_file", trust),
            ("allow_plain_slaves", before.allow_plain_slaves != after.allow_plain_slaves),
            ("[log] level", before.level != after.level),
            ("[metrics] listen", before.metrics != after.metrics),
        ];
        let at_next_start = [
            ("[log] path", before.log != after.log),
            ("durability", before.durability != after.durability),
            ("keep_days", before.retention.age != after.retention.age),
            ("[capture]", before.captures != after.captures),
            ("keep_mb", before.retention.bytes != after.retention.bytes),
        ];
        Changes {
            keys: changed(&of_now),
            at_next_start: changed(&at_next_start),
            access: account || password || trust,
        }
    }

    /// Whether all is the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Changes::default()
    }
}

fn changed(keys: &[(&'static str, bool)]) -> Vec<&'static str> {
    keys.iter().filter(|(_, is_changed)| *is_changed).map(|(key, _)| *key).collect()
}
