//! Containers, digests and listings of honest programs.

use crate::support::{FUEL_NS, program};
use sim_st::{Image, Machine, Program, VerifyError, compile};

const SOURCE: &str = include_str!("../programs/filler.st");

#[test]
fn container_when_read_back_then_is_the_same_program() {
    let original = program(SOURCE);
    let bytes = original.to_bytes();
    let copy = Program::from_bytes(&bytes).expect("an honest container is accepted");
    assert_eq!(copy.to_bytes(), bytes);
    assert_eq!(copy.digest(), original.digest());
    assert_eq!(copy.pous(), original.pous());
    let mut machines = [Machine::new(original), Machine::new(copy.into())];
    let mut images = [Image::new(), Image::new()];
    for step in 0..500u64 {
        for (machine, image) in machines.iter_mut().zip(&mut images) {
            image.ix[0] = step % 50 < 40;
            image.iw[0] = u16::try_from(step * 13 % 27_648).expect("below 27648");
            machine.scan(image, step * 10_000_000, FUEL_NS);
        }
        assert_eq!(machines[0].state(), machines[1].state(), "scan {step}");
    }
    assert_eq!(images[0], images[1]);
}

#[test]
fn container_when_damaged_then_is_rejected() {
    let bytes = program(SOURCE).to_bytes();
    let reject = |bytes: &[u8]| Program::from_bytes(bytes).expect_err("damage is noticed");
    assert_eq!(reject(b""), VerifyError::NotAContainer);
    assert_eq!(reject(&bytes[..20]), VerifyError::NotAContainer);
    let mut other = bytes.clone();
    other[4] = 9;
    assert_eq!(reject(&other), VerifyError::Version { found: 9 });
    let mut flipped = bytes.clone();
    flipped[200] ^= 1;
    assert_eq!(reject(&flipped), VerifyError::Digest);
    let mut short = bytes[..bytes.len() - 1].to_vec();
    sim_st::reseal(&mut short);
    assert!(matches!(reject(&short), VerifyError::Malformed { .. }));
    let mut long = bytes;
    long.push(0);
    sim_st::reseal(&mut long);
    assert!(matches!(reject(&long), VerifyError::Malformed { .. }));
}

/// Names of the POUs whose digest differs.
fn changed(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (program(before), program(after));
    let pairs = before.pous().into_iter().zip(after.pous());
    pairs
        .filter(|(a, b)| a.digest != b.digest)
        .map(|(a, _)| a.name)
        .collect()
}

#[test]
fn digest_when_one_pou_changes_then_only_its_own_differs() {
    let source = "FUNCTION F : INT VAR_INPUT x : INT; END_VAR F := x * 3; END_FUNCTION
        FUNCTION_BLOCK B VAR_INPUT x : INT; END_VAR VAR_OUTPUT y : INT; END_VAR VAR t : TON; END_VAR
            t(IN := x > 5, PT := T#2s); y := F(x) + 7; END_FUNCTION_BLOCK
        PROGRAM Main VAR b : B; i : INT := 4; END_VAR b(x := i + 9); i := b.y; END_PROGRAM";
    assert!(changed(source, &format!("(* a remark *)\n\n{source}")).is_empty());
    assert_eq!(
        changed(source, &source.replace("x * 3", "x * 4 + 1")),
        ["F"]
    );
    assert_eq!(changed(source, &source.replace("T#2s", "T#3s")), ["B"]);
    assert_eq!(changed(source, &source.replace("x > 5", "x <= 5")), ["B"]);
    assert_eq!(changed(source, &source.replace("i + 9", "i + 8")), ["Main"]);
    assert_eq!(
        changed(source, &source.replace("INT := 4", "INT := 5")),
        ["Main"]
    );
    assert_ne!(
        program(source).digest(),
        program(&source.replace("T#2s", "T#3s")).digest(),
        "the digest of the whole notices a preset"
    );
}

#[test]
fn listing_when_printed_then_names_operands_costs_and_lines() {
    let source = "PROGRAM Main\nVAR a : INT; t : TON; END_VAR\na := a + 5;\nt(IN := a > 3, PT := T#1s);\nEND_PROGRAM";
    let expected = "\
PROGRAM Main
     0    96 ns  adds.int r0, r0, 5                           ; line 3
     1    96 ns  lts.int r1, 3, r0                            ; line 4
     2    72 ns  move.time r2, T#1000ms                       ; line 4
     3  1440 ns  callstandard TON r1                          ; line 4
     4    60 ns  return                                       ; line 5
";
    assert_eq!(program(source).disassemble(), expected);
}

#[test]
fn variables_when_listed_then_come_with_type_and_flags() {
    let program = program(
        "PROGRAM Main VAR RETAIN n : INT; END_VAR VAR a : ARRAY[1..2] OF REAL; e : R_TRIG; END_VAR
         VAR CONSTANT K : INT := 3; END_VAR n := K; END_PROGRAM",
    );
    let list: Vec<_> = program
        .variables()
        .iter()
        .map(|v| {
            format!(
                "{} {} {} {:?}",
                v.name,
                v.ty,
                v.retain,
                v.array.map(|a| (a.low, a.len))
            )
        })
        .collect();
    let expected = [
        "n INT true None",
        "a REAL false Some((1, 2))",
        "e.CLK BOOL false None",
        "e.Q BOOL false None",
        "e._M BOOL false None",
    ];
    assert_eq!(list, expected);
}

#[test]
fn compiler_when_run_twice_then_yields_the_same_bytes() {
    assert_eq!(program(SOURCE).to_bytes(), program(SOURCE).to_bytes());
    assert!(compile(SOURCE, "other.st").is_ok_and(|p| p.file_name() == "other.st"));
}
