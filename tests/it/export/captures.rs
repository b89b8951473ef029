//! Captures, and the tables beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use twinrange_range::run_folder::RunFolder;

use crate::support::has_tool;

use super::{CLEAN, EPOCH_S, csv, deviations, export, runs, steps};

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
