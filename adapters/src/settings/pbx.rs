//! What the settings say of the PBXs: who asks them, where they are, and whose certificates are good.

use super::document::{Checked, Document, Found, Section, kind};
use super::error::SettingsFault;
use super::files::{bytes_of, first_line};
use super::rules::{address_fault, sound_text};
use super::{CERTIFICATES_BYTES_MAX, PASSWORD_BYTES_MAX, PBXS_MAX, Tree};
use crate::http::{Place, Trust, TrustError, is_sound};
use crate::secret::Secret;
use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::DeValue;

impl<'d> Document<'d> {
    pub(super) fn password(&self, top: &Section<'_>) -> Checked<Secret> {
        let file = top.path("password_file")?;
        let inline = top.limited_text("password", PASSWORD_BYTES_MAX)?;
        let (key, password, span) = match (inline, file) {
            (Some(_), Some(file)) => {
                let fault = SettingsFault::Both { one: "password", other: "password_file" };
                return Err(self.error(Some(file.span), fault));
            }
            (None, None) => {
                return Err(top.missing(
                    "password",
                    "password = \"…\", or password_file = \"a file with the password in it\"",
                ));
            }
            (Some(inline), None) => ("password", Secret::new(inline.value.to_owned()), inline.span),
            (None, Some(file)) => {
                let password = first_line("password_file", &file.value)
                    .map_err(|fault| self.error(Some(file.span.clone()), fault))?;
                ("password_file", password, file.span)
            }
        };
        sound_text(key, password.reveal(), PASSWORD_BYTES_MAX)
            .map_err(|fault| self.error(Some(span), fault))?;
        Ok(password)
    }

    pub(super) fn trees(&self, top: &Section<'d>, https: bool) -> Checked<Vec<Tree>> {
        let example = "[[pbx]] with master = \"host\"";
        let found = top.get("pbx").ok_or_else(|| top.missing("pbx", example))?;
        let wanted = "a list of tables, each headed [[pbx]]";
        let wrong = |value: &Spanned<DeValue<'_>>| {
            let found = kind(value.get_ref());
            self.error(Some(value.span()), SettingsFault::WrongType { key: "pbx", wanted, found })
        };
        let list = found.get_ref().as_array().ok_or_else(|| wrong(found))?;
        if list.is_empty() {
            return Err(self.error(Some(found.span()), SettingsFault::NoPbx));
        }
        if list.len() > PBXS_MAX {
            return Err(self.error(Some(found.span()), SettingsFault::TooManyPbxs(PBXS_MAX)));
        }
        let mut trees = Vec::with_capacity(list.len());
        let mut named = BTreeSet::new();
        for entry in list.iter() {
            let table = entry.get_ref().as_table().ok_or_else(|| wrong(entry))?;
            let span = Some(entry.span());
            let section = Section { document: self, name: "[[pbx]]", span, table };
            trees.push(self.tree(&section, https, &mut named)?);
        }
        Ok(trees)
    }

    fn tree(
        &self,
        section: &Section<'_>,
        https: bool,
        named: &mut BTreeSet<(String, Box<str>)>,
    ) -> Checked<Tree> {
        section.only(&["master", "standby", "path"])?;
        let path: Box<str> = match section.text("path")? {
            None => Place::PATH.into(),
            Some(path) => {
                let place =
                    Place { authority: "pbx".into(), path: path.value.into(), https: false };
                if !path.value.starts_with('/') || !is_sound(&place) {
                    let fault = SettingsFault::BadPath { usual: Place::PATH };
                    return Err(self.error(Some(path.span), fault));
                }
                place.path
            }
        };
        let mut place = |key, found: Found<&str>| {
            let place = Place { authority: found.value.into(), path: path.clone(), https };
            let fault = match address_fault(&place) {
                Some(why) => SettingsFault::BadAddress { key, why },
                None if !named.insert((found.value.to_ascii_lowercase(), path.clone())) => {
                    SettingsFault::SamePbx(found.value.to_owned())
                }
                None => return Ok(place),
            };
            Err(self.error(Some(found.span), fault))
        };
        let master = place("master", section.required("master", "master = \"host\"")?)?;
        let standby = section.text("standby")?.map(|found| place("standby", found)).transpose()?;
        Ok(Tree { master, standby })
    }

    pub(super) fn trust(&self, top: &Section<'d>, https: bool) -> Checked<Trust> {
        let tls = top.section("tls", "[tls]")?;
        tls.only(&["certificate_file", "ca_file", "allow_plain_slaves"])?;
        if tls.span.is_some() && !https {
            return Err(self.error(tls.span, SettingsFault::TlsWithoutHttps));
        }
        type Reader = fn(&[u8]) -> Result<Trust, TrustError>;
        let (key, file, read): (_, _, Reader) =
            match (tls.path("certificate_file")?, tls.path("ca_file")?) {
                (None, None) => return Ok(Trust::System),
                (Some(_), Some(ca)) => {
                    let fault = SettingsFault::Both { one: "certificate_file", other: "ca_file" };
                    return Err(self.error(Some(ca.span), fault));
                }
                (Some(file), None) => ("certificate_file", file, Trust::pinned),
                (None, Some(file)) => ("ca_file", file, Trust::authorities),
            };
        let what = format!("{key} {}", file.value.display());
        bytes_of(&file.value, &what, CERTIFICATES_BYTES_MAX)
            .and_then(|bytes| read(&bytes).map_err(|why| SettingsFault::Certificate { what, why }))
            .map_err(|fault| self.error(Some(file.span), fault))
    }
}
