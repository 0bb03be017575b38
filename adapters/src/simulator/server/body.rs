//! Bodies of answers: whole ones, and ones that break off on purpose.

use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// What was written before a break has this long to reach the wire.
const BREATH: Duration = Duration::from_millis(20);

/// The body of an answer.
pub(super) struct AnswerBody {
    bytes: Option<Bytes>,
    /// Length that is announced, if the body breaks off before.
    announced: Option<u64>,
    breath: Option<Pin<Box<Sleep>>>,
}

impl AnswerBody {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> AnswerBody {
        AnswerBody { bytes: Some(bytes.into()), announced: None, breath: None }
    }

    /// Breaks off after `keep` bytes.
    pub(super) fn cut(bytes: Vec<u8>, keep: usize) -> AnswerBody {
        let announced = Some(bytes.len() as u64);
        let mut bytes = Bytes::from(bytes);
        bytes.truncate(keep);
        let breath = Some(Box::pin(tokio::time::sleep(BREATH)));
        AnswerBody { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()), announced, breath }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        let Some(breath) = &mut self.breath else { return Poll::Ready(None) };
        breath.as_mut().poll(cx).map(|()| Some(Err(io::ErrorKind::ConnectionReset.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none() && self.breath.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let present = self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        SizeHint::with_exact(self.announced.unwrap_or(present))
    }
}
