//! Captures, and the tables beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use twinrange_range::evidence::frames::Relation;
use twinrange_range::run_folder::RunFolder;

use crate::support::{has_tool, read_json};

use super::{CLEAN, EPOCH_S, LENGTH, csv, deviations, export, runs, steps};

/// A frame of a classic pcap file.
struct Frame {
    unix_ns: u64,
    bytes: Vec<u8>,
}

/// Reads classic pcap, little-endian, as its description says; `fineness` is the length of a unit of the stamps, ns.
fn pcap(path: &Path, fineness: u64) -> Vec<Frame> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    assert_eq!(
        word(0),
        if fineness == 1 {
            0xa1b2_3c4d
        } else {
            0xa1b2_c3d4
        }
    );
    assert_eq!(word(20), 1, "Ethernet");
    let mut frames = Vec::new();
    let mut at = 24;
    while at < bytes.len() {
        let length = word(at + 8) as usize;
        frames.push(Frame {
            unix_ns: u64::from(word(at)) * 1_000_000_000 + u64::from(word(at + 4)) * fineness,
            bytes: bytes[at + 16..at + 16 + length].to_vec(),
        });
        at += 16 + length;
    }
    assert_eq!(at, bytes.len(), "no half frame");
    frames
}

/// Target address and Modbus transactions of a frame, by the offsets of its headers.
fn target(frame: &[u8]) -> Option<(Ipv4Addr, Vec<u16>)> {
    let address = |at: usize| {
        Some(Ipv4Addr::from(
            <[u8; 4]>::try_from(frame.get(at..at + 4)?).ok()?,
        ))
    };
    let word = |at: usize| Some(u16::from_be_bytes(frame.get(at..at + 2)?.try_into().ok()?));
    match word(12)? {
        0x0806 => Some((address(38)?, Vec::new())),
        0x0800 if frame[23] == 6 => {
            let ip = 14 + usize::from(frame[14] & 15) * 4;
            let end = 14 + usize::from(word(16)?);
            let mut at = ip + usize::from(frame[ip + 12] >> 4) * 4;
            let is_modbus = [word(ip)?, word(ip + 2)?].contains(&502);
            let mut transactions = Vec::new();
            while is_modbus && at + 8 <= end {
                transactions.push(word(at)?);
                at += 6 + usize::from(word(at + 4)?);
            }
            Some((address(30)?, transactions))
        }
        _ => None,
    }
}

#[test]
fn pcap_labels_when_read_then_a_row_for_every_frame_with_the_truth_about_it() {
    let run = RunFolder::open(&runs().join("run")).expect("it is whole");
    let mut truth = BTreeMap::new();
    for batch in run.frames().expect("can be read") {
        for row in batch.expect("can be read") {
            truth.insert(row.frame, row);
        }
    }
    let original: Vec<_> = run
        .capture("cell")
        .expect("can be read")
        .collect::<Result<Vec<_>, _>>()
        .expect("can be read");
    let (attack, away) = (steps(), deviations());
    for (args, fineness) in [("", 1), (" --stamps micro", 1_000)] {
        let (_folder, out) = export("run", &format!("--format pcap-labels{args}"));
        let mut number = 0;
        let mut labels = BTreeSet::new();
        for part in ["train", "test"] {
            let frames = pcap(&out.join(part).join("cell.pcap"), fineness);
            let rows = csv(&out.join(part).join("cell.csv"));
            assert_eq!(rows.len(), frames.len() + 1);
            for (at, (frame, row)) in frames.iter().zip(&rows[1..]).enumerate() {
                let own = &original[number];
                number += 1;
                assert_eq!(frame.bytes, own.bytes);
                let cell = |name: &str| {
                    let column = rows[0]
                        .iter()
                        .position(|head| head == name)
                        .expect("a column");
                    row[column].as_str()
                };
                assert_eq!(cell("frame"), (at + 1).to_string(), "counted in its file");
                assert_eq!(cell("run_frame"), own.number.to_string());
                assert_eq!(cell("t_ns"), own.t_ns.to_string());
                let unix_ns = EPOCH_S.unsigned_abs() * 1_000_000_000 + own.t_ns;
                assert_eq!(frame.unix_ns, unix_ns / fineness * fineness);
                let known = &truth[&own.number];
                let step = known.step.as_deref();
                assert_eq!(cell("step"), step.unwrap_or_default());
                assert_eq!(
                    cell("label"),
                    if step.is_some() { "attack" } else { "benign" }
                );
                assert_eq!(cell("technique").is_empty(), step.is_none());
                let inside = |from: u64, to: u64| own.t_ns >= from && own.t_ns < to.max(from + 1);
                let command = attack.iter().any(|(_, from, to)| inside(*from, *to));
                let effect = away.iter().any(|(from, to)| inside(*from, *to));
                assert_eq!(cell("command"), if command { "1" } else { "0" });
                assert_eq!(cell("effect"), if effect { "1" } else { "0" });
                labels.insert((part, cell("label").to_owned()));
            }
        }
        assert_eq!(number, original.len(), "no frame is lost between the parts");
        let expect = [("test", "attack"), ("test", "benign"), ("train", "benign")];
        let labels: Vec<_> = labels
            .iter()
            .map(|(part, label)| (*part, label.as_str()))
            .collect();
        assert_eq!(labels, expect);
    }
}

#[test]
fn cic_log_when_joined_on_time_target_and_transaction_then_it_finds_the_attackers_frames() {
    let (_folder, out) = export("run", "--format cic-modbus");
    let benign = pcap(&out.join("benign/cell.pcap"), 1_000);
    let last_s = benign.last().expect("there are frames").unix_ns / 1_000_000_000;
    assert_eq!(last_s, EPOCH_S.unsigned_abs() + CLEAN as u64 - 1);
    let frames = pcap(&out.join("attack/cell.pcap"), 1_000);
    let mut keys = BTreeMap::<(u64, String, String), u64>::new();
    for frame in &frames {
        let Some((target, transactions)) = target(&frame.bytes) else {
            continue;
        };
        let mut add = |transaction: String| {
            let key = (frame.unix_ns / 1_000, target.to_string(), transaction);
            *keys.entry(key).or_default() += 1;
        };
        if transactions.is_empty() {
            add(String::new());
        }
        for transaction in transactions {
            add(transaction.to_string());
        }
    }
    let log = csv(&out.join("attack/cell-attack-log.csv"));
    assert_eq!(log[0], ["Timestamp", "TargetIP", "Attack", "TransactionID"]);
    let mut kinds = BTreeSet::new();
    for row in &log[1..] {
        let numbers: Vec<i64> = row[0]
            .split(['-', ' ', ':', '.'])
            .map(|part| part.parse().expect("a number"))
            .collect();
        let seconds = super::unix(numbers[..6].try_into().expect("six parts"));
        let micros = u64::try_from(seconds * 1_000_000 + numbers[6]).expect("after 1970");
        let key = (micros, row[1].clone(), row[3].clone());
        assert_eq!(keys.get(&key), Some(&1), "{row:?}");
        kinds.insert((row[2].as_str(), row[3].is_empty()));
    }
    assert!(kinds.contains(&("reconnaissance", true)), "{kinds:?}");
    assert!(kinds.contains(&("unauthorized write", false)), "{kinds:?}");
    assert!(
        kinds.contains(&("false data injection", false)),
        "{kinds:?}"
    );
}

/// A packet as ICSFlowGenerator sees it: numbers by the offsets of headers, times as floats.
struct Packet {
    at_s: f64,
    src: String,
    dst: String,
    protocol: String,
    macs: [String; 2],
    is_ip: bool,
    length: f64,
    payload: f64,
    /// Time to live, window, sequence, acknowledgment, flags; of TCP alone.
    tcp: Option<(f64, f64, u32, u32, u8)>,
}

fn packet(bytes: &[u8], t_ns: u64) -> Packet {
    let mac = |at: usize| {
        let octets = bytes[at..at + 6].iter().map(|octet| format!("{octet:02x}"));
        octets.collect::<Vec<_>>().join(":")
    };
    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let long = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let ip = |at: usize| Ipv4Addr::from(long(at)).to_string();
    let macs = [mac(6), mac(0)];
    let length = bytes.len();
    let mut packet = Packet {
        at_s: EPOCH_S as f64 + t_ns as f64 / 1e9,
        src: macs[0].clone(),
        dst: macs[1].clone(),
        protocol: "ARP".to_owned(),
        macs,
        is_ip: false,
        length: length as f64,
        payload: 0.0,
        tcp: None,
    };
    match word(12) {
        0x0806 => return packet,
        0x0800 => {}
        other => panic!("an Ethernet type {other:#x}, which this plant does not have"),
    }
    (packet.src, packet.dst, packet.is_ip) = (ip(26), ip(30), true);
    let at = 14 + usize::from(bytes[14] & 15) * 4;
    match bytes[23] {
        6 => {
            let header = usize::from(bytes[at + 12] >> 4) * 4;
            packet.protocol = "IP:TCP".to_owned();
            packet.payload = (length - at - header) as f64;
            let (ttl, window) = (f64::from(bytes[22]), f64::from(word(at + 14)));
            packet.tcp = Some((ttl, window, long(at + 4), long(at + 8), bytes[at + 13]));
        }
        17 => {
            packet.protocol = "IP:UDP".to_owned();
            packet.payload = (length - at) as f64 - 32.0;
        }
        1 => packet.protocol = "IP:ICMP".to_owned(),
        other => panic!("a protocol {other}, which this plant does not have"),
    }
    packet
}

/// What is in a flow, in the order of time.
type Flow = Vec<Packet>;

/// Packets into flows as the generator's queue does it: a flow is written once a packet comes that is more than an
/// interval later than its first.
fn flows(packets: Vec<Packet>, interval_s: f64) -> Vec<Flow> {
    let (mut open, mut done) = (Vec::<((String, String, String), Flow)>::new(), Vec::new());
    for packet in packets {
        while open
            .first()
            .is_some_and(|(_, flow)| flow[0].at_s + interval_s < packet.at_s)
        {
            done.push(open.remove(0).1);
        }
        let (low, high) = (
            packet.src.clone().min(packet.dst.clone()),
            packet.src.clone().max(packet.dst.clone()),
        );
        let key = (low, high, packet.protocol.clone());
        match open.iter_mut().find(|(known, _)| *known == key) {
            Some((_, flow)) => flow.push(packet),
            None => open.push((key, vec![packet])),
        }
    }
    done.extend(open.into_iter().map(|(_, flow)| flow));
    done
}

/// The numbers of one side of a flow, as the generator computes them; `None` is an empty cell.
fn side(flow: &Flow, address: &str, is_low: bool) -> Vec<(&'static str, Option<f64>)> {
    let own: Vec<&Packet> = flow.iter().filter(|packet| packet.src == address).collect();
    let count = own.len() as f64;
    let (start, end) = (flow[0].at_s, flow[flow.len() - 1].at_s);
    let sum = |of: &dyn Fn(&Packet) -> f64| own.iter().map(|packet| of(packet)).sum::<f64>();
    let any = |value: f64| (!own.is_empty()).then_some(value);
    let most = |of: &dyn Fn(&Packet) -> f64| own.iter().map(|p| of(p)).reduce(f64::max);
    let least = |of: &dyn Fn(&Packet) -> f64| own.iter().map(|p| of(p)).reduce(f64::min);
    let is_tcp = own.first().is_some_and(|packet| packet.tcp.is_some());
    let tcp = |of: &dyn Fn((f64, f64, u32, u32, u8)) -> f64| {
        let all = own.iter().filter_map(|packet| packet.tcp).map(of);
        is_tcp.then(|| all.sum::<f64>() / count)
    };
    let flag = |bit: u8| tcp(&|(.., flags)| f64::from(u8::from(flags & bit != 0)));
    let (mut asked, mut answered) = (BTreeMap::new(), BTreeMap::new());
    let mut delays = Vec::new();
    for packet in flow {
        let Some((_, _, seq, ack, _)) = packet.tcp else {
            continue;
        };
        if packet.src == address {
            asked.insert(ack, packet.at_s);
            delays.extend(answered.get(&seq).map(|at| packet.at_s - at));
        } else {
            answered.insert(ack, packet.at_s);
        }
    }
    let length = |packet: &Packet| packet.length;
    let payload = |packet: &Packet| packet.payload;
    let gaps = (own.len() > 1).then(|| (own[own.len() - 1].at_s - own[0].at_s) / (count - 1.0));
    let ip = own.first().is_some_and(|packet| packet.is_ip);
    let mean = (!delays.is_empty()).then(|| delays.iter().sum::<f64>() / delays.len() as f64);
    let names: [[&str; 2]; 23] = [
        ["sPackets", "rPackets"],
        ["sBytesSum", "rBytesSum"],
        ["sBytesMax", "rBytesMax"],
        ["sBytesMin", "rBytesMin"],
        ["sBytesAvg", "rBytesAvg"],
        ["sLoad", "rLoad"],
        ["sPayloadSum", "rPayloadSum"],
        ["sPayloadMax", "rPayloadMax"],
        ["sPayloadMin", "rPayloadMin"],
        ["sPayloadAvg", "rPayloadAvg"],
        ["sInterPacketAvg", "rInterPacketAvg"],
        ["sttl", "rttl"],
        ["sAckRate", "rAckRate"],
        ["sUrgRate", "rUrgRate"],
        ["sFinRate", "rFinRate"],
        ["sPshRate", "rPshRate"],
        ["sSynRate", "rSynRate"],
        ["sRstRate", "rRstRate"],
        ["sWinTCP", "rWinTCP"],
        ["sFragmentRate", "rFragmentRate"],
        ["sAckDelayMax", "rAckDelayMax"],
        ["sAckDelayMin", "rAckDelayMin"],
        ["sAckDelayAvg", "rAckDelayAvg"],
    ];
    let values = [
        Some(count),
        Some(sum(&length)),
        most(&length),
        least(&length),
        any(sum(&length) / count),
        Some(sum(&length) * 8.0 / (end - start + 1e-6)),
        Some(sum(&payload)),
        most(&payload),
        least(&payload),
        any(sum(&payload) / count),
        gaps,
        tcp(&|(ttl, ..)| ttl),
        flag(0x10),
        flag(0x20),
        flag(0x01),
        flag(0x08),
        flag(0x02),
        flag(0x04),
        tcp(&|(_, window, ..)| window),
        ip.then_some(0.0),
        delays.iter().copied().reduce(f64::max),
        delays.iter().copied().reduce(f64::min),
        mean,
    ];
    let names = names.map(|[low, high]| if is_low { low } else { high });
    names.into_iter().zip(values).collect()
}

/// The list of attacks as the generator reads it: the head is dropped, lines are split at commas.
fn listed(path: &Path) -> Vec<(String, f64, f64, String, String)> {
    let text = fs::read_to_string(path).expect("it is there");
    let lines = text.lines().skip(1).map(|line| {
        let parts: Vec<&str> = line.trim().split(',').collect();
        assert_eq!(parts.len(), 8, "{line}");
        let number = |at: usize| parts[at].parse().expect("a number");
        let name = |at: usize| parts[at].to_owned();
        (name(0), number(1), number(2), name(5), name(6))
    });
    lines.collect()
}

#[test]
fn ics_flow_when_computed_anew_as_its_generator_does_then_the_same_rows_and_labels() {
    let (_folder, out) = export("run", "--format ics-flow --train calm");
    let run = RunFolder::open(&runs().join("run")).expect("it is whole");
    let frames = run.capture("cell").expect("can be read");
    let packets = frames.map(|frame| {
        let frame = frame.expect("can be read");
        packet(&frame.bytes, frame.t_ns)
    });
    let flows = flows(packets.collect(), 0.5);
    let first_s = flows[0][0].at_s;
    for scope in ["command", "effect"] {
        let attacks = listed(&out.join(scope).join("attacker_machine_summary.csv"));
        let rows = csv(&out.join(scope).join("test/cell.csv"));
        assert_eq!(rows[0].len(), 64, "sixty columns and four labels");
        assert_eq!(rows.len() - 1, flows.len(), "a row for each flow");
        let mut labels = BTreeMap::<(String, String), u64>::new();
        for (row, flow) in rows[1..].iter().zip(&flows) {
            let cell = |name: &str| {
                let at = rows[0].iter().position(|head| head == name);
                row[at.unwrap_or_else(|| panic!("no column {name}"))].as_str()
            };
            let (first, last) = (&flow[0], &flow[flow.len() - 1]);
            let (low, high) = (
                first.src.clone().min(first.dst.clone()),
                first.src.clone().max(first.dst.clone()),
            );
            assert_eq!([cell("sAddress"), cell("rAddress")], [&low, &high]);
            assert_eq!(cell("protocol"), first.protocol);
            let near = |name: &str, expect: f64, tolerance: f64| {
                let found: f64 = cell(name)
                    .parse()
                    .unwrap_or_else(|_| panic!("{name}: {row:?}"));
                assert!(
                    (found - expect).abs() <= tolerance,
                    "{name} is {found}, not {expect}: {row:?}"
                );
            };
            // The generator's floats know the time of day to a quarter of a microsecond.
            near("start", first.at_s, 2e-6);
            near("end", last.at_s, 2e-6);
            near("startOffset", first.at_s - first_s, 2e-6);
            near("duration", last.at_s - first.at_s + 1e-6, 2e-6);
            let macs = |is_low: bool| -> BTreeSet<&str> {
                flow.iter()
                    .map(|packet| packet.macs[usize::from((packet.src == low) != is_low)].as_str())
                    .collect()
            };
            assert_eq!(
                cell("sMACs").split('/').collect::<BTreeSet<_>>(),
                macs(true)
            );
            assert_eq!(
                cell("rMACs").split('/').collect::<BTreeSet<_>>(),
                macs(false)
            );
            assert_eq!(cell("sIPs"), if first.is_ip { low.as_str() } else { "" });
            for (name, value) in side(flow, &low, true)
                .into_iter()
                .chain(side(flow, &high, false))
            {
                let Some(value) = value else {
                    assert_eq!(cell(name), "", "{name}");
                    continue;
                };
                let short = (last.at_s - first.at_s).max(1e-6);
                let tolerance = match &name[1..] {
                    "Load" => value * 5e-7 / short + 1e-3,
                    _ => 1.1e-3,
                };
                near(name, value, tolerance);
            }
            let (mut injected, mut seen) = ("Normal", "Normal");
            for (class, start, end, mac, ip) in &attacks {
                if !(*start >= last.at_s || *end <= first.at_s) {
                    injected = class;
                    let known =
                        |name: &str| cell(name).split('/').any(|part| part == mac || part == ip);
                    if ["sMACs", "rMACs", "sIPs", "rIPs"]
                        .iter()
                        .any(|name| known(name))
                    {
                        seen = class;
                    }
                }
            }
            assert_eq!(
                [cell("IT_M_Label"), cell("NST_M_Label")],
                [injected, seen],
                "{row:?}"
            );
            for (flag, class) in [("IT_B_Label", injected), ("NST_B_Label", seen)] {
                assert_eq!(cell(flag), if class == "Normal" { "0" } else { "1" });
            }
            *labels
                .entry((injected.to_owned(), seen.to_owned()))
                .or_default() += 1;
        }
        let of = |injected: &str, seen: &str| {
            let found = labels.get(&(injected.to_owned(), seen.to_owned()));
            found.copied().unwrap_or(0)
        };
        let classes: &[&str] = match scope {
            "command" => &["port-scan", "mitm"],
            // Nothing is away before the first write.
            _ => &["write"],
        };
        assert!(of("Normal", "Normal") > 100, "{labels:?}");
        for class in classes {
            let (seen, unseen) = (of(class, class), of(class, "Normal"));
            assert!(seen > 10 && unseen > 10, "{class}: {labels:?}");
        }
    }
}

#[test]
fn ics_flow_when_an_attack_is_in_a_flow_then_nst_tells_it_apart_and_what_is_learned_from_is_normal()
{
    let (_folder, out) = export("run", "--format ics-flow --labels command");
    let run = RunFolder::open(&runs().join("run")).expect("it is whole");
    let mut sent = Vec::new();
    for batch in run.frames().expect("can be read") {
        for row in batch.expect("can be read") {
            if row.relation == Relation::Sent {
                sent.push(row.frame);
            }
        }
    }
    let frames = run.capture("cell").expect("can be read");
    let sent: Vec<Packet> = frames
        .map(|frame| frame.expect("can be read"))
        .filter(|frame| sent.binary_search(&frame.number).is_ok())
        .map(|frame| packet(&frame.bytes, frame.t_ns))
        .collect();
    assert!(sent.len() > 1_000, "{}", sent.len());
    let rows = csv(&out.join("command/test/cell.csv"));
    let column = |name: &str| rows[0].iter().position(|head| head == name).expect(name);
    let [low, high, protocol, start, end, label] = [
        "sAddress",
        "rAddress",
        "protocol",
        "start",
        "end",
        "NST_B_Label",
    ]
    .map(column);
    let mut by_key = BTreeMap::<[&str; 3], Vec<(f64, f64, bool)>>::new();
    for row in &rows[1..] {
        let number = |at: usize| -> f64 { row[at].parse().expect("a number") };
        let key = [low, high, protocol].map(|at| row[at].as_str());
        let flow = (number(start), number(end), row[label] == "1");
        by_key.entry(key).or_default().push(flow);
    }
    let mut labelled = 0;
    for packet in &sent {
        let (low, high) = (
            packet.src.as_str().min(&packet.dst),
            packet.src.as_str().max(&packet.dst),
        );
        let flows = &by_key[&[low, high, packet.protocol.as_str()]];
        let own = flows
            .iter()
            .find(|(start, end, _)| *start - 2e-6 <= packet.at_s && packet.at_s <= *end + 2e-6);
        let (.., is_attack) = own.expect("every frame is in a flow");
        labelled += usize::from(*is_attack);
    }
    // A packet alone in its flow at the very instant at which a step begins or ends does not overlap it.
    assert!(labelled + 20 >= sent.len(), "{labelled} of {}", sent.len());
    let train = csv(&out.join("command/train/cell.csv"));
    assert_eq!(train[0], rows[0]);
    assert!(train.len() > 100);
    let at = column("IT_B_Label");
    assert!(
        train[1..]
            .iter()
            .all(|row| row[at..] == ["0", "Normal", "0", "Normal"])
    );
    let note = read_json(&out.join("labels.json"));
    assert_eq!(note["period_ns"], 500_000_000);
    let (_folder, longer) = export("run", "--format ics-flow --labels command --period 5s");
    let fewer = csv(&longer.join("command/test/cell.csv"));
    assert!(
        fewer.len() * 4 < rows.len(),
        "{} and {}",
        fewer.len(),
        rows.len()
    );
    let end_s = EPOCH_S as f64 + LENGTH as f64;
    assert!(
        fewer[1..]
            .iter()
            .all(|row| row[end].parse::<f64>().is_ok_and(|at| at <= end_s))
    );
}

#[test]
fn captures_when_tshark_reads_them_then_the_same_frames_and_transactions() {
    if !has_tool("tshark", "--version") {
        return;
    }
    let (_folder, out) = export("run", "--format pcap-labels");
    let rows = csv(&out.join("test/cell.csv"));
    let output = Command::new("tshark")
        // Without following streams, so that a diverted message and its copy are both read.
        .args([
            "-o",
            "tcp.analyze_sequence_numbers:FALSE",
            "-o",
            "tcp.desegment_tcp_streams:FALSE",
        ])
        .args([
            "-T",
            "fields",
            "-e",
            "frame.number",
            "-e",
            "frame.time_epoch",
            "-e",
            "mbtcp.trans_id",
        ])
        .args(["-E", "aggregator=;", "-r"])
        .arg(out.join("test/cell.pcap"))
        .output()
        .expect("tshark starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("text");
    let seen: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(seen.len(), rows.len() - 1);
    let mut with_transaction = 0;
    for (frame, row) in seen.iter().zip(&rows[1..]) {
        assert_eq!(frame[0], row[0]);
        assert_eq!(frame[1], row[2]);
        assert_eq!(
            frame.get(2).copied().unwrap_or_default(),
            row[11],
            "frame {}",
            row[0]
        );
        with_transaction += u64::from(!row[11].is_empty());
    }
    assert!(with_transaction > 1_000, "{with_transaction}");
}
