//! What the settings say of the diary and of the metrics page.

use super::document::{Checked, Section};
use super::error::SettingsFault;
use crate::diary::Level;
use std::net::SocketAddr;

pub(super) fn level(log: &Section<'_>) -> Checked<Level> {
    let meaning = |word: &str| Level::ALL.into_iter().find(|level| level.name() == word);
    let allowed = "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"";
    Ok(log.word("level", allowed, meaning)?.unwrap_or_default())
}

/// Where the metrics page is shown. It names the PBXs and says how busy they are, which is not
/// for everybody in the network, so that takes a word of its own.
pub(super) fn metrics(top: &Section<'_>) -> Checked<Option<SocketAddr>> {
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
    Err(metrics.document.error(Some(listen.span), fault))
}
