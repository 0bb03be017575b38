//! A PBX to work against when there is none: for the demonstration, for tests, and for whoever
//! writes a client.
//!
//! `model` is a pure model of a PBX that owns the truth, `site` of several PBXs together; `server`
//! puts HTTP round it; `control` is the language in which people at phones, the administrator and the
//! switches are played; `estate` says who is there; `switches` holds every behaviour that is not known
//! of a real PBX.
//!
//! Not modelled: the Admin language beyond what call forwards need, presence beyond what was set,
//! and media.

pub(crate) mod answers;
pub mod control;
pub mod estate;
pub mod model;
pub mod server;
pub mod site;
pub mod switches;

pub use control::{ControlError, Said, execute};
pub use estate::{Estate, EstateError};
pub use model::PbxModel;
pub use server::{Access, Options, Simulator, StartError, Tls};
pub use site::{Site, SiteError};
