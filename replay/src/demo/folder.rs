//! The folder of a demo: settings, log, messages.

use crate::output::Output;
use crate::trouble::Trouble;
use adapters::capture::EXTENSION;
use adapters::excerpt::Span;
use std::cell::Cell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The folder of a demo. One that nobody asked for is removed in the end.
pub(super) struct Folder {
    path: PathBuf,
    temporary: Cell<Option<TempDir>>,
}

impl Folder {
    /// The folder asked for, which must be new or empty, or a temporary one.
    pub(super) fn make(keep: Option<&Path>) -> Result<Folder, Trouble> {
        let Some(path) = keep else {
            let temporary =
                tempfile::Builder::new().prefix("tapline-demo-").tempdir().map_err(|error| {
                    Trouble::System { what: "cannot make a temporary folder".into(), error }
                })?;
            let path = temporary.path().to_owned();
            return Ok(Folder { path, temporary: Cell::new(Some(temporary)) });
        };
        fs::create_dir_all(path).map_err(|error| Trouble::file("make the folder", path, error))?;
        let mut inside =
            fs::read_dir(path).map_err(|error| Trouble::file("read the folder", path, error))?;
        if inside.next().is_some() {
            return Err(Trouble::Usage(format!(
                "{} is not empty; --keep wants a folder that is new or empty, so that no other log \
                 gets mixed up with this one",
                path.display()
            )));
        }
        let path = std::path::absolute(path).map_err(|error| Trouble::file("find", path, error))?;
        Ok(Folder { path, temporary: Cell::new(None) })
    }

    pub(super) fn settings(&self) -> PathBuf {
        self.path.join("tapline.toml")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// The settings for PBXs at these hosts and ports, masters with their standbys, with the account
    /// that all simulated ones have.
    pub(super) fn write_settings(&self, trees: &[(String, Option<String>)]) -> Result<(), Trouble> {
        let path = self.settings();
        fs::write(&path, settings_for(trees)).map_err(|error| Trouble::file("write", &path, error))
    }

    /// Where the messages go; nowhere if the folder is temporary.
    pub(super) fn messages(&self) -> Result<Option<File>, Trouble> {
        if self.is_temporary() {
            return Ok(None);
        }
        let path = self.path.join("messages.jsonl");
        File::create(&path).map(Some).map_err(|error| Trouble::file("write", &path, error))
    }

    /// Leaves a temporary folder where it is, because something went wrong.
    pub(super) fn keep_for_inspection(&self) {
        if let Some(temporary) = self.temporary.take() {
            let path = temporary.keep();
            let _ =
                crate::output::hint(&format!("settings and log are left in {}", path.display()));
        }
    }

    /// Writes the whole log as a capture file as well, if the folder stays.
    pub(super) fn leave_capture(&self) -> Result<(), Trouble> {
        if self.is_temporary() {
            return Ok(());
        }
        crate::capture::write(&self.log(), Span::default(), &self.capture()).map(drop)
    }

    fn capture(&self) -> PathBuf {
        self.path.join(format!("demo.{EXTENSION}"))
    }

    pub(super) fn say_what_is_left(&self, output: &mut Output) -> Result<(), Trouble> {
        if self.is_temporary() {
            return Ok(());
        }
        output.remark(&format!(
            "Settings, log, messages and a capture of all are in {}; see them again by: tapline \
             replay {}",
            self.path.display(),
            self.capture().display()
        ))
    }

    fn is_temporary(&self) -> bool {
        let temporary = self.temporary.take();
        let is = temporary.is_some();
        self.temporary.set(temporary);
        is
    }
}

fn settings_for(trees: &[(String, Option<String>)]) -> String {
    let mut text = String::from(
        "# Simulated PBXs.\naccount = \"_TAPI_\"\npassword = \"secret\"\nuser = \"TAPI\"\n\n",
    );
    for (master, standby) in trees {
        text += &format!("[[pbx]]\nmaster = \"{master}\"\n");
        if let Some(standby) = standby {
            text += &format!("standby = \"{standby}\"\n");
        }
        text.push('\n');
    }
    text + "[log]\npath = \"log\"\n"
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_in_it_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Folder::make(Some(&folder.path().join("new"))).is_ok());
        fs::write(folder.path().join("tapline.toml"), "").unwrap();
        let trouble = Folder::make(Some(folder.path())).err().unwrap();
        assert_eq!(trouble.exit_code(), 2, "{trouble}");
    }

    #[test]
    fn a_temporary_folder_is_gone_in_the_end_unless_something_went_wrong() {
        let folder = Folder::make(None).unwrap();
        let path = folder.path.clone();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());

        let folder = Folder::make(None).unwrap();
        folder.keep_for_inspection();
        let path = folder.path.clone();
        drop(folder);
        assert!(path.is_dir());
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn the_settings_are_good_ones() {
        let origin = Path::new("/demo/tapline.toml");
        let trees = [
            ("127.0.0.1:8080".to_owned(), Some("127.0.0.1:8081".to_owned())),
            ("127.0.0.1:8082".to_owned(), None),
        ];
        let settings = adapters::settings::Settings::parse(&settings_for(&trees), origin).unwrap();
        assert_eq!(settings.pbxs.len(), 2);
        assert!(settings.pbxs[0].standby.is_some() && settings.pbxs[1].standby.is_none());
        assert_eq!(settings.log, Path::new("/demo/log"));
    }
}
