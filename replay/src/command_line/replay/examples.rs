//! What the help of each command of the family ends with.

pub(in crate::command_line) const REPLAY_EXAMPLES: &str = "\
Examples:
  tapline replay /tmp/demo/log                       the same as `replay run`
  tapline replay info day.tspt                       what it is, and what is in it
  tapline replay run day.tspt --line 20 --from 12:00:00
  tapline replay state day.tspt --at 12:03:20 --line 20
  tapline replay check day.tspt                      every invariant at every record";

pub(super) const INFO_EXAMPLES: &str = "\
Examples:
  tapline replay info day.tspt
  tapline replay info --json /var/lib/tapline/log | jq .records_by_kind";

pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  tapline replay run day.tspt
  tapline replay run day.tspt --line 20 --call 3 --records
  tapline replay run day.tspt --request r25.7
  tapline replay run day.tspt --number 0301234567 --from 12:00:00 --to 12:05:00
  tapline replay run day.tspt --json > messages.jsonl
  tapline replay run day.tspt --quiet

SEQ|TIME is the number of a record; a time of day in UTC (12:03:20.5, the first one in the log), a
whole time (2026-01-31T12:03:20Z), or seconds since the beginning of the log (+90).";

pub(super) const STATE_EXAMPLES: &str = "\
Examples:
  tapline replay state day.tspt --at 12:03:20
  tapline replay state day.tspt --at 4711 --line 20
  tapline replay state day.tspt --line 'Anna Berg' --json | jq .calls";

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  tapline replay check day.tspt
  tapline replay check day.tspt --json | jq 'select(.breach)'";

pub(super) const STEP_EXAMPLES: &str = "\
Examples:
  tapline replay step day.tspt
  tapline replay step day.tspt --at 12:03:20 --line 20
  echo 'c call #1 state' | tapline replay step day.tspt --line 20 --json
Commands are typed, or come from a pipe, one a line; `h` lists them.";

pub(super) const DIFF_EXAMPLES: &str = "\
Examples:
  tapline replay diff monday.tspt tuesday.tspt
  tapline replay diff day.tspt --settings other.toml
  tapline replay run day.tspt --json > then.jsonl
  tapline replay diff day.tspt then.jsonl
The last two compare two builds: one prints what it derives, the other compares.";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  tapline replay explain day.tspt beeb8da1
  tapline replay explain day.tspt 20#3
  tapline replay explain day.tspt 'Anna Berg#1' --ladder
  tapline replay explain day.tspt r25.7 --json | jq -r .says

CALL is a conf GUID or the beginning of one (a CDR has it), a dwCallID in eight hexadecimal digits,
LINE#N for the N-th call of a line by its number, its name or its @id, or a request such as r25.7.

Exit codes:
  0  the call is explained
  1  there is no such call
  2  the name fits several calls, which are listed
  5  the log cannot be read
  6  the log is damaged; what is intact was used";

pub(super) const BISECT_EXAMPLES: &str = "\
Examples:
  tapline replay bisect day.tspt --until 'line 20 in-service'
  tapline replay bisect day.tspt --until 'no call longer than 60s' --from 12:00
  tapline replay bisect day.tspt --until 'calls of 20 < 3 and every line connected'
  tapline replay bisect day.tspt --until I-07 --json

The expectation must hold at some record before it can fail. It is an EXPR, or I-01 and so on for an
invariant of ARCHITECTURE.md, or `invariants` for all of them.

";

pub(super) const SHRINK_EXAMPLES: &str = "\
Examples:
  tapline replay shrink day.tspt --keep 'no call longer than 60s' -o small.tspt
  tapline replay shrink sim-339.tspt --keep I-07 -o small.tspt
`tapline help replay bisect` has the grammar of EXPR.";

pub(super) const TO_TEST_EXAMPLES: &str = "\
Examples:
  tapline replay to-test hang-up-never-seen small.tspt
  tapline replay to-test calls-end-sooner small.tspt --settings tapline.toml
  tapline replay golden tests/histories";

pub(super) const GOLDEN_EXAMPLES: &str = "\
Examples:
  tapline replay golden tests/histories
  tapline replay golden --accept tests/histories
  tapline replay golden --renew --accept tests/histories";

pub(super) const ANONYMISE_EXAMPLES: &str = "\
Examples:
  tapline replay anonymise day.tspt -o public.tspt
  tapline replay anonymise monday.tspt -o a.tspt --key our.key
  tapline replay anonymise /var/lib/tapline/log -o public.tspt --json | jq .summary.proof

Without a key a fresh one is used and forgotten. With the same key the same file comes out again, and
names, numbers and calls have the same stand-ins in other captures of the same site, but for GUIDs of
users. Whoever has the key can test guesses: keep it at home.

What is still told: when what happened, who called whom, how long names are.";

pub(super) const IMPORT_EXAMPLES: &str = "\
Examples:
  tcpdump -i any -s 0 -w traffic.pcap 'tcp port 80 and host pbx.example.com'
  tapline replay import traffic.pcap -o traffic.tspt
  tapline replay import traffic.pcapng -o hq.tspt --pbx 192.0.2.20 --user TAPI
  tapline replay traffic.tspt

What any client heard from a PBX becomes what this provider would have heard: lines, calls, their
states. Each PBX is a tree of its own. A client's orders (UserCall and so on) are in the capture word
by word (tapline replay raw), and what came of them as events. What is asked over HTTPS cannot be
read. Take the traffic down from before the client starts: users are told at the beginning of a
session.";

pub(super) const RAW_EXAMPLES: &str = "\
Examples:
  tapline replay raw day.tspt
  tapline replay raw day.tspt --from 12:03:20 --to 12:03:25 --full
  tapline replay raw traffic.tspt --operation UserCall --json | jq -r .body

Secrets are blanked. A capture has what was said if it was made with raw = true under [capture] in
the settings, or by tapline replay import. The number in the column `record` is that of the record
behind a message: that one, or one soon after it, is what came of an answer.";

pub(super) const STATS_EXAMPLES: &str = "\
Examples:
  tapline replay stats day.tspt
  tapline replay stats day.tspt --json | jq .calls";

/// All of these, for the test that tries them.
#[cfg(test)]
pub(in crate::command_line) const ALL_EXAMPLES: &[&str] = &[
    DIFF_EXAMPLES,
    STEP_EXAMPLES,
    REPLAY_EXAMPLES,
    INFO_EXAMPLES,
    RUN_EXAMPLES,
    STATE_EXAMPLES,
    CHECK_EXAMPLES,
    STATS_EXAMPLES,
    BISECT_EXAMPLES,
    EXPLAIN_EXAMPLES,
    SHRINK_EXAMPLES,
    TO_TEST_EXAMPLES,
    GOLDEN_EXAMPLES,
    ANONYMISE_EXAMPLES,
    IMPORT_EXAMPLES,
    RAW_EXAMPLES,
];
