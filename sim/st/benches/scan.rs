//! Time of one scan, and of a compilation.
//!
//! `filler` is a realistic program of about 150 lines; `pid_ton_latch` is the small one that other
//! virtual machines are measured with; `generated` has 2,000 lines without a branch, so that every
//! instruction runs once in a scan and its elements are instructions.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sim_st::{Image, Machine, compile};

const FILLER: &str = include_str!("../tests/programs/filler.st");
const PID_TON_LATCH: &str = include_str!("../tests/programs/pid_ton_latch.st");

/// Ample for one scan, ns.
const FUEL_NS: u64 = 10_000_000;
const PERIOD_NS: u64 = 10_000_000;

/// A program of `lines` statements over INT, REAL and BOOL, none of which jumps.
fn generated(lines: usize) -> String {
    let mut text = String::from(
        "PROGRAM Generated\nVAR\n    a : ARRAY[0..99] OF INT;\n    n, m : INT := 7;\n    x, y : REAL := 1.5;\n    p, q : BOOL;\nEND_VAR\n",
    );
    for line in 0..lines {
        text.push_str(&match line % 4 {
            0 => format!("    n := m + {};\n", line % 100),
            1 => "    y := x * 0.5 + y;\n".to_owned(),
            2 => "    p := (n > m) AND NOT q;\n".to_owned(),
            _ => format!("    a[{}] := n;\n", line % 100),
        });
    }
    text.push_str("END_PROGRAM\n");
    text
}

fn instructions(criterion: &mut Criterion) {
    let program = compile(&generated(2_000), "generated.st").expect("the program is right");
    let count: u32 = program.pous().iter().map(|pou| pou.instructions).sum();
    let mut machine = Machine::new(Arc::new(program));
    let mut image = Image::new();
    let mut group = criterion.benchmark_group("instructions");
    group.throughput(Throughput::Elements(count.into()));
    group.bench_function("generated", |bencher| {
        bencher.iter(|| {
            let report = machine.scan(black_box(&mut image), 0, FUEL_NS);
            assert_eq!(report.trap, None);
        });
    });
    group.finish();
}

fn scans(criterion: &mut Criterion) {
    for (name, source) in [("filler", FILLER), ("pid_ton_latch", PID_TON_LATCH)] {
        let program = Arc::new(compile(source, name).expect("the program is right"));
        let mut machine = Machine::new(program);
        let mut image = Image::new();
        image.ix[..5].copy_from_slice(&[true, false, true, true, true]);
        image.iw[..2].copy_from_slice(&[12_000, 9_000]);
        let mut now_ns = 0;
        let report = machine.scan(&mut image, now_ns, FUEL_NS);
        assert_eq!(report.trap, None);
        let mut group = criterion.benchmark_group("scan");
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                now_ns += PERIOD_NS;
                black_box(machine.scan(black_box(&mut image), now_ns, FUEL_NS))
            });
        });
        group.finish();
    }
}

fn compilation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    for (name, source) in [
        ("filler", FILLER.to_owned()),
        ("generated", generated(2_000)),
    ] {
        group.throughput(Throughput::Bytes(source.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| compile(black_box(&source), name))
        });
    }
    group.finish();
}

criterion_group!(benches, scans, instructions, compilation);
criterion_main!(benches);
