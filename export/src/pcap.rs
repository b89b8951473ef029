//! Captures with one row per frame: what it belongs to, and whether an attack or its effect was under way.
//!
//! Captures are classic pcap, which every tool reads, with nanoseconds or microseconds; frames are numbered from 1 in
//! each file, as `frame.number` counts, and the number in the run's own capture stands beside it.

use std::io::{self, Write};
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapTsResolution, PcapWriter};
use pcap_file::{DataLink, Endianness};
use sim_wire::summary::FrameSummary;

use twinrange_range::evidence::capture::SNAP_LEN;

use crate::frames::{Clock, walk};
use crate::log::{Scope, unix_ns};
use crate::out::Stop;
use crate::work::{Piece, Stamps, Work};

/// Head of the table beside a capture.
const HEAD: [&str; 12] = [
    "frame",
    "run_frame",
    "time",
    "t_ns",
    "label",
    "step",
    "technique",
    "techniques",
    "relation",
    "command",
    "effect",
    "transaction",
];

/// Writes the export.
pub(crate) fn write(work: &Work<'_>) -> Result<(), Stop> {
    for (piece, part) in work.pieces() {
        for span in piece.run.folder.spans() {
            let name = format!("{part}/{span}");
            capture(
                work,
                piece,
                span,
                &format!("{name}.pcap"),
                work.order.stamps,
            )?;
            table(work, piece, span, &format!("{name}.csv"))?;
        }
    }
    Ok(())
}

/// Writes the frames of a piece as classic pcap.
pub(crate) fn capture(
    work: &Work<'_>,
    piece: &Piece<'_>,
    span: &str,
    path: &str,
    stamps: Stamps,
) -> Result<(), Stop> {
    work.out.file(path, |out| {
        let header = PcapHeader {
            version_major: 2,
            version_minor: 4,
            ts_correction: 0,
            ts_accuracy: 0,
            snaplen: SNAP_LEN,
            datalink: DataLink::ETHERNET,
            ts_resolution: match stamps {
                Stamps::Nano => PcapTsResolution::NanoSecond,
                Stamps::Micro => PcapTsResolution::MicroSecond,
            },
            endianness: Endianness::Little,
        };
        let mut writer = PcapWriter::with_header(out, header).map_err(io::Error::other)?;
        walk(piece, span, work.out, |_, frame, _| {
            let length = u32::try_from(frame.bytes.len()).expect("a frame is short");
            let at = Duration::from_nanos(unix_ns(frame.t_ns));
            let packet = PcapPacket::new(at, length, &frame.bytes[..]).map_err(io::Error::other)?;
            writer.write_packet(&packet).map_err(io::Error::other)?;
            Ok(())
        })
    })
}

fn table(work: &Work<'_>, piece: &Piece<'_>, span: &str, path: &str) -> Result<(), Stop> {
    let clock = Clock::of(piece);
    let log = &piece.run.log;
    work.out.file(path, |out: &mut dyn Write| {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(HEAD)?;
        let frames = walk(piece, span, work.out, |number, frame, truth| {
            let step = truth.step.as_deref();
            let known = step.and_then(|id| log.step(id));
            let techniques = known.map_or(&[][..], |step| &step.record.techniques);
            let flag = |scope| {
                if clock.is_in(scope, frame.t_ns) {
                    "1"
                } else {
                    "0"
                }
            };
            csv.write_record([
                number.to_string().as_str(),
                &frame.number.to_string(),
                &seconds(frame.t_ns),
                &frame.t_ns.to_string(),
                if step.is_some() { "attack" } else { "benign" },
                step.unwrap_or_default(),
                techniques.first().map_or("", String::as_str),
                &techniques.join(";"),
                truth.relation.name(),
                flag(Scope::Command),
                flag(Scope::Effect),
                &transactions(&frame.bytes),
            ])?;
            Ok(())
        })?;
        csv.flush()?;
        Ok(frames)
    })
}

/// Seconds since 1970 with all nine digits, as `frame.time_epoch` prints them.
fn seconds(t_ns: u64) -> String {
    let ns = unix_ns(t_ns);
    format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000)
}

/// The Modbus transaction ids in a frame, joined with `;`.
fn transactions(frame: &[u8]) -> String {
    let Some(summary) = FrameSummary::of(frame) else {
        return String::new();
    };
    let ids: Vec<String> = summary
        .modbus_adus(frame)
        .filter(sim_wire::modbus::Adu::length_is_consistent)
        .map(|adu| adu.transaction().to_string())
        .collect();
    ids.join(";")
}
