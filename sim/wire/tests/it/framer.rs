//! Cutting a byte stream into ADUs.

use crate::hex;
use sim_wire::modbus::framer::{Resync, adus_in};
use sim_wire::modbus::{Framed, Framer};

/// Everything the framer yields, as text, when `bytes` arrive in pieces of `chunk_bytes`.
fn frames(bytes: &[u8], chunk_bytes: usize, resync: Option<Resync>) -> Vec<String> {
    let mut framer = Framer::new();
    let mut found = Vec::new();
    for chunk in bytes.chunks(chunk_bytes) {
        framer.push(chunk);
        loop {
            match framer.next_frame() {
                None => break,
                Some(Framed::Adu(adu)) => {
                    found.push(format!("adu {} {:02x?}", adu.transaction(), adu.pdu()));
                }
                Some(Framed::ForeignProtocol(adu)) => {
                    found.push(format!("foreign {}", adu.protocol()));
                }
                Some(Framed::BadLength { length, .. }) => {
                    found.push(format!("bad {length}"));
                    if let Some(how) = resync {
                        framer.resync(how);
                    }
                }
            }
        }
    }
    found
}

#[track_caller]
fn check(bytes: &str, expect: &[&str]) {
    let bytes = hex(bytes);
    for chunk_bytes in 1..=bytes.len() {
        assert_eq!(
            frames(&bytes, chunk_bytes, None),
            expect,
            "in pieces of {chunk_bytes}"
        );
    }
}

#[test]
fn frames_when_whole_or_in_pieces_then_the_same() {
    check(
        "0001 0000 0006 01 03 0000 0001  0002 0000 0002 01 07",
        &["adu 1 [03, 00, 00, 00, 01]", "adu 2 [07]"],
    );
    check("0001 0000 0006 01 03 0000 00", &[]);
    check("", &[]);
}

#[test]
fn frames_when_protocol_foreign_then_skipped_by_length() {
    check(
        "0001 0001 0003 01 0203  0002 0000 0002 01 07",
        &["foreign 1", "adu 2 [07]"],
    );
}

#[test]
fn frames_when_length_bad_then_silent_from_there() {
    for length in [0, 1, 255, 0xFFFF] {
        let stream = format!("0002 0000 0002 01 07 0001 0000 {length:04x} 01 0203 0004 0000 0002");
        check(&stream, &["adu 2 [07]", &format!("bad {length}")]);
    }
}

#[test]
fn frames_when_length_at_its_limits_then_accepted() {
    check("0001 0000 0002 01 03", &["adu 1 [03]"]);
    let longest = format!("0001 0000 00FE 01 {}", "AA".repeat(253));
    let bytes = hex(&longest);
    assert_eq!(bytes.len(), sim_wire::modbus::ADU_MAX_BYTES);
    assert_eq!(frames(&bytes, 7, None).len(), 1);
}

#[test]
fn resync_when_skipping_the_header_then_next_header_is_found() {
    let bytes = hex("0001 0000 0000  0002 0000 0002 01 07");
    for chunk_bytes in 1..=bytes.len() {
        let found = frames(&bytes, chunk_bytes, Some(Resync::SkipHeader));
        assert_eq!(found, ["bad 0", "adu 2 [07]"], "in pieces of {chunk_bytes}");
    }
}

#[test]
fn resync_when_dropping_the_buffer_then_next_segment_is_read() {
    let mut framer = Framer::new();
    framer.push(&hex("0001 0000 0000 0002 0000 0002 01 07"));
    assert!(matches!(
        framer.next_frame(),
        Some(Framed::BadLength { transaction: 1, .. })
    ));
    assert!(framer.is_lost());
    framer.push(&[1, 2, 3]);
    assert_eq!(framer.next_frame(), None);
    assert_eq!(framer.discarded_bytes(), 3);
    framer.resync(Resync::DropBuffered);
    assert_eq!((framer.pending_bytes(), framer.discarded_bytes()), (0, 17));
    framer.push(&hex("0003 0000 0002 01 07"));
    assert!(matches!(framer.next_frame(), Some(Framed::Adu(adu)) if adu.transaction() == 3));
}

#[test]
fn reset_when_lost_then_as_new() {
    let mut framer = Framer::new();
    framer.push(&hex("0001 0000 0000"));
    assert!(framer.next_frame().is_some());
    framer.reset();
    framer.push(&hex("0003 0000 0002 01 07"));
    assert!(matches!(framer.next_frame(), Some(Framed::Adu(_))));
}

#[test]
fn adus_in_when_last_is_cut_then_yielded_as_inconsistent() {
    let payload = hex("0001 0000 0002 01 07  0002 0000 0006 01 03 00");
    let found: Vec<(u16, bool)> = adus_in(&payload)
        .map(|adu| (adu.transaction(), adu.length_is_consistent()))
        .collect();
    assert_eq!(found, [(1, true), (2, false)]);
    assert_eq!(
        adus_in(&hex("0001 0001 0002 01 07")).count(),
        0,
        "a foreign protocol"
    );
    assert_eq!(adus_in(b"GET / HTTP/1.1\r\n").count(), 0);
}
