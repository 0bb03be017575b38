//! Our own table of ids.

use super::{Gathered, IdsFault};
use engine::id::{Guid, PermanentId};
use std::io::{self, Write};

const HEAD: &str = "# tapline ids ";
const VERSION: &str = "1";
const COLUMNS: &str = "id,guid,number,name";

/// An id with what tells people whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// The id.
    pub id: PermanentId,
    /// Whose it is.
    pub guid: Guid,
    /// Address of the line, if it is known.
    pub number: &'a str,
    /// Name of the line, if it is known.
    pub name: &'a str,
}

/// Writes a table.
///
/// # Errors
/// What `out` says.
pub fn write<'a>(out: &mut impl Write, ids: impl Iterator<Item = Labelled<'a>>) -> io::Result<()> {
    writeln!(out, "{HEAD}{VERSION}\n{COLUMNS}")?;
    for Labelled { id, guid, number, name } in ids {
        writeln!(out, "{},{guid},{},{}", id.0, quoted(number), quoted(name))?;
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("\"{}\"", text.replace(char::is_control, " ").replace('"', "\"\""))
}

pub(super) fn read(text: &str, gathered: &mut Gathered) -> Result<(), (Option<usize>, IdsFault)> {
    let mut lines = (1..).zip(text.lines());
    let head = lines.next().and_then(|(_, line)| line.trim().strip_prefix(HEAD));
    match head {
        Some(VERSION) => {}
        Some(_) => return Err((Some(1), IdsFault::OtherVersion)),
        None => return Err((None, IdsFault::Unknown)),
    }
    for (number, line) in lines {
        let line = line.trim();
        if line.is_empty() || line.starts_with("#") || line.starts_with("id,guid") {
            continue;
        }
        let mut columns = line.split(',').map(|column| column.trim().trim_matches('"'));
        let (id, guid) = (columns.next().unwrap_or(""), columns.next().unwrap_or(""));
        let wrong = |what| (Some(number), IdsFault::Line(what));
        let id = id.parse().map(PermanentId);
        let id = id.map_err(|_| wrong("the first column must be an id, a number below 2^32"))?;
        let guid = Guid::read_exact(guid);
        let guid = guid.ok_or_else(|| wrong("the second column must be a GUID, 32 hex digits"))?;
        gathered.add(number, guid, id)?;
    }
    Ok(())
}
