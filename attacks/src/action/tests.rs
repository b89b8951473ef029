//! Each technique on the fake network.

use std::collections::BTreeSet;

use sim_kernel::time::SimTime;
use sim_wire::FrameSummary;
use sim_wire::rewrite::set_macs;
use sim_wire::tcp::{self, Flags};

use super::fake::{Fake, HMI_IP, OWN, OWN_IP, PLC_IP, Play, mac, play};
use super::scan::tcp_frame;
use super::{Progress, Verdict};
use crate::playbook::Outcome;

const WRITES: &str = r#"Write(target: "plc", writes: [
    (table: HoldingRegisters, address: 3, kind: Uint, values: [4500]),
    (table: HoldingRegisters, address: 5, kind: Real, values: [0.5]),
    (table: Coils, address: 2, kind: Bool, values: [1]),
    (table: Coils, address: 8, kind: Bool, values: [1, 0, 1]),
])"#;

#[test]
fn write_when_the_controller_obeys_then_acknowledged_and_in_memory() {
    let (played, verdict) = play(Fake::new(), WRITES);
    assert_eq!(verdict, Verdict::succeeded());
    let bank = &played.fake.bank;
    assert_eq!(bank.holding_registers[3], 4500);
    assert_eq!(bank.holding_registers[5..7], [0x3f00, 0]);
    assert!(bank.coils[2] && bank.coils[8] && !bank.coils[9] && bank.coils[10]);
    assert_eq!(played.tally.requests, 4);
    assert!(played.tally.evidence[0].ends_with("3 := 4500 acknowledged"));
    assert_eq!(played.fake.open_connections(), 0);
}

#[test]
fn write_when_the_address_does_not_exist_then_failed_with_the_exception() {
    let action = r#"Write(target: "plc", writes: [
        (table: HoldingRegisters, address: 999, kind: Uint, values: [1])])"#;
    let (played, verdict) = play(Fake::new(), action);
    assert_eq!(verdict.outcome, Outcome::Failed);
    assert!(verdict.reason.expect("a reason").contains("exception 2"));
    assert_eq!(played.tally.requests, 1, "a refusal is not tried again");
}

#[test]
fn write_when_nobody_answers_then_tried_three_times() {
    let mut fake = Fake::new();
    fake.plc_alive = false;
    let (played, verdict) = play(fake, WRITES);
    assert_eq!(verdict.outcome, Outcome::Failed);
    assert_eq!((played.tally.connections, played.tally.requests), (3, 0));
}

#[test]
fn write_when_repeated_then_so_many_rounds_at_that_period() {
    let action = r#"Write(target: "plc", repeat: (period: "10s", rounds: 4), writes: [
        (table: HoldingRegisters, address: 3, kind: Uint, values: [1])])"#;
    let (played, verdict) = play(Fake::new(), action);
    assert_eq!(verdict, Verdict::succeeded());
    assert_eq!(played.tally.requests, 4);
    assert_eq!(played.fake.now, SimTime::from_secs(31));
}

#[test]
fn drift_when_it_ends_then_the_register_has_the_target_and_moved_slowly() {
    let mut fake = Fake::new();
    fake.bank.holding_registers[0] = 6000;
    let action = r#"Drift(target: "plc", address: 0, kind: Uint, to: 5600, over: "400s", steps: 8, jitter: 0.5)"#;
    let (mut half, parsed) = Play::new(Fake::new(), action);
    half.fake.bank.holding_registers[0] = 6000;
    assert_eq!(half.run(&parsed, SimTime::from_secs(226)), None);
    let register = half.fake.bank.holding_registers[0];
    assert!((5750..=5850).contains(&register), "{register} at half time");
    let (played, verdict) = play(fake, action);
    assert_eq!(verdict, Verdict::succeeded());
    assert_eq!(played.fake.bank.holding_registers[0], 5600);
    assert_eq!(played.tally.requests, 9, "one read, eight writes");
    assert_eq!(played.fake.now, SimTime::from_secs(401));
}

#[test]
fn drift_when_stopped_then_failed_because_the_target_was_not_reached() {
    let action = r#"Drift(target: "plc", address: 0, kind: Int, to: -50, over: "400s", steps: 8)"#;
    let (mut played, parsed) = Play::new(Fake::new(), action);
    assert_eq!(played.run(&parsed, SimTime::from_secs(120)), None);
    let Progress::Ended(verdict) = played.turn(&parsed, true) else {
        panic!("it stops at once");
    };
    assert_eq!(
        verdict,
        Verdict::failed("it was stopped after 2 of 8 writes")
    );
}

#[test]
fn brute_force_when_it_runs_then_bounded_by_rate_and_duration() {
    let action = r#"BruteForceIo(target: "plc", ranges: [(table: Coils, address: 4, count: 3)],
        writes_per_s: 2.0, duration: "30s")"#;
    let (played, verdict) = play(Fake::new(), action);
    assert_eq!(verdict, Verdict::succeeded());
    assert_eq!(played.tally.requests, 60);
    assert_eq!(played.fake.now, SimTime::from_secs(31));
}

#[test]
fn identify_when_answered_then_make_and_tables_are_known() {
    let mut fake = Fake::new();
    fake.bank.holding_registers[7] = 1;
    let action = r#"Identify(targets: ["plc"], block: 40, requests_per_s: 2.0, reads: [
        (table: HoldingRegisters, address: 0, count: 64), (table: Coils, address: 60, count: 8)])"#;
    let (played, verdict) = play(fake, action);
    assert_eq!(verdict, Verdict::succeeded());
    assert_eq!(
        played.tally.evidence,
        [
            "plc-filler is Maker PLC-1 1.0",
            "plc-filler: 64 entries read, 1 not zero, 1 requests refused"
        ]
    );
    assert_eq!(played.tally.requests, 4);
}

#[test]
fn scan_when_either_probe_then_the_same_hosts_and_ports_are_found() {
    for probe in ["Connect", "Syn"] {
        let action = format!(
            "Scan(arp_per_s: 100.0, ports: [80, 502], ports_per_s: 10.0, probe: {probe}, shuffled: true)"
        );
        let (played, verdict) = play(Fake::new(), &action);
        assert_eq!(verdict, Verdict::succeeded(), "{probe}");
        let wanted = [
            "2 hosts answered the ARP sweep",
            "plc-filler (10.20.1.11) listens on TCP 502",
        ];
        assert_eq!(played.tally.evidence, wanted, "{probe}");
        let mut asked = BTreeSet::new();
        for (_, frame) in &played.fake.sent {
            asked.extend(
                FrameSummary::of(frame)
                    .expect("whole")
                    .arp
                    .map(|arp| arp.target_ip),
            );
        }
        assert_eq!(
            asked.len(),
            253,
            "{probe}: every address of the network but the own"
        );
        assert_eq!(played.fake.open_connections(), 0, "{probe}");
    }
}

#[test]
fn scan_when_nobody_is_there_then_failed() {
    let (mut played, action) = Play::new(Fake::new(), "Scan(arp_per_s: 1000.0, ports: [502])");
    let end = SimTime::from_secs(1000);
    for _ in 0..1000 {
        played.fake.inbox.clear(); // The network is deaf.
        match played.turn(&action, false) {
            Progress::Ended(verdict) => {
                assert_eq!(verdict, Verdict::failed("no host answered the ARP sweep"));
                return;
            }
            Progress::Waiting(at) => played.fake.now = at.map_or(end, |at| at),
        }
    }
    panic!("it did not end");
}

const MIDDLE: &str = r#"AdversaryInTheMiddle(between: ["hmi"], and: ["plc"],
    poison_period: "10s", duration: "60s")"#;

/// A segment from the HMI to the controller that was diverted to the attacker.
fn diverted() -> Vec<u8> {
    let segment = tcp::Repr { seq: 777, ..FRAME };
    tcp_frame((mac(21), HMI_IP), (OWN, PLC_IP), &segment)
}

#[test]
fn middle_when_it_runs_then_it_lies_forwards_and_tells_the_truth_again() {
    let (mut played, action) = Play::new(Fake::new(), MIDDLE);
    assert_eq!(played.run(&action, SimTime::from_secs(5)), None);
    played.fake.sent.clear();
    played.fake.inbox.push((played.fake.now, diverted()));
    played.turn(&action, false);
    let [(_, forwarded)] = played.fake.sent.as_slice() else {
        panic!("one frame in, one frame out");
    };
    let mut wanted = diverted();
    set_macs(&mut wanted, OWN, mac(11)).expect("it has addresses");
    assert_eq!(*forwarded, wanted, "only the hardware addresses differ");

    let verdict = played
        .run(&action, SimTime::from_secs(100))
        .expect("its time is over");
    assert_eq!(verdict, Verdict::succeeded());
    let mut last = Vec::new();
    for (_, frame) in &played.fake.sent {
        let Some(arp) = FrameSummary::of(frame).expect("whole").arp else {
            continue;
        };
        last.retain(|(victim, _)| *victim != arp.target_ip);
        last.push((arp.target_ip, arp.sender_mac));
    }
    last.sort_unstable();
    assert_eq!(last, [(PLC_IP, mac(21)), (HMI_IP, mac(11))]);
}

#[test]
fn middle_when_a_victim_asks_anew_then_lied_to_again_at_once() {
    let (mut played, action) = Play::new(Fake::new(), MIDDLE);
    assert_eq!(played.run(&action, SimTime::from_secs(5)), None);
    let before = played.fake.sent.len();
    let question = crate::arp::request((mac(21), HMI_IP), PLC_IP);
    played.fake.inbox.push((played.fake.now, question));
    assert_eq!(played.run(&action, SimTime::from_millis(5_100)), None);
    assert_eq!(
        played.fake.sent.len(),
        before + 2,
        "both victims hear the lie again"
    );
}

#[test]
fn middle_when_a_victim_is_not_there_then_failed_after_five_questions() {
    let mut fake = Fake::new();
    fake.plc_alive = false;
    let (played, verdict) = play(fake, MIDDLE);
    assert_eq!(verdict, Verdict::failed("no answer to ARP from plc-filler"));
    assert!(played.fake.sent.len() <= 10);
}

#[test]
fn middle_when_any_frame_comes_then_own_and_foreign_frames_are_not_forwarded() {
    let (mut played, action) = Play::new(Fake::new(), MIDDLE);
    assert_eq!(played.run(&action, SimTime::from_secs(5)), None);
    let before = played.fake.sent.len();
    let mut flooded = diverted();
    set_macs(&mut flooded, mac(21), mac(11)).expect("it has addresses");
    let segment = tcp::Repr {
        dst_port: 80,
        ..FRAME
    };
    let own = tcp_frame((mac(21), HMI_IP), (OWN, OWN_IP), &segment);
    for frame in [flooded, own, vec![0; 14], vec![0xFF; 60], Vec::new()] {
        played.fake.inbox.push((played.fake.now, frame));
    }
    played.turn(&action, false);
    assert_eq!(played.fake.sent.len(), before);
}

const FRAME: tcp::Repr = tcp::Repr {
    src_port: 49_152,
    dst_port: 502,
    seq: 1,
    ack: 1,
    flags: Flags::ACK,
    window: 1024,
    urgent: 0,
    options: tcp::Options {
        mss_bytes: None,
        window_scale: None,
        sack_permitted: false,
        timestamps: None,
        sack: [None; 4],
    },
};

#[test]
fn denial_when_places_run_out_then_it_holds_them_all_to_the_end() {
    let action =
        r#"DenialOfService(target: "plc", hold: 16, attempts_per_s: 2.0, duration: "60s")"#;
    let (mut played, parsed) = Play::new(Fake::new(), action);
    assert_eq!(played.run(&parsed, SimTime::from_secs(30)), None);
    assert_eq!(played.fake.open_connections(), 4);
    assert_eq!(played.tally.took_hold_at.map(SimTime::as_secs), Some(3));
    let verdict = played
        .run(&parsed, SimTime::from_secs(100))
        .expect("its time is over");
    assert_eq!(verdict, Verdict::succeeded());
    assert_eq!(played.fake.open_connections(), 0);
    assert_eq!(
        played.tally.connections, 120,
        "two attempts per second, no more"
    );
}

#[test]
fn denial_when_the_controller_has_room_for_more_then_failed() {
    let mut fake = Fake::new();
    fake.places = 50;
    let action =
        r#"DenialOfService(target: "plc", hold: 16, attempts_per_s: 0.1, duration: "60s")"#;
    let (_, verdict) = play(fake, action);
    assert_eq!(
        verdict,
        Verdict::failed("the controller still had room for connections")
    );
}

#[test]
fn denial_when_a_client_is_evicted_then_reset_with_its_number_and_its_place_taken() {
    let action = r#"DenialOfService(target: "plc", hold: 16, attempts_per_s: 2.0, evict: ["hmi"], duration: "60s")"#;
    let (mut played, parsed) = Play::new(Fake::new(), action);
    assert_eq!(played.run(&parsed, SimTime::from_secs(10)), None);
    assert_eq!(
        played.tally.took_hold_at, None,
        "the client is still connected"
    );
    played.fake.places += 1; // The place that the reset frees.
    played.fake.sent.clear();
    played.fake.inbox.push((played.fake.now, diverted()));
    played.turn(&parsed, false);
    let reset = FrameSummary::of(&played.fake.sent[0].1).expect("whole");
    let (ip, tcp) = (reset.ip.expect("IPv4"), reset.tcp.expect("TCP"));
    assert_eq!((reset.dst_mac, ip.src, ip.dst), (mac(11), HMI_IP, PLC_IP));
    assert_eq!(
        (tcp.flags, tcp.seq, tcp.src_port),
        (Flags::RST, 777, 49_152)
    );
    let verdict = played
        .run(&parsed, SimTime::from_secs(100))
        .expect("its time is over");
    assert_eq!(verdict, Verdict::succeeded());
    assert!(
        played.tally.evidence[0].starts_with("5 connections"),
        "{:?}",
        played.tally.evidence
    );
}

#[test]
fn denial_when_it_floods_then_bounded_by_rate_and_time() {
    let action = r#"DenialOfService(target: "plc", hold: 2, attempts_per_s: 10.0, duration: "60s",
        flood: (requests_per_s: 100.0, address: 3, duration: "10s"))"#;
    let (played, verdict) = play(Fake::new(), action);
    assert_eq!(verdict, Verdict::succeeded());
    let requests = played.tally.requests;
    assert!((950..=1_020).contains(&requests), "{requests} requests");
}
