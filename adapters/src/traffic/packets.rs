//! Files of packets, pcap and pcapng.

use super::TrafficError;
use engine::time::Millis;
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};
use std::io::Read;

/// The largest block of a file that is read: packets have 64 KiB, or 256 KiB where a network card put
/// them together.
const BLOCK_BYTES: usize = 4 * 1024 * 1024;

/// Most interfaces of one section of a pcapng.
const MAX_INTERFACES: usize = 4096;

/// One packet.
pub(super) struct Packet<'a> {
    /// When it was seen.
    pub(super) at: Millis,
    /// What its first header is, as pcap counts them.
    pub(super) link: i32,
    /// As much of it as was kept.
    pub(super) data: &'a [u8],
}

/// An interface of a pcapng.
#[derive(Clone, Copy)]
struct Interface {
    link: i32,
    units_per_s: u64,
    offset_s: i64,
}

/// Hands on each packet of a file. The answer is why the file ended too early, if it did.
pub(super) fn read(
    input: impl Read + Send,
    mut take: impl FnMut(Packet<'_>) -> Result<(), TrafficError>,
) -> Result<Option<String>, TrafficError> {
    let mut reader = match create_reader(BLOCK_BYTES, input) {
        Ok(reader) => reader,
        Err(PcapError::ReadError) => return Err(TrafficError::Unreadable),
        Err(_) => return Err(TrafficError::Foreign),
    };
    let mut state = Reading::default();
    loop {
        let damage = match reader.next() {
            Ok((len, block)) => {
                if let Some(packet) = state.packet(&block) {
                    take(packet)?;
                }
                drop(block);
                reader.consume(len);
                continue;
            }
            Err(PcapError::Eof) => return Ok(None),
            Err(PcapError::Incomplete(_)) => match reader.refill() {
                Ok(()) => continue,
                Err(_) => return Err(TrafficError::Unreadable),
            },
            Err(PcapError::UnexpectedEof) => "it is cut off in the middle of a packet",
            Err(PcapError::BufferTooSmall) => "a packet in it claims to be too long",
            Err(PcapError::ReadError) => return Err(TrafficError::Unreadable),
            Err(_) => "it is damaged",
        };
        return Ok(Some(format!("behind {} packets {damage}", state.packets)));
    }
}

/// What blocks before a packet say about it.
#[derive(Default)]
struct Reading {
    link: i32,
    is_nano: bool,
    interfaces: Vec<Interface>,
    packets: u64,
}

impl Reading {
    fn packet<'a>(&mut self, block: &'a PcapBlockOwned<'a>) -> Option<Packet<'a>> {
        let packet = match block {
            PcapBlockOwned::LegacyHeader(header) => {
                (self.link, self.is_nano) = (header.network.0, header.is_nanosecond_precision());
                None
            }
            PcapBlockOwned::Legacy(packet) => {
                let part = u64::from(packet.ts_usec) / if self.is_nano { 1_000_000 } else { 1_000 };
                let at = Millis(u64::from(packet.ts_sec) * 1_000 + part);
                let data = packet.data.get(..packet.caplen as usize).unwrap_or(packet.data);
                Some(Packet { at, link: self.link, data })
            }
            PcapBlockOwned::NG(block) => self.block(block),
        };
        self.packets += u64::from(packet.is_some());
        packet
    }

    fn block<'a>(&mut self, block: &'a Block<'a>) -> Option<Packet<'a>> {
        match block {
            Block::SectionHeader(_) => {
                self.interfaces.clear();
                None
            }
            Block::InterfaceDescription(interface) => {
                if self.interfaces.len() < MAX_INTERFACES {
                    self.interfaces.push(Interface {
                        link: interface.linktype.0,
                        units_per_s: interface.ts_resolution().unwrap_or(1_000_000).max(1),
                        offset_s: interface.ts_offset(),
                    });
                }
                None
            }
            Block::EnhancedPacket(packet) => {
                let interface = *self.interfaces.get(packet.if_id as usize)?;
                let time = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                let ms = u128::from(time) * 1_000 / u128::from(interface.units_per_s);
                let ms = i128::try_from(ms).unwrap_or(i128::MAX);
                let ms = ms.saturating_add(i128::from(interface.offset_s) * 1_000);
                let at = Millis(u64::try_from(ms).unwrap_or(0));
                Some(Packet { at, link: interface.link, data: packet.packet_data() })
            }
            // A packet without a time, as a pcapng may have them: when it was is not known.
            _ => None,
        }
    }
}
