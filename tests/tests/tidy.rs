//! Tidiness as law: what ARCHITECTURE.md promises of the folders, checked on the sources.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

/// A source file, with its path from the root of the project and its code without comments.
struct Source {
    path: String,
    code: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// All Rust sources of a crate that end up in what is shipped: not its tests.
fn sources(krate: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(krate).join("src"), &mut found);
    assert!(!found.is_empty(), "{krate} has sources");
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let shipped = text.split("#[cfg(test)]").next().unwrap();
            let code: Vec<&str> =
                shipped.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let path = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            found.push(Source { path, code: code.join("\n") });
        }
    }
}

/// The files of a crate in which a package is named in code.
fn naming(krate: &str, package: &str) -> Vec<String> {
    let uses =
        [format!("{package}::"), format!("use {package};"), format!("extern crate {package}")];
    let names = |code: &str| {
        code.lines().any(|line| {
            uses.iter().any(|word| {
                line.match_indices(word.as_str()).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
                })
            })
        })
    };
    sources(krate).into_iter().filter(|s| names(&s.code)).map(|s| s.path).collect()
}

#[test]
fn each_outside_package_that_may_be_replaced_is_named_in_one_file() {
    for package in [
        "sled",
        "quick_xml",
        "reqwest",
        "actix",
        "arc_swap",
        "tracing_subscriber",
        "hmac",
        "sha2",
        "getrandom",
        "pcap_parser",
        "etherparse",
        "httparse",
    ] {
        let files = naming("adapters", package);
        assert_eq!(files.len(), 1, "{package} is named in {files:?}");
    }
    assert_eq!(naming("engine", "bincode").len(), 1);
}

#[test]
fn the_engine_knows_nothing_of_the_world() {
    let banned = [
        "unsafe ",
        "HashMap",
        "HashSet",
        "std::time",
        "std::thread",
        "std::fs",
        "std::net",
        "std::env",
        "std::io",
        "async ",
        ".await",
        "println!",
        " rand::",
        "(rand::",
        "tokio",
    ];
    for source in sources("engine") {
        for word in banned {
            let found = source.code.lines().find(|line| says(line, word));
            assert_eq!(found, None, "{} has {word:?}", source.path);
        }
    }
}

/// Whether a line has a word, not only as a part of another one.
fn says(line: &str, word: &str) -> bool {
    let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        let begins_amid = is_name(word.chars().next()) && is_name(before.chars().next_back());
        let ends_amid = is_name(word.chars().next_back()) && is_name(after.chars().next());
        !begins_amid && !ends_amid
    })
}

#[test]
fn unsafe_code_and_c_live_in_tsp_ffi_only() {
    for krate in ["engine", "adapters", "replay", "xtask", "tests", "benches"] {
        for source in sources(krate) {
            for word in
                ["unsafe {", "unsafe fn", "unsafe impl", "extern \"C\"", "extern \"system\""]
            {
                // Only this file says these words without meaning them.
                let quoted = source.path.ends_with("tests/tests/tidy.rs");
                assert!(quoted || !source.code.contains(word), "{} has {word:?}", source.path);
            }
        }
    }
}

#[test]
fn arrows_point_one_way() {
    let forbidden = [
        ("engine", vec!["adapters", "tapline", "replay"]),
        ("adapters", vec!["tapline", "replay"]),
        ("tsp-ffi", vec!["replay"]),
    ];
    for (krate, others) in forbidden {
        for other in others {
            assert_eq!(naming(krate, other), Vec::<String>::new(), "{krate} names {other}");
        }
    }
}

#[test]
fn no_name_says_nothing() {
    for krate in ["engine", "adapters", "tsp-ffi", "replay", "xtask"] {
        for source in sources(krate) {
            for word in ["Manager", "Helper", "Util"] {
                let found = source.code.lines().find(|line| {
                    ["struct ", "enum ", "trait ", "mod "].iter().any(|kind| {
                        line.contains(&format!("{kind}{word}")) || {
                            line.contains(kind) && line.contains(word) && !line.contains("///")
                        }
                    })
                });
                assert_eq!(found, None, "{}", source.path);
            }
        }
    }
}

#[test]
fn nothing_is_left_to_do_in_the_code() {
    let marks = [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("FIX", "ME")];
    for krate in ["engine", "adapters", "tsp-ffi", "replay", "xtask"] {
        for source in sources(krate) {
            for mark in marks {
                assert!(!source.code.contains(mark), "{} has {mark}", source.path);
            }
        }
    }
}
