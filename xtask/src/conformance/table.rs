//! The results as a table for the documentation: every item with its result on each system, and
//! every export with the items that prove it.

use crate::host::{self, Finding, Verdict};
use crate::{During, Problem};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

const INTRODUCTION: &str = "\
# Conformance

What the provider must do at its interface, as items that a C program asserts on the library itself,
with a simulated PBX behind it. `cargo xtask conformance` runs them on the Windows library under Wine,
`cargo xtask conformance --linux` on the Linux library; the table is written by the same commands with
`--table docs/conformance.md`. Items 1 to 100 are those of the interface's list, later ones go beyond.
What every session of every item must hold besides, whatever the item is about, is in
`tests/conformance/verdict.c`.

";

/// Writes the findings of one system into the table, beside what it says of the other.
pub(super) fn update(file: &Path, linux: bool, findings: &[Finding]) -> Result<(), Problem> {
    let before = match std::fs::read_to_string(file) {
        Ok(text) => Table::read(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Table::default(),
        Err(error) => return Err(Problem::new(format!("cannot read {}: {error}", file.display()))),
    };
    let table = before.with(linux, findings, &host::listed_items()?);
    std::fs::write(file, table.text()).during(format!("write {}", file.display()))
}

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Table {
    rows: Vec<Row>,
    /// The items that prove an export.
    proofs: BTreeMap<String, BTreeSet<u32>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    number: u32,
    title: String,
    windows: String,
    linux: String,
}

/// Where an item was not run.
const UNKNOWN: &str = "–";

impl Table {
    fn read(text: &str) -> Table {
        let mut table = Table::default();
        for line in text.lines() {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            match cells.as_slice() {
                ["", number, title, windows, linux, ""] => {
                    let Ok(number) = number.parse() else { continue };
                    let [title, windows, linux] = [title, windows, linux].map(|&c| c.to_owned());
                    table.rows.push(Row { number, title, windows, linux });
                }
                ["", export, items, ""] if export.starts_with("`TSPI_") => {
                    let items = items.split(", ").flat_map(read_range).collect();
                    table.proofs.insert(export.trim_matches('`').to_owned(), items);
                }
                _ => {}
            }
        }
        table
    }

    /// With new findings. Items that are not there any more go.
    fn with(&self, linux: bool, findings: &[Finding], items: &[(u32, String)]) -> Table {
        let rows = items.iter().map(|(number, title)| {
            let known = self.rows.iter().find(|row| row.number == *number);
            let mut row = known.cloned().unwrap_or_else(|| Row {
                number: *number,
                title: String::new(),
                windows: UNKNOWN.into(),
                linux: UNKNOWN.into(),
            });
            row.title.clone_from(title);
            if let Some(finding) = findings.iter().find(|finding| finding.number == *number) {
                let cell = if linux { &mut row.linux } else { &mut row.windows };
                *cell = word(finding.verdict).into();
            }
            row
        });
        let mut proofs = self.proofs.clone();
        for finding in findings {
            for items in proofs.values_mut() {
                items.remove(&finding.number);
            }
            if finding.verdict != Verdict::Pass {
                continue;
            }
            for function in &finding.uses {
                proofs.entry(format!("TSPI_{function}")).or_default().insert(finding.number);
            }
        }
        for items_of in proofs.values_mut() {
            items_of.retain(|number| items.iter().any(|(known, _)| known == number));
        }
        Table { rows: rows.collect(), proofs }
    }

    fn text(&self) -> String {
        let mut text = INTRODUCTION.to_owned();
        text.push_str("| item | what must hold | Windows | Linux |\n|---:|---|---|---|\n");
        for Row { number, title, windows, linux } in &self.rows {
            let _ = writeln!(text, "| {number} | {title} | {windows} | {linux} |");
        }
        text.push_str(
            "\n## Exports\n\nEach export, with the items that hold and in which it did what it is \
             for: it answered 0, or its request was\ncompleted with 0.\n\n| export | items |\n\
             |---|---|\n",
        );
        for (export, items) in &self.proofs {
            let _ = writeln!(text, "| `{export}` | {} |", ranges(items));
        }
        text
    }
}

/// `7` and `9–12` as numbers.
fn read_range(text: &str) -> Vec<u32> {
    let (first, last) = text.split_once('–').unwrap_or((text, text));
    match (first.parse::<u32>(), last.parse()) {
        (Ok(first), Ok(last)) => (first..=last).collect(),
        _ => Vec::new(),
    }
}

/// Numbers in a row as one range: `1, 7, 9–12`.
fn ranges(numbers: &BTreeSet<u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let texts = ranges.iter().map(|&(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}–{last}"),
    });
    texts.collect::<Vec<_>>().join(", ")
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "holds",
        Verdict::Fail => "fails",
        Verdict::NotYet => "not yet",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::workspace;
    use std::time::Duration;

    fn finding(number: u32, verdict: Verdict, uses: &[&str]) -> Finding {
        Finding {
            number,
            title: String::new(),
            verdict,
            reason: String::new(),
            took: Duration::ZERO,
            uses: uses.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn each_system_has_its_own_results() {
        let items = [(1, "one".to_owned()), (2, "two".to_owned())];
        let windows = [finding(1, Verdict::Pass, &["lineDrop"]), finding(2, Verdict::Fail, &[])];
        let linux = [finding(2, Verdict::Pass, &["lineDrop", "lineHold"])];
        let table = Table::default().with(false, &windows, &items).with(true, &linux, &items);
        let text = table.text();
        assert!(text.contains("| 1 | one | holds | – |\n| 2 | two | fails | holds |\n"), "{text}");
        assert!(text.contains("| `TSPI_lineDrop` | 1, 2 |\n| `TSPI_lineHold` | 2 |\n"), "{text}");
        assert_eq!(Table::read(&text), table);
    }

    #[test]
    fn numbers_in_a_row_are_written_as_ranges() {
        let numbers: BTreeSet<u32> = [1, 3, 4, 7, 8, 9, 140].into();
        assert_eq!(ranges(&numbers), "1, 3, 4, 7–9, 140");
        let read: BTreeSet<u32> = "1, 3, 4, 7–9, 140".split(", ").flat_map(read_range).collect();
        assert_eq!(read, numbers);
    }

    #[test]
    fn what_fails_or_is_gone_proves_nothing() {
        let items = [(1, "one".to_owned()), (2, "two".to_owned())];
        let good =
            [finding(1, Verdict::Pass, &["lineDrop"]), finding(2, Verdict::Pass, &["lineDrop"])];
        let table = Table::default().with(false, &good, &items);
        let table = table.with(false, &[finding(1, Verdict::Fail, &["lineDrop"])], &items[..1]);
        assert!(table.text().contains("| `TSPI_lineDrop` |  |\n"), "{}", table.text());
    }

    #[test]
    fn the_committed_table_has_every_item_and_every_export_of_the_set() {
        let file = workspace::root().join("docs/conformance.md");
        let table = Table::read(&std::fs::read_to_string(file).unwrap());
        let rows: Vec<_> = table.rows.iter().map(|row| (row.number, row.title.clone())).collect();
        assert_eq!(rows, host::listed_items().unwrap());
        assert!(table.rows.iter().all(|row| row.windows != "fails" && row.linux != "fails"));
        for export in host::function_set().unwrap() {
            assert!(table.proofs.contains_key(&export), "nothing proves {export}");
        }
    }
}
