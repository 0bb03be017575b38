//! Where a system keeps settings and state, if nobody says otherwise.

use std::ffi::OsString;
use std::path::PathBuf;

/// What decides where files belong. Taken in one piece, so that the rules can be tested for every
/// system on any system.
pub(super) struct Surroundings<'a> {
    /// Windows, as opposed to Unix.
    pub(super) windows: bool,
    /// Run by the system or its administrator, not by an ordinary user.
    pub(super) root: bool,
    /// The environment variable of that name.
    pub(super) variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Surroundings<'static> {
    /// Those of this process.
    pub(super) fn present() -> Surroundings<'static> {
        Surroundings {
            windows: cfg!(windows),
            root: runs_as_root(),
            variable: &|name| std::env::var_os(name),
        }
    }
}

impl Surroundings<'_> {
    /// The folder for the settings: `%ProgramData%\Tapline`; `/etc/tapline` for root; else
    /// `$XDG_CONFIG_HOME/tapline`, or `~/.config/tapline`.
    pub(super) fn for_settings(&self) -> PathBuf {
        self.folder("/etc", "XDG_CONFIG_HOME", ".config")
    }

    /// The folder for the log: `%ProgramData%\Tapline`; `/var/lib/tapline` for root; else
    /// `$XDG_STATE_HOME/tapline`, or `~/.local/state/tapline`.
    pub(super) fn for_state(&self) -> PathBuf {
        self.folder("/var/lib", "XDG_STATE_HOME", ".local/state")
    }

    fn folder(&self, of_root: &str, xdg: &str, at_home: &str) -> PathBuf {
        if self.windows {
            let program_data = self.absolute("ProgramData");
            return program_data.unwrap_or_else(|| r"C:\ProgramData".into()).join("Tapline");
        }
        let home = self.absolute("HOME").map(|home| home.join(at_home));
        let base = match home {
            Some(_) | None if self.root => PathBuf::from(of_root),
            home => self.absolute(xdg).or(home).unwrap_or_else(|| of_root.into()),
        };
        base.join("tapline")
    }

    /// A variable that holds an absolute path; others are to be ignored, says the XDG standard.
    fn absolute(&self, name: &str) -> Option<PathBuf> {
        let path = PathBuf::from((self.variable)(name)?);
        let absolute = if self.windows { !path.as_os_str().is_empty() } else { path.has_root() };
        absolute.then_some(path)
    }
}

/// Whether this process belongs to root. The owner of its entry in /proc tells it without a call
/// into C; a Unix without /proc counts as an ordinary user's.
fn runs_as_root() -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
    }
    #[cfg(not(unix))]
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn folders(windows: bool, root: bool, set: &[(&str, &str)]) -> [PathBuf; 2] {
        let variable = |name: &str| {
            set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        let here = Surroundings { windows, root, variable: &variable };
        [here.for_settings(), here.for_state()]
    }

    #[test]
    fn each_system_keeps_its_files_where_its_users_expect_them() {
        let own = ("HOME", "/home/anna");
        type Variables = [(&'static str, &'static str)];
        let table: [(bool, &Variables, [&str; 2]); 6] = [
            (false, &[own], ["/home/anna/.config/tapline", "/home/anna/.local/state/tapline"]),
            (
                false,
                &[own, ("XDG_CONFIG_HOME", "/c"), ("XDG_STATE_HOME", "/s")],
                ["/c/tapline", "/s/tapline"],
            ),
            (
                false,
                &[own, ("XDG_STATE_HOME", "not/absolute")],
                ["/home/anna/.config/tapline", "/home/anna/.local/state/tapline"],
            ),
            (false, &[], ["/etc/tapline", "/var/lib/tapline"]),
            (true, &[own, ("XDG_STATE_HOME", "/s")], ["/etc/tapline", "/var/lib/tapline"]),
            (true, &[], ["/etc/tapline", "/var/lib/tapline"]),
        ];
        for (root, set, expected) in table {
            assert_eq!(folders(false, root, set), expected.map(PathBuf::from), "{root} {set:?}");
        }
    }

    #[test]
    fn windows_keeps_both_in_program_data() {
        for (set, base) in [(&[("ProgramData", "D:")][..], "D:"), (&[], r"C:\ProgramData")] {
            let expected = Path::new(base).join("Tapline");
            assert_eq!(folders(true, false, set), [expected.clone(), expected]);
        }
    }
}
