//! The words of the table in `proof.rs`, for those who explain why a request ended as it did.

use crate::fact::{Command, Function};

/// One row of the table: what decides about a request of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What is asked for.
    pub request: &'static str,
    /// What proves that it is done.
    pub proved_by: &'static str,
    /// What shows that it will not be.
    pub refuted_by: &'static str,
    /// What it means that neither has come in time.
    pub at_deadline: &'static str,
}

impl Rule {
    /// The row for a request; `None` where the PBX is not asked.
    #[must_use]
    pub fn of(command: &Command) -> Option<&'static Rule> {
        let request = match command.function() {
            Function::MakeCall => "make a call",
            Function::Answer => "answer",
            Function::Drop | Function::RemoveFromConference => "drop",
            Function::Hold => "hold",
            Function::Unhold => "unhold",
            Function::SwapHold => "swap",
            Function::SetupTransfer => "set up a transfer",
            Function::CompleteTransfer => match command {
                Command::CompleteTransfer { conference: Some(_), .. } => {
                    "complete it as a conference"
                }
                _ => "complete a transfer",
            },
            Function::BlindTransfer | Function::Redirect => "send away",
            Function::SetupConference => "set up a conference",
            Function::AddToConference => "add to a conference",
            Function::Park => "park",
            Function::Dial | Function::GenerateDigits | Function::SendUserUserInfo => {
                "digits, user-user information"
            }
            Function::Pickup | Function::Unpark => "pick up",
            Function::Forward => "forward",
            Function::SetCallParams | Function::PrepareAddToConference => return None,
        };
        TABLE.iter().find(|rule| rule.request == request)
    }
}

const TABLE: [Rule; 16] = [
    Rule {
        request: "make a call",
        proved_by: "the PBX names its leg, and holds what it talks on or goes on",
        refuted_by: "no leg",
        at_deadline: "done if a leg was named, else failed",
    },
    Rule {
        request: "answer",
        proved_by: "CONNECTED",
        refuted_by: "the call ends",
        at_deadline: "done if the PBX has it connected, else failed",
    },
    Rule {
        request: "drop",
        proved_by: "IDLE",
        refuted_by: "–",
        at_deadline: "done: the call becomes IDLE",
    },
    Rule {
        request: "hold",
        proved_by: "held in any way",
        refuted_by: "the call ends",
        at_deadline: "failed",
    },
    Rule {
        request: "unhold",
        proved_by: "CONNECTED",
        refuted_by: "the call ends",
        at_deadline: "done if the PBX has it connected, else failed",
    },
    Rule {
        request: "swap",
        proved_by: "the one held, the other CONNECTED",
        refuted_by: "one of them ends",
        at_deadline: "done if the PBX has them so, else failed",
    },
    Rule {
        request: "set up a transfer",
        proved_by: "leg named, and the call held, over, or taken back",
        refuted_by: "no leg",
        at_deadline: "done if a leg was named, else failed",
    },
    Rule {
        request: "complete a transfer",
        proved_by: "both IDLE, not both hung up",
        refuted_by: "one is hung up, and the other does not follow at once",
        at_deadline: "failed",
    },
    Rule {
        request: "complete it as a conference",
        proved_by: "both connected",
        refuted_by: "one of them ends",
        at_deadline: "the other facility, then failed",
    },
    Rule {
        request: "send away",
        proved_by: "the PBX says yes, and IDLE",
        refuted_by: "the PBX says no",
        at_deadline: "failed",
    },
    Rule {
        request: "set up a conference",
        proved_by: "leg named, and the call held or over",
        refuted_by: "no leg",
        at_deadline: "done if a leg was named, else failed",
    },
    Rule {
        request: "add to a conference",
        proved_by: "both members connected",
        refuted_by: "one of them ends",
        at_deadline: "the other facility, then failed",
    },
    Rule {
        request: "park",
        proved_by: "IDLE, the PBX having said yes",
        refuted_by: "any other end",
        at_deadline: "done if the PBX says yes, else failed",
    },
    Rule {
        request: "digits, user-user information",
        proved_by: "the PBX says yes",
        refuted_by: "the call ends",
        at_deadline: "failed",
    },
    Rule {
        request: "pick up",
        proved_by: "leg named, and its first event",
        refuted_by: "no leg, or its end",
        at_deadline: "failed",
    },
    // Proved in `forward.rs`, where a record is read and changed in several steps.
    Rule {
        request: "forward",
        proved_by: "the user's record, read again, says so",
        refuted_by: "a step is refused, or the record says otherwise three times",
        at_deadline: "failed, and undone",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{CallId, LineId};

    /// The words are those of the table that the code beside it is held against.
    #[test]
    fn the_rules_are_those_of_the_table_of_proofs() {
        let rows = include_str!("proof.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
        let rows: Vec<&str> = rows.skip(1).filter(|row| !row.starts_with('-')).collect();
        let words = |rule: &Rule| {
            let Rule { request, proved_by, refuted_by, at_deadline } = rule;
            format!("{request} | {proved_by} | {refuted_by} | {at_deadline} |")
        };
        assert_eq!(TABLE.iter().map(words).collect::<Vec<_>>(), rows);
    }

    #[test]
    fn a_transfer_that_becomes_a_conference_has_a_rule_of_its_own() {
        let [call, consultation] = [1, 2].map(|serial| CallId { line: LineId(1), serial });
        let rule = |conference| {
            let command = Command::CompleteTransfer { call, consultation, conference };
            Rule::of(&command).map(|rule| rule.request)
        };
        assert_eq!(rule(None), Some("complete a transfer"));
        assert_eq!(rule(Some(call)), Some("complete it as a conference"));
    }
}
