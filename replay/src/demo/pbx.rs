//! The PBX of the demo: the simulator with its built-in estate, whose phones are still silent.

use super::story::Actor;
use crate::trouble::Trouble;
use adapters::simulator::{Estate, Options, Simulator};

/// The simulator, and who is there.
pub(super) struct SimulatedPbx {
    pub(super) simulator: Simulator,
    pub(super) actors: Vec<Actor>,
    /// The number that leads to the outside.
    pub(super) trunk: String,
}

impl SimulatedPbx {
    /// Starts it on a free port of this machine. No phone is registered yet, so that each is seen
    /// to come into service after its line was opened.
    pub(super) fn start(seed: u64) -> Result<SimulatedPbx, Trouble> {
        let mut estate = Estate::built_in();
        let is_phone = |kind: &str, object: &str, number: &str| {
            kind == "ep" && object.is_empty() && !number.is_empty()
        };
        let mut actors = Vec::new();
        for user in &mut estate.users {
            if is_phone(&user.kind, &user.object, &user.e164) {
                user.registered = false;
                actors.push(Actor { extension: user.e164.clone(), name: user.cn.clone() });
            }
        }
        let trunk = estate.users.iter().find(|user| user.object == "trunk");
        let trunk = trunk.map_or_else(String::new, |trunk| trunk.e164.clone());
        let simulator = Simulator::start(&estate, Options { seed, ..Options::default() })
            .map_err(|error| Trouble::Pbx(error.to_string()))?;
        Ok(SimulatedPbx { simulator, actors, trunk })
    }

    /// Host and port.
    pub(super) fn authority(&self) -> String {
        self.simulator.address().to_string()
    }
}
