//! Calls between the PBXs of a site.

use super::*;
use crate::simulator::model::{Asker, ConnectionId, Outcome, Phase, Polled};
use crate::soap::types::{AnyInfo, CallInfo};
use crate::soap::{Answer, Interface, Kind, Operation};
use engine::id::{Guid, UserHandle};

/// Three levels with standbys; Cleo and Finn are in a numbering node of their own, which they leave
/// by 9.
const SITE: &str = "name = \"hq\"\n\
    [[user]]\ncn = \"TAPI\"\nh323 = \"_TAPI_\"\npassword = \"secret\"\n\
    active_groups = [\"tapi\"]\nregistered = false\n\
    [[user]]\ncn = \"Anna\"\ne164 = \"20\"\ngroups = [\"tapi\"]\n\
    [[user]]\ncn = \"Eva\"\ne164 = \"21\"\ngroups = [\"tapi\"]\n\
    [[user]]\ncn = \"Trunk\"\ne164 = \"0\"\nobject = \"trunk\"\ntype = \"gw\"\n\
    [[pbx]]\nname = \"hq2\"\nstandby_of = \"hq\"\n\
    [[pbx]]\nname = \"branch\"\nslave_of = \"hq\"\n\
    [[pbx.user]]\ncn = \"Ben\"\ne164 = \"30\"\ngroups = [\"tapi\"]\n\
    [[pbx]]\nname = \"branch2\"\nstandby_of = \"branch\"\n\
    [[pbx]]\nname = \"kiosk\"\nslave_of = \"branch\"\n\
    [[pbx.user]]\ncn = \"lab\"\ne164 = \"7\"\nobject = \"node\"\nescape = \"9\"\n\
    [[pbx.user]]\ncn = \"Cleo\"\nh323 = \"cleo\"\ne164 = \"20\"\nnode = \"lab\"\nnodenum = \"7\"\ngroups = [\"tapi\"]\n\
    [[pbx.user]]\ncn = \"Finn\"\nh323 = \"finn\"\ne164 = \"21\"\nnode = \"lab\"\nnodenum = \"7\"\ngroups = [\"tapi\"]\n";

struct Campus(Site);

/// What monitors of a user at a PBX have been told.
struct Watch {
    at: usize,
    session: u32,
}

impl Campus {
    fn open() -> Campus {
        let mut site = Site::new(&Estate::parse(SITE).unwrap(), 1);
        for number in 0..site.count() {
            site.set_url(number, &format!("http://box{number}/PBX0/user.soap"));
        }
        Campus(site)
    }

    fn at(&self, name: &str) -> usize {
        self.0.number(name).unwrap()
    }

    fn say(&mut self, command: &str) {
        let said = crate::simulator::control::execute_in(command, &mut self.0, 0, Millis(1));
        said.unwrap_or_else(|error| panic!("{command}: {error}"));
    }

    /// The live legs of a PBX: extension, state bits, and which call by its place among all.
    fn legs(&self, name: &str) -> Vec<(String, u32)> {
        let calls = self.0.pbx(self.at(name)).calls();
        let legs = calls.iter().flat_map(|call| &call.legs);
        legs.filter(|leg| leg.phase < Phase::ClearedByPbx)
            .map(|leg| (leg.ext.clone(), leg.state))
            .collect()
    }

    fn confs(&self, name: &str) -> Vec<Guid> {
        self.0.pbx(self.at(name)).calls().iter().map(|call| call.conf).collect()
    }

    fn ask(&mut self, at: usize, operation: &Operation) -> Answer {
        let account = self.0.pbx(at).account("_TAPI_").unwrap().0;
        let interface = Interface::default();
        let asker = Asker { connection: ConnectionId(1), account, interface };
        let outcome = self.0.pbx_mut(at).request(Millis(1), &asker, operation).outcome;
        match outcome {
            Outcome::Answer(answer) => answer,
            Outcome::Wait(ticket) => match self.0.pbx_mut(at).poll(Millis(1), ticket) {
                Polled::Done(Outcome::Answer(answer)) => answer,
                _ => Answer::Poll(AnyInfo::default()),
            },
            other => panic!("{operation:?} came to {other:?}"),
        }
    }

    fn watch(&mut self, name: &str, cn: &str) -> (Watch, UserHandle) {
        let at = self.at(name);
        let initialize = Operation::Initialize { user: "TAPI".into(), appl: "t".into() };
        let Answer::Initialize { session, .. } = self.ask(at, &initialize) else { panic!() };
        let user = Operation::UserInitialize {
            session,
            user: cn.into(),
            xfer: false,
            disc: false,
            hw: "".into(),
        };
        let Answer::UserInitialize(handle) = self.ask(at, &user) else { panic!() };
        assert_ne!(handle, UserHandle(0), "{cn} is not in sight");
        let watch = Watch { at, session };
        self.told(&watch);
        (watch, handle)
    }

    fn told(&mut self, watch: &Watch) -> Vec<CallInfo> {
        let mut told = Vec::new();
        loop {
            let poll = Operation::Poll { session: watch.session };
            let Answer::Poll(any) = self.ask(watch.at, &poll) else { panic!() };
            if any == AnyInfo::default() {
                return told;
            }
            told.extend(any.call);
        }
    }
}

fn leg(ext: &str, state: u32) -> (String, u32) {
    (ext.to_owned(), state)
}

/// The number by which an event names a party.
fn number_of(info: &CallInfo, role: &str) -> String {
    let party = info.no.iter().find(|party| &*party.kind == role);
    party.map_or_else(String::new, |party| party.e164.text().to_owned())
}

#[test]
fn a_call_to_a_slave_is_one_call_with_a_leg_at_each_pbx() {
    let mut campus = Campus::open();
    campus.say("call 20 30");
    assert_eq!(campus.legs("hq"), [leg("20", 0x04)]);
    assert_eq!(campus.legs("branch"), [leg("30", 0x84)]);
    assert_eq!(campus.confs("hq"), campus.confs("branch"));
    campus.say("at branch answer 30");
    assert_eq!(
        (campus.legs("hq"), campus.legs("branch")),
        (vec![leg("20", 5)], vec![leg("30", 0x85)])
    );
    campus.say("at branch hold 30");
    assert_eq!(campus.legs("hq"), [leg("20", 0x205)]);
    assert_eq!(campus.legs("branch"), [leg("30", 0x185)]);
    campus.say("at branch retrieve 30");
    assert_eq!(campus.legs("hq"), [leg("20", 5)]);
    campus.say("hangup 20");
    assert_eq!((campus.legs("hq"), campus.legs("branch")), (vec![], vec![]));
    assert!((0..campus.0.count()).all(|at| campus.0.pbx(at).calls().is_empty()));
}

#[test]
fn events_of_both_ends_are_those_of_a_call_within_one_pbx() {
    let mut campus = Campus::open();
    let (anna, _) = campus.watch("hq", "Anna");
    let (ben, _) = campus.watch("branch", "Ben");
    let steps = ["call 20 30", "at branch answer 30", "at branch hold 30", "at branch hangup 30"];
    steps.into_iter().for_each(|command| campus.say(command));
    let heard = |told: Vec<CallInfo>| -> Vec<(String, u32)> {
        told.iter().map(|info| (info.msg.to_string(), info.state)).collect()
    };
    let (at_anna, at_ben) = (campus.told(&anna), campus.told(&ben));
    assert_eq!(number_of(&at_anna[2], "peer"), "30");
    assert_eq!(number_of(&at_ben[0], "peer"), "20");
    let expected = [
        ("x-setup", 1),
        ("r-call-proc", 3),
        ("r-alert", 4),
        ("r-conn", 5),
        ("r-held", 0x205),
        ("r-rel", 6),
        ("del", 6),
    ];
    assert_eq!(heard(at_anna), expected.map(|(msg, state)| (msg.to_owned(), state)));
    let expected = [
        ("r-setup", 0x81),
        ("x-alert", 0x84),
        ("x-conn", 0x85),
        ("update", 0x185),
        ("x-rel", 0x87),
        ("del", 0x87),
    ];
    assert_eq!(heard(at_ben), expected.map(|(msg, state)| (msg.to_owned(), state)));
}

#[test]
fn numbers_are_those_that_each_side_dials() {
    let mut campus = Campus::open();
    let (cleo, handle) = campus.watch("kiosk", "Cleo");
    let (anna, _) = campus.watch("hq", "Anna");
    campus.say("call 20 720");
    assert_eq!(number_of(&campus.told(&cleo)[0], "peer"), "920", "out of the node first");
    assert_eq!(number_of(campus.told(&anna).last().unwrap(), "peer"), "720");
    campus.say("hangup 20");
    campus.told(&anna);
    let num = Operation::UserLocalNum { user: handle, num: "20".into() };
    assert_eq!(campus.ask(cleo.at, &num), Answer::UserLocalNum("920".into()));
    // Within her node, 21 is Finn; from the root she reaches Eva by way of two PBXs.
    campus.say("at kiosk call 720 21");
    assert_eq!(campus.legs("kiosk"), [leg("720", 4), leg("721", 0x84)]);
    campus.say("at kiosk hangup 720");
    campus.say("at kiosk call 720 921");
    assert_eq!(campus.legs("kiosk"), [leg("720", 4)]);
    assert_eq!((campus.legs("branch"), campus.legs("hq")), (vec![], vec![leg("21", 0x84)]));
    campus.say("answer 21");
    assert_eq!(campus.legs("kiosk"), [leg("720", 5)]);
    assert_eq!(campus.confs("kiosk"), campus.confs("hq"));
    campus.say("hangup 21");
    assert_eq!(campus.legs("kiosk"), []);
}

#[test]
fn calls_that_come_to_nothing_elsewhere_say_why() {
    let mut campus = Campus::open();
    let (anna, _) = campus.watch("hq", "Anna");
    let (ben, _) = campus.watch("branch", "Ben");
    let cause = |told: &[CallInfo]| {
        let mut causes =
            told.iter().flat_map(|info| &info.info).filter(|info| &*info.kind == "cause");
        causes.next_back().map(|info| info.vali)
    };
    campus.say("at branch busy 30 on");
    campus.say("call 20 30");
    assert_eq!(cause(&campus.told(&anna)), Some(17));
    campus.say("at branch busy 30 off");
    campus.say("call 20 30");
    campus.say("at branch reject 30");
    assert_eq!(cause(&campus.told(&anna)), Some(21));
    campus.say("at branch call 30 88");
    assert_eq!(cause(&campus.told(&ben)), Some(1), "nobody has that number");
    campus.say("stop branch");
    campus.say("call 20 30");
    assert_eq!(cause(&campus.told(&anna)), Some(27));
    assert!((0..campus.0.count()).all(|at| campus.0.pbx(at).calls().is_empty()));
}

#[test]
fn a_call_is_transferred_and_diverted_across_pbxs() {
    let mut campus = Campus::open();
    // Ben talks to Anna, asks Finn, and joins the two.
    campus.say("call 20 30");
    campus.say("at branch answer 30");
    campus.say("at branch call 30 721");
    campus.say("at kiosk answer 721");
    assert_eq!(campus.legs("hq"), [leg("20", 0x205)]);
    let conf = campus.confs("hq");
    assert_ne!(campus.confs("kiosk"), conf);
    campus.say("at branch transfer 30");
    assert_eq!(
        (campus.legs("hq"), campus.legs("kiosk")),
        (vec![leg("20", 5)], vec![leg("721", 0x85)])
    );
    assert_eq!((campus.confs("kiosk"), campus.legs("branch")), (conf, vec![]));
    campus.say("at kiosk hold 721");
    assert_eq!(campus.legs("hq"), [leg("20", 0x205)]);
    // Finn sends her away to Eva, whom her own PBX has: that is one call there, of two legs.
    campus.say("at kiosk retrieve 721");
    campus.say("at kiosk redirect 721 921");
    campus.say("answer 21");
    assert_eq!(campus.legs("hq"), [leg("20", 5), leg("21", 0x85)]);
    assert_eq!(campus.confs("hq").len(), 1);
    campus.say("hangup 20");
    assert!((0..campus.0.count()).all(|at| campus.0.pbx(at).calls().is_empty()));
    // Whoever calls himself by way of another PBX cannot join both ends.
    campus.say("at branch forward 30 cfu 20");
    campus.say("call 20 30");
    campus.say("answer 20");
    campus.say("transfer 20");
    assert_eq!(campus.legs("hq").len(), 2);
    campus.say("hangup 20");
    assert_eq!(campus.legs("hq"), []);
    // Two who divert to each other, for ever.
    campus.say("forward 20 cfu 30");
    campus.say("at branch forward 30 cfu 20");
    campus.say("call 21 30");
    assert!((0..campus.0.count()).all(|at| campus.0.pbx(at).calls().is_empty()));
}

#[test]
fn a_call_goes_on_when_a_box_fails_and_its_standby_hears_what_the_other_end_does() {
    let mut campus = Campus::open();
    campus.say("call 20 30");
    campus.say("at branch answer 30");
    let conf = campus.confs("hq");
    campus.say("stop branch");
    campus.say("take-over branch");
    assert_eq!((campus.legs("branch2"), campus.confs("branch2")), (vec![leg("30", 0x85)], conf));
    campus.say("hold 20");
    assert_eq!(campus.legs("branch2"), [leg("30", 0x285)]);
    campus.say("start branch");
    assert_eq!(campus.legs("branch"), [leg("30", 0x285)]);
    campus.say("at branch hangup 30");
    assert_eq!(campus.legs("hq"), []);
    // A box that boots and loses its calls ends them for everybody.
    campus.say("call 20 30");
    campus.say("at branch answer 30");
    let branch = campus.at("branch");
    campus.0.pbx_mut(branch).reboot(Millis(2), 1, true);
    assert_eq!(campus.legs("hq"), []);
}

#[test]
fn asking_counts_as_asking() {
    let mut campus = Campus::open();
    let (anna, user) = campus.watch("hq", "Anna");
    let call = Operation::UserCall {
        user,
        cn: "".into(),
        e164: "30".into(),
        h323: "".into(),
        reg: 0,
        info: Vec::new(),
        rc: 0,
        srce164: "".into(),
    };
    let Answer::UserCall(handle) = campus.ask(anna.at, &call) else { panic!() };
    assert_eq!(campus.legs("branch"), [leg("30", 0x84)]);
    campus.say("at branch answer 30");
    let e164 = "720".into();
    let redirect = Operation::UserRedirect {
        call: handle,
        cn: "".into(),
        e164,
        h323: "".into(),
        info: Vec::new(),
        rc: 0,
    };
    assert_eq!(campus.ask(anna.at, &redirect), Answer::UserRedirect(true));
    assert_eq!((campus.legs("hq"), campus.legs("kiosk")), (vec![], vec![leg("720", 0x84)]));
    assert_eq!(campus.0.pbx(anna.at).request_count(Kind::UserRedirect), 1);
}
