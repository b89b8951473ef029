//! Digests: portable bytes, no ambiguity, text form, chains.

use proptest::prelude::*;
use sim_kernel::{Chain, Digest, Hasher, SimDuration, SimTime};

fn digest(put: impl FnOnce(&mut Hasher)) -> Digest {
    let mut hasher = Hasher::new();
    put(&mut hasher);
    hasher.finish()
}

/// The hasher feeds exactly `bytes` to BLAKE3.
#[track_caller]
fn check_bytes(put: impl FnOnce(&mut Hasher), bytes: &[u8]) {
    assert_eq!(digest(put), Digest::of(bytes));
}

#[test]
fn digest_when_of_known_input_then_is_blake3() {
    // The first two test vectors of the BLAKE3 reference: inputs of no byte and of one zero byte.
    let check = |bytes: &[u8], hex: &str| assert_eq!(Digest::of(bytes).to_string(), hex);
    check(
        &[],
        "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    );
    check(
        &[0],
        "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
    );
    assert_eq!(Hasher::new().finish(), Digest::of(&[]));
}

#[test]
fn put_when_typed_then_gives_the_documented_bytes() {
    check_bytes(|h| h.put_u8(0x01), &[0x01]);
    check_bytes(|h| h.put_u16(0x0102), &[0x02, 0x01]);
    check_bytes(|h| h.put_u32(0x0102_0304), &[0x04, 0x03, 0x02, 0x01]);
    check_bytes(
        |h| h.put_u64(0x0102_0304_0506_0708),
        &[8, 7, 6, 5, 4, 3, 2, 1],
    );
    check_bytes(
        |h| h.put_i64(-2),
        &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    );
    check_bytes(|h| h.put_f64(1.0), &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
    check_bytes(|h| h.put_f64(-0.0), &[0, 0, 0, 0, 0, 0, 0, 0x80]);
    check_bytes(|h| h.put_f64(f64::NAN), &[0, 0, 0, 0, 0, 0, 0xf8, 0x7f]);
    check_bytes(|h| h.put_bool(true), &[1]);
    check_bytes(|h| h.put_bool(false), &[0]);
    check_bytes(|h| h.put_len(3), &[3, 0, 0, 0, 0, 0, 0, 0]);
    check_bytes(|h| h.put_bytes(&[7, 8]), &[2, 0, 0, 0, 0, 0, 0, 0, 7, 8]);
    check_bytes(|h| h.put_str("µ"), &[2, 0, 0, 0, 0, 0, 0, 0, 0xc2, 0xb5]);
    check_bytes(|h| h.put_digest(&Digest([9; 32])), &[9; 32]);
    check_bytes(
        |h| h.put_time(SimTime::from_nanos(258)),
        &[2, 1, 0, 0, 0, 0, 0, 0],
    );
    check_bytes(
        |h| h.put_duration(SimDuration::from_nanos(258)),
        &[2, 1, 0, 0, 0, 0, 0, 0],
    );
}

#[test]
fn put_when_more_than_one_batch_then_gives_the_bytes_in_one_piece() {
    let values: Vec<u32> = (0..20_000).collect();
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    check_bytes(|h| values.iter().for_each(|&v| h.put_u32(v)), &bytes);
    let mut hasher = Hasher::new();
    values.iter().for_each(|&v| hasher.put_u32(v));
    assert_eq!(hasher.finish(), hasher.clone().finish());
    hasher.put_u8(1);
    let longer: Vec<u8> = bytes.into_iter().chain([1]).collect();
    assert_eq!(hasher.finish(), Digest::of(&longer));
}

#[test]
fn put_f64_when_nan_bits_differ_then_hashes_alike() {
    let plain = digest(|h| h.put_f64(f64::NAN));
    for bits in [
        0xfff8_0000_0000_0000,
        0x7ff8_0000_0000_0001,
        0x7ff0_0000_0000_0001,
    ] {
        assert_eq!(
            digest(|h| h.put_f64(f64::from_bits(bits))),
            plain,
            "{bits:#x}"
        );
    }
    assert_ne!(digest(|h| h.put_f64(f64::INFINITY)), plain);
}

#[test]
fn put_str_when_the_boundary_moves_then_differs() {
    let pair = |a: &str, b: &str| {
        digest(|h| {
            h.put_str(a);
            h.put_str(b);
        })
    };
    assert_ne!(pair("ab", "c"), pair("a", "bc"));
    assert_ne!(pair("", "abc"), pair("abc", ""));
}

#[test]
fn finish_when_more_is_put_then_goes_on() {
    let mut hasher = Hasher::new();
    hasher.put_u8(1);
    assert_eq!(hasher.finish(), Digest::of(&[1]));
    hasher.put_u8(2);
    assert_eq!(hasher.finish(), Digest::of(&[1, 2]));
}

#[test]
fn text_when_not_64_hex_digits_then_is_rejected() {
    let good = Digest::of(b"x").to_string();
    for text in [
        "",
        "xyz",
        &good[1..],
        &format!("{good}0"),
        &good.replacen(&good[..1], "g", 1),
    ] {
        let error = text.parse::<Digest>().expect_err("is not a digest");
        assert_eq!(
            error.to_string(),
            format!("`{text}` is not a digest; expected 64 hexadecimal digits")
        );
        assert!(
            serde_json::from_str::<Digest>(&format!("\"{text}\"")).is_err(),
            "{text}"
        );
    }
    assert_eq!(good.to_uppercase().parse::<Digest>(), Ok(Digest::of(b"x")));
}

#[test]
fn chain_when_pushed_then_heads_are_pinned() {
    let mut chain = Chain::new("trace");
    assert!(chain.is_empty());
    assert_eq!(chain.head(), digest(|h| h.put_str("trace")));
    let start = chain.head();
    let item = Digest::of(b"second 1");
    let head = chain.push(&item);
    assert_eq!(
        head,
        Digest::of(&[*start.as_bytes(), *item.as_bytes()].concat())
    );
    assert_eq!(
        head.to_string(),
        "8e9e0bd32526c0984ee2d76e7e1521e3368537d519149c114926f7e2aa3da86a"
    );
    assert_eq!((chain.head(), chain.len()), (head, 1));
}

#[test]
fn chain_when_label_or_order_differs_then_head_differs() {
    let head = |label: &str, items: &[&[u8]]| {
        let mut chain = Chain::new(label);
        for item in items {
            chain.push(&Digest::of(item));
        }
        chain.head()
    };
    let base = head("a", &[b"1", b"2"]);
    assert_eq!(base, head("a", &[b"1", b"2"]));
    for other in [
        head("b", &[b"1", b"2"]),
        head("a", &[b"2", b"1"]),
        head("a", &[b"1"]),
        head("a", &[b"1", b"2", b"2"]),
    ] {
        assert_ne!(base, other);
    }
}

proptest! {
    #[test]
    fn text_when_read_back_then_is_the_same(bytes: [u8; 32]) {
        let digest = Digest(bytes);
        prop_assert_eq!(digest.to_string().parse(), Ok(digest));
        let json = serde_json::to_string(&digest).expect("serialises");
        prop_assert_eq!(&json, &format!("\"{digest}\""));
        prop_assert_eq!(serde_json::from_str::<Digest>(&json).expect("reads"), digest);
    }
}
