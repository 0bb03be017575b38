//! What the settings say of the diary and of the metrics page.

use super::error::SettingsFault;
use super::{Checked, Document, Section};
use crate::diary::Level;
use std::net::SocketAddr;

impl<'d> Document<'d> {
    pub(super) fn level(&self, log: &Section<'_>) -> Checked<Level> {
        let Some(word) = log.text("level")? else { return Ok(Level::default()) };
        let meant = Level::ALL.into_iter().find(|level| level.name() == word.value);
        meant.ok_or_else(|| {
            let allowed = "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"";
            self.error(Some(word.span), SettingsFault::NotOneOf { key: "level", allowed })
        })
    }

    /// Where the metrics page is shown. It names the PBXs and says how busy they are, which is not
    /// for everybody in the network, so that takes a word of its own.
    pub(super) fn metrics(&'d self, top: &Section<'d>) -> Checked<Option<SocketAddr>> {
        let metrics = top.section("metrics", "[metrics]")?;
        metrics.only(&["listen", "allow_remote"])?;
        let allow_remote = metrics.flag("allow_remote", false)?;
        let Some(listen) = metrics.text("listen")? else { return Ok(None) };
        let fault = match listen.value.parse::<SocketAddr>() {
            Err(_) => SettingsFault::BadListen,
            Ok(address) if !allow_remote && !address.ip().to_canonical().is_loopback() => {
                SettingsFault::RemoteListen
            }
            Ok(address) => return Ok(Some(address)),
        };
        Err(self.error(Some(listen.span), fault))
    }
}
