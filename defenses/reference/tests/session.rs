//! The reference defense against synthetic traffic of a small cell, through its protocol.

mod common;

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{ip, mac, segment};
use proptest::prelude::*;
use serde_json::{Value, json};
use sim_wire::modbus::identity::Access;
use sim_wire::modbus::table::Registers;
use sim_wire::modbus::{Bits, Request};
use sim_wire::tcp::Flags;
use sim_wire::{MacAddr, arp, ethernet};
use twinrange_reference::{Options, Session, serve};

const SECOND_NS: u64 = 1_000_000_000;
const LEARN_S: u64 = 60;
const PLC: u8 = 11;
const HMI: u8 = 21;
const LAPTOP: u8 = 66;
/// A coil that bypasses a safety function.
const BYPASS: u16 = 1032;

/// The cell: builds frames, hands over one interval a second, collects what comes back.
struct Cell {
    session: Session,
    now_s: u64,
    n: u64,
    frames: Vec<Value>,
    alerts: Vec<Value>,
    actions: Vec<Value>,
    results: Vec<Value>,
    tcp_seq: u32,
}

impl Cell {
    fn new(respond: bool) -> Self {
        let mut session = Session::new(Options {
            learn_ns: None,
            respond,
            bypasses: [(ip(PLC), BYPASS)].into(),
        });
        let asset = |name: &str, role: &str, host: u8| json!({"name": name, "role": role, "ip": ip(host).to_string(), "mac": mac(host).to_string()});
        let hello = json!({
            "type": "hello", "versions": [1, 2], "learn_ns": LEARN_S * SECOND_NS, "surprise": {"new": "key"},
            "assets": [asset("plc-filler", "plc", PLC), asset("plc-conveyor", "plc", 12),
                       asset("hmi-1", "hmi", HMI), asset("vendor-laptop", "laptop", LAPTOP)],
            "actions": ["deny", "contain", "restore"],
        });
        let ready = session.handle(&hello.to_string()).expect("a valid hello");
        assert!(ready[0].contains(r#""type":"ready""#), "{ready:?}");
        Self {
            session,
            now_s: 0,
            n: 0,
            frames: Vec::new(),
            alerts: Vec::new(),
            actions: Vec::new(),
            results: Vec::new(),
            tcp_seq: 0,
        }
    }

    /// A cell that has heard the clean period.
    fn learned(respond: bool) -> Self {
        let mut cell = Self::new(respond);
        while cell.now_s < LEARN_S {
            cell.normal_second();
        }
        assert_eq!(
            cell.alerts,
            Vec::<Value>::new(),
            "nothing is found while learning"
        );
        cell
    }

    fn push(&mut self, frame: &[u8]) {
        self.n += 1;
        // Spread over the second, never past its end.
        let t_ns = self.now_s * SECOND_NS + (self.n % 1000) * 1_000_000;
        self.frames.push(
            json!({"span": "cell", "n": self.n, "t_ns": t_ns, "len": frame.len(),
                                "data": STANDARD.encode(frame)}),
        );
    }

    fn arp(&mut self, operation: arp::Operation, sender: (MacAddr, u8), target: (MacAddr, u8)) {
        let mut frame = Vec::new();
        let dst = if operation == arp::Operation::Request {
            MacAddr::BROADCAST
        } else {
            target.0
        };
        ethernet::Repr {
            dst,
            src: sender.0,
            vlan: None,
            ethertype: ethernet::ETHERTYPE_ARP,
        }
        .emit(&mut frame);
        arp::Repr {
            operation,
            sender_mac: sender.0,
            sender_ip: ip(sender.1),
            target_mac: target.0,
            target_ip: ip(target.1),
        }
        .emit(&mut frame);
        self.push(&frame);
    }

    /// A segment from a host; `from` is the hardware address it really comes from.
    fn tcp(
        &mut self,
        from: MacAddr,
        src: (u8, u16),
        dst: (u8, u16),
        flags: u8,
        seq: u32,
        payload: &[u8],
    ) {
        self.push(&segment(from, src, dst, Flags(flags), seq, payload));
    }

    fn syn(&mut self, src: u8, port: u16, dst: (u8, u16)) {
        self.tcp(mac(src), (src, port), dst, Flags::SYN.0, 0, b"");
    }

    fn modbus(&mut self, src: u8, dst: u8, request: Request<'_>) {
        self.modbus_from(mac(src), src, dst, request);
    }

    fn modbus_from(&mut self, from: MacAddr, src: u8, dst: u8, request: Request<'_>) {
        let mut adu = Vec::new();
        request.emit_adu(1, 1, &mut adu);
        self.tcp_seq += 1000;
        let flags = Flags::PSH.0 | Flags::ACK.0;
        self.tcp(from, (src, 49_152), (dst, 502), flags, self.tcp_seq, &adu);
    }

    /// What the clean cell does: the HMI polls both controllers, writes a heartbeat and now and
    /// then a setpoint, and refreshes its ARP cache.
    fn normal(&mut self) {
        for plc in [PLC, 12] {
            if self.now_s == 0 {
                self.syn(HMI, 49_152, (plc, 502));
            }
            self.modbus(
                HMI,
                plc,
                Request::ReadHoldingRegisters {
                    address: 1024,
                    quantity: 20,
                },
            );
            let value = 500 + u16::try_from(self.now_s % 3).expect("small");
            self.modbus(
                HMI,
                plc,
                Request::WriteSingleRegister {
                    address: 1024,
                    value,
                },
            );
            if self.now_s.is_multiple_of(20) {
                self.arp(
                    arp::Operation::Request,
                    (mac(HMI), HMI),
                    (MacAddr::ZERO, plc),
                );
                self.arp(arp::Operation::Reply, (mac(plc), plc), (mac(HMI), HMI));
            }
        }
    }

    fn normal_second(&mut self) {
        self.normal();
        self.flush();
    }

    /// Ends the interval of one second.
    fn flush(&mut self) {
        self.now_s += 1;
        let message = json!({
            "type": "interval", "seq": self.now_s, "from_ns": (self.now_s - 1) * SECOND_NS,
            "to_ns": self.now_s * SECOND_NS, "frames": std::mem::take(&mut self.frames), "frames_dropped": 0,
            "tags": [], "logs": [], "action_results": std::mem::take(&mut self.results),
        });
        for line in self
            .session
            .handle(&message.to_string())
            .expect("a valid interval")
        {
            let answer: Value = serde_json::from_str(&line).expect("lines are JSON");
            assert_eq!(answer["seq"], self.now_s);
            let list = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
            self.alerts.extend(list("alerts"));
            self.actions.extend(list("actions"));
        }
    }

    fn sig_ids(&self) -> BTreeSet<&str> {
        self.alerts
            .iter()
            .filter_map(|alert| alert["sig_id"].as_str())
            .collect()
    }

    fn alert(&self, sig_id: &str) -> &Value {
        let alert = self.alerts.iter().find(|alert| alert["sig_id"] == sig_id);
        alert.unwrap_or_else(|| panic!("no {sig_id} in {:?}", self.sig_ids()))
    }
}

/// After the clean period, does what `attack` does once a second for `seconds`, beside normal
/// traffic.
fn check(seconds: u64, attack: impl Fn(&mut Cell, u64), expect: &[&str]) -> Cell {
    let mut cell = Cell::learned(false);
    for second in 0..seconds {
        cell.normal();
        attack(&mut cell, second);
        cell.flush();
    }
    assert_eq!(
        cell.sig_ids(),
        expect.iter().copied().collect(),
        "{:#?}",
        cell.alerts
    );
    cell
}

#[test]
fn cell_when_it_goes_on_as_learned_then_no_alert() {
    check(600, |_, _| {}, &[]);
}

#[test]
fn laptop_when_it_writes_a_setpoint_then_new_writer_and_value() {
    let cell = check(
        1,
        |cell, _| {
            cell.modbus(
                LAPTOP,
                PLC,
                Request::WriteSingleRegister {
                    address: 1030,
                    value: 470,
                },
            )
        },
        &[
            "new-mac",
            "new-ip",
            "new-talker-pair",
            "modbus-new-writer",
            "modbus-value-range",
        ],
    );
    let alert = cell.alert("modbus-new-writer");
    assert_eq!(alert["techniques"], json!(["T1692.001"]));
    assert_eq!(alert["src"]["asset"], "vendor-laptop");
    assert_eq!(alert["src"]["ip"], "10.20.1.66");
    assert_eq!(
        alert["dst"],
        json!({"ip": "10.20.1.11", "port": 502, "asset": "plc-filler"})
    );
    assert_eq!(alert["frame"], cell.n);
    assert_eq!(alert["span"], "cell");
    assert_eq!(
        cell.alert("modbus-value-range")["techniques"],
        json!(["T0836"])
    );
}

#[test]
fn bypass_when_it_is_switched_on_then_told_whoever_it_was_and_not_when_it_is_switched_off() {
    let switch = |from, on| {
        move |cell: &mut Cell, _| {
            let request = Request::WriteSingleCoil {
                address: BYPASS,
                on,
            };
            cell.modbus(from, PLC, request)
        }
    };
    let hmi = check(1, switch(HMI, true), &["modbus-new-write", "safety-bypass"]);
    let alert = hmi.alert("safety-bypass");
    assert_eq!(alert["techniques"], json!(["T0837"]));
    assert_eq!(alert["dst"]["asset"], "plc-filler");
    check(1, switch(HMI, false), &["modbus-new-write"]);
    let strange = ["new-mac", "new-ip", "new-talker-pair", "modbus-new-writer"];
    let laptop = [&strange[..], &["safety-bypass"]].concat();
    check(1, switch(LAPTOP, true), &laptop);
    check(1, switch(LAPTOP, false), &strange);
}

#[test]
fn hmi_when_it_writes_something_new_then_one_alert_and_it_is_learned() {
    let cell = check(
        1200,
        |cell, _| {
            cell.modbus(
                HMI,
                PLC,
                Request::WriteSingleCoil {
                    address: 1030,
                    on: true,
                },
            )
        },
        &["modbus-new-write"],
    );
    assert_eq!(cell.alerts.len(), 1);
    let cell = check(
        1200,
        |cell, _| {
            cell.modbus(
                HMI,
                PLC,
                Request::WriteSingleRegister {
                    address: 1024,
                    value: 900,
                },
            )
        },
        &["modbus-value-range"],
    );
    assert_eq!(cell.alerts.len(), 1);
}

#[test]
fn laptop_when_it_drifts_a_setpoint_then_alerts_are_held_off() {
    let cell = check(
        1800,
        |cell, second| {
            if second.is_multiple_of(30) {
                let value = 500 - u16::try_from(second / 60).expect("small");
                cell.modbus(
                    LAPTOP,
                    PLC,
                    Request::WriteSingleRegister {
                        address: 1024,
                        value,
                    },
                );
            }
        },
        &[
            "new-mac",
            "new-ip",
            "new-talker-pair",
            "modbus-new-writer",
            "modbus-value-range",
        ],
    );
    let writes = cell
        .alerts
        .iter()
        .filter(|alert| alert["sig_id"] == "modbus-new-writer")
        .count();
    assert_eq!(
        writes, 2,
        "at once and after ten minutes; the next pause is twenty"
    );
}

#[test]
fn laptop_when_it_sweeps_by_arp_and_scans_ports_then_discovery() {
    let cell = check(
        1,
        |cell, _| {
            for host in 1..=40 {
                cell.arp(
                    arp::Operation::Request,
                    (mac(LAPTOP), LAPTOP),
                    (MacAddr::ZERO, host),
                );
            }
            for host in [11, 12, 13, 21, 31] {
                cell.syn(LAPTOP, 50_000, (host, 502));
                let reset = Flags::RST.0 | Flags::ACK.0;
                cell.tcp(mac(host), (host, 502), (LAPTOP, 50_000), reset, 0, b"");
            }
        },
        // The three hosts that never spoke before answer with a reset and are new as well.
        &["new-mac", "new-ip", "arp-sweep", "tcp-scan"],
    );
    assert_eq!(cell.alert("arp-sweep")["techniques"], json!(["T0846"]));
    assert_eq!(cell.alert("tcp-scan")["techniques"], json!(["T0846.001"]));
}

#[test]
fn laptop_when_it_reads_many_points_and_the_identity_then_collection() {
    check(
        1,
        |cell, _| {
            cell.modbus(
                LAPTOP,
                PLC,
                Request::ReadDeviceIdentification {
                    access: Access::Basic,
                    object: 0,
                },
            );
            for address in [0, 100, 200] {
                cell.modbus(
                    LAPTOP,
                    PLC,
                    Request::ReadHoldingRegisters {
                        address,
                        quantity: 10,
                    },
                );
            }
        },
        &[
            "new-mac",
            "new-ip",
            "new-talker-pair",
            "modbus-device-id",
            "modbus-new-reader",
            "modbus-point-scan",
        ],
    );
}

#[test]
fn laptop_when_it_brute_forces_outputs_then_burst() {
    let cell = check(
        3,
        |cell, second| {
            let on = second.is_multiple_of(2);
            for address in 0..20 {
                cell.modbus(LAPTOP, PLC, Request::WriteSingleCoil { address, on });
            }
            cell.modbus(
                LAPTOP,
                PLC,
                Request::WriteMultipleCoils {
                    address: 0,
                    bits: Bits::from_packed(&[0xFF], 8).expect("eight bits"),
                },
            );
        },
        &[
            "new-mac",
            "new-ip",
            "new-talker-pair",
            "modbus-new-writer",
            "modbus-write-burst",
        ],
    );
    assert_eq!(
        cell.alert("modbus-write-burst")["techniques"],
        json!(["T0806"])
    );
}

#[test]
fn laptop_when_it_switches_one_coil_to_and_fro_then_toggling() {
    let cell = check(
        20,
        |cell, second| {
            let on = second.is_multiple_of(2);
            cell.modbus(LAPTOP, PLC, Request::WriteSingleCoil { address: 1027, on });
        },
        &[
            "new-mac",
            "new-ip",
            "new-talker-pair",
            "modbus-new-writer",
            "modbus-toggling",
        ],
    );
    assert_eq!(
        cell.alert("modbus-toggling")["techniques"],
        json!(["T0806"])
    );
}

#[test]
fn laptop_when_it_writes_a_second_point_then_that_is_reported_too() {
    let cell = check(
        3,
        |cell, second| {
            let address = 1024 + u16::try_from(second.min(1)).expect("small");
            let request = Request::WriteSingleRegister {
                address,
                value: 450,
            };
            cell.modbus(LAPTOP, PLC, request);
        },
        &[
            "new-mac",
            "new-ip",
            "new-talker-pair",
            "modbus-new-writer",
            "modbus-value-range",
        ],
    );
    let writes = cell
        .alerts
        .iter()
        .filter(|alert| alert["sig_id"] == "modbus-new-writer")
        .count();
    assert_eq!(writes, 2, "one alert for each point");
}

#[test]
fn laptop_when_it_opens_connection_after_connection_then_flood() {
    let cell = check(
        10,
        |cell, second| {
            for offset in 0..5 {
                let port = 50_000 + u16::try_from(second * 5 + offset).expect("small");
                cell.syn(LAPTOP, port, (PLC, 502));
            }
        },
        &["new-mac", "new-ip", "connection-flood"],
    );
    assert_eq!(
        cell.alert("connection-flood")["techniques"],
        json!(["T0814"])
    );
}

#[test]
fn laptop_when_it_stands_in_the_middle_then_arp_mismatch_and_rewrite() {
    let cell = check(
        5,
        |cell, _| {
            for (claimed, victim) in [(PLC, HMI), (HMI, PLC)] {
                cell.arp(
                    arp::Operation::Reply,
                    (mac(LAPTOP), claimed),
                    (mac(victim), victim),
                );
            }
            cell.tcp_seq += 1000;
            let (seq, flags) = (cell.tcp_seq, Flags::PSH.0 | Flags::ACK.0);
            // A response of two registers, then the laptop's copy with another level.
            let response = [0, 9, 0, 0, 0, 7, 1, 3, 4, 0, 61, 0, 1];
            let forged = [0, 9, 0, 0, 0, 7, 1, 3, 4, 0, 40, 0, 1];
            cell.tcp(mac(PLC), (PLC, 502), (HMI, 49_152), flags, seq, &response);
            cell.tcp(mac(LAPTOP), (PLC, 502), (HMI, 49_152), flags, seq, &forged);
        },
        &[
            "new-mac",
            "arp-binding-change",
            "arp-unsolicited-replies",
            "ip-mac-mismatch",
            "forwarded-and-rewritten",
        ],
    );
    assert_eq!(
        cell.alert("arp-binding-change")["techniques"],
        json!(["T0830"])
    );
    assert_eq!(
        cell.alert("arp-binding-change")["src"]["asset"],
        "vendor-laptop"
    );
    assert_eq!(
        cell.alert("forwarded-and-rewritten")["techniques"],
        json!(["T1692.002", "T0832"])
    );
}

#[test]
fn laptop_when_it_borrows_the_address_of_the_hmi_then_its_writes_are_not_trusted() {
    let cell = check(
        2,
        |cell, _| {
            cell.modbus_from(
                mac(LAPTOP),
                HMI,
                PLC,
                Request::WriteMultipleRegisters {
                    address: 1024,
                    values: Registers::from_wire(&[3, 132]).expect("one register"),
                },
            );
        },
        &[
            "new-mac",
            "ip-mac-mismatch",
            "modbus-new-writer",
            "modbus-value-range",
        ],
    );
    assert_eq!(
        cell.alert("modbus-new-writer")["src"]["asset"],
        "vendor-laptop"
    );
}

#[test]
fn bytes_when_no_modbus_then_malformed() {
    check(
        1,
        |cell, _| {
            let flags = Flags::PSH.0 | Flags::ACK.0;
            cell.tcp(
                mac(HMI),
                (HMI, 49_152),
                (PLC, 502),
                flags,
                77,
                b"GET / HTTP/1.0\r\n\r\n",
            );
        },
        &["modbus-malformed-request"],
    );
}

#[test]
fn responder_when_a_setpoint_is_attacked_then_contain_and_after_it_restore() {
    let mut cell = Cell::learned(true);
    cell.modbus(
        LAPTOP,
        PLC,
        Request::WriteSingleRegister {
            address: 1024,
            value: 450,
        },
    );
    cell.normal_second();
    assert_eq!(
        cell.actions,
        [json!({"command_id": "ref-1", "action": "contain", "target": {"host": "vendor-laptop"}})]
    );
    let effective_s = cell.now_s + 30;
    cell.results.push(
        json!({"command_id": "ref-1", "status": "accepted", "t_ns": cell.now_s * SECOND_NS,
                             "effective_ns": effective_s * SECOND_NS}),
    );
    while cell.now_s < effective_s - 1 {
        cell.normal_second();
        assert_eq!(
            cell.actions.len(),
            1,
            "the attacker could write again until then"
        );
    }
    cell.normal_second();
    assert_eq!(
        cell.actions[1..],
        [
            json!({"command_id": "ref-2", "action": "restore", "target": {"controller": "plc-filler"}})
        ]
    );
    for _ in 0..300 {
        cell.normal_second();
    }
    assert_eq!(cell.actions.len(), 2);
}

#[test]
fn responder_when_a_working_host_is_suspect_then_it_is_left_alone() {
    let mut cell = Cell::learned(true);
    for _ in 0..60 {
        cell.modbus(
            HMI,
            PLC,
            Request::WriteSingleRegister {
                address: 1999,
                value: 1,
            },
        );
        cell.arp(arp::Operation::Reply, (mac(12), PLC), (mac(HMI), HMI));
        cell.arp(arp::Operation::Reply, (mac(HMI), PLC), (mac(12), 12));
        cell.normal_second();
    }
    assert!(cell.sig_ids().contains("arp-binding-change"));
    assert_eq!(cell.actions, Vec::<Value>::new());
}

#[test]
fn responder_when_the_hardware_address_is_unknown_then_deny_it() {
    let mut cell = Cell::learned(true);
    cell.modbus_from(
        mac(99),
        99,
        PLC,
        Request::WriteSingleCoil {
            address: 1,
            on: true,
        },
    );
    cell.normal_second();
    assert_eq!(cell.actions[0]["action"], "deny");
    assert_eq!(
        cell.actions[0]["target"],
        json!({"mac": "02:54:57:14:01:63"})
    );
}

#[test]
fn session_when_the_range_breaks_the_protocol_then_an_error_names_the_message() {
    let check = |lines: &[&str], expect: &str| {
        let mut session = Session::new(Options::default());
        let result = lines
            .iter()
            .map(|line| session.handle(line))
            .last()
            .expect("at least one line");
        assert!(result.expect_err(expect).to_string().starts_with(expect));
    };
    let hello = r#"{"type":"hello","versions":[1]}"#;
    check(
        &[r#"{"type":"end","seq":1}"#],
        "message 1 of the range: 'end' is not expected here",
    );
    check(
        &[hello, hello],
        "message 2 of the range: 'hello' is not expected here",
    );
    check(
        &[hello, r#"{"type":"interval"}"#],
        "message 2 of the range: missing field `seq`",
    );
    check(&["nonsense"], "message 1 of the range: expected");
    let future = r#"{"type":"interval","seq":1,"from_ns":0,"to_ns":5,"frames":[{"span":"c","n":1,"t_ns":6,"len":0,"data":""}]}"#;
    check(
        &[hello, future],
        "message 2 of the range: frame 1 is from the future",
    );
}

#[test]
fn serve_when_versions_do_not_match_then_it_says_so_and_a_whole_run_ends_well() {
    let mut output = Vec::new();
    let input = b"{\"type\":\"hello\",\"versions\":[7]}\n";
    serve(&input[..], &mut output, Options::default()).expect_err("nothing follows");
    let text = String::from_utf8(output).expect("UTF-8");
    assert_eq!(
        text,
        "{\"message\":\"speaks protocol version 1 only, not [7]\",\"type\":\"error\"}\n"
    );

    let mut output = Vec::new();
    let input = b"{\"type\":\"hello\",\"versions\":[1]}\n\
        {\"type\":\"interval\",\"seq\":1,\"from_ns\":0,\"to_ns\":9}\n{\"type\":\"end\",\"seq\":2}\n";
    serve(&input[..], &mut output, Options::default()).expect("a whole run");
    let text = String::from_utf8(output).expect("UTF-8");
    assert!(
        text.ends_with("{\"seq\":1,\"type\":\"done\"}\n{\"seq\":2,\"type\":\"done\"}\n"),
        "{text}"
    );
}

proptest! {
    #[test]
    fn any_frames_when_seen_then_no_panic_and_no_flood(
        frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..200),
    ) {
        let mut cell = Cell::learned(true);
        for frame in &frames {
            cell.push(frame);
        }
        cell.flush();
        prop_assert!(cell.alerts.len() <= 200, "{}", cell.alerts.len());
        prop_assert!(cell.actions.len() <= 16);
    }

    #[test]
    fn any_damaged_frame_when_seen_then_the_answer_repeats(
        at in 0usize..66, byte in any::<u8>(), cut in 0usize..80,
    ) {
        let run = || {
            let mut cell = Cell::learned(true);
            cell.modbus(LAPTOP, PLC, Request::WriteSingleRegister { address: 1024, value: 450 });
            let data = cell.frames[0]["data"].as_str().expect("base64").to_owned();
            let mut frame = STANDARD.decode(data).expect("our own");
            frame.truncate(cut);
            if let Some(place) = frame.get_mut(at) {
                *place = byte;
            }
            cell.push(&frame);
            cell.flush();
            (cell.alerts, cell.actions)
        };
        prop_assert_eq!(run(), run());
    }
}
