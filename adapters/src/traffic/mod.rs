//! Traffic as a capture: what clients and PBXs said to each other over plain HTTP, from a file of
//! packets (pcap, pcapng), as the records that this provider would have had.
//!
//! Packets (`packets.rs`) hold segments (`segments.rs`), segments make up streams (`streams.rs`),
//! streams hold messages of HTTP (`messages.rs`), those are questions and answers in SOAP
//! (`conversation.rs`), and with the engine's help a history comes of them (`history.rs`).
//!
//! Each PBX that was asked is a tree of its own in the made-up settings, slaves too: how they belong
//! together is not looked into. What TLS hides stays hidden, and is counted.

mod conversation;
mod history;
mod messages;
mod packets;
mod segments;
mod streams;

use crate::capture::{About, CaptureError, CaptureWriter};
use conversation::{Conversations, conversations};
use engine::id::PbxId;
use engine::place::Place;
use engine::time::Millis;
use history::History;
use std::fs::File;
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use streams::Streams;

/// Most PBXs that are looked at (I-24).
const MAX_PBXS: usize = 256;

/// What to take, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Hosts or addresses of PBXs; all if there are none.
    pub pbxs: Vec<String>,
    /// The PBX user whose groups are the scope; as the client said if none is given.
    pub user: Option<String>,
    /// Leave out what was said word by word, but for what a client wanted done.
    pub without_raw: bool,
}

/// What was made of the traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Packets in the file.
    pub packets: u64,
    /// Those of them that hold a segment of TCP.
    pub segments: u64,
    /// Connections.
    pub connections: usize,
    /// Those of them that cannot be read because of TLS.
    pub tls: usize,
    /// Bytes that are missing in connections with PBXs.
    pub lost_bytes: u64,
    /// Clients that were passed over, because another one asked the same PBX more.
    pub other_clients: usize,
    /// The PBXs.
    pub pbxs: Vec<PbxSeen>,
    /// Records written.
    pub records: u64,
    /// Lines that came of it.
    pub lines: u64,
    /// Calls, each counted once for every line that had it.
    pub calls: u64,
    /// When the first question was asked.
    pub from: Millis,
    /// When the last answer came.
    pub to: Millis,
    /// Why the file ended too early, if it did.
    pub damage: Option<String>,
}

/// One PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PbxSeen {
    /// Its number in the capture.
    pub id: PbxId,
    /// Where it was asked.
    pub place: Place,
    /// Who asked.
    pub client: std::net::IpAddr,
    /// Questions.
    pub questions: usize,
    /// Those of them that were not answered, as far as one can see.
    pub unanswered: usize,
    /// Sessions that were begun.
    pub sessions: usize,
}

/// Why nothing comes of a file of packets.
#[derive(Debug, thiserror::Error)]
pub enum TrafficError {
    /// The operating system refuses.
    #[error("cannot {} {}: {error}", if *.is_output { "write" } else { "read" }, .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Whether it is the capture to be written.
        is_output: bool,
        /// What it says.
        error: io::Error,
    },
    /// It is something else.
    #[error("this is no file of packets (pcap or pcapng)")]
    Foreign,
    /// It could not be read to its end.
    #[error("the file of packets cannot be read")]
    Unreadable,
    /// There is more in it than is kept in memory.
    #[error(
        "more than {} MiB or {} segments of TCP are in it; keep only what goes to PBXs: \
         tcpdump -r FILE -w SMALL 'tcp port 80 and host PBX'",
        streams::MAX_BYTES / (1024 * 1024),
        streams::MAX_SEGMENTS
    )]
    TooLarge,
    /// Nobody speaks to a PBX there.
    #[error(
        "there is no SOAP over plain HTTP in it: {packets} packets, {connections} connections{}",
        if *.tls > 0 {
            format!(", {tls} of them with TLS, which cannot be read")
        } else {
            String::new()
        }
    )]
    Nothing {
        /// Packets.
        packets: u64,
        /// Connections.
        connections: usize,
        /// Those with TLS.
        tls: usize,
    },
    /// More PBXs than are looked at.
    #[error("it has more than {MAX_PBXS} PBXs; name those you want")]
    TooManyPbxs,
    /// The capture cannot be written.
    #[error(transparent)]
    Capture(#[from] CaptureError),
}

/// Makes a capture of a file of packets. `output` must not be there yet.
///
/// # Errors
/// See [`TrafficError`]; then there is no file. A file of packets that is cut off is no error.
pub fn import(input: &Path, wishes: &Wishes, output: &Path) -> Result<Imported, TrafficError> {
    let io = |path: &Path, is_output| {
        let path = path.to_owned();
        move |error| TrafficError::Io { path, is_output, error }
    };
    let file = File::open(input).map_err(io(input, false))?;
    let (streams, counted) = streams_of(BufReader::new(file))?;
    let found = conversations(&streams, &wishes.pbxs);
    drop(streams);
    if found.all.is_empty() {
        let (connections, tls) = (found.connections, found.tls);
        return Err(TrafficError::Nothing { packets: counted.packets, connections, tls });
    }
    if found.all.len() > MAX_PBXS {
        return Err(TrafficError::TooManyPbxs);
    }
    let file = File::create_new(output).map_err(io(output, true))?;
    let written = write(&found, counted, wishes, BufWriter::new(file));
    written.inspect_err(|_| {
        // Half a file would be taken for a whole one.
        let _ = std::fs::remove_file(output);
    })
}

struct Counted {
    packets: u64,
    segments: u64,
    damage: Option<String>,
}

fn streams_of(input: impl io::Read + Send) -> Result<(Streams, Counted), TrafficError> {
    let mut streams = Streams::default();
    let (mut packets, mut segments) = (0, 0);
    let damage = packets::read(input, |packet| {
        packets += 1;
        match segments::segment(&packet) {
            Some(segment) => {
                segments += 1;
                streams.take(&segment)
            }
            None => Ok(()),
        }
    })?;
    Ok((streams, Counted { packets, segments, damage }))
}

fn write(
    found: &Conversations,
    counted: Counted,
    wishes: &Wishes,
    out: BufWriter<File>,
) -> Result<Imported, TrafficError> {
    let about = About { raw: true, ..About::this_program(false) };
    let writer = CaptureWriter::new(out, &about)?;
    let user = wishes.user.as_deref();
    let mut history = History::begin(writer, &found.all, user, !wishes.without_raw)?;
    history.play(&found.all)?;
    let (lines, calls) = (history.lines, history.calls);
    let (records, to, _) = history.finish()?;
    let exchanges = found.all.iter().flat_map(|known| &known.exchanges);
    let from = exchanges.map(|exchange| exchange.asked_at).min().unwrap_or(Millis(0));
    let pbxs = (0..).zip(&found.all).map(|(id, known)| PbxSeen {
        id: PbxId(id),
        place: known.place.clone(),
        client: known.party.client,
        questions: known.exchanges.len(),
        unanswered: known.exchanges.iter().filter(|exchange| exchange.answer.is_none()).count(),
        sessions: known.begun.len(),
    });
    Ok(Imported {
        packets: counted.packets,
        segments: counted.segments,
        connections: found.connections,
        tls: found.tls,
        lost_bytes: found.lost,
        other_clients: found.other_clients,
        pbxs: pbxs.collect(),
        records,
        lines,
        calls,
        from,
        to,
        damage: counted.damage,
    })
}

#[cfg(test)]
mod tests;
