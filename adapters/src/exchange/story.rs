//! What the diary tells of a question to a PBX, if it is to be told.
//!
//! Nothing of what was asked or answered is in it but the names of operations: numbers and names of
//! people are in the bodies. At the usual level all of this costs a look at one number.

use crate::http::Answer;
use crate::soap::Kind;
use engine::effect::Request;
use engine::fact::Failure;
use engine::id::Link;
use std::time::Duration;
use tracing::Span;

/// A question, from when it is sent to its answer.
pub(super) struct Story {
    span: Span,
    /// Polls follow each other all the time, so they have a level of their own.
    is_poll: bool,
}

impl Story {
    /// A question of this kind, which `request` leads to.
    pub(super) fn of(request: &Request, kind: Kind, link: Link) -> Story {
        let (operation, pbx, attempt) = (kind.name(), link.pbx.0, link.attempt.0);
        let is_poll = kind == Kind::Poll;
        let span = match request {
            Request::Order { correlation, .. } => {
                tracing::debug_span!("soap", id = %correlation, operation, pbx, attempt)
            }
            _ if is_poll => tracing::trace_span!("soap", operation, pbx, attempt),
            _ => tracing::debug_span!("soap", operation, pbx, attempt),
        };
        let story = Story { span, is_poll };
        story.tell(|| "is asked".into());
        story
    }

    /// To be in while it is waited for.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// It is answered, or will not be.
    pub(super) fn ends(&self, outcome: &Result<Answer, Failure>, took: Duration) {
        let ms = took.as_millis();
        self.tell(|| match outcome {
            Ok(answer) => format!("is answered with status {} after {ms} ms", answer.status),
            Err(failure) => format!("has no answer after {ms} ms: {}", failure.advice()),
        });
    }

    fn tell(&self, words: impl FnOnce() -> String) {
        if self.span.is_disabled() {
            return;
        }
        match self.is_poll {
            true => tracing::trace!(parent: &self.span, "{}", words()),
            false => tracing::debug!(parent: &self.span, "{}", words()),
        }
    }
}
