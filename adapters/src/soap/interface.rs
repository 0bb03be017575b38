//! The versions of the interface.

/// Version of the interface: which parts of a request are written, and which elements a record of
/// an answer has. A PBX keeps all older ones; the client picks (section 0.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interface {
    /// pbx501: firmware V5.01 and V6.
    V501,
    /// pbx700: firmware V7.
    V700,
    /// pbx800: firmware V8.
    V800,
    /// pbx10_00 as first published: firmware V10.
    V1000Early,
    /// pbx10_00 as published later: mail identity, hidden objects, TLS.
    #[default]
    V1000,
}

impl Interface {
    /// All of them, oldest first.
    pub const ALL: [Interface; 5] = [
        Interface::V501,
        Interface::V700,
        Interface::V800,
        Interface::V1000Early,
        Interface::V1000,
    ];
}

impl From<engine::effect::Interface> for Interface {
    /// The engine tells only those apart that differ in the flags of `Initialize`.
    fn from(interface: engine::effect::Interface) -> Interface {
        match interface {
            engine::effect::Interface::V7 => Interface::V700,
            engine::effect::Interface::V8 => Interface::V800,
            engine::effect::Interface::V10 => Interface::V1000,
        }
    }
}
