//! TCP segments in packets.

use super::packets::Packet;
use engine::time::Millis;
use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use std::net::{IpAddr, SocketAddr};

/// A segment.
pub(super) struct Segment<'a> {
    pub(super) at: Millis,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) seq: u32,
    pub(super) begins: bool,
    pub(super) is_answered: bool,
    pub(super) ends: bool,
    pub(super) payload: &'a [u8],
}

/// Headers that a packet may begin with, as pcap counts them.
mod link {
    pub(super) const NULL: i32 = 0;
    pub(super) const ETHERNET: i32 = 1;
    pub(super) const RAW: [i32; 5] = [12, 14, 101, 228, 229];
    pub(super) const LOOP: i32 = 108;
    pub(super) const LINUX: i32 = 113;
    pub(super) const LINUX_2: i32 = 276;
}

/// The segment in a packet, if one is in it. Ethernet with and without VLAN tags, Linux's "any"
/// interface, loopback and bare IP are known.
pub(super) fn segment<'a>(packet: &Packet<'a>) -> Option<Segment<'a>> {
    let data = packet.data;
    let sliced = match packet.link {
        link::ETHERNET => LaxSlicedPacket::from_ethernet(data).ok()?,
        link::NULL | link::LOOP => LaxSlicedPacket::from_ip(data.get(4..)?).ok()?,
        link::LINUX => by_type(data.get(14..16)?, data.get(16..)?),
        link::LINUX_2 => by_type(data.get(..2)?, data.get(20..)?),
        raw if link::RAW.contains(&raw) => LaxSlicedPacket::from_ip(data).ok()?,
        _ => return None,
    };
    let (source, destination): (IpAddr, IpAddr) = match sliced.net? {
        LaxNetSlice::Ipv4(ip) if !ip.payload().fragmented => {
            let header = ip.header();
            (header.source_addr().into(), header.destination_addr().into())
        }
        LaxNetSlice::Ipv6(ip) if !ip.payload().fragmented => {
            let header = ip.header();
            (header.source_addr().into(), header.destination_addr().into())
        }
        // A PBX and its clients do not cut up packets: TCP fits them to the way.
        _ => return None,
    };
    let TransportSlice::Tcp(tcp) = sliced.transport? else { return None };
    Some(Segment {
        at: packet.at,
        from: SocketAddr::new(source, tcp.source_port()),
        to: SocketAddr::new(destination, tcp.destination_port()),
        seq: tcp.sequence_number(),
        begins: tcp.syn(),
        is_answered: tcp.ack(),
        ends: tcp.fin() || tcp.rst(),
        payload: tcp.payload(),
    })
}

fn by_type<'a>(kind: &[u8], data: &'a [u8]) -> LaxSlicedPacket<'a> {
    let kind = kind.first_chunk().map_or(0, |kind| u16::from_be_bytes(*kind));
    LaxSlicedPacket::from_ether_type(EtherType(kind), data)
}

/// A packet of Ethernet, perhaps with a VLAN tag, for tests. An IPv6 address ends like the IPv4 one.
#[cfg(test)]
pub(super) fn built(
    v6: bool,
    vlan: bool,
    [from, to]: [([u8; 4], u16); 2],
    seq: u32,
    data: &[u8],
    ends: bool,
) -> Vec<u8> {
    let six = |four: [u8; 4]| {
        let mut six = [0x20; 16];
        six[12..].copy_from_slice(&four);
        six
    };
    let ethernet = etherparse::PacketBuilder::ethernet2([2; 6], [4; 6]);
    let tag = etherparse::VlanId::try_new(7).unwrap_or_default();
    let ip = match (vlan, v6) {
        (false, false) => ethernet.ipv4(from.0, to.0, 60),
        (false, true) => ethernet.ipv6(six(from.0), six(to.0), 60),
        (true, false) => ethernet.single_vlan(tag).ipv4(from.0, to.0, 60),
        (true, true) => ethernet.single_vlan(tag).ipv6(six(from.0), six(to.0), 60),
    };
    let tcp = ip.tcp(from.1, to.1, seq, 8_000).ack(1);
    let tcp = if ends { tcp.fin() } else { tcp };
    let mut bytes = Vec::new();
    // Into memory it cannot fail.
    let _ = tcp.write(&mut bytes, data);
    bytes
}
