//! The table of permanent ids as a file: our own, and the one that the vendor's provider keeps in
//! the registry.
//!
//! Ours is a text in UTF-8. Its first line is `# tapline ids 1`; then come the names of the columns
//! and one line for each id. What counts are the first two columns, `id` and `guid`; number and name
//! are there for people.
//!
//! The vendor's is a `.reg` file with a key `lineGUIDs`, written by regedit as UTF-16 with a byte
//! order mark or as ANSI text (`REGEDIT4`). That key maps GUIDs of PBX objects to whole numbers;
//! what its values look like is not documented, so all forms are read that could be meant: the GUID
//! as the name and the number as DWORD, QWORD, text or bytes; the number as the name and the GUID
//! as text or bytes. Bytes are read in the order in which the PBX writes them.

mod registry;
mod table;

pub use table::{Labelled, write};

use engine::estate::MAX_LINES;
use engine::id::{Guid, PermanentId};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The longest file.
const FILE_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// The longest line, in bytes of UTF-8.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// Ids that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// Whose they are, in the order of the file.
    pub entries: Vec<(Guid, PermanentId)>,
    /// Lines of a registry table that are about something else, and why they seem so.
    pub skipped: Vec<(usize, &'static str)>,
}

/// Why a file of ids cannot be used. Nothing of it is imported then.
#[derive(Debug, thiserror::Error)]
pub enum IdsError {
    /// The file.
    #[error("{0} cannot be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// What is in it.
    #[error("{path}{}: {fault}", .line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Faulty {
        /// The file.
        path: PathBuf,
        /// The line in it, counted from 1.
        line: Option<usize>,
        /// What is wrong.
        fault: IdsFault,
    },
}

/// What is wrong with a file of ids.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdsFault {
    /// Too long.
    #[error("longer than {FILE_BYTES_MAX} bytes; this is no table of ids")]
    FileTooLong,
    /// Too many.
    #[error("more than {MAX_LINES} ids; there can be no more lines")]
    TooMany,
    /// A line is too long.
    #[error("longer than {LINE_BYTES_MAX} bytes; this is no table of ids")]
    LineTooLong,
    /// Not text.
    #[error("this is no text in UTF-8, and no registry file in UTF-16; save it again as one")]
    NotText,
    /// Neither of the kinds.
    #[error(
        "neither a table of `tapline ids export` (first line `# tapline ids 1`) nor a registry file"
    )]
    Unknown,
    /// Ours, but of another version.
    #[error("a table of another version; this program reads `# tapline ids 1`")]
    OtherVersion,
    /// A line that is none.
    #[error("{0}")]
    Line(&'static str),
    /// The registry file has no such key.
    #[error("no key lineGUIDs in this registry file; export that key of the vendor's provider")]
    NoTable,
    /// Two entries with one id.
    #[error("the id {id} is that of line {first} too; keep one of them")]
    SameId {
        /// The id.
        id: u32,
        /// The line where it came first.
        first: usize,
    },
    /// Two entries with one GUID.
    #[error("the GUID {guid} is that of line {first} too, with another id; keep one of them")]
    SameGuid {
        /// The GUID.
        guid: Guid,
        /// The line where it came first.
        first: usize,
    },
}

impl Ids {
    /// Reads a file of either kind.
    ///
    /// # Errors
    /// See [`IdsError`].
    pub fn read(path: &Path) -> Result<Ids, IdsError> {
        let unreadable = |error| IdsError::Unreadable(path.to_owned(), error);
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        Ids::parse(&bytes).map_err(|(line, fault)| IdsError::Faulty {
            path: path.to_owned(),
            line,
            fault,
        })
    }

    /// Reads the content of a file of either kind.
    ///
    /// # Errors
    /// The line, and what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Ids, (Option<usize>, IdsFault)> {
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err((None, IdsFault::FileTooLong));
        }
        let text = text_of(bytes).ok_or((None, IdsFault::NotText))?;
        let too_long = text.lines().position(|line| line.len() > LINE_BYTES_MAX);
        if let Some(index) = too_long {
            return Err((Some(index + 1), IdsFault::LineTooLong));
        }
        let mut gathered = Gathered::default();
        if registry::is_one(&text) {
            registry::read(&text, &mut gathered)?;
        } else {
            table::read(&text, &mut gathered)?;
        }
        Ok(gathered.ids)
    }
}

/// Entries so far, none of them twice.
#[derive(Default)]
struct Gathered {
    ids: Ids,
    guids: BTreeMap<Guid, (usize, PermanentId)>,
    numbers: BTreeMap<PermanentId, usize>,
}

impl Gathered {
    fn add(
        &mut self,
        line: usize,
        guid: Guid,
        id: PermanentId,
    ) -> Result<(), (Option<usize>, IdsFault)> {
        match self.guids.get(&guid) {
            // Said twice.
            Some((_, known)) if *known == id => return Ok(()),
            Some((first, _)) => {
                return Err((Some(line), IdsFault::SameGuid { guid, first: *first }));
            }
            None => {}
        }
        if let Some(first) = self.numbers.get(&id) {
            return Err((Some(line), IdsFault::SameId { id: id.0, first: *first }));
        }
        if self.ids.entries.len() >= MAX_LINES {
            return Err((Some(line), IdsFault::TooMany));
        }
        self.guids.insert(guid, (line, id));
        self.numbers.insert(id, line);
        self.ids.entries.push((guid, id));
        Ok(())
    }
}

/// Text in UTF-16 with a byte order mark, in UTF-8, or in ANSI if it says that it is a registry
/// file. In the last, characters beyond ASCII are not read as what they are; none of them counts.
fn text_of(bytes: &[u8]) -> Option<String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let text = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
        rest.is_empty().then(|| text.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ if bytes.starts_with(registry::ANSI_HEAD.as_bytes()) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

#[cfg(test)]
mod tests;
