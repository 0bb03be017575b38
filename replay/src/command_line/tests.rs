//! The help of the command line, tried.

use super::*;
use clap::CommandFactory;

#[test]
fn the_command_line_is_consistent() {
    CommandLine::command().debug_assert();
}

#[test]
fn every_example_in_the_help_is_a_command_that_is_understood() {
    let mut examples = 0;
    let others = [
        AFTER_LONG_HELP,
        DEMO_EXAMPLES,
        RUN_EXAMPLES,
        VERIFY_EXAMPLES,
        SETTINGS_EXAMPLES,
        SIMULATE_EXAMPLES,
        SIM_EXAMPLES,
        LINES_EXAMPLES,
        CAPTURE_EXAMPLES,
        IDS_EXAMPLES,
        WATCH_EXAMPLES,
    ];
    for help in others.iter().chain(replay::ALL_EXAMPLES) {
        for line in help.lines().filter_map(|line| line.strip_prefix("  tapline ")) {
            let command = line.split("  ").next().unwrap();
            for part in command.split(" && tapline ") {
                let words = words_of(part);
                let words = words.iter().map(String::as_str);
                let words = words.take_while(|word| !["|", ">", ">>"].contains(word));
                let parsed = CommandLine::try_parse_from(std::iter::once("tapline").chain(words));
                assert!(parsed.is_ok(), "tapline {part}: {}", parsed.unwrap_err());
                examples += 1;
            }
        }
    }
    assert!(examples >= 19, "{examples}");
}

/// The words of a command as a shell takes them, as far as our examples go.
fn words_of(command: &str) -> Vec<String> {
    let (mut words, mut quote, mut amid) = (Vec::new(), None, false);
    for c in command.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                if !amid {
                    words.push(String::new());
                }
                (quote, amid) = (Some(c), true);
            }
            (None, ' ') => amid = false,
            _ => {
                if !amid {
                    words.push(String::new());
                }
                amid = true;
                words.last_mut().unwrap().push(c);
            }
        }
    }
    words
}
