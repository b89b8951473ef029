//! CIC Modbus 2023: captures, and beside the attacked one a log that is joined with it on time, target and transaction
//! id.
//!
//! A row stands for a Modbus message that the attacker sent, be it a request or a forged answer, or for a packet
//! without a transaction by which it looked for hosts or diverted their traffic (ARP, the first packet of a TCP
//! connection); its `TransactionID` is then empty. Stamps are microseconds in both files, so that they are equal.
//!
//! # Source
//!
//! Canadian Institute for Cybersecurity, *CIC Modbus Dataset 2023*: folders `benign` and `attack`, the log's columns,
//! the names of attacks. Names of what that set does not have are ours.

use sim_wire::modbus::Adu;
use sim_wire::summary::FrameSummary;
use sim_wire::tcp::Flags;
use twinrange_range::evidence::frames::Relation;

use crate::frames::walk;
use crate::log::unix_ns;
use crate::out::Stop;
use crate::pcap::capture;
use crate::tabular::time;
use crate::work::{Stamps, Work};

/// Columns of the attack log.
const HEAD: [&str; 4] = ["Timestamp", "TargetIP", "Attack", "TransactionID"];

/// The form of a time stamp.
const TIME: &str = "%Y-%m-%d %H:%M:%S%.6f";

/// Writes the export.
pub(crate) fn write(work: &Work<'_>) -> Result<(), Stop> {
    for (piece, part) in work.pieces() {
        let folder = if part == "train" { "benign" } else { "attack" };
        for span in piece.run.folder.spans() {
            capture(
                work,
                piece,
                span,
                &format!("{folder}/{span}.pcap"),
                Stamps::Micro,
            )?;
        }
    }
    let piece = &work.split.test;
    let log = &piece.run.log;
    for span in piece.run.folder.spans() {
        let path = format!("attack/{span}-attack-log.csv");
        work.out.file(&path, |out| {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(HEAD)?;
            let mut rows = 0;
            walk(piece, span, work.out, |_, frame, truth| {
                let step = truth.step.as_deref().and_then(|id| log.step(id));
                let Some(step) = step.filter(|_| truth.relation == Relation::Sent) else {
                    return Ok(());
                };
                let at = time(unix_ns(frame.t_ns), TIME);
                let class = class(&step.record.action);
                for (target, transaction) in deeds(&frame.bytes) {
                    csv.write_record([at.as_str(), &target, class, &transaction])?;
                    rows += 1;
                }
                Ok(())
            })?;
            csv.flush()?;
            Ok(rows)
        })?;
    }
    Ok(())
}

/// What a frame of the attacker did: targets, each with a transaction id or none.
fn deeds(frame: &[u8]) -> Vec<(String, String)> {
    let Some(summary) = FrameSummary::of(frame) else {
        return Vec::new();
    };
    if let Some(arp) = summary.arp {
        return vec![(arp.target_ip.to_string(), String::new())];
    }
    let (Some(ip), Some(tcp)) = (summary.ip, &summary.tcp) else {
        return Vec::new();
    };
    let target = ip.dst.to_string();
    let whole = summary.modbus_adus(frame).filter(Adu::length_is_consistent);
    let messages: Vec<_> = whole
        .map(|adu| (target.clone(), adu.transaction().to_string()))
        .collect();
    let begins = tcp.flags.contains(Flags::SYN) && !tcp.flags.contains(Flags::ACK);
    if messages.is_empty() && begins {
        return vec![(target, String::new())];
    }
    messages
}

/// The data set's name for what a step does, or ours where it has none.
fn class(action: &str) -> &'static str {
    match action {
        "Scan" | "Identify" | "UploadProgram" => "reconnaissance",
        "BruteForceIo" => "brute force write",
        "DenialOfService" => "query flooding",
        "DownloadProgram" | "Firmware" => "loading payloads",
        "AdversaryInTheMiddle" => "false data injection",
        "Write" | "Drift" => "unauthorized write",
        "SetMode" | "Restart" | "ChangeTask" => "unauthorized command",
        "Force" => "forced points",
        _ => "other",
    }
}
