//! HTTP messages in what an end of a connection said, and which of them answers which.

use super::streams::{Connection, Run, Side};
use engine::time::Millis;
use httparse::{EMPTY_HEADER, Status};
use std::net::SocketAddr;

/// The largest body that is read (I-24): what the provider itself would take.
const BODY_BYTES: usize = crate::soap::limit::BODY_BYTES;

/// Most header lines of a message.
const HEADERS: usize = 100;

/// A question and what was answered.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
    /// Which segment it began with.
    pub(super) number: u64,
    pub(super) asked_at: Millis,
    pub(super) target: String,
    /// What the question calls the server.
    pub(super) host: Option<String>,
    pub(super) question: Vec<u8>,
    pub(super) answer: Option<Answer>,
    /// There will be no answer: the connection has ended.
    pub(super) is_over: bool,
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// Which segment it began with.
    pub(super) number: u64,
    pub(super) at: Millis,
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// What the messages of a connection come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) talks: Vec<Talk>,
    /// Bytes that are missing.
    pub(super) lost: u64,
}

enum Head {
    Question { target: String, host: Option<String> },
    Answer(u16),
}

struct Message {
    number: u64,
    began_at: Millis,
    at: Millis,
    head: Head,
    body: Vec<u8>,
}

/// What was asked and answered on a connection.
pub(super) fn heard(connection: &Connection) -> Heard {
    let [a, b] = &connection.sides;
    let (a_said, b_said) = (Said::by(a), Said::by(b));
    let lost = a_said.lost + b_said.lost;
    let (client, server, asked, said) = match (a_said.questions(), b_said.questions()) {
        (0, _) => (b, a, b_said, a_said),
        _ => (a, b, a_said, b_said),
    };
    // Nobody asks again on a connection before the answer has come. So where nothing is missing, they are
    // pairs in their order, whatever the order in which the packets were taken down.
    let is_whole = asked.is_whole && said.is_whole;
    let mut answers = said.messages.into_iter().filter_map(Message::answer).peekable();
    let mut questions = asked.messages.into_iter().peekable();
    let mut talks = Vec::new();
    while let Some(question) = questions.next() {
        let next = questions.peek().map_or(u64::MAX, |next| next.number);
        if !is_whole {
            // Answers to what is missing.
            while answers.next_if(|answer| answer.number < question.number).is_some() {}
        }
        let answer = answers.next_if(|answer| is_whole || answer.number < next);
        talks.extend(question.talk(client.from, server.from, answer));
    }
    let is_over = a.is_closed || b.is_closed;
    talks.iter_mut().for_each(|talk: &mut Talk| talk.is_over = is_over);
    Heard { talks, lost }
}

/// What one end said.
struct Said {
    messages: Vec<Message>,
    lost: u64,
    /// Nothing is missing at its beginning nor in the middle.
    is_whole: bool,
}

impl Said {
    fn by(side: &Side) -> Said {
        let (runs, mut all) = (side.runs(), Vec::new());
        let last = runs.len();
        for (index, run) in (1..).zip(&runs) {
            all.extend(messages(run, index == last && side.is_closed));
        }
        let lost = runs.iter().map(|run| run.lost).sum();
        let starts_well = |run: &Run| find_start(&run.bytes, 0).is_none_or(|start| start == 0);
        let is_whole = lost == 0 && runs.len() <= 1 && runs.iter().all(starts_well);
        Said { messages: all, lost, is_whole }
    }

    fn questions(&self) -> usize {
        let is_question = |message: &&Message| matches!(message.head, Head::Question { .. });
        self.messages.iter().filter(is_question).count()
    }
}

impl Message {
    fn answer(self) -> Option<Answer> {
        match self.head {
            Head::Answer(status) => {
                Some(Answer { number: self.number, at: self.at, status, body: self.body })
            }
            Head::Question { .. } => None,
        }
    }

    fn talk(self, client: SocketAddr, server: SocketAddr, answer: Option<Answer>) -> Option<Talk> {
        let Head::Question { target, host } = self.head else { return None };
        let (number, asked_at, question) = (self.number, self.began_at, self.body);
        let is_over = false;
        Some(Talk { client, server, number, asked_at, target, host, question, answer, is_over })
    }
}

/// The messages in a run. What is before the first one belongs to one whose beginning is missing.
fn messages(run: &Run, is_whole: bool) -> Vec<Message> {
    let (mut messages, mut at) = (Vec::new(), 0);
    while let Some(start) = find_start(&run.bytes, at) {
        match message(&run.bytes[start..], is_whole) {
            Some((head, body, len)) => {
                let (number, began_at) = run.came(start);
                let complete_at = run.complete(start, start + len);
                // Only says: go on.
                if !matches!(head, Head::Answer(100..=199)) {
                    messages.push(Message { number, began_at, at: complete_at, head, body });
                }
                at = start + len;
            }
            None => at = start + 1,
        }
    }
    messages
}

/// Where the next message may begin.
fn find_start(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let begins = |at: &usize| {
        let rest = &rest[*at..];
        rest.starts_with(b"POST ") || rest.starts_with(b"GET ") || rest.starts_with(b"HTTP/1.")
    };
    // At once as a rule.
    (0..rest.len()).find(begins).map(|at| from + at)
}

/// The message at the beginning, and how long it is; `None` if it is none, or not all of it is there.
fn message(bytes: &[u8], is_whole: bool) -> Option<(Head, Vec<u8>, usize)> {
    let mut headers = [EMPTY_HEADER; HEADERS];
    let (head, head_len, fields) = if bytes.starts_with(b"HTTP/") {
        let mut answer = httparse::Response::new(&mut headers);
        let Ok(Status::Complete(len)) = answer.parse(bytes) else { return None };
        (Head::Answer(answer.code?), len, Fields::of(answer.headers))
    } else {
        let mut question = httparse::Request::new(&mut headers);
        let Ok(Status::Complete(len)) = question.parse(bytes) else { return None };
        let fields = Fields::of(question.headers);
        let (target, host) = (question.path?.to_owned(), fields.host.clone());
        (Head::Question { target, host }, len, fields)
    };
    let rest = &bytes[head_len..];
    let (body, body_len) = match (&head, fields.is_chunked, fields.length) {
        (Head::Answer(100..=199 | 204 | 304), ..) => (Vec::new(), 0),
        (_, true, _) => chunked(rest)?,
        (_, _, Some(len)) if len <= BODY_BYTES => (rest.get(..len)?.to_vec(), len),
        (_, _, Some(_)) => return None,
        (Head::Question { .. }, _, None) => (Vec::new(), 0),
        // Whatever comes until the connection ends.
        (Head::Answer(_), _, None) if is_whole && rest.len() <= BODY_BYTES => {
            (rest.to_vec(), rest.len())
        }
        (Head::Answer(_), _, None) => return None,
    };
    Some((head, body, head_len + body_len))
}

#[derive(Default)]
struct Fields {
    host: Option<String>,
    is_chunked: bool,
    length: Option<usize>,
}

impl Fields {
    fn of(headers: &[httparse::Header<'_>]) -> Fields {
        let mut fields = Fields::default();
        for header in headers {
            let value = String::from_utf8_lossy(header.value);
            let value = value.trim();
            match header.name.to_ascii_lowercase().as_str() {
                "host" => fields.host = Some(value.to_owned()),
                "transfer-encoding" => {
                    fields.is_chunked = value.to_ascii_lowercase().ends_with("chunked");
                }
                "content-length" => fields.length = value.parse().ok(),
                _ => {}
            }
        }
        fields
    }
}

/// A body in chunks, and how long it was with all that tells them apart.
fn chunked(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let Ok(Status::Complete((head, len))) = httparse::parse_chunk_size(bytes.get(at..)?) else {
            return None;
        };
        at += head;
        let len = usize::try_from(len).ok().filter(|len| body.len() + len <= BODY_BYTES)?;
        if len == 0 {
            return Some((body, at + trailer(bytes.get(at..)?)?));
        }
        body.extend_from_slice(bytes.get(at..at + len)?);
        at += len;
        at += bytes.get(at..)?.strip_prefix(b"\r\n").map(|_| 2)?;
    }
}

/// How long the lines behind the last chunk are, with the empty one that ends them.
fn trailer(bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(b"\r\n") {
        return Some(2);
    }
    bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], is_whole: bool) -> Vec<(Option<u16>, String)> {
        let mut run = Run::default();
        run.bytes = bytes.to_vec();
        let one = |message: Message| {
            let status = match message.head {
                Head::Question { .. } => None,
                Head::Answer(status) => Some(status),
            };
            (status, String::from_utf8_lossy(&message.body).into_owned())
        };
        messages(&run, is_whole).into_iter().map(one).collect()
    }

    #[test]
    fn bodies_end_by_length_by_chunks_or_with_the_connection() {
        let all = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc\
            HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n\
            HTTP/1.1 204 No\r\n\r\nHTTP/1.0 500 Oh\r\n\r\nall the rest";
        let texts = |found: Vec<(Option<u16>, String)>| {
            found.into_iter().map(|(status, body)| format!("{status:?} {body}")).collect::<Vec<_>>()
        };
        let whole = ["Some(200) abc", "Some(200) abcde", "Some(204) ", "Some(500) all the rest"];
        assert_eq!(texts(read(all, true)), whole);
        assert_eq!(texts(read(all, false)), whole[..3]);
    }

    #[test]
    fn what_is_broken_off_is_left_out_and_the_next_one_found() {
        let rest = b"of a body</x>POST /PBX0/user.soap HTTP/1.1\r\nHost: pbx\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(read(rest, false), [(None, "hi".to_owned())]);
        for cut in 14..rest.len() {
            assert_eq!(read(&rest[..cut], true), [], "{cut}");
        }
        let liar = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\nabc", usize::MAX);
        assert_eq!(read(liar.as_bytes(), true), []);
        let chunks =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc";
        assert_eq!(read(chunks, true), []);
    }
}
