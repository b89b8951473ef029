//! Captures of a SPAN port: pcapng with nanosecond time stamps.
//!
//! One section, one interface, one enhanced packet block per frame, in the order of time. The first
//! frame has number 1, as every tool counts.
//!
//! # Source
//!
//! draft-ietf-opsawg-pcapng, little-endian, `if_tsresol` 9. The headers are written and all blocks are
//! read with the `pcap-file` crate; packet blocks are laid out here, into a buffer that is used again
//! for each of them, because they make up nearly all of a run's bytes.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use pcap_file::pcapng::blocks::block_common::Block;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::section_header::SectionHeaderBlock;
use pcap_file::pcapng::{PcapNgReader, PcapNgWriter};
use pcap_file::{DataLink, Endianness};

use super::{EPOCH_UNIX_NS, ReadError};

/// Longest frame that is captured whole, bytes.
pub const SNAP_LEN: u32 = 65_535;

/// Block type of an enhanced packet block.
const ENHANCED_PACKET: u32 = 6;
/// Bytes of an enhanced packet block around the frame and its padding.
const PACKET_OVERHEAD: u32 = 32;

/// Writes one capture.
#[derive(Debug)]
pub struct CaptureWriter<W: Write> {
    out: W,
    frames: u64,
    last_ns: u64,
    block: Vec<u8>,
}

impl<W: Write> CaptureWriter<W> {
    /// Writes the headers.
    ///
    /// # Arguments
    ///
    /// * `span` — name of the SPAN port, which becomes the interface name.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, span: &str) -> io::Result<Self> {
        let section = SectionHeaderBlock {
            endianness: Endianness::Little,
            ..SectionHeaderBlock::default()
        };
        let mut header =
            PcapNgWriter::with_section_header(out, section).map_err(io::Error::other)?;
        let interface = InterfaceDescriptionBlock {
            linktype: DataLink::ETHERNET,
            snaplen: SNAP_LEN,
            options: vec![
                InterfaceDescriptionOption::IfName(Cow::Borrowed(span)),
                InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
            ],
        };
        header
            .write_pcapng_block(interface)
            .map_err(io::Error::other)?;
        Ok(Self {
            out: header.into_inner(),
            frames: 0,
            last_ns: 0,
            block: Vec::new(),
        })
    }

    /// Appends a frame and returns its number.
    ///
    /// # Arguments
    ///
    /// * `t_ns` — simulated time at which the switch had received it, ns.
    /// * `frame` — bytes from the destination address on, without check sequence. What is beyond
    ///   [`SNAP_LEN`] is cut, as a capture tool would.
    ///
    /// # Errors
    ///
    /// Those of the writer below.
    ///
    /// # Panics
    ///
    /// If frames do not come in the order of time: that is our bug.
    pub fn frame(&mut self, t_ns: u64, frame: &[u8]) -> io::Result<u64> {
        assert!(
            t_ns >= self.last_ns,
            "frames must come in order: {t_ns} after {}",
            self.last_ns
        );
        self.last_ns = t_ns;
        let kept = &frame[..frame.len().min(SNAP_LEN as usize)];
        let kept_len = u32::try_from(kept.len()).expect("cut to the snap length");
        let whole_len = u32::try_from(frame.len()).expect("a frame is shorter than 4 GiB");
        let padded_len = kept_len.next_multiple_of(4);
        let block_len = padded_len + PACKET_OVERHEAD;
        let unix_ns = EPOCH_UNIX_NS + t_ns;
        let [high, low] = [unix_ns >> 32, unix_ns & 0xffff_ffff]
            .map(|half| u32::try_from(half).expect("half of a u64"));

        self.block.clear();
        for word in [
            ENHANCED_PACKET,
            block_len,
            0,
            high,
            low,
            kept_len,
            whole_len,
        ] {
            self.block.extend_from_slice(&word.to_le_bytes());
        }
        self.block.extend_from_slice(kept);
        self.block.resize(28 + padded_len as usize, 0);
        self.block.extend_from_slice(&block_len.to_le_bytes());
        self.out.write_all(&self.block)?;
        self.frames += 1;
        Ok(self.frames)
    }

    /// Hands everything on to whoever reads below.
    ///
    /// # Errors
    ///
    /// Those of the writer below.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// How many frames were written.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The writer below.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// One frame of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedFrame {
    /// Number in the capture, from 1.
    pub number: u64,
    /// Simulated time, ns.
    pub t_ns: u64,
    /// Bytes from the destination address on.
    pub bytes: Vec<u8>,
}

/// Reads a capture that a run wrote, frame by frame.
pub struct CaptureReader<R: Read> {
    reader: PcapNgReader<R>,
    frames: u64,
    ended: bool,
}

impl<R: Read> CaptureReader<R> {
    /// Reads the section header.
    ///
    /// # Errors
    ///
    /// [`ReadError::Damaged`] if this is not pcapng.
    pub fn new(input: R) -> Result<Self, ReadError> {
        // One block must fit; ours are at most 64 KiB, and a foreign one is not worth more memory.
        let reader = PcapNgReader::with_capacity(input, 1 << 20)
            .map_err(|error| ReadError::Damaged(format!("it is not a pcapng capture: {error}")))?;
        Ok(Self {
            reader,
            frames: 0,
            ended: false,
        })
    }

    fn packet(&mut self) -> Option<Result<CapturedFrame, ReadError>> {
        loop {
            let number = self.frames + 1;
            let block = match self.reader.next_block()? {
                Ok((block, _)) => block,
                Err(error) => {
                    let why = format!("after frame {}: {error}", self.frames);
                    return Some(Err(ReadError::Damaged(why)));
                }
            };
            let Block::EnhancedPacket(packet) = block else {
                continue;
            };
            let unix_ns = u64::try_from(packet.timestamp.as_nanos()).ok();
            let Some(t_ns) = unix_ns.and_then(|ns| ns.checked_sub(EPOCH_UNIX_NS)) else {
                let why = format!("frame {number} was captured before the run began");
                return Some(Err(ReadError::Damaged(why)));
            };
            let bytes = packet.data.into_owned();
            self.frames = number;
            return Some(Ok(CapturedFrame {
                number,
                t_ns,
                bytes,
            }));
        }
    }
}

impl<R: Read> Iterator for CaptureReader<R> {
    type Item = Result<CapturedFrame, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.packet();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;

    fn modbus_frame(len: usize) -> Vec<u8> {
        let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
            .ipv4([10, 20, 1, 21], [10, 20, 1, 11], 64)
            .tcp(49_152, 502, 1, 1_024);
        let mut bytes = Vec::new();
        builder.write(&mut bytes, &vec![7; len]).expect("builds");
        bytes
    }

    fn capture(frames: &[(u64, Vec<u8>)]) -> Vec<u8> {
        let mut writer = CaptureWriter::new(Vec::new(), "cell").expect("writes");
        for (index, (t_ns, bytes)) in frames.iter().enumerate() {
            assert_eq!(
                writer.frame(*t_ns, bytes).expect("writes"),
                index as u64 + 1
            );
        }
        writer.into_inner()
    }

    #[test]
    fn capture_when_written_then_another_reader_agrees_on_everything() {
        let frames: Vec<_> = (0..9)
            .map(|n| {
                (
                    n * 1_000_000_007,
                    modbus_frame(usize::try_from(n).expect("small")),
                )
            })
            .collect();
        let bytes = capture(&frames);
        let mut reader = PcapNgReader::new(&bytes[..]).expect("it is pcapng");
        let mut read = Vec::new();
        while let Some(block) = reader.next_block() {
            let (block, _) = block.expect("every block is well-formed");
            if let Block::EnhancedPacket(packet) = block {
                assert_eq!(packet.original_len as usize, packet.data.len());
                let sliced = etherparse::SlicedPacket::from_ethernet(&packet.data);
                assert!(sliced.expect("parses").transport.is_some());
                let t_ns = packet.timestamp.as_nanos() - u128::from(EPOCH_UNIX_NS);
                read.push((u64::try_from(t_ns).expect("fits"), packet.data.into_owned()));
            }
        }
        assert_eq!(read, frames);
        assert!(
            reader.section().options.is_empty(),
            "nothing of this machine"
        );
        let interface = &reader.interfaces()[0];
        assert_eq!(interface.linktype, DataLink::ETHERNET);
        assert_eq!(
            interface.options,
            [
                InterfaceDescriptionOption::IfName(Cow::Borrowed("cell")),
                InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
            ]
        );
        let ours: Result<Vec<_>, _> = CaptureReader::new(&bytes[..])
            .expect("it is pcapng")
            .collect();
        let ours = ours.expect("reads");
        assert_eq!(ours[8].number, 9);
        assert_eq!(
            ours.into_iter()
                .map(|f| (f.t_ns, f.bytes))
                .collect::<Vec<_>>(),
            frames
        );
    }

    #[test]
    fn capture_when_written_then_bytes_are_these() {
        let mut writer = CaptureWriter::new(Vec::new(), "cell").expect("writes");
        writer
            .frame(1, &[0xaa, 0xbb, 0xcc, 0xdd, 0xee])
            .expect("writes");
        let bytes: Vec<String> = writer
            .into_inner()
            .chunks(4)
            .map(|word| format!("{:02x?}", word))
            .collect();
        insta::assert_snapshot!(bytes.join("\n"));
    }

    #[test]
    fn frame_when_longer_than_the_snap_length_then_cut_and_its_length_kept() {
        let bytes = capture(&[(0, vec![1; 70_000])]);
        let mut reader = PcapNgReader::new(&bytes[..]).expect("it is pcapng");
        let lens = std::iter::from_fn(|| match reader.next_block()?.expect("well-formed").0 {
            Block::EnhancedPacket(packet) => Some((packet.data.len(), packet.original_len)),
            _ => Some((0, 0)),
        });
        assert_eq!(lens.last(), Some((65_535, 70_000)));
    }

    #[test]
    fn capture_when_cut_or_foreign_then_error_and_no_panic() {
        let bytes = capture(&[(0, modbus_frame(1)), (5, modbus_frame(2))]);
        for len in 0..bytes.len() {
            let Ok(reader) = CaptureReader::new(&bytes[..len]) else {
                continue;
            };
            assert!(reader.filter(Result::is_ok).count() < 2, "cut at {len}");
        }
        let cut = CaptureReader::new(&bytes[..bytes.len() - 3]).expect("the header is whole");
        assert!(matches!(cut.last(), Some(Err(ReadError::Damaged(_)))));
        assert!(CaptureReader::new(&b"not a capture, but some text"[..]).is_err());
    }
}
