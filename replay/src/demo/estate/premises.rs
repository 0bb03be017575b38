//! The site: its PBXs, who is there, and what it looks like.

use super::super::story::Actor;
use crate::rows::fitted;
use crate::trouble::Trouble;
use adapters::simulator::site::Listed;
use adapters::simulator::{Estate, Options, Simulator};

const ESTATE: &str = include_str!("estate.toml");

/// The simulated site.
pub(super) struct Premises {
    pub(super) simulator: Simulator,
}

impl Premises {
    /// Starts all its PBXs, each on a free port of this machine.
    pub(super) fn start(seed: u64) -> Result<Premises, Trouble> {
        let pbx = |error: &dyn std::fmt::Display| Trouble::Pbx(error.to_string());
        let estate = Estate::parse(ESTATE).map_err(|error| pbx(&error))?;
        let simulator = Simulator::start(&estate, Options { seed, ..Options::default() })
            .map_err(|error| pbx(&error))?;
        Ok(Premises { simulator })
    }

    /// Everybody with a phone, by extension.
    pub(super) fn actors(&self) -> Vec<Actor> {
        let mut actors: Vec<Actor> = self.simulator.with_site(|site| {
            let models = (0..site.count()).map(|number| site.pbx(number));
            let users = models.flat_map(|model| model.users());
            users
                .filter(|user| user.loc.is_empty() && user.ext != "0")
                .map(|user| Actor { extension: user.ext, name: user.cn })
                .collect()
        });
        actors.sort_by(|one, other| one.extension.cmp(&other.extension));
        // A standby has the users of its PBX.
        actors.dedup();
        actors
    }

    /// What the settings name: each master, and its standby.
    pub(super) fn trees(&self) -> Vec<(String, Option<String>)> {
        let pbxs = self.simulator.pbxs();
        let standby_of = |name: &str| {
            let rank = format!("standby of {name}");
            pbxs.iter().find(|(pbx, _)| pbx.rank == rank).map(|(_, address)| address.to_string())
        };
        let masters = pbxs.iter().filter(|(pbx, _)| pbx.rank == "master");
        masters.map(|(pbx, address)| (address.to_string(), standby_of(&pbx.name))).collect()
    }

    /// The trees as rows for people.
    pub(super) fn drawing(&self) -> Vec<String> {
        let pbxs: Vec<Listed> = self.simulator.pbxs().into_iter().map(|(pbx, _)| pbx).collect();
        let mut rows = Vec::new();
        for master in pbxs.iter().filter(|pbx| pbx.rank == "master") {
            self.draw(master, &pbxs, ["", ""], &mut rows);
        }
        rows
    }

    /// One PBX and those below it; with what its row begins, and with what theirs do.
    fn draw(&self, pbx: &Listed, all: &[Listed], begin: [&str; 2], rows: &mut Vec<String>) {
        let rank = |kind: &str| format!("{kind} of {}", pbx.name);
        let standby = all.iter().find(|other| other.rank == rank("standby"));
        let standby = standby.map_or_else(String::new, |other| format!("standby {}", other.name));
        let label = format!("{}{}", begin[0], pbx.name);
        rows.push(
            format!("  {label:<14}{}{standby}", fitted(&self.residents(&pbx.name), 36))
                .trim_end()
                .into(),
        );
        let slaves: Vec<&Listed> = all.iter().filter(|other| other.rank == rank("slave")).collect();
        for (number, slave) in (1..).zip(&slaves) {
            let (branch, below) =
                if number == slaves.len() { ("└ ", "  ") } else { ("├ ", "│ ") };
            let begin = [format!("{}{branch}", begin[1]), format!("{}{below}", begin[1])];
            self.draw(slave, all, [&begin[0], &begin[1]], rows);
        }
    }

    fn residents(&self, name: &str) -> String {
        let users = self.simulator.with_site(|site| {
            site.number(name).map(|number| site.pbx(number).users()).unwrap_or_default()
        });
        let residents = users.iter().filter(|user| user.loc.is_empty() && user.ext != "0");
        let residents: Vec<String> =
            residents.map(|user| format!("{} {}", user.ext, user.cn)).collect();
        residents.join(", ")
    }
}
