//! Who is who in a call: from the PBX's parties to the party ids of LINECALLINFO.

use crate::fact::{Party, Role};
use crate::tapi::{call_info_state as changed, origin, party_id, reason};
use crate::view::{CallCard, PartyId, Wide};

/// Most parties kept of one call; the reference names nine roles.
pub const MAX_PARTIES: usize = 16;

/// Merges what an event tells into what is known. A role that an event leaves out is not removed:
/// the PBX may send only what changed. Returns whether anything changed.
pub fn merge(known: &mut Vec<Party>, told: Vec<Party>) -> bool {
    let mut any = false;
    for party in told {
        match known.iter().position(|have| have.role == party.role) {
            Some(index) if known[index] == party => {}
            Some(index) => {
                known[index] = party;
                any = true;
            }
            None if known.len() < MAX_PARTIES => {
                known.push(party);
                any = true;
            }
            None => {}
        }
    }
    any
}

/// What a card is made from, beside the parties.
#[derive(Clone, Copy, Debug)]
pub struct Standpoint<'a> {
    /// Made at this line.
    pub outgoing: bool,
    /// Connected now or before.
    pub connected: bool,
    /// The number that an application dialled, if one did.
    pub dialled: Option<&'a str>,
}

/// Fills the party ids, origin and reason of a card (TSPI: party ids of LINECALLINFO). The called
/// party of an outgoing call is the first one known and stays, whoever answers in the end.
pub fn fill(card: &mut CallCard, parties: &[Party], standpoint: Standpoint<'_>) {
    let find = |role: Role| parties.iter().find(|party| party.role == role);
    let this = find(Role::This);
    let peer = find(Role::Peer).filter(|peer| is_somebody(peer));
    let diverting = find(Role::Leg2).filter(|party| is_somebody(party));
    let first_diverting = find(Role::Leg2Orig).filter(|party| is_somebody(party)).or(diverting);
    let transferring = find(Role::Ct).filter(|party| is_somebody(party));

    if standpoint.outgoing {
        card.origin = origin::OUTBOUND;
        card.reason = reason::DIRECT;
        card.caller = known(this, party_id::UNAVAIL);
        card.called = called_by_us(&card.called, peer, standpoint.dialled);
    } else {
        card.origin = match peer {
            Some(peer) if !peer.cn.is_empty() || !peer.h323.is_empty() => origin::INTERNAL,
            _ => origin::EXTERNAL,
        };
        card.reason = if find(Role::Picking).is_some() {
            reason::PICKUP
        } else if transferring.is_some() {
            reason::TRANSFER
        } else if diverting.is_some() {
            // The PBX does not say whether it was busy, no answer or unconditional.
            reason::UNKNOWN
        } else {
            reason::DIRECT
        };
        card.caller = known(peer, party_id::UNKNOWN);
        // What is picked up was meant for the station at which it rang.
        let called = if card.reason == reason::PICKUP { transferring } else { first_diverting };
        card.called = known(called.or(this), party_id::UNAVAIL);
    }
    card.connected =
        if standpoint.connected { known(peer, party_id::UNKNOWN) } else { PartyId::default() };
    let redirecting = transferring.or(diverting);
    card.redirecting = known(redirecting, party_id::UNAVAIL);
    card.redirection = match redirecting {
        Some(_) => known(if standpoint.outgoing { peer } else { this }, party_id::UNKNOWN),
        None => known(None, party_id::UNAVAIL),
    };
}

/// LINECALLINFOSTATE bits for what differs between two cards.
#[must_use]
pub fn difference(before: &CallCard, after: &CallCard) -> u32 {
    let bit = |differs: bool, bit: u32| if differs { bit } else { 0 };
    bit(before.origin != after.origin, changed::ORIGIN)
        | bit(before.reason != after.reason, changed::REASON)
        | bit(before.call_id != after.call_id, changed::CALLID)
        | bit(before.related_call_id != after.related_call_id, changed::RELATEDCALLID)
        | bit(before.media != after.media, changed::MEDIAMODE)
        | bit(before.app_specific != after.app_specific, changed::APPSPECIFIC)
        | bit(before.caller != after.caller, changed::CALLERID)
        | bit(before.called != after.called, changed::CALLEDID)
        | bit(before.connected != after.connected, changed::CONNECTEDID)
        | bit(before.redirection != after.redirection, changed::REDIRECTIONID)
        | bit(before.redirecting != after.redirecting, changed::REDIRECTINGID)
        | bit(before.uui != after.uui, changed::USERUSERINFO)
}

/// The called party of an outgoing call: the number as dialled, with the peer's name as long as
/// the peer is the one dialled; for a call dialled at the phone, the first peer known.
fn called_by_us(so_far: &PartyId, peer: Option<&Party>, dialled: Option<&str>) -> PartyId {
    match (dialled, peer) {
        (Some(number), Some(peer)) if peer.e164.text() == number => {
            PartyId::new(Wide::from_text(number), Wide::from_text(name(peer)), 0)
        }
        (Some(_), _) if !so_far.number.is_empty() => so_far.clone(),
        (Some(number), _) => {
            PartyId::new(Wide::from_text(number), Wide::default(), party_id::UNKNOWN)
        }
        (None, Some(peer)) => {
            let party = known(Some(peer), party_id::UNKNOWN);
            if so_far.number.is_empty() || so_far.number == party.number {
                party
            } else {
                so_far.clone()
            }
        }
        (None, None) => so_far.clone(),
    }
}

fn known(party: Option<&Party>, or_else: u32) -> PartyId {
    match party {
        Some(party) => {
            let number = if party.e164.is_empty() { party.h323.text() } else { party.e164.text() };
            PartyId::new(Wide::from_text(number), Wide::from_text(name(party)), or_else)
        }
        None => PartyId::new(Wide::default(), Wide::default(), or_else),
    }
}

/// The name to show: the display name if there is one, else the long name.
fn name(party: &Party) -> &str {
    if party.dn.is_empty() { party.cn.text() } else { party.dn.text() }
}

fn is_somebody(party: &Party) -> bool {
    !(party.e164.is_empty() && party.h323.is_empty() && party.cn.is_empty() && party.dn.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(role: Role, cn: &str, e164: &str) -> Party {
        Party { role, cn: cn.into(), e164: e164.into(), ..Party::default() }
    }

    fn incoming(parties: &[Party]) -> CallCard {
        let mut card = CallCard::default();
        let standpoint = Standpoint { outgoing: false, connected: false, dialled: None };
        fill(&mut card, parties, standpoint);
        card
    }

    #[test]
    fn an_inside_caller_is_internal_and_an_outside_one_external() {
        let this = party(Role::This, "Anna", "20");
        let inside = incoming(&[this.clone(), party(Role::Peer, "Bob & <Sons>", "21")]);
        assert_eq!((inside.origin, inside.reason), (origin::INTERNAL, reason::DIRECT));
        assert_eq!(inside.caller.number.to_text(), "21");
        assert_eq!(inside.caller.name.to_text(), "Bob & <Sons>");
        assert_eq!(inside.called.number.to_text(), "20");
        let outside = incoming(&[this, party(Role::Peer, "", "0301234567")]);
        assert_eq!(outside.origin, origin::EXTERNAL);
        assert_eq!(outside.caller.flags, party_id::ADDRESS);
    }

    #[test]
    fn a_diverted_call_names_who_diverted_it_and_who_was_called_first() {
        let card = incoming(&[
            party(Role::This, "Cleo", "22"),
            party(Role::Peer, "Anna", "20"),
            party(Role::Leg2, "Ben", "21"),
        ]);
        assert_eq!(card.called.number.to_text(), "21");
        assert_eq!(card.redirecting.number.to_text(), "21");
        assert_eq!(card.redirection.number.to_text(), "22");
    }

    #[test]
    fn the_called_party_of_an_outgoing_call_stays_the_one_dialled() {
        let mut card = CallCard::default();
        let standpoint = Standpoint { outgoing: true, connected: true, dialled: Some("21") };
        fill(&mut card, &[party(Role::This, "Anna", "20")], standpoint);
        assert_eq!(card.called.number.to_text(), "21");
        fill(&mut card, &[party(Role::Peer, "Ben", "21")], standpoint);
        assert_eq!(card.called.name.to_text(), "Ben");
        fill(&mut card, &[party(Role::Peer, "Cleo", "22")], standpoint);
        assert_eq!(card.called.number.to_text(), "21");
        assert_eq!(card.connected.number.to_text(), "22");
    }

    #[test]
    fn a_role_left_out_of_an_event_is_kept() {
        let mut known = vec![party(Role::This, "Anna", "20"), party(Role::Peer, "", "030")];
        assert!(!merge(&mut known, vec![]));
        assert!(merge(&mut known, vec![party(Role::Peer, "Late Name", "030")]));
        assert_eq!(known.len(), 2);
        assert!(!merge(&mut known, vec![party(Role::Peer, "Late Name", "030")]));
    }

    #[test]
    fn only_what_changed_is_announced() {
        let before = CallCard::default();
        let mut after = before.clone();
        assert_eq!(difference(&before, &after), 0);
        after.caller =
            PartyId::new(Wide::from_text("20"), Wide::from_text("Anna"), party_id::UNKNOWN);
        after.app_specific = 7;
        assert_eq!(difference(&before, &after), changed::CALLERID | changed::APPSPECIFIC);
    }
}
