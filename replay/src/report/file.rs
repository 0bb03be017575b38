//! The file that a report is written to: first beside its place under another name, and there only when
//! it is whole.

use super::data::{Block, Index};
use super::{json, page};
use crate::trouble::Trouble;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A report on its way to the disk. Dropped before it is finished, it leaves nothing.
pub(super) struct ReportFile {
    path: PathBuf,
    out: BufWriter<NamedTempFile>,
    /// What follows the data.
    behind: String,
    blocks: usize,
    bytes: u64,
}

impl ReportFile {
    /// Begins one. What is there already is replaced in the end, if it is a report: nobody loses a
    /// capture because he took the wrong name for the output.
    pub(super) fn create(path: &Path) -> Result<ReportFile, Trouble> {
        if path.exists() && !is_report(path) {
            return Err(Trouble::Usage(format!(
                "{} is there already, and is no report; choose another name",
                path.display()
            )));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let trouble = |error| Trouble::file("write", path, error);
        let file = NamedTempFile::new_in(folder).map_err(trouble)?;
        let (before, behind) = page::around_the_data();
        let out = BufWriter::with_capacity(1 << 16, file);
        let mut report = ReportFile { path: path.to_owned(), out, behind, blocks: 0, bytes: 0 };
        report.out.write_all(before.as_bytes()).map_err(trouble)?;
        Ok(report)
    }

    /// Bytes of ladders so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds the ladders of some calls.
    pub(super) fn block(&mut self, block: &Block) -> Result<(), Trouble> {
        let id = format!("block-{}", self.blocks);
        self.blocks += 1;
        self.element(&id, block)
    }

    /// Adds the rest, and puts the file into its place; gives its size in bytes.
    pub(super) fn finish(mut self, index: &Index) -> Result<u64, Trouble> {
        self.element("index", index)?;
        let ReportFile { path, mut out, behind, .. } = self;
        let trouble = |error| Trouble::file("write", &path, error);
        out.write_all(behind.as_bytes()).map_err(trouble)?;
        let file = out.into_inner().map_err(|error| trouble(error.into_error()))?;
        let bytes = file.as_file().metadata().map_err(trouble)?.len();
        // It stays its owner's alone, as temporary files are: it has names and numbers of people.
        file.persist(&path).map_err(|error| trouble(error.error))?;
        Ok(bytes)
    }

    fn element(&mut self, id: &str, value: &impl serde::Serialize) -> Result<(), Trouble> {
        let mut counted = Counted { out: &mut self.out, bytes: 0 };
        let written = write_element(&mut counted, id, value);
        self.bytes += counted.bytes;
        written.map_err(|error| Trouble::file("write", &self.path, error))
    }
}

/// A script element of a type that no browser runs: what is in it is data.
fn write_element(out: &mut impl Write, id: &str, value: &impl serde::Serialize) -> io::Result<()> {
    write!(out, "<script type=\"application/json\" id=\"{id}\">")?;
    json::write(value, &mut *out)?;
    out.write_all(b"</script>\n")
}

struct Counted<'a, W> {
    out: &'a mut W,
    bytes: u64,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Whether a file begins as a report does.
fn is_report(path: &Path) -> bool {
    const MARK: &[u8] = b"<title>Tapline report</title>";
    let mut beginning = Vec::new();
    let read = File::open(path).and_then(|file| file.take(2048).read_to_end(&mut beginning));
    read.is_ok() && beginning.windows(MARK.len()).any(|part| part == MARK)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        let mut report = ReportFile::create(&path).unwrap();
        report.block(&Block::default()).unwrap();
        drop(report);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_report_replaces_a_report_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        for _ in 0..2 {
            let report = ReportFile::create(&path).unwrap();
            let bytes = report.finish(&Index::default()).unwrap();
            assert_eq!(bytes, std::fs::metadata(&path).unwrap().len());
        }
        let capture = folder.path().join("day.tspt");
        std::fs::write(&capture, "what happened").unwrap();
        let refused = ReportFile::create(&capture).err().unwrap();
        assert_eq!(refused.exit_code(), 2);
        assert_eq!(std::fs::read_to_string(&capture).unwrap(), "what happened");
    }
}
