//! Frames as a machine captures them that has sent them itself: the checksum is left to its network card.
//!
//! # Source
//!
//! Linux, `Documentation/networking/checksum-offloads.rst`: with `CHECKSUM_PARTIAL` the field holds the sum of the
//! pseudo-header, not complemented, and the card completes it over the segment.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use sim_wire::checksum::Checksum;
use sim_wire::{ethernet, ipv4};
use twinrange_range::evidence::capture::{CaptureReader, CaptureWriter};
use twinrange_range::problem::Problem;

/// Copies an evidence folder, with all captures as though every segment had been captured where it was sent.
pub(super) fn rewrite(evidence: &Path, to: &Path) -> Result<PathBuf, Problem> {
    let cannot = |why: String| Problem::new("TR0307", format!("`{}`: {why}", to.display()));
    fs::create_dir_all(to).map_err(|error| cannot(error.to_string()))?;
    let entries = fs::read_dir(evidence).map_err(|error| cannot(error.to_string()))?;
    for entry in entries {
        let from = entry.map_err(|error| cannot(error.to_string()))?.path();
        let name = from.file_name().unwrap_or_default().to_owned();
        let target = to.join(&name);
        let is_capture = from.extension().is_some_and(|end| end == "pcapng");
        let done = match is_capture {
            true => rewrite_capture(&from, &target, span_of(&from)),
            false => fs::copy(&from, &target)
                .map(|_| ())
                .map_err(|error| error.to_string()),
        };
        done.map_err(|why| cannot(format!("{}: {why}", name.to_string_lossy())))?;
    }
    Ok(to.to_owned())
}

/// The name of a capture's SPAN port.
fn span_of(capture: &Path) -> String {
    let stem = capture.file_stem().unwrap_or_default().to_string_lossy();
    stem.strip_prefix("span-").unwrap_or(&stem).to_owned()
}

fn rewrite_capture(from: &Path, to: &Path, span: String) -> Result<(), String> {
    let words = |error: std::io::Error| error.to_string();
    let input = BufReader::new(File::open(from).map_err(words)?);
    let output = BufWriter::new(File::create(to).map_err(words)?);
    let mut writer = CaptureWriter::new(output, &span).map_err(words)?;
    for frame in CaptureReader::new(input).map_err(|error| error.to_string())? {
        let mut frame = frame.map_err(|error| error.to_string())?;
        leave_to_card(&mut frame.bytes);
        writer.frame(frame.t_ns, &frame.bytes).map_err(words)?;
    }
    writer.into_inner().flush().map_err(words)
}

/// Puts the sum of the pseudo-header where a TCP segment's checksum was; leaves everything else as it is.
fn leave_to_card(frame: &mut [u8]) {
    let Some(bytes) = frame.get(ethernet::HEADER_BYTES..) else {
        return;
    };
    if frame[12..14] != ethernet::ETHERTYPE_IPV4.to_be_bytes() {
        return;
    }
    let packet = ipv4::Packet::new(bytes);
    let (Some(header_bytes), Some(segment)) = (packet.header_bytes(), packet.payload()) else {
        return;
    };
    let (Some(src), Some(dst)) = (packet.src(), packet.dst()) else {
        return;
    };
    if packet.protocol() != Some(ipv4::PROTOCOL_TCP) || segment.len() < 20 {
        return;
    }
    let sum = Checksum::new().pseudo_header(src, dst, ipv4::PROTOCOL_TCP, segment.len());
    let at = ethernet::HEADER_BYTES + header_bytes + 16;
    frame[at..at + 2].copy_from_slice(&sum.sum().to_be_bytes());
}
