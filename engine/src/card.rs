//! Who is who in a call: from the PBX's parties to the party ids of LINECALLINFO.

use crate::fact::{Parties, Party, Role};
use crate::forwarding::Case;
use crate::tapi::{call_info_state as changed, origin, party_id, reason};
use crate::view::{CallCard, PartyId};

/// Most parties kept of one call; the reference names nine roles.
pub const MAX_PARTIES: usize = 16;

/// Merges what an event tells into what is known. A role that an event leaves out is not removed:
/// the PBX may send only what changed. Returns whether anything changed.
pub fn merge(known: &mut Parties, told: Parties) -> bool {
    let is_known = |party: &Party| known.iter().any(|have| have == party);
    if known.are_one_with(&told) || told.iter().all(is_known) {
        return false;
    }
    if known.is_empty() && told.len() <= MAX_PARTIES && has_each_role_once(&told) {
        *known = told;
        return true;
    }
    let mut merged = known.to_vec();
    let mut any = false;
    for party in &told {
        match merged.iter().position(|have| have.role == party.role) {
            Some(index) if merged[index] == *party => {}
            Some(index) => {
                merged[index] = party.clone();
                any = true;
            }
            None if merged.len() < MAX_PARTIES => {
                merged.push(party.clone());
                any = true;
            }
            None => {}
        }
    }
    if any {
        *known = merged.into();
    }
    any
}

fn has_each_role_once(parties: &[Party]) -> bool {
    let before = |index: usize| parties[..index].iter();
    parties.iter().enumerate().all(|(index, party)| before(index).all(|it| it.role != party.role))
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
    /// For which case the user who diverted an incoming call did so, if that is known.
    pub forwarded: Option<Case>,
    /// Why an incoming call is here, if that is known otherwise than by its parties.
    pub reason: Option<u32>,
}

/// Fills the party ids, origin and reason of a card (TSPI: party ids of LINECALLINFO). The called
/// party of an outgoing call is the first one known and stays, whoever answers in the end. Returns
/// LINECALLINFOSTATE bits for what is other than before.
pub fn fill(card: &mut CallCard, parties: &[Party], standpoint: Standpoint<'_>) -> u32 {
    let parts = Parts::of(parties);
    let before = (card.origin, card.reason);
    let redirecting = parts.transferring.or(parts.diverting);
    let mut bits = 0;
    if standpoint.outgoing {
        (card.origin, card.reason) = (origin::OUTBOUND, reason::DIRECT);
        bits |= set(&mut card.caller, parts.this, party_id::UNAVAIL, changed::CALLERID);
        // Whoever sent the call on first is the one who was called.
        let wanted = parts.first_diverting.or(parts.peer);
        bits |= set_called_by_us(&mut card.called, wanted, standpoint.dialled);
    } else {
        card.origin = parts.origin();
        card.reason = standpoint.reason.unwrap_or_else(|| parts.reason(standpoint.forwarded));
        bits |= set(&mut card.caller, parts.peer, parts.nobody(), changed::CALLERID);
        let called = parts.first_called();
        bits |= set(&mut card.called, called, party_id::UNAVAIL, changed::CALLEDID);
    }
    let at_other_end = parts.peer.filter(|_| standpoint.connected);
    bits |= set(&mut card.connected, at_other_end, party_id::UNKNOWN, changed::CONNECTEDID);
    let or_else = party_id::UNAVAIL;
    bits |= set(&mut card.redirecting, redirecting, or_else, changed::REDIRECTINGID);
    let (sent_to, or_else) = match redirecting {
        Some(_) if standpoint.outgoing => (parts.peer, party_id::UNKNOWN),
        Some(_) => (parts.this, party_id::UNKNOWN),
        None => (None, or_else),
    };
    bits |= set(&mut card.redirection, sent_to, or_else, changed::REDIRECTIONID);
    bits | bit(before.0 != card.origin, changed::ORIGIN)
        | bit(before.1 != card.reason, changed::REASON)
}

/// Lets a party id name a party; `or_else` is its flag if there is nothing to say of it. Returns
/// that bit if it is other than before.
fn set(id: &mut PartyId, party: Option<&Party>, or_else: u32, bit_of_it: u32) -> u32 {
    let (number, name) = party.map_or(("", ""), |party| (number(party), name(party)));
    bit(id.set(number, name, or_else), bit_of_it)
}

fn bit(differs: bool, bit: u32) -> u32 {
    if differs { bit } else { 0 }
}

/// The parties of a call by the part they play; one of whom nothing is known plays none.
struct Parts<'a> {
    this: Option<&'a Party>,
    peer: Option<&'a Party>,
    /// Last user that sent the call on before it was answered, and the first one.
    diverting: Option<&'a Party>,
    first_diverting: Option<&'a Party>,
    /// Last user that transferred the call; of a call picked up, where it was ringing.
    transferring: Option<&'a Party>,
    is_picking: bool,
    /// The PBX names a peer and says nothing of who it is.
    is_anonymous: bool,
}

impl<'a> Parts<'a> {
    fn of(parties: &'a [Party]) -> Parts<'a> {
        let find = |role: Role| parties.iter().find(|party| party.role == role);
        let somebody = |role: Role| find(role).filter(|party| is_somebody(party));
        let diverting = somebody(Role::Leg2);
        let peer = somebody(Role::Peer);
        Parts {
            this: find(Role::This),
            peer,
            diverting,
            first_diverting: somebody(Role::Leg2Orig).or(diverting),
            transferring: somebody(Role::Ct),
            is_picking: find(Role::Picking).is_some(),
            is_anonymous: peer.is_none() && find(Role::Peer).is_some(),
        }
    }

    /// An object of the PBX has names; a caller from beyond a trunk has a number at best.
    fn origin(&self) -> u32 {
        match self.peer {
            Some(peer) if !peer.cn.is_empty() || !peer.h323.is_empty() => origin::INTERNAL,
            Some(_) => origin::EXTERNAL,
            None => origin::INBOUND,
        }
    }

    /// Why an incoming call came here.
    fn reason(&self, forwarded: Option<Case>) -> u32 {
        match (self.transferring, self.diverting) {
            _ if self.is_picking => reason::PICKUP,
            // The user's own transfer found nobody and came back.
            (Some(by), _) if self.is_this(by) => reason::REMINDER,
            (Some(_), _) => reason::TRANSFER,
            // The PBX does not say whether it was busy, no answer or unconditional, or somebody who
            // sent it on. Where that is not known otherwise, only this much is true of all of them.
            (None, Some(_)) => match forwarded {
                Some(Case::Always) => reason::FWDUNCOND,
                Some(Case::Busy) => reason::FWDBUSY,
                Some(Case::NoAnswer) => reason::FWDNOANSWER,
                Some(Case::BusyOrNoAnswer) | None => reason::REDIRECT,
            },
            (None, None) => reason::DIRECT,
        }
    }

    /// Whom the caller of an incoming call wanted.
    fn first_called(&self) -> Option<&'a Party> {
        let picked_up_at = self.transferring.filter(|_| self.is_picking);
        self.first_diverting.or(picked_up_at).or(self.this)
    }

    /// What to say of a caller of whom there is nothing to say.
    fn nobody(&self) -> u32 {
        if self.is_anonymous { party_id::BLOCKED } else { party_id::UNKNOWN }
    }

    fn is_this(&self, party: &Party) -> bool {
        let same = |this: &Party| {
            (!this.h323.is_empty() && this.h323 == party.h323)
                || (!this.e164.is_empty() && this.e164 == party.e164)
        };
        self.this.is_some_and(same)
    }
}

/// LINECALLINFOSTATE bits for what differs between two cards.
#[must_use]
pub fn difference(before: &CallCard, after: &CallCard) -> u32 {
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
fn set_called_by_us(so_far: &mut PartyId, peer: Option<&Party>, dialled: Option<&str>) -> u32 {
    let stays = !so_far.number.is_empty();
    let is_other = match (dialled, peer) {
        (Some(dialled), Some(peer)) if peer.e164.text() == dialled => {
            so_far.set(dialled, name(peer), 0)
        }
        (Some(dialled), _) => !stays && so_far.set(dialled, "", party_id::UNKNOWN),
        (None, Some(peer)) => {
            (!stays || so_far.number.is(number(peer)))
                && so_far.set(number(peer), name(peer), party_id::UNKNOWN)
        }
        (None, None) => false,
    };
    bit(is_other, changed::CALLEDID)
}

/// The number to show: what the user would dial, or the name to dial if there is none.
fn number(party: &Party) -> &str {
    if party.e164.is_empty() { party.h323.text() } else { party.e164.text() }
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
    use crate::view::Wide;

    fn party(role: Role, cn: &str, e164: &str) -> Party {
        Party { role, cn: cn.into(), e164: e164.into(), ..Party::default() }
    }

    const INCOMING: Standpoint<'_> = Standpoint {
        outgoing: false,
        connected: false,
        dialled: None,
        forwarded: None,
        reason: None,
    };

    fn incoming(parties: &[Party]) -> CallCard {
        let mut card = CallCard::default();
        fill(&mut card, parties, INCOMING);
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
        assert_eq!((card.origin, card.reason), (origin::INTERNAL, reason::REDIRECT));
    }

    #[test]
    fn the_first_one_who_diverted_a_call_was_called_and_the_last_one_redirects() {
        let card = incoming(&[
            party(Role::This, "Cleo", "22"),
            party(Role::Peer, "", "0301234567"),
            party(Role::Leg2, "Dora", "23"),
            party(Role::Leg2Orig, "Ben", "21"),
        ]);
        assert_eq!(card.called.name.to_text(), "Ben");
        assert_eq!(card.redirecting.name.to_text(), "Dora");
        assert_eq!((card.origin, card.reason), (origin::EXTERNAL, reason::REDIRECT));
    }

    #[test]
    fn who_was_called_is_the_one_who_sent_the_call_on_first_at_both_ends() {
        for dialled in [Some("21"), None] {
            let mut card = CallCard::default();
            let standpoint = Standpoint {
                outgoing: true,
                connected: false,
                dialled,
                forwarded: None,
                reason: None,
            };
            let parties = [
                party(Role::This, "Anna", "20"),
                party(Role::Peer, "Cleo", "22"),
                party(Role::Leg2, "Ben", "21"),
            ];
            fill(&mut card, &parties, standpoint);
            assert_eq!(card.called.number.to_text(), "21");
            assert_eq!(card.called.name.to_text(), "Ben", "{dialled:?}");
            assert_eq!(card.redirection.number.to_text(), "22");
        }
    }

    #[test]
    fn a_call_that_was_forwarded_says_in_which_case_if_that_is_known() {
        let parties = [
            party(Role::This, "Cleo", "22"),
            party(Role::Peer, "Anna", "20"),
            party(Role::Leg2, "Ben", "21"),
        ];
        for (forwarded, expected) in [
            (None, reason::REDIRECT),
            (Some(Case::Always), reason::FWDUNCOND),
            (Some(Case::Busy), reason::FWDBUSY),
            (Some(Case::NoAnswer), reason::FWDNOANSWER),
        ] {
            let mut card = CallCard::default();
            let standpoint = Standpoint {
                outgoing: false,
                connected: false,
                dialled: None,
                forwarded,
                reason: None,
            };
            fill(&mut card, &parties, standpoint);
            assert_eq!(card.reason, expected, "{forwarded:?}");
        }
    }

    #[test]
    fn a_transferred_call_names_who_transferred_it() {
        let this = party(Role::This, "Cleo", "22");
        let peer = party(Role::Peer, "Anna", "20");
        let card = incoming(&[this.clone(), peer.clone(), party(Role::Ct, "Ben", "21")]);
        assert_eq!(card.reason, reason::TRANSFER);
        assert_eq!(card.caller.number.to_text(), "20");
        assert_eq!(card.called.number.to_text(), "22");
        assert_eq!(card.redirecting.name.to_text(), "Ben");
        assert_eq!(card.redirection.name.to_text(), "Cleo");
        let returned = incoming(&[this, peer, party(Role::Ct, "Cleo", "22")]);
        assert_eq!(returned.reason, reason::REMINDER, "the user's own transfer came back");
    }

    #[test]
    fn a_call_picked_up_was_meant_for_the_place_where_it_rang() {
        let card = incoming(&[
            party(Role::This, "Dora", "23"),
            party(Role::Peer, "Anna", "20"),
            party(Role::Picking, "", ""),
            party(Role::Ct, "Ben", "21"),
        ]);
        assert_eq!(card.reason, reason::PICKUP);
        assert_eq!(card.caller.number.to_text(), "20");
        assert_eq!(card.called.number.to_text(), "21");
        assert_eq!(card.redirecting.number.to_text(), "21");
        assert_eq!(card.redirection.number.to_text(), "23");
    }

    #[test]
    fn a_call_parked_here_says_so() {
        let mut card = CallCard::default();
        let parties = [party(Role::This, "Ben", "21"), party(Role::Peer, "Anna", "20")];
        fill(
            &mut card,
            &parties,
            Standpoint { reason: Some(reason::PARKED), connected: true, ..INCOMING },
        );
        assert_eq!(card.reason, reason::PARKED);
        assert_eq!(card.connected.number.to_text(), "20");
    }

    #[test]
    fn a_caller_who_hides_is_blocked_and_one_not_yet_named_is_unknown() {
        let this = party(Role::This, "Anna", "20");
        let hidden = incoming(&[this.clone(), party(Role::Peer, "", "")]);
        assert_eq!((hidden.caller.flags, hidden.origin), (party_id::BLOCKED, origin::INBOUND));
        let unknown = incoming(&[this]);
        assert_eq!((unknown.caller.flags, unknown.origin), (party_id::UNKNOWN, origin::INBOUND));
    }

    #[test]
    fn an_outgoing_call_that_was_diverted_keeps_whom_it_called_and_names_the_rest() {
        let mut card = CallCard::default();
        let standpoint = Standpoint { outgoing: true, connected: true, ..INCOMING };
        let this = party(Role::This, "Anna", "20");
        let ben = party(Role::Peer, "Ben", "21");
        fill(&mut card, &[this.clone(), ben], standpoint);
        let cleo = party(Role::Peer, "Cleo", "22");
        fill(&mut card, &[this, cleo, party(Role::Leg2, "Ben", "21")], standpoint);
        assert_eq!((card.origin, card.reason), (origin::OUTBOUND, reason::DIRECT));
        assert_eq!(card.called.number.to_text(), "21");
        assert_eq!(card.connected.number.to_text(), "22");
        assert_eq!(card.redirecting.number.to_text(), "21");
        assert_eq!(card.redirection.number.to_text(), "22");
    }

    #[test]
    fn every_item_of_a_card_has_its_bit() {
        let text = || PartyId::new(Wide::from_text("20"), Wide::default(), 0);
        type Change = fn(&mut CallCard, PartyId);
        let changes: [(Change, u32); 12] = [
            (|card, _| card.origin = 4, changed::ORIGIN),
            (|card, _| card.reason = 4, changed::REASON),
            (|card, _| card.call_id = 4, changed::CALLID),
            (|card, _| card.related_call_id = 4, changed::RELATEDCALLID),
            (|card, _| card.media = 4, changed::MEDIAMODE),
            (|card, _| card.app_specific = 4, changed::APPSPECIFIC),
            (|card, party| card.caller = party, changed::CALLERID),
            (|card, party| card.called = party, changed::CALLEDID),
            (|card, party| card.connected = party, changed::CONNECTEDID),
            (|card, party| card.redirection = party, changed::REDIRECTIONID),
            (|card, party| card.redirecting = party, changed::REDIRECTINGID),
            (|card, party| card.uui = party.number, changed::USERUSERINFO),
        ];
        let before = CallCard::default();
        for (change, bit) in changes {
            let mut after = before.clone();
            change(&mut after, text());
            assert_eq!(difference(&before, &after), bit);
            assert_ne!(crate::capability::CALL_INFO_STATES & bit, 0, "claimed");
        }
    }

    #[test]
    fn the_called_party_of_an_outgoing_call_stays_the_one_dialled() {
        let mut card = CallCard::default();
        let standpoint = Standpoint {
            outgoing: true,
            connected: true,
            dialled: Some("21"),
            forwarded: None,
            reason: None,
        };
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
        let mut known = Parties::NONE;
        let both = Parties::from([party(Role::This, "Anna", "20"), party(Role::Peer, "", "030")]);
        assert!(merge(&mut known, both.clone()));
        assert!(known.are_one_with(&both), "nothing is copied");
        assert!(!merge(&mut known, both.clone()));
        assert!(!merge(&mut known, Parties::NONE));
        let late = [party(Role::Peer, "Late Name", "030")];
        assert!(merge(&mut known, late.clone().into()));
        assert_eq!(*known, [both[0].clone(), late[0].clone()]);
        assert!(!merge(&mut known, late.into()));
        assert!(merge(&mut known, both.clone()));
        assert_eq!(known, both);
    }

    #[test]
    fn a_role_told_twice_is_what_was_told_last() {
        let [ann, ben] = ["Ann", "Ben"].map(|name| party(Role::Peer, name, "21"));
        let mut known = Parties::NONE;
        assert!(merge(&mut known, [ann.clone(), ben.clone()].into()));
        assert!(known.iter().eq([&ben]));
        assert!(merge(&mut known, [ann, ben.clone()].into()));
        assert_eq!(*known, [ben]);
    }

    #[test]
    fn no_more_parties_are_kept_than_there_is_room_for() {
        let roles = || (0..100).map(|n| Role::Other(format!("role {n}").into()));
        let mut known = Parties::NONE;
        assert!(merge(&mut known, roles().map(|role| party(role, "", "20")).collect()));
        assert_eq!(known.len(), MAX_PARTIES);
        let before = known.clone();
        assert!(!merge(&mut known, roles().skip(50).map(|role| party(role, "", "20")).collect()));
        assert!(known.are_one_with(&before));
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
