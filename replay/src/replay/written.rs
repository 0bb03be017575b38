//! Records written down as a capture.

use crate::trouble::Trouble;
use adapters::capture::{About, CaptureError, CaptureWriter};
use engine::fact::Record;
use engine::frame::missing_before;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// Writes records as a capture of their own, the first one being number 0. What a gap leaves out is
/// left out here too.
pub(crate) fn write_capture(
    path: &Path,
    records: &[Record],
    anonymised: bool,
) -> Result<(), Trouble> {
    let trouble = |error| Trouble::file("write", path, error);
    let file = File::create(path).map_err(trouble)?;
    let write = || -> Result<(), CaptureError> {
        let mut writer =
            CaptureWriter::new(BufWriter::new(file), &About::this_program(anonymised))?;
        let mut seq = 0;
        for record in records {
            seq += missing_before(record).unwrap_or(0);
            writer.push(seq, record.clone())?;
            seq += 1;
        }
        writer.finish().map(drop)
    };
    write().map_err(|error| match error {
        CaptureError::Io(error) => trouble(error),
        other => Trouble::Log(format!("{}: {other}", path.display())),
    })
}
