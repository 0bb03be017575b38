//! What the telephony server and its applications say.

use super::*;
use crate::diversion::{Diversion, Kind, Sources, Target, UserRecord};
use crate::forwarding::{Forward, Forwarding};
use crate::place::Place;

impl History {
    pub(super) fn restart(&mut self) {
        self.is_up = false;
        self.requests.clear();
        self.legs.clear();
        self.users.iter_mut().for_each(|user| user.opening = 0);
        self.host(HostFact::Started);
        self.configure(false);
    }

    pub(super) fn configure(&mut self, single_active_call: bool) {
        self.host(HostFact::Configured(Configuration {
            user: Personal::from("TAPI"),
            pbxs: vec![PbxSettings { master: Place::at("pbx.example.com"), standby: None }],
            name_template: "%c".into(),
            single_active_call,
            ..Configuration::default()
        }));
    }

    pub(super) fn open(&mut self, user: usize) {
        if self.users[user].opening == 0 {
            let opening = self.number();
            self.users[user].opening = opening;
            let (line, opening) = (line_of(user), Opening(opening));
            self.host(HostFact::LineOpened { line, opening, version: 0x0003_0000 });
        }
    }

    pub(super) fn close(&mut self, user: usize) {
        let opening = std::mem::take(&mut self.users[user].opening);
        if opening != 0 {
            self.host(HostFact::LineClosed { line: line_of(user), opening: Opening(opening) });
        }
    }

    pub(super) fn status_messages(&mut self, user: u8, bits: u8) {
        let line = line_of(pick(user, &self.users));
        let bits = u32::from(bits);
        self.host(HostFact::StatusMessages { line, line_states: bits, address_states: bits });
    }

    pub(super) fn forget(&mut self, leg: usize, refused: bool) {
        let call = self.legs[leg].id;
        self.host(if refused {
            HostFact::NewCallRefused(call)
        } else {
            HostFact::CallClosed(call)
        });
    }

    pub(super) fn make_call(&mut self, user: usize, peer: u8) {
        if self.users[user].opening == 0 {
            return;
        }
        let call = self.next_made(user);
        let number = Personal::from(name(peer).1);
        let command = Command::MakeCall {
            call,
            number,
            block_id: peer.is_multiple_of(7),
            country_code: 0,
            call_param_flags: 0,
        };
        self.request(user, call, peer, command);
    }

    pub(super) fn ask(&mut self, leg: usize, command: impl Fn(CallId) -> Command) {
        let Leg { user, id, peer, .. } = self.legs[leg];
        if self.users[user].opening != 0 {
            self.request(user, id, peer, command(id));
        }
    }

    /// None, one or two forwards.
    pub(super) fn forward(&mut self, user: usize, what: u8) {
        if self.users[user].opening == 0 {
            return;
        }
        let modes = [1, 1 << (what % 16), 1 << (what / 16)];
        let forward = |mode: &u32| Forward::of(*mode, "30".into(), NAMES[0].1.into());
        let forwards = modes.iter().skip(1 + usize::from(what % 3)).filter_map(forward).collect();
        let (request, rings) = (RequestId(self.number()), u32::from(what % 5));
        self.command(user, request, Command::Forward(Forwarding { forwards, rings }));
    }

    /// The model does not know what was asked, so the answer may be one to something else.
    pub(super) fn record(&mut self, user: usize, which: u8, how: u8) {
        let kinds = [Kind::Always, Kind::Busy, Kind::NoAnswer];
        let diversion = |n: u8| Diversion {
            kind: kinds[usize::from(how / 8 + n) % 3],
            to: Target::Number(NAMES[0].1.into()),
            sources: Sources::All,
            element: Personal::from("<cd/>"),
        };
        let reply = match how % 8 {
            0 => Reply::Failed(Failure::TimedOut),
            1 => Reply::Failed(Failure::Fault("not by this account".into())),
            2 => Reply::Refused,
            3 | 4 => Reply::Taken,
            _ => Reply::Record(UserRecord {
                diversions: (0..how % 3).map(diversion).collect(),
                no_answer_s: how.is_multiple_of(2).then_some(15),
                print: u32::from(how),
            }),
        };
        let ticket = Ticket::question(u32::from(which));
        self.say(Event::Reply(line_of(user), ticket, reply));
    }

    /// A function that goes with a leg as it stands, now and then one that does not.
    pub(super) fn ask_more(&mut self, kind: u8, leg: usize, other: u8) {
        let Leg { user, id: call, state, held, called, .. } = self.legs[leg];
        if self.users[user].opening == 0 {
            return;
        }
        let beside = self.legs.iter().find(|leg| leg.user == user && leg.id != call);
        let second = beside.map_or(call, |leg| leg.id);
        let number = Personal::from(name(other).1);
        let swap = Command::SwapHold { active: call, held: second };
        let command = match (state, held, kind % 5) {
            (CONNECTED, false, 0) | (_, _, 4) => Command::Hold(call),
            (CONNECTED, false, 1) => swap,
            (CONNECTED, false, 2) => Command::BlindTransfer { call, number },
            (CONNECTED, false, _) => return self.consult(user, call, other),
            (CONNECTED, true, 0) => Command::Unhold(call),
            (CONNECTED, true, _) => {
                let conference = other.is_multiple_of(3).then(|| self.next_made(user));
                self.users[user].conference = conference.or(self.users[user].conference);
                Command::CompleteTransfer { call, consultation: second, conference }
            }
            (_, _, 0 | 1) if called => Command::Redirect { call, number },
            _ => return self.pick_up(user, other),
        };
        self.request(user, call, other, command);
    }

    /// The same for digits, texts, parking and conferences.
    pub(super) fn ask_beyond(&mut self, kind: u8, leg: usize, other: u8) {
        let Leg { user, id: call, .. } = self.legs[leg];
        if self.users[user].opening == 0 {
            return;
        }
        let number = || Personal::from(name(other).1);
        let conference = self.users[user].conference.unwrap_or(call);
        let command = match kind % 11 {
            0 => Command::Dial { call, number: number() },
            1 | 2 => {
                let digits = if kind % 11 == 1 { number() } else { Personal::default() };
                let request = RequestId(RequestId::FIRST_OWN + self.number());
                let command = Command::GenerateDigits { call, digits, tag: u32::from(other) };
                return self.request_as(request, user, call, other, command);
            }
            3 => Command::SendUserUserInfo { call, user_info: number() },
            4 => Command::Park { call, at: ParkPlace::Nondirected },
            5 => Command::Park { call, at: ParkPlace::Directed(number()) },
            6 => {
                let made = self.next_made(user);
                let command = Command::Unpark { call: made, from: number() };
                return self.request(user, made, other, command);
            }
            7 => {
                let (conference, made) = (self.next_made(user), self.next_made(user));
                self.users[user].conference = Some(conference);
                let consultation = Consultation {
                    call: made,
                    number: number(),
                    block_id: false,
                    call_param_flags: 0,
                };
                let command =
                    Command::SetupConference { call: Some(call), conference, consultation };
                return self.request(user, made, other, command);
            }
            8 => Command::AddToConference { conference, consultation: call },
            9 => Command::RemoveFromConference(call),
            _ => Command::Drop(conference),
        };
        self.request(user, call, other, command);
    }

    /// A conference as it goes when nothing comes between; chance alone would hardly ever make one.
    pub(super) fn confer(&mut self, user: usize, to: u8) {
        let before = self.legs.len();
        self.talk(user, to);
        if self.legs.len() == before || self.users[user].opening == 0 {
            return;
        }
        let first = before;
        self.ask_beyond(7, first, to);
        self.hold(first);
        // Whatever was asked before is answered first.
        while !self.requests.is_empty() {
            self.reply(2);
        }
        let second = self.legs.len() - 1;
        if second == first {
            return;
        }
        (0..3).for_each(|_| self.advance(second));
        self.ask_beyond(8, second, to);
        self.hold(first);
        self.reply(2);
    }

    pub(super) fn consult(&mut self, user: usize, call: CallId, to: u8) {
        let made = self.next_made(user);
        let consultation = Consultation {
            call: made,
            number: name(to).1.into(),
            block_id: false,
            call_param_flags: 0,
        };
        self.request(user, made, to, Command::SetupTransfer { call, consultation });
    }

    pub(super) fn pick_up(&mut self, user: usize, from: u8) {
        let place = match from % 3 {
            0 => PickupFrom::Anywhere,
            1 => PickupFrom::Group("sales".into()),
            _ => PickupFrom::Station(name(from).1.into()),
        };
        let made = self.next_made(user);
        self.request(user, made, from, Command::Pickup { call: made, from: place });
    }

    pub(super) fn next_made(&mut self, user: usize) -> CallId {
        let serial = CallId::FIRST_MADE + self.users[user].made_calls;
        self.users[user].made_calls += 1;
        CallId { line: line_of(user), serial }
    }

    pub(super) fn request(&mut self, user: usize, call: CallId, peer: u8, command: Command) {
        let request = RequestId(self.number());
        self.request_as(request, user, call, peer, command);
    }

    pub(super) fn request_as(
        &mut self,
        request: RequestId,
        user: usize,
        call: CallId,
        peer: u8,
        command: Command,
    ) {
        // A conference is a call that the PBX knows nothing of.
        let makes_call =
            command.makes()[0].is_some() && !matches!(command, Command::CompleteTransfer { .. });
        let parks = matches!(command, Command::Park { .. });
        let looks_up = matches!(
            command,
            Command::Pickup { from: PickupFrom::Station(_), .. }
                | Command::Park { at: ParkPlace::Directed(_), .. }
        );
        let ticket = self.command(user, request, command);
        self.requests.push(Open { ticket, call, peer, makes_call, looks_up, parks });
    }

    /// The name under which the line will ask for the answer.
    pub(super) fn command(&mut self, user: usize, request: RequestId, command: Command) -> Ticket {
        self.users[user].turns += 1;
        let opening = Opening(self.users[user].opening);
        self.say(Event::App(line_of(user), opening, request, command));
        Ticket { request, turn: self.users[user].turns }
    }

    pub(super) fn reply(&mut self, how: u8) {
        if self.requests.is_empty() {
            return;
        }
        let Open { ticket, call, peer, makes_call, looks_up, parks } = self.requests.remove(0);
        if looks_up && !how.is_multiple_of(4) {
            let found = (how % 4 != 1).then(|| Personal::from("Ben"));
            let known = Open { ticket, call, peer, makes_call, looks_up: false, parks };
            self.requests.extend(found.is_some().then_some(known));
            return self.say(Event::Reply(call.line, ticket, Reply::Found(found)));
        }
        let handle = self.number();
        let reply = match (how % 4, makes_call) {
            (0, _) => Reply::Failed(Failure::TimedOut),
            (1, true) => Reply::Calling(CallHandle(0)),
            (1, false) => Reply::Refused,
            (_, true) => Reply::Calling(CallHandle(handle)),
            _ if parks => Reply::Parked(CallHandle(handle)),
            (_, false) => Reply::Taken,
        };
        let leads_to_leg = reply == Reply::Calling(CallHandle(handle));
        let reply = Event::Reply(call.line, ticket, reply);
        let user = call.line.0 as usize - 1;
        // The first event of the leg may come in before the answer that names it.
        if leads_to_leg && how >= 128 {
            self.new_leg(user, call, handle, false, peer);
            self.say(reply);
        } else {
            self.say(reply);
            if leads_to_leg {
                self.new_leg(user, call, handle, false, peer);
            }
        }
    }

    pub(super) fn due(&mut self, kind: u8, which: u8) {
        let generation = u32::from(which % 4);
        let leg = self.legs.get(usize::from(which) % self.legs.len().max(1));
        let line = line_of(pick(which, &self.users));
        let timer = match (kind % 7, leg, self.requests.first()) {
            (0, ..) => Timer::Reconnect(PBX, self.attempt),
            (1, ..) => Timer::PollPause(PBX, self.attempt),
            (2, ..) => Timer::Settled(PBX, self.attempt),
            (3, _, Some(open)) => Timer::Deadline(open.call.line, open.ticket),
            (4, Some(leg), _) => Timer::Ring(leg.id, generation),
            (5, Some(leg), _) => Timer::NewCallAgain(leg.id, generation),
            _ => Timer::Grace(line, self.attempt),
        };
        self.say(Event::Due(timer));
    }
}
